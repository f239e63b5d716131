/* SPDX-License-Identifier: MIT */
/* The vCPUs of a test guest: guest_smp.h. */
#include "guest_smp.h"

#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_mmu.h"

_Static_assert(offsetof(struct guest_cpu, stack_top) == 0, "CPU_STACK_TOP in guest_start.S");
_Static_assert(offsetof(struct guest_cpu, with_mmu) == 8, "CPU_WITH_MMU in guest_start.S");

#define STACK_SIZE 8192

void guest_secondary(struct guest_cpu *cpu, uint64_t sctlr, uint64_t daif);
void guest_secondary_entry(void);

struct guest_cpu guest_cpus[GUEST_MAX_CPUS];
static uint8_t stacks[GUEST_MAX_CPUS][STACK_SIZE] __aligned(16);

struct guest_cpu *this_cpu(void)
{
	uint64_t mpidr = sysreg_read(MPIDR_EL1);

	return &guest_cpus[mpidr & (GUEST_MAX_CPUS - 1)];
}

int64_t psci(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
	return (int32_t)smccc(CONDUIT_HVC, function, a1, a2, a3).x[0];
}

bool smp_start(unsigned int idx, void (*function)(uint64_t), uint64_t argument)
{
	struct guest_cpu *cpu = &guest_cpus[idx];

	*cpu = (struct guest_cpu){
		.stack_top = (uintptr_t)stacks[idx] + STACK_SIZE,
		.idx = idx,
		.run = function,
		.argument = argument,
		.with_mmu = mmu_is_on(),
	};
	/* The new vCPU starts with its caches off and reads this from memory. */
	dcache_clean_invalidate(cpu, sizeof(*cpu));
	dcache_clean_invalidate(stacks[idx], STACK_SIZE);
	return psci(PSCI_CPU_ON, machine.mpidr[idx], (uintptr_t)guest_secondary_entry,
		    (uintptr_t)cpu) == PSCI_SUCCESS;
}

bool smp_wait_off(unsigned int idx)
{
	bool off = WAIT_UNTIL(READ_ONCE(guest_cpus[idx].done) &&
				      psci(PSCI_AFFINITY_INFO, machine.mpidr[idx], 0, 0) == 1,
			      20000);

	/*
	 * Xen says "off" while the vCPU may still be leaving its CPU, and a CPU_ON at that moment is lost; nothing
	 * that a guest can see tells when it has left. In many pieces: when the whole machine pauses, only one of
	 * them is over early. Tenon must not need it.
	 */
	for (unsigned int i = 0; i < 200 && !machine.tenon; i++) {
		delay_us(1000);
	}
	return off;
}

void guest_secondary(struct guest_cpu *cpu, uint64_t sctlr, uint64_t daif)
{
	cpu->entry_sctlr = sctlr;
	cpu->entry_daif = daif;
	cpu->entry_currentel = sysreg_read(CurrentEL);
	cpu->entry_mpidr = sysreg_read(MPIDR_EL1);
	gic_init_cpu();
	cpu->run(cpu->argument);
	irq_disable();
	dsb_sy();
	WRITE_ONCE(cpu->done, 1);
	dsb_sy();
	psci(PSCI_CPU_OFF, 0, 0, 0);
	/* CPU_OFF does not return: whoever waits for this vCPU says so. */
	for (;;) {
		wfe();
	}
}
