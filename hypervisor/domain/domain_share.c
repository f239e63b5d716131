/* SPDX-License-Identifier: MIT */
/*
 * Private to shared and back (design.md, "Memory attributes"), one frame at a time.
 *
 *	private --first pin--> shared --last unpin--> (warm: private) (cold: private, or unsharing --later--> private)
 *
 * struct frame.shared_pins is the state: 0 is private, all else shared. A change from or to 0 is made under the domain's
 * attribute lock. Of a cold domain's frame it is held for writing, so that nobody has a window on the frame or maps it meanwhile; of
 * a warm domain's for reading, so that the domain stays warm: when it turns cold, what is found shared keeps its cacheable mappings, and
 * must not have become private without anybody's taking them away (C1). From 1 to 2 and so on needs no lock.
 *
 * No epoch has to pass: a window on a shared frame of a cold domain is open under the attribute lock or under a pin, and
 * does not outlive its use (WINDOW_WB_ONCE). One that is left from a time when the domain was warm is dropped before the
 * flush of all its RAM that comes with turning cold (domain_warm.c).
 */
#include "domain/domain_share.h"

#include "abi/xen.h"
#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "arm64/cache.h"
#include "arm64/cpu.h"
#include "arm64/percpu.h"
#include "domain/domain.h"
#include "gic/gic.h"
#include "lib/assert.h"
#include "mm/frame_entry.h"
#include "sched/sched.h"

/* Frames to be made private, linked by share_next; 0 is none. Only its own CPU touches it. */
static DEFINE_PER_CPU(uint32_t, unshare_first);

/* Warm domains' frames are Write-Back for everybody: the answer for most in place. */
static inline bool private_is_wb(const struct domain *owner)
{
	return likely(READ_ONCE(owner->warm)) || stage2_attr_private_is_wb(owner);
}

/* ---- pins ------------------------------------------------------------------------------------------------ */

/* One more where there is one already, seen: 0; -XEN_EAGAIN: it is private by now. */
static __noinline int pin_shared(struct frame *f, uint32_t seen)
{
	do {
		if (seen == 0) {
			return -XEN_EAGAIN;
		}
		if ((seen & FRAME_PINS) == FRAME_PINS) {
			return -XEN_ENOSPC;
		}
	} while (!atomic_compare_exchange(&f->shared_pins, &seen, seen + 1));
	return 0;
}

/* The first of a frame of a cold domain, or of one on its way to warm. */
static __noinline int pin_cold(struct domain *owner, mfn_t m)
{
	write_lock(&owner->attr_lock);
	/* C1, private to shared: before anybody has it Write-Back no Non-cacheable mapping is left. */
	stage2_turn_frame(m, true);
	atomic_fetch_add(&frame_entry_of_ram(m)->shared_pins, 1);
	write_unlock(&owner->attr_lock);
	return 0;
}

int domain_share_pin(struct domain *owner, mfn_t m)
{
	struct frame *f = frame_entry_of_ram(m);
	uint32_t seen = atomic_load_acquire(&f->shared_pins);
	bool is_wb;

	ASSERT(f->owner == owner->id && f->refs > 0);
	if (unlikely(seen != 0)) {
		int error = pin_shared(f, seen);

		if (error != -XEN_EAGAIN) {
			return error;
		}
	}
	/*
	 * Either kind of lock keeps cold and warm apart; who else pins a warm domain's frames is of no interest. One that has just
	 * turned warm may have a Non-cacheable mapping left of this one.
	 */
	read_lock(&owner->attr_lock);
	is_wb = private_is_wb(owner) && likely(!READ_ONCE(owner->foreign_due));
	if (likely(is_wb)) {
		atomic_fetch_add(&f->shared_pins, 1);
	}
	read_unlock(&owner->attr_lock);
	return likely(is_wb) ? 0 : pin_cold(owner, m);
}

void domain_put_frame(struct domain *owner, mfn_t m)
{
	if (unlikely(frame_put_use(m))) {
		atomic_fetch_sub(&owner->nr_pages, 1);
	}
}

/* ---- back to private --------------------------------------------------------------------------------------- */

static void clean_through_window(mfn_t m)
{
	void *page = window_map(m, WINDOW_NC);

	dcache_clean_invalidate_to_poc(page, PAGE_SIZE);
	window_unmap(page);
	dsb_sy(); /* complete before the next step */
}

/* It counts as private now: what is cacheable goes, and then the lines. The attribute lock is held for writing. */
static void make_private(const struct domain *d, mfn_t m)
{
	ASSERT(write_is_mine(&d->attr_lock));
	stage2_turn_frame(m, false);
	/* C1: nothing can bring lines back any more. */
	ASSERT(!stage2_frame_is_wb_elsewhere(m));
	clean_through_window(m);
}

static void unshare(mfn_t m)
{
	struct frame *f = frame_of(m);
	struct domain *d = domain_get(f->owner);
	uint32_t seen = FRAME_UNSHARING;

	if (!d) {
		/* With its last reference it goes to be scrubbed. */
		atomic_fetch_and(&f->shared_pins, ~FRAME_UNSHARING);
		frame_put(m);
		return;
	}
	write_lock(&d->attr_lock);
	/* It may be pinned again since. */
	while (!atomic_compare_exchange(&f->shared_pins, &seen, seen & ~FRAME_UNSHARING)) {
	}
	if (seen == FRAME_UNSHARING && !stage2_attr_private_is_wb(d)) {
		make_private(d, m);
	}
	write_unlock(&d->attr_lock);
	domain_put_frame(d, m);
	domain_put(d);
}

