/* SPDX-License-Identifier: MIT */
/* SCTLR.C = 0 with the MMU on: all walks are non-cacheable, whatever TCR says. */
#include "corpus/lib/corpus.h"

SITE static void make_entry(void)
{
	*space_entry(&image_space, WINDOW(0), false) = space_leaf(&image_space, ARENA, MAP_WB);
}

/* With C off nothing but registers and the page. */
SITE static uint64_t first_use(uint64_t c_off, uint64_t on)
{
	uint64_t value;

	__asm__ volatile("msr sctlr_el2, %1\n"
			 "isb\n"
			 "ldr %0, [%3]\n"
			 "msr sctlr_el2, %2\n"
			 "isb"
			 : "=&r"(value)
			 : "r"(c_off), "r"(on), "r"(WINDOW(0))
			 : "memory");
	return value;
}

void guest(void)
{
	extern char corpus_tables[], corpus_tables_end[];

	image_on();
	space_map(&image_space, WINDOW(0) + 4096, ARENA, 4096, MAP_WB);
	dc_cvac_range((uint64_t)corpus_tables, (uint64_t)(corpus_tables_end - corpus_tables));
	dsb_sy(); /* all tables so far are at the PoC */
	make_entry();
	if (TWIN) {
		dc_cvac((uint64_t)space_entry(&image_space, WINDOW(0), false));
	}
	dsb_sy(); /* at the PoC before the walk */
	isb();
	require(first_use(sctlr_on() & ~BIT64(2), sctlr_on()) == 0);
}
