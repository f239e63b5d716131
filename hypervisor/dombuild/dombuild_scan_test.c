/* SPDX-License-Identifier: MIT */
/* The scan of the boot loader's tree: modules as QEMU and Xen's users write them, and those
 * nobody should write. */
#include "dombuild/dombuild_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "boot/boot_options.h"

#define IMAGE_START (FAKE_RAM_START + 2 * MIB)
#define IMAGE_SIZE  MIB
#define FDT_START   (FAKE_RAM_START + 64 * MIB)
#define MODULE(n)   (FAKE_RAM_START + (16 + 4 * (n)) * MIB)

static int set_up(void **state)
{
	fake_reset();
	boot_options = (struct boot_options){.dom0_mem = 512 * MIB, .xsm_silo = true};
	return 0;
}

static int tear_down(void **state)
{
	fake_check_leaks();
	return 0;
}

static void scan(struct devtree_writer *w)
{
	fake_tree_end(w);
	dombuild_scan_options(fake_fdt);
	dombuild_scan(IMAGE_START, IMAGE_SIZE, FDT_START, 65536);
}

static void begin_domain(struct devtree_writer *w, const char *name)
{
	devtree_begin_node(w, name);
	devtree_prop_string(w, "compatible", "xen,domain");
}

/* QEMU's guest-loader writes no cell counts in /chosen: those of the root rule. */
static void modules_of_the_guest_loader(void **state)
{
	struct devtree_writer w;

	fake_tree_begin(&w);
	devtree_begin_node(&w, "chosen");
	devtree_prop_string(&w, "bootargs", "dom0_mem=256M loglvl=all");
	fake_tree_module(&w, "multiboot,kernel", MODULE(0), 33000000, "console=hvc0");
	fake_tree_module(&w, "multiboot,ramdisk", MODULE(10), 12345, NULL);
	devtree_end_node(&w);
	scan(&w);
	assert_string_equal(fake_messages, "");
	assert_int_equal(boot_info.nr_modules, 2);
	assert_int_equal(dombuild_module(-1, BOOT_MODULE_KERNEL)->start, MODULE(0));
	assert_int_equal(dombuild_module(-1, BOOT_MODULE_KERNEL)->size, 33000000);
	assert_int_equal(dombuild_module(-1, BOOT_MODULE_RAMDISK)->start, MODULE(10));
	assert_int_equal(dombuild_module(-1, BOOT_MODULE_RAMDISK)->size, 12345);
	assert_string_equal(boot_info.tenon_cmdline, "dom0_mem=256M loglvl=all");
	assert_string_equal(boot_info.dom0_cmdline, "console=hvc0");
	assert_int_equal(boot_options.dom0_mem, 256 * MIB);
	assert_true(dombuild_modules_complete(-1));
}

static void a_domain_has_its_own_modules_and_cells(void **state)
{
	struct devtree_writer w;
	const uint32_t reg[] = {(uint32_t)MODULE(2), 4096};
	int domain;

	fake_tree_begin(&w);
	devtree_begin_node(&w, "chosen");
	devtree_prop_string(&w, "xen,xen-bootargs", "xsm=dummy");
	begin_domain(&w, "domU1");
	devtree_prop_u32(&w, "#address-cells", 1);
	devtree_prop_u32(&w, "#size-cells", 1);
	devtree_begin_node(&w, "module@48000000");
	devtree_prop(&w, "compatible", "multiboot,kernel\0multiboot,module", 34);
	devtree_prop_cells(&w, "reg", reg, 2);
	devtree_prop_string(&w, "bootargs", "console=ttyAMA0");
	devtree_end_node(&w);
	devtree_end_node(&w);
	devtree_end_node(&w);
	scan(&w);
	assert_string_equal(fake_messages, "");
	domain = fdt_path_offset(fake_fdt, "/chosen/domU1");
	assert_null(dombuild_module(-1, BOOT_MODULE_KERNEL));
	assert_int_equal(dombuild_module(domain, BOOT_MODULE_KERNEL)->start, MODULE(2));
	assert_string_equal(dombuild_module_cmdline(dombuild_module(domain, BOOT_MODULE_KERNEL)),
			    "console=ttyAMA0");
	assert_false(boot_options.xsm_silo);
	assert_true(dombuild_modules_complete(domain));
}

