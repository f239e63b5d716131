/* SPDX-License-Identifier: MIT */
/*
 * domctl and sysctl (public/domctl.h, public/sysctl.h): the toolstack's. None of their operations exists yet; what is
 * checked before the operation is looked at, is checked as in Xen, and in its order.
 */
#include "hypercall/hypercall_internal.h"

/* Nearly all act on a domain that exists: 0, or -XEN_ESRCH; -XEN_EINVAL a list of domains that begins behind the last. */
static int check_target(const struct xen_domctl *op)
{
	struct domain *d;

	switch (op->cmd) {
	case XEN_DOMCTL_createdomain:
		return 0;
	case XEN_DOMCTL_getdomaininfo:
		/* The next one there is. */
		if (op->domain >= DOMID_FIRST_RESERVED) {
			return -XEN_EINVAL;
		}
		d = domain_get_next(op->domain);
		break;
	case XEN_DOMCTL_assign_device:
	case XEN_DOMCTL_deassign_device:
		if (op->domain == DOMID_IO) {
			return 0;
		}
		d = domain_get(op->domain);
		break;
	case XEN_DOMCTL_test_assign_device:
		if (op->domain == DOMID_INVALID) {
			return 0;
		}
		d = domain_get(op->domain);
		break;
	default:
		d = domain_get(op->domain);
		break;
	}
	if (d == NULL) {
		return -XEN_ESRCH;
	}
	domain_put(d);
	return 0;
}

int64_t hc_domctl(struct vcpu *v, const uint64_t args[5])
{
	struct xen_domctl op;
	int64_t ret = guest_copy_from(&op, args[0], sizeof(op));

	if (ret < 0) {
		return ret;
	}
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION) {
		return -XEN_EACCES;
	}
	ret = check_target(&op);
	if (ret < 0) {
		return ret;
	}
	return v->domain->is_privileged ? -XEN_ENOSYS : -XEN_EPERM;
}

int64_t hc_sysctl(struct vcpu *v, const uint64_t args[5])
{
	struct xen_sysctl op;
	int64_t ret = guest_copy_from(&op, args[0], sizeof(op));

	if (ret < 0) {
		return ret;
	}
	if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
		return -XEN_EACCES;
	}
	return v->domain->is_privileged ? -XEN_ENOSYS : -XEN_EPERM;
}
