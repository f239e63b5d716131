/* SPDX-License-Identifier: MIT */
/* What is mapped where: nothing here changes a stage 2. */
#include "stage2/stage2_walk.h"

#include "abi/xen.h"
#include "domain/domain.h"

uint64_t *stage2_find_entry(const struct stage2 *s2, ipa_t ipa, unsigned int level,
			    unsigned int *at_level)
{
	return stage2_walk(s2, ipa, level, at_level);
}

/*
 * What is mapped at g, 0 if nothing is; *m is the frame. Written out like stage2_walk(), with the size of what was found at
 * hand: every grant comes here.
 */
static __force_inline uint64_t lookup_locked(const struct stage2 *s2, gfn_t g, mfn_t *m)
{
	ipa_t ipa = gfn_to_ipa(g);
	uint64_t *entry, pte, size;

	if (unlikely(!stage2_is_gfn(g))) {
		return 0;
	}
	entry = &s2->root[ipa >> stage2_geometry.root_shift];
	if (stage2_geometry.root_level == 0 && !stage2_descend(&entry, ipa, 0)) {
		return 0; /* no blocks of that size */
	}
	if (!stage2_descend(&entry, ipa, 1)) {
		size = PTE_LEVEL_SIZE(1);
	} else if (!stage2_descend(&entry, ipa, 2)) {
		size = PTE_LEVEL_SIZE(2);
	} else {
		size = PTE_LEVEL_SIZE(3);
	}
	pte = *entry;
	*m = maddr_to_mfn((pte & PTE_ADDR) + (ipa & (size - 1)));
	return pte_is_valid(pte) ? pte : 0;
}

int stage2_lookup(struct domain *d, gfn_t g, mfn_t *m, enum stage2_type *type)
{
	uint64_t pte;
	mfn_t found;

	read_lock(&d->stage2.lock);
	pte = lookup_locked(&d->stage2, g, &found);
	read_unlock(&d->stage2.lock);
	if (pte == 0) {
		return -XEN_ENOENT;
	}
	*m = found;
	*type = stage2_pte_type(pte);
	return 0;
}

static inline bool is_own(uint64_t pte)
{
	return stage2_pte_type(pte) == STAGE2_RAM || stage2_pte_type(pte) == STAGE2_SHARED;
}

int stage2_get_frame(struct domain *d, gfn_t g, mfn_t *m, enum stage2_type *type)
{
	int error = -XEN_EINVAL;
	uint64_t pte;
	mfn_t found;

	read_lock(&d->stage2.lock);
	pte = lookup_locked(&d->stage2, g, &found);
	if (unlikely(pte == 0)) {
		error = -XEN_ENOENT;
	} else if (is_own(pte) && frame_get(found, d->id)) {
		/* While the mapping is there under the lock, the frame has at least its allocation reference. */
		*m = found;
		*type = stage2_pte_type(pte);
		error = 0;
	}
	read_unlock(&d->stage2.lock);
	return error;
}

/* The lock is held, and is let go of. */
static __force_inline mfn_t find_frame_and_unlock(struct stage2 *s2, gfn_t g)
{
	mfn_t m;
	uint64_t pte = lookup_locked(s2, g, &m);

	read_unlock(&s2->lock);
	return likely(is_own(pte)) ? m : MFN_INVALID;
}

static __noinline mfn_t find_frame_contended(struct stage2 *s2, gfn_t g)
{
	read_lock(&s2->lock);
	return find_frame_and_unlock(s2, g);
}

/* Without a call while nobody changes the tables, so nothing has to be saved. */
mfn_t stage2_find_frame(struct domain *d, gfn_t g)
{
	struct stage2 *s2 = &d->stage2;

	if (unlikely(!read_trylock(&s2->lock))) {
		return find_frame_contended(s2, g);
	}
	return find_frame_and_unlock(s2, g);
}

gfn_t stage2_max_gfn(struct domain *d)
{
	uint64_t max;

	read_lock(&d->stage2.lock);
	max = d->stage2.max_gfn;
	read_unlock(&d->stage2.lock);
	return gfn(max);
}

uint64_t stage2_hole_frames(struct domain *d, gfn_t g)
{
	uint64_t frames = 0;

	read_lock(&d->stage2.lock);
	if (stage2_in_range(g, 1)) {
		unsigned int at;
		ipa_t ipa = gfn_to_ipa(g);
		uint64_t pte = *stage2_find_entry(&d->stage2, ipa, 3, &at);

		if (!pte_is_valid(pte)) {
			frames = (ALIGN_DOWN(ipa, PTE_LEVEL_SIZE(at)) + PTE_LEVEL_SIZE(at) - ipa) >>
				 PAGE_SHIFT;
		}
	}
	read_unlock(&d->stage2.lock);
	return frames;
}

/* How many entries stage2_next_ram() looks at between its caller's looks for interrupts: some thousand instructions. */
#define NEXT_RAM_ENTRIES 128

bool stage2_next_ram(struct domain *d, gfn_t *g, mfn_t *m)
{
	bool found = false;

	read_lock(&d->stage2.lock);
	for (unsigned int n = 0; n < NEXT_RAM_ENTRIES && stage2_in_range(*g, 1) && !found; n++) {
		ipa_t ipa = gfn_to_ipa(*g);
		unsigned int at;
		uint64_t pte = *stage2_find_entry(&d->stage2, ipa, 3, &at);
		uint64_t size = PTE_LEVEL_SIZE(at);

		if (!pte_is_leaf(pte, at) || stage2_pte_type(pte) != STAGE2_RAM) {
			*g = ipa_to_gfn(ALIGN_DOWN(ipa, size) + size);
			continue;
		}
		*m = maddr_to_mfn((pte & PTE_ADDR) + (ipa & (size - 1)));
		found = frame_get(*m, d->id);
		if (!found) {
			*g = gfn_add(*g, 1);
		}
	}
	read_unlock(&d->stage2.lock);
	return found;
}
