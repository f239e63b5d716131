/* SPDX-License-Identifier: MIT */
/*
 * One word of a line is written below a cached copy of it, then another word through the cache: the line that
 * is written back later has the old value of the first.
 */
#include "corpus/lib/corpus.h"

SITE static void write_uncached(void)
{
	store(WINDOW(1), 0x1234);
}

SITE static void write_neighbour_cached(void)
{
	store(WINDOW(0) + 32, 1);
}

SITE static uint64_t read_uncached(void)
{
	return load(WINDOW(1));
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	require(load(WINDOW(0)) == 0);
	write_uncached();
	dsb_sy(); /* in memory */
	if (TWIN) {
		dc_ivac(WINDOW(0));
		dsb_sy(); /* the next store fetches the new line */
	}
	write_neighbour_cached();
	dc_cvac(WINDOW(0));
	dsb_sy(); /* at the PoC before the non-cacheable load */
	require(read_uncached() == 0x1234);
}
