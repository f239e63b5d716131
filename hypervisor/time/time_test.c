/* SPDX-License-Identifier: MIT */
/* Frequency from register or tree, the EL2 timer's interrupt, and conversion at the frequencies that machines have. */
#include "time/time_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "gic/gic.h"
#include "lib/log.h"
#include "tests/unit/fake_machine.h"

static char blob[2048];
static char messages[1024];
static uint32_t timer_queue_intid;

void log_write(enum log_level level, const char *format, ...)
{
	char line[256];
	va_list args;

	if (level > LOG_WARNING) {
		return;
	}
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	strncat(messages, line, sizeof(messages) - strlen(messages) - 1);
}

void timer_init_cpu(uint32_t intid)
{
	timer_queue_intid = intid;
}

static int set_up(void **state)
{
	fake_machine_reset();
	messages[0] = '\0';
	return 0;
}

/* ---- trees ------------------------------------------------------------------------------------------ */

static void cells(const char *name, const uint32_t *value, unsigned int nr)
{
	fdt32_t be[32];

	for (unsigned int i = 0; i < nr; i++) {
		be[i] = cpu_to_fdt32(value[i]);
	}
	assert_int_equal(fdt_property(blob, name, be, (int)(nr * sizeof(be[0]))), 0);
}

#define CELLS(name, ...)                             \
	cells(name, (const uint32_t[]){__VA_ARGS__}, \
	      sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* What QEMU gives; ppi[] in the binding's order; frequency 0: no property. names: NULL or a list. */
static void make_tree(const char *compatible, const uint32_t ppi[4], uint32_t frequency,
		      const char *names, size_t names_size)
{
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	CELLS("interrupt-parent", 1);
	assert_int_equal(fdt_begin_node(blob, "intc"), 0);
	CELLS("#interrupt-cells", 3);
	CELLS("phandle", 1);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_begin_node(blob, "timer"), 0);
	assert_int_equal(fdt_property_string(blob, "compatible", compatible), 0);
	CELLS("interrupts", 1, ppi[0], 0xf04, 1, ppi[1], 0xf04, 1, ppi[2], 0xf04, 1, ppi[3], 0xf04);
	if (frequency != 0) {
		CELLS("clock-frequency", frequency);
	}
	if (names != NULL) {
		assert_int_equal(fdt_property(blob, "interrupt-names", names, (int)names_size), 0);
	}
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
}

static const uint32_t qemu_ppis[4] = {13, 14, 11, 10};

static void init_at(uint32_t frequency)
{
	fake_machine_sysreg_set("CNTFRQ_EL0", frequency);
	make_tree("arm,armv8-timer", qemu_ppis, 0, NULL, 0);
	time_init(blob);
}

static void the_register_gives_the_frequency(void **state)
{
	init_at(62500000);
	assert_int_equal(time_frequency_hz(), 62500000);
	assert_int_equal(time_guest_clock_frequency(), 0);
	time_init_cpu();
	assert_int_equal(timer_queue_intid, 26);
	assert_string_equal(messages, "");
}

static void the_tree_overrules_the_register(void **state)
{
	fake_machine_sysreg_set("CNTFRQ_EL0", 0);
	make_tree("arm,armv7-timer", qemu_ppis, 24000000, NULL, 0);
	time_init(blob);
	assert_int_equal(time_frequency_hz(), 24000000);
	assert_int_equal(time_guest_clock_frequency(), 24000000);
}

static void a_tree_that_agrees_is_not_passed_on(void **state)
{
	fake_machine_sysreg_set("CNTFRQ_EL0", 24000000);
	make_tree("arm,armv8-timer", qemu_ppis, 24000000, NULL, 0);
	time_init(blob);
	assert_int_equal(time_guest_clock_frequency(), 0);
}

static void without_a_frequency_tenon_stops(void **state)
{
	fake_machine_sysreg_set("CNTFRQ_EL0", 0);
	make_tree("arm,armv8-timer", qemu_ppis, 0, NULL, 0);
	expect_assert_failure(time_init(blob));
	make_tree("arm,armv8-timer", qemu_ppis, 17, NULL, 0);
	expect_assert_failure(time_init(blob));
	assert_non_null(strstr(fake_machine_panic_text(), "clock-frequency 17"));
}

static void interrupts_with_names_are_found_by_name(void **state)
{
	static const char names[] = "hyp-phys\0virt\0phys\0sec-phys";
	const uint32_t ppi[4] = {5, 11, 14, 13};

	fake_machine_sysreg_set("CNTFRQ_EL0", 62500000);
	make_tree("arm,armv8-timer", ppi, 0, names, sizeof(names));
	time_init(blob);
	time_init_cpu();
	assert_int_equal(timer_queue_intid, 21);
	assert_string_equal(messages, "");
}

