/* SPDX-License-Identifier: MIT */
/* Event channels of the 2-level ABI, all within one domain (public/event_channel.h; xen-abi-arm: "Event channels"). */
#include "guest.h"
#include "guest_asm.h"
#include "guest_event.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "guest_xen.h"

const char *const guest_topic = "events";
const bool guest_mmu_off;

/* What the upcall handler saw, a bit a port, for ports below 64. */
static uint32_t upcalls[GUEST_MAX_CPUS];
static uint64_t seen[GUEST_MAX_CPUS];
/* The ports that a vCPU takes: all vCPUs see all pending bits, and which are whose is the guest's to remember. */
static uint64_t mine[GUEST_MAX_CPUS];
static uint32_t times[64];

static void on_upcall(uint32_t intid)
{
	unsigned int cpu = this_cpu()->idx;
	struct vcpu_info *info = xen_vcpu_info(cpu);

	upcalls[cpu]++;
	while (__atomic_exchange_n(&info->evtchn_upcall_pending, 0, __ATOMIC_ACQ_REL) != 0) {
		xen_ulong_t words =
			__atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_ACQ_REL);

		for (uint32_t port = 0; port < 64; port++) {
			if ((words & 1) != 0 && (READ_ONCE(mine[cpu]) >> port & 1) != 0 &&
			    event_is_pending(port) &&
			    (READ_ONCE(xen_shared_info()->evtchn_mask[0]) >> port & 1) == 0 &&
			    event_clear_pending(port)) {
				seen[cpu] |= BIT64(port);
				times[port]++;
			}
		}
	}
	dsb_ish();
}

/* shared_info, vcpu_info and the upcall's interrupt on this vCPU. */
static bool listen(void)
{
	memset(upcalls, 0, sizeof(upcalls));
	memset(seen, 0, sizeof(seen));
	memset(mine, 0xff, sizeof(mine));
	memset(times, 0, sizeof(times));
	gic_set_handler(PPI_UPCALL, on_upcall);
	gic_enable(PPI_UPCALL);
	return xen_shared_info() != NULL && xen_vcpu_info(0) != NULL;
}

static uint32_t bind_virq(uint32_t virq, uint32_t vcpu)
{
	struct evtchn_bind_virq bind = {.virq = virq, .vcpu = vcpu};

	return event_op(EVTCHNOP_bind_virq, &bind) == 0 ? bind.port : 0;
}

static int64_t try_virq(uint32_t virq, uint32_t vcpu)
{
	struct evtchn_bind_virq bind = {.virq = virq, .vcpu = vcpu};

	return event_op(EVTCHNOP_bind_virq, &bind);
}

static int64_t try_bind(domid_t remote, uint32_t port)
{
	struct evtchn_bind_interdomain bind = {.remote_dom = remote, .remote_port = port};

	return event_op(EVTCHNOP_bind_interdomain, &bind);
}

static void loopback(void)
{
	struct evtchn_status status;
	uint32_t a, b;

	REQUIRE(listen());
	a = event_alloc_unbound(DOMID_SELF);
	REQUIRE(a != 0);
	REQUIRE_EQUAL(event_status(a, &status), 0);
	REQUIRE_EQUAL(status.status, EVTCHNSTAT_unbound);
	b = event_bind(DOMID_SELF, a);
	REQUIRE(b != 0 && b != a);
	REQUIRE_EQUAL(event_status(a, &status), 0);
	REQUIRE_EQUAL(status.status, EVTCHNSTAT_interdomain);
	REQUIRE_EQUAL(status.u.interdomain.port, b);
	/* The end that was bound last starts pending, to cover what was missed. */
	REQUIRE(event_is_pending(b));
	REQUIRE(!event_is_pending(a));
	event_clear_pending(b);
	REQUIRE_EQUAL(event_send(a), 0);
	REQUIRE(event_is_pending(b) && !event_is_pending(a));
	REQUIRE_EQUAL(event_send(b), 0);
	REQUIRE(event_is_pending(a));
	event_clear_pending(a);
	event_clear_pending(b);
	/* When one end closes, the other is unbound again. */
	REQUIRE_EQUAL(event_close(b), 0);
	REQUIRE_EQUAL(event_status(a, &status), 0);
	REQUIRE_EQUAL(status.status, EVTCHNSTAT_unbound);
	REQUIRE_EQUAL(event_send(a), 0);
	REQUIRE_EQUAL(event_close(a), 0);
	REQUIRE_EQUAL(event_status(a, &status), 0);
	REQUIRE_EQUAL(status.status, EVTCHNSTAT_closed);
}

static void upcall_is_delivered(void)
{
	uint32_t a, b;

	REQUIRE(listen());
	a = event_alloc_unbound(DOMID_SELF);
	b = event_bind(DOMID_SELF, a);
	REQUIRE(a != 0 && b != 0);
	event_clear_pending(b);
	event_unmask_quietly(b);
	irq_enable();
	for (uint32_t i = 1; i <= 100; i++) {
		REQUIRE_EQUAL(event_send(a), 0);
		REQUIRE(WAIT_UNTIL(READ_ONCE(times[b]) == i, 1000), "event %u", i);
	}
	irq_disable();
	REQUIRE_EQUAL(event_close(b), 0);
	REQUIRE_EQUAL(event_close(a), 0);
}

