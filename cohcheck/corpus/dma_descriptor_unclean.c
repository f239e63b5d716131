/* SPDX-License-Identifier: MIT */
/*
 * To the device: its descriptor is still in a cache, so it may read an old one; and what it writes to the
 * descriptor's line is lost when that is written back, which is how it shows here.
 */
#include "corpus/lib/corpus_dma.h"

void guest(void)
{
	image_on();
	dma_prepare(MAP_WB);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_NC);
	dma_describe(ARENA);
	if (TWIN) {
		dc_civac(DMA_DESCRIPTOR);
	}
	dma_start();
	dc_civac(DMA_DESCRIPTOR); /* the device has answered when the store to its register is done */
	dsb_sy();                 /* nobody has the old line any more, before the load */
	dma_wait();
	require(load32(WINDOW(0)) == DMA_SIGNATURE);
}
