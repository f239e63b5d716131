/* SPDX-License-Identifier: MIT */
/*
 * The handles of a domain: what it has mapped of others, found by the number that GNTTABOP_map_grant_ref gave out.
 *
 * A mapping's state is one word, so that of two vCPUs that give back the same handle one gets it: whoever clears
 * MAPPING_LIVE has claimed it. The rest of a mapping is its claimer's, or the allocator's.
 */
#include "grant/grant_internal.h"

#include "arm64/atomic.h"
#include "lib/assert.h"
#include "mm/mm.h"

#define MAPPING_AT \
	BITS64(35, 0) /* guest frame where it is mapped: addresses have at most 48 bits */
#define MAPPING_REF        BITS64(50, 36) /* the granter's entry */
#define MAPPING_READONLY   BIT64(51)
#define MAPPING_LIVE       BIT64(52)
#define MAPPING_GENERATION BITS64(63, 53)

#define GENERATION_MASK    ((1u << GRANT_HANDLE_GENERATION_BITS) - 1)
#define INDEX_MASK         ((1u << GRANT_HANDLE_INDEX_BITS) - 1)

_Static_assert(sizeof(struct grant_mapping) * GRANT_HANDLES_PER_FRAME == PAGE_SIZE,
	       "Xen's limit is in frames of 256 handles");
_Static_assert(GRANT_MAX_MAPTRACK_FRAMES *GRANT_HANDLES_PER_FRAME == INDEX_MASK + 1,
	       "a handle has room for every index");
_Static_assert(GRANT_MAX_FRAMES *GRANT_ENTRIES_PER_FRAME - 1 == FIELD_GET(MAPPING_REF, MAPPING_REF),
	       "a mapping has room for every reference");
/* The highest handle is not GRANT_HANDLE_NONE, nor what Linux takes for none (~0). */
_Static_assert(GRANT_HANDLE_INDEX_BITS + GRANT_HANDLE_GENERATION_BITS < 32, "grant_handle_t");

/* One or two frames of pointers. */
static unsigned int directory_order(const struct grant_maptrack *track)
{
	return track->max_frames * sizeof(track->frame[0]) > PAGE_SIZE ? 1 : 0;
}

static struct grant_mapping *mapping_at(const struct grant_maptrack *track, uint32_t index)
{
	return &track->frame[index / GRANT_HANDLES_PER_FRAME][index % GRANT_HANDLES_PER_FRAME];
}

void grant_maptrack_init(struct grant_maptrack *track, unsigned int max_frames)
{
	*track = (struct grant_maptrack){
		.max_frames = max_frames,
		.first_free = GRANT_HANDLE_NONE,
		.last_free = GRANT_HANDLE_NONE,
	};
	spin_lock_init(&track->lock, LOCK_RANK_GRANT);
}

void grant_maptrack_fini(struct grant_maptrack *track)
{
	for (unsigned int i = 0; i < track->nr_frames; i++) {
		hyp_free(track->frame[i], 0);
	}
	hyp_free(track->frame, directory_order(track));
	track->frame = NULL;
	track->nr_frames = 0;
}

static void queue_free(struct grant_maptrack *track, uint32_t index)
{
	mapping_at(track, index)->next_free = GRANT_HANDLE_NONE;
	if (track->last_free == GRANT_HANDLE_NONE) {
		track->first_free = index;
	} else {
		mapping_at(track, track->last_free)->next_free = index;
	}
	track->last_free = index;
}

static bool grow_locked(struct grant_maptrack *track)
{
	uint32_t first = track->nr_frames * GRANT_HANDLES_PER_FRAME;
	void *frame;

	ASSERT(spin_is_mine(&track->lock));
	if (track->nr_frames == track->max_frames) {
		return false;
	}
	if (track->frame == NULL) {
		track->frame = hyp_alloc(directory_order(track));
	}
	frame = track->frame == NULL ? NULL : hyp_alloc(0);
	if (frame == NULL) {
		return false;
	}
	track->frame[track->nr_frames] = frame;
	/* Pairs with the load in find(), which takes no lock. */
	atomic_store_release(&track->nr_frames, track->nr_frames + 1);
	for (uint32_t i = 0; i < GRANT_HANDLES_PER_FRAME; i++) {
		queue_free(track, first + i);
	}
	return true;
}

