/* SPDX-License-Identifier: MIT */
/*
 * The end of a stage 2: every mapping and every table goes in bounded steps, then the domain's own frames go back to the pool,
 * and the VMID. Frames that were ballooned out or replaced are in no table any more: they are found by their owner in
 * the frame table.
 *
 * Other CPUs may hold a reference on the domain and look at its map all the while, under the lock: a table is unlinked under it
 * before it is freed, and the root, empty by then, stays until the last reference is gone.
 */
#include "stage2/stage2_internal.h"

#include "abi/xen.h"
#include "arm64/atomic.h"
#include "arm64/cpu.h"
#include "domain/domain.h"
#include "lib/assert.h"

/* destroy_next counts IPAs first; this bit says that it counts frames of RAM. */
#define PHASE_FRAMES    BIT64(63)
#define FRAMES_PER_STEP 64

/* From the lowest tables up, so that no step meets more than one table's entries. */
int stage2_clear(struct domain *d)
{
	struct stage2 *s2 = &d->stage2;
	uint64_t end = UINT64_C(1) << stage2_geometry.ipa_bits;

	if ((s2->destroy_next & PHASE_FRAMES) != 0) {
		return 0;
	}
	while (s2->levels_cleared < 3 - stage2_geometry.root_level) {
		while (s2->destroy_next < end) {
			s2->destroy_next +=
				stage2_clear_step(d, s2->destroy_next, 2 - s2->levels_cleared);
			if (cpu_interrupt_pending()) {
				return -XEN_ERESTART;
			}
		}
		s2->levels_cleared++;
		s2->destroy_next = 0;
	}
	s2->destroy_next = PHASE_FRAMES;
	return 0;
}

static int free_frames(struct domain *d)
{
	struct stage2 *s2 = &d->stage2;
	uint64_t end = frame_pool_max_mfn().raw + 1;
	uint64_t m = s2->destroy_next & ~PHASE_FRAMES;

	while (m < end && d->nr_pages > 0) {
		uint64_t stop = MIN(m + FRAMES_PER_STEP, end);

		for (; m < stop; m++) {
			const struct frame *f = frame_of(mfn(m));
			struct frame seen;

			if (!f) {
				continue;
			}
			/* Others' entries change meanwhile, and so may this domain's: this look only spares most of them a call. */
			seen.head = atomic_load_acquire(&f->head);
			if (seen.state == FRAME_GUEST && seen.owner == d->id &&
			    frame_put_allocation(mfn(m), d->id)) {
				atomic_fetch_sub(&d->nr_pages, 1);
			}
		}
		s2->destroy_next = m | PHASE_FRAMES;
		if (cpu_interrupt_pending()) {
			return -XEN_ERESTART;
		}
	}
	return 0;
}

int stage2_destroy(struct domain *d)
{
	struct stage2 *s2 = &d->stage2;
	int error;

	ASSERT((s2->destroy_next & PHASE_FRAMES) != 0);
	error = free_frames(d);
	if (error) {
		return error;
	}
	vmid_free(s2->vmid);
	return 0;
}
