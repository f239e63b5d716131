/* SPDX-License-Identifier: MIT */
/*
 * Flushed, then changed: while it was still cacheable, lines may have come back. They go stale under the
 * stores.
 */
#include "corpus/lib/corpus.h"

SITE static void write_uncached(void)
{
	store(WINDOW(0), 0x1234);
}

SITE static uint64_t read_cached(void)
{
	return load(WINDOW(0));
}

static void change(unsigned int type)
{
	space_unmap(&image_space, WINDOW(0), false);
	space_map(&image_space, WINDOW(0), ARENA, 4096, type);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	if (!TWIN) {
		dc_civac_range(WINDOW(0), 4096);
		dsb_sy();
	}
	change(MAP_NC);
	if (TWIN) {
		dc_civac_range(WINDOW(0), 4096);
		dsb_sy(); /* no copy is left, and no alias that could fetch one */
	}
	write_uncached();
	dsb_sy(); /* in memory before cacheable loads */
	change(MAP_WB);
	require(read_cached() == 0x1234);
}
