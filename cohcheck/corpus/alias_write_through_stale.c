/* SPDX-License-Identifier: MIT */
/* Write-through memory leaves nothing dirty, but its copies go stale like others. */
#include "corpus/lib/corpus.h"

SITE static void write_uncached(void)
{
	store(WINDOW(1), 0x1234);
}

SITE static uint64_t read_write_through(void)
{
	return load(WINDOW(0));
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WT);
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	store(WINDOW(0), 1);
	dsb_sy();                      /* write-through: in memory */
	require(load(WINDOW(1)) == 1); /* so this is right without maintenance */
	write_uncached();
	dsb_sy(); /* in memory */
	if (TWIN) {
		dc_ivac(WINDOW(0));
		dsb_sy(); /* nobody has the old line any more, before the load */
	}
	require(read_write_through() == 0x1234);
}
