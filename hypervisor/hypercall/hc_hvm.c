/* SPDX-License-Identifier: MIT */
/* hvm_op (public/hvm/hvm_op.h): on Arm the parameters only, and of these only the ones in the
 * table. */
#include "hypercall/hypercall_internal.h"

enum param_right {
	PARAM_NONE = 0,  /* -XEN_EINVAL */
	PARAM_TOOLSTACK, /* the domain itself may neither read nor write it */
	PARAM_READ       /* the domain itself may read it */
};

static const uint8_t param_rights[HVM_NR_PARAMS] = {
	[HVM_PARAM_CALLBACK_IRQ] = PARAM_READ,   [HVM_PARAM_STORE_PFN] = PARAM_READ,
	[HVM_PARAM_STORE_EVTCHN] = PARAM_READ,   [HVM_PARAM_CONSOLE_PFN] = PARAM_READ,
	[HVM_PARAM_CONSOLE_EVTCHN] = PARAM_READ, [HVM_PARAM_MONITOR_RING_PFN] = PARAM_TOOLSTACK,
};

/* May the caller touch this parameter of d? */
static int check(const struct domain *caller, const struct domain *d, uint32_t index, bool write)
{
	if (!policy_may_control(caller, d)) {
		return -XEN_EPERM;
	}
	if (index >= ARRAY_SIZE(param_rights) || param_rights[index] == PARAM_NONE) {
		return -XEN_EINVAL;
	}
	if (caller == d && (write || param_rights[index] != PARAM_READ)) {
		return -XEN_EPERM;
	}
	return 0;
}

static int64_t access_param(struct vcpu *v, const uint64_t args[5], bool write)
{
	struct xen_hvm_param op;
	struct domain *d;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret < 0) {
		return ret;
	}
	d = hypercall_domain(v, op.domid);
	if (d == NULL) {
		return -XEN_ESRCH;
	}
	ret = check(v->domain, d, op.index, write);
	if (ret == 0 && write) {
		WRITE_ONCE(d->hvm_params[op.index], op.value);
	} else if (ret == 0) {
		/* Never set reads as 0, successfully: Linux relies on it. */
		op.value = READ_ONCE(d->hvm_params[op.index]);
	}
	domain_put(d);
	return ret < 0 || write ? ret : guest_copy_to(args[1], &op, sizeof(op));
}

static int64_t op_set_param(struct vcpu *v, const uint64_t args[5])
{
	return access_param(v, args, true);
}

static int64_t op_get_param(struct vcpu *v, const uint64_t args[5])
{
	return access_param(v, args, false);
}

/* A guest's word to whoever monitors it: nobody does. */
static int64_t op_guest_request(struct vcpu *v, const uint64_t args[5])
{
	return args[1] == 0 ? 0 : -XEN_EINVAL;
}

static const hypercall_t hvm_ops[] = {
	HYPERCALL_OP(HVMOP_set_param, op_set_param),
	HYPERCALL_OP(HVMOP_get_param, op_get_param),
	HYPERCALL_OP(HVMOP_guest_request_vm_event, op_guest_request),
};

int64_t hc_hvm_op(struct vcpu *v, const uint64_t args[5])
{
	return hypercall_sub_op(hvm_ops, ARRAY_SIZE(hvm_ops), args[0], v, args);
}
