/* SPDX-License-Identifier: MIT */
/*
 * Short descriptors of AArch32. Arm ARM (DDI 0487), chapter G5: "VMSAv8-32 Short-descriptor translation
 * table format", "Short-descriptor format memory region attributes, without TEX remap" and "... with TEX
 * remap".
 *
 * A supersection or large page is 16 equal descriptors, each of which says all of its 16 MiB or 64 KiB.
 */
#include "arm/arm_internal.h"

#define L1_TABLE        1
#define L1_SUPERSECTION 18

/* A leaf's fields where its size has put them. */
struct short_leaf {
	uint8_t shift;
	uint8_t tex_cb, ap; /* TEX:C:B, AP[2:0] */
	uint8_t domain;     /* level 1 */
	bool xn, pxn, not_global, shareable;
	uint64_t output;
};

static uint8_t tex_cb(uint64_t value, unsigned int tex)
{
	return (uint8_t)(bits(value, tex + 2, tex) << 2 | bits(value, 3, 2));
}

static uint8_t access_bits(uint64_t value, unsigned int ap2, unsigned int ap)
{
	return (uint8_t)(bits(value, ap2, ap2) << 2 | bits(value, ap + 1, ap));
}

static void section_of(struct short_leaf *leaf, uint64_t value)
{
	*leaf = (struct short_leaf){
		.shift = 20,
		.tex_cb = tex_cb(value, 12),
		.ap = access_bits(value, 15, 10),
		.domain = (uint8_t)bits(value, 8, 5),
		.xn = bit(value, 4),
		.pxn = bit(value, 0),
		.not_global = bit(value, 17),
		.shareable = bit(value, 16),
		.output = bits(value, 31, 20) << 20,
	};
	if (bit(value, L1_SUPERSECTION)) {
		leaf->shift = 24;
		leaf->domain = 0;
		leaf->output = bits(value, 31, 24) << 24 | bits(value, 23, 20) << 32 |
			       bits(value, 8, 5) << 36;
	}
}

static void page_of(struct short_leaf *leaf, uint64_t value)
{
	bool small = bit(value, 1);

	*leaf = (struct short_leaf){
		.shift = small ? 12 : 16,
		.tex_cb = tex_cb(value, small ? 6 : 12),
		.ap = access_bits(value, 9, 4),
		.xn = bit(value, small ? 0 : 15),
		.not_global = bit(value, 11),
		.shareable = bit(value, 10),
		.output = small ? bits(value, 31, 12) << 12 : bits(value, 31, 16) << 16,
	};
}

static void leaf_of(struct short_leaf *leaf, unsigned int level, uint64_t value)
{
	if (level == 1) {
		section_of(leaf, value);
	} else {
		page_of(leaf, value);
	}
}

/* TEX[0], C and B choose fields of PRRR (the lower half of MAIR_EL1) and NMRR (its upper half). */
static uint8_t remapped_attr(const struct arm_stage *stage, unsigned int tex_cb)
{
	unsigned int n = tex_cb & 7;
	unsigned int nmrr = (unsigned int)(stage->mair >> 32);

	if (bits(stage->mair, 2 * n + 1, 2 * n) != 2) {
		return ATTR_DEVICE;
	}
	return arm_attr_of_regions(nmrr >> 2 * n & 3, nmrr >> (2 * n + 16) & 3);
}

static uint8_t attr_of(const struct arm_stage *stage, unsigned int tex_cb)
{
	if (stage->tre) {
		return remapped_attr(stage, tex_cb);
	}
	if (tex_cb & 0x10) {
		return arm_attr_of_regions(tex_cb & 3, tex_cb >> 2 & 3);
	}
	switch (tex_cb) {
	case 2:
		return ATTR_WT;
	case 3:
	case 7:
		return ATTR_WB;
	case 4:
		return ATTR_NC;
	default: /* Strongly-ordered, Device, reserved */
		return ATTR_DEVICE;
	}
}

void arm_short_permissions(struct arm_permissions *out, const struct arm_stage *stage,
			   unsigned int level, uint64_t value, unsigned int tables)
{
	struct short_leaf leaf;
	bool user;

	leaf_of(&leaf, level, value);
	/* With AFE, AP[0] is the access flag. Else AP 010 lets EL0 only read. */
	out->readable = stage->afe || (leaf.ap & 3);
	user = leaf.ap & 2;
	out->writable = out->readable && !(leaf.ap & 4);
	if (!out->readable || leaf.xn || (stage->wxn && out->writable)) {
		return;
	}
	if (user) {
		out->exec |= EXEC_USER;
	}
	/* For pages, PXN is in the table's descriptor, handed down as a hierarchical bit. */
	if (!leaf.pxn && !(tables & 1) && !(user && out->writable && (stage->afe || leaf.ap == 3))) {
		out->exec |= EXEC_PRIV;
	}
}

static bool domain_allows(const struct arm_stage *stage, unsigned int domain)
{
	return stage->domains >> domain & 1;
}

void arm_short_describe(struct arm_descriptor *out, const struct arm_stage *stage,
			unsigned int level, uint64_t value)
{
	struct arm_permissions allowed = {0};
	struct short_leaf leaf;

	if ((value & 3) == 0) {
		return;
	}
	if (level == 1 && (value & 3) == L1_TABLE) {
		out->kind = DESC_TABLE;
		out->shift = 20;
		out->output = bits(value, 31, 10) << 10;
		out->domain = (uint8_t)bits(value, 8, 5);
		out->accessible = domain_allows(stage, out->domain);
		return;
	}
	leaf_of(&leaf, level, value);
	if (leaf.output >> stage->oa_bits) {
		return;
	}
	arm_short_permissions(&allowed, stage, level, value, 0);
	out->kind = DESC_LEAF;
	out->shift = leaf.shift;
	out->output = leaf.output;
	out->attr = attr_of(stage, leaf.tex_cb);
	out->type = arm_attr_type(out->attr);
	out->domain = leaf.domain;
	out->readable = allowed.readable;
	out->writable = allowed.writable;
	out->executable = allowed.exec != 0;
	out->access_flag = !stage->afe || leaf.ap & 1;
	out->accessible = out->access_flag && (out->readable || out->executable) &&
			  (level != 1 || domain_allows(stage, leaf.domain));
	out->global = !leaf.not_global;
}

unsigned int arm_short_memory(const struct arm_stage *stage, unsigned int level, uint64_t value)
{
	struct short_leaf leaf;
	uint8_t attr;

	leaf_of(&leaf, level, value);
	attr = attr_of(stage, leaf.tex_cb);
	return attr == ATTR_DEVICE ? leaf.tex_cb : 0x100u | attr | (unsigned int)leaf.shareable << 4;
}
