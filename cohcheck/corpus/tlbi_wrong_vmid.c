/* SPDX-License-Identifier: MIT */
/* TLBI VMALLS12E1IS is for the VMID that VTTBR_EL2 holds, here that of another guest. */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

void guest(void)
{
	uint64_t vttbr;

	image_on();
	stage2_on(7, MAP_WB);
	stage2_guest_caches_on();
	require(stage2_guest_read(ARENA) == 0);
	reuse_prepare(&image_space, ARENA);
	space_clear(&stage2, ARENA, false);
	vttbr = sysreg_read(vttbr_el2);
	if (!TWIN) {
		sysreg_write(vttbr_el2, (vttbr & (BIT64(48) - 1)) | UINT64_C(8) << 48);
		isb(); /* the TLBI is for VMID 8 */
	}
	TLBI_ALL(vmalls12e1is);
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	sysreg_write(vttbr_el2, vttbr);
	isb();
	reuse_page(&image_space, ARENA);
}
