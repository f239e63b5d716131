/* SPDX-License-Identifier: MIT */
/*
 * A set of addresses as sorted, disjoint, non-adjacent ranges [start, end), in storage that the
 * caller supplies: memory banks, reserved regions, the MMIO that a domain may map. The caller's
 * lock guards it.
 */
#pragma once

#include "lib/compiler.h"

struct range {
	uint64_t start, end;
};

struct rangeset {
	struct range *range; /* ascending */
	unsigned int nr;
	unsigned int capacity;
};

#define RANGESET_INIT(storage)                                               \
	{                                                                    \
		.range = (storage), .nr = 0, .capacity = ARRAY_SIZE(storage) \
	}
#define rangeset_for_each(r, set) for (r = (set)->range; r < (set)->range + (set)->nr; r++)

void rangeset_init(struct rangeset *set, struct range *storage, unsigned int capacity);

/*
 * Add to or remove from the set, whatever was there. Nothing happens when start >= end. -XEN_ENOSPC
 * and an unchanged set when the storage has no room for one range more.
 */
int __must_check rangeset_add(struct rangeset *set, uint64_t start, uint64_t end);
int __must_check rangeset_remove(struct rangeset *set, uint64_t start, uint64_t end);

/* Every address of [start, end); true for an empty range. */
bool rangeset_contains(const struct rangeset *set, uint64_t start, uint64_t end);
/* Some address of it. */
bool rangeset_overlaps(const struct rangeset *set, uint64_t start, uint64_t end);
/* The range that holds address, or the first one behind it; NULL when there is none. */
const struct range *rangeset_find(const struct rangeset *set, uint64_t address);
/* Sum of all sizes. */
uint64_t rangeset_size(const struct rangeset *set);

/*
 * Lowest start, a multiple of align (a power of two), such that [start, start + size) lies in [low,
 * high) and is entirely outside the set (gap) or inside it (fit). False when there is no place.
 */
bool rangeset_find_gap(const struct rangeset *set, uint64_t low, uint64_t high, uint64_t size,
		       uint64_t align, uint64_t *start);
bool rangeset_find_fit(const struct rangeset *set, uint64_t low, uint64_t high, uint64_t size,
		       uint64_t align, uint64_t *start);
