/* SPDX-License-Identifier: MIT */
/* Uses of a granter's entries (grant_active.h): what is rare, and exchanging entries that nobody uses. */
#include "grant/grant_active.h"

#include "domain/domain_share.h"
#include "lib/log.h"
#include "mm/frame_entry.h"

_Static_assert(sizeof(struct grant_active) * GRANT_ENTRIES_PER_FRAME == PAGE_SIZE,
	       "one frame of these goes with one frame of entries");

/*
 * To begin a use, an entry that changes five times is refused, as in Xen; an attempt that failed for no reason does not
 * count as a change. At the end of one, the bits that cannot be cleared stay, and the granter has only itself to blame.
 */
#define MAX_CHANGES  5
#define MAX_ATTEMPTS 4096

bool grant_show_use_again(struct grant_entry_v1 *entry, uint32_t head, bool changed, bool fresh,
			  uint16_t user, bool readonly, enum grant_use use)
{
	unsigned int changes = changed ? 1 : 0;

	for (unsigned int i = 0; i < MAX_ATTEMPTS && changes < MAX_CHANGES; i++) {
		uint32_t seen = head;

		if (grant_forbids(head, fresh, user, readonly, use) != 0) {
			return false;
		}
		if (grant_update_head(grant_head_of(entry), &head,
				      head | grant_use_flags(readonly))) {
			return true;
		}
		changes += head != seen;
	}
	return false;
}

void grant_show_less_again(const struct domain *granter, struct grant_entry_v1 *entry,
			   uint32_t flags)
{
	uint32_t head = atomic_load_relaxed(grant_head_of(entry));

	for (unsigned int i = 0; i < MAX_ATTEMPTS; i++) {
		if (grant_update_head(grant_head_of(entry), &head, head & ~flags)) {
			return;
		}
	}
	log_guest(granter->id, "keeps a grant entry changing: it will look as if it were in use");
}

/* A use has ended, or came to nothing: take back what those that are left do not need. */
mfn_t grant_begin_copy(struct domain *granter, grant_ref_t ref, uint16_t user, bool readonly,
		       int16_t *status)
{
	mfn_t m;
	int16_t error = grant_begin_use(granter, ref, user, readonly, GRANT_USE_COPY, &m);

	if (unlikely(error != GNTST_okay)) {
		*status = error;
		return MFN_INVALID;
	}
	return m;
}

void grant_end_use(struct domain *granter, grant_ref_t ref, bool readonly)
{
	grant_end_use_inline(granter, ref, readonly);
}

int16_t grant_swap(struct domain *d, grant_ref_t a, grant_ref_t b)
{
	struct grant_domain *grant = &d->grant;
	const struct grant_active *active;
	int16_t status = GNTST_okay;

	spin_lock(&grant->lock);
	if (a / GRANT_ENTRIES_PER_FRAME >= grant->nr_frames ||
	    b / GRANT_ENTRIES_PER_FRAME >= grant->nr_frames) {
		status = GNTST_bad_gntref;
	} else if (a != b) {
		active = grant_active_of(grant, a);
		if (active->readers != 0 || active->writers != 0) {
			status = GNTST_eagain;
		}
		active = grant_active_of(grant, b);
		if (active->readers != 0 || active->writers != 0) {
			status = GNTST_eagain;
		}
		if (status == GNTST_okay) {
			uint64_t *at_a = (uint64_t *)(void *)grant_entry_of(grant, a);
			uint64_t *at_b = (uint64_t *)(void *)grant_entry_of(grant, b);
			uint64_t was = READ_ONCE(*at_a);

			WRITE_ONCE(*at_a, READ_ONCE(*at_b));
			WRITE_ONCE(*at_b, was);
		}
	}
	spin_unlock(&grant->lock);
	return status;
}

bool grant_find_frame_again(struct domain *granter, const struct grant_entry_v1 *entry,
			    const struct grant_active *active, enum grant_use use, mfn_t *m)
{
	const mfn_t used = mfn(active->mfn);
	uint64_t head;

	if (grant_find_frame(granter, entry, use, m)) {
		if (m->raw == used.raw) {
			return true;
		}
		if (use == GRANT_USE_MAP) {
			domain_put_frame(granter, *m);
		}
	}
	*m = used;
	head = atomic_load_acquire(&frame_of(used)->head);
	return frame_head_is_of(head, granter->id) &&
	       ((HEAD_ORDER(head) & FRAME_GIVEN_UP) != 0 || HEAD_REFS(head) > 1) &&
	       (use != GRANT_USE_MAP || frame_get(used, granter->id));
}
