/* SPDX-License-Identifier: MIT */
/* The contiguous hint is set in sixteen live entries: a TLB may hold both sizes. */
#include "corpus/lib/corpus.h"

#define CONTIGUOUS BIT64(52)
#define PAGES      16

SITE static void set_contiguous(void)
{
	uint64_t *entry = space_entry(&image_space, WINDOW(0), false);

	if (TWIN) {
		for (unsigned int i = 0; i < PAGES; i++) {
			entry[i] = 0;
		}
		dsb_ishst(); /* before the TLBI: no walk fetches the old entries again */
		TLBI_ALL(alle2is);
		dsb_ish(); /* no CPU has the old entries */
	}
	for (unsigned int i = 0; i < PAGES; i++) {
		entry[i] = space_leaf(&image_space, ARENA + i * 4096, MAP_WB) | CONTIGUOUS;
	}
	dsb_ishst(); /* before walks, and before the TLBI */
	TLBI_ALL(alle2is);
	dsb_ish();
	isb();
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, PAGES * 4096, MAP_WB);
	store(WINDOW(0), 1);
	set_contiguous();
	require(load(WINDOW(0)) == 1);
}
