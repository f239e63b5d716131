/* SPDX-License-Identifier: MIT */
/* table_cached_store_nc_walk with 16 KiB. */
#include "corpus/lib/corpus.h"

SITE static uint64_t first_use(void)
{
	return load(WINDOW(0));
}

void guest(void)
{
	uint64_t *entry;

	space_init_granule(&image_space, current_el(), 14);
	image_space.walk_nc = true;
	space_map_image(&image_space);
	space_map(&image_space, WINDOW(0) + 0x4000, ARENA, 1, MAP_WB); /* makes the tables above */
	space_enable(&image_space);
	entry = space_entry(&image_space, WINDOW(0), false);
	*entry = space_leaf(&image_space, ARENA, MAP_WB);
	if (TWIN) {
		dc_cvac((uint64_t)entry);
	}
	dsb_sy(); /* at the PoC before the walk */
	isb();
	require(first_use() == 0);
}
