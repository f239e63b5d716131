/* SPDX-License-Identifier: MIT */
/* TLBI takes the address divided by 4 KiB, not the address. */
#include "corpus/lib/corpus.h"

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	reuse_prepare(&image_space, ARENA);
	space_clear(&image_space, WINDOW(0), false);
	TLBI_BY(vae2is, TWIN ? WINDOW(0) >> 12 : WINDOW(0));
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	isb();
	reuse_page(&image_space, ARENA);
}
