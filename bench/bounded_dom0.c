/* SPDX-License-Identifier: MIT */
/*
 * What only the hardware domain and toolstack may do: larger extents, all ports of the FIFO ABI, devices, and the whole RAM of another
 * domain ("target"), which changes its caches' state, and is destroyed, while it is mapped. And the domain that K stops
 * ("victim").
 */
#include "bounded.h"

#include "guest_event.h"
#include "guest_gic.h"
#include "guest_grant.h"
#include "guest_mmu.h"

#define TARGET     1
#define TARGET_GFN (UINT64_C(0x40000000) >> PAGE_SHIFT)
/* In the target, a page that is its own until dom0 writes to it. */
#define BOARD_GFN  (TARGET_GFN + (8 * MIB >> PAGE_SHIFT))
#define RTC_GFN    (UINT64_C(0x9010000) >> PAGE_SHIFT) /* of QEMU's machine */
#define MAX_ORDER  18
#define HOLE_PAGES 65536
#define NR_ARRAY   128

struct board {
	uint64_t go, done;
};

/* ---- the domain that is mapped ------------------------------------------------------------------------ */

void bounded_target(void)
{
	volatile struct board *board = (volatile struct board *)(uintptr_t)(BOARD_GFN << PAGE_SHIFT);

	board->go = 0;
	board->done = 0;
	dsb_sy();
	print("TARGET ready\n");
	REQUIRE(WAIT_UNTIL(board->go != 0, 60000), "dom0 says nothing");
	bounded_caches("_mapped");
	dsb_sy();
	board->done = 1;
	dsb_sy();
	for (;;) {
		wfi();
	}
}

/* ---- the domain that is stopped ------------------------------------------------------------------------ */

void bounded_victim(void)
{
	const xen_pfn_t first = bounded_spare_gfn();

	REQUIRE(xen_shared_info() != NULL && xen_vcpu_info(0) != NULL);
	REQUIRE_EQUAL(bounded_setup_table(64), 0);
	REQUIRE_EQUAL(bounded_grant_index(63, first + 100), 0);
	REQUIRE(grant_table() != NULL);
	for (unsigned int i = 0; i < 65536; i++) {
		grant_handle_t handle;
		uintptr_t at = (first + 1024 + i % 4096) << PAGE_SHIFT;

		if (i < 4096) {
			grant_permit(9 + i, event_own_domid(), first + 8192, 0);
		}
		REQUIRE_EQUAL(grant_map(event_own_domid(), 9 + i % 4096, (void *)at, 0, &handle),
			      GNTST_okay);
	}
	/* RAM in single pages. */
	for (unsigned int i = 0; i < 8192; i++) {
		bounded_gfns[i] = first + 16384 + i;
	}
	REQUIRE_EQUAL(bounded_reserve(XENMEM_decrease_reservation, 8192, 0), 8192);
	REQUIRE_EQUAL(bounded_reserve(XENMEM_populate_physmap, 8192, 0), 8192);
	REQUIRE(bounded_init_control() == 0 && bounded_expand() == 0);
	REQUIRE_EQUAL(bounded_take_all_ports(), 1023);
	print("VICTIM ready\n");
	for (;;) {
		wfi();
	}
}

/* ---- dom0 ------------------------------------------------------------------------------------------------ */

static void ports_of_dom0(void)
{
	REQUIRE_EQUAL(bounded_init_control(), 0);
	for (unsigned int i = 1; i < NR_ARRAY; i++) {
		REQUIRE_EQUAL(bounded_expand(), 0);
	}
	EXPECT_EQUAL(BOUNDED_SHORT("event.expand_array_last", "the 128th page", bounded_expand()),
		     0);
	EXPECT_EQUAL(bounded_take_all_ports(), NR_ARRAY * 1024 - 1);
	/* One port of each 256 is free again, and linked. */
	for (uint32_t port = 255; port < NR_ARRAY * 1024; port += 256) {
		EXPECT_EQUAL(event_close(port), 0);
		bounded_link_word(port);
	}
	EXPECT_EQUAL(BOUNDED_SHORT("event.bind_ipi_sparse",
				   "512 free ports, each beside 255 used ones, all of them linked: refused",
				   event_bind_ipi(0)),
		     0);
	EXPECT_EQUAL(BOUNDED("event.reset_fifo_all", "131071 ports", event_reset()), 0);
	EXPECT_EQUAL(event_state(NR_ARRAY * 1024 - 1), EVTCHNSTAT_closed);
	/* Ports that are free, and linked: none of them can be taken. */
	REQUIRE_EQUAL(bounded_init_control(), 0);
	for (unsigned int i = 0; i < 8; i++) {
		REQUIRE_EQUAL(bounded_expand(), 0);
	}
	for (uint32_t port = 1; port < 8 * 1024; port++) {
		bounded_link_word(port);
	}
	EXPECT_EQUAL(BOUNDED_SHORT("event.bind_ipi_linked",
				   "8191 free ports, all of them linked: refused", event_bind_ipi(0)),
		     0);
	EXPECT_EQUAL(event_reset(), 0);
}

