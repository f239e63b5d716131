/* SPDX-License-Identifier: MIT */
/*
 * Event channels between two domains, which run the same cases side by side (public/event_channel.h). They
 * know each other by number=, which is their domid as well. Where unprivileged domains may not talk (Xen's
 * SILO policy) the argument "silo" says so, and the cases are others.
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_event.h"
#include "guest_gic.h"
#include "guest_smp.h"
#include "guest_xen.h"

const char *const guest_topic = "events_pair";
const bool guest_mmu_off;

static domid_t self, partner;

/* ---- in step ------------------------------------------------------------------------------------------ */

/*
 * Two channels with the same numbers in both domains, used in turn: a domain can be one meeting ahead, never two,
 * so a pending bit means one meeting.
 */
static uint32_t meeting_port[2], meetings;

static bool connect_meeting_ports(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(meeting_port); i++) {
		if (self == 1) {
			meeting_port[i] = event_alloc_unbound(partner);
		} else {
			/* The other one may not have come so far. */
			(void)WAIT_UNTIL((meeting_port[i] = event_bind(partner, i + 1)) != 0, 10000);
			event_clear_pending(i + 1);
		}
		if (meeting_port[i] != i + 1) {
			return false;
		}
	}
	return true;
}

/* Both are here. */
static bool meet(void)
{
	uint32_t port = meeting_port[meetings++ % 2];

	/* Before the first one, bound by the other, it goes nowhere. */
	return port != 0 && WAIT_UNTIL(event_state(port) == EVTCHNSTAT_interdomain, 10000) &&
	       event_send(port) == 0 && WAIT_UNTIL(event_is_pending(port), 10000) &&
	       event_clear_pending(port);
}

#define MEET() REQUIRE(meet(), "the other domain does not come")

/* What the upcall handler saw of the ports that cases use, all below 64. */
static uint32_t times[64], upcalls;

static void on_upcall(uint32_t intid)
{
	struct vcpu_info *info = xen_vcpu_info(this_cpu()->idx);

	upcalls++;
	while (__atomic_exchange_n(&info->evtchn_upcall_pending, 0, __ATOMIC_ACQ_REL) != 0) {
		__atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_ACQ_REL);
		for (uint32_t port = 3; port < 64; port++) {
			if ((READ_ONCE(xen_shared_info()->evtchn_mask[0]) >> port & 1) == 0 &&
			    event_clear_pending(port)) {
				__atomic_fetch_add(&times[port], 1, __ATOMIC_ACQ_REL);
			}
		}
	}
	dsb_ish();
}

/* From here on ports 3 and up are this case's; the other domain's have the same numbers. */
static bool begin(void)
{
	for (uint32_t port = 3; port < 64; port++) {
		event_close(port);
	}
	memset(times, 0, sizeof(times));
	return meet();
}

#define BEGIN() REQUIRE(begin(), "the other domain does not come")

/* Port 3 here and there: domain 1's is made first. */
static uint32_t channel(void)
{
	uint32_t port = 0;

	if (self == 1) {
		port = event_alloc_unbound(partner);
	}
	if (!meet()) {
		return 0;
	}
	if (self == 2) {
		port = event_bind(partner, 3);
		event_clear_pending(port);
	}
	return meet() ? port : 0;
}

static void they_find_each_other(void)
{
	self = (domid_t)guest_argument("number", 0);
	partner = (domid_t)(3 - self);
	REQUIRE(self == 1 || self == 2);
	REQUIRE(xen_shared_info() != NULL && xen_vcpu_info(0) != NULL);
	REQUIRE_EQUAL(event_own_domid(), self);
	REQUIRE(connect_meeting_ports());
	gic_set_handler(PPI_UPCALL, on_upcall);
	gic_enable(PPI_UPCALL);
	MEET();
}

/* ---- cases ---------------------------------------------------------------------------------------------- */

