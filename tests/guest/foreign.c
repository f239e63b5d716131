/* SPDX-License-Identifier: MIT */
/*
 * dom0: frames of a guest in its own physical map (XENMAPSPACE_gmfn_foreign, XENMEM_acquire_resource), while the guest has
 * its caches off and when it turns them on; and what else is the toolstack's alone. The guest is victim.c.
 */
#include "foreign.h"
#include "guest.h"
#include "guest_asm.h"
#include "guest_event.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_trap.h"
#include "guest_xen.h"

const char *const guest_topic = "foreign";
const bool guest_mmu_off;

#define GUEST     1 /* the one domain beside dom0 */
#define NO_DOMAIN UINT16_C(4711)
#define NOWHERE   ((void *)UINT64_C(0x7700000000))

/* A hole in dom0's own RAM, as a kernel makes one by giving pages back. */
static xen_pfn_t hole;
#define HOLE_PAGES (VICTIM_NR_PAGES + 16)
#define BOARD_AT   (hole + VICTIM_NR_PAGES)
#define SPARE_AT   (hole + VICTIM_NR_PAGES + 1)

static xen_pfn_t list[HOLE_PAGES];
static xen_ulong_t idxs[HOLE_PAGES];
static xen_pfn_t gpfns[HOLE_PAGES];
static int errs[HOLE_PAGES];

static int64_t memory_op(uint64_t command, const void *argument)
{
	return hypercall2(__HYPERVISOR_memory_op, command, argument);
}

static int64_t reserve(unsigned int command, uint16_t domid, uint64_t nr, unsigned int order)
{
	struct xen_memory_reservation op = {.nr_extents = nr, .extent_order = order, .domid = domid};

	op.extent_start.q = (uintptr_t)list;
	return memory_op(command, &op);
}

static int64_t reservation_of(uint16_t domid)
{
	return memory_op(XENMEM_current_reservation, &domid);
}

static int64_t map_list(uint16_t domid, unsigned int nr)
{
	struct xen_add_to_physmap_batch op = {.domid = DOMID_SELF,
					      .space = XENMAPSPACE_gmfn_foreign,
					      .size = (uint16_t)nr};

	op.u.foreign_domid = domid;
	op.idxs.q = (uintptr_t)idxs;
	op.gpfns.q = (uintptr_t)gpfns;
	op.errs.q = (uintptr_t)errs;
	return memory_op(XENMEM_add_to_physmap_batch, &op);
}

static int map_one(uint16_t domid, uint64_t idx, xen_pfn_t at)
{
	idxs[0] = idx;
	gpfns[0] = at;
	errs[0] = 77;
	return map_list(domid, 1) == 0 ? errs[0] : -1000;
}

static int64_t remove_page(xen_pfn_t at)
{
	struct xen_remove_from_physmap op = {.domid = DOMID_SELF, .gpfn = at};

	return memory_op(XENMEM_remove_from_physmap, &op);
}

static volatile uint64_t *at(xen_pfn_t gfn)
{
	return (volatile uint64_t *)(uintptr_t)(gfn << PAGE_SHIFT);
}

static bool is_there(xen_pfn_t gfn)
{
	uint64_t value;

	return !fault_read(8, gfn << PAGE_SHIFT, &value).taken;
}

static volatile struct victim_board *board(void)
{
	return (volatile struct victim_board *)at(BOARD_AT);
}

/* Tell the guest; what it answers. */
static uint64_t tell(enum victim_command command, uint64_t argument)
{
	volatile struct victim_board *b = board();
	uint64_t count = b->asked + 1;

	b->command = command;
	b->argument = argument;
	dsb_sy();
	b->asked = count;
	dsb_sy();
	if (!WAIT_UNTIL(b->answered == count, 10000)) {
		return ~UINT64_C(1);
	}
	dsb_sy();
	return b->result;
}

/* ---- own memory ------------------------------------------------------------------------------------------- */