/* On the way to a guest, or before idling: no lock is held, and interrupts may be taken between two frames. */
static void unshare_all(void)
{
	uint32_t m;

	while ((m = this_cpu(unshare_first)) != 0) {
		this_cpu(unshare_first) = frame_of(mfn(m))->share_next;
		unshare(mfn(m));
		if (cpu_interrupt_pending()) {
			irq_handle_pending();
		}
	}
}

/*
 * One reason less in a domain whose private frames are Write-Back for everybody, and which stays like that meanwhile: the last
 * one needs nothing else. False: it is not so, or somebody has the lock for writing, who is not waited for; nothing is changed.
 */
static inline bool unpin_wb(struct domain *owner, struct frame *f)
{
	bool is_wb = private_is_wb(owner); /* a hint, that saves a cold domain the lock */

	if (unlikely(!is_wb) || unlikely(!read_trylock(&owner->attr_lock))) {
		return false;
	}
	is_wb = private_is_wb(owner);
	if (likely(is_wb)) {
		ASSERT((READ_ONCE(f->shared_pins) & FRAME_PINS) > 0);
		atomic_fetch_sub(&f->shared_pins, 1);
	}
	read_unlock(&owner->attr_lock);
	return is_wb;
}

void domain_share_unpin(struct domain *owner, mfn_t m)
{
	struct frame *f = frame_entry_of_ram(m);
	uint32_t seen;

	if (likely(unpin_wb(owner, f))) {
		return;
	}
	seen = atomic_load_acquire(&f->shared_pins);
	do {
		ASSERT((seen & FRAME_PINS) > 0);
		/* What the domain is when the lock is had decides: unshare(). Until then the frame stays a shared one. */
	} while (!atomic_compare_exchange(&f->shared_pins, &seen,
					  seen == 1 ? FRAME_UNSHARING : seen - 1));
	if (seen == 1) {
		/* Only one finds it at 1, and it is in no list: FRAME_UNSHARING goes after it has left that. */
		atomic_fetch_add(&f->head, FRAME_ONE_REF);
		f->share_next = this_cpu(unshare_first);
		this_cpu(unshare_first) = (uint32_t)m.raw;
		sched_defer(unshare_all);
	}
}

/* The last of a frame of a cold domain, as far as one can see. */
static __noinline void unpin_cold(struct domain *owner, mfn_t m)
{
	uint32_t seen;

	write_lock(&owner->attr_lock);
	seen = atomic_fetch_sub(&frame_entry_of_ram(m)->shared_pins, 1);
	ASSERT((seen & FRAME_PINS) > 0);
	/* Others may have pinned it since; one that is unsharing is in its list already. */
	if (seen == 1 && !private_is_wb(owner)) {
		make_private(owner, m);
	}
	write_unlock(&owner->attr_lock);
}

void domain_share_unpin_now(struct domain *owner, mfn_t m)
{
	struct frame *f = frame_entry_of_ram(m);
	uint32_t seen;

	if (likely(unpin_wb(owner, f))) {
		return;
	}
	seen = atomic_load_acquire(&f->shared_pins);
	ASSERT((seen & FRAME_PINS) > 0);
	while (seen != 1) {
		if (likely(atomic_compare_exchange(&f->shared_pins, &seen, seen - 1))) {
			return;
		}
	}
	unpin_cold(owner, m);
}

/* ---- registered frames -------------------------------------------------------------------------------------- */

int domain_share_register(struct domain *owner, mfn_t m, void **va)
{
	int error = domain_share_pin(owner, m);

	if (error) {
		return error;
	}
	error = hyp_map_registered(m, va);
	if (error) {
		domain_share_unpin(owner, m);
	}
	return error;
}

void domain_share_unregister(struct domain *owner, mfn_t m)
{
	hyp_unmap_registered(m);
	domain_share_unpin(owner, m);
}

/* ---- foreign mappings --------------------------------------------------------------------------------------- */

int domain_foreign_map_frame(struct domain *mapper, gfn_t g, struct domain *owner, mfn_t m,
			     enum stage2_type type)
{
	int error;

	/* Two domains: the mapper's map is ordered by its own lock, the attribute by the owner's. */
	spin_lock(&mapper->lock);
	write_lock(&owner->attr_lock);
	if (unlikely(owner->foreign_due)) {
		/* It turns warm or cold: no other mapping of the frame may stay as it was beside this one. */
		stage2_turn_frame(m, stage2_attr_frame_is_wb(owner, frame_of(m)));
	}
	error = stage2_map_foreign(mapper, g, owner, m, type);
	write_unlock(&owner->attr_lock);
	spin_unlock(&mapper->lock);
	return error;
}

int domain_foreign_map(struct domain *mapper, gfn_t g, struct domain *owner, gfn_t owner_gfn)
{
	enum stage2_type type;
	mfn_t m;
	int error;

	if (stage2_get_frame(owner, owner_gfn, &m, &type) != 0) {
		return -XEN_EINVAL;
	}
	error = domain_foreign_map_frame(mapper, g, owner, m, STAGE2_FOREIGN_RW);
	if (error) {
		domain_put_frame(owner, m);
	}
	return error;
}
