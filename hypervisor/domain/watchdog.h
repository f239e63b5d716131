/* SPDX-License-Identifier: MIT */
/* A domain's watchdogs (public/sched.h, SCHEDOP_watchdog): shut down unless the guest speaks up
 * in time. */
#pragma once

#include "lib/compiler.h"
#include "time/time.h"

struct domain;

#define WATCHDOG_SLOTS 2

/* All zero: none is in use. */
struct domain_watchdog {
	struct watchdog_slot {
		struct timer timer;
		struct domain *domain;
		bool in_use; /* guarded by the domain's lock */
	} slot[WATCHDOG_SLOTS];
};

/*
 * id 0: take a free watchdog and start it; returns its id, from 1, or -XEN_ENOSPC. Else restart
 * that one, or stop and free it when seconds is 0; -XEN_EINVAL if it is not in use.
 */
int __must_check watchdog_set(struct domain *d, uint32_t id, uint32_t seconds);
void watchdog_fini(struct domain *d);