static void masked_event_waits(void)
{
	struct evtchn_unmask unmask;
	uint32_t a, b, before;

	REQUIRE(listen());
	a = event_alloc_unbound(DOMID_SELF);
	b = event_bind(DOMID_SELF, a);
	event_clear_pending(b);
	event_mask(b);
	irq_enable();
	delay_us(200);
	before = READ_ONCE(upcalls[0]);
	REQUIRE_EQUAL(event_send(a), 0);
	delay_us(300);
	REQUIRE(event_is_pending(b));
	REQUIRE(READ_ONCE(upcalls[0]) == before && times[b] == 0, "delivered although masked");
	unmask.port = b;
	REQUIRE_EQUAL(event_op(EVTCHNOP_unmask, &unmask), 0);
	REQUIRE(WAIT_UNTIL(READ_ONCE(times[b]) == 1, 1000), "not delivered when unmasked");
	irq_disable();
	REQUIRE_EQUAL(event_close(b), 0);
	REQUIRE_EQUAL(event_close(a), 0);
}

/* Two sends before the guest looks are one event. */
static void pending_stays_one(void)
{
	uint32_t port;

	REQUIRE(listen());
	port = event_bind_ipi(0);
	REQUIRE(port != 0);
	event_unmask_quietly(port);
	for (unsigned int i = 0; i < 5; i++) {
		REQUIRE_EQUAL(event_send(port), 0);
	}
	irq_enable();
	delay_us(500);
	irq_disable();
	REQUIRE_EQUAL(times[port], 1);
	REQUIRE_EQUAL(event_close(port), 0);
}

static void ipi_status(void)
{
	struct evtchn_status status;
	struct evtchn_bind_vcpu move;
	uint32_t port = event_bind_ipi(0);

	REQUIRE(port != 0);
	REQUIRE_EQUAL(event_status(port, &status), 0);
	REQUIRE_EQUAL(status.status, EVTCHNSTAT_ipi);
	REQUIRE_EQUAL(status.vcpu, 0);
	/* An IPI stays where it is. */
	move = (struct evtchn_bind_vcpu){.port = port, .vcpu = 0};
	REQUIRE_EQUAL(event_op(EVTCHNOP_bind_vcpu, &move), -XEN_EINVAL);
	REQUIRE_EQUAL(event_close(port), 0);
}

static void ipi_between_cpus(void)
{
	uint32_t port[GUEST_MAX_CPUS];

	REQUIRE(listen());
	REQUIRE(event_listeners_start(machine.nr_cpus - 1, false));
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		port[i] = event_bind_ipi(i);
		REQUIRE(port[i] != 0);
		WRITE_ONCE(mine[i], BIT64(port[i]));
		event_unmask_quietly(port[i]);
	}
	for (uint32_t round = 1; round <= 50; round++) {
		for (unsigned int i = 1; i < machine.nr_cpus; i++) {
			REQUIRE_EQUAL(event_send(port[i]), 0);
			REQUIRE(WAIT_UNTIL(READ_ONCE(times[port[i]]) == round, 3000),
				"vCPU %u, round %u", i, round);
		}
	}
	REQUIRE(event_listeners_stop(machine.nr_cpus - 1));
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(seen[i] == BIT64(port[i]), "vCPU %u saw ports %#lx", i, seen[i]);
		REQUIRE_EQUAL(event_close(port[i]), 0);
	}
}

/* An event channel can be moved to another vCPU; nothing gets lost meanwhile. */
static void move_to_another_cpu(void)
{
	struct evtchn_bind_vcpu move;
	uint32_t a, b;

	REQUIRE(listen());
	a = event_alloc_unbound(DOMID_SELF);
	b = event_bind(DOMID_SELF, a);
	event_clear_pending(b);
	event_unmask_quietly(b);
	move = (struct evtchn_bind_vcpu){.port = b, .vcpu = 1};
	REQUIRE_EQUAL(event_op(EVTCHNOP_bind_vcpu, &move), 0);
	REQUIRE(event_listeners_start(1, false));
	irq_enable();
	REQUIRE_EQUAL(event_send(a), 0);
	REQUIRE(WAIT_UNTIL(READ_ONCE(times[b]) == 1, 3000));
	irq_disable();
	REQUIRE(event_listeners_stop(1));
	REQUIRE((seen[1] & BIT64(b)) != 0 && (seen[0] & BIT64(b)) == 0);
	move.vcpu = 99;
	REQUIRE_EQUAL(event_op(EVTCHNOP_bind_vcpu, &move), -XEN_ENOENT);
	REQUIRE_EQUAL(event_close(b), 0);
	REQUIRE_EQUAL(event_close(a), 0);
}

