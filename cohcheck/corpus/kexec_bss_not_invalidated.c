/* SPDX-License-Identifier: MIT */
/*
 * The new kernel clears its .bss with caches off and turns them on. The old kernel had that memory mapped
 * write-back until then, so lines of it may be in a cache, clean and now stale.
 */
#include "corpus/lib/corpus.h"

#define BSS_BYTES 256

SITE static uint64_t read_bss(void)
{
	return load(ARENA + 128);
}

SITE static void clear_bss_mmu_off(uint64_t off, uint64_t on)
{
	uint64_t va = ARENA, end = ARENA + BSS_BYTES;

	__asm__ volatile("msr sctlr_el2, %2\n"
			 "isb\n"
			 "1: str xzr, [%0], #8\n"
			 "cmp %0, %1\n"
			 "b.lo 1b\n"
			 "dsb sy\n"
			 "cbz %4, 3f\n"
			 "sub %0, %0, #256\n"
			 "2: dc ivac, %0\n" /* as booting.rst demands of whoever writes with caches off */
			 "add %0, %0, #64\n"
			 "cmp %0, %1\n"
			 "b.lo 2b\n"
			 "dsb sy\n"
			 "3: msr sctlr_el2, %3\n"
			 "isb"
			 : "+&r"(va)
			 : "r"(end), "r"(off), "r"(on), "r"((uint64_t)TWIN)
			 : "memory", "cc");
}

void guest(void)
{
	image_on();
	space_map(&image_space, ARENA, ARENA, 4096, MAP_WB);
	for (unsigned int i = 0; i < BSS_BYTES; i += 8) {
		store(ARENA + i, 0x01d);
	}
	dc_civac_range(ARENA, BSS_BYTES);
	dsb_sy(); /* no dirty line is left to be written back over zeroes */
	clear_bss_mmu_off(sctlr_off(), sctlr_on());
	require(read_bss() == 0);
}
