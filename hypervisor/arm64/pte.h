/* SPDX-License-Identifier: MIT */
/*
 * VMSAv8-64 descriptors, 4 KiB granule, for EL2 stage 1 and for stage 2 (Arm ARM, "VMSAv8-64
 * translation table format descriptors"). Pure data and arithmetic; the host tests use the same.
 */
#pragma once

#include "lib/compiler.h"

#define PTE_ENTRIES            512
#define PTE_LEVEL_SHIFT(level) (12 + 9 * (3 - (level)))
#define PTE_LEVEL_SIZE(level)  (UINT64_C(1) << PTE_LEVEL_SHIFT(level))
#define PTE_INDEX(va, level)   (((va) >> PTE_LEVEL_SHIFT(level)) & (PTE_ENTRIES - 1))

#define PTE_VALID              BIT64(0)
#define PTE_TABLE              BIT64(1) /* levels 0-2: next table; level 3: page */
#define PTE_PAGE               BIT64(1)
#define PTE_ADDR               BITS64(47, 12)
#define PTE_AF                 BIT64(10)
#define PTE_SH_INNER           (UINT64_C(3) << 8)
#define PTE_SH_OUTER           (UINT64_C(2) << 8)
#define PTE_SH                 (UINT64_C(3) << 8)

/* EL2 stage 1 (single VA range): AP[2] read-only, XN bit 54, AP[1] RES1. */
#define PTE_EL2_AP1_RES1       BIT64(6)
#define PTE_EL2_RO             BIT64(7)
#define PTE_EL2_XN             BIT64(54)
#define PTE_ATTRIDX(n)         ((uint64_t)(n) << 2)

/* MAIR_EL2 indices. */
#define MAIR_IDX_WB            0 /* 0xff: Inner and Outer Write-Back, allocating */
#define MAIR_IDX_NC            1 /* 0x44: Inner and Outer Non-cacheable */
#define MAIR_IDX_DEVICE        2 /* 0x00: Device-nGnRnE */
#define MAIR_IDX_DEVICE_GRE    3 /* 0x04: Device-nGnRE */
#define MAIR_EL2_VALUE         UINT64_C(0x040044ff)

/* Stage 2. */
#define S2_MEMATTR(n)          ((uint64_t)(n) << 2)
#define S2_MEMATTR_MASK        (UINT64_C(0xf) << 2)
#define S2_READ                BIT64(6)
#define S2_WRITE               BIT64(7)
#define S2_XN                  BIT64(54)      /* XN[1:0] = 0b10 */
#define S2_SW_TYPE             BITS64(58, 55) /* ignored by hardware: enum stage2_type */
/* MemAttr without FWB: combined with stage 1, the weaker wins. */
#define S2_ATTR_NORMAL_WB      S2_MEMATTR(0xf)
#define S2_ATTR_NORMAL_NC      S2_MEMATTR(0x5)
#define S2_ATTR_DEVICE_nGnRE   S2_MEMATTR(0x1)
/* MemAttr with HCR_EL2.FWB = 1 (Arm ARM, "Stage 2 memory region type and cacheability attributes when FEAT_S2FWB is implemented"). */
#define S2_FWB_FORCE_WB        S2_MEMATTR(0x6)
#define S2_FWB_STAGE1          S2_MEMATTR(0x7)
#define S2_FWB_FORCE_NC        S2_MEMATTR(0x5)
#define S2_FWB_DEVICE_nGnRE    S2_MEMATTR(0x1)

static inline bool pte_is_valid(uint64_t pte)
{
	return (pte & PTE_VALID) != 0;
}

static inline bool pte_is_table(uint64_t pte, unsigned int level)
{
	return level < 3 && (pte & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE);
}

static inline bool pte_is_leaf(uint64_t pte, unsigned int level)
{
	return pte_is_valid(pte) && !pte_is_table(pte, level);
}
