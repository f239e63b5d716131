/* SPDX-License-Identifier: MIT */
/*
 * Event channel ports: the tables of each domain, what a port is bound to, and the operations of
 * EVENTCHNOP_* (public/event_channel.h). Delivery is event_2l.c's, VIRQs are event_virq.c's.
 *
 * Locks. A port changes only under its domain's event lock. Both ends of a channel change under
 * both locks, lower domid first, so either lock alone holds the link, and with it the peer, in
 * place: that is what sending relies on. Domains are looked up before any of these locks.
 */
#include "event/event_internal.h"

#include "arm64/atomic.h"
#include "arm64/cpu.h"
#include "domain/domain.h"
#include "domain/policy.h"
#include "lib/assert.h"
#include "mm/mm.h"
#include "stage2/stage2.h"

_Static_assert(sizeof(struct event_port) * EVENT_PORTS_PER_PAGE == PAGE_SIZE, "one page of ports");
_Static_assert(DOMAIN_MAX_VCPUS <= UINT8_MAX + 1, "struct event_port, field vcpu");

/* ---- tables --------------------------------------------------------------------------------- */

struct event_port *event_port_of(const struct domain *d, uint32_t port)
{
	/* Acquire: pairs with the release in add_page(), for those who look without the lock. */
	uint32_t nr_pages = atomic_load_acquire(&d->event.nr_pages);

	if (port / EVENT_PORTS_PER_PAGE >= nr_pages) {
		return NULL;
	}
	return &d->event.ports[port / EVENT_PORTS_PER_PAGE][port % EVENT_PORTS_PER_PAGE];
}

static int add_page(struct event_domain *event)
{
	struct event_port *page;

	ASSERT(event->nr_pages < EVENT_MAX_PAGES);
	page = hyp_alloc(0);
	if (page == NULL) {
		return -XEN_ENOMEM;
	}
	event->ports[event->nr_pages] = page;
	atomic_store_release(&event->nr_pages, event->nr_pages + 1);
	return 0;
}

int event_port_alloc(struct domain *d, uint32_t *port)
{
	struct event_domain *event = &d->event;

	ASSERT(spin_is_mine(&event->lock));
	if (READ_ONCE(d->state) == DOMAIN_DYING) {
		return -XEN_EINVAL;
	}
	for (uint32_t n = event->first_free; n <= event->max_port; n++) {
		struct event_port *p = event_port_of(d, n);

		if (p == NULL) {
			int ret = add_page(event);

			if (ret < 0) {
				return ret;
			}
			p = event_port_of(d, n);
		}
		if (p->state == EVENT_FREE) {
			/* Not before n: all below are taken. n itself may yet stay free. */
			event->first_free = n;
			*port = n;
			return 0;
		}
	}
	return -XEN_ENOSPC;
}

static void port_free(struct domain *d, struct event_port *p, uint32_t port)
{
	/* An event that is still pending would fire for whoever gets the port next. */
	event_2l_clear_pending(d, port);
	*p = (struct event_port){.state = EVENT_FREE};
	d->event.first_free = MIN(d->event.first_free, port);
}

int event_domain_init(struct domain *d, uint32_t max_port)
{
	struct event_domain *event = &d->event;
	int ret;

	*event = (struct event_domain){
		.max_port = max_port < EVENT_2L_NR_PORTS ? max_port : EVENT_2L_NR_PORTS - 1,
		.first_free = 1,
	};
	spin_lock_init(&event->lock, LOCK_RANK_EVENT);
	ret = add_page(event);
	if (ret == 0) {
		/* Port 0 means "none" in much of the ABI. */
		event->ports[0][0].state = EVENT_RESERVED;
	}
	return ret;
}

/* ---- two domains ---------------------------------------------------------------------------- */

static void lock_pair(struct domain *a, struct domain *b)
{
	struct domain *first = a->id < b->id ? a : b;
	struct domain *second = a->id < b->id ? b : a;

	spin_lock(&first->event.lock);
	if (first != second) {
		spin_lock_second(&second->event.lock);
	}
}

static void unlock_pair(struct domain *a, struct domain *b)
{
	spin_unlock(&a->event.lock);
	if (a != b) {
		spin_unlock(&b->event.lock);
	}
}

static struct domain *domain_get_self(const struct domain *self, uint16_t domid)
{
	return domain_get(domid == DOMID_SELF ? self->id : domid);
}

/* ---- binding -------------------------------------------------------------------------------- */

static int alloc_unbound_in(struct domain *d, uint16_t remote, uint32_t *port)
{
	int ret;

	spin_lock(&d->event.lock);
	ret = event_port_alloc(d, port);
	if (ret == 0) {
		struct event_port *p = event_port_of(d, *port);

		p->remote_domid = remote;
		p->vcpu = 0;
		p->state = EVENT_UNBOUND;
	}
	spin_unlock(&d->event.lock);
	return ret;
}