static void channel_in_both_directions(void)
{
	struct evtchn_status status;
	uint32_t port;

	BEGIN();
	port = channel();
	REQUIRE_EQUAL(port, 3);
	REQUIRE_EQUAL(event_status(port, &status), 0);
	EXPECT_EQUAL(status.status, EVTCHNSTAT_interdomain);
	EXPECT_EQUAL(status.u.interdomain.dom, partner);
	EXPECT_EQUAL(status.u.interdomain.port, 3);
	EXPECT_EQUAL(status.vcpu, 0);
	/* One after the other: nothing is pending before it was sent. */
	for (domid_t sender = 1; sender <= 2; sender++) {
		EXPECT(!event_is_pending(port));
		MEET();
		if (sender == self) {
			REQUIRE_EQUAL(event_send(port), 0);
			EXPECT(!event_is_pending(port));
		}
		MEET();
		EXPECT_EQUAL(event_clear_pending(port), sender != self);
	}
	MEET();
}

static void ping_pong(void)
{
	uint32_t port;

	BEGIN();
	port = channel();
	REQUIRE_EQUAL(port, 3);
	REQUIRE_EQUAL(event_unmask(port), 0);
	irq_enable();
	for (uint32_t round = 1; round <= 500; round++) {
		if (self == 1) {
			REQUIRE_EQUAL(event_send(port), 0);
		}
		REQUIRE(WAIT_UNTIL(READ_ONCE(times[port]) == round, 10000), "round %u", round);
		if (self == 2) {
			REQUIRE_EQUAL(event_send(port), 0);
		}
	}
	irq_disable();
	event_mask(port);
	MEET();
	EXPECT_EQUAL(times[port], 500);
}

/* A domain that blocks until the other's event comes, and one that polls for it. */
static void the_other_wakes(void)
{
	evtchn_port_t port;
	struct sched_poll poll = {.nr_ports = 1};

	BEGIN();
	port = channel();
	REQUIRE_EQUAL(port, 3);
	REQUIRE_EQUAL(event_unmask(port), 0);
	for (uint32_t round = 1; round <= 50; round++) {
		if (self == 1) {
			REQUIRE_EQUAL(event_send(port), 0);
		}
		while (READ_ONCE(times[port]) < round) {
			/* Lets the interrupt in. */
			hypercall(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0, 0);
			irq_disable();
		}
		if (self == 2) {
			REQUIRE_EQUAL(event_send(port), 0);
		}
	}
	event_mask(port);
	MEET();
	set_xen_guest_handle(poll.ports, &port);
	for (uint32_t round = 1; round <= 50; round++) {
		if (self == 1) {
			REQUIRE_EQUAL(event_send(port), 0);
		}
		while (!event_clear_pending(port)) {
			REQUIRE_EQUAL(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll), 0);
		}
		if (self == 2) {
			REQUIRE_EQUAL(event_send(port), 0);
		}
	}
	MEET();
}

/* Who closes has the other's port reserved for it; the other notices nothing but by asking. */
static void closing(void)
{
	struct evtchn_status status;

	for (domid_t closer = 1; closer <= 2; closer++) {
		uint32_t port;

		BEGIN();
		port = channel();
		REQUIRE_EQUAL(port, 3);
		if (self == closer) {
			REQUIRE_EQUAL(event_close(port), 0);
		}
		MEET();
		if (self != closer) {
			EXPECT(!event_is_pending(port));
			REQUIRE_EQUAL(event_status(port, &status), 0);
			EXPECT_EQUAL(status.status, EVTCHNSTAT_unbound);
			EXPECT_EQUAL(status.u.unbound.dom, partner);
			EXPECT_EQUAL(event_send(port), 0);
			/* Not for oneself. */
			EXPECT_EQUAL(event_bind(DOMID_SELF, port), 0);
		}
		MEET();
		if (self == closer) {
			EXPECT_EQUAL(event_state(port), EVTCHNSTAT_closed);
			/* Another number, so that the ends differ. */
			REQUIRE_EQUAL(event_bind_ipi(0), port);
			REQUIRE_EQUAL(event_bind(partner, port), port + 1);
			EXPECT(event_clear_pending(port + 1));
		}
		MEET();
		if (self != closer) {
			REQUIRE_EQUAL(event_status(port, &status), 0);
			EXPECT_EQUAL(status.status, EVTCHNSTAT_interdomain);
			EXPECT_EQUAL(status.u.interdomain.port, port + 1);
			EXPECT(!event_is_pending(port));
			REQUIRE_EQUAL(event_send(port), 0);
		}
		MEET();
		EXPECT_EQUAL(event_is_pending(port + 1), self == closer);
		MEET();
	}
}

