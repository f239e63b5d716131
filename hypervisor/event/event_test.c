/* SPDX-License-Identifier: MIT */
/* Event channels: binding, closing and sending between domains; delivery into shared_info and
 * vcpu_info; VIRQs. */
#include "event/event.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy.h"
#include "event/event_internal.h"
#include "tests/unit/fake_hypervisor.h"
#include "tests/unit/fake_machine.h"

static struct domain *dom0, *domu, *other;

static int set_up(void **state)
{
	(void)state;
	fake_hypervisor_reset();
	policy_set_silo(true);
	dom0 = fake_domain_create(0);
	domu = fake_domain_create(1);
	other = fake_domain_create(2);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_hypervisor_check_leaks();
	return 0;
}

static bool pending(const struct domain *d, uint32_t port)
{
	return (d->shared_info->evtchn_pending[port / 64] & BIT64(port % 64)) != 0;
}

static void set_mask(struct domain *d, uint32_t port, bool masked)
{
	uint64_t *word = &d->shared_info->evtchn_mask[port / 64];

	*word = masked ? *word | BIT64(port % 64) : *word & ~BIT64(port % 64);
}

/* As the guest's handler does. */
static void take_upcall(struct vcpu *v)
{
	v->event.info->evtchn_upcall_pending = 0;
	v->event.info->evtchn_pending_sel = 0;
	memset(v->domain->shared_info->evtchn_pending, 0,
	       sizeof(v->domain->shared_info->evtchn_pending));
}

/* A channel between two domains, events of the binding taken. */
static void connect(struct domain *a, struct domain *b, uint32_t *port_a, uint32_t *port_b)
{
	assert_int_equal(event_alloc_unbound(a, DOMID_SELF, b->id, port_a), 0);
	assert_int_equal(event_bind_interdomain(b, a->id, *port_a, port_b), 0);
	take_upcall(a->vcpu[0]);
	take_upcall(b->vcpu[0]);
	memset(&fake_record, 0, sizeof(fake_record));
}

static struct evtchn_status status_of(struct domain *d, uint32_t port)
{
	struct evtchn_status status = {.dom = d->id, .port = port};

	assert_int_equal(event_status(dom0, &status), 0);
	return status;
}

/* ---- ports ---------------------------------------------------------------------------------- */

static void ports_begin_at_one_and_the_lowest_free_is_taken(void **state)
{
	uint32_t port[3], again;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, 0, &port[i]), 0);
		assert_int_equal(port[i], i + 1);
	}
	assert_int_equal(event_close(domu, 1), 0);
	assert_int_equal(event_close(domu, 2), 0);
	assert_int_equal(event_bind_ipi(domu, 0, &again), 0);
	assert_int_equal(again, 1);
	assert_int_equal(event_bind_ipi(domu, 0, &again), 0);
	assert_int_equal(again, 2);
	assert_int_equal(event_bind_ipi(domu, 0, &again), 0);
	assert_int_equal(again, 4);
}

static void no_port_beyond_the_limit(void **state)
{
	uint32_t port;

	(void)state;
	for (uint32_t i = 1; i <= 1023; i++) {
		assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
		assert_int_equal(port, i);
	}
	assert_int_equal(event_bind_ipi(domu, 0, &port), -XEN_ENOSPC);
	assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, 0, &port), -XEN_ENOSPC);
	assert_int_equal(event_bind_virq(domu, VIRQ_TIMER, 0, &port), -XEN_ENOSPC);
	assert_int_equal(event_close(domu, 700), 0);
	assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	assert_int_equal(port, 700);
}

/* The domain may have more than the 2-level ABI has. */
static void limit_of_the_two_level_abi_holds(void **state)
{
	uint32_t port;

	(void)state;
	event_domain_fini(other);
	assert_int_equal(event_domain_init(other, UINT32_MAX), 0);
	assert_int_equal(other->event.max_port, EVENT_FIFO_NR_PORTS - 1);
	for (uint32_t i = 1; i < EVENT_2L_NR_PORTS; i++) {
		assert_int_equal(event_bind_ipi(other, 0, &port), 0);
		assert_int_equal(port, i);
	}
	assert_int_equal(event_bind_ipi(other, 0, &port), -XEN_ENOSPC);
}

static void no_memory_for_a_page_of_ports(void **state)
{
	uint32_t port;

	(void)state;
	for (uint32_t i = 1; i < EVENT_PORTS_PER_PAGE; i++) {
		assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	}
	fake_allocations_left = 0;
	assert_int_equal(event_bind_ipi(domu, 0, &port), -XEN_ENOMEM);
	fake_allocations_left = 1;
	assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	assert_int_equal(port, EVENT_PORTS_PER_PAGE);
}

static void dying_domain_gets_no_port(void **state)
{
	uint32_t port;

	(void)state;
	domu->state = DOMAIN_DYING;
	assert_int_equal(event_alloc_unbound(dom0, 1, 0, &port), -XEN_EINVAL);
}

static void numbers_out_of_range_are_refused(void **state)
{
	static const uint32_t ports[] = {0, 1, 255, 256, 1023, 1024, 4095, 4096, UINT32_MAX};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
		assert_int_equal(event_close(domu, ports[i]), -XEN_EINVAL);
		assert_int_equal(event_send(domu, ports[i]), -XEN_EINVAL);
		assert_int_equal(event_bind_vcpu(domu, ports[i], 0), -XEN_EINVAL);
	}
	/* Of a port that has a table entry, but is free, unmask does nothing. */
	assert_int_equal(event_unmask(domu, 255), 0);
	assert_int_equal(event_unmask(domu, 256), -XEN_EINVAL);
	assert_int_equal(event_unmask(domu, UINT32_MAX), -XEN_EINVAL);
}

