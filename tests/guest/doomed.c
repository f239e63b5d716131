/* SPDX-License-Identifier: MIT */
/*
 * A domain that tests/system/destroy_tests.py destroys and builds again while dom0 uses all that it has (doomed_user.c). It grants
 * pages and gives them up all the time, so that it dies with frames that only others hold.
 */
#include "doomed.h"
#include "guest_event.h"
#include "guest_grant.h"

const char *const guest_topic = "doomed";
const bool guest_mmu_off;

static uint8_t pages[DOOMED_NR_PAGES][4096] __aligned(4096);

static int64_t reserve(unsigned int command, const void *page)
{
	xen_pfn_t frame = frame_of_page(page);
	struct xen_memory_reservation op = {.nr_extents = 1, .domid = DOMID_SELF};

	op.extent_start.q = (uintptr_t)&frame;
	return hypercall2(__HYPERVISOR_memory_op, command, &op);
}

/* dom0 closes them all, over and over. */
static void open_ports(void)
{
	for (uint32_t port = 1; port <= DOOMED_NR_PORTS; port++) {
		if (event_state(port) == EVTCHNSTAT_closed) {
			(void)event_alloc_unbound(0);
		}
	}
}

static void runs_until_it_is_destroyed(void)
{
	domid_t me;

	REQUIRE(grant_table() != NULL);
	do {
		me = event_own_domid();
	} while (me == DOMID_INVALID);
	for (unsigned int i = 0; i < DOOMED_NR_PAGES; i++) {
		grant_permit(DOOMED_FIRST_REF + i, 0, frame_of_page(pages[i]), 0);
	}
	open_ports();
	print("INFO d%u waits for its end\n", me);
	for (unsigned int i = 0;; i = (i + 1) % DOOMED_NR_PAGES) {
		(void)reserve(XENMEM_decrease_reservation, pages[i]);
		/* dom0 may have taken the memory that was to be had: later, then. */
		while (reserve(XENMEM_populate_physmap, pages[i]) != 1) {
			hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
		}
		if (i % 16 == 0) {
			open_ports();
		}
	}
}

const struct guest_case guest_cases[] = {
	CASE(runs_until_it_is_destroyed),
	CASE_END,
};
