/* SPDX-License-Identifier: MIT */
/*
 * Delivery by the FIFO event channel ABI (public/event_channel.h; xen-abi-arm section 5.3). Each port has a
 * word in the event array, which is the guest's memory, and each vCPU a control block with 16 queues, one for
 * each priority. A queue is a list through the words:
 *
 *	31 PENDING	the event has come; the guest clears it when it takes it
 *	30 MASKED	the guest's: not to be put in a queue
 *	29 LINKED	the event is in a queue; the guest clears it, together with LINK, when it takes it out
 *	28 BUSY		Tenon is changing LINK: the guest does not clear MASKED meanwhile
 *	16..0 LINK	the port behind it in the queue; 0: none
 *
 *	control.head[q]	the first port of the queue: written by Tenon when the queue was empty, read by the guest
 *	control.ready	a bit for each queue whose head was written; 0 to 1 is an upcall
 *
 * Tenon appends at the tail, which only it knows; the guest takes from the head. The tail's LINK is set on
 * condition that the tail is still LINKED: if not, the guest has emptied the queue, and the head is written.
 *
 * An event that moves to another queue (EVTCHNOP_bind_vcpu, _set_priority) stays where it is as long as it is
 * linked. It may go to the new queue while the old one still has it as its tail, though empty: so a tail
 * counts only while the port's last queue is this one. That, and the tails, belong to the FIFO's lock, one
 * for all queues of the domain.
 *
 * All of this is the guest's as much as ours, so nothing here believes it: a guest that breaks the rules
 * loses events of its own.
 */
#include "event/event_internal.h"

#include "arm64/barrier.h"
#include "arm64/cpu.h"
#include "arm64/cpu_work.h"
#include "lib/assert.h"

#define PENDING             ((event_word_t)1 << EVTCHN_FIFO_PENDING)
#define MASKED              ((event_word_t)1 << EVTCHN_FIFO_MASKED)
#define LINKED              ((event_word_t)1 << EVTCHN_FIFO_LINKED)
#define BUSY                ((event_word_t)1 << EVTCHN_FIFO_BUSY)
#define LINK                ((event_word_t)EVTCHN_FIFO_LINK_MASK)

/* struct event_port.fifo */
#define PORT_QUEUE          0x07ffu /* the queue that it was put in last: vCPU * 16 + priority */
#define PORT_PRIORITY_SHIFT 11      /* 4 bits: of the next time */
#define PORT_PRIORITY       (0xfu << PORT_PRIORITY_SHIFT)
#define PORT_KEPT           0x8000u /* pending, its word does not exist yet */
_Static_assert(DOMAIN_MAX_VCPUS *EVTCHN_FIFO_MAX_QUEUES - 1 <= PORT_QUEUE, "PORT_QUEUE");

/* Attempts to set LINK before the guest is asked, by BUSY, to leave the word alone. */
#define ATTEMPTS_BEFORE_BUSY 4

/* Ports that event_fifo_resend() looks at between polls for interrupts, and under one hold of the event lock (S3). */
#define RESEND_BATCH         64

/* ---- what is known of a port ------------------------------------------------------------------ */

void event_fifo_init_port(struct event_port *p)
{
	unsigned int queue = READ_ONCE(p->fifo) & PORT_QUEUE;

	/* The last queue stays: others may be looking at it under the FIFO's lock. */
	WRITE_ONCE(p->fifo, queue | EVTCHN_FIFO_PRIORITY_DEFAULT << PORT_PRIORITY_SHIFT);
}

void event_fifo_keep(struct event_port *p)
{
	WRITE_ONCE(p->fifo, p->fifo | PORT_KEPT);
}

bool event_fifo_is_kept(const struct event_port *p)
{
	return (READ_ONCE(p->fifo) & PORT_KEPT) != 0;
}

static event_word_t *word_of(const struct event_fifo *fifo, uint32_t port)
{
	if (port >= fifo->nr_ports) {
		return NULL;
	}
	return &fifo->page[port / EVENT_FIFO_WORDS_PER_PAGE][port % EVENT_FIFO_WORDS_PER_PAGE];
}

bool event_fifo_is_linked(const struct domain *d, uint32_t port)
{
	const event_word_t *word;

	ASSERT(spin_is_mine(&d->event.lock));
	word = d->event.fifo != NULL ? word_of(d->event.fifo, port) : NULL;
	return word != NULL && (atomic_load_acquire(word) & LINKED) != 0;
}

bool event_fifo_is_pending(const struct domain *d, const struct event_port *p, uint32_t port)
{
	const event_word_t *word;

	ASSERT(spin_is_mine(&d->event.lock));
	word = word_of(d->event.fifo, port);
	return word != NULL ? (atomic_load_acquire(word) & PENDING) != 0 : event_fifo_is_kept(p);
}

