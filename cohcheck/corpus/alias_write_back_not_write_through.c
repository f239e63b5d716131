/* SPDX-License-Identifier: MIT */
/* Memory that another observer reads without caches was meant to be write-through. */
#include "corpus/lib/corpus.h"

SITE static void write_cached(void)
{
	store(WINDOW(0), 0x1234);
}

SITE static uint64_t read_uncached(void)
{
	return load(WINDOW(1));
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, TWIN ? MAP_WT : MAP_WB);
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	write_cached();
	dsb_sy(); /* write-through: in memory */
	require(read_uncached() == 0x1234);
}