/* Devices know dom0's frames by their addresses: it gets back what it gave. */
static void the_same_frames_come_back(void)
{
	int64_t before = reservation_of(DOMID_SELF);

	hole = (machine.ram_start + (UINT64_C(24) << 20)) >> PAGE_SHIFT;
	for (unsigned int i = 0; i < 64; i++) {
		list[i] = hole + 5 * i;
		*at(list[i]) = 0x1000 + i;
	}
	dcache_clean_invalidate((void *)(uintptr_t)(hole << PAGE_SHIFT), 320 * PAGE_SIZE);
	REQUIRE_EQUAL(reserve(XENMEM_decrease_reservation, DOMID_SELF, 64, 0), 64);
	EXPECT(!is_there(list[3]) && is_there(list[3] + 1));
	EXPECT_EQUAL(reservation_of(DOMID_SELF), before);
	REQUIRE_EQUAL(reserve(XENMEM_populate_physmap, DOMID_SELF, 64, 0), 64);
	for (unsigned int i = 0; i < 64; i++) {
		EXPECT_EQUAL(*at(list[i]), 0x1000 + i);
	}
	/* Nobody else's. */
	list[0] = 0x9000;
	EXPECT_EQUAL(reserve(XENMEM_populate_physmap, DOMID_SELF, 1, 0), 0);
	list[0] = UINT64_C(1) << 30;
	EXPECT_EQUAL(reserve(XENMEM_populate_physmap, DOMID_SELF, 1, 0), 0);
}

static void large_extents(void)
{
	/* 4 MiB, beyond what a guest may ask for. */
	list[0] = (hole + 1023) & ~UINT64_C(1023);
	*at(list[0] + 777) = 0x777;
	dcache_clean_invalidate((void *)(uintptr_t)(list[0] << PAGE_SHIFT), 4 << 20);
	REQUIRE_EQUAL(reserve(XENMEM_decrease_reservation, DOMID_SELF, 1, 10), 1);
	EXPECT(!is_there(list[0]) && !is_there(list[0] + 1023));
	REQUIRE_EQUAL(reserve(XENMEM_populate_physmap, DOMID_SELF, 1, 10), 1);
	EXPECT_EQUAL(*at(list[0] + 777), 0x777);
	EXPECT_EQUAL(reserve(XENMEM_decrease_reservation, DOMID_SELF, 1, 19), 0);
}

static void make_a_hole(void)
{
	for (unsigned int i = 0; i < HOLE_PAGES; i++) {
		list[i] = hole + i;
	}
	REQUIRE_EQUAL(reserve(XENMEM_decrease_reservation, DOMID_SELF, HOLE_PAGES, 0), HOLE_PAGES);
}

/* ---- the guest is cold ---------------------------------------------------------------------------------------- */

static void a_frame_of_the_guests(void)
{
	REQUIRE_EQUAL(map_one(GUEST, VICTIM_BOARD_GFN, BOARD_AT), 0);
	REQUIRE(WAIT_UNTIL(board()->magic == VICTIM_MAGIC, 10000), "the guest says nothing");
	REQUIRE_EQUAL(tell(VICTIM_NONE, 0), 0);
}

static void frames_that_are_refused(void)
{
	EXPECT_EQUAL(map_one(GUEST, 0x1234567, SPARE_AT), -XEN_EINVAL);
	EXPECT_EQUAL(map_one(GUEST, ~UINT64_C(0), SPARE_AT), -XEN_EINVAL);
	EXPECT_EQUAL(map_one(GUEST, UINT64_C(1) << 40, SPARE_AT), -XEN_EINVAL);
	/* Its interrupt controller. */
	EXPECT_EQUAL(map_one(GUEST, 0x3002, SPARE_AT), -XEN_EINVAL);
	EXPECT_EQUAL(map_one(NO_DOMAIN, VICTIM_BOARD_GFN, SPARE_AT), -XEN_ESRCH);
	EXPECT_EQUAL(map_one(DOMID_SELF, hole - 1, SPARE_AT), -XEN_EINVAL);
	EXPECT_EQUAL(map_one(0, hole - 1, SPARE_AT), -XEN_ESRCH);
	EXPECT_EQUAL(map_one(GUEST, VICTIM_BOARD_GFN, UINT64_C(1) << 40), -XEN_EINVAL);
	EXPECT(!is_there(SPARE_AT));
	EXPECT_EQUAL(remove_page(SPARE_AT), -XEN_ENOENT);
}