/* ---- alloc_unbound, bind_interdomain -------------------------------------------------------- */

static void alloc_unbound_for_others_is_the_toolstacks(void **state)
{
	struct evtchn_status status;
	uint32_t port;

	(void)state;
	assert_int_equal(event_alloc_unbound(dom0, 1, 0, &port), 0);
	status = status_of(domu, port);
	assert_int_equal(status.status, EVTCHNSTAT_unbound);
	assert_int_equal(status.u.unbound.dom, 0);
	/* Remote "self" is the caller, not the domain that gets the port. */
	assert_int_equal(event_alloc_unbound(dom0, 2, DOMID_SELF, &port), 0);
	assert_int_equal(status_of(other, port).u.unbound.dom, 0);

	assert_int_equal(event_alloc_unbound(domu, 0, DOMID_SELF, &port), -XEN_EPERM);
	assert_int_equal(event_alloc_unbound(dom0, 7, 0, &port), -XEN_ESRCH);
	assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, 7, &port), -XEN_ESRCH);
}

static void tenon_itself_allocates_without_a_policy(void **state)
{
	uint32_t port;

	(void)state;
	assert_int_equal(event_alloc_unbound(NULL, 1, 7, &port), 0);
	assert_int_equal(status_of(domu, port).u.unbound.dom, 7);
	assert_int_equal(event_alloc_unbound(NULL, 9, 0, &port), -XEN_ESRCH);
}

static void silo_keeps_unprivileged_domains_apart(void **state)
{
	uint32_t port, bound;

	(void)state;
	assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, 2, &port), -XEN_EPERM);
	/* One that was made before, by the toolstack: binding is refused as well when neither is
	 * privileged. */
	assert_int_equal(event_alloc_unbound(dom0, 1, 2, &port), 0);
	assert_int_equal(event_bind_interdomain(other, 1, port, &bound), -XEN_EPERM);
	assert_int_equal(status_of(domu, port).status, EVTCHNSTAT_unbound);

	policy_set_silo(false);
	assert_int_equal(event_bind_interdomain(other, 1, port, &bound), 0);
	assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, 2, &port), 0);
	/* Without the policy the remote domain may be one that is yet to come. */
	assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, 9, &port), 0);
}

static void bind_interdomain_connects_both_ends(void **state)
{
	struct evtchn_status status;
	uint32_t port, bound;

	(void)state;
	assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, 0, &port), 0);
	assert_int_equal(event_bind_ipi(dom0, 0, &bound), 0);
	assert_int_equal(event_bind_interdomain(dom0, 1, port, &bound), 0);
	assert_int_equal(bound, 2);
	status = status_of(domu, port);
	assert_int_equal(status.status, EVTCHNSTAT_interdomain);
	assert_int_equal(status.u.interdomain.dom, 0);
	assert_int_equal(status.u.interdomain.port, 2);
	status = status_of(dom0, 2);
	assert_int_equal(status.status, EVTCHNSTAT_interdomain);
	assert_int_equal(status.u.interdomain.dom, 1);
	assert_int_equal(status.u.interdomain.port, port);
	/* What may have been lost: the binder looks once. */
	assert_true(pending(dom0, 2));
	assert_false(pending(domu, port));
	assert_int_equal(fake_record.pulses[0], 1);
	assert_int_equal(fake_record.last_pulse_intid, 16);
}

static void bind_interdomain_refuses(void **state)
{
	uint32_t port, bound;

	(void)state;
	assert_int_equal(event_bind_interdomain(dom0, 9, 1, &bound), -XEN_ESRCH);
	assert_int_equal(event_bind_interdomain(dom0, 1, 1, &bound), -XEN_EINVAL);
	assert_int_equal(event_bind_interdomain(dom0, 1, 0, &bound), -XEN_EINVAL);
	assert_int_equal(event_bind_interdomain(dom0, 1, 100000, &bound), -XEN_EINVAL);
	/* Reserved for dom0, not for the other one. */
	assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, 0, &port), 0);
	assert_int_equal(event_bind_interdomain(other, 1, port, &bound), -XEN_EINVAL);
	assert_int_equal(event_bind_interdomain(dom0, 1, port, &bound), 0);
	/* Bound already. */
	assert_int_equal(event_bind_interdomain(dom0, 1, port, &bound), -XEN_EINVAL);
	/* None of the refusals has kept a port. */
	assert_int_equal(event_bind_ipi(dom0, 0, &bound), 0);
	assert_int_equal(bound, 2);
	assert_int_equal(event_bind_ipi(other, 0, &bound), 0);
	assert_int_equal(bound, 1);
}

static void channel_within_one_domain(void **state)
{
	uint32_t port, bound;

	(void)state;
	assert_int_equal(event_alloc_unbound(dom0, DOMID_SELF, DOMID_SELF, &port), 0);
	assert_int_equal(event_bind_interdomain(dom0, DOMID_SELF, port, &bound), 0);
	take_upcall(dom0->vcpu[0]);
	assert_int_equal(event_send(dom0, port), 0);
	assert_true(pending(dom0, bound));
	assert_false(pending(dom0, port));
	take_upcall(dom0->vcpu[0]);
	assert_int_equal(event_send(dom0, bound), 0);
	assert_true(pending(dom0, port));
	assert_int_equal(event_close(dom0, bound), 0);
	assert_int_equal(status_of(dom0, port).status, EVTCHNSTAT_unbound);
	assert_int_equal(event_bind_interdomain(dom0, 0, port, &bound), 0);
}

/* ---- close ---------------------------------------------------------------------------------- */

