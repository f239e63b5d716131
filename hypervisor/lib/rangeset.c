/* SPDX-License-Identifier: MIT */
/*
 * Sorted ranges in an array: sets are small (tens of ranges) and change at boot, so searches are
 * linear.
 */
#include "lib/rangeset.h"

#include "abi/xen.h"
#include "lib/string.h"

void rangeset_init(struct rangeset *set, struct range *storage, unsigned int capacity)
{
	set->range = storage;
	set->nr = 0;
	set->capacity = capacity;
}

/* Replace the ranges first..last-1 by nr_new others. */
static int replace(struct rangeset *set, unsigned int first, unsigned int last,
		   const struct range *new_range, unsigned int nr_new)
{
	if (set->nr - (last - first) + nr_new > set->capacity) {
		return -XEN_ENOSPC;
	}
	memmove(&set->range[first + nr_new], &set->range[last],
		(set->nr - last) * sizeof(set->range[0]));
	memcpy(&set->range[first], new_range, nr_new * sizeof(set->range[0]));
	set->nr = set->nr - (last - first) + nr_new;
	return 0;
}

int rangeset_add(struct rangeset *set, uint64_t start, uint64_t end)
{
	struct range merged = {start, end};
	unsigned int first = 0;
	unsigned int last;

	if (start >= end) {
		return 0;
	}
	/* Ranges that touch the new one, if only at an edge, become part of it. */
	while (first < set->nr && set->range[first].end < start) {
		first++;
	}
	for (last = first; last < set->nr && set->range[last].start <= end; last++) {
		merged.start = MIN(merged.start, set->range[last].start);
		merged.end = MAX(merged.end, set->range[last].end);
	}
	return replace(set, first, last, &merged, 1);
}

int rangeset_remove(struct rangeset *set, uint64_t start, uint64_t end)
{
	struct range rest[2];
	unsigned int nr_rest = 0;
	unsigned int first = 0;
	unsigned int last;

	if (start >= end) {
		return 0;
	}
	while (first < set->nr && set->range[first].end <= start) {
		first++;
	}
	for (last = first; last < set->nr && set->range[last].start < end; last++) {
		/* Only the first one can stick out below, only the last one above. */
		if (set->range[last].start < start) {
			rest[nr_rest++] = (struct range){set->range[last].start, start};
		}
		if (set->range[last].end > end) {
			rest[nr_rest++] = (struct range){end, set->range[last].end};
		}
	}
	return replace(set, first, last, rest, nr_rest);
}

const struct range *rangeset_find(const struct rangeset *set, uint64_t address)
{
	const struct range *r;

	rangeset_for_each(r, set) {
		if (address < r->end) {
			return r;
		}
	}
	return NULL;
}

bool rangeset_contains(const struct rangeset *set, uint64_t start, uint64_t end)
{
	const struct range *r = rangeset_find(set, start);

	return start >= end || (r != NULL && r->start <= start && end <= r->end);
}

bool rangeset_overlaps(const struct rangeset *set, uint64_t start, uint64_t end)
{
	const struct range *r = rangeset_find(set, start);

	return start < end && r != NULL && r->start < end;
}

uint64_t rangeset_size(const struct rangeset *set)
{
	const struct range *r;
	uint64_t size = 0;

	rangeset_for_each(r, set) {
		size += r->end - r->start;
	}
	return size;
}

/* A place in [low, high), without overflow. */
static bool place(uint64_t low, uint64_t high, uint64_t size, uint64_t align, uint64_t *start)
{
	uint64_t up = -low & (align - 1);

	if (low >= high || up >= high - low || size > high - low - up) {
		return false;
	}
	*start = low + up;
	return true;
}

bool rangeset_find_gap(const struct rangeset *set, uint64_t low, uint64_t high, uint64_t size,
		       uint64_t align, uint64_t *start)
{
	const struct range *r;

	rangeset_for_each(r, set) {
		if (r->end <= low) {
			continue;
		}
		if (place(low, MIN(high, r->start), size, align, start)) {
			return true;
		}
		low = r->end;
	}
	return place(low, high, size, align, start);
}

bool rangeset_find_fit(const struct rangeset *set, uint64_t low, uint64_t high, uint64_t size,
		       uint64_t align, uint64_t *start)
{
	const struct range *r;

	rangeset_for_each(r, set) {
		if (place(MAX(low, r->start), MIN(high, r->end), size, align, start)) {
			return true;
		}
	}
	return false;
}
