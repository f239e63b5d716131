/* SPDX-License-Identifier: MIT */
/*
 * GNTTABOP_copy: bytes of one page to another, each named by a grant reference or, the caller's own, by its frame number.
 *
 * EL2 touches each frame in the way that its owner's state asks for (stage2_attr_window()), and the attribute locks of both
 * owners keep that as it is meanwhile, unless both are warm. So a granted frame is not pinned to be copied: one that is private in a cold domain is
 * copied past the caches, as its owner uses it, and needs no maintenance afterwards.
 *
 * Nor are there references: a frame that is let go of meanwhile waits in quarantine until this CPU has polled for epochs (M1), and
 * so says a window of this owner that is there still that the frame is its owner's, or was until just now.
 */
#include "grant/grant_internal.h"

#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "arm64/cache.h"
#include "arm64/copy_simd.h"
#include "domain/domain.h"
#include "domain/policy.h"
#include "lib/string.h"
#include "mm/frame_entry.h"
#include "mm/window.h"
#include "stage2/stage2.h"

/* One end. */
struct copy_end {
	const struct gnttab_copy_ptr *ptr;
	bool by_ref;
	bool readonly;
	struct domain *owner; /* with a reference, unless it is the caller */
};

/* Both are looked for before anything else, as in Xen 4.17.7. */
static inline struct domain *find_owner(struct domain *d, uint16_t domid)
{
	return likely(domid == DOMID_SELF || domid == d->id) ? d : domain_get(domid);
}

static inline void forget_owner(struct domain *d, struct domain *owner)
{
	if (unlikely(owner != d) && owner != NULL) {
		domain_put(owner);
	}
}

/* The frame, and if it is a granted one in use; MFN_INVALID, and a status. */
static __force_inline mfn_t find_frame(struct domain *d, const struct copy_end *end, int16_t *status)
{
	mfn_t m;

	if (end->by_ref) {
		return grant_begin_copy(end->owner, end->ptr->u.ref, d->id, end->readonly, status);
	}
	/* By frame only one's own, and then by no number. */
	if (unlikely(end->ptr->domid != DOMID_SELF)) {
		*status = GNTST_permission_denied;
		return MFN_INVALID;
	}
	m = stage2_find_frame(d, gfn(end->ptr->u.gmfn));
	if (unlikely(m.raw == MFN_INVALID.raw)) {
		*status = GNTST_bad_page;
	}
	return m;
}

static __force_inline void forget_frame(const struct copy_end *end)
{
	if (end->by_ref) {
		grant_end_use(end->owner, end->ptr->u.ref, end->readonly);
	}
}

/* Cold stays cold and warm stays warm, private stays private and shared shared. Two domains: lower domid first. */
static __force_inline void lock_attributes(struct domain *a, struct domain *b)
{
	if (likely(a == b)) {
		read_lock(&a->attr_lock);
	} else {
		read_lock(&(a->id < b->id ? a : b)->attr_lock);
		read_lock_second(&(a->id < b->id ? b : a)->attr_lock);
	}
}

static __force_inline void unlock_attributes(struct domain *a, struct domain *b)
{
	read_unlock(&a->attr_lock);
	if (unlikely(a != b)) {
		read_unlock(&b->attr_lock);
	}
}

/* Stage 2 says that it is its owner's RAM; the frame table has the last word: NULL. */
static const struct frame *frame_of_owner(const struct domain *owner, mfn_t m)
{
	const struct frame *f = frame_of(m);

	return f != NULL && frame_head_is_of(atomic_load_acquire(&f->head), owner->id) ? f : NULL;
}

/*
 * Of an owner that has just turned, what is cached does not go by its state yet: a cold one's dirty lines are still to be flushed, which
 * are what was written last, and are not to fall on what is copied now; and while others' mappings have not followed, some of them read
 * and write past the caches and some do not. So no line of the page is left, before and after.
 */
static void clean_if_turning(const struct domain *owner, const char *page)
{
	if (unlikely(owner->foreign_due || (owner->setway_flush && !owner->warm))) {
		dcache_clean_invalidate_to_poc(page, PAGE_SIZE);
		dsb_sy(); /* complete before the copy, or before the lock is given back */
	}
}