static void virqs(void)
{
	struct evtchn_bind_virq bind = {.virq = VIRQ_TIMER, .vcpu = 0};
	struct evtchn_status status;
	uint32_t port;

	REQUIRE(listen());
	REQUIRE_EQUAL(event_op(EVTCHNOP_bind_virq, &bind), 0);
	port = bind.port;
	REQUIRE_EQUAL(event_status(port, &status), 0);
	REQUIRE_EQUAL(status.status, EVTCHNSTAT_virq);
	REQUIRE_EQUAL(status.u.virq, VIRQ_TIMER);
	/* Once a vCPU. */
	REQUIRE_EQUAL(event_op(EVTCHNOP_bind_virq, &bind), -XEN_EEXIST);
	bind = (struct evtchn_bind_virq){.virq = VIRQ_TIMER, .vcpu = 99};
	REQUIRE_EQUAL(event_op(EVTCHNOP_bind_virq, &bind), -XEN_ENOENT);
	bind = (struct evtchn_bind_virq){.virq = 99, .vcpu = 0};
	REQUIRE_EQUAL(event_op(EVTCHNOP_bind_virq, &bind), -XEN_EINVAL);
	/* A guest does not send a VIRQ, and on Arm the hypervisor never sends this one. */
	REQUIRE_EQUAL(event_send(port), -XEN_EINVAL);
	event_unmask_quietly(port);
	irq_enable();
	delay_us(20000);
	irq_disable();
	REQUIRE_EQUAL(times[port], 0);
	REQUIRE_EQUAL(event_close(port), 0);
}

static void bad_arguments(void)
{
	struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF, .remote_port = 1000};
	struct evtchn_bind_pirq pirq = {.pirq = 5};
	struct evtchn_alloc_unbound alloc = {.dom = 0x7777, .remote_dom = 0};
	struct evtchn_unmask unmask = {.port = 1000000};
	struct evtchn_status status;

	EXPECT_EQUAL(event_send(0), -XEN_EINVAL);
	EXPECT_EQUAL(event_send(1000), -XEN_EINVAL);
	EXPECT_EQUAL(event_send(0xffffffff), -XEN_EINVAL);
	EXPECT_EQUAL(event_close(1000), -XEN_EINVAL);
	EXPECT_EQUAL(event_close(0xffffffff), -XEN_EINVAL);
	EXPECT_EQUAL(event_op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
	EXPECT_EQUAL(event_op(EVTCHNOP_unmask, &unmask), -XEN_EINVAL);
	EXPECT_EQUAL(event_status(0xffffffff, &status), -XEN_EINVAL);
	EXPECT(event_op(EVTCHNOP_bind_pirq, &pirq) < 0);
	EXPECT(event_op(EVTCHNOP_alloc_unbound, &alloc) < 0);
	EXPECT_EQUAL(event_op(999, &alloc), -XEN_ENOSYS);
	EXPECT_EQUAL(event_bind_ipi(99), 0);
	/* A pointer to nowhere. */
	EXPECT_EQUAL(event_op(EVTCHNOP_send, (void *)UINT64_C(0x7700000000)), -XEN_EFAULT);
}

/* Ports run out with an error, and come back. */
static void all_ports(void)
{
	static uint32_t ports[4096];
	unsigned int nr = 0;
	struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
	int64_t rc;

	for (;;) {
		rc = event_op(EVTCHNOP_alloc_unbound, &alloc);
		if (rc != 0 || nr == ARRAY_SIZE(ports)) {
			break;
		}
		REQUIRE(alloc.port >= 1 && alloc.port < 4096, "port %u", alloc.port);
		ports[nr++] = alloc.port;
	}
	REQUIRE_EQUAL(rc, -XEN_ENOSPC);
	/* Without a dom0 nothing has been bound before the guest: dom0less domains have ports 1 to 1023. */
	REQUIRE(nr >= 1000 && nr <= 1023, "%u ports", nr);
	for (unsigned int i = 0; i < nr; i++) {
		REQUIRE_EQUAL(event_close(ports[i]), 0);
	}
	REQUIRE_EQUAL(event_op(EVTCHNOP_alloc_unbound, &alloc), 0);
	REQUIRE_EQUAL(event_close(alloc.port), 0);
}

static void high_ports(void)
{
	struct vcpu_info *info;
	static uint32_t ports[200];
	uint32_t a, b;

	REQUIRE(listen());
	info = xen_vcpu_info(0);
	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
		ports[i] = event_alloc_unbound(DOMID_SELF);
		REQUIRE(ports[i] != 0);
	}
	a = event_alloc_unbound(DOMID_SELF);
	b = event_bind(DOMID_SELF, a);
	REQUIRE(b > 200 && b / 64 < 64);
	event_clear_pending(b);
	info->evtchn_pending_sel = 0;
	info->evtchn_upcall_pending = 0;
	event_unmask_quietly(b);
	REQUIRE_EQUAL(event_send(a), 0);
	EXPECT(event_is_pending(b));
	EXPECT_EQUAL(info->evtchn_pending_sel, BIT64(b / 64));
	EXPECT_EQUAL(info->evtchn_upcall_pending, 1);
	event_mask(b);
	event_clear_pending(b);
	EXPECT_EQUAL(event_close(b), 0);
	EXPECT_EQUAL(event_close(a), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
		EXPECT_EQUAL(event_close(ports[i]), 0);
	}
	irq_enable();
	delay_us(100);
	irq_disable();
}

