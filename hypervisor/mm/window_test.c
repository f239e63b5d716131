/* SPDX-License-Identifier: MIT */
/*
 * Windows and epochs (M1): what a window's descriptor says, in which order one replaces another,
 * what stays mapped, and when every CPU has let go.
 */
#include "mm/mm_internal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "arm64/percpu.h"
#include "arm64/pte.h"
#include "mm/window.h"
#include "tests/unit/fake_machine.h"

#define NR_ENTRIES 512
#define FRAME_A    UINT64_C(0x40003)
#define FRAME_B    UINT64_C(0x40013) /* 16 windows: the same home as A and C */
#define FRAME_C    UINT64_C(0x40023)

static uint64_t tables[FAKE_MACHINE_MAX_CPUS][NR_ENTRIES];
static uint64_t blocks[FAKE_MACHINE_MAX_CPUS];

uint64_t *hyp_map_window_table(unsigned int cpu)
{
	return tables[cpu];
}

uint64_t *hyp_map_window_block(unsigned int cpu)
{
	return &blocks[cpu];
}

static int set_up(void **state)
{
	fake_machine_reset();
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		fake_machine_set_cpu(cpu);
		window_drop_all();
		epoch_poll();
		epoch_idle_leave();
	}
	fake_machine_set_cpu(0);
	fake_machine_watch(tables[0], NR_ENTRIES);
	fake_machine_log_clear();
	return 0;
}

static uint64_t *entry_of(const void *va)
{
	return &tables[fake_machine_cpu][((uint64_t)(uintptr_t)va - WINDOW_BASE) / PAGE_SIZE];
}

static unsigned int nr_mapped(uint64_t m)
{
	unsigned int nr = 0;

	for (unsigned int n = 0; n < NR_ENTRIES; n++) {
		uint64_t pte = tables[fake_machine_cpu][n];

		nr += pte_is_valid(pte) && (pte & PTE_ADDR) == m << PAGE_SHIFT ? 1 : 0;
	}
	return nr;
}

/* ---- descriptors ------------------------------------------------------------------------------- */

static void a_window_has_the_attribute_asked_for_and_is_never_executable(void **state)
{
	static const struct {
		enum window_attr attr;
		uint64_t index, shareability;
	} cases[] = {
		{WINDOW_NC, MAIR_IDX_NC, 0},
		{WINDOW_WB, MAIR_IDX_WB, PTE_SH_INNER},
		{WINDOW_WB_ONCE, MAIR_IDX_WB, PTE_SH_INNER},
	};

	for (unsigned int n = 0; n < ARRAY_SIZE(cases); n++) {
		const void *va = window_map(mfn(FRAME_A), cases[n].attr);
		uint64_t pte = *entry_of(va);

		assert_int_equal(pte & PTE_ADDR, FRAME_A << PAGE_SHIFT);
		assert_int_equal(pte & (PTE_VALID | PTE_PAGE | PTE_AF),
				 PTE_VALID | PTE_PAGE | PTE_AF);
		assert_int_equal(FIELD_GET(BITS64(4, 2), pte), cases[n].index);
		assert_int_equal(pte & PTE_SH, cases[n].shareability);
		assert_true((pte & PTE_EL2_XN) != 0);
		assert_true((pte & PTE_EL2_RO) == 0);
		window_unmap(va);
	}
}

static void a_new_entry_is_seen_by_the_walker_before_it_is_used(void **state)
{
	window_unmap(window_map(mfn(FRAME_A), WINDOW_NC));
	fake_machine_expect("store valid", "dsb nsh", "isb");
	fake_machine_expect_none("tlbi");
}

/* ---- what stays --------------------------------------------------------------------------------- */

static void a_second_use_of_a_frame_costs_nothing(void **state)
{
	const void *first = window_map(mfn(FRAME_A), WINDOW_NC);

	window_unmap(first);
	fake_machine_log_clear();
	assert_ptr_equal(window_map(mfn(FRAME_A), WINDOW_NC), first);
	window_unmap(first);
	assert_int_equal(fake_machine_log_count(), 0);
}

