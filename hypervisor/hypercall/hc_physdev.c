/* SPDX-License-Identifier: MIT */
/*
 * physdev_op (public/physdev.h). The hardware domain has its devices and their interrupts from
 * the start, so there is nothing to tell about PCI devices that come and go; Linux copes
 * (xen-abi-arm, "3.1").
 */
#include "hypercall/hypercall_internal.h"

int64_t hc_physdev_op(struct vcpu *v, const uint64_t args[5])
{
	return -XEN_ENOSYS;
}