/* ---- numbers and states ------------------------------------------------------------------------- */

static void lowest_free_port_is_given(void)
{
	uint32_t port[4];

	REQUIRE_EQUAL(event_reset(), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(port); i++) {
		port[i] = event_bind_ipi(0);
		/* 0 is nobody's. */
		REQUIRE_EQUAL(port[i], i + 1);
	}
	REQUIRE_EQUAL(event_close(3), 0);
	REQUIRE_EQUAL(event_close(2), 0);
	EXPECT_EQUAL(event_alloc_unbound(DOMID_SELF), 2);
	EXPECT_EQUAL(bind_virq(VIRQ_DEBUG, 0), 3);
	EXPECT_EQUAL(event_bind_ipi(0), 5);
	REQUIRE_EQUAL(event_reset(), 0);
}

static void port_zero_is_nobodys(void)
{
	struct evtchn_status status;

	EXPECT_EQUAL(event_send(0), -XEN_EINVAL);
	EXPECT_EQUAL(event_close(0), -XEN_EINVAL);
	EXPECT_EQUAL(event_bind_vcpu(0, 0), -XEN_EINVAL);
	EXPECT_EQUAL(event_unmask(0), 0);
	EXPECT_EQUAL(try_bind(DOMID_SELF, 0), -XEN_EINVAL);
	EXPECT_EQUAL(event_status(0, &status), 0);
	EXPECT_EQUAL(status.status, EVTCHNSTAT_closed);
}

/* What status says of each kind of port. */
static void status_of_every_kind(void)
{
	struct evtchn_status status;
	domid_t self = event_own_domid();
	uint32_t a, b, ipi, virq;

	REQUIRE_EQUAL(event_reset(), 0);
	REQUIRE(self != DOMID_INVALID);
	a = event_alloc_unbound(DOMID_SELF);
	REQUIRE_EQUAL(event_status(a, &status), 0);
	EXPECT_EQUAL(status.status, EVTCHNSTAT_unbound);
	EXPECT_EQUAL(status.vcpu, 0);
	EXPECT_EQUAL(status.u.unbound.dom, self);
	b = event_bind(self, a);
	REQUIRE(b != 0);
	/* By its number as by DOMID_SELF. */
	status = (struct evtchn_status){.dom = self, .port = b};
	REQUIRE_EQUAL(event_op(EVTCHNOP_status, &status), 0);
	EXPECT_EQUAL(status.status, EVTCHNSTAT_interdomain);
	EXPECT_EQUAL(status.u.interdomain.dom, self);
	EXPECT_EQUAL(status.u.interdomain.port, a);
	EXPECT_EQUAL(status.dom, self);
	EXPECT_EQUAL(status.port, b);
	ipi = event_bind_ipi(machine.nr_cpus - 1);
	REQUIRE_EQUAL(event_status(ipi, &status), 0);
	EXPECT_EQUAL(status.status, EVTCHNSTAT_ipi);
	EXPECT_EQUAL(status.vcpu, machine.nr_cpus - 1);
	virq = bind_virq(VIRQ_DEBUG, machine.nr_cpus - 1);
	REQUIRE_EQUAL(event_status(virq, &status), 0);
	EXPECT_EQUAL(status.status, EVTCHNSTAT_virq);
	EXPECT_EQUAL(status.vcpu, machine.nr_cpus - 1);
	EXPECT_EQUAL(status.u.virq, VIRQ_DEBUG);
	/* A port that has been free since, and one that never was taken. */
	REQUIRE_EQUAL(event_close(ipi), 0);
	REQUIRE_EQUAL(event_status(ipi, &status), 0);
	EXPECT_EQUAL(status.status, EVTCHNSTAT_closed);
	EXPECT_EQUAL(status.vcpu, 0);
	EXPECT_EQUAL(event_status(1000000, &status), -XEN_EINVAL);
	status = (struct evtchn_status){.dom = 0x7000, .port = 1};
	EXPECT_EQUAL(event_op(EVTCHNOP_status, &status), -XEN_ESRCH);
	status.dom = DOMID_INVALID;
	EXPECT_EQUAL(event_op(EVTCHNOP_status, &status), -XEN_ESRCH);
	REQUIRE_EQUAL(event_reset(), 0);
}

