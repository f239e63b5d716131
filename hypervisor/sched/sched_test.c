/* SPDX-License-Identifier: MIT */
/*
 * The scheduler on simulated CPUs (sched_sim.h): placement, stealing, affinity, fairness, pausing,
 * starting, and the races between them. The simulation checks its invariants by itself; the cases
 * add what they expect.
 */
#include "sched/sched_sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sched/sched_internal.h"

#define HOG 0, 0

static int stop(void **state)
{
	sim_stop();
	return 0;
}

static void start(struct sim_vcpu *v)
{
	assert_true(sched_claim_start(&v->vcpu));
	sched_start(&v->vcpu);
}

static struct sim_vcpu *started(uint64_t run_ns, uint64_t sleep_ns)
{
	struct sim_vcpu *v = sim_vcpu(run_ns, sleep_ns);

	start(v);
	return v;
}

static struct cpu_mask only(unsigned int cpu)
{
	struct cpu_mask mask = {{0}};

	cpu_mask_set(&mask, cpu);
	return mask;
}

static void pin(struct sim_vcpu *v, unsigned int cpu)
{
	struct cpu_mask mask = only(cpu);

	assert_int_equal(sched_set_affinity(&v->vcpu, &mask), 0);
}

static struct sim_vcpu *pinned_hog(unsigned int cpu, unsigned int weight)
{
	struct sim_vcpu *v = sim_vcpu(HOG);

	pin(v, cpu);
	assert_int_equal(sched_set_weight(&v->vcpu, weight), 0);
	start(v);
	return v;
}

/* ---- sharing a CPU -------------------------------------------------------------------------- */

static void hogs_share_by_weight(void **state)
{
	static const unsigned int weights[] = {128, 256, 512, 1024};
	struct sim_vcpu *v[ARRAY_SIZE(weights)];

	sim_start(1, 1, false);
	for (unsigned int i = 0; i < ARRAY_SIZE(weights); i++) {
		v[i] = pinned_hog(0, weights[i]);
	}
	for (unsigned int t = 1; t <= 60; t++) {
		sim_run_until(t * 97 * SIM_MS);
		for (unsigned int i = 1; i < ARRAY_SIZE(weights); i++) {
			double difference = (double)v[i]->served_ns / weights[i] -
					    (double)v[0]->served_ns / weights[0];
			double bound = (double)SCHED_SLICE_NS / weights[i] +
				       (double)SCHED_SLICE_NS / weights[0];

			assert_true(difference <= bound && -difference <= bound);
		}
	}
}

static void a_hog_alone_has_no_timer(void **state)
{
	struct sim_vcpu *v;

	sim_start(1, 1, false);
	v = started(HOG);
	sim_run_until(1000 * SIM_MS);
	assert_int_equal(v->served_ns, 1000 * SIM_MS);
	assert_int_equal(sim_nr_timers(), 0);
	assert_int_equal(v->nr_switches, 1);
}

static void short_runs_hardly_ever_set_the_timer(void **state)
{
	struct sim_vcpu *v[2];

	sim_start(1, 1, false);
	for (unsigned int i = 0; i < 2; i++) {
		v[i] = started(20000, 15000);
	}
	sim_run_until(100 * SIM_MS);
	assert_true(v[0]->nr_switches > 2000 && v[1]->nr_switches > 2000);
	assert_true(sim_nr_timers_set() < 250);
	/* Each time it was set it may go off, once. */
	assert_true(sim_nr_timers() <= sim_nr_timers_set());
}

static void an_idle_machine_has_neither_timers_nor_kicks(void **state)
{
	unsigned int kicks;

	sim_start(4, 1, false);
	started(SIM_MS, 0); /* runs once, then waits for an interrupt that never comes */
	sim_run_until(10 * SIM_MS);
	kicks = sim_nr_kicks();
	sim_run_until(10000 * SIM_MS);
	assert_int_equal(sim_nr_timers(), 0);
	assert_int_equal(sim_nr_kicks(), kicks);
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		assert_true(sim_is_idle(cpu));
	}
}

