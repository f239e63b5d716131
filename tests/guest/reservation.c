/* SPDX-License-Identifier: MIT */
/*
 * memory_op (public/memory.h) as an ordinary domain sees it: giving memory back and taking it, what is mapped where,
 * each error and limit, and arguments that cannot be reached.
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_trap.h"
#include "guest_xen.h"

const char *const guest_topic = "reservation";
const bool guest_mmu_off;

#define NOWHERE      ((void *)UINT64_C(0x7700000000))
#define NO_DOMAIN    UINT16_C(4711)
#define BLOCK_PAGES  512
#define BEYOND_GFN   (UINT64_C(1) << 36) /* no guest's addresses go that far */
#define CONTINUED(n) ((uint64_t)(n) << 6)

/* Two blocks of 2 MiB in the middle of RAM, clear of the image at its start and the device tree at its end. */
static xen_pfn_t spare_gfn;

static int64_t memory_op(uint64_t command, const void *argument)
{
	return hypercall2(__HYPERVISOR_memory_op, command, argument);
}

static int64_t pages_now(void)
{
	domid_t self = DOMID_SELF;

	return memory_op(XENMEM_current_reservation, &self);
}

static struct xen_memory_reservation extents(const xen_pfn_t *list, uint64_t nr, unsigned int order)
{
	struct xen_memory_reservation op = {.nr_extents = nr,
					    .extent_order = order,
					    .domid = DOMID_SELF};

	op.extent_start.q = (uintptr_t)list;
	return op;
}

static int64_t reserve(unsigned int command, const xen_pfn_t *list, uint64_t nr, unsigned int order)
{
	struct xen_memory_reservation op = extents(list, nr, order);

	return memory_op(command, &op);
}

#define DECREASE XENMEM_decrease_reservation
#define POPULATE XENMEM_populate_physmap

static volatile uint64_t *word_of(xen_pfn_t gfn)
{
	return (volatile uint64_t *)(uintptr_t)(gfn << PAGE_SHIFT);
}

static bool is_there(xen_pfn_t gfn)
{
	uint64_t value;

	return !fault_read(8, gfn << PAGE_SHIFT, &value).taken;
}

/* Two pages at a spare address: the first is the given one, the second is not there. */
static uint8_t *cut_off(unsigned int idx, unsigned int bytes)
{
	uint64_t va = mmu_spare_page(8);

	if (!mmu_map_page(va, (uintptr_t)xen_spare_pages[idx], MMU_WRITE_BACK) ||
	    !mmu_map_page(va + PAGE_SIZE, 0, MMU_UNMAPPED)) {
		return NULL;
	}
	return (uint8_t *)(uintptr_t)(va + PAGE_SIZE - bytes);
}

static void read_only(unsigned int idx, void **at)
{
	uint64_t va = mmu_spare_page(10);

	*at = mmu_map_page(va, (uintptr_t)xen_spare_pages[idx], MMU_READ_ONLY)
		    ? (void *)(uintptr_t)va
		    : NULL;
}

/* ---- giving and taking ----------------------------------------------------------------------------------- */

static void pages_go_and_come(void)
{
	xen_pfn_t list[4];
	int64_t before = pages_now();

	spare_gfn = ((machine.ram_start + machine.ram_size / 2) & ~UINT64_C(0x1fffff)) >> PAGE_SHIFT;
	for (unsigned int i = 0; i < ARRAY_SIZE(list); i++) {
		list[i] = spare_gfn + 3 * i;
		*word_of(list[i]) = 0x1234;
		*word_of(list[i] + 1) = 0x5678 + i;
	}
	REQUIRE_EQUAL(reserve(DECREASE, list, 4, 0), 4);
	EXPECT_EQUAL(pages_now(), before - 4);
	for (unsigned int i = 0; i < ARRAY_SIZE(list); i++) {
		EXPECT(!is_there(list[i]), "page %u is still there", i);
		EXPECT_EQUAL(*word_of(list[i] + 1), 0x5678 + i);
	}
	REQUIRE_EQUAL(reserve(POPULATE, list, 4, 0), 4);
	EXPECT_EQUAL(pages_now(), before);
	for (unsigned int i = 0; i < ARRAY_SIZE(list); i++) {
		*word_of(list[i]) = 0x9999;
		EXPECT_EQUAL(*word_of(list[i]), 0x9999);
		EXPECT_EQUAL(*word_of(list[i] + 1), 0x5678 + i);
	}
}

