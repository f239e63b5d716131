/* SPDX-License-Identifier: MIT */
/* The clean was issued, but nothing waits for it before the guest starts. ERET is no barrier for it. */
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
		dsb_sy(); /* completes the clean before the guest's load, which does not see the caches */
	} else {
		dmb_sy(); /* orders, but completes nothing */
		isb();
	}
	require(life_read(ARENA) == 0x1234);
}