static void nobody_starves_beside_heavy_and_busy_ones(void **state)
{
	struct sim_vcpu *light;

	sim_start(1, 1, false);
	light = pinned_hog(0, 16);
	for (unsigned int i = 0; i < 7; i++) {
		pinned_hog(0, 1024);
	}
	started(2 * SIM_MS, SIM_MS);
	started(100000, 50000);
	sim_run_until(20000 * SIM_MS);
	/* Its share is 16 of about 7700; between two turns of it all others have their due and
	 * one slice more. */
	assert_true(light->served_ns >= 20000 * SIM_MS * 16 / 8000 - SCHED_SLICE_NS);
	assert_true(light->longest_wait_ns <= SCHED_SLICE_NS / 16 * 7700 + 10 * SCHED_SLICE_NS);
}

static void a_sleeper_runs_soon_after_its_wake_up(void **state)
{
	struct sim_vcpu *sleeper;

	sim_start(1, 1, false);
	pinned_hog(0, 256);
	pinned_hog(0, 256);
	sleeper = started(100000, 7300000);
	sim_run_until(5000 * SIM_MS);
	/* In the beginning it has to wait its turn; later it is always behind, so the
	 * granularity is all. */
	sleeper->longest_wait_ns = 0;
	sim_run_until(10000 * SIM_MS);
	assert_true(sleeper->longest_wait_ns <= SCHED_GRANULARITY_NS);
	assert_true(sleeper->served_ns > 10000 * SIM_MS / 7500000 * 100000 * 9 / 10);
}

static void who_yields_lets_the_others_go_first(void **state)
{
	struct sim_vcpu *yielder, *worker;

	sim_start(1, 1, false);
	yielder = sim_vcpu(1000, 0);
	yielder->yields = true;
	start(yielder);
	worker = started(HOG);
	sim_run_until(1000 * SIM_MS);
	/* A spinning vCPU spends nearly nothing of the other's time. */
	assert_true(worker->served_ns > 990 * SIM_MS);
	assert_true(yielder->nr_switches > 90);
}

static void a_yield_alone_costs_no_switch(void **state)
{
	struct sim_vcpu *yielder;

	sim_start(1, 1, false);
	yielder = sim_vcpu(100000, 0);
	yielder->yields = true;
	start(yielder);
	sim_run_until(10 * SIM_MS);
	assert_int_equal(yielder->nr_switches, 1);
	assert_int_equal(yielder->served_ns, 10 * SIM_MS);
}

/* ---- several CPUs --------------------------------------------------------------------------- */

static void as_many_hogs_as_cpus_have_one_each(void **state)
{
	struct sim_vcpu *v[4];

	sim_start(4, 1, false);
	for (unsigned int i = 0; i < 4; i++) {
		v[i] = started(HOG);
	}
	sim_run_until(100 * SIM_MS);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(v[i]->served_ns, 100 * SIM_MS);
	}
}

static void a_cpu_that_runs_out_of_work_steals(void **state)
{
	struct sim_vcpu *a, *b, *c;

	sim_start(2, 1, false);
	a = started(HOG);
	b = started(HOG);
	c = started(50 * SIM_MS, 0); /* three on two CPUs; then two */
	sim_run_until(200 * SIM_MS);
	assert_int_equal(a->served_ns + b->served_ns + c->served_ns, 400 * SIM_MS);
	assert_int_equal(c->served_ns, 50 * SIM_MS);
	assert_int_not_equal(a->loaded_on, b->loaded_on);
}

static void a_pinned_vcpu_is_not_stolen(void **state)
{
	struct sim_vcpu *a, *b;

	sim_start(4, 1, false);
	a = pinned_hog(2, 256);
	b = pinned_hog(2, 256);
	sim_run_until(1000 * SIM_MS);
	assert_int_equal(a->served_ns + b->served_ns, 1000 * SIM_MS);
	assert_true(sim_is_idle(0) && sim_is_idle(1) && sim_is_idle(3));
}

static void a_new_affinity_moves_a_running_vcpu(void **state)
{
	struct sim_vcpu *v;

	sim_start(4, 1, false);
	v = pinned_hog(1, 256);
	sim_run_until(10 * SIM_MS);
	assert_int_equal(v->loaded_on, 2);
	pin(v, 3);
	sim_run_until(11 * SIM_MS);
	assert_int_equal(v->loaded_on, 4);
	assert_int_equal(v->served_ns, 11 * SIM_MS);
}

