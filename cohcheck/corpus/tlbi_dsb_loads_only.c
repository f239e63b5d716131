/* SPDX-License-Identifier: MIT */
/* As tlbi_without_dsb_before, with a DSB that waits for loads and not for the store to the table. */
#include "corpus/lib/corpus.h"

static void dsb_ishld(void)
{
	__asm__ volatile("dsb ishld" : : : "memory");
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	reuse_prepare(&image_space, ARENA);
	*space_entry(&image_space, WINDOW(0), false) = 0;
	dsb_ishld();
	if (TWIN) {
		dsb_ishst(); /* visible to walks before the TLBI */
	}
	TLBI_BY(vae2is, WINDOW(0) >> 12);
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	isb();
	reuse_page(&image_space, ARENA);
}
