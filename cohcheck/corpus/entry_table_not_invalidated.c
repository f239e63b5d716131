/* SPDX-License-Identifier: MIT */
/* The same with a translation table: the first walk may hit what was there before. */
#include "corpus/lib/corpus.h"

#define TABLE (ARENA + 0x200000)

SITE static uint64_t first_use(void)
{
	return load(WINDOW(0));
}

SITE static void make_table_mmu_off(void)
{
	for (unsigned int i = 0; i < 512; i++) {
		store(TABLE + 8 * i, i == 0 ? space_leaf(&image_space, ARENA, MAP_WB) : 0);
	}
	dsb_sy(); /* in memory before it is walked */
	if (TWIN) {
		dc_ivac_range(TABLE, 4096);
		dsb_sy(); /* no copy is left; none can come before the MMU is on */
	}
}

void guest(void)
{
	space_init(&image_space, current_el());
	space_map_image(&image_space);
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_WB); /* makes the table above */
	make_table_mmu_off();
	*space_entry(&image_space, WINDOW(0), true) = table_descriptor((uint64_t *)TABLE);
	dc_civac((uint64_t)space_entry(&image_space, WINDOW(0), true));
	dsb_sy();
	space_enable(&image_space);
	require(first_use() == 0);
}
