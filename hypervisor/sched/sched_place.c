/* SPDX-License-Identifier: MIT */
/*
 * Which CPU a vCPU runs on: placement when it becomes runnable, taking work by CPUs that would go
 * idle, and balancing at the end of a slice.
 *
 * The promise: no CPU sleeps while a vCPU that may run on it waits elsewhere behind another one. A
 * CPU that runs out of work first advertises itself in sched_idle_cpus and then searches the queues;
 * whoever makes a vCPU wait first queues it and then looks at sched_idle_cpus, with a full barrier
 * between the two on either side, so at least one of them sees the other. Whoever finds an idle CPU
 * clears its bit, so that a second vCPU finds another one, and kicks it.
 *
 * The state of a vCPU is in the registers of its CPU from the moment it is chosen until
 * vcpu_switch() has saved it: on_cpu. During that time it may be woken and queued, but on that CPU
 * only.
 */
#include "sched/sched_internal.h"

#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "lib/assert.h"

/* Set by the CPU itself, cleared by whoever gives it work, or by itself. */
uint64_t sched_idle_cpus[MAX_CPUS / 64];

static struct run_queue *queue_of(unsigned int cpu)
{
	return &per_cpu(run_queue, cpu);
}

static void lock_pair(struct run_queue *a, struct run_queue *b)
{
	struct run_queue *first = a->cpu < b->cpu ? a : b;
	struct run_queue *second = first == a ? b : a;

	spin_lock(&first->lock);
	spin_lock_second(&second->lock);
}

static void unlock_pair(struct run_queue *a, struct run_queue *b)
{
	spin_unlock(&a->lock);
	spin_unlock(&b->lock);
}

/* ---- idle CPUs ------------------------------------------------------------------------------ */

void sched_advertise_idle(struct run_queue *rq)
{
	uint64_t *word = &sched_idle_cpus[rq->cpu / 64];

	if ((READ_ONCE(*word) & BIT64(rq->cpu % 64)) == 0) {
		(void)atomic_fetch_or(word, BIT64(rq->cpu % 64));
	}
	dmb_ish(); /* the bit before the search of the queues; pairs with sched_offer() */
}

static bool claim(unsigned int cpu)
{
	uint64_t *word = &sched_idle_cpus[cpu / 64];

	return (READ_ONCE(*word) & BIT64(cpu % 64)) != 0 &&
	       atomic_test_and_clear_bit(word, cpu % 64);
}

/* An idle CPU out of the mask, its bit cleared: the caller gives it work or kicks it. -1: none. */
static int claim_idle(const struct cpu_mask *allowed, unsigned int prefer)
{
	if (cpu_mask_test(allowed, prefer) && claim(prefer)) {
		return (int)prefer;
	}
	for (unsigned int i = 0; i * 64 < nr_cpus; i++) {
		uint64_t candidates;

		while ((candidates = READ_ONCE(sched_idle_cpus[i]) & allowed->bits[i]) != 0) {
			unsigned int cpu = i * 64 + (unsigned int)__builtin_ctzll(candidates);

			if (claim(cpu)) {
				return (int)cpu;
			}
		}
	}
	return -1;
}

/* Does a CPU have a vCPU waiting that it is not about to take itself? */
static bool has_spare(const struct run_queue *rq)
{
	unsigned int nr = READ_ONCE(rq->nr_waiting);

	return nr > 1 || (nr == 1 && READ_ONCE(rq->running) != NULL);
}

static __noinline void offer_to_idle(struct run_queue *rq)
{
	struct list *at;

	list_for_each(at, &rq->waiting) {
		const struct vcpu *v = list_entry(at, struct vcpu, sched.link);
		int cpu = v->sched.on_cpu ? -1 : claim_idle(&v->sched.affinity, rq->cpu);

		if (cpu >= 0) {
			sched_kick((unsigned int)cpu);
			return;
		}
	}
}

