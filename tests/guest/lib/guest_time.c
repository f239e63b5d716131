/* SPDX-License-Identifier: MIT */
/* Time of a test guest: the counters of the generic timer. */
#include "guest.h"
#include "guest_asm.h"

uint64_t counter_virtual(void)
{
	/* Not earlier than what came before (Arm ARM, "The system counter", speculative reads). */
	isb();
	return sysreg_read(CNTVCT_EL0);
}

uint64_t counter_physical(void)
{
	isb();
	return sysreg_read(CNTPCT_EL0);
}

uint64_t counter_frequency(void)
{
	return sysreg_read(CNTFRQ_EL0);
}

uint64_t us_to_ticks(uint64_t us)
{
	uint64_t frequency = counter_frequency();

	return frequency >= 1000000 ? us * (frequency / 1000000) : us * frequency / 1000000;
}

void relax(void)
{
	static uint32_t spins;

	/* Approximate with several vCPUs, which is enough. */
	if (++spins % 1024 == 0) {
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	}
}

void delay_us(uint64_t us)
{
	uint64_t end = counter_virtual() + us_to_ticks(us);

	while (counter_virtual() < end) {
	}
}
