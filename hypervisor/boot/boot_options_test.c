/* SPDX-License-Identifier: MIT */
/* The command line: values that are right, values that are not, and everything Xen's users
 * write. */
#include "boot/boot_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char messages[4096];

void log_write(enum log_level level, const char *format, ...)
{
	size_t length = strlen(messages);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(messages + length, sizeof(messages) - length - 2, format, args);
	va_end(args);
	strcat(messages, "\n");
}

static int set_up(void **state)
{
	boot_options = (struct boot_options){.dom0_mem = 1, .log_level = LOG_INFO, .xsm_silo = true};
	messages[0] = '\0';
	return 0;
}

static void sizes(void **state)
{
	static const struct {
		const char *line;
		uint64_t bytes; /* 1: refused */
	} cases[] = {
		{"dom0_mem=768M", UINT64_C(768) << 20},
		{"dom0_mem=2g", UINT64_C(2) << 30},
		{"dom0_mem=524288", UINT64_C(512) << 20},
		{"dom0_mem=4096b", 4096},
		{"dom0_mem=0x100M", UINT64_C(256) << 20},
		{"dom0_mem=1T", UINT64_C(1) << 40},
		{"dom0_mem=", 1},
		{"dom0_mem", 1},
		{"dom0_mem=M", 1},
		{"dom0_mem=12X", 1},
		{"dom0_mem=12MB", 1},
		{"dom0_mem=-1M", 1},
		{"dom0_mem=0x", 1},
		{"dom0_mem=99999999999999999999", 1},
		{"dom0_mem=18014398509481984K", 1},
		{"dom0_mem=max:512M", 1},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		set_up(NULL);
		boot_options_parse(cases[i].line);
		assert_int_equal(boot_options.dom0_mem, cases[i].bytes);
		assert_true((messages[0] != '\0') == (cases[i].bytes == 1));
	}
}

static void a_line_of_many_words(void **state)
{
	boot_options_parse("  console=dtuart dtuart=/pl011@9000000\tdom0_max_vcpus=3 "
			   "loglvl=all/warning gnttab_max_frames=32 gnttab_max_maptrack_frames=0x10 "
			   "gnttab=max-ver:1 maxcpus=4 xsm=dummy noreboot rebuild mem-attr=warn\n");
	assert_string_equal(messages, "");
	assert_string_equal(boot_options.dtuart, "/pl011@9000000");
	assert_int_equal(boot_options.dom0_max_vcpus, 3);
	assert_int_equal(boot_options.gnttab_max_frames, 32);
	assert_int_equal(boot_options.gnttab_max_maptrack_frames, 16);
	assert_int_equal(boot_options.maxcpus, 4);
	assert_int_equal(boot_options.log_level, LOG_DEBUG);
	assert_false(boot_options.xsm_silo);
	assert_true(boot_options.no_reboot);
	assert_true(boot_options.rebuild);
	assert_true(boot_options.mem_attr_warn);
	boot_options_parse("mem-attr=refuse");
	assert_false(boot_options.mem_attr_warn);
}

/* What a limit has become that its user will look for in vain, is said. */
static void limits_of_grant_tables(void **state)
{
	static const struct {
		const char *line;
		uint32_t frames, maptrack;
		const char *message;
	} cases[] = {
		{"gnttab_max_frames=1", 1, 7, ""},
		{"gnttab_max_frames=64", 64, 7, ""},
		{"gnttab_max_frames=0", 7, 7, "gnttab_max_frames=0 is not valid (1 to 64 are)"},
		{"gnttab_max_frames=65", 7, 7, "gnttab_max_frames=65 is not valid (1 to 64 are)"},
		{"gnttab_max_frames=4294967297", 7, 7, "is not valid"},
		{"gnttab_max_frames=8k", 7, 7, "is not valid"},
		{"gnttab_max_frames", 7, 7, "is not valid"},
		{"gnttab_max_maptrack_frames=0", 7, 0, ""},
		{"gnttab_max_maptrack_frames=1024", 7, 1024, ""},
		{"gnttab_max_maptrack_frames=1025", 7, 7, "=1025 is not valid (0 to 1024 are)"},
		{"gnttab=max-ver:2", 7, 7, "gnttab=max-ver:2 is not valid"},
		{"gnttab=max-ver:1", 7, 7, ""},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		set_up(NULL);
		boot_options.gnttab_max_frames = boot_options.gnttab_max_maptrack_frames = 7;
		boot_options_parse(cases[i].line);
		assert_int_equal(boot_options.gnttab_max_frames, cases[i].frames);
		assert_int_equal(boot_options.gnttab_max_maptrack_frames, cases[i].maptrack);
		if (cases[i].message[0] == '\0') {
			assert_string_equal(messages, "");
		} else {
			assert_non_null(strstr(messages, cases[i].message));
		}
	}
}