static void closing_leaves_the_peer_unbound_for_the_closer(void **state)
{
	uint32_t a = 0, b = 0, again;

	(void)state;
	for (unsigned int turn = 0; turn < 2; turn++) {
		/* The one closes whose domid, and so whose lock, is lower, then the other. */
		struct domain *closer = turn == 0 ? dom0 : domu;
		struct domain *peer = turn == 0 ? domu : dom0;
		uint32_t *mine = turn == 0 ? &b : &a;
		uint32_t *theirs = turn == 0 ? &a : &b;

		connect(domu, dom0, &a, &b);
		assert_int_equal(event_close(closer, *mine), 0);
		assert_int_equal(status_of(closer, *mine).status, EVTCHNSTAT_closed);
		assert_int_equal(status_of(peer, *theirs).status, EVTCHNSTAT_unbound);
		assert_int_equal(status_of(peer, *theirs).u.unbound.dom, closer->id);
		/* It is not told, and what it sends goes nowhere, silently. */
		assert_int_equal(fake_record.pulses[0], 0);
		assert_int_equal(event_send(peer, *theirs), 0);
		assert_int_equal(fake_record.pulses[0], 0);
		assert_int_equal(event_bind_interdomain(closer, peer->id, *theirs, &again), 0);
		assert_int_equal(event_close(closer, again), 0);
		assert_int_equal(event_close(peer, *theirs), 0);
	}
}

static void closing_forgets_what_is_pending(void **state)
{
	uint32_t port;

	(void)state;
	assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	set_mask(domu, port, true);
	assert_int_equal(event_send(domu, port), 0);
	assert_true(pending(domu, port));
	assert_int_equal(event_close(domu, port), 0);
	assert_false(pending(domu, port));
	assert_int_equal(event_close(domu, port), -XEN_EINVAL);
}

static void ports_of_tenon_are_not_the_guests(void **state)
{
	struct evtchn_status status = {.dom = DOMID_SELF};
	uint32_t port;

	(void)state;
	assert_int_equal(event_alloc_unbound(NULL, 1, 0, &port), 0);
	event_port_of(domu, port)->tenon_owned = true;
	status.port = port;
	assert_int_equal(event_close(domu, port), -XEN_EINVAL);
	assert_int_equal(event_send(domu, port), -XEN_EINVAL);
	assert_int_equal(event_bind_vcpu(domu, port, 1), -XEN_EINVAL);
	assert_int_equal(event_status(domu, &status), -XEN_EACCES);
	fake_set_current(domu->vcpu[0]);
	assert_int_equal(event_poll(domu->vcpu[0], &port, 1, 0), -XEN_EINVAL);
	assert_int_equal(event_fifo_set_priority(domu, port, 0), -XEN_ENOSYS);
	assert_int_equal(event_unmask(domu, port), 0);
	assert_int_equal(event_reset(domu), 0);
	assert_int_equal(event_port_of(domu, port)->state, EVENT_UNBOUND);
}

static void destroyed_domain_leaves_its_peers_unbound(void **state)
{
	uint32_t a, b;

	(void)state;
	connect(domu, dom0, &a, &b);
	fake_domain_destroy(domu);
	assert_int_equal(status_of(dom0, b).status, EVTCHNSTAT_unbound);
	assert_int_equal(status_of(dom0, b).u.unbound.dom, 1);
	assert_int_equal(event_send(dom0, b), 0);
	assert_int_equal(event_close(dom0, b), 0);
}

static void reset_closes_all_in_steps(void **state)
{
	uint32_t a, b, port;

	(void)state;
	connect(domu, dom0, &a, &b);
	for (unsigned int i = 0; i < 300; i++) {
		assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	}
	assert_int_equal(event_bind_virq(domu, VIRQ_TIMER, 1, &port), 0);
	fake_machine_interrupt_after(2);
	assert_int_equal(event_reset(domu), -XEN_ERESTART);
	assert_int_equal(status_of(domu, 1).status, EVTCHNSTAT_closed);
	assert_int_equal(status_of(domu, 302).status, EVTCHNSTAT_virq);
	fake_machine_interrupt_after(UINT64_MAX);
	assert_int_equal(event_reset(domu), 0);
	for (uint32_t i = 1; i <= 302; i++) {
		assert_int_equal(status_of(domu, i).status, EVTCHNSTAT_closed);
	}
	assert_int_equal(status_of(dom0, b).status, EVTCHNSTAT_unbound);
	assert_int_equal(event_bind_virq(domu, VIRQ_TIMER, 1, &port), 0);
}

/* Every step that is interrupted has got somewhere: it comes to an end even if each one is. */
static void reset_advances_under_constant_interrupts(void **state)
{
	uint32_t port;
	unsigned int steps = 0;
	int ret;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	}
	fake_machine_interrupt_after(0);
	do {
		ret = event_reset(domu);
		steps++;
	} while (ret == -XEN_ERESTART && steps < 100);
	assert_int_equal(ret, 0);
	assert_in_range(steps, 5, 17);
}

/* One that begins in the middle, where another was interrupted, does not claim to have closed what lies before. */
static void reset_notices_ports_bound_meanwhile(void **state)
{
	uint32_t port;

	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	}
	fake_machine_interrupt_after(0);
	assert_int_equal(event_reset(domu), -XEN_ERESTART);
	fake_machine_interrupt_after(UINT64_MAX);
	assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	assert_int_equal(port, 1);
	assert_int_equal(event_reset(domu), -XEN_EAGAIN);
	assert_int_equal(event_reset(domu), 0);
	assert_int_equal(status_of(domu, 1).status, EVTCHNSTAT_closed);
}

