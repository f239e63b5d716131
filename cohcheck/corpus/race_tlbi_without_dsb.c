/* SPDX-License-Identifier: MIT */
/*
 * TLBI and flush are completed by one DSB, so the flush may have been done while the mapping still was in a
 * TLB: the DSB between them is what makes "teardown, then flush" an order.
 */
#include "corpus/lib/corpus.h"

void guest(void)
{
	image_on();
	life_prepare();
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 0x1234);
	space_clear(&image_space, WINDOW(0), false);
	TLBI_BY(vae2is, WINDOW(0) >> 12);
	if (TWIN) {
		dsb_ish(); /* the alias is gone before the flush */
		isb();
	}
	dc_civac(WINDOW(1));
	dsb_sy(); /* completes whatever is pending before the guest runs */
	life_write_then_read(ARENA);
}
