/* SPDX-License-Identifier: MIT */
/* The one place that decides what one domain may do to another. Pure functions of the two. */
#include "domain/policy.h"

#include "domain/domain.h"

static bool silo __ro_after_init = true;

void policy_set_silo(bool on)
{
	silo = on;
}

bool policy_is_silo(void)
{
	return silo;
}

bool policy_may_control(const struct domain *caller, const struct domain *target)
{
	return caller == target || caller->is_privileged;
}

bool policy_may_talk(const struct domain *caller, const struct domain *a, const struct domain *b)
{
	return !silo || a == b || caller->is_privileged || a->is_privileged || b->is_privileged;
}
