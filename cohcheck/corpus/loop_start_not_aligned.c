/* SPDX-License-Identifier: MIT */
/*
 * Steps of a line from an address that is not a line's start: the loop ends before it reaches the last line.
 */
#include "corpus/lib/corpus.h"

#define START 0x30
#define SIZE  0xa0

SITE static void builder_write(void)
{
	for (uint64_t offset = START; offset < START + SIZE; offset += 8) {
		store(WINDOW(0) + offset, 0x1234);
	}
}

void guest(void)
{
	uint64_t va = WINDOW(0) + START;

	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	builder_write();
	if (TWIN) {
		va &= ~(dc_line_bytes() - 1);
	}
	for (; va < WINDOW(0) + START + SIZE; va += dc_line_bytes()) {
		dc_cvac(va);
	}
	dsb_sy(); /* at the PoC before the guest's load */
	require(life_read(ARENA + START + SIZE - 8) == 0x1234);
}
