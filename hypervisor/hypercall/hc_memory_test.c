/* SPDX-License-Identifier: MIT */
/* memory_op: reservation and physical map. */
#include "hypercall/hc_test.h"

#include <limits.h>

#include "mm/mm.h"

#define MEMORY(v, op, arg) hc_arg(v, __HYPERVISOR_memory_op, XENMEM_##op, &(arg), sizeof(arg))

static struct xen_memory_reservation extents(uint16_t domid, unsigned int order,
					     const uint64_t *gfns, unsigned int nr)
{
	memcpy(fake_page(LIST_PAGE), gfns, nr * sizeof(*gfns));
	return (struct xen_memory_reservation){
		.extent_start = {.q = LIST},
		.nr_extents = nr,
		.extent_order = order,
		.domid = domid,
	};
}

static int64_t decrease(struct vcpu *v, uint16_t domid, const uint64_t *gfns, unsigned int nr)
{
	struct xen_memory_reservation op = extents(domid, 0, gfns, nr);

	return MEMORY(v, decrease_reservation, op);
}

static int64_t populate(struct vcpu *v, uint16_t domid, unsigned int order, const uint64_t *gfns,
			unsigned int nr)
{
	struct xen_memory_reservation op = extents(domid, order, gfns, nr);

	return MEMORY(v, populate_physmap, op);
}

static bool maps_page(struct domain *d, uint64_t g, unsigned int page)
{
	enum stage2_type type;
	mfn_t m;

	return fake_is_mapped(d, g, &m, &type) && m.raw == FAKE_MFN(page) && type == STAGE2_RAM;
}

static bool is_hole(struct domain *d, uint64_t g)
{
	enum stage2_type type;
	mfn_t m;

	return !fake_is_mapped(d, g, &m, &type);
}

static bool maps_shared(struct domain *d, uint64_t g, const void *page)
{
	enum stage2_type type;
	mfn_t m;

	return fake_is_mapped(d, g, &m, &type) && type == STAGE2_SHARED &&
	       m.raw == hyp_to_mfn(page).raw;
}

/* ---- decrease and populate ------------------------------------------------------------------ */

static void decrease_frees_pages_of_an_ordinary_domain(void **state)
{
	const uint64_t gfns[] = {100, 102};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		fake_give_page(domu, i, 100 + i);
	}
	assert_int_equal(decrease(domu->vcpu[0], DOMID_SELF, gfns, 2), 2);
	assert_true(is_hole(domu, 100));
	assert_true(maps_page(domu, 101, 1));
	assert_true(is_hole(domu, 102));
	assert_true(fake_page_is_free(0));
	assert_false(fake_page_is_free(1));
	assert_int_equal(domu->nr_pages, 1);
}

static void decrease_stops_at_the_first_that_is_not_ram(void **state)
{
	const uint64_t hole[] = {100, 105, 101};
	const uint64_t shared[] = {101, 103};
	const uint64_t silly[] = {UINT64_MAX};
	const uint64_t wraps[] = {(UINT64_C(1) << 52) + 101};

	(void)state;
	fake_give_page(domu, 0, 100);
	fake_give_page(domu, 1, 101);
	fake_map(domu, 103, mfn(0x77), STAGE2_SHARED);
	assert_int_equal(decrease(domu->vcpu[0], DOMID_SELF, hole, 3), 1);
	assert_true(maps_page(domu, 101, 1));
	assert_int_equal(decrease(domu->vcpu[0], DOMID_SELF, silly, 1), 0);
	assert_int_equal(decrease(domu->vcpu[0], DOMID_SELF, wraps, 1), 0);
	assert_true(maps_page(domu, 101, 1));
	assert_int_equal(decrease(domu->vcpu[0], DOMID_SELF, shared, 2), 1);
	assert_false(is_hole(domu, 103));
}

/* Two CPUs give the same page up: the second finds a hole, and the frame is put once. */
static void page_is_given_up_once(void **state)
{
	const uint64_t gfns[] = {100, 100};

	(void)state;
	fake_give_page(domu, 0, 100);
	assert_int_equal(decrease(domu->vcpu[0], DOMID_SELF, gfns, 2), 1);
	assert_int_equal(domu->nr_pages, 0);
}

/* Linux's balloon: dom0 gets the very frame back, since devices know it by its address. */
static void direct_mapped_domain_keeps_its_frames(void **state)
{
	const uint64_t gfns[] = {FAKE_MFN(4), FAKE_MFN(5)};

	(void)state;
	fake_give_page(dom0, 4, FAKE_MFN(4));
	fake_give_page(dom0, 5, FAKE_MFN(5));
	assert_int_equal(decrease(dom0->vcpu[0], DOMID_SELF, gfns, 2), 2);
	assert_true(is_hole(dom0, FAKE_MFN(4)));
	assert_false(fake_page_is_free(4));
	assert_int_equal(dom0->nr_pages, 2);
	assert_int_equal(populate(dom0->vcpu[0], DOMID_SELF, 0, gfns, 2), 2);
	assert_true(maps_page(dom0, FAKE_MFN(4), 4));
	assert_true(maps_page(dom0, FAKE_MFN(5), 5));
	assert_int_equal(dom0->nr_pages, 2);
	assert_int_equal(fake_extra_refs(4), 0);
}

/* Each by itself, between looks for interrupts, before its place is used: the fake stage2_map() insists. */
static void what_a_direct_mapped_domain_had_of_others_goes_first(void **state)
{
	const uint64_t gfns[] = {FAKE_MFN(4)};

	(void)state;
	fake_give_page(dom0, 4, FAKE_MFN(4));
	fake_give_page(dom0, 5, FAKE_MFN(5));
	fake_give_page(domu, 6, 100);
	fake_map(dom0, FAKE_MFN(4), mfn(FAKE_MFN(6)), STAGE2_FOREIGN_RO);
	fake_map(dom0, FAKE_MFN(5), mfn(FAKE_MFN(6)), STAGE2_FOREIGN_RW);
	assert_int_equal(populate(dom0->vcpu[0], DOMID_SELF, 1, gfns, 1), 1);
	assert_true(maps_page(dom0, FAKE_MFN(4), 4) && maps_page(dom0, FAKE_MFN(5), 5));
	/* Refused: they stay. */
	fake_map(dom0, FAKE_MFN(4), mfn(FAKE_MFN(6)), STAGE2_FOREIGN_RO);
	assert_int_equal(populate(dom0->vcpu[0], DOMID_SELF, 2, gfns, 1), 0);
	assert_false(maps_page(dom0, FAKE_MFN(4), 4) || is_hole(dom0, FAKE_MFN(4)));
}

