/* SPDX-License-Identifier: MIT */
/*
 * Hypercall buffers (public/arch-arm.h: they must be Normal, Inner and Outer Write-Back): every other memory type, the
 * caller's caches off in each way, and buffers whose mapping another vCPU changes in the very moment.
 *
 * Xen uses its own cacheable mapping whatever the type. Tenon refuses what is not Write-Back (C3), or with "warn" serves it
 * as the caller sees it; where stage 2 forces Write-Back there is nothing to refuse.
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "guest_xen.h"

const char *const guest_topic = "copy_attr";
const bool guest_mmu_off;

#define ROUNDS   2000
#define NR_TURNS 20u /* while they run */

static int64_t memory_op(unsigned int command, void *argument)
{
	return hypercall2(__HYPERVISOR_memory_op, command, argument);
}

/* Something out: 16 bytes. */
static int64_t extraversion(void *to)
{
	return hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, to);
}

/* Something in. */
static int64_t own_reservation(const void *domid)
{
	return hypercall2(__HYPERVISOR_memory_op, XENMEM_current_reservation, domid);
}

/* What a call with a buffer of a refused type answers, where otherwise it answers ok. */
static int64_t refused(int64_t ok)
{
	return machine.tenon && !guest_has_argument("fwb") && !guest_has_argument("warn")
		     ? -XEN_EINVAL
		     : ok;
}

/* The buffer, through its ordinary mapping, and as another type at a spare address. */
static uint8_t *const page = xen_spare_pages[2];
static uint8_t *const next_page = xen_spare_pages[3];

static uint8_t *view(unsigned int spare, enum mmu_type type)
{
	uint64_t va = mmu_spare_page(spare);

	return mmu_map_page(va, (uintptr_t)page, type) ? (uint8_t *)(uintptr_t)va : NULL;
}

static bool says_version(const uint8_t *text)
{
	/* Both have a dot first: ".7" or so, and ".0-tenon". */
	return text[0] == '.' && text[15] == '\0';
}

/* ---- memory types -------------------------------------------------------------------------------------- */

static const enum mmu_type types[] = {MMU_NON_CACHEABLE, MMU_WRITE_THROUGH, MMU_DEVICE};

static void results_go_to_write_back_memory(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		uint8_t *to = view(0, types[i]);

		memset(page, 'x', 32);
		dcache_clean_invalidate(page, 32);
		REQUIRE(to != NULL);
		EXPECT_EQUAL(extraversion(to), refused(0));
		dcache_clean_invalidate(page, 32);
		EXPECT(refused(0) < 0 ? page[0] == 'x' : says_version(page), "type %u: '%c'",
		       types[i], page[0]);
		EXPECT(page[16] == 'x', "type %u: more than was asked for", types[i]);
	}
}

static void arguments_come_from_write_back_memory(void)
{
	domid_t self = DOMID_SELF;
	int64_t pages = own_reservation(&self);

	REQUIRE(pages > 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		uint8_t *from = view(0, types[i]);

		memcpy(page, &self, sizeof(self));
		dcache_clean_invalidate(page, 16);
		REQUIRE(from != NULL);
		EXPECT_EQUAL(own_reservation(from), refused(pages));
	}
}

/* Hints are free, also the transient ones; a read-only page serves for arguments. */
static void every_kind_of_write_back_will_do(void)
{
	domid_t self = DOMID_SELF;
	uint8_t *at = view(0, MMU_WRITE_BACK_TRANSIENT);

	EXPECT_EQUAL(extraversion(at), 0);
	EXPECT(says_version(page));
	memcpy(page, &self, sizeof(self));
	at = view(0, MMU_READ_ONLY);
	EXPECT(own_reservation(at) > 0);
	EXPECT_EQUAL(extraversion(at), -XEN_EFAULT);
	at = view(0, MMU_WRITE_BACK);
	EXPECT_EQUAL(extraversion(at), 0);
}

