/* SPDX-License-Identifier: MIT */
/*
 * lib/format.c against the C library's: the same call must give the same text and length. The build
 * renames Tenon's functions to tenon_* (objects.mk).
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

__attribute__((format(printf, 3, 4))) int tenon_snprintf(char *buffer, size_t size,
							 const char *format, ...);

#define assert_same(...)                                                           \
	do {                                                                       \
		char want_[128];                                                   \
		char got_[128];                                                    \
		int want_length_ = snprintf(want_, sizeof(want_), __VA_ARGS__);    \
		int got_length_ = tenon_snprintf(got_, sizeof(got_), __VA_ARGS__); \
		assert_string_equal(got_, want_);                                  \
		assert_int_equal(got_length_, want_length_);                       \
	} while (0)

static void integers_of_all_lengths(void **state)
{
	(void)state;
	assert_same("%d %i %u", -1, INT_MIN, UINT_MAX);
	assert_same("%d %d", 0, INT_MAX);
	assert_same("%ld %lu %lx", LONG_MIN, ULONG_MAX, ULONG_MAX);
	assert_same("%lld %llu %llX", LLONG_MIN, ULLONG_MAX, 0xdeadbeefULL);
	assert_same("%zu %zd %jd %td", (size_t)7, (ssize_t)-7, (intmax_t)-9, (ptrdiff_t)11);
	assert_same("%hd %hu %hhd %hhu %hhx", (short)-2, (unsigned short)65535, (signed char)-3,
		    (unsigned char)254, (unsigned char)0xab);
	assert_same("%o %lo", 0755u, ULONG_MAX);
	assert_same("%x %X", 0xbeefu, 0xbeefu);
}

static void width_precision_and_flags(void **state)
{
	(void)state;
	assert_same("[%5d][%-5d][%05d][%+d][% d]", 42, 42, 42, 42, 42);
	assert_same("[%5d][%-5d][%05d]", -42, -42, -42);
	assert_same("[%.3d][%5.3d][%-6.3d]", 7, 7, 7);
	assert_same("[%.0d][%.0u][%.0x]", 0, 0u, 0u);
	assert_same("[%#x][%#X][%#o][%#x]", 255u, 255u, 8u, 0u);
	assert_same("[%#10x][%#010x][%-#10x]", 255u, 255u, 255u);
	assert_same("[%016lx][%.16lx]", 0x1234UL, 0x1234UL);
	assert_same("[%*d][%-*d][%*d]", 6, 1, 6, 2, -6, 3);
	assert_same("[%.*s][%.*s]", 2, "abcdef", -1, "abc");
	assert_same("[%20d]", 123456);
}

static void strings_characters_and_percent(void **state)
{
	const char unterminated[3] = {'a', 'b', 'c'};

	(void)state;
	assert_same("%s|%10s|%-10s|%.2s|%5.1s", "abc", "abc", "abc", "abc", "abc");
	assert_same("%.3s", unterminated);
	assert_same("%c|%3c|%-3c|%%", 'x', 'y', 'z');
	assert_same("%s", "");
	assert_same("no conversion");
}

static void null_string_is_named(void **state)
{
	char text[16];
	const char *volatile none = NULL;

	(void)state;
	tenon_snprintf(text, sizeof(text), "<%s>", none);
	assert_string_equal(text, "<(null)>");
}

static void pointers_are_hexadecimal(void **state)
{
	char text[32];

	(void)state;
	tenon_snprintf(text, sizeof(text), "%p", (void *)(uintptr_t)0x7f8000001000);
	assert_string_equal(text, "0x7f8000001000");
	tenon_snprintf(text, sizeof(text), "%p", NULL);
	assert_string_equal(text, "0x0");
}

static void truncation_terminates_and_tells_the_length(void **state)
{
	char text[5] = "####";

	(void)state;
	assert_int_equal(tenon_snprintf(text, sizeof(text), "%s-%d", "abc", 123), 7);
	assert_string_equal(text, "abc-");
	assert_int_equal(tenon_snprintf(text, 1, "%d", 99), 2);
	assert_string_equal(text, "");
	text[0] = '#';
	assert_int_equal(tenon_snprintf(text, 0, "%d", 99), 2);
	assert_int_equal(text[0], '#');
	assert_int_equal(tenon_snprintf(NULL, 0, "%d", 99), 2);
}

static void unknown_conversion_is_printed_as_it_stands(void **state)
{
	char text[32];
	const char *volatile unknown = "a %q %d";
	const char *volatile unfinished = "100%";

	(void)state;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	assert_int_equal(tenon_snprintf(text, sizeof(text), unknown), 7);
	assert_string_equal(text, "a %q %d");
	assert_int_equal(tenon_snprintf(text, sizeof(text), unfinished), 4);
	assert_string_equal(text, "100%");
#pragma GCC diagnostic pop
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_of_all_lengths),
		cmocka_unit_test(width_precision_and_flags),
		cmocka_unit_test(strings_characters_and_percent),
		cmocka_unit_test(null_string_is_named),
		cmocka_unit_test(pointers_are_hexadecimal),
		cmocka_unit_test(truncation_terminates_and_tells_the_length),
		cmocka_unit_test(unknown_conversion_is_printed_as_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
