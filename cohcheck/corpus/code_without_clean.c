/* SPDX-License-Identifier: MIT */
/*
 * Code is written where it will run and the instruction cache is invalidated, but what was written is not at
 * the PoU.
 */
#include "corpus/lib/corpus.h"

#define CODE ((uint64_t)new_code)

SITE static void write_code(void)
{
	code_write(CODE, 42);
}

void guest(void)
{
	image_on();
	space_map(&image_space, CODE, CODE, 4096, MAP_WB | MAP_EXEC);
	write_code();
	if (TWIN) {
		dc_cvau_range(CODE, CODE_BYTES);
		dsb_ish(); /* at the PoU before instruction caches may fetch it again */
	}
	ic_ivau_range(CODE, CODE_BYTES);
	dsb_ish(); /* complete */
	isb();     /* nothing fetched before is executed */
	require(new_code() == 42);
}
