/* SPDX-License-Identifier: MIT */
/* The page is cleaned, and then a last word is patched. */
#include "corpus/lib/corpus.h"

SITE static void builder_write(void)
{
	store(WINDOW(0) + 8, 0x1111);
}

SITE static void builder_patch(void)
{
	store(WINDOW(0), 0x1234);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	builder_write();
	if (TWIN) {
		builder_patch();
	}
	dc_cvac_range(WINDOW(0), 64);
	dsb_sy(); /* at the PoC before the guest's load */
	if (!TWIN) {
		builder_patch();
	}
	require(life_read(ARENA) == 0x1234);
}
