/* SPDX-License-Identifier: MIT */
/* A word is written, then MMU and caches go off, and it is read. */
#include "corpus/lib/corpus.h"

SITE static void write_cached(void)
{
	store(ARENA, 0x1234);
}

void guest(void)
{
	image_on();
	space_map(&image_space, ARENA, ARENA, 4096, MAP_WB);
	write_cached();
	if (TWIN) {
		dc_cvac(ARENA);
		dsb_sy(); /* at the PoC before the load with caches off */
	}
	require(corpus_load_mmu_off(ARENA, sctlr_off(), sctlr_on()) == 0x1234);
}
