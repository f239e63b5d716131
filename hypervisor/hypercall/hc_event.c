/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op (public/event_channel.h): arguments in and out; the work is event/'s.
 *
 * A call that is continued goes on where it was by itself, but for EVTCHNOP_expand_array: from bit 8
 * on, its command word then has the port to go on from.
 */
#include "hypercall/hypercall_internal.h"

#include "event/event.h"

#define OP_MASK  0xffu
#define OP_SHIFT 8

/*
 * Results go to the guest last. If they cannot, the port is given back: the guest would not know
 * that it has it.
 */
static int64_t give_port(struct domain *d, uint32_t port, uint64_t to, const void *op, size_t size)
{
	int ret = guest_copy_to(to, op, size);

	if (ret < 0) {
		(void)!event_close(d, port);
	}
	return ret;
}

static int64_t op_alloc_unbound(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_alloc_unbound op;
	struct domain *d;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret < 0) {
		return ret;
	}
	d = hypercall_domain(v, op.dom);
	if (d == NULL) {
		return -XEN_ESRCH;
	}
	ret = event_alloc_unbound(v->domain, d->id, op.remote_dom, &op.port);
	if (ret == 0) {
		ret = give_port(d, op.port, args[1], &op, sizeof(op));
	}
	domain_put(d);
	return ret;
}

static int64_t op_bind_interdomain(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_bind_interdomain op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret == 0) {
		ret = event_bind_interdomain(v->domain, op.remote_dom, op.remote_port,
					     &op.local_port);
	}
	return ret < 0 ? ret : give_port(v->domain, op.local_port, args[1], &op, sizeof(op));
}

static int64_t op_bind_virq(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_bind_virq op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret == 0) {
		ret = event_bind_virq(v->domain, op.virq, op.vcpu, &op.port);
	}
	return ret < 0 ? ret : give_port(v->domain, op.port, args[1], &op, sizeof(op));
}

static int64_t op_bind_ipi(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_bind_ipi op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret == 0) {
		ret = event_bind_ipi(v->domain, op.vcpu, &op.port);
	}
	return ret < 0 ? ret : give_port(v->domain, op.port, args[1], &op, sizeof(op));
}

/* There are no PIRQs on Arm: every number is out of range. */
static int64_t op_bind_pirq(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_bind_pirq op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	return ret < 0 ? ret : -XEN_EINVAL;
}

static int64_t op_close(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_close op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	return ret < 0 ? ret : event_close(v->domain, op.port);
}

static int64_t op_send(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_send op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	return ret < 0 ? ret : event_send(v->domain, op.port);
}

static int64_t op_status(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_status op;
	int ret = guest_copy_from(&op, args[1], sizeof(op));

	if (likely(ret == 0)) {
		ret = event_status(v->domain, &op);
	}
	if (likely(ret == 0)) {
		ret = guest_copy_to(args[1], &op, sizeof(op));
	}
	return ret;
}

static int64_t op_bind_vcpu(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_bind_vcpu op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	return ret < 0 ? ret : event_bind_vcpu(v->domain, op.port, op.vcpu);
}

static int64_t op_unmask(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_unmask op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	return ret < 0 ? ret : event_unmask(v->domain, op.port);
}

static int reset(const struct domain *caller, struct domain *d)
{
	if (!policy_may_control(caller, d)) {
		return -XEN_EPERM;
	}
	/* Another domain must not run meanwhile: its toolstack has paused it. */
	if (d != caller && READ_ONCE(d->pause_count) == 0) {
		return -XEN_EINVAL;
	}
	return event_reset(d);
}

static int64_t op_reset(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_reset op;
	struct domain *d;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret < 0) {
		return ret;
	}
	d = hypercall_domain(v, op.dom);
	if (d == NULL) {
		return -XEN_ESRCH;
	}
	/* Continued with the arguments as they are: what is closed is passed over quickly. */
	ret = reset(v->domain, d);
	domain_put(d);
	return ret;
}

static int64_t op_init_control(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_init_control op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret == 0) {
		ret = event_fifo_init_control(v->domain, op.vcpu, gfn(op.control_gfn), op.offset);
	}
	if (ret == 0) {
		op.link_bits = EVTCHN_FIFO_LINK_BITS;
		/* The control block stays, whether the guest can be told or not: it knows what it asked for. */
		ret = guest_copy_to(args[1], &op, sizeof(op));
	}
	return ret;
}

static int64_t op_expand_array(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_expand_array op;
	uint32_t from = (uint32_t)args[0] >> OP_SHIFT;
	int64_t ret = 0;

	if (from == 0) {
		ret = guest_copy_from(&op, args[1], sizeof(op));
		if (ret == 0) {
			ret = event_fifo_expand_array(v->domain, gfn(op.array_gfn));
		}
	}
	if (ret == 0) {
		ret = event_fifo_resend(v->domain, &from);
	}
	if (ret == -XEN_ERESTART) {
		hypercall_set_arg(v, 0, EVTCHNOP_expand_array | from << OP_SHIFT);
	}
	return ret;
}

static int64_t op_set_priority(struct vcpu *v, const uint64_t args[5])
{
	struct evtchn_set_priority op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	return ret < 0 ? ret : event_fifo_set_priority(v->domain, op.port, op.priority);
}

static const hypercall_t event_ops[] = {
	HYPERCALL_OP(EVTCHNOP_bind_interdomain, op_bind_interdomain),
	HYPERCALL_OP(EVTCHNOP_bind_virq, op_bind_virq),
	HYPERCALL_OP(EVTCHNOP_bind_pirq, op_bind_pirq),
	HYPERCALL_OP(EVTCHNOP_close, op_close),
	HYPERCALL_OP(EVTCHNOP_send, op_send),
	HYPERCALL_OP(EVTCHNOP_status, op_status),
	HYPERCALL_OP(EVTCHNOP_alloc_unbound, op_alloc_unbound),
	HYPERCALL_OP(EVTCHNOP_bind_ipi, op_bind_ipi),
	HYPERCALL_OP(EVTCHNOP_bind_vcpu, op_bind_vcpu),
	HYPERCALL_OP(EVTCHNOP_unmask, op_unmask),
	HYPERCALL_OP(EVTCHNOP_reset, op_reset),
	HYPERCALL_OP(EVTCHNOP_init_control, op_init_control),
	HYPERCALL_OP(EVTCHNOP_expand_array, op_expand_array),
	HYPERCALL_OP(EVTCHNOP_set_priority, op_set_priority),
};

/* Beyond the table: one that is continued, or none. */
static __noinline int64_t op_continued(struct vcpu *v, const uint64_t args[5])
{
	const uint32_t op = (uint32_t)args[0];

	if ((op & OP_MASK) == EVTCHNOP_expand_array &&
	    event_fifo_is_resending(v->domain, op >> OP_SHIFT)) {
		return op_expand_array(v, args);
	}
	return -XEN_ENOSYS;
}

int64_t hc_event_channel_op(struct vcpu *v, const uint64_t args[5])
{
	const uint32_t op = (uint32_t)args[0];

	if (unlikely(op >= ARRAY_SIZE(event_ops))) {
		return op_continued(v, args);
	}
	return hypercall_sub_op(event_ops, ARRAY_SIZE(event_ops), op, v, args);
}
