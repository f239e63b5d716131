/* SPDX-License-Identifier: MIT */
/* The log: ring, sink, levels and the rate limit of guests' messages. */
#include "lib/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_machine.h"

#define RING_BYTES 16384

static char shown[65536];
static size_t shown_length;
static uint64_t now_s = 100;

static void sink(const char *text, size_t length)
{
	assert_true(shown_length + length < sizeof(shown));
	memcpy(shown + shown_length, text, length);
	shown_length += length;
	shown[shown_length] = '\0';
}

static void set_time_s(uint64_t seconds)
{
	now_s = seconds;
	fake_machine_sysreg_set("CNTFRQ_EL0", 62500000);
	fake_machine_sysreg_set("CNTPCT_EL0", now_s * 62500000);
}

static int reset(void **state)
{
	(void)state;
	fake_machine_reset();
	set_time_s(now_s + 1000); /* all buckets are full */
	log_set_sink(NULL);
	log_set_level(LOG_INFO);
	shown_length = 0;
	shown[0] = '\0';
	return 0;
}

static uint32_t log_end(void)
{
	static char rest[RING_BYTES];
	uint32_t index = 0;

	while (log_read(rest, sizeof(rest), &index) != 0) {
	}
	return index;
}

static void early_lines_are_shown_when_the_sink_comes(void **state)
{
	(void)state;
	log_info("first %d", 1);
	log_set_sink(sink);
	assert_string_equal(shown, "(Tenon) first 1\n");
	log_info("second");
	assert_string_equal(shown, "(Tenon) first 1\n(Tenon) second\n");
	log_set_sink(sink); /* nothing twice */
	assert_string_equal(shown, "(Tenon) first 1\n(Tenon) second\n");
}

static void levels_name_and_filter(void **state)
{
	(void)state;
	log_set_sink(sink);
	log_error("a");
	log_warning("b");
	log_debug("c");
	log_set_level(LOG_ERROR);
	log_warning("d");
	log_set_level(LOG_DEBUG);
	log_debug("e");
	assert_string_equal(shown, "(Tenon) error: a\n(Tenon) warning: b\n(Tenon) e\n");
}

static void long_line_is_cut_but_ends(void **state)
{
	char text[600];

	(void)state;
	log_set_sink(sink);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_info("%s", text);
	assert_int_equal(shown_length, 256);
	assert_int_equal(shown[255], '\n');
	assert_int_equal(shown[254], 'x');
}

static void ring_gives_unread_text_once(void **state)
{
	char buffer[64];
	uint32_t index = log_end();

	(void)state;
	log_info("abc");
	assert_int_equal(log_read(buffer, 8, &index), 8);
	assert_memory_equal(buffer, "(Tenon) ", 8);
	assert_int_equal(log_read(buffer, sizeof(buffer), &index), 4);
	assert_memory_equal(buffer, "abc\n", 4);
	assert_int_equal(log_read(buffer, sizeof(buffer), &index), 0);
}

static void overrun_reader_continues_at_the_oldest_byte(void **state)
{
	static char buffer[RING_BYTES * 2];
	uint32_t index = log_end();
	uint32_t ahead = index + 5;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		log_info("line %04u of many", i);
	}
	assert_int_equal(log_read(buffer, sizeof(buffer), &index), RING_BYTES);
	assert_memory_equal(buffer + RING_BYTES - 18, "line 0999 of many\n", 18);
	assert_int_equal(index, log_end());
	/* An index that no read ever gave. */
	ahead = index + 100;
	assert_int_equal(log_read(buffer, sizeof(buffer), &ahead), RING_BYTES);
}

static unsigned int count_lines(const char *text)
{
	unsigned int nr = 0;

	for (const char *at = shown; (at = strstr(at, text)) != NULL; at++) {
		nr++;
	}
	return nr;
}

static void flood_is_limited_and_counted(void **state)
{
	(void)state;
	log_set_sink(sink);
	for (unsigned int i = 0; i < 100; i++) {
		log_guest(3, "bad %u", i);
	}
	assert_int_equal(count_lines("(Tenon) d3: bad "), 10);
	log_guest(4, "other domains are not affected");
	assert_int_equal(count_lines("d4: "), 1);
	set_time_s(now_s + 1);
	shown_length = 0;
	log_guest(3, "later");
	log_guest(3, "later still");
	assert_string_equal(shown,
			    "(Tenon) d3: 90 messages about this domain were left out\n(Tenon) d3: later\n");
	set_time_s(now_s + 60);
	shown_length = 0;
	for (unsigned int i = 0; i < 100; i++) {
		log_guest(3, "again %u", i);
	}
	assert_int_equal(count_lines("again"), 10); /* a quiet minute is worth a burst, no more */
}

static void firmware_without_a_frequency_is_survived(void **state)
{
	(void)state;
	log_set_sink(sink);
	fake_machine_sysreg_set("CNTFRQ_EL0", 0);
	log_guest(5, "hello");
	assert_string_equal(shown, "(Tenon) d5: hello\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(early_lines_are_shown_when_the_sink_comes, reset),
		cmocka_unit_test_setup(levels_name_and_filter, reset),
		cmocka_unit_test_setup(long_line_is_cut_but_ends, reset),
		cmocka_unit_test_setup(ring_gives_unread_text_once, reset),
		cmocka_unit_test_setup(overrun_reader_continues_at_the_oldest_byte, reset),
		cmocka_unit_test_setup(flood_is_limited_and_counted, reset),
		cmocka_unit_test_setup(firmware_without_a_frequency_is_survived, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
