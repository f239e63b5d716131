/* SPDX-License-Identifier: MIT */
/* The key that builds domains again: whose turn it is, in which order things happen, and what stands in its way. */
#include "dombuild/dombuild_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "boot/boot_options.h"
#include "lib/string.h"

#define KERNEL_START (FAKE_RAM_START + 16 * MIB)
#define KERNEL_BYTES 9000

/* Two domUs, built and running; the second one's kernel is broken if is_broken. */
static void start(bool is_broken)
{
	struct devtree_writer w;

	fake_tree_begin(&w);
	devtree_write_cpus(&w, 1, "arm,cortex-a57", 15);
	devtree_begin_node(&w, "chosen");
	for (unsigned int i = 0; i < 2; i++) {
		devtree_begin_node(&w, i == 0 ? "first" : "second");
		devtree_prop_string(&w, "compatible", "xen,domain");
		devtree_prop_u64(&w, "memory", 8192);
		devtree_prop_u32(&w, "cpus", i == 1 && is_broken ? 1000 : 1);
		fake_tree_module(&w, "multiboot,kernel", KERNEL_START, KERNEL_BYTES, NULL);
		devtree_end_node(&w);
	}
	devtree_end_node(&w);
	fake_tree_end(&w);
	dombuild_scan_options(fake_fdt);
	dombuild_scan(FAKE_RAM_START + 2 * MIB, MIB, FAKE_RAM_START + 8 * MIB, 65536);
	assert_int_equal(dombuild_all(), is_broken ? 1 : 2);
	dombuild_release_modules();
	dombuild_start_all();
	fake_machine_log_clear();
}

static int set_up(void **state)
{
	fake_reset();
	boot_options = (struct boot_options){.rebuild = true};
	fake_image_header(fake_ram(KERNEL_START), 0, 0x10000);
	memset((uint8_t *)fake_ram(KERNEL_START) + 64, 0x5a, KERNEL_BYTES - 64);
	return 0;
}

static int tear_down(void **state)
{
	fake_check_leaks();
	boot_options = (struct boot_options){.rebuild = false};
	return 0;
}

static void finish(void)
{
	while (fake_go_on()) {
	}
}

static struct domain *last_built(void)
{
	return fake_domains[fake_nr_domains - 1];
}

static void modules_stay_only_with_the_option(void **state)
{
	start(false);
	assert_int_equal(boot_info.nr_modules, 2);
	assert_int_equal(fake_machine_count("release"), 0);
	boot_options.rebuild = false;
	dombuild_release_modules();
	assert_int_equal(boot_info.nr_modules, 0);
}

/* M1: memory comes back and every CPU drops its windows before anything is built. */
static void a_domain_is_stopped_destroyed_and_built_anew(void **state)
{
	uint64_t free_frames;
	struct domain *old;

	start(false);
	old = fake_domains[0];
	free_frames = fake_free_frames;
	fake_press_key();
	assert_non_null(strstr(fake_messages, "d1 (first) is stopped and built again"));
	old->state = DOMAIN_SHUTDOWN;
	finish();
	fake_machine_expect_exactly("shutdown 1", "destroy 1", "epoch", "kick others",
				    "irq_handle_pending", "irq_handle_pending", "unpause 3");
	assert_int_equal(fake_nr_domains, 3);
	assert_int_equal(last_built()->id, 3);
	assert_string_equal(last_built()->name, "first");
	assert_int_equal(*fake_guest(last_built(), last_built()->vcpu[0]->regs.pc + 64), 0x5a);
	assert_int_equal(fake_free_frames, free_frames);
	assert_int_equal(fake_errors, 0);
}

static void nothing_is_destroyed_while_a_vcpu_runs(void **state)
{
	start(false);
	fake_press_key();
	for (unsigned int i = 0; i < 10; i++) {
		assert_true(fake_go_on());
		assert_int_equal(fake_machine_count("destroy 1"), 0);
	}
	fake_domains[0]->state = DOMAIN_SHUTDOWN;
	finish();
	assert_int_equal(fake_machine_count("destroy 1"), 1);
	assert_int_equal(last_built()->id, 3);
}

static void each_domain_has_its_turn_and_a_new_id(void **state)
{
	static const char *const names[] = {"first", "second", "first", "second"};

	start(false);
	for (uint16_t i = 0; i < ARRAY_SIZE(names); i++) {
		fake_press_key();
		fake_domains[i]->state = DOMAIN_SHUTDOWN;
		finish();
		assert_string_equal(last_built()->name, names[i]);
		assert_int_equal(last_built()->id, 3 + i);
	}
}

static void one_at_a_time(void **state)
{
	start(false);
	fake_press_key();
	fake_press_key();
	assert_non_null(strstr(fake_messages, "is being built already"));
	fake_domains[0]->state = DOMAIN_SHUTDOWN;
	finish();
	assert_int_equal(fake_nr_domains, 3);
	/* Again afterwards. */
	fake_press_key();
	assert_int_equal(fake_machine_count("shutdown 2"), 1);
	fake_domains[1]->state = DOMAIN_SHUTDOWN;
	finish();
}

static void a_domain_that_cannot_be_built_is_tried_again(void **state)
{
	start(true);
	fake_press_key();
	fake_domains[0]->state = DOMAIN_SHUTDOWN;
	finish();
	assert_int_equal(fake_errors, 1);
	fake_press_key();
	finish();
	assert_int_equal(fake_errors, 2);
	assert_non_null(strstr(fake_messages, "d4 (second): cpus = 1000"));
	/* The key goes on. */
	fake_press_key();
	fake_domains[1]->state = DOMAIN_SHUTDOWN;
	finish();
	assert_string_equal(last_built()->name, "first");
}

static void a_tree_without_domains(void **state)
{
	struct devtree_writer w;

	fake_tree_begin(&w);
	fake_tree_end(&w);
	dombuild_scan_options(fake_fdt);
	dombuild_start_all();
	fake_press_key();
	assert_non_null(strstr(fake_messages, "nothing to build again"));
	assert_false(fake_go_on());
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(modules_stay_only_with_the_option),
		CASE(a_domain_is_stopped_destroyed_and_built_anew),
		CASE(nothing_is_destroyed_while_a_vcpu_runs),
		CASE(each_domain_has_its_turn_and_a_new_id),
		CASE(one_at_a_time),
		CASE(a_domain_that_cannot_be_built_is_tried_again),
		CASE(a_tree_without_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