/* Each page as its owner's state asks for, whether a window is there or not. */
static int16_t copy_as_owned(const struct gnttab_copy *op, const struct domain *source,
			     mfn_t from_mfn, const struct domain *dest, mfn_t to_mfn)
{
	const struct frame *from_frame = frame_of_owner(source, from_mfn);
	const struct frame *to_frame = frame_of_owner(dest, to_mfn);
	enum window_attr from_attr, to_attr;
	const char *from;
	char *to;

	if (from_frame == NULL || to_frame == NULL) {
		return GNTST_bad_page;
	}
	from_attr = stage2_attr_window(source, from_frame);
	/* Never two attributes of one frame: its pins may change meanwhile. */
	to_attr = from_mfn.raw == to_mfn.raw ? from_attr : stage2_attr_window(dest, to_frame);
	from = window_map_of(from_mfn, from_attr, source->id);
	to = window_map_of(to_mfn, to_attr, dest->id);
	clean_if_turning(source, from);
	clean_if_turning(dest, to);
	/* Non-cacheable here, Device for a guest with its MMU off: mismatched types (Arm ARM, "Mismatched memory
	 * attributes"), ordered by a barrier on either side. */
	if (from_attr == WINDOW_NC || to_attr == WINDOW_NC) {
		dsb_sy();
	}
	if (unlikely(from == to)) {
		memmove(to + op->dest.offset, from + op->source.offset, op->len);
	} else {
		copy_large(to + op->dest.offset, from + op->source.offset, op->len);
	}
	if (to_attr == WINDOW_NC) {
		dsb_sy();
	}
	clean_if_turning(source, from);
	clean_if_turning(dest, to);
	window_unmap(to);
	window_unmap(from);
	return GNTST_okay;
}

static __noinline int16_t copy_locked(const struct gnttab_copy *op, struct domain *source,
				      mfn_t from, struct domain *dest, mfn_t to)
{
	int16_t status;

	lock_attributes(source, dest);
	status = copy_as_owned(op, source, from, dest, to);
	unlock_attributes(source, dest);
	return status;
}

/*
 * Two warm domains, and windows that are there still: nothing else is to be looked at. Nor is a lock needed: one that turns cold
 * now flushes its RAM after an epoch, which this CPU passes when the copy is done (domain_warm.c).
 */
static __force_inline bool copy_cached(const struct gnttab_copy *op, const struct domain *source,
				       mfn_t from_mfn, const struct domain *dest, mfn_t to_mfn)
{
	const char *from;
	char *to;

	if (unlikely(((unsigned int)READ_ONCE(source->warm) &
		      (unsigned int)READ_ONCE(dest->warm)) == 0)) {
		return false;
	}
	from = window_kept(from_mfn, WINDOW_WB, source->id);
	to = window_kept(to_mfn, WINDOW_WB, dest->id);
	if (unlikely(from == NULL || to == NULL)) {
		return false;
	}
	if (unlikely(from == to)) {
		memmove(to + op->dest.offset, from + op->source.offset, op->len);
	} else {
		copy_large(to + op->dest.offset, from + op->source.offset, op->len);
	}
	return true;
}

static __force_inline int16_t copy_bytes(const struct gnttab_copy *op, struct domain *source,
					 mfn_t from, struct domain *dest, mfn_t to)
{
	if (unlikely(op->source.offset + op->len > PAGE_SIZE ||
		     op->dest.offset + op->len > PAGE_SIZE)) {
		return GNTST_bad_copy_arg;
	}
	return likely(copy_cached(op, source, from, dest, to))
		     ? GNTST_okay
		     : copy_locked(op, source, from, dest, to);
}

static __force_inline int16_t copy_between(struct domain *d, const struct gnttab_copy *op,
					   const struct copy_end *source,
					   const struct copy_end *dest)
{
	int16_t refused, status;
	mfn_t to, from = find_frame(d, source, &refused);

	if (unlikely(from.raw == MFN_INVALID.raw)) {
		return refused;
	}
	to = find_frame(d, dest, &refused);
	if (likely(to.raw != MFN_INVALID.raw)) {
		status = copy_bytes(op, source->owner, from, dest->owner, to);
		forget_frame(dest);
	} else {
		status = refused;
	}
	forget_frame(source);
	return status;
}

/* Somebody else's pages, or nobody's. */
static __noinline int16_t may_copy(const struct domain *d, const struct domain *source,
				   const struct domain *dest)
{
	if (source == NULL || dest == NULL) {
		return GNTST_bad_domain;
	}
	return policy_may_talk(d, d, source) && policy_may_talk(d, d, dest)
		     ? GNTST_okay
		     : GNTST_permission_denied;
}

int16_t grant_copy(struct domain *d, const struct gnttab_copy *op)
{
	struct copy_end source = {
		.ptr = &op->source,
		.by_ref = (op->flags & GNTCOPY_source_gref) != 0,
		.readonly = true,
		.owner = find_owner(d, op->source.domid),
	};
	struct copy_end dest = {
		.ptr = &op->dest,
		.by_ref = (op->flags & GNTCOPY_dest_gref) != 0,
		.owner = find_owner(d, op->dest.domid),
	};
	int16_t status = GNTST_okay;

	if (unlikely(source.owner != d || dest.owner != d)) {
		status = may_copy(d, source.owner, dest.owner);
	}
	if (likely(status == GNTST_okay)) {
		status = copy_between(d, op, &source, &dest);
	}
	forget_owner(d, source.owner);
	forget_owner(d, dest.owner);
	return status;
}