static int64_t reserve_one(unsigned int command, xen_pfn_t at, unsigned int order)
{
	bounded_gfns[0] = at;
	return bounded_reserve(command, 1, order);
}

static void extents_of_dom0(xen_pfn_t at)
{
	EXPECT_EQUAL(BOUNDED("memory.decrease_order18", "1 extent of 1 GiB, from dom0",
			     reserve_one(XENMEM_decrease_reservation, at, MAX_ORDER)),
		     1);
	EXPECT_EQUAL(BOUNDED("memory.populate_order18", "1 extent of 1 GiB, dom0's own",
			     reserve_one(XENMEM_populate_physmap, at, MAX_ORDER)),
		     1);
	EXPECT_EQUAL(reserve_one(XENMEM_decrease_reservation, at, 10), 1);
	EXPECT_EQUAL(BOUNDED("memory.populate_order0_dom0", "1024 pages, dom0's own", ({
				     for (unsigned int i = 0; i < 1024; i++) {
					     bounded_gfns[i] = at + i;
				     }
				     bounded_reserve(XENMEM_populate_physmap, 1024, 0);
			     })),
		     1024);
}

static int64_t map_some(xen_pfn_t hole, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		bounded_idxs[i] = TARGET_GFN + i;
		bounded_gfns[i] = hole + i;
	}
	return bounded_physmap_batch(XENMAPSPACE_gmfn_foreign, nr, TARGET);
}

static void map_the_target(xen_pfn_t hole)
{
	EXPECT_EQUAL(BOUNDED("physmap.batch_foreign", "65535 pages",
			     map_some(hole, BOUNDED_MAX_BATCH)),
		     0);
	EXPECT_EQUAL(bounded_batch_failures(BOUNDED_MAX_BATCH), 0);
}

static void devices(xen_pfn_t at)
{
	for (unsigned int i = 0; i < BOUNDED_MAX_BATCH; i++) {
		bounded_idxs[i] = RTC_GFN;
		bounded_gfns[i] = at + i;
	}
	EXPECT_EQUAL(BOUNDED("physmap.batch_dev_mmio", "65535 pages",
			     bounded_physmap_batch(XENMAPSPACE_dev_mmio, BOUNDED_MAX_BATCH, 0)),
		     0);
	EXPECT_EQUAL(bounded_batch_failures(BOUNDED_MAX_BATCH), 0);
	EXPECT_EQUAL(mmio_get32((at + 7) << PAGE_SHIFT), mmio_get32(RTC_GFN << PAGE_SHIFT));
}

static void resource(xen_pfn_t at)
{
	struct xen_mem_acquire_resource op = {
		.domid = TARGET,
		.type = XENMEM_resource_grant_table,
		.id = XENMEM_resource_grant_table_id_shared,
		.nr_frames = 64,
	};

	for (unsigned int i = 0; i < 64; i++) {
		bounded_gfns[i] = at + i;
	}
	op.frame_list.q = (uintptr_t)bounded_gfns;
	EXPECT_EQUAL(BOUNDED("memory.acquire_resource", "64 frames, of which 63 are made",
			     hypercall2(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &op)),
		     0);
}

static void target_changes(volatile struct board *board)
{
	dsb_sy();
	board->go = 1;
	dsb_sy();
	while (board->done == 0) {
		bounded_sleep(1000);
	}
}

void bounded_dom0(void)
{
	xen_pfn_t at = bounded_spare_gfn() & ~UINT64_C(511);

	EXPECT_EQUAL(BOUNDED("grant.setup_table_grows", "64 frames, of which 63 are made",
			     bounded_setup_table(64)),
		     0);
	ports_of_dom0();
	REQUIRE(machine.ram_size >= (UINT64_C(1) << (MAX_ORDER + PAGE_SHIFT)) + 64 * MIB);
	extents_of_dom0(at);
	REQUIRE_EQUAL(reserve_one(XENMEM_decrease_reservation, at, 17), 1);
	map_the_target(at);
	devices(at + HOLE_PAGES);
	resource(at + HOLE_PAGES);
	target_changes((volatile struct board *)(uintptr_t)((at + (BOARD_GFN - TARGET_GFN))
							    << PAGE_SHIFT));
	EXPECT_EQUAL(BOUNDED("memory.populate_over_foreign",
			     "512 MiB, dom0's own, over 65535 foreign pages and others",
			     reserve_one(XENMEM_populate_physmap, at, 17)),
		     1);
	REQUIRE_EQUAL(reserve_one(XENMEM_decrease_reservation, at, 16), 1);
	EXPECT_EQUAL(map_some(at, 16384), 0);
	EXPECT_EQUAL(bounded_batch_failures(16384), 0);
	bounded_destruction("domain.destroy_mapped", TARGET, "with 256 MiB, of which dom0 maps 64");
}
