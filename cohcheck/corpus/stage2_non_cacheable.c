/* SPDX-License-Identifier: MIT */
/*
 * Stage 2 says non-cacheable: the guest's write-back stage 1 is overridden, its loads do not see the host's
 * caches.
 */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

SITE static void host_write(void)
{
	store(WINDOW(0), 0x1234);
}

void guest(void)
{
	image_on();
	stage2_on(0, MAP_NC);
	stage2_guest_caches_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	host_write();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the guest's load */
	}
	require(stage2_guest_read(ARENA) == 0x1234);
}
