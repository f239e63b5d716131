/* SPDX-License-Identifier: MIT */
/*
 * The race's first form with a guest under stage 2, Normal write-back: its own stage 1 is off, so it reads
 * Device. With FEAT_S2FWB, and stage 2 forcing write-back, it reads through the caches, and nothing is wrong.
 */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

SITE static void host_write(void)
{
	store(WINDOW(0), 0x1234);
}

void guest(void)
{
	bool fwb = (sysreg_read(s3_0_c0_c7_2) >> 40 & 15) != 0; /* ID_AA64MMFR2_EL1.FWB */

	image_on();
	if (fwb) {
		sysreg_write(hcr_el2, sysreg_read(hcr_el2) | BIT64(46));
	}
	stage2_on(0, fwb ? MAP_WB | MAP_S2_FWB : MAP_WB);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	host_write();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the guest's load */
	}
	require(stage2_guest_read(ARENA) == 0x1234);
}
