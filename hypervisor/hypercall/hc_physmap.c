/* SPDX-License-Identifier: MIT */
/*
 * memory_op, second part: what is mapped where in a domain's physical map beyond its RAM
 * (XENMEM_add_to_physmap and relatives, public/memory.h).
 *
 * Linux gives shared_info a page number inside its own RAM. The frame that was there just loses
 * its mapping: it stays the domain's, and goes when the domain goes.
 */
#include "hypercall/hypercall_internal.h"

#include "arm64/cpu.h"
#include "grant/grant.h"
#include "mm/mm.h"
#include "stage2/stage2.h"

typedef int (*map_space_t)(struct domain *d, uint64_t idx, gfn_t g);

/* Is it where it was mapped last? The domain's lock is held. */
static bool shared_info_is_mapped(struct domain *d)
{
	enum stage2_type type;
	mfn_t m;

	return d->shared_info_gfn.raw != GFN_INVALID.raw &&
	       stage2_lookup(d, d->shared_info_gfn, &m, &type) == 0 && type == STAGE2_SHARED &&
	       m.raw == hyp_to_mfn(d->shared_info).raw;
}

static int map_shared_info(struct domain *d, uint64_t idx, gfn_t g)
{
	int ret;

	if (idx != 0) {
		return -XEN_EINVAL;
	}
	spin_lock(&d->lock);
	if (shared_info_is_mapped(d)) {
		/* A kernel that starts again (kexec) removes it first. */
		ret = -XEN_EBUSY;
	} else {
		ret = stage2_map(d, g, hyp_to_mfn(d->shared_info), 1, STAGE2_SHARED);
		if (ret == 0) {
			d->shared_info_gfn = g;
		}
	}
	spin_unlock(&d->lock);
	return ret;
}

#define MAP_SPACE(space, function) [space] = (function)
static const map_space_t spaces[] = {
	MAP_SPACE(XENMAPSPACE_shared_info, map_shared_info),
	MAP_SPACE(XENMAPSPACE_grant_table, grant_map_frame),
};

static int map_one(struct domain *d, unsigned int space, uint64_t idx, uint64_t g)
{
	if (space >= ARRAY_SIZE(spaces) || spaces[space] == NULL) {
		return -XEN_ENOSYS;
	}
	if (!hypercall_gfn_range_ok(g, 1)) {
		return -XEN_EINVAL;
	}
	return spaces[space](d, idx, gfn(g));
}

/* The domain that is to be changed, if the caller may. */
static int get_target(const struct vcpu *v, uint16_t domid, unsigned int space, struct domain **d)
{
	int ret = 0;

	*d = hypercall_domain(v, domid);
	if (*d == NULL) {
		return -XEN_ESRCH;
	}
	if (space == XENMAPSPACE_dev_mmio && (!(*d)->is_hardware || *d != v->domain)) {
		ret = -XEN_EACCES;
	} else if (!policy_may_control(v->domain, *d)) {
		ret = -XEN_EPERM;
	}
	if (ret < 0) {
		domain_put(*d);
	}
	return ret;
}

/* The one operation that could be long, a range of frames from elsewhere in the map, is absent. */
static int map_range(const struct xen_add_to_physmap *op, uint64_t start)
{
	if (op->size < start) {
		return -XEN_EILSEQ;
	}
	if (op->gpfn + op->size < op->gpfn || op->idx + op->size < op->idx) {
		return -XEN_EOVERFLOW;
	}
	return op->size == start ? 0 : -XEN_ENOSYS;
}

int64_t hc_add_to_physmap(struct vcpu *v, const uint64_t args[5])
{
	uint64_t start = args[0] >> MEMORY_OP_SHIFT;
	struct xen_add_to_physmap op;
	struct domain *d;
	int ret;

	if (start > UINT16_MAX) {
		return -XEN_EDOM;
	}
	ret = guest_copy_from(&op, args[1], sizeof(op));
	if (ret < 0) {
		return ret;
	}
	/* Another domain's frames come by the batch only, which names that domain. */
	if (op.space == XENMAPSPACE_gmfn_foreign) {
		return -XEN_ENOSYS;
	}
	ret = get_target(v, op.domid, op.space, &d);
	if (ret < 0) {
		return ret;
	}
	if (op.gpfn == GFN_INVALID.raw) {
		ret = -XEN_EINVAL;
	} else if (op.space == XENMAPSPACE_gmfn_range) {
		ret = map_range(&op, start);
	} else {
		ret = map_one(d, op.space, op.idx, op.gpfn);
	}
	domain_put(d);
	return ret;
}

