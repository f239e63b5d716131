/* SPDX-License-Identifier: MIT */
/* A live page is made non-cacheable in one store. (Its contents are flushed as they should.) */
#include "corpus/lib/corpus.h"

SITE static void make_uncached(void)
{
	if (TWIN) {
		space_unmap(&image_space, WINDOW(0), false);
	}
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_NC);
	if (!TWIN) {
		TLBI_BY(vae2is, WINDOW(0) >> 12);
		dsb_ish(); /* no CPU has the cacheable alias any more, before the flush */
		isb();
	}
	dc_civac_range(WINDOW(0), 4096);
	dsb_sy(); /* in memory before non-cacheable loads */
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	make_uncached();
	require(load(WINDOW(0)) == 1);
}
