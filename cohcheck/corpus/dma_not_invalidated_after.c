/* SPDX-License-Identifier: MIT */
/*
 * The buffer was flushed before, but a cache may have fetched it again while the device had not yet written.
 */
#include "corpus/lib/corpus_dma.h"

SITE static uint32_t read_buffer(void)
{
	return load32(WINDOW(0));
}

void guest(void)
{
	image_on();
	dma_prepare(MAP_NC);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 0x01d);
	dc_civac(WINDOW(0));
	dsb_sy(); /* no dirty line is left to be written back over what the device writes */
	dma_describe(ARENA);
	dma_start();
	dma_wait();
	if (TWIN) {
		dc_ivac(WINDOW(0));
		dsb_sy(); /* nobody has the old line any more, before the load */
	}
	require(read_buffer() == DMA_SIGNATURE);
}
