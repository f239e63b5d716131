/* SPDX-License-Identifier: MIT */
#include "corpus/lib/corpus_dma.h"

#define DMA_REGISTER   UINT64_C(0x09020010)
#define DESCRIPTOR     (ARENA + 0x200000)
#define CONTROL_SELECT UINT32_C(8) /* the item in the upper half: 0, the signature */
#define CONTROL_READ   UINT32_C(2)

void dma_prepare(unsigned int type)
{
	space_map(&image_space, DMA_DESCRIPTOR, DESCRIPTOR, 4096, type);
}

SITE void dma_describe(uint64_t paddr)
{
	store(DMA_DESCRIPTOR + 8, __builtin_bswap64(paddr));
	store32(DMA_DESCRIPTOR + 4, __builtin_bswap32(4));
	store32(DMA_DESCRIPTOR, __builtin_bswap32(CONTROL_SELECT | CONTROL_READ));
}

void dma_start(void)
{
	dsb_sy(); /* the descriptor before the device looks for it */
	store(DMA_REGISTER, __builtin_bswap64(DESCRIPTOR));
}

SITE void dma_wait(void)
{
	while (load32(DMA_DESCRIPTOR) != 0) {
	}
	dsb_sy(); /* the device's word before what it has written */
}
