/* SPDX-License-Identifier: MIT */
/* Two CPUs run on the same tables; the TLBI reaches the own one. */
#include "corpus/lib/corpus.h"

static void other_cpu(void)
{
	require(load(WINDOW(0)) == 1);
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
	space_clear(&image_space, WINDOW(0), false);
	if (TWIN) {
		TLBI_BY(vae2is, WINDOW(0) >> 12);
	} else {
		TLBI_BY(vae2, WINDOW(0) >> 12);
	}
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	isb();
	reuse_page(&image_space, ARENA);
	step_reached(2);
	cpu_wait_off(1);
}
