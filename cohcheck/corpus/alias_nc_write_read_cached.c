/* SPDX-License-Identifier: MIT */
/* A store through a non-cacheable alias goes below the copy that the cacheable one may have fetched. */
#include "corpus/lib/corpus.h"

SITE static void write_uncached(void)
{
	store(WINDOW(1), 0x1234);
}

SITE static uint64_t read_cached(void)
{
	return load(WINDOW(0));
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	dc_civac(WINDOW(1));
	dsb_sy(); /* nothing is left of whoever ran before */
	if (!TWIN) {
		space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
		require(read_cached() == 0);
	}
	write_uncached();
	dsb_sy();   /* in memory */
	if (TWIN) { /* never two types at a time */
		space_unmap(&image_space, WINDOW(1), false);
		space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	}
	require(read_cached() == 0x1234);
}
