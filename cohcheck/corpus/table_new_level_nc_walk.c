/* SPDX-License-Identifier: MIT */
/* The entry is cleaned, but not the new table that it leads to. */
#include "corpus/lib/corpus.h"

SITE static uint64_t first_use(void)
{
	return load(WINDOW(0));
}

void guest(void)
{
	uint64_t *table;

	space_init(&image_space, current_el());
	image_space.walk_nc = true;
	space_map_image(&image_space);
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_WB); /* makes the tables above */
	space_enable(&image_space);
	table = table_new(&image_space);
	table[0] = space_leaf(&image_space, ARENA, MAP_WB);
	if (TWIN) {
		dc_cvac((uint64_t)table);
		dsb_sy(); /* at the PoC before the entry that leads here */
	}
	*space_entry(&image_space, WINDOW(0), true) = table_descriptor(table);
	dc_cvac((uint64_t)space_entry(&image_space, WINDOW(0), true));
	dsb_sy(); /* at the PoC before the walk */
	isb();
	require(first_use() == 0);
}