/* 1,024 frames, so often that there are enough interrupts in one call: how long it takes is the machine's affair. */
static void many_frames(void)
{
	uint32_t nr_ticks = 0;

	for (unsigned int i = 0; i < VICTIM_NR_PAGES; i++) {
		idxs[i] = VICTIM_FIRST_GFN + i;
		gpfns[i] = hole + i;
	}
	for (unsigned int round = 0; round < 20 && nr_ticks < 5; round++) {
		for (unsigned int i = 0; i < VICTIM_NR_PAGES; i++) {
			errs[i] = 77;
		}
		ticks_start(100);
		EXPECT_EQUAL(map_list(GUEST, VICTIM_NR_PAGES), 0);
		ticks_stop();
		nr_ticks = ticks_in_calls();
		for (unsigned int i = 0; i < VICTIM_NR_PAGES; i++) {
			REQUIRE(errs[i] == 0, "frame %u: %d", i, errs[i]);
		}
	}
	EXPECT(nr_ticks > 4, "interrupted %u times", nr_ticks);
}

static void fill(uint64_t seed)
{
	for (unsigned int n = 0; n < VICTIM_NR_PAGES; n++) {
		for (unsigned int i = 0; i < 512; i++) {
			at(hole + n)[i] = seed + n * 512 + i;
		}
	}
	dsb_sy();
}

static void check(uint64_t seed)
{
	for (unsigned int n = 0; n < VICTIM_NR_PAGES; n++) {
		for (unsigned int i = 0; i < 512; i++) {
			uint64_t value = at(hole + n)[i];

			REQUIRE(value == seed + n * 512 + i, "word %u of page %u is %#lx", i, n,
				value);
		}
	}
}

static void both_see_the_same(void)
{
	fill(UINT64_C(1) << 40);
	EXPECT_EQUAL(tell(VICTIM_CHECK, UINT64_C(1) << 40), 0);
	EXPECT_EQUAL(tell(VICTIM_FILL, UINT64_C(2) << 40), 0);
	check(UINT64_C(2) << 40);
}

/* ---- it turns warm while they are mapped -------------------------------------------------------------------------- */

static void mappings_follow_when_it_turns_its_caches_on(void)
{
	fill(UINT64_C(3) << 40);
	EXPECT_EQUAL(tell(VICTIM_CACHES_ON, 0), 1);
	EXPECT_EQUAL(tell(VICTIM_CHECK, UINT64_C(3) << 40), 0);
	EXPECT_EQUAL(tell(VICTIM_FILL, UINT64_C(4) << 40), 0);
	check(UINT64_C(4) << 40);
	fill(UINT64_C(5) << 40);
	EXPECT_EQUAL(tell(VICTIM_CHECK, UINT64_C(5) << 40), 0);
}

static void a_mapping_keeps_a_frame_that_its_owner_gave_back(void)
{
	int64_t before = reservation_of(GUEST);
	uint64_t word = *at(hole + 7);

	REQUIRE_EQUAL(tell(VICTIM_GIVE_BACK, 7), 1);
	EXPECT_EQUAL(*at(hole + 7), word);
	*at(hole + 7) = 0x7777;
	EXPECT_EQUAL(*at(hole + 7), 0x7777);
	EXPECT_EQUAL(map_one(GUEST, VICTIM_FIRST_GFN + 7, SPARE_AT), -XEN_EINVAL);
	REQUIRE_EQUAL(remove_page(hole + 7), 0);
	EXPECT_EQUAL(reservation_of(GUEST), before - 1);
	REQUIRE_EQUAL(tell(VICTIM_TAKE_BACK, 7), 1);
	EXPECT_EQUAL(reservation_of(GUEST), before);
	/* Another frame is there now. */
	REQUIRE_EQUAL(map_one(GUEST, VICTIM_FIRST_GFN + 7, hole + 7), 0);
	*at(hole + 7) = 0x8888;
	EXPECT_EQUAL(*at(hole + 7), 0x8888);
}

