/* SPDX-License-Identifier: MIT */
/*
 * Grants of a domain to itself, by its own number: the work is the same as between two, with no switch in between.
 */
#include "bench.h"

#define OWN_DOMID 1
#define GREF      9

static uint8_t table_page[4096] __aligned(4096);
static uint8_t granted_page[4096] __aligned(4096);
static uint8_t other_page[4096] __aligned(4096);
static uint8_t hole_page[4096] __aligned(4096);

static struct gnttab_map_grant_ref map;
static struct gnttab_unmap_grant_ref unmap;
static struct gnttab_copy copy;
static struct gnttab_query_size query;

#define GRANT_OP(command, argument)                                         \
	register uint64_t x0 __asm__("x0") = (command);                     \
	register uint64_t x1 __asm__("x1") = (uintptr_t)(argument);         \
	register uint64_t x2 __asm__("x2") = 1;                             \
	register uint64_t x16 __asm__("x16") = __HYPERVISOR_grant_table_op; \
	__asm__ volatile("hvc #0xea1"                                       \
			 : "+r"(x0), "+r"(x1), "+r"(x2)                     \
			 : "r"(x16)                                         \
			 : "x3", "x4", "memory")

static void map_once(void)
{
	GRANT_OP(GNTTABOP_map_grant_ref, &map);
	unmap.handle = map.handle;
}

static void unmap_once(void)
{
	GRANT_OP(GNTTABOP_unmap_grant_ref, &unmap);
}

static uint64_t loop_map_unmap(uint64_t nr, const struct bench_context *context)
{
	while (nr-- != 0) {
		map_once();
		unmap_once();
	}
	return 0;
}

static uint64_t loop_copy(uint64_t nr, const struct bench_context *context)
{
	while (nr-- != 0) {
		GRANT_OP(GNTTABOP_copy, &copy);
	}
	return 0;
}

static uint64_t loop_query(uint64_t nr, const struct bench_context *context)
{
	while (nr-- != 0) {
		GRANT_OP(GNTTABOP_query_size, &query);
	}
	return 0;
}

/* The table over a page of this guest's, once. */
static bool table(struct grant_entry_v1 **entries)
{
	static bool done;
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.gpfn = (uintptr_t)table_page >> PAGE_SHIFT,
	};

	if (!done && hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add) != 0) {
		return false;
	}
	done = true;
	*entries = (struct grant_entry_v1 *)table_page;
	return true;
}

void bench_grants(void)
{
	struct grant_entry_v1 *entries;

	query = (struct gnttab_query_size){.dom = DOMID_SELF};
	bench_measure("grant.query_size", loop_query, 1000, NULL, false);
	REQUIRE_EQUAL(query.status, GNTST_okay);
	REQUIRE(table(&entries));
	entries[GREF].domid = OWN_DOMID;
	entries[GREF].frame = (uint32_t)((uintptr_t)granted_page >> PAGE_SHIFT);
	dsb_sy();
	WRITE_ONCE(entries[GREF].flags, GTF_permit_access);
	dsb_sy();

	map = (struct gnttab_map_grant_ref){
		.host_addr = (uintptr_t)hole_page,
		.flags = GNTMAP_host_map,
		.ref = GREF,
		.dom = OWN_DOMID,
	};
	unmap = (struct gnttab_unmap_grant_ref){.host_addr = (uintptr_t)hole_page};
	bench_measure("grant.map_unmap", loop_map_unmap, 1000, NULL, false);
	EXPECT_EQUAL(map.status, GNTST_okay);
	EXPECT_EQUAL(unmap.status, GNTST_okay);

	copy = (struct gnttab_copy){
		.source.u.ref = GREF,
		.source.domid = OWN_DOMID,
		.dest.u.gmfn = (uintptr_t)other_page >> PAGE_SHIFT,
		.dest.domid = DOMID_SELF,
		.len = 64,
		.flags = GNTCOPY_source_gref,
	};
	bench_measure("grant.copy_64", loop_copy, 1000, NULL, false);
	EXPECT_EQUAL(copy.status, GNTST_okay);
	copy.len = 4096;
	bench_measure("grant.copy_4096", loop_copy, 1000, NULL, false);
	EXPECT_EQUAL(copy.status, GNTST_okay);
}
