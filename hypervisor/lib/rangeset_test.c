/* SPDX-License-Identifier: MIT */
/* Rangesets: a few cases by hand, and random operations against a bitmap. */
#include "lib/rangeset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi/xen.h"

static void neighbours_merge(void **state)
{
	struct range storage[4];
	struct rangeset set = RANGESET_INIT(storage);

	(void)state;
	assert_int_equal(rangeset_add(&set, 0x1000, 0x2000), 0);
	assert_int_equal(rangeset_add(&set, 0x3000, 0x4000), 0);
	assert_int_equal(set.nr, 2);
	assert_int_equal(rangeset_add(&set, 0x2000, 0x3000), 0);
	assert_int_equal(set.nr, 1);
	assert_int_equal(set.range[0].start, 0x1000);
	assert_int_equal(set.range[0].end, 0x4000);
}

static void removing_the_middle_splits(void **state)
{
	struct range storage[4];
	struct rangeset set = RANGESET_INIT(storage);

	(void)state;
	assert_int_equal(rangeset_add(&set, 0x1000, 0x9000), 0);
	assert_int_equal(rangeset_remove(&set, 0x3000, 0x4000), 0);
	assert_int_equal(set.nr, 2);
	assert_int_equal(set.range[0].end, 0x3000);
	assert_int_equal(set.range[1].start, 0x4000);
	assert_int_equal(rangeset_size(&set), 0x7000);
}

static void full_storage_is_an_error_that_changes_nothing(void **state)
{
	struct range storage[2];
	struct rangeset set = RANGESET_INIT(storage);

	(void)state;
	assert_int_equal(rangeset_add(&set, 10, 20), 0);
	assert_int_equal(rangeset_add(&set, 30, 40), 0);
	assert_int_equal(rangeset_add(&set, 50, 60), -XEN_ENOSPC);
	assert_int_equal(rangeset_remove(&set, 14, 15), -XEN_ENOSPC);
	assert_int_equal(set.nr, 2);
	assert_int_equal(rangeset_size(&set), 20);
	/* These need no room. */
	assert_int_equal(rangeset_add(&set, 15, 35), 0);
	assert_int_equal(set.nr, 1);
}

static void empty_ranges_are_nothing(void **state)
{
	struct range storage[1];
	struct rangeset set = RANGESET_INIT(storage);

	(void)state;
	assert_int_equal(rangeset_add(&set, 5, 5), 0);
	assert_int_equal(rangeset_add(&set, 6, 5), 0);
	assert_int_equal(set.nr, 0);
	assert_true(rangeset_contains(&set, 5, 5));
	assert_false(rangeset_overlaps(&set, 5, 5));
	assert_null(rangeset_find(&set, 0));
}

static void gaps_respect_alignment_and_bounds(void **state)
{
	struct range storage[4];
	struct rangeset set = RANGESET_INIT(storage);
	uint64_t start = 0;

	(void)state;
	assert_int_equal(rangeset_add(&set, 0x1000, 0x2000), 0);
	assert_int_equal(rangeset_add(&set, 0x2800, 0x5000), 0);
	assert_true(rangeset_find_gap(&set, 0, 0x10000, 0x800, 0x800, &start));
	assert_int_equal(start, 0);
	assert_true(rangeset_find_gap(&set, 0x1000, 0x10000, 0x800, 0x800, &start));
	assert_int_equal(start, 0x2000);
	assert_true(rangeset_find_gap(&set, 0x1000, 0x10000, 0x801, 0x800, &start));
	assert_int_equal(start, 0x5000);
	assert_true(rangeset_find_gap(&set, 0x1000, 0x10000, 0x801, 0x4000, &start));
	assert_int_equal(start, 0x8000);
	assert_false(rangeset_find_gap(&set, 0x1000, 0x2800, 0x801, 1, &start));
	assert_false(rangeset_find_gap(&set, 0x1000, 0x4000, 0x900, 1, &start));
	assert_false(rangeset_find_gap(&set, 0x6000, 0x6000, 1, 1, &start));
}

