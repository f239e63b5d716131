/* SPDX-License-Identifier: MIT */
/*
 * The wall clock that guests find in shared_info (wc_version, wc_sec, wc_nsec, wc_sec_hi): the
 * time of day at the guest's own time zero, to which it adds its system counter (xen-abi-arm,
 * "Wallclock").
 */
#pragma once

#include "lib/compiler.h"

struct domain;

/*
 * d says that it is secs and nsecs after 1970 when its system time is system_time
 * (XENPF_settime64). All domains' clocks follow. Takes each domain's lock; no lock of rank
 * DOMAIN_LIST or inner may be held.
 */
void wallclock_set(const struct domain *d, uint64_t secs, uint32_t nsecs, uint64_t system_time);
/* A new domain, which domain_get() finds already; until the clock is set, its time zero is
 * shortly after 1970. Takes d's lock. */
void wallclock_init_domain(struct domain *d);
