/* SPDX-License-Identifier: MIT */
/* A store below a dirty line: when that is written back, the store is lost. */
#include "corpus/lib/corpus.h"

SITE static void write_cached(void)
{
	store(WINDOW(0), 1);
}

SITE static void write_uncached(void)
{
	store(WINDOW(1), 0x1234);
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
	write_cached();
	if (TWIN) {
		dc_civac(WINDOW(0));
		dsb_sy(); /* written back before the next store */
	}
	write_uncached();
	dsb_sy();
	require(read_uncached() == 0x1234);
}
