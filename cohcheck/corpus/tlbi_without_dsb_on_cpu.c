/* SPDX-License-Identifier: MIT */
/*
 * CPU 1 takes the alias away and says so, but does not wait for its TLBI; CPU 0's DSB completes what CPU 0
 * has issued.
 */
#include "corpus/lib/corpus.h"

static void other_cpu(void)
{
	space_clear(&image_space, WINDOW(0), false);
	TLBI_BY(vae2is, WINDOW(0) >> 12);
	if (TWIN) {
		dsb_ish(); /* complete on all CPUs before CPU 0 goes on */
	}
	step_reached(1);
	step_wait(2);
}

static void other_cpu_cold(void)
{
	cpu_with_caches(other_cpu);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	reuse_prepare(&image_space, ARENA);
	cpu_start(1, other_cpu_cold);
	step_wait(1);
	dsb_ish(); /* of CPU 0: does not wait for CPU 1's TLBI */
	isb();
	reuse_page(&image_space, ARENA);
	step_reached(2);
	cpu_wait_off(1);
}
