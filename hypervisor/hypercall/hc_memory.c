/* SPDX-License-Identifier: MIT */
/*
 * memory_op (public/memory.h): the operations, and how much memory there is. Giving and taking it is hc_reservation.c's, what
 * is mapped where beyond RAM hc_physmap.c's, resources hc_resource.c's.
 *
 * args: command, with the number of extents done so far from bit 6 up, and the argument's address.
 */
#include "hypercall/hypercall_internal.h"

#include "mm/mm.h"
#include "stage2/stage2.h"

bool hypercall_gfn_range_ok(uint64_t g, uint64_t nr)
{
	uint64_t limit = UINT64_C(1) << (stage2_ipa_bits() - PAGE_SHIFT);

	return nr <= limit && g <= limit - nr;
}

int hypercall_memory_arg(const uint64_t args[5], void *op, size_t size)
{
	return args[0] >> MEMORY_OP_SHIFT != 0 ? -XEN_EINVAL : guest_copy_from(op, args[1], size);
}

static int64_t op_maximum_ram_page(struct vcpu *v, const uint64_t args[5])
{
	if (args[0] >> MEMORY_OP_SHIFT != 0) {
		return -XEN_EINVAL;
	}
	return (int64_t)frame_pool_max_mfn().raw + 1;
}

/* The domain that the argument names, if the caller may know about it. */
static int get_named(const struct vcpu *v, const uint64_t args[5], struct domain **d)
{
	struct xen_memory_domain op;
	int ret = hypercall_memory_arg(args, &op, sizeof(op));

	if (ret < 0) {
		return ret;
	}
	*d = hypercall_domain(v, op.domid);
	if (*d == NULL) {
		return -XEN_ESRCH;
	}
	if (!policy_may_control(v->domain, *d)) {
		domain_put(*d);
		return -XEN_EPERM;
	}
	return 0;
}

static int64_t op_current_reservation(struct vcpu *v, const uint64_t args[5])
{
	struct domain *d;
	int64_t ret = get_named(v, args, &d);

	if (ret == 0) {
		ret = (int64_t)READ_ONCE(d->nr_pages);
		domain_put(d);
	}
	return ret;
}

static int64_t op_maximum_reservation(struct vcpu *v, const uint64_t args[5])
{
	struct domain *d;
	int64_t ret = get_named(v, args, &d);

	if (ret == 0) {
		ret = (int64_t)READ_ONCE(d->max_pages);
		domain_put(d);
	}
	return ret;
}

static int64_t op_maximum_gpfn(struct vcpu *v, const uint64_t args[5])
{
	struct domain *d;
	int64_t ret = get_named(v, args, &d);

	if (ret == 0) {
		ret = (int64_t)stage2_max_gfn(d).raw;
		domain_put(d);
	}
	return ret;
}

/* There are no virtual NUMA nodes. */
static int64_t op_get_vnumainfo(struct vcpu *v, const uint64_t args[5])
{
	struct xen_vnuma_topology_info op;
	struct domain *d;
	int64_t ret = hypercall_memory_arg(args, &op, sizeof(op));

	if (ret < 0) {
		return ret;
	}
	if (op.pad != 0) {
		return -XEN_EINVAL;
	}
	d = hypercall_domain(v, op.domid);
	if (d == NULL) {
		return -XEN_ESRCH;
	}
	ret = policy_may_control(v->domain, d) ? -XEN_EOPNOTSUPP : -XEN_EPERM;
	domain_put(d);
	return ret;
}

/* No device needs memory at addresses of its own. */
static int64_t op_reserved_device_memory_map(struct vcpu *v, const uint64_t args[5])
{
	struct xen_reserved_device_memory_map op;
	int64_t ret = hypercall_memory_arg(args, &op, sizeof(op));

	if (ret < 0) {
		return ret;
	}
	if ((op.flags & ~XENMEM_RDM_ALL) != 0) {
		return -XEN_EINVAL;
	}
	op.nr_entries = 0;
	return guest_copy_to(args[1], &op, sizeof(op));
}

/* Memory sharing between domains does not exist: none is shared, none saved. */
static int64_t op_sharing_pages(struct vcpu *v, const uint64_t args[5])
{
	/* As in Xen, which compares 32 bits of the command here: with others among them it is no operation. */
	return (uint32_t)args[0] >> MEMORY_OP_SHIFT != 0 ? -XEN_ENOSYS : 0;
}

static const hypercall_t memory_ops[] = {
	HYPERCALL_OP(XENMEM_increase_reservation, hc_increase_reservation),
	HYPERCALL_OP(XENMEM_decrease_reservation, hc_decrease_reservation),
	HYPERCALL_OP(XENMEM_maximum_ram_page, op_maximum_ram_page),
	HYPERCALL_OP(XENMEM_current_reservation, op_current_reservation),
	HYPERCALL_OP(XENMEM_maximum_reservation, op_maximum_reservation),
	HYPERCALL_OP(XENMEM_populate_physmap, hc_populate_physmap),
	HYPERCALL_OP(XENMEM_add_to_physmap, hc_add_to_physmap),
	HYPERCALL_OP(XENMEM_maximum_gpfn, op_maximum_gpfn),
	HYPERCALL_OP(XENMEM_remove_from_physmap, hc_remove_from_physmap),
	HYPERCALL_OP(XENMEM_get_sharing_freed_pages, op_sharing_pages),
	HYPERCALL_OP(XENMEM_get_sharing_shared_pages, op_sharing_pages),
	HYPERCALL_OP(XENMEM_add_to_physmap_batch, hc_add_to_physmap_batch),
	HYPERCALL_OP(XENMEM_claim_pages, hc_claim_pages),
	HYPERCALL_OP(XENMEM_get_vnumainfo, op_get_vnumainfo),
	HYPERCALL_OP(XENMEM_reserved_device_memory_map, op_reserved_device_memory_map),
	HYPERCALL_OP(XENMEM_acquire_resource, hc_acquire_resource),
};

int64_t hc_memory_op(struct vcpu *v, const uint64_t args[5])
{
	return hypercall_sub_op(memory_ops, ARRAY_SIZE(memory_ops), args[0] & MEMORY_OP_MASK, v,
				args);
}