static void whole_blocks(void)
{
	xen_pfn_t list[2] = {spare_gfn, spare_gfn + BLOCK_PAGES};
	int64_t before = pages_now();

	REQUIRE_EQUAL(reserve(DECREASE, list, 2, 9), 2);
	EXPECT_EQUAL(pages_now(), before - 2 * BLOCK_PAGES);
	EXPECT(!is_there(spare_gfn) && !is_there(spare_gfn + 2 * BLOCK_PAGES - 1));
	REQUIRE_EQUAL(reserve(POPULATE, list, 1, 9), 1);
	/* And in smaller parts: whatever was asked for first. */
	for (unsigned int n = 0; n < BLOCK_PAGES; n += 8) {
		list[1] = spare_gfn + BLOCK_PAGES + n;
		REQUIRE_EQUAL(reserve(POPULATE, list + 1, 1, 3), 1);
	}
	EXPECT_EQUAL(pages_now(), before);
	EXPECT(is_there(spare_gfn) && is_there(spare_gfn + 2 * BLOCK_PAGES - 1));
}

/* Counts, never errors. */
static void it_stops_at_the_first_that_cannot_be(void)
{
	xen_pfn_t list[4] = {spare_gfn, spare_gfn + 1, BEYOND_GFN, spare_gfn + 2};
	int64_t before = pages_now();

	EXPECT_EQUAL(reserve(DECREASE, list, 4, 0), 2);
	EXPECT(is_there(spare_gfn + 2));
	/* The first is a hole. */
	EXPECT_EQUAL(reserve(DECREASE, list, 4, 0), 0);
	EXPECT_EQUAL(pages_now(), before - 2);
	/* Two can be had, the domain has its limit then. */
	list[2] = spare_gfn + BLOCK_PAGES * 4;
	EXPECT(reserve(POPULATE, list, 4, 0) == 2 ||
		       memory_op(XENMEM_maximum_reservation, &(domid_t){DOMID_SELF}) > before,
	       "more than its limit");
	EXPECT_EQUAL(pages_now(), before);
	list[0] = ~UINT64_C(0);
	EXPECT_EQUAL(reserve(DECREASE, list, 1, 0), 0);
	list[0] = UINT64_C(1) << 52;
	EXPECT_EQUAL(reserve(DECREASE, list, 1, 0), 0);
	/* Pages before the one that is not there go all the same. */
	list[0] = spare_gfn + 5;
	REQUIRE_EQUAL(reserve(DECREASE, list, 1, 0), 1);
	list[0] = spare_gfn;
	EXPECT_EQUAL(reserve(DECREASE, list, 1, 3), 0);
	EXPECT_EQUAL(pages_now(), before - 6);
	EXPECT(!is_there(spare_gfn + 4) && is_there(spare_gfn + 6));
	for (unsigned int i = 0; i < 6; i++) {
		list[0] = spare_gfn + i;
		REQUIRE_EQUAL(reserve(POPULATE, list, 1, 0), 1);
	}
}

static void orders_have_a_limit(void)
{
	xen_pfn_t list[1] = {spare_gfn};
	int64_t before = pages_now();

	for (unsigned int order = 10; order < 64; order += 9) {
		EXPECT_EQUAL(reserve(DECREASE, list, 1, order), 0);
		EXPECT_EQUAL(reserve(POPULATE, list, 1, order), 0);
	}
	EXPECT_EQUAL(reserve(DECREASE, list, 1, ~0u), 0);
	EXPECT_EQUAL(reserve(POPULATE, list, 1, ~0u), 0);
	EXPECT_EQUAL(pages_now(), before);
	EXPECT(is_there(spare_gfn));
}