/*
 * As in Xen under SILO: the remote domain must exist, and the pair be allowed to talk, already
 * now. (With xsm=dummy any number is taken, for a domain that is yet to come.)
 */
static int check_remote(const struct domain *caller, const struct domain *d, uint16_t remote)
{
	struct domain *r;
	int ret = 0;

	if (!policy_is_silo()) {
		return 0;
	}
	r = domain_get(remote);
	if (r == NULL) {
		return -XEN_ESRCH;
	}
	if (!policy_may_talk(caller, d, r)) {
		ret = -XEN_EPERM;
	}
	domain_put(r);
	return ret;
}

int event_alloc_unbound(struct domain *caller, uint16_t domid, uint16_t remote, uint32_t *port)
{
	struct domain *d;
	int ret = 0;

	if (caller != NULL) {
		domid = domid == DOMID_SELF ? caller->id : domid;
		/* "Self" is who asks, also when a toolstack asks for another domain. */
		remote = remote == DOMID_SELF ? caller->id : remote;
	}
	d = domain_get(domid);
	if (d == NULL) {
		return -XEN_ESRCH;
	}
	if (caller != NULL) {
		ret = check_remote(caller, d, remote);
		if (ret == 0 && !policy_may_control(caller, d)) {
			ret = -XEN_EPERM;
		}
	}
	if (ret == 0) {
		ret = alloc_unbound_in(d, remote, port);
	}
	domain_put(d);
	return ret;
}

int event_bind_interdomain(struct domain *d, uint16_t remote, uint32_t remote_port, uint32_t *port)
{
	struct domain *r = domain_get_self(d, remote);
	struct event_port *local_end, *remote_end;
	int ret;

	if (r == NULL) {
		return -XEN_ESRCH;
	}
	lock_pair(d, r);
	ret = event_port_alloc(d, port);
	if (ret < 0) {
		goto out;
	}
	remote_end = event_port_of(r, remote_port);
	if (remote_end == NULL || remote_end->state != EVENT_UNBOUND ||
	    remote_end->remote_domid != d->id) {
		ret = -XEN_EINVAL;
		goto out;
	}
	if (!policy_may_talk(d, d, r)) {
		ret = -XEN_EPERM;
		goto out;
	}
	local_end = event_port_of(d, *port);
	local_end->remote = r;
	local_end->remote_port = remote_port;
	local_end->vcpu = 0;
	local_end->state = EVENT_INTERDOMAIN;
	remote_end->remote = d;
	remote_end->remote_port = *port;
	remote_end->state = EVENT_INTERDOMAIN;
	/* What was sent to the port while nobody was bound is lost; so tell the binder to look. */
	event_2l_set_pending(d, local_end, *port);
out:
	unlock_pair(d, r);
	domain_put(r);
	return ret;
}

int event_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port)
{
	int ret;

	if (vcpu >= d->nr_vcpus) {
		return -XEN_ENOENT;
	}
	spin_lock(&d->event.lock);
	ret = event_port_alloc(d, port);
	if (ret == 0) {
		struct event_port *p = event_port_of(d, *port);

		p->vcpu = (uint8_t)vcpu;
		p->state = EVENT_IPI;
	}
	spin_unlock(&d->event.lock);
	return ret;
}

int event_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu)
{
	struct event_port *p;
	int ret = 0;

	if (vcpu >= d->nr_vcpus) {
		return -XEN_ENOENT;
	}
	p = event_port_of(d, port);
	if (p == NULL) {
		return -XEN_EINVAL;
	}
	spin_lock(&d->event.lock);
	if (p->tenon_owned) {
		ret = -XEN_EINVAL;
	} else if (p->state == EVENT_UNBOUND || p->state == EVENT_INTERDOMAIN ||
		   (p->state == EVENT_VIRQ && event_virq_is_global(p->virq))) {
		/* Senders read it under another domain's lock. */
		WRITE_ONCE(p->vcpu, (uint8_t)vcpu);
	} else {
		ret = -XEN_EINVAL;
	}
	spin_unlock(&d->event.lock);
	return ret;
}

/* ---- closing -------------------------------------------------------------------------------- */

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
	port_free(d, p, port);
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
	lock_pair(d, r != NULL ? r : d);
	ret = close_locked(d, port, r != NULL ? r : d, guest);
	unlock_pair(d, r != NULL ? r : d);
	if (r != NULL) {
		domain_put(r);
	}
	return ret;
}

int event_close(struct domain *d, uint32_t port)
{
	return close_port(d, port, true);
}

