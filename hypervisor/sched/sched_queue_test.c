/* SPDX-License-Identifier: MIT */
/* Start-time Fair Queueing on one queue, without CPUs: tags, order, and the bound of the paper. */
#include "sched/sched_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static struct run_queue rq;
static struct vcpu vcpus[8];

static int set_up(void **state)
{
	fake_machine_reset();
	sched_queue_init(&rq, 0);
	memset(vcpus, 0, sizeof(vcpus));
	for (unsigned int i = 0; i < ARRAY_SIZE(vcpus); i++) {
		list_init(&vcpus[i].sched.link);
		vcpus[i].sched.weight = SCHED_WEIGHT_DEFAULT;
		vcpus[i].sched.state = SCHED_RUNNABLE;
	}
	return 0;
}

static void run_first(uint64_t now)
{
	struct vcpu *v = sched_queue_first(&rq, NULL);

	assert_non_null(v);
	sched_queue_remove(&rq, v);
	sched_queue_set_running(&rq, v, now);
}

/* The running vCPU's quantum ends. */
static void end_quantum(uint64_t now)
{
	struct vcpu *v = rq.running;

	sched_queue_charge(&rq, v, now);
	sched_queue_set_running(&rq, NULL, now);
	sched_queue_insert(&rq, v);
}

static void cost_is_time_by_weight(void **state)
{
	assert_int_equal(sched_queue_cost(256, 256), 65536);
	assert_int_equal(sched_queue_cost(1000, 1), 65536000);
	assert_int_equal(sched_queue_cost(3 * MS, 512) * 2, sched_queue_cost(3 * MS, 256));
	/* A year at the greatest weight does not overflow. */
	assert_int_equal(sched_queue_cost(UINT64_C(31536000000000000), 65535) >> 16,
			 UINT64_C(31536000000000000) / 65535);
}

static void the_smallest_tag_runs_and_equals_in_order(void **state)
{
	vcpus[0].sched.start_tag = 5;
	vcpus[1].sched.start_tag = 3;
	vcpus[2].sched.start_tag = 3;
	vcpus[3].sched.start_tag = 9;
	for (unsigned int i = 0; i < 4; i++) {
		sched_queue_insert(&rq, &vcpus[i]);
	}
	assert_int_equal(rq.nr_waiting, 4);
	assert_int_equal(rq.load, 4 * SCHED_WEIGHT_DEFAULT);
	assert_ptr_equal(sched_queue_first(&rq, NULL), &vcpus[1]);
	assert_ptr_equal(sched_queue_first(&rq, &vcpus[1]), &vcpus[2]);
	assert_ptr_equal(sched_queue_first(&rq, &vcpus[0]), &vcpus[1]);
	sched_queue_remove(&rq, &vcpus[1]);
	sched_queue_remove(&rq, &vcpus[2]);
	sched_queue_remove(&rq, &vcpus[0]);
	assert_ptr_equal(sched_queue_first(&rq, &vcpus[3]),
			 &vcpus[3]); /* alone: no one to yield to */
	sched_queue_remove(&rq, &vcpus[3]);
	assert_null(sched_queue_first(&rq, NULL));
	assert_int_equal(rq.load, 0);
}

static void tags_may_wrap(void **state)
{
	vcpus[0].sched.start_tag = 10;
	vcpus[1].sched.start_tag = UINT64_MAX - 10;
	sched_queue_insert(&rq, &vcpus[0]);
	sched_queue_insert(&rq, &vcpus[1]);
	assert_ptr_equal(sched_queue_first(&rq, NULL), &vcpus[1]);
}

static void who_sleeps_saves_up_nothing(void **state)
{
	sched_queue_arrive(&rq, &vcpus[0], 0);
	run_first(0);
	sched_queue_arrive(&rq, &vcpus[1], 0);
	for (unsigned int i = 1; i <= 100; i++) {
		end_quantum(i * SCHED_SLICE_NS);
		run_first(i * SCHED_SLICE_NS);
	}
	/* It was away for a second and begins at the virtual time of now. */
	sched_queue_arrive(&rq, &vcpus[2], 100 * SCHED_SLICE_NS + MS);
	assert_int_equal(vcpus[2].sched.start_tag, rq.running->sched.start_tag);
}

static void who_ran_ahead_stays_behind_after_a_nap(void **state)
{
	uint64_t finish;

	sched_queue_arrive(&rq, &vcpus[0], 0);
	sched_queue_arrive(&rq, &vcpus[1], 0);
	run_first(0);
	sched_queue_charge(&rq, &vcpus[0], 5 * MS); /* blocks */
	sched_queue_set_running(&rq, NULL, 5 * MS);
	finish = vcpus[0].sched.start_tag;
	run_first(5 * MS);
	sched_queue_arrive(&rq, &vcpus[0], 6 * MS);
	assert_int_equal(vcpus[0].sched.start_tag, finish);
}

