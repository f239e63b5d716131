/* SPDX-License-Identifier: MIT */
/* Reading of trees: inherited cells, ranges, interrupts; and trees with lengths and counts that
 * make no sense. */
#include "devtree/devtree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "abi/xen.h"

static uint8_t tree[16384];
static struct devtree_writer w;

static void begin(void)
{
	devtree_start(&w, tree, sizeof(tree));
	devtree_begin_node(&w, "");
}

static void end(void)
{
	size_t size;

	devtree_end_node(&w);
	assert_int_equal(devtree_finish(&w, &size), 0);
}

static void cells(const char *name, const uint32_t *cell, unsigned int nr)
{
	devtree_prop_cells(&w, name, cell, nr);
}
#define cells_of(name, ...) \
	cells(name, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static struct devtree_path path_of(const char *name)
{
	struct devtree_path path;

	assert_int_equal(devtree_path_of(tree, fdt_path_offset(tree, name), &path), 0);
	return path;
}

static int reg_of(const char *name, unsigned int idx, struct devtree_range *range)
{
	struct devtree_path path = path_of(name);

	return devtree_reg(tree, &path, idx, range);
}

static void cell_counts_are_inherited(void **state)
{
	unsigned int address_cells, size_cells;
	struct devtree_path path;

	begin();
	devtree_begin_node(&w, "chosen");
	devtree_begin_node(&w, "domU");
	devtree_prop_u32(&w, "#size-cells", 2);
	devtree_end_node(&w);
	devtree_end_node(&w);
	end();
	path = path_of("/chosen");
	assert_int_equal(devtree_cells(tree, &path, &address_cells, &size_cells), 0);
	assert_int_equal(address_cells, 2);
	assert_int_equal(size_cells, 1);
	path = path_of("/chosen/domU");
	assert_int_equal(devtree_cells(tree, &path, &address_cells, &size_cells), 0);
	assert_int_equal(address_cells, 2);
	assert_int_equal(size_cells, 2);
}

static void cell_counts_that_make_no_sense(void **state)
{
	static const uint32_t values[] = {5, 0x40000000, 0xffffffff};

	for (unsigned int i = 0; i < 3; i++) {
		struct devtree_range range;

		begin();
		devtree_prop_u32(&w, "#address-cells", values[i]);
		devtree_begin_node(&w, "device");
		cells_of("reg", 0, 1, 2, 3);
		devtree_end_node(&w);
		end();
		assert_int_equal(reg_of("/device", 0, &range), -XEN_EINVAL);
	}
	for (unsigned int size = 0; size < 8; size++) {
		struct devtree_range range;

		if (size == 4) {
			continue;
		}
		begin();
		devtree_prop(&w, "#size-cells", "\0\0\0\1\0\0\0\1", size);
		devtree_begin_node(&w, "device");
		cells_of("reg", 0, 1, 2, 3);
		devtree_end_node(&w);
		end();
		assert_int_equal(reg_of("/device", 0, &range), -XEN_EINVAL);
	}
}

static void registers(void **state)
{
	struct devtree_range range;

	begin();
	devtree_prop_u32(&w, "#address-cells", 2);
	devtree_prop_u32(&w, "#size-cells", 2);
	devtree_begin_node(&w, "two");
	cells_of("reg", 1, 0x1000, 0, 0x200, 0xffffffff, 0xfffff000, 0, 0x1000);
	devtree_end_node(&w);
	devtree_begin_node(&w, "odd");
	cells_of("reg", 1, 0x1000, 0);
	devtree_end_node(&w);
	devtree_begin_node(&w, "none");
	devtree_end_node(&w);
	end();
	assert_int_equal(reg_of("/two", 0, &range), 0);
	assert_int_equal(range.start, 0x100001000);
	assert_int_equal(range.size, 0x200);
	assert_int_equal(reg_of("/two", 1, &range), -XEN_EINVAL); /* start + size wraps */
	assert_int_equal(reg_of("/two", 2, &range), -XEN_ENOENT);
	assert_int_equal(reg_of("/odd", 0, &range), -XEN_EINVAL);
	assert_int_equal(reg_of("/none", 0, &range), -XEN_ENOENT);
	assert_int_equal(reg_of("/", 0, &range), -XEN_ENOENT);
}

static void addresses_through_two_buses(void **state)
{
	struct devtree_range range;

	begin();
	devtree_prop_u32(&w, "#address-cells", 2);
	devtree_prop_u32(&w, "#size-cells", 2);
	devtree_begin_node(&w, "soc");
	devtree_prop_u32(&w, "#address-cells", 1);
	devtree_prop_u32(&w, "#size-cells", 1);
	cells_of("ranges", 0x0, 0x1, 0x0, 0x10000, 0x20000, 0x2, 0x0, 0x10000);
	devtree_begin_node(&w, "bus");
	devtree_prop_u32(&w, "#address-cells", 2);
	cells_of("ranges", 3, 0x100, 0x21000, 0x1000);
	devtree_begin_node(&w, "device");
	cells_of("reg", 3, 0x180, 0x10, 3, 0x10f0, 0x20, 4, 0, 1);
	devtree_end_node(&w);
	devtree_end_node(&w);
	devtree_begin_node(&w, "direct");
	cells_of("reg", 0xffff, 1, 0xffff, 2, 0x10000, 1);
	devtree_end_node(&w);
	devtree_begin_node(&w, "closed");
	devtree_begin_node(&w, "device");
	cells_of("reg", 0, 1);
	devtree_end_node(&w);
	devtree_end_node(&w);
	devtree_begin_node(&w, "open");
	devtree_prop_empty(&w, "ranges");
	devtree_begin_node(&w, "device");
	cells_of("reg", 0x20004, 4);
	devtree_end_node(&w);
	devtree_end_node(&w);
	devtree_end_node(&w);
	end();
	assert_int_equal(reg_of("/soc/bus/device", 0, &range), 0);
	assert_int_equal(range.start, 0x200001080);
	assert_int_equal(range.size, 0x10);
	assert_int_equal(reg_of("/soc/bus/device", 1, &range), -XEN_ENODEV); /* it sticks out */
	assert_int_equal(reg_of("/soc/bus/device", 2, &range), -XEN_ENODEV);
	assert_int_equal(reg_of("/soc/direct", 0, &range), 0);
	assert_int_equal(range.start, 0x10000ffff);
	assert_int_equal(reg_of("/soc/direct", 1, &range), -XEN_ENODEV);
	assert_int_equal(reg_of("/soc/closed/device", 0, &range), -XEN_ENODEV);
	assert_int_equal(reg_of("/soc/open/device", 0, &range), 0);
	assert_int_equal(range.start, 0x200000004);
}

static void ranges_that_make_no_sense(void **state)
{
	struct devtree_range range;

	begin();
	devtree_prop_u32(&w, "#address-cells", 2);
	devtree_prop_u32(&w, "#size-cells", 2);
	devtree_begin_node(&w, "odd");
	cells_of("ranges", 0, 0, 0, 0, 1);
	devtree_begin_node(&w, "device");
	cells_of("reg", 0, 0, 0, 1);
	devtree_end_node(&w);
	devtree_end_node(&w);
	devtree_begin_node(&w, "wraps");
	cells_of("ranges", 0, 0, 0xffffffff, 0xfffff000, 0, 0x10000);
	devtree_begin_node(&w, "device");
	cells_of("reg", 0, 0x800, 0, 0x1000);
	devtree_end_node(&w);
	devtree_begin_node(&w, "further");
	cells_of("reg", 0, 0x2000, 0, 0x1000);
	devtree_end_node(&w);
	devtree_end_node(&w);
	devtree_begin_node(&w, "nothing");
	devtree_prop_u32(&w, "#address-cells", 0);
	devtree_prop_u32(&w, "#size-cells", 0);
	devtree_prop_u32(&w, "ranges", 1);
	devtree_begin_node(&w, "device");
	devtree_prop_empty(&w, "reg");
	devtree_end_node(&w);
	devtree_end_node(&w);
	end();
	assert_int_equal(reg_of("/odd/device", 0, &range), -XEN_EINVAL);
	assert_int_equal(reg_of("/wraps/device", 0, &range), -XEN_EINVAL);
	assert_int_equal(reg_of("/wraps/further", 0, &range), -XEN_EINVAL);
	assert_int_equal(reg_of("/nothing/device", 0, &range), -XEN_ENODEV);
}

static void pci_windows(void **state)
{
	struct devtree_path path;
	struct devtree_range range;

	begin();
	devtree_prop_u32(&w, "#address-cells", 2);
	devtree_prop_u32(&w, "#size-cells", 2);
	devtree_begin_node(&w, "pcie");
	devtree_prop_u32(&w, "#address-cells", 3);
	cells_of("ranges", 0x2000000, 0, 0x10000000, 0, 0x30000000, 0, 0x1000, 0x3000000, 0x80, 0,
		 0xffffffff, 0, 0xffffffff, 0);
	devtree_begin_node(&w, "card@0");
	cells_of("reg", 0, 0, 0, 0, 0);
	devtree_end_node(&w);
	devtree_end_node(&w);
	end();
	path = path_of("/pcie");
	assert_int_equal(devtree_pci_range(tree, &path, 0, &range), 0);
	assert_int_equal(range.start, 0x30000000);
	assert_int_equal(range.size, 0x1000);
	assert_int_equal(devtree_pci_range(tree, &path, 1, &range), -XEN_EINVAL);
	assert_int_equal(devtree_pci_range(tree, &path, 2, &range), -XEN_ENOENT);
	assert_int_equal(reg_of("/pcie/card@0", 0, &range), -XEN_ENODEV);
}

static void interrupts_of_all_kinds(void **state)
{
	struct devtree_path path;
	struct devtree_irq irq;
	int gic, gpio;

	begin();
	devtree_prop_u32(&w, "interrupt-parent", 1);
	devtree_begin_node(&w, "gic");
	devtree_prop_u32(&w, "phandle", 1);
	devtree_prop_u32(&w, "#interrupt-cells", 3);
	devtree_begin_node(&w, "its");
	cells_of("interrupts", 0, 9, 4);
	devtree_end_node(&w);
	devtree_end_node(&w);
	devtree_begin_node(&w, "gpio");
	devtree_prop_u32(&w, "phandle", 2);
	devtree_prop_u32(&w, "#interrupt-cells", 1);
	cells_of("interrupts", 0, 5, 4);
	devtree_end_node(&w);
	devtree_begin_node(&w, "device");
	cells_of("interrupts", 0, 7, 1, 1, 3, 8);
	devtree_begin_node(&w, "below");
	devtree_prop_u32(&w, "interrupt-parent", 2);
	devtree_prop_u32(&w, "interrupts", 12);
	devtree_end_node(&w);
	devtree_end_node(&w);
	devtree_begin_node(&w, "extended");
	devtree_prop_u32(&w, "interrupts", 99); /* the other wins */
	cells_of("interrupts-extended", 2, 6, 1, 0, 8, 4);
	devtree_end_node(&w);
	end();
	gic = fdt_path_offset(tree, "/gic");
	gpio = fdt_path_offset(tree, "/gpio");

	path = path_of("/device");
	assert_int_equal(devtree_irq(tree, &path, 0, gic, &irq), 0);
	assert_int_equal(irq.controller, gic);
	assert_int_equal(irq.nr_cells, 3);
	assert_int_equal(irq.cell[1], 7);
	assert_int_equal(devtree_irq(tree, &path, 1, gic, &irq), 0);
	assert_int_equal(irq.cell[0], 1);
	assert_int_equal(irq.cell[2], 8);
	assert_int_equal(devtree_irq(tree, &path, 2, gic, &irq), -XEN_ENOENT);
	/* Found by a search when the guess is wrong. */
	assert_int_equal(devtree_irq(tree, &path, 0, gpio, &irq), 0);
	assert_int_equal(irq.controller, gic);

	path = path_of("/device/below");
	assert_int_equal(devtree_irq(tree, &path, 0, gic, &irq), 0);
	assert_int_equal(irq.controller, gpio);
	assert_int_equal(irq.nr_cells, 1);
	assert_int_equal(irq.cell[0], 12);

	path = path_of("/gpio");
	assert_int_equal(devtree_irq(tree, &path, 0, gic, &irq), 0);
	assert_int_equal(irq.controller, gic);

	/* The controller above rules, not the root's interrupt-parent. */
	path = path_of("/gic/its");
	assert_int_equal(devtree_irq(tree, &path, 0, -1, &irq), 0);
	assert_int_equal(irq.controller, gic);

	path = path_of("/extended");
	assert_int_equal(devtree_irq(tree, &path, 0, gic, &irq), 0);
	assert_int_equal(irq.controller, gpio);
	assert_int_equal(irq.cell[0], 6);
	assert_int_equal(devtree_irq(tree, &path, 1, gic, &irq), 0);
	assert_int_equal(irq.controller, gic);
	assert_int_equal(irq.cell[1], 8);
	assert_int_equal(devtree_irq(tree, &path, 2, gic, &irq), -XEN_ENOENT);
}

static void interrupts_that_make_no_sense(void **state)
{
	static const uint32_t counts[] = {0, 5, 0xffffffff};

	for (unsigned int i = 0; i < 3; i++) {
		struct devtree_path path;
		struct devtree_irq irq;
		uint32_t position = 0;

		begin();
		devtree_begin_node(&w, "gic");
		devtree_prop_u32(&w, "phandle", 1);
		devtree_prop_u32(&w, "#interrupt-cells", counts[i]);
		devtree_end_node(&w);
		devtree_begin_node(&w, "device");
		devtree_prop_u32(&w, "interrupt-parent", 1);
		cells_of("interrupts", 0, 1, 2);
		devtree_end_node(&w);
		devtree_begin_node(&w, "extended");
		cells_of("interrupts-extended", 1, 0, 1, 2);
		devtree_end_node(&w);
		devtree_begin_node(&w, "orphan");
		cells_of("interrupts-extended", 77, 0, 1, 2);
		devtree_end_node(&w);
		devtree_begin_node(&w, "map");
		devtree_prop_u32(&w, "#interrupt-cells", counts[i]);
		cells_of("interrupt-map", 0, 0, 0, 1, 0, 1, 2);
		devtree_end_node(&w);
		end();
		path = path_of("/device");
		assert_int_equal(devtree_irq(tree, &path, 0, -1, &irq), -XEN_EINVAL);
		path = path_of("/extended");
		assert_int_equal(devtree_irq(tree, &path, 0, -1, &irq), -XEN_EINVAL);
		path = path_of("/orphan");
		assert_int_equal(devtree_irq(tree, &path, 0, -1, &irq), -XEN_EINVAL);
		path = path_of("/map");
		assert_int_equal(devtree_irq_map(tree, &path, &position, -1, &irq), -XEN_EINVAL);
	}
}

static void interrupt_maps(void **state)
{
	struct devtree_path path;
	struct devtree_irq irq;
	uint32_t position = 0;

	begin();
	devtree_begin_node(&w, "gic");
	devtree_prop_u32(&w, "phandle", 1);
	devtree_prop_u32(&w, "#interrupt-cells", 3);
	devtree_prop_u32(&w, "#address-cells", 2);
	devtree_end_node(&w);
	devtree_begin_node(&w, "other");
	devtree_prop_u32(&w, "phandle", 2);
	devtree_prop_u32(&w, "#interrupt-cells", 1);
	devtree_end_node(&w);
	devtree_begin_node(&w, "pcie");
	devtree_prop_u32(&w, "#address-cells", 3);
	devtree_prop_u32(&w, "#interrupt-cells", 1);
	cells_of("interrupt-map", 0, 0, 0, 1, 1, 0, 0, 0, 3, 4, 0, 0, 0, 2, 2, 55, 0, 0, 0, 3, 1, 0,
		 0, 0, 4);
	devtree_end_node(&w);
	end();
	path = path_of("/pcie");
	assert_int_equal(devtree_irq_map(tree, &path, &position, fdt_path_offset(tree, "/gic"), &irq),
			 0);
	assert_int_equal(irq.nr_cells, 3);
	assert_int_equal(irq.cell[1], 3);
	assert_int_equal(devtree_irq_map(tree, &path, &position, fdt_path_offset(tree, "/gic"), &irq),
			 0);
	assert_int_equal(irq.controller, fdt_path_offset(tree, "/other"));
	assert_int_equal(irq.cell[0], 55);
	assert_int_equal(devtree_irq_map(tree, &path, &position, fdt_path_offset(tree, "/gic"), &irq),
			 -XEN_EINVAL);
}

static void memory_banks(void **state)
{
	struct devtree_range bank[4];
	int bad;

	begin();
	devtree_prop_u32(&w, "#address-cells", 1);
	devtree_prop_u32(&w, "#size-cells", 1);
	devtree_begin_node(&w, "memory@80000000");
	devtree_prop_string(&w, "device_type", "memory");
	cells_of("reg", 0x80000000, 0x1000, 0x40000000, 0x2000, 0, 0);
	devtree_end_node(&w);
	devtree_begin_node(&w, "memory");
	devtree_prop_string(&w, "device_type", "memory");
	cells_of("reg", 0x40002000, 0x1000);
	devtree_end_node(&w);
	devtree_begin_node(&w, "memory@90000000");
	devtree_prop_string(&w, "device_type", "memory");
	devtree_prop_string(&w, "status", "disabled");
	cells_of("reg", 0x90000000, 0x1000);
	devtree_end_node(&w);
	devtree_begin_node(&w, "memory-controller@1000");
	devtree_prop_string(&w, "device_type", "memory");
	cells_of("reg", 0x1000, 0x1000);
	devtree_end_node(&w);
	devtree_begin_node(&w, "memory@a0000000");
	devtree_prop_string(&w, "device_type", "memory");
	cells_of("reg", 0xa0000000);
	devtree_end_node(&w);
	end();
	assert_int_equal(devtree_memory_banks(tree, bank, 4, &bad), 2);
	assert_int_equal(bank[0].start, 0x40000000);
	assert_int_equal(bank[0].size, 0x3000);
	assert_int_equal(bank[1].start, 0x80000000);
	assert_int_equal(bad, fdt_path_offset(tree, "/memory@a0000000"));
	/* Too many for the caller. */
	assert_int_equal(devtree_memory_banks(tree, bank, 2, &bad), 2);
	assert_int_equal(bad, fdt_path_offset(tree, "/memory"));
	assert_int_equal(devtree_reserved_memory(tree, -1, bank, 4, &bad), 0);
}

static void strings_and_status(void **state)
{
	int error;

	begin();
	devtree_begin_node(&w, "a");
	devtree_prop(&w, "name", "abc", 3);
	devtree_prop_empty(&w, "empty");
	devtree_prop_string(&w, "status", "okay");
	devtree_end_node(&w);
	devtree_begin_node(&w, "b");
	devtree_prop(&w, "status", "okay", 4);
	devtree_end_node(&w);
	end();
	assert_null(devtree_get_string(tree, fdt_path_offset(tree, "/a"), "name", &error));
	assert_int_equal(error, -XEN_EINVAL);
	assert_null(devtree_get_string(tree, fdt_path_offset(tree, "/a"), "empty", &error));
	assert_int_equal(error, -XEN_EINVAL);
	assert_null(devtree_get_string(tree, fdt_path_offset(tree, "/a"), "none", &error));
	assert_int_equal(error, -XEN_ENOENT);
	assert_true(devtree_is_available(tree, fdt_path_offset(tree, "/a")));
	assert_false(devtree_is_available(tree, fdt_path_offset(tree, "/b")));
	assert_true(devtree_is_available(tree, 0));
}

static void paths(void **state)
{
	struct devtree_path path;

	begin();
	for (unsigned int i = 0; i < 20; i++) {
		devtree_begin_node(&w, "n");
	}
	for (unsigned int i = 0; i < 20; i++) {
		devtree_end_node(&w);
	}
	end();
	path = path_of("/n/n");
	assert_int_equal(path.depth, 2);
	assert_int_equal(path.node[1], fdt_path_offset(tree, "/n"));
	assert_int_equal(devtree_path_of(tree,
					 fdt_path_offset(tree, "/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n"),
					 &path),
			 -XEN_EINVAL);
	assert_int_equal(devtree_path_of(tree, 2, &path), -XEN_EINVAL);
	assert_int_equal(devtree_path_of(tree, 1 << 20, &path), -XEN_EINVAL);
}

/* Bytes of a good tree changed at random: an answer each time. ASan watches. */
static void damaged_trees(void **state)
{
	static uint8_t good[sizeof(tree)];

	interrupt_maps(NULL);
	memcpy(good, tree, sizeof(good));
	srand(7);
	for (unsigned int round = 0; round < 20000; round++) {
		size_t size = fdt_totalsize(good);
		uint8_t *copy = malloc(size);
		struct devtree_range range[4];
		int node = 0, depth = 0, bad;

		memcpy(copy, good, size);
		for (int i = rand() % 4; i >= 0; i--) {
			copy[rand() % (int)size] = (uint8_t)rand();
		}
		if (fdt_check_header(copy) == 0 && fdt_totalsize(copy) <= size) {
			(void)devtree_memory_banks(copy, range, 4, &bad);
			(void)devtree_reserved_memory(copy,
						      fdt_path_offset(copy, "/reserved-memory"),
						      range, 4, &bad);
			for (; node >= 0; node = fdt_next_node(copy, node, &depth)) {
				struct devtree_path path;
				struct devtree_irq irq;
				uint32_t position = 0;

				if (devtree_path_of(copy, node, &path) != 0) {
					continue;
				}
				(void)!devtree_reg(copy, &path, 0, range);
				(void)!devtree_pci_range(copy, &path, 0, range);
				(void)!devtree_irq(copy, &path, 1, -1, &irq);
				while (devtree_irq_map(copy, &path, &position, -1, &irq) == 0) {
				}
			}
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cell_counts_are_inherited),
		cmocka_unit_test(cell_counts_that_make_no_sense),
		cmocka_unit_test(registers),
		cmocka_unit_test(addresses_through_two_buses),
		cmocka_unit_test(ranges_that_make_no_sense),
		cmocka_unit_test(pci_windows),
		cmocka_unit_test(interrupts_of_all_kinds),
		cmocka_unit_test(interrupts_that_make_no_sense),
		cmocka_unit_test(interrupt_maps),
		cmocka_unit_test(memory_banks),
		cmocka_unit_test(strings_and_status),
		cmocka_unit_test(paths),
		cmocka_unit_test(damaged_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
