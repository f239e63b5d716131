/* SPDX-License-Identifier: MIT */
/*
 * SCHEDOP_poll: a vCPU waits until one of its ports is pending, masked or not, or a time has
 * come. Any other wake-up ends the wait as well; callers look again, as public/sched.h tells
 * them to.
 */
#include "event/event_internal.h"

#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "domain/domain.h"
#include "sched/sched.h"
#include "vgic/vgic.h"

#define PSTATE_I   BIT64(7)
/* Longer waits are cut to this: the caller is woken for nothing once in ten years. */
#define LONGEST_NS (UINT64_C(10) * 365 * 24 * 3600 * 1000000000)

static bool stop_polling(struct vcpu *v)
{
	return atomic_test_and_clear_bit(&v->domain->event.polling[v->id / 64], v->id % 64);
}

static void poll_timeout(struct timer *timer)
{
	struct event_vcpu *event = container_of(timer, struct event_vcpu, poll_timer);
	struct vcpu *v = container_of(event, struct vcpu, event);

	/* A timer left over from a wait that ended otherwise finds nobody polling. */
	if (stop_polling(v)) {
		sched_wake(v);
	}
}

void event_poll_init(struct vcpu *v)
{
	timer_setup(&v->event.poll_timer, poll_timeout);
}

void event_poll_wake(struct domain *d, uint32_t port)
{
	unsigned int nr_woken = 0;

	for (unsigned int word = 0; word < ARRAY_SIZE(d->event.polling); word++) {
		uint64_t polling = atomic_load_acquire(&d->event.polling[word]);

		for (; polling != 0; polling &= polling - 1) {
			struct vcpu *v = d->vcpu[word * 64 + (unsigned int)__builtin_ctzll(polling)];
			uint32_t wanted = READ_ONCE(v->event.poll_port);

			if ((wanted != EVENT_POLL_ANY && wanted != port) || !stop_polling(v)) {
				continue;
			}
			if (nr_woken++ < SCHED_WAKES_AT_ONCE) {
				sched_wake(v);
			} else {
				sched_wake_soon(v);
			}
		}
	}
}

static bool is_pending(const struct domain *d, const struct event_port *p, uint32_t port)
{
	return d->event.fifo != NULL ? event_fifo_is_pending(d, p, port)
				     : event_2l_is_pending(d, port);
}

/* 1: one of the ports is pending; 0: none; -XEN_EINVAL: one is not in use. */
static int look_at_ports(struct domain *d, const uint32_t *ports, unsigned int nr_ports)
{
	int ret = 0;

	/* The lock keeps the ports, and the guest's frames that say what is pending, in place. */
	spin_lock(&d->event.lock);
	for (unsigned int i = 0; i < nr_ports && ret == 0; i++) {
		const struct event_port *p = event_port_of(d, ports[i]);

		if (p == NULL || p->tenon_owned || !event_port_is_used(p)) {
			ret = -XEN_EINVAL;
		} else if (is_pending(d, p, ports[i])) {
			ret = 1;
		}
	}
	spin_unlock(&d->event.lock);
	return ret;
}

int event_poll(struct vcpu *v, const uint32_t *ports, unsigned int nr_ports, uint64_t timeout_ns)
{
	struct domain *d = v->domain;
	struct event_vcpu *event = &v->event;
	uint64_t now;
	int ret;

	if (nr_ports > EVENT_POLL_MAX_PORTS) {
		return -XEN_EINVAL;
	}
	timer_cancel(&event->poll_timer);
	sched_block_prepare(v);
	WRITE_ONCE(event->poll_port, nr_ports == 1 ? ports[0] : EVENT_POLL_ANY);
	atomic_test_and_set_bit(&d->event.polling[v->id / 64], v->id % 64);
	/* The poll bit before the pending bits: pairs with the barriers in event_2l_set_pending()
	 * and event_fifo.c. */
	dmb_ish();

	/* An interrupt that would be taken at once ends the wait before it begins. */
	if ((v->regs.pstate & PSTATE_I) == 0 && (event_upcall_pending(v) || vgic_has_pending(v))) {
		stop_polling(v);
		return 0;
	}
	ret = look_at_ports(d, ports, nr_ports);
	if (ret != 0) {
		stop_polling(v);
		return MIN(ret, 0);
	}
	if (timeout_ns != 0) {
		now = time_now_ns();
		if (timeout_ns <= now) {
			stop_polling(v);
			return 0;
		}
		timer_set(&event->poll_timer,
			  time_ticks() + time_ns_to_ticks(MIN(timeout_ns - now, LONGEST_NS)));
	}
	/* Interrupts that are there and masked are nothing to it, as in Xen; new ones wake it. */
	sched_wait_for_wake_up(v);
	return 0;
}
