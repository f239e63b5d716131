/* SPDX-License-Identifier: MIT */
/* Timer queues: order, what the hardware timer is set to, setting again from everywhere, cancelling across CPUs. */
#include "time/time_internal.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/atomic.h"
#include "arm64/percpu.h"
#include "gic/gic.h"
#include "lib/lock.h"
#include "tests/unit/fake_machine.h"

#define INTID 26

static irq_handler_t interrupt;
static char fired[64];
static struct timer timers[5];

/* ---- fakes of gic/ and time.c --------------------------------------------------------------------- */

int irq_register(uint32_t intid, irq_handler_t handler)
{
	assert_int_equal(intid, INTID);
	interrupt = handler;
	return 0;
}

void gic_set_trigger(uint32_t intid, enum gic_trigger trigger)
{
	assert_int_equal(trigger, GIC_LEVEL);
	fake_machine_note("trigger %u", intid);
}

void gic_enable(uint32_t intid)
{
	fake_machine_note("enable %u", intid);
}

static uint64_t now;

uint64_t time_ticks(void)
{
	return now;
}

uint64_t time_ns_to_ticks(uint64_t ns)
{
	return ns / 100;
}

#define GAP 20 /* ticks from one interrupt to the next, when more timers are due than one calls */

static bool is_put_off(void)
{
	return fake_machine_sysreg_get("CNTHP_CTL_EL2") == 1 &&
	       fake_machine_sysreg_get("CNTHP_CVAL_EL2") == now + GAP;
}

/* The interrupt, and again while not all that are due were called: for tests whose time stands still. */
static void fire(void)
{
	do {
		interrupt(INTID);
	} while (is_put_off());
}

/* The machine: the interrupt comes when the comparator says so. False when it does not. */
static bool let_fire(uint64_t at)
{
	bool due = (fake_machine_sysreg_get("CNTHP_CTL_EL2") & 3) == 1 &&
		   fake_machine_sysreg_get("CNTHP_CVAL_EL2") <= at;

	now = at;
	if (due) {
		fire();
	}
	return due;
}

static void note(struct timer *timer)
{
	char name[2] = {(char)('a' + (timer - timers)), '\0'};

	lock_assert_none_held();
	assert_false(timer->queued);
	strcat(fired, name);
}

static int set_up(void **state)
{
	fake_machine_reset();
	now = 0;
	fired[0] = '\0';
	memset(timers, 0, sizeof(timers));
	for (unsigned int i = 0; i < ARRAY_SIZE(timers); i++) {
		timer_setup(&timers[i], note);
	}
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		fake_machine_set_cpu(cpu);
		timer_init_cpu(INTID);
	}
	fake_machine_set_cpu(0);
	fake_machine_log_clear();
	return 0;
}

/* ---- tests ------------------------------------------------------------------------------------------ */

static void timer_is_off_while_the_queue_is_empty(void **state)
{
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CTL_EL2"), 0);
	timer_set(&timers[0], 100);
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CTL_EL2"), 1);
	assert_true(let_fire(100));
	assert_string_equal(fired, "a");
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CTL_EL2"), 0);
}

static void deadlines_come_in_order(void **state)
{
	timer_set(&timers[0], 300);
	timer_set(&timers[1], 100);
	timer_set(&timers[2], 200);
	timer_set(&timers[3], 200);
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CVAL_EL2"), 100);
	assert_false(let_fire(99));
	assert_true(let_fire(150));
	assert_string_equal(fired, "b");
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CVAL_EL2"), 200);
	assert_true(let_fire(1000));
	assert_string_equal(fired, "bcda");
}

static void only_an_earlier_deadline_touches_the_hardware(void **state)
{
	timer_set(&timers[0], 100);
	fake_machine_log_clear();
	timer_set(&timers[1], 200);
	fake_machine_expect_none("msr CNTHP_CVAL_EL2");
	timer_set(&timers[2], 50);
	fake_machine_expect("msr CNTHP_CVAL_EL2=0x32", "msr CNTHP_CTL_EL2=0x1", "isb");
}

static void setting_again_moves_it(void **state)
{
	timer_set(&timers[0], 100);
	timer_set(&timers[1], 200);
	timer_set(&timers[0], 300);
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CVAL_EL2"), 200);
	assert_true(let_fire(250));
	assert_string_equal(fired, "b");
	assert_true(let_fire(300));
	assert_string_equal(fired, "ba");
	assert_false(let_fire(1000));
}