/* Of a buffer that crosses pages each page counts. */
static void the_second_page_counts_too(void)
{
	uint64_t va = mmu_spare_page(0);
	uint8_t *at = (uint8_t *)(uintptr_t)(va + PAGE_SIZE - 8);

	REQUIRE(mmu_map_page(va, (uintptr_t)page, MMU_WRITE_BACK));
	REQUIRE(mmu_map_page(va + PAGE_SIZE, (uintptr_t)next_page, MMU_NON_CACHEABLE));
	EXPECT_EQUAL(extraversion(at), refused(0));
	REQUIRE(mmu_map_page(va + PAGE_SIZE, (uintptr_t)next_page, MMU_WRITE_BACK));
	EXPECT_EQUAL(extraversion(at), 0);
	REQUIRE(mmu_map_page(va, (uintptr_t)page, MMU_WRITE_THROUGH));
	EXPECT_EQUAL(extraversion(at), refused(0));
	REQUIRE(mmu_map_page(va + PAGE_SIZE, 0, MMU_UNMAPPED));
	REQUIRE(mmu_map_page(va, (uintptr_t)page, MMU_WRITE_BACK));
	EXPECT_EQUAL(extraversion(at), -XEN_EFAULT);
}

/* What is named inside of an argument is looked at as the argument is. */
static void lists_are_looked_at_too(void)
{
	xen_pfn_t nowhere = 0x7777777;
	struct xen_memory_reservation op = {.nr_extents = 1, .domid = DOMID_SELF};
	struct multicall_entry *calls = (struct multicall_entry *)view(0, MMU_NON_CACHEABLE);
	struct multicall_entry call = {.op = __HYPERVISOR_xen_version, .args = {XENVER_version}};

	memcpy(page, &nowhere, sizeof(nowhere));
	dcache_clean_invalidate(page, 128);
	op.extent_start.q = mmu_spare_page(0);
	/* A count, whatever is wrong. */
	EXPECT_EQUAL(memory_op(XENMEM_decrease_reservation, &op), 0);
	memcpy(page, &call, sizeof(call));
	dcache_clean_invalidate(page, 128);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_multicall, (uintptr_t)calls, 1, 0, 0, 0), refused(0));
}

/* Nothing has happened: the next port is the one that would have come. */
static void a_refusal_changes_nothing(void)
{
	struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
	uint8_t *at = view(0, MMU_NON_CACHEABLE);
	uint32_t first;

	if (refused(0) == 0) {
		test_skip("nothing is refused here");
		return;
	}
	REQUIRE(xen_shared_info() != NULL);
	REQUIRE_EQUAL(event_op(EVTCHNOP_alloc_unbound, &op), 0);
	first = op.port;
	REQUIRE_EQUAL(event_close(first), 0);
	memcpy(page, &op, sizeof(op));
	dcache_clean_invalidate(page, sizeof(op));
	for (unsigned int i = 0; i < 10; i++) {
		EXPECT_EQUAL(event_op(EVTCHNOP_alloc_unbound, at), -XEN_EINVAL);
	}
	REQUIRE_EQUAL(event_op(EVTCHNOP_alloc_unbound, &op), 0);
	EXPECT_EQUAL(op.port, first);
	REQUIRE_EQUAL(event_close(op.port), 0);
}

/* The address is registered once for all; it is looked at then. */
static void a_runstate_area_is_write_back_too(void)
{
	struct vcpu_register_runstate_memory_area area = {.addr.p = mmu_spare_page(0)};

	if (!machine.tenon) {
		test_skip("Xen looks when it writes");
		return;
	}
	REQUIRE(view(0, MMU_NON_CACHEABLE) != NULL);
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
			       (uintptr_t)&area, 0, 0),
		     refused(0));
	area.addr.p = 0;
	EXPECT_EQUAL(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
			       (uintptr_t)&area, 0, 0),
		     0);
}

/* ---- the caller's caches -------------------------------------------------------------------------------- */

/* Both ways, with this vCPU's caches as they are. Says what went wrong, 0 nothing. */
static unsigned int in_and_out(void)
{
	volatile uint8_t *text = page;
	static domid_t self = DOMID_SELF;
	int64_t pages;

	self = DOMID_SELF;
	for (unsigned int i = 0; i < 32; i++) {
		text[i] = 'x';
	}
	if (extraversion(page) != 0) {
		return 1;
	}
	if (text[0] != '.' || text[15] != '\0' || text[16] != 'x') {
		return 2;
	}
	pages = own_reservation(&self);
	return pages > 0 ? 0 : 3;
}

static void flush_all(void)
{
	dcache_clean_invalidate((void *)(uintptr_t)machine.ram_start, 2 << 20);
}

static void with_the_mmu_off(void)
{
	unsigned int wrong;

	flush_all();
	mmu_disable();
	wrong = in_and_out();
	mmu_enable();
	EXPECT_EQUAL(wrong, 0);
}

