/* SPDX-License-Identifier: MIT */
/* Maintenance by set and way reaches the own CPU's caches only: the other one may hold the line, dirty. */
#include "corpus/lib/corpus.h"

SITE static void write_cached(void)
{
	store(WINDOW(0), 0x1234);
}

/* All levels that CLIDR_EL1 has would be a longer loop; the first line of level 1 shows it. */
SITE static void clean_by_set_way(void)
{
	__asm__ volatile("dc cisw, %0" : : "r"(UINT64_C(0)) : "memory");
}

static void other_cpu(void)
{
	write_cached();
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
	cpu_start(1, other_cpu_cold);
	step_wait(1);
	if (TWIN) {
		dc_cvac(WINDOW(0));
	} else {
		clean_by_set_way();
	}
	dsb_sy(); /* at the PoC before the guest's load */
	require(life_read(ARENA) == 0x1234);
	step_reached(2);
	cpu_wait_off(1);
}
