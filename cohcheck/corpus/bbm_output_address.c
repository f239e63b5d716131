/* SPDX-License-Identifier: MIT */
/* A live, writable page is pointed at another frame in one store. */
#include "corpus/lib/corpus.h"

SITE static void move_page(void)
{
	if (TWIN) {
		space_unmap(&image_space, WINDOW(0), false);
	}
	space_map(&image_space, WINDOW(0), ARENA + 4096, 4096, MAP_WB);
	if (!TWIN) {
		TLBI_BY(vae2is, WINDOW(0) >> 12);
		dsb_ish();
		isb();
	}
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	move_page();
	require(load(WINDOW(0)) == 0);
}
