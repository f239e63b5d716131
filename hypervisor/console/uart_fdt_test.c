/* SPDX-License-Identifier: MIT */
/* The choice of UART, on small trees as QEMU, boot loaders and careless people write them. */
#include "console/console_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "lib/log.h"

static uint8_t tree[4096];
static unsigned int nr_warnings;

void log_write(enum log_level level, const char *format, ...)
{
	(void)format;
	nr_warnings += level == LOG_WARNING ? 1 : 0;
}

static void prop_cells(const char *name, const uint32_t *cells, unsigned int nr)
{
	fdt32_t value[16];

	for (unsigned int i = 0; i < nr; i++) {
		value[i] = cpu_to_fdt32(cells[i]);
	}
	assert_int_equal(fdt_property(tree, name, value, (int)(nr * sizeof(value[0]))), 0);
}

#define prop_u32s(name, ...)                              \
	prop_cells(name, (const uint32_t[]){__VA_ARGS__}, \
		   sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void write_uart(const char *name, const char *compatible, uint32_t base, uint32_t spi)
{
	fdt_begin_node(tree, name);
	fdt_property_string(tree, "compatible", compatible);
	prop_u32s("reg", 0, base, 0, 0x1000);
	prop_u32s("interrupts", 0, spi, 4);
	fdt_end_node(tree);
}

/* stdout_path NULL: no /chosen at all. */
static void write_tree(const char *stdout_path)
{
	nr_warnings = 0;
	assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
	fdt_finish_reservemap(tree);
	fdt_begin_node(tree, "");
	prop_u32s("#address-cells", 2);
	prop_u32s("#size-cells", 2);
	prop_u32s("interrupt-parent", 1);
	fdt_begin_node(tree, "aliases");
	fdt_property_string(tree, "serial0", "/pl011@9000000");
	fdt_property_string(tree, "serial1", "/bus@40000000/uart@1000");
	fdt_end_node(tree);
	fdt_begin_node(tree, "intc@8000000");
	prop_u32s("phandle", 1);
	prop_u32s("#interrupt-cells", 3);
	fdt_property(tree, "interrupt-controller", NULL, 0);
	fdt_end_node(tree);
	write_uart("serial@1000000", "ns16550a", 0x1000000, 5);
	fdt_begin_node(tree, "pl011@9040000");
	fdt_property_string(tree, "compatible", "arm,pl011");
	fdt_property_string(tree, "status", "disabled");
	fdt_end_node(tree);
	fdt_begin_node(tree, "pl011@9000000");
	fdt_property(tree, "compatible", "arm,pl011\0arm,primecell", 24);
	prop_u32s("reg", 0, 0x9000000, 0, 0x1000);
	prop_u32s("interrupts", 0, 1, 4);
	fdt_end_node(tree);
	fdt_begin_node(tree, "bus@40000000");
	prop_u32s("#address-cells", 1);
	prop_u32s("#size-cells", 1);
	prop_u32s("ranges", 0, 0, 0x40000000, 0x10000000);
	fdt_begin_node(tree, "uart@1000");
	fdt_property_string(tree, "compatible", "arm,sbsa-uart");
	prop_u32s("reg", 0x1000, 0x200);
	prop_u32s("interrupts", 1, 3, 1);
	fdt_end_node(tree);
	fdt_begin_node(tree, "uart@2000");
	fdt_property_string(tree, "compatible", "arm,pl011");
	fdt_end_node(tree);
	fdt_end_node(tree);
	if (stdout_path != NULL) {
		fdt_begin_node(tree, "chosen");
		fdt_property_string(tree, "stdout-path", stdout_path);
		fdt_end_node(tree);
	}
	fdt_end_node(tree);
	assert_int_equal(fdt_finish(tree), 0);
}

static void assert_qemu_uart(const struct uart_location *location)
{
	assert_int_equal(location->node, fdt_path_offset(tree, "/pl011@9000000"));
	assert_int_equal(location->base, 0x9000000);
	assert_int_equal(location->size, 0x1000);
	assert_int_equal(location->intid, 33);
	assert_false(location->edge);
	assert_false(location->sbsa);
	assert_int_equal(nr_warnings, 0);
}

static void path_alias_and_options_are_understood(void **state)
{
	static const char *const names[] = {"/pl011@9000000", "/pl011@9000000:115200n8", "serial0",
					    "serial0:115200"};
	struct uart_location location;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		write_tree(names[i]);
		assert_true(uart_fdt_find(tree, NULL, &location));
		assert_qemu_uart(&location);
	}
}

static void without_a_name_the_first_usable_one_is_taken(void **state)
{
	struct uart_location location;

	(void)state;
	write_tree(NULL);
	assert_true(uart_fdt_find(tree, NULL, &location));
	assert_qemu_uart(&location);
}

static void command_line_comes_first(void **state)
{
	struct uart_location location;

	(void)state;
	write_tree("serial0");
	assert_true(uart_fdt_find(tree, "serial1", &location));
	assert_int_equal(location.base, 0x40001000); /* through ranges */
	assert_int_equal(location.size, 0x200);
	assert_int_equal(location.intid, 19);
	assert_true(location.edge);
	assert_true(location.sbsa);
	assert_true(uart_fdt_find(tree, "", &location));
	assert_qemu_uart(&location);
}

static void wrong_names_are_one_message_and_no_uart(void **state)
{
	static const char *const names[] = {"serial7", "/nowhere", ":", "/serial@1000000",
					    "/bus@40000000/uart@2000"};
	struct uart_location location;

	(void)state;
	write_tree("serial0");
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		nr_warnings = 0;
		assert_false(uart_fdt_find(tree, names[i], &location));
		assert_int_equal(location.node, -1);
		assert_int_equal(nr_warnings, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_alias_and_options_are_understood),
		cmocka_unit_test(without_a_name_the_first_usable_one_is_taken),
		cmocka_unit_test(command_line_comes_first),
		cmocka_unit_test(wrong_names_are_one_message_and_no_uart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
