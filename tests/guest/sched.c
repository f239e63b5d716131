/* SPDX-License-Identifier: MIT */
/* sched_op (public/sched.h): what returns. sched_end.c has what does not. */
#include "guest.h"
#include "guest_asm.h"
#include "guest_event.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "guest_xen.h"

const char *const guest_topic = "sched";
const bool guest_mmu_off;

#define PPI_VIRTUAL 27
#define NOWHERE     ((void *)UINT64_C(0x7700000000))
#define DAIF_I      BIT64(7)

static int64_t sched_op(unsigned int command, void *argument)
{
	return hypercall2(__HYPERVISOR_sched_op, command, argument);
}

static uint32_t taken;

static void on_sgi(uint32_t sgi)
{
	taken++;
}

static void on_timer(uint32_t intid)
{
	sysreg_write(CNTV_CTL_EL0, 0);
	isb();
	taken++;
}

static void arm_timer(uint64_t us)
{
	taken = 0;
	gic_set_handler(PPI_VIRTUAL, on_timer);
	gic_enable(PPI_VIRTUAL);
	sysreg_write(CNTV_TVAL_EL0, us_to_ticks(us));
	sysreg_write(CNTV_CTL_EL0, 1);
	isb();
}

/* ---- yield and block ------------------------------------------------------------------------------- */

static uint32_t shared_count;

static void count_and_yield(uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++) {
		__atomic_fetch_add(&shared_count, 1, __ATOMIC_RELAXED);
		sched_op(SCHEDOP_yield, NULL);
	}
}

static void yield(void)
{
	shared_count = 0;
	if (machine.nr_cpus > 1) {
		REQUIRE(smp_start(1, count_and_yield, 2000));
	}
	for (unsigned int i = 0; i < 2000; i++) {
		/* The argument means nothing. */
		REQUIRE_EQUAL(sched_op(SCHEDOP_yield, i % 2 == 0 ? NULL : NOWHERE), 0);
	}
	if (machine.nr_cpus > 1) {
		REQUIRE(smp_wait_off(1));
		EXPECT_EQUAL(shared_count, 2000);
	}
	EXPECT((sysreg_read(DAIF) & DAIF_I) != 0);
}

/* It lets interrupts in, so a pending one is taken on the way back. */
static void block_takes_what_is_pending(void)
{
	taken = 0;
	gic_set_handler(2, on_sgi);
	gic_send_sgi_self(2);
	delay_us(100);
	REQUIRE_EQUAL(taken, 0);
	REQUIRE_EQUAL(sched_op(SCHEDOP_block, NOWHERE), 0);
	EXPECT((sysreg_read(DAIF) & DAIF_I) == 0, "PSTATE.I is still set");
	irq_disable();
	EXPECT_EQUAL(taken, 1);
}

static void block_waits(void)
{
	for (unsigned int i = 0; i < 5; i++) {
		uint64_t start = counter_virtual();
		unsigned int returns = 0;

		arm_timer(5000);
		/* It may return early; not all the time. */
		while (READ_ONCE(taken) == 0) {
			REQUIRE_EQUAL(sched_op(SCHEDOP_block, NULL), 0);
			returns++;
		}
		irq_disable();
		EXPECT(counter_virtual() - start >= us_to_ticks(5000));
		EXPECT(returns < 1000, "it returned %u times in 5 ms", returns);
	}
	gic_disable(PPI_VIRTUAL);
}

/* ---- poll ------------------------------------------------------------------------------------------- */

static uint64_t physical_ns(void)
{
	return counter_physical() * 1000000 / (us_to_ticks(1000000) / 1000);
}

static int64_t poll_ports(const evtchn_port_t *ports, unsigned int nr, uint64_t timeout)
{
	struct sched_poll poll = {.nr_ports = nr, .timeout = timeout};

	set_xen_guest_handle(poll.ports, (evtchn_port_t *)(uintptr_t)ports);
	return sched_op(SCHEDOP_poll, &poll);
}

/*
 * Time limits are on the hypervisor's clock, which began when the hypervisor did: it is behind the physical counter, so a
 * limit on the counter's scale comes late, by less than a boot takes.
 */
