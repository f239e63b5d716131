/* SPDX-License-Identifier: MIT */
/*
 * memory_op (public/memory.h): how much memory a domain has, and giving and taking it. What is
 * mapped where beyond RAM is hc_physmap.c's.
 *
 * args: command, with the number of extents done so far from bit 6 up, and the argument's address.
 *
 * The domain's lock orders all changes of what its frames are mapped at by itself, so that no
 * frame is given up twice.
 */
#include "hypercall/hypercall_internal.h"

#include "arm64/cpu.h"
#include "mm/mm.h"
#include "stage2/stage2.h"

bool hypercall_gfn_range_ok(uint64_t g, uint64_t nr)
{
	uint64_t limit = UINT64_C(1) << (stage2_ipa_bits() - PAGE_SHIFT);

	return nr <= limit && g <= limit - nr;
}

/* ---- reservation: extents of 2^order frames
 * ----------------------------------------------------- */

/* One extent. -XEN_ERESTART: again, from its beginning; any other error ends the operation. */
typedef int (*extent_step_t)(struct domain *d, uint64_t g, unsigned int order);

static void uncharge(struct domain *d, uint64_t nr)
{
	write_lock(&d->stage2.lock);
	d->nr_pages -= nr;
	write_unlock(&d->stage2.lock);
}

static int charge(struct domain *d, uint64_t nr)
{
	int ret = -XEN_ENOMEM;

	write_lock(&d->stage2.lock);
	if (d->nr_pages < d->max_pages && d->max_pages - d->nr_pages >= nr) {
		d->nr_pages += nr;
		ret = 0;
	}
	write_unlock(&d->stage2.lock);
	return ret;
}

/* Take one page of RAM out of the domain's physical map. A direct-mapped domain keeps the frame:
 * devices know it. */
static int take_page(struct domain *d, gfn_t g)
{
	enum stage2_type type;
	mfn_t m;
	int ret;

	spin_lock(&d->lock);
	ret = stage2_lookup(d, g, &m, &type);
	if (ret == 0 && type != STAGE2_RAM) {
		ret = -XEN_EINVAL;
	}
	if (ret == 0) {
		ret = stage2_unmap(d, g, 1);
	}
	spin_unlock(&d->lock);
	if (ret == 0 && !d->direct_mapped) {
		uncharge(d, 1);
		/* The one from its allocation. Whoever else uses the frame has references of
		 * their own. */
		frame_put(m);
	}
	return ret;
}

static int decrease_step(struct domain *d, uint64_t g, unsigned int order)
{
	for (uint64_t i = 0; i < BIT64(order); i++) {
		int ret = take_page(d, gfn(g + i));

		if (ret < 0) {
			return ret;
		}
	}
	return 0;
}

/* The frames of that number are the domain's already: put them back where they belong. */
static int populate_direct(struct domain *d, uint64_t g, unsigned int order)
{
	int ret;

	for (uint64_t i = 0; i < BIT64(order); i++) {
		const struct frame *frame = frame_of(mfn(g + i));

		if (frame == NULL || !frame_get(mfn(g + i), d->id)) {
			return -XEN_EINVAL;
		}
		ret = READ_ONCE(frame->state) == FRAME_GUEST ? 0 : -XEN_EINVAL;
		frame_put(mfn(g + i));
		if (ret < 0) {
			return ret;
		}
	}
	spin_lock(&d->lock);
	ret = stage2_map(d, gfn(g), mfn(g), BIT64(order), STAGE2_RAM);
	spin_unlock(&d->lock);
	return ret;
}

/* Frames that could not be mapped, or only in part, for lack of memory for tables. */
static void give_back(struct domain *d, uint64_t g, mfn_t first, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		enum stage2_type type;
		mfn_t m;

		if (stage2_lookup(d, gfn(g + i), &m, &type) == 0 && m.raw == first.raw + i &&
		    stage2_unmap(d, gfn(g + i), 1) < 0) {
			/* It stays the domain's, then. */
			continue;
		}
		uncharge(d, 1);
		frame_put(mfn_add(first, i));
	}
}

static int populate_allocated(struct domain *d, uint64_t g, unsigned int order)
{
	mfn_t first;
	int ret = charge(d, BIT64(order));

	if (ret < 0) {
		return ret;
	}
	ret = frame_pool_alloc(order, d->id, &first);
	if (ret < 0) {
		uncharge(d, BIT64(order));
		return ret;
	}
	spin_lock(&d->lock);
	ret = stage2_map(d, gfn(g), first, BIT64(order), STAGE2_RAM);
	if (ret < 0) {
		give_back(d, g, first, BIT64(order));
	}
	spin_unlock(&d->lock);
	return ret;
}

static int populate_step(struct domain *d, uint64_t g, unsigned int order)
{
	return d->direct_mapped ? populate_direct(d, g, order) : populate_allocated(d, g, order);
}

