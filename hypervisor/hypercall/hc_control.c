/* SPDX-License-Identifier: MIT */
/* domctl and sysctl (public/domctl.h, public/sysctl.h): the toolstack's. None of their
 * operations exists yet. */
#include "hypercall/hypercall_internal.h"

int64_t hc_domctl(struct vcpu *v, const uint64_t args[5])
{
	return v->domain->is_privileged ? -XEN_ENOSYS : -XEN_EPERM;
}

int64_t hc_sysctl(struct vcpu *v, const uint64_t args[5])
{
	return v->domain->is_privileged ? -XEN_ENOSYS : -XEN_EPERM;
}
