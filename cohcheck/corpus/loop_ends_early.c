/* SPDX-License-Identifier: MIT */
/* The size was rounded down to whole lines. */
#include "corpus/lib/corpus.h"

#define SIZE (64 + 8)

SITE static void builder_write(void)
{
	for (uint64_t offset = 0; offset < SIZE; offset += 8) {
		store(WINDOW(0) + offset, 0x1234);
	}
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	builder_write();
	dc_cvac_range(WINDOW(0), TWIN ? SIZE : SIZE / 64 * 64);
	dsb_sy(); /* at the PoC before the guest's load */
	require(life_read(ARENA + SIZE - 8) == 0x1234);
}
