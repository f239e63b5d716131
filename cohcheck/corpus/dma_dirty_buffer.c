/* SPDX-License-Identifier: MIT */
/*
 * The buffer was dirty when the device wrote it: the line may be written back over it before the
 * invalidation.
 */
#include "corpus/lib/corpus_dma.h"

SITE static void clear_buffer(void)
{
	store32(WINDOW(0), 0);
}

SITE static uint32_t read_buffer(void)
{
	return load32(WINDOW(0));
}

void guest(void)
{
	image_on();
	dma_prepare(MAP_NC);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	clear_buffer();
	if (TWIN) {
		dc_civac(WINDOW(0));
		dsb_sy(); /* written back before the device starts */
	}
	dma_describe(ARENA);
	dma_start();
	dma_wait();
	dc_ivac(WINDOW(0));
	dsb_sy(); /* nobody has the old line any more, before the load */
	require(read_buffer() == DMA_SIGNATURE);
}
