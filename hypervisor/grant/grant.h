/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, version 1 (public/grant_table.h; xen-abi-arm section 6): the table's frames, who uses which entry, the
 * handles of what a domain has mapped of others, and the operations on them.
 *
 * Two sides. The granter has the table and, for each entry, how often it is in use and for which frame (struct
 * grant_active). The user has handles (struct grant_mapping), each with a reference on the granter, which therefore
 * keeps its structure and its id until the last of its grants is given back, however long it has been dead.
 */
#pragma once

#include "abi/xen.h"
#include "lib/compiler.h"
#include "lib/lock.h"
#include "mm/frame.h"

struct domain;

#define GRANT_MAX_FRAMES          64
#define GRANT_ENTRIES_PER_FRAME   512
#define GRANT_MAX_MAPTRACK_FRAMES 1024
#define GRANT_HANDLES_PER_FRAME   256

/* An entry in use: what was looked up when its first use began holds until the last one ends. */
struct grant_active {
	uint32_t mfn;
	uint16_t domid; /* who uses it */
	uint8_t readers, writers;
};

struct grant_mapping;

/* Handles: an array that grows by frames; the free ones are a queue, so that a number is used again late. */
struct grant_maptrack {
	struct spinlock lock; /* all but the live entries, which are claimed atomically */
	unsigned int nr_frames, max_frames;
	struct grant_mapping **frame;                 /* made with the first frame */
	struct grant_mapping *first_free, *last_free; /* the latter only while there is a first */
	uint32_t release_next;                        /* grant_release_mappings(): to go on from */
};

struct grant_domain {
	struct spinlock lock; /* nr_frames, frame[], active[] and what they point to */
	unsigned int nr_frames, max_frames;
	unsigned int nr_active; /* frames of active[]: they outlive the table */
	/* hyp_alloc_shared(): shared with the guest, Write-Back on both sides. */
	struct grant_entry_v1 *frame[GRANT_MAX_FRAMES];
	struct grant_active *active[GRANT_MAX_FRAMES];
	gfn_t frame_gfn[GRANT_MAX_FRAMES]; /* where mapped last; guarded by the domain's lock */
	struct grant_maptrack maptrack;
};

/* ---- the table (grant_entry.c) ------------------------------------------------------------------- */

/* One frame exists at creation, zeroed. -XEN_EINVAL for a limit of 0 frames or one above GRANT_MAX_FRAMES or
 * GRANT_MAX_MAPTRACK_FRAMES, -XEN_ENOMEM. */
int __must_check grant_domain_init(struct domain *d, unsigned int max_frames,
				   unsigned int max_maptrack);
/* The guest's mappings are gone. What others use of its grants stays in use. */
void grant_domain_fini(struct domain *d);
/* Nobody uses any: the last reference on the domain is gone. */
void grant_domain_free(struct domain *d);
/* Grow to at least nr frames. -XEN_ENOSPC beyond the limit, -XEN_ENOMEM: as many as there was memory for, -XEN_ERESTART:
 * more than before. */
int __must_check grant_grow(struct domain *d, unsigned int nr);
/* XENMAPSPACE_grant_table: map frame idx at g; grows the table. -XEN_EINVAL no such frame, -XEN_EBUSY it is mapped
 * elsewhere, -XEN_ERESTART as grant_grow(). Takes the domain's lock. */
int __must_check grant_map_frame(struct domain *d, uint64_t idx, gfn_t g);
/* Where frame idx is mapped, GFN_INVALID when nowhere. */
gfn_t grant_frame_gfn(struct domain *d, unsigned int idx);

/* ---- operations of a running domain. Status values are GNTST_*, errors are -XEN_* ------------------- */

/*
 * Map as the request says; its status, handle and dev_bus_addr are filled in. -XEN_ERESTART: nothing is done, the
 * request is to be made again (domain_share_pin()). No lock is held.
 */
int __must_check grant_map(struct domain *d, struct gnttab_map_grant_ref *op);
/* Take back a map whose result cannot be told: op as grant_map() left it. */
void grant_map_undo(struct domain *d, const struct gnttab_map_grant_ref *op);
/*
 * Give a handle back: what it mapped at host_addr is mapped no more, on any CPU, before the frame is let go of. A
 * host_addr of 0 does nothing. new_addr is unmap_and_replace's: only 0 can be had.
 */
int16_t grant_unmap(struct domain *d, grant_handle_t handle, uint64_t host_addr, uint64_t new_addr);
/* Copy within one page. No lock of rank ATTR or inner is held. */
int16_t grant_copy(struct domain *d, const struct gnttab_copy *op);
/* Exchange two entries of the domain's own, neither of them in use. */
int16_t grant_swap(struct domain *d, grant_ref_t a, grant_ref_t b);

/*
 * GNTTABOP_cache_flush, arguments checked: clean, or clean and invalidate, part of one frame of RAM that is d's own or
 * that d has mapped by grant. *ref is where to go on looking for the grant: -XEN_ERESTART when it is to be continued.
 * -XEN_EINVAL not RAM, or another domain's and not mapped; -XEN_EPERM nobody's.
 */
int __must_check grant_cache_flush(struct domain *d, maddr_t start, size_t size, bool invalidate,
				   uint32_t *ref);

/* d is dying and nothing is mapped in its stage 2 any more: all its handles are given back. -XEN_ERESTART until done. */
int __must_check grant_release_mappings(struct domain *d);