static void cancelled_does_not_fire(void **state)
{
	timer_set(&timers[0], 100);
	timer_set(&timers[1], 200);
	timer_cancel(&timers[0]);
	assert_false(timers[0].queued);
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CVAL_EL2"), 200);
	timer_cancel(&timers[0]);
	timer_cancel(&timers[1]);
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CTL_EL2"), 0);
	assert_false(let_fire(1000));
	assert_string_equal(fired, "");
}

static void a_deadline_that_has_passed_is_due_at_once(void **state)
{
	now = 500;
	timer_set(&timers[0], 100);
	assert_string_equal(fired, "");
	assert_true(let_fire(500));
	assert_string_equal(fired, "a");
}

static void again(struct timer *timer)
{
	note(timer);
	timer_set(timer, timer->deadline_ticks + 100);
}

static void callback_may_set_it_again(void **state)
{
	timer_setup(&timers[0], again);
	timer_set(&timers[0], 100);
	assert_true(let_fire(110));
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CVAL_EL2"), 200);
	assert_true(let_fire(200));
	assert_string_equal(fired, "aa");
	assert_true(timers[0].queued);
}

static void cancel_others(struct timer *timer)
{
	note(timer);
	timer_cancel(&timers[1]);
	timer_set(&timers[2], 50); /* in the past, and due in the same interrupt */
}

/* S3: as many as guests have set to one deadline. */
static void interrupts_are_served_between_timers_of_one_deadline(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(timers); i++) {
		timer_set(&timers[i], 100);
	}
	now = 100;
	interrupt(INTID);
	assert_string_equal(fired, "ab");
	/* Silent for a while, or it would come before other interrupts. */
	assert_true(is_put_off());
	now += GAP;
	interrupt(INTID);
	assert_string_equal(fired, "abcd");
	assert_true(is_put_off());
	now += GAP;
	timer_set(&timers[0], 1000);
	interrupt(INTID);
	assert_string_equal(fired, "abcde");
	/* All are called, and the hardware has the next deadline. */
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CTL_EL2"), 1);
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CVAL_EL2"), 1000);
}

static void timers_that_are_put_off_may_be_cancelled(void **state)
{
	for (unsigned int i = 0; i < 4; i++) {
		timer_set(&timers[i], 100);
	}
	now = 100;
	interrupt(INTID);
	timer_set(&timers[4], 200);
	assert_true(is_put_off());
	timer_cancel(&timers[2]);
	timer_cancel(&timers[3]);
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CTL_EL2"), 1);
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CVAL_EL2"), 200);
	assert_string_equal(fired, "ab");
	assert_true(let_fire(200));
	assert_string_equal(fired, "abe");
}

static void callback_may_change_the_queue(void **state)
{
	timer_setup(&timers[0], cancel_others);
	timer_set(&timers[0], 100);
	timer_set(&timers[1], 100);
	timer_set(&timers[3], 100);
	assert_true(let_fire(100));
	assert_string_equal(fired, "acd");
}

static void queues_belong_to_cpus(void **state)
{
	timer_set(&timers[0], 100);
	fake_machine_set_cpu(2);
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CTL_EL2"), 0);
	timer_set(&timers[1], 50);
	assert_true(let_fire(60));
	assert_string_equal(fired, "b");
	fake_machine_set_cpu(0);
	assert_true(let_fire(100));
	assert_string_equal(fired, "ba");
}

static void setting_it_on_another_cpu_takes_it_along(void **state)
{
	timer_set(&timers[0], 100);
	fake_machine_set_cpu(3);
	timer_set(&timers[0], 100);
	assert_int_equal(timers[0].cpu, 3);
	fake_machine_set_cpu(0);
	/* The old CPU's comparator still goes off, for nothing, and is off then. */
	assert_true(let_fire(100));
	assert_string_equal(fired, "");
	assert_int_equal(fake_machine_sysreg_get("CNTHP_CTL_EL2"), 0);
	fake_machine_set_cpu(3);
	assert_true(let_fire(100));
	assert_string_equal(fired, "a");
}

static void cancelling_another_cpus_timer_leaves_its_hardware_alone(void **state)
{
	timer_set(&timers[0], 100);
	fake_machine_set_cpu(1);
	fake_machine_log_clear();
	timer_cancel(&timers[0]);
	fake_machine_expect_none("msr CNTHP_CTL_EL2");
	fake_machine_set_cpu(0);
	assert_true(let_fire(100));
	assert_string_equal(fired, "");
}

