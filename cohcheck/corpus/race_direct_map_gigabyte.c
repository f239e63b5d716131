/* SPDX-License-Identifier: MIT */
/* race_direct_map with a block of 1 GiB, at level 1, for all RAM. */
#include "corpus/lib/corpus.h"

#define GIB        (UINT64_C(1) << 30)
#define RAM        UINT64_C(0x40000000)
#define DIRECT_MAP (5 * GIB)

void guest(void)
{
	uint64_t page = ARENA + 0x7000;

	image_on();
	image_space.root[DIRECT_MAP / GIB] = space_leaf(&image_space, RAM, MAP_WB | MAP_BLOCK);
	dsb_ishst(); /* before walks */
	isb();
	store(DIRECT_MAP + page - RAM, 0x1234);
	reuse_prepare(&image_space, page);
	if (TWIN) {
		image_space.root[DIRECT_MAP / GIB] = 0;
		dsb_ishst(); /* before the TLBI: no walk fetches the old entry again */
		TLBI_BY(vae2is, DIRECT_MAP >> 12);
		dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
		isb();
	}
	reuse_page(&image_space, page);
}
