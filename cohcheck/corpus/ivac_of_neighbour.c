/* SPDX-License-Identifier: MIT */
/* A buffer of half a line is invalidated; the variable in the other half was dirty. */
#include "corpus/lib/corpus.h"

SITE static void write_variable(void)
{
	store(WINDOW(0) + 32, 0x1234);
}

SITE static void invalidate_buffer(void)
{
	dc_ivac(WINDOW(0));
	dsb_sy(); /* complete before loads of the buffer */
}

SITE static uint64_t read_variable(void)
{
	return load(WINDOW(0) + 32);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	write_variable();
	if (TWIN) {
		dc_cvac(WINDOW(0) + 32);
		dsb_sy(); /* in memory before the line is invalidated */
	}
	invalidate_buffer();
	require(read_variable() == 0x1234);
}
