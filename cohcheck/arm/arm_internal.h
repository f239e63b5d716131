/* SPDX-License-Identifier: MIT */
/*
 * What the files of the walker share.
 *
 * An attribute is what stage 2 calls MemAttr: two bits for the outer, two for the inner caches; 1 NC, 2 WT,
 * 3 WB, and 0 for any Device. The weaker of two is the smaller number, in each of both (Arm ARM, "Combining
 * the stage 1 and stage 2 memory type attributes" and "... cacheability attributes").
 */
#pragma once

#include "arm/arm_regime.h"

#define ATTR_DEVICE       0x0
#define ATTR_NC           0x5
#define ATTR_WT           0xa
#define ATTR_WB           0xf

#define EXEC_PRIV         1 /* at the regime's own exception level */
#define EXEC_USER         2 /* at EL0 */

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static inline uint64_t bits(uint64_t value, unsigned int high, unsigned int low)
{
	return value >> low & ((UINT64_C(2) << (high - low)) - 1);
}

static inline bool bit(uint64_t value, unsigned int idx)
{
	return value >> idx & 1;
}

/* The bits of an address that lie at and above, and below, this one. */
static inline uint64_t below(unsigned int shift)
{
	return (UINT64_C(1) << shift) - 1;
}

static inline uint8_t attr_weaker(uint8_t a, uint8_t b)
{
	uint8_t outer = (a & 0xc) < (b & 0xc) ? a & 0xc : b & 0xc;
	uint8_t inner = (a & 3) < (b & 3) ? a & 3 : b & 3;

	return outer && inner ? outer | inner : ATTR_DEVICE;
}

/* Caches off: Normal memory is Non-cacheable. */
static inline uint8_t attr_cached_if(uint8_t attr, bool cached)
{
	return attr == ATTR_DEVICE || cached ? attr : ATTR_NC;
}

enum mem_type arm_attr_type(uint8_t attr);
/* Of the RGN, IRGN and ORGN fields of TCR, TTBR, TTBCR and NMRR: 0 NC, 1 and 3 WB, 2 WT. */
uint8_t arm_attr_of_regions(unsigned int inner, unsigned int outer);

/*
 * What a leaf allows, and to whom. tables: the hierarchical bits of the tables above, or-ed: bits 62:59 of
 * theirs.
 */
struct arm_permissions {
	bool readable, writable;
	uint8_t exec;
};
void arm_leaf_permissions(struct arm_permissions *out, const struct arm_stage *stage,
			  unsigned int level, uint64_t value, unsigned int tables);
#define ARM_HIERARCHICAL(value) ((unsigned int)bits(value, 62, 59))

/* The short format's share of arm_describe(), arm_leaf_permissions() and arm_needs_break_before_make(). */
void arm_short_describe(struct arm_descriptor *out, const struct arm_stage *stage,
			unsigned int level, uint64_t value);
void arm_short_permissions(struct arm_permissions *out, const struct arm_stage *stage,
			   unsigned int level, uint64_t value, unsigned int tables);
/* What break-before-make compares besides the address: memory type, shareability. */
unsigned int arm_short_memory(const struct arm_stage *stage, unsigned int level, uint64_t value);
