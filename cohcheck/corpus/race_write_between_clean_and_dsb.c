/* SPDX-License-Identifier: MIT */
/*
 * The DSB completes a clean of what the line held when the DC was issued, perhaps not of the store that came
 * between.
 */
#include "corpus/lib/corpus.h"

SITE static void builder_write(void)
{
	store(WINDOW(0) + 8, 0x1111);
}

SITE static void builder_patch(void)
{
	store(WINDOW(0), 0x1234);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	builder_write();
	if (TWIN) {
		builder_patch();
		dc_cvac(WINDOW(0));
	} else {
		dc_cvac(WINDOW(0));
		builder_patch();
	}
	dsb_sy(); /* completes the clean before the guest's load */
	require(life_read(ARENA) == 0x1234);
}
