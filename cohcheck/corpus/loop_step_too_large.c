/* SPDX-License-Identifier: MIT */
/* A loop that takes a line for 128 bytes leaves every second one dirty. */
#include "corpus/lib/corpus.h"

SITE static void builder_write(void)
{
	for (uint64_t offset = 0; offset < 4096; offset += 8) {
		store(WINDOW(0) + offset, 0x1234);
	}
}

void guest(void)
{
	uint64_t step = dc_line_bytes() * (TWIN ? 1 : 2);

	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	builder_write();
	for (uint64_t va = WINDOW(0); va < WINDOW(0) + 4096; va += step) {
		dc_cvac(va);
	}
	dsb_sy(); /* at the PoC before the guest's load */
	require(life_read(ARENA + dc_line_bytes()) == 0x1234);
}