/* xen-abi-arm section 1.2: whose line is /chosen/bootargs? */
static void command_line_selection(void **state)
{
	static const struct {
		const char *chosen, *xen, *dom0, *kernel, *tenon_line, *dom0_line;
	} cases[] = {
		{"a", NULL, NULL, NULL, "", "a"},   {"a", NULL, NULL, "k", "a", "k"},
		{"a", NULL, NULL, "", "", "a"},     {"a", NULL, "d", NULL, "a", "d"},
		{"a", "x", NULL, NULL, "x", "a"},   {"a", "x", "d", "k", "x", "k"},
		{NULL, "x", NULL, NULL, "x", NULL}, {NULL, NULL, NULL, NULL, "", NULL},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct devtree_writer w;

		fake_reset();
		fake_tree_begin(&w);
		devtree_begin_node(&w, "chosen");
		if (cases[i].chosen != NULL) {
			devtree_prop_string(&w, "bootargs", cases[i].chosen);
		}
		if (cases[i].xen != NULL) {
			devtree_prop_string(&w, "xen,xen-bootargs", cases[i].xen);
		}
		if (cases[i].dom0 != NULL) {
			devtree_prop_string(&w, "xen,dom0-bootargs", cases[i].dom0);
		}
		fake_tree_module(&w, "multiboot,kernel", MODULE(0), 4096, cases[i].kernel);
		devtree_end_node(&w);
		scan(&w);
		assert_string_equal(boot_info.tenon_cmdline, cases[i].tenon_line);
		if (cases[i].dom0_line != NULL) {
			assert_string_equal(boot_info.dom0_cmdline, cases[i].dom0_line);
		} else {
			assert_null(boot_info.dom0_cmdline);
		}
	}
}

static void modules_that_do_not_say_what_they_are(void **state)
{
	struct devtree_writer w;

	fake_tree_begin(&w);
	devtree_begin_node(&w, "chosen");
	fake_tree_module(&w, NULL, MODULE(0), 4096, NULL);
	fake_tree_module(&w, "xen,xsm-policy", MODULE(1), 4096, NULL);
	fake_tree_module(&w, NULL, MODULE(2), 4096, NULL);
	fake_tree_module(&w, NULL, MODULE(3), 4096, NULL);
	devtree_end_node(&w);
	scan(&w);
	assert_int_equal(boot_info.nr_modules, 4);
	assert_int_equal(boot_info.module[0].kind, BOOT_MODULE_KERNEL);
	assert_int_equal(boot_info.module[1].kind, BOOT_MODULE_IGNORED);
	assert_int_equal(boot_info.module[2].kind, BOOT_MODULE_RAMDISK);
	assert_int_equal(boot_info.module[3].kind, BOOT_MODULE_UNKNOWN);
}

static void initrd_of_the_boot_loader(void **state)
{
	struct devtree_writer w;

	fake_tree_begin(&w);
	devtree_begin_node(&w, "chosen");
	devtree_prop_u32(&w, "linux,initrd-start", (uint32_t)MODULE(4));
	devtree_prop_u64(&w, "linux,initrd-end", MODULE(4) + 5000);
	fake_tree_module(&w, "multiboot,kernel", MODULE(0), 4096, NULL);
	devtree_end_node(&w);
	scan(&w);
	assert_string_equal(fake_messages, "");
	assert_int_equal(dombuild_module(-1, BOOT_MODULE_RAMDISK)->start, MODULE(4));
	assert_int_equal(dombuild_module(-1, BOOT_MODULE_RAMDISK)->size, 5000);
	assert_true(dombuild_modules_complete(-1));
}

static void two_domains_may_share_an_image(void **state)
{
	struct devtree_writer w;

	fake_tree_begin(&w);
	devtree_begin_node(&w, "chosen");
	for (unsigned int i = 0; i < 2; i++) {
		begin_domain(&w, i == 0 ? "domU1" : "domU2");
		fake_tree_module(&w, "multiboot,kernel", MODULE(0), 5 * MIB, NULL);
		devtree_end_node(&w);
	}
	devtree_end_node(&w);
	scan(&w);
	assert_string_equal(fake_messages, "");
	assert_int_equal(boot_info.nr_modules, 2);
	assert_true(dombuild_modules_complete(fdt_path_offset(fake_fdt, "/chosen/domU2")));
	/* The frames are given back once. */
	dombuild_release_modules();
	fake_machine_expect_exactly("release 0x41000000 0x500000");
}

static void released_frames_are_whole_distinct_and_not_reserved(void **state)
{
	struct devtree_writer w;
	const struct devtree_range reserved = {MODULE(4) + 4096, 4096};

	fake_tree_begin(&w);
	devtree_begin_node(&w, "reserved-memory");
	devtree_prop_empty(&w, "ranges");
	devtree_begin_node(&w, "firmware");
	devtree_prop_reg(&w, &reserved, 1);
	devtree_end_node(&w);
	devtree_end_node(&w);
	devtree_begin_node(&w, "chosen");
	fake_tree_module(&w, "multiboot,kernel", MODULE(0), 5000, NULL);
	fake_tree_module(&w, "multiboot,ramdisk", MODULE(0) + 5000, 100, NULL);
	fake_tree_module(&w, "xen,xsm-policy", MODULE(4), 12288, NULL);
	devtree_end_node(&w);
	scan(&w);
	assert_string_equal(fake_messages, "");
	dombuild_release_modules();
	fake_machine_expect_exactly("release 0x41000000 0x2000", "release 0x42000000 0x1000",
				    "release 0x42002000 0x1000");
}