static void a_virtual_timer_elsewhere_is_reported(void **state)
{
	const uint32_t ppi[4] = {0, 13, 14, 10};

	fake_machine_sysreg_set("CNTFRQ_EL0", 62500000);
	make_tree("arm,armv8-timer", ppi, 0, NULL, 0);
	time_init(blob);
	assert_non_null(strstr(messages, "virtual timer's interrupt is 30"));
}

static void without_a_node_26_is_assumed(void **state)
{
	fake_machine_sysreg_set("CNTFRQ_EL0", 62500000);
	make_tree("acme,clock", qemu_ppis, 0, NULL, 0);
	time_init(blob);
	assert_int_equal(time_frequency_hz(), 62500000);
	assert_non_null(strstr(messages, "no timer node"));
}

/* ---- conversion ------------------------------------------------------------------------------------- */

static const uint32_t frequencies[] = {
	1000000,  1920000,  12000000,  19200000,   24000000,   31250000,
	54000000, 62500000, 100000000, 1000000000, 3999999999,
};

static void conversion_is_exact_to_the_last_unit(void **state)
{
	static const uint64_t seconds[] = {0, 1, 59, 3600, 86400 * 365, UINT64_C(86400) * 365 * 30};

	for (unsigned int i = 0; i < ARRAY_SIZE(frequencies); i++) {
		init_at(frequencies[i]);
		for (unsigned int j = 0; j < ARRAY_SIZE(seconds); j++) {
			for (uint64_t extra = 0; extra < 1000000; extra += 12345) {
				uint64_t ticks = seconds[j] * frequencies[i] + extra;
				uint64_t ns = seconds[j] * 1000000000 + extra;
				uint64_t to_ns = (uint64_t)((unsigned __int128)ticks * 1000000000 /
							    frequencies[i]);
				uint64_t to_ticks = (uint64_t)((unsigned __int128)ns *
							       frequencies[i] / 1000000000);

				/* Rounded down, and the fraction may be short of the true one by 2^-63. */
				assert_in_range(to_ns - time_ticks_to_ns(ticks), 0, 1);
				assert_in_range(to_ticks - time_ns_to_ticks(ns), 0, 1);
			}
		}
	}
}

static void conversion_never_goes_backwards_and_saturates(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(frequencies); i++) {
		uint64_t last_ns = 0, last_ticks = 0;

		init_at(frequencies[i]);
		for (unsigned int bit = 0; bit < 64; bit++) {
			uint64_t ns = time_ticks_to_ns(BIT64(bit));
			uint64_t ticks = time_ns_to_ticks(BIT64(bit));

			assert_true(ns >= last_ns && ticks >= last_ticks);
			last_ns = ns;
			last_ticks = ticks;
		}
	}
	init_at(1000000);
	assert_true(time_ticks_to_ns(UINT64_MAX) == UINT64_MAX);
	assert_true(time_ns_to_ticks(UINT64_MAX) == UINT64_MAX / 1000 ||
		    time_ns_to_ticks(UINT64_MAX) == UINT64_MAX / 1000 - 1);
}

static void time_starts_at_zero(void **state)
{
	fake_machine_sysreg_set("CNTPCT_EL0", 62500000);
	init_at(62500000);
	assert_int_equal(time_now_ns(), 0);
	fake_machine_sysreg_set("CNTPCT_EL0", 3 * 62500000);
	assert_in_range(time_now_ns(), 1999999999, 2000000000);
	fake_machine_log_clear();
	(void)time_ticks();
	fake_machine_expect_exactly("isb", "mrs CNTPCT_EL0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_register_gives_the_frequency, set_up),
		cmocka_unit_test_setup(the_tree_overrules_the_register, set_up),
		cmocka_unit_test_setup(a_tree_that_agrees_is_not_passed_on, set_up),
		cmocka_unit_test_setup(without_a_frequency_tenon_stops, set_up),
		cmocka_unit_test_setup(interrupts_with_names_are_found_by_name, set_up),
		cmocka_unit_test_setup(a_virtual_timer_elsewhere_is_reported, set_up),
		cmocka_unit_test_setup(without_a_node_26_is_assumed, set_up),
		cmocka_unit_test_setup(conversion_is_exact_to_the_last_unit, set_up),
		cmocka_unit_test_setup(conversion_never_goes_backwards_and_saturates, set_up),
		cmocka_unit_test_setup(time_starts_at_zero, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
