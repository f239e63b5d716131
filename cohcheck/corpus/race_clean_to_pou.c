/* SPDX-License-Identifier: MIT */
/* Cleaned to the point of unification, which may be a cache that a guest with caches off does not see. */
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
	} else {
		dc_cvau(WINDOW(0));
	}
	dsb_sy(); /* completes it before the guest's load */
	require(life_read(ARENA) == 0x1234);
}
