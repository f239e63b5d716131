/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU variables. Each lives once in section .percpu; CPU n's copy is at a constant distance that
 * TPIDR_EL2 holds (zero for the boot CPU, which uses the section itself).
 *
 *	DEFINE_PER_CPU(struct vcpu *, current_vcpu);
 *	this_cpu(current_vcpu) = v;      per_cpu(current_vcpu, 3)
 *
 * Interrupts are masked at EL2, so this_cpu() needs no further protection; another CPU's copy is read
 * with READ_ONCE or under the lock that guards it.
 */
#pragma once

#include "lib/compiler.h"

#define MAX_CPUS                    128

#define DECLARE_PER_CPU(type, name) extern __typeof__(type) percpu_##name
#define DEFINE_PER_CPU(type, name)  __section(".percpu") __typeof__(type) percpu_##name

/* Distance of each CPU's copy from the section; valid for online CPUs. */
extern uint64_t percpu_offset[MAX_CPUS];

static inline uint64_t percpu_this_offset(void)
{
	uint64_t offset;

	__asm__("mrs %0, tpidr_el2" : "=r"(offset));
	return offset;
}

#define percpu_at_(name, offset) \
	(*(__typeof__(&percpu_##name))((uintptr_t)&percpu_##name + (offset)))
#define this_cpu(name)     percpu_at_(name, percpu_this_offset())
#define per_cpu(name, cpu) percpu_at_(name, percpu_offset[cpu])

DECLARE_PER_CPU(unsigned int, cpu_id);
#define this_cpu_id() (this_cpu(cpu_id))

/* CPUs are numbered 0 (the boot CPU) to nr_cpus - 1, all online once boot is over. */
extern unsigned int nr_cpus;
