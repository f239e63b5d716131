/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor traps the cleans of its guest (HCR_EL2.TPC, or with FEAT_FGT HFGITR_EL2), and does nothing for it: the guest has executed
 * them, the caches have not.
 */
#include "corpus/lib/corpus.h"

#define HFGITR_DCCVAC BIT64(54)
#define HCR_TPC       BIT64(23)

SITE static void guest_write(void)
{
	store(ARENA, 0x1234);
	dc_cvac(ARENA); /* trapped */
	dsb_sy();       /* the guest means: at the PoC */
}

static uint64_t run_guest(uint64_t a, uint64_t b, uint64_t c)
{
	caches_on();
	guest_write();
	return 0;
}

SITE static uint64_t read_uncached(void)
{
	return load(WINDOW(0));
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_NC);
	life_prepare();
	if (sysreg_read(id_aa64mmfr0_el1) >> 56 & 15) {
		sysreg_write(s3_4_c1_c1_6, HFGITR_DCCVAC);
	} else {
		sysreg_write(hcr_el2, sysreg_read(hcr_el2) | HCR_TPC);
	}
	isb(); /* before the guest's first instruction */
	call_el1(run_guest, 0, 0, 0);
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC, on the guest's behalf */
	}
	require(read_uncached() == 0x1234);
}
