/* SPDX-License-Identifier: MIT */
/* Other CPUs, and code that is written at run time. */
#include "corpus/lib/corpus.h"

#define PSCI_CPU_OFF       UINT64_C(0x84000002)
#define PSCI_CPU_ON        UINT64_C(0xc4000003)
#define PSCI_SYSTEM_RESET  UINT64_C(0x84000009)
#define PSCI_AFFINITY_INFO UINT64_C(0xc4000004)
#define STACK_BYTES        4096

void corpus_secondary_entry(void);
extern char corpus_started[];

static char stacks[4][STACK_BYTES] __attribute__((aligned(64)));
static uint64_t steps __attribute__((aligned(64)));

static uint64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

	if (sysreg_read(id_aa64pfr0_el1) >> 8 & 15) {
		__asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
	} else {
		__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
	}
	return x0;
}

void cpu_start(unsigned int cpu, void (*function)(void))
{
	extern char corpus_data_start[], corpus_data_end[];

	/*
	 * For the CPU's reads before its caches are on, and for walks if its tables are walked non-cacheably.
	 */
	dc_cvac_range((uint64_t)corpus_data_start, (uint64_t)(corpus_data_end - corpus_data_start));
	dsb_sy(); /* in memory, before the CPU starts */
	require(psci(PSCI_CPU_ON, cpu, (uint64_t)corpus_secondary_entry, (uint64_t)function) == 0);
}

void cpu_wait_off(unsigned int cpu)
{
	/* QEMU's AFFINITY_INFO says "off" until the CPU really starts. */
	while (load((uint64_t)corpus_started + 64 * cpu) == 0) {
	}
	while (psci(PSCI_AFFINITY_INFO, cpu, 0, 0) != 1) {
	}
}

void corpus_cpu_off(void)
{
	psci(PSCI_CPU_OFF, 0, 0, 0);
	for (;;) {
	}
}

void machine_reset(void)
{
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
	for (;;) {
	}
}

void cpu_with_caches(void (*function)(void))
{
	space_install(&image_space);
	corpus_cached_run(function, stacks[(sysreg_read(mpidr_el1) & 3) + 1], sctlr_on());
}

void step_reached(uint64_t step)
{
	store_release(&steps, step);
}

void step_wait(uint64_t step)
{
	while (load_acquire(&steps) < step) {
	}
}

void code_write(uint64_t va, unsigned int value)
{
	store32(va, 0xd2800000 | value << 5); /* mov x0, #value */
	store32(va + 4, 0xd65f03c0);          /* ret */
}
