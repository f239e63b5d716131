/* SPDX-License-Identifier: MIT */
/*
 * Both aliases stay, as Linux has them of a buffer for a non-coherent device: then each change of direction
 * needs maintenance. Here the invalidation after the store is missing.
 */
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
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	store(WINDOW(0), 1);
	dc_civac(WINDOW(0));
	dsb_sy(); /* no dirty line is left that could be written back over what follows */
	write_uncached();
	dsb_sy(); /* in memory: whoever fetches the line from now on gets it */
	if (TWIN) {
		dc_ivac(WINDOW(0));
		dsb_sy(); /* nobody has the old line any more, before the load */
	}
	require(read_cached() == 0x1234);
}