static void alone_for_long_counts_as_many_slices(void **state)
{
	sched_queue_arrive(&rq, &vcpus[0], 0);
	run_first(0);
	assert_int_equal(rq.slice_end_ns, SCHED_NEVER);
	/* 1 s and 3 ms later someone comes: vcpus[0] is 3 ms into its hundred-and-first slice. */
	sched_queue_arrive(&rq, &vcpus[1], 100 * SCHED_SLICE_NS + 3 * MS);
	assert_int_equal(vcpus[0].sched.run_since_ns, 100 * SCHED_SLICE_NS);
	assert_int_equal(vcpus[0].sched.cpu_time_ns, 100 * SCHED_SLICE_NS);
	assert_int_equal(vcpus[1].sched.start_tag, vcpus[0].sched.start_tag);
	assert_true(rq.slice_end_ns <=
		    100 * SCHED_SLICE_NS + 3 * MS); /* and that is far enough ahead */
}

static void an_arrival_waits_for_the_granularity(void **state)
{
	sched_queue_arrive(&rq, &vcpus[0], 0);
	run_first(0);
	sched_queue_arrive(&rq, &vcpus[1], 100000);
	assert_int_equal(rq.slice_end_ns, SCHED_GRANULARITY_NS);
}

static void an_arrival_that_is_ahead_waits_for_the_slice(void **state)
{
	sched_queue_arrive(&rq, &vcpus[0], 0);
	run_first(0);
	vcpus[1].sched.start_tag = vcpus[0].sched.start_tag + sched_queue_cost(50 * MS, 256);
	sched_queue_arrive(&rq, &vcpus[1], 100000);
	assert_int_equal(rq.slice_end_ns, SCHED_SLICE_NS);
}

static void a_light_one_waits_longer_before_it_preempts(void **state)
{
	vcpus[1].sched.weight = SCHED_WEIGHT_DEFAULT / 4;
	sched_queue_arrive(&rq, &vcpus[0], 0);
	run_first(0);
	sched_queue_arrive(&rq, &vcpus[1], 0);
	assert_int_equal(rq.slice_end_ns, 4 * SCHED_GRANULARITY_NS);
}

static void an_empty_cpu_goes_on_at_the_largest_finish_tag(void **state)
{
	uint64_t finish;

	sched_queue_arrive(&rq, &vcpus[0], 0);
	run_first(0);
	sched_queue_charge(&rq, &vcpus[0], 7 * MS);
	sched_queue_set_running(&rq, NULL, 7 * MS);
	finish = vcpus[0].sched.start_tag;
	sched_queue_arrive(&rq, &vcpus[1], 8 * MS);
	assert_int_equal(vcpus[1].sched.start_tag, finish);
}

static void a_move_keeps_the_distance_to_virtual_time(void **state)
{
	struct run_queue other;

	sched_queue_init(&other, 1);
	other.virtual_time = other.max_finish_tag = 1000000;
	rq.virtual_time = rq.max_finish_tag = 500;
	vcpus[0].sched.start_tag = 700;
	sched_queue_move(&rq, &other, &vcpus[0], 0);
	assert_int_equal(vcpus[0].sched.start_tag, 1000200);
	assert_int_equal(vcpus[0].sched.cpu, 1);
	vcpus[1].sched.start_tag = 100; /* behind: what it slept is not carried over */
	sched_queue_move(&rq, &other, &vcpus[1], 0);
	assert_int_equal(vcpus[1].sched.start_tag, 1000000);
}

static void debts_are_forgotten_before_tags_can_wrap(void **state)
{
	vcpus[1].sched.start_tag = UINT64_MAX / 2 + 5; /* as if from a time half a wrap ago */
	vcpus[1].sched.run_since_ns = MS;
	sched_queue_arrive(&rq, &vcpus[0], 2 * MS);
	run_first(2 * MS);
	sched_queue_arrive(&rq, &vcpus[1], UINT64_C(2000) * 1000 * MS);
	assert_int_equal(vcpus[1].sched.start_tag, rq.running->sched.start_tag);
}

