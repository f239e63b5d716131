/* SPDX-License-Identifier: MIT */
/*
 * Event channel ports: what each is bound to, and the operations of EVTCHNOP_*
 * (public/event_channel.h) but for closing (event_close.c), VIRQs (event_virq.c) and the FIFO ABI's
 * own. Delivery is event_2l.c's and event_fifo.c's.
 *
 * Locks. A port changes only under its domain's event lock. Both ends of a channel change under
 * both locks, lower domid first, so either lock alone holds the link, and with it the peer, in
 * place: that is what sending relies on. Domains are looked up before any of these locks.
 */
#include "event/event_internal.h"

#include "domain/policy.h"

static struct domain *domain_get_self(const struct domain *self, uint16_t domid)
{
	return domain_get(domid == DOMID_SELF ? self->id : domid);
}

/* ---- binding -------------------------------------------------------------------------------- */

static int alloc_unbound_in(struct domain *d, uint16_t remote, uint32_t *port)
{
	struct event_port *p;
	int ret;

	spin_lock(&d->event.lock);
	ret = event_port_find(d, &p, port);
	if (ret == 0) {
		p->remote_domid = remote;
		event_port_use(d, p, *port, EVENT_UNBOUND, 0);
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
	event_lock_pair(d, r);
	ret = event_port_find(d, &local_end, port);
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
	local_end->remote = r;
	local_end->remote_port = remote_port;
	event_port_use(d, local_end, *port, EVENT_INTERDOMAIN, 0);
	remote_end->remote = d;
	remote_end->remote_port = *port;
	remote_end->state = EVENT_INTERDOMAIN;
	/* What was sent to the port while nobody was bound is lost; so tell the binder to look. */
	event_set_pending(d, local_end, *port);
out:
	event_unlock_pair(d, r);
	domain_put(r);
	return ret;
}

int event_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port)
{
	struct event_port *p;
	int ret;

	if (vcpu >= d->nr_vcpus) {
		return -XEN_ENOENT;
	}
	spin_lock(&d->event.lock);
	ret = event_port_find(d, &p, port);
	if (ret == 0) {
		event_port_use(d, p, *port, EVENT_IPI, vcpu);
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

/* ---- use ------------------------------------------------------------------------------------ */

static int send_locked(struct domain *d, struct event_port *p, uint32_t port)
{
	if (p->tenon_owned) {
		return -XEN_EINVAL;
	}
	if (p->state == EVENT_INTERDOMAIN) {
		/* The peer cannot close its end without our lock, and fini closes before
		 * anything is freed. */
		d = p->remote;
		port = p->remote_port;
		p = event_port_of(d, port);
	} else if (p->state != EVENT_IPI) {
		return p->state == EVENT_UNBOUND ? 0 : -XEN_EINVAL;
	}
	event_set_pending(d, p, port);
	return 0;
}

int event_send(struct domain *d, uint32_t port)
{
	struct event_port *p;
	int ret = -XEN_EINVAL;

	spin_lock(&d->event.lock);
	p = event_port_of(d, port);
	if (likely(p != NULL)) {
		ret = send_locked(d, p, port);
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
	if (p->tenon_owned || !event_port_is_used(p)) {
		/* Nothing to do, and no error, as in Xen. */
	} else if (d->event.fifo != NULL) {
		event_fifo_unmask(d, p, port);
	} else {
		event_2l_unmask(d, p, port);
	}
	spin_unlock(&d->event.lock);
	return 0;
}

/* Under the event lock of d, whose port it is. */
static inline void describe(const struct event_port *p, struct evtchn_status *status)
{
	/* What status says of each state; closed is 0. */
	static const uint8_t code[] = {
		[EVENT_FREE] = EVTCHNSTAT_closed,     [EVENT_RESERVED] = EVTCHNSTAT_closed,
		[EVENT_UNBOUND] = EVTCHNSTAT_unbound, [EVENT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
		[EVENT_VIRQ] = EVTCHNSTAT_virq,       [EVENT_IPI] = EVTCHNSTAT_ipi,
	};
	const enum event_port_state state = p->state;

	status->status = code[state];
	status->vcpu = p->vcpu;
	switch (state) {
	case EVENT_UNBOUND:
		status->u.unbound.dom = p->remote_domid;
		break;
	case EVENT_INTERDOMAIN:
		status->u.interdomain.dom = p->remote->id;
		status->u.interdomain.port = p->remote_port;
		break;
	case EVENT_VIRQ:
		status->u.virq = p->virq;
		break;
	default:
		break;
	}
}

static __force_inline int status_of(struct domain *d, bool allowed, struct evtchn_status *status)
{
	const struct event_port *p;
	int ret;

	spin_lock(&d->event.lock);
	p = event_port_of(d, status->port);
	if (unlikely(p == NULL)) {
		ret = -XEN_EINVAL;
	} else if (unlikely(p->tenon_owned)) {
		ret = -XEN_EACCES;
	} else if (unlikely(!allowed)) {
		ret = -XEN_EPERM;
	} else {
		describe(p, status);
		ret = 0;
	}
	spin_unlock(&d->event.lock);
	return ret;
}

static __noinline int status_of_other(const struct domain *caller, struct evtchn_status *status)
{
	struct domain *d = domain_get(status->dom);
	int ret;

	if (d == NULL) {
		return -XEN_ESRCH;
	}
	ret = status_of(d, policy_may_control(caller, d), status);
	domain_put(d);
	return ret;
}

int event_status(struct domain *caller, struct evtchn_status *status)
{
	/* Its own, as nearly always: that stays while it is in here. */
	if (likely(status->dom == DOMID_SELF || status->dom == caller->id)) {
		return status_of(caller, true, status);
	}
	return status_of_other(caller, status);
}
