/* SPDX-License-Identifier: MIT */
/* Watchdog timers of domains. An expired one shuts the domain down with reason
 * SHUTDOWN_watchdog. */
#include "domain/watchdog.h"

#include "abi/xen.h"
#include "domain/domain.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static void expired(struct timer *timer)
{
	struct watchdog_slot *slot = container_of(timer, struct watchdog_slot, timer);

	domain_shutdown(slot->domain, SHUTDOWN_watchdog);
}

static void start(struct watchdog_slot *slot, uint32_t seconds)
{
	timer_set(&slot->timer, time_ticks() + time_ns_to_ticks(seconds * NS_PER_SECOND));
}

static int start_free_slot(struct domain *d, uint32_t seconds)
{
	for (unsigned int i = 0; i < WATCHDOG_SLOTS; i++) {
		struct watchdog_slot *slot = &d->watchdog.slot[i];

		if (!slot->in_use) {
			slot->in_use = true;
			slot->domain = d;
			timer_setup(&slot->timer, expired);
			start(slot, seconds);
			return (int)i + 1;
		}
	}
	return -XEN_ENOSPC;
}

static int set_slot(struct watchdog_slot *slot, uint32_t seconds)
{
	if (!slot->in_use) {
		return -XEN_EINVAL;
	}
	if (seconds != 0) {
		start(slot, seconds);
	} else {
		timer_cancel(&slot->timer);
		slot->in_use = false;
	}
	return 0;
}

int watchdog_set(struct domain *d, uint32_t id, uint32_t seconds)
{
	int ret;

	if (id > WATCHDOG_SLOTS) {
		return -XEN_EINVAL;
	}
	spin_lock(&d->lock);
	ret = id == 0 ? start_free_slot(d, seconds) : set_slot(&d->watchdog.slot[id - 1], seconds);
	spin_unlock(&d->lock);
	return ret;
}

void watchdog_fini(struct domain *d)
{
	for (unsigned int i = 0; i < WATCHDOG_SLOTS; i++) {
		if (d->watchdog.slot[i].in_use) {
			timer_cancel_sync(&d->watchdog.slot[i].timer);
		}
	}
}
