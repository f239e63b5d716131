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

static __force_inline int lookup_locked(const struct stage2 *s2, gfn_t g, mfn_t *m,
					enum stage2_type *type)
{
	ipa_t ipa = gfn_to_ipa(g);
	unsigned int at;
	uint64_t pte;

	if (!stage2_is_gfn(g)) {
		return -XEN_ENOENT;
	}
	pte = READ_ONCE(*stage2_walk(s2, ipa, 3, &at));
	if (!pte_is_leaf(pte, at)) {
		return -XEN_ENOENT;
	}
	*m = maddr_to_mfn((pte & PTE_ADDR) + (ipa & (PTE_LEVEL_SIZE(at) - 1)));
	*type = stage2_pte_type(pte);
	return 0;
}

int stage2_lookup(struct domain *d, gfn_t g, mfn_t *m, enum stage2_type *type)
{
	int error;

	read_lock(&d->stage2.lock);
	error = lookup_locked(&d->stage2, g, m, type);
	read_unlock(&d->stage2.lock);
	return error;
}

int stage2_get_frame(struct domain *d, gfn_t g, mfn_t *m, enum stage2_type *type)
{
	int error;

	read_lock(&d->stage2.lock);
	error = lookup_locked(&d->stage2, g, m, type);
	if (error == 0 && *type != STAGE2_RAM && *type != STAGE2_SHARED) {
		error = -XEN_EINVAL;
	}
	/* While the mapping is there under the lock, the frame has at least its allocation reference. */
	if (error == 0 && !frame_get(*m, d->id)) {
		error = -XEN_EINVAL;
	}
	read_unlock(&d->stage2.lock);
	return error;
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
