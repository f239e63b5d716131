/* SPDX-License-Identifier: MIT */
/*
 * CPU 1 waits, caches off, for a word in memory and then reads its entry address; CPU 0 has left that in its cache.
 * The word itself is written past the caches, so that it does not matter when CPU 1 looks at it.
 */
#include "corpus/lib/corpus.h"

#define RELEASED (ARENA + 4096)

SITE static void release(void)
{
	store(WINDOW(0), 0x1234);
	if (TWIN) {
		dc_cvac(WINDOW(0));
	}
	dsb_sy(); /* the address is at the PoC before the word that tells of it */
	store(WINDOW(1), 1);
	dsb_sy(); /* and that before the event */
	__asm__ volatile("sev" : : : "memory");
}

SITE static void secondary_spin(void)
{
	while (load(RELEASED) == 0) {
		__asm__ volatile("yield");
	}
	require(load(ARENA) == 0x1234);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	space_map(&image_space, WINDOW(1), RELEASED, 4096, MAP_NC);
	cpu_start(1, secondary_spin);
	release();
	cpu_wait_off(1);
}
