/* SPDX-License-Identifier: MIT */
/*
 * memory_op: giving RAM to a domain and taking it (XENMEM_populate_physmap, _increase_reservation, _decrease_reservation), in
 * extents of 2^order frames, and free memory that is set aside for it (XENMEM_claim_pages).
 *
 * The domain's lock orders all changes of what its frames are mapped at by itself, so that no
 * frame is given up twice.
 */
#include "hypercall/hypercall_internal.h"

#include "arm64/atomic.h"
#include "arm64/cpu.h"
#include "domain/domain_share.h"
#include "mm/mm.h"
#include "stage2/stage2.h"

/*
 * One extent, from page *done on. -XEN_ERESTART: *done says how far it has come; any other error ends the operation.
 */
typedef int (*extent_step_t)(struct domain *d, uint64_t g, unsigned int order, uint64_t *done);

/* Pages of a large extent between two looks for interrupts. */
#define PAGES_PER_STEP     32

/* As Xen's: what an unprivileged domain, the hardware domain and the toolstack's domain may ask for at once. */
#define MAX_ORDER_DOMU     9
#define MAX_ORDER_HARDWARE 10
#define MAX_ORDER_CONTROL  18

static unsigned int max_order(const struct domain *caller)
{
	if (caller->is_privileged) {
		return MAX_ORDER_CONTROL;
	}
	return caller->is_hardware ? MAX_ORDER_HARDWARE : MAX_ORDER_DOMU;
}

static void uncharge(struct domain *d, uint64_t nr)
{
	atomic_fetch_sub(&d->nr_pages, nr);
}

static int charge(struct domain *d, uint64_t nr)
{
	uint64_t limit = READ_ONCE(d->max_pages);
	uint64_t now = atomic_load_relaxed(&d->nr_pages);

	do {
		if (now >= limit || limit - now < nr) {
			return -XEN_ENOMEM;
		}
	} while (!atomic_compare_exchange(&d->nr_pages, &now, now + nr));
	return 0;
}

/*
 * A domain's claim is guarded by its stage-2 lock; the sum of all claims is the pool's. Allocations draw on the claim
 * first. What is allocated is the domain's from then on, mapped or not: until end_populate() it is not destroyed.
 */
static int begin_populate(struct domain *d, unsigned int order, uint64_t *drawn)
{
	int ret = -XEN_EINVAL;

	write_lock(&d->stage2.lock);
	if (READ_ONCE(d->state) != DOMAIN_DYING) {
		*drawn = MIN(d->claimed_pages, BIT64(order));
		d->claimed_pages -= *drawn;
		d->nr_populating++;
		ret = 0;
	}
	write_unlock(&d->stage2.lock);
	return ret;
}

/* What was drawn for nothing is claimed again. */
static void end_populate(struct domain *d, uint64_t undrawn)
{
	write_lock(&d->stage2.lock);
	d->claimed_pages += undrawn;
	d->nr_populating--;
	write_unlock(&d->stage2.lock);
}

/* Take one page of RAM out of the domain's physical map. A direct-mapped domain keeps the frame:
 * devices know it. */
static int take_page(struct domain *d, gfn_t g)
{
	enum stage2_type type;
	mfn_t m;
	int ret;

	spin_lock(&d->lock);
	ret = d->state == DOMAIN_DYING ? -XEN_EINVAL : stage2_lookup(d, g, &m, &type);
	if (ret == 0 && type != STAGE2_RAM) {
		ret = -XEN_EINVAL;
	}
	if (ret == 0) {
		ret = stage2_unmap(d, g, 1);
	}
	/* What others use still, by grant for instance, counts as the domain's until they have let go. Under the lock: not
	 * while domain_destroy() drops what the domain has. */
	if (ret == 0 && !d->direct_mapped && frame_give_up(m, d->id)) {
		uncharge(d, 1);
	}
	spin_unlock(&d->lock);
	return ret;
}

/* After page done of an extent: is it time to stop? */
static int look_for_interrupts(uint64_t done, uint64_t end)
{
	return done % PAGES_PER_STEP == 0 && done < end && cpu_interrupt_pending() ? -XEN_ERESTART
										   : 0;
}

static int decrease_step(struct domain *d, uint64_t g, unsigned int order, uint64_t *done)
{
	while (*done < BIT64(order)) {
		int ret = take_page(d, gfn(g + *done));

		if (ret == 0) {
			(*done)++;
			ret = look_for_interrupts(*done, BIT64(order));
		}
		if (ret < 0) {
			return ret;
		}
	}
	return 0;
}

static bool is_own_frame(struct domain *d, mfn_t m)
{
	const struct frame *frame = frame_of(m);
	bool own;

	if (frame == NULL || !frame_get(m, d->id)) {
		return false;
	}
	own = READ_ONCE(frame->state) == FRAME_GUEST;
	domain_put_frame(d, m);
	return own;
}

