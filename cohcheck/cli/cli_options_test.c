/* SPDX-License-Identifier: MIT */
/* The command's options. */
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct cli_options options;

static int parse(const char *words)
{
	static char text[1024];
	static char *argv[64];
	char *rest;
	int argc = 1;

	argv[0] = (char *)"cohcheck";
	snprintf(text, sizeof(text), "%s", words);
	for (char *word = strtok_r(text, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return cli_options_parse(&options, argc, argv);
}

static void accept(const char *words)
{
	assert_int_equal(parse(words), 0);
}

static void refuse(const char *words)
{
	assert_int_equal(parse(words), CLI_FAILED);
	cli_options_free(&options);
}

static void defaults_and_the_command_line_of_qemu(void **state)
{
	accept("-- qemu-system-aarch64 -M virt --help --json x");
	assert_int_equal(options.exit_code, 1);
	assert_int_equal(options.qemu_argc, 6);
	assert_string_equal(options.qemu_argv[0], "qemu-system-aarch64");
	assert_string_equal(options.qemu_argv[3], "--help");
	assert_null(options.json);
	assert_false(options.adversarial || options.dma_noncoherent || options.summary ||
		     options.stop_on_first || options.done);
	cli_options_free(&options);
	accept("--summary qemu-system-aarch64 -M virt"); /* the -- may be left out */
	assert_true(options.summary);
	assert_int_equal(options.qemu_argc, 3);
	cli_options_free(&options);
}

static void all_options_are_taken(void **state)
{
	accept("--json j --html=h --trace t --log l --plugin p --exit-code 0 --stop-on-first --summary "
	       "--entry=adversarial --dma noncoherent --clean 0x40000000+2M --clean 4096+4096 --loaded 0x48000000+0x100 -- q");
	assert_string_equal(options.json, "j");
	assert_string_equal(options.html, "h");
	assert_string_equal(options.trace, "t");
	assert_string_equal(options.log, "l");
	assert_string_equal(options.plugin, "p");
	assert_int_equal(options.exit_code, 0);
	assert_true(options.stop_on_first && options.summary && options.adversarial &&
		    options.dma_noncoherent);
	assert_int_equal(options.clean.count, 2);
	assert_int_equal(options.clean.list[0].start, 0x40000000);
	assert_int_equal(options.clean.list[0].size, 2 << 20);
	assert_int_equal(options.loaded.list[0].size, 0x100);
	cli_options_free(&options);
	accept("--replay t --line 0x40085040");
	assert_int_equal(options.line, 0x40085040);
	cli_options_free(&options);
}

static void what_makes_no_sense_is_refused(void **state)
{
	refuse("");
	refuse("--json");
	refuse("--nonsense -- q");
	refuse("-x -- q");
	refuse("--exit-code 256 -- q");
	refuse("--exit-code x -- q");
	refuse("--entry dirty -- q");
	refuse("--dma maybe -- q");
	refuse("--entry adversarial --clean 0x1000 -- q");
	refuse("--entry adversarial --clean 0x1000+0 -- q");
	refuse("--entry adversarial --loaded 0xffffffffffffffff+2 -- q");
	refuse("--clean 0x1000+0x1000 -- q"); /* means nothing without adversarial */
	refuse("--replay t -- q");
	refuse("--replay t --trace u");
	refuse("--line 0x1000 -- q");
	refuse("--replay t --line somewhere");
	refuse("--elf /nonexistent -- q");
	refuse("--suppress /nonexistent -- q");
}

static void help_and_version_leave_nothing_to_do(void **state)
{
	accept("--help");
	assert_true(options.done);
	cli_options_free(&options);
	accept("--version --nonsense");
	assert_true(options.done);
	cli_options_free(&options);
}

static void drops_are_operations_anywhere_or_in_a_symbol(void **state)
{
	/* The symbol is looked up in all files, also those that come later. */
	accept("--drop dc_cvac --drop TLBI --drop DC_CVAC@target_first --elf " SYMBOLS_ELF
	       " --elf " SYMBOLS_ELF "@0x100000 -- q");
	assert_int_equal(options.nr_drops, 3);
	assert_string_equal(options.drops[0].op, "DC_CVAC");
	assert_false(options.drops[0].in_ranges);
	assert_string_equal(options.drops[1].op, "TLBI");
	assert_true(options.drops[2].in_ranges);
	assert_int_equal(options.drops[2].ranges.count, 2);
	assert_int_equal(options.drops[2].ranges.list[0].size, options.drops[2].ranges.list[1].size);
	cli_options_free(&options);
	refuse("--drop NOP -- q");
	refuse("--drop DC_ -- q");
	refuse("--drop DCX -- q");
	refuse("--drop DC_CVAC@nowhere --elf " SYMBOLS_ELF " -- q");
	refuse("--drop DC_CVAC@target_first -- q");
	refuse("--drop DC_A_NAME_THAT_IS_FAR_TOO_LONG_FOR_ONE -- q");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_and_the_command_line_of_qemu),
		cmocka_unit_test(all_options_are_taken),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(help_and_version_leave_nothing_to_do),
		cmocka_unit_test(drops_are_operations_anywhere_or_in_a_symbol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
