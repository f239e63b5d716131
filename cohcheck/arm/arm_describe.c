/* SPDX-License-Identifier: MIT */
/*
 * One descriptor of VMSAv8-64, and of VMSAv8-32's long format, by itself. Arm ARM (DDI 0487), chapter D8:
 * "VMSAv8-64 descriptor formats", "Memory region attributes", "Using break-before-make when updating
 * translation table entries".
 */
#include "arm/arm_regime.h"

#include <string.h>

#include "arm/arm_internal.h"

#define DESC_AF         10
#define DESC_NG         11
#define DESC_DBM        51
#define DESC_CONTIGUOUS 52
#define DESC_PXN        53
#define DESC_XN         54

/* The hierarchical bits of a table descriptor, as ARM_HIERARCHICAL() gives them. */
#define TABLE_PXN       0x1
#define TABLE_XN        0x2
#define TABLE_NO_USER   0x4
#define TABLE_NO_WRITE  0x8

/* ---- Geometry ---- */

static unsigned int levels_below(unsigned int level)
{
	return level == ARM_LEVEL_MINUS_1 ? 4 : level > 3 ? 0 : 3 - level;
}

unsigned int arm_level_shift(const struct arm_stage *stage, unsigned int level)
{
	unsigned int shift;

	if (stage->format == ARM_VMSA32_SHORT) {
		return level == 1 ? 20 : 12;
	}
	shift = stage->granule_shift + levels_below(level) * (stage->granule_shift - 3u);
	return shift > 63 ? 63 : shift;
}

unsigned int arm_table_entries(const struct arm_stage *stage, unsigned int level)
{
	unsigned int shift = arm_level_shift(stage, level);

	if (level == stage->start_level) {
		return stage->ia_bits > shift ? 1u << (stage->ia_bits - shift) : 1;
	}
	return stage->format == ARM_VMSA32_SHORT ? 256 : 1u << (stage->granule_shift - 3);
}

uint64_t arm_stage_first_input(const struct arm_stage *stage)
{
	if (!stage->top) {
		return 0;
	}
	switch (stage->format) {
	case ARM_VMSA32_SHORT:
		return 0;
	case ARM_VMSA32_LONG:
		return (UINT64_C(1) << 32) - (UINT64_C(1) << stage->ia_bits);
	default:
		return ~below(stage->ia_bits);
	}
}

/* ---- Attributes ---- */

enum mem_type arm_attr_type(uint8_t attr)
{
	unsigned int outer = attr >> 2, inner = attr & 3;
	static const enum mem_type same[4] = {MEM_DEVICE, MEM_NC, MEM_WT, MEM_WB};

	if (outer == inner) {
		return same[inner];
	}
	if (!outer || !inner) {
		return MEM_DEVICE;
	}
	return outer == 1 || inner == 1 ? MEM_MIXED : MEM_WT;
}

uint8_t arm_attr_of_regions(unsigned int inner, unsigned int outer)
{
	static const uint8_t attrs[4] = {1, 3, 2, 3};

	return (uint8_t)(attrs[outer & 3] << 2 | attrs[inner & 3]);
}

/* Arm ARM, "MAIR_EL1". Allocation hints and transience do not matter here; unpredictable values are Device. */
static uint8_t attr_of_mair(unsigned int mair)
{
	unsigned int outer = mair >> 4, inner = mair & 0xf;

	if (outer == 0) {
		return ATTR_DEVICE;
	}
	if (inner != 0) {
		unsigned int o = outer == 4 ? 1 : outer & 4 ? 3 : 2;
		unsigned int i = inner == 4 ? 1 : inner & 4 ? 3 : 2;

		return (uint8_t)(o << 2 | i);
	}
	switch (mair) {
	case 0x40: /* with the XS attribute clear (FEAT_XS) */
		return ATTR_NC;
	case 0xa0:
		return ATTR_WT;
	case 0xe0: /* without tag access, tagged (FEAT_MTE) */
	case 0xf0:
		return ATTR_WB;
	default:
		return ATTR_DEVICE;
	}
}

static unsigned int mair_of(const struct arm_stage *stage, uint64_t value)
{
	return (unsigned int)(stage->mair >> 8 * bits(value, 4, 2) & 0xff);
}

/* Arm ARM, "Stage 2 memory region type and cacheability attributes when FEAT_S2FWB is enabled". */
static void describe_fwb(struct arm_descriptor *out, uint64_t value)
{
	switch (bits(value, 4, 2)) {
	case 4: /* reserved */
	case 5:
		out->attr = ATTR_NC;
		break;
	case 6:
		out->attr = ATTR_WB;
		out->s2_override = true;
		break;
	case 7: /* stage 1 decides */
		out->attr = ATTR_WB;
		break;
	default:
		out->attr = ATTR_DEVICE;
		break;
	}
}

