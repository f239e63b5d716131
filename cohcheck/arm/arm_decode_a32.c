/* SPDX-License-Identifier: MIT */
/*
 * A32 and T32: the CP15 operations of the Arm ARM (DDI 0487), "AArch32 System register descriptions", and
 * exclusives. A conditional instruction is decoded as if its condition held.
 */
#include "arm/arm_decode.h"

#include <stddef.h>
#include <string.h>

#define ARRAY_SIZE(array)    (sizeof(array) / sizeof((array)[0]))

/* Only opc1 0 matters: 4 is Hyp mode's, which AArch32 below an AArch64 EL2 does not have. */
#define CP15(crn, crm, opc2) ((crn) << 8 | (crm) << 4 | (opc2))

struct cp15_op {
	uint16_t encoding;
	uint8_t kind, op; /* op: enum dc_op, enum ic_op, or what a TLBI names */
	bool last_level, broadcast;
	const char *name;
};

/* clang-format off */
static const struct cp15_op cp15_ops[] = {
	{CP15(7,  1, 0), OP_IC, IC_IALLUIS, false, false, "ICIALLUIS"},
	{CP15(7,  5, 0), OP_IC, IC_IALLU,   false, false, "ICIALLU"},
	{CP15(7,  5, 1), OP_IC, IC_IVAU,    false, false, "ICIMVAU"},
	{CP15(7,  6, 1), OP_DC, DC_IVAC,    false, false, "DCIMVAC"},
	{CP15(7, 10, 1), OP_DC, DC_CVAC,    false, false, "DCCMVAC"},
	{CP15(7, 11, 1), OP_DC, DC_CVAU,    false, false, "DCCMVAU"},
	{CP15(7, 14, 1), OP_DC, DC_CIVAC,   false, false, "DCCIMVAC"},
	{CP15(7,  6, 2), OP_DC_SET_WAY, DC_IVAC,  false, false, "DCISW"},
	{CP15(7, 10, 2), OP_DC_SET_WAY, DC_CVAC,  false, false, "DCCSW"},
	{CP15(7, 14, 2), OP_DC_SET_WAY, DC_CIVAC, false, false, "DCCISW"},
	{CP15(7, 10, 4), OP_DSB, 0, false, false, "CP15DSB"},

	{CP15(8, 3, 0), OP_TLBI, TLBI_VMALL, false, true,  "TLBIALLIS"},
	{CP15(8, 3, 1), OP_TLBI, TLBI_VA,    false, true,  "TLBIMVAIS"},
	{CP15(8, 3, 2), OP_TLBI, TLBI_ASID,  false, true,  "TLBIASIDIS"},
	{CP15(8, 3, 3), OP_TLBI, TLBI_VAA,   false, true,  "TLBIMVAAIS"},
	{CP15(8, 3, 5), OP_TLBI, TLBI_VA,    true,  true,  "TLBIMVALIS"},
	{CP15(8, 3, 7), OP_TLBI, TLBI_VAA,   true,  true,  "TLBIMVAALIS"},
	{CP15(8, 7, 0), OP_TLBI, TLBI_VMALL, false, false, "TLBIALL"},
	{CP15(8, 7, 1), OP_TLBI, TLBI_VA,    false, false, "TLBIMVA"},
	{CP15(8, 7, 2), OP_TLBI, TLBI_ASID,  false, false, "TLBIASID"},
	{CP15(8, 7, 3), OP_TLBI, TLBI_VAA,   false, false, "TLBIMVAA"},
	{CP15(8, 7, 5), OP_TLBI, TLBI_VA,    true,  false, "TLBIMVAL"},
	{CP15(8, 7, 7), OP_TLBI, TLBI_VAA,   true,  false, "TLBIMVAAL"},
	/* Deprecated, of one kind of TLB: taken as if there was only one TLB. */
	{CP15(8, 5, 0), OP_TLBI, TLBI_VMALL, false, false, "ITLBIALL"},
	{CP15(8, 5, 1), OP_TLBI, TLBI_VA,    false, false, "ITLBIMVA"},
	{CP15(8, 5, 2), OP_TLBI, TLBI_ASID,  false, false, "ITLBIASID"},
	{CP15(8, 6, 0), OP_TLBI, TLBI_VMALL, false, false, "DTLBIALL"},
	{CP15(8, 6, 1), OP_TLBI, TLBI_VA,    false, false, "DTLBIMVA"},
	{CP15(8, 6, 2), OP_TLBI, TLBI_ASID,  false, false, "DTLBIASID"},

	{CP15( 1, 0, 0), OP_MSR, 0, false, false, "MCR SCTLR"},
	{CP15( 2, 0, 0), OP_MSR, 0, false, false, "MCR TTBR0"},
	{CP15( 2, 0, 1), OP_MSR, 0, false, false, "MCR TTBR1"},
	{CP15( 2, 0, 2), OP_MSR, 0, false, false, "MCR TTBCR"},
	{CP15( 2, 0, 3), OP_MSR, 0, false, false, "MCR TTBCR2"},
	{CP15( 3, 0, 0), OP_MSR, 0, false, false, "MCR DACR"},
	{CP15(10, 2, 0), OP_MSR, 0, false, false, "MCR PRRR"}, /* or MAIR0 */
	{CP15(10, 2, 1), OP_MSR, 0, false, false, "MCR NMRR"}, /* or MAIR1 */
	/* Holds the ASID of short descriptors. */
	{CP15(13, 0, 1), OP_MSR, 0, false, false, "MCR CONTEXTIDR"},
};
/* clang-format on */