static void mapped_over_and_removed(void)
{
	/* Another one in its place, and the first again. */
	REQUIRE_EQUAL(map_one(GUEST, VICTIM_FIRST_GFN + 9, hole + 8), 0);
	*at(hole + 9) = 0x9999;
	EXPECT_EQUAL(*at(hole + 8), 0x9999);
	EXPECT_EQUAL(map_one(GUEST, VICTIM_FIRST_GFN + 8, hole + 8), 0);
	EXPECT_EQUAL(*at(hole + 8), (UINT64_C(5) << 40) + 8 * 512);
	for (unsigned int i = 0; i < VICTIM_NR_PAGES; i++) {
		REQUIRE_EQUAL(remove_page(hole + i), 0);
	}
	EXPECT(!is_there(hole) && !is_there(hole + 1000));
	EXPECT_EQUAL(remove_page(hole), -XEN_ENOENT);
	/* And dom0's own are back there. */
	for (unsigned int i = 0; i < VICTIM_NR_PAGES; i++) {
		list[i] = hole + i;
	}
	EXPECT_EQUAL(reserve(XENMEM_populate_physmap, DOMID_SELF, VICTIM_NR_PAGES, 0),
		     VICTIM_NR_PAGES);
	EXPECT(is_there(hole) && is_there(hole + 1000));
	EXPECT_EQUAL(reserve(XENMEM_decrease_reservation, DOMID_SELF, VICTIM_NR_PAGES, 0),
		     VICTIM_NR_PAGES);
}

/* ---- resources --------------------------------------------------------------------------------------------------------- */

static struct xen_mem_acquire_resource resource(uint64_t frame, uint32_t nr)
{
	struct xen_mem_acquire_resource op = {.domid = GUEST,
					      .type = XENMEM_resource_grant_table,
					      .id = XENMEM_resource_grant_table_id_shared,
					      .nr_frames = nr,
					      .frame = frame};

	op.frame_list.q = (uintptr_t)gpfns;
	return op;
}

static void the_guests_grant_table(void)
{
	struct xen_mem_acquire_resource op = resource(0, 0);

	op.frame_list.q = 0;
	REQUIRE_EQUAL(memory_op(XENMEM_acquire_resource, &op), 0);
	EXPECT_EQUAL(op.nr_frames, 64);
	op = resource(0, 2);
	gpfns[0] = SPARE_AT;
	gpfns[1] = SPARE_AT + 1;
	REQUIRE_EQUAL(memory_op(XENMEM_acquire_resource, &op), 0);
	at(SPARE_AT)[101] = 0x5555;
	EXPECT_EQUAL(tell(VICTIM_GRANT_TABLE, 0x1234), 0x5555);
	EXPECT_EQUAL(at(SPARE_AT)[100], 0x1234);
	at(SPARE_AT)[101] = 0;
	EXPECT_EQUAL(remove_page(SPARE_AT), 0);
	EXPECT_EQUAL(remove_page(SPARE_AT + 1), 0);
	EXPECT(!is_there(SPARE_AT));
}

