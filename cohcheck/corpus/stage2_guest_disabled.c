/* SPDX-License-Identifier: MIT */
/* The guest's own write-back tables are an alias while its MMU is on. In the twin it has turned it off. */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

void guest(void)
{
	image_on();
	stage2_on(0, MAP_WB);
	stage2_guest_caches_on();
	require(stage2_guest_read(ARENA) == 0);
	if (TWIN) {
		sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) & ~BIT64(0));
		isb(); /* and what TLBs hold of it is not used any more: */
		TLBI_ALL(vmalls12e1is);
		dsb_ish();
		isb();
	}
	reuse_prepare(&image_space, ARENA);
	reuse_page(&image_space, ARENA);
}