/* Another domain's page that is in the way: letting go of it takes long, so it is not left to stage2_map(). */
static int drop_foreign(struct domain *d, gfn_t g)
{
	enum stage2_type type;
	mfn_t m;
	int ret = 0;

	spin_lock(&d->lock);
	if (stage2_lookup(d, g, &m, &type) == 0 &&
	    (type == STAGE2_FOREIGN_RW || type == STAGE2_FOREIGN_RO)) {
		ret = stage2_unmap(d, g, 1);
	}
	spin_unlock(&d->lock);
	return ret;
}

static int map_direct(struct domain *d, uint64_t g, uint64_t nr)
{
	int ret;

	spin_lock(&d->lock);
	ret = d->state == DOMAIN_DYING ? -XEN_EINVAL : stage2_map(d, gfn(g), mfn(g), nr, STAGE2_RAM);
	spin_unlock(&d->lock);
	return ret;
}

/*
 * The frames of that number are the domain's already: put them back where they belong. All are, or none is mapped: they
 * are looked at, then what is there is cleared away, then they are mapped; *done counts all three.
 */
static int populate_direct(struct domain *d, uint64_t g, unsigned int order, uint64_t *done)
{
	const uint64_t nr = BIT64(order);
	int ret = 0;

	while (ret == 0 && *done < 3 * nr) {
		uint64_t at = g + *done % nr;
		uint64_t part = 1;

		if (*done < nr) {
			ret = is_own_frame(d, mfn(at)) ? 0 : -XEN_EINVAL;
		} else if (*done < 2 * nr) {
			ret = drop_foreign(d, gfn(at));
		} else {
			part = MIN(nr, BIT64(FRAME_ORDER_MAX));
			ret = map_direct(d, at, part);
		}
		if (ret == 0) {
			*done += part;
			ret = look_for_interrupts(*done, 3 * nr);
		}
	}
	return ret;
}

/* Frames that could not be mapped: none of them is. */
static void give_back(struct domain *d, mfn_t first, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		if (frame_give_up(mfn_add(first, i), d->id)) {
			uncharge(d, 1);
		}
	}
}

/* Mapped, or given back. */
static int map_allocated(struct domain *d, uint64_t g, mfn_t first, uint64_t nr)
{
	int ret;

	spin_lock(&d->lock);
	/* What is mapped before that is found by domain_destroy(). */
	ret = d->state == DOMAIN_DYING ? -XEN_EINVAL : stage2_map(d, gfn(g), first, nr, STAGE2_RAM);
	if (ret < 0) {
		give_back(d, first, nr);
	}
	spin_unlock(&d->lock);
	return ret;
}

static int populate_allocated(struct domain *d, uint64_t g, unsigned int order)
{
	uint64_t drawn;
	mfn_t first;
	int ret;

	/* The pool has no larger ones, so that none can be had: whoever asked goes on to smaller ones. */
	if (order > FRAME_ORDER_MAX) {
		return -XEN_ENOMEM;
	}
	/* Tables first: a domain that may have no more of them is told so before memory is looked for. */
	ret = stage2_prepare(d, gfn(g), BIT64(order));
	if (ret == 0) {
		ret = charge(d, BIT64(order));
	}
	if (ret < 0) {
		return ret;
	}
	ret = begin_populate(d, order, &drawn);
	if (ret < 0) {
		uncharge(d, BIT64(order));
		return ret;
	}
	ret = frame_pool_alloc_claimed(order, d->id, drawn, &first);
	if (ret < 0) {
		uncharge(d, BIT64(order));
		end_populate(d, drawn);
		return ret;
	}
	ret = map_allocated(d, g, first, BIT64(order));
	end_populate(d, 0);
	return ret;
}

static int populate_step(struct domain *d, uint64_t g, unsigned int order, uint64_t *done)
{
	return d->direct_mapped ? populate_direct(d, g, order, done)
				: populate_allocated(d, g, order);
}

/* Nothing can be had without an address: no extent is ever done. */
static int increase_step(struct domain *d, uint64_t g, unsigned int order, uint64_t *done)
{
	return -XEN_ENOMEM;
}

/* As Xen on a machine without NUMA: one node, which only the toolstack may name. */
static bool node_ok(const struct domain *caller, uint32_t flags)
{
	unsigned int node = XENMEMF_get_node(flags);

	if ((flags & XENMEMF_vnode) != 0 || node == 0xff) {
		return true;
	}
	return caller->is_privileged ? node == 0 : (flags & XENMEMF_exact_node_request) == 0;
}

/*
 * Are these flags ones that can be honoured? An address limit only where all RAM is below it: it matters where memory
 * is allocated, but one within a page is refused everywhere.
 */