struct bad_module {
	uint64_t start, size;
	const char *what;
};

static void modules_at_impossible_places_are_refused(void **state)
{
	static const struct bad_module cases[] = {
		{MODULE(0) + 4096, 4096, "overlaps another module"},
		{MODULE(0) - 4096, 4097, "overlaps another module"},
		{IMAGE_START + 4096, 4096, "overlaps Tenon"},
		{IMAGE_START - 4096, 16 * MIB, "overlaps"},
		{FDT_START + 8, 8, "overlaps the device tree"},
		{0x9000000, 4096, "does not lie in the machine's memory"},
		{FAKE_RAM_START + FAKE_RAM_SIZE - 4096, 8192, "does not lie in the machine's memory"},
		{MODULE(1), UINT64_C(1) << 62, "does not lie in the machine's memory"},
		{UINT64_MAX - 4095, 4096, "reg property"},
		{UINT64_MAX - 4095, 8192, "reg property"},
		{MODULE(1), 0, "is empty"},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct devtree_writer w;

		fake_reset();
		fake_tree_begin(&w);
		devtree_begin_node(&w, "chosen");
		fake_tree_module(&w, "multiboot,kernel", MODULE(0), 8192, NULL);
		begin_domain(&w, "domU1");
		fake_tree_module(&w, "multiboot,kernel", cases[i].start, cases[i].size, NULL);
		devtree_end_node(&w);
		devtree_end_node(&w);
		scan(&w);
		fake_expect_one_error("domU1", "module@", cases[i].what);
		assert_int_equal(boot_info.nr_modules, 1);
		assert_true(dombuild_modules_complete(-1));
		assert_false(dombuild_modules_complete(fdt_path_offset(fake_fdt, "/chosen/domU1")));
	}
}

static void malformed_reg_and_initrd(void **state)
{
	struct devtree_writer w;
	const uint32_t cells[] = {0, 0x41000000, 0};

	fake_tree_begin(&w);
	devtree_begin_node(&w, "chosen");
	devtree_begin_node(&w, "module@41000000");
	devtree_prop_string(&w, "compatible", "multiboot,module");
	devtree_prop_cells(&w, "reg", cells, 3);
	devtree_end_node(&w);
	devtree_end_node(&w);
	scan(&w);
	fake_expect_one_error("dom0", "module@41000000", "reg property");
	assert_int_equal(boot_info.nr_modules, 0);
	assert_false(dombuild_modules_complete(-1));

	fake_reset();
	fake_tree_begin(&w);
	devtree_begin_node(&w, "chosen");
	devtree_prop_cells(&w, "linux,initrd-start", cells, 3);
	devtree_end_node(&w);
	scan(&w);
	fake_expect_one_error("dom0", "linux,initrd-start");
	assert_false(dombuild_modules_complete(-1));
}

static void absurd_cell_counts(void **state)
{
	struct devtree_writer w;

	fake_tree_begin(&w);
	devtree_begin_node(&w, "chosen");
	devtree_prop_u32(&w, "#address-cells", 0x40000000);
	fake_tree_module(&w, "multiboot,kernel", MODULE(0), 8192, NULL);
	devtree_end_node(&w);
	scan(&w);
	fake_expect_one_error("dom0", "reg property");
	assert_int_equal(boot_info.nr_modules, 0);
}

static void more_modules_than_a_domain_may_have(void **state)
{
	struct devtree_writer w;

	fake_tree_begin(&w);
	devtree_begin_node(&w, "chosen");
	fake_tree_module(&w, "multiboot,kernel", MODULE(0), 4096, NULL);
	begin_domain(&w, "domU1");
	for (unsigned int i = 0; i < DOMBUILD_MAX_MODULES; i++) {
		fake_tree_module(&w, "xen,xsm-policy", MODULE(1) + i * 4096, 4096, NULL);
	}
	devtree_end_node(&w);
	begin_domain(&w, "domU2");
	fake_tree_module(&w, "multiboot,kernel", MODULE(2), 4096, NULL);
	devtree_end_node(&w);
	devtree_end_node(&w);
	scan(&w);
	fake_expect_one_error("domU1", "too many boot modules", "module@41408000");
	assert_int_equal(boot_info.nr_modules, 2 + DOMBUILD_MAX_MODULES_DOMAIN);
	assert_true(dombuild_modules_complete(-1));
	assert_false(dombuild_modules_complete(fdt_path_offset(fake_fdt, "/chosen/domU1")));
	assert_true(dombuild_modules_complete(fdt_path_offset(fake_fdt, "/chosen/domU2")));
}