grant_handle_t grant_handle_alloc(struct grant_maptrack *track)
{
	grant_handle_t handle = GRANT_HANDLE_NONE;

	spin_lock(&track->lock);
	if (track->first_free != GRANT_HANDLE_NONE || grow_locked(track)) {
		uint32_t index = track->first_free;
		struct grant_mapping *mapping = mapping_at(track, index);

		track->first_free = (uint32_t)mapping->next_free;
		if (track->first_free == GRANT_HANDLE_NONE) {
			track->last_free = GRANT_HANDLE_NONE;
		}
		handle = index | (uint32_t)FIELD_GET(MAPPING_GENERATION, mapping->state)
					 << GRANT_HANDLE_INDEX_BITS;
	}
	spin_unlock(&track->lock);
	return handle;
}

void grant_handle_free(struct grant_maptrack *track, grant_handle_t handle)
{
	uint32_t index = handle & INDEX_MASK;
	struct grant_mapping *mapping = mapping_at(track, index);
	uint64_t generation = ((handle >> GRANT_HANDLE_INDEX_BITS) + 1) & GENERATION_MASK;

	ASSERT((mapping->state & MAPPING_LIVE) == 0);
	spin_lock(&track->lock);
	atomic_store_relaxed(&mapping->state, FIELD_PREP(MAPPING_GENERATION, generation));
	queue_free(track, index);
	spin_unlock(&track->lock);
}

void grant_handle_publish(struct grant_maptrack *track, grant_handle_t handle,
			  const struct grant_mapped *mapped)
{
	struct grant_mapping *mapping = mapping_at(track, handle & INDEX_MASK);

	mapping->granter = mapped->granter;
	/* Pairs with the claim. */
	atomic_store_release(&mapping->state,
			     FIELD_PREP(MAPPING_AT, mapped->at.raw) |
				     FIELD_PREP(MAPPING_REF, mapped->ref) |
				     (mapped->readonly ? MAPPING_READONLY : 0) | MAPPING_LIVE |
				     FIELD_PREP(MAPPING_GENERATION,
						handle >> GRANT_HANDLE_INDEX_BITS));
}

/* NULL: no such handle was ever given out. */
static struct grant_mapping *find(const struct grant_maptrack *track, grant_handle_t handle)
{
	uint32_t index = handle & INDEX_MASK;

	if (index / GRANT_HANDLES_PER_FRAME >= atomic_load_acquire(&track->nr_frames)) {
		return NULL;
	}
	return mapping_at(track, index);
}

bool grant_handle_claim(struct grant_maptrack *track, grant_handle_t handle,
			struct grant_mapped *mapped)
{
	struct grant_mapping *mapping = find(track, handle);
	uint64_t state;

	if (mapping == NULL) {
		return false;
	}
	state = atomic_load_relaxed(&mapping->state);
	if ((state & MAPPING_LIVE) == 0 ||
	    FIELD_GET(MAPPING_GENERATION, state) != handle >> GRANT_HANDLE_INDEX_BITS ||
	    !atomic_compare_exchange(&mapping->state, &state, state & ~MAPPING_LIVE)) {
		return false;
	}
	*mapped = (struct grant_mapped){
		.granter = mapping->granter,
		.at = gfn(FIELD_GET(MAPPING_AT, state)),
		.ref = (grant_ref_t)FIELD_GET(MAPPING_REF, state),
		.readonly = (state & MAPPING_READONLY) != 0,
	};
	return true;
}

void grant_handle_unclaim(struct grant_maptrack *track, grant_handle_t handle)
{
	struct grant_mapping *mapping = mapping_at(track, handle & INDEX_MASK);

	atomic_fetch_or(&mapping->state, MAPPING_LIVE);
}

/* How many handles a look takes: some microseconds. */
#define NEXT_HANDLES 256

bool grant_handle_next(struct grant_maptrack *track, uint32_t *from, grant_handle_t *handle)
{
	uint32_t end = track->nr_frames * GRANT_HANDLES_PER_FRAME;
	uint32_t stop = MIN(end, *from + NEXT_HANDLES);

	*handle = GRANT_HANDLE_NONE;
	if (*from >= end) {
		return false;
	}
	while (*from < stop && *handle == GRANT_HANDLE_NONE) {
		uint64_t state = atomic_load_relaxed(&mapping_at(track, *from)->state);

		if ((state & MAPPING_LIVE) != 0) {
			*handle = *from | (uint32_t)FIELD_GET(MAPPING_GENERATION, state)
						  << GRANT_HANDLE_INDEX_BITS;
		}
		(*from)++;
	}
	return true;
}