/* A domain that dies while it resets itself: also what lies before is closed. */
static void release_closes_what_an_interrupted_reset_passed(void **state)
{
	uint32_t a, b, port;

	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	}
	fake_machine_interrupt_after(0);
	assert_int_equal(event_reset(domu), -XEN_ERESTART);
	fake_machine_interrupt_after(UINT64_MAX);
	connect(domu, dom0, &a, &b);
	assert_int_equal(a, 1);
	domu->state = DOMAIN_DYING;
	while (event_domain_release(domu) == -XEN_ERESTART) {
	}
	assert_null(event_port_of(domu, 1));
	assert_int_equal(status_of(dom0, b).status, EVTCHNSTAT_unbound);
	assert_int_equal(event_send(dom0, b), 0);
}

static void release_is_interruptible(void **state)
{
	unsigned int steps = 0;
	uint32_t port;
	int ret;

	(void)state;
	fake_set_current(domu->vcpu[0]);
	fake_give_page(domu, 3, 100);
	assert_int_equal(event_register_vcpu_info(domu->vcpu[0], gfn(100), 0), 0);
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	}
	domu->state = DOMAIN_DYING;
	fake_machine_interrupt_after(0);
	do {
		ret = event_domain_release(domu);
		steps++;
	} while (ret == -XEN_ERESTART && steps < 100);
	assert_int_equal(ret, 0);
	/* 16 batches of ports, a frame, 4 pages of the table. */
	assert_in_range(steps, 18, 30);
	assert_int_equal(fake_extra_refs(3), 0);
	assert_int_equal(event_domain_release(domu), 0);
}

/* ---- delivery ------------------------------------------------------------------------------- */

/* As exclusives may fail; the three words of the 2-level ABI take an attempt each. */
static void send_gets_through_whatever_attempt_fails(void **state)
{
	uint32_t a, b;

	(void)state;
	connect(domu, dom0, &a, &b);
	for (unsigned int attempt = 1; attempt <= 4; attempt++) {
		fake_fail_attempt(attempt);
		assert_int_equal(event_send(dom0, b), 0);
		assert_true(pending(domu, a));
		assert_int_equal(domu->vcpu[0]->event.info->evtchn_pending_sel, BIT64(a / 64));
		assert_int_equal(domu->vcpu[0]->event.info->evtchn_upcall_pending, 1);
		assert_int_equal(fake_record.pulses[0], attempt);
		/* Pending already, in each of the words. */
		fake_fail_attempt(attempt);
		assert_int_equal(event_send(dom0, b), 0);
		memset(domu->shared_info->evtchn_pending, 0,
		       sizeof(domu->shared_info->evtchn_pending));
		fake_fail_attempt(attempt);
		assert_int_equal(event_send(dom0, b), 0);
		assert_int_equal(fake_record.pulses[0], attempt);
		take_upcall(domu->vcpu[0]);
	}
	assert_int_equal(fake_record.guest_messages, 0);
}

static void send_sets_the_three_levels_and_interrupts_once(void **state)
{
	uint32_t a, b;

	(void)state;
	connect(domu, dom0, &a, &b);
	assert_int_equal(event_send(dom0, b), 0);
	assert_true(pending(domu, a));
	assert_int_equal(domu->vcpu[0]->event.info->evtchn_pending_sel, BIT64(a / 64));
	assert_int_equal(domu->vcpu[0]->event.info->evtchn_upcall_pending, 1);
	assert_true(event_upcall_pending(domu->vcpu[0]));
	assert_int_equal(fake_record.pulses[0], 1);
	assert_int_equal(fake_record.last_pulse_intid, 31);
	/* Pending already, also when the guest has not come further than the upcall. */
	assert_int_equal(event_send(dom0, b), 0);
	assert_int_equal(fake_record.pulses[0], 1);
	domu->vcpu[0]->event.info->evtchn_upcall_pending = 0;
	domu->vcpu[0]->event.info->evtchn_pending_sel = 0;
	assert_int_equal(event_send(dom0, b), 0);
	assert_int_equal(domu->vcpu[0]->event.info->evtchn_pending_sel, 0);
	assert_int_equal(fake_record.pulses[0], 1);
	domu->vcpu[0]->event.info->evtchn_upcall_pending = 1;
	/* The guest took it, but not the upcall flag yet: no second interrupt. */
	memset(domu->shared_info->evtchn_pending, 0, sizeof(domu->shared_info->evtchn_pending));
	domu->vcpu[0]->event.info->evtchn_pending_sel = 0;
	assert_int_equal(event_send(dom0, b), 0);
	assert_int_equal(fake_record.pulses[0], 1);
	take_upcall(domu->vcpu[0]);
	assert_int_equal(event_send(dom0, b), 0);
	assert_int_equal(fake_record.pulses[0], 2);
}

/* Each level is written before the next is looked at. */
static void pending_is_written_before_the_mask_is_read(void **state)
{
	uint32_t a, b;

	(void)state;
	connect(domu, dom0, &a, &b);
	fake_machine_log_clear();
	assert_int_equal(event_send(dom0, b), 0);
	fake_machine_expect_exactly("dmb ish");
	set_mask(domu, a, true);
	fake_machine_log_clear();
	assert_int_equal(event_unmask(domu, a), 0);
	fake_machine_expect_exactly("dmb ish");
}

static void masked_port_waits_for_unmask(void **state)
{
	uint32_t a, b;

	(void)state;
	connect(domu, dom0, &a, &b);
	set_mask(domu, a, true);
	assert_int_equal(event_send(dom0, b), 0);
	assert_true(pending(domu, a));
	assert_int_equal(fake_record.pulses[0], 0);
	assert_int_equal(event_unmask(domu, a), 0);
	assert_int_equal(domu->shared_info->evtchn_mask[0], 0);
	assert_int_equal(fake_record.pulses[0], 1);
	/* Unmasking what is not masked does nothing. */
	take_upcall(domu->vcpu[0]);
	domu->shared_info->evtchn_pending[0] = BIT64(a);
	assert_int_equal(event_unmask(domu, a), 0);
	assert_int_equal(fake_record.pulses[0], 1);
	/* And of what is not pending neither. */
	take_upcall(domu->vcpu[0]);
	set_mask(domu, a, true);
	assert_int_equal(event_unmask(domu, a), 0);
	assert_int_equal(fake_record.pulses[0], 1);
}

