/* SPDX-License-Identifier: MIT */
/* Store, TLBI, DSB: the walks may still find the old entry when the TLBI is done, and bring it back. */
#include "corpus/lib/corpus.h"

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	reuse_prepare(&image_space, ARENA);
	*space_entry(&image_space, WINDOW(0), false) = 0;
	if (TWIN) {
		dsb_ishst(); /* visible to walks before the TLBI */
	}
	TLBI_BY(vae2is, WINDOW(0) >> 12);
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	isb();
	reuse_page(&image_space, ARENA);
}
