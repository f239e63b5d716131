/* SPDX-License-Identifier: MIT */
/*
 * A device that writes memory: the DMA interface of QEMU's firmware configuration device (docs/specs/fw_cfg
 * in QEMU's documentation). A descriptor in memory says what to do; the device reads it, does it, and writes
 * its control word.
 */
#pragma once

#include "corpus/lib/corpus.h"

struct dma_descriptor {
	uint32_t control, length; /* big-endian, as is the address */
	uint64_t address;
};

#define DMA_SIGNATURE  UINT32_C(0x554d4551) /* what item 0 holds: "QEMU" */

/*
 * The image's tables map it at DMA_DESCRIPTOR, with the type, MAP_NC as a driver does that wants no trouble.
 */
#define DMA_DESCRIPTOR WINDOW(110)
void dma_prepare(unsigned int type);
void dma_describe(
	uint64_t paddr); /* stores the descriptor: write the signature to paddr; site: dma_describe */
void dma_start(void);    /* with the barrier before, so that the device finds the descriptor */
void dma_wait(void);     /* until it is done; sites: dma_wait */
