/* SPDX-License-Identifier: MIT */
/* sched_op (public/sched.h). Nothing sleeps here: a blocked vCPU is simply not the one that is
 * entered next. */
#include "hypercall/hypercall_internal.h"

#include "event/event.h"
#include "sched/sched.h"

#define PSTATE_I BIT64(7)

static int64_t op_yield(struct vcpu *v, const uint64_t args[5])
{
	sched_yield(v);
	return 0;
}

static int64_t op_block(struct vcpu *v, const uint64_t args[5])
{
	/* The operation enables event delivery first, which on Arm means interrupts
	 * (public/sched.h). */
	v->regs.pstate &= ~PSTATE_I;
	sched_block(v);
	return 0;
}

static int64_t op_shutdown(struct vcpu *v, const uint64_t args[5])
{
	struct sched_shutdown op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret == 0) {
		domain_shutdown(v->domain, (uint8_t)op.reason);
	}
	return ret;
}

static int64_t op_shutdown_code(struct vcpu *v, const uint64_t args[5])
{
	struct domain *d = v->domain;
	struct sched_shutdown op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret == 0) {
		/* The reason of a shutdown to come; the first one counts. */
		spin_lock(&d->lock);
		if (d->shutdown_reason < 0) {
			d->shutdown_reason = (uint8_t)op.reason;
		}
		spin_unlock(&d->lock);
	}
	return ret;
}

static int64_t op_poll(struct vcpu *v, const uint64_t args[5])
{
	struct sched_poll op;
	uint32_t ports[EVENT_POLL_MAX_PORTS];
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret == 0 && op.nr_ports > ARRAY_SIZE(ports)) {
		ret = -XEN_EINVAL;
	}
	if (ret == 0 && op.nr_ports != 0) {
		ret = guest_copy_from(ports, op.ports.q, op.nr_ports * sizeof(ports[0]));
	}
	return ret < 0 ? ret : event_poll(v, ports, op.nr_ports, op.timeout);
}

static int64_t op_remote_shutdown(struct vcpu *v, const uint64_t args[5])
{
	struct sched_remote_shutdown op;
	struct domain *d;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret < 0) {
		return ret;
	}
	/* An exact number: DOMID_SELF is none here. */
	d = domain_get(op.domain_id);
	if (d == NULL) {
		return -XEN_ESRCH;
	}
	if (v->domain->is_privileged) {
		domain_shutdown(d, (uint8_t)op.reason);
	} else {
		ret = -XEN_EPERM;
	}
	domain_put(d);
	return ret;
}

static int64_t op_watchdog(struct vcpu *v, const uint64_t args[5])
{
	struct sched_watchdog op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	return ret < 0 ? ret : watchdog_set(v->domain, op.id, op.timeout);
}

/* For firmware calls that must be made on a certain CPU. */
static int64_t op_pin_override(struct vcpu *v, const uint64_t args[5])
{
	struct sched_pin_override op;
	int64_t ret;

	if (!v->domain->is_hardware) {
		return -XEN_EPERM;
	}
	ret = guest_copy_from(&op, args[1], sizeof(op));
	if (ret < 0) {
		return ret;
	}
	return op.pcpu < 0 ? sched_unpin(v) : sched_pin(v, (unsigned int)op.pcpu);
}

static const hypercall_t sched_ops[] = {
	HYPERCALL_OP(SCHEDOP_yield, op_yield),
	HYPERCALL_OP(SCHEDOP_block, op_block),
	HYPERCALL_OP(SCHEDOP_shutdown, op_shutdown),
	HYPERCALL_OP(SCHEDOP_poll, op_poll),
	HYPERCALL_OP(SCHEDOP_remote_shutdown, op_remote_shutdown),
	HYPERCALL_OP(SCHEDOP_shutdown_code, op_shutdown_code),
	HYPERCALL_OP(SCHEDOP_watchdog, op_watchdog),
	HYPERCALL_OP(SCHEDOP_pin_override, op_pin_override),
};

int64_t hc_sched_op(struct vcpu *v, const uint64_t args[5])
{
	return hypercall_sub_op(sched_ops, ARRAY_SIZE(sched_ops), (uint32_t)args[0], v, args);
}
