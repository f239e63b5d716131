/* SPDX-License-Identifier: MIT */
/* Between the files of grant/. */
#pragma once

#include "domain/domain.h"
#include "grant/grant.h"

/* ---- uses of an entry (grant_active.h) -------------------------------------------------------------- */

/*
 * user begins to copy from or to what an entry of granter's names: the entry permits it, says so to the granter (GTF_reading,
 * GTF_writing), and its frame is returned. MFN_INVALID: *status is a GNTST_ error and nothing has changed. The frame has no
 * reference: it may be let go of meanwhile, but is not scrubbed, or anybody else's, before this CPU has polled for epochs (M1).
 */
mfn_t grant_begin_copy(struct domain *granter, grant_ref_t ref, uint16_t user, bool readonly,
		       int16_t *status);
/* The end of one: no reference is dropped here. */
void grant_end_use(struct domain *granter, grant_ref_t ref, bool readonly);

static inline struct grant_active *grant_active_of(const struct grant_domain *grant, grant_ref_t ref)
{
	return &grant->active[ref / GRANT_ENTRIES_PER_FRAME][ref % GRANT_ENTRIES_PER_FRAME];
}

/* The frame of an entry that the caller keeps in use. */
static inline mfn_t grant_frame_in_use(const struct domain *granter, grant_ref_t ref)
{
	return mfn(grant_active_of(&granter->grant, ref)->mfn);
}
