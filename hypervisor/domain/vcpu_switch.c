/* SPDX-License-Identifier: MIT */
/*
 * Changing the vCPU that a CPU runs: EL1 and EL0 registers, FP/SIMD, interrupt controller, timer, stage 2.
 *
 * No moment may pair one domain's stage 1 with another's VTTBR, or a speculative walk would fill TLBs with
 * the mixture (errata 1319367, 1319537 of Cortex-A72/A57, 1530923 of A55: public lists of Arm Ltd). So EL1's walks are
 * disabled first (TCR_EL1.EPD0/1, with the MMU on so that nothing is translated flat), then VTTBR changes,
 * then the rest, and the walks come back last.
 */
#include "domain/domain.h"

#include "arm64/barrier.h"
#include "arm64/cpu.h"
#include "arm64/percpu.h"
#include "arm64/sysreg.h"
#include "arm64/tlb.h"
#include "domain/vcpu_runstate.h"
#include "domain/vcpu_switch.h"
#include "lib/assert.h"

/* clang-format off */
/* Neighbours in struct vcpu_sysreg_state. */
#define SYSREG_PAIRS(op) \
	op(sp_el0, SP_EL0, sp_el1, SP_EL1) \
	op(elr_el1, ELR_EL1, spsr_el1, SPSR_EL1) \
	op(cpacr_el1, CPACR_EL1, csselr_el1, CSSELR_EL1) \
	op(ttbr0_el1, TTBR0_EL1, ttbr1_el1, TTBR1_EL1) \
	op(mair_el1, MAIR_EL1, amair_el1, AMAIR_EL1) \
	op(esr_el1, ESR_EL1, far_el1, FAR_EL1) \
	op(afsr0_el1, AFSR0_EL1, afsr1_el1, AFSR1_EL1) \
	op(par_el1, PAR_EL1, vbar_el1, VBAR_EL1) \
	op(contextidr_el1, CONTEXTIDR_EL1, tpidr_el1, TPIDR_EL1) \
	op(tpidr_el0, TPIDR_EL0, tpidrro_el0, TPIDRRO_EL0)
/* What only an AArch32 EL1 has; without AArch32 some of them do not exist. */
#define SYSREGS_A32(op) \
	op(dacr32, DACR32_EL2) op(ifsr32, IFSR32_EL2) op(fpexc32, FPEXC32_EL2) op(spsr_abt, SPSR_abt) \
	op(spsr_und, SPSR_und) op(spsr_irq, SPSR_irq) op(spsr_fiq, SPSR_fiq)
/* clang-format on */

#define SAVE(field, name) s->field = sysreg_read(name);
#define LOAD(field, name) sysreg_write(name, s->field);

#define SAVE_PAIR(field, name, field2, name2)       \
	{                                           \
		uint64_t value = sysreg_read(name); \
		uint64_t next = sysreg_read(name2); \
                                                    \
		s->field = value;                   \
		s->field2 = next;                   \
	}
#define LOAD_PAIR(field, name, field2, name2) \
	{                                     \
		uint64_t value = s->field;    \
		uint64_t next = s->field2;    \
                                              \
		sysreg_write(name, value);    \
		sysreg_write(name2, next);    \
	}

/* FEAT_RAS of this very CPU: elsewhere VDISR_EL2 is undefined. */
static inline bool has_vdisr(void)
{
	return unlikely(cpu_features.ras) && FIELD_GET(PFR0_RAS, sysreg_read(ID_AA64PFR0_EL1)) != 0;
}

static void save_sysregs(struct vcpu_sysreg_state *s)
{
	SYSREG_PAIRS(SAVE_PAIR)
	SAVE_PAIR(sctlr_el1, SCTLR_EL1, tcr_el1, TCR_EL1)
	if (has_vdisr()) {
		s->vdisr_el2 = sysreg_read(VDISR_EL2);
	}
}

static void load_sysregs(const struct vcpu_sysreg_state *s)
{
	SYSREG_PAIRS(LOAD_PAIR)
	if (has_vdisr()) {
		sysreg_write(VDISR_EL2, s->vdisr_el2);
	}
}

static void save_sysregs_a32(struct vcpu_sysreg_state *s)
{
	SYSREGS_A32(SAVE);
}