static void another_attribute_is_break_before_make_on_this_cpu_only(void **state)
{
	window_unmap(window_map(mfn(FRAME_A), WINDOW_NC));
	fake_machine_log_clear();
	window_unmap(window_map(mfn(FRAME_A), WINDOW_WB));
	fake_machine_expect("store invalid", "dsb nsh", "tlbi vae2", "dsb nsh", "isb",
			    "store valid", "dsb nsh", "isb");
	fake_machine_expect_none("tlbi vae2is");
	assert_int_equal(nr_mapped(FRAME_A), 1);
	fake_machine_log_clear();
	window_unmap(window_map(mfn(FRAME_A), WINDOW_NC));
	fake_machine_expect("store invalid", "dsb nsh", "tlbi vae2", "dsb nsh", "isb",
			    "store valid", "dsb nsh", "isb");
}

static void another_frame_in_the_same_place_is_break_before_make(void **state)
{
	const void *a = window_map(mfn(FRAME_A), WINDOW_NC);

	window_unmap(a);
	fake_machine_log_clear();
	assert_ptr_equal(window_map(mfn(FRAME_B), WINDOW_NC), a);
	window_unmap(a);
	fake_machine_expect("store invalid", "dsb nsh", "tlbi vae2", "dsb nsh", "isb",
			    "store valid", "dsb nsh", "isb");
	assert_int_equal(nr_mapped(FRAME_A), 0);
}

static void what_is_there_still_is_found_by_whose_it_is(void **state)
{
	const void *a = window_map_of(mfn(FRAME_A), WINDOW_NC, 7);
	const void *b = window_map_of(mfn(FRAME_B), WINDOW_NC, 7);

	assert_ptr_equal(window_kept(mfn(FRAME_A), WINDOW_NC, 7), a);
	assert_null(window_kept(mfn(FRAME_A), WINDOW_WB, 7));
	assert_null(window_kept(mfn(FRAME_A), WINDOW_NC, 8));
	/* Away from home: it goes with its last user. */
	assert_null(window_kept(mfn(FRAME_B), WINDOW_NC, 7));
	window_unmap(a);
	window_unmap(b);
	assert_ptr_equal(window_kept(mfn(FRAME_A), WINDOW_NC, 7), a);
	/* Who does not know leaves it as it is. */
	window_unmap(window_map(mfn(FRAME_A), WINDOW_NC));
	assert_ptr_equal(window_kept(mfn(FRAME_A), WINDOW_NC, 7), a);
	window_drop_all();
	assert_null(window_kept(mfn(FRAME_A), WINDOW_NC, 7));
}

static void nobody_has_looked_at_it_until_somebody_has(void **state)
{
	const void *va = window_map(mfn(FRAME_A), WINDOW_WB);

	window_unmap(va);
	for (uint32_t owner = 0; owner < WINDOW_OF_NOBODY; owner++) {
		assert_null(window_kept(mfn(FRAME_A), WINDOW_WB, (uint16_t)owner));
	}
	/* Then it is the same window still. */
	fake_machine_log_clear();
	assert_ptr_equal(window_map_of(mfn(FRAME_A), WINDOW_WB, 0), va);
	window_unmap(va);
	assert_ptr_equal(window_kept(mfn(FRAME_A), WINDOW_WB, 0), va);
	assert_int_equal(fake_machine_log_count(), 0);
	/* Shared frames' windows are there while they are used. */
	va = window_map_of(mfn(FRAME_A), WINDOW_WB_ONCE, 0);
	window_unmap(va);
	assert_null(window_kept(mfn(FRAME_A), WINDOW_WB_ONCE, 0));
	assert_null(window_kept(mfn(FRAME_A), WINDOW_WB, 0));
}

static void a_window_on_a_shared_frame_of_a_cold_domain_is_not_kept(void **state)
{
	const void *va = window_map(mfn(FRAME_A), WINDOW_WB_ONCE);

	assert_ptr_equal(window_map(mfn(FRAME_A), WINDOW_WB_ONCE), va);
	window_unmap(va);
	assert_int_equal(nr_mapped(FRAME_A), 1);
	fake_machine_log_clear();
	window_unmap(va);
	fake_machine_expect("store invalid", "dsb nsh", "tlbi vae2", "dsb nsh");
	assert_int_equal(nr_mapped(FRAME_A), 0);
}

