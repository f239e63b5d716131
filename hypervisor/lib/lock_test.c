/* SPDX-License-Identifier: MIT */
/*
 * Locks: mutual exclusion between threads that play CPUs, and the debug build's checks of rank and
 * owner.
 */
#include "lib/lock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/cpu.h"
#include "tests/unit/fake_machine.h"

#define NR_THREADS 4
#define NR_TURNS   5000

static struct spinlock spin = SPINLOCK_INIT(LOCK_RANK_EVENT);
static struct rwlock rw = RWLOCK_INIT(LOCK_RANK_STAGE2);
static uint64_t guarded[2];

static int reset(void **state)
{
	(void)state;
	fake_machine_reset();
	return 0;
}

static void *increment_under_spinlock(void *cpu)
{
	fake_machine_set_cpu((unsigned int)(uintptr_t)cpu);
	for (unsigned int i = 0; i < NR_TURNS; i++) {
		if (i % 16 == 0) {
			while (!spin_trylock(&spin)) {
				cpu_relax();
			}
		} else {
			spin_lock(&spin);
		}
		guarded[0]++;
		guarded[1]++;
		spin_unlock(&spin);
	}
	return NULL;
}

static void *read_or_write(void *cpu)
{
	uintptr_t mismatches = 0;

	fake_machine_set_cpu((unsigned int)(uintptr_t)cpu);
	for (unsigned int i = 0; i < NR_TURNS; i++) {
		if (i % 4 == 0) {
			write_lock(&rw);
			guarded[0]++;
			guarded[1]++;
			write_unlock(&rw);
		} else {
			read_lock(&rw);
			mismatches += guarded[0] != guarded[1] ? 1 : 0;
			read_unlock(&rw);
		}
	}
	return (void *)mismatches;
}

static uintptr_t run_threads(void *(*body)(void *cpu))
{
	pthread_t threads[NR_THREADS];
	uintptr_t sum = 0;

	memset(guarded, 0, sizeof(guarded));
	for (uintptr_t i = 0; i < NR_THREADS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, body, (void *)i), 0);
	}
	for (unsigned int i = 0; i < NR_THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		sum += (uintptr_t)result;
	}
	return sum;
}

static void spinlock_excludes(void **state)
{
	(void)state;
	spin_lock_init(&spin, LOCK_RANK_EVENT);
	run_threads(increment_under_spinlock);
	assert_int_equal(guarded[0], NR_THREADS * NR_TURNS);
	assert_int_equal(guarded[1], NR_THREADS * NR_TURNS);
}

static void tickets_may_wrap(void **state)
{
	(void)state;
	spin_lock_init(&spin, LOCK_RANK_EVENT);
	spin.ticket = 0xfff0fff0;
	run_threads(increment_under_spinlock);
	assert_int_equal(guarded[0], NR_THREADS * NR_TURNS);
}

static void readers_see_no_half_written_state(void **state)
{
	(void)state;
	rwlock_init(&rw, LOCK_RANK_STAGE2);
	assert_int_equal(run_threads(read_or_write), 0);
	assert_int_equal(guarded[0], NR_THREADS * (NR_TURNS / 4));
	assert_int_equal(rw.state, 0);
}

static void *take_for_writing(void *cpu)
{
	fake_machine_set_cpu((unsigned int)(uintptr_t)cpu);
	write_lock(&rw);
	guarded[0] = 1;
	write_unlock(&rw);
	return NULL;
}

static void *take_for_reading(void *cpu)
{
	uint64_t seen;

	fake_machine_set_cpu((unsigned int)(uintptr_t)cpu);
	read_lock(&rw);
	seen = guarded[0];
	read_unlock(&rw);
	return (void *)(uintptr_t)seen;
}

static void waiting_writer_goes_before_later_readers(void **state)
{
	pthread_t writer;
	pthread_t reader;
	void *seen;

	(void)state;
	rwlock_init(&rw, LOCK_RANK_STAGE2);
	guarded[0] = 0;
	read_lock(&rw);
	pthread_create(&writer, NULL, take_for_writing, (void *)1);
	while ((READ_ONCE(rw.state) & 1u << 30) == 0) {
		cpu_relax();
	}
	pthread_create(&reader, NULL, take_for_reading, (void *)2);
	for (unsigned int i = 0; i < 100; i++) {
		cpu_relax();
	}
	read_unlock(&rw);
	pthread_join(writer, NULL);
	pthread_join(reader, &seen);
	assert_int_equal((uintptr_t)seen, 1);
}

static void trylock_fails_when_taken(void **state)
{
	(void)state;
	spin_lock_init(&spin, LOCK_RANK_EVENT);
	spin_lock(&spin);
	fake_machine_set_cpu(1);
	assert_false(spin_trylock(&spin));
	assert_false(spin_is_mine(&spin));
	fake_machine_set_cpu(0);
	assert_true(spin_is_mine(&spin));
	spin_unlock(&spin);
	assert_true(spin_trylock(&spin));
	spin_unlock(&spin);
}

