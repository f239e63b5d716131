/* SPDX-License-Identifier: MIT */
/*
 * A page is taken from one guest, cleaned and then scrubbed through a cacheable window (in this order), and
 * given to the next: the zeroes may still be in a cache and the old owner's secret in memory.
 */
#include "corpus/lib/corpus.h"

SITE static void scrub(void)
{
	store(WINDOW(0), 0);
}

static void clean(void)
{
	dc_civac(WINDOW(0));
	dsb_sy(); /* complete before the next guest's load */
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 0x5ec4e7);
	clean();
	if (TWIN) {
		scrub();
		clean();
	} else {
		clean();
		scrub();
	}
	require(life_read(ARENA) == 0);
}
