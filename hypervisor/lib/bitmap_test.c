/* SPDX-License-Identifier: MIT */
/* Bitmaps: searches across words and at the end. */
#include "lib/bitmap.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void searches_cross_words_and_stop_at_the_end(void **state)
{
	uint64_t map[BITMAP_WORDS(130)] = {0};

	(void)state;
	assert_int_equal(ARRAY_SIZE(map), 3);
	assert_int_equal(bitmap_find_set(map, 130, 0), 130);
	bitmap_set(map, 5);
	bitmap_set(map, 129);
	assert_int_equal(bitmap_find_set(map, 130, 0), 5);
	assert_int_equal(bitmap_find_set(map, 130, 5), 5);
	assert_int_equal(bitmap_find_set(map, 130, 6), 129);
	assert_int_equal(bitmap_find_set(map, 129, 6), 129);
	assert_int_equal(bitmap_find_set(map, 130, 130), 130);
	bitmap_clear(map, 129);
	assert_false(bitmap_test(map, 129));
	assert_int_equal(bitmap_find_set(map, 130, 6), 130);
}

static void zero_search_ignores_bits_past_the_end(void **state)
{
	uint64_t map[2] = {~UINT64_C(0), 0x3f};

	(void)state;
	assert_int_equal(bitmap_find_zero(map, 70, 0), 70);
	assert_int_equal(bitmap_find_zero(map, 71, 0), 70);
	bitmap_clear(map, 64);
	assert_int_equal(bitmap_find_zero(map, 70, 3), 64);
	assert_int_equal(bitmap_find_zero(map, 70, 65), 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(searches_cross_words_and_stop_at_the_end),
		cmocka_unit_test(zero_search_ignores_bits_past_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