static void a_new_weight_counts_from_now_on(void **state)
{
	sched_queue_arrive(&rq, &vcpus[0], 0);
	run_first(0);
	sched_queue_set_weight(&rq, &vcpus[0], 512, 4 * MS);
	assert_int_equal(vcpus[0].sched.start_tag, sched_queue_cost(4 * MS, 256));
	assert_int_equal(rq.load, 512);
	sched_queue_charge(&rq, &vcpus[0], 8 * MS);
	assert_int_equal(vcpus[0].sched.start_tag,
			 sched_queue_cost(4 * MS, 256) + sched_queue_cost(4 * MS, 512));
	sched_queue_arrive(&rq, &vcpus[1], 8 * MS);
	sched_queue_set_weight(&rq, &vcpus[1], 100, 8 * MS);
	assert_int_equal(rq.load, 612);
}

/*
 * SFQ, theorem 1: for f and m that are both runnable in an interval, |W_f/w_f - W_m/w_m| <= l_f/w_f
 * + l_m/w_m. Checked over every interval that begins and ends with a quantum.
 */
static void service_by_weight_differs_by_at_most_a_slice_each(void **state)
{
	static const unsigned int weights[] = {1, 64, 100, 256, 256, 1000, 4096, 65535};
	enum {
		QUANTA = 4000
	};
	static double service[QUANTA + 1][ARRAY_SIZE(weights)];
	uint64_t now = 0;

	srand(1);
	for (unsigned int i = 0; i < ARRAY_SIZE(weights); i++) {
		vcpus[i].sched.weight = (uint16_t)weights[i];
		sched_queue_arrive(&rq, &vcpus[i], 0);
	}
	run_first(0);
	for (unsigned int q = 1; q <= QUANTA; q++) {
		/* Any length up to a slice. */
		now += 1 + (uint64_t)rand() % SCHED_SLICE_NS;
		end_quantum(now);
		run_first(now);
		for (unsigned int i = 0; i < ARRAY_SIZE(weights); i++) {
			service[q][i] = (double)vcpus[i].sched.cpu_time_ns / weights[i];
		}
	}
	for (unsigned int from = 0; from < QUANTA; from += 7) {
		for (unsigned int to = from + 1; to <= QUANTA; to += 13) {
			for (unsigned int f = 0; f < ARRAY_SIZE(weights); f++) {
				unsigned int m = (f + 1 + from) % ARRAY_SIZE(weights);
				double difference = (service[to][f] - service[from][f]) -
						    (service[to][m] - service[from][m]);
				double bound = (double)SCHED_SLICE_NS / weights[f] +
					       (double)SCHED_SLICE_NS / weights[m];

				assert_true(f == m ||
					    (difference <= bound + 1 && -difference <= bound + 1));
			}
		}
	}
}

static void times_in_each_state_add_up(void **state)
{
	struct vcpu *v = &vcpus[0];

	v->sched.state = SCHED_OFFLINE;
	sched_queue_set_state(v, SCHED_RUNNABLE, 10);
	sched_queue_set_state(v, SCHED_RUNNING, 15);
	sched_queue_set_state(v, SCHED_BLOCKED, 35);
	sched_queue_set_state(v, SCHED_RUNNABLE, 36);
	assert_int_equal(v->sched.state_time_ns[SCHED_OFFLINE], 10);
	assert_int_equal(v->sched.state_time_ns[SCHED_RUNNABLE], 5);
	assert_int_equal(v->sched.state_time_ns[SCHED_RUNNING], 20);
	assert_int_equal(v->sched.state_time_ns[SCHED_BLOCKED], 1);
	assert_int_equal(v->sched.state_since_ns, 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(cost_is_time_by_weight, set_up),
		cmocka_unit_test_setup(the_smallest_tag_runs_and_equals_in_order, set_up),
		cmocka_unit_test_setup(tags_may_wrap, set_up),
		cmocka_unit_test_setup(who_sleeps_saves_up_nothing, set_up),
		cmocka_unit_test_setup(who_ran_ahead_stays_behind_after_a_nap, set_up),
		cmocka_unit_test_setup(alone_for_long_counts_as_many_slices, set_up),
		cmocka_unit_test_setup(an_arrival_waits_for_the_granularity, set_up),
		cmocka_unit_test_setup(an_arrival_that_is_ahead_waits_for_the_slice, set_up),
		cmocka_unit_test_setup(a_light_one_waits_longer_before_it_preempts, set_up),
		cmocka_unit_test_setup(an_empty_cpu_goes_on_at_the_largest_finish_tag, set_up),
		cmocka_unit_test_setup(a_move_keeps_the_distance_to_virtual_time, set_up),
		cmocka_unit_test_setup(debts_are_forgotten_before_tags_can_wrap, set_up),
		cmocka_unit_test_setup(a_new_weight_counts_from_now_on, set_up),
		cmocka_unit_test_setup(service_by_weight_differs_by_at_most_a_slice_each, set_up),
		cmocka_unit_test_setup(times_in_each_state_add_up, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
