/* SPDX-License-Identifier: MIT */
/* domUs from xen,domain nodes: what is built, and every reason for which one is left out, with
 * its message. */
#include "dombuild/dombuild_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "arm64/cpu.h"
#include "boot/boot_options.h"

#define KERNEL_START (FAKE_RAM_START + 16 * MIB)
#define INITRD_START (FAKE_RAM_START + 20 * MIB)
#define DOM0_START   (FAKE_RAM_START + 24 * MIB)
#define KERNEL_BYTES 9000
#define INITRD_BYTES 5000

static int set_up(void **state)
{
	uint8_t *kernel;

	fake_reset();
	boot_options = (struct boot_options){.dom0_mem = 16 * MIB, .dom0_max_vcpus = 1};
	kernel = fake_ram(KERNEL_START);
	fake_image_header(kernel, 0, 0x10000);
	memset(kernel + 64, 0x5a, KERNEL_BYTES - 64);
	memset(fake_ram(INITRD_START), 0xa5, INITRD_BYTES);
	fake_image_header(fake_ram(DOM0_START), 0, 0x10000);
	return 0;
}

static int tear_down(void **state)
{
	fake_check_leaks();
	return 0;
}

/* A tree with one domain, whose node the test completes between begin and end. */
static void begin_chosen(struct devtree_writer *w)
{
	fake_tree_begin(w);
	devtree_write_cpus(w, 1, "arm,cortex-a57", 15);
	devtree_begin_node(w, "chosen");
}

static void begin_domain(struct devtree_writer *w, const char *name, uint64_t kib, uint32_t cpus)
{
	devtree_begin_node(w, name);
	devtree_prop_string(w, "compatible", "xen,domain");
	if (kib != 0) {
		devtree_prop_u64(w, "memory", kib);
	}
	if (cpus != 0) {
		devtree_prop_u32(w, "cpus", cpus);
	}
}

static void end_domain(struct devtree_writer *w)
{
	fake_tree_module(w, "multiboot,kernel", KERNEL_START, KERNEL_BYTES, "console=ttyAMA0");
	fake_tree_module(w, "multiboot,ramdisk", INITRD_START, INITRD_BYTES, NULL);
	devtree_end_node(w);
}

static unsigned int build(struct devtree_writer *w)
{
	devtree_end_node(w);
	fake_tree_end(w);
	dombuild_scan_options(fake_fdt);
	dombuild_scan(FAKE_RAM_START + 2 * MIB, MIB, FAKE_RAM_START + 8 * MIB, 65536);
	return dombuild_all();
}

/* The tree that the domain got, where x0 points. */
static const void *guest_tree(const struct domain *d)
{
	static uint8_t tree[65536];

	for (size_t i = 0; i < sizeof(tree); i++) {
		const uint8_t *at = fake_guest(d, d->vcpu[0]->regs.x[0] + i);

		tree[i] = at != NULL ? *at : 0;
	}
	assert_int_equal(fdt_check_full(tree, sizeof(tree)), 0);
	return tree;
}

static uint64_t tree_u64(const void *fdt, const char *path, const char *name)
{
	uint64_t value = 0;

	assert_int_equal(devtree_get_u64(fdt, fdt_path_offset(fdt, path), name, &value), 0);
	return value;
}

static bool tree_has(const void *fdt, const char *path)
{
	return fdt_path_offset(fdt, path) >= 0;
}

/* ---- what is built --------------------------------------------------------------------------- */