/* The command's upper bits say how many have been done: the answer to whatever is wrong. */
static void what_is_wrong_is_nothing_done(void)
{
	static const unsigned int commands[] = {XENMEM_increase_reservation, DECREASE, POPULATE};
	xen_pfn_t list[2] = {spare_gfn, spare_gfn + 1};
	int64_t before = pages_now();

	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++) {
		unsigned int c = commands[i];
		struct xen_memory_reservation op = extents(list, 2, 0);

		EXPECT_EQUAL(memory_op(c, NOWHERE), 0);
		EXPECT_EQUAL(memory_op(c | CONTINUED(7), NOWHERE), 7);
		EXPECT_EQUAL(memory_op(c | CONTINUED(2), &op), 2);
		EXPECT_EQUAL(memory_op(c | CONTINUED(1000), &op), 1000);
		op.nr_extents = 0;
		EXPECT_EQUAL(memory_op(c, &op), 0);
		op.nr_extents = UINT64_C(1) << 26;
		EXPECT_EQUAL(memory_op(c, &op), 0);
		op.nr_extents = ~UINT64_C(0);
		EXPECT_EQUAL(memory_op(c | CONTINUED(3), &op), 3);
		op.nr_extents = 2;
		op.domid = NO_DOMAIN;
		EXPECT_EQUAL(memory_op(c, &op), 0);
		op.domid = DOMID_XEN;
		EXPECT_EQUAL(memory_op(c, &op), 0);
		op.domid = DOMID_SELF;
		op.mem_flags = XENMEMF_address_bits(12);
		EXPECT_EQUAL(memory_op(c, &op), 0);
		op.mem_flags = XENMEMF_exact_node(0);
		EXPECT_EQUAL(memory_op(c, &op), 0);
	}
	EXPECT_EQUAL(pages_now(), before);
	EXPECT(is_there(spare_gfn));
}

static void lists_that_cannot_be_reached(void)
{
	xen_pfn_t *list;
	struct xen_memory_reservation op, *cut;
	int64_t before = pages_now();

	EXPECT_EQUAL(reserve(DECREASE, NOWHERE, 1, 0), 0);
	EXPECT_EQUAL(reserve(POPULATE, NOWHERE, 1, 0), 0);
	EXPECT_EQUAL(reserve(DECREASE, (xen_pfn_t *)(uintptr_t)~UINT64_C(6), 1, 0), 0);
	/* Three entries, and the rest is not there. */
	list = (xen_pfn_t *)cut_off(1, 3 * sizeof(*list));
	REQUIRE(list != NULL);
	for (unsigned int i = 0; i < 3; i++) {
		list[i] = spare_gfn + i;
	}
	EXPECT_EQUAL(reserve(DECREASE, list, 5, 0), 3);
	EXPECT_EQUAL(reserve(POPULATE, list, 5, 0), 3);
	EXPECT_EQUAL(pages_now(), before);
	/* Misaligned is fine, across pages too. */
	list = (xen_pfn_t *)cut_off(1, 19);
	for (unsigned int i = 0; i < 2; i++) {
		xen_pfn_t gfn = spare_gfn + i;

		memcpy((uint8_t *)list + i * sizeof(gfn), &gfn, sizeof(gfn));
	}
	EXPECT_EQUAL(reserve(DECREASE, list, 3, 0), 2);
	EXPECT_EQUAL(reserve(POPULATE, list, 3, 0), 2);
	/* The argument itself: its last word is not there. */
	cut = (struct xen_memory_reservation *)cut_off(1, sizeof(op) - 8);
	op = extents(&spare_gfn, 1, 0);
	memcpy(cut, &op, sizeof(op) - 8);
	EXPECT_EQUAL(memory_op(DECREASE, cut), 0);
	EXPECT_EQUAL(pages_now(), before);
}

/* ---- interrupts in between ------------------------------------------------------------------------------------ */

static xen_pfn_t many[1500];

