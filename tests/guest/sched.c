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
		/*
		 * It may return early; not all the time. It lets interrupts in: taken between the look and the
		 * next block, the timer would wake nobody.
		 */
		while (READ_ONCE(taken) == 0) {
			REQUIRE_EQUAL(sched_op(SCHEDOP_block, NULL), 0);
			irq_disable();
			returns++;
		}
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
	bool ended = false;

	REQUIRE_EQUAL(event_reset(), 0);
	port = event_bind_ipi(0);
	event_mask(port);
	/* Taken between the look and the call, the timer ends no wait, and the limit does: try again. */
	for (unsigned int i = 0; i < 5 && !ended; i++) {
		uint64_t start = counter_virtual();
		uint64_t limit = physical_ns() + UINT64_C(1000000000);

		arm_timer(5000);
		irq_enable();
		/* May return for other reasons, as public/sched.h allows. */
		while (READ_ONCE(taken) == 0) {
			REQUIRE_EQUAL(poll_ports(&port, 1, limit), 0);
		}
		irq_disable();
		ended = physical_ns() < limit;
		EXPECT(counter_virtual() - start >= us_to_ticks(5000));
	}
	EXPECT(ended, "only its limit ends the wait");
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

/* One that is set again in time does nothing: not when its first limit has passed. */
static void watchdog_that_is_fed(void)
{
	uint64_t start;

	REQUIRE_EQUAL(watchdog(0, 4), 1);
	start = counter_virtual();
	delay_us(1000000);
	REQUIRE_EQUAL(watchdog(1, 60), 0);
	while (counter_virtual() - start < us_to_ticks(5000000)) {
	}
	REQUIRE_EQUAL(watchdog(1, 0), 0);
}

/* ---- runstate --------------------------------------------------------------------------------------------- */

static struct vcpu_runstate_info runstate_area __aligned(64);

static uint64_t sum_of(const struct vcpu_runstate_info *r)
{
	return r->time[0] + r->time[1] + r->time[2] + r->time[3];
}

/* As public/vcpu.h says that it is read. False: it is being written all the time. */
static bool read_runstate(struct vcpu_runstate_info *r)
{
	for (unsigned int i = 0; i < 1000; i++) {
		r->state_entry_time = READ_ONCE(runstate_area.state_entry_time);
		dmb_ish();
		r->state = READ_ONCE(runstate_area.state);
		for (unsigned int j = 0; j < ARRAY_SIZE(r->time); j++) {
			r->time[j] = READ_ONCE(runstate_area.time[j]);
		}
		dmb_ish();
		if ((r->state_entry_time & XEN_RUNSTATE_UPDATE) == 0 &&
		    r->state_entry_time == READ_ONCE(runstate_area.state_entry_time)) {
			return true;
		}
		delay_us(100);
	}
	return false;
}

static bool runstate_is(int state)
{
	struct vcpu_runstate_info r;

	return read_runstate(&r) && r.state == state;
}

/* Between the two every nanosecond was spent in some state. */
static void expect_adds_up(const struct vcpu_runstate_info *before,
			   const struct vcpu_runstate_info *after)
{
	EXPECT(after->state_entry_time >= before->state_entry_time, "since %lu, before since %lu",
	       after->state_entry_time, before->state_entry_time);
	EXPECT_EQUAL(sum_of(after) - sum_of(before),
		     after->state_entry_time - before->state_entry_time);
	for (unsigned int i = 0; i < ARRAY_SIZE(after->time); i++) {
		EXPECT(after->time[i] >= before->time[i], "time %u: %lu after %lu", i,
		       after->time[i], before->time[i]);
	}
}

static uint32_t own_views, wrong_own_views;

/* What a vCPU sees of its own: it runs, and nothing is being written. */
static void look_at_own(void)
{
	own_views++;
	wrong_own_views += READ_ONCE(runstate_area.state) != RUNSTATE_running ||
			   (READ_ONCE(runstate_area.state_entry_time) & XEN_RUNSTATE_UPDATE) != 0;
}