static void a_new_affinity_moves_waiting_and_blocked_vcpus(void **state)
{
	struct sim_vcpu *hog, *waiting, *blocked;

	sim_start(4, 1, false);
	hog = pinned_hog(1, 256);
	waiting = pinned_hog(1, 256);
	blocked = sim_vcpu(SIM_MS, 20 * SIM_MS);
	pin(blocked, 1);
	start(blocked);
	sim_run_until(25 * SIM_MS);
	if (waiting->loaded_on != 0) {
		struct sim_vcpu *other = hog;

		hog = waiting;
		waiting = other;
	}
	assert_int_equal(blocked->vcpu.sched.state, SCHED_BLOCKED);
	pin(waiting, 2);
	pin(blocked, 3);
	sim_run_until(26 * SIM_MS);
	assert_int_equal(hog->loaded_on, 2);
	assert_int_equal(waiting->loaded_on, 3);
	sim_run_until(100 * SIM_MS);
	assert_int_equal(blocked->vcpu.sched.cpu, 3);
	assert_true(blocked->served_ns >= 4 * SIM_MS);
}

static void affinity_and_weight_are_checked(void **state)
{
	struct cpu_mask none = {{0}};
	struct cpu_mask absent = only(7);
	struct sim_vcpu *v;

	sim_start(4, 1, false);
	v = sim_vcpu(HOG);
	assert_int_equal(sched_set_affinity(&v->vcpu, &none), -XEN_EINVAL);
	assert_int_equal(sched_set_affinity(&v->vcpu, &absent), -XEN_EINVAL);
	assert_int_equal(sched_set_weight(&v->vcpu, 0), -XEN_EINVAL);
	assert_int_equal(sched_set_weight(&v->vcpu, SCHED_WEIGHT_MAX + 1), -XEN_EINVAL);
	assert_int_equal(v->vcpu.sched.weight, SCHED_WEIGHT_DEFAULT);
	assert_true(cpu_mask_test(&v->vcpu.sched.affinity, 0));
}

static void pinning_is_undone(void **state)
{
	struct sim_vcpu *v;

	sim_start(4, 1, false);
	v = pinned_hog(1, 256);
	sim_run_until(10 * SIM_MS);
	assert_int_equal(sched_unpin(&v->vcpu), -XEN_EINVAL);
	assert_int_equal(sched_pin(&v->vcpu, 4), -XEN_EINVAL);
	assert_int_equal(sched_pin(&v->vcpu, UINT32_MAX), -XEN_EINVAL);
	assert_int_equal(sched_pin(&v->vcpu, 3), 0);
	assert_int_equal(sched_pin(&v->vcpu, 3), -XEN_EBUSY);
	sim_run_until(11 * SIM_MS);
	assert_int_equal(v->loaded_on, 4);
	assert_int_equal(sched_unpin(&v->vcpu), 0);
	assert_int_equal(sched_unpin(&v->vcpu), -XEN_EINVAL);
	sim_run_until(12 * SIM_MS);
	assert_int_equal(v->loaded_on, 2);
	assert_int_equal(sched_pin(&v->vcpu, 0), 0);
}

static void load_is_balanced_at_the_end_of_a_slice(void **state)
{
	struct sim_vcpu *v[4];
	struct cpu_mask all = {{UINT64_MAX, UINT64_MAX}};

	sim_start(2, 1, false);
	v[0] = pinned_hog(1, 256);
	for (unsigned int i = 1; i < 4; i++) {
		v[i] = pinned_hog(0, 256);
	}
	sim_run_until(100 * SIM_MS);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(sched_set_affinity(&v[i]->vcpu, &all), 0);
		v[i]->served_ns = 0;
	}
	sim_run_until(1100 * SIM_MS);
	for (unsigned int i = 0; i < 4; i++) {
		assert_true(v[i]->served_ns > 470 * SIM_MS && v[i]->served_ns < 530 * SIM_MS);
	}
}

/* ---- pause, stop, start --------------------------------------------------------------------- */

static void pause_vcpu(struct sim_vcpu *v)
{
	sched_pause(&v->vcpu);
}

static void unpause_vcpu(struct sim_vcpu *v)
{
	sched_unpause(&v->vcpu);
}

