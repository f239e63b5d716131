/* SPDX-License-Identifier: MIT */
/* The same with Device memory: a frame of RAM mapped as if it were a device's. */
#include "corpus/lib/corpus.h"

SITE static void write_cached(void)
{
	store(WINDOW(0), 0x1234);
}

SITE static uint64_t read_device(void)
{
	return load(WINDOW(1));
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_DEVICE);
	write_cached();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the load */
	}
	require(read_device() == 0x1234);
}