static void resources_that_are_refused(void)
{
	struct xen_mem_acquire_resource op;

	gpfns[0] = SPARE_AT;
	gpfns[1] = UINT64_C(1) << 40;
#define REFUSED(error, ...)                                                      \
	do {                                                                     \
		op = resource(0, 1);                                             \
		__VA_ARGS__;                                                     \
		EXPECT_EQUAL(memory_op(XENMEM_acquire_resource, &op), -(error)); \
	} while (0)
	REFUSED(XEN_EINVAL, op.pad = 1);
	REFUSED(XEN_EINVAL, op.frame = UINT64_C(1) << 32);
	REFUSED(XEN_EINVAL, op.frame = 64);
	REFUSED(XEN_EINVAL, op.nr_frames = 0);
	REFUSED(XEN_EINVAL, op.frame_list.q = 0);
	REFUSED(XEN_EINVAL, op.id = XENMEM_resource_grant_table_id_status);
	REFUSED(XEN_EINVAL, op.type = XENMEM_resource_ioreq_server);
	REFUSED(XEN_EINVAL, op.type = XENMEM_resource_vmtrace_buf);
	/* A kind that there is not: what is wrong with the list comes first. */
	REFUSED(XEN_EOPNOTSUPP, op.type = 3);
	REFUSED(XEN_EINVAL, op.type = 3, op.nr_frames = 0);
	REFUSED(XEN_EINVAL, op.type = 3, op.frame_list.q = 0);
	REFUSED(XEN_ESRCH, op.domid = NO_DOMAIN);
	REFUSED(XEN_ESRCH, op.domid = DOMID_SELF);
	REFUSED(XEN_EPERM, op.domid = 0);
	REFUSED(XEN_EFAULT, op.frame_list.q = (uintptr_t)NOWHERE);
	REFUSED(XEN_EINVAL, op.frame_list.q += sizeof(xen_pfn_t));
	EXPECT(!is_there(SPARE_AT));
	/* What came before stays. */
	REFUSED(XEN_EIO, op.nr_frames = 2);
	EXPECT_EQUAL(remove_page(SPARE_AT), 0);
	EXPECT_EQUAL(memory_op(XENMEM_acquire_resource, NOWHERE), -XEN_EFAULT);
	EXPECT_EQUAL(memory_op(XENMEM_acquire_resource | 1 << 6, &op), -XEN_EINVAL);
}

/* ---- for another domain --------------------------------------------------------------------------------------------------- */

static void the_guests_memory(void)
{
	int64_t before = reservation_of(GUEST);

	list[0] = VICTIM_FIRST_GFN + 20;
	list[1] = VICTIM_FIRST_GFN + 21;
	REQUIRE_EQUAL(reserve(XENMEM_decrease_reservation, GUEST, 2, 0), 2);
	EXPECT_EQUAL(reservation_of(GUEST), before - 2);
	EXPECT_EQUAL(map_one(GUEST, VICTIM_FIRST_GFN + 20, SPARE_AT), -XEN_EINVAL);
	REQUIRE_EQUAL(reserve(XENMEM_populate_physmap, GUEST, 2, 0), 2);
	EXPECT_EQUAL(reservation_of(GUEST), before);
	EXPECT_EQUAL(reservation_of(NO_DOMAIN), -XEN_ESRCH);
	/* A builder asks for the largest extents first. */
	EXPECT_EQUAL(reserve(XENMEM_populate_physmap, GUEST, 1, 18), 0);
}

static int64_t claim(uint16_t domid, uint64_t nr)
{
	struct xen_memory_reservation op = {.nr_extents = nr, .domid = domid};

	return memory_op(XENMEM_claim_pages, &op);
}

static void claims(void)
{
	int64_t pages = reservation_of(GUEST);

	EXPECT_EQUAL(claim(GUEST, (uint64_t)pages), -XEN_EINVAL);
	EXPECT_EQUAL(claim(GUEST, UINT64_C(1) << 40), -XEN_EINVAL);
	EXPECT_EQUAL(claim(NO_DOMAIN, 1), -XEN_EINVAL);
	EXPECT_EQUAL(claim(DOMID_SELF, 1), -XEN_EINVAL);
	EXPECT_EQUAL(claim(GUEST, 0), 0);
	/* Below its limit. */
	list[0] = VICTIM_FIRST_GFN + 20;
	REQUIRE_EQUAL(reserve(XENMEM_decrease_reservation, GUEST, 1, 0), 1);
	EXPECT_EQUAL(claim(GUEST, (uint64_t)pages), 0);
	EXPECT_EQUAL(claim(GUEST, (uint64_t)pages), -XEN_EINVAL);
	EXPECT_EQUAL(reserve(XENMEM_populate_physmap, GUEST, 1, 0), 1);
	EXPECT_EQUAL(claim(GUEST, 0), 0);
}

