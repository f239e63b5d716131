/* SPDX-License-Identifier: MIT */
/* What test guests of grants share: guest_grant.h. */
#include "guest_grant.h"

static uint8_t table_pages[GRANT_MAX_TEST_FRAMES][4096] __aligned(4096);
static struct grant_entry_v1 *table;

struct grant_entry_v1 *grant_table(void)
{
	for (unsigned int i = 0; table == NULL && i < GRANT_MAX_TEST_FRAMES; i++) {
		struct xen_add_to_physmap add = {
			.domid = DOMID_SELF,
			.space = XENMAPSPACE_grant_table,
			.idx = i,
			.gpfn = frame_of_page(table_pages[i]),
		};

		if (hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add) != 0) {
			return NULL;
		}
	}
	table = (struct grant_entry_v1 *)table_pages[0];
	return table;
}

int64_t grant_op(unsigned int command, void *argument, unsigned int count)
{
	return hypercall(__HYPERVISOR_grant_table_op, command, (uintptr_t)argument, count, 0, 0);
}

void grant_permit(grant_ref_t ref, domid_t to, uint64_t frame, uint16_t flags)
{
	WRITE_ONCE(table[ref].flags, 0);
	dsb_ish();
	WRITE_ONCE(table[ref].domid, to);
	WRITE_ONCE(table[ref].frame, (uint32_t)frame);
	dsb_ish(); /* the frame and the domain before what permits them */
	WRITE_ONCE(table[ref].flags, GTF_permit_access | flags);
	dsb_ish();
}

bool grant_revoke(grant_ref_t ref)
{
	uint16_t flags = READ_ONCE(table[ref].flags);

	do {
		if ((flags & (GTF_reading | GTF_writing)) != 0) {
			return false;
		}
	} while (!__atomic_compare_exchange_n(&table[ref].flags, &flags, 0, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return true;
}

uint16_t grant_flags(grant_ref_t ref)
{
	return READ_ONCE(table[ref].flags);
}

int grant_map(domid_t dom, grant_ref_t ref, const void *at, uint32_t flags, grant_handle_t *handle)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = (uintptr_t)at,
		.flags = GNTMAP_host_map | flags,
		.ref = ref,
		.dom = dom,
		.status = 77,
	};

	if (grant_op(GNTTABOP_map_grant_ref, &op, 1) != 0) {
		return GRANT_CALL_FAILED;
	}
	*handle = op.handle;
	return op.status;
}

int grant_unmap(grant_handle_t handle, const void *at)
{
	struct gnttab_unmap_grant_ref op = {
		.host_addr = (uintptr_t)at,
		.handle = handle,
		.status = 77,
	};

	if (grant_op(GNTTABOP_unmap_grant_ref, &op, 1) != 0) {
		return GRANT_CALL_FAILED;
	}
	return op.status;
}

static struct gnttab_copy_ptr pointer(struct grant_end end)
{
	struct gnttab_copy_ptr ptr = {.domid = end.dom, .offset = (uint16_t)end.offset};

	if (end.by_ref) {
		ptr.u.ref = (grant_ref_t)end.ref_or_frame;
	} else {
		ptr.u.gmfn = end.ref_or_frame;
	}
	return ptr;
}

int grant_copy(struct grant_end from, struct grant_end to, unsigned int size)
{
	struct gnttab_copy op = {
		.source = pointer(from),
		.dest = pointer(to),
		.len = (uint16_t)size,
		.flags = (uint16_t)((from.by_ref ? GNTCOPY_source_gref : 0) |
				    (to.by_ref ? GNTCOPY_dest_gref : 0)),
		.status = 77,
	};

	return grant_op(GNTTABOP_copy, &op, 1) == 0 ? op.status : GRANT_CALL_FAILED;
}