static void unbound_port_refuses_who_may_not(void)
{
	struct evtchn_alloc_unbound alloc = {.dom = 0x7000, .remote_dom = DOMID_SELF};
	uint32_t a, b;

	REQUIRE_EQUAL(event_reset(), 0);
	EXPECT_EQUAL(event_op(EVTCHNOP_alloc_unbound, &alloc), -XEN_ESRCH);
	alloc.dom = DOMID_XEN;
	EXPECT_EQUAL(event_op(EVTCHNOP_alloc_unbound, &alloc), -XEN_ESRCH);
	a = event_alloc_unbound(DOMID_SELF);
	REQUIRE(a != 0);
	EXPECT_EQUAL(try_bind(0x7000, a), -XEN_ESRCH);
	EXPECT_EQUAL(try_bind(DOMID_IO, a), -XEN_ESRCH);
	EXPECT_EQUAL(try_bind(DOMID_SELF, a + 1), -XEN_EINVAL);
	EXPECT_EQUAL(try_bind(DOMID_SELF, 0xffffffff), -XEN_EINVAL);
	b = event_bind(DOMID_SELF, a);
	REQUIRE(b != 0);
	/* Taken, both ends. */
	EXPECT_EQUAL(try_bind(DOMID_SELF, a), -XEN_EINVAL);
	EXPECT_EQUAL(try_bind(DOMID_SELF, b), -XEN_EINVAL);
	/* No refusal has kept a port. */
	EXPECT_EQUAL(event_bind_ipi(0), b + 1);
	/* IPIs and VIRQs are nobody's peers. */
	EXPECT_EQUAL(try_bind(DOMID_SELF, b + 1), -XEN_EINVAL);
	REQUIRE_EQUAL(event_reset(), 0);
}

/* Either end may go first, and come back. */
static void close_leaves_the_peer_unbound(void)
{
	struct evtchn_status status;
	domid_t self = event_own_domid();

	REQUIRE(listen());
	for (unsigned int turn = 0; turn < 2; turn++) {
		uint32_t a, b, closed, left, again;

		REQUIRE_EQUAL(event_reset(), 0);
		a = event_alloc_unbound(DOMID_SELF);
		b = event_bind(DOMID_SELF, a);
		event_clear_pending(b);
		closed = turn == 0 ? a : b;
		left = turn == 0 ? b : a;
		REQUIRE_EQUAL(event_send(left), 0);
		REQUIRE(event_is_pending(closed));
		REQUIRE_EQUAL(event_send(closed), 0);
		REQUIRE_EQUAL(event_close(closed), 0);
		/* What was pending goes with the port, and stays with the one that is left. */
		EXPECT(!event_is_pending(closed) && event_is_pending(left));
		event_clear_pending(left);
		EXPECT_EQUAL(event_close(closed), -XEN_EINVAL);
		EXPECT_EQUAL(event_send(closed), -XEN_EINVAL);
		EXPECT_EQUAL(event_state(closed), EVTCHNSTAT_closed);
		REQUIRE_EQUAL(event_status(left, &status), 0);
		EXPECT_EQUAL(status.status, EVTCHNSTAT_unbound);
		EXPECT_EQUAL(status.u.unbound.dom, self);
		EXPECT_EQUAL(event_send(left), 0);
		EXPECT(!event_is_pending(left) && !event_is_pending(closed));
		again = event_bind(DOMID_SELF, left);
		REQUIRE_EQUAL(again, closed);
		EXPECT(event_is_pending(again));
		event_clear_pending(again);
		EXPECT_EQUAL(event_send(left), 0);
		EXPECT(event_is_pending(again));
		EXPECT_EQUAL(event_close(left), 0);
		EXPECT_EQUAL(event_state(again), EVTCHNSTAT_unbound);
		EXPECT_EQUAL(event_close(again), 0);
	}
}

/* Closed, masked and pending; bound again it is not pending, and as masked as it was. */
static void pending_goes_with_its_port(void)
{
	uint32_t port;

	REQUIRE(listen());
	REQUIRE_EQUAL(event_reset(), 0);
	port = event_bind_ipi(0);
	event_mask(port);
	REQUIRE_EQUAL(event_send(port), 0);
	REQUIRE(event_is_pending(port));
	REQUIRE_EQUAL(event_close(port), 0);
	EXPECT(!event_is_pending(port));
	REQUIRE_EQUAL(event_bind_ipi(0), port);
	EXPECT(!event_is_pending(port));
	EXPECT((xen_shared_info()->evtchn_mask[0] & BIT64(port)) != 0);
	REQUIRE_EQUAL(event_close(port), 0);
}

/* ---- VIRQs, IPIs, vCPUs ---------------------------------------------------------------------------- */

static bool virq_is_per_vcpu(uint32_t virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF ||
	       virq == VIRQ_XENPMU;
}

