/* SPDX-License-Identifier: MIT */
/* Between the files of event/: the port table and the 2-level delivery that it drives. */
#pragma once

#include "event/event.h"

/* The port's entry, whatever its state; NULL when the number is beyond the tables made so far. */
struct event_port *event_port_of(const struct domain *d, uint32_t port);
/* Lowest free port, given back in state EVENT_FREE. Event lock held. */
int __must_check event_port_alloc(struct domain *d, uint32_t *port);

/*
 * The 2-level ABI (event_2l.c): bits in shared_info and vcpu_info, all changed atomically, as
 * the guest changes them at the same time. No lock is needed for the bits; the caller holds what
 * keeps d alive.
 */
void event_2l_set_pending(struct domain *d, const struct event_port *p, uint32_t port);
void event_2l_clear_pending(struct domain *d, uint32_t port);
void event_2l_unmask(struct domain *d, const struct event_port *p, uint32_t port);
bool event_2l_is_pending(const struct domain *d, uint32_t port);
/* Make v look at all its events: for a vcpu_info that has just changed place. */
void event_2l_rescan(struct vcpu *v);

/* Wake the vCPUs of d that poll for this port (event_poll.c). */
void event_poll_notify(struct domain *d, uint32_t port);
void event_poll_init(struct vcpu *v);

bool event_virq_is_global(uint32_t virq);
/* The VIRQ of this port is free again. Event lock held. */
void event_virq_unbind(struct domain *d, const struct event_port *p);
