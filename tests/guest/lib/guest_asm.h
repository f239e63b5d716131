/* SPDX-License-Identifier: MIT */
/*
 * Instructions that test guests need and the hypervisor's arm64/ headers do not have: calls to the
 * hypervisor with every register in view, and single accesses that are expected to fault.
 */
#pragma once

#include "arm64/barrier.h"
#include "arm64/sysreg.h"
#include "lib/compiler.h"

#define CNTV_CTL_EL0  S3_3_C14_C3_1
#define CNTV_CVAL_EL0 S3_3_C14_C3_2
#define CNTV_TVAL_EL0 S3_3_C14_C3_0
#define CNTP_CTL_EL0  S3_3_C14_C2_1
#define CNTP_CVAL_EL0 S3_3_C14_C2_2
#define CNTP_TVAL_EL0 S3_3_C14_C2_0

enum guest_conduit {
	CONDUIT_HVC,
	CONDUIT_SMC,
	CONDUIT_HYPERCALL
};

/* All general registers before and after a call (guest_call.S): x[0..30], x18 and the frame pointer included. */
struct guest_registers {
	uint64_t x[31];
};
void guest_call_registers(enum guest_conduit conduit, struct guest_registers *registers);

struct guest_result {
	uint64_t x[4];
};

/* SMCCC by HVC #0 or SMC #0, and Xen's hypercalls by HVC #0xEA1. */
struct guest_result smccc(enum guest_conduit conduit, uint64_t function, uint64_t a1, uint64_t a2,
			  uint64_t a3);
int64_t hypercall(uint64_t number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4);

static inline int64_t hypercall2(uint64_t number, uint64_t a0, const void *a1)
{
	return hypercall(number, a0, (uintptr_t)a1, 0, 0, 0);
}

static inline void irq_enable(void)
{
	__asm__ volatile("msr daifclr, #2" ::: "memory");
}

static inline void irq_disable(void)
{
	__asm__ volatile("msr daifset, #2" ::: "memory");
}

static inline void wfi(void)
{
	__asm__ volatile("dsb sy\n\twfi" ::: "memory");
}

static inline void wfe(void)
{
	__asm__ volatile("wfe" ::: "memory");
}

static inline void sev(void)
{
	__asm__ volatile("dsb sy\n\tsev" ::: "memory");
}

static inline void tlb_invalidate_all(void)
{
	__asm__ volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory");
}

/* By VA to the Point of Coherency, [start, start + size). Lines of 16 bytes are assumed: the smallest there are. */
void dcache_clean_invalidate(const void *start, size_t size);
void dcache_invalidate(const void *start, size_t size);
