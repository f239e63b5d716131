/* SPDX-License-Identifier: MIT */
/*
 * Whoever ran before may have left clean lines of any page in a cache. A kernel that writes with caches off
 * and reads with caches on has to invalidate (Linux: Documentation/arch/arm64/booting.rst promises only its
 * image).
 */
#include "corpus/lib/corpus.h"

SITE static uint64_t read_cached(void)
{
	return load(ARENA);
}

SITE static void write_mmu_off(void)
{
	store(ARENA, 0x1234);
	dsb_sy(); /* in memory */
}

void guest(void)
{
	write_mmu_off();
	if (TWIN) {
		dc_ivac(ARENA);
		dsb_sy(); /* no copy is left; none can come before the MMU is on */
	}
	image_on();
	space_map(&image_space, ARENA, ARENA, 4096, MAP_WB);
	require(read_cached() == 0x1234);
}
