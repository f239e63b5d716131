/* SPDX-License-Identifier: MIT */
/*
 * What memory holds at reset, for --entry=adversarial, from QEMU's own loader (qemu: hw/arm/boot.c,
 * hw/core/generic-loader.c) and the boot protocol (linux: Documentation/arch/arm64/booting.rst):
 *
 * - An arm64 Image lies at RAM + text_offset (2 MiB further if that is below 4 KiB): what was loaded, the
 *   file's length, is clean to the PoC, as the protocol demands; the rest up to image_size, its .bss, was
 *   not loaded, and nothing is promised of it. An ELF file's segments are clean as well: a loader that
 *   starts code with the MMU off has cleaned it.
 * - QEMU's first instructions lie in the first page of RAM: clean, since the CPU fetches them with
 *   everything off.
 * - Initial RAM disk, device tree and whatever -device loader brings are data of a loader that ran with
 *   its caches on: the protocol asks nothing for them, so they may be dirty in a cache. What a CPU is
 *   started in (cpu-num=) is clean.
 */
#include "cli/cli.h"

#include <endian.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB          (UINT64_C(1) << 20)
#define STUB_SIZE    UINT64_C(4096)
#define QEMU_DTB_MAX MIB

struct boot {
	const struct qemu_line *line;
	struct cli_ranges *clean, *loaded;
	uint64_t low, high; /* of the kernel */
};

uint64_t cli_file_size(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
}

/* Adds the file's segments where they are loaded. False: no ELF file. */
static bool elf_ranges(const char *path, struct cli_ranges *ranges, uint64_t *low, uint64_t *high)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t count = 0;
	Elf *elf;

	if (fd < 0) {
		return false;
	}
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf == NULL || elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &count) != 0) {
		count = 0;
	}
	*low = UINT64_MAX;
	*high = 0;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (gelf_getphdr(elf, (int)i, &segment) == NULL || segment.p_type != PT_LOAD ||
		    segment.p_memsz == 0) {
			continue;
		}
		cli_range_add(ranges, segment.p_paddr, segment.p_filesz);
		if (segment.p_paddr < *low) {
			*low = segment.p_paddr;
		}
		if (segment.p_paddr + segment.p_memsz > *high) {
			*high = segment.p_paddr + segment.p_memsz;
		}
	}
	elf_end(elf);
	close(fd);
	return *high != 0;
}

static uint64_t dtb_size(const struct qemu_line *line)
{
	/* qemu: system/device_tree.c, load_device_tree(): room to change it in */
	return line->dtb == NULL ? QEMU_DTB_MAX : (cli_file_size(line->dtb) + 10000) * 2;
}

static int image_ranges(struct boot *boot, bool user_gave_clean)
{
	const char *path = boot->line->kernel;
	unsigned char header[64] = {0};
	uint64_t offset = 0x80000, size = cli_file_size(path), text_offset, image_size, taken = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, header, sizeof(header));

	if (fd >= 0) {
		close(fd);
	}
	if (got <= 0) {
		return cli_fail("cannot read the kernel %s", path);
	}
	if (memcmp(header, "\037\213", 2) == 0 || memcmp(header, "\047\005\031\126", 4) == 0 ||
	    memcmp(header + 4, "zimg", 4) == 0) {
		if (user_gave_clean) {
			boot->low = 0;
			return 0;
		}
		return cli_fail("%s is packed (gzip, uImage or EFI zboot): for --entry=adversarial cohcheck must know where it "
				"will lie; unpack it, or give its place with --clean START+SIZE",
				path);
	}
	if (memcmp(header + 56, "ARM\x64", 4) == 0) {
		memcpy(&text_offset, header + 8, sizeof(text_offset));
		memcpy(&image_size, header + 16, sizeof(image_size));
		if (image_size != 0) {
			offset = le64toh(text_offset);
			offset += offset < STUB_SIZE ? 2 * MIB : 0;
			taken = le64toh(image_size);
		}
	}
	boot->low = CLI_RAM_START + offset;
	boot->high = boot->low + (taken > size ? taken : size);
	cli_range_add(boot->clean, boot->low, size);
	return 0;
}

/* -kernel without firmware. */
static int kernel_ranges(struct boot *boot, bool user_gave_clean)
{
	const struct qemu_line *line = boot->line;
	uint64_t at, half = line->ram_size / 2;
	int status;

	if (elf_ranges(line->kernel, boot->clean, &boot->low, &boot->high)) {
		if (boot->low > CLI_RAM_START && dtb_size(line) <= boot->low - CLI_RAM_START) {
			cli_range_add(boot->loaded, CLI_RAM_START, dtb_size(line));
		}
		return 0;
	}
	status = image_ranges(boot, user_gave_clean);
	if (status != 0) {
		return status;
	}
	cli_range_add(boot->clean, CLI_RAM_START, STUB_SIZE);
	at = CLI_RAM_START + (half < 128 * MIB ? half : 128 * MIB);
	if (boot->high > at) {
		at = boot->high;
	}
	at = (at + 4095) & ~UINT64_C(4095);
	if (line->initrd != NULL) {
		uint64_t size = cli_file_size(line->initrd);

		if (size == 0) {
			return cli_fail("cannot read the initial RAM disk %s", line->initrd);
		}
		cli_range_add(boot->loaded, at, size);
		at += size;
	}
	at = (at + 2 * MIB - 1) & ~(2 * MIB - 1);
	cli_range_add(boot->loaded, at, dtb_size(line));
	return 0;
}

static int blob_ranges(struct boot *boot, const struct qemu_blob *blob)
{
	struct cli_ranges *ranges = blob->starts ? boot->clean : boot->loaded;
	uint64_t low, high, size = blob->size;

	if (blob->file != NULL) {
		if (!blob->raw && elf_ranges(blob->file, ranges, &low, &high)) {
			return 0;
		}
		size = cli_file_size(blob->file);
		if (size == 0) {
			return cli_fail("cannot read %s, which is to be loaded at 0x%llx",
					blob->file, (unsigned long long)blob->addr);
		}
	}
	cli_range_add(ranges, blob->addr, size);
	return 0;
}

int cli_boot_ranges(const struct qemu_line *line, bool user_gave_clean, struct cli_ranges *clean,
		    struct cli_ranges *loaded)
{
	struct boot boot = {.line = line, .clean = clean, .loaded = loaded};
	int status = 0;

	if (line->kernel != NULL && line->nr_flashes == 0) {
		status = kernel_ranges(&boot, user_gave_clean);
	} else {
		/* For firmware, and for what -device loader starts: at the start of RAM. */
		cli_range_add(loaded, CLI_RAM_START, dtb_size(line));
	}
	for (size_t i = 0; i < line->nr_blobs && status == 0; i++) {
		status = blob_ranges(&boot, &line->blobs[i]);
	}
	return status;
}
