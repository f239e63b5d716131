/* SPDX-License-Identifier: MIT */
/* memory_op of an ordinary domain. */
#include "bounded.h"

#include "guest_gic.h"

#define NR_BLOCKS 32
#define NR_PAGES  16384

xen_pfn_t *bounded_gfns;
xen_ulong_t *bounded_idxs;
int *bounded_errs;

static int64_t memory_op(uint64_t command, const void *argument)
{
	return hypercall2(__HYPERVISOR_memory_op, command, argument);
}

int64_t bounded_reserve(unsigned int command, uint64_t nr, unsigned int order)
{
	struct xen_memory_reservation op = {
		.nr_extents = nr,
		.extent_order = order,
		.domid = DOMID_SELF,
	};

	op.extent_start.q = (uintptr_t)bounded_gfns;
	return memory_op(command, &op);
}

/* nr extents one behind the other, from that frame on. */
static int64_t reserve_from(unsigned int command, xen_pfn_t first, unsigned int nr,
			    unsigned int order)
{
	for (unsigned int i = 0; i < nr; i++) {
		bounded_gfns[i] = first + ((xen_pfn_t)i << order);
	}
	return bounded_reserve(command, nr, order);
}

void bounded_memory(void)
{
	const xen_pfn_t first = bounded_spare_gfn();

	EXPECT_EQUAL(BOUNDED("memory.decrease_order9", "32 extents of 2 MiB",
			     reserve_from(XENMEM_decrease_reservation, first, NR_BLOCKS, 9)),
		     NR_BLOCKS);
	EXPECT_EQUAL(BOUNDED("memory.populate_order9", "32 extents of 2 MiB",
			     reserve_from(XENMEM_populate_physmap, first, NR_BLOCKS, 9)),
		     NR_BLOCKS);
	EXPECT_EQUAL(BOUNDED("memory.decrease_order0", "16384 pages",
			     reserve_from(XENMEM_decrease_reservation, first, NR_PAGES, 0)),
		     NR_PAGES);
	EXPECT_EQUAL(BOUNDED("memory.populate_order0", "16384 pages",
			     reserve_from(XENMEM_populate_physmap, first, NR_PAGES, 0)),
		     NR_PAGES);
	/* Room for others, over pages that are there: each of these goes one by one. */
	EXPECT_EQUAL(reserve_from(XENMEM_decrease_reservation, first, 8192, 0), 8192);
	EXPECT_EQUAL(BOUNDED("memory.populate_unaligned",
			     "4 extents of 2 MiB, one page off, over mapped ones",
			     reserve_from(XENMEM_populate_physmap, first + 8192 + 1, 4, 9)),
		     4);
	EXPECT_EQUAL(BOUNDED("memory.populate_over_pages",
			     "2 extents of 2 MiB over 1024 mapped pages",
			     reserve_from(XENMEM_populate_physmap, first + 12288, 2, 9)),
		     2);
	EXPECT_EQUAL(BOUNDED_SHORT("memory.increase", "refused",
				   reserve_from(XENMEM_increase_reservation, first, NR_PAGES, 0)),
		     0);
	EXPECT_EQUAL(BOUNDED_SHORT("memory.exchange", "refused",
				   memory_op(XENMEM_exchange, bounded_gfns)),
		     -XEN_ENOSYS);
}

void bounded_memory_without_tables(void)
{
	const xen_pfn_t nowhere = UINT64_C(1) << (34 - PAGE_SHIFT);
	unsigned int nr = 0;

	/* A page in each 2 MiB, until there may be no more tables. */
	do {
		bounded_gfns[0] = nowhere + 512 * nr;
	} while (bounded_reserve(XENMEM_populate_physmap, 1, 0) == 1 && ++nr < 4096);
	EXPECT(nr > 256 && nr < 4096);
	bounded_gfns[0] = nowhere + 512 * nr - 8;
	EXPECT_EQUAL(BOUNDED_SHORT("memory.populate_refused",
				   "1 extent of 2 MiB, for half of which there is no table",
				   bounded_reserve(XENMEM_populate_physmap, 1, 9)),
		     0);
}

/* ---- the physical map -------------------------------------------------------------------------------- */

int64_t bounded_physmap_batch(unsigned int space, unsigned int nr, domid_t foreign_domid)
{
	struct xen_add_to_physmap_batch op = {
		.domid = DOMID_SELF,
		.space = (uint16_t)space,
		.size = (uint16_t)nr,
	};

	op.u.foreign_domid = foreign_domid;
	op.idxs.q = (uintptr_t)bounded_idxs;
	op.gpfns.q = (uintptr_t)bounded_gfns;
	op.errs.q = (uintptr_t)bounded_errs;
	memset(bounded_errs, 0xff, nr * sizeof(bounded_errs[0]));
	return memory_op(XENMEM_add_to_physmap_batch, &op);
}

unsigned int bounded_batch_failures(unsigned int nr)
{
	unsigned int failures = 0;

	for (unsigned int i = 0; i < nr; i++) {
		failures += bounded_errs[i] != 0;
	}
	return failures;
}

int64_t bounded_grant_index(unsigned int idx, xen_pfn_t at)
{
	struct xen_add_to_physmap op = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.idx = idx,
		.gpfn = at,
	};

	return memory_op(XENMEM_add_to_physmap, &op);
}

static int64_t remove_page(xen_pfn_t at)
{
	struct xen_remove_from_physmap op = {.domid = DOMID_SELF, .gpfn = at};

	return memory_op(XENMEM_remove_from_physmap, &op);
}

void bounded_physmap(void)
{
	const xen_pfn_t at = (machine.ram_start + 24 * MIB) >> PAGE_SHIFT;

	/* The first of all: the table has one frame. */
	EXPECT_EQUAL(BOUNDED("physmap.add_grant_table", "index 63: the table grows by 63 frames",
			     bounded_grant_index(63, at)),
		     0);
	EXPECT_EQUAL(BOUNDED_SHORT("physmap.remove", "a page of a block of 2 MiB",
				   remove_page(at + 512)),
		     0);
	/* A frame that has been replaced is mapped nowhere, and may be mapped again: all to one place, each in turn. */
	for (unsigned int i = 0; i < BOUNDED_MAX_BATCH; i++) {
		bounded_idxs[i] = 1 + i % 62;
		bounded_gfns[i] = at + 1;
	}
	EXPECT_EQUAL(BOUNDED("physmap.batch_grant_table", "65535 entries",
			     bounded_physmap_batch(XENMAPSPACE_grant_table, BOUNDED_MAX_BATCH, 0)),
		     0);
	EXPECT_EQUAL(bounded_batch_failures(BOUNDED_MAX_BATCH), 0);
	/* Gone, so that the guests' library finds the table unmapped. */
	EXPECT_EQUAL(remove_page(at) | remove_page(at + 1), 0);
	EXPECT_EQUAL(BOUNDED("physmap.batch_foreign_refused", "65535 entries, each refused",
			     bounded_physmap_batch(XENMAPSPACE_gmfn_foreign, BOUNDED_MAX_BATCH, 2)),
		     0);
	EXPECT_EQUAL(bounded_batch_failures(BOUNDED_MAX_BATCH), BOUNDED_MAX_BATCH);
}