/* The most ticks that came in one of its calls. */
static void reserve_with_ticks(unsigned int command, unsigned int nr, unsigned int order,
			       uint32_t *most)
{
	/* Longer than a tick's handler takes: a line that rises before its EOI is late, with QEMU's GICv2. */
	ticks_start(100);
	EXPECT_EQUAL(reserve(command, many, nr, order), nr);
	ticks_stop();
	*most = MAX(*most, ticks_in_calls());
}

/* How long it takes is the machine's affair: so often that there are enough ticks in one call of each kind. */
static void reserve_until_interrupted(unsigned int nr, unsigned int order, uint32_t enough_taking,
				      uint32_t enough_giving)
{
	uint32_t taking = 0, giving = 0;
	int64_t before = pages_now();

	for (unsigned int round = 0;
	     round < 20 && (taking < enough_taking || giving < enough_giving); round++) {
		reserve_with_ticks(DECREASE, nr, order, &taking);
		EXPECT_EQUAL(pages_now(), before - ((int64_t)nr << order));
		reserve_with_ticks(POPULATE, nr, order, &giving);
		REQUIRE_EQUAL(pages_now(), before);
	}
	EXPECT(taking >= enough_taking && giving >= enough_giving,
	       "order %u: interrupted %u and %u times, not %u and %u", order, taking, giving,
	       enough_taking, enough_giving);
}

/* A list that takes long: all of it is done, once. */
static void long_lists_with_interrupts(void)
{
	const unsigned int nr = 2 * BLOCK_PAGES;

	for (unsigned int i = 0; i < nr; i++) {
		many[i] = spare_gfn + i;
		*word_of(many[i]) = i;
	}
	reserve_until_interrupted(nr, 0, 5, 5);
	for (unsigned int i = 0; i < nr; i++) {
		EXPECT(is_there(spare_gfn + i), "page %u is not there", i);
	}
	/*
	 * And large extents, which Tenon interrupts within, Xen in between. Giving them takes no time where other CPUs have
	 * made whole blocks ready.
	 */
	many[0] = spare_gfn;
	many[1] = spare_gfn + BLOCK_PAGES;
	reserve_until_interrupted(2, 9, machine.tenon ? 3 : 1, 0);
}

/* ---- figures ------------------------------------------------------------------------------------------------- */

static void figures(void)
{
	static const unsigned int commands[] = {XENMEM_current_reservation,
						XENMEM_maximum_reservation, XENMEM_maximum_gpfn};
	domid_t self = DOMID_SELF, own = (domid_t)guest_argument("number", 1);
	domid_t nobody = NO_DOMAIN;

	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++) {
		EXPECT(memory_op(commands[i], &self) > 0);
		EXPECT_EQUAL(memory_op(commands[i], &own), memory_op(commands[i], &self));
		EXPECT_EQUAL(memory_op(commands[i], &nobody), -XEN_ESRCH);
		EXPECT_EQUAL(memory_op(commands[i], NOWHERE), -XEN_EFAULT);
		EXPECT_EQUAL(memory_op(commands[i] | CONTINUED(1), &self), -XEN_EINVAL);
	}
	EXPECT(memory_op(XENMEM_maximum_ram_page, NULL) > (int64_t)(machine.ram_start >> PAGE_SHIFT));
	EXPECT_EQUAL(memory_op(XENMEM_maximum_ram_page | CONTINUED(1), NULL), -XEN_EINVAL);
	EXPECT_EQUAL(memory_op(XENMEM_get_sharing_freed_pages, NULL), 0);
	EXPECT_EQUAL(memory_op(XENMEM_get_sharing_shared_pages, NULL), 0);
}

static void operations_that_are_absent(void)
{
	static const unsigned int commands[] = {XENMEM_machphys_mfn_list,
						XENMEM_memory_map,
						XENMEM_machine_memory_map,
						XENMEM_machphys_mapping,
						XENMEM_set_memory_map,
						XENMEM_set_pod_target,
						XENMEM_get_pod_target,
						XENMEM_paging_op,
						XENMEM_sharing_op,
						8,
						29,
						40,
						63};
	static uint64_t argument[16];

	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++) {
		EXPECT(memory_op(commands[i], argument) == -XEN_ENOSYS, "operation %u: %ld",
		       commands[i], memory_op(commands[i], argument));
	}
}