static void every_virq(void)
{
	uint32_t last = machine.nr_cpus - 1;

	REQUIRE_EQUAL(event_reset(), 0);
	for (uint32_t virq = 0; virq < NR_VIRQS; virq++) {
		uint32_t port = bind_virq(virq, 0);
		int64_t rc;

		REQUIRE(port != 0, "VIRQ %u", virq);
		rc = try_virq(virq, 0);
		EXPECT(rc == -XEN_EEXIST, "VIRQ %u twice: %ld", virq, rc);
		if (last > 0) {
			rc = try_virq(virq, last);
			EXPECT(rc == (virq_is_per_vcpu(virq) ? 0 : -XEN_EINVAL),
			       "VIRQ %u on another vCPU: %ld", virq, rc);
		}
		rc = try_virq(virq, machine.nr_cpus);
		EXPECT(rc == (virq_is_per_vcpu(virq) ? -XEN_ENOENT : -XEN_EINVAL),
		       "VIRQ %u on no vCPU: %ld", virq, rc);
		rc = event_bind_vcpu(port, last);
		EXPECT(rc == (virq_is_per_vcpu(virq) ? -XEN_EINVAL : 0), "VIRQ %u moved: %ld", virq,
		       rc);
		EXPECT_EQUAL(event_send(port), -XEN_EINVAL);
		/* Closed where it is, it can be bound again where it was. */
		REQUIRE_EQUAL(event_close(port), 0);
		REQUIRE_EQUAL(bind_virq(virq, 0), port);
	}
	EXPECT_EQUAL(try_virq(NR_VIRQS, 0), -XEN_EINVAL);
	EXPECT_EQUAL(try_virq(0x80000000, 0), -XEN_EINVAL);
	EXPECT_EQUAL(try_virq(0xffffffff, 0), -XEN_EINVAL);
	/* Which is looked at first. */
	EXPECT_EQUAL(try_virq(0xffffffff, 99), -XEN_EINVAL);
	EXPECT_EQUAL(try_virq(VIRQ_TIMER, 0xffffffff), -XEN_ENOENT);
	REQUIRE_EQUAL(event_reset(), 0);
}

static void binding_to_a_vcpu(void)
{
	struct evtchn_status status;
	uint32_t last = machine.nr_cpus - 1, a, b;

	REQUIRE_EQUAL(event_reset(), 0);
	EXPECT_EQUAL(event_bind_ipi(machine.nr_cpus), 0);
	EXPECT_EQUAL(event_bind_ipi(0xffffffff), 0);
	a = event_alloc_unbound(DOMID_SELF);
	/* Bound to a vCPU before it is bound to a peer; both ends have their own. */
	REQUIRE_EQUAL(event_bind_vcpu(a, last), 0);
	b = event_bind(DOMID_SELF, a);
	REQUIRE_EQUAL(event_status(a, &status), 0);
	EXPECT_EQUAL(status.vcpu, last);
	REQUIRE_EQUAL(event_status(b, &status), 0);
	EXPECT_EQUAL(status.vcpu, 0);
	EXPECT_EQUAL(event_bind_vcpu(b, last), 0);
	EXPECT_EQUAL(event_bind_vcpu(b, 0), 0);
	/* The vCPU is looked at before the port. */
	EXPECT_EQUAL(event_bind_vcpu(b, machine.nr_cpus), -XEN_ENOENT);
	EXPECT_EQUAL(event_bind_vcpu(0xffffffff, 0xffffffff), -XEN_ENOENT);
	EXPECT_EQUAL(event_bind_vcpu(0xffffffff, 0), -XEN_EINVAL);
	EXPECT_EQUAL(event_bind_vcpu(b + 1, 0), -XEN_EINVAL);
	/* The next user of the port begins at vCPU 0. */
	REQUIRE_EQUAL(event_close(a), 0);
	REQUIRE_EQUAL(event_alloc_unbound(DOMID_SELF), a);
	REQUIRE_EQUAL(event_status(a, &status), 0);
	EXPECT_EQUAL(status.vcpu, 0);
	REQUIRE_EQUAL(event_reset(), 0);
}

/* ---- delivery ----------------------------------------------------------------------------------------- */

/* Which bits of the three levels a send sets, one after the other. */
static void levels_of_delivery(void)
{
	struct shared_info *shared;
	struct vcpu_info *info;
	uint32_t port;

	REQUIRE(listen());
	REQUIRE_EQUAL(event_reset(), 0);
	shared = xen_shared_info();
	info = xen_vcpu_info(0);
	port = event_bind_ipi(0);
	info->evtchn_pending_sel = 0;
	info->evtchn_upcall_pending = 0;
	event_mask(port);
	REQUIRE_EQUAL(event_send(port), 0);
	EXPECT_EQUAL(info->evtchn_pending_sel, 0);
	EXPECT_EQUAL(info->evtchn_upcall_pending, 0);
	/* Unmasked by hand nothing happens, also by a further send: the event is pending already. */
	event_unmask_quietly(port);
	REQUIRE_EQUAL(event_send(port), 0);
	EXPECT_EQUAL(info->evtchn_pending_sel, 0);
	/* Not masked, the operation has nothing to do. */
	REQUIRE_EQUAL(event_unmask(port), 0);
	EXPECT_EQUAL(info->evtchn_pending_sel, 0);
	event_mask(port);
	REQUIRE_EQUAL(event_unmask(port), 0);
	EXPECT_EQUAL(shared->evtchn_mask[0] & BIT64(port), 0);
	EXPECT_EQUAL(info->evtchn_pending_sel, 1);
	EXPECT_EQUAL(info->evtchn_upcall_pending, 1);
	/* With the selector set no further upcall is asked for. */
	info->evtchn_upcall_pending = 0;
	event_clear_pending(port);
	REQUIRE_EQUAL(event_send(port), 0);
	EXPECT(event_is_pending(port));
	EXPECT_EQUAL(info->evtchn_upcall_pending, 0);
	event_clear_pending(port);
	info->evtchn_pending_sel = 0;
	REQUIRE_EQUAL(event_close(port), 0);
	irq_enable();
	delay_us(200);
	irq_disable();
}

