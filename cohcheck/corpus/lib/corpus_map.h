/* SPDX-License-Identifier: MIT */
/*
 * Translation tables of the guests. Tables come from the image's data and are never given back; entries are
 * stored with plain stores, so whoever changes live tables needs what the architecture demands, and says so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Memory types, in the order of MAIR. MIXED is inner write-back, outer non-cacheable. */
enum map_type {
	MAP_DEVICE,
	MAP_NC,
	MAP_WT,
	MAP_WB,
	MAP_MIXED
};
#define MAP_TYPE   7u
#define MAP_EXEC   8u
#define MAP_RO     16u
#define MAP_NG     32u  /* not global: of the ASID */
#define MAP_BLOCK  64u  /* the level above pages: 2 MiB, 32 MiB or 512 MiB */
#define MAP_S2_FWB 128u /* stage 2 under HCR_EL2.FWB: MAP_WB is forced, whatever stage 1 says */
#define MAP_USER   256u /* EL0 may use it, too (and only EL0 execute it) */

struct space {
	uint64_t *root;
	unsigned int el; /* of the regime: 1, 2, 3 */
	unsigned int granule_shift;
	bool stage2, upper, vhe; /* upper: TTBR1 */
	bool walk_nc;            /* TCR.IRGN, ORGN: non-cacheable */
	uint16_t asid, vmid;
};

/* Nothing mapped; 39, 36 or 42 bits with 4, 16 or 64 KiB. Fields may be changed until something is mapped. */
void space_init(struct space *space, unsigned int el);
void space_init_granule(struct space *space, unsigned int el, unsigned int granule_shift);
/* Entries that were invalid: visible to walks when it returns (DSB ISHST, ISB). */
void space_map(struct space *space, uint64_t va, uint64_t paddr, uint64_t size, unsigned int flags);
/* Text, data, tables, and the devices, at their physical addresses. */
void space_map_image(struct space *space);
/* The entry of a page, or of a block; tables above it are made. And what a leaf there would say. */
uint64_t *space_entry(struct space *space, uint64_t va, bool block);
uint64_t space_leaf(const struct space *space, uint64_t paddr, unsigned int flags);
uint64_t space_page(const struct space *space);
uint64_t space_block(const struct space *space);
/* A zeroed table, and the entry that leads to it. */
uint64_t *table_new(const struct space *space);
uint64_t table_descriptor(const uint64_t *table);

/* MAIR, TCR, TTBR or VTCR, VTTBR, without barriers; EL2 may do so for EL1. */
void space_install(const struct space *space);
uint64_t space_ttbr(const struct space *space);
/* Installs, empties the TLBs, turns MMU and caches of this EL on. */
void space_enable(const struct space *space);
/* SCTLR of this EL with M, C and I, and without any. */
uint64_t sctlr_on(void);
uint64_t sctlr_off(void);
/* EL1's own SCTLR.M, C, I after somebody has installed its tables. On a stack that they map. */
void caches_on(void);

/*
 * The whole way of taking a page or block away: invalid, DSB, TLBI by VA at the inner shareable CPUs, DSB,
 * ISB. space_clear(): only the store and the DSB that makes it visible to walks.
 */
void space_unmap(struct space *space, uint64_t va, bool block);
void space_clear(struct space *space, uint64_t va, bool block);

/* The space of the image at the EL where the guest began; image_on() makes and enables it. */
extern struct space image_space;
void image_on(void);

void corpus_sctlr(uint64_t value);
void corpus_sctlr_only(uint64_t value);
_Noreturn void corpus_cached_run(void (*function)(void), char *stack, uint64_t sctlr);
uint64_t corpus_load_mmu_off(uint64_t address, uint64_t off, uint64_t on);
uint64_t corpus_call_mmu_off(uint64_t (*function)(void), uint64_t off, uint64_t on);
