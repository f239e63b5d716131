/* SPDX-License-Identifier: MIT */
/*
 * Private to shared and back, and foreign mappings, on real stage-2 tables: the order of each change, and a model of
 * which frames a cache may hold that random operations are held against (C1).
 */
#include "domain/domain_share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "arm64/cpu.h"
#include "arm64/pte.h"
#include "domain/domain.h"
#include "gic/gic.h"
#include "mm/frame_entry.h"
#include "sched/sched.h"
#include "stage2/stage2_internal.h"
#include "tests/unit/fake_machine.h"

#define RAM_BYTES (UINT64_C(8) << 20)
#define NR_FRAMES 48u
#define FIRST_MFN 0x50000u
#define FIRST_GFN 0x80u             /* the owner's own addresses */
#define AT        UINT64_C(0x40000) /* where they are mapped in the mapper */
#define NR_AT     96u
#define NR_CPUS   2u

static struct domain owner, dom0;
static struct frame *const frames =
	(struct frame *)(uintptr_t)(FRAME_TABLE_BASE + FIRST_MFN * sizeof(struct frame));
static bool registered[NR_FRAMES]; /* a Write-Back mapping at EL2 */
static char page[PAGE_SIZE] __aligned(4096);
static void (*deferred[NR_CPUS])(void);
static bool owner_is_gone;
static mfn_t window;
static uint64_t ram_next, ram_limit;
static unsigned int allocations_left;

/* ---- fakes --------------------------------------------------------------------------------------- */

struct frame *frame_of(mfn_t m)
{
	return m.raw - FIRST_MFN < NR_FRAMES ? &frames[m.raw - FIRST_MFN] : NULL;
}

bool frame_get(mfn_t m, uint16_t domid)
{
	if (frame_of(m) == NULL || frame_of(m)->owner != domid || frame_of(m)->refs == 0) {
		return false;
	}
	frame_of(m)->refs++;
	return true;
}

void frame_put(mfn_t m)
{
	assert_true(frame_of(m)->refs > 0);
	frame_of(m)->refs--;
}

bool frame_use_ended(mfn_t m, uint64_t head)
{
	assert_int_equal(HEAD_REFS(head), 1);
	return false;
}

bool frame_put_allocation(mfn_t m, uint16_t domid)
{
	frame_put(m);
	return true;
}

mfn_t frame_pool_max_mfn(void)
{
	return mfn(FIRST_MFN + NR_FRAMES - 1);
}

void *hyp_alloc(unsigned int order)
{
	uint64_t size = PAGE_SIZE << order;

	if (allocations_left == 0) {
		return NULL;
	}
	allocations_left--;
	ram_next = ALIGN_UP(ram_next, size);
	assert_true(ram_next + size <= ram_limit);
	ram_next += size;
	return memset((void *)(uintptr_t)(HYP_BASE + ram_next - size), 0, size);
}

void hyp_free(void *va, unsigned int order)
{
}

int hyp_map_registered(mfn_t m, void **va)
{
	if ((frame_of(m)->shared_pins & FRAME_PINS) == 0) {
		fail_msg("mapped before it is shared");
	}
	registered[m.raw - FIRST_MFN] = true;
	frame_of(m)->shared_pins += FRAME_ONE_REGISTRATION;
	fake_machine_note("registered");
	*va = page;
	return 0;
}

void hyp_unmap_registered(mfn_t m)
{
	frame_of(m)->shared_pins -= FRAME_ONE_REGISTRATION;
	registered[m.raw - FIRST_MFN] = (frame_of(m)->shared_pins & FRAME_REGISTRATIONS) != 0;
	fake_machine_note("unregistered");
}

void *window_map(mfn_t m, enum window_attr attr)
{
	/* Who makes a frame private again must not bring its lines back. */
	assert_int_equal(attr, WINDOW_NC);
	assert_true(write_is_mine(&owner.attr_lock));
	window = m;
	return page;
}

void window_unmap(const void *va)
{
	window = MFN_INVALID;
}

struct domain *domain_get(uint16_t domid)
{
	assert_int_equal(domid, owner.id);
	lock_assert_none_held();
	if (owner_is_gone) {
		return NULL;
	}
	owner.refs++;
	return &owner;
}

void domain_put(struct domain *d)
{
	assert_true(d->refs > 1);
	d->refs--;
}

void sched_defer(void (*work)(void))
{
	deferred[fake_machine_cpu] = work;
}