static void with_the_mmu_on_and_the_cache_off(void)
{
	uint64_t sctlr = sysreg_read(SCTLR_EL1);
	unsigned int wrong;

	flush_all();
	sysreg_write(SCTLR_EL1, sctlr & ~SCTLR_C);
	isb();
	wrong = in_and_out();
	flush_all();
	sysreg_write(SCTLR_EL1, sctlr);
	isb();
	EXPECT_EQUAL(wrong, 0);
	EXPECT_EQUAL(in_and_out(), 0);
}

/* C without M is the MMU off. */
static void with_the_mmu_off_and_the_cache_bit_set(void)
{
	unsigned int wrong;

	flush_all();
	mmu_disable();
	sysreg_write(SCTLR_EL1, sysreg_read(SCTLR_EL1) | SCTLR_C);
	isb();
	wrong = in_and_out();
	sysreg_write(SCTLR_EL1, sysreg_read(SCTLR_EL1) & ~SCTLR_C);
	isb();
	mmu_enable();
	EXPECT_EQUAL(wrong, 0);
}

static uint64_t told;

static void tell(uint64_t argument)
{
	told = in_and_out() + 100;
}

/* A vCPU that comes up while another has its caches on: its own view counts. */
static void by_a_vcpu_that_has_just_started(void)
{
	flush_all();
	mmu_disable();
	REQUIRE(smp_start(1, tell, 0));
	REQUIRE(smp_wait_off(1));
	mmu_enable();
	EXPECT_EQUAL(told, 100);
}

/* ---- while another vCPU changes the mapping --------------------------------------------------------------- */

static uint32_t stop, turns;
static int64_t gone = 1, back = 1; /* what ballooning has answered: each a count */

static bool balloon_works(void)
{
	return gone == 1 && back == 1;
}

/*
 * Run calls into the buffer at `to` while vCPU 1 runs the given disturber; each answer is 0, a or b. Until it has had
 * turns between them: on one CPU it gets them by yields.
 */
static void disturbed(void (*disturber)(uint64_t), void *to, int64_t a, int64_t b)
{
	unsigned int nr_ok = 0, nr_a = 0, nr_b = 0;
	uint32_t before, seen;
	uint64_t end;

	stop = turns = 0;
	REQUIRE(smp_start(1, disturber, 0));
	REQUIRE(WAIT_UNTIL(READ_ONCE(turns) > 0, 2000));
	before = READ_ONCE(turns);
	end = counter_virtual() + us_to_ticks(10000000);
	for (unsigned int i = 0; i < ROUNDS || (READ_ONCE(turns) - before < NR_TURNS &&
						counter_virtual() < end && balloon_works());
	     i++) {
		int64_t answer = extraversion(to);

		if (i % 64 == 63) {
			hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
		}

		nr_ok += answer == 0;
		nr_a += answer == a;
		nr_b += answer == b;
		if (answer != 0 && answer != a && answer != b) {
			EXPECT(false, "call %u: %ld", i, answer);
			break;
		}
	}
	seen = READ_ONCE(turns) - before;
	WRITE_ONCE(stop, 1);
	REQUIRE(smp_wait_off(1));
	print("INFO %u calls, %u refused, %u faults, %u turns of the other vCPU\n", nr_ok, nr_a,
	      nr_b, seen);
	/* Of a balloon that has stopped the caller says why. */
	EXPECT(seen >= NR_TURNS || !balloon_works(), "only %u turns of the other vCPU", seen);
}

static void turn(void)
{
	WRITE_ONCE(turns, turns + 1);
	if (turns % 16 == 0) {
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	}
}

static void unmap_and_map(uint64_t argument)
{
	while (READ_ONCE(stop) == 0) {
		mmu_map_page(mmu_spare_page(0), 0, MMU_UNMAPPED);
		mmu_map_page(mmu_spare_page(0), (uintptr_t)page, MMU_WRITE_BACK);
		turn();
	}
}

static void of_its_own_tables(void)
{
	REQUIRE(view(0, MMU_WRITE_BACK) != NULL);
	disturbed(unmap_and_map, (void *)(uintptr_t)mmu_spare_page(0), 0, -XEN_EFAULT);
}

static void change_type(uint64_t argument)
{
	while (READ_ONCE(stop) == 0) {
		mmu_map_page(mmu_spare_page(0), (uintptr_t)page, MMU_NON_CACHEABLE);
		mmu_map_page(mmu_spare_page(0), (uintptr_t)page, MMU_WRITE_BACK);
		turn();
	}
}

