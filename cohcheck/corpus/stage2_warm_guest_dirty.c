/* SPDX-License-Identifier: MIT */
/*
 * A guest with caches on has written a page; the host reads it through a non-cacheable mapping (to save it,
 * say).
 */
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
	stage2_guest_caches_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_NC);
	stage2_guest_write(ARENA, 0x1234);
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the load */
	}
	require(host_read_uncached() == 0x1234);
}
