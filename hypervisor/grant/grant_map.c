/* SPDX-License-Identifier: MIT */
/*
 * Mapping others' frames by grant, and giving the mappings back.
 *
 * What a live handle holds, in the order in which it is had, and given back in reverse: a reference on the granter, a use
 * of the granter's entry, a reference on the frame, a pin that makes the frame shared (design.md, "Words"), an entry in
 * the user's stage 2. The entry goes, with its TLBI complete, before the pin, and the pin before the reference.
 *
 * A handle knows where it was mapped. Xen believes the host_addr of the unmap: it finds that nothing, or the same frame,
 * is mapped there, and lets go of a frame that stays mapped elsewhere.
 */
#include "grant/grant_active.h"

#include "arm64/cpu.h"
#include "domain/domain.h"
#include "domain/domain_share.h"
#include "domain/policy.h"
#include "grant/grant_maptrack.h"
#include "lib/assert.h"
#include "stage2/stage2.h"

/* What a mapping of a guest's stage 2 can be: the rest is for devices behind an IOMMU and for x86. */
#define MAP_FLAGS_OURS  (GNTMAP_host_map | GNTMAP_readonly)
#define MAP_FLAGS_OTHER (GNTMAP_device_map | GNTMAP_application_map | GNTMAP_contains_pte)

/* The map comes to nothing: the frame is not mapped on any CPU. */
static __noinline void let_go(struct domain *granter, grant_ref_t ref, bool readonly, mfn_t m)
{
	grant_end_use(granter, ref, readonly);
	domain_put_frame(granter, m);
}

/*
 * The frame behind the reference, in use, referenced, pinned and mapped. A status, or -XEN_ERESTART: anything but
 * GNTST_okay has changed nothing.
 */
static __force_inline int map_frame(struct domain *d, struct domain *granter,
				    const struct gnttab_map_grant_ref *op, mfn_t *m)
{
	bool readonly = (op->flags & GNTMAP_readonly) != 0;
	int error;
	int16_t status = grant_begin_use(granter, op->ref, d->id, readonly, GRANT_USE_MAP, m);

	if (unlikely(status != GNTST_okay)) {
		return status;
	}
	if (unlikely((op->flags & ~MAP_FLAGS_OURS) != 0)) {
		let_go(granter, op->ref, readonly, *m);
		return GNTST_general_error;
	}
	error = domain_share_pin(granter, *m);
	if (unlikely(error != 0)) {
		let_go(granter, op->ref, readonly, *m);
		return error == -XEN_ERESTART ? error : GNTST_general_error;
	}
	/* The low bits of host_addr mean nothing. */
	error = stage2_map_grant(d, ipa_to_gfn(op->host_addr), *m, readonly);
	if (unlikely(error != 0)) {
		domain_share_unpin_now(granter, *m);
		let_go(granter, op->ref, readonly, *m);
		return GNTST_general_error;
	}
	return GNTST_okay;
}

/* With a handle, which stands for the mapping on success and is given back otherwise. */
static __force_inline int map_with_handle(struct domain *d, struct domain *granter,
					  struct gnttab_map_grant_ref *op)
{
	struct grant_mapping *mapping = grant_mapping_alloc(&d->grant.maptrack);
	mfn_t m;
	int status;

	if (unlikely(mapping == NULL)) {
		return GNTST_no_space;
	}
	status = map_frame(d, granter, op, &m);
	if (unlikely(status != GNTST_okay)) {
		grant_mapping_free(&d->grant.maptrack, mapping);
		return status;
	}
	op->handle = grant_mapping_publish(mapping, granter, ipa_to_gfn(op->host_addr), op->ref,
					   (op->flags & GNTMAP_readonly) != 0);
	op->dev_bus_addr = mfn_to_maddr(m);
	return GNTST_okay;
}

/* With a reference, which will be the mapping's. NULL: *status says why. */
static __noinline struct domain *get_other(const struct domain *d, domid_t domid, int *status)
{
	struct domain *granter = domain_get(domid);

	*status = GNTST_bad_domain;
	if (granter != NULL && !policy_may_talk(d, d, granter)) {
		domain_put(granter);
		granter = NULL;
		*status = GNTST_permission_denied;
	}
	return granter;
}

