/* SPDX-License-Identifier: MIT */
/* FEAT_XS: a DSB with the nXS qualifier waits for TLBIs that have it; this one has not. */
#include "corpus/lib/corpus.h"

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	reuse_prepare(&image_space, ARENA);
	space_clear(&image_space, WINDOW(0), false);
	TLBI_BY(vae2is, WINDOW(0) >> 12);
	if (TWIN) {
		dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	} else {
		__asm__ volatile(".inst 0xd5033a3f" : : : "memory"); /* DSB ISHnXS */
	}
	isb();
	reuse_page(&image_space, ARENA);
}