static void direct_mapped_domain_gets_only_what_is_its_own(void **state)
{
	const uint64_t foreign[] = {FAKE_MFN(6)};
	const uint64_t no_ram[] = {0x10};
	const uint64_t shared[] = {FAKE_MFN(7)};

	(void)state;
	fake_give_page(domu, 6, 100);
	fake_give_page(dom0, 7, FAKE_MFN(7));
	frame_of(mfn(FAKE_MFN(7)))->state = FRAME_TENON_SHARED;
	assert_int_equal(populate(dom0->vcpu[0], DOMID_SELF, 0, foreign, 1), 0);
	assert_int_equal(populate(dom0->vcpu[0], DOMID_SELF, 0, no_ram, 1), 0);
	assert_int_equal(populate(dom0->vcpu[0], DOMID_SELF, 0, shared, 1), 0);
	assert_true(is_hole(dom0, FAKE_MFN(6)));
	assert_true(is_hole(dom0, 0x10));
	assert_int_equal(fake_extra_refs(7), 0);
}

static void populate_allocates_for_an_ordinary_domain(void **state)
{
	const uint64_t gfns[] = {200, 300};

	(void)state;
	assert_int_equal(populate(domu->vcpu[0], DOMID_SELF, 2, gfns, 2), 2);
	assert_int_equal(domu->nr_pages, 8);
	for (unsigned int i = 0; i < 4; i++) {
		assert_false(is_hole(domu, 200 + i));
		assert_false(is_hole(domu, 300 + i));
	}
	assert_true(is_hole(domu, 204));
	/* The toolstack does the same for a guest that it builds. */
	assert_int_equal(populate(dom0->vcpu[0], 2, 0, gfns, 1), 1);
	assert_int_equal(other->nr_pages, 1);
}

static void populate_stops_at_the_limit(void **state)
{
	const uint64_t gfns[] = {200, 201, 202};

	(void)state;
	domu->max_pages = 2;
	assert_int_equal(populate(domu->vcpu[0], DOMID_SELF, 0, gfns, 3), 2);
	assert_int_equal(domu->nr_pages, 2);
	assert_int_equal(populate(domu->vcpu[0], DOMID_SELF, 0, gfns, 3), 0);
	/* A limit that has been set below what there is. */
	domu->max_pages = 1;
	assert_int_equal(populate(domu->vcpu[0], DOMID_SELF, 0, gfns, 1), 0);
}

/* A builder asks for the largest extents first: 0, not an error, lets it go on to smaller ones. */
static void extent_that_cannot_be_had_is_no_error(void **state)
{
	const uint64_t gfns[] = {0};

	(void)state;
	assert_int_equal(populate(dom0->vcpu[0], 1, 18, gfns, 1), 0);
	assert_int_equal(populate(dom0->vcpu[0], 1, 9, gfns, 1), 0);
	assert_int_equal(populate(dom0->vcpu[0], 1, UINT32_MAX, gfns, 1), 0);
	assert_int_equal(domu->nr_pages, 0);
	fake_allocations_left = 0;
	assert_int_equal(populate(dom0->vcpu[0], 1, 0, gfns, 1), 0);
	assert_int_equal(domu->nr_pages, 0);
}

static void failed_mapping_gives_everything_back(void **state)
{
	const uint64_t gfns[] = {200};

	(void)state;
	fake_fail_map_after(3);
	assert_int_equal(populate(domu->vcpu[0], DOMID_SELF, 2, gfns, 1), 0);
	assert_int_equal(domu->nr_pages, 0);
	for (unsigned int i = 0; i < 4; i++) {
		assert_true(fake_page_is_free(i));
		assert_true(is_hole(domu, 200 + i));
	}
}

static void reservations_answer_with_what_was_done_so_far(void **state)
{
	const uint64_t gfns[] = {200};
	struct xen_memory_reservation op;
	struct vcpu *v = domu->vcpu[0];
	uint64_t cmd = XENMEM_populate_physmap | 5 << 6;

	(void)state;
	/* An argument that cannot be read, and whatever else is wrong: the number from the
	 * command. */
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, cmd, NOWHERE, 0), 5);
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, NOWHERE, 0), 0);
	op = extents(DOMID_SELF, 0, gfns, 1);
	assert_int_equal(hc_arg(v, __HYPERVISOR_memory_op, cmd, &op, sizeof(op)), 5);
	op.nr_extents = UINT64_C(1) << 26;
	assert_int_equal(MEMORY(v, populate_physmap, op), 0);
	op = extents(9, 0, gfns, 1);
	assert_int_equal(MEMORY(v, populate_physmap, op), 0);
	op = extents(2, 0, gfns, 1);
	assert_int_equal(MEMORY(v, populate_physmap, op), 0);
	assert_int_equal(other->nr_pages, 0);
	op = extents(DOMID_SELF, 0, gfns, 1);
	op.mem_flags = XENMEMF_populate_on_demand;
	assert_int_equal(MEMORY(v, populate_physmap, op), 0);
	op.mem_flags = XENMEMF_address_bits(12);
	assert_int_equal(MEMORY(v, populate_physmap, op), 0);
	op.mem_flags = XENMEMF_address_bits(32);
	assert_int_equal(MEMORY(v, populate_physmap, op), 1);
	/* Where nothing is allocated an address limit means nothing; one within a page is refused. */
	op.mem_flags = XENMEMF_address_bits(20);
	assert_int_equal(MEMORY(v, populate_physmap, op), 0);
	op.mem_flags = XENMEMF_address_bits(12);
	assert_int_equal(MEMORY(v, decrease_reservation, op), 0);
	op.mem_flags = XENMEMF_address_bits(20);
	assert_int_equal(MEMORY(v, decrease_reservation, op), 1);
	op.mem_flags = 0;
	assert_int_equal(MEMORY(v, populate_physmap, op), 1);
	op.extent_start.q = NOWHERE;
	assert_int_equal(MEMORY(v, populate_physmap, op), 0);
	/* Without an address nothing can be had. */
	op = extents(DOMID_SELF, 0, gfns, 1);
	assert_int_equal(MEMORY(v, increase_reservation, op), 0);
}

static void nodes_are_named_by_the_toolstack_alone(void **state)
{
	const uint64_t gfns[] = {200};
	struct xen_memory_reservation op = extents(1, 0, gfns, 1);

	(void)state;
	/* A guest's hint is passed over, unless it insists. */
	op.mem_flags = XENMEMF_node(3);
	assert_int_equal(MEMORY(domu->vcpu[0], populate_physmap, op), 1);
	op.mem_flags = XENMEMF_exact_node(0);
	assert_int_equal(MEMORY(domu->vcpu[0], decrease_reservation, op), 0);
	op.mem_flags = XENMEMF_exact_node(0) | XENMEMF_vnode;
	assert_int_equal(MEMORY(domu->vcpu[0], decrease_reservation, op), 1);
	op.mem_flags = XENMEMF_exact_node(0);
	assert_int_equal(MEMORY(dom0->vcpu[0], populate_physmap, op), 1);
	op.mem_flags = XENMEMF_node(1);
	assert_int_equal(MEMORY(dom0->vcpu[0], decrease_reservation, op), 0);
}

