/* SPDX-License-Identifier: MIT */
/*
 * Event channels: ports, their binding, delivery into shared_info (2-level ABI) and the upcall.
 * public/event_channel.h; xen-abi-arm section 5.
 */
#pragma once

#include "abi/xen.h"
#include "lib/compiler.h"
#include "lib/lock.h"
#include "mm/frame.h"
#include "time/time.h"

struct domain;
struct vcpu;

#define EVENT_2L_NR_PORTS 4096
#define EVENT_NR_VIRQS    24

enum event_port_state {
	EVENT_FREE = 0,
	EVENT_RESERVED,
	EVENT_UNBOUND, /* for remote_domid */
	EVENT_INTERDOMAIN,
	EVENT_VIRQ,
	EVENT_IPI
};

/* 16 bytes, so that a page holds 256. Written under the owning domain's event lock. */
struct event_port {
	uint8_t state; /* enum event_port_state */
	uint8_t virq;
	uint8_t vcpu;         /* notified vCPU */
	bool tenon_owned;     /* the consumer is Tenon: the guest may not close, send or move it */
	uint32_t remote_port; /* EVENT_INTERDOMAIN */
	union {
		uint16_t remote_domid; /* EVENT_UNBOUND: who may bind */
		struct domain *remote; /* EVENT_INTERDOMAIN: valid under this domain's event lock */
	};
};
_Static_assert(sizeof(struct event_port) == 16, "256 ports a page");

#define EVENT_PORTS_PER_PAGE 256
#define EVENT_MAX_PAGES      (EVENT_2L_NR_PORTS / EVENT_PORTS_PER_PAGE)

struct event_domain {
	struct spinlock lock; /* ports, max_port's users, virq_port of all vCPUs */
	uint32_t max_port;    /* last usable port number */
	uint32_t first_free;  /* no port below it is free */
	uint32_t nr_pages;    /* of ports[] allocated so far; pages are only ever added */
	struct event_port *ports[EVENT_MAX_PAGES];
	uint64_t polling[2]; /* atomic: bit per vCPU that waits in SCHEDOP_poll */
};

#define EVENT_POLL_ANY       UINT32_MAX
#define EVENT_POLL_MAX_PORTS 128

struct event_vcpu {
	struct vcpu_info *info;        /* atomic: shared_info's, the one below, or registered */
	bool info_claimed;             /* atomic: registered, or about to be */
	mfn_t info_mfn;                /* the frame, when registered */
	struct vcpu_info unregistered; /* takes the bits of vCPUs other than 0 until they register */
	uint16_t virq_port[EVENT_NR_VIRQS];
	uint32_t poll_port; /* while polling: the one port, or EVENT_POLL_ANY */
	struct timer poll_timer;
};

/* max_port is cut to what the 2-level ABI has. -XEN_ENOMEM. */
int __must_check event_domain_init(struct domain *d, uint32_t max_port);
/*
 * Close every port (peers become unbound), unmap vcpu_info frames, free the tables. The domain
 * no longer runs, still answers to domain_get(), and shared_info is still there. event_reset()
 * may run before, restartably, so that little is left to do here.
 */
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
/* Close all ports that are the guest's. -XEN_ERESTART: call again with the same arguments. */
int __must_check event_reset(struct domain *d);
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
