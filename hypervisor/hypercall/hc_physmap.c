/* SPDX-License-Identifier: MIT */
/*
 * memory_op: what is mapped where in a domain's physical map beyond its RAM
 * (XENMEM_add_to_physmap and relatives, public/memory.h).
 *
 * Linux gives shared_info a page number inside its own RAM. The frame that was there just loses
 * its mapping: it stays the domain's, and goes when the domain goes.
 */
#include "hypercall/hypercall_internal.h"

#include "arm64/cpu.h"
#include "domain/domain_share.h"
#include "grant/grant.h"
#include "mm/mm.h"
#include "stage2/stage2.h"

/* One page that is to be mapped. */
struct entry {
	struct domain *d; /* whose physical map it is */
	uint16_t foreign_domid;
	uint64_t idx, g;
};
typedef int (*map_space_t)(const struct vcpu *v, const struct entry *e);

/* Is it where it was mapped last? The domain's lock is held. */
static bool shared_info_is_mapped(struct domain *d)
{
	enum stage2_type type;
	mfn_t m;

	return d->shared_info_gfn.raw != GFN_INVALID.raw &&
	       stage2_lookup(d, d->shared_info_gfn, &m, &type) == 0 && type == STAGE2_SHARED &&
	       m.raw == hyp_to_mfn(d->shared_info).raw;
}

static int map_shared_info(const struct vcpu *v, const struct entry *e)
{
	struct domain *d = e->d;
	int ret;

	if (e->idx != 0 || !hypercall_gfn_range_ok(e->g, 1)) {
		return -XEN_EINVAL;
	}
	spin_lock(&d->lock);
	if (d->state == DOMAIN_DYING) {
		ret = -XEN_EINVAL;
	} else if (shared_info_is_mapped(d)) {
		/* A kernel that starts again (kexec) removes it first. */
		ret = -XEN_EBUSY;
	} else {
		ret = stage2_map(d, gfn(e->g), hyp_to_mfn(d->shared_info), 1, STAGE2_SHARED);
		if (ret == 0) {
			d->shared_info_gfn = gfn(e->g);
		}
	}
	spin_unlock(&d->lock);
	return ret;
}

static int map_grant_table(const struct vcpu *v, const struct entry *e)
{
	return hypercall_gfn_range_ok(e->g, 1) ? grant_map_frame(e->d, e->idx, gfn(e->g))
					       : -XEN_EINVAL;
}

/*
 * A page of another domain's RAM, for the toolstack. Never -XEN_ENOENT: libxenforeignmemory takes that for a page that
 * is about to come back.
 */
static int map_foreign(const struct vcpu *v, const struct entry *e)
{
	struct domain *owner;
	int ret;

	if (e->foreign_domid == DOMID_IO || e->foreign_domid == DOMID_XEN) {
		/* Xen's own and the devices' pages, of which none is shared this way. */
		return e->d->is_privileged ? -XEN_EINVAL : -XEN_EPERM;
	}
	/* Oneself by number is nobody, as in Xen; DOMID_SELF is refused below. */
	owner = e->foreign_domid != v->domain->id ? hypercall_domain(v, e->foreign_domid) : NULL;
	if (owner == NULL) {
		return -XEN_ESRCH;
	}
	if (owner == e->d) {
		ret = -XEN_EINVAL;
	} else if (!policy_may_control(e->d, owner)) {
		ret = -XEN_EPERM;
	} else if (!hypercall_gfn_range_ok(e->idx, 1) || !hypercall_gfn_range_ok(e->g, 1)) {
		ret = -XEN_EINVAL;
	} else {
		ret = domain_foreign_map(e->d, gfn(e->g), owner, gfn(e->idx));
	}
	domain_put(owner);
	return ret;
}

/*
 * The hardware domain asks for one of its devices somewhere else than at its own address, where it has them all from the
 * start. What it has not is silently left out, as in Xen: a kernel asks for whatever its firmware's tables mention.
 */
