/* SPDX-License-Identifier: MIT */
/*
 * A builder with caches on writes a page; the guest that it starts, caches off, reads what memory held
 * before.
 */
#include "corpus/lib/corpus.h"

SITE static void builder_write(void)
{
	store(WINDOW(0), 0x1234);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	builder_write();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC, before the guest's load, which does not see the caches */
	}
	require(life_read(ARENA) == 0x1234);
}
