/* SPDX-License-Identifier: MIT */
/*
 * A second stage turns the MMU off, writes an entry of its tables and turns it on, as boot code does that
 * forgets who ran before: caches may hold the tables' lines from then, and walks, cacheable, hit them.
 */
#include "corpus/lib/corpus.h"

SITE static uint64_t first_use(void)
{
	return load(WINDOW(0));
}

/* Registers only: no stack while the MMU is off. */
SITE static void rebuild_mmu_off(uint64_t entry, uint64_t value, uint64_t off, uint64_t on)
{
	__asm__ volatile("msr sctlr_el2, %2\n"
			 "isb\n"
			 "str %1, [%0]\n"
			 "dsb sy\n"
			 "cbz %4, 1f\n"
			 "dc ivac, %0\n" /* no walk finds the old line */
			 "dsb sy\n"
			 "1: tlbi alle2\n"
			 "dsb nsh\n"
			 "msr sctlr_el2, %3\n"
			 "isb"
			 :
			 : "r"(entry), "r"(value), "r"(off), "r"(on), "r"((uint64_t)TWIN)
			 : "memory");
}

void guest(void)
{
	extern char corpus_tables[], corpus_tables_end[];
	uint64_t entry, value;

	image_on();
	space_map(&image_space, WINDOW(0) + 4096, ARENA, 4096, MAP_WB);
	entry = (uint64_t)space_entry(&image_space, WINDOW(0), false);
	value = space_leaf(&image_space, ARENA, MAP_WB);
	dc_civac_range((uint64_t)corpus_tables, (uint64_t)(corpus_tables_end - corpus_tables));
	dsb_sy(); /* no dirty line is left to be written back over what follows */
	rebuild_mmu_off(entry, value, sctlr_off(), sctlr_on());
	require(first_use() == 0);
}
