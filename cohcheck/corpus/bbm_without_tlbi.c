/* SPDX-License-Identifier: MIT */
/* Broken, but made again before any TLBI: that is not break-before-make. Only permissions may change so. */
#include "corpus/lib/corpus.h"

SITE static void move_page(void)
{
	space_clear(&image_space, WINDOW(0), false);
	if (TWIN) {
		TLBI_BY(vae2is, WINDOW(0) >> 12);
		dsb_ish(); /* the old entry is in no TLB */
		isb();
	}
	space_map(&image_space, WINDOW(0), ARENA + 4096, 4096, MAP_WB);
	TLBI_BY(vae2is, WINDOW(0) >> 12);
	dsb_ish();
	isb();
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	move_page();
	require(load(WINDOW(0)) == 0);
}