static void a_small_domain(void **state)
{
	struct devtree_writer w;
	const struct domain *d;
	const void *fdt;
	int error;

	begin_chosen(&w);
	begin_domain(&w, "domU1", 8192, 2);
	devtree_prop_empty(&w, "vpl011");
	end_domain(&w);
	assert_int_equal(build(&w), 1);
	assert_int_equal(fake_errors, 0);
	d = fake_domains[0];
	assert_string_equal(d->name, "domU1");
	assert_int_equal(fake_configs[0].domid, 1);
	assert_int_equal(fake_configs[0].nr_vcpus, 2);
	assert_int_equal(fake_configs[0].max_pages, 2048);
	assert_int_equal(fake_configs[0].nr_spis, 224);
	assert_int_equal(fake_configs[0].max_evtchn_port, 1023);
	assert_true(fake_configs[0].is_console);
	assert_false(fake_configs[0].is_privileged || fake_configs[0].is_hardware ||
		     fake_configs[0].direct_mapped);
	assert_non_null(d->vpl011);
	assert_int_equal(d->nr_pages, 2048);
	assert_int_equal(d->hvm_params[HVM_PARAM_CALLBACK_IRQ], UINT64_C(2) << 56 | 2 << 8 | 31);
	assert_true(d->vcpu[0]->started);
	assert_int_equal(d->vcpu[0]->regs.pc, 0x40000000);
	/* Small bank: tree and initrd at the top, 2 MiB each. */
	assert_int_equal(d->vcpu[0]->regs.x[0], 0x40400000);
	assert_int_equal(*fake_guest(d, 0x40000000 + KERNEL_BYTES - 1), 0x5a);
	assert_int_equal(*fake_guest(d, 0x40000000 + KERNEL_BYTES), 0);
	assert_int_equal(*fake_guest(d, 0x40600000), 0xa5);
	assert_int_equal(*fake_guest(d, 0x40600000 + INITRD_BYTES - 1), 0xa5);
	assert_int_equal(*fake_guest(d, 0x40600000 + INITRD_BYTES), 0);
	fdt = guest_tree(d);
	assert_string_equal(devtree_get_string(fdt, fdt_path_offset(fdt, "/chosen"), "bootargs",
					       &error),
			    "console=ttyAMA0");
	assert_int_equal(tree_u64(fdt, "/chosen", "linux,initrd-start"), 0x40600000);
	assert_int_equal(tree_u64(fdt, "/chosen", "linux,initrd-end"), 0x40600000 + INITRD_BYTES);
	assert_string_equal(devtree_get_string(fdt, fdt_path_offset(fdt, "/cpus/cpu@1"),
					       "compatible", &error),
			    "arm,cortex-a57");
	assert_false(tree_has(fdt, "/cpus/cpu@2"));
	assert_true(tree_has(fdt, "/sbsa-uart@22000000"));
	assert_false(tree_has(fdt, "/hypervisor"));
	/* Modules were made to agree with memory before they were read, each once. */
	assert_int_equal(fake_machine_count("clean"), 2);
}

static void memory_in_blocks_where_it_can_be(void **state)
{
	struct devtree_writer w;
	enum stage2_type type;
	maddr_t at;

	begin_chosen(&w);
	begin_domain(&w, "domU1", 6 * 1024 + 20, 1);
	end_domain(&w);
	fake_restarts = 3;
	assert_int_equal(build(&w), 1);
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(fake_is_mapped(fake_domains[0], 0x40000000 + i * 2 * MIB, &type, &at));
		assert_true(IS_ALIGNED(at, 2 * MIB));
	}
	assert_true(fake_is_mapped(fake_domains[0], 0x40000000 + 6 * MIB + 16384, &type, &at));
	assert_false(fake_is_mapped(fake_domains[0], 0x40000000 + 6 * MIB + 20480, &type, &at));
	assert_int_equal(fake_domains[0]->nr_pages, 3 * 512 + 5);
	/* The pool asked to be called again; what waited was served. */
	assert_int_equal(fake_machine_count("irq_handle_pending"), 3);
}

static void memory_that_is_scattered(void **state)
{
	struct devtree_writer w;

	fake_max_order = 3;
	begin_chosen(&w);
	begin_domain(&w, "domU1", 8192, 1);
	end_domain(&w);
	assert_int_equal(build(&w), 1);
	assert_int_equal(fake_domains[0]->nr_pages, 2048);
}

