/* SPDX-License-Identifier: MIT */
/* The loop over IC IVAU leaves out every second line. */
#include "corpus/lib/corpus.h"

#define CODE ((uint64_t)new_code)

/* A function in each of two lines. */
SITE static void write_code(unsigned int value)
{
	uint64_t line = ic_line_bytes();

	code_write(CODE, value);
	code_write(CODE + line, value);
	dc_cvau_range(CODE, line + CODE_BYTES);
	dsb_ish(); /* at the PoU before instruction caches may fetch it again */
	for (uint64_t va = CODE; va < CODE + 2 * line; va += TWIN || value == 1 ? line : 2 * line) {
		ic_ivau(va);
	}
	dsb_ish(); /* complete */
	isb();     /* nothing fetched before is executed */
}

static uint64_t second_function(void)
{
	return ((code_fn *)(CODE + ic_line_bytes()))();
}

void guest(void)
{
	image_on();
	space_map(&image_space, CODE, CODE, 4096, MAP_WB | MAP_EXEC);
	write_code(1);
	require(new_code() == 1 && second_function() == 1);
	write_code(2);
	require(new_code() == 2 && second_function() == 2);
}
