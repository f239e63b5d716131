/* SPDX-License-Identifier: MIT */
/*
 * Inside the scheduler: the run queue of a CPU (sched_queue.c), who moves vCPUs between queues
 * (sched_place.c), waking and blocking (sched_wake.c), and the choice before a guest is entered
 * (sched_run.c).
 */
#pragma once

#include "arm64/percpu.h"
#include "domain/domain.h"
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

	/* This CPU only. */
	bool yielding;   /* the running vCPU wants others to go first */
	bool slice_over; /* a slice ended while others waited */
	struct timer slice_timer;
	uint64_t armed_ns; /* what slice_timer is set to, or SCHED_NEVER */
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

void sched_queue_init(struct run_queue *rq, unsigned int cpu);
/* Virtual time that ns of service cost a vCPU of this weight. */
uint64_t sched_queue_cost(uint64_t ns, unsigned int weight);
/* Account the running vCPU up to now: its tag becomes the finish tag. */
void sched_queue_charge(struct run_queue *rq, struct vcpu *v, uint64_t now);
/* v, runnable and in no queue, arrives; slice_end_ns tells when the running one must be looked
 * at. */
void sched_queue_arrive(struct run_queue *rq, struct vcpu *v, uint64_t now);
/* v was in from (and is in none): its tag keeps its distance to virtual time. */
void sched_queue_move(struct run_queue *from, struct run_queue *to, struct vcpu *v, uint64_t now);
/* Back among the waiting, with the tag it has. */
void sched_queue_insert(struct run_queue *rq, struct vcpu *v);
void sched_queue_remove(struct run_queue *rq, struct vcpu *v);
/* Whose turn it is, other than skip if there is another; NULL: nobody waits. Not removed. */
struct vcpu *sched_queue_first(const struct run_queue *rq, const struct vcpu *skip);
/* v, not in the queue, or nobody, runs from now on. */
void sched_queue_set_running(struct run_queue *rq, struct vcpu *v, uint64_t now);
void sched_queue_set_weight(struct run_queue *rq, struct vcpu *v, unsigned int weight, uint64_t now);
/* Changes state and keeps the times that each state lasted. */
void sched_queue_set_state(struct vcpu *v, enum sched_state state, uint64_t now);

/* ---- sched_place.c
 * ------------------------------------------------------------------------------------ */

/* The queue that v belongs to, locked. */
struct run_queue *sched_lock_queue_of(struct vcpu *v);
/*
 * rq is locked and v's; v has become RUNNABLE, or may run again. Queues it where it may run: on an
 * idle CPU if there is one, else where it ran last, else where least is to be done. Unlocks.
 */
void sched_place(struct run_queue *rq, struct vcpu *v);
/* v's registers have been saved on this CPU: from now on others may take it. */
void sched_release(struct run_queue *rq, struct vcpu *v);
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

/* ---- sched_run.c
 * -------------------------------------------------------------------------------------- */

/* rq is this CPU's and locked: the timer follows slice_end_ns. */
void sched_arm_slice(struct run_queue *rq);