static void order_depends_on_the_caller(void **state)
{
	static uint64_t base[] = {0x80000};
	struct xen_memory_reservation op;

	(void)state;
	/* The first page is not there, so that nothing happens; but it is looked at. */
	fake_give_page(domu, 0, 0x80000);
	op = extents(DOMID_SELF, 10, base, 1);
	assert_int_equal(MEMORY(domu->vcpu[0], decrease_reservation, op), 0);
	assert_true(maps_page(domu, 0x80000, 0));
	op = extents(1, 18, base, 1);
	assert_int_equal(MEMORY(dom0->vcpu[0], decrease_reservation, op), 0);
	assert_true(is_hole(domu, 0x80000));
	fake_give_page(domu, 0, 0x80000);
	op = extents(1, 19, base, 1);
	assert_int_equal(MEMORY(dom0->vcpu[0], decrease_reservation, op), 0);
	assert_true(maps_page(domu, 0x80000, 0));
}

static void large_extents_are_interrupted_within(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	const uint64_t gfns[] = {0x400};
	struct xen_memory_reservation op;

	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		fake_give_page(domu, i, 0x400 + i);
	}
	/* Of 64 pages 50 are there: each step has its interrupt, and the answer is the same. */
	fake_machine_interrupt_after(0);
	op = extents(DOMID_SELF, 6, gfns, 1);
	assert_int_equal(MEMORY(v, decrease_reservation, op), 0);
	assert_int_equal(hc_restarts, 1);
	assert_int_equal(domu->nr_pages, 0);
	assert_int_equal(v->memory_progress.done, 0);
}

/* Somebody else's call in between, or another extent: it is not taken for the continuation. */
static void progress_is_for_the_very_same_extent(void **state)
{
	struct vcpu *v = domu->vcpu[0];
	uint64_t gfns[] = {0x400};
	struct xen_memory_reservation op = extents(DOMID_SELF, 6, gfns, 1);

	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		fake_give_page(domu, i, 0x400 + i);
	}
	memcpy(fake_page(ARG_PAGE), &op, sizeof(op));
	v->memory_progress = (struct memory_progress){.cmd = XENMEM_decrease_reservation,
						      .arg = ARG,
						      .g = 0x400,
						      .order = 6,
						      .domid = 1,
						      .done = 33};
	/* Taken: the first 33 pages are passed over. */
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, ARG, 0), 0);
	assert_int_equal(domu->nr_pages, 33);
	v->memory_progress = (struct memory_progress){.cmd = XENMEM_decrease_reservation,
						      .arg = ARG,
						      .g = 0x401,
						      .order = 6,
						      .domid = 1,
						      .done = 33};
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, ARG, 0), 0);
	assert_int_equal(domu->nr_pages, 0);
}

/* A domain that is dying has been cleared, or is about to be: nothing is added behind that. */
static void nothing_is_mapped_into_a_dying_domain(void **state)
{
	const uint64_t gfns[] = {200};
	struct xen_add_to_physmap add = {.domid = 1,
					 .space = XENMAPSPACE_shared_info,
					 .idx = 0,
					 .gpfn = 100};

	(void)state;
	domu->state = DOMAIN_DYING;
	assert_int_equal(populate(dom0->vcpu[0], 1, 0, gfns, 1), 0);
	assert_int_equal(domu->nr_pages, 0);
	assert_int_equal(MEMORY(dom0->vcpu[0], add_to_physmap, add), -XEN_EINVAL);
	add.space = XENMAPSPACE_grant_table;
	assert_int_equal(MEMORY(dom0->vcpu[0], add_to_physmap, add), -XEN_EINVAL);
	assert_true(is_hole(domu, 100));
}

/* Nor is anything taken from it that domain_destroy() finds by its owner. */
static void a_dying_domain_gives_nothing_up(void **state)
{
	uint64_t gfns[] = {0x400};
	struct xen_memory_reservation op = extents(1, 0, gfns, 1);

	(void)state;
	fake_give_page(domu, 5, 0x400);
	domu->state = DOMAIN_DYING;
	assert_int_equal(MEMORY(dom0->vcpu[0], decrease_reservation, op), 0);
	assert_int_equal(domu->nr_pages, 1);
	assert_false(fake_page_is_free(5));
}

static void destruction_begins(void)
{
	/* It waits for what is under way: these frames are the domain's, and mapped nowhere. */
	assert_int_equal(domu->nr_populating, 1);
	domu->state = DOMAIN_DYING;
}

static void a_domain_dies_while_pages_are_on_their_way(void **state)
{
	const uint64_t gfns[] = {200};

	(void)state;
	fake_pool_hook = destruction_begins;
	assert_int_equal(populate(dom0->vcpu[0], 1, 2, gfns, 1), 0);
	assert_int_equal(domu->nr_populating, 0);
	assert_int_equal(domu->nr_pages, 0);
	assert_true(is_hole(domu, 200));
	/* None begins any more. */
	fake_pool_hook = NULL;
	assert_int_equal(populate(dom0->vcpu[0], 1, 2, gfns, 1), 0);
	assert_int_equal(domu->nr_populating, 0);
	for (unsigned int page = 0; page < FAKE_NR_PAGES; page++) {
		assert_true(fake_page_is_free(page) || page == ARG_PAGE || page == LIST_PAGE);
	}
}

/* ---- claims ---------------------------------------------------------------------------------- */

static int64_t claim(struct vcpu *v, uint16_t domid, uint64_t nr)
{
	struct xen_memory_reservation op = {.nr_extents = nr, .domid = domid};

	return MEMORY(v, claim_pages, op);
}

