/* SPDX-License-Identifier: MIT */
/* CPU 1 uses its stack before its MMU is on, and CPU 0 had just cleared that memory through its caches. */
#include "corpus/lib/corpus.h"

SITE static void clear_stack(void)
{
	for (unsigned int i = 0; i < 256; i += 8) {
		store(WINDOW(0) + i, 0);
	}
}

SITE static void secondary_push_pop(void)
{
	store(ARENA + 128, 0x1234);
	require(load(ARENA + 128) == 0x1234);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	clear_stack();
	if (TWIN) {
		space_unmap(&image_space, WINDOW(0), false);
		space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
		dc_civac_range(WINDOW(1), 4096);
		dsb_sy(); /* at the PoC, and in no cache, before CPU 1 starts */
	}
	cpu_start(1, secondary_push_pop);
	cpu_wait_off(1);
}
