/* SPDX-License-Identifier: MIT */
/* A vCPU's start state (xen-abi-arm section 1.5; public/arch-arm.h) and its trap controls. */
#include "domain/domain.h"

#include "arm64/cpu.h"
#include "arm64/sysreg.h"
#include "lib/string.h"

uint64_t vcpu_default_hcr(const struct domain *d)
{
	/*
	 * VM stage 2, PTW no walks of device memory, SWIO; FB and BSU_IS make a migrated vCPU's local
	 * maintenance and barriers reach the CPU it left; AMO, IMO, FMO interrupts to EL2; what is trapped:
	 * WFI, WFE, ID registers, SMC, ACTLR, implementation-defined registers, set/way, and (TVM, while the
	 * domain is cold) the registers that turn caches on.
	 */
	uint64_t hcr = HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB |
		       HCR_BSU_IS | HCR_TWI | HCR_TWE | HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR |
		       HCR_TSW | (d->is_32bit ? 0 : HCR_RW);

	if (!d->warm || d->setway_armed) {
		hcr |= HCR_TVM;
	}
	/* Error records and LORegions are not in the ID registers that guests see, and not there. */
	if (cpu_features.ras) {
		hcr |= HCR_TERR;
	}
	if (cpu_features.lor) {
		hcr |= HCR_TLOR;
	}
	/* Nor SME's and MTE's identification. */
	if (cpu_features.sme && !d->is_32bit) {
		hcr |= HCR_TID1;
	}
	if (cpu_features.mte) {
		hcr |= HCR_TID5;
	}
	if (cpu_features.s2fwb) {
		hcr |= HCR_FWB; /* what it means for each mapping: stage2_attr.c */
	}
	return hcr;
}

static uint64_t vmpidr_of(unsigned int id)
{
	return MPIDR_RES1 | (id & 0xf) | ((uint64_t)(id >> 4) & 0xff) << 8;
}

void vcpu_set_entry(struct vcpu *v, uint64_t pc, uint64_t x0)
{
	memset(&v->regs, 0, sizeof(v->regs));
	memset(&v->sysregs, 0, sizeof(v->sysregs));
	memset(&v->fp, 0, sizeof(v->fp));
	vcpu_fp_reset(v);
	vcpu_debug_reset(&v->debug);
	v->regs.pc = pc;
	v->regs.x[0] = x0;
	v->regs.pstate = PSTATE_GUEST_INIT;
	if (v->domain->is_32bit) {
		v->regs.pc = (uint32_t)pc & ~UINT32_C(1);
		v->regs.x[0] = (uint32_t)x0;
		v->regs.pstate = PSTATE_GUEST32_INIT | ((pc & 1) != 0 ? PSTATE_T : 0);
	}
	v->sysregs.sctlr_el1 = SCTLR_EL1_GUEST_INIT;
	/* trap_sysreg.c, cpacr(): hidden, and never off for the CPU. */
	v->sysregs.cpacr_el1 =
		cpu_features.sve_sme && !v->domain->is_32bit ? CPACR_ZEN | CPACR_SMEN : 0;
	v->vmpidr = vmpidr_of(v->id);
	v->hcr_el2 = vcpu_default_hcr(v->domain);
	/* Not the guest's to change (HCR_EL2.TACR), but zero may be wrong on some CPU: what firmware left. */
	v->sysregs.actlr_el1 = sysreg_read(ACTLR_EL1);
	v->caches_on = false;
	v->caches_known = true;
	v->started = true;
}
