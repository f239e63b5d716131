/* SPDX-License-Identifier: MIT */
/* memory_op: reservation and physical map. */
#include "hypercall/hc_test.h"

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
	op.extent_start.q = NOWHERE;
	assert_int_equal(MEMORY(v, populate_physmap, op), 0);
	/* Without an address nothing can be had. */
	op = extents(DOMID_SELF, 0, gfns, 1);
	assert_int_equal(MEMORY(v, increase_reservation, op), 0);
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
	assert_int_equal(add(dom0->vcpu[0], 0, XENMAPSPACE_dev_mmio, 0, 100), -XEN_ENOSYS);
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

/* Not -XEN_ENOENT for whatever is absent: libxenforeignmemory would try for ever. */
static void batch_of_foreign_frames_is_absent(void **state)
{
	struct xen_add_to_physmap_batch op = batch_of(XENMAPSPACE_gmfn_foreign, 1);

	(void)state;
	IDXS[0] = 1;
	GPFNS[0] = 200;
	op.u.foreign_domid = 1;
	assert_int_equal(MEMORY(dom0->vcpu[0], add_to_physmap_batch, op), 0);
	assert_int_equal(ERRS[0], -XEN_ENOSYS);
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
	static const unsigned int ops[] = {5,  8,  9,  10, 11, 12, 13, 16, 17, 20,
					   21, 22, 24, 25, 26, 27, 28, 29, 63};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		assert_int_equal(hc(dom0->vcpu[0], __HYPERVISOR_memory_op, ops[i], ARG, 0),
				 -XEN_ENOSYS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HC_TEST(decrease_frees_pages_of_an_ordinary_domain),
		HC_TEST(decrease_stops_at_the_first_that_is_not_ram),
		HC_TEST(page_is_given_up_once),
		HC_TEST(direct_mapped_domain_keeps_its_frames),
		HC_TEST(direct_mapped_domain_gets_only_what_is_its_own),
		HC_TEST(populate_allocates_for_an_ordinary_domain),
		HC_TEST(populate_stops_at_the_limit),
		HC_TEST(extent_that_cannot_be_had_is_no_error),
		HC_TEST(failed_mapping_gives_everything_back),
		HC_TEST(reservations_answer_with_what_was_done_so_far),
		HC_TEST(reservation_is_continued_where_it_stopped),
		HC_TEST(figures_of_a_domain),
		HC_TEST(figures_of_the_machine),
		HC_TEST(shared_info_takes_the_place_of_live_ram),
		HC_TEST(shared_info_is_mapped_in_one_place),
		HC_TEST(grant_frames_are_made_and_mapped),
		HC_TEST(refusals_of_add_to_physmap),
		HC_TEST(range_of_frames_is_absent_but_checked),
		HC_TEST(remove_from_physmap_answers),
		HC_TEST(batch_has_a_result_for_each_entry),
		HC_TEST(batch_of_foreign_frames_is_absent),
		HC_TEST(refusals_of_a_batch),
		HC_TEST(other_operations_are_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