static void ports_for_somebody_else(void)
{
	struct evtchn_bind_interdomain bind = {.remote_dom = partner};
	uint32_t mine;

	BEGIN();
	/* 3: reserved for oneself; 4: an IPI; 5: for the other, who takes it. */
	mine = event_alloc_unbound(DOMID_SELF);
	REQUIRE_EQUAL(mine, 3);
	REQUIRE_EQUAL(event_bind_ipi(0), 4);
	REQUIRE_EQUAL(event_alloc_unbound(partner), 5);
	MEET();
	bind.remote_port = 3;
	EXPECT_EQUAL(event_op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
	bind.remote_port = 4;
	EXPECT_EQUAL(event_op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
	/* One of the meeting ports: bound already. */
	bind.remote_port = 1;
	EXPECT_EQUAL(event_op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
	bind.remote_port = 0;
	EXPECT_EQUAL(event_op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
	bind.remote_port = 500000;
	EXPECT_EQUAL(event_op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
	MEET();
	bind.remote_port = 5;
	if (self == 1) {
		EXPECT_EQUAL(event_op(EVTCHNOP_bind_interdomain, &bind), 0);
		EXPECT_EQUAL(bind.local_port, 6);
	}
	MEET();
	/* What is bound is bound, from either side. */
	EXPECT_EQUAL(event_op(EVTCHNOP_bind_interdomain, &bind), self == 1 ? -XEN_EINVAL : 0);
	MEET();
}

/* An unprivileged domain has no say in another. */
static void the_others_ports_are_its_own(void)
{
	struct evtchn_alloc_unbound alloc = {.dom = partner, .remote_dom = DOMID_SELF};
	struct evtchn_status status = {.dom = partner, .port = 1};
	struct evtchn_reset reset = {.dom = partner};
	struct sched_remote_shutdown shutdown = {.domain_id = partner, .reason = SHUTDOWN_crash};

	BEGIN();
	EXPECT_EQUAL(event_op(EVTCHNOP_alloc_unbound, &alloc), -XEN_EPERM);
	EXPECT_EQUAL(event_op(EVTCHNOP_status, &status), -XEN_EPERM);
	/* The number is looked at before the right to look. */
	status.port = 1000000;
	EXPECT_EQUAL(event_op(EVTCHNOP_status, &status), -XEN_EINVAL);
	EXPECT_EQUAL(event_op(EVTCHNOP_reset, &reset), -XEN_EPERM);
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &shutdown),
		     -XEN_EPERM);
	MEET();
}

/* A port for a domain that does not exist (yet) can be had. */
static void port_for_nobody(void)
{
	BEGIN();
	EXPECT_EQUAL(event_alloc_unbound(0x7000), 3);
	EXPECT_EQUAL(event_state(3), EVTCHNSTAT_unbound);
	EXPECT_EQUAL(event_send(3), 0);
	MEET();
}

/* One end at another vCPU, with the FIFO ABI in one domain and the 2-level ABI in the other. */
static void other_vcpus_and_other_abis(void)
{
	uint32_t port;

	BEGIN();
	port = channel();
	REQUIRE_EQUAL(port, 3);
	REQUIRE_EQUAL(event_bind_vcpu(port, 1), 0);
	REQUIRE(event_listeners_start(1, false));
	REQUIRE_EQUAL(event_unmask(port), 0);
	for (uint32_t round = 1; round <= 100; round++) {
		if (self == 1) {
			REQUIRE_EQUAL(event_send(port), 0);
		}
		REQUIRE(WAIT_UNTIL(READ_ONCE(times[port]) == round, 10000), "round %u", round);
		if (self == 2) {
			REQUIRE_EQUAL(event_send(port), 0);
		}
	}
	REQUIRE(event_listeners_stop(1));
	event_mask(port);
	MEET();
	EXPECT_EQUAL(times[port], 100);
	/* The last meeting of this kind: a reset takes the meeting ports too. */
	if (self == 1) {
		REQUIRE(fifo_start());
		REQUIRE_EQUAL(event_alloc_unbound(partner), 1);
		fifo_words[1] = 0;
		irq_enable();
		/* The partner has forgotten the event that came with binding. */
		REQUIRE(WAIT_UNTIL(READ_ONCE(fifo_times[1]) == 1, 10000));
		for (uint32_t round = 1; round <= 100; round++) {
			REQUIRE_EQUAL(event_send(1), 0);
			REQUIRE(WAIT_UNTIL(READ_ONCE(fifo_times[1]) == round + 1, 10000),
				"round %u", round);
		}
		irq_disable();
	} else {
		/* Its ends of the old channels are unbound, and the domain's again to bind. */
		REQUIRE(WAIT_UNTIL(event_state(1) == EVTCHNSTAT_unbound, 10000));
		REQUIRE_EQUAL(event_reset(), 0);
		REQUIRE(WAIT_UNTIL(event_bind(partner, 1) == 1, 10000));
		event_clear_pending(1);
		REQUIRE_EQUAL(event_send(1), 0);
		for (uint32_t round = 1; round <= 100; round++) {
			REQUIRE(WAIT_UNTIL(event_clear_pending(1), 10000), "round %u", round);
			REQUIRE_EQUAL(event_send(1), 0);
		}
	}
}

/* Domains are kept apart: neither a port for the other, nor a look whether it has one. */
static void kept_apart(void)
{
	struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF};
	int64_t answer;

	if (!guest_has_argument("silo")) {
		test_skip("they may talk");
		return;
	}
	self = (domid_t)guest_argument("number", 0);
	partner = (domid_t)(3 - self);
	/* The other one may have finished, and its domain be gone: one of the two asks while both are there. */
	alloc.remote_dom = partner;
	answer = event_op(EVTCHNOP_alloc_unbound, &alloc);
	EXPECT(answer == -XEN_EPERM || (answer == -XEN_ESRCH && event_is_gone(partner)), "%ld",
	       answer);
	alloc.remote_dom = 0x7000;
	EXPECT_EQUAL(event_op(EVTCHNOP_alloc_unbound, &alloc), -XEN_ESRCH);
	alloc.remote_dom = DOMID_SELF;
	EXPECT_EQUAL(event_op(EVTCHNOP_alloc_unbound, &alloc), 0);
	EXPECT_EQUAL(event_reset(), 0);
	if (self == 2) {
		/* Time for the other one's question. */
		delay_us(1000000);
	}
}

#define TOGETHER(name)                                  \
	static void run_##name(void)                    \
	{                                               \
		if (guest_has_argument("silo")) {       \
			test_skip("they may not talk"); \
		} else {                                \
			name();                         \
		}                                       \
	}
TOGETHER(they_find_each_other)
TOGETHER(channel_in_both_directions)
TOGETHER(ping_pong)
TOGETHER(the_other_wakes)
TOGETHER(closing)
TOGETHER(ports_for_somebody_else)
TOGETHER(the_others_ports_are_its_own)
TOGETHER(port_for_nobody)
TOGETHER(other_vcpus_and_other_abis)
#define PAIR_CASE(function, ...)                                      \
	{                                                             \
		.name = #function, .run = run_##function, __VA_ARGS__ \
	}

const struct guest_case guest_cases[] = {
	PAIR_CASE(they_find_each_other),
	PAIR_CASE(channel_in_both_directions),
	PAIR_CASE(ping_pong),
	PAIR_CASE(the_other_wakes),
	PAIR_CASE(closing),
	PAIR_CASE(ports_for_somebody_else),
	PAIR_CASE(the_others_ports_are_its_own),
	PAIR_CASE(port_for_nobody),
	PAIR_CASE(other_vcpus_and_other_abis, .min_cpus = 2),
	CASE(kept_apart),
	CASE_END,
};
