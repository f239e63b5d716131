/* SPDX-License-Identifier: MIT */
/*
 * One page of a stage 2, mapped or unmapped by grant: what guests ask for most often. Where the level-3 table exists and nothing
 * is to be replaced, a mapping is one store; all else is stage2_map.c's. Unmapping is one store and its TLBI.
 */
#include "stage2/stage2_walk.h"

#include "abi/xen.h"
#include "arm64/barrier.h"
#include "arm64/sysreg.h"
#include "arm64/tlb.h"
#include "domain/domain.h"

int stage2_map_grant(struct domain *d, gfn_t g, mfn_t m, bool readonly)
{
	struct stage2 *s2 = &d->stage2;
	bool mapped = false;

	if (likely(stage2_is_gfn(g))) {
		unsigned int at;
		uint64_t *entry;

		write_lock(&s2->lock);
		entry = stage2_walk(s2, gfn_to_ipa(g), 3, &at);
		mapped = at == 3 && !pte_is_valid(*entry);
		if (likely(mapped)) {
			(void)stage2_write_entry(s2, entry,
						 mfn_to_maddr(m) | stage2_attr_grant(d, readonly) |
							 PTE_PAGE);
			s2->max_gfn = MAX(s2->max_gfn, g.raw);
			dsb_ishst(); /* as in stage2_map(): it reaches the walkers before the caller goes on */
		}
		write_unlock(&s2->lock);
	}
	return likely(mapped) ? 0
			      : stage2_map(d, g, m, 1, readonly ? STAGE2_GRANT_RO : STAGE2_GRANT_RW);
}

/* The page's entry is invalid, and so is what any TLB has of it when this returns. */
static inline void invalidate_page(const struct stage2 *s2, ipa_t ipa)
{
	struct stage2_loaded saved;

	/* A guest's own hypercall: its VTTBR_EL2 is loaded. */
	if (likely(sysreg_read(VTTBR_EL2) == s2->vttbr)) {
		tlb_invalidate_ipa_is(ipa);
		return;
	}
	stage2_switch_to(s2, &saved);
	tlb_invalidate_ipa_is(ipa);
	stage2_switch_back(&saved);
}

/* pte is the mapping of m by grant. */
static inline bool is_grant_of(uint64_t pte, mfn_t m)
{
	enum stage2_type type = stage2_pte_type(pte);

	return (type == STAGE2_GRANT_RW || type == STAGE2_GRANT_RO) &&
	       (pte & PTE_ADDR) == mfn_to_maddr(m);
}

int stage2_unmap_grant(struct domain *d, gfn_t g, mfn_t m)
{
	struct stage2 *s2 = &d->stage2;
	ipa_t ipa = gfn_to_ipa(g);
	unsigned int at;
	uint64_t *entry;
	int error = 0;

	ASSERT(stage2_is_gfn(g));
	write_lock(&s2->lock);
	entry = stage2_walk(s2, ipa, 3, &at);
	if (likely(pte_is_valid(*entry))) {
		if (likely(at == 3 && is_grant_of(*entry, m))) {
			(void)stage2_write_entry(s2, entry, 0);
			invalidate_page(s2, ipa);
		} else {
			error = -XEN_EILSEQ;
		}
	}
	write_unlock(&s2->lock);
	return error;
}
