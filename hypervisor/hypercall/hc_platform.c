/* SPDX-License-Identifier: MIT */
/* platform_op (public/platform.h): the machine, for the privileged domain. On Arm that is its
 * clock. */
#include "hypercall/hypercall_internal.h"

#include "time/wallclock.h"

struct platform_op {
	uint32_t cmd;
	int (*handler)(struct domain *d, const struct xen_platform_op *op);
};

static int op_settime64(struct domain *d, const struct xen_platform_op *op)
{
	const struct xenpf_settime64 *time = &op->u.settime64;

	if (time->mbz != 0) {
		return -XEN_EINVAL;
	}
	wallclock_set(d, time->secs, time->nsecs, time->system_time);
	return 0;
}

/* Few and far between in number: searched. */
/* clang-format off */
#define PLATFORM_OP(number, hc) { (number), (hc) }
/* clang-format on */
static const struct platform_op platform_ops[] = {
	PLATFORM_OP(XENPF_settime64, op_settime64),
};

int64_t hc_platform_op(struct vcpu *v, const uint64_t args[5])
{
	struct xen_platform_op op;
	int ret = guest_copy_from(&op, args[0], sizeof(op));

	if (ret < 0) {
		return ret;
	}
	if (op.interface_version != XENPF_INTERFACE_VERSION) {
		return -XEN_EACCES;
	}
	if (!v->domain->is_privileged) {
		return -XEN_EPERM;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(platform_ops); i++) {
		if (platform_ops[i].cmd == op.cmd) {
			return platform_ops[i].handler(v->domain, &op);
		}
	}
	return -XEN_ENOSYS;
}