static void a_paused_vcpu_leaves_its_cpu_and_comes_back(void **state)
{
	struct sim_vcpu *v;

	sim_start(2, 1, false);
	v = pinned_hog(1, 256);
	sim_at(10 * SIM_MS, 0, pause_vcpu, v);
	sim_at(12 * SIM_MS, 0, pause_vcpu, v);
	sim_at(20 * SIM_MS, 0, unpause_vcpu, v);
	sim_run_until(15 * SIM_MS);
	assert_false(sched_is_running(&v->vcpu));
	assert_int_equal(sim_nr_stopped_checks(), 1);
	sim_run_until(25 * SIM_MS);
	assert_false(sched_is_running(&v->vcpu)); /* paused twice */
	sim_at(30 * SIM_MS, 1, unpause_vcpu, v);
	sim_run_until(40 * SIM_MS);
	assert_true(sched_is_running(&v->vcpu));
	assert_int_equal(v->served_ns, 20 * SIM_MS);
	/* What the guest is shown of it. */
	assert_int_equal(v->vcpu.sched.state_time_ns[SCHED_OFFLINE], 20 * SIM_MS);
	assert_int_equal(v->vcpu.sched.state_time_ns[SCHED_RUNNABLE], 0);
}

static void a_wake_up_during_a_pause_counts_afterwards(void **state)
{
	struct sim_vcpu *v;

	sim_start(1, 1, false);
	v = started(SIM_MS, 10 * SIM_MS);
	sim_at(5 * SIM_MS, 0, pause_vcpu, v);
	sim_at(50 * SIM_MS, 0, unpause_vcpu, v);
	sim_run_until(40 * SIM_MS);
	assert_int_equal(v->served_ns, SIM_MS);
	sim_run_until(51 * SIM_MS);
	assert_int_equal(v->served_ns, 2 * SIM_MS);
}

static void stop_self(struct sim_vcpu *v)
{
	assert_ptr_equal(current_vcpu(), &v->vcpu);
	sched_stop(&v->vcpu);
}

static unsigned int nr_winners;

static void try_start(struct sim_vcpu *v)
{
	if (sched_claim_start(&v->vcpu)) {
		nr_winners++;
		assert_false(sched_is_running(&v->vcpu));
		assert_int_equal(v->loaded_on, 0);
		assert_true(sched_is_online(&v->vcpu));
		sched_start(&v->vcpu);
	}
}

static void one_of_many_starters_wins(void **state)
{
	for (uint32_t seed = 0; seed < 200; seed++) {
		struct sim_vcpu *v;

		sim_start(4, seed, true);
		nr_winners = 0;
		v = sim_vcpu(HOG);
		for (unsigned int cpu = 0; cpu < 4; cpu++) {
			sim_at(SIM_MS, cpu, try_start, v);
		}
		sim_run_until(2 * SIM_MS);
		assert_int_equal(nr_winners, 1);
		assert_int_equal(v->served_ns, SIM_MS);
		sim_stop();
	}
	sim_start(1, 1, false);
}

static void a_stopped_vcpu_can_be_started_once_its_registers_are_saved(void **state)
{
	for (uint32_t seed = 0; seed < 500; seed++) {
		struct sim_vcpu *v;

		sim_start(4, seed, true);
		nr_winners = 0;
		v = pinned_hog(0, 256);
		sim_at(SIM_MS, 0, stop_self, v);
		for (unsigned int i = 0; i < 3; i++) {
			sim_at(SIM_MS, 1 + i, try_start, v); /* right into the middle of it */
		}
		sim_at(2 * SIM_MS, 1, try_start, v);
		sim_run_until(4 * SIM_MS);
		assert_true(nr_winners == 1);
		assert_true(v->served_ns >= 3 * SIM_MS);
		sim_stop();
	}
	sim_start(1, 1, false);
}

/* ---- waiting for other conditions ----------------------------------------------------------- */

static bool condition;

static void fulfil(struct sim_vcpu *v)
{
	condition = true;
	sched_wake(&v->vcpu);
}

static void poll_condition(struct sim_vcpu *v)
{
	assert_ptr_equal(current_vcpu(), &v->vcpu);
	sched_block_prepare(&v->vcpu);
	if (!condition) {
		if (sim_random(2) == 0) {
			fulfil(v); /* in the gap; by another CPU in the interleavings below */
		}
		sched_block(&v->vcpu);
	}
}

