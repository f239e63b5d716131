/* SPDX-License-Identifier: MIT */
/* Event channels of the 2-level ABI, all within one domain (public/event_channel.h; xen-abi-arm: "Event channels"). */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
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

static uint32_t alloc_unbound(domid_t remote)
{
	struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = remote};

	return event_op(EVTCHNOP_alloc_unbound, &alloc) == 0 ? alloc.port : 0;
}

static uint32_t bind_to(uint32_t remote_port)
{
	struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF, .remote_port = remote_port};

	return event_op(EVTCHNOP_bind_interdomain, &bind) == 0 ? bind.local_port : 0;
}

static uint32_t bind_ipi(uint32_t vcpu)
{
	struct evtchn_bind_ipi bind = {.vcpu = vcpu};

	return event_op(EVTCHNOP_bind_ipi, &bind) == 0 ? bind.port : 0;
}

static int64_t status_of(uint32_t port, struct evtchn_status *status)
{
	*status = (struct evtchn_status){.dom = DOMID_SELF, .port = port};
	return event_op(EVTCHNOP_status, status);
}

static void loopback(void)
{
	struct evtchn_status status;
	uint32_t a, b;

	REQUIRE(listen());
	a = alloc_unbound(DOMID_SELF);
	REQUIRE(a != 0);
	REQUIRE_EQUAL(status_of(a, &status), 0);
	REQUIRE_EQUAL(status.status, EVTCHNSTAT_unbound);
	b = bind_to(a);
	REQUIRE(b != 0 && b != a);
	REQUIRE_EQUAL(status_of(a, &status), 0);
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
	REQUIRE_EQUAL(status_of(a, &status), 0);
	REQUIRE_EQUAL(status.status, EVTCHNSTAT_unbound);
	REQUIRE_EQUAL(event_send(a), 0);
	REQUIRE_EQUAL(event_close(a), 0);
	REQUIRE_EQUAL(status_of(a, &status), 0);
	REQUIRE_EQUAL(status.status, EVTCHNSTAT_closed);
}

static void upcall_is_delivered(void)
{
	uint32_t a, b;

	REQUIRE(listen());
	a = alloc_unbound(DOMID_SELF);
	b = bind_to(a);
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
	a = alloc_unbound(DOMID_SELF);
	b = bind_to(a);
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
	port = bind_ipi(0);
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
	uint32_t port = bind_ipi(0);

	REQUIRE(port != 0);
	REQUIRE_EQUAL(status_of(port, &status), 0);
	REQUIRE_EQUAL(status.status, EVTCHNSTAT_ipi);
	REQUIRE_EQUAL(status.vcpu, 0);
	/* An IPI stays where it is. */
	move = (struct evtchn_bind_vcpu){.port = port, .vcpu = 0};
	REQUIRE_EQUAL(event_op(EVTCHNOP_bind_vcpu, &move), -XEN_EINVAL);
	REQUIRE_EQUAL(event_close(port), 0);
}

static uint32_t quit;

static void listen_elsewhere(uint64_t argument)
{
	if (xen_vcpu_info(this_cpu()->idx) == NULL) {
		test_fail(__FILE__, __LINE__, "", " vCPU %u: no vcpu_info", this_cpu()->idx);
		return;
	}
	gic_enable(PPI_UPCALL);
	__atomic_fetch_add(&quit, 1, __ATOMIC_ACQ_REL);
	while (READ_ONCE(quit) < 100) {
		wfi();
		irq_enable();
		isb();
		irq_disable();
	}
}

static void ipi_between_cpus(void)
{
	uint32_t port[GUEST_MAX_CPUS];

	REQUIRE(listen());
	quit = 0;
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_start(i, listen_elsewhere, 0));
	}
	REQUIRE(WAIT_UNTIL(READ_ONCE(quit) == machine.nr_cpus - 1, 3000));
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		port[i] = bind_ipi(i);
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
	WRITE_ONCE(quit, 100);
	gic_send_sgi_others(15);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_wait_off(i));
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
	a = alloc_unbound(DOMID_SELF);
	b = bind_to(a);
	event_clear_pending(b);
	event_unmask_quietly(b);
	move = (struct evtchn_bind_vcpu){.port = b, .vcpu = 1};
	REQUIRE_EQUAL(event_op(EVTCHNOP_bind_vcpu, &move), 0);
	quit = 0;
	REQUIRE(smp_start(1, listen_elsewhere, 0));
	REQUIRE(WAIT_UNTIL(READ_ONCE(quit) == 1, 3000));
	irq_enable();
	REQUIRE_EQUAL(event_send(a), 0);
	REQUIRE(WAIT_UNTIL(READ_ONCE(times[b]) == 1, 3000));
	irq_disable();
	WRITE_ONCE(quit, 100);
	gic_send_sgi(1, 15);
	REQUIRE(smp_wait_off(1));
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
	REQUIRE_EQUAL(status_of(port, &status), 0);
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
	EXPECT_EQUAL(status_of(0xffffffff, &status), -XEN_EINVAL);
	EXPECT(event_op(EVTCHNOP_bind_pirq, &pirq) < 0);
	EXPECT(event_op(EVTCHNOP_alloc_unbound, &alloc) < 0);
	EXPECT_EQUAL(event_op(999, &alloc), -XEN_ENOSYS);
	EXPECT_EQUAL(bind_ipi(99), 0);
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
		ports[i] = alloc_unbound(DOMID_SELF);
		REQUIRE(ports[i] != 0);
	}
	a = alloc_unbound(DOMID_SELF);
	b = bind_to(a);
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

/* SCHEDOP_poll waits for a port, with a timeout. */
static void poll_for_a_port(void)
{
	evtchn_port_t port;
	struct sched_poll poll = {.nr_ports = 1};
	uint64_t start;

	REQUIRE(listen());
	port = bind_ipi(0);
	REQUIRE(port != 0);
	set_xen_guest_handle(poll.ports, &port);
	/* The timeout is absolute, in the hypervisor's time, which has passed this long ago. */
	poll.timeout = 1;
	start = counter_virtual();
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll), 0);
	REQUIRE(counter_virtual() - start < us_to_ticks(2000000));
	/* Pending, it returns at once, whatever the timeout. */
	REQUIRE_EQUAL(event_send(port), 0);
	poll.timeout = 0;
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll), 0);
	REQUIRE(event_clear_pending(port));
	poll.nr_ports = 129;
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll), -XEN_EINVAL);
	REQUIRE_EQUAL(event_close(port), 0);
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
	CASE(poll_for_a_port),
	CASE_END,
};
