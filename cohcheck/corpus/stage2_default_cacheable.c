/* SPDX-License-Identifier: MIT */
/* With HCR_EL2.DC a guest whose MMU is off reads write-back, so the host need not clean; without it must. */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

SITE static void host_write(void)
{
	store(WINDOW(0), 0x1234);
}

void guest(void)
{
	image_on();
	stage2_on(0, MAP_WB);
	if (TWIN) {
		sysreg_write(hcr_el2, sysreg_read(hcr_el2) | BIT64(12));
		isb();
		TLBI_ALL(alle1);
		dsb_nsh(); /* HCR_EL2.DC may be cached in TLBs */
		isb();
	}
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	host_write();
	require(stage2_guest_read(ARENA) == 0x1234);
}