static void parameters(void)
{
	static const uint32_t for_it[] = {HVM_PARAM_STORE_PFN, HVM_PARAM_STORE_EVTCHN,
					  HVM_PARAM_CONSOLE_PFN, HVM_PARAM_CONSOLE_EVTCHN};
	struct xen_hvm_param op = {.domid = GUEST};

	for (unsigned int i = 0; i < ARRAY_SIZE(for_it); i++) {
		op.index = for_it[i];
		op.value = 0x1000 + i;
		EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, &op), 0);
		op.value = 0;
		EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &op), 0);
		EXPECT_EQUAL(op.value, 0x1000 + i);
		EXPECT_EQUAL(tell(VICTIM_GET_PARAM, for_it[i]), 0x1000 + i);
		op.value = 0;
		EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, &op), 0);
	}
	/* The toolstack's alone. */
	op.index = HVM_PARAM_MONITOR_RING_PFN;
	op.value = 5;
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, &op), 0);
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &op), 0);
	EXPECT_EQUAL(op.value, 5);
	EXPECT_EQUAL(tell(VICTIM_GET_PARAM, HVM_PARAM_MONITOR_RING_PFN), ~UINT64_C(0));
	op.index = 3;
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, &op), -XEN_EINVAL);
	op.index = 1000;
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &op), -XEN_EINVAL);
	op.domid = NO_DOMAIN;
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &op), -XEN_ESRCH);
	op.domid = DOMID_SELF;
	op.index = HVM_PARAM_STORE_PFN;
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, &op), -XEN_EPERM);
}

/* A device of its own somewhere else: the real-time clock (Arm DDI 0224) has its identification there too. */
static void devices_can_be_mapped_again(void)
{
	struct xen_add_to_physmap op = {.domid = DOMID_SELF,
					.space = XENMAPSPACE_dev_mmio,
					.idx = 0x9010,
					.gpfn = SPARE_AT};
	uint64_t value;

	REQUIRE_EQUAL(memory_op(XENMEM_add_to_physmap, &op), 0);
	REQUIRE(mmu_map_page(mmu_spare_page(0), SPARE_AT << PAGE_SHIFT, MMU_DEVICE));
	REQUIRE(!fault_read(4, mmu_spare_page(0) + 0xfe0, &value).taken);
	EXPECT_EQUAL(value & 0xff, 0x31);
	EXPECT_EQUAL(remove_page(SPARE_AT), -XEN_ENOENT);
	/* What dom0 has not is passed over: the hypervisor's UART. */
	op.idx = 0x9000;
	op.gpfn = SPARE_AT + 1;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap, &op), 0);
	EXPECT(!is_there(SPARE_AT + 1));
	op.domid = GUEST;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap, &op), -XEN_EACCES);
}

/* By a batch: the reserved field counts when there is an entry. */
static void devices_by_the_batch(void)
{
	struct xen_add_to_physmap_batch op = {.domid = DOMID_SELF, .space = XENMAPSPACE_dev_mmio};

	op.u.res0 = 1;
	op.idxs.q = (uintptr_t)idxs;
	op.gpfns.q = (uintptr_t)gpfns;
	op.errs.q = (uintptr_t)errs;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), 0);
	op.size = 1;
	EXPECT_EQUAL(memory_op(XENMEM_add_to_physmap_batch, &op), -XEN_EOPNOTSUPP);
}