/* ---- queues ----------------------------------------------------------------------------------- */

/* Change the bits of a word; the old value in *old. False after too many attempts. */
static bool update_word(const struct domain *d, uint32_t *word, uint32_t clear, uint32_t set,
			uint32_t *old)
{
	uint32_t expected = atomic_load_relaxed(word);

	for (unsigned int i = 0; i < EVENT_MAX_ATTEMPTS; i++) {
		if (event_try_update(word, &expected, (expected & ~clear) | set)) {
			*old = expected;
			return true;
		}
	}
	event_say_contended(d);
	return false;
}

/* Clear MASKED and set PENDING as asked and, if the event is then due and not in a queue, LINKED. */
static bool mark(const struct domain *d, event_word_t *word, event_word_t clear, event_word_t set,
		 bool may_link, event_word_t *old, event_word_t *new)
{
	event_word_t expected = atomic_load_relaxed(word);

	for (unsigned int i = 0; i < EVENT_MAX_ATTEMPTS; i++) {
		event_word_t wanted = (expected & ~clear) | set;

		if (may_link && (wanted & (PENDING | MASKED | LINKED)) == PENDING) {
			wanted = (wanted & ~(LINK | BUSY)) | LINKED;
		}
		if (event_try_update(word, &expected, wanted)) {
			*old = expected;
			*new = wanted;
			return true;
		}
	}
	event_say_contended(d);
	return false;
}

/*
 * Put link behind the tail whose word this is, unless the guest has taken the tail out: false. A guest that
 * keeps to the rules can make a few attempts fail: it may mask, unmask unless BUSY, take the event, take it out.
 */
static bool set_link(const struct domain *d, event_word_t *word, uint32_t link)
{
	event_word_t expected = atomic_load_acquire(word), old;
	bool busy = false;

	for (unsigned int i = 0; i < EVENT_MAX_ATTEMPTS; i++) {
		if ((expected & LINKED) == 0) {
			break;
		}
		if (i >= ATTEMPTS_BEFORE_BUSY && !busy) {
			busy = event_try_update(word, &expected, expected | BUSY);
			expected = busy ? expected | BUSY : expected;
			continue;
		}
		if (event_try_update(word, &expected, (expected & ~(LINK | BUSY)) | link)) {
			return true;
		}
	}
	if ((expected & LINKED) != 0) {
		event_say_contended(d);
	}
	if (busy) {
		(void)!update_word(d, word, BUSY, 0, &old);
	}
	return false;
}

/* Append the port, which has just become LINKED, to v's queue of its priority. True: it is the head. */
static bool append(struct event_fifo *fifo, struct vcpu *v, struct event_port *p, uint32_t port,
		   unsigned int priority)
{
	unsigned int queue = v->id * EVTCHN_FIFO_MAX_QUEUES + priority;
	uint32_t tail = v->event.fifo_tail[priority];
	bool linked = false;

	/* The port itself as the tail was LINKED by us just now: the queue was empty. */
	if (tail != 0 && tail != port &&
	    (READ_ONCE(event_port_of(v->domain, tail)->fifo) & PORT_QUEUE) == queue) {
		linked = set_link(v->domain, word_of(fifo, tail), port);
	}
	if (!linked) {
		/* Release: the guest that finds the port here finds its word LINKED. */
		atomic_store_release(&v->event.control->head[priority], port);
	}
	v->event.fifo_tail[priority] = port;
	WRITE_ONCE(p->fifo, (p->fifo & ~PORT_QUEUE) | queue);
	return !linked;
}

/* ---- the operations --------------------------------------------------------------------------- */

/* The head of v's queue has been written. */
static void tell(struct domain *d, struct vcpu *v, struct evtchn_fifo_control_block *control,
		 unsigned int priority)
{
	uint32_t old, bit = 1u << priority;

	if (update_word(d, &control->ready, 0, bit, &old) && (old & bit) == 0) {
		event_upcall(v, atomic_load_acquire(&v->event.info));
	}
}

