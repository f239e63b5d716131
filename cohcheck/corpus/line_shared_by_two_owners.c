/* SPDX-License-Identifier: MIT */
/*
 * Two objects 128 bytes apart; one is written through a non-cacheable alias, one through the caches. Where a
 * line that is written back may be 256 bytes (CTR_EL0.CWG), that overwrites the first with what it was; where
 * it is 64, nothing is wrong.
 */
#include "corpus/lib/corpus.h"

#define OWN_LINE (TWIN ? 1024 : 128)

SITE static void write_uncached(void)
{
	store(WINDOW(1), 0x1234);
}

SITE static void write_neighbour_cached(void)
{
	store(WINDOW(0) + OWN_LINE, 1);
}

SITE static uint64_t read_uncached(void)
{
	return load(WINDOW(1));
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	dc_civac_range(WINDOW(0), 4096);
	dsb_sy(); /* no line is dirty */
	write_uncached();
	dsb_sy(); /* in memory before the next store */
	write_neighbour_cached();
	dc_cvac(WINDOW(0) + OWN_LINE);
	dsb_sy(); /* written back before the load */
	require(read_uncached() == 0x1234);
}
