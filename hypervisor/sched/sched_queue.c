/* SPDX-License-Identifier: MIT */
/*
 * The run queue of one CPU as Start-time Fair Queueing wants it (P. Goyal, X. Guo, H. Vin: "A
 * hierarchical CPU scheduler for multimedia operating systems", OSDI 1996; the packet version is in
 * SIGCOMM 1996).
 *
 *   S = max(v(t), F of its last quantum)         start tag, on arrival
 *   F = S + length of the quantum / weight       finish tag, when the quantum is over
 *   v(t) = S of whoever runs; when the CPU runs empty, the largest F so far
 *
 * The smallest S runs next. The length of a quantum need not be known beforehand, which is why this
 * algorithm suits vCPUs that block and are preempted. For any two that are runnable over an
 * interval, the difference of their service by weight is at most one quantum of each by weight.
 *
 * Tickless: a vCPU that runs alone has no timer. Its quanta are cut afterwards, when someone
 * arrives, as if a timer had ended each; so quanta have a bound, and the fairness too.
 *
 * Nothing here locks, kicks or switches.
 */
#include "sched/sched_internal.h"

#include "lib/assert.h"

/*
 * Who was away for 2^FORGET_SHIFT ns (18 minutes) owes nothing, exactly: a debt is one slice by weight at most, hence at
 * most SCHED_SLICE_NS << SCHED_TAG_SHIFT, and virtual time advances by at least one unit a nanosecond
 * while the CPU is busy; that is 655 s. The rule keeps old tags from being compared across a wrap.
 */
#define FORGET_SHIFT 40

void sched_queue_init(struct run_queue *rq, unsigned int cpu)
{
	*rq = (struct run_queue){.cpu = cpu, .slice_end_ns = SCHED_NEVER, .armed_ns = SCHED_NEVER};
	spin_lock_init(&rq->lock, LOCK_RANK_SCHED);
	list_init(&rq->waiting);
}

/* End the whole quanta that the running vCPU had alone, and begin the one it is in. */
static __noinline void cut_quanta(struct run_queue *rq, uint64_t elapsed)
{
	sched_queue_account(rq, rq->running, elapsed - elapsed % SCHED_SLICE_NS);
	rq->virtual_time = rq->running->sched.start_tag;
}

/* v(t) */
static inline uint64_t virtual_time(struct run_queue *rq, uint64_t now)
{
	if (rq->nr_waiting > 0) {
		return rq->virtual_time;
	}
	if (likely(rq->running != NULL)) {
		int64_t elapsed = (int64_t)(now - rq->running->sched.run_since_ns);

		if (unlikely(elapsed >= (int64_t)SCHED_SLICE_NS)) {
			cut_quanta(rq, (uint64_t)elapsed);
		}
	} else if (sched_tag_before(rq->virtual_time, rq->max_finish_tag)) {
		rq->virtual_time = rq->max_finish_tag;
	}
	return rq->virtual_time;
}

/*
 * When must the running vCPU be looked at because v waits? At the end of its slice, or sooner: as
 * soon as it is ahead of v by the granularity. A vCPU that mostly sleeps arrives with S = v(t), the
 * start of the present quantum, and so waits for the granularity at most; the finer it is, the more
 * switches.
 */
static inline uint64_t look_again_ns(const struct run_queue *rq, const struct vcpu *v)
{
	const struct sched_vcpu *running = &rq->running->sched;
	uint64_t ahead = v->sched.start_tag +
			 sched_queue_cost(SCHED_GRANULARITY_NS, v->sched.weight) -
			 running->start_tag;
	uint64_t ns = SCHED_SLICE_NS;

	if ((int64_t)ahead <= 0) {
		return running->run_since_ns;
	}
	/* Beyond that it is a slice at any weight, and the product may overflow. */
	if (ahead < SCHED_SLICE_NS << SCHED_TAG_SHIFT) {
		ns = MIN(ns, (ahead * running->weight) >> SCHED_TAG_SHIFT);
	}
	return running->run_since_ns + ns;
}

void sched_queue_arrive(struct run_queue *rq, struct vcpu *v, uint64_t now)
{
	uint64_t vt = virtual_time(rq, now);

	if (sched_tag_before(v->sched.start_tag, vt) ||
	    (int64_t)(now - v->sched.run_since_ns) >> FORGET_SHIFT > 0) {
		v->sched.start_tag = vt;
	}
	if (rq->nr_waiting == 0) {
		rq->slice_end_ns = SCHED_NEVER;
	}
	sched_queue_insert(rq, v);
	if (rq->running != NULL) {
		rq->slice_end_ns = MIN(rq->slice_end_ns, look_again_ns(rq, v));
	}
}

void sched_queue_move(struct run_queue *from, struct run_queue *to, struct vcpu *v, uint64_t now)
{
	uint64_t lag = v->sched.start_tag - virtual_time(from, now);

	if ((int64_t)lag < 0) {
		lag = 0;
	}
	v->sched.start_tag = virtual_time(to, now) + lag;
	v->sched.cpu = (uint16_t)to->cpu;
}

void sched_queue_set_weight(struct run_queue *rq, struct vcpu *v, unsigned int weight, uint64_t now)
{
	if (rq->running == v) {
		sched_queue_charge(rq, v, now); /* what it had so far, at the old price */
	}
	if (rq->running == v || sched_is_queued(v)) {
		WRITE_ONCE(rq->load, rq->load - v->sched.weight + weight);
	}
	v->sched.weight = (uint16_t)weight;
}
