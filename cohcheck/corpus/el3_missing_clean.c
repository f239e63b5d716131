/* SPDX-License-Identifier: MIT */
/* Firmware at EL3 with its own regime. */
#include "corpus/lib/corpus.h"

SITE static void firmware_write(void)
{
	store(WINDOW(0), 0x1234);
}

SITE static uint64_t read_uncached(void)
{
	return load(WINDOW(1));
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	firmware_write();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the non-cacheable load */
	}
	require(read_uncached() == 0x1234);
}