static void byte_of_the_upcall_mask_means_nothing(void **state)
{
	uint32_t port;

	(void)state;
	assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	domu->vcpu[0]->event.info->pad0 = 1;
	assert_int_equal(event_send(domu, port), 0);
	assert_int_equal(fake_record.pulses[0], 1);
}

static void highest_port_has_its_place(void **state)
{
	uint32_t port;

	(void)state;
	event_domain_fini(other);
	assert_int_equal(event_domain_init(other, 4095), 0);
	for (uint32_t i = 1; i <= 4095; i++) {
		assert_int_equal(event_bind_ipi(other, 0, &port), 0);
	}
	assert_int_equal(event_bind_ipi(other, 0, &port), -XEN_ENOSPC);
	assert_int_equal(event_send(other, 4095), 0);
	assert_int_equal(other->shared_info->evtchn_pending[63], BIT64(63));
	assert_int_equal(other->vcpu[0]->event.info->evtchn_pending_sel, BIT64(63));
}

/* ---- binding to vCPUs ----------------------------------------------------------------------- */

static void ipi_goes_to_its_vcpu_for_good(void **state)
{
	uint32_t port;

	(void)state;
	assert_int_equal(event_bind_ipi(domu, FAKE_NR_VCPUS, &port), -XEN_ENOENT);
	assert_int_equal(event_bind_ipi(domu, UINT32_MAX, &port), -XEN_ENOENT);
	assert_int_equal(event_bind_ipi(domu, 2, &port), 0);
	assert_int_equal(status_of(domu, port).status, EVTCHNSTAT_ipi);
	assert_int_equal(status_of(domu, port).vcpu, 2);
	assert_int_equal(event_bind_vcpu(domu, port, 0), -XEN_EINVAL);
	assert_int_equal(event_send(domu, port), 0);
	assert_int_equal(fake_record.pulses[2], 1);
	/* vCPU 2 has registered nothing: the bits are kept where nobody reads them. */
	assert_int_equal(domu->vcpu[2]->event.unregistered.evtchn_pending_sel, 1);
	assert_false(event_upcall_pending(domu->vcpu[2]));
}

static void bind_vcpu_moves_channels(void **state)
{
	uint32_t a, b;

	(void)state;
	connect(domu, dom0, &a, &b);
	assert_int_equal(event_bind_vcpu(domu, a, FAKE_NR_VCPUS), -XEN_ENOENT);
	assert_int_equal(event_bind_vcpu(domu, a, 1), 0);
	assert_int_equal(status_of(domu, a).vcpu, 1);
	assert_int_equal(event_send(dom0, b), 0);
	assert_int_equal(fake_record.pulses[0], 0);
	assert_int_equal(fake_record.pulses[1], 1);
	assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, 0, &a), 0);
	assert_int_equal(event_bind_vcpu(domu, a, 2), 0);
	/* A new binding begins at vCPU 0 again. */
	assert_int_equal(event_close(domu, a), 0);
	assert_int_equal(event_alloc_unbound(domu, DOMID_SELF, 0, &a), 0);
	assert_int_equal(status_of(domu, a).vcpu, 0);
}

/* ---- VIRQs ---------------------------------------------------------------------------------- */

static void virqs_are_bound_once(void **state)
{
	uint32_t port, another;

	(void)state;
	assert_int_equal(event_bind_virq(domu, VIRQ_TIMER, 1, &port), 0);
	assert_int_equal(event_bind_virq(domu, VIRQ_TIMER, 1, &another), -XEN_EEXIST);
	assert_int_equal(event_bind_virq(domu, VIRQ_TIMER, 2, &another), 0);
	assert_int_equal(event_bind_virq(domu, VIRQ_CONSOLE, 0, &another), 0);
	assert_int_equal(event_bind_virq(domu, VIRQ_CONSOLE, 0, &another), -XEN_EEXIST);
	assert_int_equal(event_bind_virq(domu, VIRQ_CONSOLE, 1, &another), -XEN_EINVAL);
	assert_int_equal(event_bind_virq(domu, VIRQ_ARCH_0, 1, &another), -XEN_EINVAL);
	assert_int_equal(event_bind_virq(domu, EVENT_NR_VIRQS, 0, &another), -XEN_EINVAL);
	assert_int_equal(event_bind_virq(domu, UINT32_MAX, 0, &another), -XEN_EINVAL);
	assert_int_equal(event_bind_virq(domu, VIRQ_DEBUG, FAKE_NR_VCPUS, &another), -XEN_ENOENT);
	assert_int_equal(status_of(domu, port).status, EVTCHNSTAT_virq);
	assert_int_equal(status_of(domu, port).u.virq, VIRQ_TIMER);
	assert_int_equal(event_close(domu, port), 0);
	assert_int_equal(event_bind_virq(domu, VIRQ_TIMER, 1, &port), 0);
	assert_int_equal(event_send(domu, port), -XEN_EINVAL);
}

