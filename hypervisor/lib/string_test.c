/* SPDX-License-Identifier: MIT */
/*
 * lib/string.c against byte loops, over every alignment and many sizes. The build renames its
 * functions to tenon_* so that the C library's stay in place; objects.mk has the list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *tenon_memcpy(void *restrict to, const void *restrict from, size_t size);
void *tenon_memmove(void *to, const void *from, size_t size);
void *tenon_memset(void *to, int byte, size_t size);
int tenon_memcmp(const void *a, const void *b, size_t size);
void *tenon_memchr(const void *s, int byte, size_t size);
size_t tenon_strlen(const char *s);
size_t tenon_strnlen(const char *s, size_t max);
int tenon_strcmp(const char *a, const char *b);
int tenon_strncmp(const char *a, const char *b, size_t max);
char *tenon_strchr(const char *s, int c);
char *tenon_strrchr(const char *s, int c);
char *tenon_strstr(const char *s, const char *find);
size_t tenon_strlcpy(char *to, const char *from, size_t size);

#define SPAN 320

static const size_t sizes[] = {0,  1,  2,  7,  8,  9,  15,  16,  17,  23, 24,
			       25, 31, 63, 64, 65, 71, 127, 128, 129, 200};
#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void fill(uint8_t *bytes, size_t size, uint8_t seed)
{
	for (size_t i = 0; i < size; i++) {
		bytes[i] = (uint8_t)(seed + i * 7 + (i >> 5));
	}
}

/* Whole pages and what is just no multiple of the largest step. */
static void large_copies_are_exact(void **state)
{
	static const size_t large[] = {511, 512, 513, 520, 1024, 1032, 4095, 4096};
	static _Alignas(16) uint8_t source[4200], got[4200], want[4200];

	(void)state;
	for (size_t s = 0; s < sizeof(large) / sizeof(large[0]); s++) {
		for (size_t from = 0; from < 24; from += 4) {
			for (size_t to = 0; to < 24; to += 4) {
				fill(source, sizeof(source), 1);
				fill(got, sizeof(got), 100);
				fill(want, sizeof(want), 100);
				memcpy(want + to, source + from, large[s]);
				assert_ptr_equal(tenon_memcpy(got + to, source + from, large[s]),
						 got + to);
				assert_memory_equal(got, want, sizeof(got));
				/* And over itself, both ways. */
				memmove(want + from, want + to, large[s]);
				assert_ptr_equal(tenon_memmove(got + from, got + to, large[s]),
						 got + from);
				assert_memory_equal(got, want, sizeof(got));
			}
		}
	}
}

static void copy_is_exact_at_every_alignment(void **state)
{
	(void)state;
	for (size_t s = 0; s < NR_SIZES; s++) {
		for (size_t from = 0; from < 16; from++) {
			for (size_t to = 0; to < 16; to++) {
				uint8_t source[SPAN];
				uint8_t got[SPAN];
				uint8_t want[SPAN];

				fill(source, SPAN, 1);
				fill(got, SPAN, 100);
				fill(want, SPAN, 100);
				for (size_t i = 0; i < sizes[s]; i++) {
					want[to + i] = source[from + i];
				}
				assert_ptr_equal(tenon_memcpy(got + to, source + from, sizes[s]),
						 got + to);
				assert_memory_equal(got, want, SPAN);
			}
		}
	}
}

/* Heap blocks of the exact size, so that the address sanitizer sees any byte too many. */
static void copy_touches_nothing_outside(void **state)
{
	(void)state;
	for (size_t size = 1; size < 100; size++) {
		for (size_t offset = 0; offset < 8; offset++) {
			uint8_t *source = malloc(size + offset);
			uint8_t *target = malloc(size);

			fill(source, size + offset, 3);
			tenon_memcpy(target, source + offset, size);
			assert_memory_equal(target, source + offset, size);
			free(source);
			free(target);
		}
	}
}

static void move_is_right_for_every_overlap(void **state)
{
	(void)state;
	for (size_t s = 0; s < NR_SIZES; s++) {
		for (size_t from = 0; from < 80; from++) {
			for (size_t to = 0; to < 80; to++) {
				uint8_t got[SPAN];
				uint8_t want[SPAN];
				uint8_t source[SPAN];

				fill(got, SPAN, 9);
				fill(want, SPAN, 9);
				fill(source, SPAN, 9);
				for (size_t i = 0; i < sizes[s]; i++) {
					want[to + i] = source[from + i];
				}
				assert_ptr_equal(tenon_memmove(got + to, got + from, sizes[s]),
						 got + to);
				assert_memory_equal(got, want, SPAN);
			}
		}
	}
}