/* There is one node, and no device that wants memory of its own. */
static void numa_and_reserved_memory(void)
{
	struct xen_vnuma_topology_info numa = {.domid = DOMID_SELF};
	struct xen_reserved_device_memory_map map = {.nr_entries = 4};

	EXPECT_EQUAL(memory_op(XENMEM_get_vnumainfo, &numa), -XEN_EOPNOTSUPP);
	EXPECT_EQUAL(memory_op(XENMEM_get_vnumainfo, NOWHERE), -XEN_EFAULT);
	EXPECT_EQUAL(memory_op(XENMEM_get_vnumainfo | CONTINUED(1), &numa), -XEN_EINVAL);
	numa.pad = 1;
	EXPECT_EQUAL(memory_op(XENMEM_get_vnumainfo, &numa), -XEN_EINVAL);
	numa.pad = 0;
	numa.domid = NO_DOMAIN;
	EXPECT_EQUAL(memory_op(XENMEM_get_vnumainfo, &numa), -XEN_ESRCH);
	EXPECT_EQUAL(memory_op(XENMEM_reserved_device_memory_map, &map), 0);
	EXPECT_EQUAL(map.nr_entries, 0);
	map.flags = 2;
	EXPECT_EQUAL(memory_op(XENMEM_reserved_device_memory_map, &map), -XEN_EINVAL);
	EXPECT_EQUAL(memory_op(XENMEM_reserved_device_memory_map, NOWHERE), -XEN_EFAULT);
}

/* ---- what is mapped where ---------------------------------------------------------------------------------------- */

static int64_t add(unsigned int space, uint64_t idx, xen_pfn_t gpfn)
{
	struct xen_add_to_physmap op = {.domid = DOMID_SELF, .space = space, .idx = idx, .gpfn = gpfn};

	return memory_op(XENMEM_add_to_physmap, &op);
}

static int64_t remove_page(xen_pfn_t gpfn)
{
	struct xen_remove_from_physmap op = {.domid = DOMID_SELF, .gpfn = gpfn};

	return memory_op(XENMEM_remove_from_physmap, &op);
}

static void refusals_of_add_to_physmap(void)
{
	struct xen_add_to_physmap op = {.domid = NO_DOMAIN,
					.space = XENMAPSPACE_shared_info,
					.gpfn = spare_gfn};
	struct xen_add_to_physmap range = {.domid = DOMID_SELF,
					   .space = XENMAPSPACE_gmfn_range,
					   .size = 4,
					   .idx = spare_gfn,
					   .gpfn = spare_gfn + 8};

	EXPECT_EQUAL(add(XENMAPSPACE_shared_info, 1, spare_gfn), -XEN_EINVAL);
	EXPECT_EQUAL(add(XENMAPSPACE_shared_info, 0, ~UINT64_C(0)), -XEN_EINVAL);
	EXPECT_EQUAL(add(XENMAPSPACE_shared_info, 0, BEYOND_GFN), -XEN_EINVAL);
	EXPECT_EQUAL(add(XENMAPSPACE_grant_table, 1000, spare_gfn), -XEN_EINVAL);
	EXPECT_EQUAL(add(XENMAPSPACE_grant_table, XENMAPIDX_grant_table_status, spare_gfn),
		     -XEN_EINVAL);
	EXPECT_EQUAL(add(XENMAPSPACE_gmfn, spare_gfn, spare_gfn + 1), -XEN_ENOSYS);
	EXPECT_EQUAL(add(XENMAPSPACE_gmfn_foreign, 0, spare_gfn), -XEN_ENOSYS);
	EXPECT_EQUAL(add(XENMAPSPACE_dev_mmio, 0x9000, spare_gfn), -XEN_EACCES);
	EXPECT_EQUAL(add(6, 0, spare_gfn), -XEN_ENOSYS);
	EXPECT_EQUAL(add(0xffffffff, 0, spare_gfn), -XEN_ENOSYS);
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap, &op), -XEN_ESRCH);
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap, NOWHERE), -XEN_EFAULT);
	op.domid = DOMID_SELF;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap | CONTINUED(0x10000), &op), -XEN_EDOM);
	/* A range is checked, and absent. */
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap, &range), -XEN_ENOSYS);
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap | CONTINUED(5), &range), -XEN_EILSEQ);
	range.gpfn = ~UINT64_C(2);
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap, &range), -XEN_EOVERFLOW);
	range.size = 0;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap, &range), 0);
	EXPECT(is_there(spare_gfn));
}