static void more_modules_than_the_table_holds(void **state)
{
	struct devtree_writer w;

	fake_tree_begin(&w);
	devtree_begin_node(&w, "chosen");
	for (unsigned int i = 0; i <= DOMBUILD_MAX_MODULES; i++) {
		char name[] = "domU_";

		name[4] = (char)('0' + i);
		begin_domain(&w, name);
		fake_tree_module(&w, "multiboot,kernel", MODULE(1) + i * 4096, 4096, NULL);
		devtree_end_node(&w);
	}
	devtree_end_node(&w);
	scan(&w);
	fake_expect_one_error("domUP", "too many boot modules");
	assert_int_equal(boot_info.nr_modules, DOMBUILD_MAX_MODULES);
	assert_true(dombuild_modules_complete(fdt_path_offset(fake_fdt, "/chosen/domUO")));
	assert_false(dombuild_modules_complete(fdt_path_offset(fake_fdt, "/chosen/domUP")));
}

static void unterminated_command_line(void **state)
{
	struct devtree_writer w;

	fake_tree_begin(&w);
	devtree_begin_node(&w, "chosen");
	devtree_prop(&w, "xen,xen-bootargs", "abcd", 4);
	devtree_end_node(&w);
	fake_tree_end(&w);
	dombuild_scan_options(fake_fdt);
	fake_expect_one_error("chosen", "xen,xen-bootargs");
	assert_string_equal(boot_info.tenon_cmdline, "");
}

static void the_tree_moves(void **state)
{
	static uint8_t copy[FAKE_FDT_BYTES];
	struct devtree_writer w;

	fake_tree_begin(&w);
	devtree_write_cpus(&w, 1, "arm,cortex-a57", 15);
	devtree_begin_node(&w, "chosen");
	devtree_prop_string(&w, "bootargs", "noreboot");
	fake_tree_module(&w, "multiboot,kernel", MODULE(0), 4096, "console=hvc0");
	devtree_end_node(&w);
	scan(&w);
	memcpy(copy, fake_fdt, sizeof(copy));
	dombuild_scan_moved(copy);
	memset(fake_fdt, 0xff, sizeof(fake_fdt));
	assert_ptr_equal(boot_info.fdt, copy);
	assert_string_equal(boot_info.tenon_cmdline, "noreboot");
	assert_string_equal(boot_info.dom0_cmdline, "console=hvc0");
	assert_string_equal(boot_info.cpu_compatible, "arm,cortex-a57");
	assert_string_equal(dombuild_module_cmdline(dombuild_module(-1, BOOT_MODULE_KERNEL)),
			    "console=hvc0");
	assert_true(dombuild_modules_complete(-1));
	/* A line that was no property's stays where it is. */
	fake_reset();
	fake_tree_begin(&w);
	scan(&w);
	dombuild_scan_moved(fake_fdt);
	assert_string_equal(boot_info.tenon_cmdline, "");
	assert_null(boot_info.dom0_cmdline);
}

static void no_chosen_at_all(void **state)
{
	struct devtree_writer w;

	fake_tree_begin(&w);
	scan(&w);
	fake_expect_one_error("no /chosen");
	assert_int_equal(boot_info.nr_modules, 0);
}

static void facts_for_generated_trees(void **state)
{
	struct devtree_writer w;

	fake_tree_begin(&w);
	devtree_write_cpus(&w, 2, "arm,cortex-a57\0arm,armv8", 25);
	devtree_write_timer(&w, 62500000);
	scan(&w);
	assert_int_equal(boot_info.cpu_compatible_size, 25);
	assert_string_equal(boot_info.cpu_compatible, "arm,cortex-a57");
	assert_int_equal(boot_info.timer_frequency_hz, 62500000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(modules_of_the_guest_loader, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_domain_has_its_own_modules_and_cells, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(command_line_selection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(modules_that_do_not_say_what_they_are, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(initrd_of_the_boot_loader, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_domains_may_share_an_image, set_up, tear_down),
		cmocka_unit_test_setup_teardown(released_frames_are_whole_distinct_and_not_reserved,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(modules_at_impossible_places_are_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(malformed_reg_and_initrd, set_up, tear_down),
		cmocka_unit_test_setup_teardown(absurd_cell_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_modules_than_a_domain_may_have, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(more_modules_than_the_table_holds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unterminated_command_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_tree_moves, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_chosen_at_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(facts_for_generated_trees, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
