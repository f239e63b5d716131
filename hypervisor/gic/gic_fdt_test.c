/* SPDX-License-Identifier: MIT */
/* Discovery of the interrupt controller: QEMU's trees, other shapes that the bindings allow, and malformed ones. */
#include "gic/gic_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "abi/xen.h"
#include "lib/log.h"

static char blob[4096];
static char last_message[256];
static struct gic_info info;

void log_write(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_message, sizeof(last_message), format, args);
	va_end(args);
}

static int set_up(void **state)
{
	last_message[0] = '\0';
	memset(&info, 0xa5, sizeof(info));
	return 0;
}

/* ---- writing trees ------------------------------------------------------------------------------ */

static void cells(const char *name, const uint32_t *value, unsigned int nr)
{
	fdt32_t be[32];

	assert_true(nr <= ARRAY_SIZE(be));
	for (unsigned int i = 0; i < nr; i++) {
		be[i] = cpu_to_fdt32(value[i]);
	}
	assert_int_equal(fdt_property(blob, name, be, (int)(nr * sizeof(be[0]))), 0);
}

#define CELLS(name, ...)                             \
	cells(name, (const uint32_t[]){__VA_ARGS__}, \
	      sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void begin_root(void)
{
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	CELLS("interrupt-parent", 1);
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
}

static void begin_controller(const char *name, const char *compatible)
{
	assert_int_equal(fdt_begin_node(blob, name), 0);
	assert_int_equal(fdt_property_string(blob, "compatible", compatible), 0);
	assert_int_equal(fdt_property(blob, "interrupt-controller", NULL, 0), 0);
	CELLS("#interrupt-cells", 3);
	CELLS("phandle", 1);
}

/* Ends the open node and the root. */
static int finish_and_parse(void)
{
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
	return gic_fdt_parse(blob, &info);
}

/* ---- what must be found --------------------------------------------------------------------------- */

static void gicv2_of_qemu_is_found(void **state)
{
	begin_root();
	begin_controller("intc@8000000", "arm,cortex-a15-gic");
	CELLS("reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000, 0, 0x8030000, 0, 0x10000,
	      0, 0x8040000, 0, 0x10000);
	CELLS("interrupts", 1, 9, 4);
	assert_int_equal(finish_and_parse(), 0);
	assert_int_equal(info.version, GIC_V2);
	assert_int_equal(info.dist_base, 0x8000000);
	assert_int_equal(info.dist_size, 0x10000);
	assert_int_equal(info.cpu_base, 0x8010000);
	assert_int_equal(info.gich_base, 0x8030000);
	assert_int_equal(info.gicv_base, 0x8040000);
	assert_int_equal(info.gicv_size, 0x10000);
	assert_int_equal(info.v2_alias_offset, 0);
	assert_int_equal(info.maintenance_intid, 25);
	assert_int_equal(info.nr_redist_regions, 0);
	assert_int_equal(info.fdt_node, fdt_path_offset(blob, "/intc@8000000"));
	assert_string_equal(last_message, "");
}

static void gicv3_of_qemu_is_found(void **state)
{
	begin_root();
	begin_controller("intc@8000000", "arm,gic-v3");
	CELLS("reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
	CELLS("#redistributor-regions", 1);
	CELLS("interrupts", 1, 9, 4);
	assert_int_equal(finish_and_parse(), 0);
	assert_int_equal(info.version, GIC_V3);
	assert_int_equal(info.dist_base, 0x8000000);
	assert_int_equal(info.nr_redist_regions, 1);
	assert_int_equal(info.redist_region[0].base, 0x80a0000);
	assert_int_equal(info.redist_region[0].size, 0xf60000);
	assert_int_equal(info.redist_stride, 0);
	assert_int_equal(info.maintenance_intid, 25);
	assert_int_equal(info.cpu_base, 0);
	assert_int_equal(info.gicv_size, 0);
}

static void gicv3_with_two_regions_stride_and_legacy_frames(void **state)
{
	begin_root();
	begin_controller("gic", "arm,gic-v3");
	CELLS("reg", 0, 0x2f000000, 0, 0x10000, 0, 0x2f100000, 0, 0x200000, 0x40, 0, 0, 0x400000, 0,
	      0x2c000000, 0, 0x2000, 0, 0x2c010000, 0, 0x2000, 0, 0x2c02f000, 0, 0x2000);
	CELLS("#redistributor-regions", 2);
	CELLS("redistributor-stride", 0, 0x40000);
	CELLS("interrupts", 1, 8, 4);
	assert_int_equal(finish_and_parse(), 0);
	assert_int_equal(info.nr_redist_regions, 2);
	assert_true(info.redist_region[1].base == UINT64_C(0x4000000000));
	assert_int_equal(info.redist_stride, 0x40000);
	assert_int_equal(info.cpu_base, 0x2c000000);
	assert_int_equal(info.gich_base, 0x2c010000);
	assert_int_equal(info.gicv_base, 0x2c02f000);
	assert_int_equal(info.maintenance_intid, 24);
}

static void a_stride_of_one_cell_counts(void **state)
{
	begin_root();
	begin_controller("gic", "arm,gic-v3");
	CELLS("reg", 0, 0x2f000000, 0, 0x10000, 0, 0x2f100000, 0, 0x200000);
	CELLS("redistributor-stride", 0x40000);
	CELLS("interrupts", 1, 9, 4);
	assert_int_equal(finish_and_parse(), 0);
	assert_int_equal(info.redist_stride, 0x40000);
}

static void addresses_go_through_the_bus(void **state)
{
	begin_root();
	assert_int_equal(fdt_begin_node(blob, "soc"), 0);
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 1);
	CELLS("ranges", 0x40000000, 0, 0xff800000, 0x800000);
	begin_controller("gic400@40041000", "arm,gic-400");
	CELLS("reg", 0x40041000, 0x1000, 0x40042000, 0x2000, 0x40044000, 0x2000, 0x40046000, 0x2000);
	CELLS("interrupts", 1, 9, 0xf04);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(finish_and_parse(), 0);
	assert_int_equal(info.dist_base, 0xff841000);
	assert_int_equal(info.gicv_base, 0xff846000);
}

static void a_disabled_controller_is_passed_over(void **state)
{
	begin_root();
	begin_controller("intc@1000", "arm,gic-v3");
	assert_int_equal(fdt_property_string(blob, "status", "disabled"), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	begin_controller("intc@8000000", "arm,gic-400");
	CELLS("reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x20000, 0, 0x8030000, 0, 0x10000,
	      0, 0x8040000, 0, 0x20000);
	CELLS("interrupts", 1, 9, 4);
	assert_int_equal(finish_and_parse(), 0);
	assert_int_equal(info.version, GIC_V2);
}

static void without_a_maintenance_interrupt_25_is_assumed(void **state)
{
	begin_root();
	begin_controller("intc", "arm,gic-v3");
	CELLS("reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
	assert_int_equal(finish_and_parse(), 0);
	assert_int_equal(info.maintenance_intid, 25);
	assert_non_null(strstr(last_message, "assuming 25"));
}

static void an_spi_for_maintenance_is_not_believed(void **state)
{
	begin_root();
	begin_controller("intc", "arm,gic-v3");
	CELLS("reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
	CELLS("interrupts", 0, 9, 4);
	assert_int_equal(finish_and_parse(), 0);
	assert_int_equal(info.maintenance_intid, 25);
	assert_non_null(strstr(last_message, "strange"));
}

/* ---- what must be refused ------------------------------------------------------------------------- */

static void a_tree_without_controller_is_refused(void **state)
{
	begin_root();
	assert_int_equal(fdt_begin_node(blob, "uart"), 0);
	assert_int_equal(finish_and_parse(), -XEN_ENOENT);
	assert_non_null(strstr(last_message, "no interrupt controller"));
}

static void gicv2_without_virtual_interface_is_refused(void **state)
{
	begin_root();
	begin_controller("intc@8000000", "arm,cortex-a15-gic");
	CELLS("reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000);
	assert_int_equal(finish_and_parse(), -XEN_EINVAL);
	assert_non_null(strstr(last_message, "virtual interface control, is missing"));
}

static void a_torn_reg_is_refused(void **state)
{
	begin_root();
	begin_controller("intc@8000000", "arm,gic-v3");
	CELLS("reg", 0, 0x8000000, 0);
	assert_int_equal(finish_and_parse(), -XEN_EINVAL);
	assert_non_null(strstr(last_message, "malformed"));
}

static void an_unaligned_or_empty_frame_is_refused(void **state)
{
	begin_root();
	begin_controller("intc@8000000", "arm,gic-v3");
	CELLS("reg", 0, 0x8000100, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
	assert_int_equal(finish_and_parse(), -XEN_EINVAL);

	begin_root();
	begin_controller("intc@8000000", "arm,gic-v3");
	CELLS("reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0);
	assert_int_equal(finish_and_parse(), -XEN_EINVAL);
	assert_non_null(strstr(last_message, "redistributor region"));
}

static void absurd_numbers_of_regions_are_refused(void **state)
{
	static const uint32_t absurd[] = {0, 9, 0xffffffff};

	for (unsigned int i = 0; i < ARRAY_SIZE(absurd); i++) {
		begin_root();
		begin_controller("intc", "arm,gic-v3");
		CELLS("reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
		cells("#redistributor-regions", &absurd[i], 1);
		assert_int_equal(finish_and_parse(), -XEN_EINVAL);
		assert_non_null(strstr(last_message, "edistributor"));
	}
}

static void an_absurd_stride_is_refused(void **state)
{
	begin_root();
	begin_controller("intc", "arm,gic-v3");
	CELLS("reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
	CELLS("redistributor-stride", 0, 4);
	assert_int_equal(finish_and_parse(), -XEN_EINVAL);
	assert_non_null(strstr(last_message, "redistributor-stride"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(gicv2_of_qemu_is_found, set_up),
		cmocka_unit_test_setup(gicv3_of_qemu_is_found, set_up),
		cmocka_unit_test_setup(gicv3_with_two_regions_stride_and_legacy_frames, set_up),
		cmocka_unit_test_setup(a_stride_of_one_cell_counts, set_up),
		cmocka_unit_test_setup(addresses_go_through_the_bus, set_up),
		cmocka_unit_test_setup(a_disabled_controller_is_passed_over, set_up),
		cmocka_unit_test_setup(without_a_maintenance_interrupt_25_is_assumed, set_up),
		cmocka_unit_test_setup(an_spi_for_maintenance_is_not_believed, set_up),
		cmocka_unit_test_setup(a_tree_without_controller_is_refused, set_up),
		cmocka_unit_test_setup(gicv2_without_virtual_interface_is_refused, set_up),
		cmocka_unit_test_setup(a_torn_reg_is_refused, set_up),
		cmocka_unit_test_setup(an_unaligned_or_empty_frame_is_refused, set_up),
		cmocka_unit_test_setup(absurd_numbers_of_regions_are_refused, set_up),
		cmocka_unit_test_setup(an_absurd_stride_is_refused, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
