/* SPDX-License-Identifier: MIT */
/*
 * Code is written through a non-cacheable alias, so no clean is needed; but instruction caches may hold the
 * old.
 */
#include "corpus/lib/corpus.h"

#define CODE ((uint64_t)new_code)

SITE static void write_code(unsigned int value)
{
	code_write(WINDOW(0), value);
	dsb_sy(); /* in memory before it is fetched */
	if (TWIN || value == 1) {
		ic_iallu(); /* by VA it would have to be the one that is executed (Arm ARM, VIPT) */
		dsb_ish();  /* complete */
	}
	isb(); /* nothing fetched before is executed */
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), CODE, 4096, MAP_NC);
	write_code(1);
	space_map(&image_space, CODE, CODE, 4096, MAP_NC | MAP_EXEC | MAP_RO);
	require(new_code() == 1);
	write_code(2);
	require(new_code() == 2);
}
