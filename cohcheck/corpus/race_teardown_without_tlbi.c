/* SPDX-License-Identifier: MIT */
/*
 * The mapping is removed from the tables before the flush, but TLBs may still hold it and let a core fetch
 * the line.
 */
#include "corpus/lib/corpus.h"

void guest(void)
{
	image_on();
	life_prepare();
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 0x1234);
	if (TWIN) {
		space_unmap(&image_space, WINDOW(0), false);
	} else {
		space_clear(&image_space, WINDOW(0), false);
		dsb_sy(); /* even this: it completes no TLBI that was not issued */
		isb();
	}
	dc_civac(WINDOW(1));
	dsb_sy(); /* complete before the guest runs */
	life_write_then_read(ARENA);
}