static void a_wake_up_between_look_and_block_is_not_lost(void **state)
{
	for (uint32_t seed = 0; seed < 500; seed++) {
		struct sim_vcpu *v;

		sim_start(2, seed, true);
		condition = false;
		v = pinned_hog(0, 256);
		sim_at(SIM_MS, 0, poll_condition, v);
		sim_at(SIM_MS, 1, fulfil, v);
		sim_run_until(2 * SIM_MS);
		assert_true(condition);
		assert_int_equal(v->vcpu.sched.state, SCHED_RUNNING);
		sim_stop();
	}
	sim_start(1, 1, false);
}

static void wake_itself_on_its_way_out(struct sim_vcpu *v)
{
	assert_true(sched_goes_on(&v->vcpu));
	sched_wait_for_interrupt(&v->vcpu);
	/* A later part of the same exit raises an interrupt: it must not think that the vCPU goes on anyway. */
	assert_false(sched_goes_on(&v->vcpu));
	sched_wake(&v->vcpu);
}

static void a_vcpu_may_wake_itself_after_it_has_blocked(void **state)
{
	struct sim_vcpu *v;

	sim_start(1, 1, false);
	v = pinned_hog(0, 256);
	sim_at(SIM_MS, 0, wake_itself_on_its_way_out, v);
	sim_run_until(2 * SIM_MS);
	assert_int_equal(v->vcpu.sched.state, SCHED_RUNNING);
	assert_false(v->vcpu.sched.blocking);
	assert_int_equal(v->served_ns, 2 * SIM_MS);
}

static void old_wake_ups_are_forgotten(void **state)
{
	struct sim_vcpu *v;

	sim_start(2, 1, false);
	v = pinned_hog(1, 256);
	sim_at(SIM_MS, 0, fulfil, v); /* it runs: nothing happens */
	sim_run_until(2 * SIM_MS);
	condition = false;
	assert_true(v->vcpu.sched.wake_pending);
	fake_machine_set_cpu(1);
	sched_block_prepare(&v->vcpu);
	fake_machine_set_cpu(0);
	assert_false(v->vcpu.sched.wake_pending);
}

/* ---- races ---------------------------------------------------------------------------------- */

static void interrupts_race_with_wfi(void **state)
{
	for (uint32_t seed = 0; seed < 300; seed++) {
		struct sim_vcpu *v[6];

		sim_start(3, seed, true);
		for (unsigned int i = 0; i < 6; i++) {
			v[i] = started(SIM_MS, 0);
		}
		/* Two CPUs interrupt each vCPU at the very moment when it waits. */
		for (unsigned int ms = 1; ms < 20; ms++) {
			for (unsigned int i = 0; i < 6; i++) {
				sim_at(ms * SIM_MS, sim_random(3), sim_interrupt, v[i]);
				sim_at(ms * SIM_MS, sim_random(3), sim_interrupt, v[i]);
			}
		}
		sim_run_until(100 * SIM_MS);
		for (unsigned int i = 0; i < 6; i++) {
			assert_int_equal(v[i]->vcpu.sched.state, SCHED_BLOCKED);
			assert_false(v[i]->interrupt);
		}
		sim_stop();
	}
	sim_start(1, 1, false);
}

static void change_weight(struct sim_vcpu *v)
{
	assert_int_equal(sched_set_weight(&v->vcpu, 1 + sim_random(2000)), 0);
}

static void change_affinity(struct sim_vcpu *v)
{
	struct cpu_mask mask = {{1 + sim_random(15), 0}};

	assert_int_equal(sched_set_affinity(&v->vcpu, &mask), 0);
}

static void stop_if_running_here(struct sim_vcpu *v)
{
	if (current_vcpu() == &v->vcpu && v->vcpu.sched.state == SCHED_RUNNING) {
		sched_stop(&v->vcpu);
	}
}

static void look_at_it(struct sim_vcpu *v)
{
	/* CPU time never exceeds the time it was not resting. */
	assert_true(sched_cpu_time_ns(&v->vcpu) <= sim_now());
	sched_dump();
}

