/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader's device tree to the frame table and the pool: RAM banks, what is reserved in them,
 * and Tenon's own copy of the tree. Devicetree specification, "/memory node", "/reserved-memory node".
 */
#include "boot/boot.h"

#include <libfdt.h>

#include "dombuild/dombuild.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/rangeset.h"
#include "lib/string.h"
#include "mm/mm_internal.h"

/* Free lists hold frame numbers in 32 bits: 16 TiB. */
#define RAM_LIMIT (UINT64_C(1) << 44)

static struct range ram_storage[RAM_MAX_BANKS] __initbss;
static struct rangeset ram __initbss;
static struct range free_storage[RAM_MAX_BANKS * 2] __initbss;
static struct rangeset free_ram __initbss;
static maddr_t fdt_start __initbss;
static uint64_t fdt_bytes __initbss;

static uint64_t __init read_cells(const fdt32_t *cells, int nr)
{
	uint64_t value = 0;

	for (int n = 0; n < nr; n++) {
		value = value << 32 | fdt32_to_cpu(cells[n]);
	}
	return value;
}

typedef void (*reg_visitor_t)(const char *node, uint64_t start, uint64_t size);

/* Each (address, size) of a node's reg, with the cell counts of its parent. */
static void __init for_each_reg(const void *fdt, int parent, int node, reg_visitor_t visit)
{
	int address_cells = fdt_address_cells(fdt, parent);
	int size_cells = fdt_size_cells(fdt, parent);
	const char *name = fdt_get_name(fdt, node, NULL);
	int length;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &length);

	if (!reg) {
		return;
	}
	if (address_cells < 1 || address_cells > 2 || size_cells < 0 || size_cells > 2) {
		log_error("device tree: %s has reg with %d address and %d size cells: ignored",
			  name ? name : "?", address_cells, size_cells);
		return;
	}
	for (int pos = 0; pos + 4 * (address_cells + size_cells) <= length;
	     pos += 4 * (address_cells + size_cells)) {
		uint64_t start = read_cells(reg, address_cells);
		uint64_t size = read_cells(reg + address_cells, size_cells);

		reg += address_cells + size_cells;
		if (start + size < start) {
			log_error("device tree: %s has reg 0x%lx + 0x%lx, which wraps: ignored",
				  name ? name : "?", start, size);
			continue;
		}
		visit(name ? name : "?", start, size);
	}
}

static bool __init node_is_enabled(const void *fdt, int node)
{
	int length;
	const char *status = fdt_getprop(fdt, node, "status", &length);

	return !status || strcmp(status, "ok") == 0 || strcmp(status, "okay") == 0;
}

static void __init add_ram(const char *node, uint64_t start, uint64_t size)
{
	uint64_t first = ALIGN_UP(start, PAGE_SIZE);
	uint64_t end = ALIGN_DOWN(start + size, PAGE_SIZE);

	if (end > RAM_LIMIT) {
		log_warning("RAM above 16 TiB is not used (%s)", node);
		end = RAM_LIMIT;
	}
	if (first < end && rangeset_add(&ram, first, end) != 0) {
		log_warning("device tree: more than %d banks of RAM: %s is not used", RAM_MAX_BANKS,
			    node);
	}
}

static void __init reserve(const char *what, uint64_t start, uint64_t size)
{
	uint64_t first = ALIGN_DOWN(start, PAGE_SIZE);
	uint64_t end = ALIGN_UP(start + size, PAGE_SIZE);

	/* Losing a reservation would hand out somebody's memory: rather stop. */
	if (rangeset_remove(&free_ram, first, end) != 0) {
		panic("device tree: too many reserved ranges; the last is %s", what);
	}
}

static void __init find_ram(const void *fdt)
{
	int node;

	fdt_for_each_subnode(node, fdt, 0) {
		const char *name = fdt_get_name(fdt, node, NULL);
		const char *type;
		int length;

		if (!name || strncmp(name, "memory", 6) != 0 || (name[6] != '@' && name[6] != '\0')) {
			continue;
		}
		type = fdt_getprop(fdt, node, "device_type", &length);
		if (type && strcmp(type, "memory") == 0 && node_is_enabled(fdt, node)) {
			for_each_reg(fdt, 0, node, add_ram);
		}
	}
	if (ram.nr == 0) {
		panic("the device tree has no usable memory node (device_type = \"memory\" with reg)");
	}
}

