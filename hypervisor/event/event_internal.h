/* SPDX-License-Identifier: MIT */
/* Between the files of event/: the port table, and the delivery by either ABI that it drives. */
#pragma once

#include "arm64/atomic.h"
#include "domain/domain.h"
#include "event/event.h"
#include "vgic/vgic.h"

/* ---- the table (event_table.c) -------------------------------------------------------------- */

/* The port's entry, whatever its state; NULL when the number is beyond the tables made so far. */
static inline struct event_port *event_port_of(const struct domain *d, uint32_t port)
{
	/* Acquire: pairs with the release in add_page(), for those who look without the lock. */
	uint32_t nr_pages = atomic_load_acquire(&d->event.nr_pages);

	if (port / EVENT_PORTS_PER_PAGE >= nr_pages) {
		return NULL;
	}
	return &d->event.table->page[port / EVENT_PORTS_PER_PAGE][port % EVENT_PORTS_PER_PAGE];
}

static inline bool event_port_is_used(const struct event_port *p)
{
	return p->state != EVENT_FREE && p->state != EVENT_RESERVED;
}

/* Lowest free port: its entry in *p, in state EVENT_FREE, and its number. Event lock held. */
int __must_check event_port_find(struct domain *d, struct event_port **p, uint32_t *port);
/* The free port is bound now, to vCPU vcpu. Event lock held. */
void event_port_use(struct domain *d, struct event_port *p, uint32_t port,
		    enum event_port_state state, uint32_t vcpu);
void event_port_free(struct domain *d, struct event_port *p, uint32_t port);

/* The event locks of both, in their order; a may be b. */
void event_lock_pair(struct domain *a, struct domain *b);
void event_unlock_pair(struct domain *a, struct domain *b);

/* ---- words that the guest changes at the same time -------------------------------------------- */

/*
 * A guest whose CPUs write a word without pause could make an exclusive store to it fail for
 * ever, so each attempt is a single LL/SC pair and the attempts are counted (S3). Hardware lets
 * one through within a few; whoever makes all of these fail loses an event of its own.
 */
#define EVENT_MAX_ATTEMPTS 4096
void event_say_contended(const struct domain *d);

/*
 * One attempt to make *word new where it is *expected; else *expected is what was there. May fail
 * for no reason. Words lie in frames that are mapped Write-Back on both sides, as exclusives need.
 */
#ifdef TENON_HOST
/* Atomics of the build host never fail for no reason: the unit tests do it (tests/unit/fake_hypervisor.h). */
bool fake_attempt_fails(void);
#else
#define fake_attempt_fails() false
#endif
#define event_try_update(word, expected, new)                                                  \
	(!fake_attempt_fails() && __atomic_compare_exchange_n((word), (expected), (new), true, \
							      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))

/* After a first attempt that failed: evtchn_upcall_pending becomes 1, and on the step from 0 the interrupt is raised. */
void event_upcall_again(struct vcpu *v);

/*
 * info is the one that v->event has: evtchn_upcall_pending becomes 1, and on the step from 0 the interrupt is raised. Also for a vCPU that is down: the byte
 * and the interrupt wait for it. evtchn_upcall_mask means nothing on Arm; PSTATE.I and the interrupt controller do that job.
 */
static inline void event_upcall(struct vcpu *v, struct vcpu_info *info)
{
	uint8_t expected = atomic_load_relaxed(&info->evtchn_upcall_pending);

	if (unlikely(!event_try_update(&info->evtchn_upcall_pending, &expected, 1))) {
		event_upcall_again(v);
	} else if (expected == 0) {
		vgic_pulse(v->domain, v, v->domain->evtchn_ppi);
	}
}

/* ---- the 2-level ABI (event_2l.c) ------------------------------------------------------------- */

/*
 * Bits in shared_info and vcpu_info, all changed atomically. No lock is needed for the bits; the
 * caller holds what keeps d alive and the port open.
 */