static void claimed_pages_are_for_the_claimant(void **state)
{
	const uint64_t gfns[] = {200, 201, 202, 203, 204, 205, 206, 207};

	(void)state;
	other->max_pages = 1000;
	fake_give_page(domu, 0, 100);
	assert_int_equal(claim(dom0->vcpu[0], 1, 61), 0);
	assert_int_equal(fake_claimed_pages, 60);
	/* 63 are free: three are left for others. */
	assert_int_equal(populate(dom0->vcpu[0], 2, 0, gfns, 8), 3);
	/* One claim at a time. */
	assert_int_equal(claim(dom0->vcpu[0], 1, 62), -XEN_EINVAL);
	/* The claimant draws on it. */
	assert_int_equal(populate(domu->vcpu[0], DOMID_SELF, 2, gfns, 1), 1);
	assert_int_equal(fake_claimed_pages, 56);
	assert_int_equal(domu->claimed_pages, 56);
	/* And when an allocation fails it has it still. */
	fake_allocations_left = 0;
	assert_int_equal(populate(domu->vcpu[0], DOMID_SELF, 0, gfns + 4, 1), 0);
	assert_int_equal(domu->claimed_pages, 56);
	assert_int_equal(fake_claimed_pages, 56);
	fake_allocations_left = UINT_MAX;
	/* Taken back. */
	assert_int_equal(claim(dom0->vcpu[0], 1, 0), 0);
	assert_int_equal(fake_claimed_pages, 0);
	assert_int_equal(populate(dom0->vcpu[0], 2, 0, gfns + 3, 5), 5);
}

/* Whatever is drawn from a claim and not used is in it again before domain_destroy() gives it back, and none follows. */
static void a_dying_domain_has_no_claim(void **state)
{
	const uint64_t gfns[] = {200};

	(void)state;
	assert_int_equal(claim(dom0->vcpu[0], 1, 20), 0);
	fake_pool_hook = destruction_begins;
	fake_allocations_left = 0;
	assert_int_equal(populate(dom0->vcpu[0], 1, 2, gfns, 1), 0);
	assert_int_equal(domu->claimed_pages, 20);
	assert_int_equal(fake_claimed_pages, 20);
	frame_pool_unclaim(domu->claimed_pages);
	domu->claimed_pages = 0;
	assert_int_equal(claim(dom0->vcpu[0], 1, 20), -XEN_EINVAL);
	assert_int_equal(claim(dom0->vcpu[0], 1, 0), -XEN_EINVAL);
	assert_int_equal(fake_claimed_pages, 0);
}

static void claims_that_are_refused(void **state)
{
	struct xen_memory_reservation op = {.nr_extents = 5, .domid = 1};
	struct vcpu *v = dom0->vcpu[0];

	(void)state;
	fake_give_page(domu, 0, 100);
	assert_int_equal(claim(v, 1, 1), -XEN_EINVAL);
	assert_int_equal(claim(v, 1, 101), -XEN_EINVAL);
	assert_int_equal(claim(v, 1, 100), -XEN_ENOMEM);
	assert_int_equal(claim(v, 9, 5), -XEN_EINVAL);
	assert_int_equal(claim(v, DOMID_SELF, 5), -XEN_EINVAL);
	assert_int_equal(claim(domu->vcpu[0], 1, 5), -XEN_EPERM);
	op.extent_order = 1;
	assert_int_equal(MEMORY(v, claim_pages, op), -XEN_EINVAL);
	op.extent_order = 0;
	op.mem_flags = 1;
	assert_int_equal(MEMORY(v, claim_pages, op), -XEN_EINVAL);
	op.mem_flags = 0;
	op.extent_start.q = LIST;
	assert_int_equal(MEMORY(v, claim_pages, op), -XEN_EINVAL);
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_claim_pages, NOWHERE, 0), -XEN_EFAULT);
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_claim_pages | 64, ARG, 0),
			 -XEN_EINVAL);
	assert_int_equal(fake_claimed_pages, 0);
}

static void reservation_is_continued_where_it_stopped(void **state)
{
	const uint64_t gfns[] = {200, 201, 202, 203};
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	fake_machine_interrupt_after(1);
	assert_int_equal(populate(v, DOMID_SELF, 0, gfns, 4), 4);
	assert_int_equal(hc_restarts, 2);
	assert_int_equal(domu->nr_pages, 4);
	/* The pool wants to be asked again: nothing is charged twice. */
	fake_machine_interrupt_after(UINT64_MAX);
	fake_pool_restarts = 3;
	assert_int_equal(populate(v, DOMID_SELF, 0, (uint64_t[]){300}, 1), 1);
	assert_int_equal(hc_restarts, 3);
	assert_int_equal(domu->nr_pages, 5);
	assert_int_equal(decrease(v, DOMID_SELF, gfns, 4), 4);
	assert_int_equal(domu->nr_pages, 1);
}

/* ---- figures -------------------------------------------------------------------------------- */

static void figures_of_a_domain(void **state)
{
	struct xen_memory_domain op = {.domid = DOMID_SELF};

	(void)state;
	fake_give_page(domu, 0, 100);
	fake_give_page(domu, 1, 4711);
	assert_int_equal(MEMORY(domu->vcpu[0], current_reservation, op), 2);
	assert_int_equal(MEMORY(domu->vcpu[0], maximum_reservation, op), 100);
	assert_int_equal(MEMORY(domu->vcpu[0], maximum_gpfn, op), 4711);
	op.domid = 1;
	assert_int_equal(MEMORY(dom0->vcpu[0], current_reservation, op), 2);
	assert_int_equal(MEMORY(other->vcpu[0], current_reservation, op), -XEN_EPERM);
	op.domid = 9;
	assert_int_equal(MEMORY(dom0->vcpu[0], maximum_gpfn, op), -XEN_ESRCH);
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_memory_op, XENMEM_current_reservation,
			    NOWHERE, 0),
			 -XEN_EFAULT);
	assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_memory_op, XENMEM_current_reservation | 64,
			    ARG, 0),
			 -XEN_EINVAL);
}

static void figures_of_the_machine(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_maximum_ram_page, 0, 0),
			 FAKE_MFN(FAKE_NR_PAGES));
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_maximum_ram_page | 64, 0, 0),
			 -XEN_EINVAL);
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_get_sharing_freed_pages, 0, 0), 0);
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_get_sharing_shared_pages, 0, 0), 0);
}

/* ---- the physical map ----------------------------------------------------------------------- */

static int64_t add(struct vcpu *v, uint16_t domid, unsigned int space, uint64_t idx, uint64_t g)
{
	struct xen_add_to_physmap op = {.domid = domid, .space = space, .idx = idx, .gpfn = g};

	return MEMORY(v, add_to_physmap, op);
}

static int64_t remove_at(struct vcpu *v, uint16_t domid, uint64_t g)
{
	struct xen_remove_from_physmap op = {.domid = domid, .gpfn = g};

	return MEMORY(v, remove_from_physmap, op);
}

static void shared_info_takes_the_place_of_live_ram(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	fake_give_page(domu, 0, 100);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_shared_info, 0, 100), 0);
	assert_true(maps_shared(domu, 100, domu->shared_info));
	assert_int_equal(domu->shared_info_gfn.raw, 100);
	/* The page stays the domain's. */
	assert_false(fake_page_is_free(0));
	assert_int_equal(domu->nr_pages, 1);
}

