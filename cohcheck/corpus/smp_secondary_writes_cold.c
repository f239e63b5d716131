/* SPDX-License-Identifier: MIT */
/* CPU 1 reports with caches off that it is alive; CPU 0's cached copy of the flag may be old for ever. */
#include "corpus/lib/corpus.h"

SITE static void secondary_write(void)
{
	store(ARENA, 1);
	dsb_sy(); /* in memory */
	if (TWIN) {
		dc_ivac(ARENA);
		dsb_sy(); /* nobody has the old line any more, before CPU 0 can see that this CPU is off */
	}
}

SITE static uint64_t primary_read(void)
{
	return load(WINDOW(0));
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	require(primary_read() == 0);
	cpu_start(1, secondary_write);
	cpu_wait_off(1);
	require(primary_read() == 1);
}
