/* SPDX-License-Identifier: MIT */
/*
 * The page had a guest before: the next one's code is cleaned, but an instruction cache may hold the old
 * one's.
 */
#include "corpus/lib/corpus.h"

SITE static void builder_write(unsigned int value)
{
	code_write(WINDOW(0), value);
	dc_cvac_range(WINDOW(0), CODE_BYTES);
	dsb_sy(); /* at the PoC, before it is fetched */
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), (uint64_t)new_code, 4096, MAP_WB);
	builder_write(1);
	ic_ialluis();
	dsb_ish(); /* complete before the first guest's fetches */
	require(life_run(new_code) == 1);
	builder_write(2);
	if (TWIN) {
		ic_ialluis();
		dsb_ish(); /* complete before the second guest's */
	}
	require(life_run(new_code) == 2);
}
