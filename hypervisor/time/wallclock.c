/* SPDX-License-Identifier: MIT */
/*
 * Tenon does not know the time of day: the hardware domain tells it, and each domain's
 * shared_info gets it.
 *
 * One number is kept, the time of day when Tenon's own clock was zero. Whoever writes to a
 * domain's shared_info reads it under that domain's lock, so the last setting is what remains
 * everywhere, also in a domain that is created meanwhile.
 */
#include "time/wallclock.h"

#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "domain/domain.h"

#define NS_PER_SECOND UINT64_C(1000000000)

/* Nanoseconds, atomic. Good until the year 2554; what a guest may claim beyond that wraps,
 * harmlessly. */
static uint64_t time_of_day_at_zero;

/* The domain's lock is held, and shared_info exists. */
static void update(struct domain *d)
{
	struct shared_info *shared = d->shared_info;
	uint64_t ns = atomic_load_acquire(&time_of_day_at_zero) + d->created_ns;
	uint64_t secs = ns / NS_PER_SECOND;
	uint32_t version = READ_ONCE(shared->wc_version);

	/* Odd while it changes; the guest reads again then. Both barriers pair with the guest's
	 * read barriers. */
	version = (version + 1) | 1;
	WRITE_ONCE(shared->wc_version, version);
	dmb_ishst();
	WRITE_ONCE(shared->wc_sec, (uint32_t)secs);
	WRITE_ONCE(shared->wc_sec_hi, (uint32_t)(secs >> 32));
	WRITE_ONCE(shared->wc_nsec, (uint32_t)(ns % NS_PER_SECOND));
	dmb_ishst();
	WRITE_ONCE(shared->wc_version, version + 1);
}

void wallclock_init_domain(struct domain *d)
{
	spin_lock(&d->lock);
	if (d->shared_info != NULL) {
		update(d);
	}
	spin_unlock(&d->lock);
}

void wallclock_set(const struct domain *d, uint64_t secs, uint32_t nsecs, uint64_t system_time)
{
	uint64_t zero = secs * NS_PER_SECOND + nsecs - (system_time + d->created_ns);
	struct domain *other;

	atomic_store_release(&time_of_day_at_zero, zero);
	other = domain_get_next(0);
	while (other != NULL) {
		uint16_t next = other->id + 1;

		wallclock_init_domain(other);
		domain_put(other);
		other = domain_get_next(next);
	}
}
