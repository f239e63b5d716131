/* SPDX-License-Identifier: MIT */
/* Between the files of stage2/. */
#pragma once

#include "stage2/stage2.h"

/* vmid.c: -XEN_ENOSPC when all are in use. The caller invalidates its TLB entries before use. */
int __must_check vmid_alloc(uint16_t *vmid);
void vmid_free(uint16_t vmid);

/* stage2_create.c: geometry, set by stage2_init_machine(). */
struct stage2_geometry {
	unsigned int ipa_bits;
	unsigned int root_level;
	unsigned int root_order; /* concatenated level-1 tables: 2^order */
	unsigned int root_shift; /* of an address, for the index of its root entry */
	uint64_t vtcr;
};
extern struct stage2_geometry stage2_geometry;

/* stage2_lookup.c: stage2_walk(), for who is not in a hurry. */
uint64_t *stage2_find_entry(const struct stage2 *s2, ipa_t ipa, unsigned int level,
			    unsigned int *at_level);

/* stage2_foreign.c, for stage2_map.c: the mapping of m at g is gone, TLBs included, and so goes its reference on the frame.
 * mapper's stage-2 lock is held. */
void stage2_foreign_drop(const struct domain *mapper, gfn_t g, mfn_t m);

/* stage2_map.c, for stage2_foreign.c: one foreign mapping. */
struct stage2_foreign_at {
	struct domain *mapper;
	gfn_t g;
	mfn_t m;
	bool wb; /* the type it is to have */
};
int __must_check stage2_map_foreign_page(struct domain *mapper, gfn_t g, struct domain *owner,
					 mfn_t m, enum stage2_type type);
/* Turn nr mappings in the stage 2 of one mapper; those that are there no more are left out. */
void stage2_turn_pages(const struct stage2_foreign_at *list, unsigned int nr);

/* stage2_map.c, for the destroyer: clear the entry of that level (2, then 1, then 0) or above that covers ipa, with all below it.
 * Returns how many bytes further the next one begins. Needs no memory. */
uint64_t stage2_clear_step(struct domain *d, ipa_t ipa, unsigned int level);
