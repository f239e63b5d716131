/* SPDX-License-Identifier: MIT */
/*
 * A whole table is unlinked; TLBI VALE2IS is for entries of the last level and leaves what walks cached of
 * the others.
 */
#include "corpus/lib/corpus.h"

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	reuse_prepare(&image_space, ARENA);
	space_clear(&image_space, WINDOW(0), true); /* the level-2 entry */
	if (TWIN) {
		TLBI_BY(vae2is, WINDOW(0) >> 12);
	} else {
		TLBI_BY(vale2is, WINDOW(0) >> 12);
	}
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	isb();
	reuse_page(&image_space, ARENA);
}
