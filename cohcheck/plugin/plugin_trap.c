/* SPDX-License-Identifier: MIT */
/*
 * Is a maintenance instruction going to be trapped to a higher exception level, or undefined, instead of executed? QEMU calls before the
 * instruction, so the register fields that decide are looked at here (Arm ARM, HCR_EL2, HFGITR_EL2 and SCTLR_EL1).
 */
#include "plugin/plugin.h"

#define SCTLR_UCI               (1ull << 26)
#define HCR_TSW                 (1ull << 22)
#define HCR_TPC                 (1ull << 23)
#define HCR_TPU                 (1ull << 24)
#define HCR_TTLB                (1ull << 25)
#define HCR_TGE                 (1ull << 27)
#define HCR_E2H                 (1ull << 34)
#define HCR_TICAB               (1ull << 50)
#define HCR_TOCU                (1ull << 52)
#define HCR_TTLBIS              (1ull << 54)
#define SCR_FGTEN               (1ull << 27)

/* op1, CRn, CRm, op2 of an A64 SYS. */
#define SYS(op1, crn, crm, op2) ((op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define SYS_OF(word)            ((word) >> 5 & 0x3fff)
#define SYS_OP1(word)           ((word) >> 16 & 7)
#define SYS_CRN_NXS             (1u << 7) /* CRn 9 instead of 8 */

/* HFGITR_EL2's bits. The TLBIs of each line are those with op2 1, 2, 3, 5 and 7 behind VMALLE1, or 1, 3, 5, 7 of ranges. */
/* clang-format off */
static const struct {
	uint16_t sys;
	uint8_t bit;
} fine_traps[] = {
	{SYS(0, 7,  1, 0),  0}, {SYS(0, 7,  5, 0),  1}, {SYS(3, 7,  5, 1),  2}, /* IC IALLUIS, IALLU, IVAU */
	{SYS(0, 7,  6, 1),  3}, {SYS(0, 7,  6, 2),  4}, {SYS(0, 7, 10, 2),  5}, /* DC IVAC, ISW, CSW */
	{SYS(0, 7, 14, 2),  6}, {SYS(3, 7, 11, 1),  7}, {SYS(3, 7, 12, 1),  8}, /* DC CISW, CVAU, CVAP */
	{SYS(3, 7, 13, 1),  9}, {SYS(3, 7, 14, 1), 10}, {SYS(3, 7, 10, 1), 54}, /* DC CVADP, CIVAC, CVAC */
	{SYS(0, 8,  1, 0), 18}, {SYS(0, 8,  1, 1), 19}, {SYS(0, 8,  1, 2), 20}, /* TLBI OS */
	{SYS(0, 8,  1, 3), 21}, {SYS(0, 8,  1, 5), 22}, {SYS(0, 8,  1, 7), 23},
	{SYS(0, 8,  5, 1), 24}, {SYS(0, 8,  5, 3), 25}, {SYS(0, 8,  5, 5), 26}, {SYS(0, 8, 5, 7), 27},
	{SYS(0, 8,  3, 0), 28}, {SYS(0, 8,  3, 1), 29}, {SYS(0, 8,  3, 2), 30}, /* IS */
	{SYS(0, 8,  3, 3), 31}, {SYS(0, 8,  3, 5), 32}, {SYS(0, 8,  3, 7), 33},
	{SYS(0, 8,  2, 1), 34}, {SYS(0, 8,  2, 3), 35}, {SYS(0, 8,  2, 5), 36}, {SYS(0, 8, 2, 7), 37},
	{SYS(0, 8,  6, 1), 38}, {SYS(0, 8,  6, 3), 39}, {SYS(0, 8,  6, 5), 40}, {SYS(0, 8, 6, 7), 41}, /* this CPU's */
	{SYS(0, 8,  7, 0), 42}, {SYS(0, 8,  7, 1), 43}, {SYS(0, 8,  7, 2), 44},
	{SYS(0, 8,  7, 3), 45}, {SYS(0, 8,  7, 5), 46}, {SYS(0, 8,  7, 7), 47},
};
/* clang-format on */

/* FEAT_FGT. HCRX_EL2.FGTnXS, which leaves TLBIs with nXS out, is taken for 0. */
static bool is_trapped_finely(const struct arm_registers *regs, uint32_t word)
{
	uint32_t sys = SYS_OF(word);

	if (regs->has_el3 && !(regs->scr & SCR_FGTEN)) {
		return false;
	}
	if ((sys >> 7 & 0xf) == 9) {
		sys -= SYS_CRN_NXS;
	} else if ((sys >> 7 & 0xf) == 7 && (sys & 7) >= 3) {
		/* Of FEAT_MTE2: 3 and 5 are as 1, 4 and 6 as 2. */
		sys = (sys & ~7u) | (2 - (sys & 1));
	}
	for (size_t n = 0; n < G_N_ELEMENTS(fine_traps); n++) {
		if (fine_traps[n].sys == sys) {
			return regs->hfgitr >> fine_traps[n].bit & 1;
		}
	}
	return false;
}

static uint64_t hcr_traps(const struct arm_op *op)
{
	switch (op->kind) {
	case OP_DC_SET_WAY:
		return HCR_TSW;
	case OP_DC:
		return op->dc == DC_CVAU ? HCR_TPU | HCR_TOCU : HCR_TPC;
	case OP_IC:
		return HCR_TPU | (op->ic == IC_IALLUIS ? HCR_TICAB : HCR_TOCU);
	case OP_TLBI:
		return HCR_TTLB | (op->tlbi.broadcast ? HCR_TTLBIS : 0);
	default:
		return 0;
	}
}

/* The instructions with op1 4 are of EL2, and trapped from EL1 with HCR_EL2.NV; those with 6 of EL3. */
static bool is_of_higher_level(const struct plugin_site *insn)
{
	unsigned int op1 = SYS_OP1(insn->word);

	return !(insn->flags & SITE_AARCH32) &&
	       ((op1 == 4 && insn->el < 2) || (op1 == 6 && insn->el < 3));
}

bool plugin_trap_takes(const struct arm_registers *regs, const struct arm_op *op,
		       const struct plugin_site *insn)
{
	bool tge = (regs->hcr & (HCR_TGE | HCR_E2H)) == (HCR_TGE | HCR_E2H);
	unsigned int el = insn->el;

	if (op->kind == OP_DSB) {
		return false;
	}
	if (el == 0 && !(regs->sctlr[tge ? 2 : 1] & SCTLR_UCI)) {
		return true;
	}
	/* Only these exist at EL0. */
	if (el == 0 && op->kind != OP_DC && op->kind != OP_IC) {
		return true;
	}
	if (is_of_higher_level(insn)) {
		return true;
	}
	if (!regs->has_el2 || el >= 2 || (el == 0 && tge)) {
		return false;
	}
	return regs->hcr & hcr_traps(op) ||
	       (unlikely(regs->hfgitr) && !(insn->flags & SITE_AARCH32) &&
		is_trapped_finely(regs, insn->word));
}
