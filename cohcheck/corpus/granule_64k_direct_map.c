/* SPDX-License-Identifier: MIT */
/* A block of 512 MiB covers the page as well. */
#include "corpus/lib/corpus.h"

#define DIRECT_MAP UINT64_C(0x100000000) /* all RAM, with blocks */
#define PAGE       (ARENA + 0x30000)

void guest(void)
{
	space_init_granule(&image_space, current_el(), 16);
	space_map_image(&image_space);
	space_enable(&image_space);
	space_map(&image_space, DIRECT_MAP, 0x40000000, 1, MAP_WB | MAP_BLOCK);
	store(DIRECT_MAP + PAGE - 0x40000000, 1);
	reuse_prepare(&image_space, PAGE);
	if (TWIN) {
		space_unmap(&image_space, DIRECT_MAP, true);
	}
	reuse_page(&image_space, PAGE);
}
