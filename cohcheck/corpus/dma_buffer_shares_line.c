/* SPDX-License-Identifier: MIT */
/*
 * A counter beside the buffer, in its line, is written while the device works: the line in the cache has the
 * buffer's old word.
 */
#include "corpus/lib/corpus_dma.h"

#define COUNTER (WINDOW(0) + (TWIN ? 64 : 32))

SITE static void count(void)
{
	store(COUNTER, 1);
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
	store(WINDOW(0), 0x01d);
	dc_civac(WINDOW(0));
	dsb_sy(); /* no dirty line is left */
	dma_describe(ARENA);
	dma_start();
	count();
	dma_wait();
	dc_civac(WINDOW(0)); /* "clean as well, for the counter's sake" */
	dsb_sy();            /* complete before the load */
	require(read_buffer() == DMA_SIGNATURE);
}
