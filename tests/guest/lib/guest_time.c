/* SPDX-License-Identifier: MIT */
/* Time of a test guest: the counters of the generic timer. */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"

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

/* ---- ticks ------------------------------------------------------------------------------------------ */

#define PPI_VIRTUAL_TIMER 27
/* HVC #0xEA1 */
#define HVC_XEN           (UINT32_C(0xd4000002) | UINT32_C(0xea1) << 5)

static uint64_t tick_us;
static uint32_t nr_ticks, nr_in_calls;

static void start_tick(void)
{
	sysreg_write(CNTV_TVAL_EL0, us_to_ticks(tick_us));
	sysreg_write(CNTV_CTL_EL0, 1);
	isb();
}

static void on_tick(uint32_t intid)
{
	/* The hypercall is done again to continue it. */
	nr_in_calls += *(const uint32_t *)(uintptr_t)sysreg_read(ELR_EL1) == HVC_XEN;
	nr_ticks++;
	/* On a slow machine a tick may take longer than a short period: what is interrupted must go on all the same. */
	if (nr_ticks % 1000 == 0 && tick_us < 1000) {
		tick_us *= 2;
	}
	start_tick();
}

void ticks_start(uint64_t us)
{
	tick_us = us;
	nr_ticks = 0;
	nr_in_calls = 0;
	gic_set_handler(PPI_VIRTUAL_TIMER, on_tick);
	gic_enable(PPI_VIRTUAL_TIMER);
	start_tick();
	irq_enable();
}

uint32_t ticks_stop(void)
{
	irq_disable();
	sysreg_write(CNTV_CTL_EL0, 0);
	gic_disable(PPI_VIRTUAL_TIMER);
	return nr_ticks;
}

uint32_t ticks_in_calls(void)
{
	return nr_in_calls;
}
