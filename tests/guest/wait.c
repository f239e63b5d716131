/* SPDX-License-Identifier: MIT */
/* WFI and WFE: they wait, they wake, and a waiting vCPU does not keep others from running. */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_smp.h"
#include "guest_xen.h"

const char *const guest_topic = "wait";
const bool guest_mmu_off;

#define PPI_VIRTUAL 27

static void arm_timer(uint64_t us)
{
	sysreg_write(CNTV_TVAL_EL0, us_to_ticks(us));
	sysreg_write(CNTV_CTL_EL0, 1);
	isb();
}

static void on_timer(uint32_t intid)
{
	sysreg_write(CNTV_CTL_EL0, 0);
	isb();
}

/* The interrupt is taken: Xen's does not go away with its cause. */
static void timer_off(void)
{
	gic_set_handler(PPI_VIRTUAL, on_timer);
	irq_enable();
	isb();
	irq_disable();
	gic_disable(PPI_VIRTUAL);
}

/* WFI waits for an interrupt that is masked in PSTATE, and returns at it. */
static void wfi_waits_with_interrupts_masked(void)
{
	for (unsigned int i = 0; i < 10; i++) {
		uint64_t start = counter_virtual();
		unsigned int returns = 0;

		gic_enable(PPI_VIRTUAL);
		arm_timer(3000);
		/* WFI may return early; not all the time. */
		while ((sysreg_read(CNTV_CTL_EL0) & 4) == 0) {
			wfi();
			returns++;
		}
		REQUIRE(counter_virtual() - start >= us_to_ticks(3000));
		REQUIRE(returns < 1000, "WFI does not wait: it returned %u times in 3 ms", returns);
		timer_off();
	}
}

static uint32_t taken;

static void on_sgi(uint32_t sgi)
{
	taken++;
}

/* With an interrupt pending already, WFI is a no-operation. */
static void wfi_returns_when_something_is_pending(void)
{
	taken = 0;
	gic_set_handler(2, on_sgi);
	gic_send_sgi_self(2);
	wfi();
	wfi();
	REQUIRE_EQUAL(taken, 0);
	irq_enable();
	REQUIRE(WAIT_UNTIL(READ_ONCE(taken) == 1, 1000));
}

/* WFE returns: at the latest when another vCPU sends an event; here nobody does, so it must not wait for ever. */
static void wfe_returns(void)
{
	for (unsigned int i = 0; i < 1000; i++) {
		/* The event register is set first, as architected code does. */
		__asm__ volatile("sevl\n\twfe" ::: "memory");
	}
	gic_enable(PPI_VIRTUAL);
	arm_timer(1000);
	while ((sysreg_read(CNTV_CTL_EL0) & 4) == 0) {
		wfe();
	}
	timer_off();
}

/* A spin lock of Linux's kind between vCPUs: waiting with WFE, release with SEV. */
static uint32_t lock, inside, both_inside, sections;

static void take_lock(uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++) {
		while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE) != 0) {
			wfe();
		}
		if (++inside != 1) {
			both_inside++;
		}
		sections++;
		inside--;
		__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
		sev();
	}
}

static void wfe_in_a_lock(void)
{
	lock = inside = both_inside = sections = 0;
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_start(i, take_lock, 500));
	}
	take_lock(500);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_wait_off(i), "vCPU %u", i);
	}
	REQUIRE_EQUAL(both_inside, 0);
	REQUIRE_EQUAL(sections, 500 * machine.nr_cpus);
}

/* A vCPU in WFI leaves its CPU to one that works, even when there is one CPU. */
static uint32_t awake;

/* By the hypervisor, each time the vCPU gets a CPU or loses it. */
static struct {
	struct vcpu_runstate_info info;
} __aligned(64) runstates[GUEST_MAX_CPUS];

static void sleep_until_told(uint64_t argument)
{
	unsigned int idx = this_cpu()->idx;
	struct vcpu_register_runstate_memory_area area = {.addr.v = NULL};

	set_xen_guest_handle(area.addr.h, &runstates[idx].info);
	if (hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, idx,
		      (uintptr_t)&area, 0, 0) != 0) {
		test_fail(__FILE__, __LINE__, "", " vCPU %u: no runstate area", idx);
	}
	while (READ_ONCE(awake) == 0) {
		wfi();
		irq_enable();
		isb();
		irq_disable();
	}
}

/* All others wait. Says when they began, in sum: another sum, and one of them has run meanwhile. */
static bool all_sleep(uint64_t *since)
{
	bool sleep = true;

	*since = 0;
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		sleep = sleep && READ_ONCE(runstates[i].info.state) == RUNSTATE_blocked;
		*since += READ_ONCE(runstates[i].info.state_entry_time);
	}
	return sleep;
}

static void sleepers_take_no_time(void)
{
	bool slept = false;

	awake = 0;
	memset(runstates, 0, sizeof(runstates));
	gic_set_handler(2, on_sgi);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_start(i, sleep_until_told, 0));
	}
	/* WFI may return early; not all the time. */
	for (unsigned int pass = 0; pass < 5 && !slept; pass++) {
		uint64_t before, after;

		if (!WAIT_UNTIL(all_sleep(&before), 5000)) {
			continue;
		}
		for (volatile uint32_t i = 0; i < 3000000; i++) {
		}
		slept = all_sleep(&after) && after == before;
	}
	WRITE_ONCE(awake, 1);
	gic_send_sgi_others(2);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_wait_off(i), "vCPU %u", i);
	}
	REQUIRE(slept, "one of them runs while it should sleep");
}

const struct guest_case guest_cases[] = {
	CASE(wfi_waits_with_interrupts_masked),
	CASE(wfi_returns_when_something_is_pending),
	CASE(wfe_returns),
	CASE(wfe_in_a_lock, .min_cpus = 2),
	CASE(sleepers_take_no_time, .min_cpus = 2),
	CASE_END,
};
