/* SPDX-License-Identifier: MIT */
/*
 * The mapping goes, with TLBI and DSB, but after the flush: between the two a core may have fetched the line
 * again.
 */
#include "corpus/lib/corpus.h"

void guest(void)
{
	image_on();
	life_prepare();
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 0x1234);
	if (!TWIN) {
		dc_civac(WINDOW(0));
		dsb_sy(); /* complete, but WINDOW(0) is still there */
	}
	space_unmap(&image_space, WINDOW(0), false);
	if (TWIN) {
		dc_civac(WINDOW(1));
		dsb_sy(); /* complete, and no cacheable alias is left */
	}
	life_write_then_read(ARENA);
}