void sched_offer(struct run_queue *rq)
{
	ASSERT(spin_is_mine(&rq->lock));
	if (!has_spare(rq)) {
		return;
	}
	dmb_ish(); /* the queue before sched_idle_cpus; pairs with sched_advertise_idle() */
	if (unlikely(sched_any_is_idle())) {
		offer_to_idle(rq);
	}
}

void sched_withdraw_idle(struct run_queue *rq)
{
	(void)claim(rq->cpu);
	/*
	 * This CPU may have been claimed for something that waits elsewhere, and have found other
	 * work first. Then that still waits, and another idle CPU shall come for it.
	 */
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		struct run_queue *other = queue_of(cpu);

		if (has_spare(other)) {
			spin_lock(&other->lock);
			sched_offer(other);
			spin_unlock(&other->lock);
		}
	}
}

/* ---- placement ------------------------------------------------------------------------------ */

/* v, RUNNABLE and in no queue, waits on this queue's CPU from now on. */
static inline void enqueue(struct run_queue *rq, struct vcpu *v, uint64_t now)
{
	sched_queue_arrive(rq, v, now);
	if (rq->running == NULL) {
		sched_kick(rq->cpu); /* idle, or about to look into its queue */
	} else if (rq->slice_end_ns <= now) {
		sched_resched(rq);
	} else if (rq->slice_end_ns < READ_ONCE(rq->armed_ns)) {
		/* Its timer must be set, which only the CPU itself can do. */
		if (rq->cpu == this_cpu_id()) {
			sched_arm_slice(rq, now);
		} else {
			sched_resched(rq);
		}
	}
	sched_offer(rq);
}

void sched_place_here(struct run_queue *rq, struct vcpu *v, uint64_t now)
{
	enqueue(rq, v, now);
	spin_unlock(&rq->lock);
}

/* Least to do among the allowed CPUs, by hints; home when nobody has less. */
static unsigned int least_loaded(const struct vcpu *v, unsigned int home)
{
	unsigned int best = home;
	uint32_t best_load =
		sched_is_allowed(v, home) ? READ_ONCE(queue_of(home)->load) : UINT32_MAX;

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		if (sched_is_allowed(v, cpu) && READ_ONCE(queue_of(cpu)->load) < best_load) {
			best = cpu;
			best_load = READ_ONCE(queue_of(cpu)->load);
		}
	}
	return best;
}

/* *claimed: the CPU was idle, and its bit is cleared. */
static unsigned int choose_cpu(const struct vcpu *v, unsigned int home, bool *claimed)
{
	int cpu = unlikely(sched_any_is_idle()) ? claim_idle(&v->sched.affinity, home) : -1;

	*claimed = cpu >= 0;
	if (*claimed) {
		return (unsigned int)cpu;
	}
	/* Its caches may still be warm where it ran last, if nobody else waits for that CPU. */
	if (sched_is_allowed(v, home) && READ_ONCE(queue_of(home)->nr_waiting) == 0) {
		return home;
	}
	return least_loaded(v, home);
}

void sched_place_anywhere(struct run_queue *rq, struct vcpu *v, uint64_t now)
{
	for (;;) {
		struct run_queue *to;
		bool claimed;

		if (!sched_may_be_queued(v)) {
			break;
		}
		if (v->sched.on_cpu) {
			/* If it may not run here, sched_release() sends it away. */
			if (sched_is_allowed(v, rq->cpu)) {
				enqueue(rq, v, now);
			}
			break;
		}
		to = queue_of(choose_cpu(v, rq->cpu, &claimed));
		if (to == rq) {
			enqueue(rq, v, now);
			break;
		}
		/* In between, v is RUNNABLE in no queue: others may pause or place it meanwhile. */
		spin_unlock(&rq->lock);
		lock_pair(rq, to);
		now = time_now_ns();
		if (v->sched.cpu == rq->cpu && sched_may_be_queued(v) && !v->sched.on_cpu &&
		    sched_is_allowed(v, to->cpu)) {
			sched_queue_move(rq, to, v, now);
			enqueue(to, v, now);
			unlock_pair(rq, to);
			return;
		}
		unlock_pair(rq, to);
		if (claimed) {
			sched_kick(to->cpu); /* woken for nothing: it advertises itself again */
		}
		rq = sched_lock_queue_of(v);
		now = time_now_ns();
	}
	spin_unlock(&rq->lock);
}

