/* SPDX-License-Identifier: MIT */
/* The other side of HCR_EL2.DC: what the guest writes with its MMU off is dirty in a cache. */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

SITE static uint64_t host_read_uncached(void)
{
	return load(WINDOW(0));
}

void guest(void)
{
	image_on();
	stage2_on(0, MAP_WB);
	sysreg_write(hcr_el2, sysreg_read(hcr_el2) | BIT64(12));
	isb();
	TLBI_ALL(alle1);
	dsb_nsh(); /* HCR_EL2.DC may be cached in TLBs */
	isb();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_NC);
	stage2_guest_write(ARENA, 0x1234);
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the load */
	}
	require(host_read_uncached() == 0x1234);
}