static bool flags_ok(const struct domain *caller, const struct domain *d, uint32_t flags,
		     extent_step_t step)
{
	unsigned int bits = XENMEMF_get_address_bits(flags);
	bool below = bits == 0 || bits >= 64 || mfn_to_maddr(frame_pool_max_mfn()) < BIT64(bits);

	if (!node_ok(caller, flags) || (!below && bits <= PAGE_SHIFT)) {
		return false;
	}
	if (step != populate_step) {
		return true;
	}
	return (flags & XENMEMF_populate_on_demand) == 0 && (below || d->direct_mapped);
}

/*
 * How far an extent has come is too much for the command word. It is kept for the vCPU, for the very same extent of the
 * very same call: whoever asks for that is continuing.
 */
static uint64_t resume(struct vcpu *v, const struct memory_progress *now)
{
	struct memory_progress *before = &v->memory_progress;
	uint64_t done = before->done;

	if (done == 0 || before->cmd != now->cmd || before->arg != now->arg ||
	    before->g != now->g || before->order != now->order || before->domid != now->domid) {
		return 0;
	}
	before->done = 0;
	return done;
}

static int do_extent(struct vcpu *v, struct domain *d, struct memory_progress *progress,
		     extent_step_t step)
{
	int ret;

	progress->done = resume(v, progress);
	ret = step(d, progress->g, progress->order, &progress->done);
	if (ret == -XEN_ERESTART && progress->done != 0) {
		v->memory_progress = *progress;
	}
	return ret;
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
	struct memory_progress progress = {.arg = args[1]};
	struct xen_memory_reservation op;
	struct domain *d;
	int ret = 0;

	if (guest_copy_from(&op, args[1], sizeof(op)) < 0 ||
	    op.nr_extents > MEMORY_OP_MAX_EXTENTS || start >= op.nr_extents) {
		return (int64_t)start;
	}
	d = hypercall_domain(v, op.domid);
	if (d == NULL) {
		return (int64_t)start;
	}
	if (!policy_may_control(v->domain, d)) {
		ret = -XEN_EPERM;
	} else if (op.extent_order > max_order(v->domain) ||
		   !flags_ok(v->domain, d, op.mem_flags, step)) {
		ret = -XEN_EINVAL;
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
			progress.cmd = (args[0] & MEMORY_OP_MASK) | done << MEMORY_OP_SHIFT;
			progress.g = g;
			progress.order = op.extent_order;
			progress.domid = d->id;
			ret = do_extent(v, d, &progress, step);
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

int64_t hc_increase_reservation(struct vcpu *v, const uint64_t args[5])
{
	return reservation(v, args, increase_step);
}

int64_t hc_decrease_reservation(struct vcpu *v, const uint64_t args[5])
{
	return reservation(v, args, decrease_step);
}

int64_t hc_populate_physmap(struct vcpu *v, const uint64_t args[5])
{
	return reservation(v, args, populate_step);
}

/* ---- claims ------------------------------------------------------------------------------------------- */

/* The domain is to have nr pages in all: what it does not have yet is set aside. */
static int claim(struct domain *d, uint64_t nr)
{
	uint64_t now = READ_ONCE(d->nr_pages);
	int ret = 0;

	write_lock(&d->stage2.lock);
	if (READ_ONCE(d->state) == DOMAIN_DYING) {
		ret = -XEN_EINVAL; /* domain_destroy() has given back its claim, or is about to */
	} else if (nr == 0) {
		frame_pool_unclaim(d->claimed_pages);
		d->claimed_pages = 0;
	} else if (d->claimed_pages != 0 || nr <= now || nr > d->max_pages) {
		ret = -XEN_EINVAL;
	} else {
		ret = frame_pool_claim_free(nr - now);
		if (ret == 0) {
			d->claimed_pages = nr - now;
		}
	}
	write_unlock(&d->stage2.lock);
	return ret;
}

/*
 * Set aside free memory for a domain that is about to be built, so that nobody else is given it meanwhile: the caller
 * says how many pages the domain is to have in all. 0 takes the claim back.
 */
int64_t hc_claim_pages(struct vcpu *v, const uint64_t args[5])
{
	struct xen_memory_reservation op;
	struct domain *d;
	int64_t ret = hypercall_memory_arg(args, &op, sizeof(op));

	if (ret < 0) {
		return ret;
	}
	if (op.extent_start.q != 0 || op.extent_order != 0 || op.mem_flags != 0) {
		return -XEN_EINVAL;
	}
	/* An exact number: DOMID_SELF is none here. */
	d = domain_get(op.domid);
	if (d == NULL) {
		return -XEN_EINVAL;
	}
	ret = v->domain->is_privileged ? claim(d, op.nr_extents) : -XEN_EPERM;
	domain_put(d);
	return ret;
}