/* Nothing can be had without an address: no extent is ever done. */
static int increase_step(struct domain *d, uint64_t g, unsigned int order)
{
	return -XEN_ENOMEM;
}

/* Are these flags ones that we can honour? NUMA hints are; an address limit only where all RAM
 * is below it. */
static bool flags_ok(uint32_t flags)
{
	unsigned int bits = XENMEMF_get_address_bits(flags);

	if ((flags & XENMEMF_populate_on_demand) != 0) {
		return false;
	}
	return bits == 0 || bits >= 64 || mfn_to_maddr(frame_pool_max_mfn()) < BIT64(bits);
}

/*
 * All three operations return the number of extents done, never an error; they stop at the first
 * that cannot be. (An allocator above this asks for large extents first and for smaller ones
 * then.)
 */
static int64_t reservation(struct vcpu *v, const uint64_t args[5], extent_step_t step)
{
	uint64_t start = args[0] >> MEMORY_OP_SHIFT;
	uint64_t done = start;
	struct xen_memory_reservation op;
	struct domain *d;
	int ret = 0;

	if (guest_copy_from(&op, args[1], sizeof(op)) < 0 || op.nr_extents > MEMORY_OP_MAX_EXTENTS ||
	    start >= op.nr_extents || op.extent_order > FRAME_ORDER_MAX || !flags_ok(op.mem_flags)) {
		return (int64_t)start;
	}
	d = hypercall_domain(v, op.domid);
	if (d == NULL) {
		return (int64_t)start;
	}
	if (!policy_may_control(v->domain, d)) {
		ret = -XEN_EPERM;
	}
	while (ret == 0 && done < op.nr_extents) {
		uint64_t g;

		if (done != start && cpu_interrupt_pending()) {
			ret = -XEN_ERESTART;
			break;
		}
		ret = guest_copy_from(&g, op.extent_start.q + done * sizeof(g), sizeof(g));
		if (ret == 0 && !hypercall_gfn_range_ok(g, BIT64(op.extent_order))) {
			ret = -XEN_EINVAL;
		}
		if (ret == 0) {
			ret = step(d, g, op.extent_order);
		}
		if (ret == 0) {
			done++;
		}
	}
	domain_put(d);
	if (ret == -XEN_ERESTART) {
		hypercall_set_arg(v, 0, (args[0] & MEMORY_OP_MASK) | done << MEMORY_OP_SHIFT);
		return -XEN_ERESTART;
	}
	return (int64_t)done;
}

static int64_t op_increase_reservation(struct vcpu *v, const uint64_t args[5])
{
	return reservation(v, args, increase_step);
}

static int64_t op_decrease_reservation(struct vcpu *v, const uint64_t args[5])
{
	return reservation(v, args, decrease_step);
}

static int64_t op_populate_physmap(struct vcpu *v, const uint64_t args[5])
{
	return reservation(v, args, populate_step);
}

/* ---- figures
 * ------------------------------------------------------------------------------------ */

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
	int ret;

	if (args[0] >> MEMORY_OP_SHIFT != 0) {
		return -XEN_EINVAL;
	}
	ret = guest_copy_from(&op, args[1], sizeof(op));
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

/* Memory sharing between domains does not exist: none is shared, none saved. */
static int64_t op_sharing_pages(struct vcpu *v, const uint64_t args[5])
{
	return 0;
}

static const hypercall_t memory_ops[] = {
	HYPERCALL_OP(XENMEM_increase_reservation, op_increase_reservation),
	HYPERCALL_OP(XENMEM_decrease_reservation, op_decrease_reservation),
	HYPERCALL_OP(XENMEM_maximum_ram_page, op_maximum_ram_page),
	HYPERCALL_OP(XENMEM_current_reservation, op_current_reservation),
	HYPERCALL_OP(XENMEM_maximum_reservation, op_maximum_reservation),
	HYPERCALL_OP(XENMEM_populate_physmap, op_populate_physmap),
	HYPERCALL_OP(XENMEM_add_to_physmap, hc_add_to_physmap),
	HYPERCALL_OP(XENMEM_maximum_gpfn, op_maximum_gpfn),
	HYPERCALL_OP(XENMEM_remove_from_physmap, hc_remove_from_physmap),
	HYPERCALL_OP(XENMEM_get_sharing_freed_pages, op_sharing_pages),
	HYPERCALL_OP(XENMEM_get_sharing_shared_pages, op_sharing_pages),
	HYPERCALL_OP(XENMEM_add_to_physmap_batch, hc_add_to_physmap_batch),
};

int64_t hc_memory_op(struct vcpu *v, const uint64_t args[5])
{
	return hypercall_sub_op(memory_ops, ARRAY_SIZE(memory_ops), args[0] & MEMORY_OP_MASK, v,
				args);
}