static int map_device(const struct vcpu *v, const struct entry *e)
{
	enum stage2_type type;
	mfn_t m;
	int ret = 0;

	spin_lock(&e->d->lock);
	if (hypercall_gfn_range_ok(e->idx, 1) && stage2_lookup(e->d, gfn(e->idx), &m, &type) == 0 &&
	    type == STAGE2_DEVICE_HWDOM && m.raw == e->idx) {
		ret = hypercall_gfn_range_ok(e->g, 1)
			    ? stage2_map(e->d, gfn(e->g), m, 1, STAGE2_DEVICE_HWDOM)
			    : -XEN_EINVAL;
	}
	spin_unlock(&e->d->lock);
	return ret;
}

#define MAP_SPACE(space, function) [space] = (function)
static const map_space_t spaces[] = {
	MAP_SPACE(XENMAPSPACE_shared_info, map_shared_info),
	MAP_SPACE(XENMAPSPACE_grant_table, map_grant_table),
	MAP_SPACE(XENMAPSPACE_gmfn_foreign, map_foreign),
	MAP_SPACE(XENMAPSPACE_dev_mmio, map_device),
};

static int map_one(const struct vcpu *v, unsigned int space, const struct entry *e)
{
	if (space >= ARRAY_SIZE(spaces) || spaces[space] == NULL) {
		return -XEN_ENOSYS;
	}
	return spaces[space](v, e);
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
		const struct entry e = {.d = d, .idx = op.idx, .g = op.gpfn};

		ret = map_one(v, op.space, &e);
	}
	domain_put(d);
	return ret;
}

/* Entry i of the batch; its own result goes to errs[i]. */
static int batch_entry(const struct vcpu *v, struct domain *d,
		       const struct xen_add_to_physmap_batch *op, uint64_t i)
{
	struct entry e = {.d = d, .foreign_domid = op->u.foreign_domid};
	int32_t err;
	int ret = guest_copy_from(&e.idx, op->idxs.q + i * sizeof(e.idx), sizeof(e.idx));

	if (ret == 0) {
		ret = guest_copy_from(&e.g, op->gpfns.q + i * sizeof(e.g), sizeof(e.g));
	}
	if (ret == 0 && e.g == GFN_INVALID.raw) {
		ret = -XEN_EINVAL;
	}
	if (ret < 0) {
		return ret;
	}
	err = map_one(v, op->space, &e);
	if (err == -XEN_ERESTART) {
		return err; /* no result of the entry's: it is done again */
	}
	return guest_copy_to(op->errs.q + i * sizeof(err), &err, sizeof(err));
}

static int64_t batch(struct vcpu *v, const uint64_t args[5], struct domain *d,
		     const struct xen_add_to_physmap_batch *op)
{
	uint64_t start = args[0] >> MEMORY_OP_SHIFT;

	if (op->size < start || (op->size == start && start != 0)) {
		return -XEN_EILSEQ;
	}
	if (op->space == XENMAPSPACE_dev_mmio && op->size != 0 && op->u.res0 != 0) {
		return -XEN_EOPNOTSUPP;
	}
	for (uint64_t i = start; i < op->size; i++) {
		int ret = i != start && cpu_interrupt_pending() ? -XEN_ERESTART
								: batch_entry(v, d, op, i);

		if (ret == -XEN_ERESTART) {
			hypercall_set_arg(v, 0, (args[0] & MEMORY_OP_MASK) | i << MEMORY_OP_SHIFT);
		}
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

/* What Xen takes away: RAM, others' pages by foreign map, and grants of the domain's own pages, which go by frame too. */
static bool is_removable(struct domain *d, enum stage2_type type, mfn_t m)
{
	switch (type) {
	case STAGE2_RAM:
	case STAGE2_SHARED:
	case STAGE2_FOREIGN_RW:
	case STAGE2_FOREIGN_RO:
		return true;
	case STAGE2_GRANT_RW:
	case STAGE2_GRANT_RO:
		if (!frame_get(m, d->id)) {
			return false;
		}
		domain_put_frame(d, m);
		return true;
	default:
		return false;
	}
}

/*
 * Whatever memory is at g goes from there; devices are not memory, and what others have granted goes by giving the grant
 * back. Own RAM stays the domain's, mapped nowhere.
 */
static int remove_one(struct domain *d, gfn_t g)
{
	enum stage2_type type;
	mfn_t m;
	int ret;

	spin_lock(&d->lock);
	ret = stage2_lookup(d, g, &m, &type);
	if (ret < 0 || !is_removable(d, type, m)) {
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
	int64_t ret = hypercall_memory_arg(args, &op, sizeof(op));

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
