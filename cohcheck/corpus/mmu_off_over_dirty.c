/* SPDX-License-Identifier: MIT */
/* A dirty line is left behind when the caches go off; it is written back over what is stored meanwhile. */
#include "corpus/lib/corpus.h"

SITE static void write_cached(void)
{
	store(ARENA, 1);
}

SITE static uint64_t write_read_mmu_off(uint64_t address, uint64_t off, uint64_t on)
{
	uint64_t value = 0x1234;

	__asm__ volatile("msr sctlr_el2, %2\n"
			 "isb\n"
			 "str %0, [%1]\n"
			 "dsb sy\n"
			 "ldr %0, [%1]\n"
			 "msr sctlr_el2, %3\n"
			 "isb"
			 : "+&r"(value)
			 : "r"(address), "r"(off), "r"(on)
			 : "memory");
	return value;
}

void guest(void)
{
	image_on();
	space_map(&image_space, ARENA, ARENA, 4096, MAP_WB);
	write_cached();
	if (TWIN) {
		dc_civac(ARENA);
		dsb_sy(); /* written back before the store below */
	}
	require(write_read_mmu_off(ARENA, sctlr_off(), sctlr_on()) == 0x1234);
}
