/* SPDX-License-Identifier: MIT */
/*
 * dom0: uses all that one domain after the other has, on all vCPUs at the same time, while each in turn is destroyed and the next
 * is built (doomed.c, tests/system/destroy_tests.py). What a single call answers is of no interest here: the hypervisor is to stand it,
 * and all memory is to come back when dom0 has let go of what it holds. But of each kind some must succeed, or nothing is in use.
 *
 * Domains have the numbers 1, 2 and so on: d1 is for a start, d2 and the last one ("last=N") are left alone, so that as much memory
 * is free beside the one as beside the other.
 */
#include "doomed.h"
#include "guest.h"
#include "guest_event.h"
#include "guest_grant.h"
#include "guest_smp.h"

const char *const guest_topic = "doomed_user";
const bool guest_mmu_off;

#define FOREIGN_PAGES 256u
#define EXTENTS       64u

static bool stop;

/* Calls that succeeded. Each kind is of one job, and so of one vCPU. */
enum kind {
	MAP_FOREIGN,
	DECREASE,
	POPULATE,
	CLAIM,
	ADD_TO_PHYSMAP,
	MAP_GRANT,
	BIND,
	SEND,
	STATUS,
	ACQUIRE,
	NR_KINDS
};
static const char *const kind_name[NR_KINDS] = {"map_foreign",     "decrease",       "populate",
						"claim",           "add_to_physmap", "map_grant",
						"bind_port",       "send",           "status",
						"acquire_resource"};
static uint32_t nr_done[NR_KINDS];

static void done(enum kind kind, bool succeeded)
{
	nr_done[kind] += succeeded;
}

static int64_t memory_op(uint64_t command, const void *argument)
{
	return hypercall2(__HYPERVISOR_memory_op, command, argument);
}

static int64_t reservation_of(domid_t d)
{
	return memory_op(XENMEM_current_reservation, &d);
}

static bool exists(domid_t d)
{
	return reservation_of(d) != -XEN_ESRCH;
}

/* Where all is mapped: over memory of dom0's own that it does not use itself. */
static xen_pfn_t place(unsigned int n)
{
	return ((machine.ram_start + (UINT64_C(24) << 20)) >> PAGE_SHIFT) + n;
}

#define GRANTED_AT  FOREIGN_PAGES
#define RESOURCE_AT (FOREIGN_PAGES + DOOMED_NR_PAGES)

/* ---- foreign mappings ---------------------------------------------------------------------------------- */

static void remove_page(domid_t d, xen_pfn_t at)
{
	struct xen_remove_from_physmap op = {.domid = d, .gpfn = at};

	(void)memory_op(XENMEM_remove_from_physmap, &op);
}

static void map_foreign(domid_t d)
{
	static xen_ulong_t idxs[FOREIGN_PAGES];
	static xen_pfn_t gpfns[FOREIGN_PAGES];
	static int errs[FOREIGN_PAGES];
	struct xen_add_to_physmap_batch op = {.domid = DOMID_SELF,
					      .space = XENMAPSPACE_gmfn_foreign,
					      .size = FOREIGN_PAGES};

	for (unsigned int i = 0; i < FOREIGN_PAGES; i++) {
		/* The guest's first pages and the ones that others give and take. */
		idxs[i] = (i % 2 == 0 ? DOOMED_FIRST_GFN : DOOMED_SPARE_GFN) + i / 2;
		gpfns[i] = place(i);
	}
	op.u.foreign_domid = d;
	op.idxs.q = (uintptr_t)idxs;
	op.gpfns.q = (uintptr_t)gpfns;
	op.errs.q = (uintptr_t)errs;
	done(MAP_FOREIGN, memory_op(XENMEM_add_to_physmap_batch, &op) == 0 && errs[0] == 0);
}

static void let_go_of_foreign(void)
{
	for (unsigned int i = 0; i < FOREIGN_PAGES; i++) {
		remove_page(DOMID_SELF, place(i));
	}
}

/* ---- its memory, given and taken ----------------------------------------------------------------------- */