static void poll_waits_for_a_time(void)
{
	evtchn_port_t port;

	REQUIRE(xen_shared_info() != NULL && xen_vcpu_info(0) != NULL);
	REQUIRE_EQUAL(event_reset(), 0);
	port = event_bind_ipi(0);
	REQUIRE(port != 0);
	for (unsigned int nr = 0; nr <= 1; nr++) {
		uint64_t start = physical_ns(), waited;
		unsigned int returns = 0;

		/* Until then it waits; it may return early, not all the time. */
		do {
			REQUIRE_EQUAL(poll_ports(&port, nr, start + 200000000), 0);
			waited = physical_ns() - start;
			returns++;
		} while (waited < 200000000);
		EXPECT(returns < 1000, "%u ports: it returned %u times in 200 ms", nr, returns);
		EXPECT(waited < UINT64_C(60000000000), "%u ports: %lu us instead of 200 ms", nr,
		       waited / 1000);
		start = physical_ns();
		REQUIRE_EQUAL(poll_ports(&port, nr, 1), 0);
		EXPECT(physical_ns() - start < UINT64_C(5000000000));
	}
	REQUIRE_EQUAL(event_reset(), 0);
}

static void poll_sees_what_is_pending(void)
{
	evtchn_port_t ports[128];

	REQUIRE(xen_shared_info() != NULL && xen_vcpu_info(0) != NULL);
	REQUIRE_EQUAL(event_reset(), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
		ports[i] = event_bind_ipi(0);
		REQUIRE(ports[i] != 0);
		event_mask(ports[i]);
	}
	/* Masked or not, first or last: at once, and without a limit of time. */
	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i += 127) {
		REQUIRE_EQUAL(event_send(ports[i]), 0);
		REQUIRE_EQUAL(poll_ports(ports, ARRAY_SIZE(ports), 0), 0);
		REQUIRE_EQUAL(poll_ports(&ports[i], 1, 0), 0);
		/* It takes nothing. */
		EXPECT(event_clear_pending(ports[i]));
	}
	/* Behind one that is pending nothing is looked at. */
	REQUIRE_EQUAL(event_send(ports[0]), 0);
	ports[1] = 4000;
	EXPECT_EQUAL(poll_ports(ports, 2, 0), 0);
	event_clear_pending(ports[0]);
	EXPECT_EQUAL(poll_ports(ports, 2, 0), -XEN_EINVAL);
	REQUIRE_EQUAL(event_reset(), 0);
}

static void poll_refuses(void)
{
	static evtchn_port_t many[129];
	evtchn_port_t port = 0;
	struct sched_poll poll = {.nr_ports = 1};

	REQUIRE_EQUAL(event_reset(), 0);
	EXPECT_EQUAL(poll_ports(&port, 1, 0), -XEN_EINVAL);
	port = 1;
	EXPECT_EQUAL(poll_ports(&port, 1, 0), -XEN_EINVAL);
	port = 0xffffffff;
	EXPECT_EQUAL(poll_ports(&port, 1, 0), -XEN_EINVAL);
	EXPECT_EQUAL(poll_ports(many, 129, 0), -XEN_EINVAL);
	EXPECT_EQUAL(poll_ports(NOWHERE, 0xffffffff, 0), -XEN_EINVAL);
	EXPECT_EQUAL(poll_ports(NOWHERE, 1, 0), -XEN_EFAULT);
	EXPECT_EQUAL(poll_ports((evtchn_port_t *)~UINT64_C(0), 1, 0), -XEN_EFAULT);
	EXPECT_EQUAL(sched_op(SCHEDOP_poll, NOWHERE), -XEN_EFAULT);
	/* An empty list may be anywhere. */
	EXPECT_EQUAL(poll_ports(NOWHERE, 0, 1), 0);
	/* A list that ends in nothing. */
	REQUIRE(mmu_map_page(mmu_spare_page(0), (uintptr_t)xen_spare_pages[0], MMU_READ_ONLY));
	memset(xen_spare_pages[0], 0, PAGE_SIZE);
	port = event_bind_ipi(0);
	((evtchn_port_t *)xen_spare_pages[0])[1023] = port;
	((evtchn_port_t *)xen_spare_pages[0])[0] = port;
	EXPECT_EQUAL(poll_ports((evtchn_port_t *)mmu_spare_page(1) - 1, 2, 1), -XEN_EFAULT);
	/* One that is only read, and one that is not aligned. */
	EXPECT_EQUAL(poll_ports((evtchn_port_t *)mmu_spare_page(0), 1, 1), 0);
	memcpy(xen_spare_pages[1] + 1, &port, sizeof(port));
	EXPECT_EQUAL(poll_ports((evtchn_port_t *)(uintptr_t)(xen_spare_pages[1] + 1), 1, 1), 0);
	poll.timeout = 1;
	set_xen_guest_handle(poll.ports, &port);
	memcpy(xen_spare_pages[0] + 8, &poll, sizeof(poll));
	EXPECT_EQUAL(sched_op(SCHEDOP_poll, (void *)(mmu_spare_page(0) + 8)), 0);
	mmu_map_page(mmu_spare_page(0), 0, MMU_UNMAPPED);
	REQUIRE_EQUAL(event_reset(), 0);
}

