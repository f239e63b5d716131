/* SPDX-License-Identifier: MIT */
/* The debug registers of a CPU, loaded for a vCPU. */
#include "domain/vcpu_debug.h"

#include "arm64/cpu.h"
#include "lib/string.h"

/* Breakpoint types that compare with VMIDs or CONTEXTIDR_EL2 need an EL2, which guests do not have. */
#define BCR_BT_EL2 BIT64(23)
#define CR_E       BIT64(0)

void vcpu_debug_reset(struct vcpu_debug_state *debug)
{
	memset(debug, 0, sizeof(*debug));
}

static uint64_t breakpoint_control(uint64_t bcr)
{
	return (bcr & BCR_BT_EL2) != 0 ? bcr & ~CR_E : bcr;
}

/* clang-format off */
#define POINTS(op) \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
/* clang-format on */

#define LOAD_BREAKPOINT(n)                                                        \
	if ((n) < cpu_features.nr_breakpoints) {                                  \
		sysreg_write(DBGBVR##n##_EL1, debug->bvr[n]);                     \
		sysreg_write(DBGBCR##n##_EL1, breakpoint_control(debug->bcr[n])); \
	}
#define LOAD_WATCHPOINT(n)                                    \
	if ((n) < cpu_features.nr_watchpoints) {              \
		sysreg_write(DBGWVR##n##_EL1, debug->wvr[n]); \
		sysreg_write(DBGWCR##n##_EL1, debug->wcr[n]); \
	}

static void load_points(const struct vcpu_debug_state *debug)
{
	POINTS(LOAD_BREAKPOINT)
	POINTS(LOAD_WATCHPOINT)
}

void vcpu_debug_load_all(const struct vcpu_debug_state *debug)
{
	uint64_t mdscr = debug->mdscr & VCPU_DEBUG_MDSCR;

	if (unlikely(debug->os_lock != 0)) {
		/* The CPU's own OS lock stays open. A closed one keeps all debug exceptions but BRK's from coming. */
		mdscr &= MDSCR_TDCC;
	}
	if (unlikely((mdscr & MDSCR_MDE) != 0)) {
		load_points(debug);
	}
	sysreg_write(MDSCR_EL1, mdscr);
}
