/* SPDX-License-Identifier: MIT */
/* vm_assist (public/xen.h): of the assists only the runstate update flag means something on Arm. */
#include "hypercall/hypercall_internal.h"

#include "arm64/atomic.h"

#define VALID_TYPES BIT64(VMASST_TYPE_runstate_update_flag)

static int64_t op_enable(struct vcpu *v, const uint64_t args[5])
{
	atomic_fetch_or(&v->domain->vm_assist, (uint32_t)BIT64(args[1] & 31));
	return 0;
}

static int64_t op_disable(struct vcpu *v, const uint64_t args[5])
{
	atomic_fetch_and(&v->domain->vm_assist, ~(uint32_t)BIT64(args[1] & 31));
	return 0;
}

static const hypercall_t vm_assist_ops[] = {
	HYPERCALL_OP(VMASST_CMD_enable, op_enable),
	HYPERCALL_OP(VMASST_CMD_disable, op_disable),
};

int64_t hc_vm_assist(struct vcpu *v, const uint64_t args[5])
{
	uint32_t type = (uint32_t)args[1];

	/* The type is looked at before the command, as in Xen. */
	if (type >= 32 || (VALID_TYPES & BIT64(type)) == 0) {
		return -XEN_EINVAL;
	}
	return hypercall_sub_op(vm_assist_ops, ARRAY_SIZE(vm_assist_ops), (uint32_t)args[0], v,
				args);
}
