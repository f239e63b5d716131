/* SPDX-License-Identifier: MIT */
/* Trees of guests, read back: every node of xen-abi-arm sections 1.7 to 1.10 with what Linux
 * looks for. */
#include "devtree/devtree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "abi/xen.h"

static uint8_t tree[65536];

static const struct devtree_guest plain = {
	.ram_size = UINT64_C(64) << 20,
	.nr_cpus = 1,
	.gic_version = 3,
	.bootargs = "console=ttyAMA0",
};

static void write_guest(const struct devtree_guest *guest)
{
	size_t size = 0;
	size_t bound = devtree_guest_bound(guest);
	void *exact = malloc(bound);

	/* The bound is enough, and not a byte behind the buffer is written. */
	assert_non_null(exact);
	assert_int_equal(devtree_write_guest(guest, exact, bound, &size), 0);
	assert_true(size <= bound);
	assert_int_equal(fdt_check_full(exact, size), 0);
	memcpy(tree, exact, size);
	free(exact);
}

static int node(const char *path)
{
	return fdt_path_offset(tree, path);
}

static void expect_cells(const char *path, const char *name, const uint32_t *cell, unsigned int nr)
{
	int size;
	const fdt32_t *at = fdt_getprop(tree, node(path), name, &size);

	assert_non_null(at);
	assert_int_equal(size, nr * 4);
	for (unsigned int i = 0; i < nr; i++) {
		assert_int_equal(fdt32_ld(at + i), cell[i]);
	}
}
#define expect_cells_of(path, name, ...)                          \
	expect_cells(path, name, (const uint32_t[]){__VA_ARGS__}, \
		     sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void expect_text(const char *path, const char *name, const char *value)
{
	int error;
	const char *text = devtree_get_string(tree, node(path), name, &error);

	assert_non_null(text);
	assert_string_equal(text, value);
}

static void what_every_guest_has(void **state)
{
	write_guest(&plain);
	expect_text("/", "model", "XENVM-4.17");
	assert_true(devtree_is_compatible(tree, 0, "xen,xenvm-4.17"));
	assert_true(devtree_is_compatible(tree, 0, "xen,xenvm"));
	expect_cells_of("/", "interrupt-parent", 65000);
	expect_cells_of("/", "#address-cells", 2);
	expect_cells_of("/", "#size-cells", 2);
	expect_text("/chosen", "bootargs", "console=ttyAMA0");
	assert_null(fdt_getprop(tree, node("/chosen"), "linux,initrd-start", NULL));
	expect_text("/psci", "method", "hvc");
	assert_true(devtree_is_compatible(tree, node("/psci"), "arm,psci-1.0"));
	assert_true(devtree_is_compatible(tree, node("/psci"), "arm,psci"));
	expect_cells_of("/psci", "cpu_off", 1);
	expect_cells_of("/psci", "cpu_on", 2);
	expect_cells_of("/memory@40000000", "reg", 0, 0x40000000, 0, 0x4000000);
	expect_text("/memory@40000000", "device_type", "memory");
	expect_text("/timer", "compatible", "arm,armv8-timer");
	expect_cells_of("/timer", "interrupts", 1, 13, 0xf08, 1, 14, 0xf08, 1, 11, 0xf08);
	assert_null(fdt_getprop(tree, node("/timer"), "clock-frequency", NULL));
	expect_text("/cpus/cpu@0", "compatible", "arm,armv8");
	expect_text("/cpus/cpu@0", "enable-method", "psci");
	assert_true(node("/hypervisor") < 0);
	assert_true(node("/sbsa-uart@22000000") < 0);
}

static void interrupt_controllers(void **state)
{
	struct devtree_guest guest = plain;

	write_guest(&guest);
	assert_true(devtree_is_compatible(tree, node("/interrupt-controller@3001000"), "arm,gic-v3"));
	expect_cells_of("/interrupt-controller@3001000", "reg", 0, 0x3001000, 0, 0x10000, 0,
			0x3020000, 0, 0x1000000);
	assert_int_equal(fdt_get_phandle(tree, node("/interrupt-controller@3001000")), 65000);
	guest.gic_version = 2;
	write_guest(&guest);
	assert_true(
		devtree_is_compatible(tree, node("/interrupt-controller@3001000"), "arm,gic-400"));
	expect_cells_of("/interrupt-controller@3001000", "reg", 0, 0x3001000, 0, 0x1000, 0,
			0x3002000, 0, 0x2000);
	expect_cells_of("/interrupt-controller@3001000", "#interrupt-cells", 3);
}

static void optional_devices(void **state)
{
	struct devtree_guest guest = plain;

	guest.has_vpl011 = true;
	guest.has_hypervisor = true;
	guest.ipa_bits = 40;
	guest.clock_frequency = 62500000;
	guest.rng_seed = "0123456789abcdef";
	guest.rng_seed_size = 16;
	write_guest(&guest);
	expect_text("/sbsa-uart@22000000", "compatible", "arm,sbsa-uart");
	expect_cells_of("/sbsa-uart@22000000", "reg", 0, 0x22000000, 0, 0x1000);
	expect_cells_of("/sbsa-uart@22000000", "interrupts", 0, 0, 4);
	expect_cells_of("/sbsa-uart@22000000", "current-speed", 115200);
	expect_cells_of("/timer", "clock-frequency", 62500000);
	expect_text("/hypervisor", "compatible", "xen,xen-4.17");
	assert_true(devtree_is_compatible(tree, node("/hypervisor"), "xen,xen"));
	expect_cells_of("/hypervisor", "interrupts", 1, 15, 0xf08);
	expect_cells_of("/hypervisor", "reg", 0, 0x38000000, 0, 0x1000000, 0, 0x44000000, 0,
			0xbc000000, 2, 0, 0xfe, 0);
	assert_memory_equal(fdt_getprop(tree, node("/chosen"), "rng-seed", NULL),
			    "0123456789abcdef", 16);
}

static void two_banks_and_many_cpus(void **state)
{
	struct devtree_guest guest = plain;

	guest.ram_size = UINT64_C(4) << 30;
	guest.nr_cpus = 128;
	guest.cpu_compatible = "arm,neoverse-n1\0arm,armv8";
	guest.cpu_compatible_size = 26;
	guest.bootargs = NULL;
	write_guest(&guest);
	expect_cells_of("/memory@40000000", "reg", 0, 0x40000000, 0, 0xc0000000, 2, 0, 0,
			0x40000000);
	expect_cells_of("/cpus/cpu@f", "reg", 0xf);
	expect_cells_of("/cpus/cpu@100", "reg", 0x100);
	expect_cells_of("/cpus/cpu@70f", "reg", 0x70f);
	assert_true(devtree_is_compatible(tree, node("/cpus/cpu@70f"), "arm,neoverse-n1"));
	assert_null(fdt_getprop(tree, node("/chosen"), "bootargs", NULL));
}

static void initrd_is_filled_in_afterwards(void **state)
{
	struct devtree_guest guest = plain;
	uint64_t value;

	write_guest(&guest);
	assert_int_equal(devtree_set_initrd(tree, 1, 2), -XEN_EINVAL);
	guest.has_initrd = true;
	write_guest(&guest);
	assert_int_equal(devtree_set_initrd(tree, 0x123456789000, 0x1001), 0);
	assert_int_equal(devtree_get_u64(tree, node("/chosen"), "linux,initrd-start", &value), 0);
	assert_int_equal(value, 0x123456789000);
	assert_int_equal(devtree_get_u64(tree, node("/chosen"), "linux,initrd-end", &value), 0);
	assert_int_equal(value, 0x12345678a001);
}

static void impossible_guests(void **state)
{
	struct devtree_guest guest = plain;
	size_t size;

	guest.ram_size = 0;
	assert_int_equal(devtree_write_guest(&guest, tree, sizeof(tree), &size), -XEN_EINVAL);
	guest.ram_size = UINT64_MAX;
	assert_int_equal(devtree_write_guest(&guest, tree, sizeof(tree), &size), -XEN_EINVAL);
	guest = plain;
	guest.nr_cpus = 0;
	assert_int_equal(devtree_write_guest(&guest, tree, sizeof(tree), &size), -XEN_EINVAL);
	guest.nr_cpus = 129;
	assert_int_equal(devtree_write_guest(&guest, tree, sizeof(tree), &size), -XEN_EINVAL);
	guest = plain;
	guest.gic_version = 4;
	assert_int_equal(devtree_write_guest(&guest, tree, sizeof(tree), &size), -XEN_EINVAL);
}

/* Whatever the size of the buffer: the tree, or -XEN_ENOSPC and nothing behind it. */
static void buffers_that_are_too_small(void **state)
{
	struct devtree_guest guest = plain;
	size_t needed = 0, size;
	bool fitted = false;

	guest.has_hypervisor = true;
	guest.ipa_bits = 40;
	guest.has_vpl011 = true;
	write_guest(&guest);
	needed = fdt_totalsize(tree);
	for (size_t room = 0; room < needed + 64; room += 4) {
		void *buffer = malloc(room != 0 ? room : 1);
		int rc = devtree_write_guest(&guest, buffer, room, &size);

		assert_true(rc == (fitted ? 0 : rc));
		assert_true(rc == 0 || rc == -XEN_ENOSPC);
		fitted = rc == 0;
		free(buffer);
	}
	assert_true(fitted);
}

static void a_number_wider_than_its_cells(void **state)
{
	const struct devtree_range wide = {UINT64_C(1) << 32, 4096}, narrow = {0xfffff000, 4096};
	struct devtree_writer w;
	size_t size;

	devtree_start(&w, tree, sizeof(tree));
	w.address_cells = 1;
	w.size_cells = 1;
	devtree_begin_node(&w, "");
	devtree_begin_node_at(&w, "memory", narrow.start);
	devtree_prop_reg(&w, &narrow, 1);
	assert_int_equal(w.error, 0);
	devtree_prop_reg(&w, &wide, 1);
	assert_int_equal(w.error, -XEN_EINVAL);
	/* It sticks. */
	devtree_end_node(&w);
	devtree_end_node(&w);
	assert_int_equal(devtree_finish(&w, &size), -XEN_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_every_guest_has),
		cmocka_unit_test(interrupt_controllers),
		cmocka_unit_test(optional_devices),
		cmocka_unit_test(two_banks_and_many_cpus),
		cmocka_unit_test(initrd_is_filled_in_afterwards),
		cmocka_unit_test(impossible_guests),
		cmocka_unit_test(buffers_that_are_too_small),
		cmocka_unit_test(a_number_wider_than_its_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
