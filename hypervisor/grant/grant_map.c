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
#include "grant/grant_internal.h"

#include "arm64/cpu.h"
#include "domain/domain.h"
#include "domain/domain_share.h"
#include "domain/policy.h"
#include "lib/assert.h"
#include "stage2/stage2.h"

/* What a mapping of a guest's stage 2 can be: the rest is for devices behind an IOMMU and for x86. */
#define MAP_FLAGS_OURS  (GNTMAP_host_map | GNTMAP_readonly)
#define MAP_FLAGS_OTHER (GNTMAP_device_map | GNTMAP_application_map | GNTMAP_contains_pte)

/* Let go of the frame: it is not mapped, or no more, on any CPU. */
static void let_go(struct domain *granter, grant_ref_t ref, bool readonly, mfn_t m)
{
	grant_end_use(granter, ref, readonly);
	domain_put_frame(granter, m);
}

/*
 * The frame behind the reference, in use, referenced, pinned and mapped. A status, or -XEN_ERESTART: anything but
 * GNTST_okay has changed nothing.
 */
static int map_frame(struct domain *d, struct domain *granter,
		     const struct gnttab_map_grant_ref *op, mfn_t *m)
{
	bool readonly = (op->flags & GNTMAP_readonly) != 0;
	int error;
	int16_t status = grant_begin_map(granter, op->ref, d->id, readonly, m);

	if (status != GNTST_okay) {
		return status;
	}
	if ((op->flags & ~MAP_FLAGS_OURS) != 0) {
		let_go(granter, op->ref, readonly, *m);
		return GNTST_general_error;
	}
	error = domain_share_pin(granter, *m);
	if (error != 0) {
		let_go(granter, op->ref, readonly, *m);
		return error == -XEN_ERESTART ? error : GNTST_general_error;
	}
	/* The low bits of host_addr mean nothing. */
	error = stage2_map_grant(d, ipa_to_gfn(op->host_addr), *m, readonly);
	if (error != 0) {
		domain_share_unpin(granter, *m);
		let_go(granter, op->ref, readonly, *m);
		return GNTST_general_error;
	}
	return GNTST_okay;
}

/* With a handle at hand, which stands for the mapping on success and is given back otherwise. */
static int map_with_handle(struct domain *d, struct domain *granter,
			   struct gnttab_map_grant_ref *op, grant_handle_t handle)
{
	mfn_t m;
	int status = map_frame(d, granter, op, &m);

	if (status != GNTST_okay) {
		grant_handle_free(&d->grant.maptrack, handle);
		return status;
	}
	grant_handle_publish(&d->grant.maptrack, handle,
			     &(struct grant_mapped){
				     .granter = granter,
				     .at = ipa_to_gfn(op->host_addr),
				     .ref = op->ref,
				     .readonly = (op->flags & GNTMAP_readonly) != 0,
			     });
	op->handle = handle;
	op->dev_bus_addr = mfn_to_maddr(m);
	return GNTST_okay;
}

int grant_map(struct domain *d, struct gnttab_map_grant_ref *op)
{
	struct domain *granter;
	grant_handle_t handle;
	int status;

	/* What is wrong is found in Xen's order, so that the same status tells it. */
	if ((op->flags & (GNTMAP_host_map | GNTMAP_device_map)) == 0) {
		op->status = GNTST_bad_gntref;
		return 0;
	}
	if ((op->flags & MAP_FLAGS_OTHER) != 0) {
		op->status = GNTST_general_error;
		return 0;
	}
	granter = domain_get(op->dom);
	if (granter == NULL) {
		op->status = GNTST_bad_domain;
		return 0;
	}
	if (!policy_may_talk(d, d, granter)) {
		status = GNTST_permission_denied;
	} else {
		handle = grant_handle_alloc(&d->grant.maptrack);
		status = handle == GRANT_HANDLE_NONE ? GNTST_no_space
						     : map_with_handle(d, granter, op, handle);
	}
	if (status != GNTST_okay) {
		domain_put(granter);
	}
	if (status == -XEN_ERESTART) {
		return status;
	}
	op->status = (int16_t)status;
	return 0;
}

/* All that a claimed handle holds beside the stage-2 entry, which has gone. */
static void end_mapping(struct domain *d, grant_handle_t handle, const struct grant_mapped *mapped)
{
	mfn_t m = grant_frame_in_use(mapped->granter, mapped->ref);

	domain_share_unpin(mapped->granter, m);
	let_go(mapped->granter, mapped->ref, mapped->readonly, m);
	grant_handle_free(&d->grant.maptrack, handle);
	domain_put(mapped->granter);
}

/* The stage-2 entry of a claimed handle; whatever else is there by now stays, and the handle with it. */
static int unmap_at(struct domain *d, const struct grant_mapped *mapped)
{
	return stage2_unmap_grant(d, mapped->at, grant_frame_in_use(mapped->granter, mapped->ref));
}

void grant_map_undo(struct domain *d, const struct gnttab_map_grant_ref *op)
{
	struct grant_mapped mapped;

	if (op->status != GNTST_okay ||
	    !grant_handle_claim(&d->grant.maptrack, op->handle, &mapped)) {
		return; /* its other vCPUs guess handles */
	}
	if (unmap_at(d, &mapped) != 0) {
		/* And put something else there already. It can be given back when that has gone, or dies with it. */
		grant_handle_unclaim(&d->grant.maptrack, op->handle);
		return;
	}
	end_mapping(d, op->handle, &mapped);
}

int16_t grant_unmap(struct domain *d, grant_handle_t handle, uint64_t host_addr, uint64_t new_addr)
{
	struct grant_mapped mapped;

	if (!grant_handle_claim(&d->grant.maptrack, handle, &mapped)) {
		return GNTST_bad_handle;
	}
	if (host_addr == 0) {
		grant_handle_unclaim(&d->grant.maptrack, handle);
		return GNTST_okay;
	}
	if (new_addr != 0 || ipa_to_gfn(host_addr).raw != mapped.at.raw ||
	    unmap_at(d, &mapped) != 0) {
		grant_handle_unclaim(&d->grant.maptrack, handle);
		return GNTST_general_error;
	}
	end_mapping(d, handle, &mapped);
	return GNTST_okay;
}

int grant_release_mappings(struct domain *d)
{
	struct grant_maptrack *track = &d->grant.maptrack;
	grant_handle_t handle;

	while (grant_handle_next(track, &track->release_next, &handle)) {
		struct grant_mapped mapped;

		if (handle != GRANT_HANDLE_NONE && grant_handle_claim(track, handle, &mapped)) {
			end_mapping(d, handle, &mapped);
		}
		if (cpu_interrupt_pending()) {
			return -XEN_ERESTART;
		}
	}
	return 0;
}
