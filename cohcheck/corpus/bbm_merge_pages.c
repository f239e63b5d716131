/* SPDX-License-Identifier: MIT */
/* The other way: a table of pages becomes a block in one store. */
#include "corpus/lib/corpus.h"

SITE static void merge_pages(void)
{
	if (TWIN) {
		space_clear(&image_space, WINDOW(0), true);
		TLBI_ALL(alle2is);
		dsb_ish(); /* nothing of the table is in a TLB before the block is made */
	}
	*space_entry(&image_space, WINDOW(0), true) =
		space_leaf(&image_space, ARENA, MAP_WB | MAP_BLOCK);
	dsb_ishst(); /* before walks */
	TLBI_ALL(alle2is);
	dsb_ish();
	isb();
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 8192, MAP_WB);
	store(WINDOW(0) + 4096, 1);
	merge_pages();
	require(load(WINDOW(0) + 4096) == 1);
}
