/* SPDX-License-Identifier: MIT */
/*
 * What the handlers share.
 *
 * A table line names the operation as Xen's headers do, so that tools/check-abi.sh can compare
 * the tables with docs/abi.md: HYPERCALL(memory_op, ...) and
 * HYPERCALL_OP(XENMEM_populate_physmap, ...).
 */
#pragma once

#include "abi/xen.h"
#include "domain/domain.h"
#include "domain/policy.h"
#include "hypercall/hypercall.h"

#define HYPERCALL(call, hc, args) \
	[__HYPERVISOR_##call] = {.handler = (hc), .nr_args = (args), .name = #call}

/* One line of a table of sub-operations, which is indexed by their numbers. */
#define HYPERCALL_OP(op, hc) [op] = (hc)

/* Pass on to the sub-operation's handler, args unchanged (args[0] is the number); -XEN_ENOSYS
 * without one. */
static inline int64_t hypercall_sub_op(const hypercall_t *table, size_t size, uint64_t op,
				       struct vcpu *v, const uint64_t args[5])
{
	if (op >= size || table[op] == NULL) {
		return -XEN_ENOSYS;
	}
	return table[op](v, args);
}

/* By number, with a reference; DOMID_SELF is the caller. NULL: -XEN_ESRCH. */
static inline struct domain *hypercall_domain(const struct vcpu *v, uint16_t domid)
{
	return domain_get(domid == DOMID_SELF ? v->domain->id : domid);
}

/* The call as if by HVC, for multicall. */
int64_t hypercall_call(struct vcpu *v, uint64_t number, const uint64_t args[5]);
/* Until called with NULL, hypercall_set_arg() writes to args, those of a multicall's entry, and
 * not to registers. */
void hypercall_redirect_args(uint64_t *args);
bool hypercall_in_multicall(void);

int64_t hc_console_io(struct vcpu *v, const uint64_t args[5]);
int64_t hc_domctl(struct vcpu *v, const uint64_t args[5]);
int64_t hc_event_channel_op(struct vcpu *v, const uint64_t args[5]);
int64_t hc_grant_table_op(struct vcpu *v, const uint64_t args[5]);
int64_t hc_hvm_op(struct vcpu *v, const uint64_t args[5]);
int64_t hc_memory_op(struct vcpu *v, const uint64_t args[5]);
int64_t hc_multicall(struct vcpu *v, const uint64_t args[5]);
int64_t hc_physdev_op(struct vcpu *v, const uint64_t args[5]);
int64_t hc_platform_op(struct vcpu *v, const uint64_t args[5]);
int64_t hc_sched_op(struct vcpu *v, const uint64_t args[5]);
int64_t hc_sysctl(struct vcpu *v, const uint64_t args[5]);
int64_t hc_vcpu_op(struct vcpu *v, const uint64_t args[5]);
int64_t hc_vm_assist(struct vcpu *v, const uint64_t args[5]);
int64_t hc_xen_version(struct vcpu *v, const uint64_t args[5]);

/* memory_op's other files: RAM given and taken (hc_reservation.c), */
int64_t hc_increase_reservation(struct vcpu *v, const uint64_t args[5]);
int64_t hc_decrease_reservation(struct vcpu *v, const uint64_t args[5]);
int64_t hc_populate_physmap(struct vcpu *v, const uint64_t args[5]);
int64_t hc_claim_pages(struct vcpu *v, const uint64_t args[5]);
/* the guest's physical map (hc_physmap.c), */
int64_t hc_add_to_physmap(struct vcpu *v, const uint64_t args[5]);
int64_t hc_add_to_physmap_batch(struct vcpu *v, const uint64_t args[5]);
int64_t hc_remove_from_physmap(struct vcpu *v, const uint64_t args[5]);
/* resources of another domain (hc_resource.c). */
int64_t hc_acquire_resource(struct vcpu *v, const uint64_t args[5]);

/* grant_table_op's operations on lists (hc_grant_list.c), and its command word: from bit 12 up, what a continued
 * cache_flush has come to. */
int64_t hc_grant_map(struct vcpu *v, const uint64_t args[5]);
int64_t hc_grant_unmap(struct vcpu *v, const uint64_t args[5]);
int64_t hc_grant_unmap_and_replace(struct vcpu *v, const uint64_t args[5]);
int64_t hc_grant_copy(struct vcpu *v, const uint64_t args[5]);
int64_t hc_grant_swap(struct vcpu *v, const uint64_t args[5]);
int64_t hc_grant_cache_flush(struct vcpu *v, const uint64_t args[5]);
#define GRANT_OP_MASK         0xfffu

/* memory_op's command word: operation and, from bit 6, how far a continued call has come. */
#define MEMORY_OP_MASK        0x3fu
#define MEMORY_OP_SHIFT       6
#define MEMORY_OP_MAX_EXTENTS (UINT32_MAX >> MEMORY_OP_SHIFT)
/* Copy in the argument of an operation that is never continued: -XEN_EINVAL for a command that pretends to be. */
int __must_check hypercall_memory_arg(const uint64_t args[5], void *op, size_t size);

/* [g, g + nr) lies below the end of the stage-2 input space: checked before any shift into an
 * address. */
bool hypercall_gfn_range_ok(uint64_t g, uint64_t nr);