static void ignored_options_are_named_once(void **state)
{
	char line[2048] = "";

	boot_options_parse("bootscrub=0 console=dtuart guest_loglvl=all no-iommu sync_console");
	assert_string_equal(messages,
			    "command line: options of Xen's that change nothing here: bootscrub guest_loglvl iommu sync_console\n");
	messages[0] = '\0';
	boot_options_parse("console=com1");
	assert_non_null(strstr(messages, "console=com1 is not valid"));
	messages[0] = '\0';
	for (unsigned int i = 0; i < 100; i++) {
		strcat(line, "sync_console ");
	}
	boot_options_parse(line);
	assert_true(strlen(messages) > 150 && strlen(messages) < 240);
}

static void booleans(void **state)
{
	boot_options_parse("noreboot=yes");
	assert_true(boot_options.no_reboot);
	boot_options_parse("no-noreboot");
	assert_false(boot_options.no_reboot);
	boot_options_parse("noreboot=on noreboot=false");
	assert_false(boot_options.no_reboot);
	assert_string_equal(messages, "");
	boot_options_parse("noreboot=perhaps");
	assert_non_null(strstr(messages, "noreboot=perhaps is not valid"));
}

static void unknown_words_are_named(void **state)
{
	boot_options_parse("quiet dom0_men=1G no-such loglvl=loud xsm=flask "
			   "dom0_max_vcpus=4294967296 dom0_max_vcpus=2x mem-attr=wish");
	assert_non_null(strstr(messages, "unknown option 'quiet'"));
	assert_non_null(strstr(messages, "unknown option 'dom0_men'"));
	assert_non_null(strstr(messages, "unknown option 'no-such'"));
	assert_non_null(strstr(messages, "loglvl=loud is not valid"));
	assert_non_null(strstr(messages, "xsm=flask is not valid"));
	assert_non_null(strstr(messages, "mem-attr=wish is not valid"));
	assert_non_null(strstr(messages, "dom0_max_vcpus=4294967296 is not valid"));
	assert_non_null(strstr(messages, "dom0_max_vcpus=2x is not valid"));
	assert_int_equal(boot_options.dom0_max_vcpus, 0);
	assert_true(boot_options.xsm_silo);
}

static void words_that_are_too_long(void **state)
{
	char line[400] = "dtuart=";

	memset(line + 7, 'x', 64);
	boot_options_parse(line);
	assert_string_equal(boot_options.dtuart, "");
	assert_non_null(strstr(messages, "is not valid"));
	memset(line + 7, 'x', 300);
	strcpy(line + 307, " dom0_max_vcpus=2");
	boot_options_parse(line);
	assert_non_null(strstr(messages, "a word of 307 characters"));
	assert_int_equal(boot_options.dom0_max_vcpus, 2);
}

static void no_line(void **state)
{
	boot_options_parse(NULL);
	boot_options_parse("");
	boot_options_parse("   ");
	assert_string_equal(messages, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(sizes, set_up),
		cmocka_unit_test_setup(a_line_of_many_words, set_up),
		cmocka_unit_test_setup(limits_of_grant_tables, set_up),
		cmocka_unit_test_setup(ignored_options_are_named_once, set_up),
		cmocka_unit_test_setup(booleans, set_up),
		cmocka_unit_test_setup(unknown_words_are_named, set_up),
		cmocka_unit_test_setup(words_that_are_too_long, set_up),
		cmocka_unit_test_setup(no_line, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
