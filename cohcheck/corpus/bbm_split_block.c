/* SPDX-License-Identifier: MIT */
/* A live block is replaced by a table of its pages in one store: TLBs may hold both, with conflicts. */
#include "corpus/lib/corpus.h"

SITE static void split_block(void)
{
	uint64_t *table = table_new(&image_space);

	for (unsigned int i = 0; i < 512; i++) {
		table[i] = space_leaf(&image_space, ARENA + i * 4096, MAP_WB);
	}
	if (TWIN) {
		space_unmap(&image_space, WINDOW(0), true);
	}
	dsb_ishst(); /* the new table before the entry that leads to it */
	*space_entry(&image_space, WINDOW(0), true) = table_descriptor(table);
	dsb_ishst(); /* before walks */
	TLBI_ALL(alle2is);
	dsb_ish();
	isb();
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 1, MAP_WB | MAP_BLOCK);
	store(WINDOW(0) + 4096, 1);
	split_block();
	require(load(WINDOW(0) + 4096) == 1);
}