/* Each case leaves its locks behind, so it plays a CPU of its own. */
static void wrong_order_is_reported_with_both_names(void **state)
{
	struct spinlock outer = SPINLOCK_INIT(LOCK_RANK_DOMAIN);
	struct spinlock inner;

	(void)state;
	spin_lock_init(&inner, LOCK_RANK_SCHED);
	fake_machine_set_cpu(10);
	spin_lock(&outer);
	spin_lock(&inner);
	spin_unlock(&outer); /* any order of release is fine */
	expect_assert_failure(spin_lock(&outer));
	assert_non_null(strstr(fake_machine_panic_text(), "LOCK_RANK_DOMAIN"));
	assert_non_null(strstr(fake_machine_panic_text(), "LOCK_RANK_SCHED"));
	expect_assert_failure(lock_assert_none_held());
	spin_unlock(&inner);
	lock_assert_none_held();
	spin_lock(&outer);
	spin_unlock(&outer);
}

static void two_of_one_rank_need_second(void **state)
{
	struct spinlock a = SPINLOCK_INIT(LOCK_RANK_EVENT);
	struct spinlock b = SPINLOCK_INIT(LOCK_RANK_EVENT);

	(void)state;
	fake_machine_set_cpu(11);
	spin_lock(&a);
	expect_assert_failure(spin_lock(&b));
	spin_lock_second(&b);
	expect_assert_failure(spin_lock_second(&a));
	spin_unlock(&b);
	spin_unlock(&a);
	lock_assert_none_held();
}

static void two_readers_of_one_rank_likewise(void **state)
{
	struct rwlock a = RWLOCK_INIT(LOCK_RANK_ATTR);
	struct rwlock b = RWLOCK_INIT(LOCK_RANK_ATTR);

	(void)state;
	fake_machine_set_cpu(11);
	read_lock(&a);
	expect_assert_failure(read_lock(&b));
	read_lock_second(&b);
	expect_assert_failure(read_lock_second(&a));
	read_unlock(&a);
	read_unlock(&b);
	lock_assert_none_held();
}

static void nested_reader_is_reported(void **state)
{
	struct rwlock lock = RWLOCK_INIT(LOCK_RANK_ATTR);

	(void)state;
	fake_machine_set_cpu(12);
	read_lock(&lock);
	expect_assert_failure(read_lock(&lock));
	expect_assert_failure(write_lock(&lock));
	read_unlock(&lock);
	write_lock(&lock);
	assert_true(write_is_mine(&lock));
	write_unlock(&lock);
	assert_false(write_is_mine(&lock));
}

static void release_without_acquire_is_reported(void **state)
{
	struct spinlock lock = SPINLOCK_INIT(LOCK_RANK_LOG);

	(void)state;
	fake_machine_set_cpu(13);
	expect_assert_failure(spin_unlock(&lock));
}

static void forgotten_initialisation_is_reported(void **state)
{
	struct spinlock lock = {.ticket = 0};

	(void)state;
	fake_machine_set_cpu(14);
	expect_assert_failure(spin_lock(&lock));
}

/* Last, since there is no way back. */
static void bust_lets_everybody_through(void **state)
{
	struct spinlock lock = SPINLOCK_INIT(LOCK_RANK_LOG);
	struct rwlock rwlock = RWLOCK_INIT(LOCK_RANK_ATTR);

	(void)state;
	fake_machine_set_cpu(15);
	write_lock(&rwlock);
	spin_lock(&lock);
	lock_bust();
	spin_lock(&lock);
	read_lock(&rwlock);
	write_lock(&rwlock);
	assert_true(spin_trylock(&lock));
	lock_assert_none_held();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(spinlock_excludes, reset),
		cmocka_unit_test_setup(tickets_may_wrap, reset),
		cmocka_unit_test_setup(readers_see_no_half_written_state, reset),
		cmocka_unit_test_setup(waiting_writer_goes_before_later_readers, reset),
		cmocka_unit_test_setup(trylock_fails_when_taken, reset),
		cmocka_unit_test_setup(wrong_order_is_reported_with_both_names, reset),
		cmocka_unit_test_setup(two_of_one_rank_need_second, reset),
		cmocka_unit_test_setup(two_readers_of_one_rank_likewise, reset),
		cmocka_unit_test_setup(nested_reader_is_reported, reset),
		cmocka_unit_test_setup(release_without_acquire_is_reported, reset),
		cmocka_unit_test_setup(forgotten_initialisation_is_reported, reset),
		cmocka_unit_test_setup(bust_lets_everybody_through, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