static void poll_and_look(uint64_t rounds)
{
	look_at_own();
	for (uint64_t i = 0; i < rounds; i++) {
		while (!event_clear_pending(wanted[0])) {
			poll_ports(wanted, 1, 0);
			look_at_own();
		}
		__atomic_fetch_add(&polls_ended, 1, __ATOMIC_ACQ_REL);
	}
}

#define SLEEP_US 20000

static void runstate_of_another_vcpu(void)
{
	struct vcpu_register_runstate_memory_area area = {.addr.v = NULL};
	struct vcpu_runstate_info before, asleep, awake;

	REQUIRE(xen_shared_info() != NULL);
	REQUIRE_EQUAL(event_reset(), 0);
	wanted[0] = event_bind_ipi(0);
	event_mask(wanted[0]);
	polls_ended = own_views = wrong_own_views = 0;
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
				 (void *)VMASST_TYPE_runstate_update_flag),
		      0);
	/* That of one that is off, too. */
	memset(&runstate_area, 0xff, sizeof(runstate_area));
	set_xen_guest_handle(area.addr.h, &runstate_area);
	REQUIRE_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 1,
				(uintptr_t)&area, 0, 0),
		      0);
	REQUIRE(read_runstate(&before));
	EXPECT_EQUAL(before.state, RUNSTATE_offline);
	delay_us(SLEEP_US);
	REQUIRE(smp_start(1, poll_and_look, 3));
	for (unsigned int i = 1; i <= 3; i++) {
		REQUIRE(WAIT_UNTIL(runstate_is(RUNSTATE_blocked), 3000), "state %d",
			READ_ONCE(runstate_area.state));
		delay_us(SLEEP_US);
		/* It may wake for nothing, and sleep again. */
		REQUIRE(WAIT_UNTIL(runstate_is(RUNSTATE_blocked) && read_runstate(&asleep), 3000));
		if (i > 1) {
			/* What Xen told at first counts until then, not from when the state was entered. */
			expect_adds_up(&before, &asleep);
		}
		REQUIRE_EQUAL(event_send(wanted[0]), 0);
		REQUIRE(WAIT_UNTIL(READ_ONCE(polls_ended) == i, 3000));
		REQUIRE(read_runstate(&awake));
		expect_adds_up(&asleep, &awake);
		EXPECT(awake.state_entry_time > asleep.state_entry_time);
		/* Half of it, as it may have been awake in between. */
		EXPECT(awake.time[RUNSTATE_blocked] >=
			       before.time[RUNSTATE_blocked] + SLEEP_US * UINT64_C(500),
		       "asleep for %lu ns and then for %lu", before.time[RUNSTATE_blocked],
		       awake.time[RUNSTATE_blocked]);
		before = awake;
	}
	REQUIRE(smp_wait_off(1));
	REQUIRE(WAIT_UNTIL(runstate_is(RUNSTATE_offline), 3000), "state %d",
		READ_ONCE(runstate_area.state));
	REQUIRE(read_runstate(&asleep));
	expect_adds_up(&before, &asleep);
	EXPECT(asleep.time[RUNSTATE_offline] >= SLEEP_US * UINT64_C(1000), "off for %lu ns",
	       asleep.time[RUNSTATE_offline]);
	EXPECT(own_views >= 4 && wrong_own_views == 0, "%u of %u times its own was wrong",
	       wrong_own_views, own_views);
	set_xen_guest_handle(area.addr.h, NULL);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 1,
			       (uintptr_t)&area, 0, 0),
		     0);
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_disable,
				(void *)VMASST_TYPE_runstate_update_flag),
		     0);
	REQUIRE_EQUAL(event_reset(), 0);
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
	CASE(runstate_of_another_vcpu, .min_cpus = 2),
	CASE(remote_shutdown_is_not_for_guests),
	CASE(pin_override_is_not_for_guests),
	CASE(no_shutdown_without_a_reason),
	CASE(numbers_of_no_operation),
	CASE_END,
};