/* Entry i of the batch; its own result goes to errs[i]. */
static int batch_entry(struct domain *d, const struct xen_add_to_physmap_batch *op, uint64_t i)
{
	uint64_t idx, g;
	int32_t err;
	int ret = guest_copy_from(&idx, op->idxs.q + i * sizeof(idx), sizeof(idx));

	if (ret == 0) {
		ret = guest_copy_from(&g, op->gpfns.q + i * sizeof(g), sizeof(g));
	}
	if (ret == 0 && g == GFN_INVALID.raw) {
		ret = -XEN_EINVAL;
	}
	if (ret < 0) {
		return ret;
	}
	err = map_one(d, op->space, idx, g);
	return guest_copy_to(op->errs.q + i * sizeof(err), &err, sizeof(err));
}

static int64_t batch(struct vcpu *v, const uint64_t args[5], struct domain *d,
		     const struct xen_add_to_physmap_batch *op)
{
	uint64_t start = args[0] >> MEMORY_OP_SHIFT;

	if (op->size < start || (op->size == start && start != 0)) {
		return -XEN_EILSEQ;
	}
	if (op->space == XENMAPSPACE_dev_mmio && op->u.res0 != 0) {
		return -XEN_EOPNOTSUPP;
	}
	for (uint64_t i = start; i < op->size; i++) {
		int ret;

		if (i != start && cpu_interrupt_pending()) {
			hypercall_set_arg(v, 0, (args[0] & MEMORY_OP_MASK) | i << MEMORY_OP_SHIFT);
			return -XEN_ERESTART;
		}
		ret = batch_entry(d, op, i);
		if (ret < 0) {
			return ret;
		}
	}
	return 0;
}

int64_t hc_add_to_physmap_batch(struct vcpu *v, const uint64_t args[5])
{
	struct xen_add_to_physmap_batch op;
	struct domain *d;
	int64_t ret;

	if (args[0] >> MEMORY_OP_SHIFT > UINT16_MAX) {
		return -XEN_EDOM;
	}
	ret = guest_copy_from(&op, args[1], sizeof(op));
	if (ret < 0) {
		return ret;
	}
	if (op.space == XENMAPSPACE_gmfn_range) {
		return -XEN_EOPNOTSUPP;
	}
	ret = get_target(v, op.domid, op.space, &d);
	if (ret < 0) {
		return ret;
	}
	ret = batch(v, args, d, &op);
	domain_put(d);
	return ret;
}

/* Whatever memory is at g goes from there; devices are not memory. Own RAM stays the domain's,
 * mapped nowhere. */
static int remove_one(struct domain *d, gfn_t g)
{
	enum stage2_type type;
	mfn_t m;
	int ret;

	spin_lock(&d->lock);
	ret = stage2_lookup(d, g, &m, &type);
	if (ret < 0 || type == STAGE2_DEVICE || type == STAGE2_DEVICE_HWDOM) {
		ret = -XEN_ENOENT;
	} else {
		ret = stage2_unmap(d, g, 1);
		if (ret == 0 && d->shared_info_gfn.raw == g.raw) {
			d->shared_info_gfn = GFN_INVALID;
		}
	}
	spin_unlock(&d->lock);
	return ret;
}

int64_t hc_remove_from_physmap(struct vcpu *v, const uint64_t args[5])
{
	struct xen_remove_from_physmap op;
	struct domain *d;
	int64_t ret;

	if (args[0] >> MEMORY_OP_SHIFT != 0) {
		return -XEN_EINVAL;
	}
	ret = guest_copy_from(&op, args[1], sizeof(op));
	if (ret < 0) {
		return ret;
	}
	ret = get_target(v, op.domid, XENMAPSPACE_gmfn, &d);
	if (ret < 0) {
		return ret;
	}
	ret = hypercall_gfn_range_ok(op.gpfn, 1) ? remove_one(d, gfn(op.gpfn)) : -XEN_ENOENT;
	domain_put(d);
	return ret;
}
