/* SPDX-License-Identifier: MIT */
/*
 * The handles of a domain: what it has mapped of others, found by the number that GNTTABOP_map_grant_ref gave out.
 *
 * A mapping's state is one word, so that of two vCPUs that give back the same handle one gets it: whoever clears
 * MAPPING_LIVE has claimed it. The rest of a mapping is its claimer's, or the allocator's. What each map and unmap does is in
 * place here; grant_maptrack.c has the rest.
 */
#pragma once

#include "arm64/atomic.h"
#include "grant/grant.h"
#include "lib/assert.h"

/*
 * A handle is the index of a mapping and, above it, how often that was used before, so that one that was given back is
 * not taken for a later one.
 */
#define GRANT_HANDLE_INDEX_BITS      18
#define GRANT_HANDLE_GENERATION_BITS 11
#define GRANT_HANDLE_NONE            UINT32_MAX

#define HANDLE_INDEX_MASK            ((1u << GRANT_HANDLE_INDEX_BITS) - 1)
#define HANDLE_MASK                  ((1u << (GRANT_HANDLE_INDEX_BITS + GRANT_HANDLE_GENERATION_BITS)) - 1)

/* While it is live or claimed. While it is free the state is the handle that it will be. */
#define MAPPING_AT \
	BITS64(35, 0) /* guest frame where it is mapped: addresses have at most 48 bits */
#define MAPPING_REF        BITS64(50, 36) /* the granter's entry */
#define MAPPING_READONLY   BIT64(51)
#define MAPPING_LIVE       BIT64(52)
#define MAPPING_GENERATION BITS64(63, 53)

struct grant_mapping {
	union {
		struct domain *granter; /* with a reference, unless it is the user itself */
		struct grant_mapping *next_free;
	};
	uint64_t state; /* in one word that is claimed atomically */
};

void grant_maptrack_init(struct grant_maptrack *track, unsigned int max_frames);
void grant_maptrack_fini(struct grant_maptrack *track);
/* Give back one frame, of which no handle is in use or will be; false when there is none. */
bool grant_maptrack_shrink(struct grant_maptrack *track);
/* More free ones. False: as many are in use as may be, or memory is short. The lock is held. */
bool grant_maptrack_grow(struct grant_maptrack *track);
/* The first live one from index *from on; false when there is none. Nobody else uses the table any more. Looks at a
 * bounded number: then true and *handle is GRANT_HANDLE_NONE. */
bool grant_handle_next(struct grant_maptrack *track, uint32_t *from, grant_handle_t *handle);

/* One that stands for nothing yet. NULL: as many are in use as may be, or memory is short. */
static inline struct grant_mapping *grant_mapping_alloc(struct grant_maptrack *track)
{
	struct grant_mapping *mapping = NULL;

	spin_lock(&track->lock);
	if (likely(track->first_free != NULL) || grant_maptrack_grow(track)) {
		mapping = track->first_free;
		track->first_free = mapping->next_free;
	}
	spin_unlock(&track->lock);
	return mapping;
}

/* Where it is queued its number is used again late. The lock is held. */
static inline void grant_mapping_queue(struct grant_maptrack *track, struct grant_mapping *mapping)
{
	mapping->next_free = NULL;
	if (track->first_free == NULL) {
		track->first_free = mapping;
	} else {
		track->last_free->next_free = mapping;
	}
	track->last_free = mapping;
}

/* For one that was never published. */
static inline void grant_mapping_free(struct grant_maptrack *track, struct grant_mapping *mapping)
{
	ASSERT((mapping->state & MAPPING_LIVE) == 0);
	spin_lock(&track->lock);
	grant_mapping_queue(track, mapping);
	spin_unlock(&track->lock);
}

/* For one that is claimed. */
static inline void grant_mapping_retire(struct grant_maptrack *track, struct grant_mapping *mapping,
					grant_handle_t handle)
{
	ASSERT((mapping->state & MAPPING_LIVE) == 0);
	/* Others' attempts to claim it fail: it is not live. */
	atomic_store_relaxed(&mapping->state,
			     (handle + (1u << GRANT_HANDLE_INDEX_BITS)) & HANDLE_MASK);
	grant_mapping_free(track, mapping);
}

/* From now on it can be claimed, by the handle that is returned. */
static inline grant_handle_t grant_mapping_publish(struct grant_mapping *mapping,
						   struct domain *granter, gfn_t at,
						   grant_ref_t ref, bool readonly)
{
	grant_handle_t handle = (grant_handle_t)mapping->state;

	mapping->granter = granter;
	/* Pairs with the claim. */
	atomic_store_release(&mapping->state,
			     FIELD_PREP(MAPPING_AT, at.raw) | FIELD_PREP(MAPPING_REF, ref) |
				     (readonly ? MAPPING_READONLY : 0) | MAPPING_LIVE |
				     FIELD_PREP(MAPPING_GENERATION,
						handle >> GRANT_HANDLE_INDEX_BITS));
	return handle;
}

/*
 * The caller alone may retire it or give it back; *state says what it stands for. NULL: it stands for nothing, or somebody
 * else has claimed it.
 */
static inline struct grant_mapping *grant_mapping_claim(const struct grant_maptrack *track,
							grant_handle_t handle, uint64_t *state)
{
	uint32_t index = handle & HANDLE_INDEX_MASK;
	struct grant_mapping *mapping;
	uint64_t seen;

	/* Pairs with the store in grant_maptrack_grow(). */
	if (unlikely(index / GRANT_HANDLES_PER_FRAME >= atomic_load_acquire(&track->nr_frames))) {
		return NULL; /* never given out */
	}
	mapping = &track->frame[index / GRANT_HANDLES_PER_FRAME][index % GRANT_HANDLES_PER_FRAME];
	seen = atomic_load_relaxed(&mapping->state);
	if (unlikely((seen & MAPPING_LIVE) == 0 ||
		     FIELD_GET(MAPPING_GENERATION, seen) != handle >> GRANT_HANDLE_INDEX_BITS ||
		     !atomic_compare_exchange(&mapping->state, &seen, seen & ~MAPPING_LIVE))) {
		return NULL;
	}
	*state = seen;
	return mapping;
}

static inline void grant_mapping_unclaim(struct grant_mapping *mapping)
{
	atomic_fetch_or(&mapping->state, MAPPING_LIVE);
}