static inline int map(struct domain *d, struct gnttab_map_grant_ref *op)
{
	/* One's own structure lasts longer than one's handles. */
	struct domain *granter = d;
	int status;

	/* What is wrong is found in Xen's order, so that the same status tells it. */
	if (unlikely((op->flags & (GNTMAP_host_map | GNTMAP_device_map)) == 0)) {
		return GNTST_bad_gntref;
	}
	if (unlikely((op->flags & MAP_FLAGS_OTHER) != 0)) {
		return GNTST_general_error;
	}
	if (op->dom != d->id) {
		granter = get_other(d, op->dom, &status);
		if (granter == NULL) {
			return status;
		}
	}
	status = map_with_handle(d, granter, op);
	if (unlikely(status != GNTST_okay) && granter != d) {
		domain_put(granter);
	}
	return status;
}

int grant_map(struct domain *d, struct gnttab_map_grant_ref *op)
{
	int status = map(d, op);

	if (unlikely(status == -XEN_ERESTART)) {
		return status;
	}
	op->status = (int16_t)status;
	return 0;
}

/* What a claimed handle stands for. */
struct claimed {
	struct grant_mapping *mapping;
	struct domain *granter;
	gfn_t at; /* in the user's stage 2 */
	grant_ref_t ref;
	bool readonly;
	mfn_t m;
};

static __force_inline bool claim(struct domain *d, grant_handle_t handle, struct claimed *claimed)
{
	uint64_t state;
	struct grant_mapping *mapping = grant_mapping_claim(&d->grant.maptrack, handle, &state);

	if (unlikely(mapping == NULL)) {
		return false;
	}
	*claimed = (struct claimed){
		.mapping = mapping,
		.granter = mapping->granter,
		.at = gfn(FIELD_GET(MAPPING_AT, state)),
		.ref = (grant_ref_t)FIELD_GET(MAPPING_REF, state),
		.readonly = (state & MAPPING_READONLY) != 0,
	};
	claimed->m = grant_frame_in_use(claimed->granter, claimed->ref);
	return true;
}

/* All that it holds beside the stage-2 entry, which has gone. */
static __force_inline void end_mapping(struct domain *d, grant_handle_t handle,
				       const struct claimed *claimed)
{
	domain_share_unpin_now(claimed->granter, claimed->m);
	grant_end_use_inline(claimed->granter, claimed->ref, claimed->readonly);
	domain_put_frame(claimed->granter, claimed->m);
	grant_mapping_retire(&d->grant.maptrack, claimed->mapping, handle);
	if (unlikely(claimed->granter != d)) {
		domain_put(claimed->granter);
	}
}

void grant_map_undo(struct domain *d, const struct gnttab_map_grant_ref *op)
{
	struct claimed claimed;

	if (op->status != GNTST_okay || !claim(d, op->handle, &claimed)) {
		return; /* its other vCPUs guess handles */
	}
	if (stage2_unmap_grant(d, claimed.at, claimed.m) != 0) {
		/* And put something else there already. It can be given back when that has gone, or dies with it. */
		grant_mapping_unclaim(claimed.mapping);
		return;
	}
	end_mapping(d, op->handle, &claimed);
}

int16_t grant_unmap(struct domain *d, grant_handle_t handle, uint64_t host_addr, uint64_t new_addr)
{
	struct claimed claimed;

	if (!claim(d, handle, &claimed)) {
		return GNTST_bad_handle;
	}
	if (unlikely(host_addr == 0)) {
		grant_mapping_unclaim(claimed.mapping);
		return GNTST_okay;
	}
	/* Whatever else is there by now stays, and the handle with it. */
	if (unlikely(new_addr != 0 || ipa_to_gfn(host_addr).raw != claimed.at.raw ||
		     stage2_unmap_grant(d, claimed.at, claimed.m) != 0)) {
		grant_mapping_unclaim(claimed.mapping);
		return GNTST_general_error;
	}
	end_mapping(d, handle, &claimed);
	return GNTST_okay;
}

int grant_release_mappings(struct domain *d)
{
	struct grant_maptrack *track = &d->grant.maptrack;
	grant_handle_t handle;

	while (grant_handle_next(track, &track->release_next, &handle)) {
		struct claimed claimed;

		if (handle != GRANT_HANDLE_NONE && claim(d, handle, &claimed)) {
			end_mapping(d, handle, &claimed);
		}
		if (cpu_interrupt_pending()) {
			return -XEN_ERESTART;
		}
	}
	/* The handles themselves. */
	while (grant_maptrack_shrink(track)) {
		if (cpu_interrupt_pending()) {
			return -XEN_ERESTART;
		}
	}
	return 0;
}