static void shared_info_is_mapped_in_one_place(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_shared_info, 0, 100), 0);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_shared_info, 0, 101), -XEN_EBUSY);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_shared_info, 0, 100), -XEN_EBUSY);
	assert_int_equal(remove_at(v, DOMID_SELF, 100), 0);
	assert_int_equal(domu->shared_info_gfn.raw, GFN_INVALID.raw);
	assert_true(is_hole(domu, 100));
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_shared_info, 0, 101), 0);
	/* Or the guest has put something else there. */
	fake_map(domu, 101, mfn(FAKE_MFN(1)), STAGE2_RAM);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_shared_info, 0, 102), 0);
	assert_true(maps_shared(domu, 102, domu->shared_info));
}

static void grant_frames_are_made_and_mapped(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	assert_int_equal(domu->grant.nr_frames, 1);
	/* Linux begins with the last one. */
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_grant_table, 3, 203), 0);
	assert_int_equal(domu->grant.nr_frames, 4);
	assert_true(maps_shared(domu, 203, domu->grant.frame[3]));
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_grant_table, 0, 200), 0);
	assert_true(maps_shared(domu, 200, domu->grant.frame[0]));
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_grant_table, 0, 205), -XEN_EBUSY);
	assert_int_equal(remove_at(v, DOMID_SELF, 200), 0);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_grant_table, 0, 205), 0);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_grant_table, 8, 210), -XEN_EINVAL);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_grant_table, UINT64_MAX, 210), -XEN_EINVAL);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_grant_table, XENMAPIDX_grant_table_status,
			     210),
			 -XEN_EINVAL);
	fake_allocations_left = 0;
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_grant_table, 4, 210), -XEN_EINVAL);
}

/* A table of the largest size, of which there is one frame so far. */
static void use_large_table(struct domain *d)
{
	grant_domain_fini(d);
	grant_domain_free(d);
	assert_int_equal(grant_domain_init(d, GRANT_MAX_FRAMES, 16), 0);
}

static void a_table_that_grows_far_is_interrupted(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	use_large_table(domu);
	fake_machine_interrupt_after(0);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_grant_table, 33, 233), 0);
	/* Eight at a time: 9, 17, 25, 33, 34. */
	assert_int_equal(hc_restarts, 4);
	assert_int_equal(domu->grant.nr_frames, 34);
	assert_true(maps_shared(domu, 233, domu->grant.frame[33]));
	/* What is there already is not made again. */
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_grant_table, 32, 232), 0);
	assert_int_equal(hc_restarts, 0);
	/* Refused: nothing is made. */
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_grant_table, GRANT_MAX_FRAMES, 210),
			 -XEN_EINVAL);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_grant_table, 60, UINT64_C(1) << 28),
			 -XEN_EINVAL);
	assert_int_equal(domu->grant.nr_frames, 34);
}

static void refusals_of_add_to_physmap(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_shared_info, 1, 100), -XEN_EINVAL);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_shared_info, 0, UINT64_MAX), -XEN_EINVAL);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_shared_info, 0, UINT64_C(1) << 28),
			 -XEN_EINVAL);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_shared_info, 0, UINT64_C(1) << 52),
			 -XEN_EINVAL);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_gmfn, 0, 100), -XEN_ENOSYS);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_gmfn_foreign, 0, 100), -XEN_ENOSYS);
	assert_int_equal(add(v, DOMID_SELF, 77, 0, 100), -XEN_ENOSYS);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_dev_mmio, 0, 100), -XEN_EACCES);
	assert_int_equal(add(dom0->vcpu[0], 1, XENMAPSPACE_dev_mmio, 0, 100), -XEN_EACCES);
	assert_int_equal(add(dom0->vcpu[0], 0, XENMAPSPACE_dev_mmio, 0, 100), 0);
	assert_true(is_hole(dom0, 100));
	assert_int_equal(add(v, 2, XENMAPSPACE_shared_info, 0, 100), -XEN_EPERM);
	assert_int_equal(add(v, 9, XENMAPSPACE_shared_info, 0, 100), -XEN_ESRCH);
	assert_int_equal(add(dom0->vcpu[0], 2, XENMAPSPACE_shared_info, 0, 100), 0);
	assert_true(maps_shared(other, 100, other->shared_info));
	fake_fail_map_after(1);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_shared_info, 0, 100), -XEN_ENOMEM);
	assert_int_equal(domu->shared_info_gfn.raw, GFN_INVALID.raw);
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, NOWHERE, 0),
			 -XEN_EFAULT);
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_add_to_physmap | 0x10000 << 6, ARG, 0),
			 -XEN_EDOM);
}

static void range_of_frames_is_absent_but_checked(void **state)
{
	struct xen_add_to_physmap op = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_gmfn_range,
		.size = 2,
		.idx = 1,
		.gpfn = 100,
	};
	struct vcpu *v = domu->vcpu[0];
	uint64_t cmd = XENMEM_add_to_physmap | 3 << 6;

	(void)state;
	assert_int_equal(MEMORY(v, add_to_physmap, op), -XEN_ENOSYS);
	assert_int_equal(hc_arg(v, __HYPERVISOR_memory_op, cmd, &op, sizeof(op)), -XEN_EILSEQ);
	op.gpfn = UINT64_MAX - 1;
	assert_int_equal(MEMORY(v, add_to_physmap, op), -XEN_EOVERFLOW);
	op.size = 0;
	assert_int_equal(MEMORY(v, add_to_physmap, op), 0);
}

static void remove_from_physmap_answers(void **state)
{
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	fake_give_page(domu, 0, 100);
	fake_map(domu, 101, mfn(0x9000), STAGE2_DEVICE);
	fake_map(dom0, 101, mfn(0x9000), STAGE2_DEVICE_HWDOM);
	/* Own RAM: unmapped, and still the domain's. */
	assert_int_equal(remove_at(v, DOMID_SELF, 100), 0);
	assert_true(is_hole(domu, 100));
	assert_false(fake_page_is_free(0));
	assert_int_equal(domu->nr_pages, 1);
	assert_int_equal(remove_at(v, DOMID_SELF, 100), -XEN_ENOENT);
	assert_int_equal(remove_at(v, DOMID_SELF, 101), -XEN_ENOENT);
	assert_int_equal(remove_at(dom0->vcpu[0], DOMID_SELF, 101), -XEN_ENOENT);
	assert_int_equal(remove_at(v, DOMID_SELF, UINT64_MAX), -XEN_ENOENT);
	assert_int_equal(remove_at(v, 2, 100), -XEN_EPERM);
	assert_int_equal(remove_at(v, 9, 100), -XEN_ESRCH);
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_remove_from_physmap, NOWHERE, 0),
			 -XEN_EFAULT);
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_remove_from_physmap | 64, ARG, 0),
			 -XEN_EINVAL);
}