static void frames_with_one_home_are_used_together(void **state)
{
	const void *a = window_map(mfn(FRAME_A), WINDOW_NC);
	const void *b = window_map(mfn(FRAME_B), WINDOW_NC);
	const void *c = window_map(mfn(FRAME_C), WINDOW_WB);

	assert_ptr_not_equal(a, b);
	assert_ptr_not_equal(b, c);
	/* Also when A's place is free again: no frame is ever in two places. */
	window_unmap(a);
	assert_ptr_equal(window_map(mfn(FRAME_B), WINDOW_NC), b);
	window_unmap(b);
	window_unmap(b);
	assert_int_equal(nr_mapped(FRAME_B), 0);
	window_unmap(c);
	assert_int_equal(nr_mapped(FRAME_C), 0);
	/* Home it stays. */
	window_unmap(window_map(mfn(FRAME_C), WINDOW_WB));
	assert_int_equal(nr_mapped(FRAME_C), 1);
}

/* Domains that are alike, one after the other in memory, have their windows side by side. */
static void the_same_place_of_another_domain_has_another_home(void **state)
{
	static const uint64_t sizes[] = {0x1000, 0x4000, 0x10000, 0x40000};

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		const void *one = window_map(mfn(FRAME_A), WINDOW_WB);
		const void *other;

		window_unmap(one);
		other = window_map(mfn(FRAME_A + sizes[i]), WINDOW_WB);
		assert_ptr_not_equal(other, one);
		window_unmap(other);
		assert_int_equal(nr_mapped(FRAME_A), 1);
	}
}

static void a_dropped_window_maps_nothing(void **state)
{
	const void *a = window_map(mfn(FRAME_A), WINDOW_NC);
	const void *b = window_map(mfn(FRAME_A + 1), WINDOW_WB);

	window_unmap(a);
	window_unmap(b);
	window_drop_all();
	for (unsigned int n = 0; n < NR_ENTRIES; n++) {
		assert_int_equal(tables[0][n], 0);
	}
	fake_machine_log_clear();
	window_drop_all();
	assert_int_equal(fake_machine_log_count(), 0);
}

static void each_cpu_has_windows_of_its_own(void **state)
{
	const void *a = window_map(mfn(FRAME_A), WINDOW_NC);

	fake_machine_set_cpu(1);
	assert_int_equal(nr_mapped(FRAME_A), 0);
	window_unmap(window_map(mfn(FRAME_A), WINDOW_WB));
	assert_int_equal(nr_mapped(FRAME_A), 1);
	fake_machine_set_cpu(0);
	assert_int_equal(FIELD_GET(BITS64(4, 2), *entry_of(a)), MAIR_IDX_NC);
	window_unmap(a);
}

static void one_frame_is_not_in_use_with_two_attributes(void **state)
{
	const void *a = window_map(mfn(FRAME_A), WINDOW_NC);

	expect_assert_failure((void)window_map(mfn(FRAME_A), WINDOW_WB));
	window_unmap(a);
}

static void windows_in_use_are_not_dropped(void **state)
{
	const void *a = window_map(mfn(FRAME_A), WINDOW_NC);

	expect_assert_failure(window_drop_all());
	window_unmap(a);
}

static void a_block_of_free_memory_is_non_cacheable_and_gone_afterwards(void **state)
{
	char *block = window_map_free_block(mfn(0x40200));

	assert_int_equal(blocks[0] & PTE_ADDR, UINT64_C(0x40200) << PAGE_SHIFT);
	assert_true(pte_is_leaf(blocks[0], 2));
	assert_int_equal(FIELD_GET(BITS64(4, 2), blocks[0]), MAIR_IDX_NC);
	assert_true((blocks[0] & PTE_EL2_XN) != 0);
	fake_machine_expect("dsb nsh", "isb");
	fake_machine_log_clear();
	window_unmap_free_block();
	assert_int_equal(blocks[0], 0);
	assert_int_equal(((uint64_t)(uintptr_t)block) % PTE_LEVEL_SIZE(2), 0);
	fake_machine_expect("dsb nsh", "tlbi vae2", "dsb nsh");
}

/* ---- epochs ------------------------------------------------------------------------------------- */

static void poll_on(unsigned int cpu)
{
	fake_machine_set_cpu(cpu);
	epoch_poll();
	fake_machine_set_cpu(0);
}

