/* SPDX-License-Identifier: MIT */
/* The table of a domain's handles as memory, and looking through all of it (grant_maptrack.h). */
#include "grant/grant_maptrack.h"

#include "mm/mm.h"

_Static_assert(sizeof(struct grant_mapping) * GRANT_HANDLES_PER_FRAME == PAGE_SIZE,
	       "Xen's limit is in frames of 256 handles");
_Static_assert(GRANT_MAX_MAPTRACK_FRAMES *GRANT_HANDLES_PER_FRAME == HANDLE_INDEX_MASK + 1,
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

void grant_maptrack_init(struct grant_maptrack *track, unsigned int max_frames)
{
	*track = (struct grant_maptrack){.max_frames = max_frames};
	spin_lock_init(&track->lock, LOCK_RANK_GRANT);
}

bool grant_maptrack_shrink(struct grant_maptrack *track)
{
	if (track->nr_frames == 0) {
		return false;
	}
	track->nr_frames--;
	hyp_free(track->frame[track->nr_frames], 0);
	track->frame[track->nr_frames] = NULL;
	return true;
}

void grant_maptrack_fini(struct grant_maptrack *track)
{
	while (grant_maptrack_shrink(track)) {
	}
	hyp_free(track->frame, directory_order(track));
	track->frame = NULL;
}

bool grant_maptrack_grow(struct grant_maptrack *track)
{
	uint32_t first = track->nr_frames * GRANT_HANDLES_PER_FRAME;
	struct grant_mapping *frame;

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
	for (uint32_t i = 0; i < GRANT_HANDLES_PER_FRAME; i++) {
		frame[i].state = first + i;
		grant_mapping_queue(track, &frame[i]);
	}
	track->frame[track->nr_frames] = frame;
	/* Pairs with the load in grant_mapping_claim(), which takes no lock. */
	atomic_store_release(&track->nr_frames, track->nr_frames + 1);
	return true;
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
		const struct grant_mapping *frame = track->frame[*from / GRANT_HANDLES_PER_FRAME];
		uint64_t state = atomic_load_relaxed(&frame[*from % GRANT_HANDLES_PER_FRAME].state);

		if ((state & MAPPING_LIVE) != 0) {
			*handle = *from | (uint32_t)FIELD_GET(MAPPING_GENERATION, state)
						  << GRANT_HANDLE_INDEX_BITS;
		}
		(*from)++;
	}
	return true;
}
