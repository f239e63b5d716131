/* SPDX-License-Identifier: MIT */
/*
 * The grant table of a domain as memory: frames of version-1 entries (public/grant_table.h),
 * made one at creation and more on demand, and mapped by the guest where it likes; each with a
 * frame of Tenon's own that says which entries are in use.
 */
#include "grant/grant_internal.h"
#include "grant/grant_maptrack.h"

#include "arm64/cpu.h"
#include "domain/domain.h"
#include "lib/assert.h"
#include "mm/mm.h"
#include "stage2/stage2.h"

_Static_assert(sizeof(struct grant_entry_v1) * GRANT_ENTRIES_PER_FRAME == PAGE_SIZE,
	       "public/grant_table.h");

/* Up to nr frames; true when there are as many. The grant lock is held. */
static bool grow_locked(struct domain *d, unsigned int nr)
{
	struct grant_domain *grant = &d->grant;

	ASSERT(spin_is_mine(&grant->lock) && nr <= grant->max_frames);
	while (grant->nr_frames < nr) {
		struct grant_entry_v1 *frame = hyp_alloc_shared(d->id);
		struct grant_active *active = frame == NULL ? NULL : hyp_alloc(0);

		if (active == NULL) {
			hyp_free_shared(frame);
			return false;
		}
		grant->active[grant->nr_frames] = active;
		grant->nr_active = grant->nr_frames + 1;
		grant->frame[grant->nr_frames] = frame;
		grant->frame_gfn[grant->nr_frames] = GFN_INVALID;
		grant->nr_frames++;
	}
	return true;
}

/* Frames that are made between two looks for interrupts (S3). */
#define FRAMES_PER_STEP 8

int grant_grow(struct domain *d, unsigned int nr)
{
	struct grant_domain *grant = &d->grant;

	for (;;) {
		unsigned int now = READ_ONCE(grant->nr_frames);
		int ret = 0;

		if (nr > READ_ONCE(grant->max_frames)) {
			return -XEN_ENOSPC;
		}
		if (now >= nr) {
			return 0;
		}
		now = MIN(nr, now + FRAMES_PER_STEP);
		spin_lock(&grant->lock);
		/* A domain that is being taken apart gets none any more. */
		if (now > grant->max_frames) {
			ret = -XEN_ENOSPC;
		} else if (!grow_locked(d, now)) {
			ret = -XEN_ENOMEM;
		}
		spin_unlock(&grant->lock);
		if (ret < 0) {
			return ret;
		}
		if (now < nr && cpu_interrupt_pending()) {
			return -XEN_ERESTART; /* with the frames that it has come to */
		}
	}
}

int grant_domain_init(struct domain *d, unsigned int max_frames, unsigned int max_maptrack)
{
	struct grant_domain *grant = &d->grant;

	if (max_frames == 0 || max_frames > GRANT_MAX_FRAMES ||
	    max_maptrack > GRANT_MAX_MAPTRACK_FRAMES) {
		return -XEN_EINVAL;
	}
	*grant = (struct grant_domain){.max_frames = max_frames};
	spin_lock_init(&grant->lock, LOCK_RANK_GRANT);
	grant_maptrack_init(&grant->maptrack, max_maptrack);
	return grant_grow(d, 1);
}

void grant_domain_fini(struct domain *d)
{
	struct grant_domain *grant = &d->grant;

	if (grant->max_frames == 0) {
		return; /* never made */
	}
	/* Whoever uses its grants, or begins to, holds the lock while it looks at the table. */
	spin_lock(&grant->lock);
	while (grant->nr_frames > 0) {
		grant->nr_frames--;
		hyp_free_shared(grant->frame[grant->nr_frames]);
		grant->frame[grant->nr_frames] = NULL;
	}
	/* Nothing is made any more. */
	grant->max_frames = 0;
	spin_unlock(&grant->lock);
	grant_maptrack_fini(&grant->maptrack);
}

void grant_domain_free(struct domain *d)
{
	struct grant_domain *grant = &d->grant;

	while (grant->nr_active > 0) {
		grant->nr_active--;
		hyp_free(grant->active[grant->nr_active], 0);
		grant->active[grant->nr_active] = NULL;
	}
}

/* The frame's page; NULL when there is none. */
static void *get_frame(struct domain *d, uint64_t idx)
{
	struct grant_domain *grant = &d->grant;
	void *frame = NULL;

	spin_lock(&grant->lock);
	if (idx < grant->nr_frames) {
		frame = grant->frame[idx];
	}
	spin_unlock(&grant->lock);
	return frame;
}

/* Is it still there? The guest may have put something else in its place since. The domain's lock
 * is held. */
static bool is_mapped(struct domain *d, unsigned int idx)
{
	gfn_t g = d->grant.frame_gfn[idx];
	enum stage2_type type;
	mfn_t m;

	return g.raw != GFN_INVALID.raw && stage2_lookup(d, g, &m, &type) == 0 &&
	       type == STAGE2_SHARED && m.raw == hyp_to_mfn(d->grant.frame[idx]).raw;
}

int grant_map_frame(struct domain *d, uint64_t idx, gfn_t g)
{
	void *frame;
	int ret;

	if (idx >= GRANT_MAX_FRAMES) {
		return -XEN_EINVAL;
	}
	ret = grant_grow(d, (unsigned int)idx + 1);
	if (ret < 0) {
		return ret == -XEN_ERESTART ? ret : -XEN_EINVAL;
	}
	/* The domain's lock orders changes of its physical map; the grant lock is not held
	 * across them. */
	spin_lock(&d->lock);
	frame = get_frame(d, idx);
	if (frame == NULL || d->state == DOMAIN_DYING) {
		/* Nothing is mapped behind domain_destroy()'s back, which unmaps first. */
		ret = -XEN_EINVAL;
	} else if (is_mapped(d, (unsigned int)idx)) {
		ret = -XEN_EBUSY;
	} else {
		ret = stage2_map(d, g, hyp_to_mfn(frame), 1, STAGE2_SHARED);
		if (ret == 0) {
			d->grant.frame_gfn[idx] = g;
		}
	}
	spin_unlock(&d->lock);
	return ret;
}

gfn_t grant_frame_gfn(struct domain *d, unsigned int idx)
{
	gfn_t g = GFN_INVALID;

	spin_lock(&d->lock);
	if (get_frame(d, idx) != NULL && is_mapped(d, idx)) {
		g = d->grant.frame_gfn[idx];
	}
	spin_unlock(&d->lock);
	return g;
}