/* An interrupt that would be taken ends the wait; a masked one does not keep it from beginning. */
static void poll_and_interrupts(void)
{
	evtchn_port_t port;
	uint64_t start;

	REQUIRE_EQUAL(event_reset(), 0);
	port = event_bind_ipi(0);
	event_mask(port);
	start = counter_virtual();
	arm_timer(5000);
	irq_enable();
	/* May return for other reasons, as public/sched.h allows. */
	while (READ_ONCE(taken) == 0) {
		REQUIRE_EQUAL(poll_ports(&port, 1, 0), 0);
	}
	irq_disable();
	EXPECT(counter_virtual() - start >= us_to_ticks(5000));
	gic_disable(PPI_VIRTUAL);
	REQUIRE_EQUAL(event_reset(), 0);
}

static evtchn_port_t wanted[2];
static uint32_t polls_begun, polls_ended;

static void poll_elsewhere(uint64_t nr)
{
	__atomic_fetch_add(&polls_begun, 1, __ATOMIC_ACQ_REL);
	do {
		poll_ports(wanted, (unsigned int)nr, 0);
	} while (!event_is_pending(wanted[0]));
	__atomic_fetch_add(&polls_ended, 1, __ATOMIC_ACQ_REL);
}

/* Its port wakes a vCPU that polls, whichever vCPU the port notifies. */
static void poll_is_woken_by_another_vcpu(void)
{
	REQUIRE(xen_shared_info() != NULL);
	for (uint64_t nr = 1; nr <= 2; nr++) {
		REQUIRE_EQUAL(event_reset(), 0);
		wanted[0] = event_bind_ipi(0);
		wanted[1] = event_bind_ipi(0);
		event_mask(wanted[0]);
		event_mask(wanted[1]);
		polls_begun = polls_ended = 0;
		REQUIRE(smp_start(1, poll_elsewhere, nr));
		REQUIRE(WAIT_UNTIL(READ_ONCE(polls_begun) == 1, 3000));
		delay_us(5000);
		/* Not the one that is waited for. */
		REQUIRE_EQUAL(event_send(wanted[1]), 0);
		delay_us(5000);
		EXPECT_EQUAL(READ_ONCE(polls_ended), 0);
		event_clear_pending(wanted[1]);
		REQUIRE_EQUAL(event_send(wanted[0]), 0);
		REQUIRE(WAIT_UNTIL(READ_ONCE(polls_ended) == 1, 3000));
		REQUIRE(smp_wait_off(1));
		event_clear_pending(wanted[0]);
	}
	REQUIRE_EQUAL(event_reset(), 0);
}

/* ---- watchdogs ---------------------------------------------------------------------------------------- */

static int64_t watchdog(uint32_t id, uint32_t seconds)
{
	struct sched_watchdog op = {.id = id, .timeout = seconds};

	return sched_op(SCHEDOP_watchdog, &op);
}