static void vcpu_virq_is_raised_on_its_vcpu(void **state)
{
	uint32_t port;

	(void)state;
	event_raise_virq(domu->vcpu[1], VIRQ_TIMER);
	assert_int_equal(fake_record.pulses[1], 0);
	assert_int_equal(event_bind_virq(domu, VIRQ_TIMER, 1, &port), 0);
	assert_int_equal(event_bind_vcpu(domu, port, 0), -XEN_EINVAL);
	event_raise_virq(domu->vcpu[0], VIRQ_TIMER);
	assert_int_equal(fake_record.pulses[0], 0);
	event_raise_virq(domu->vcpu[1], VIRQ_TIMER);
	assert_int_equal(fake_record.pulses[1], 1);
	assert_true(pending(domu, port));
}

static void global_virq_goes_to_the_hardware_domain(void **state)
{
	uint32_t port, unheard;

	(void)state;
	event_raise_global_virq(VIRQ_DOM_EXC);
	assert_int_equal(event_bind_virq(domu, VIRQ_DOM_EXC, 0, &unheard), 0);
	assert_int_equal(event_bind_virq(dom0, VIRQ_DOM_EXC, 0, &port), 0);
	event_raise_global_virq(VIRQ_DOM_EXC);
	assert_true(pending(dom0, port));
	assert_false(pending(domu, unheard));
	assert_int_equal(fake_record.pulses[0], 1);
	take_upcall(dom0->vcpu[0]);
	/* It may be moved, and is closed from wherever it is. */
	assert_int_equal(event_bind_vcpu(dom0, port, 2), 0);
	event_raise_global_virq(VIRQ_DOM_EXC);
	assert_int_equal(fake_record.pulses[2], 1);
	assert_int_equal(event_close(dom0, port), 0);
	assert_int_equal(event_bind_virq(dom0, VIRQ_DOM_EXC, 0, &port), 0);
	/* No hardware domain: nobody to tell. */
	hardware_domain = NULL;
	event_raise_global_virq(VIRQ_DOM_EXC);
	hardware_domain = dom0;
}

/* ---- status --------------------------------------------------------------------------------- */

static void status_of_others_is_the_toolstacks(void **state)
{
	struct evtchn_status status = {.dom = 1, .port = 1};
	uint32_t port;

	(void)state;
	assert_int_equal(event_bind_ipi(domu, 1, &port), 0);
	assert_int_equal(event_status(dom0, &status), 0);
	assert_int_equal(event_status(domu, &status), 0);
	assert_int_equal(event_status(other, &status), -XEN_EPERM);
	status.dom = DOMID_SELF;
	assert_int_equal(event_status(domu, &status), 0);
	assert_int_equal(status.status, EVTCHNSTAT_ipi);
	assert_int_equal(status.vcpu, 1);
	status.port = 0;
	assert_int_equal(event_status(domu, &status), 0);
	assert_int_equal(status.status, EVTCHNSTAT_closed);
	status.port = 5000;
	assert_int_equal(event_status(domu, &status), -XEN_EINVAL);
	status.dom = 9;
	assert_int_equal(event_status(dom0, &status), -XEN_ESRCH);
}

/* ---- vcpu_info ------------------------------------------------------------------------------ */

static void registering_moves_vcpu_info(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	struct vcpu_info *info = (struct vcpu_info *)((char *)fake_page(3) + 64);
	uint32_t port;

	(void)state;
	fake_set_current(v);
	fake_give_page(domu, 3, 100);
	memset(info, 0xff, sizeof(*info));
	v->event.info->pad0 = 7;
	assert_int_equal(event_register_vcpu_info(v, gfn(100), 64), 0);
	assert_ptr_equal(v->event.info, info);
	assert_int_equal(fake_extra_refs(3), 1);
	/* The old contents are there, every word is to be looked at, and an interrupt says so. */
	assert_int_equal(info->pad0, 7);
	assert_int_equal(info->evtchn_pending_sel, UINT64_MAX);
	assert_int_equal(info->evtchn_upcall_pending, 1);
	assert_int_equal(fake_record.pulses[0], 1);
	/* Events arrive in the new place. */
	*info = (struct vcpu_info){0};
	assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	assert_int_equal(event_send(domu, port), 0);
	assert_int_equal(info->evtchn_pending_sel, 1);
	assert_int_equal(fake_record.pulses[0], 2);
	/* Once only. */
	assert_int_equal(event_register_vcpu_info(v, gfn(100), 0), -XEN_EINVAL);
}

static void first_registration_of_a_secondary_starts_from_zero(void **state)
{
	struct vcpu *v = domu->vcpu[1];
	struct vcpu_info *info = fake_page(3);
	uint32_t port;

	(void)state;
	fake_give_page(domu, 3, 100);
	fake_set_current(v);
	assert_int_equal(event_bind_ipi(domu, 1, &port), 0);
	assert_int_equal(event_send(domu, port), 0);
	memset(info, 0xff, sizeof(*info));
	assert_int_equal(event_register_vcpu_info(v, gfn(100), 0), 0);
	assert_int_equal(info->pad0, 0);
	assert_int_equal(info->evtchn_pending_sel, UINT64_MAX);
	assert_int_equal(info->evtchn_upcall_pending, 1);
	/* What was sent before is not lost: the interrupt comes again. */
	assert_int_equal(fake_record.pulses[1], 2);
}

