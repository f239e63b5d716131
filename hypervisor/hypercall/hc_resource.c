/* SPDX-License-Identifier: MIT */
/*
 * memory_op: XENMEM_acquire_resource maps frames that belong to a domain, but not to its physical map, into
 * the toolstack's. There is one such resource: the grant table, which the toolstack fills in before the domain runs.
 *
 * Frames of the table are shared from birth, so the mappings are Write-Back (design.md, "Words"); each has a reference
 * on its frame, as a foreign mapping has.
 */
#include "hypercall/hypercall_internal.h"

#include "arm64/cpu.h"
#include "domain/domain_share.h"
#include "grant/grant.h"
#include "mm/mm.h"

/* How many frames the resource has; 0: there is no such one. */
static uint32_t max_frames(const struct domain *d, uint32_t type, uint32_t id)
{
	if (type != XENMEM_resource_grant_table || id != XENMEM_resource_grant_table_id_shared) {
		return 0;
	}
	return d->grant.max_frames;
}

/* Frame idx of the table, which grows as needed, with a reference. -XEN_ERESTART: it has grown, not yet so far. */
static int get_grant_frame(struct domain *d, uint32_t idx, mfn_t *m)
{
	int ret = idx < GRANT_MAX_FRAMES ? grant_grow(d, idx + 1) : -XEN_EINVAL;

	if (ret < 0) {
		return ret == -XEN_ERESTART ? ret : -XEN_EINVAL;
	}
	ret = -XEN_EINVAL;
	spin_lock(&d->grant.lock);
	/* A domain that is being taken apart has none any more. */
	if (idx < d->grant.nr_frames) {
		*m = hyp_to_mfn(d->grant.frame[idx]);
		ret = frame_get(*m, d->id) ? 0 : -XEN_EINVAL;
	}
	spin_unlock(&d->grant.lock);
	return ret;
}

static int map_one(struct domain *mapper, struct domain *d, uint32_t idx, uint64_t g)
{
	mfn_t m;
	int ret;

	if (!hypercall_gfn_range_ok(g, 1)) {
		return -XEN_EINVAL;
	}
	ret = get_grant_frame(d, idx, &m);
	if (ret < 0) {
		return ret;
	}
	ret = domain_foreign_map_frame(mapper, gfn(g), d, m, STAGE2_FOREIGN_RW);
	if (ret < 0) {
		domain_put_frame(d, m);
	}
	return ret;
}

/* Frames from start on. What this part of the call has mapped before an error stays, which is then -XEN_EIO: as in Xen, the
 * first one of a continued call has its own error. */
static int64_t map_frames(struct vcpu *v, const uint64_t args[5], struct domain *d,
			  const struct xen_mem_acquire_resource *op)
{
	uint64_t start = args[0] >> MEMORY_OP_SHIFT;

	if (start >= op->nr_frames || op->nr_frames > MEMORY_OP_MAX_EXTENTS ||
	    op->frame + op->nr_frames > d->grant.max_frames) {
		return -XEN_EINVAL;
	}
	for (uint64_t i = start; i < op->nr_frames; i++) {
		uint64_t g;
		int ret = guest_copy_from(&g, op->frame_list.q + i * sizeof(g), sizeof(g));

		if (ret < 0) {
			return ret;
		}
		ret = i != start && cpu_interrupt_pending()
			    ? -XEN_ERESTART
			    : map_one(v->domain, d, (uint32_t)(op->frame + i), g);
		if (ret == -XEN_ERESTART) {
			hypercall_set_arg(v, 0, (args[0] & MEMORY_OP_MASK) | i << MEMORY_OP_SHIFT);
			return ret;
		}
		if (ret < 0) {
			return i == start ? ret : -XEN_EIO;
		}
	}
	return 0;
}

static int64_t acquire(struct vcpu *v, const uint64_t args[5], struct domain *d,
		       const struct xen_mem_acquire_resource *op)
{
	bool known = op->type == XENMEM_resource_grant_table ||
		     op->type == XENMEM_resource_ioreq_server ||
		     op->type == XENMEM_resource_vmtrace_buf;
	uint32_t nr = max_frames(d, op->type, op->id);

	if (!known && (op->frame_list.q == 0 ? op->nr_frames == 0
					     : args[0] >> MEMORY_OP_SHIFT < op->nr_frames)) {
		return -XEN_EOPNOTSUPP;
	}
	if (nr == 0) {
		return -XEN_EINVAL;
	}
	if (op->frame_list.q != 0) {
		return map_frames(v, args, d, op);
	}
	/* How many are there? */
	if (op->nr_frames != 0 || args[0] >> MEMORY_OP_SHIFT != 0) {
		return -XEN_EINVAL;
	}
	return guest_copy_to(args[1] + offsetof(struct xen_mem_acquire_resource, nr_frames), &nr,
			     sizeof(nr));
}

int64_t hc_acquire_resource(struct vcpu *v, const uint64_t args[5])
{
	struct xen_mem_acquire_resource op;
	struct domain *d;
	int64_t ret = guest_copy_from(&op, args[1], sizeof(op));

	if (ret < 0) {
		return ret;
	}
	if (op.pad != 0 || op.frame > UINT32_MAX || op.frame + op.nr_frames > UINT32_MAX) {
		return -XEN_EINVAL;
	}
	/* An exact number, and somebody else's. */
	d = domain_get(op.domid);
	if (d == NULL) {
		return -XEN_ESRCH;
	}
	if (d == v->domain || !v->domain->is_privileged) {
		ret = -XEN_EPERM;
	} else {
		ret = acquire(v, args, d, &op);
	}
	domain_put(d);
	return ret;
}
