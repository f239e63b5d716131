/* SPDX-License-Identifier: MIT */
/* tlbi_missing with pages of 16 KiB; the word that goes wrong is in the page's last 4 KiB. */
#include "corpus/lib/corpus.h"

#define OFFSET UINT64_C(0x3000)

SITE static void write_uncached(void)
{
	store(WINDOW(1) + OFFSET, 0x1234);
}

SITE static uint64_t read_cached(void)
{
	return load(WINDOW(2) + OFFSET);
}

void guest(void)
{
	space_init_granule(&image_space, current_el(), 14);
	space_map_image(&image_space);
	space_enable(&image_space);
	space_map(&image_space, WINDOW(0), ARENA, 1, MAP_WB);
	space_map(&image_space, WINDOW(1), ARENA, 1, MAP_NC);
	store(WINDOW(0) + OFFSET, 1);
	space_clear(&image_space, WINDOW(0), false);
	if (TWIN) {
		TLBI_BY(vae2is, WINDOW(0) >> 12);
	}
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	isb();
	dc_civac(WINDOW(1) + OFFSET);
	dsb_sy(); /* complete; in the twin no cacheable alias is left */
	write_uncached();
	dsb_sy(); /* in memory before it may be fetched */
	space_unmap(&image_space, WINDOW(1), false);
	space_map(&image_space, WINDOW(2), ARENA, 1, MAP_WB);
	require(read_cached() == 0x1234);
}