static bool is_stopped(const struct vcpu *v)
{
	return v->sched.pause_count > 0 || v->sched.state == SCHED_OFFLINE;
}

void sched_release_locked(struct run_queue *rq, struct vcpu *v)
{
	struct domain *d = NULL;
	bool stopped;

	if (is_stopped(v) || sched_may_be_queued(v)) {
		/*
		 * Once on_cpu is clear, a paused vCPU's domain may be destroyed: what is to be
		 * done afterwards needs a reference. That lock ranks before the queue's.
		 */
		spin_unlock(&rq->lock);
		d = domain_get(v->domain->id);
		spin_lock(&rq->lock);
	}
	stopped = is_stopped(v);
	/* The saved registers before the flag; pairs with sched_is_running() and, by the lock,
	 * with everyone. */
	atomic_store_release(&v->sched.on_cpu, false);
	if (d == NULL) {
		sched_offer(rq); /* v, if it waits, may be taken from now on */
		spin_unlock(&rq->lock);
		return;
	}
	sched_place(rq, v, time_now_ns()); /* unlocks; places it only if it may not run here */
	if (stopped) {
		domain_check_stopped(d);
	}
	domain_put(d);
}

/* The first waiting vCPU that may go to the CPU. */
static struct vcpu *find_movable(struct run_queue *from, unsigned int cpu)
{
	struct list *at;

	list_for_each(at, &from->waiting) {
		struct vcpu *v = list_entry(at, struct vcpu, sched.link);

		if (!v->sched.on_cpu && sched_is_allowed(v, cpu)) {
			return v;
		}
	}
	return NULL;
}

bool sched_steal(struct run_queue *rq)
{
	for (unsigned int i = 1; i < nr_cpus; i++) {
		unsigned int cpu = rq->cpu + i < nr_cpus ? rq->cpu + i : rq->cpu + i - nr_cpus;
		struct run_queue *from = queue_of(cpu);
		struct vcpu *v = NULL;
		bool found;

		if (!has_spare(from)) {
			continue;
		}
		lock_pair(rq, from);
		if (rq->nr_waiting == 0 && has_spare(from)) {
			v = find_movable(from, rq->cpu);
		}
		if (v != NULL) {
			uint64_t now = time_now_ns();

			sched_queue_remove(from, v);
			sched_queue_move(from, rq, v, now);
			sched_queue_arrive(rq, v, now);
		}
		found = rq->nr_waiting > 0; /* stolen, or placed here in the meantime */
		unlock_pair(rq, from);
		if (found) {
			return true;
		}
	}
	return false;
}

/*
 * Moving v from here to there lowers the larger of the two loads if there + v < here; so this
 * cannot swing to and fro. One vCPU a slice, the one that would wait longest.
 */
void sched_balance(struct run_queue *rq)
{
	struct run_queue *to = rq;
	struct list *at;

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		if (READ_ONCE(queue_of(cpu)->load) < READ_ONCE(to->load)) {
			to = queue_of(cpu);
		}
	}
	if (to == rq) {
		return;
	}
	lock_pair(rq, to);
	for (at = rq->waiting.prev; at != &rq->waiting; at = at->prev) {
		struct vcpu *v = list_entry(at, struct vcpu, sched.link);

		if (!v->sched.on_cpu && sched_is_allowed(v, to->cpu) &&
		    to->load + v->sched.weight < rq->load) {
			uint64_t now = time_now_ns();

			sched_queue_remove(rq, v);
			sched_queue_move(rq, to, v, now);
			enqueue(to, v, now);
			break;
		}
	}
	unlock_pair(rq, to);
}