static void watchdogs(void)
{
	/* Two a domain, numbered from 1. */
	EXPECT_EQUAL(watchdog(1, 100), -XEN_EINVAL);
	EXPECT_EQUAL(watchdog(3, 100), -XEN_EINVAL);
	EXPECT_EQUAL(watchdog(0xffffffff, 100), -XEN_EINVAL);
	REQUIRE_EQUAL(watchdog(0, 1000), 1);
	REQUIRE_EQUAL(watchdog(0, 0xffffffff), 2);
	/* Xen's answer is cut to 32 bits, which Linux looks at. */
	EXPECT_EQUAL((int32_t)watchdog(0, 1000), -XEN_ENOSPC);
	/* Set again, stopped, and free. */
	EXPECT_EQUAL(watchdog(1, 2000), 0);
	EXPECT_EQUAL(watchdog(1, 0), 0);
	EXPECT_EQUAL(watchdog(1, 0), -XEN_EINVAL);
	EXPECT_EQUAL(watchdog(1, 1000), -XEN_EINVAL);
	EXPECT_EQUAL(watchdog(0, 1000), 1);
	EXPECT_EQUAL(watchdog(2, 0), 0);
	EXPECT_EQUAL(watchdog(1, 0), 0);
	EXPECT_EQUAL(sched_op(SCHEDOP_watchdog, NOWHERE), -XEN_EFAULT);
}

/* One that is set again in time does nothing. */
static void watchdog_that_is_fed(void)
{
	REQUIRE_EQUAL(watchdog(0, 2), 1);
	for (unsigned int i = 0; i < 6; i++) {
		delay_us(500000);
		REQUIRE_EQUAL(watchdog(1, 2), 0);
	}
	REQUIRE_EQUAL(watchdog(1, 0), 0);
}

/* ---- refusals ------------------------------------------------------------------------------------------- */

static void remote_shutdown_is_not_for_guests(void)
{
	struct sched_remote_shutdown op = {.domain_id = event_own_domid(), .reason = SHUTDOWN_crash};

	EXPECT_EQUAL(sched_op(SCHEDOP_remote_shutdown, &op), -XEN_EPERM);
	op.domain_id = DOMID_SELF;
	EXPECT_EQUAL(sched_op(SCHEDOP_remote_shutdown, &op), -XEN_ESRCH);
	op.domain_id = 0x7000;
	EXPECT_EQUAL(sched_op(SCHEDOP_remote_shutdown, &op), -XEN_ESRCH);
	EXPECT_EQUAL(sched_op(SCHEDOP_remote_shutdown, NOWHERE), -XEN_EFAULT);
}

static void pin_override_is_not_for_guests(void)
{
	struct sched_pin_override op = {.pcpu = 0};

	EXPECT_EQUAL(sched_op(SCHEDOP_pin_override, &op), -XEN_EPERM);
	EXPECT_EQUAL(sched_op(SCHEDOP_pin_override, NOWHERE), -XEN_EPERM);
}

static void no_shutdown_without_a_reason(void)
{
	EXPECT_EQUAL(sched_op(SCHEDOP_shutdown, NOWHERE), -XEN_EFAULT);
	EXPECT_EQUAL(sched_op(SCHEDOP_shutdown, (void *)~UINT64_C(0)), -XEN_EFAULT);
	EXPECT_EQUAL(sched_op(SCHEDOP_shutdown_code, NOWHERE), -XEN_EFAULT);
}

static void numbers_of_no_operation(void)
{
	static const unsigned int numbers[] = {8, 9, 32, 99, 0x7fffffff, 0x80000000, 0xffffffff};

	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		EXPECT_EQUAL(sched_op(numbers[i], NULL), -XEN_ENOSYS);
	}
}

const struct guest_case guest_cases[] = {
	CASE(yield),
	CASE(block_takes_what_is_pending),
	CASE(block_waits),
	CASE(poll_waits_for_a_time),
	CASE(poll_sees_what_is_pending),
	CASE(poll_refuses),
	CASE(poll_and_interrupts),
	CASE(poll_is_woken_by_another_vcpu, .min_cpus = 2),
	CASE(watchdogs),
	CASE(watchdog_that_is_fed),
	CASE(remote_shutdown_is_not_for_guests),
	CASE(pin_override_is_not_for_guests),
	CASE(no_shutdown_without_a_reason),
	CASE(numbers_of_no_operation),
	CASE_END,
};