void event_2l_set_pending(struct domain *d, struct event_port *p, uint32_t port);
void event_2l_clear_pending(struct domain *d, uint32_t port);
void event_2l_unmask(struct domain *d, const struct event_port *p, uint32_t port);
bool event_2l_is_pending(const struct domain *d, uint32_t port);
/* Make v look at all its events: for a vcpu_info that has just changed place. */
void event_2l_rescan(struct vcpu *v);

/* ---- the FIFO ABI (event_fifo.c, event_fifo_setup.c) ------------------------------------------ */

#define EVENT_FIFO_WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define EVENT_FIFO_MAX_PAGES      (EVENT_FIFO_NR_PORTS / EVENT_FIFO_WORDS_PER_PAGE)

/* One page of Tenon's own, while the domain uses the FIFO ABI. */
struct event_fifo {
	struct spinlock lock; /* nr_ports, control and fifo_tail of all vCPUs, fifo of all ports */
	uint32_t nr_ports;    /* that have a word; written under the event lock too */
	uint32_t nr_frames;   /* under the event lock */
	event_word_t *page[EVENT_FIFO_MAX_PAGES];
	/* What the guest has registered, each with a reference: array pages and control blocks. */
	mfn_t frame[EVENT_FIFO_MAX_PAGES + DOMAIN_MAX_VCPUS];
};
_Static_assert(sizeof(struct event_fifo) <= PAGE_SIZE, "struct event_fifo outgrew its page");

/*
 * As those of the 2-level ABI; the caller keeps the FIFO in use as well, by an open port or the
 * event lock.
 */
void event_fifo_set_pending(struct domain *d, struct event_port *p, uint32_t port);
void event_fifo_clear_pending(struct domain *d, struct event_port *p, uint32_t port);
void event_fifo_unmask(struct domain *d, struct event_port *p, uint32_t port);
bool event_fifo_is_pending(const struct domain *d, const struct event_port *p, uint32_t port);
/* The port is still in a queue: it must not be bound again yet. Event lock held. */
bool event_fifo_is_linked(const struct domain *d, uint32_t port);
/* The port is about to be bound: default priority. Event lock held. */
void event_fifo_init_port(struct event_port *p);
/* The event is pending and its word does not exist yet. */
void event_fifo_keep(struct event_port *p);
bool event_fifo_is_kept(const struct event_port *p);

/* Return to the 2-level ABI; no port is in use. Event lock held. event_fifo_give_back() follows. */
void event_fifo_retire(struct domain *d);
/* Let go of one frame of a retired FIFO. False when there is none left. No lock held. */
bool event_fifo_give_back(struct domain *d);

/* ---- either ----------------------------------------------------------------------------------- */

static inline void event_set_pending(struct domain *d, struct event_port *p, uint32_t port)
{
	if (atomic_load_acquire(&d->event.fifo) != NULL) {
		event_fifo_set_pending(d, p, port);
	} else {
		event_2l_set_pending(d, p, port);
	}
}

/* Wake the vCPUs of d that poll for this port (event_poll.c). */
void event_poll_wake(struct domain *d, uint32_t port);

/* Does any vCPU poll? */
static inline bool event_poll_is_on(const struct domain *d)
{
	_Static_assert(ARRAY_SIZE(d->event.polling) == 2, "each word is looked at");
	return (READ_ONCE(d->event.polling[0]) | READ_ONCE(d->event.polling[1])) != 0;
}

void event_poll_init(struct vcpu *v);

bool event_virq_is_global(uint32_t virq);
/* The VIRQ of this port is free again. Event lock held. */
void event_virq_unbind(struct domain *d, const struct event_port *p);

/* A frame of the domain's own RAM, mapped for Tenon, with a reference: what guests register. */
int __must_check event_map_frame(struct domain *d, gfn_t g, mfn_t *m, void **va);
void event_unmap_frame(struct domain *d, mfn_t m);
/* Unregister one vcpu_info of a dead domain, from vCPU 0 on. False when none is left. */
bool event_vcpu_release(struct domain *d);
