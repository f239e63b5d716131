/* SPDX-License-Identifier: MIT */
/*
 * Event channels: ports, their binding, delivery through the 2-level or the FIFO ABI, and the upcall.
 * public/event_channel.h; xen-abi-arm section 5.
 */
#pragma once

#include "abi/xen.h"
#include "lib/compiler.h"
#include "lib/lock.h"
#include "mm/frame.h"
#include "time/time.h"

struct domain;
struct event_fifo;
struct vcpu;

#define EVENT_2L_NR_PORTS   4096
#define EVENT_FIFO_NR_PORTS EVTCHN_FIFO_NR_CHANNELS
#define EVENT_NR_VIRQS      24

enum event_port_state {
	EVENT_FREE = 0,
	EVENT_RESERVED,
	EVENT_UNBOUND, /* for remote_domid */
	EVENT_INTERDOMAIN,
	EVENT_VIRQ,
	EVENT_IPI
};

/* 16 bytes, so that a page holds 256. Written under the owning domain's event lock, but for fifo. */
struct event_port {
	uint8_t state;             /* enum event_port_state */
	uint8_t vcpu;              /* notified vCPU */
	uint16_t fifo;             /* queue, priority and more: event_fifo.c's */
	uint32_t remote_port : 31; /* EVENT_INTERDOMAIN */
	uint32_t tenon_owned : 1; /* the consumer is Tenon: the guest may not close, send or move it */
	union {
		uint16_t remote_domid; /* EVENT_UNBOUND: who may bind */
		struct domain *remote; /* EVENT_INTERDOMAIN: valid under this domain's event lock */
		uint32_t virq;         /* EVENT_VIRQ */
	};
};
_Static_assert(sizeof(struct event_port) == 16, "256 ports a page");

#define EVENT_PORTS_PER_PAGE 256
#define EVENT_MAX_PAGES      (EVENT_FIFO_NR_PORTS / EVENT_PORTS_PER_PAGE)

/* Two pages of Tenon's own. */
struct event_table {
	struct event_port *page[EVENT_MAX_PAGES];
	uint16_t nr_used[EVENT_MAX_PAGES]; /* ports of the page that are not EVENT_FREE */
};
#define EVENT_TABLE_ORDER 1

struct event_domain {
	struct spinlock lock; /* ports, max_port's users, virq_port of all vCPUs, fifo as a pointer */
	uint32_t max_port;    /* last port number that the domain may have */
	uint32_t first_free; /* no port below it is free */
	uint32_t nr_pages;   /* of the table allocated so far; pages are only ever added */
	uint32_t close_next; /* event_reset(), event_domain_release(): where to go on */
	struct event_table *table;
	struct event_fifo *fifo;         /* atomic: NULL while the 2-level ABI is in use */
	struct event_fifo *fifo_retired; /* no longer in use, its frames not yet all given back */
	uint64_t polling[2];             /* atomic: bit per vCPU that waits in SCHEDOP_poll */
};

#define EVENT_POLL_ANY       UINT32_MAX
#define EVENT_POLL_MAX_PORTS 128

struct event_vcpu {
	struct vcpu_info *info;        /* atomic: shared_info's, the one below, or registered */
	bool info_claimed;             /* atomic: registered, or about to be */
	mfn_t info_mfn;                /* the frame, when registered */
	struct vcpu_info unregistered; /* takes the bits of vCPUs other than 0 until they register */
	uint32_t virq_port[EVENT_NR_VIRQS];
	/* Under the FIFO's lock. */
	struct evtchn_fifo_control_block *control; /* NULL: none registered */
	uint32_t fifo_tail[EVTCHN_FIFO_MAX_QUEUES]; /* port that was put last in each queue; 0: none */
	uint32_t poll_port; /* while polling: the one port, or EVENT_POLL_ANY */
	struct timer poll_timer;
};

/* max_port is cut to what the FIFO ABI has; the 2-level ABI has less. -XEN_ENOMEM. */
int __must_check event_domain_init(struct domain *d, uint32_t max_port);
/*
 * Close every port (peers become unbound), give back what the guest has registered, free the tables. The domain no
 * longer runs, still answers to domain_get(), and shared_info is still there. -XEN_ERESTART: call again.
 */
int __must_check event_domain_release(struct domain *d);
/* The rest, after event_domain_release() or instead of it. */
void event_domain_fini(struct domain *d);
/* d->shared_info exists. */
void event_vcpu_init(struct vcpu *v);

/*
 * The event channel hypercalls, arguments already copied in. d is the caller. They take event
 * locks and look domains up: no lock of rank DOMAIN_LIST or inner may be held.
 *
 * alloc_unbound: caller NULL means Tenon itself, which names both domains and is asked no policy.
 */
int __must_check event_alloc_unbound(struct domain *caller, uint16_t domid, uint16_t remote,
				     uint32_t *port);
int __must_check event_bind_interdomain(struct domain *d, uint16_t remote, uint32_t remote_port,
					uint32_t *port);
int __must_check event_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu, uint32_t *port);
int __must_check event_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port);
int __must_check event_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu);
int __must_check event_close(struct domain *d, uint32_t port);
int __must_check event_send(struct domain *d, uint32_t port);
int __must_check event_unmask(struct domain *d, uint32_t port);
int __must_check event_status(struct domain *caller, struct evtchn_status *status);
/* Close all ports that are the guest's and return to the 2-level ABI. -XEN_ERESTART: call again with the same
 * arguments. -XEN_EAGAIN: somebody binds ports meanwhile. */
int __must_check event_reset(struct domain *d);

/* The FIFO ABI (event_fifo_setup.c). */
int __must_check event_fifo_init_control(struct domain *d, uint32_t vcpu, gfn_t g, uint32_t offset);
/* Add a page to the event array; its number of ports is in the array afterwards. */
int __must_check event_fifo_expand_array(struct domain *d, gfn_t g);
/*
 * Put the events in queues that came before their part of the array. To be called after event_fifo_expand_array().
 * -XEN_ERESTART: again, with *from as it is now; it begins at 0.
 */
int __must_check event_fifo_resend(struct domain *d, uint32_t *from);
/* Can a call of event_fifo_resend() have been interrupted at this port? */
bool event_fifo_is_resending(struct domain *d, uint32_t from);
int __must_check event_fifo_set_priority(struct domain *d, uint32_t port, uint32_t priority);

/* SCHEDOP_poll by the current vCPU: blocks it (in the sense of sched_block()) unless a port is
 * pending. timeout_ns: absolute, on time_now_ns()'s scale; 0 means none. */
int __must_check event_poll(struct vcpu *v, const uint32_t *ports, unsigned int nr_ports,
			    uint64_t timeout_ns);

/* Raise a VIRQ: per-vCPU ones on v; global ones on whoever bound them in the hardware domain. No
 * lock of rank EVENT or inner may be held. */
void event_raise_virq(struct vcpu *v, uint32_t virq);
void event_raise_global_virq(uint32_t virq);

/* VCPUOP_register_vcpu_info: by the current vCPU for v of its domain. No lock may be held. */
int __must_check event_register_vcpu_info(struct vcpu *v, gfn_t g, uint32_t offset);
/* An event is pending for v in a vcpu_info that it can see (evtchn_upcall_pending): WFI must not
 * block. */
bool event_upcall_pending(const struct vcpu *v);
/* Its evtchn_upcall_pending is clear, wherever that is: what was announced has been seen. */
bool event_upcall_is_low(const struct vcpu *v);
