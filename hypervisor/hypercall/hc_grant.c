/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op (public/grant_table.h): the operations and the set-up of version-1 tables. Those that take a list
 * are hc_grant_list.c's.
 *
 * args: command (a continued cache_flush keeps a reference in bits from 12), list, count.
 */
#include "hypercall/hypercall_internal.h"

#include "grant/grant.h"

/* The domain for *status: GNTST_bad_domain or GNTST_permission_denied without one. */
static struct domain *get_domain(const struct vcpu *v, uint16_t domid, int16_t *status)
{
	struct domain *d = hypercall_domain(v, domid);

	if (d == NULL) {
		*status = GNTST_bad_domain;
	} else if (!policy_may_control(v->domain, d)) {
		domain_put(d);
		d = NULL;
		*status = GNTST_permission_denied;
	}
	return d;
}

/* Grows the table to nr frames and tells where they are mapped. A status, or -XEN_ERESTART. */
static int setup_table(struct domain *d, uint32_t nr, uint64_t *frames)
{
	int ret = grant_grow(d, nr);

	if (ret < 0) {
		return ret == -XEN_ERESTART ? ret : GNTST_general_error;
	}
	for (uint32_t i = 0; i < nr; i++) {
		frames[i] = grant_frame_gfn(d, i).raw;
	}
	return GNTST_okay;
}

static int64_t op_setup_table(struct vcpu *v, const uint64_t args[5])
{
	struct gnttab_setup_table op;
	uint64_t frames[GRANT_MAX_FRAMES];
	struct domain *d;
	int64_t ret;

	if ((uint32_t)args[2] != 1) {
		return -XEN_EINVAL;
	}
	ret = guest_copy_from(&op, args[1], sizeof(op));
	if (ret < 0) {
		return ret;
	}
	d = get_domain(v, op.dom, &op.status);
	if (d != NULL) {
		int status = setup_table(d, op.nr_frames, frames);

		domain_put(d);
		if (status == -XEN_ERESTART) {
			return -XEN_ERESTART; /* with the frames that it has come to */
		}
		op.status = (int16_t)status;
	}
	if (op.status == GNTST_okay && op.nr_frames != 0 &&
	    guest_copy_to(op.frame_list.q, frames, op.nr_frames * sizeof(frames[0])) < 0) {
		op.status = GNTST_bad_virt_addr;
	}
	return guest_copy_to(args[1] + offsetof(struct gnttab_setup_table, status), &op.status,
			     sizeof(op.status));
}

static int64_t op_query_size(struct vcpu *v, const uint64_t args[5])
{
	struct gnttab_query_size op;
	struct domain *d;
	int64_t ret;

	if ((uint32_t)args[2] != 1) {
		return -XEN_EINVAL;
	}
	ret = guest_copy_from(&op, args[1], sizeof(op));
	if (ret < 0) {
		return ret;
	}
	d = get_domain(v, op.dom, &op.status);
	if (d != NULL) {
		op.nr_frames = READ_ONCE(d->grant.nr_frames);
		op.max_nr_frames = d->grant.max_frames;
		op.status = GNTST_okay;
		domain_put(d);
	}
	return guest_copy_to(args[1], &op, sizeof(op));
}

static int64_t op_transfer(struct vcpu *v, const uint64_t args[5])
{
	return -XEN_EOPNOTSUPP;
}

static int64_t op_set_version(struct vcpu *v, const uint64_t args[5])
{
	struct gnttab_set_version op;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));
	int64_t answer = 0;

	if (ret < 0) {
		return ret;
	}
	/* Version 1 is what there is, so asking for it changes nothing, the reserved entries
	 * least of all. */
	if (op.version != 1) {
		answer = op.version == 2 ? -XEN_ENOSYS : -XEN_EINVAL;
	}
	op.version = 1;
	ret = guest_copy_to(args[1], &op, sizeof(op));
	return ret < 0 ? ret : answer;
}

/* Version 1 has no status frames; none can be asked for. */
static int64_t op_get_status_frames(struct vcpu *v, const uint64_t args[5])
{
	struct gnttab_get_status_frames op;
	struct domain *d;
	int64_t ret;

	if ((uint32_t)args[2] != 1) {
		return -XEN_EINVAL;
	}
	ret = guest_copy_from(&op, args[1], sizeof(op));
	if (ret < 0) {
		return ret;
	}
	d = get_domain(v, op.dom, &op.status);
	if (d != NULL) {
		op.status = op.nr_frames == 0 ? GNTST_okay : GNTST_general_error;
		domain_put(d);
	}
	return guest_copy_to(args[1] + offsetof(struct gnttab_get_status_frames, status),
			     &op.status, sizeof(op.status));
}

static int64_t op_get_version(struct vcpu *v, const uint64_t args[5])
{
	struct gnttab_get_version op;
	struct domain *d;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret < 0) {
		return ret;
	}
	d = hypercall_domain(v, op.dom);
	if (d == NULL) {
		return -XEN_ESRCH;
	}
	ret = policy_may_control(v->domain, d) ? 0 : -XEN_EPERM;
	domain_put(d);
	if (ret < 0) {
		return ret;
	}
	op.version = 1;
	return guest_copy_to(args[1] + offsetof(struct gnttab_get_version, version), &op.version,
			     sizeof(op.version));
}

static const hypercall_t grant_ops[] = {
	HYPERCALL_OP(GNTTABOP_map_grant_ref, hc_grant_map),
	HYPERCALL_OP(GNTTABOP_unmap_grant_ref, hc_grant_unmap),
	HYPERCALL_OP(GNTTABOP_setup_table, op_setup_table),
	HYPERCALL_OP(GNTTABOP_transfer, op_transfer),
	HYPERCALL_OP(GNTTABOP_copy, hc_grant_copy),
	HYPERCALL_OP(GNTTABOP_query_size, op_query_size),
	HYPERCALL_OP(GNTTABOP_unmap_and_replace, hc_grant_unmap_and_replace),
	HYPERCALL_OP(GNTTABOP_set_version, op_set_version),
	HYPERCALL_OP(GNTTABOP_get_status_frames, op_get_status_frames),
	HYPERCALL_OP(GNTTABOP_get_version, op_get_version),
	HYPERCALL_OP(GNTTABOP_swap_grant_ref, hc_grant_swap),
	HYPERCALL_OP(GNTTABOP_cache_flush, hc_grant_cache_flush),
};

int64_t hc_grant_table_op(struct vcpu *v, const uint64_t args[5])
{
	uint32_t cmd = (uint32_t)args[0];

	if ((int32_t)args[2] < 0) {
		return -XEN_EINVAL;
	}
	/* Only a continued cache_flush has something above the command. */
	if ((cmd & ~GRANT_OP_MASK) != 0 && (cmd & GRANT_OP_MASK) != GNTTABOP_cache_flush) {
		return -XEN_EINVAL;
	}
	return hypercall_sub_op(grant_ops, ARRAY_SIZE(grant_ops), cmd & GRANT_OP_MASK, v, args);
}