/* Clear MASKED or set PENDING, and what follows from it. */
static void deliver(struct domain *d, struct event_port *p, uint32_t port, event_word_t clear,
		    event_word_t set)
{
	struct event_fifo *fifo = d->event.fifo;
	struct vcpu *v = d->vcpu[READ_ONCE(p->vcpu)];
	struct evtchn_fifo_control_block *control;
	event_word_t *word, old = 0, new = 0;
	unsigned int priority;
	bool is_head = false;

	spin_lock(&fifo->lock);
	control = v->event.control;
	priority = (p->fifo & PORT_PRIORITY) >> PORT_PRIORITY_SHIFT;
	word = word_of(fifo, port);
	if (word == NULL) {
		if (set != 0) {
			event_fifo_keep(p);
		}
		new = set;
	} else if (mark(d, word, clear, set, control != NULL, &old, &new) &&
		   (LINKED & new & ~old) != 0) {
		is_head = append(fifo, v, p, port, priority);
	}
	spin_unlock(&fifo->lock);
	/* Nobody retires the FIFO, and with it the control block, while the port is open. */
	if (is_head) {
		tell(d, v, control, priority);
	}
	if ((PENDING & new & ~old) != 0) {
		/* PENDING before the poll bits: pairs with the barrier in event_poll(). */
		dmb_ish();
		if (event_poll_is_on(d)) {
			event_poll_wake(d, port);
		}
	}
}

void event_fifo_set_pending(struct domain *d, struct event_port *p, uint32_t port)
{
	deliver(d, p, port, 0, PENDING);
}

void event_fifo_unmask(struct domain *d, struct event_port *p, uint32_t port)
{
	deliver(d, p, port, MASKED, 0);
}

void event_fifo_clear_pending(struct domain *d, struct event_port *p, uint32_t port)
{
	struct event_fifo *fifo = d->event.fifo;
	event_word_t *word, old;

	spin_lock(&fifo->lock);
	word = word_of(fifo, port);
	if (word != NULL) {
		/* It stays in its queue: the guest takes it out and sees that there is nothing. */
		(void)!update_word(d, word, PENDING, 0, &old);
	}
	WRITE_ONCE(p->fifo, p->fifo & ~PORT_KEPT);
	spin_unlock(&fifo->lock);
}

int event_fifo_set_priority(struct domain *d, uint32_t port, uint32_t priority)
{
	struct event_port *p = event_port_of(d, port);
	int ret = 0;

	if (p == NULL) {
		return -XEN_EINVAL;
	}
	spin_lock(&d->event.lock);
	if (d->event.fifo == NULL) {
		ret = -XEN_ENOSYS;
	} else if (p->tenon_owned || !event_port_is_used(p)) {
		ret = -XEN_EACCES;
	} else if (priority > EVTCHN_FIFO_PRIORITY_MIN) {
		ret = -XEN_EINVAL;
	} else {
		/* An event that is in a queue stays there; the next time it goes to the new one. */
		spin_lock(&d->event.fifo->lock);
		WRITE_ONCE(p->fifo, (p->fifo & ~PORT_PRIORITY) | priority << PORT_PRIORITY_SHIFT);
		spin_unlock(&d->event.fifo->lock);
	}
	spin_unlock(&d->event.lock);
	return ret;
}

bool event_fifo_is_resending(struct domain *d, uint32_t from)
{
	bool resending;

	spin_lock(&d->event.lock);
	resending = from != 0 && d->event.fifo != NULL && from <= d->event.fifo->nr_ports;
	spin_unlock(&d->event.lock);
	return resending;
}

/*
 * A batch of ports from this one on, under the event lock: other CPUs wait for that with their interrupts masked. The
 * first port behind the batch, 0 when there is none. What has happened to the ports and to the FIFO since the last
 * batch does not matter: whatever is kept in this one is due.
 */
static uint32_t resend_batch(struct domain *d, uint32_t from)
{
	uint32_t end = from + RESEND_BATCH;
	struct event_fifo *fifo;
	uint32_t next = 0;

	spin_lock(&d->event.lock);
	fifo = d->event.fifo;
	for (uint32_t port = from; fifo != NULL && port < fifo->nr_ports; port++) {
		struct event_port *p = event_port_of(d, port);

		if (p == NULL) {
			break;
		}
		if (port == end) {
			next = end;
			break;
		}
		if (event_fifo_is_kept(p)) {
			spin_lock(&fifo->lock);
			WRITE_ONCE(p->fifo, p->fifo & ~PORT_KEPT);
			spin_unlock(&fifo->lock);
			event_fifo_set_pending(d, p, port);
			/* That went through all vCPUs that poll. */
			if (event_poll_is_on(d)) {
				end = port + 1;
			}
		}
	}
	spin_unlock(&d->event.lock);
	return next;
}

int event_fifo_resend(struct domain *d, uint32_t *from)
{
	uint32_t port = *from;

	while ((port = resend_batch(d, port)) != 0) {
		/* Also for what was put off, pollers to be woken for instance, which other CPUs rely on. */
		if (cpu_interrupt_pending() || this_cpu(cpu_work).any != 0) {
			*from = port;
			return -XEN_ERESTART;
		}
	}
	return 0;
}