static void a_removed_page_stays_the_domains(void)
{
	int64_t before = pages_now();
	xen_pfn_t gfn = spare_gfn + 2 * BLOCK_PAGES - 1;

	REQUIRE_EQUAL(remove_page(gfn), 0);
	EXPECT(!is_there(gfn));
	EXPECT_EQUAL(pages_now(), before);
	EXPECT_EQUAL(remove_page(gfn), -XEN_ENOENT);
	/* It counts, so that there is none to be had instead, if the domain has all it may. */
	if (memory_op(XENMEM_maximum_reservation, &(domid_t){DOMID_SELF}) == before) {
		EXPECT_EQUAL(reserve(POPULATE, &gfn, 1, 0), 0);
	}
	/* Something else can be put there: a grant frame. */
	EXPECT_EQUAL(add(XENMAPSPACE_grant_table, 0, gfn), 0);
	EXPECT(is_there(gfn));
	EXPECT_EQUAL(add(XENMAPSPACE_grant_table, 0, gfn - 1), -XEN_EBUSY);
	EXPECT_EQUAL(remove_page(gfn), 0);
	EXPECT_EQUAL(add(XENMAPSPACE_grant_table, 0, gfn), 0);
	EXPECT_EQUAL(remove_page(gfn), 0);
	EXPECT_EQUAL(pages_now(), before);
}

static void refusals_of_remove_from_physmap(void)
{
	struct xen_remove_from_physmap op = {.domid = NO_DOMAIN, .gpfn = spare_gfn};

	EXPECT_EQUAL(memory_op(XENMEM_remove_from_physmap, &op), -XEN_ESRCH);
	EXPECT_EQUAL(memory_op(XENMEM_remove_from_physmap, NOWHERE), -XEN_EFAULT);
	op.domid = DOMID_SELF;
	EXPECT_EQUAL(memory_op(XENMEM_remove_from_physmap | CONTINUED(1), &op), -XEN_EINVAL);
	EXPECT_EQUAL(remove_page(BEYOND_GFN), -XEN_ENOENT);
	EXPECT_EQUAL(remove_page(~UINT64_C(0)), -XEN_ENOENT);
	/* The interrupt controller is no memory. */
	EXPECT_EQUAL(remove_page(machine.gicd >> PAGE_SHIFT), -XEN_ENOENT);
	EXPECT(is_there(spare_gfn));
}

/* Shared pages are not RAM: they are not given back. Xen unmaps them, and counts one page less for each. */
static void shared_pages_are_not_given_back(void)
{
	xen_pfn_t gfn;
	int64_t before;

	REQUIRE(xen_shared_info() != NULL);
	before = pages_now();
	gfn = (uintptr_t)xen_shared_info() >> PAGE_SHIFT;
	EXPECT_EQUAL(reserve(DECREASE, &gfn, 1, 0), 0);
	EXPECT_EQUAL(pages_now(), before);
	EXPECT(is_there(gfn));
}

/* ---- batches --------------------------------------------------------------------------------------------------------- */

static xen_ulong_t idxs[64];
static xen_pfn_t gpfns[64];
static int errs[64];

static struct xen_add_to_physmap_batch batch_of(unsigned int space, unsigned int size)
{
	struct xen_add_to_physmap_batch op = {.domid = DOMID_SELF,
					      .space = (uint16_t)space,
					      .size = (uint16_t)size};

	op.idxs.q = (uintptr_t)idxs;
	op.gpfns.q = (uintptr_t)gpfns;
	op.errs.q = (uintptr_t)errs;
	return op;
}

