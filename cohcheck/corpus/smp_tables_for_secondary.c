/* SPDX-License-Identifier: MIT */
/* CPU 1's boot tables are walked non-cacheably; CPU 0 has made their last entry a moment ago. */
#include "corpus/lib/corpus.h"

static struct space boot_space __attribute__((aligned(64)));

SITE static void make_entry(void)
{
	*space_entry(&boot_space, WINDOW(0), false) = space_leaf(&boot_space, ARENA, MAP_WB);
}

SITE static void secondary_read(void)
{
	require(load(WINDOW(0)) == 0);
}

static char stack[4096] __attribute__((aligned(64)));

static void secondary(void)
{
	step_wait(1);
	secondary_read();
}

static void secondary_cold(void)
{
	space_install(&boot_space);
	corpus_cached_run(secondary, stack + sizeof(stack), sctlr_on());
}

void guest(void)
{
	image_on();
	space_init(&boot_space, current_el());
	boot_space.walk_nc = true;
	space_map_image(&boot_space);
	space_map(&boot_space, WINDOW(0) + 4096, ARENA, 4096, MAP_WB);
	cpu_start(1, secondary_cold); /* cleans all data, these tables too */
	make_entry();
	if (TWIN) {
		dc_cvac((uint64_t)space_entry(&boot_space, WINDOW(0), false));
	}
	dsb_sy(); /* at the PoC before CPU 1's walk */
	step_reached(1);
	cpu_wait_off(1);
}
