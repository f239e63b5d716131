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
#include "vgic/vgic.h"

#define WORD_BITS 64

/* Change *word to (word & ~clear) | set; the old value in *old. False after too many attempts. */
static bool update_word(const struct domain *d, uint64_t *word, uint64_t clear, uint64_t set,
			uint64_t *old)
{
	uint64_t expected = atomic_load_relaxed(word);

	for (unsigned int i = 0; i < EVENT_MAX_ATTEMPTS; i++) {
		if (event_try_update(word, &expected, (expected & ~clear) | set)) {
			*old = expected;
			return true;
		}
	}
	event_say_contended(d);
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

/* ---- sending ---------------------------------------------------------------------------------- */

/*
 * The first attempt to change a word nearly always is the last, so what follows has two forms: the usual one, in which each
 * step ends in the next and nothing is kept for afterwards, and another that it ends in when the attempt fails.
 */
enum attempt {
	ATTEMPT_FAILED,
	ATTEMPT_SET,
	ATTEMPT_WAS_SET
};

static inline enum attempt try_set_bit(uint64_t *word, unsigned int bit)
{
	const uint64_t old = atomic_load_relaxed(word);
	uint64_t found = old;

	if (unlikely(!event_try_update(word, &found, old | BIT64(bit)))) {
		return ATTEMPT_FAILED;
	}
	return (old & BIT64(bit)) == 0 ? ATTEMPT_SET : ATTEMPT_WAS_SET;
}

static __noinline void notify_again(struct vcpu *v, uint32_t port)
{
	struct vcpu_info *info = atomic_load_acquire(&v->event.info);

	if (set_bit_once(v->domain, &info->evtchn_pending_sel, port / WORD_BITS)) {
		event_upcall(v, info);
	}
}

/*
 * The port's word has news for v. Also for a vCPU that is down: the bits and the interrupt wait
 * for it. evtchn_upcall_mask means nothing on Arm; PSTATE.I and the interrupt controller do that
 * job.
 */
static inline void notify(struct vcpu *v, uint32_t port)
{
	struct vcpu_info *info = atomic_load_acquire(&v->event.info);
	enum attempt attempt = try_set_bit(&info->evtchn_pending_sel, port / WORD_BITS);

	if (likely(attempt == ATTEMPT_SET)) {
		event_upcall(v, info);
	} else if (attempt == ATTEMPT_FAILED) {
		notify_again(v, port);
	}
}

static inline void notify_unless_masked(struct domain *d, const struct event_port *p, uint32_t port)
{
	if (!test_bit(d->shared_info->evtchn_mask, port)) {
		notify(d->vcpu[READ_ONCE(p->vcpu)], port);
	}
}

static __noinline void announce_to_pollers(struct domain *d, const struct event_port *p,
					   uint32_t port)
{
	event_poll_wake(d, port);
	notify_unless_masked(d, p, port);
}

/* The pending bit has been set. */
static inline void announce(struct domain *d, struct event_port *p, uint32_t port)
{
	/*
	 * The pending bit before the mask, the vcpu_info pointer, the poll bits and the FIFO
	 * pointer: pairs with the guest that clears the mask and then looks at the pending bit,
	 * with event_2l_rescan(), with event_poll() and with the switch of ABIs
	 * (event_fifo_setup.c), each of which writes first and reads the pending bit after.
	 */
	dmb_ish();
	if (unlikely(atomic_load_acquire(&d->event.fifo) != NULL)) {
		/* Switched meanwhile, and perhaps past this port before the bit was set. */
		event_fifo_set_pending(d, p, port);
	} else if (unlikely(event_poll_is_on(d))) {
		announce_to_pollers(d, p, port);
	} else {
		notify_unless_masked(d, p, port);
	}
}

static __noinline void set_pending_again(struct domain *d, struct event_port *p, uint32_t port)
{
	if (set_bit_once(d, &d->shared_info->evtchn_pending[port / WORD_BITS], port % WORD_BITS)) {
		announce(d, p, port);
	}
}

void event_2l_set_pending(struct domain *d, struct event_port *p, uint32_t port)
{
	enum attempt attempt;

	ASSERT(port < EVENT_2L_NR_PORTS);
	attempt = try_set_bit(&d->shared_info->evtchn_pending[port / WORD_BITS], port % WORD_BITS);
	if (likely(attempt == ATTEMPT_SET)) {
		announce(d, p, port);
	} else if (attempt == ATTEMPT_FAILED) {
		set_pending_again(d, p, port);
	}
}

/* ---- the guest's other operations ---------------------------------------------------------------- */

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
	/* Unconditionally: what was copied from the old place may say 1 already. */
	atomic_store_release(&info->evtchn_upcall_pending, 1);
	vgic_pulse(v->domain, v, v->domain->evtchn_ppi);
}
