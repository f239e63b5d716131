/* SPDX-License-Identifier: MIT */
/*
 * The short-lived mapping is handled as it should; a 2 MiB block of a direct map covers the page all the
 * same.
 */
#include "corpus/lib/corpus.h"

void guest(void)
{
	uint64_t page = ARENA + 0x7000;

	image_on();
	life_prepare();
	space_map(&image_space, ARENA, ARENA, 1, MAP_WB | MAP_BLOCK);
	space_map(&image_space, WINDOW(0), page, 4096, MAP_WB);
	space_map(&image_space, WINDOW(1), page, 4096, MAP_NC);
	store(WINDOW(0), 0x1234);
	if (TWIN) {
		space_unmap(&image_space, ARENA, true);
	}
	space_unmap(&image_space, WINDOW(0), false);
	dc_civac_range(WINDOW(1), 4096);
	dsb_sy(); /* complete before the guest runs; in the twin no cacheable alias is left */
	life_write_then_read(page);
}
