/* SPDX-License-Identifier: MIT */
/* grant_table_op: lists, with this domain's grants to itself. */
#include "bounded.h"

#include "guest_gic.h"
#include "guest_event.h"
#include "guest_grant.h"

#define NR_MAPS   2048
#define NR_OTHERS 4096
#define FIRST_REF 9

static struct gnttab_map_grant_ref *maps;
static struct gnttab_unmap_grant_ref *unmaps;
static struct gnttab_unmap_and_replace *replaces;
static struct gnttab_copy *copies;
static struct gnttab_cache_flush *flushes;
static struct gnttab_swap_grant_ref *swaps;
static uint8_t granted[4096] __aligned(4096);
static uint8_t other[4096] __aligned(4096);
static uint64_t frames[64];

int64_t bounded_setup_table(unsigned int nr)
{
	struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = nr};
	int64_t ret;

	op.frame_list.q = (uintptr_t)frames;
	ret = grant_op(GNTTABOP_setup_table, &op, 1);
	return ret < 0 ? ret : op.status;
}

static void make_lists(void)
{
	domid_t own = event_own_domid();

	maps = bounded_room(NR_MAPS * sizeof(*maps));
	unmaps = bounded_room(NR_MAPS * sizeof(*unmaps));
	replaces = bounded_room(NR_MAPS * sizeof(*replaces));
	copies = bounded_room(NR_OTHERS * sizeof(*copies));
	flushes = bounded_room(NR_OTHERS * sizeof(*flushes));
	swaps = bounded_room(NR_OTHERS * sizeof(*swaps));
	for (unsigned int i = 0; i < NR_MAPS; i++) {
		grant_permit(FIRST_REF + i, own, frame_of_page(granted), 0);
		maps[i] = (struct gnttab_map_grant_ref){
			.host_addr = (bounded_spare_gfn() + i) << PAGE_SHIFT,
			.flags = GNTMAP_host_map,
			.ref = FIRST_REF + i,
			.dom = own,
		};
	}
	for (unsigned int i = 0; i < NR_OTHERS; i++) {
		copies[i] = (struct gnttab_copy){
			.source.u.ref = FIRST_REF + i % NR_MAPS,
			.source.domid = own,
			.dest.u.gmfn = frame_of_page(other),
			.dest.domid = DOMID_SELF,
			.len = 4096,
			.flags = GNTCOPY_source_gref,
		};
		flushes[i].length = 4096;
		flushes[i].op = GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL;
		swaps[i] = (struct gnttab_swap_grant_ref){
			.ref_a = FIRST_REF + i % NR_MAPS,
			.ref_b = FIRST_REF + (i + 1) % NR_MAPS,
		};
	}
}

/* Entries of a list that did not succeed. */
#define FAILURES(list, nr)                                            \
	({                                                            \
		unsigned int failures_ = 0;                           \
		for (unsigned int i_ = 0; i_ < (nr); i_++) {          \
			failures_ += (list)[i_].status != GNTST_okay; \
		}                                                     \
		failures_;                                            \
	})

static void note_handles(void)
{
	for (unsigned int i = 0; i < NR_MAPS; i++) {
		unmaps[i] = (struct gnttab_unmap_grant_ref){.host_addr = maps[i].host_addr,
							    .handle = maps[i].handle,
							    .status = 77};
		replaces[i] = (struct gnttab_unmap_and_replace){.host_addr = maps[i].host_addr,
								.handle = maps[i].handle,
								.status = 77};
		maps[i].status = 77;
	}
}

static void maps_and_unmaps(void)
{
	EXPECT_EQUAL(BOUNDED("grant.map", "2048 mappings",
			     grant_op(GNTTABOP_map_grant_ref, maps, NR_MAPS)),
		     0);
	EXPECT_EQUAL(FAILURES(maps, NR_MAPS), 0);
	note_handles();
	/* By machine address, which the mapping tells. */
	for (unsigned int i = 0; i < NR_OTHERS; i++) {
		flushes[i].a.dev_bus_addr = maps[0].dev_bus_addr;
	}
	EXPECT_EQUAL(BOUNDED("grant.cache_flush", "4096 whole pages",
			     grant_op(GNTTABOP_cache_flush, flushes, NR_OTHERS)),
		     0);
	EXPECT_EQUAL(BOUNDED("grant.unmap", "2048 mappings",
			     grant_op(GNTTABOP_unmap_grant_ref, unmaps, NR_MAPS)),
		     0);
	EXPECT_EQUAL(FAILURES(unmaps, NR_MAPS), 0);
	EXPECT_EQUAL(grant_op(GNTTABOP_map_grant_ref, maps, NR_MAPS), 0);
	note_handles();
	EXPECT_EQUAL(BOUNDED("grant.unmap_and_replace", "2048 mappings, by nothing",
			     grant_op(GNTTABOP_unmap_and_replace, replaces, NR_MAPS)),
		     0);
	EXPECT_EQUAL(FAILURES(replaces, NR_MAPS), 0);
}

void bounded_grants(void)
{
	EXPECT_EQUAL(BOUNDED_SHORT("grant.setup_table", "64 frames, which are there",
				   bounded_setup_table(64)),
		     0);
	REQUIRE(grant_table() != NULL);
	make_lists();
	maps_and_unmaps();
	EXPECT_EQUAL(BOUNDED("grant.copy", "4096 whole pages",
			     grant_op(GNTTABOP_copy, copies, NR_OTHERS)),
		     0);
	EXPECT_EQUAL(FAILURES(copies, NR_OTHERS), 0);
	EXPECT_EQUAL(BOUNDED("grant.swap", "4096 pairs",
			     grant_op(GNTTABOP_swap_grant_ref, swaps, NR_OTHERS)),
		     0);
	EXPECT_EQUAL(FAILURES(swaps, NR_OTHERS), 0);
	/* Left for the multicall. */
	for (unsigned int i = 0; i < NR_OTHERS; i++) {
		copies[i].status = 77;
	}
	EXPECT_EQUAL(BOUNDED("multicall.grant_copy", "256 lists of 16 whole pages", ({
				     static struct multicall_entry calls[256];

				     for (unsigned int i = 0; i < 256; i++) {
					     calls[i].op = __HYPERVISOR_grant_table_op;
					     calls[i].args[0] = GNTTABOP_copy;
					     calls[i].args[1] = (uintptr_t)&copies[16 * i];
					     calls[i].args[2] = 16;
				     }
				     hypercall(__HYPERVISOR_multicall, (uintptr_t)calls, 256, 0, 0,
					       0);
			     })),
		     0);
	EXPECT_EQUAL(FAILURES(copies, NR_OTHERS), 0);
}