static void __init find_reserved(const void *fdt)
{
	int parent = fdt_path_offset(fdt, "/reserved-memory");
	int nr = fdt_num_mem_rsv(fdt);
	int node;

	for (int n = 0; n < nr; n++) {
		uint64_t start, size;

		if (fdt_get_mem_rsv(fdt, n, &start, &size) == 0 && start + size >= start) {
			reserve("a memory reserve entry", start, size);
		}
	}
	if (parent >= 0) {
		fdt_for_each_subnode(node, fdt, parent) {
			for_each_reg(fdt, parent, node, reserve);
		}
	}
	reserve("the device tree", fdt_start, fdt_bytes);
	reserve("Tenon", image_maddr, (uint64_t)(image_end - image_start));
	for (unsigned int n = 0; n < boot_info.nr_modules; n++) {
		reserve("a boot module", boot_info.module[n].start, boot_info.module[n].size);
	}
}

/* The frame table of each bank, in the bank itself where it fits. */
static void __init make_frame_table(void)
{
	const struct range *bank;

	rangeset_for_each(bank, &ram) {
		uint64_t first = bank->start >> PAGE_SHIFT;
		uint64_t end = bank->end >> PAGE_SHIFT;
		uint64_t bytes = frame_table_bytes(first, end);
		/* 2 MiB blocks at EL2 where the table is large enough. */
		uint64_t align = bytes >= UINT64_C(0x200000) ? UINT64_C(0x200000) : PAGE_SIZE;
		uint64_t at;

		if (!rangeset_find_fit(&free_ram, bank->start, bank->end, bytes, align, &at) &&
		    !rangeset_find_fit(&free_ram, 0, RAM_LIMIT, bytes, align, &at)) {
			panic("no room for the frame table of RAM at 0x%lx (%lu KiB)", bank->start,
			      bytes >> 10);
		}
		if (hyp_map_prepare_ram(bank->start, bank->end) != 0 ||
		    frame_table_add_bank(first, end, at) != 0) {
			panic("no memory for tables of RAM at 0x%lx", bank->start);
		}
		reserve("the frame table", at, bytes);
	}
}

static void __init mark_and_release(void)
{
	const struct range *bank, *range;

	rangeset_for_each(bank, &ram) {
		uint64_t at = bank->start;

		/* What is RAM but not free keeps its frames out of the pool. */
		rangeset_for_each(range, &free_ram) {
			if (range->end <= bank->start || range->start >= bank->end) {
				continue;
			}
			frame_table_mark(at >> PAGE_SHIFT, range->start >> PAGE_SHIFT,
					 FRAME_RESERVED);
			frame_pool_add(range->start >> PAGE_SHIFT, range->end >> PAGE_SHIFT);
			at = range->end;
		}
		frame_table_mark(at >> PAGE_SHIFT, bank->end >> PAGE_SHIFT, FRAME_RESERVED);
	}
	frame_table_mark(image_maddr >> PAGE_SHIFT,
			 (image_maddr + (uint64_t)(image_end - image_start)) >> PAGE_SHIFT,
			 FRAME_TENON);
}

void __init boot_memory_init(const void *fdt, maddr_t fdt_maddr, uint64_t fdt_size)
{
	const struct range *bank;

	fdt_start = fdt_maddr;
	fdt_bytes = fdt_size;
	rangeset_init(&ram, ram_storage, ARRAY_SIZE(ram_storage));
	rangeset_init(&free_ram, free_storage, ARRAY_SIZE(free_storage));
	find_ram(fdt);
	rangeset_for_each(bank, &ram) {
		if (rangeset_add(&free_ram, bank->start, bank->end) != 0) {
			panic("device tree: too many banks of RAM");
		}
	}
	find_reserved(fdt);
	make_frame_table();
	mark_and_release();
}

const void *__init boot_memory_keep_fdt(const void *fdt)
{
	/* Loaders leave slack behind the blocks (QEMU a whole MiB): only what is used is kept. */
	uint64_t used = MAX(fdt_off_dt_struct(fdt) + (uint64_t)fdt_size_dt_struct(fdt),
			    fdt_off_dt_strings(fdt) + (uint64_t)fdt_size_dt_strings(fdt));
	unsigned int order = 0;
	void *copy;

	used = MAX(used,
		   (uint64_t)fdt_off_mem_rsvmap(fdt) + 16 * ((uint64_t)fdt_num_mem_rsv(fdt) + 1));
	while (PAGE_SIZE << order < used) {
		order++;
	}
	copy = order <= FRAME_ORDER_MAX ? hyp_alloc(order) : NULL;
	if (!copy) {
		panic("no memory for a copy of the device tree (%lu bytes)", used);
	}
	memcpy(copy, fdt, used);
	fdt_set_totalsize(copy, used);
	frame_pool_release_boot(fdt_start, fdt_bytes);
	return copy;
}
