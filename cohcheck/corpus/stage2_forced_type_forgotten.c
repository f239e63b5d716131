/* SPDX-License-Identifier: MIT */
/*
 * A machine with FEAT_S2FWB: HCR_EL2.FWB is set, but the page's stage 2 says "as stage 1" instead of write-
 * back.
 */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

#define AS_STAGE_1 (MAP_MIXED | MAP_S2_FWB) /* MemAttr 0b111 */

SITE static void host_write(void)
{
	store(WINDOW(0), 0x1234);
}

void guest(void)
{
	image_on();
	sysreg_write(hcr_el2, sysreg_read(hcr_el2) | BIT64(46));
	stage2_on(0, TWIN ? MAP_WB | MAP_S2_FWB : AS_STAGE_1);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	host_write();
	require(stage2_guest_read(ARENA) == 0x1234);
}
