/* SPDX-License-Identifier: MIT */
/* A page of a running guest is moved to another frame in one store to its stage 2. */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

SITE static void move_page(void)
{
	uint64_t *entry = space_entry(&stage2, ARENA, false);

	if (TWIN) {
		*entry = 0;
		dsb_ishst(); /* before the TLBI: no walk fetches the old entry again */
		TLBI_ALL(vmalls12e1is);
		dsb_ish(); /* no CPU has the old entry */
	}
	*entry = space_leaf(&stage2, ARENA + 0x400000, MAP_WB);
	dsb_ishst(); /* before walks, and before the TLBI */
	TLBI_ALL(vmalls12e1is);
	dsb_ish();
	isb();
}

void guest(void)
{
	image_on();
	stage2_on(0, MAP_WB);
	stage2_guest_caches_on();
	stage2_guest_write(ARENA, 1);
	move_page();
	require(stage2_guest_read(ARENA) == 0);
}
