/* SPDX-License-Identifier: MIT */
/*
 * GNTTABOP_copy: bytes of one page to another, each named by a grant reference or, the caller's own, by its frame number.
 *
 * A granted frame is shared while it is copied from or to (design.md, "Words"), so it is touched Write-Back; a frame of the
 * caller's own in the way that its owner's state asks for (stage2_attr_window()), under the attribute lock.
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
	struct domain *owner; /* with a reference unless it is named DOMID_SELF */
	mfn_t m;              /* with a reference */
};

/* Both are looked for before anything else, as in Xen 4.17.7. */
static int16_t find_owner(struct domain *d, struct copy_end *end)
{
	uint16_t domid = end->ptr->domid;

	if (domid == DOMID_SELF) {
		end->owner = d;
		return GNTST_okay;
	}
	end->owner = domain_get(domid);
	return end->owner != NULL ? GNTST_okay : GNTST_bad_domain;
}

static void forget_owner(struct copy_end *end)
{
	if (end->owner != NULL && end->ptr->domid != DOMID_SELF) {
		domain_put(end->owner);
	}
}

/* The frame, referenced, and if it is a granted one in use and pinned. A status or -XEN_ERESTART. */
static int get_frame(struct domain *d, struct copy_end *end)
{
	enum stage2_type type;
	int error;
	int16_t status;

	/* By frame only one's own, and then by no number. */
	if (!end->by_ref && end->ptr->domid != DOMID_SELF) {
		return GNTST_permission_denied;
	}
	if (!end->by_ref) {
		return stage2_get_frame(d, gfn(end->ptr->u.gmfn), &end->m, &type) == 0
			     ? GNTST_okay
			     : GNTST_bad_page;
	}
	status = grant_begin_use(end->owner, end->ptr->u.ref, d->id, end->readonly, GRANT_USE_COPY,
				 &end->m);
	if (status != GNTST_okay) {
		return status;
	}
	error = domain_share_pin(end->owner, end->m);
	if (error != 0) {
		grant_end_use(end->owner, end->ptr->u.ref, end->readonly);
		domain_put_frame(end->owner, end->m);
		return error == -XEN_ERESTART ? error : GNTST_general_error;
	}
	return GNTST_okay;
}

static void put_frame(struct copy_end *end)
{
	if (end->by_ref) {
		domain_share_unpin(end->owner, end->m);
		grant_end_use(end->owner, end->ptr->u.ref, end->readonly);
	}
	domain_put_frame(end->owner, end->m);
}

static int16_t copy_bytes(struct domain *d, const struct copy_end *source,
			  const struct copy_end *dest, uint16_t size)
{
	bool own = !source->by_ref || !dest->by_ref;
	enum window_attr from_attr, to_attr;
	const char *from;
	char *to;

	if (source->ptr->offset + size > (unsigned int)PAGE_SIZE ||
	    dest->ptr->offset + size > (unsigned int)PAGE_SIZE) {
		return GNTST_bad_copy_arg;
	}
	/* A frame of the caller's own keeps its attribute meanwhile; that of a pinned one is settled. */
	if (own) {
		read_lock(&d->attr_lock);
	}
	from_attr = stage2_attr_window(source->owner, frame_of(source->m));
	to_attr = source->m.raw == dest->m.raw ? from_attr
					       : stage2_attr_window(dest->owner, frame_of(dest->m));
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
	if (own) {
		read_unlock(&d->attr_lock);
	}
	return GNTST_okay;
}

static int copy_between(struct domain *d, struct copy_end *source, struct copy_end *dest,
			uint16_t size)
{
	int status = get_frame(d, source);

	if (status != GNTST_okay) {
		return status;
	}
	status = get_frame(d, dest);
	if (status == GNTST_okay) {
		status = copy_bytes(d, source, dest, size);
		put_frame(dest);
	}
	put_frame(source);
	return status;
}

int grant_copy(struct domain *d, const struct gnttab_copy *op, int16_t *status)
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
	int ret = find_owner(d, &source);

	if (ret == GNTST_okay) {
		ret = find_owner(d, &dest);
	}
	if (ret == GNTST_okay &&
	    (!policy_may_talk(d, d, source.owner) || !policy_may_talk(d, d, dest.owner))) {
		ret = GNTST_permission_denied;
	}
	if (ret == GNTST_okay) {
		ret = copy_between(d, &source, &dest, op->len);
	}
	forget_owner(&source);
	forget_owner(&dest);
	if (ret == -XEN_ERESTART) {
		return ret;
	}
	*status = (int16_t)ret;
	return 0;
}