static int64_t reserve(unsigned int command, domid_t d, unsigned int order)
{
	static xen_pfn_t list[EXTENTS];
	struct xen_memory_reservation op = {.nr_extents = EXTENTS >> order,
					    .extent_order = order,
					    .domid = d};

	for (unsigned int i = 0; i < EXTENTS >> order; i++) {
		list[i] = DOOMED_SPARE_GFN + (i << order);
	}
	op.extent_start.q = (uintptr_t)list;
	return memory_op(command, &op);
}

static void claim(domid_t d, uint64_t nr)
{
	struct xen_memory_reservation op = {.nr_extents = nr, .domid = d};

	done(CLAIM, memory_op(XENMEM_claim_pages, &op) == 0 && nr != 0);
}

static void map_into(domid_t d, unsigned int space, uint64_t at)
{
	/* A frame of the grant table that the guest itself does not map. */
	struct xen_add_to_physmap op = {.domid = d,
					.space = space,
					.gpfn = at,
					.idx = space == XENMAPSPACE_grant_table ? 20 : 0};

	done(ADD_TO_PHYSMAP, memory_op(XENMEM_add_to_physmap, &op) == 0);
}

static void give_and_take(domid_t d)
{
	int64_t had = reservation_of(d);

	for (unsigned int order = 0; order < 4; order += 3) {
		done(DECREASE, reserve(XENMEM_decrease_reservation, d, order) > 0);
		claim(d, (uint64_t)had);
		done(POPULATE, reserve(XENMEM_populate_physmap, d, order) > 0);
	}
	claim(d, 0);
	map_into(d, XENMAPSPACE_shared_info, DOOMED_SPARE_GFN + EXTENTS);
	map_into(d, XENMAPSPACE_grant_table, DOOMED_SPARE_GFN + EXTENTS + 1);
	remove_page(d, DOOMED_SPARE_GFN + EXTENTS);
	remove_page(d, DOOMED_SPARE_GFN + EXTENTS + 1);
	(void)memory_op(XENMEM_maximum_gpfn, &d);
}

/* ---- grants ----------------------------------------------------------------------------------------------- */

static void *granted(unsigned int i)
{
	return (void *)(uintptr_t)(place(GRANTED_AT + i) << PAGE_SHIFT);
}

/* Two rounds are mapped at once, so that there is always something that was given up meanwhile. */
static void map_grants(domid_t d)
{
	static grant_handle_t handles[DOOMED_NR_PAGES];
	static bool mapped[DOOMED_NR_PAGES];

	for (unsigned int i = 0; i < DOOMED_NR_PAGES; i++) {
		unsigned int other = (i + DOOMED_NR_PAGES / 2) % DOOMED_NR_PAGES;

		if (mapped[other]) {
			mapped[other] = grant_unmap(handles[other], granted(other)) != GNTST_okay;
		}
		if (!mapped[i] && d != DOMID_INVALID) {
			mapped[i] = grant_map(d, DOOMED_FIRST_REF + i, granted(i), 0,
					      &handles[i]) == GNTST_okay;
			done(MAP_GRANT, mapped[i]);
		}
	}
}

static void let_go_of_grants(void)
{
	map_grants(DOMID_INVALID);
}

/* ---- event channels, and what else the toolstack asks ------------------------------------------------- */

static void send_events(domid_t d)
{
	uint32_t port[DOOMED_NR_PORTS];
	struct xen_hvm_param param = {.domid = d, .index = HVM_PARAM_STORE_PFN, .value = 1};
	xen_pfn_t at = place(RESOURCE_AT);
	struct xen_mem_acquire_resource acquire = {.domid = d,
						   .type = XENMEM_resource_grant_table,
						   .nr_frames = 1};
	struct evtchn_reset reset = {.dom = d};

	for (uint32_t i = 0; i < DOOMED_NR_PORTS; i++) {
		port[i] = event_bind(d, i + 1);
		done(BIND, port[i] != 0);
	}
	for (unsigned int turn = 0; turn < 4 * DOOMED_NR_PORTS; turn++) {
		struct evtchn_status status = {.dom = d, .port = turn};

		if (port[turn % DOOMED_NR_PORTS] != 0) {
			done(SEND, event_send(port[turn % DOOMED_NR_PORTS]) == 0);
		}
		done(STATUS, event_op(EVTCHNOP_status, &status) == 0);
	}
	for (unsigned int i = 0; i < DOOMED_NR_PORTS; i++) {
		if (port[i] != 0) {
			(void)event_close(port[i]);
		}
	}
	(void)hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, &param);
	acquire.frame_list.q = (uintptr_t)&at;
	done(ACQUIRE, memory_op(XENMEM_acquire_resource, &acquire) == 0);
	remove_page(DOMID_SELF, at);
	(void)event_op(EVTCHNOP_reset, &reset);
}

