/* SPDX-License-Identifier: MIT */
/* Grant tables, version 1: the table's frames and their set-up. public/grant_table.h;
 * xen-abi-arm section 6. */
#pragma once

#include "lib/compiler.h"
#include "lib/lock.h"
#include "mm/frame.h"

struct domain;

#define GRANT_MAX_FRAMES        64
#define GRANT_ENTRIES_PER_FRAME 512

struct grant_domain {
	struct spinlock lock; /* the table: nr_frames, frame[] */
	unsigned int nr_frames, max_frames, max_maptrack_frames;
	/* hyp_alloc_shared(): shared with the guest, Write-Back on both sides. */
	void *frame[GRANT_MAX_FRAMES];
	gfn_t frame_gfn[GRANT_MAX_FRAMES]; /* where mapped last; guarded by the domain's lock */
};

/* One frame exists at creation, zeroed. -XEN_EINVAL for a limit of 0 or above GRANT_MAX_FRAMES,
 * -XEN_ENOMEM. */
int __must_check grant_domain_init(struct domain *d, unsigned int max_frames,
				   unsigned int max_maptrack);
/* The guest's mappings are gone. */
void grant_domain_fini(struct domain *d);
/* Grow to at least nr frames. -XEN_ENOSPC beyond the limit, -XEN_ENOMEM: as many as there was
 * memory for. */
int __must_check grant_grow(struct domain *d, unsigned int nr);
/* XENMAPSPACE_grant_table: map frame idx at g; grows the table. -XEN_EINVAL no such frame,
 * -XEN_EBUSY it is mapped elsewhere. Takes the domain's lock. */
int __must_check grant_map_frame(struct domain *d, uint64_t idx, gfn_t g);
/* Where frame idx is mapped, GFN_INVALID when nowhere. */
gfn_t grant_frame_gfn(struct domain *d, unsigned int idx);

/* GNTTABOP_cache_flush, arguments checked: clean, or clean and invalidate, part of one frame of
 * RAM that is d's own. -XEN_EINVAL not RAM, -XEN_EPERM not its own. */
int __must_check grant_cache_flush(const struct domain *d, maddr_t start, size_t size,
				   bool invalidate);