static void bad_places_for_vcpu_info(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	fake_set_current(v);
	fake_give_page(domu, 3, 100);
	fake_give_page(other, 4, 100);
	fake_map(domu, 101, mfn(FAKE_MFN(4)), STAGE2_FOREIGN_RW);
	fake_map(domu, 102, mfn(0x9000), STAGE2_DEVICE);
	fake_map(domu, 103, mfn(FAKE_MFN(3)), STAGE2_SHARED);
	assert_int_equal(event_register_vcpu_info(v, gfn(100), 4096 - 47), -XEN_ENXIO);
	assert_int_equal(event_register_vcpu_info(v, gfn(100), 4096 - 40), -XEN_ENXIO);
	assert_int_equal(event_register_vcpu_info(v, gfn(100), UINT32_MAX), -XEN_ENXIO);
	assert_int_equal(event_register_vcpu_info(v, gfn(100), 4), -XEN_ENXIO);
	assert_int_equal(event_register_vcpu_info(v, gfn(99), 0), -XEN_EINVAL);
	assert_int_equal(event_register_vcpu_info(v, gfn(101), 0), -XEN_EINVAL);
	assert_int_equal(event_register_vcpu_info(v, gfn(102), 0), -XEN_EINVAL);
	assert_int_equal(event_register_vcpu_info(v, gfn(103), 0), -XEN_EINVAL);
	/* Not for another vCPU that is up. */
	assert_int_equal(event_register_vcpu_info(domu->vcpu[1], gfn(100), 0), -XEN_EINVAL);
	domu->vcpu[1]->sched.state = SCHED_OFFLINE;
	assert_int_equal(event_register_vcpu_info(domu->vcpu[1], gfn(100), 0), 0);
	fake_allocations_left = 0;
	assert_int_equal(event_register_vcpu_info(v, gfn(100), 4096 - 48), -XEN_ENOMEM);
	/* None of this has used up the one time. */
	fake_allocations_left = 1;
	assert_int_equal(event_register_vcpu_info(v, gfn(100), 4096 - 48), 0);
}

/* ---- poll ----------------------------------------------------------------------------------- */

static void poll_blocks_until_its_port_is_pending(void **state)
{
	struct vcpu *v = domu->vcpu[1];
	uint32_t port[2];

	(void)state;
	fake_set_current(v);
	assert_int_equal(event_bind_ipi(domu, 0, &port[0]), 0);
	assert_int_equal(event_bind_ipi(domu, 0, &port[1]), 0);
	set_mask(domu, port[0], true);
	assert_int_equal(event_poll(v, &port[0], 1, 0), 0);
	assert_int_equal(fake_record.blocks, 1);
	assert_false(fake_timer_is_set(&v->event.poll_timer));
	assert_int_equal(event_send(domu, port[1]), 0);
	assert_int_equal(fake_record.wakes[1], 0);
	assert_int_equal(fake_record.pulses[0], 1);
	/* Masked: it wakes the poller all the same. */
	assert_int_equal(event_send(domu, port[0]), 0);
	assert_int_equal(fake_record.wakes[1], 1);
	assert_int_equal(domu->event.polling[0], 0);
	/* Pending already: no blocking. */
	assert_int_equal(event_poll(v, port, 2, 0), 0);
	assert_int_equal(fake_record.blocks, 1);
	assert_int_equal(domu->event.polling[0], 0);
}

static void poll_of_several_ports_wakes_for_any_event(void **state)
{
	struct vcpu *v = domu->vcpu[2];
	uint32_t port[3];

	(void)state;
	fake_set_current(v);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(event_bind_ipi(domu, 0, &port[i]), 0);
	}
	assert_int_equal(event_poll(v, port, 2, 0), 0);
	assert_int_equal(event_send(domu, port[2]), 0);
	assert_int_equal(fake_record.wakes[2], 1);
}

/* S3: the first of many are woken at once, the others when interrupts may come in between. */
static void many_pollers_are_woken_in_turn(void **state)
{
	uint32_t port;

	(void)state;
	assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
		fake_set_current(domu->vcpu[i]);
		assert_int_equal(event_poll(domu->vcpu[i], &port, 1, 0), 0);
	}
	assert_int_equal(event_send(domu, port), 0);
	for (unsigned int i = 0; i < FAKE_NR_VCPUS; i++) {
		assert_int_equal(fake_record.wakes[i], 1);
	}
	assert_int_equal(fake_record.wakes_soon, FAKE_NR_VCPUS - SCHED_WAKES_AT_ONCE);
}

static void poll_ends_at_its_time(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	uint32_t port;

	(void)state;
	fake_set_current(v);
	assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	assert_int_equal(event_poll(v, &port, 1, fake_now_ns + 1000), 0);
	assert_int_equal(fake_record.blocks, 1);
	fake_now_ns += 900;
	fake_run_timers();
	assert_int_equal(fake_record.wakes[0], 0);
	fake_now_ns += 100;
	fake_run_timers();
	assert_int_equal(fake_record.wakes[0], 1);
	/* A time that has passed, and one that never comes. */
	assert_int_equal(event_poll(v, &port, 1, 1), 0);
	assert_int_equal(fake_record.blocks, 1);
	assert_int_equal(event_poll(v, &port, 1, UINT64_MAX), 0);
	assert_int_equal(fake_record.blocks, 2);
	assert_true(v->event.poll_timer.deadline_ticks > time_ticks());
	/* The next poll forgets the time of this one. */
	assert_int_equal(event_poll(v, &port, 1, 0), 0);
	assert_false(fake_timer_is_set(&v->event.poll_timer));
	/* With a timer that is set the domain goes: the teardown checks. */
	assert_int_equal(event_poll(v, NULL, 0, fake_now_ns + 1000), 0);
}

static void poll_does_not_wait_when_an_interrupt_would_be_taken(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	uint32_t port;

	(void)state;
	fake_set_current(v);
	assert_int_equal(event_bind_ipi(domu, 0, &port), 0);
	fake_vgic_pending = true;
	assert_int_equal(event_poll(v, &port, 1, 0), 0);
	assert_int_equal(fake_record.blocks, 0);
	fake_vgic_pending = false;
	v->event.info->evtchn_upcall_pending = 1;
	assert_int_equal(event_poll(v, &port, 1, 0), 0);
	assert_int_equal(fake_record.blocks, 0);
	/* With interrupts masked it waits: sched_wait_for_wake_up(). */
	v->regs.pstate = BIT64(7);
	assert_int_equal(event_poll(v, &port, 1, 0), 0);
	assert_int_equal(fake_record.blocks, 1);
}