static void let_go_of_the_table(void)
{
	remove_page(DOMID_SELF, place(RESOURCE_AT));
}

/* ---- all of it ---------------------------------------------------------------------------------------------- */

static const struct job {
	void (*use)(domid_t d);
	void (*let_go)(void);
} jobs[] = {
	{map_foreign, let_go_of_foreign},
	{give_and_take, NULL},
	{map_grants, let_go_of_grants},
	{send_events, let_go_of_the_table},
};

static domid_t last;

/* How many kinds of calls have succeeded since this was told. */
static unsigned int kinds_done(void)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < NR_KINDS; i++) {
		nr += nr_done[i] != 0;
	}
	return nr;
}

static void tell_done(const char *when)
{
	for (unsigned int i = 0; i < NR_KINDS; i++) {
		print("INFO %s: %s succeeded %u times\n", when, kind_name[i], nr_done[i]);
		nr_done[i] = 0;
	}
}

/* Each call once at least, of a domain that lives: it may still be on its way to what it grants. */
static bool all_can_be_done(void)
{
	for (unsigned int turn = 0; turn < 200 && (turn < 2 || kinds_done() < NR_KINDS); turn++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(jobs); i++) {
			jobs[i].use(1);
			if (jobs[i].let_go != NULL) {
				jobs[i].let_go();
			}
		}
		delay_us(100000);
	}
	return kinds_done() == NR_KINDS;
}

/* A vCPU's share of the jobs. */
static void work(uint64_t first)
{
	domid_t d = 3;

	while (!READ_ONCE(stop)) {
		for (unsigned int i = (unsigned int)first; i < ARRAY_SIZE(jobs);
		     i += machine.nr_cpus - 1) {
			jobs[i].use(d);
		}
		/* The last one is found, and left alone. */
		if (d + 1 < last && !exists(d) && exists(d + 1)) {
			d++;
		}
	}
}

static void it_is_used_until_it_has_gone(void)
{
	unsigned int nr_workers = MIN(machine.nr_cpus - 1, (unsigned int)ARRAY_SIZE(jobs));
	bool all;

	last = (domid_t)guest_argument("last", 4);
	REQUIRE(grant_table() != NULL);
	/* What is made once is there before the first look at how much memory is free. */
	REQUIRE(WAIT_UNTIL(exists(1), 20000), "there is no d1");
	all = all_can_be_done();
	tell_done("before");
	REQUIRE(all, "not all calls succeed on d1, which lives");
	print("INFO is ready\n");
	while (!exists(3)) {
		relax();
	}
	for (unsigned int cpu = 1; cpu <= nr_workers; cpu++) {
		REQUIRE(smp_start(cpu, work, cpu - 1), "vCPU %u does not start", cpu);
	}
	print("INFO is at work\n");
	while (!exists(last)) {
		relax();
	}
	WRITE_ONCE(stop, true);
	for (unsigned int cpu = 1; cpu <= nr_workers; cpu++) {
		REQUIRE(smp_wait_off(cpu), "vCPU %u does not end", cpu);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(jobs); i++) {
		if (jobs[i].let_go != NULL) {
			jobs[i].let_go();
		}
	}
	/* Which, is the machine's affair: a domain may have gone before a call has come so far. */
	EXPECT(kinds_done() != 0, "nothing was done while domains went");
	tell_done("at work");
	print("INFO has let go\n");
	for (;;) {
		wfi();
	}
}

const struct guest_case guest_cases[] = {
	CASE(it_is_used_until_it_has_gone, .min_cpus = 2),
	CASE_END,
};
