/* SPDX-License-Identifier: MIT */
/* CPU 1 has a mapping of its own of the page. In the twin that CPU is off, and so is its mapping. */
#include "corpus/lib/corpus.h"

static struct space other_space __attribute__((aligned(64)));
static char stack[4096] __attribute__((aligned(64)));

static void other_cpu(void)
{
	require(load(WINDOW(1)) == 1);
	step_reached(1);
	if (!TWIN) {
		step_wait(2);
	}
}

static void other_cpu_cold(void)
{
	space_install(&other_space);
	corpus_cached_run(other_cpu, stack + sizeof(stack), sctlr_on());
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	reuse_prepare(&image_space, ARENA);
	space_init(&other_space, current_el());
	space_map_image(&other_space);
	space_map(&other_space, WINDOW(1), ARENA, 4096, MAP_WB);
	cpu_start(1, other_cpu_cold);
	step_wait(1);
	if (TWIN) {
		cpu_wait_off(1);
	}
	space_unmap(&image_space, WINDOW(0), false);
	reuse_page(&image_space, ARENA);
	step_reached(2);
	cpu_wait_off(1);
}