static void an_epoch_has_passed_when_every_cpu_has_polled(void **state)
{
	uint32_t epoch = epoch_begin();

	assert_int_equal(epoch_latest(), epoch);
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		assert_false(epoch_passed(epoch));
		poll_on(cpu);
	}
	assert_true(epoch_passed(epoch));
	/* A poll before the next one begins is worth nothing. */
	poll_on(0);
	assert_false(epoch_passed(epoch_begin()));
}

static void a_poll_drops_the_windows_before_it_is_counted(void **state)
{
	uint32_t epoch;

	nr_cpus = 1;
	window_unmap(window_map(mfn(FRAME_A), WINDOW_WB));
	epoch = epoch_begin();
	fake_machine_log_clear();
	epoch_poll();
	fake_machine_expect("store invalid", "dsb nsh", "tlbi vae2", "dsb nsh");
	assert_int_equal(nr_mapped(FRAME_A), 0);
	assert_true(epoch_passed(epoch));
	/* Nothing new: nothing is dropped. */
	window_unmap(window_map(mfn(FRAME_A), WINDOW_WB));
	epoch_poll();
	assert_int_equal(nr_mapped(FRAME_A), 1);
}

static void no_walk_is_made_ahead_of_a_poll_that_counts(void **state)
{
	(void)epoch_begin();
	fake_machine_log_clear();
	epoch_poll();
	fake_machine_expect_exactly("dmb ish", "isb");
	fake_machine_log_clear();
	epoch_poll();
	assert_int_equal(fake_machine_log_count(), 0);
}

static void an_idle_cpu_has_no_window_and_holds_no_epoch_up(void **state)
{
	uint32_t epoch;

	nr_cpus = 2;
	fake_machine_set_cpu(1);
	window_unmap(window_map(mfn(FRAME_A), WINDOW_WB));
	epoch_idle_enter();
	assert_int_equal(nr_mapped(FRAME_A), 0);
	fake_machine_set_cpu(0);
	epoch = epoch_begin();
	epoch_poll();
	assert_true(epoch_passed(epoch));
	/* Awake again it counts, until it has polled. */
	epoch = epoch_begin();
	epoch_poll();
	fake_machine_set_cpu(1);
	fake_machine_log_clear();
	epoch_idle_leave();
	/* Before any AT, whose walk a DMB does not order. */
	fake_machine_expect_exactly("dsb ish", "isb");
	assert_false(epoch_passed(epoch));
	epoch_poll();
	assert_true(epoch_passed(epoch));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_window_has_the_attribute_asked_for_and_is_never_executable,
				       set_up),
		cmocka_unit_test_setup(a_new_entry_is_seen_by_the_walker_before_it_is_used, set_up),
		cmocka_unit_test_setup(a_second_use_of_a_frame_costs_nothing, set_up),
		cmocka_unit_test_setup(another_attribute_is_break_before_make_on_this_cpu_only,
				       set_up),
		cmocka_unit_test_setup(another_frame_in_the_same_place_is_break_before_make, set_up),
		cmocka_unit_test_setup(what_is_there_still_is_found_by_whose_it_is, set_up),
		cmocka_unit_test_setup(nobody_has_looked_at_it_until_somebody_has, set_up),
		cmocka_unit_test_setup(a_window_on_a_shared_frame_of_a_cold_domain_is_not_kept,
				       set_up),
		cmocka_unit_test_setup(frames_with_one_home_are_used_together, set_up),
		cmocka_unit_test_setup(the_same_place_of_another_domain_has_another_home, set_up),
		cmocka_unit_test_setup(a_dropped_window_maps_nothing, set_up),
		cmocka_unit_test_setup(each_cpu_has_windows_of_its_own, set_up),
		cmocka_unit_test_setup(one_frame_is_not_in_use_with_two_attributes, set_up),
		cmocka_unit_test_setup(windows_in_use_are_not_dropped, set_up),
		cmocka_unit_test_setup(a_block_of_free_memory_is_non_cacheable_and_gone_afterwards,
				       set_up),
		cmocka_unit_test_setup(an_epoch_has_passed_when_every_cpu_has_polled, set_up),
		cmocka_unit_test_setup(a_poll_drops_the_windows_before_it_is_counted, set_up),
		cmocka_unit_test_setup(no_walk_is_made_ahead_of_a_poll_that_counts, set_up),
		cmocka_unit_test_setup(an_idle_cpu_has_no_window_and_holds_no_epoch_up, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
