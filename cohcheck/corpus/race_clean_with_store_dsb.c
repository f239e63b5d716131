/* SPDX-License-Identifier: MIT */
/* DSB ISHST waits for stores only; cache maintenance is completed by one that waits for loads and stores. */
#include "corpus/lib/corpus.h"

SITE static void builder_write(void)
{
	store(WINDOW(0), 0x1234);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	builder_write();
	dc_cvac(WINDOW(0));
	if (TWIN) {
		dsb_sy(); /* completes the clean before the guest's load */
	} else {
		dsb_ishst();
	}
	require(life_read(ARENA) == 0x1234);
}