static void of_its_type(void)
{
	REQUIRE(view(0, MMU_WRITE_BACK) != NULL);
	disturbed(change_type, (void *)(uintptr_t)mmu_spare_page(0), refused(0), -XEN_EFAULT);
}

static void balloon(const uint8_t *which)
{
	xen_pfn_t frame = (uintptr_t)which >> PAGE_SHIFT;
	struct xen_memory_reservation op = {.nr_extents = 1, .domid = DOMID_SELF};

	set_xen_guest_handle(op.extent_start, &frame);
	gone = memory_op(XENMEM_decrease_reservation, &op);
	if (gone != 1) {
		return;
	}
	back = memory_op(XENMEM_populate_physmap, &op);
	if (!machine.tenon && back == 0) {
		/* Xen's copies hold a reference: what the other vCPU's call is about to let go of counts still. */
		(void)WAIT_UNTIL((back = memory_op(XENMEM_populate_physmap, &op)) != 0, 2000);
	}
}

/* The page itself goes and another comes. */
static void balloon_it(uint64_t argument)
{
	while (READ_ONCE(stop) == 0 && balloon_works()) {
		balloon(page);
		turn();
	}
}

static void that_goes_and_comes_back(void)
{
	disturbed(balloon_it, page, 0, -XEN_EFAULT);
	EXPECT(balloon_works(), "%ld gone, %ld back", gone, back);
	EXPECT_EQUAL(extraversion(page), 0);
}

/*
 * Its neighbour does: a stage-2 block of 2 MiB is split again and again, where the pages are one, and the entry is
 * invalid for a moment. The buffer is there all the time, so no call may fail.
 */
static void balloon_the_neighbour(uint64_t argument)
{
	while (READ_ONCE(stop) == 0 && balloon_works()) {
		balloon(next_page);
		turn();
	}
}

static void whose_neighbour_goes_and_comes_back(void)
{
	disturbed(balloon_the_neighbour, page, 0, 0);
	EXPECT(balloon_works(), "%ld gone, %ld back", gone, back);
}

/* And a whole block of free memory round a page is made and split: populate of 2 MiB, then one page of it goes. */
#define BLOCK_PAGES 512
static uint64_t block;

static void split_block(uint64_t argument)
{
	while (READ_ONCE(stop) == 0 && balloon_works()) {
		/* The last page; the buffer is in the first one. */
		balloon((uint8_t *)(uintptr_t)(block + (BLOCK_PAGES - 1) * PAGE_SIZE));
		turn();
	}
}

static void in_a_block_that_is_split(void)
{
	xen_pfn_t frame;
	struct xen_memory_reservation op = {.nr_extents = 1, .extent_order = 9, .domid = DOMID_SELF};

	/* In the middle of RAM, clear of the image at its start and the device tree at its end. */
	block = (machine.ram_start + machine.ram_size / 2) & ~UINT64_C(0x1fffff);
	frame = block >> PAGE_SHIFT;
	set_xen_guest_handle(op.extent_start, &frame);
	for (unsigned int i = 0; i < 5; i++) {
		REQUIRE_EQUAL(memory_op(XENMEM_decrease_reservation, &op), 1);
		REQUIRE_EQUAL(memory_op(XENMEM_populate_physmap, &op), 1);
		disturbed(split_block, (void *)(uintptr_t)block, 0, 0);
		EXPECT(balloon_works(), "%ld gone, %ld back", gone, back);
	}
}

const struct guest_case guest_cases[] = {
	CASE(results_go_to_write_back_memory),
	CASE(arguments_come_from_write_back_memory),
	CASE(every_kind_of_write_back_will_do),
	CASE(the_second_page_counts_too),
	CASE(lists_are_looked_at_too),
	CASE(a_refusal_changes_nothing),
	CASE(a_runstate_area_is_write_back_too),
	CASE(with_the_mmu_off),
	CASE(with_the_mmu_on_and_the_cache_off),
	CASE(with_the_mmu_off_and_the_cache_bit_set),
	CASE(by_a_vcpu_that_has_just_started, .min_cpus = 2),
	CASE(of_its_own_tables, .min_cpus = 2),
	CASE(of_its_type, .min_cpus = 2),
	CASE(that_goes_and_comes_back, .min_cpus = 2),
	CASE(whose_neighbour_goes_and_comes_back, .min_cpus = 2),
	CASE(in_a_block_that_is_split, .min_cpus = 2),
	CASE_END,
};
