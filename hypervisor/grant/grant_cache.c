/* SPDX-License-Identifier: MIT */
/*
 * Cache maintenance by machine address for a guest that drives devices which do not snoop
 * (GNTTABOP_cache_flush): the frame is its own, or another domain's that it has mapped by grant, by the
 * dev_bus_addr that the map gave it.
 */
#include "grant/grant_internal.h"

#include "arm64/barrier.h"
#include "arm64/cache.h"
#include "domain/domain.h"
#include "domain/domain_share.h"
#include "lib/assert.h"
#include "mm/mm.h"
#include "stage2/stage2.h"

/* Entries that are looked at before the hypercall is continued, as in Xen: references have that many bits in its command. */
#define SEARCH_ENTRIES (8 * GRANT_ENTRIES_PER_FRAME)

/* Is the frame in use by d through one of the granter's entries from *ref on? Then with a reference on the frame. */
static int find_use(struct domain *granter, const struct domain *d, mfn_t m, uint32_t *ref)
{
	const struct grant_domain *grant = &granter->grant;
	uint32_t first = *ref, end, stop;
	int error = -XEN_EINVAL;

	spin_lock(&granter->grant.lock);
	end = grant->nr_active * GRANT_ENTRIES_PER_FRAME; /* also when the granter is dying */
	stop = end - MIN(first, end) > SEARCH_ENTRIES ? first + SEARCH_ENTRIES : end;
	for (uint32_t i = first; i < stop; i++) {
		const struct grant_active *active =
			&grant->active[i / GRANT_ENTRIES_PER_FRAME][i % GRANT_ENTRIES_PER_FRAME];

		if (active->mfn == m.raw && active->domid == d->id &&
		    (active->readers | active->writers) != 0) {
			/* Its use keeps it, so this fails only when there are too many. */
			error = frame_get(m, granter->id) ? 0 : -XEN_EINVAL;
			break;
		}
	}
	spin_unlock(&granter->grant.lock);
	if (error != 0 && stop < end) {
		*ref = stop;
		error = -XEN_ERESTART;
	}
	return error;
}

/* A frame that d may maintain, with a reference, and its owner, with one too when it is not d. */
static int get_frame(const struct domain *d, mfn_t m, uint32_t *ref, struct domain **owner)
{
	const struct frame *frame = frame_of(m);
	uint8_t state;
	int error;

	if (frame == NULL) {
		return -XEN_EINVAL;
	}
	*owner = NULL;
	if (frame_get(m, d->id)) {
		return 0;
	}
	/* A hint: find_use() is what decides. */
	state = READ_ONCE(frame->state);
	if (state != FRAME_GUEST && state != FRAME_TENON_SHARED) {
		return -XEN_EPERM;
	}
	*owner = domain_get(READ_ONCE(frame->owner));
	if (*owner == NULL) {
		return -XEN_EINVAL;
	}
	error = find_use(*owner, d, m, ref);
	if (error != 0) {
		domain_put(*owner);
		*owner = NULL;
	}
	return error;
}

static void flush(struct domain *owner, mfn_t m, uint64_t offset, size_t size, bool invalidate)
{
	const char *page;

	/* The attribute does not matter to the maintenance, but it is to be one that the frame may be mapped with (C1). */
	read_lock(&owner->attr_lock);
	page = window_map(m, stage2_attr_window(owner, frame_of(m)));
	if (invalidate) {
		/* Never without the clean: the lines at either end hold others' bytes as well.
		 * It is also what DC IVAC does at EL1 under a stage 2. */
		dcache_clean_invalidate_to_poc(page + offset, size);
	} else {
		dcache_clean_to_poc(page + offset, size);
	}
	/* Complete before the guest tells its device to look at memory. */
	dsb_sy();
	window_unmap(page);
	read_unlock(&owner->attr_lock);
}

int grant_cache_flush(struct domain *d, maddr_t start, size_t size, bool invalidate, uint32_t *ref)
{
	mfn_t m = maddr_to_mfn(start);
	struct domain *owner;
	int error = get_frame(d, m, ref, &owner);

	ASSERT(size <= PAGE_SIZE - start % PAGE_SIZE);
	if (error != 0) {
		return error;
	}
	flush(owner == NULL ? d : owner, m, start % PAGE_SIZE, size, invalidate);
	domain_put_frame(owner == NULL ? d : owner, m);
	if (owner != NULL) {
		domain_put(owner);
	}
	return 0;
}
