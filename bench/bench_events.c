/* SPDX-License-Identifier: MIT */
/*
 * Events: to the sender itself, to another vCPU and to another domain, each until its handler has run. With one CPU
 * the latter two mean a switch there and one back: the answer is part of what is measured.
 *
 * The domains find each other without a store: their ids are known, and the peers try ports until one can be bound.
 * Each peer waits for events from then on and answers each.
 */
#include "bench.h"

#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_smp.h"

/* Domain ids are given out in the order of the device tree: this one, a peer with its MMU off, one with it on. */
#define MEASURING_DOMID 1

/* Which port is whose end of what: to_this is where the other vCPU answers. */
static struct evtchn_send to_self, to_self_masked, to_other, to_this;
/* Peers with their MMU off and on. */
static struct evtchn_send to_peer[2];

static struct bench_context context_of(unsigned int cpu_idx, struct evtchn_send *send)
{
	return (struct bench_context){
		.gicc = machine.gic_version == 2 ? machine.gicc : 0,
		.info = xen_vcpu_info(cpu_idx),
		.pending = (uint64_t *)xen_shared_info()->evtchn_pending,
		.send = send,
	};
}

/* A plain store: with its MMU off a guest has no atomics, and nobody else changes the word meanwhile. */
static void unmask(uint32_t port)
{
	xen_ulong_t *word = &xen_shared_info()->evtchn_mask[port / 64];

	WRITE_ONCE(*word, *word & ~((xen_ulong_t)1 << (port % 64)));
}

/* What came with the registration of vcpu_info: every selector bit, and an upcall. Then nothing is pending any more. */
static void quiesce(const struct bench_context *context)
{
	WRITE_ONCE(context->info->evtchn_upcall_pending, 0);
	WRITE_ONCE(context->info->evtchn_pending_sel, 0);
	WRITE_ONCE(*context->pending, 0);
	gic_enable(PPI_UPCALL);
	/* It is in a list register, where Xen leaves it until it is taken. */
	irq_enable();
	isb();
	irq_disable();
}

static bool bind_ipi(uint32_t vcpu, uint32_t *port)
{
	struct evtchn_bind_ipi bind = {.vcpu = vcpu};
	bool ok = event_op(EVTCHNOP_bind_ipi, &bind) == 0;

	*port = bind.port;
	return ok;
}

static bool alloc_unbound(uint16_t remote, uint32_t *port)
{
	struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = remote};
	bool ok = event_op(EVTCHNOP_alloc_unbound, &alloc) == 0;

	*port = alloc.port;
	return ok;
}

/* ---- the other vCPU ------------------------------------------------------------------------------- */

static uint8_t other_is_ready, other_stops;

static void answer(uint64_t unused)
{
	struct bench_context context = context_of(1, &to_this);

	quiesce(&context);
	dsb_sy();
	WRITE_ONCE(other_is_ready, 1);
	bench_pong_with_vectors(&other_stops, &context);
}

static void to_another_vcpu(void)
{
	struct bench_context context = context_of(0, &to_other);

	WRITE_ONCE(other_stops, 0);
	WRITE_ONCE(other_is_ready, 0);
	REQUIRE(smp_start(1, answer, 0));
	/* What is sent before would be swept away. */
	REQUIRE(WAIT_UNTIL(READ_ONCE(other_is_ready) != 0, 5000));
	bench_measure("event.vcpu_and_back", bench_loop_ping, 1000, &context, true);
	WRITE_ONCE(other_stops, 1);
	dsb_sy();
	REQUIRE_EQUAL(event_send(to_other.port), 0);
	REQUIRE(smp_wait_off(1));
}

/* ---- the other domain ----------------------------------------------------------------------------- */

static bool is_bound(uint32_t port)
{
	struct evtchn_status status = {.dom = DOMID_SELF, .port = port};

	hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	return event_op(EVTCHNOP_status, &status) == 0 && status.status == EVTCHNSTAT_interdomain;
}

static void to_another_domain(void)
{
	struct bench_context context = context_of(0, &to_peer[mmu_is_on()]);

	REQUIRE(WAIT_UNTIL(is_bound(context.send->port), 20000),
		"a peer is missing, or the boot option xsm=dummy");
	bench_measure("event.domain_and_back", bench_loop_ping, 1000, &context, true);
}

/* The measuring domain's port for this one is the only one that can be bound. */
static bool bind_interdomain(uint32_t *port)
{
	for (uint32_t remote_port = 1; remote_port < 16; remote_port++) {
		struct evtchn_bind_interdomain bind = {.remote_dom = MEASURING_DOMID,
						       .remote_port = remote_port};

		if (event_op(EVTCHNOP_bind_interdomain, &bind) == 0) {
			*port = bind.local_port;
			return true;
		}
	}
	hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	return false;
}

void bench_event_peer(bool with_mmu)
{
	static const uint8_t never;
	static struct evtchn_send reply;
	struct bench_context context;

	if (with_mmu) {
		mmu_enable();
	}
	REQUIRE(xen_shared_info() != NULL && xen_vcpu_info(0) != NULL);
	REQUIRE(WAIT_UNTIL(bind_interdomain(&reply.port), 20000));
	context = context_of(0, &reply);
	unmask(reply.port);
	quiesce(&context);
	bench_pong_with_vectors(&never, &context);
}

/* ---- all ------------------------------------------------------------------------------------------ */

bool bench_event_ports(void)
{
	struct evtchn_send *const ipi_self[] = {&to_self, &to_self_masked, &to_this};
	bool ok = xen_shared_info() != NULL && xen_vcpu_info(0) != NULL && xen_vcpu_info(1) != NULL;

	for (unsigned int i = 0; i < ARRAY_SIZE(ipi_self); i++) {
		ok = ok && bind_ipi(0, &ipi_self[i]->port);
	}
	ok = ok && bind_ipi(1, &to_other.port);
	for (unsigned int i = 0; i < ARRAY_SIZE(to_peer); i++) {
		ok = ok && alloc_unbound((uint16_t)(MEASURING_DOMID + 1 + i), &to_peer[i].port);
		unmask(to_peer[i].port);
	}
	unmask(to_self.port);
	unmask(to_this.port);
	unmask(to_other.port);
	if (ok) {
		struct bench_context context = context_of(0, &to_self);

		quiesce(&context);
	}
	return ok;
}

void bench_events(void)
{
	struct bench_context context = context_of(0, &to_self);
	struct bench_context masked = context_of(0, &to_self_masked);

	bench_measure("event.send_masked", bench_loop_send_masked, 1000, &masked, false);
	bench_measure("event.send_to_itself", bench_loop_send, 1000, &context, true);
	to_another_vcpu();
	if (!guest_has_argument("alone")) {
		to_another_domain();
	}
}