/* The byte that masks upcalls elsewhere has no say on Arm. */
static void upcall_mask_byte_is_ignored(void)
{
	struct vcpu_info *info;
	uint32_t port;

	REQUIRE(listen());
	info = xen_vcpu_info(0);
	port = event_bind_ipi(0);
	event_unmask_quietly(port);
	info->pad0 = 1;
	irq_enable();
	REQUIRE_EQUAL(event_send(port), 0);
	REQUIRE(WAIT_UNTIL(READ_ONCE(times[port]) == 1, 1000));
	irq_disable();
	EXPECT_EQUAL(info->pad0, 1);
	info->pad0 = 0;
	REQUIRE_EQUAL(event_close(port), 0);
}

static void come_up(uint64_t argument)
{
	if (!machine.tenon) {
		/* Xen has noted the event, and forgets the interrupt. */
		on_upcall(PPI_UPCALL);
	}
	event_listen(false);
}

/* An event for a vCPU that is down is there when it comes up. */
static void event_for_a_vcpu_that_is_down(void)
{
	uint32_t port;

	REQUIRE(listen());
	port = event_bind_ipi(1);
	WRITE_ONCE(mine[1], BIT64(port));
	event_unmask_quietly(port);
	REQUIRE_EQUAL(event_send(port), 0);
	REQUIRE(event_is_pending(port));
	REQUIRE(smp_start(1, come_up, 0));
	REQUIRE(WAIT_UNTIL(READ_ONCE(times[port]) == 1, 3000));
	REQUIRE(event_listeners_stop(1));
	REQUIRE_EQUAL(event_close(port), 0);
}

/* vCPUs that block, run or are waiting for a CPU: with fewer CPUs than vCPUs all of that, and moves, come about. */
static void events_in_a_ring(void)
{
	uint32_t port[GUEST_MAX_CPUS], last = machine.nr_cpus - 1;

	REQUIRE(listen());
	REQUIRE(event_listeners_start(last, true));
	for (unsigned int i = 1; i <= last; i++) {
		port[i] = event_bind_ipi(i);
		WRITE_ONCE(mine[i], BIT64(port[i]));
		event_unmask_quietly(port[i]);
	}
	for (uint32_t round = 1; round <= 100; round++) {
		for (unsigned int i = 1; i <= last; i++) {
			REQUIRE_EQUAL(event_send(port[i]), 0);
		}
		for (unsigned int i = 1; i <= last; i++) {
			REQUIRE(WAIT_UNTIL(READ_ONCE(times[port[i]]) == round, 3000),
				"vCPU %u, round %u", i, round);
		}
	}
	REQUIRE(event_listeners_stop(last));
	for (unsigned int i = 1; i <= last; i++) {
		REQUIRE_EQUAL(event_close(port[i]), 0);
	}
}

/* ---- reset, bad arguments ----------------------------------------------------------------------------- */

static void reset_closes_everything(void)
{
	struct evtchn_reset reset = {.dom = event_own_domid()};

	REQUIRE_EQUAL(event_reset(), 0);
	for (unsigned int i = 0; i < 200; i++) {
		REQUIRE(event_bind_ipi(0) != 0);
	}
	REQUIRE_EQUAL(event_bind(DOMID_SELF, event_alloc_unbound(DOMID_SELF)), 202);
	REQUIRE(bind_virq(VIRQ_DEBUG, 0) != 0);
	/* By its number too. */
	REQUIRE_EQUAL(event_op(EVTCHNOP_reset, &reset), 0);
	for (uint32_t port = 1; port <= 203; port++) {
		REQUIRE_EQUAL(event_state(port), EVTCHNSTAT_closed);
	}
	REQUIRE_EQUAL(bind_virq(VIRQ_DEBUG, 0), 1);
	REQUIRE_EQUAL(event_reset(), 0);
	reset.dom = 0x7000;
	EXPECT_EQUAL(event_op(EVTCHNOP_reset, &reset), -XEN_ESRCH);
	reset.dom = DOMID_INVALID;
	EXPECT_EQUAL(event_op(EVTCHNOP_reset, &reset), -XEN_ESRCH);
}

