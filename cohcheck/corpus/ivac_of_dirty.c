/* SPDX-License-Identifier: MIT */
/* Meant to bring the newest value from memory, it throws away the newest value. */
#include "corpus/lib/corpus.h"

SITE static void write_cached(void)
{
	store(WINDOW(0), 0x1234);
}

SITE static void invalidate(void)
{
	if (TWIN) {
		dc_civac(WINDOW(0));
	} else {
		dc_ivac(WINDOW(0));
	}
	dsb_sy(); /* complete before the load */
}

SITE static uint64_t read_cached(void)
{
	return load(WINDOW(0));
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	write_cached();
	invalidate();
	require(read_cached() == 0x1234);
}
