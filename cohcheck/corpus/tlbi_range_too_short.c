/* SPDX-License-Identifier: MIT */
/* FEAT_TLBIRANGE: two pages, NUM 0, although 4 are gone. */
#include "corpus/lib/corpus.h"

void guest(void)
{
	/* TG 4 KiB, SCALE 0: (NUM + 1) * 2 pages. */
	uint64_t range =
		UINT64_C(1) << 46 | (TWIN ? UINT64_C(1) : UINT64_C(0)) << 39 | WINDOW(0) >> 12;

	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4 * 4096, MAP_WB);
	store(WINDOW(0) + 3 * 4096, 1);
	reuse_prepare(&image_space, ARENA + 3 * 4096);
	for (unsigned int page = 0; page < 4; page++) {
		*space_entry(&image_space, WINDOW(0) + page * 4096, false) = 0;
	}
	dsb_ishst(); /* no walk fetches the old entries after the TLBI */
	__asm__ volatile("sys #4, c8, c2, #1, %0" : : "r"(range) : "memory"); /* TLBI RVAE2IS */
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	isb();
	reuse_page(&image_space, ARENA + 3 * 4096);
}