/* ---- batches -------------------------------------------------------------------------------- */

#define BATCH_PAGE 50
#define IDXS       ((uint64_t *)fake_page(BATCH_PAGE))
#define GPFNS      ((uint64_t *)fake_page(BATCH_PAGE + 1))
#define ERRS       ((int32_t *)fake_page(BATCH_PAGE + 2))

static struct xen_add_to_physmap_batch batch_of(unsigned int space, unsigned int size)
{
	return (struct xen_add_to_physmap_batch){
		.domid = DOMID_SELF,
		.space = (uint16_t)space,
		.size = (uint16_t)size,
		.idxs = {.q = fake_gva(BATCH_PAGE)},
		.gpfns = {.q = fake_gva(BATCH_PAGE + 1)},
		.errs = {.q = fake_gva(BATCH_PAGE + 2)},
	};
}

static void batch_has_a_result_for_each_entry(void **state)
{
	struct xen_add_to_physmap_batch op = batch_of(XENMAPSPACE_grant_table, 4);

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		IDXS[i] = i == 2 ? 1000 : i;
		GPFNS[i] = 200 + i;
		ERRS[i] = 77;
	}
	fake_machine_interrupt_after(0);
	assert_int_equal(MEMORY(domu->vcpu[0], add_to_physmap_batch, op), 0);
	assert_int_equal(hc_restarts, 3);
	assert_int_equal(ERRS[0], 0);
	assert_int_equal(ERRS[1], 0);
	assert_int_equal(ERRS[2], -XEN_EINVAL);
	assert_int_equal(ERRS[3], 0);
	assert_true(maps_shared(domu, 203, domu->grant.frame[3]));
}

static void an_entry_may_be_interrupted_itself(void **state)
{
	struct xen_add_to_physmap_batch op = batch_of(XENMAPSPACE_grant_table, 2);

	(void)state;
	use_large_table(domu);
	for (unsigned int i = 0; i < 2; i++) {
		IDXS[i] = 20 + i;
		GPFNS[i] = 220 + i;
		ERRS[i] = 77;
	}
	fake_machine_interrupt_after(0);
	assert_int_equal(MEMORY(domu->vcpu[0], add_to_physmap_batch, op), 0);
	/* With 9 and 17 frames in the first, and between the two. */
	assert_int_equal(hc_restarts, 3);
	assert_true(ERRS[0] == 0 && ERRS[1] == 0);
	assert_true(maps_shared(domu, 220, domu->grant.frame[20]));
	assert_true(maps_shared(domu, 221, domu->grant.frame[21]));
}

static int32_t map_foreign(struct vcpu *v, uint16_t domid, uint16_t foreign, uint64_t idx,
			   uint64_t g)
{
	struct xen_add_to_physmap_batch op = batch_of(XENMAPSPACE_gmfn_foreign, 1);

	op.domid = domid;
	op.u.foreign_domid = foreign;
	IDXS[0] = idx;
	GPFNS[0] = g;
	ERRS[0] = 77;
	assert_int_equal(MEMORY(v, add_to_physmap_batch, op), 0);
	return ERRS[0];
}

static bool maps_foreign(struct domain *d, uint64_t g, unsigned int page)
{
	enum stage2_type type;
	mfn_t m;

	return fake_is_mapped(d, g, &m, &type) && m.raw == FAKE_MFN(page) &&
	       type == STAGE2_FOREIGN_RW;
}

static void the_toolstack_maps_frames_of_others(void **state)
{
	struct vcpu *v = dom0->vcpu[0];

	(void)state;
	fake_give_page(domu, 3, 100);
	assert_int_equal(map_foreign(v, DOMID_SELF, 1, 100, 200), 0);
	assert_true(maps_foreign(dom0, 200, 3));
	assert_int_equal(fake_extra_refs(3), 1);
	/* And takes them out again: the reference is stage 2's, which the fake has none of. */
	assert_int_equal(remove_at(v, DOMID_SELF, 200), 0);
	assert_true(is_hole(dom0, 200));
	frame_put(mfn(FAKE_MFN(3)));
}

/* Never -XEN_ENOENT: libxenforeignmemory would try for ever. */
static void foreign_frames_that_are_refused(void **state)
{
	struct vcpu *v = dom0->vcpu[0];

	(void)state;
	fake_give_page(domu, 3, 100);
	fake_give_page(dom0, 4, 100);
	fake_map(domu, 101, mfn(0x9000), STAGE2_DEVICE);
	fake_map(domu, 102, mfn(FAKE_MFN(4)), STAGE2_GRANT_RW);
	assert_int_equal(map_foreign(v, DOMID_SELF, 1, 103, 200), -XEN_EINVAL);
	assert_int_equal(map_foreign(v, DOMID_SELF, 1, 101, 200), -XEN_EINVAL);
	assert_int_equal(map_foreign(v, DOMID_SELF, 1, 102, 200), -XEN_EINVAL);
	assert_int_equal(map_foreign(v, DOMID_SELF, 1, UINT64_MAX, 200), -XEN_EINVAL);
	assert_int_equal(map_foreign(v, DOMID_SELF, 1, 100, UINT64_C(1) << 28), -XEN_EINVAL);
	assert_int_equal(map_foreign(v, DOMID_SELF, 9, 100, 200), -XEN_ESRCH);
	/* Oneself by number is nobody, as in Xen. */
	assert_int_equal(map_foreign(v, DOMID_SELF, 0, 100, 200), -XEN_ESRCH);
	assert_int_equal(map_foreign(v, DOMID_SELF, DOMID_SELF, 100, 200), -XEN_EINVAL);
	assert_int_equal(map_foreign(v, DOMID_SELF, DOMID_XEN, 100, 200), -XEN_EINVAL);
	assert_int_equal(map_foreign(domu->vcpu[0], DOMID_SELF, DOMID_IO, 100, 200), -XEN_EPERM);
	/* Not for a guest, and not into one. */
	assert_int_equal(map_foreign(domu->vcpu[0], DOMID_SELF, 0, 100, 200), -XEN_EPERM);
	assert_int_equal(map_foreign(v, 1, 2, 100, 200), -XEN_EPERM);
	fake_fail_map_after(1);
	assert_int_equal(map_foreign(v, DOMID_SELF, 1, 100, 200), -XEN_ENOMEM);
	assert_true(is_hole(dom0, 200));
	assert_int_equal(fake_extra_refs(3), 0);
}