void irq_handle_pending(void)
{
	lock_assert_none_held();
	fake_machine_note("interrupts");
}

static int set_up(void **state)
{
	fake_machine_reset();
	cpu_features.pa_bits = 40;
	cpu_features.s2fwb = false;
	if (!ram_limit) {
		void *at = mmap((void *)(uintptr_t)HYP_BASE, RAM_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		assert_ptr_equal(at, (void *)(uintptr_t)HYP_BASE);
		at = mmap(frames, NR_FRAMES * sizeof(*frames), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		assert_ptr_equal(at, frames);
		ram_limit = RAM_BYTES;
		ram_next = PAGE_SIZE;
	}
	allocations_left = 1000;
	memset(&owner, 0, sizeof(owner));
	memset(&dom0, 0, sizeof(dom0));
	owner.id = 7;
	owner.max_pages = dom0.max_pages = 1 << 20;
	owner.refs = dom0.refs = 1;
	dom0.is_hardware = dom0.is_privileged = dom0.warm = true;
	for (unsigned int n = 0; n < 2; n++) {
		struct domain *d = n == 0 ? &owner : &dom0;

		spin_lock_init(&d->lock, LOCK_RANK_DOMAIN);
		rwlock_init(&d->attr_lock, LOCK_RANK_ATTR);
	}
	stage2_init_machine();
	assert_int_equal(stage2_create(&owner), 0);
	assert_int_equal(stage2_create(&dom0), 0);
	for (unsigned int n = 0; n < NR_FRAMES; n++) {
		frames[n] = (struct frame){.state = FRAME_GUEST, .owner = owner.id, .refs = 1};
		registered[n] = false;
	}
	assert_int_equal(stage2_map(&owner, gfn(FIRST_GFN), mfn(FIRST_MFN), NR_FRAMES, STAGE2_RAM),
			 0);
	memset(deferred, 0, sizeof(deferred));
	owner_is_gone = false;
	fake_machine_set_hook(NULL, NULL);
	fake_machine_log_clear();
	return 0;
}

static void run_deferred(void)
{
	for (unsigned int cpu = NR_CPUS; cpu-- > 0;) {
		void (*work)(void) = deferred[cpu];

		fake_machine_set_cpu(cpu);
		deferred[cpu] = NULL;
		if (work != NULL) {
			work();
		}
	}
}

static int nothing_is_left(void **state)
{
	fake_machine_set_hook(NULL, NULL);
	fake_machine_set_other_cpu(NULL);
	run_deferred();
	assert_int_equal(stage2_unmap(&dom0, gfn(AT), NR_AT), 0);
	for (unsigned int n = 0; n < NR_FRAMES; n++) {
		assert_int_equal(frames[n].refs, 1);
		assert_int_equal(frames[n].shared_pins, 0);
	}
	assert_int_equal(owner.refs, 1);
	assert_int_equal(dom0.refs, 1);
	lock_assert_none_held();
	return 0;
}

static mfn_t frame_at(unsigned int n)
{
	return mfn(FIRST_MFN + n);
}

static void foreign_map(uint64_t g, unsigned int n)
{
	assert_int_equal(domain_foreign_map(&dom0, gfn(g), &owner, gfn(FIRST_GFN + n)), 0);
}

/* The descriptor of a page, where there is one. */
static uint64_t *entry_at(uint64_t g)
{
	uint64_t ipa = g << 12;
	uint64_t *entry = &dom0.stage2.root[ipa >> PTE_LEVEL_SHIFT(stage2_geometry.root_level)];

	for (unsigned int l = stage2_geometry.root_level; l < 3; l++) {
		if (!pte_is_table(*entry, l)) {
			return NULL;
		}
		entry = (uint64_t *)(uintptr_t)(HYP_BASE + (*entry & PTE_ADDR)) +
			PTE_INDEX(ipa, l + 1);
	}
	return entry;
}

static bool is_wb(uint64_t g)
{
	uint64_t pte = *entry_at(g);

	assert_true(pte_is_valid(pte));
	return (pte & S2_MEMATTR_MASK) == S2_ATTR_NORMAL_WB;
}

static void pin(unsigned int n)
{
	assert_int_equal(domain_share_pin(&owner, frame_at(n)), 0);
}

static void unpin(unsigned int n)
{
	domain_share_unpin(&owner, frame_at(n));
}

/* ---- one frame ------------------------------------------------------------------------------------- */

static void a_foreign_mapping_is_non_cacheable_while_its_owner_is_cold(void **state)
{
	foreign_map(AT, 3);
	assert_false(is_wb(AT));
	assert_int_equal(*entry_at(AT) & (S2_READ | S2_WRITE), S2_READ | S2_WRITE);
	assert_true((*entry_at(AT) & S2_XN) != 0);
	assert_int_equal(frames[3].refs, 2);
	owner.warm = true;
	foreign_map(AT + 1, 3);
	assert_true(is_wb(AT + 1));
	/* What is mapped over goes, with its reference. */
	foreign_map(AT + 1, 4);
	assert_int_equal(frames[3].refs, 2);
	assert_int_equal(frames[4].refs, 2);
}

static void what_is_not_there_is_not_mapped(void **state)
{
	assert_int_equal(domain_foreign_map(&dom0, gfn(AT), &owner, gfn(FIRST_GFN + NR_FRAMES)),
			 -XEN_EINVAL);
	assert_int_equal(stage2_map(&owner, gfn(1), mfn(0x9000), 1, STAGE2_DEVICE), 0);
	assert_int_equal(domain_foreign_map(&dom0, gfn(AT), &owner, gfn(1)), -XEN_EINVAL);
	/* Beyond the mapper's addresses: nothing is left behind. */
	assert_int_equal(domain_foreign_map(&dom0, gfn(UINT64_C(1) << 40), &owner, gfn(FIRST_GFN)),
			 -XEN_EINVAL);
	assert_int_equal(frames[0].refs, 1);
}

static void without_memory_nothing_is_left_behind(void **state)
{
	int error = -XEN_ENOMEM;

	/* For the list's page, and for tables: one more each time. */
	for (unsigned int have = 0; have < 10 && error == -XEN_ENOMEM; have++) {
		allocations_left = have;
		error = domain_foreign_map(&dom0, gfn(AT), &owner, gfn(FIRST_GFN));
		assert_int_equal(frames[0].refs, error == 0 ? 2 : 1);
	}
	assert_int_equal(error, 0);
}

static void the_first_pin_turns_mappings_write_back_by_break_before_make(void **state)
{
	foreign_map(AT, 3);
	foreign_map(AT + 1, 4);
	fake_machine_watch(entry_at(AT), 1);
	fake_machine_log_clear();
	pin(3);
	fake_machine_expect("store invalid 0x0", "dsb ish", "tlbi ipas2e1is", "dsb ish",
			    "store valid 0x0", "dsb ishst");
	assert_true(is_wb(AT));
	assert_false(is_wb(AT + 1));
	/* No maintenance: nothing cacheable was there before. */
	fake_machine_expect_none("dc");
	fake_machine_log_clear();
	pin(3);
	fake_machine_expect_none("tlbi");
	foreign_map(AT + 2, 3);
	assert_true(is_wb(AT + 2));
	unpin(3);
	assert_null(deferred[0]);
	unpin(3);
}

static void the_last_unpin_cleans_later_and_only_then_it_is_private(void **state)
{
	pin(3);
	fake_machine_log_clear();
	unpin(3);
	/* Nothing yet: shared until it is done. */
	assert_int_equal(fake_machine_log_count(), 0);
	assert_int_equal(frames[3].shared_pins, FRAME_UNSHARING);
	assert_int_equal(frames[3].refs, 2);
	assert_int_equal(stage2_attr_window(&owner, &frames[3]), WINDOW_WB_ONCE);
	run_deferred();
	fake_machine_expect("dc civac", "dsb sy");
	assert_int_equal(fake_machine_count("dc civac"), 1);
	assert_int_equal(frames[3].shared_pins, 0);
	assert_int_equal(frames[3].refs, 1);
}

static void without_a_lock_the_last_unpin_cleans_at_once(void **state)
{
	pin(3);
	pin(3);
	fake_machine_log_clear();
	domain_share_unpin_now(&owner, frame_at(3));
	assert_int_equal(fake_machine_log_count(), 0);
	assert_int_equal(frames[3].shared_pins, 1);
	domain_share_unpin_now(&owner, frame_at(3));
	fake_machine_expect("dc civac", "dsb sy");
	assert_int_equal(fake_machine_count("dc civac"), 1);
	assert_int_equal(frames[3].shared_pins, 0);
	assert_int_equal(frames[3].refs, 1);
	assert_null(deferred[0]);
	/* One that is to be made private later is pinned and unpinned again: its list has it still. */
	pin(3);
	unpin(3);
	pin(3);
	fake_machine_log_clear();
	domain_share_unpin_now(&owner, frame_at(3));
	assert_int_equal(frames[3].shared_pins, FRAME_UNSHARING);
	assert_int_equal(fake_machine_log_count(), 0);
	run_deferred();
	assert_int_equal(frames[3].shared_pins, 0);
	/* Others' mappings, and a warm owner, as with the other one. */
	foreign_map(AT, 3);
	pin(3);
	assert_true(is_wb(AT));
	domain_share_unpin_now(&owner, frame_at(3));
	assert_false(is_wb(AT));
	owner.warm = true;
	pin(3);
	fake_machine_log_clear();
	domain_share_unpin_now(&owner, frame_at(3));
	assert_int_equal(fake_machine_log_count(), 0);
	assert_int_equal(frames[3].shared_pins, 0);
}

static void mappings_that_survive_turn_non_cacheable_before_the_last_clean(void **state)
{
	pin(3);
	foreign_map(AT, 3);
	assert_true(is_wb(AT));
	fake_machine_watch(entry_at(AT), 1);
	unpin(3);
	assert_true(is_wb(AT));
	fake_machine_log_clear();
	run_deferred();
	/* Cleaned before the first read past the caches, and of what else had it, EL2 or another mapper. */
	fake_machine_expect("store invalid 0x0", "dsb ish", "tlbi ipas2e1is", "dsb ish", "dc civac",
			    "dsb sy", "store valid 0x0", "dsb ishst", "dc civac", "dsb sy");
	assert_false(is_wb(AT));
}

static void pinned_again_in_time_it_stays_shared(void **state)
{
	foreign_map(AT, 3);
	pin(3);
	unpin(3);
	fake_machine_log_clear();
	pin(3);
	run_deferred();
	fake_machine_expect_none("dc");
	fake_machine_expect_none("tlbi");
	assert_true(is_wb(AT));
	assert_int_equal(frames[3].shared_pins, 1);
	assert_int_equal(frames[3].refs, 2);
	/* And again: it is in the list once. */
	unpin(3);
	pin(3);
	unpin(3);
	assert_int_equal(frames[3].refs, 3);
	run_deferred();
	assert_int_equal(frames[3].shared_pins, 0);
	assert_false(is_wb(AT));
}

static void in_a_warm_domain_nothing_is_to_be_done(void **state)
{
	foreign_map(AT, 3);
	owner.warm = true;
	fake_machine_log_clear();
	pin(3);
	unpin(3);
	assert_null(deferred[0]);
	assert_int_equal(fake_machine_log_count(), 0);
	assert_int_equal(frames[3].shared_pins, 0);
}

static void nor_where_write_back_is_forced(void **state)
{
	cpu_features.s2fwb = true;
	foreign_map(AT, 3);
	assert_int_equal(*entry_at(AT) & S2_MEMATTR_MASK, S2_FWB_FORCE_WB);
	fake_machine_log_clear();
	pin(3);
	unpin(3);
	assert_null(deferred[0]);
	assert_int_equal(fake_machine_log_count(), 0);
}

static void one_that_turned_warm_meanwhile_is_not_cleaned(void **state)
{
	pin(3);
	unpin(3);
	owner.warm = true;
	fake_machine_log_clear();
	run_deferred();
	fake_machine_expect_none("dc");
}

static void a_dead_domains_frame_is_let_go(void **state)
{
	pin(3);
	unpin(3);
	frame_put(frame_at(3)); /* the allocation's */
	assert_int_equal(frames[3].refs, 1);
	owner_is_gone = true;
	run_deferred();
	assert_int_equal(frames[3].refs, 0);
	frames[3] = (struct frame){.state = FRAME_GUEST, .owner = owner.id, .refs = 1};
}

static void pins_are_not_counted_over(void **state)
{
	frames[3].shared_pins = FRAME_PINS | FRAME_ONE_REGISTRATION;
	assert_int_equal(domain_share_pin(&owner, frame_at(3)), -XEN_ENOSPC);
	assert_int_equal(frames[3].shared_pins, FRAME_PINS | FRAME_ONE_REGISTRATION);
	frames[3].shared_pins = 0;
}

static void a_registered_frame_is_shared_first_and_private_last(void **state)
{
	void *va;

	foreign_map(AT, 3);
	fake_machine_watch(entry_at(AT), 1);
	fake_machine_log_clear();
	assert_int_equal(domain_share_register(&owner, frame_at(3), &va), 0);
	fake_machine_expect("store valid 0x0", "dsb ishst", "registered");
	domain_share_unregister(&owner, frame_at(3));
	run_deferred();
	fake_machine_expect("unregistered", "store invalid", "dc civac", "store valid", "dc civac");
}

static void many_frames_take_interrupts_in_between(void **state)
{
	for (unsigned int n = 0; n < 8; n++) {
		pin(n);
		unpin(n);
	}
	fake_machine_interrupt_after(2);
	fake_machine_log_clear();
	run_deferred();
	assert_int_equal(fake_machine_count("dc civac"), 8);
	assert_int_equal(fake_machine_count("interrupts"), 6);
}

/* ---- the whole domain -------------------------------------------------------------------------------- */

static unsigned int follow(void)
{
	uint32_t cursor = 0;
	unsigned int steps = 1;
	bool done;

	do {
		write_lock(&owner.attr_lock);
		done = stage2_turn_some(&owner, &cursor);
		write_unlock(&owner.attr_lock);
		steps++;
		assert_true(steps < 1000);
	} while (!done);
	return steps;
}

static void all_mappings_follow_their_owner(void **state)
{
	for (unsigned int n = 0; n < NR_AT; n++) {
		foreign_map(AT + n, n % NR_FRAMES);
	}
	pin(5);
	owner.warm = true;
	assert_true(follow() > 2);
	for (unsigned int n = 0; n < NR_AT; n++) {
		assert_true(is_wb(AT + n));
	}
	owner.warm = false;
	follow();
	for (unsigned int n = 0; n < NR_AT; n++) {
		/* The one that is shared stays. */
		assert_int_equal(is_wb(AT + n), n % NR_FRAMES == 5);
	}
	unpin(5);
	run_deferred();
	assert_false(is_wb(AT + 5));
}

static void a_new_mapping_of_a_turning_domains_frame_takes_the_others_along(void **state)
{
	for (unsigned int n = 0; n < 2; n++) {
		foreign_map(AT, 3);
		owner.warm = n == 0;
		owner.foreign_due = true; /* none has been turned so far */
		assert_int_not_equal(is_wb(AT), owner.warm);
		foreign_map(AT + 1, 3);
		assert_int_equal(is_wb(AT + 1), owner.warm);
		assert_int_equal(is_wb(AT), owner.warm);
		follow();
		owner.foreign_due = false;
	}
}

static void what_turns_non_cacheable_is_cleaned_while_nobody_can_use_it(void **state)
{
	owner.warm = true;
	foreign_map(AT, 3);
	foreign_map(AT + 1, 4);
	pin(5);
	foreign_map(AT + 2, 5);
	fake_machine_watch(entry_at(AT), 2);
	owner.warm = false;
	fake_machine_log_clear();
	follow();
	fake_machine_expect("store invalid 0x0", "store invalid 0x1", "dsb ish",
			    "tlbi vmalls12e1is", "dsb ish", "dc civac", "dc civac", "dsb sy",
			    "store valid 0x0", "store valid 0x1", "dsb ishst");
	assert_int_equal(fake_machine_count("dc civac"), 2);
	owner.warm = true;
	fake_machine_log_clear();
	follow();
	fake_machine_expect_none("dc");
	unpin(5);
}

static void others_mappings_stay_as_they_are(void **state)
{
	static struct domain another;

	another = (struct domain){.id = 8, .refs = 1};
	rwlock_init(&another.attr_lock, LOCK_RANK_ATTR);
	frames[1].owner = 8;
	write_lock(&another.attr_lock);
	assert_true(frame_get(frame_at(1), 8));
	assert_int_equal(stage2_map_foreign(&dom0, gfn(AT), &another, frame_at(1), STAGE2_FOREIGN_RO),
			 0);
	write_unlock(&another.attr_lock);
	/* Its structure stays while a frame of it is mapped. */
	assert_int_equal(another.refs, 2);
	owner.warm = true;
	follow();
	assert_false(is_wb(AT));
	assert_int_equal(stage2_unmap(&dom0, gfn(AT), 1), 0);
	assert_int_equal(another.refs, 1);
	frames[1].owner = owner.id;
}

static void a_step_is_bounded(void **state)
{
	uint32_t cursor = 0;

	for (unsigned int n = 0; n < NR_AT; n++) {
		foreign_map(AT + n, 0);
	}
	owner.warm = true;
	fake_machine_log_clear();
	write_lock(&owner.attr_lock);
	while (cursor <= FIRST_MFN % 4096 && fake_machine_count("tlbi") == 0) {
		assert_false(stage2_turn_some(&owner, &cursor));
	}
	write_unlock(&owner.attr_lock);
	/* Sixteen with one invalidation, and the rest another time. */
	assert_true(is_wb(AT + NR_AT - 1) && is_wb(AT + NR_AT - 16));
	assert_false(is_wb(AT + NR_AT - 17));
	assert_int_equal(fake_machine_count("tlbi vmalls12e1is"), 1);
	follow();
	assert_true(is_wb(AT));
}

/* ---- another CPU at every step ---------------------------------------------------------------------------- */

#define RACED 3u /* the frame */

static struct {
	void (*go)(void);
	bool waits;        /* it needs locks; else it goes ahead whoever has them */
	unsigned int step; /* of this CPU, from which on the other goes as soon as it can */
	unsigned int steps_seen;
	bool gone;
	unsigned int pins; /* as they should be */
	uint32_t cursor;
} race;

static void other_cpu(void)
{
	if (race.gone || race.steps_seen++ < race.step ||
	    (race.waits && (owner.attr_lock.state != 0 || dom0.stage2.lock.state != 0))) {
		return;
	}
	race.gone = true;
	fake_machine_set_cpu(1);
	race.go();
	fake_machine_set_cpu(0);
}

/* As domain_warm.c: the state at once, and then the mappings, in steps. */
static void begin_turning(bool warm)
{
	write_lock(&owner.attr_lock);
	owner.warm = warm;
	owner.foreign_due = true;
	race.cursor = 0;
	write_unlock(&owner.attr_lock);
}

static void end_turning(void)
{
	while (owner.foreign_due) {
		write_lock(&owner.attr_lock);
		owner.foreign_due = owner.foreign_due && !stage2_turn_some(&owner, &race.cursor);
		write_unlock(&owner.attr_lock);
	}
}

static void turns_cold(void)
{
	begin_turning(false);
	end_turning();
}

static void turns_warm(void)
{
	begin_turning(true);
	end_turning();
}

static void begins_to_turn_warm(void)
{
	begin_turning(true);
}

static void turns_cold_and_warm(void)
{
	turns_cold();
	turns_warm();
}

static void turns_warm_and_cold(void)
{
	turns_warm();
	turns_cold();
}

static void pins(void)
{
	pin(RACED);
	race.pins++;
	/* From now on it may be mapped Write-Back. */
	assert_true(is_wb(AT));
}

static void unpins(void)
{
	unpin(RACED);
	race.pins--;
}

static void unpins_now(void)
{
	domain_share_unpin_now(&owner, frame_at(RACED));
	race.pins--;
}

static void maps(void)
{
	foreign_map(AT + 1, RACED);
}

static void maps_anew(void)
{
	foreign_map(AT, RACED);
}

static void check_race(void)
{
	run_deferred();
	end_turning();
	assert_int_equal(frames[RACED].shared_pins, race.pins);
	for (unsigned int i = 0; i < 2; i++) {
		const uint64_t *entry = entry_at(AT + i);

		/* C1, and the other way round. */
		if (pte_is_valid(*entry) && is_wb(AT + i) != (owner.warm || race.pins > 0)) {
			fail_msg("a mapping is %s, the owner %s, %u pins: the other CPU went at step %u",
				 is_wb(AT + i) ? "Write-Back" : "Non-cacheable",
				 owner.warm ? "warm" : "cold", race.pins, race.step);
		}
	}
}

/* True while the other CPU went ahead before this one was done: there may be more steps. */
static bool race_at(unsigned int step, bool warm, unsigned int nr_pins, void (*here)(void),
		    void (*there)(void))
{
	race.go = there;
	race.waits = there != unpins;
	race.step = step;
	race.steps_seen = 0;
	race.gone = false;
	race.pins = nr_pins;
	owner.warm = warm;
	for (unsigned int n = 0; n < nr_pins; n++) {
		pin(RACED);
	}
	foreign_map(AT, RACED);
	fake_machine_set_other_cpu(other_cpu);
	here();
	fake_machine_set_other_cpu(NULL);
	check_race();
	for (; race.pins > 0; race.pins--) {
		unpin(RACED);
	}
	nothing_is_left(NULL);
	fake_machine_log_clear();
	return race.gone;
}

static void a_frame_follows_whatever_another_cpu_does_at_whatever_step(void **state)
{
	static void (*const turn[])(void) = {turns_cold, turns_warm, begins_to_turn_warm,
					     turns_cold_and_warm, turns_warm_and_cold};
	static void (*const use[])(void) = {pins, unpins, unpins_now, maps, maps_anew};

	for (unsigned int n = 0; n < ARRAY_SIZE(turn) * ARRAY_SIZE(use) * 2 * 2 * 2; n++) {
		void (*a)(void) = turn[n % ARRAY_SIZE(turn)];
		void (*b)(void) = use[n / ARRAY_SIZE(turn) % ARRAY_SIZE(use)];
		unsigned int rest = n / (unsigned int)(ARRAY_SIZE(turn) * ARRAY_SIZE(use));
		bool warm = rest % 2 != 0, turn_first = rest / 2 % 2 != 0;
		unsigned int nr_pins = rest / 4 + (b == unpins || b == unpins_now ? 1 : 0);
		unsigned int step = 0;

		while (race_at(step, warm, nr_pins, turn_first ? a : b, turn_first ? b : a)) {
			step++;
			assert_true(step < 10000);
		}
		assert_true(step > 0);
	}
}

static void two_cpus_pin_and_unpin_at_whatever_step(void **state)
{
	static void (*const use[])(void) = {pins, unpins, unpins_now};

	for (unsigned int n = 0; n < ARRAY_SIZE(use) * ARRAY_SIZE(use) * 2; n++) {
		bool warm = n % 2 != 0;
		void (*a)(void) = use[n / 2 % ARRAY_SIZE(use)];
		void (*b)(void) = use[n / 2 / ARRAY_SIZE(use)];
		unsigned int nr_pins = (a != pins ? 1u : 0u) + (b != pins ? 1u : 0u), step = 0;

		while (race_at(step, warm, nr_pins, a, b)) {
			step++;
			assert_true(step < 10000);
		}
		assert_true(step > 0);
	}
}

/* ---- at random, against a model of what caches may hold ------------------------------------------------ */

static struct {
	unsigned int pins[NR_FRAMES], registrations[NR_FRAMES];
	int at[NR_AT];          /* frame mapped there, -1 none */
	bool cached[NR_FRAMES]; /* a cache may hold lines of it */
	bool turning;
} model;

static bool has_cacheable_alias(unsigned int n)
{
	if (model.pins[n] > 0 || registered[n]) {
		return true;
	}
	for (unsigned int i = 0; i < NR_AT; i++) {
		const uint64_t *entry = model.at[i] == (int)n ? entry_at(AT + i) : NULL;

		if (entry != NULL && pte_is_valid(*entry) && is_wb(AT + i)) {
			return true;
		}
	}
	return false;
}

/* Before each barrier, TLBI, maintenance: who may have the frame cacheable, may have fetched it. */
static void see(const char *line, void *context)
{
	if (strncmp(line, "dc civac", 8) == 0) {
		model.cached[window.raw - FIRST_MFN] = false;
	}
	for (unsigned int n = 0; n < NR_FRAMES; n++) {
		model.cached[n] = model.cached[n] || has_cacheable_alias(n);
	}
}

static void check(void)
{
	see("", NULL);
	for (unsigned int i = 0; i < NR_AT; i++) {
		unsigned int n = (unsigned int)model.at[i];

		if (model.at[i] < 0) {
			continue;
		}
		if (!model.turning) {
			assert_int_equal(is_wb(AT + i), stage2_attr_frame_is_wb(&owner, &frames[n]));
		}
		/* Shared is shared by everyone, at any time. */
		assert_true(frames[n].shared_pins == 0 || is_wb(AT + i));
	}
	for (unsigned int n = 0; n < NR_FRAMES; n++) {
		assert_int_equal(frames[n].shared_pins & FRAME_PINS,
				 model.pins[n] + model.registrations[n]);
		if (frames[n].shared_pins == 0 && !owner.warm && !model.turning) {
			/* C1. */
			assert_false(has_cacheable_alias(n));
			assert_false(model.cached[n]);
		}
	}
}

static void random_step(void)
{
	unsigned int n = (unsigned int)rand() % NR_FRAMES, i = (unsigned int)rand() % NR_AT;
	static uint32_t cursor;
	void *va;

	switch (rand() % 12) {
	case 0:
	case 1:
		pin(n);
		model.pins[n]++;
		break;
	case 2:
	case 3:
		if (model.pins[n] > 0) {
			model.pins[n]--; /* unmapped before */
			if (rand() % 2 == 0) {
				unpin(n);
			} else {
				domain_share_unpin_now(&owner, frame_at(n));
			}
		}
		break;
	case 4:
		if (model.registrations[n] < 3) {
			assert_int_equal(domain_share_register(&owner, frame_at(n), &va), 0);
			model.registrations[n]++;
		}
		break;
	case 5:
		if (model.registrations[n] > 0) {
			domain_share_unregister(&owner, frame_at(n));
			model.registrations[n]--;
		}
		break;
	case 6:
	case 7:
		model.at[i] = -1;
		foreign_map(AT + i, n);
		model.at[i] = (int)n;
		break;
	case 8:
		assert_int_equal(stage2_unmap(&dom0, gfn(AT + i), 1), 0);
		model.at[i] = -1;
		break;
	case 9:
	case 10:
		run_deferred();
		break;
	case 11:
		if (!model.turning && rand() % 8 == 0) {
			owner.warm = !owner.warm;
			owner.foreign_due = model.turning = true;
			cursor = 0;
		}
		break;
	}
	if (model.turning) {
		write_lock(&owner.attr_lock);
		owner.foreign_due = model.turning = !stage2_turn_some(&owner, &cursor);
		write_unlock(&owner.attr_lock);
		if (!model.turning && !owner.warm) {
			/* All its RAM is cleaned and invalidated then (domain_warm.c). */
			memset(model.cached, 0, sizeof(model.cached));
		}
	}
	check();
}

static void at_random_nothing_private_and_cold_is_ever_cached(void **state)
{
	for (unsigned int seed = 1; seed <= 20; seed++) {
		memset(&model, 0, sizeof(model));
		memset(model.at, -1, sizeof(model.at));
		srand(seed);
		set_up(NULL);
		fake_machine_set_hook(see, NULL);
		for (unsigned int step = 0; step < 1500; step++) {
			random_step();
			fake_machine_log_clear();
		}
		for (unsigned int n = 0; n < NR_FRAMES; n++) {
			for (; model.pins[n] > 0; model.pins[n]--) {
				unpin(n);
			}
			for (; model.registrations[n] > 0; model.registrations[n]--) {
				domain_share_unregister(&owner, frame_at(n));
			}
		}
		nothing_is_left(NULL);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, nothing_is_left)
	const struct CMUnitTest tests[] = {
		TEST(a_foreign_mapping_is_non_cacheable_while_its_owner_is_cold),
		TEST(what_is_not_there_is_not_mapped),
		TEST(without_memory_nothing_is_left_behind),
		TEST(the_first_pin_turns_mappings_write_back_by_break_before_make),
		TEST(the_last_unpin_cleans_later_and_only_then_it_is_private),
		TEST(without_a_lock_the_last_unpin_cleans_at_once),
		TEST(mappings_that_survive_turn_non_cacheable_before_the_last_clean),
		TEST(pinned_again_in_time_it_stays_shared),
		TEST(in_a_warm_domain_nothing_is_to_be_done),
		TEST(nor_where_write_back_is_forced),
		TEST(one_that_turned_warm_meanwhile_is_not_cleaned),
		TEST(a_dead_domains_frame_is_let_go),
		TEST(pins_are_not_counted_over),
		TEST(a_registered_frame_is_shared_first_and_private_last),
		TEST(many_frames_take_interrupts_in_between),
		TEST(all_mappings_follow_their_owner),
		TEST(a_new_mapping_of_a_turning_domains_frame_takes_the_others_along),
		TEST(what_turns_non_cacheable_is_cleaned_while_nobody_can_use_it),
		TEST(others_mappings_stay_as_they_are),
		TEST(a_step_is_bounded),
		TEST(a_frame_follows_whatever_another_cpu_does_at_whatever_step),
		TEST(two_cpus_pin_and_unpin_at_whatever_step),
		TEST(at_random_nothing_private_and_cold_is_ever_cached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
