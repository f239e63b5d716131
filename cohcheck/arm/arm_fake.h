/* SPDX-License-Identifier: MIT */
/*
 * A machine for tests of the walker: registers, a little memory for tables, and a log of the descriptors
 * that were read.
 */
#pragma once

#include "arm/arm_regime.h"

#define FAKE_BASE UINT64_C(0x40000000)
#define FAKE_SIZE 0x80000

extern struct arm_registers fake_regs;

struct fake_walk {
	struct arm_stage stage;
	unsigned int level, size;
	uint64_t input, paddr, value;
	enum mem_type type;
};
extern struct fake_walk fake_log[64];
extern unsigned int fake_nr_log, fake_nr_reads;

/* Zeroes everything; a CPU with EL2 and EL3, 48-bit addresses, at Non-secure EL1, with its MMUs off. */
int fake_reset(void **state);
/* A descriptor of 8 or 4 bytes in memory. */
void fake_put(uint64_t paddr, uint64_t value);
void fake_put32(uint64_t paddr, uint32_t value);
/* All memory becomes this sequence of pseudo-random bytes. */
void fake_fill(uint32_t seed);

enum arm_walk_result fake_translate(enum arm_regime regime, uint64_t va,
				    struct arm_translation *result);
enum arm_walk_result fake_translate_ipa(uint64_t ipa, struct arm_translation *result);

/* Registers' fields, where tests need names. */
#define SCTLR_M   UINT64_C(1)
#define SCTLR_C   (UINT64_C(1) << 2)
#define SCTLR_I   (UINT64_C(1) << 12)
#define SCTLR_WXN (UINT64_C(1) << 19)
#define SCTLR_EE  (UINT64_C(1) << 25)
#define SCTLR_TRE (UINT64_C(1) << 28)
#define SCTLR_AFE (UINT64_C(1) << 29)
#define SCTLR_ON  (SCTLR_M | SCTLR_C | SCTLR_I)

#define HCR_VM    (UINT64_C(1) << 0)
#define HCR_PTW   (UINT64_C(1) << 2)
#define HCR_DC    (UINT64_C(1) << 12)
#define HCR_TGE   (UINT64_C(1) << 27)
#define HCR_RW    (UINT64_C(1) << 31)
#define HCR_CD    (UINT64_C(1) << 32)
#define HCR_ID    (UINT64_C(1) << 33)
#define HCR_E2H   (UINT64_C(1) << 34)
#define HCR_FWB   (UINT64_C(1) << 46)

#define SCR_NS    UINT64_C(1)
#define SCR_EEL2  (UINT64_C(1) << 18)

/* TCR_EL1: T0SZ and T1SZ, walks write-back, 48 bits out. */
#define TCR_WB(t0sz, t1sz)                                                         \
	((uint64_t)(t0sz) | 5u << 8 | (uint64_t)(t1sz) << 16 | UINT64_C(5) << 24 | \
	 UINT64_C(5) << 32)
#define TCR_TG0(tg)           ((uint64_t)(tg) << 14)
#define TCR_TG1(tg)           ((uint64_t)(tg) << 30)
#define TG0_4K                0
#define TG0_64K               1
#define TG0_16K               2
#define TG1_16K               1
#define TG1_4K                2
#define TG1_64K               3
/* TCR_EL2 and TCR_EL3 without E2H. */
#define TCR_ONE(t0sz)         ((uint64_t)(t0sz) | 5u << 8 | 5u << 16)
#define VTCR(t0sz, sl0)       ((uint64_t)(t0sz) | (uint64_t)(sl0) << 6 | 5u << 8 | 5u << 16)

/* MAIR: 0 Device-nGnRnE, 1 Device-nGnRE, 2 NC, 3 WT, 4 WB, 5 inner WB and outer NC, 6 WB no write-allocate. */
#define FAKE_MAIR             UINT64_C(0x00ee4fffbb440400)
#define IDX_DEVICE            0
#define IDX_NC                2
#define IDX_WT                3
#define IDX_WB                4
#define IDX_MIXED             5

/* Stage-1 descriptors. */
#define AF                    (UINT64_C(1) << 10)
#define NG                    (UINT64_C(1) << 11)
#define AP_USER               (UINT64_C(1) << 6)
#define AP_RO                 (UINT64_C(1) << 7)
#define INNER                 (UINT64_C(3) << 8)
#define CONTIGUOUS            (UINT64_C(1) << 52)
#define PXN                   (UINT64_C(1) << 53)
#define UXN                   (UINT64_C(1) << 54)
#define TABLE(paddr)          ((uint64_t)(paddr) | 3)
#define PAGE(paddr, idx)      ((uint64_t)(paddr) | (uint64_t)(idx) << 2 | AF | INNER | 3)
#define BLOCK(paddr, idx)     ((uint64_t)(paddr) | (uint64_t)(idx) << 2 | AF | INNER | 1)
/* Stage 2: readable and writable. */
#define S2_PAGE(paddr, attr)  ((uint64_t)(paddr) | (uint64_t)(attr) << 2 | 0xc0 | AF | INNER | 3)
#define S2_BLOCK(paddr, attr) ((uint64_t)(paddr) | (uint64_t)(attr) << 2 | 0xc0 | AF | INNER | 1)
#define S2_WB                 0xf