static void everything_at_once(void **state)
{
	static void (*const actions[])(struct sim_vcpu * v) = {
		sim_interrupt,        sim_interrupt, sim_interrupt, change_weight, change_affinity,
		stop_if_running_here, try_start,     try_start,     look_at_it,
	};

	for (uint32_t seed = 0; seed < 150; seed++) {
		unsigned int nr;

		sim_start(4, seed, true);
		nr = 2 + sim_random(12);
		for (unsigned int i = 0; i < nr; i++) {
			if (sim_random(3) == 0) {
				started(HOG);
			} else {
				started(1 + sim_random(4000000), 1 + sim_random(4000000))->yields =
					sim_random(8) == 0;
			}
		}
		for (unsigned int i = 0; i < 400; i++) {
			/* Coarse times, so that many things happen at the same one. */
			uint64_t when = sim_random(100) * SIM_MS;
			struct sim_vcpu *v = sim_get_vcpu(sim_random(nr));

			sim_at(when, sim_random(4), actions[sim_random(ARRAY_SIZE(actions))], v);
			if (sim_random(4) == 0) {
				sim_at(when, sim_random(4), pause_vcpu, v);
				sim_at(when + sim_random(5) * SIM_MS + 1, sim_random(4),
				       unpause_vcpu, v);
			}
		}
		sim_run_until(150 * SIM_MS);
		sim_stop();
	}
	sim_start(1, 1, false);
}

/* ---- the kick -------------------------------------------------------------------------------- */

static void ask_for_list_registers(struct sim_vcpu *v)
{
	v->vcpu.work.refresh = true;
	sched_kick(0);
}

/* Whoever waits for them does so in EL2: they cannot wait until the exit path looks. */
static void a_kick_has_list_registers_read_back(void **state)
{
	struct sim_vcpu *v;

	sim_start(2, 1, false);
	v = pinned_hog(0, SCHED_WEIGHT_DEFAULT);
	sim_at(SIM_MS, 1, ask_for_list_registers, v);
	sim_run_until(2 * SIM_MS);
	assert_false(v->vcpu.work.refresh);
	/* It does not run. */
	sim_at(3 * SIM_MS, 0, stop_if_running_here, v);
	sim_at(4 * SIM_MS, 1, ask_for_list_registers, v);
	sim_run_until(5 * SIM_MS);
	assert_true(v->vcpu.work.refresh);
}

/* ---- work that interrupt handlers put off ---------------------------------------------------- */

static unsigned int nr_deferred;

static void count_deferred(void)
{
	lock_assert_none_held();
	nr_deferred++;
}

static void defer_in_handler(struct sim_vcpu *v)
{
	unsigned int before = nr_deferred;

	sched_defer(count_deferred);
	assert_int_equal(nr_deferred, before);
}

/* CPU 0 runs a vCPU, CPU 1 sleeps. */
static void deferred_work_is_done_once_on_busy_and_idle_cpus(void **state)
{
	sim_start(2, 1, false);
	nr_deferred = 0;
	pinned_hog(0, SCHED_WEIGHT_DEFAULT);
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		sim_at(sim_now() + SIM_MS, cpu, defer_in_handler, NULL);
		sim_run_until(sim_now() + 2 * SIM_MS);
		assert_int_equal(nr_deferred, cpu + 1);
	}
	sim_run_until(sim_now() + 100 * SIM_MS);
	assert_int_equal(nr_deferred, 2);
}

static void defer_more(void)
{
	sched_defer(count_deferred);
}

static void defer_more_in_handler(struct sim_vcpu *v)
{
	sched_defer(defer_more);
}

/* Neither slept over nor forgotten while a guest runs. */
static void what_deferred_work_defers_is_done_as_well(void **state)
{
	sim_start(2, 1, false);
	nr_deferred = 0;
	pinned_hog(0, SCHED_WEIGHT_DEFAULT);
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		sim_at(sim_now() + SIM_MS, cpu, defer_more_in_handler, NULL);
		sim_run_until(sim_now() + 2 * SIM_MS);
		assert_int_equal(nr_deferred, cpu + 1);
	}
}

/* ---- many wake-ups at once ------------------------------------------------------------------ */

#define NR_SLEEPERS 8

static unsigned int nr_asleep; /* after the first part of it */

static void count_asleep(void)
{
	for (unsigned int n = 0; n < sim_nr_vcpus(); n++) {
		nr_asleep += sim_get_vcpu(n)->vcpu.sched.state == SCHED_BLOCKED;
	}
}

