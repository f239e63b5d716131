/* SPDX-License-Identifier: MIT */
/*
 * A page is taken from a guest while another one's VMID is installed: the TLBI, which the twin issues under
 * the first one's, counts when that comes back, and with it what TLBs hold of it.
 */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

static struct space other_guest;

void guest(void)
{
	image_on();
	stage2_on(1, MAP_WB);
	stage2_guest_caches_on();
	require(stage2_guest_read(ARENA) == 0);
	space_init(&other_guest, 1);
	other_guest.stage2 = true;
	other_guest.vmid = 2;
	space_install(&other_guest);
	isb(); /* the other guest's turn */
	space_clear(&stage2, ARENA, false);
	reuse_prepare(&image_space, ARENA);
	if (TWIN) {
		space_install(&stage2);
		isb(); /* the TLBI is for its VMID */
		TLBI_ALL(vmalls12e1is);
		dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	}
	space_install(&stage2);
	isb();                    /* the first guest's turn */
	stage2_guest_caches_on(); /* on already: it only runs */
	reuse_page(&image_space, ARENA);
}
