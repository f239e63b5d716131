/* SPDX-License-Identifier: MIT */
/* The address of another page was given to the helper. */
#include "corpus/lib/corpus.h"

SITE static void builder_write(void)
{
	store(WINDOW(0) + 4096, 0x1234);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 8192, MAP_WB);
	builder_write();
	dc_cvac_range(WINDOW(0) + (TWIN ? 4096 : 0), 4096);
	dsb_sy(); /* at the PoC before the guest's load */
	require(life_read(ARENA + 4096) == 0x1234);
}
