/* SPDX-License-Identifier: MIT */
/*
 * Inside the scheduler: the run queue of a CPU (sched_queue.c), who moves vCPUs between queues
 * (sched_place.c), waking and blocking (sched_wake.c), and the choice before a guest is entered
 * (sched_run.c).
 */
#pragma once

#include "arm64/atomic.h"
#include "arm64/percpu.h"
#include "domain/domain.h"
#include "lib/assert.h"
#include "lib/list.h"
#include "lib/lock.h"
#include "sched/sched.h"
#include "time/time.h"

/* A woken vCPU may preempt one that is ahead of it by this much of the woken one's own service. */
#define SCHED_GRANULARITY_NS UINT64_C(500000)

#define SCHED_NEVER          UINT64_MAX

/*
 * One CPU's queue. Tags are SFQ's: virtual time in units of 2^-16 ns of service at weight 1; they
 * are compared by difference, so that they may wrap. Two queues are locked in ascending CPU number.
 */
struct run_queue {
	struct spinlock lock;
	unsigned int cpu;
	struct vcpu *running; /* chosen for the guest, perhaps not loaded yet; NULL: idle */
	struct list waiting;  /* by start tag, ascending; first come first among equals */
	/* Written under the lock, read without it as hints by whoever looks for work or for
	 * room. */
	unsigned int nr_waiting;
	uint32_t load; /* sum of the weights of running and waiting */

	uint64_t virtual_time;   /* start tag of who runs, or ran last */
	uint64_t max_finish_tag; /* virtual time when the queue runs empty */
	uint64_t slice_end_ns;   /* look again then; SCHED_NEVER: nobody waits */

	/* Written by this CPU only. */
	bool yielding;   /* the running vCPU wants others to go first */
	bool slice_over; /* a slice ended while others waited */
	struct timer slice_timer;
	/* What slice_timer is set to, or SCHED_NEVER; by others read under the lock. When no later than slice_end_ns it is in
	 * time. */
	uint64_t armed_ns;
};

DECLARE_PER_CPU(struct run_queue, run_queue);

static inline bool sched_tag_before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

static inline bool sched_is_queued(const struct vcpu *v)
{
	return !list_empty(&v->sched.link);
}

static inline bool sched_is_allowed(const struct vcpu *v, unsigned int cpu)
{
	return cpu_mask_test(&v->sched.affinity, cpu);
}

/* ---- sched_queue.c: Start-time Fair Queueing. The caller holds the lock of every queue passed.
 * -------- */

#define SCHED_TAG_SHIFT 16

void sched_queue_init(struct run_queue *rq, unsigned int cpu);

/* Virtual time that ns of service cost a vCPU of this weight. */
static inline uint64_t sched_queue_cost(uint64_t ns, unsigned int weight)
{
	if (likely(ns >> (64 - SCHED_TAG_SHIFT) == 0)) {
		return (ns << SCHED_TAG_SHIFT) / weight;
	}
	/* In two steps: a vCPU that ran alone for days must not overflow. */
	return ((ns / weight) << SCHED_TAG_SHIFT) + ((ns % weight) << SCHED_TAG_SHIFT) / weight;
}

static inline void sched_queue_account(struct run_queue *rq, struct vcpu *v, uint64_t ns)
{
	v->sched.run_since_ns += ns;
	v->sched.cpu_time_ns += ns;
	v->sched.start_tag += sched_queue_cost(ns, v->sched.weight);
	if (sched_tag_before(rq->max_finish_tag, v->sched.start_tag)) {
		rq->max_finish_tag = v->sched.start_tag;
	}
}

/* Account the running vCPU up to now: its tag becomes the finish tag. */
static inline void sched_queue_charge(struct run_queue *rq, struct vcpu *v, uint64_t now)
{
	if (now > v->sched.run_since_ns) {
		sched_queue_account(rq, v, now - v->sched.run_since_ns);
	}
}

/* v, runnable and in no queue, arrives; slice_end_ns tells when the running one must be looked
 * at. */
void sched_queue_arrive(struct run_queue *rq, struct vcpu *v, uint64_t now);
/* v was in from (and is in none): its tag keeps its distance to virtual time. */
void sched_queue_move(struct run_queue *from, struct run_queue *to, struct vcpu *v, uint64_t now);

/* Back among the waiting, with the tag it has. */
static inline void sched_queue_insert(struct run_queue *rq, struct vcpu *v)
{
	struct list *at;

	ASSERT(!sched_is_queued(v));
	/* From the end: whoever comes back from its quantum belongs there. */
	for (at = rq->waiting.prev; at != &rq->waiting; at = at->prev) {
		const struct vcpu *other = list_entry(at, struct vcpu, sched.link);

		if (!sched_tag_before(v->sched.start_tag, other->sched.start_tag)) {
			break;
		}
	}
	list_insert_before(&v->sched.link, at->next);
	WRITE_ONCE(rq->nr_waiting, rq->nr_waiting + 1);
	WRITE_ONCE(rq->load, rq->load + v->sched.weight);
}

static inline void sched_queue_remove(struct run_queue *rq, struct vcpu *v)
{
	ASSERT(sched_is_queued(v));
	list_remove(&v->sched.link);
	WRITE_ONCE(rq->nr_waiting, rq->nr_waiting - 1);
	WRITE_ONCE(rq->load, rq->load - v->sched.weight);
}

