/* SPDX-License-Identifier: MIT */
/*
 * Tenon's own frames: from the pool, mapped Write-Back at HYP_BASE + maddr for as long as Tenon owns
 * them (M1). They arrive zeroed and PoC-clean, so the cacheable mapping starts without history.
 */
#include "mm/mm_internal.h"

#include "arm64/atomic.h"
#include "lib/assert.h"

static void *alloc(unsigned int order, enum frame_state state, uint16_t owner)
{
	mfn_t m;

	if (frame_pool_take(order, state, owner, false, &m) != 0) {
		return NULL;
	}
	if (hyp_map_own(m, order) != 0) {
		for (uint64_t n = 0; n < UINT64_C(1) << order; n++) {
			frame_pool_give_back(mfn_add(m, n), state != FRAME_TENON);
		}
		return NULL;
	}
	return maddr_to_hyp(mfn_to_maddr(m));
}

void *hyp_alloc(unsigned int order)
{
	return alloc(order, FRAME_TENON, 0);
}

void hyp_free(void *va, unsigned int order)
{
	mfn_t m;

	if (!va) {
		return;
	}
	m = hyp_to_mfn(va);
	ASSERT(frame_of(m) && frame_of(m)->state == FRAME_TENON);
	hyp_unmap_own(m, order);
	for (uint64_t n = 0; n < UINT64_C(1) << order; n++) {
		frame_pool_give_back(mfn_add(m, n), false);
	}
}

void *hyp_alloc_shared(uint16_t domid)
{
	void *va = alloc(0, FRAME_TENON_SHARED, domid);

	if (va) {
		/* Shared from birth (design.md, "Words"); before anyone can look the frame up. */
		atomic_store_release(&frame_of(hyp_to_mfn(va))->shared_pins, 1);
	}
	return va;
}

void hyp_free_shared(void *va)
{
	mfn_t m;

	if (!va) {
		return;
	}
	m = hyp_to_mfn(va);
	ASSERT(frame_of(m) && frame_of(m)->state == FRAME_TENON_SHARED);
	hyp_unmap_own(m, 0);
	frame_put(m);
}
