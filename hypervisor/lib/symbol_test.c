/* SPDX-License-Identifier: MIT */
/*
 * Looks up functions in a table that the build made by running tools/symtab over the list of tools/symbol_test_list.sh, so
 * the writer and the reader are tested together.
 */
#include "lib/symbol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_symbol(uint64_t va, const char *name, uint64_t offset)
{
	uint64_t found_offset = UINT64_MAX;
	const char *found = symbol_lookup(va, &found_offset);

	assert_non_null(found);
	assert_string_equal(found, name);
	assert_int_equal(found_offset, offset);
}

static void first_byte_and_last_byte_of_a_function(void **state)
{
	(void)state;
	assert_symbol(0x7f8000000000, "boot_head", 0);
	assert_symbol(0x7f800000003f, "boot_head", 0x3f);
	assert_symbol(0x7f8000000040, "boot_main", 0);
}

static void addresses_outside_the_code_have_no_name(void **state)
{
	uint64_t offset = 5;

	(void)state;
	assert_null(symbol_lookup(0x7f7fffffffff, &offset));
	assert_null(symbol_lookup(0x7f8000010000, &offset));
	assert_null(symbol_lookup(0, &offset));
	assert_null(symbol_lookup(UINT64_MAX, &offset));
	assert_int_equal(offset, 5);
}

static void global_name_wins_at_a_shared_address(void **state)
{
	(void)state;
	assert_symbol(0x7f8000000100, "stage2_map_range", 0);
}

static void suffix_of_a_clone_is_dropped(void **state)
{
	(void)state;
	assert_symbol(0x7f8000000204, "stage2_split_block", 4);
}

static void data_symbols_are_left_out(void **state)
{
	(void)state;
	assert_symbol(0x7f800000fff8, "last_function", 0x8);
}

static void long_name_is_cut_not_overrun(void **state)
{
	uint64_t offset;
	const char *name;

	(void)state;
	name = symbol_lookup(0x7f8000000300, &offset);
	assert_non_null(name);
	assert_int_equal(strlen(name), 63);
	assert_memory_equal(name, "a_function_with_a_name", 22);
}

static void every_one_of_many_names_is_found(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "vgic_register_handler_%u", i);
		assert_symbol(0x7f8000001000 + i * 0x10 + 0xf, name, 0xf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_byte_and_last_byte_of_a_function),
		cmocka_unit_test(addresses_outside_the_code_have_no_name),
		cmocka_unit_test(global_name_wins_at_a_shared_address),
		cmocka_unit_test(suffix_of_a_clone_is_dropped),
		cmocka_unit_test(data_symbols_are_left_out),
		cmocka_unit_test(long_name_is_cut_not_overrun),
		cmocka_unit_test(every_one_of_many_names_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