static void load_sysregs_a32(const struct vcpu_sysreg_state *s)
{
	SYSREGS_A32(LOAD);
}

static void update_runstate(struct vcpu *v)
{
	if (unlikely(READ_ONCE(v->runstate.registered))) {
		runstate_update(v);
	}
}

DECLARE_PER_CPU(uint64_t, cpu_stack_top);

static void save(struct vcpu *v)
{
	save_sysregs(&v->sysregs);
	if (unlikely(v->domain->is_32bit)) {
		save_sysregs_a32(&v->sysregs);
	}
	if (unlikely(v->fp_use.open)) {
		vcpu_fp_save(v);
	}
	if (unlikely(((v->hcr_el2 ^ sysreg_read(HCR_EL2)) & HCR_VSE) != 0)) {
		v->hcr_el2 ^= HCR_VSE; /* made pending, or taken */
	}
	vtimer_save(v);
	vgic_save(v);
	update_runstate(v);
}

_Static_assert(DOMAIN_MAX_VCPUS < UINT8_MAX, "struct domain.last_vcpu");

/*
 * EL1 translates nothing until the next vCPU's TCR is there. With EAE the two bits say so whether HCR_EL2.RW makes it an
 * AArch64 TCR or an AArch32 TTBCR, which changes before the register does; to AArch64 that bit is a granule size.
 */
static void stop_walks(void)
{
	sysreg_write(TCR_EL1, sysreg_read(TCR_EL1) | TCR_EAE | TCR_EPD0 | TCR_EPD1);
	isb();
	/* With its MMU on and walks disabled EL1 has no translation at all; off would be a flat one. */
	sysreg_write(SCTLR_EL1, sysreg_read(SCTLR_EL1) | SCTLR_M);
	isb();
}

static void load(struct vcpu *v)
{
	struct domain *d = v->domain;
	uint8_t *last = &d->last_vcpu[this_cpu_id()];

	v->stack_top = this_cpu(cpu_stack_top);
	v->regs.stale = 1;
	stop_walks();
	sysreg_write(VTTBR_EL2, d->stage2.vttbr);
	sysreg_write(HCR_EL2, v->hcr_el2);
	sysreg_write(VMPIDR_EL2, v->vmpidr);
	isb(); /* the new VMID before anything of the new stage 1 */
	if (*last != 0 && *last != v->id + 1) {
		/*
		 * Another vCPU was the domain's last one here, however long ago: its stage-1 entries have this VMID, and
		 * an ASID may mean something else to each vCPU.
		 */
		tlb_invalidate_vmid_local();
	}
	*last = (uint8_t)(v->id + 1);
	load_sysregs(&v->sysregs);
	/* Before what is behind the gate, too. */
	if (unlikely(v->fp_use.slices != 0 || !this_cpu(fp_gate_closed))) {
		vcpu_fp_load(v);
	}
	if (unlikely(d->is_32bit)) {
		load_sysregs_a32(&v->sysregs);
	}
	vcpu_debug_load(&v->debug);
	vtimer_load(v);
	vgic_load(v);
	/* Last: TTBRs and MAIR are in place before the walks come back. */
	isb();
	sysreg_write(SCTLR_EL1, v->sysregs.sctlr_el1);
	isb();
	sysreg_write(TCR_EL1, v->sysregs.tcr_el1);
	update_runstate(v);
}

void vcpu_switch(struct vcpu *prev, struct vcpu *next)
{
	if (prev) {
		save(prev);
		/*
		 * The guest may have issued maintenance or TLBIs without its DSB yet, and execute that on another CPU: only a
		 * DSB of this one completes them (Arm ARM, "Ordering and completion of data and instruction cache
		 * instructions", "... of TLB maintenance instructions"). Of the whole system, as the guest's may be.
		 */
		dsb_sy();
		if (!next) {
			/* Idle: no guest's tables are walked, and its VMID may be freed. */
			stop_walks();
			sysreg_write(VTTBR_EL2, 0);
			sysreg_write(HCR_EL2, HCR_RW | HCR_IMO | HCR_FMO | HCR_AMO);
			isb();
		}
	}
	if (next) {
		load(next);
	}
}