static void describe_attr(struct arm_descriptor *out, const struct arm_stage *stage, uint64_t value)
{
	if (stage->stage == 1) {
		out->attr = attr_of_mair(mair_of(stage, value));
	} else if (stage->fwb) {
		describe_fwb(out, value);
	} else {
		/* An inner 0 below an outer other than 0 is reserved. */
		out->attr = (uint8_t)bits(value, 5, 2);
		if (out->attr < 4) {
			out->attr = ATTR_DEVICE;
		} else if ((out->attr & 3) == 0) {
			out->attr |= 1;
		}
	}
	out->type = arm_attr_type(out->attr);
}

enum mem_type arm_combine(enum mem_type s1, const struct arm_descriptor *s2, bool s2_on)
{
	if (!s2_on) {
		return s1;
	}
	if (s2->s2_override) {
		return s2->type;
	}
	return s1 < s2->type ? s1 : s2->type;
}

/* ---- Permissions ---- */

static void stage2_permissions(struct arm_permissions *out, const struct arm_stage *stage,
			       uint64_t value)
{
	/* XN[1:0], FEAT_XNX: all, EL0, none, EL1. Without the feature only the upper bit counts. */
	static const uint8_t exec[4] = {EXEC_PRIV | EXEC_USER, EXEC_USER, 0, EXEC_PRIV};

	out->readable = bit(value, 6);
	out->writable = bit(value, 7) || (stage->hw_dirty && bit(value, DESC_DBM));
	out->exec = exec[bits(value, 54, 53)];
}

/*
 * Arm ARM, "Stage 1 data accesses using Direct permissions", "Stage 1 instruction execution using Direct
 * permissions".
 */
static void stage1_permissions(struct arm_permissions *out, const struct arm_stage *stage,
			       uint64_t value, unsigned int tables)
{
	bool user, xn = bit(value, DESC_XN) || tables & TABLE_XN;
	bool pxn = bit(value, DESC_PXN) || tables & TABLE_PXN;

	out->readable = true;
	out->writable = !bit(value, 7) || (stage->hw_dirty && bit(value, DESC_DBM));
	if (tables & TABLE_NO_WRITE) {
		out->writable = false;
	}
	if (!stage->user) {
		out->exec = xn || (stage->wxn && out->writable) ? 0 : EXEC_PRIV;
		return;
	}
	user = bit(value, 6) && !(tables & TABLE_NO_USER);
	/* What EL0 can write EL1 does not execute. VMSAv8-32's XN is for both. */
	if (!pxn && !(user && out->writable) && !(stage->wxn && out->writable) &&
	    !(stage->format == ARM_VMSA32_LONG && xn)) {
		out->exec |= EXEC_PRIV;
	}
	if (!xn && !(stage->wxn && user && out->writable)) {
		out->exec |= EXEC_USER;
	}
}

void arm_leaf_permissions(struct arm_permissions *out, const struct arm_stage *stage,
			  unsigned int level, uint64_t value, unsigned int tables)
{
	memset(out, 0, sizeof(*out));
	if (stage->format == ARM_VMSA32_SHORT) {
		arm_short_permissions(out, stage, level, value, tables);
	} else if (stage->stage == 2) {
		stage2_permissions(out, stage, value);
	} else {
		stage1_permissions(out, stage, value, stage->hierarchical ? tables : 0);
	}
}

/* ---- Descriptors ---- */

/* Which levels may have blocks: Arm ARM, "VMSAv8-64 Block descriptor and Page descriptor formats". */
static bool level_has_blocks(const struct arm_stage *stage, unsigned int level)
{
	if (level == 2) {
		return true;
	}
	/* With 52-bit addresses one level more. */
	if (level == 1) {
		return stage->granule_shift == 12 || stage->lpa2;
	}
	return level == 0 && stage->granule_shift == 12 && stage->lpa2;
}

static uint64_t output_of(const struct arm_stage *stage, uint64_t value, unsigned int shift)
{
	uint64_t output = value & below(48) & ~below(shift);

	if (!stage->lpa2) {
		return output;
	}
	if (stage->granule_shift == 16) {
		return output | bits(value, 15, 12) << 48;
	}
	return output | bits(value, 49, 48) << 48 | bits(value, 9, 8) << 50;
}