/* It has its devices; whatever else it asks for is passed over. */
static void the_hardware_domain_maps_its_devices_again(void **state)
{
	struct vcpu *v = dom0->vcpu[0];
	enum stage2_type type;
	mfn_t m;

	(void)state;
	fake_map(dom0, 0x9000, mfn(0x9000), STAGE2_DEVICE_HWDOM);
	fake_give_page(dom0, 4, FAKE_MFN(4));
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_dev_mmio, 0x9000, 300), 0);
	assert_true(fake_is_mapped(dom0, 300, &m, &type));
	assert_int_equal(type, STAGE2_DEVICE_HWDOM);
	assert_int_equal(m.raw, 0x9000);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_dev_mmio, FAKE_MFN(4), 301), 0);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_dev_mmio, 0x9001, 301), 0);
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_dev_mmio, UINT64_MAX, 301), 0);
	assert_true(is_hole(dom0, 301));
	assert_int_equal(add(v, DOMID_SELF, XENMAPSPACE_dev_mmio, 0x9000, UINT64_C(1) << 28),
			 -XEN_EINVAL);
}

/* Until the grant is given back, that is. */
static void what_is_mapped_by_grant_is_not_removed(void **state)
{
	(void)state;
	fake_map(domu, 100, mfn(FAKE_MFN(3)), STAGE2_GRANT_RW);
	fake_map(domu, 101, mfn(FAKE_MFN(3)), STAGE2_GRANT_RO);
	assert_int_equal(remove_at(domu->vcpu[0], DOMID_SELF, 100), -XEN_ENOENT);
	assert_int_equal(remove_at(domu->vcpu[0], DOMID_SELF, 101), -XEN_ENOENT);
	assert_false(is_hole(domu, 100));
	/* But a page of the domain's own, granted to itself, is its to take away, there and where it belongs. */
	fake_give_page(domu, 4, 110);
	fake_map(domu, 111, mfn(FAKE_MFN(4)), STAGE2_GRANT_RW);
	fake_map(domu, 112, mfn(FAKE_MFN(4)), STAGE2_GRANT_RO);
	assert_int_equal(remove_at(domu->vcpu[0], DOMID_SELF, 111), 0);
	assert_int_equal(remove_at(domu->vcpu[0], DOMID_SELF, 112), 0);
	assert_true(is_hole(domu, 111) && is_hole(domu, 112) && !is_hole(domu, 110));
	assert_int_equal(fake_extra_refs(4), 0);
}

static void refusals_of_a_batch(void **state)
{
	struct xen_add_to_physmap_batch op = batch_of(XENMAPSPACE_grant_table, 1);
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	IDXS[0] = 0;
	GPFNS[0] = UINT64_MAX;
	assert_int_equal(MEMORY(v, add_to_physmap_batch, op), -XEN_EINVAL);
	op.space = XENMAPSPACE_gmfn_range;
	assert_int_equal(MEMORY(v, add_to_physmap_batch, op), -XEN_EOPNOTSUPP);
	op = batch_of(XENMAPSPACE_dev_mmio, 1);
	op.u.res0 = 1;
	assert_int_equal(MEMORY(v, add_to_physmap_batch, op), -XEN_EACCES);
	assert_int_equal(MEMORY(dom0->vcpu[0], add_to_physmap_batch, op), -XEN_EOPNOTSUPP);
	op = batch_of(XENMAPSPACE_grant_table, 1);
	op.domid = 2;
	assert_int_equal(MEMORY(v, add_to_physmap_batch, op), -XEN_EPERM);
	op.domid = 9;
	assert_int_equal(MEMORY(v, add_to_physmap_batch, op), -XEN_ESRCH);
	op = batch_of(XENMAPSPACE_grant_table, 0);
	assert_int_equal(MEMORY(v, add_to_physmap_batch, op), 0);
	op = batch_of(XENMAPSPACE_grant_table, 1);
	assert_int_equal(hc_arg(v, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch | 64, &op,
				sizeof(op)),
			 -XEN_EILSEQ);
	assert_int_equal(hc_arg(v, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch | 128, &op,
				sizeof(op)),
			 -XEN_EILSEQ);
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch | 0x10000 << 6,
			    ARG, 0),
			 -XEN_EDOM);
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, NOWHERE, 0),
			 -XEN_EFAULT);
	op.idxs.q = NOWHERE;
	assert_int_equal(MEMORY(v, add_to_physmap_batch, op), -XEN_EFAULT);
	op = batch_of(XENMAPSPACE_grant_table, 1);
	op.gpfns.q = NOWHERE;
	assert_int_equal(MEMORY(v, add_to_physmap_batch, op), -XEN_EFAULT);
	op = batch_of(XENMAPSPACE_grant_table, 1);
	op.errs.q = NOWHERE;
	GPFNS[0] = 200;
	assert_int_equal(MEMORY(v, add_to_physmap_batch, op), -XEN_EFAULT);
}

static void other_operations_are_absent(void **state)
{
	static const unsigned int ops[] = {5, 8, 9, 10, 11, 12, 13, 16, 17, 20, 21, 22, 25, 29, 63};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_memory_op, ops[i], ARG, 0),
				 -XEN_ENOSYS);
	}
}

/* ---- resources ------------------------------------------------------------------------------- */

static struct xen_mem_acquire_resource resource(uint16_t domid, uint64_t frame, uint32_t nr)
{
	return (struct xen_mem_acquire_resource){
		.domid = domid,
		.type = XENMEM_resource_grant_table,
		.id = XENMEM_resource_grant_table_id_shared,
		.nr_frames = nr,
		.frame = frame,
		.frame_list = {.q = fake_gva(BATCH_PAGE + 1)},
	};
}

static void the_toolstack_maps_a_guests_grant_table(void **state)
{
	struct xen_mem_acquire_resource op = resource(1, 1, 3);
	enum stage2_type type;
	mfn_t m;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		GPFNS[i] = 200 + i;
	}
	fake_machine_interrupt_after(0);
	assert_int_equal(MEMORY(dom0->vcpu[0], acquire_resource, op), 0);
	assert_int_equal(hc_restarts, 2);
	assert_int_equal(domu->grant.nr_frames, 4);
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(fake_is_mapped(dom0, 200 + i, &m, &type));
		assert_int_equal(m.raw, hyp_to_mfn(domu->grant.frame[1 + i]).raw);
		assert_int_equal(type, STAGE2_FOREIGN_RW);
	}
	/* Interrupted while the table grows and between two: what is mapped by then stays. */
	use_large_table(other);
	GPFNS[0] = 210;
	GPFNS[1] = UINT64_C(1) << 28;
	op = resource(2, 20, 2);
	assert_int_equal(MEMORY(dom0->vcpu[0], acquire_resource, op), -XEN_EINVAL);
	assert_int_equal(hc_restarts, 3);
	assert_true(fake_is_mapped(dom0, 210, &m, &type));
	assert_int_equal(m.raw, hyp_to_mfn(other->grant.frame[20]).raw);
	/* How large is it? */
	op = resource(1, 0, 0);
	op.frame_list.q = 0;
	assert_int_equal(MEMORY(dom0->vcpu[0], acquire_resource, op), 0);
	assert_int_equal(op.nr_frames, 8);
}

