/* SPDX-License-Identifier: MIT */
/* Closing event channels: one, all that a guest has (EVTCHNOP_reset), and all of a domain that goes. */
#include "event/event_internal.h"

#include "arm64/cpu.h"
#include "lib/assert.h"
#include "mm/mm.h"

/* Ports are looked at in batches of this many between polls for interrupts (S3). */
#define BATCH 64

/* d's event lock is held, and r's, with which the port is if it is interdomain. guest: a guest
 * asks. */
static int close_locked(struct domain *d, uint32_t port, const struct domain *r, bool guest)
{
	struct event_port *p = event_port_of(d, port);
	struct event_port *peer;

	if (p == NULL || (p->tenon_owned && guest)) {
		return -XEN_EINVAL;
	}
	switch ((enum event_port_state)p->state) {
	case EVENT_FREE:
	case EVENT_RESERVED:
		return -XEN_EINVAL;
	case EVENT_VIRQ:
		event_virq_unbind(d, p);
		break;
	case EVENT_INTERDOMAIN:
		if (p->remote != r) {
			/* Closed and bound to another while no lock was held: it has been free
			 * in between, which is an answer as good as any. */
			return -XEN_EINVAL;
		}
		/* The peer's end waits for us to come back. It is not told. */
		peer = event_port_of(r, p->remote_port);
		ASSERT(peer != NULL && peer->state == EVENT_INTERDOMAIN && peer->remote == d);
		peer->state = EVENT_UNBOUND;
		peer->remote = NULL;
		peer->remote_domid = d->id;
		peer->remote_port = 0;
		break;
	case EVENT_UNBOUND:
	case EVENT_IPI:
		break;
	}
	event_port_free(d, p, port);
	return 0;
}

/* Another domain at the far end of the port? Its domid in *domid. */
static bool has_remote(struct domain *d, uint32_t port, uint16_t *domid)
{
	const struct event_port *p;
	bool has = false;

	spin_lock(&d->event.lock);
	p = event_port_of(d, port);
	if (p != NULL && p->state == EVENT_INTERDOMAIN && p->remote != d) {
		*domid = p->remote->id;
		has = true;
	}
	spin_unlock(&d->event.lock);
	return has;
}

static int close_port(struct domain *d, uint32_t port, bool guest)
{
	struct domain *r = NULL;
	uint16_t remote_domid;
	int ret;

	/* The look-up comes before the locks. A peer that has gone meanwhile has left our end
	 * unbound. */
	if (has_remote(d, port, &remote_domid)) {
		r = domain_get(remote_domid);
	}
	event_lock_pair(d, r != NULL ? r : d);
	ret = close_locked(d, port, r != NULL ? r : d, guest);
	event_unlock_pair(d, r != NULL ? r : d);
	if (r != NULL) {
		domain_put(r);
	}
	return ret;
}

int event_close(struct domain *d, uint32_t port)
{
	return close_port(d, port, true);
}

/* A free port that is bound right after this look is as if bound after the call. False: no such port. */
static bool look_at_port(struct domain *d, uint32_t port, bool *in_use)
{
	const struct event_port *p;

	/* A domain that is taken apart meanwhile frees its ports under the lock. */
	spin_lock(&d->event.lock);
	p = event_port_of(d, port);
	*in_use = p != NULL && p->state != EVENT_FREE;
	spin_unlock(&d->event.lock);
	return p != NULL;
}

/*
 * Close all ports from close_next on. That is the domain's, not the call's: whoever comes while
 * another's call is interrupted goes on where that was.
 */
static int close_all(struct domain *d, bool guest)
{
	uint32_t port = READ_ONCE(d->event.close_next);
	unsigned int looked_at = 0;
	bool in_use;

	for (; look_at_port(d, port, &in_use); port++) {
		if (in_use) {
			(void)!close_port(d, port, guest);
		}
		if (++looked_at % BATCH == 0 && cpu_interrupt_pending()) {
			WRITE_ONCE(d->event.close_next, port + 1);
			return -XEN_ERESTART;
		}
	}
	WRITE_ONCE(d->event.close_next, 1);
	return 0;
}