static void numbers_follow_the_tree_even_past_a_failure(void **state)
{
	struct devtree_writer w;

	begin_chosen(&w);
	begin_domain(&w, "first", 8192, 1);
	end_domain(&w);
	begin_domain(&w, "second", 8192, 0);
	end_domain(&w);
	begin_domain(&w, "third", 8192, 1);
	devtree_prop_empty(&w, "vpl011");
	end_domain(&w);
	assert_int_equal(build(&w), 2);
	fake_expect_one_error("d2 (second)", "cpus");
	assert_int_equal(fake_configs[0].domid, 1);
	assert_int_equal(fake_configs[1].domid, 3);
	fake_machine_log_clear();
	dombuild_start_all();
	fake_machine_expect_exactly("focus 3", "unpause 1", "unpause 3");
}

static void enhanced_without_xenstore(void **state)
{
	struct devtree_writer w;
	const void *fdt;

	begin_chosen(&w);
	begin_domain(&w, "domU1", 8192, 1);
	devtree_prop_string(&w, "xen,enhanced", "no-xenstore");
	end_domain(&w);
	assert_int_equal(build(&w), 1);
	fdt = guest_tree(fake_domains[0]);
	assert_true(tree_has(fdt, "/hypervisor"));
	assert_int_equal(fake_domains[0]->hvm_params[HVM_PARAM_STORE_EVTCHN], 0);
}

/* A zImage that goes anywhere, in place of the kernel that set_up() made. */
static void put_zimage(maddr_t at)
{
	const uint32_t header[] = {0x016f2818, 0, KERNEL_BYTES};

	memset(fake_ram(at), 0x5a, KERNEL_BYTES);
	memcpy(fake_ram(at + 0x24), header, sizeof(header));
}

/* Registers as linux: Documentation/arch/arm/booting.rst says; no machine type, since there is a tree. */
static void a_zimage_makes_a_32_bit_guest(void **state)
{
	struct devtree_writer w;
	const struct domain *d;
	int size;

	put_zimage(KERNEL_START);
	begin_chosen(&w);
	begin_domain(&w, "domU1", 16384, 2);
	devtree_prop_string(&w, "xen,enhanced", "no-xenstore");
	end_domain(&w);
	assert_int_equal(build(&w), 1);
	assert_int_equal(fake_errors, 0);
	d = fake_domains[0];
	assert_true(fake_configs[0].is_32bit);
	/* As high as its 16 MiB allow; tree and initrd have no room above it. */
	assert_int_equal(d->vcpu[0]->regs.pc, 0x40000000 + 14 * MIB);
	assert_int_equal(*fake_guest(d, 0x40000000 + 14 * MIB), 0x5a);
	assert_int_equal(d->vcpu[0]->regs.x[0], 0);
	assert_int_equal(d->vcpu[0]->regs.x[1], 0xffffffff);
	assert_int_equal(d->vcpu[0]->regs.x[2], 0x40000000 + 10 * MIB);
	d->vcpu[0]->regs.x[0] = d->vcpu[0]->regs.x[2];
	/* The grant window, and no extended regions. */
	assert_non_null(fdt_getprop(guest_tree(d), fdt_path_offset(guest_tree(d), "/hypervisor"),
				    "reg", &size));
	assert_int_equal(size, 16);
}

static void no_32_bit_guest_without_aarch32(void **state)
{
	struct devtree_writer w;

	cpu_features.aarch32_el1 = false;
	put_zimage(KERNEL_START);
	begin_chosen(&w);
	begin_domain(&w, "domU1", 16384, 2);
	end_domain(&w);
	assert_int_equal(build(&w), 0);
	fake_expect_one_error("d1 (domU1)", "32-bit", "AArch32 at EL1", "left out");
}

