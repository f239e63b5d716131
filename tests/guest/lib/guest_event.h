/* SPDX-License-Identifier: MIT */
/* Event channels of a test guest: binding, the arguments' memory, and the FIFO ABI as Linux uses it. */
#pragma once

#include "guest_xen.h"

/* Ports, 0 when the call was refused. */
uint32_t event_alloc_unbound(domid_t remote);
uint32_t event_bind(domid_t remote, uint32_t remote_port);
uint32_t event_bind_ipi(uint32_t vcpu);
/* DOMID_SELF's port. */
int64_t event_status(uint32_t port, struct evtchn_status *status);
/* EVTCHNSTAT_*, or the error. */
int64_t event_state(uint32_t port);
int64_t event_unmask(uint32_t port);
int64_t event_bind_vcpu(uint32_t port, uint32_t vcpu);
/* All of DOMID_SELF's ports closed, back to the 2-level ABI. */
int64_t event_reset(void);
/* This domain's number, found by asking for a port; DOMID_INVALID when that fails. */
domid_t event_own_domid(void);
/* There is no such domain, by an operation that has nothing to do with events or grants. */
bool event_is_gone(domid_t dom);

/*
 * vCPUs 1 to nr, which do nothing but take events by the handler of PPI_UPCALL: they wait by WFI, or block in the
 * hypervisor. False: they did not all start, or stop. A vCPU that is started otherwise may go on as one of them.
 */
bool event_listeners_start(unsigned int nr, bool block);
bool event_listeners_stop(unsigned int nr);
void event_listen(uint64_t block);

/*
 * An operation's argument in places where it may not be: nowhere, half beyond the end, read-only, and, where it
 * may, unaligned. For operations with valid arguments in argument[size], which may be done more than once.
 */
struct event_place {
	unsigned int command;
	const void *argument;
	size_t size;
	bool writes;    /* has results */
	int64_t answer; /* of a call with nothing wrong */
};
void event_try_places(const struct event_place *place);

/* ---- the FIFO ABI --------------------------------------------------------------------------------- */

#define FIFO_PENDING  0x80000000u
#define FIFO_MASKED   0x40000000u
#define FIFO_LINKED   0x20000000u
#define FIFO_BUSY     0x10000000u
#define FIFO_LINK     0x0001ffffu
#define FIFO_NR_PORTS 1024

extern uint32_t fifo_words[FIFO_NR_PORTS];
struct evtchn_fifo_control_block *fifo_control(unsigned int vcpu);
int64_t fifo_init_control(unsigned int vcpu);
int64_t fifo_expand(void);
/* From a fresh start: no ports, zero words but for MASKED in all, control blocks of all vCPUs. False: refused. */
bool fifo_switch(void);
/* And the upcall's handler takes what comes. */
bool fifo_start(void);
int64_t fifo_set_priority(uint32_t port, uint32_t priority);

/* MASKED, as the guest changes it; unmasking asks the hypervisor when the event is pending. */
void fifo_mask(uint32_t port);
void fifo_unmask(uint32_t port);

/*
 * Take what is in a vCPU's queues, in their order. Counts each event in fifo_times, and notes the first
 * FIFO_NR_TAKEN in fifo_taken. As the upcall's handler: fifo_on_upcall.
 */
#define FIFO_NR_TAKEN 64
extern uint32_t fifo_times[FIFO_NR_PORTS];
extern uint32_t fifo_taken[GUEST_MAX_CPUS][FIFO_NR_TAKEN], fifo_nr_taken[GUEST_MAX_CPUS];
extern uint32_t fifo_upcalls[GUEST_MAX_CPUS];
void fifo_take(unsigned int cpu);
void fifo_on_upcall(uint32_t intid);
