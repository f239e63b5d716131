/* SPDX-License-Identifier: MIT */
/* The page becomes non-cacheable by the book, but what it held stays dirty in a cache. */
#include "corpus/lib/corpus.h"

SITE static void write_cached(void)
{
	store(WINDOW(0), 0x1234);
}

SITE static uint64_t read_uncached(void)
{
	return load(WINDOW(0));
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	write_cached();
	space_unmap(&image_space, WINDOW(0), false);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_NC);
	if (TWIN) {
		dc_civac_range(WINDOW(0), 4096);
		dsb_sy(); /* in memory before non-cacheable accesses, and no copy is left */
	}
	require(read_uncached() == 0x1234);
}
