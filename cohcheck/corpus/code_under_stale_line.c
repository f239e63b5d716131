/* SPDX-License-Identifier: MIT */
/*
 * Code is written through a non-cacheable alias, the instruction cache is invalidated; but its next fetch,
 * cacheable, may hit the old line in a unified cache.
 */
#include "corpus/lib/corpus.h"

#define CODE ((uint64_t)new_code)

SITE static void write_code_uncached(unsigned int value)
{
	code_write(WINDOW(0), value);
	dsb_sy(); /* in memory before it is fetched */
	if (TWIN || value == 1) {
		dc_civac_range(WINDOW(0), CODE_BYTES);
		dsb_ish(); /* no cache has the old line, before instruction caches are invalidated */
	}
	ic_iallu(); /* by VA it would have to be the one that is executed (Arm ARM, VIPT) */
	dsb_ish();  /* complete */
	isb();      /* nothing fetched before is executed */
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), CODE, 4096, MAP_NC);
	write_code_uncached(1);
	space_map(&image_space, CODE, CODE, 4096, MAP_WB | MAP_EXEC | MAP_RO);
	require(new_code() == 1);
	write_code_uncached(2);
	require(new_code() == 2);
}
