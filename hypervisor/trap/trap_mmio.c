/* SPDX-License-Identifier: MIT */
/* The emulated devices of a domain: IPA ranges and their handlers, sorted, found by bisection. */
#include "trap/trap.h"

#include "abi/xen.h"
#include "domain/domain.h"
#include "lib/assert.h"

int trap_mmio_register(struct domain *d, ipa_t start, uint64_t size, mmio_handler_t handler,
		       void *context)
{
	struct mmio_domain *mmio = &d->mmio;
	unsigned int at = 0;

	if (mmio->nr == MMIO_MAX_REGIONS) {
		return -XEN_ENOSPC;
	}
	/* Multiples of eight: an aligned access whose first byte is in a region is in it as a whole. */
	if (size == 0 || start + size < start || ((start | size) & 7) != 0) {
		return -XEN_EINVAL;
	}
	while (at < mmio->nr && mmio->region[at].start < start) {
		at++;
	}
	if ((at > 0 && mmio->region[at - 1].start + mmio->region[at - 1].size > start) ||
	    (at < mmio->nr && start + size > mmio->region[at].start)) {
		return -XEN_EEXIST;
	}
	for (unsigned int n = mmio->nr; n > at; n--) {
		mmio->region[n] = mmio->region[n - 1];
	}
	mmio->region[at] = (struct mmio_region){start, size, handler, context};
	mmio->nr++;
	return 0;
}

const struct mmio_region *trap_mmio_find(const struct domain *d, ipa_t ipa)
{
	const struct mmio_domain *mmio = &d->mmio;
	unsigned int low = 0, high = mmio->nr;

	while (low < high) {
		unsigned int mid = (low + high) / 2;
		const struct mmio_region *region = &mmio->region[mid];

		if (ipa < region->start) {
			high = mid;
		} else if (ipa - region->start >= region->size) {
			low = mid + 1;
		} else {
			return region;
		}
	}
	return NULL;
}
