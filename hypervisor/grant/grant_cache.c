/* SPDX-License-Identifier: MIT */
/*
 * Cache maintenance by machine address for a guest that drives devices which do not snoop
 * (GNTTABOP_cache_flush). While nothing can be mapped by grant, the frames in question are its own.
 */
#include "grant/grant.h"

#include "abi/xen.h"
#include "arm64/barrier.h"
#include "arm64/cache.h"
#include "domain/domain.h"
#include "lib/assert.h"
#include "mm/mm.h"
#include "stage2/stage2.h"

int grant_cache_flush(const struct domain *d, maddr_t start, size_t size, bool invalidate)
{
	mfn_t m = maddr_to_mfn(start);
	const struct frame *frame = frame_of(m);
	const char *page;

	ASSERT(size <= PAGE_SIZE - start % PAGE_SIZE);
	if (frame == NULL) {
		return -XEN_EINVAL;
	}
	if (!frame_get(m, d->id)) {
		return -XEN_EPERM;
	}
	page = window_map(m, stage2_attr_window(d, frame));
	if (invalidate) {
		/* Never without the clean: the lines at either end hold others' bytes as well.
		 * It is also what DC IVAC does at EL1 under a stage 2. */
		dcache_clean_invalidate_to_poc(page + start % PAGE_SIZE, size);
	} else {
		dcache_clean_to_poc(page + start % PAGE_SIZE, size);
	}
	/* Complete before the guest tells its device to look at memory. */
	dsb_sy();
	window_unmap(page);
	frame_put(m);
	return 0;
}
