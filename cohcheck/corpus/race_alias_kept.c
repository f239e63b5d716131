/* SPDX-License-Identifier: MIT */
/*
 * The builder cleans and invalidates what it wrote and keeps its cacheable mapping. A core may fetch the line
 * again at any time; the guest's store with caches off goes below that copy, and hits it when the guest's
 * caches are on.
 */
#include "corpus/lib/corpus.h"

void guest(void)
{
	image_on();
	life_prepare();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 0x1234);
	if (TWIN) {
		space_unmap(&image_space, WINDOW(0), false);
		space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	}
	/* Through whatever mapping: DC by VA acts on the line. In the twin nothing can fetch it any more. */
	dc_civac(TWIN ? WINDOW(1) : WINDOW(0));
	dsb_sy(); /* completes it before the guest runs */
	life_write_then_read(ARENA);
}
