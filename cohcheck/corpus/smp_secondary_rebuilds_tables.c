/* SPDX-License-Identifier: MIT */
/*
 * CPU 1 writes the tables that it boots with while its MMU is off, although CPU 0 has that page mapped write-
 * back: CPU 0 may have fetched it before, and CPU 1's walks, cacheable, hit that. (Debian's Xen 4.17 does so
 * with a second CPU.)
 */
#include "corpus/lib/corpus.h"

static struct space boot_space __attribute__((aligned(64)));
static uint64_t *entry __attribute__((aligned(64)));
static uint64_t leaf;
static char stack[4096] __attribute__((aligned(64)));

SITE static void secondary_read(void)
{
	require(load(WINDOW(0)) == 0);
}

SITE static void secondary_make_entry(void)
{
	store((uint64_t)entry, leaf);
	dsb_sy(); /* in memory before the walk */
}

static void secondary(void)
{
	secondary_read();
}

static void secondary_cold(void)
{
	if (!TWIN) {
		secondary_make_entry();
	}
	space_install(&boot_space);
	corpus_cached_run(secondary, stack + sizeof(stack), sctlr_on());
}

void guest(void)
{
	image_on();
	space_init(&boot_space, current_el());
	space_map_image(&boot_space);
	space_map(&boot_space, WINDOW(0) + 4096, ARENA, 4096, MAP_WB);
	entry = space_entry(&boot_space, WINDOW(0), false);
	leaf = space_leaf(&boot_space, ARENA, MAP_WB);
	if (TWIN) { /* CPU 0 does it, with caches on, like CPU 1's walks */
		*entry = leaf;
	}
	cpu_start(1, secondary_cold);
	cpu_wait_off(1);
}
