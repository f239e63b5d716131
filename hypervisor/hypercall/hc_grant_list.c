/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op's operations that take a list (public/grant_table.h): each entry is read, done, and its status written
 * before the next is looked at. What goes wrong with one is in its status; the call itself fails only when the list cannot be
 * read or written, or, for cache_flush, which has no status.
 *
 * Between entries an interrupt ends the call, which is continued with what is left of the list: address and count are
 * advanced (xen-abi-arm, "Preemption").
 */
#include "hypercall/hypercall_internal.h"

#include "arm64/cpu.h"
#include "grant/grant.h"

/* The list from address at on, of which nr_left entries are to be done. */
static int64_t continue_at(struct vcpu *v, uint64_t at, uint32_t nr_left)
{
	hypercall_set_arg(v, 1, at);
	hypercall_set_arg(v, 2, nr_left);
	return -XEN_ERESTART;
}

/* One entry, at a guest address. -XEN_ERESTART: nothing is done, it is to be begun again. */
typedef int (*grant_step_t)(struct domain *d, uint64_t at);

static inline int64_t for_each(struct vcpu *v, const uint64_t args[5], size_t size,
			       grant_step_t step)
{
	uint64_t at = args[1];

	for (uint32_t nr_left = (uint32_t)args[2]; nr_left != 0; at += size) {
		int ret = step(v->domain, at);

		if (unlikely(ret != 0)) {
			return ret == -XEN_ERESTART ? continue_at(v, at, nr_left) : ret;
		}
		nr_left--;
		if (unlikely(nr_left != 0) && cpu_interrupt_pending()) {
			return continue_at(v, at + size, nr_left);
		}
	}
	return 0;
}

/* ---- map -------------------------------------------------------------------------------------------- */

/* The results are the last words of the request. */
#define MAP_RESULTS offsetof(struct gnttab_map_grant_ref, dom)
_Static_assert(sizeof(struct gnttab_map_grant_ref) == 32 && MAP_RESULTS == 16,
	       "public/grant_table.h");

static int step_map(struct domain *d, uint64_t at)
{
	struct gnttab_map_grant_ref op;
	int ret = guest_copy_from(&op, at, sizeof(op));

	if (ret == 0) {
		ret = grant_map(d, &op);
	}
	if (ret == 0) {
		ret = guest_copy_to(at + MAP_RESULTS, (const char *)&op + MAP_RESULTS,
				    sizeof(op) - MAP_RESULTS);
		if (ret < 0) {
			grant_map_undo(d, &op);
		}
	}
	return ret;
}

int64_t hc_grant_map(struct vcpu *v, const uint64_t args[5])
{
	return for_each(v, args, sizeof(struct gnttab_map_grant_ref), step_map);
}

/* ---- unmap ------------------------------------------------------------------------------------------ */

static int step_unmap(struct domain *d, uint64_t at)
{
	struct gnttab_unmap_grant_ref op;
	int ret = guest_copy_from(&op, at, sizeof(op));

	if (ret < 0) {
		return ret;
	}
	/* dev_bus_addr is for mappings of devices, of which there are none. */
	op.status = grant_unmap(d, op.handle, op.host_addr, 0);
	return guest_copy_to(at + offsetof(struct gnttab_unmap_grant_ref, status), &op.status,
			     sizeof(op.status));
}

int64_t hc_grant_unmap(struct vcpu *v, const uint64_t args[5])
{
	return for_each(v, args, sizeof(struct gnttab_unmap_grant_ref), step_unmap);
}

static int step_unmap_and_replace(struct domain *d, uint64_t at)
{
	struct gnttab_unmap_and_replace op;
	int ret = guest_copy_from(&op, at, sizeof(op));

	if (ret < 0) {
		return ret;
	}
	op.status = grant_unmap(d, op.handle, op.host_addr, op.new_addr);
	return guest_copy_to(at + offsetof(struct gnttab_unmap_and_replace, status), &op.status,
			     sizeof(op.status));
}

int64_t hc_grant_unmap_and_replace(struct vcpu *v, const uint64_t args[5])
{
	return for_each(v, args, sizeof(struct gnttab_unmap_and_replace), step_unmap_and_replace);
}

/* ---- copy, swap ------------------------------------------------------------------------------------- */

static int step_copy(struct domain *d, uint64_t at)
{
	struct gnttab_copy op;
	int ret = guest_copy_from(&op, at, sizeof(op));

	if (ret < 0) {
		return ret;
	}
	op.status = grant_copy(d, &op);
	return guest_copy_to(at + offsetof(struct gnttab_copy, status), &op.status,
			     sizeof(op.status));
}

int64_t hc_grant_copy(struct vcpu *v, const uint64_t args[5])
{
	return for_each(v, args, sizeof(struct gnttab_copy), step_copy);
}

static int step_swap(struct domain *d, uint64_t at)
{
	struct gnttab_swap_grant_ref op;
	int ret = guest_copy_from(&op, at, sizeof(op));

	if (ret < 0) {
		return ret;
	}
	op.status = grant_swap(d, op.ref_a, op.ref_b);
	return guest_copy_to(at + offsetof(struct gnttab_swap_grant_ref, status), &op.status,
			     sizeof(op.status));
}

int64_t hc_grant_swap(struct vcpu *v, const uint64_t args[5])
{
	return for_each(v, args, sizeof(struct gnttab_swap_grant_ref), step_swap);
}

/* ---- cache_flush ------------------------------------------------------------------------------------ */

/* ref is what a continued call has come to; it belongs to the first entry of the list. */
static int cache_flush(struct domain *d, const struct gnttab_cache_flush *op, uint32_t *ref)
{
	if (op->offset >= PAGE_SIZE || op->length > PAGE_SIZE ||
	    op->offset + op->length > (unsigned int)PAGE_SIZE ||
	    (op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL)) != 0) {
		return -XEN_EINVAL;
	}
	/* Linux's probe: does the operation exist? */
	if (op->length == 0 || op->op == 0) {
		return *ref == 0 ? 0 : -XEN_EILSEQ;
	}
	return grant_cache_flush(d, ALIGN_DOWN(op->a.dev_bus_addr, PAGE_SIZE) + op->offset,
				 op->length, (op->op & GNTTAB_CACHE_INVAL) != 0, ref);
}

int64_t hc_grant_cache_flush(struct vcpu *v, const uint64_t args[5])
{
	uint32_t ref = (uint32_t)args[0] & ~GRANT_OP_MASK;
	uint32_t count = (uint32_t)args[2];
	uint64_t at = args[1];
	uint32_t i = 0;

	while (i < count) {
		struct gnttab_cache_flush op;
		int ret = guest_copy_from(&op, at, sizeof(op));

		if (ret == 0) {
			ret = cache_flush(v->domain, &op, &ref);
		}
		if (ret == 0) {
			ref = 0;
			at += sizeof(op);
			i++;
		} else if (ret != -XEN_ERESTART) {
			return ret;
		}
		if (i < count && cpu_interrupt_pending()) {
			hypercall_set_arg(v, 0, GNTTABOP_cache_flush | ref);
			return continue_at(v, at, count - i);
		}
	}
	return 0;
}
