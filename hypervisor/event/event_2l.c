/* SPDX-License-Identifier: MIT */
/*
 * The 2-level event channel ABI: 4096 ports as bits of shared_info, a selector word of 64 bits
 * in each vcpu_info, and the upcall (public/xen.h, struct shared_info and struct vcpu_info).
 *
 *	evtchn_pending[64]	one bit a port, 64 ports a word
 *	evtchn_mask[64]		the same
 *	evtchn_pending_sel	one bit a word of evtchn_pending that has news for this vCPU
 *	evtchn_upcall_pending	one byte; 0 to 1 raises the domain's event PPI on the vCPU
 *
 * These words are the guest's as much as ours, so nothing here believes them. They lie in frames
 * that are mapped Write-Back on both sides, as exclusives need.
 */
#include "event/event_internal.h"

#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "domain/domain.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "vgic/vgic.h"

#define WORD_BITS    64

/*
 * A guest whose CPUs write a word without pause could make an exclusive store to it fail for
 * ever, so each attempt is a single LL/SC pair and the attempts are counted (S3). Hardware lets
 * one through within a few; whoever makes all of these fail loses an event of its own.
 */
#define MAX_ATTEMPTS 4096

static void say_contended(const struct domain *d)
{
	log_guest(d->id, "keeps an event channel word changing: an event is dropped");
}

/* Change *word to (word & ~clear) | set; the old value in *old. False after too many attempts. */
static bool update_word(const struct domain *d, uint64_t *word, uint64_t clear, uint64_t set,
			uint64_t *old)
{
	uint64_t expected = atomic_load_relaxed(word);

	for (unsigned int i = 0; i < MAX_ATTEMPTS; i++) {
		if (__atomic_compare_exchange_n(word, &expected, (expected & ~clear) | set, true,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			*old = expected;
			return true;
		}
	}
	say_contended(d);
	return false;
}

/* Set a bit; true when this call did it. */
static bool set_bit_once(const struct domain *d, uint64_t *word, unsigned int bit)
{
	uint64_t old;

	return update_word(d, word, 0, BIT64(bit), &old) && (old & BIT64(bit)) == 0;
}

static bool clear_bit_once(const struct domain *d, uint64_t *word, unsigned int bit)
{
	uint64_t old;

	return update_word(d, word, BIT64(bit), 0, &old) && (old & BIT64(bit)) != 0;
}

static bool test_bit(const uint64_t *words, uint32_t port)
{
	return (atomic_load_acquire(&words[port / WORD_BITS]) & BIT64(port % WORD_BITS)) != 0;
}

/* evtchn_upcall_pending becomes 1; true when it was 0. */
static bool set_upcall_pending(const struct domain *d, struct vcpu_info *info)
{
	uint8_t expected = atomic_load_relaxed(&info->evtchn_upcall_pending);

	for (unsigned int i = 0; i < MAX_ATTEMPTS; i++) {
		if (__atomic_compare_exchange_n(&info->evtchn_upcall_pending, &expected, 1, true,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			return expected == 0;
		}
	}
	say_contended(d);
	return false;
}

/*
 * The port's word has news for v. Also for a vCPU that is down: the bits and the interrupt wait
 * for it. evtchn_upcall_mask means nothing on Arm; PSTATE.I and the interrupt controller do that
 * job.
 */
static void notify(struct vcpu *v, uint32_t port)
{
	struct domain *d = v->domain;
	struct vcpu_info *info = atomic_load_acquire(&v->event.info);

	if (set_bit_once(d, &info->evtchn_pending_sel, port / WORD_BITS) &&
	    set_upcall_pending(d, info)) {
		vgic_pulse(d, v, d->evtchn_ppi);
	}
}

void event_2l_set_pending(struct domain *d, const struct event_port *p, uint32_t port)
{
	struct shared_info *shared = d->shared_info;

	ASSERT(port < EVENT_2L_NR_PORTS);
	if (!set_bit_once(d, &shared->evtchn_pending[port / WORD_BITS], port % WORD_BITS)) {
		return;
	}
	/*
	 * The pending bit before the mask, the vcpu_info pointer and the poll bits: pairs with
	 * the guest that clears the mask and then looks at the pending bit, with
	 * event_2l_rescan() and with event_poll(), each of which writes first and reads the
	 * pending bit after.
	 */
	dmb_ish();
	if (!test_bit(shared->evtchn_mask, port)) {
		notify(d->vcpu[READ_ONCE(p->vcpu)], port);
	}
	event_poll_notify(d, port);
}

void event_2l_clear_pending(struct domain *d, uint32_t port)
{
	clear_bit_once(d, &d->shared_info->evtchn_pending[port / WORD_BITS], port % WORD_BITS);
}

void event_2l_unmask(struct domain *d, const struct event_port *p, uint32_t port)
{
	struct shared_info *shared = d->shared_info;

	if (!clear_bit_once(d, &shared->evtchn_mask[port / WORD_BITS], port % WORD_BITS)) {
		return;
	}
	/* The mask before the pending bit: pairs with the barrier in event_2l_set_pending(). */
	dmb_ish();
	if (test_bit(shared->evtchn_pending, port)) {
		notify(d->vcpu[READ_ONCE(p->vcpu)], port);
	}
}

bool event_2l_is_pending(const struct domain *d, uint32_t port)
{
	return test_bit(d->shared_info->evtchn_pending, port);
}

void event_2l_rescan(struct vcpu *v)
{
	struct vcpu_info *info = atomic_load_acquire(&v->event.info);

	/*
	 * The new pointer before the selector: a sender that still used the old vcpu_info has set
	 * its pending bit by now, and the guest looks at every word. Pairs with the barrier in
	 * event_2l_set_pending().
	 */
	dmb_ish();
	atomic_store_release(&info->evtchn_pending_sel, ~UINT64_C(0));
	set_upcall_pending(v->domain, info);
	/* Unconditionally: what was copied from the old place may say 1 already. */
	vgic_pulse(v->domain, v, v->domain->evtchn_ppi);
}

bool event_upcall_pending(const struct vcpu *v)
{
	const struct vcpu_info *info = atomic_load_acquire(&v->event.info);

	/* What a vCPU cannot see it will never clear: that must not keep it awake. */
	return info != &v->event.unregistered &&
	       atomic_load_acquire(&info->evtchn_upcall_pending) != 0;
}
