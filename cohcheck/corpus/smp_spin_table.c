/* SPDX-License-Identifier: MIT */
/* CPU 1 waits, caches off, for an address in memory; CPU 0 stores it into its cache. */
#include "corpus/lib/corpus.h"

SITE static void release(void)
{
	store(WINDOW(0), 0x1234);
	if (TWIN) {
		dc_cvac(WINDOW(0));
	}
	dsb_sy(); /* at the PoC before the event */
	__asm__ volatile("sev" : : : "memory");
}

SITE static void secondary_spin(void)
{
	while (load(ARENA) == 0) {
		__asm__ volatile("yield");
	}
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	cpu_start(1, secondary_spin);
	release();
	cpu_wait_off(1);
}