static void gap_at_the_top_of_the_address_space_does_not_wrap(void **state)
{
	struct range storage[1];
	struct rangeset set = RANGESET_INIT(storage);
	uint64_t start = 0;

	(void)state;
	assert_false(rangeset_find_gap(&set, UINT64_MAX - 10, UINT64_MAX, 1, 0x1000, &start));
	assert_false(rangeset_find_gap(&set, UINT64_MAX - 10, UINT64_MAX, 20, 1, &start));
	assert_true(rangeset_find_gap(&set, UINT64_MAX - 10, UINT64_MAX, 10, 1, &start));
	assert_true(start == UINT64_MAX - 10);
}

static void fit_lies_inside_one_range(void **state)
{
	struct range storage[4];
	struct rangeset set = RANGESET_INIT(storage);
	uint64_t start = 0;

	(void)state;
	assert_int_equal(rangeset_add(&set, 0x40100000, 0x40300000), 0);
	assert_int_equal(rangeset_add(&set, 0x80000000, 0x90000000), 0);
	assert_true(rangeset_find_fit(&set, 0, UINT64_MAX, 0x100000, 0x200000, &start));
	assert_int_equal(start, 0x40200000);
	assert_true(rangeset_find_fit(&set, 0, UINT64_MAX, 0x200000, 0x200000, &start));
	assert_int_equal(start, 0x80000000);
	assert_true(rangeset_find_fit(&set, 0x88000000, UINT64_MAX, 0x200000, 0x200000, &start));
	assert_int_equal(start, 0x88000000);
	assert_false(rangeset_find_fit(&set, 0, 0x80000000, 0x300000, 1, &start));
}

#define UNIVERSE 64

static void check_against_bits(const struct rangeset *set, const bool *bits)
{
	uint64_t size = 0;
	uint64_t previous_end = 0;

	for (unsigned int i = 0; i < set->nr; i++) {
		assert_true(set->range[i].start < set->range[i].end);
		assert_true(i == 0 || set->range[i].start > previous_end);
		previous_end = set->range[i].end;
	}
	for (unsigned int a = 0; a < UNIVERSE; a++) {
		size += bits[a] ? 1 : 0;
		assert_int_equal(rangeset_contains(set, a, a + 1), bits[a]);
		assert_int_equal(rangeset_overlaps(set, a, a + 1), bits[a]);
	}
	assert_int_equal(rangeset_size(set), size);
}

static void random_operations_agree_with_a_bitmap(void **state)
{
	struct range storage[UNIVERSE / 2 + 1];
	struct rangeset set;
	bool bits[UNIVERSE] = {false};

	(void)state;
	rangeset_init(&set, storage, ARRAY_SIZE(storage));
	srandom(1);
	for (unsigned int turn = 0; turn < 4000; turn++) {
		uint64_t start = (uint64_t)random() % UNIVERSE;
		uint64_t end = start + (uint64_t)random() % (UNIVERSE - start + 1);
		bool add = (random() & 1) != 0;
		bool all = true;
		bool any = false;

		if (end - start > 9 && turn % 16 != 0) {
			end = start + 9;
		}
		for (uint64_t a = start; a < end; a++) {
			all = all && bits[a];
			any = any || bits[a];
		}
		assert_int_equal(rangeset_contains(&set, start, end), all);
		assert_int_equal(rangeset_overlaps(&set, start, end), any);
		memset(&bits[start], add, end - start);
		assert_int_equal(add ? rangeset_add(&set, start, end)
				     : rangeset_remove(&set, start, end),
				 0);
		check_against_bits(&set, bits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_merge),
		cmocka_unit_test(removing_the_middle_splits),
		cmocka_unit_test(full_storage_is_an_error_that_changes_nothing),
		cmocka_unit_test(empty_ranges_are_nothing),
		cmocka_unit_test(gaps_respect_alignment_and_bounds),
		cmocka_unit_test(gap_at_the_top_of_the_address_space_does_not_wrap),
		cmocka_unit_test(fit_lies_inside_one_range),
		cmocka_unit_test(random_operations_agree_with_a_bitmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
