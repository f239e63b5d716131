/* SPDX-License-Identifier: MIT */
/*
 * Where kernel, device tree and initrd go in a domain's first bank of RAM (xen-abi-arm section
 * 1.4).
 *
 * Pure. An Image goes where its header says. A zImage goes to the address it was linked for, or, as
 * most have none, as high as possible below 128 MiB, away from where it decompresses itself to (linux:
 * Documentation/arch/arm/booting.rst). Tree and initrd each get whole 2 MiB: at 128 MiB if the bank is that large and the kernel
 * ends below; else at the top of the bank; else directly below the kernel. Where Xen gives up
 * because of the 2 MiB, in very small domains, whole pages are tried. Sizes come from file headers
 * and from the boot loader, so every comparison is written as a subtraction that cannot wrap.
 */
#include "dombuild/dombuild_internal.h"

#define PLACE_ALIGN (2 * MIB)
#define PLACE_USUAL (128 * MIB)

/* Larger than any bank instead of wrapping round. */
static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
	return bytes > UINT64_MAX - unit ? UINT64_MAX : ALIGN_UP(bytes, unit);
}

/* The kernel is known to fit. */
static enum place_result place_modules(const struct place_request *request, uint64_t unit,
				       struct placement *placement)
{
	uint64_t size = request->bank_size;
	uint64_t fdt = round_up(request->fdt_bytes, unit);
	uint64_t initrd = round_up(request->initrd_bytes, unit);
	uint64_t below = ALIGN_DOWN(request->text_offset, PAGE_SIZE);
	uint64_t kernel_end = round_up(request->text_offset + request->kernel_bytes, unit);
	uint64_t modules, at;

	if (__builtin_add_overflow(fdt, initrd, &modules) || modules > size) {
		return PLACE_NO_ROOM;
	}
	/* All relative to the bank's start until the end. */
	if (kernel_end <= PLACE_USUAL && size >= PLACE_USUAL && modules <= size - PLACE_USUAL) {
		at = PLACE_USUAL;
	} else if (kernel_end <= ALIGN_DOWN(size - modules, PAGE_SIZE)) {
		at = ALIGN_DOWN(size - modules, PAGE_SIZE);
	} else if (below >= modules) {
		at = below - modules;
	} else {
		return PLACE_NO_ROOM;
	}
	placement->kernel = request->bank_start + request->text_offset;
	placement->fdt = request->bank_start + at;
	placement->initrd = request->bank_start + at + fdt;
	return PLACE_OK;
}

/* Where a zImage goes in the bank; beyond its end where there is no place. */
static uint64_t zimage_offset(const struct place_request *request)
{
	uint64_t end = MIN(request->bank_size, PLACE_USUAL);

	if (request->zimage_start != 0) {
		return request->zimage_start >= request->bank_start
			     ? request->zimage_start - request->bank_start
			     : UINT64_MAX;
	}
	return request->kernel_bytes <= end ? ALIGN_DOWN(end - request->kernel_bytes, PLACE_ALIGN)
					    : UINT64_MAX;
}

enum place_result dombuild_place(const struct place_request *wanted, struct placement *placement)
{
	const struct place_request resolved = {
		.bank_start = wanted->bank_start,
		.bank_size = wanted->bank_size,
		.text_offset = wanted->is_zimage ? zimage_offset(wanted) : wanted->text_offset,
		.kernel_bytes = wanted->kernel_bytes,
		.fdt_bytes = wanted->fdt_bytes,
		.initrd_bytes = wanted->initrd_bytes,
	};
	const struct place_request *request = &resolved;
	uint64_t size = request->bank_size;

	if (request->text_offset > size || request->kernel_bytes > size - request->text_offset) {
		return PLACE_KERNEL_TOO_LARGE;
	}
	if (place_modules(request, PLACE_ALIGN, placement) == PLACE_OK) {
		return PLACE_OK;
	}
	return place_modules(request, PAGE_SIZE, placement);
}
