/* SPDX-License-Identifier: MIT */
/* Permissions may change in one store, with the TLBI after it; together with the memory type they may not. */
#include "corpus/lib/corpus.h"

SITE static void make_read_only(void)
{
	*space_entry(&image_space, WINDOW(0), false) =
		space_leaf(&image_space, ARENA, (TWIN ? MAP_WB : MAP_WT) | MAP_RO);
	dsb_ishst(); /* before walks, and before the TLBI */
	TLBI_BY(vae2is, WINDOW(0) >> 12);
	dsb_ish(); /* no CPU can write any more */
	isb();
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	make_read_only();
	require(load(WINDOW(0)) == 1);
}