static void numbers_of_no_operation(void)
{
	static const unsigned int numbers[] = {15, 16, 100, 0x10a, 0x10c, 0x7fffffff, 0xffffffff};
	struct evtchn_reset reset = {.dom = DOMID_SELF};

	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		int64_t rc = event_op(numbers[i], &reset);

		EXPECT(rc == -XEN_ENOSYS, "operation %#x: %ld", numbers[i], rc);
	}
}

static void arguments_in_bad_places(void)
{
	struct evtchn_bind_interdomain interdomain = {.remote_dom = DOMID_SELF, .remote_port = 9};
	struct evtchn_bind_virq virq = {.virq = 99};
	struct evtchn_bind_pirq pirq = {.pirq = 0xffffffff};
	struct evtchn_close close = {.port = 1000000};
	struct evtchn_send send = {.port = 1};
	struct evtchn_status status = {.dom = DOMID_SELF, .port = 1};
	struct evtchn_alloc_unbound unbound = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
	struct evtchn_bind_ipi ipi = {.vcpu = 0};
	struct evtchn_bind_vcpu vcpu = {.port = 1, .vcpu = 0};
	struct evtchn_unmask unmask = {.port = 1};
	struct evtchn_reset reset = {.dom = DOMID_SELF};
#define PLACE(op, argument, writes, answer)                                  \
	{                                                                    \
		EVTCHNOP_##op, &(argument), sizeof(argument), writes, answer \
	}
	const struct event_place places[] = {
		PLACE(alloc_unbound, unbound, true, 0),
		PLACE(send, send, false, 0),
		PLACE(status, status, true, 0),
		PLACE(bind_vcpu, vcpu, false, 0),
		PLACE(unmask, unmask, false, 0),
		PLACE(close, close, false, -XEN_EINVAL),
		PLACE(bind_ipi, ipi, true, 0),
		PLACE(bind_pirq, pirq, false, -XEN_EINVAL),
		PLACE(bind_interdomain, interdomain, false, -XEN_EINVAL),
		PLACE(bind_virq, virq, false, -XEN_EINVAL),
		PLACE(reset, reset, false, 0),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		REQUIRE_EQUAL(event_reset(), 0);
		REQUIRE_EQUAL(event_alloc_unbound(DOMID_SELF), 1);
		event_try_places(&places[i]);
	}
	REQUIRE_EQUAL(event_reset(), 0);
}

/* A port that its owner cannot be told of is not kept. Xen keeps it. */
static void lost_result_leaves_no_port(void)
{
	struct evtchn_bind_ipi ipi = {.vcpu = 0};
	struct evtchn_alloc_unbound unbound = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
	struct evtchn_bind_ipi *read_only = (struct evtchn_bind_ipi *)mmu_spare_page(0);

	REQUIRE_EQUAL(event_reset(), 0);
	memcpy(xen_spare_pages[0], &ipi, sizeof(ipi));
	REQUIRE(mmu_map_page(mmu_spare_page(0), (uintptr_t)xen_spare_pages[0], MMU_READ_ONLY));
	EXPECT_EQUAL(event_op(EVTCHNOP_bind_ipi, read_only), -XEN_EFAULT);
	EXPECT_EQUAL(event_state(1), EVTCHNSTAT_closed);
	memcpy(xen_spare_pages[0], &unbound, sizeof(unbound));
	EXPECT_EQUAL(event_op(EVTCHNOP_alloc_unbound, read_only), -XEN_EFAULT);
	EXPECT_EQUAL(event_state(1), EVTCHNSTAT_closed);
	mmu_map_page(mmu_spare_page(0), 0, MMU_UNMAPPED);
}

const struct guest_case guest_cases[] = {
	CASE(all_ports),
	CASE(loopback),
	CASE(upcall_is_delivered),
	CASE(masked_event_waits),
	CASE(pending_stays_one),
	CASE(ipi_status),
	CASE(ipi_between_cpus, .min_cpus = 2),
	CASE(move_to_another_cpu, .min_cpus = 2),
	CASE(virqs),
	CASE(bad_arguments),
	CASE(high_ports),
	CASE(lowest_free_port_is_given),
	CASE(port_zero_is_nobodys),
	CASE(status_of_every_kind),
	CASE(unbound_port_refuses_who_may_not),
	CASE(close_leaves_the_peer_unbound),
	CASE(pending_goes_with_its_port),
	CASE(every_virq),
	CASE(binding_to_a_vcpu),
	CASE(levels_of_delivery),
	CASE(upcall_mask_byte_is_ignored),
	CASE(event_for_a_vcpu_that_is_down, .min_cpus = 2),
	CASE(events_in_a_ring, .min_cpus = 2),
	CASE(reset_closes_everything),
	CASE(numbers_of_no_operation),
	CASE(arguments_in_bad_places),
	CASE(lost_result_leaves_no_port, .flags = TENON_ONLY),
	CASE_END,
};
