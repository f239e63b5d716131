/* SPDX-License-Identifier: MIT */
/*
 * VIRQs: interrupts without a device that Tenon raises as events (public/xen.h, "VIRTUAL
 * INTERRUPTS"). Per-vCPU ones are bound once on each vCPU; global ones once in a domain, on its
 * vCPU 0's table, and only the hardware domain's binding is ever raised.
 */
#include "event/event_internal.h"

#include "domain/domain.h"
#include "lib/assert.h"

_Static_assert(EVENT_NR_VIRQS == NR_VIRQS, "public/xen.h");

bool event_virq_is_global(uint32_t virq)
{
	return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF &&
	       virq != VIRQ_XENPMU;
}

int event_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu, uint32_t *port)
{
	struct event_vcpu *event;
	struct event_port *p;
	int ret;

	if (virq >= EVENT_NR_VIRQS || (event_virq_is_global(virq) && vcpu != 0)) {
		return -XEN_EINVAL;
	}
	if (vcpu >= d->nr_vcpus) {
		return -XEN_ENOENT;
	}
	event = &d->vcpu[vcpu]->event;
	spin_lock(&d->event.lock);
	if (event->virq_port[virq] != 0) {
		ret = -XEN_EEXIST;
	} else {
		ret = event_port_find(d, &p, port);
	}
	if (ret == 0) {
		p->virq = virq;
		event_port_use(d, p, *port, EVENT_VIRQ, vcpu);
		event->virq_port[virq] = *port;
	}
	spin_unlock(&d->event.lock);
	return ret;
}

void event_virq_unbind(struct domain *d, const struct event_port *p)
{
	/* A global VIRQ may notify another vCPU by now; its table entry stays with vCPU 0. */
	unsigned int vcpu = event_virq_is_global(p->virq) ? 0 : p->vcpu;

	ASSERT(spin_is_mine(&d->event.lock));
	d->vcpu[vcpu]->event.virq_port[p->virq] = 0;
}

/* virq as bound on table; the port says which vCPU is notified. */
static void raise(struct domain *d, const struct event_vcpu *table, uint32_t virq)
{
	uint32_t port;

	spin_lock(&d->event.lock);
	port = table->virq_port[virq];
	if (port != 0) {
		event_set_pending(d, event_port_of(d, port), port);
	}
	spin_unlock(&d->event.lock);
}

void event_raise_virq(struct vcpu *v, uint32_t virq)
{
	ASSERT(virq < EVENT_NR_VIRQS && !event_virq_is_global(virq));
	raise(v->domain, &v->event, virq);
}

void event_raise_global_virq(uint32_t virq)
{
	struct domain *d = hardware_domain;

	ASSERT(virq < EVENT_NR_VIRQS && event_virq_is_global(virq));
	if (d != NULL && d->nr_vcpus != 0) {
		raise(d, &d->vcpu[0]->event, virq);
	}
}
