/* SPDX-License-Identifier: MIT */
/* Inner write-back, outer non-cacheable: it does not see what an outer cache holds for write-back aliases. */
#include "corpus/lib/corpus.h"

SITE static void write_cached(void)
{
	store(WINDOW(0), 0x1234);
}

SITE static uint64_t read_inner_only(void)
{
	return load(WINDOW(1));
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	if (!TWIN) {
		space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_MIXED);
	}
	write_cached();
	if (TWIN) {
		/* The inner caches must forget it, too, and the first alias must not bring it back. */
		space_unmap(&image_space, WINDOW(0), false);
		space_map(&image_space, WINDOW(2), ARENA, 4096, MAP_NC);
		dc_civac(WINDOW(2));
		dsb_sy(); /* at the PoC before the other alias exists */
		space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_MIXED);
	}
	require(read_inner_only() == 0x1234);
}
