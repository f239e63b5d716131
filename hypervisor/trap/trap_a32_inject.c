/* SPDX-License-Identifier: MIT */
/*
 * Exceptions that Tenon raises in a guest whose EL1 is AArch32: the mode's own LR and SPSR, and the fault registers in
 * the format that the guest's translation tables have (Arm ARM, "AArch32.EnterMode", "Exception return addresses",
 * "DFSR, Data Fault Status Register", "IFSR, Instruction Fault Status Register").
 */
#include "trap/trap_internal.h"

#include "arm64/sysreg.h"
#include "domain/domain.h"

#define VECTOR_UNDEFINED      0x04
#define VECTOR_PREFETCH_ABORT 0x0c
#define VECTOR_DATA_ABORT     0x10
#define HIGH_VECTORS          UINT64_C(0xffff0000)

/* SCTLR of AArch32 */
#define SCTLR_V               BIT64(13)
#define SCTLR_SPAN            BIT64(23)
#define SCTLR_TE              BIT64(30)
#define SCTLR_DSSBS           BIT64(31)

/* PSTATE of AArch32 in SPSR_EL2; SPSR_abt and the others have DIT at another place, and no SS. */
#define PSTATE_SSBS           BIT64(23)
#define PSTATE_DIT            BIT64(24)
#define SPSR_A32_DIT          BIT64(21)

/* LR_abt and LR_und in AArch64's view (Arm ARM, "Mapping of the general-purpose registers ..."). */
#define X_LR_ABT              20
#define X_LR_UND              22

#define FSR_FNV               BIT64(16) /* of DFSR, or of IFSR for IFAR */
#define FSR_CM                BIT64(13)
#define FSR_WNR               BIT64(11)
#define FSR_LPAE              BIT64(9)
/* Short format: FS[4] is bit 10, FS[3:0] below. */
#define FSR_SHORT(fs)         ((uint64_t)((fs)&0x10) << 6 | ((fs)&0xf))

/* What a fault is called with short descriptors, which have two levels. */
static uint64_t short_fsr(uint32_t fsc)
{
	const uint32_t second = (fsc & 3) > 1 ? 2 : 0;

	switch (fsc) {
	case FSC_ALIGNMENT:
		return FSR_SHORT(0x01);
	case FSC_UNSUPPORTED:
		return FSR_SHORT(0x15);
	case 0x14 ... 0x17: /* external, on a walk */
		return FSR_SHORT(0x0c + second);
	case 0x18: /* parity or ECC */
		return FSR_SHORT(0x19);
	case 0x1c ... 0x1f:
		return FSR_SHORT(0x1c + second);
	default:
		return FSR_SHORT(0x08);
	}
}

static uint64_t a32_spsr(uint64_t pstate)
{
	uint64_t spsr = pstate & ~(PSTATE_SS | PSTATE_DIT);

	return (uint32_t)((pstate & PSTATE_DIT) != 0 ? spsr | SPSR_A32_DIT : spsr);
}

static uint64_t handler_pstate(uint64_t pstate, uint64_t mode, uint64_t sctlr)
{
	bool has_pan = ((sysreg_read(ID_AA64MMFR1_EL1) >> 20) & 0xf) != 0;
	uint64_t next = pstate & ~(PSTATE_M32 | PSTATE_T | PSTATE_E | PSTATE_IT_HIGH |
				   PSTATE_IT_LOW | PSTATE_IL | PSTATE_SS | PSTATE_SSBS);

	next |= mode | PSTATE_I;
	if (mode == PSTATE_M32_ABT) {
		next |= PSTATE_A;
	}
	if ((sctlr & SCTLR_TE) != 0) {
		next |= PSTATE_T;
	}
	if ((sctlr & SCTLR_EE) != 0) {
		next |= PSTATE_E;
	}
	if (has_pan && (sctlr & SCTLR_SPAN) == 0) {
		next |= PSTATE_PAN;
	}
	if ((sctlr & SCTLR_DSSBS) != 0) {
		next |= PSTATE_SSBS;
	}
	return next;
}

/* The registers of the mode are the caller's. */
static void enter(struct vcpu *v, uint64_t mode, uint64_t vector)
{
	uint64_t sctlr = sysreg_read(SCTLR_EL1);
	uint64_t base = (sctlr & SCTLR_V) != 0 ? HIGH_VECTORS
					       : sysreg_read(VBAR_EL1) & UINT64_C(0xffffffe0);

	v->regs.pc = base + vector;
	v->regs.pstate = handler_pstate(v->regs.pstate, mode, sctlr);
}

void trap_a32_inject_undefined(struct vcpu *v)
{
	sysreg_write(SPSR_und, a32_spsr(v->regs.pstate));
	vcpu_set_x(v, X_LR_UND, (uint32_t)(v->regs.pc + ((v->regs.pstate & PSTATE_T) != 0 ? 2 : 4)));
	enter(v, PSTATE_M32_UND, VECTOR_UNDEFINED);
}

void trap_a32_inject_abort(struct vcpu *v, bool instruction, uint64_t far, uint32_t iss)
{
	const uint32_t fsc = iss & ISS_FSC;
	/* TTBCR.EAE: with long descriptors the codes are those of AArch64. */
	uint64_t fsr = (sysreg_read(TCR_EL1) & TCR_EAE) != 0 ? FSR_LPAE | fsc : short_fsr(fsc);

	if ((iss & ISS_DA_FNV) != 0) {
		fsr |= FSR_FNV;
	}
	sysreg_write(SPSR_abt, a32_spsr(v->regs.pstate));
	if (instruction) {
		sysreg_write(IFSR32_EL2, fsr);
		sysreg_write(FAR_EL1, (sysreg_read(FAR_EL1) & UINT64_C(0xffffffff)) | far << 32);
		vcpu_set_x(v, X_LR_ABT, (uint32_t)(v->regs.pc + 4));
		enter(v, PSTATE_M32_ABT, VECTOR_PREFETCH_ABORT);
	} else {
		if ((iss & ISS_DA_WNR) != 0) {
			fsr |= FSR_WNR;
		}
		if ((iss & ISS_DA_CM) != 0) {
			fsr |= FSR_CM;
		}
		sysreg_write(ESR_EL1, fsr);
		sysreg_write(FAR_EL1,
			     (sysreg_read(FAR_EL1) & ~UINT64_C(0xffffffff)) | (uint32_t)far);
		vcpu_set_x(v, X_LR_ABT, (uint32_t)(v->regs.pc + 8));
		enter(v, PSTATE_M32_ABT, VECTOR_DATA_ABORT);
	}
}