static void set_fills_exactly_what_was_asked(void **state)
{
	(void)state;
	for (size_t s = 0; s < NR_SIZES; s++) {
		for (size_t to = 0; to < 16; to++) {
			uint8_t got[SPAN];
			uint8_t want[SPAN];

			fill(got, SPAN, 5);
			fill(want, SPAN, 5);
			for (size_t i = 0; i < sizes[s]; i++) {
				want[to + i] = 0xa5;
			}
			assert_ptr_equal(tenon_memset(got + to, 0x1a5, sizes[s]), got + to);
			assert_memory_equal(got, want, SPAN);
		}
	}
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void compare_finds_the_first_difference(void **state)
{
	(void)state;
	for (size_t a = 0; a < 8; a++) {
		for (size_t b = 0; b < 8; b++) {
			for (size_t at = 0; at < 80; at++) {
				uint8_t left[100] = {0};
				uint8_t right[100] = {0};

				assert_int_equal(tenon_memcmp(left + a, right + b, 80), 0);
				left[a + at] = 0x80;
				right[b + at] = 0x7f;
				left[a + 79] = at == 79
						     ? 0x80
						     : 1; /* a later difference of the other sign */
				right[b + 79] = at == 79 ? 0x7f : 2;
				assert_int_equal(sign(tenon_memcmp(left + a, right + b, 80)), 1);
				assert_int_equal(sign(tenon_memcmp(right + b, left + a, 80)), -1);
				assert_int_equal(tenon_memcmp(left + a, right + b, at), 0);
			}
		}
	}
}

static void strings_end_where_they_should(void **state)
{
	(void)state;
	assert_int_equal(tenon_strlen(""), 0);
	assert_int_equal(tenon_strlen("tenon"), 5);
	assert_int_equal(tenon_strnlen("tenon", 3), 3);
	assert_int_equal(tenon_strnlen("tenon", 9), 5);
	assert_int_equal(tenon_strcmp("abc", "abc"), 0);
	assert_true(tenon_strcmp("abc", "abd") < 0);
	assert_true(tenon_strcmp("abc", "ab") > 0);
	assert_true(tenon_strcmp("\xff", "a") > 0);
	assert_int_equal(tenon_strncmp("abc", "abd", 2), 0);
	assert_int_equal(tenon_strncmp("ab", "ab\0c", 4), 0);
	assert_true(tenon_strncmp("abc", "abd", 3) < 0);
}

static void searches_find_first_or_last(void **state)
{
	const char *text = "/chosen/domU1";

	(void)state;
	assert_ptr_equal(tenon_strchr(text, '/'), text);
	assert_ptr_equal(tenon_strrchr(text, '/'), text + 7);
	assert_ptr_equal(tenon_strchr(text, '\0'), text + 13);
	assert_ptr_equal(tenon_strrchr(text, '\0'), text + 13);
	assert_null(tenon_strchr(text, 'x'));
	assert_null(tenon_strrchr(text, 'x'));
	assert_ptr_equal(tenon_memchr(text, 'd', 13), text + 8);
	assert_null(tenon_memchr(text, 'd', 8));
	assert_ptr_equal(tenon_strstr(text, "dom"), text + 8);
	assert_ptr_equal(tenon_strstr(text, ""), text);
	assert_null(tenon_strstr(text, "domU2"));
	assert_null(tenon_strstr("", "a"));
}

static void bounded_copy_terminates_and_tells_the_length(void **state)
{
	char to[6] = "#####";

	(void)state;
	assert_int_equal(tenon_strlcpy(to, "abc", sizeof(to)), 3);
	assert_string_equal(to, "abc");
	assert_int_equal(tenon_strlcpy(to, "abcdefgh", sizeof(to)), 8);
	assert_string_equal(to, "abcde");
	assert_int_equal(tenon_strlcpy(to, "xyz", 0), 3);
	assert_string_equal(to, "abcde");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_is_exact_at_every_alignment),
		cmocka_unit_test(large_copies_are_exact),
		cmocka_unit_test(copy_touches_nothing_outside),
		cmocka_unit_test(move_is_right_for_every_overlap),
		cmocka_unit_test(set_fills_exactly_what_was_asked),
		cmocka_unit_test(compare_finds_the_first_difference),
		cmocka_unit_test(strings_end_where_they_should),
		cmocka_unit_test(searches_find_first_or_last),
		cmocka_unit_test(bounded_copy_terminates_and_tells_the_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
