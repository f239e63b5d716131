/* SPDX-License-Identifier: MIT */
/* TCR.IRGN and ORGN say non-cacheable: walks do not see entries that are dirty in a cache. */
#include "corpus/lib/corpus.h"

SITE static uint64_t first_use(void)
{
	return load(WINDOW(0));
}

SITE static void make_entry(void)
{
	*space_entry(&image_space, WINDOW(0), false) = space_leaf(&image_space, ARENA, MAP_WB);
}

void guest(void)
{
	space_init(&image_space, current_el());
	image_space.walk_nc = true;
	space_map_image(&image_space);
	space_map(&image_space, WINDOW(0) + 4096, ARENA, 4096, MAP_WB); /* makes the tables above */
	space_enable(&image_space);
	make_entry();
	if (TWIN) {
		dc_cvac((uint64_t)space_entry(&image_space, WINDOW(0), false));
	}
	dsb_sy(); /* at the PoC before the walk */
	isb();
	require(first_use() == 0);
}
