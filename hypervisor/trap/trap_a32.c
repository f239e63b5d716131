/* SPDX-License-Identifier: MIT */
/*
 * Trapped instructions of AArch32 code, of a 32-bit guest or a 32-bit process of a 64-bit one: they are conditional
 * and come in two sizes.
 *
 * Arm ARM: "ISS encoding for an exception from an MCR or MRC access", "... from a WF* instruction",
 * "Process state, PSTATE" and "Saved Program Status Registers" for IT.
 */
#include "trap/trap_internal.h"

#include "arm64/sysreg_fields.h"
#include "domain/domain.h"

#define PSTATE_NZCV BITS64(31, 28)

#define ISS_CV      BIT64(24)
#define ISS_COND    BITS64(23, 20)
#define COND_ALWAYS 14

static unsigned int it_state(uint64_t pstate)
{
	return (unsigned int)(FIELD_GET(PSTATE_IT_HIGH, pstate) << 2 |
			      FIELD_GET(PSTATE_IT_LOW, pstate));
}

static bool holds(unsigned int cond, uint64_t pstate)
{
	/*
	 * For each pair of conditions (EQ CS MI VS HI GE GT AL; the odd one is the opposite) a bit
	 * for each value of NZCV that fulfils it, N being bit 3 of the index.
	 */
	static const uint16_t fulfilled[8] = {0xf0f0, 0xcccc, 0xff00, 0xaaaa,
					      0x0c0c, 0xaa55, 0x0a05, 0xffff};
	bool result = (fulfilled[cond >> 1] >> FIELD_GET(PSTATE_NZCV, pstate) & 1) != 0;

	return cond == 15 || result != ((cond & 1) != 0);
}

bool trap_condition_passed(const struct vcpu *v, uint64_t esr)
{
	unsigned int cond = COND_ALWAYS;
	unsigned int it;

	if ((v->regs.pstate & PSTATE_AARCH32) == 0) {
		return true;
	}
	if ((esr & ISS_CV) != 0) {
		cond = (unsigned int)FIELD_GET(ISS_COND, esr);
	} else {
		/* A T32 instruction: the condition is the IT block's, if it is in one. */
		it = it_state(v->regs.pstate);
		if (it != 0) {
			cond = it >> 4;
		}
	}
	return holds(cond, v->regs.pstate);
}

/* Arm ARM, "AArch32.ITAdvance": the next instruction of the block, or its end. */
static uint64_t it_advance(uint64_t pstate)
{
	unsigned int it = it_state(pstate);

	it = (it & 7) == 0 ? 0 : (it & 0xe0) | (it << 1 & 0x1f);
	return (pstate & ~(PSTATE_IT_HIGH | PSTATE_IT_LOW)) | FIELD_PREP(PSTATE_IT_HIGH, it >> 2) |
	       FIELD_PREP(PSTATE_IT_LOW, it & 3);
}

void trap_a32_step_over(struct vcpu *v, uint64_t esr)
{
	uint64_t pstate = v->regs.pstate;

	v->regs.pc += (esr & ESR_IL) != 0 ? 4 : 2;
	if ((pstate & PSTATE_T) != 0) {
		pstate = it_advance(pstate);
	}
	v->regs.pstate = pstate & ~PSTATE_SS;
}

/* LDC and STC of CP14, and what has no handler of its own. */
enum trap_outcome trap_cp_absent(struct vcpu *v, uint64_t esr)
{
	return trap_condition_passed(v, esr) ? TRAP_UNDEFINED : TRAP_DONE;
}
