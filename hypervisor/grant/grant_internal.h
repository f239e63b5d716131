/* SPDX-License-Identifier: MIT */
/* Between the files of grant/. */
#pragma once

#include "domain/domain.h"
#include "grant/grant.h"

/* ---- uses of an entry (grant_active.c) -------------------------------------------------------------- */

/*
 * user begins to use an entry of granter's: the entry permits it, says so to the granter (GTF_reading, GTF_writing), and its
 * frame is returned. Else a GNTST_ error and nothing has changed. For a map the frame has a reference. For a copy it has
 * none: it may be let go of meanwhile, but is not scrubbed, or anybody else's, before this CPU has polled for epochs (M1).
 */
int16_t grant_begin_map(struct domain *granter, grant_ref_t ref, uint16_t user, bool readonly,
			mfn_t *m);
int16_t grant_begin_copy(struct domain *granter, grant_ref_t ref, uint16_t user, bool readonly,
			 mfn_t *m);
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

/* ---- handles (grant_maptrack.c) ------------------------------------------------------------------------ */

/*
 * A handle is the index of a mapping and, above it, how often that was used before, so that one that was given back is
 * not taken for a later one.
 */
#define GRANT_HANDLE_INDEX_BITS      18
#define GRANT_HANDLE_GENERATION_BITS 11
#define GRANT_HANDLE_NONE            UINT32_MAX

struct grant_mapping {
	union {
		struct domain *granter; /* with a reference */
		uint64_t next_free;
	};
	uint64_t state; /* MAPPING_* of grant_maptrack.c, in one word that is claimed atomically */
};

/* What a live handle stands for. */
struct grant_mapped {
	struct domain *granter;
	gfn_t at; /* in the user's stage 2 */
	grant_ref_t ref;
	bool readonly;
};

void grant_maptrack_init(struct grant_maptrack *track, unsigned int max_frames);
void grant_maptrack_fini(struct grant_maptrack *track);
/* One that stands for nothing yet. GRANT_HANDLE_NONE: as many are in use as may be, or memory is short. */
grant_handle_t grant_handle_alloc(struct grant_maptrack *track);
/* For one that is claimed, or was never published. Others' attempts to claim it fail from now on. */
void grant_handle_free(struct grant_maptrack *track, grant_handle_t handle);
/* From now on it can be claimed. */
void grant_handle_publish(struct grant_maptrack *track, grant_handle_t handle,
			  const struct grant_mapped *mapped);
/* The caller alone may free it or give it back. False: it stands for nothing, or somebody else has claimed it. */
bool grant_handle_claim(struct grant_maptrack *track, grant_handle_t handle,
			struct grant_mapped *mapped);
void grant_handle_unclaim(struct grant_maptrack *track, grant_handle_t handle);
/* The first live one from index *from on; false when there is none. Nobody else uses the table any more. Looks at a
 * bounded number: then true and *handle is GRANT_HANDLE_NONE. */
bool grant_handle_next(struct grant_maptrack *track, uint32_t *from, grant_handle_t *handle);
