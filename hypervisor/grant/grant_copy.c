/* SPDX-License-Identifier: MIT */
/*
 * GNTTABOP_copy: bytes of one page to another, each named by a grant reference or, the caller's own, by its frame number.
 *
 * EL2 touches each frame in the way that its owner's state asks for (stage2_attr_window()), and the attribute locks of both
 * owners keep that as it is meanwhile. So a granted frame is not pinned to be copied: one that is private in a cold domain is
 * copied past the caches, as its owner uses it, and needs no maintenance afterwards.
 */
#include "grant/grant_internal.h"

#include "arm64/barrier.h"
#include "domain/domain.h"
#include "domain/domain_share.h"
#include "domain/policy.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "stage2/stage2.h"

/* One end. */
struct copy_end {
	const struct gnttab_copy_ptr *ptr;
	bool by_ref;
	bool readonly;
	struct domain *owner; /* with a reference, unless it is the caller */
	mfn_t m;              /* with a reference */
};

/* Both are looked for before anything else, as in Xen 4.17.7. */
static inline bool find_owner(struct domain *d, struct copy_end *end)
{
	uint16_t domid = end->ptr->domid;

	end->owner = likely(domid == DOMID_SELF || domid == d->id) ? d : domain_get(domid);
	return end->owner != NULL;
}

static inline void forget_owner(struct domain *d, const struct copy_end *end)
{
	if (unlikely(end->owner != d) && end->owner != NULL) {
		domain_put(end->owner);
	}
}

/* The frame, referenced, and if it is a granted one in use. */
static __force_inline int16_t get_frame(struct domain *d, struct copy_end *end)
{
	enum stage2_type type;

	if (end->by_ref) {
		return grant_begin_use(end->owner, end->ptr->u.ref, d->id, end->readonly,
				       GRANT_USE_COPY, &end->m);
	}
	/* By frame only one's own, and then by no number. */
	if (end->ptr->domid != DOMID_SELF) {
		return GNTST_permission_denied;
	}
	return stage2_get_frame(d, gfn(end->ptr->u.gmfn), &end->m, &type) == 0 ? GNTST_okay
									       : GNTST_bad_page;
}

static __force_inline void put_frame(const struct copy_end *end)
{
	if (end->by_ref) {
		grant_end_use(end->owner, end->ptr->u.ref, end->readonly);
	}
	domain_put_frame(end->owner, end->m);
}

/* Cold stays cold and warm stays warm, private stays private and shared shared. Two domains: lower domid first. */
static __force_inline void lock_attributes(struct domain *a, struct domain *b)
{
	read_lock(&(a->id <= b->id ? a : b)->attr_lock);
	if (unlikely(a != b)) {
		read_lock_second(&(a->id <= b->id ? b : a)->attr_lock);
	}
}

static __force_inline void unlock_attributes(struct domain *a, struct domain *b)
{
	read_unlock(&a->attr_lock);
	if (unlikely(a != b)) {
		read_unlock(&b->attr_lock);
	}
}

static __force_inline int16_t copy_bytes(const struct copy_end *source, const struct copy_end *dest,
					 uint16_t size)
{
	enum window_attr from_attr, to_attr;
	const char *from;
	char *to;

	if (source->ptr->offset + size > (unsigned int)PAGE_SIZE ||
	    dest->ptr->offset + size > (unsigned int)PAGE_SIZE) {
		return GNTST_bad_copy_arg;
	}
	lock_attributes(source->owner, dest->owner);
	from_attr = stage2_attr_window(source->owner, frame_of(source->m));
	to_attr = stage2_attr_window(dest->owner, frame_of(dest->m));
	from = window_map(source->m, from_attr);
	to = window_map(dest->m, to_attr);
	/* Non-cacheable here, Device for a guest with its MMU off: mismatched types (Arm ARM, "Mismatched memory
	 * attributes"), ordered by a barrier on either side. */
	if (from_attr == WINDOW_NC || to_attr == WINDOW_NC) {
		dsb_sy();
	}
	memmove(to + dest->ptr->offset, from + source->ptr->offset, size);
	if (to_attr == WINDOW_NC) {
		dsb_sy();
	}
	window_unmap(to);
	window_unmap(from);
	unlock_attributes(source->owner, dest->owner);
	return GNTST_okay;
}

static __force_inline int16_t copy_between(struct domain *d, struct copy_end *source,
					   struct copy_end *dest, uint16_t size)
{
	int16_t status = get_frame(d, source);

	if (status != GNTST_okay) {
		return status;
	}
	status = get_frame(d, dest);
	if (status == GNTST_okay) {
		status = copy_bytes(source, dest, size);
		put_frame(dest);
	}
	put_frame(source);
	return status;
}

int16_t grant_copy(struct domain *d, const struct gnttab_copy *op)
{
	struct copy_end source = {
		.ptr = &op->source,
		.by_ref = (op->flags & GNTCOPY_source_gref) != 0,
		.readonly = true,
	};
	struct copy_end dest = {
		.ptr = &op->dest,
		.by_ref = (op->flags & GNTCOPY_dest_gref) != 0,
	};
	int16_t status = GNTST_bad_domain;

	if (find_owner(d, &source) && find_owner(d, &dest)) {
		if (likely(source.owner == d || policy_may_talk(d, d, source.owner)) &&
		    likely(dest.owner == d || policy_may_talk(d, d, dest.owner))) {
			status = copy_between(d, &source, &dest, op->len);
		} else {
			status = GNTST_permission_denied;
		}
	}
	forget_owner(d, &source);
	forget_owner(d, &dest);
	return status;
}
