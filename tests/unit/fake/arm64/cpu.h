/* SPDX-License-Identifier: MIT */
/* Host stand-in of hypervisor/arm64/cpu.h, steered through tests/unit/fake_machine.h. */
#pragma once

#include "lib/compiler.h"

struct smccc_result {
	uint64_t x[4];
};

struct smccc_result arm64_smc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);
void cpu_wfi(void);
void cpu_wfe(void);
void cpu_sev(void);
void cpu_relax(void);
/* See fake_machine_interrupt_after(). */
bool cpu_interrupt_pending(void);

struct cpu_features {
	uint64_t ctr_el0;
	unsigned int dcache_line_bytes;
	unsigned int icache_line_bytes;
	unsigned int pa_bits;
	unsigned int vmid_bits;
	bool s2fwb;
	bool dic;
	bool ras, lor;
	unsigned int nr_breakpoints;
	unsigned int nr_watchpoints;
	bool sve_sme, sme, mte;
	bool aarch32_el1;
	bool vhe_present;
};
extern struct cpu_features cpu_features;