/* Whose turn it is, other than skip if there is another; NULL: nobody waits. Not removed. */
static inline struct vcpu *sched_queue_first(const struct run_queue *rq, const struct vcpu *skip)
{
	struct list *at = rq->waiting.next;

	if (at == &rq->waiting) {
		return NULL;
	}
	if (skip != NULL && at == &skip->sched.link && at->next != &rq->waiting) {
		at = at->next;
	}
	return list_entry(at, struct vcpu, sched.link);
}

/* v, not in the queue, or nobody, runs from now on, instead of whoever did. */
static inline void sched_queue_set_running(struct run_queue *rq, struct vcpu *v, uint64_t now)
{
	uint32_t load = rq->load;

	if (rq->running != NULL) {
		load -= rq->running->sched.weight;
	}
	/* Read without the lock, as a hint, by those who look for work. */
	WRITE_ONCE(rq->running, v);
	rq->slice_end_ns = SCHED_NEVER;
	if (v != NULL) {
		load += v->sched.weight;
		v->sched.run_since_ns = now;
		/* Forward only: after a yield someone with a smaller tag may still wait. */
		if (sched_tag_before(rq->virtual_time, v->sched.start_tag)) {
			rq->virtual_time = v->sched.start_tag;
		}
		if (rq->nr_waiting > 0) {
			rq->slice_end_ns = now + SCHED_SLICE_NS;
		}
	}
	WRITE_ONCE(rq->load, load);
}

void sched_queue_set_weight(struct run_queue *rq, struct vcpu *v, unsigned int weight, uint64_t now);

/* Changes state and keeps the times that each state lasted. */
static inline void sched_queue_set_state(struct vcpu *v, enum sched_state state, uint64_t now)
{
	struct sched_vcpu *s = &v->sched;

	if (now > s->state_since_ns) {
		s->state_time_ns[s->state] += now - s->state_since_ns;
		s->state_since_ns = now;
	}
	/* The vCPU's own CPU reads it without the lock. */
	WRITE_ONCE(s->state, state);
}

/* ---- sched_place.c
 * ------------------------------------------------------------------------------------ */

/* The queue that v belongs to, locked. */
static inline struct run_queue *sched_lock_queue_of(struct vcpu *v)
{
	for (;;) {
		struct run_queue *rq = &per_cpu(run_queue, READ_ONCE(v->sched.cpu));

		spin_lock(&rq->lock);
		if (likely(v->sched.cpu == rq->cpu)) {
			return rq;
		}
		spin_unlock(&rq->lock);
	}
}

extern uint64_t sched_idle_cpus[MAX_CPUS / 64];

static inline bool sched_any_is_idle(void)
{
	uint64_t any = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(sched_idle_cpus); i++) {
		any |= READ_ONCE(sched_idle_cpus[i]);
	}
	return any != 0;
}

static inline bool sched_may_be_queued(const struct vcpu *v)
{
	return v->sched.state == SCHED_RUNNABLE && !sched_is_queued(v) && v->sched.pause_count == 0;
}

/* Parts of sched_place(): v waits on this queue's CPU; wherever it is best. Unlock. */
void sched_place_here(struct run_queue *rq, struct vcpu *v, uint64_t now);
void sched_place_anywhere(struct run_queue *rq, struct vcpu *v, uint64_t now);
/*
 * rq is locked and v's; v has become RUNNABLE, or may run again, now. Queues it where it may run: on an
 * idle CPU if there is one, else where it ran last, else where least is to be done. Unlocks.
 */
static inline void sched_place(struct run_queue *rq, struct vcpu *v, uint64_t now)
{
	/* Most often no CPU is idle, and nobody waits where it ran last. */
	if (likely(sched_may_be_queued(v) && !v->sched.on_cpu && rq->nr_waiting == 0 &&
		   !sched_any_is_idle() && sched_is_allowed(v, rq->cpu))) {
		sched_place_here(rq, v, now);
	} else {
		sched_place_anywhere(rq, v, now);
	}
}
/* v's registers have been saved on this CPU: from now on others may take it. */
void sched_release_locked(struct run_queue *rq, struct vcpu *v); /* unlocks */
static inline void sched_release(struct run_queue *rq, struct vcpu *v)
{
	spin_lock(&rq->lock);
	if (unlikely(v->sched.state != SCHED_BLOCKED || v->sched.pause_count != 0)) {
		sched_release_locked(rq, v);
		return;
	}
	/* It waits for nothing here, and nobody for it. Pairs with sched_is_running(), by the lock with everyone. */
	atomic_store_release(&v->sched.on_cpu, false);
	spin_unlock(&rq->lock);
}

/*
 * This CPU tells that it has nothing to do, so that placing and offering find it (and clear that
 * again); it looks for work afterwards.
 */
void sched_advertise_idle(struct run_queue *rq);
/* It has found some. */
void sched_withdraw_idle(struct run_queue *rq);
/* rq, locked, may have work for CPUs that are idle. */
void sched_offer(struct run_queue *rq);
/* Nothing waits here: take a waiting vCPU from another CPU into rq (this CPU's, unlocked). */
bool sched_steal(struct run_queue *rq);
/* The slice of this CPU is over and someone waits: does another CPU have room? */
void sched_balance(struct run_queue *rq);

/* ---- sched_cpu.c
 * -------------------------------------------------------------------------------------- */

/* The CPU of rq, locked, must call sched_run() before it enters a guest again. */
void sched_resched(struct run_queue *rq);

/* ---- sched_wake.c
 * ------------------------------------------------------------------------------------- */

void sched_wake_init_cpu(void);

/* ---- sched_run.c
 * -------------------------------------------------------------------------------------- */

/* rq is this CPU's and locked, and the timer would go off too late for slice_end_ns: now it is set. */
void sched_arm_slice(struct run_queue *rq, uint64_t now);
