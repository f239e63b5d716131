/* SPDX-License-Identifier: MIT */
/* DC ZVA is a store like any other: the zeroes are dirty in a cache until they are cleaned. */
#include "corpus/lib/corpus.h"

SITE static void builder_zero(void)
{
	uint64_t block = UINT64_C(4) << (sysreg_read(dczid_el0) & 15);

	for (uint64_t va = WINDOW(0); va < WINDOW(0) + 4096; va += block) {
		dc_zva(va);
	}
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0) + 0x840, 0xdeadbeef);
	dc_civac(WINDOW(0) + 0x840);
	dsb_sy(); /* what was there before is in memory */
	builder_zero();
	if (TWIN) {
		dc_cvac_range(WINDOW(0), 4096);
		dsb_sy(); /* at the PoC before the guest's load */
	}
	require(life_read(ARENA + 0x840) == 0);
}