/* ---- two CPUs at once ------------------------------------------------------------------------------- */

static bool entered, may_leave, left;

static void slow_callback(struct timer *timer)
{
	atomic_store_release(&entered, true);
	while (!atomic_load_acquire(&may_leave)) {
		sched_yield();
	}
	left = true;
}

static void *fire_on_cpu_1(void *context)
{
	fake_machine_set_cpu(1);
	fire();
	return NULL;
}

static void *let_leave(void *context)
{
	for (unsigned int i = 0; i < 1000; i++) {
		sched_yield();
	}
	atomic_store_release(&may_leave, true);
	return NULL;
}

static void cancel_sync_waits_for_the_callback(void **state)
{
	pthread_t cpu1, leaver;

	entered = may_leave = left = false;
	timer_setup(&timers[0], slow_callback);
	fake_machine_set_cpu(1);
	timer_set(&timers[0], 0);
	fake_machine_set_cpu(0);
	pthread_create(&cpu1, NULL, fire_on_cpu_1, NULL);
	while (!atomic_load_acquire(&entered)) {
		sched_yield();
	}
	timer_cancel(&timers[0]); /* does not wait */
	assert_false(may_leave);
	pthread_create(&leaver, NULL, let_leave, NULL);
	timer_cancel_sync(&timers[0]);
	assert_true(left);
	pthread_join(cpu1, NULL);
	pthread_join(leaver, NULL);
}

static unsigned int nr_fired;

static void count(struct timer *timer)
{
	atomic_fetch_add(&nr_fired, 1);
}

static void *set_cancel_and_fire(void *cpu)
{
	fake_machine_set_cpu((unsigned int)(uintptr_t)cpu);
	for (unsigned int i = 0; i < 3000; i++) {
		struct timer *timer = &timers[i % ARRAY_SIZE(timers)];

		if (i % 3 == 0) {
			timer_cancel(timer);
		} else {
			timer_set(timer, i % 7);
		}
		fire();
	}
	return NULL;
}

static void queues_survive_cpus_that_fight_over_timers(void **state)
{
	pthread_t thread[3];

	nr_fired = 0;
	now = 3;
	for (unsigned int i = 0; i < ARRAY_SIZE(timers); i++) {
		timer_setup(&timers[i], count);
	}
	for (uintptr_t cpu = 0; cpu < ARRAY_SIZE(thread); cpu++) {
		pthread_create(&thread[cpu], NULL, set_cancel_and_fire, (void *)cpu);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(thread); i++) {
		pthread_join(thread[i], NULL);
	}
	assert_true(nr_fired > 0);
	/* Whatever is queued is in exactly one queue, in order. */
	now = 10;
	for (unsigned int cpu = 0; cpu < ARRAY_SIZE(thread); cpu++) {
		fake_machine_set_cpu(cpu);
		fire();
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(timers); i++) {
		assert_false(timers[i].queued);
		assert_true(list_empty(&timers[i].link));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(timer_is_off_while_the_queue_is_empty, set_up),
		cmocka_unit_test_setup(deadlines_come_in_order, set_up),
		cmocka_unit_test_setup(only_an_earlier_deadline_touches_the_hardware, set_up),
		cmocka_unit_test_setup(setting_again_moves_it, set_up),
		cmocka_unit_test_setup(cancelled_does_not_fire, set_up),
		cmocka_unit_test_setup(a_deadline_that_has_passed_is_due_at_once, set_up),
		cmocka_unit_test_setup(callback_may_set_it_again, set_up),
		cmocka_unit_test_setup(callback_may_change_the_queue, set_up),
		cmocka_unit_test_setup(interrupts_are_served_between_timers_of_one_deadline, set_up),
		cmocka_unit_test_setup(timers_that_are_put_off_may_be_cancelled, set_up),
		cmocka_unit_test_setup(queues_belong_to_cpus, set_up),
		cmocka_unit_test_setup(setting_it_on_another_cpu_takes_it_along, set_up),
		cmocka_unit_test_setup(cancelling_another_cpus_timer_leaves_its_hardware_alone,
				       set_up),
		cmocka_unit_test_setup(cancel_sync_waits_for_the_callback, set_up),
		cmocka_unit_test_setup(queues_survive_cpus_that_fight_over_timers, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
