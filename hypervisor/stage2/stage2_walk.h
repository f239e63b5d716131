/* SPDX-License-Identifier: MIT */
/* Walking the tables of a stage 2, and what a descriptor says: for the files of stage2/. The caller holds the lock. */
#pragma once

#include "arm64/pte.h"
#include "lib/assert.h"
#include "stage2/stage2_internal.h"

static inline enum stage2_type stage2_pte_type(uint64_t pte)
{
	return (enum stage2_type)FIELD_GET(S2_SW_TYPE, pte);
}

static inline bool stage2_type_holds_reference(enum stage2_type type)
{
	return type == STAGE2_FOREIGN_RW || type == STAGE2_FOREIGN_RO;
}

static inline uint64_t *stage2_pte_to_table(uint64_t pte)
{
	return maddr_to_hyp(pte & PTE_ADDR);
}

/* From a table's entry of level l to the one below it; false where there is no table. */
static __force_inline bool stage2_descend(uint64_t **entry, ipa_t ipa, unsigned int l)
{
	uint64_t pte = **entry;

	if (!pte_is_table(pte, l)) {
		return false;
	}
	*entry = &stage2_pte_to_table(pte)[PTE_INDEX(ipa, l + 1)];
	return true;
}

/*
 * The entry for ipa at level, when every table above it exists; else where it ends: *at_level says at which level. Written
 * out and in place, as every grant and every address that a hypercall names comes here; stage2_find_entry() is the same for
 * all others.
 */
static __force_inline uint64_t *stage2_walk(const struct stage2 *s2, ipa_t ipa, unsigned int level,
					    unsigned int *at_level)
{
	/* Concatenated roots: the index simply runs on over the tables. */
	uint64_t *entry = &s2->root[ipa >> stage2_geometry.root_shift];

	if (unlikely(stage2_geometry.root_level == 0) && !stage2_descend(&entry, ipa, 0)) {
		*at_level = 0;
	} else if (level == 1 || !stage2_descend(&entry, ipa, 1)) {
		*at_level = 1;
	} else if (level == 2 || !stage2_descend(&entry, ipa, 2)) {
		*at_level = 2;
	} else {
		*at_level = 3;
	}
	return entry;
}

static inline bool stage2_in_range(gfn_t g, uint64_t nr)
{
	uint64_t limit = UINT64_C(1) << (stage2_geometry.ipa_bits - PAGE_SHIFT);

	return g.raw < limit && nr <= limit - g.raw;
}

static inline bool stage2_is_gfn(gfn_t g)
{
	return g.raw >> (stage2_geometry.ipa_bits - PAGE_SHIFT) == 0;
}

/*
 * The one place that stores. A valid entry is only ever replaced by an invalid one; true when it was, so that a TLBI is owed
 * before anything else is done there (break-before-make).
 */
static inline bool stage2_write_entry(struct stage2 *s2, uint64_t *entry, uint64_t pte)
{
	bool was_valid = pte_is_valid(*entry);

	ASSERT(write_is_mine(&s2->lock));
	ASSERT(!was_valid || !pte_is_valid(pte));
	WRITE_ONCE(*entry, pte);
	return was_valid;
}
