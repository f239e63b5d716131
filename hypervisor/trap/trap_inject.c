/* SPDX-License-Identifier: MIT */
/*
 * Exceptions that Tenon raises in a guest: taken to EL1 as the architecture would take them
 * (Arm ARM, "AArch64.TakeException"). For an EL1 at AArch32 trap_a32_inject.c does it.
 */
#include "trap/trap_internal.h"

#include "arm64/barrier.h"
#include "arm64/esr.h"
#include "arm64/sysreg.h"
#include "domain/domain.h"

#define VECTOR_CURRENT_SP0 0x000
#define VECTOR_CURRENT_SPX 0x200
#define VECTOR_LOWER_64    0x400
#define VECTOR_LOWER_32    0x600

#define SCTLR_SPAN         BIT64(23)
#define SCTLR_DSSBS        BIT64(44)
#define PSTATE_SSBS        BIT64(12)
#define PSTATE_DIT         BIT64(24)
#define PSTATE_NZCV        BITS64(31, 28)

static uint64_t vector_offset(uint64_t pstate)
{
	if (pstate & PSTATE_AARCH32) {
		return VECTOR_LOWER_32;
	}
	switch (pstate & PSTATE_MODE) {
	case PSTATE_EL1h:
		return VECTOR_CURRENT_SPX;
	case PSTATE_EL1t:
		return VECTOR_CURRENT_SP0;
	default:
		return VECTOR_LOWER_64;
	}
}

/*
 * PSTATE at the handler: DAIF masked, EL1h; PAN and SSBS as SCTLR_EL1 asks; flags and DIT stay. What is kept has the
 * same place in SPSR_EL2 for AArch32 and AArch64 (Arm ARM, "SPSR_EL2").
 */
static uint64_t handler_pstate(uint64_t pstate, uint64_t sctlr)
{
	uint64_t next = PSTATE_GUEST_INIT | (pstate & (PSTATE_NZCV | PSTATE_DIT));
	bool has_pan = ((sysreg_read(ID_AA64MMFR1_EL1) >> 20) & 0xf) != 0;

	if (has_pan && ((sctlr & SCTLR_SPAN) == 0 || (pstate & PSTATE_PAN) != 0)) {
		next |= PSTATE_PAN;
	}
	if (sctlr & SCTLR_DSSBS) {
		next |= PSTATE_SSBS;
	}
	return next;
}

static void take_to_el1(struct vcpu *v, uint64_t esr)
{
	uint64_t pstate = v->regs.pstate;

	sysreg_write(ELR_EL1, v->regs.pc);
	sysreg_write(SPSR_EL1, pstate);
	sysreg_write(ESR_EL1, esr);
	v->regs.pc = sysreg_read(VBAR_EL1) + vector_offset(pstate);
	v->regs.pstate = handler_pstate(pstate, sysreg_read(SCTLR_EL1));
}

void trap_inject_undefined(struct vcpu *v)
{
	if (v->domain->is_32bit) {
		trap_a32_inject_undefined(v);
		return;
	}
	take_to_el1(v, ((uint64_t)ESR_EC_UNKNOWN << ESR_EC_SHIFT) | ESR_IL);
}

static void take_abort(struct vcpu *v, enum esr_ec lower, uint64_t far, uint32_t iss)
{
	bool from_el0 = (v->regs.pstate & PSTATE_AARCH32) != 0 ||
			(v->regs.pstate & PSTATE_MODE) == PSTATE_EL0t;
	/* The next class is the same "without a change in Exception level". */
	uint64_t ec = from_el0 ? lower : lower + 1;

	sysreg_write(FAR_EL1, far);
	take_to_el1(v, ec << ESR_EC_SHIFT | ESR_IL | iss);
}

void trap_inject_abort(struct vcpu *v, bool instruction, uint64_t far, uint32_t iss)
{
	if (v->domain->is_32bit) {
		trap_a32_inject_abort(v, instruction, far, iss);
		return;
	}
	take_abort(v, instruction ? ESR_EC_INSTR_ABORT_LOWER : ESR_EC_DATA_ABORT_LOWER, far, iss);
}

void trap_inject_watchpoint(struct vcpu *v, uint64_t far, bool is_write)
{
	take_abort(v, ESR_EC_WATCHPOINT_LOWER, far, FSC_DEBUG | (is_write ? ISS_DA_WNR : 0));
}

void trap_inject_serror(struct vcpu *v)
{
	/* Delivered by the hardware when PSTATE.A allows (HCR_EL2.VSE with AMO). */
	sysreg_write(HCR_EL2, sysreg_read(HCR_EL2) | HCR_VSE);
	isb();
}