static void poll_refuses_ports_that_are_not_in_use(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	const uint32_t many[EVENT_POLL_MAX_PORTS + 1] = {0};
	const uint32_t unused[] = {0, 1, 255, 256, UINT32_MAX};

	(void)state;
	fake_set_current(v);
	for (unsigned int i = 0; i < ARRAY_SIZE(unused); i++) {
		assert_int_equal(event_poll(v, &unused[i], 1, 0), -XEN_EINVAL);
	}
	assert_int_equal(event_poll(v, many, ARRAY_SIZE(many), 0), -XEN_EINVAL);
	assert_int_equal(domu->event.polling[0], 0);
	assert_int_equal(fake_record.blocks, 0);
}

/* ---- several CPUs --------------------------------------------------------------------------- */

#define NR_THREADS 4
#define NR_TURNS   2000

/* Each CPU opens, binds, uses and closes channels of all three domains without regard for the
 * others. */
static void *open_and_close(void *cpu)
{
	struct domain *const all[] = {dom0, domu, other};
	uint32_t random = (uint32_t)(uintptr_t)cpu * 2654435761u + 1;

	fake_machine_set_cpu((unsigned int)(uintptr_t)cpu);
	for (unsigned int i = 0; i < NR_TURNS; i++) {
		struct domain *a = all[(random >> 8) % 3], *b = all[(random >> 12) % 3];
		uint32_t port = 1 + (random >> 16) % 8, made;
		int ret;

		random = random * 1664525u + 1013904223u;
		switch ((random >> 24) % 6) {
		case 0:
		case 1:
			ret = event_alloc_unbound(NULL, a->id, b->id, &made);
			break;
		case 2:
		case 3:
			ret = event_bind_interdomain(b, a->id, port, &made);
			break;
		case 4:
			ret = event_send(a, port);
			break;
		default:
			ret = event_close(a, port);
			break;
		}
		if (ret != 0 && ret != -XEN_EINVAL) {
			return (void *)"unexpected error";
		}
	}
	return NULL;
}

static void ends_agree_whatever_cpus_do_at_once(void **state)
{
	struct domain *const all[] = {dom0, domu, other};
	pthread_t threads[NR_THREADS];
	void *complaint;

	(void)state;
	policy_set_silo(false);
	for (uintptr_t i = 0; i < NR_THREADS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, (void *)i), 0);
	}
	for (unsigned int i = 0; i < NR_THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &complaint), 0);
		assert_null(complaint);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		for (uint32_t port = 1; event_port_of(all[i], port) != NULL; port++) {
			const struct event_port *p = event_port_of(all[i], port), *peer;

			if (p->state == EVENT_INTERDOMAIN) {
				peer = event_port_of(p->remote, p->remote_port);
				assert_int_equal(peer->state, EVENT_INTERDOMAIN);
				assert_ptr_equal(peer->remote, all[i]);
				assert_int_equal(peer->remote_port, port);
			} else if (p->state == EVENT_FREE) {
				assert_true(port >= all[i]->event.first_free);
				assert_false(pending(all[i], port));
			}
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(ports_begin_at_one_and_the_lowest_free_is_taken),
		TEST(no_port_beyond_the_limit),
		TEST(limit_of_the_two_level_abi_holds),
		TEST(no_memory_for_a_page_of_ports),
		TEST(dying_domain_gets_no_port),
		TEST(numbers_out_of_range_are_refused),
		TEST(alloc_unbound_for_others_is_the_toolstacks),
		TEST(tenon_itself_allocates_without_a_policy),
		TEST(silo_keeps_unprivileged_domains_apart),
		TEST(bind_interdomain_connects_both_ends),
		TEST(bind_interdomain_refuses),
		TEST(channel_within_one_domain),
		TEST(closing_leaves_the_peer_unbound_for_the_closer),
		TEST(closing_forgets_what_is_pending),
		TEST(ports_of_tenon_are_not_the_guests),
		TEST(destroyed_domain_leaves_its_peers_unbound),
		TEST(reset_closes_all_in_steps),
		TEST(reset_advances_under_constant_interrupts),
		TEST(reset_notices_ports_bound_meanwhile),
		TEST(release_closes_what_an_interrupted_reset_passed),
		TEST(release_is_interruptible),
		TEST(send_gets_through_whatever_attempt_fails),
		TEST(send_sets_the_three_levels_and_interrupts_once),
		TEST(pending_is_written_before_the_mask_is_read),
		TEST(masked_port_waits_for_unmask),
		TEST(byte_of_the_upcall_mask_means_nothing),
		TEST(highest_port_has_its_place),
		TEST(ipi_goes_to_its_vcpu_for_good),
		TEST(bind_vcpu_moves_channels),
		TEST(virqs_are_bound_once),
		TEST(vcpu_virq_is_raised_on_its_vcpu),
		TEST(global_virq_goes_to_the_hardware_domain),
		TEST(status_of_others_is_the_toolstacks),
		TEST(registering_moves_vcpu_info),
		TEST(first_registration_of_a_secondary_starts_from_zero),
		TEST(bad_places_for_vcpu_info),
		TEST(poll_blocks_until_its_port_is_pending),
		TEST(poll_of_several_ports_wakes_for_any_event),
		TEST(many_pollers_are_woken_in_turn),
		TEST(poll_ends_at_its_time),
		TEST(poll_does_not_wait_when_an_interrupt_would_be_taken),
		TEST(poll_refuses_ports_that_are_not_in_use),
		TEST(ends_agree_whatever_cpus_do_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