static void describe_table(struct arm_descriptor *out, const struct arm_stage *stage,
			   unsigned int level, uint64_t value)
{
	unsigned int tables = ARM_HIERARCHICAL(value);

	out->kind = DESC_TABLE;
	out->shift = (uint8_t)arm_level_shift(stage, level);
	out->output = output_of(stage, value, stage->granule_shift);
	if (stage->stage == 1 && stage->hierarchical) {
		bool privileged = !stage->user || stage->format == ARM_VMSA32_LONG;

		out->table_no_exec = tables & TABLE_XN && (privileged || tables & TABLE_PXN);
	}
}

static void describe_leaf(struct arm_descriptor *out, const struct arm_stage *stage,
			  unsigned int level, uint64_t value)
{
	struct arm_permissions allowed;

	out->kind = DESC_LEAF;
	out->shift = (uint8_t)arm_level_shift(stage, level);
	out->output = output_of(stage, value, out->shift);
	describe_attr(out, stage, value);
	arm_leaf_permissions(&allowed, stage, level, value, 0);
	out->readable = allowed.readable;
	out->writable = allowed.writable;
	out->executable = allowed.exec != 0;
	out->access_flag = stage->hw_access || bit(value, DESC_AF);
	out->accessible = out->access_flag && (out->readable || out->writable || out->executable);
	out->global = stage->stage == 1 && (!stage->user || !bit(value, DESC_NG));
	out->contiguous = bit(value, DESC_CONTIGUOUS);
}

void arm_describe(struct arm_descriptor *out, const struct arm_stage *stage, unsigned int level,
		  uint64_t value)
{
	memset(out, 0, sizeof(*out));
	if (stage->format == ARM_VMSA32_SHORT) {
		arm_short_describe(out, stage, level, value);
		return;
	}
	if (!bit(value, 0)) {
		return;
	}
	if (bit(value, 1) && level != 3) {
		describe_table(out, stage, level, value);
	} else if (level == 3 ? bit(value, 1) : level_has_blocks(stage, level)) {
		describe_leaf(out, stage, level, value);
	}
	/* An Address size fault, which no TLB remembers. */
	if (out->kind != DESC_INVALID && out->output >> stage->oa_bits) {
		memset(out, 0, sizeof(*out));
	}
}

/* ---- Break-before-make ---- */

/*
 * What of memory type, cacheability and shareability a TLB must not see two of. Kinds of Device differ,
 * allocation hints do not; the shareability of Device is always outer.
 */
static unsigned int memory_of(const struct arm_stage *stage, unsigned int level, uint64_t value,
			      const struct arm_descriptor *leaf)
{
	unsigned int shareability =
		stage->lpa2 && stage->granule_shift != 16 ? 0 : (unsigned int)bits(value, 9, 8);

	if (stage->format == ARM_VMSA32_SHORT) {
		return arm_short_memory(stage, level, value);
	}
	if (stage->stage == 2 && stage->fwb) {
		return 0x100 | (unsigned int)bits(value, 4, 2) | shareability << 4;
	}
	if (leaf->attr == ATTR_DEVICE) {
		return stage->stage == 1 ? mair_of(stage, value) : (unsigned int)bits(value, 5, 2);
	}
	return 0x100 | leaf->attr | shareability << 4;
}

bool arm_needs_break_before_make(const struct arm_stage *stage, unsigned int level, uint64_t old,
				 uint64_t new, bool has_bbm2)
{
	struct arm_descriptor was, is;

	arm_describe(&was, stage, level, old);
	arm_describe(&is, stage, level, new);
	if (was.kind == DESC_INVALID || is.kind == DESC_INVALID) {
		return false;
	}
	if (was.kind != is.kind) {
		/* The size of the block; what the table holds cannot be seen here. */
		return !has_bbm2 && (was.kind == DESC_TABLE ? is.access_flag : was.access_flag);
	}
	if (was.kind == DESC_TABLE) {
		/* Hierarchical permissions may change, NSTable not. */
		return was.output != is.output ||
		       (stage->stage == 1 &&
			(stage->format == ARM_VMSA32_SHORT ? bit(old ^ new, 3) : bit(old ^ new, 63)));
	}
	/* Without the access flag it faults, and no TLB holds it. */
	if (!was.access_flag || !is.access_flag) {
		return false;
	}
	if (was.output != is.output ||
	    memory_of(stage, level, old, &was) != memory_of(stage, level, new, &is)) {
		return true;
	}
	if (is.global && !was.global) {
		return true;
	}
	return !has_bbm2 && (was.shift != is.shift || was.contiguous != is.contiguous);
}