/* The same fields in A32 and T32. */
static void decode_mcr(struct arm_op *op, uint32_t word)
{
	unsigned int encoding = CP15(word >> 16 & 0xf, word & 0xf, word >> 5 & 7);

	if (word >> 21 & 7) {
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(cp15_ops); i++) {
		const struct cp15_op *entry = &cp15_ops[i];

		if (entry->encoding != encoding) {
			continue;
		}
		if (entry->kind == OP_DSB) {
			arm_decode_dsb(op, 15);
		}
		op->kind = (enum arm_op_kind)entry->kind;
		op->name = entry->name;
		op->rt = word >> 12 & 0xf;
		if (op->kind == OP_IC) {
			op->ic = (enum ic_op)entry->op;
		} else if (op->kind == OP_DC || op->kind == OP_DC_SET_WAY) {
			op->dc = (enum dc_op)entry->op;
			op->ivac_by_el1 = op->kind == OP_DC && op->dc == DC_IVAC;
		} else if (op->kind == OP_TLBI) {
			op->tlbi.by = entry->op;
			op->tlbi.el = 1;
			op->tlbi.last_level = entry->last_level;
			op->tlbi.broadcast = entry->broadcast;
			op->tlbi.aarch32 = true;
		}
		return;
	}
}

/* CRm 2: the 64-bit translation table base registers. */
static void decode_mcrr(struct arm_op *op, uint32_t word)
{
	unsigned int opc1 = word >> 4 & 0xf;

	if ((word & 0xf) != 2 || opc1 > 1) {
		return;
	}
	op->kind = OP_MSR;
	op->rt = word >> 12 & 0xf;
	op->name = opc1 ? "MCRR TTBR1" : "MCRR TTBR0";
}

static void set_exclusive(struct arm_op *op, uint32_t word, bool load)
{
	op->kind = OP_EXCLUSIVE;
	op->rt = word >> 12 & 0xf;
	op->name = load ? "LDREX" : "STREX";
}

static void set_call(struct arm_op *op, const char *name)
{
	op->kind = OP_CALL;
	op->name = name;
}

void arm_decode_a32(struct arm_op *op, uint32_t word)
{
	memset(op, 0, sizeof(*op));
	if (word >> 28 == 0xf) {
		if ((word & 0xfffffff0) == 0xf57ff040) {
			arm_decode_dsb(op, word & 0xf);
		}
	} else if ((word & 0x0f100f10) == 0x0e000f10) {
		decode_mcr(op, word);
	} else if ((word & 0x0ff00f00) == 0x0c400f00) {
		decode_mcrr(op, word);
	} else if ((word & 0x0f8002f0) == 0x01800290) {
		/* Bit 9 tells LDREX and LDAEX from LDA. */
		set_exclusive(op, word, word >> 20 & 1);
	} else if ((word & 0x0ff000f0) == 0x01400070) {
		set_call(op, "HVC");
	} else if ((word & 0x0ff000f0) == 0x01600070) {
		set_call(op, "SMC");
	}
}

/* LDREXB, LDREXH, LDREXD and the acquire and release forms; the rest are table branches, LDA and STL. */
static bool t32_is_exclusive(unsigned int op3)
{
	return op3 == 4 || op3 == 5 || op3 == 7 || op3 >= 12;
}

void arm_decode_t32(struct arm_op *op, uint32_t word)
{
	memset(op, 0, sizeof(*op));
	if (word >> 27 < 0x1d) {
		return; /* 16 bits */
	}
	if ((word & 0xfffffff0) == 0xf3bf8f40) {
		arm_decode_dsb(op, word & 0xf);
	} else if ((word & 0xff100f10) == 0xee000f10) {
		decode_mcr(op, word);
	} else if ((word & 0xfff00f00) == 0xec400f00) {
		decode_mcrr(op, word);
	} else if ((word & 0xffe00000) == 0xe8400000) {
		set_exclusive(op, word, word >> 20 & 1);
	} else if ((word & 0xffe00000) == 0xe8c00000 && t32_is_exclusive(word >> 4 & 0xf)) {
		set_exclusive(op, word, word >> 20 & 1);
	} else if ((word & 0xfff0f000) == 0xf7e08000) {
		set_call(op, "HVC");
	} else if ((word & 0xfff0f000) == 0xf7f08000) {
		set_call(op, "SMC");
	}
}
