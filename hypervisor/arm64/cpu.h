/* SPDX-License-Identifier: MIT */
/* What a CPU does as a whole: wait, be polled for interrupts, call firmware, tell its features. */
#pragma once

#include "lib/compiler.h"

struct smccc_result {
	uint64_t x[4];
};

/* SMC with the SMC calling convention 1.1+ register rules (Arm DEN 0028); conduit SMC, as EL2 has no other. */
struct smccc_result arm64_smc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);

static inline void cpu_wfi(void)
{
	__asm__ volatile("dsb sy\n\twfi" ::: "memory");
}

static inline void cpu_wfe(void)
{
	__asm__ volatile("wfe" ::: "memory");
}

static inline void cpu_sev(void)
{
	__asm__ volatile("dsb ishst\n\tsev" ::: "memory");
}

static inline void cpu_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

/* An interrupt waits for this CPU: long work saves its progress and returns -XEN_ERESTART (S3). */
static inline bool cpu_interrupt_pending(void)
{
	uint64_t isr;

	__asm__ volatile("mrs %0, isr_el1" : "=r"(isr));
	return isr != 0;
}

/* The common features of all CPUs; fixed once the last CPU is up. */
struct cpu_features {
	uint64_t ctr_el0; /* smallest line sizes, largest CWG, DIC/IDC only if all have it */
	unsigned int dcache_line_bytes;
	unsigned int icache_line_bytes;
	unsigned int pa_bits;        /* smallest PARange */
	unsigned int vmid_bits;      /* 8 or 16 */
	bool s2fwb;                  /* FEAT_S2FWB on every CPU */
	bool dic;                    /* CTR_EL0.DIC on every CPU: no IC needed */
	bool ras, lor;               /* on some CPU: hidden from guests by HCR_EL2.TERR and TLOR */
	unsigned int nr_breakpoints; /* the fewest of all CPUs */
	unsigned int nr_watchpoints;
	bool sve_sme, sme,
		mte; /* on some CPU: CPACR_EL1, SMIDR_EL1 and GMID_EL1 trap to hide them */
	bool aarch32_el1;
	bool vhe_present;
};
extern struct cpu_features cpu_features;

/* Fold the calling CPU's registers in; one CPU at a time, the boot CPU first. */
void cpu_features_add_this_cpu(bool first);