int event_reset(struct domain *d)
{
	uint32_t nr_pages = atomic_load_acquire(&d->event.nr_pages);
	bool closed = false;

	/* A port that the guest binds while it resets may stay: it gains nothing. */
	for (uint32_t port = 1; port < nr_pages * EVENT_PORTS_PER_PAGE; port++) {
		if (closed && cpu_interrupt_pending()) {
			return -XEN_ERESTART;
		}
		if (close_port(d, port, true) == 0) {
			closed = true;
		}
	}
	return 0;
}

void event_domain_fini(struct domain *d)
{
	struct event_domain *event = &d->event;
	uint32_t nr_pages = event->nr_pages;

	if (nr_pages == 0) {
		return; /* never made */
	}
	/* None is bound behind our back: event_port_alloc() refuses a dying domain, and a closed
	 * port has nothing that a peer could bind to. What cannot be closed is free already. */
	for (uint32_t port = 1; port < nr_pages * EVENT_PORTS_PER_PAGE; port++) {
		(void)!close_port(d, port, false);
	}
	for (unsigned int i = 0; i < d->nr_vcpus; i++) {
		struct event_vcpu *vcpu = &d->vcpu[i]->event;

		timer_cancel_sync(&vcpu->poll_timer);
		if (vcpu->info_claimed) {
			vcpu->info = &vcpu->unregistered;
			vcpu->info_claimed = false;
			hyp_unmap_registered(vcpu->info_mfn);
			frame_put(vcpu->info_mfn);
		}
	}
	/* Others may still look for a port of ours, under our lock. */
	spin_lock(&event->lock);
	atomic_store_release(&event->nr_pages, 0);
	spin_unlock(&event->lock);
	for (uint32_t i = 0; i < nr_pages; i++) {
		hyp_free(event->ports[i], 0);
		event->ports[i] = NULL;
	}
}

/* ---- use ------------------------------------------------------------------------------------ */

int event_send(struct domain *d, uint32_t port)
{
	struct event_port *p = event_port_of(d, port);
	int ret = 0;

	if (p == NULL) {
		return -XEN_EINVAL;
	}
	spin_lock(&d->event.lock);
	if (p->tenon_owned) {
		ret = -XEN_EINVAL;
	} else if (p->state == EVENT_INTERDOMAIN) {
		struct domain *r = p->remote;

		/* The peer cannot close its end without our lock, and fini closes before
		 * anything is freed. */
		event_2l_set_pending(r, event_port_of(r, p->remote_port), p->remote_port);
	} else if (p->state == EVENT_IPI) {
		event_2l_set_pending(d, p, port);
	} else if (p->state != EVENT_UNBOUND) {
		ret = -XEN_EINVAL;
	}
	spin_unlock(&d->event.lock);
	return ret;
}

int event_unmask(struct domain *d, uint32_t port)
{
	struct event_port *p = event_port_of(d, port);

	if (p == NULL) {
		return -XEN_EINVAL;
	}
	spin_lock(&d->event.lock);
	event_2l_unmask(d, p, port);
	spin_unlock(&d->event.lock);
	return 0;
}

static int status_locked(const struct domain *caller, const struct domain *d,
			 const struct event_port *p, struct evtchn_status *status)
{
	/* What status says of each state; closed is 0. */
	static const uint8_t code[] = {
		[EVENT_FREE] = EVTCHNSTAT_closed,     [EVENT_RESERVED] = EVTCHNSTAT_closed,
		[EVENT_UNBOUND] = EVTCHNSTAT_unbound, [EVENT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
		[EVENT_VIRQ] = EVTCHNSTAT_virq,       [EVENT_IPI] = EVTCHNSTAT_ipi,
	};

	if (p->tenon_owned) {
		return -XEN_EACCES;
	}
	if (!policy_may_control(caller, d)) {
		return -XEN_EPERM;
	}
	status->status = code[p->state];
	status->vcpu = p->vcpu;
	if (p->state == EVENT_UNBOUND) {
		status->u.unbound.dom = p->remote_domid;
	} else if (p->state == EVENT_INTERDOMAIN) {
		status->u.interdomain.dom = p->remote->id;
		status->u.interdomain.port = p->remote_port;
	} else if (p->state == EVENT_VIRQ) {
		status->u.virq = p->virq;
	}
	return 0;
}

int event_status(struct domain *caller, struct evtchn_status *status)
{
	struct domain *d = domain_get_self(caller, status->dom);
	struct event_port *p;
	int ret = -XEN_EINVAL;

	if (d == NULL) {
		return -XEN_ESRCH;
	}
	spin_lock(&d->event.lock);
	p = event_port_of(d, status->port);
	if (p != NULL) {
		ret = status_locked(caller, d, p, status);
	}
	spin_unlock(&d->event.lock);
	domain_put(d);
	return ret;
}