static void a_batch_has_an_answer_for_each(void)
{
	struct xen_add_to_physmap_batch op = batch_of(XENMAPSPACE_grant_table, 5);

	for (unsigned int i = 0; i < 5; i++) {
		idxs[i] = i == 1 ? 1000 : i;
		gpfns[i] = i == 3 ? BEYOND_GFN : spare_gfn + i;
		errs[i] = 77;
	}
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), 0);
	EXPECT_EQUAL(errs[0], 0);
	EXPECT_EQUAL(errs[1], -XEN_EINVAL);
	EXPECT_EQUAL(errs[2], 0);
	EXPECT_EQUAL(errs[3], -XEN_EINVAL);
	EXPECT_EQUAL(errs[4], 0);
	EXPECT_EQUAL(remove_page(spare_gfn), 0);
	EXPECT_EQUAL(remove_page(spare_gfn + 2), 0);
	EXPECT_EQUAL(remove_page(spare_gfn + 4), 0);
}

static void refusals_of_a_batch(void)
{
	struct xen_add_to_physmap_batch op = batch_of(XENMAPSPACE_grant_table, 1);
	void *at;

	idxs[0] = 0;
	gpfns[0] = ~UINT64_C(0);
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), -XEN_EINVAL);
	gpfns[0] = spare_gfn + 8;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch | CONTINUED(1), &op), -XEN_EILSEQ);
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch | CONTINUED(2), &op), -XEN_EILSEQ);
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch | CONTINUED(0x10000), &op), -XEN_EDOM);
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, NOWHERE), -XEN_EFAULT);
	op.size = 0;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), 0);
	op = batch_of(XENMAPSPACE_gmfn_range, 1);
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), -XEN_EOPNOTSUPP);
	op = batch_of(XENMAPSPACE_dev_mmio, 1);
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), -XEN_EACCES);
	op = batch_of(XENMAPSPACE_grant_table, 1);
	op.domid = NO_DOMAIN;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), -XEN_ESRCH);
	op = batch_of(XENMAPSPACE_grant_table, 1);
	op.idxs.q = (uintptr_t)NOWHERE;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), -XEN_EFAULT);
	op = batch_of(XENMAPSPACE_grant_table, 1);
	op.gpfns.q = (uintptr_t)NOWHERE;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), -XEN_EFAULT);
	/* An answer that cannot be written: the entry is done all the same. */
	read_only(1, &at);
	op = batch_of(XENMAPSPACE_grant_table, 1);
	op.errs.q = (uintptr_t)at;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), -XEN_EFAULT);
	EXPECT_EQUAL(remove_page(spare_gfn + 8), 0);
}

/* Another domain's frames are the toolstack's. */
static void foreign_frames_are_not_for_us(void)
{
	struct xen_add_to_physmap_batch op = batch_of(XENMAPSPACE_gmfn_foreign, 1);
	static const struct {
		uint16_t domid;
		int error;
	} cases[] = {
		{DOMID_SELF, -XEN_EINVAL}, {NO_DOMAIN, -XEN_ESRCH},     {DOMID_IO, -XEN_EPERM},
		{DOMID_XEN, -XEN_EPERM},   {DOMID_INVALID, -XEN_ESRCH},
	};

	idxs[0] = spare_gfn;
	gpfns[0] = spare_gfn + 9;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		op.u.foreign_domid = cases[i].domid;
		errs[0] = 77;
		EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), 0);
		EXPECT(errs[0] == cases[i].error, "domain %u: %d", cases[i].domid, errs[0]);
	}
	op.u.foreign_domid = (domid_t)guest_argument("number", 1);
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), 0);
	/* Oneself by number is nobody. */
	EXPECT_EQUAL(errs[0], -XEN_ESRCH);
	/* The other one, where there are two. */
	op.u.foreign_domid = (domid_t)(3 - guest_argument("number", 1));
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), 0);
	EXPECT(errs[0] == -XEN_EPERM || errs[0] == -XEN_ESRCH, "%d", errs[0]);
	EXPECT(is_there(spare_gfn + 9));
}