/* Is a port in use, though all were closed? Event lock held. guest: that it could have closed. */
static bool has_ports(const struct domain *d, bool guest)
{
	const struct event_domain *event = &d->event;

	for (uint32_t page = 0; page < event->nr_pages; page++) {
		uint32_t left = event->table->nr_used[page];

		for (unsigned int n = 0; left > 0; n++) {
			const struct event_port *p = &event->table->page[page][n];

			if (event_port_is_used(p) && !(p->tenon_owned && guest)) {
				return true;
			}
			left -= p->state != EVENT_FREE;
		}
	}
	return false;
}

static int give_back_fifo(struct domain *d)
{
	while (event_fifo_give_back(d)) {
		if (cpu_interrupt_pending()) {
			return -XEN_ERESTART;
		}
	}
	return 0;
}

int event_reset(struct domain *d)
{
	int ret = close_all(d, true);

	if (ret == 0) {
		/* What an earlier reset has left. */
		ret = give_back_fifo(d);
	}
	if (ret < 0) {
		return ret;
	}
	spin_lock(&d->event.lock);
	if (has_ports(d, true)) {
		ret = -XEN_EAGAIN;
	} else if (d->event.fifo != NULL) {
		if (d->event.fifo_retired != NULL) {
			ret = -XEN_ERESTART; /* another reset has just come this far as well */
		} else {
			event_fifo_retire(d);
		}
	}
	spin_unlock(&d->event.lock);
	return ret == 0 ? give_back_fifo(d) : ret;
}

/* Free the last page of the table. Others may still look for a port of ours, under our lock. */
static void free_page(struct event_domain *event)
{
	struct event_port *page;
	uint32_t n;

	spin_lock(&event->lock);
	n = event->nr_pages - 1;
	page = event->table->page[n];
	atomic_store_release(&event->nr_pages, n);
	spin_unlock(&event->lock);
	hyp_free(page, 0);
}

/* The ports of a domain that no longer runs, once: close_next is 0 then. */
static int release_ports(struct domain *d)
{
	struct event_domain *event = &d->event;
	int ret;

	if (event->close_next == 0) {
		return 0;
	}
	/* None is bound behind our back: event_port_find() refuses a dying domain, and a closed
	 * port has nothing that a peer could bind to. */
	ret = close_all(d, false);
	if (ret < 0) {
		return ret;
	}
	spin_lock(&event->lock);
	if (has_ports(d, false)) {
		ret = -XEN_ERESTART; /* the guest's reset had been under way: begun amid the table */
	} else {
		event->close_next = 0;
		if (event->fifo != NULL) {
			event_fifo_retire(d); /* what was retired before has been given back */
		}
	}
	spin_unlock(&event->lock);
	return ret;
}

int event_domain_release(struct domain *d)
{
	struct event_domain *event = &d->event;
	int ret;

	if (event->nr_pages == 0) {
		return 0; /* never made, or done */
	}
	ret = event->fifo_retired != NULL ? give_back_fifo(d) : 0;
	if (ret == 0) {
		ret = release_ports(d);
	}
	if (ret == 0) {
		ret = give_back_fifo(d);
	}
	while (ret == 0 && event_vcpu_release(d)) {
		ret = cpu_interrupt_pending() ? -XEN_ERESTART : 0;
	}
	while (ret == 0 && event->nr_pages > 0) {
		free_page(event);
		ret = event->nr_pages > 0 && cpu_interrupt_pending() ? -XEN_ERESTART : 0;
	}
	return ret;
}

void event_domain_fini(struct domain *d)
{
	struct event_table *table;

	while (event_domain_release(d) == -XEN_ERESTART) {
	}
	for (unsigned int i = 0; i < d->nr_vcpus; i++) {
		timer_cancel_sync(&d->vcpu[i]->event.poll_timer);
	}
	table = d->event.table;
	d->event.table = NULL;
	hyp_free(table, EVENT_TABLE_ORDER);
}
