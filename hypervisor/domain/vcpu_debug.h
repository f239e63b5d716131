/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's self-hosted debug: breakpoints, watchpoints, single step (Arm ARM, "AArch64 Self-hosted Debug").
 *
 * Accesses to the registers always trap (MDCR_EL2.TDA; trap/trap_debug.c), so this state is the true one and is never
 * read back. It is in the CPU's registers while the vCPU is loaded: MDSCR_EL1 always, the breakpoints and watchpoints
 * only when MDSCR_EL1.MDE lets them do something. Exceptions go to EL1 (MDCR_EL2.TDE is 0), and EL2, being above, has none.
 */
#pragma once

#include "arm64/sysreg.h"
#include "lib/compiler.h"

#define VCPU_DEBUG_POINTS 16
/* What reaches the CPU's MDSCR_EL1. */
#define VCPU_DEBUG_MDSCR  (MDSCR_SS | MDSCR_TDCC | MDSCR_KDE | MDSCR_MDE)

/* S1. What the guest wrote, less reserved bits. */
struct vcpu_debug_state {
	uint64_t bvr[VCPU_DEBUG_POINTS], bcr[VCPU_DEBUG_POINTS];
	uint64_t wvr[VCPU_DEBUG_POINTS], wcr[VCPU_DEBUG_POINTS];
	uint32_t mdscr, mdccint;
	uint32_t osdtrrx, osdtrtx,
		oseccr;   /* what an OS saves for an external debugger: there is none */
	uint32_t claim;   /* tags of DBGCLAIMSET_EL1 */
	uint32_t os_lock; /* 0 or 1 */
	uint32_t reserved;
};

/* As after power-on, but for the OS lock, which is open, as firmware leaves it and Xen does. */
void vcpu_debug_reset(struct vcpu_debug_state *debug);
void vcpu_debug_load_all(const struct vcpu_debug_state *debug);

/* Into this CPU's registers: the vCPU is about to run here, or does and its state has changed. In force after an ISB or
 * the ERET. */
static inline void vcpu_debug_load(const struct vcpu_debug_state *debug)
{
	if (unlikely((debug->mdscr & MDSCR_MDE) != 0 || debug->os_lock != 0)) {
		vcpu_debug_load_all(debug);
	} else {
		sysreg_write(MDSCR_EL1, debug->mdscr & VCPU_DEBUG_MDSCR);
	}
}

/* PSTATE for an instruction that is to be executed again: a guest that steps has its step still to make. */
static inline uint64_t vcpu_debug_unstep(const struct vcpu_debug_state *debug, uint64_t pstate)
{
	return (debug->mdscr & MDSCR_SS) != 0 ? pstate | PSTATE_SS : pstate;
}
