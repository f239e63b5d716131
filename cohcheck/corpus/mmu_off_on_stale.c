/* SPDX-License-Identifier: MIT */
/* Off, a store, on again: the store went below the copy that a cache may have kept. */
#include "corpus/lib/corpus.h"

SITE static uint64_t read_cached(void)
{
	return load(ARENA);
}

SITE static void write_mmu_off(uint64_t address, uint64_t off, uint64_t on)
{
	__asm__ volatile("msr sctlr_el2, %1\n"
			 "isb\n"
			 "str %3, [%0]\n"
			 "dsb sy\n"
			 "cbz %4, 1f\n"
			 "dc ivac, %0\n" /* nobody can fetch it again before the MMU is on */
			 "dsb sy\n"
			 "1: msr sctlr_el2, %2\n"
			 "isb"
			 :
			 : "r"(address), "r"(off), "r"(on), "r"(UINT64_C(0x1234)),
			   "r"((uint64_t)TWIN)
			 : "memory");
}

void guest(void)
{
	image_on();
	space_map(&image_space, ARENA, ARENA, 4096, MAP_WB);
	require(read_cached() == 0);
	write_mmu_off(ARENA, sctlr_off(), sctlr_on());
	require(read_cached() == 0x1234);
}
