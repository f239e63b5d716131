/* SPDX-License-Identifier: MIT */
/*
 * TLBI by IPA reaches entries of stage 2; those that combine both stages are by VA and need one of stage 1.
 */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

void guest(void)
{
	image_on();
	stage2_on(0, MAP_WB);
	stage2_guest_caches_on();
	require(stage2_guest_read(ARENA) == 0);
	reuse_prepare(&image_space, ARENA);
	space_clear(&stage2, ARENA, false);
	TLBI_BY(ipas2e1is, ARENA >> 12);
	dsb_ish(); /* stage 2's entries are gone before those that combine both stages */
	if (TWIN) {
		TLBI_ALL(vmalle1is);
		dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	}
	isb();
	reuse_page(&image_space, ARENA);
}