static void dom0_has_64_bits(void **state)
{
	struct devtree_writer w;

	fake_add_contiguous((FAKE_RAM_START + 32 * MIB) >> PAGE_SHIFT, 4096);
	put_zimage(DOM0_START);
	begin_chosen(&w);
	fake_tree_module(&w, "multiboot,kernel", DOM0_START, KERNEL_BYTES, "console=hvc0");
	assert_int_equal(build(&w), 0);
	fake_expect_one_error("dom0", "32-bit", "left out");
}

static void enhanced_with_dom0(void **state)
{
	struct devtree_writer w;

	fake_add_contiguous((FAKE_RAM_START + 32 * MIB) >> PAGE_SHIFT, 4096);
	begin_chosen(&w);
	fake_tree_module(&w, "multiboot,kernel", DOM0_START, 8192, "console=hvc0");
	begin_domain(&w, "domU1", 8192, 1);
	devtree_prop_empty(&w, "xen,enhanced");
	end_domain(&w);
	assert_int_equal(build(&w), 2);
	assert_int_equal(fake_errors, 0);
	assert_int_equal(fake_domains[1]->hvm_params[HVM_PARAM_STORE_EVTCHN], 7);
	assert_true(fake_domains[1]->hvm_params[HVM_PARAM_STORE_PFN] == ~UINT64_C(0));
}

static void limits_of_the_node_win_over_the_command_line(void **state)
{
	struct devtree_writer w;

	boot_options.gnttab_max_frames = 8;
	boot_options.gnttab_max_maptrack_frames = 16;
	begin_chosen(&w);
	begin_domain(&w, "domU1", 8192, 1);
	end_domain(&w);
	begin_domain(&w, "domU2", 8192, 1);
	devtree_prop_u32(&w, "max_grant_frames", 64);
	devtree_prop_u32(&w, "max_maptrack_frames", 0);
	end_domain(&w);
	assert_int_equal(build(&w), 2);
	assert_int_equal(fake_configs[0].max_grant_frames, 8);
	assert_int_equal(fake_configs[0].max_maptrack_frames, 16);
	assert_int_equal(fake_configs[1].max_grant_frames, 64);
	assert_int_equal(fake_configs[1].max_maptrack_frames, 0);
}

static void gicv2_guests(void **state)
{
	struct devtree_writer w;
	const void *fdt;

	gic_info.version = GIC_V2;
	begin_chosen(&w);
	begin_domain(&w, "domU1", 8192, 8);
	end_domain(&w);
	begin_domain(&w, "domU2", 8192, 9);
	end_domain(&w);
	assert_int_equal(build(&w), 1);
	fake_expect_one_error("d2 (domU2)", "cpus = 9", "GICv2");
	fdt = guest_tree(fake_domains[0]);
	assert_true(devtree_is_compatible(fdt, fdt_path_offset(fdt, "/interrupt-controller@3001000"),
					  "arm,gic-400"));
}

/* ---- what is left out ------------------------------------------------------------------------ */

struct refusal {
	const char *property;
	const void *data;
	size_t size;
	const char *message;
};

static void properties_that_are_refused(void **state)
{
	static const struct refusal cases[] = {
		{"direct-map", "", 0, "direct-map is not supported"},
		{"xen,static-mem", "\0\0\0\1", 4, "xen,static-mem is not supported"},
		{"sve", "\0\0\0\1", 4, "sve is not supported"},
		{"passthrough", "enabled", 8, "passthrough is not supported"},
		{"llc-colors", "0", 2, "llc-colors is not supported"},
		{"domain-cpupool", "\0\0\0\1", 4, "domain-cpupool is not supported"},
		{"capabilities", "\0\0\0\2", 4, "capabilities = 2"},
		{"trap-unmapped-accesses", "\0\0\0\0", 4, "trap-unmapped-accesses = 0"},
		{"max_grant_version", "\0\0\0\2", 4, "max_grant_version = 2"},
		{"max_grant_frames", "\0\0\0\101", 4, "max_grant_frames = 65"},
		{"nr_spis", "\0\0\0", 3, "nr_spis is not one 32-bit cell"},
		{"nr_spis", "\0\0\4\0", 4, "nr_spis = 1024"},
		{"xen,enhanced", "yes", 4, "xen,enhanced is none of"},
		{"xen,enhanced", "enabled", 7, "xen,enhanced is none of"},
		{"xen,enhanced", "enabled", 8, "needs a dom0"},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct devtree_writer w;

		set_up(NULL);
		begin_chosen(&w);
		begin_domain(&w, "domU1", 8192, 1);
		devtree_prop(&w, cases[i].property, cases[i].data, cases[i].size);
		end_domain(&w);
		assert_int_equal(build(&w), 0);
		fake_expect_one_error("d1 (domU1)", cases[i].message, "left out");
		assert_int_equal(fake_nr_domains, 0);
	}
}

