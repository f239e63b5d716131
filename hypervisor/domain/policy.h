/* SPDX-License-Identifier: MIT */
/*
 * Who may act on whom. The default is Xen's SILO: unprivileged domains do not talk to each other;
 * boot option xsm=dummy lifts that (public meaning: xen: docs/misc/xen-command-line.pandoc, "xsm").
 */
#pragma once

#include "lib/compiler.h"

struct domain;

/* Before the first domain is made; true is the default. */
void policy_set_silo(bool on);
bool policy_is_silo(void);

/* caller may use calls that change or reveal target: itself, or anybody for a privileged domain. */
bool policy_may_control(const struct domain *caller, const struct domain *target);
/* caller may connect a and b by an event channel or a grant. */
bool policy_may_talk(const struct domain *caller, const struct domain *a, const struct domain *b);