static void resources_that_are_refused(void **state)
{
	struct vcpu *v = dom0->vcpu[0];
	struct xen_mem_acquire_resource op;

	(void)state;
	GPFNS[0] = 200;
	GPFNS[1] = UINT64_C(1) << 28;
#define REFUSED(error, ...)                                                \
	do {                                                               \
		op = resource(1, 0, 1);                                    \
		__VA_ARGS__;                                               \
		assert_int_equal(MEMORY(v, acquire_resource, op), -error); \
	} while (0)
	REFUSED(XEN_EINVAL, op.pad = 1);
	REFUSED(XEN_EINVAL, op.frame = UINT64_C(1) << 32);
	REFUSED(XEN_EINVAL, op.frame = UINT32_MAX);
	REFUSED(XEN_EINVAL, op.frame = 8);
	REFUSED(XEN_EINVAL, op.nr_frames = 9);
	REFUSED(XEN_EINVAL, op.nr_frames = 0);
	REFUSED(XEN_EINVAL, op.id = XENMEM_resource_grant_table_id_status);
	REFUSED(XEN_EINVAL, op.type = XENMEM_resource_ioreq_server);
	REFUSED(XEN_EINVAL, op.type = XENMEM_resource_vmtrace_buf);
	REFUSED(XEN_EOPNOTSUPP, op.type = 3);
	REFUSED(XEN_EINVAL, op.frame_list.q = 0);
	REFUSED(XEN_EFAULT, op.frame_list.q = NOWHERE);
	REFUSED(XEN_ESRCH, op.domid = 9);
	REFUSED(XEN_ESRCH, op.domid = DOMID_SELF);
	REFUSED(XEN_EPERM, op.domid = 0);
	/* The first as it is, a later one as something that has happened in the middle. */
	REFUSED(XEN_EINVAL, op.frame_list.q += 8);
	assert_true(is_hole(dom0, 200));
	REFUSED(XEN_EIO, op.nr_frames = 2);
	assert_false(is_hole(dom0, 200));
	v = domu->vcpu[0];
	REFUSED(XEN_EPERM, op.domid = 2);
	assert_int_equal(hc(v, __HYPERVISOR_memory_op, XENMEM_acquire_resource, NOWHERE, 0),
			 -XEN_EFAULT);
}

static void there_is_no_numa_and_no_reserved_memory(void **state)
{
	struct xen_vnuma_topology_info numa = {.domid = DOMID_SELF};
	struct xen_reserved_device_memory_map map = {.nr_entries = 5};
	struct vcpu *v = domu->vcpu[0];

	(void)state;
	assert_int_equal(MEMORY(v, get_vnumainfo, numa), -XEN_EOPNOTSUPP);
	numa.domid = 2;
	assert_int_equal(MEMORY(v, get_vnumainfo, numa), -XEN_EPERM);
	numa.domid = 9;
	assert_int_equal(MEMORY(v, get_vnumainfo, numa), -XEN_ESRCH);
	numa.pad = 1;
	assert_int_equal(MEMORY(v, get_vnumainfo, numa), -XEN_EINVAL);
	assert_int_equal(MEMORY(v, reserved_device_memory_map, map), 0);
	assert_int_equal(map.nr_entries, 0);
	map.flags = 2;
	assert_int_equal(MEMORY(v, reserved_device_memory_map, map), -XEN_EINVAL);
	for (unsigned int op = XENMEM_get_vnumainfo; op <= XENMEM_reserved_device_memory_map; op++) {
		assert_int_equal(hc(v, __HYPERVISOR_memory_op, op, NOWHERE, 0), -XEN_EFAULT);
		assert_int_equal(hc(v, __HYPERVISOR_memory_op, op | 64, ARG, 0), -XEN_EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HC_TEST(decrease_frees_pages_of_an_ordinary_domain),
		HC_TEST(decrease_stops_at_the_first_that_is_not_ram),
		HC_TEST(page_is_given_up_once),
		HC_TEST(direct_mapped_domain_keeps_its_frames),
		HC_TEST(what_a_direct_mapped_domain_had_of_others_goes_first),
		HC_TEST(direct_mapped_domain_gets_only_what_is_its_own),
		HC_TEST(populate_allocates_for_an_ordinary_domain),
		HC_TEST(populate_stops_at_the_limit),
		HC_TEST(extent_that_cannot_be_had_is_no_error),
		HC_TEST(failed_mapping_gives_everything_back),
		HC_TEST(reservations_answer_with_what_was_done_so_far),
		HC_TEST(nodes_are_named_by_the_toolstack_alone),
		HC_TEST(order_depends_on_the_caller),
		HC_TEST(large_extents_are_interrupted_within),
		HC_TEST(progress_is_for_the_very_same_extent),
		HC_TEST(nothing_is_mapped_into_a_dying_domain),
		HC_TEST(a_dying_domain_gives_nothing_up),
		HC_TEST(a_domain_dies_while_pages_are_on_their_way),
		HC_TEST(claimed_pages_are_for_the_claimant),
		HC_TEST(a_dying_domain_has_no_claim),
		HC_TEST(claims_that_are_refused),
		HC_TEST(reservation_is_continued_where_it_stopped),
		HC_TEST(figures_of_a_domain),
		HC_TEST(figures_of_the_machine),
		HC_TEST(shared_info_takes_the_place_of_live_ram),
		HC_TEST(shared_info_is_mapped_in_one_place),
		HC_TEST(grant_frames_are_made_and_mapped),
		HC_TEST(a_table_that_grows_far_is_interrupted),
		HC_TEST(refusals_of_add_to_physmap),
		HC_TEST(range_of_frames_is_absent_but_checked),
		HC_TEST(remove_from_physmap_answers),
		HC_TEST(batch_has_a_result_for_each_entry),
		HC_TEST(an_entry_may_be_interrupted_itself),
		HC_TEST(the_toolstack_maps_frames_of_others),
		HC_TEST(foreign_frames_that_are_refused),
		HC_TEST(the_hardware_domain_maps_its_devices_again),
		HC_TEST(what_is_mapped_by_grant_is_not_removed),
		HC_TEST(refusals_of_a_batch),
		HC_TEST(the_toolstack_maps_a_guests_grant_table),
		HC_TEST(resources_that_are_refused),
		HC_TEST(there_is_no_numa_and_no_reserved_memory),
		HC_TEST(other_operations_are_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
