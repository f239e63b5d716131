/* SPDX-License-Identifier: MIT */
/*
 * The third form: the guest writes with caches off over what the host's alias may have fetched. Nothing is
 * wrong with FWB.
 */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

void guest(void)
{
	bool fwb = (sysreg_read(s3_0_c0_c7_2) >> 40 & 15) != 0; /* ID_AA64MMFR2_EL1.FWB */

	image_on();
	if (fwb) {
		sysreg_write(hcr_el2, sysreg_read(hcr_el2) | BIT64(46));
	}
	stage2_on(0, fwb ? MAP_WB | MAP_S2_FWB : MAP_WB);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	store(WINDOW(0), 1);
	if (TWIN) {
		space_unmap(&image_space, WINDOW(0), false);
	}
	dc_civac(WINDOW(1));
	dsb_sy(); /* complete; in the twin no cacheable alias is left */
	stage2_guest_write(ARENA, 0x1234);
	stage2_guest_caches_on();
	require(stage2_guest_read(ARENA) == 0x1234);
}
