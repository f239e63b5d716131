/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op (public/vcpu.h). On Arm vCPUs are started and stopped through PSCI; what is left is
 * the registration of areas in the guest's memory. Other operations are -XEN_EINVAL, not
 * -XEN_ENOSYS (xen: xen/arch/arm/domain.c).
 */
#include "hypercall/hypercall_internal.h"

#include "domain/vcpu_runstate.h"
#include "event/event.h"

/* v is the vCPU named in args[1], of the caller's domain. */
static int64_t op_register_vcpu_info(struct vcpu *v, const uint64_t args[5])
{
	struct vcpu_register_vcpu_info op;
	int64_t ret = guest_copy_from(&op, args[2], sizeof(op));

	if (ret < 0) {
		return ret;
	}
	return event_register_vcpu_info(v,
					hypercall_gfn_range_ok(op.mfn, 1) ? gfn(op.mfn)
									  : GFN_INVALID,
					op.offset);
}

static int64_t op_register_runstate(struct vcpu *v, const uint64_t args[5])
{
	struct vcpu_register_runstate_memory_area op;
	int64_t ret = guest_copy_from(&op, args[2], sizeof(op));

	return ret < 0 ? ret : runstate_register(v, op.addr.p);
}

static const hypercall_t vcpu_ops[] = {
	HYPERCALL_OP(VCPUOP_register_runstate_memory_area, op_register_runstate),
	HYPERCALL_OP(VCPUOP_register_vcpu_info, op_register_vcpu_info),
};

int64_t hc_vcpu_op(struct vcpu *v, const uint64_t args[5])
{
	uint32_t id = (uint32_t)args[1];
	int64_t ret;

	if (id >= v->domain->nr_vcpus) {
		return -XEN_ENOENT;
	}
	ret = hypercall_sub_op(vcpu_ops, ARRAY_SIZE(vcpu_ops), (uint32_t)args[0],
			       v->domain->vcpu[id], args);
	return ret == -XEN_ENOSYS ? -XEN_EINVAL : ret;
}