static void subnodes_that_are_refused(void **state)
{
	static const char *const compatible[] = {"xen,vcpu", "xen,evtchn-v1",
						 "xen,domain-shared-memory-v1"};

	for (unsigned int i = 0; i < ARRAY_SIZE(compatible); i++) {
		struct devtree_writer w;

		set_up(NULL);
		begin_chosen(&w);
		begin_domain(&w, "domU1", 8192, 1);
		devtree_begin_node(&w, "sub@0");
		devtree_prop_string(&w, "compatible", compatible[i]);
		devtree_end_node(&w);
		end_domain(&w);
		assert_int_equal(build(&w), 0);
		fake_expect_one_error("d1 (domU1)", compatible[i], "not supported");
	}
}

static void impossible_memory_and_cpus(void **state)
{
	static const struct {
		uint64_t kib;
		uint32_t cpus;
		const char *message;
	} cases[] = {
		{0, 1, "memory is missing"},
		{3, 1, "memory = 3 KiB"},
		{UINT64_MAX, 1, "is not possible"},
		{UINT64_C(1) << 54, 1, "is not possible"},
		{8192, 0, "cpus is missing"},
		{8192, 129, "cpus = 129"},
		{8192, UINT32_MAX, "cpus = 4294967295"},
		{1024 * 1024, 1, "1024 MiB of memory are not there, 64 MiB are free"},
		{40, 1, "the kernel needs 64 KiB"},
		{72, 1, "do not fit beside the kernel"},
		{68, 1, "initrd (4 KiB)"},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct devtree_writer w;

		set_up(NULL);
		begin_chosen(&w);
		begin_domain(&w, "domU1", cases[i].kib, cases[i].cpus);
		end_domain(&w);
		assert_int_equal(build(&w), 0);
		fake_expect_one_error("d1 (domU1)", cases[i].message, "left out");
		assert_int_equal(fake_nr_domains, 0);
		fake_check_leaks();
	}
}

static void properties_of_the_wrong_size(void **state)
{
	struct devtree_writer w;

	begin_chosen(&w);
	begin_domain(&w, "domU1", 0, 0);
	devtree_prop_u32(&w, "memory", 8192);
	devtree_prop_u32(&w, "cpus", 1);
	end_domain(&w);
	begin_domain(&w, "domU2", 8192, 0);
	devtree_prop_u64(&w, "cpus", 1);
	end_domain(&w);
	assert_int_equal(build(&w), 0);
	assert_int_equal(fake_errors, 2);
	assert_non_null(strstr(fake_messages, "d1 (domU1): property memory is malformed"));
	assert_non_null(strstr(fake_messages, "d2 (domU2): property cpus is malformed"));
}

static void a_domain_without_kernel(void **state)
{
	struct devtree_writer w;

	begin_chosen(&w);
	begin_domain(&w, "domU1", 8192, 1);
	fake_tree_module(&w, "multiboot,ramdisk", INITRD_START, INITRD_BYTES, NULL);
	devtree_end_node(&w);
	assert_int_equal(build(&w), 0);
	fake_expect_one_error("d1 (domU1)", "no kernel");
}

