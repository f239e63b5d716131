/* SPDX-License-Identifier: MIT */
/*
 * A table with two pages is unlinked, and one of the two is invalidated: the other is in a TLB under its own
 * address.
 */
#include "corpus/lib/corpus.h"

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 8192, MAP_WB);
	store(WINDOW(0) + 4096, 1);
	reuse_prepare(&image_space, ARENA + 4096);
	space_clear(&image_space, WINDOW(0), true); /* the level-2 entry */
	TLBI_BY(vae2is, WINDOW(0) >> 12);
	if (TWIN) {
		TLBI_BY(vae2is, (WINDOW(0) >> 12) + 1);
	}
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	isb();
	reuse_page(&image_space, ARENA + 4096);
}