static void wake_soon(struct sim_vcpu *v)
{
	for (unsigned int n = 0; n < sim_nr_vcpus(); n++) {
		if (sim_get_vcpu(n)->sleep_ns == 0 && sim_get_vcpu(n)->run_ns != 0) {
			sim_get_vcpu(n)->interrupt = true;
			sched_wake_soon(&sim_get_vcpu(n)->vcpu);
			assert_int_equal(sim_get_vcpu(n)->vcpu.sched.state, SCHED_BLOCKED);
		}
	}
	sched_defer(count_asleep);
}

static uint64_t served(void)
{
	uint64_t all = 0;

	for (unsigned int n = 0; n < sim_nr_vcpus(); n++) {
		all += sim_get_vcpu(n)->sleep_ns == 0 && sim_get_vcpu(n)->run_ns != 0
			     ? sim_get_vcpu(n)->served_ns
			     : 0;
	}
	return all;
}

/* Started, and asleep soon; of one domain with an earlier one, or of its own. */
static struct sim_vcpu *sleeper(struct domain *d, unsigned int id)
{
	struct sim_vcpu *v = sim_vcpu(1000, 0);

	if (d != NULL) {
		v->vcpu.domain = d;
		v->vcpu.id = id;
		d->vcpu[id] = &v->vcpu;
		d->nr_vcpus = id + 1;
	}
	sched_start(&v->vcpu);
	return v;
}

/* From an idle CPU and from a busy one, and with an interrupt after every one, or none. */
static void many_are_woken_with_interrupts_in_between(void **state)
{
	for (unsigned int i = 0; i < 8; i++) {
		struct domain *d;

		sim_start(2, i, i >= 4);
		pinned_hog(0, SCHED_WEIGHT_DEFAULT);
		d = sleeper(NULL, 0)->vcpu.domain;
		for (unsigned int n = 1; n < NR_SLEEPERS; n++) {
			(void)sleeper(n < NR_SLEEPERS / 2 ? d : NULL, n);
		}
		sim_run_until(sim_now() + 5 * SIM_MS);
		assert_int_equal(served(), NR_SLEEPERS * 1000);
		nr_asleep = 0;
		fake_machine_interrupt_after(i % 4 < 2 ? UINT64_MAX : 0);
		sim_at(sim_now() + SIM_MS, i % 2, wake_soon, NULL);
		sim_run_until(sim_now() + 10 * SIM_MS);
		assert_int_equal(served(), 2 * NR_SLEEPERS * 1000);
		if (i < 4) {
			assert_int_equal(nr_asleep, i < 2 ? 0 : NR_SLEEPERS - 1);
		}
		sim_stop(); /* looks at references */
	}
	sim_start(1, 1, false);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, stop)
	const struct CMUnitTest tests[] = {
		CASE(hogs_share_by_weight),
		CASE(a_hog_alone_has_no_timer),
		CASE(short_runs_hardly_ever_set_the_timer),
		CASE(an_idle_machine_has_neither_timers_nor_kicks),
		CASE(nobody_starves_beside_heavy_and_busy_ones),
		CASE(a_sleeper_runs_soon_after_its_wake_up),
		CASE(who_yields_lets_the_others_go_first),
		CASE(a_yield_alone_costs_no_switch),
		CASE(as_many_hogs_as_cpus_have_one_each),
		CASE(a_cpu_that_runs_out_of_work_steals),
		CASE(a_pinned_vcpu_is_not_stolen),
		CASE(a_new_affinity_moves_a_running_vcpu),
		CASE(a_new_affinity_moves_waiting_and_blocked_vcpus),
		CASE(affinity_and_weight_are_checked),
		CASE(pinning_is_undone),
		CASE(load_is_balanced_at_the_end_of_a_slice),
		CASE(a_paused_vcpu_leaves_its_cpu_and_comes_back),
		CASE(a_wake_up_during_a_pause_counts_afterwards),
		CASE(one_of_many_starters_wins),
		CASE(a_stopped_vcpu_can_be_started_once_its_registers_are_saved),
		CASE(a_wake_up_between_look_and_block_is_not_lost),
		CASE(a_vcpu_may_wake_itself_after_it_has_blocked),
		CASE(old_wake_ups_are_forgotten),
		CASE(interrupts_race_with_wfi),
		CASE(everything_at_once),
		CASE(a_kick_has_list_registers_read_back),
		CASE(deferred_work_is_done_once_on_busy_and_idle_cpus),
		CASE(what_deferred_work_defers_is_done_as_well),
		CASE(many_are_woken_with_interrupts_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
