/* SPDX-License-Identifier: MIT */
/*
 * Where a guest's exit goes: one handler per exception class, and the way back.
 *
 * The vectors saved the registers in v->regs; a handler answers with an outcome, and only this file steps over
 * instructions or injects what a handler asked for.
 */
#include "trap/trap_internal.h"

#include "arm64/cpu.h"
#include "arm64/sysreg.h"
#include "domain/domain.h"
#include "gic/gic.h"
#include "hypercall/hypercall.h"
#include "lib/assert.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "sched/sched.h"

typedef enum trap_outcome (*trap_handler_t)(struct vcpu *v, uint64_t esr);

/* Features that are hidden from guests (SVE, SME, PAC keys ...): as if they did not exist. */
static enum trap_outcome trap_absent(struct vcpu *v, uint64_t esr)
{
	return TRAP_UNDEFINED;
}

/* The gate in front of the FP and SIMD registers (domain/vcpu_fp.h). */
static enum trap_outcome trap_fp(struct vcpu *v, uint64_t esr)
{
	return vcpu_fp_trapped(v) ? TRAP_AGAIN : trap_cp_absent(v, esr);
}

static const trap_handler_t handlers[ESR_EC_MAX] = {
	[ESR_EC_UNKNOWN] = trap_absent,
	[ESR_EC_WFX] = trap_wfx,
	[ESR_EC_FP] = trap_fp,
	/* From AArch32 code. */
	[ESR_EC_CP15_32] = trap_cp15_32,
	[ESR_EC_CP15_64] = trap_cp15_64,
	[ESR_EC_CP14_32] = trap_cp14_32,
	[ESR_EC_CP14_LS] = trap_cp_absent,
	[ESR_EC_CP14_64] = trap_cp14_64,
	[ESR_EC_CP10_ID] = trap_cp10_id,
	[ESR_EC_HVC32] = trap_hvc,
	[ESR_EC_SMC32] = trap_smc,
	[ESR_EC_PAC] = trap_absent,
	[ESR_EC_LS64] = trap_absent,
	[ESR_EC_SYSREG128] = trap_absent,
	[ESR_EC_SVE] = trap_absent,
	[ESR_EC_SME] = trap_absent,
	[ESR_EC_HVC64] = trap_hvc,
	[ESR_EC_SMC64] = trap_smc,
	[ESR_EC_SYSREG] = trap_sysreg,
	[ESR_EC_INSTR_ABORT_LOWER] = trap_abort,
	[ESR_EC_DATA_ABORT_LOWER] = trap_abort,
};

void trap_by_class(struct vcpu *v, uint64_t esr)
{
	trap_handler_t handler = handlers[ESR_EC(esr)];
	enum trap_outcome outcome = TRAP_UNDEFINED;

	if (likely(handler)) {
		outcome = handler(v, esr);
	} else {
		log_guest(v->domain->id,
			  "%s: unexpected exception class 0x%02x (ESR 0x%lx) at pc 0x%lx: undefined "
			  "instruction injected",
			  v->domain->name, ESR_EC(esr), esr, v->regs.pc);
	}
	if (likely(outcome == TRAP_DONE)) {
		trap_step_over(v, esr);
	} else if (outcome == TRAP_UNDEFINED) {
		trap_inject_undefined(v);
	}
}

/* The fast paths know what is theirs by the whole syndrome, and go on to trap_by_class() with all else. */
void trap_from_guest_sync(struct vcpu *v, uint64_t esr)
{
	if (likely(ESR_EC(esr) == ESR_EC_SYSREG)) {
		trap_sysreg_fast(v, esr);
	} else {
		trap_abort_fast(v, esr);
	}
}

void trap_from_guest_irq(struct vcpu *v)
{
	irq_handle_pending();
}

/*
 * An asynchronous error while this domain ran (EL2 itself runs with SErrors masked, and the DSBs of the code that
 * touches devices keep its own from being taken here). It is the domain's: it gets a virtual SError.
 */
void trap_from_guest_serror(struct vcpu *v)
{
	uint64_t esr = sysreg_read(ESR_EL2);

	log_guest(v->domain->id,
		  "%s: SError (ESR 0x%lx) while vCPU %u ran at pc 0x%lx: passed on to it",
		  v->domain->name, esr, v->id, v->regs.pc);
	trap_inject_serror(v);
}

#ifdef TENON_DEBUG
void trap_check_leave(const struct vcpu *v)
{
	ASSERT(v == current_vcpu());
	lock_assert_none_held();
}
#endif

/* Interrupts for v, and what other CPUs want to know of it. */
static void bring_up_to_date(struct vcpu *v)
{
	if (v->work.virtual_timer | v->work.physical_timer) {
		vtimer_sync(v);
	}
	if ((v->work.vgic | v->work.list_registers | v->work.refresh) != 0) {
		/* What the guest has made of its list registers first. */
		vgic_sync(v);
		vgic_flush(v);
	}
}

/* Mostly an interrupt for the vCPU that goes on; the loop below is for what else there may be. */
struct vcpu *trap_leave(struct vcpu *v)
{
	if (likely((READ_ONCE(this_cpu(cpu_work).any) | READ_ONCE(v->domain->attr_work)) == 0)) {
		bring_up_to_date(v);
		if (likely(READ_ONCE(this_cpu(cpu_work).any) == 0)) {
#ifdef TENON_DEBUG
			lock_assert_none_held();
#endif
			return v;
		}
	}
	return trap_return_to_guest();
}

struct vcpu *trap_return_to_guest(void)
{
	for (;;) {
		struct vcpu *v;

		if (unlikely(this_cpu(cpu_work).epoch)) {
			epoch_poll();
		}
		if (unlikely(this_cpu(cpu_work).resched || !current_vcpu())) {
			sched_run();
		}
		v = current_vcpu();
		if (unlikely(READ_ONCE(v->domain->attr_work)) && !domain_attr_step(v)) {
			/* Interrupts come in between the parts of something long. */
			if (cpu_interrupt_pending()) {
				irq_handle_pending();
			}
			continue;
		}
		bring_up_to_date(v);
		if (likely(!this_cpu(cpu_work).resched)) {
#ifdef TENON_DEBUG
			lock_assert_none_held();
#endif
			return v;
		}
		/* Filling list registers woke somebody, or another CPU asks: choose again. */
	}
}