/* What others may not ask (sched.c, hypercalls.c). */
static void pinning_and_reading(void)
{
	struct sched_pin_override pin = {.pcpu = 0};
	struct sched_remote_shutdown remote = {.domain_id = NO_DOMAIN};
	char text[4];

#define PIN(cpu) (pin.pcpu = (cpu), hypercall2(__HYPERVISOR_sched_op, SCHEDOP_pin_override, &pin))
	EXPECT_EQUAL(PIN(99), -XEN_EINVAL);
	EXPECT_EQUAL(PIN(-1), -XEN_EINVAL);
	EXPECT_EQUAL(PIN(0), 0);
	EXPECT_EQUAL(PIN(0), -XEN_EBUSY);
	EXPECT_EQUAL(PIN(-1), 0);
	EXPECT_EQUAL(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &remote),
		     -XEN_ESRCH);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_console_io, CONSOLEIO_read, sizeof(text),
			       (uintptr_t)text, 0, 0),
		     0);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_console_io, CONSOLEIO_read, UINT64_C(0x80000000),
			       (uintptr_t)text, 0, 0),
		     -XEN_E2BIG);
}

/* Before the operation is looked at. */
static void toolstack_calls(void)
{
	static struct xen_domctl domctl;
	static struct xen_sysctl sysctl;

	EXPECT_EQUAL(hypercall(__HYPERVISOR_domctl, (uintptr_t)NOWHERE, 0, 0, 0, 0), -XEN_EFAULT);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_sysctl, (uintptr_t)NOWHERE, 0, 0, 0, 0), -XEN_EFAULT);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_domctl, (uintptr_t)&domctl, 0, 0, 0, 0), -XEN_EACCES);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_sysctl, (uintptr_t)&sysctl, 0, 0, 0, 0), -XEN_EACCES);
	domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	domctl.cmd = XEN_DOMCTL_pausedomain;
	domctl.domain = NO_DOMAIN;
	EXPECT_EQUAL(hypercall(__HYPERVISOR_domctl, (uintptr_t)&domctl, 0, 0, 0, 0), -XEN_ESRCH);
	domctl.cmd = 999;
	domctl.domain = GUEST;
	EXPECT_EQUAL(hypercall(__HYPERVISOR_domctl, (uintptr_t)&domctl, 0, 0, 0, 0), -XEN_ENOSYS);
	sysctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	sysctl.cmd = 999;
	EXPECT_EQUAL(hypercall(__HYPERVISOR_sysctl, (uintptr_t)&sysctl, 0, 0, 0, 0), -XEN_ENOSYS);
}

/* The toolstack is told of it; and the guest's last words come before the machine goes. */
static void the_end(void)
{
	struct evtchn_bind_virq bind = {.virq = VIRQ_DOM_EXC};

	REQUIRE(xen_shared_info() != NULL);
	REQUIRE_EQUAL(event_op(EVTCHNOP_bind_virq, &bind), 0);
	event_mask(bind.port);
	EXPECT(!event_is_pending(bind.port));
	EXPECT_EQUAL(tell(VICTIM_END, 0), 0);
	EXPECT_EQUAL(remove_page(BOARD_AT), 0);
	EXPECT(WAIT_UNTIL(event_is_pending(bind.port), 5000), "VIRQ_DOM_EXC does not come");
	EXPECT_EQUAL(event_reset(), 0);
}

const struct guest_case guest_cases[] = {
	CASE(the_same_frames_come_back),
	CASE(large_extents),
	CASE(make_a_hole),
	CASE(a_frame_of_the_guests),
	CASE(frames_that_are_refused),
	CASE(many_frames),
	CASE(both_see_the_same),
	CASE(mappings_follow_when_it_turns_its_caches_on),
	CASE(a_mapping_keeps_a_frame_that_its_owner_gave_back),
	CASE(mapped_over_and_removed),
	CASE(the_guests_grant_table),
	CASE(resources_that_are_refused),
	CASE(the_guests_memory),
	CASE(claims),
	CASE(parameters),
	CASE(devices_can_be_mapped_again),
	CASE(devices_by_the_batch),
	CASE(pinning_and_reading),
	CASE(toolstack_calls),
	CASE(the_end),
	CASE_END,
};
