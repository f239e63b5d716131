/* SPDX-License-Identifier: MIT */
/* Names and lines of a small AArch64 program, SYMBOLS_ELF, linked at 0x40080000, and of damaged ones. */
#include "report/report_symbols.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char error[256];

struct ranges {
	unsigned int count;
	uint64_t start[16], end[16];
};

static void collect(void *ctx, uint64_t start, uint64_t end)
{
	struct ranges *ranges = ctx;

	assert_true(ranges->count < 16);
	ranges->start[ranges->count] = start;
	ranges->end[ranges->count++] = end;
}

static int setup(void **state)
{
	struct symbols *symbols = symbols_create();

	*state = symbols;
	return symbols_add(symbols, SYMBOLS_ELF, error, sizeof(error));
}

static int teardown(void **state)
{
	symbols_destroy(*state);
	return 0;
}

static struct ranges ranges_of(struct symbols *symbols, const char *name)
{
	struct ranges ranges = {.count = 0};
	unsigned int count = symbols_ranges(symbols, name, collect, &ranges);

	assert_int_equal(count, ranges.count);
	return ranges;
}

static void every_address_of_a_function_has_its_name(void **state)
{
	struct ranges ranges = ranges_of(*state, "target_first");
	struct symbol_place place;

	assert_int_equal(ranges.count, 1);
	assert_true(ranges.end[0] > ranges.start[0] + 4);
	for (uint64_t addr = ranges.start[0]; addr < ranges.end[0]; addr += 4) {
		symbols_find(*state, addr, &place);
		assert_string_equal(place.symbol, "target_first");
		assert_int_equal(place.start, ranges.start[0]);
		assert_int_equal(place.offset, addr - ranges.start[0]);
		assert_string_equal(place.elf, SYMBOLS_ELF);
	}
}

static int marked_line(const char *mark)
{
	FILE *file = fopen("cohcheck/report/report_symbols_target.c", "r");
	char text[256];
	int line = 0;

	assert_non_null(file);
	while (fgets(text, sizeof(text), file) != NULL) {
		line++;
		if (strstr(text, mark) != NULL) {
			fclose(file);
			return line;
		}
	}
	fclose(file);
	fail();
	return 0;
}

/* Is there an instruction of this function with this line, as its own or as that of inlined code? */
static bool has_line(struct symbols *symbols, const char *name, int line, const char *inlined,
		     int inlined_line)
{
	struct ranges ranges = ranges_of(symbols, name);
	struct symbol_place place;

	for (uint64_t addr = ranges.start[0]; addr < ranges.end[0]; addr += 4) {
		symbols_find(symbols, addr, &place);
		assert_non_null(place.file);
		assert_non_null(strstr(place.file, "report_symbols_target.c"));
		if (place.line == line && (inlined == NULL) == (place.inlined == NULL) &&
		    (inlined == NULL ||
		     (strcmp(inlined, place.inlined) == 0 && place.inlined_line == inlined_line))) {
			return true;
		}
	}
	return false;
}

static void source_lines_are_those_of_the_function_and_of_what_is_inlined(void **state)
{
	int inlined = marked_line("mark: inlined");

	assert_true(has_line(*state, "target_first", marked_line("mark: first"), NULL, 0));
	assert_true(has_line(*state, "target_second", marked_line("mark: call"), "target_inlined",
			     inlined));
	assert_false(has_line(*state, "target_second", inlined, NULL, 0));
	assert_false(has_line(*state, "target_first", inlined, NULL, 0));
}

static void a_label_without_size_reaches_to_the_next_symbol(void **state)
{
	struct ranges ranges = ranges_of(*state, "target_label");
	struct symbol_place place;

	assert_int_equal(ranges.count, 1);
	symbols_find(*state, ranges.start[0] + 8, &place);
	assert_string_equal(place.symbol, "target_label");
	assert_int_equal(place.offset, 8);
}

static void an_inlined_function_is_found_where_it_was_inlined(void **state)
{
	struct ranges inlined = ranges_of(*state, "target_inlined"),
		      second = ranges_of(*state, "target_second");

	assert_true(inlined.count >= 1);
	for (unsigned int i = 0; i < inlined.count; i++) {
		assert_true(inlined.start[i] >= second.start[0] && inlined.end[i] <= second.end[0]);
	}
	assert_int_equal(ranges_of(*state, "target_nowhere").count, 0);
}

static void addresses_outside_have_no_name(void **state)
{
	struct symbol_place place;

	symbols_find(*state, 0x1000, &place);
	assert_null(place.symbol);
	assert_null(place.elf);
	symbols_find(NULL, 0x1000, &place);
	assert_null(place.symbol);
}

/* The lowest loadable segment's address, read another way. */
static uint64_t lowest_segment(void)
{
	FILE *file = fopen(SYMBOLS_ELF, "r");
	Elf64_Ehdr header;
	uint64_t low = UINT64_MAX;

	assert_non_null(file);
	assert_int_equal(fread(&header, sizeof(header), 1, file), 1);
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment;

		fseek(file, (long)(header.e_phoff + i * sizeof(segment)), SEEK_SET);
		assert_int_equal(fread(&segment, sizeof(segment), 1, file), 1);
		if (segment.p_type == PT_LOAD && segment.p_vaddr < low) {
			low = segment.p_vaddr;
		}
	}
	fclose(file);
	return low;
}

static void a_base_moves_the_whole_file(void **state)
{
	struct symbols *symbols = *state;
	uint64_t linked = ranges_of(symbols, "target_first").start[0];
	struct symbol_place place;
	struct ranges ranges;

	assert_int_equal(symbols_add(symbols, SYMBOLS_ELF "@0x7f8000000000", error, sizeof(error)),
			 0);
	ranges = ranges_of(symbols, "target_first");
	assert_int_equal(ranges.count, 2);
	assert_int_equal(ranges.start[0], linked);
	assert_int_equal(ranges.start[1] - 0x7f8000000000, linked - lowest_segment());
	symbols_find(symbols, ranges.start[1] + 4, &place);
	assert_string_equal(place.symbol, "target_first");
	assert_int_equal(place.start, ranges.start[1]);
	assert_non_null(place.file);
}

static void refuse(const char *argument, const char *why)
{
	struct symbols *symbols = symbols_create();

	assert_int_not_equal(symbols_add(symbols, argument, error, sizeof(error)), 0);
	assert_non_null(strstr(error, why));
	symbols_destroy(symbols);
}

static void what_cannot_serve_is_refused_with_a_reason(void **state)
{
	refuse("/nonexistent.elf", "/nonexistent.elf");
	refuse("cohcheck/report/report_symbols_test.c", "not an ELF file");
	refuse("/proc/self/exe", "another architecture");
	refuse(SYMBOLS_ELF "@", "address");
	refuse(SYMBOLS_ELF "@12x", "address");
	refuse(SYMBOLS_ELF "@-1", "address");
	refuse(SYMBOLS_ELF ".stripped", "stripped");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_address_of_a_function_has_its_name, setup,
						teardown),
		cmocka_unit_test_setup_teardown(source_lines_are_those_of_the_function_and_of_what_is_inlined,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_label_without_size_reaches_to_the_next_symbol,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_inlined_function_is_found_where_it_was_inlined,
						setup, teardown),
		cmocka_unit_test_setup_teardown(addresses_outside_have_no_name, setup, teardown),
		cmocka_unit_test_setup_teardown(a_base_moves_the_whole_file, setup, teardown),
		cmocka_unit_test(what_cannot_serve_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
