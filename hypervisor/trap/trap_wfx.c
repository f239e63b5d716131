/* SPDX-License-Identifier: MIT */
/* WFI and WFE of guests (HCR_EL2.TWI, TWE): a vCPU that has nothing to do does not keep its CPU. */
#include "trap/trap_internal.h"

#include "domain/domain.h"
#include "sched/sched.h"

#define ISS_WFX_EVENT BIT64(0) /* TI: WFE, WFET */
#define ISS_WFX_TIMED BIT64(1) /* TI: WFIT, WFET */

enum trap_outcome trap_wfx(struct vcpu *v, uint64_t esr)
{
	if (!trap_condition_passed(v, esr)) {
		return TRAP_DONE;
	}
	/*
	 * WFI waits for an interrupt whether PSTATE masks it or not. WFE is mostly the wait for a
	 * lock, whose holder may need this CPU; what it waits for may come without Tenon knowing.
	 * The timed forms are not offered (ID_AA64ISAR2_EL1.WFxT); they may end early, and do. All
	 * of them are executed once the vCPU runs again: the PC is stepped on before it leaves its
	 * CPU.
	 */
	if ((esr & (ISS_WFX_EVENT | ISS_WFX_TIMED)) == 0) {
		sched_wait_for_interrupt(v);
	} else {
		sched_yield(v);
	}
	return TRAP_DONE;
}