static void a_domain_with_devices(void **state)
{
	struct devtree_writer w;

	begin_chosen(&w);
	begin_domain(&w, "domU1", 8192, 1);
	fake_tree_module(&w, "multiboot,device-tree", DOM0_START, 4096, NULL);
	end_domain(&w);
	assert_int_equal(build(&w), 0);
	fake_expect_one_error("d1 (domU1)", "device assignment");
}

static void a_refused_module_leaves_its_domain_out(void **state)
{
	struct devtree_writer w;

	begin_chosen(&w);
	begin_domain(&w, "domU1", 8192, 1);
	fake_tree_module(&w, "multiboot,kernel", KERNEL_START, KERNEL_BYTES, NULL);
	fake_tree_module(&w, "multiboot,ramdisk", KERNEL_START + 4096, INITRD_BYTES, NULL);
	devtree_end_node(&w);
	assert_int_equal(build(&w), 0);
	assert_non_null(strstr(fake_messages, "domU1: boot module module@41001000"));
	assert_non_null(strstr(fake_messages, "d1 (domU1): one of its modules was refused"));
}

static void no_modules_at_all(void **state)
{
	struct devtree_writer w;

	begin_chosen(&w);
	assert_int_equal(build(&w), 0);
	fake_expect_one_error("no boot modules");
}

/* The kernel is found broken only while it is copied: the domain is taken apart again. */
static void a_failure_half_way_gives_everything_back(void **state)
{
	struct devtree_writer w;
	uint8_t file[16384];
	uint8_t kernel[12000] = {0};
	size_t size;

	fake_image_header(kernel, 0, 0x10000);
	size = fake_gzip(file, kernel, sizeof(kernel));
	file[9000] ^= 1;
	memcpy(fake_ram(KERNEL_START), file, size);
	begin_chosen(&w);
	begin_domain(&w, "domU1", 8192, 1);
	fake_tree_module(&w, "multiboot,kernel", KERNEL_START, size, NULL);
	devtree_end_node(&w);
	begin_domain(&w, "domU2", 8192, 1);
	devtree_end_node(&w);
	assert_int_equal(build(&w), 0);
	assert_int_equal(fake_errors, 2);
	assert_non_null(strstr(fake_messages, "d1 (domU1): the kernel (module at 0x41000000"));
	assert_non_null(strstr(fake_messages, "is corrupt"));
	assert_int_equal(fake_machine_count("destroy 1"), 1);
}

/* Whenever Tenon's own memory runs out: a message, no leak. */
static void no_memory_at_any_point(void **state)
{
	for (unsigned int allocs = 0; allocs < 3; allocs++) {
		struct devtree_writer w;
		unsigned int built;

		set_up(NULL);
		begin_chosen(&w);
		begin_domain(&w, "domU1", 8192, 1);
		end_domain(&w);
		fake_hyp_allocs_left = allocs;
		built = build(&w);
		assert_int_equal(built, allocs >= 2);
		assert_int_equal(fake_errors, allocs < 2);
		fake_check_leaks();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_small_domain, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_in_blocks_where_it_can_be, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_that_is_scattered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(numbers_follow_the_tree_even_past_a_failure, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(enhanced_without_xenstore, set_up, tear_down),
		cmocka_unit_test_setup_teardown(enhanced_with_dom0, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_zimage_makes_a_32_bit_guest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_32_bit_guest_without_aarch32, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dom0_has_64_bits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(limits_of_the_node_win_over_the_command_line,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(gicv2_guests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(properties_that_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(subnodes_that_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(impossible_memory_and_cpus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(properties_of_the_wrong_size, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_domain_without_kernel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_domain_with_devices, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_refused_module_leaves_its_domain_out, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(no_modules_at_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_failure_half_way_gives_everything_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(no_memory_at_any_point, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
