/* SPDX-License-Identifier: MIT */
/*
 * The frame pool and the frame table on the host: splitting and merging, what is scrubbed when and in which order
 * (C2), quarantine until every CPU has passed an epoch (M1), and interruption.
 */
#include "mm/mm_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "abi/xen.h"
#include "arm64/cpu.h"
#include "arm64/percpu.h"
#include "gic/gic.h"
#include "lib/lock.h"
#include "tests/unit/fake_machine.h"

/* 64 MiB of RAM at 1 GiB. The pool is static: tests that need all of it put everything back. */
#define RAM_FIRST UINT64_C(0x40000)
#define RAM_NR    UINT64_C(0x4000)
#define DOMID     5

static char page[PAGE_SIZE] __aligned(4096);
static uint32_t epoch, epoch_done;
static unsigned int nr_kicks;

/* ---- fakes ---------------------------------------------------------------------------------------- */

int hyp_map_frame_table(uint64_t va, maddr_t start, uint64_t size)
{
	void *at = mmap((void *)(uintptr_t)va, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	return at == (void *)(uintptr_t)va ? 0 : -XEN_ENOMEM;
}

void *window_map(mfn_t m, enum window_attr attr)
{
	assert_int_equal(attr, WINDOW_NC); /* free frames never get a cacheable alias */
	fake_machine_note("window 0x%lx", (unsigned long)m.raw);
	return page;
}

void window_unmap(const void *va)
{
}

void *window_map_free_block(mfn_t first)
{
	static char block[512 * PAGE_SIZE] __aligned(4096);

	assert_int_equal(first.raw % 512, 0);
	fake_machine_note("block 0x%lx", (unsigned long)first.raw);
	return block;
}

void window_unmap_free_block(void)
{
	fake_machine_note("unblock");
}

uint32_t epoch_begin(void)
{
	return ++epoch;
}

uint32_t epoch_latest(void)
{
	return epoch;
}

bool epoch_passed(uint32_t e)
{
	return (int32_t)(epoch_done - e) >= 0;
}

void epoch_poll(void)
{
}

void gic_send_sgi_all_others(uint32_t sgi)
{
	nr_kicks++;
}

void spin_lock(struct spinlock *lock)
{
}

void spin_unlock(struct spinlock *lock)
{
}

static int set_up(void **state)
{
	static bool ready;

	fake_machine_reset();
	fake_machine_interrupt_after(UINT64_MAX);
	cpu_features.dic = false;
	nr_kicks = 0;
	if (!ready) {
		assert_int_equal(frame_table_add_bank(RAM_FIRST, RAM_FIRST + RAM_NR, 0), 0);
		frame_pool_add(RAM_FIRST, RAM_FIRST + RAM_NR);
		ready = true;
	}
	assert_int_equal(frame_pool_free_frames(), RAM_NR);
	fake_machine_log_clear();
	return 0;
}

/* All free again: whatever a test gave back passes quarantine. */
static void drain(void)
{
	fake_machine_interrupt_after(UINT64_MAX);
	for (unsigned int n = 0; frame_pool_dirty_frames() > 0 && n < 4 * RAM_NR; n++) {
		(void)frame_pool_scrub_idle();
		epoch_done = epoch;
	}
	assert_int_equal(frame_pool_dirty_frames(), 0);
}

static void put_block(mfn_t m, unsigned int order)
{
	for (uint64_t n = 0; n < UINT64_C(1) << order; n++) {
		frame_put(mfn_add(m, n));
	}
}

/* ---- tests ----------------------------------------------------------------------------------------- */

static void a_dirty_frame_is_cleaned_then_zeroed_then_handed_out(void **state)
{
	mfn_t m;

	assert_int_equal(frame_pool_alloc(0, DOMID, &m), 0);
	/* The old contents leave the caches before the zeroes are written, and the batch ends with the IC. */
	fake_machine_expect("window", "dc civac", "dsb sy", "dc zva", "dsb sy", "ic ialluis",
			    "dsb sy");
	assert_int_equal(frame_of(m)->state, FRAME_GUEST);
	assert_int_equal(frame_of(m)->owner, DOMID);
	assert_int_equal(frame_of(m)->refs, 1);
	frame_put(m);
	drain();
}

static void no_instruction_cache_maintenance_where_it_is_not_needed(void **state)
{
	mfn_t m, second;

	cpu_features.dic = true;
	drain();
	assert_int_equal(frame_pool_alloc(FRAME_ORDER_2M, DOMID, &m), 0);
	put_block(m, FRAME_ORDER_2M);
	drain();
	fake_machine_log_clear();
	assert_int_equal(frame_pool_alloc(0, DOMID, &second), 0);
	fake_machine_expect_none("ic ialluis");
	frame_put(second);
	drain();
}

static void clean_frames_cost_nothing(void **state)
{
	mfn_t m;

	drain();
	fake_machine_log_clear();
	assert_int_equal(frame_pool_alloc(FRAME_ORDER_2M, DOMID, &m), 0);
	fake_machine_expect_none("dc");
	fake_machine_expect_none("window");
	assert_int_equal(m.raw % 512, 0);
	put_block(m, FRAME_ORDER_2M);
	drain();
}

static void freed_frames_wait_until_every_cpu_has_let_go(void **state)
{
	mfn_t all[RAM_NR / 512], m;
	unsigned int nr = 0;

	drain();
	while (frame_pool_alloc(FRAME_ORDER_2M, DOMID, &all[nr]) == 0) {
		nr++;
	}
	assert_int_equal(nr, RAM_NR / 512);
	put_block(all[0], FRAME_ORDER_2M);
	/* The frames are free, but a CPU may hold a window on them. */
	fake_machine_interrupt_after(3);
	assert_int_equal(frame_pool_alloc(0, DOMID, &m), -XEN_ERESTART);
	assert_true(nr_kicks > 0);
	assert_int_equal(frame_pool_take(0, FRAME_TENON, 0, false, &m), -XEN_ENOMEM);
	epoch_done = epoch;
	fake_machine_interrupt_after(UINT64_MAX);
	assert_int_equal(frame_pool_alloc(0, DOMID, &m), 0);
	frame_put(m);
	while (--nr > 0) {
		put_block(all[nr], FRAME_ORDER_2M);
	}
	drain();
	assert_int_equal(frame_pool_free_frames(), RAM_NR);
}

static void quarantine_ends_in_bounded_steps(void **state)
{
	mfn_t all[RAM_NR / 512], m;
	unsigned int nr = 0, calls = 1;

	drain();
	while (frame_pool_alloc(FRAME_ORDER_2M, DOMID, &all[nr]) == 0) {
		nr++;
	}
	put_block(all[0], FRAME_ORDER_2M);
	(void)epoch_begin();
	epoch_done = epoch;
	/* Whoever needs the whole block is interrupted on the way to it; 32 frames have come further each time. */
	fake_machine_interrupt_after(0);
	assert_int_equal(frame_pool_alloc(FRAME_ORDER_2M, DOMID, &m), -XEN_ERESTART);
	assert_int_equal(frame_pool_dirty_frames(), 512);
	while (frame_pool_take(FRAME_ORDER_2M, FRAME_GUEST, DOMID, true, &m) == -XEN_ERESTART) {
		calls++;
	}
	/* 16 steps; then 64 of the scrub, of which the last is not interrupted. */
	assert_int_equal(calls, 15 + 63);
	fake_machine_interrupt_after(UINT64_MAX);
	put_block(m, FRAME_ORDER_2M);
	/* A single frame of the first 32 is enough for Tenon itself, which is not interrupted. */
	(void)epoch_begin();
	epoch_done = epoch;
	assert_int_equal(frame_pool_take(FRAME_ORDER_2M, FRAME_TENON, 0, false, &m), 0);
	frame_pool_give_back(m, false);
	for (uint64_t n = 1; n < 512; n++) {
		frame_pool_give_back(mfn_add(m, n), false);
	}
	while (--nr > 0) {
		put_block(all[nr], FRAME_ORDER_2M);
	}
	drain();
	assert_int_equal(frame_pool_free_frames(), RAM_NR);
}

static void everything_merges_back_into_large_blocks(void **state)
{
	static mfn_t all[RAM_NR];
	unsigned int nr = 0;
	mfn_t m;

	while (nr < RAM_NR && frame_pool_alloc(0, DOMID, &all[nr]) == 0) {
		nr++;
	}
	assert_int_equal(nr, RAM_NR);
	assert_int_equal(frame_pool_alloc(0, DOMID, &m), -XEN_ENOMEM);
	/* Odd ones first: merging must not depend on the order. */
	for (unsigned int n = 1; n < nr; n += 2) {
		frame_put(all[n]);
	}
	for (unsigned int n = 0; n < nr; n += 2) {
		frame_put(all[n]);
	}
	drain();
	for (nr = 0; frame_pool_alloc(FRAME_ORDER_2M, DOMID, &all[nr]) == 0; nr++) {
	}
	assert_int_equal(nr, RAM_NR / 512);
	while (nr-- > 0) {
		put_block(all[nr], FRAME_ORDER_2M);
	}
	drain();
}

static void an_interrupted_scrub_is_continued(void **state)
{
	mfn_t all[RAM_NR / 512], m;
	unsigned int nr = 0, calls = 1;
	size_t scrubbed;

	while (frame_pool_alloc(FRAME_ORDER_2M, DOMID, &all[nr]) == 0) {
		nr++;
	}
	put_block(all[0], FRAME_ORDER_2M);
	(void)epoch_begin();
	epoch_done = epoch;
	fake_machine_log_clear();
	for (;;) {
		int error;

		fake_machine_interrupt_after(11);
		error = frame_pool_alloc(FRAME_ORDER_2M, DOMID, &m);
		if (error == 0) {
			break;
		}
		assert_int_equal(error, -XEN_ERESTART);
		calls++;
	}
	/* Every frame once, eight between two looks for an interrupt, after 15 looks while quarantine ended; twelve a call. */
	scrubbed = fake_machine_count("dc zva");
	assert_int_equal(scrubbed, 512 / 8);
	assert_int_equal(calls, 7);
	fake_machine_interrupt_after(UINT64_MAX);
	put_block(m, FRAME_ORDER_2M);
	while (--nr > 0) {
		put_block(all[nr], FRAME_ORDER_2M);
	}
	drain();
}

/* Half of each block is clean, and what is dirty must be scrubbed first. */
static void blocks_that_are_half_clean_are_completed_for_a_large_request(void **state)
{
	static mfn_t half[RAM_NR / 256];
	unsigned int nr = 0, calls = 0;
	mfn_t m;
	int error;

	while (frame_pool_alloc(FRAME_ORDER_2M - 1, DOMID, &half[nr]) == 0) {
		nr++;
	}
	assert_int_equal(nr, RAM_NR / 256);
	for (unsigned int odd = 0; odd < 2; odd++) {
		for (unsigned int n = 0; n < nr; n++) {
			if ((half[n].raw / 256) % 2 == odd) {
				put_block(half[n], FRAME_ORDER_2M - 1);
			}
		}
		(void)epoch_begin();
		epoch_done = epoch;
		while (odd == 0 && frame_pool_scrub_idle()) {
		}
	}
	assert_int_equal(frame_pool_dirty_frames(), RAM_NR / 2);
	/* Tenon's own request cannot be interrupted, and does without. */
	assert_int_equal(frame_pool_take(FRAME_ORDER_2M, FRAME_TENON, 0, false, &m), -XEN_ENOMEM);
	do {
		fake_machine_interrupt_after(7);
		error = frame_pool_alloc(FRAME_ORDER_2M, DOMID, &m);
		calls++;
	} while (error == -XEN_ERESTART);
	assert_int_equal(error, 0);
	assert_true(calls > 1);
	/* No more than it needed. */
	assert_int_equal(frame_pool_dirty_frames(), RAM_NR / 2 - 256);
	put_block(m, FRAME_ORDER_2M);
	drain();
}

static void idle_cpus_finish_a_block_before_they_begin_another(void **state)
{
	mfn_t all[RAM_NR / 512];
	unsigned int nr = 0;

	while (frame_pool_alloc(FRAME_ORDER_2M, DOMID, &all[nr]) == 0) {
		nr++;
	}
	while (nr-- > 0) {
		put_block(all[nr], FRAME_ORDER_2M);
	}
	(void)epoch_begin();
	epoch_done = epoch;
	/* Often enough to begin each. */
	for (nr = 0; nr < RAM_NR / 512; nr++) {
		fake_machine_interrupt_after(2);
		assert_true(frame_pool_scrub_idle());
	}
	/* Two pieces of 8 frames each time: all but one or two blocks are whole. */
	assert_in_range(frame_pool_dirty_frames(), RAM_NR - 1024, RAM_NR - 1);
	for (nr = 0; nr < RAM_NR / 512 - 2; nr++) {
		assert_int_equal(frame_pool_take(FRAME_ORDER_2M, FRAME_GUEST, DOMID, false, &all[nr]),
				 0);
	}
	while (nr-- > 0) {
		put_block(all[nr], FRAME_ORDER_2M);
	}
	drain();
}

static void a_request_of_tenon_does_not_finish_a_large_scrub(void **state)
{
	mfn_t all[RAM_NR / 512], m;
	unsigned int nr = 0;

	while (frame_pool_alloc(FRAME_ORDER_2M, DOMID, &all[nr]) == 0) {
		nr++;
	}
	put_block(all[0], FRAME_ORDER_2M);
	(void)epoch_begin();
	epoch_done = epoch;
	fake_machine_interrupt_after(9);
	assert_int_equal(frame_pool_alloc(FRAME_ORDER_2M, DOMID, &m), -XEN_ERESTART);
	fake_machine_log_clear();
	assert_int_equal(frame_pool_take(0, FRAME_TENON, 0, false, &m), 0);
	assert_true(fake_machine_count("window") <= 8);
	frame_pool_give_back(m, false);
	fake_machine_interrupt_after(UINT64_MAX);
	while (--nr > 0) {
		put_block(all[nr], FRAME_ORDER_2M);
	}
	drain();
	assert_int_equal(frame_pool_free_frames(), RAM_NR);
}

static void references_keep_a_frame_and_are_refused_to_strangers(void **state)
{
	mfn_t m;

	assert_int_equal(frame_pool_alloc(0, DOMID, &m), 0);
	assert_true(frame_get(m, DOMID));
	assert_false(frame_get(m, DOMID + 1));
	frame_put(m);
	assert_int_equal(frame_of(m)->state, FRAME_GUEST);
	frame_put(m);
	assert_int_equal(frame_of(m)->state, FRAME_QUARANTINE);
	assert_false(frame_get(m, DOMID));
	assert_false(frame_get(mfn(RAM_FIRST - 1), DOMID));
	assert_false(frame_get(mfn(RAM_FIRST + RAM_NR), DOMID));
	drain();
}

/* Its owner is charged for it until it has gone. */
static void a_frame_that_is_given_up_goes_with_its_last_use(void **state)
{
	mfn_t m;

	assert_int_equal(frame_pool_alloc(0, DOMID, &m), 0);
	/* Used by nobody: at once. */
	assert_true(frame_give_up(m, DOMID));
	assert_int_equal(frame_of(m)->state, FRAME_QUARANTINE);
	drain();
	/* Used by two. */
	assert_int_equal(frame_pool_alloc(0, DOMID, &m), 0);
	assert_true(frame_get(m, DOMID));
	assert_true(frame_get(m, DOMID));
	assert_false(frame_give_up(m, DOMID));
	assert_false(frame_put_use(m));
	/* One more, in between. */
	assert_true(frame_get(m, DOMID));
	assert_false(frame_put_use(m));
	assert_int_equal(frame_of(m)->state, FRAME_GUEST);
	assert_true(frame_put_use(m));
	assert_int_equal(frame_of(m)->state, FRAME_QUARANTINE);
	drain();
	/* Not given up: the end of a use is nothing special. */
	assert_int_equal(frame_pool_alloc(0, DOMID, &m), 0);
	assert_int_equal(frame_of(m)->order, 0);
	assert_true(frame_get(m, DOMID));
	assert_false(frame_put_use(m));
	assert_int_equal(frame_of(m)->refs, 1);
	assert_true(frame_put_allocation(m, DOMID));
	assert_int_equal(frame_of(m)->state, FRAME_QUARANTINE);
	drain();
}

/* The owner dies before those who use what it had given up: that stays until they have let go, and nobody is charged. */
static void a_given_up_frame_outlives_its_owner(void **state)
{
	mfn_t m;

	assert_int_equal(frame_pool_alloc(0, DOMID, &m), 0);
	assert_true(frame_get(m, DOMID));
	assert_true(frame_get(m, DOMID));
	assert_false(frame_give_up(m, DOMID));
	assert_true(frame_put_allocation(m, DOMID));
	assert_int_equal(frame_of(m)->refs, 2);
	assert_false(frame_put_use(m));
	assert_int_equal(frame_of(m)->state, FRAME_GUEST);
	assert_false(frame_put_use(m));
	assert_int_equal(frame_of(m)->state, FRAME_QUARANTINE);
	drain();
}

/*
 * Its last user and the destroyer of its owner come at the same time. Whatever the destroyer has seen, by the time that it drops the
 * allocation the frame may be on its way to the pool, in it, or another's: that is not its to touch.
 */
static void a_frame_that_has_gone_meanwhile_is_left_alone(void **state)
{
	struct frame before;
	mfn_t m;

	assert_int_equal(frame_pool_alloc(0, DOMID, &m), 0);
	assert_true(frame_get(m, DOMID));
	assert_false(frame_give_up(m, DOMID));
	/* The last reference is dropped, and the frame not given back yet. */
	frame_of(m)->refs = 0;
	assert_false(frame_put_allocation(m, DOMID));
	assert_false(frame_give_up(m, DOMID));
	assert_int_equal(frame_of(m)->refs, 0);
	frame_of(m)->refs = 2;
	assert_true(frame_put_use(m));
	before = *frame_of(m);
	assert_int_equal(before.state, FRAME_QUARANTINE);
	assert_false(frame_put_allocation(m, DOMID));
	assert_false(frame_give_up(m, DOMID));
	assert_memory_equal(frame_of(m), &before, sizeof(before));
	drain();
	assert_int_equal(frame_pool_free_frames(), RAM_NR);
	/* Somebody else's by now. */
	assert_int_equal(frame_pool_alloc(0, DOMID + 1, &m), 0);
	assert_false(frame_put_allocation(m, DOMID));
	assert_false(frame_give_up(m, DOMID));
	assert_true(frame_put_allocation(m, DOMID + 1));
	drain();
	assert_int_equal(frame_pool_free_frames(), RAM_NR);
}

static void a_claimed_bank_is_contiguous_and_scrubbed(void **state)
{
	mfn_t first = MFN_INVALID;

	drain();
	assert_int_equal(frame_pool_find_contiguous(0x1000, UINT64_MAX, 0x400, &first), 0);
	assert_int_equal(first.raw % 0x400, 0);
	assert_int_equal(frame_pool_claim(first, 0x1000, DOMID), 0);
	assert_int_equal(frame_of(first)->owner, DOMID);
	assert_int_equal(frame_of(mfn_add(first, 0xfff))->state, FRAME_GUEST);
	/* Not twice, not what is not there. */
	assert_int_equal(frame_pool_claim(first, 512, DOMID), -XEN_ENOMEM);
	assert_int_equal(frame_pool_claim(mfn(first.raw + 1), 512, DOMID), -XEN_EINVAL);
	assert_int_equal(frame_pool_find_contiguous(RAM_NR, UINT64_MAX, 0, &first), -XEN_ENOMEM);
	assert_int_equal(frame_pool_find_contiguous(512, RAM_FIRST << 12, 0, &first), -XEN_ENOMEM);
	for (uint64_t n = 0; n < RAM_NR; n++) {
		struct frame *f = frame_of(mfn(RAM_FIRST + n));

		if (f->state == FRAME_GUEST) {
			frame_put(mfn(RAM_FIRST + n));
		}
	}
	drain();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_dirty_frame_is_cleaned_then_zeroed_then_handed_out, set_up),
		cmocka_unit_test_setup(no_instruction_cache_maintenance_where_it_is_not_needed,
				       set_up),
		cmocka_unit_test_setup(clean_frames_cost_nothing, set_up),
		cmocka_unit_test_setup(freed_frames_wait_until_every_cpu_has_let_go, set_up),
		cmocka_unit_test_setup(quarantine_ends_in_bounded_steps, set_up),
		cmocka_unit_test_setup(everything_merges_back_into_large_blocks, set_up),
		cmocka_unit_test_setup(an_interrupted_scrub_is_continued, set_up),
		cmocka_unit_test_setup(blocks_that_are_half_clean_are_completed_for_a_large_request,
				       set_up),
		cmocka_unit_test_setup(idle_cpus_finish_a_block_before_they_begin_another, set_up),
		cmocka_unit_test_setup(a_request_of_tenon_does_not_finish_a_large_scrub, set_up),
		cmocka_unit_test_setup(references_keep_a_frame_and_are_refused_to_strangers, set_up),
		cmocka_unit_test_setup(a_frame_that_is_given_up_goes_with_its_last_use, set_up),
		cmocka_unit_test_setup(a_given_up_frame_outlives_its_owner, set_up),
		cmocka_unit_test_setup(a_frame_that_has_gone_meanwhile_is_left_alone, set_up),
		cmocka_unit_test_setup(a_claimed_bank_is_contiguous_and_scrubbed, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
