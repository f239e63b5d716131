/* SPDX-License-Identifier: MIT */
/*
 * The buffer is invalidated before the device starts only, by a driver that thinks once is enough, and read
 * twice.
 */
#include "corpus/lib/corpus_dma.h"

SITE static uint32_t read_second(void)
{
	return load32(WINDOW(0));
}

static void transfer(void)
{
	dma_describe(ARENA);
	dma_start();
	dma_wait();
}

static void invalidate(void)
{
	dc_civac(WINDOW(0));
	dsb_sy(); /* no copy is left */
}

void guest(void)
{
	image_on();
	dma_prepare(MAP_NC);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	invalidate();
	transfer();
	invalidate();
	require(load32(WINDOW(0)) == DMA_SIGNATURE);
	store32(WINDOW(0), 0);
	invalidate();
	transfer();
	if (TWIN) {
		invalidate();
	}
	require(read_second() == DMA_SIGNATURE);
}