static void resources_are_not_for_us(void)
{
	static const struct {
		uint16_t domid;
		int error;
	} cases[] = {
		{DOMID_SELF, -XEN_ESRCH},
		{NO_DOMAIN, -XEN_ESRCH},
	};
	struct xen_mem_acquire_resource op = {.type = XENMEM_resource_grant_table, .nr_frames = 1};

	op.frame_list.q = (uintptr_t)gpfns;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		op.domid = cases[i].domid;
		EXPECT_EQUAL(memory_op(XENMEM_acquire_resource, &op), cases[i].error);
	}
	op.domid = (domid_t)guest_argument("number", 1);
	EXPECT_EQUAL(memory_op(XENMEM_acquire_resource, &op), -XEN_EPERM);
	op.pad = 1;
	EXPECT_EQUAL(memory_op(XENMEM_acquire_resource, &op), -XEN_EINVAL);
	op.pad = 0;
	op.frame = UINT64_C(1) << 32;
	EXPECT_EQUAL(memory_op(XENMEM_acquire_resource, &op), -XEN_EINVAL);
	op.frame = UINT32_MAX;
	EXPECT_EQUAL(memory_op(XENMEM_acquire_resource, &op), -XEN_EINVAL);
	EXPECT_EQUAL(memory_op(XENMEM_acquire_resource, NOWHERE), -XEN_EFAULT);
}

static void claims_are_not_for_us(void)
{
	struct xen_memory_reservation op = {.nr_extents = 10,
					    .domid = (domid_t)guest_argument("number", 1)};

	EXPECT_EQUAL(memory_op(XENMEM_claim_pages, &op), -XEN_EPERM);
	EXPECT_EQUAL(memory_op(XENMEM_claim_pages, NOWHERE), -XEN_EFAULT);
	EXPECT_EQUAL(memory_op(XENMEM_claim_pages | CONTINUED(1), &op), -XEN_EINVAL);
	op.extent_order = 1;
	EXPECT_EQUAL(memory_op(XENMEM_claim_pages, &op), -XEN_EINVAL);
	op.extent_order = 0;
	op.mem_flags = 1;
	EXPECT_EQUAL(memory_op(XENMEM_claim_pages, &op), -XEN_EINVAL);
	op.mem_flags = 0;
	op.extent_start.q = (uintptr_t)gpfns;
	EXPECT_EQUAL(memory_op(XENMEM_claim_pages, &op), -XEN_EINVAL);
	op.extent_start.q = 0;
	op.domid = NO_DOMAIN;
	EXPECT_EQUAL(memory_op(XENMEM_claim_pages, &op), -XEN_EINVAL);
	op.domid = DOMID_SELF;
	EXPECT_EQUAL(memory_op(XENMEM_claim_pages, &op), -XEN_EINVAL);
}

/* Memory without an address: Xen gives it to the domain, which cannot do anything with it. */
static void increase_gives_nothing(void)
{
	int64_t before = pages_now();

	EXPECT_EQUAL(reserve(XENMEM_increase_reservation, NULL, 1, 0), 0);
	EXPECT_EQUAL(pages_now(), before);
}

const struct guest_case guest_cases[] = {
	CASE(pages_go_and_come),
	CASE(whole_blocks),
	CASE(it_stops_at_the_first_that_cannot_be),
	CASE(orders_have_a_limit),
	CASE(what_is_wrong_is_nothing_done),
	CASE(lists_that_cannot_be_reached),
	CASE(long_lists_with_interrupts),
	CASE(figures),
	CASE(operations_that_are_absent),
	CASE(numa_and_reserved_memory),
	CASE(refusals_of_add_to_physmap),
	CASE(a_removed_page_stays_the_domains),
	CASE(refusals_of_remove_from_physmap),
	CASE(shared_pages_are_not_given_back, .flags = TENON_ONLY),
	CASE(a_batch_has_an_answer_for_each),
	CASE(refusals_of_a_batch),
	CASE(foreign_frames_are_not_for_us),
	CASE(resources_are_not_for_us),
	CASE(claims_are_not_for_us),
	CASE(increase_gives_nothing),
	CASE_END,
};
