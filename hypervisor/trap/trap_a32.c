/* SPDX-License-Identifier: MIT */
/*
 * What a 32-bit process of a 64-bit guest can trap: AArch32 instructions are conditional and come
 * in two sizes, and timer and performance registers are CP15's. (Guests with AArch32 at EL1 are not
 * offered yet.)
 *
 * Arm ARM: "ISS encoding for an exception from an MCR or MRC access", "... from a WF* instruction",
 * "Process state, PSTATE" and "Saved Program Status Registers" for IT.
 */
#include "trap/trap_internal.h"

#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "lib/log.h"
#include "vtimer/vtimer.h"

#define PSTATE_BTYPE   BITS64(11, 10)
#define PSTATE_T       BIT64(5)
#define PSTATE_NZCV    BITS64(31, 28)
#define PSTATE_IT_HIGH BITS64(15, 10) /* IT[7:2] */
#define PSTATE_IT_LOW  BITS64(26, 25) /* IT[1:0] */

#define ISS_CV         BIT64(24)
#define ISS_COND       BITS64(23, 20)
#define COND_ALWAYS    14

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

void trap_step_over(struct vcpu *v, uint64_t esr)
{
	uint64_t pstate = v->regs.pstate;

	v->regs.pc += (esr & ESR_IL) != 0 ? 4 : 2;
	if ((pstate & PSTATE_AARCH32) == 0) {
		pstate &= ~PSTATE_BTYPE; /* no longer the target of a branch */
	} else if ((pstate & PSTATE_T) != 0) {
		pstate = it_advance(pstate);
	}
	/* A guest that steps itself has made its step. */
	v->regs.pstate = pstate & ~PSTATE_SS;
}

/* ---- coprocessors --------------------------------------------------------------------------- */

enum trap_outcome trap_cp_absent(struct vcpu *v, uint64_t esr)
{
	return trap_condition_passed(v, esr) ? TRAP_UNDEFINED : TRAP_DONE;
}

/* EL0's AArch32 registers are X0 to X14; 15 as a target would be the flags or unpredictable. */
static bool is_register(unsigned int n)
{
	return n < 15;
}

/* CNTP_TVAL and CNTP_CTL, if the guest's EL1 lets EL0 at them. All else that traps here is
 * absent. */
enum trap_outcome trap_cp15_32(struct vcpu *v, uint64_t esr)
{
	const uint32_t key = ISS_SYS_KEY(ESR_ISS(esr)) & SYS_ENC(0u, 7u, 15u, 15u, 7u);
	const unsigned int rt = (unsigned int)FIELD_GET(ISS_SYS_RT, esr);
	const bool is_write = (esr & ISS_SYS_READ) == 0;
	uint64_t value;

	if (!trap_condition_passed(v, esr)) {
		return TRAP_DONE;
	}
	/* CNTP_TVAL is p15 0 c14 c2 0 there and S3_3_C14_C2_0 here; CNTP_CTL likewise with 1. */
	if ((key & ~SYS_ENC(0u, 0u, 0u, 0u, 1u)) != SYS_ENC(0, 0, 14, 2, 0) || !is_register(rt)) {
		return TRAP_UNDEFINED;
	}
	value = (uint32_t)vcpu_get_x(v, rt);
	if (!vtimer_sysreg(v, key | SYS_ENC(3, 3, 0, 0, 0), is_write, &value)) {
		return TRAP_UNDEFINED;
	}
	if (!is_write) {
		vcpu_set_x(v, rt, (uint32_t)value);
	}
	return TRAP_DONE;
}

/* MCRR, MRRC: opc1 in ISS[19:16], Rt2 in ISS[14:10], Rt and CRm as above. CNTP_CVAL is p15 2
 * c14. */
enum trap_outcome trap_cp15_64(struct vcpu *v, uint64_t esr)
{
	const unsigned int rt = (unsigned int)FIELD_GET(ISS_SYS_RT, esr);
	const unsigned int rt2 = (unsigned int)FIELD_GET(BITS64(14, 10), esr);
	const bool is_write = (esr & ISS_SYS_READ) == 0;
	uint64_t value;

	if (!trap_condition_passed(v, esr)) {
		return TRAP_DONE;
	}
	if (FIELD_GET(BITS64(19, 16), esr) != 2 || FIELD_GET(BITS64(4, 1), esr) != 14 ||
	    !is_register(rt) || !is_register(rt2)) {
		return TRAP_UNDEFINED;
	}
	value = (uint32_t)vcpu_get_x(v, rt) | vcpu_get_x(v, rt2) << 32;
	if (!vtimer_sysreg(v, SYS_ENC(3, 3, 14, 2, 2), is_write, &value)) {
		return TRAP_UNDEFINED;
	}
	if (!is_write) {
		vcpu_set_x(v, rt, (uint32_t)value);
		vcpu_set_x(v, rt2, value >> 32);
	}
	return TRAP_DONE;
}
