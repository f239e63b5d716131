/* SPDX-License-Identifier: MIT */
/*
 * The choice of the next vCPU, the switch to it, and what a CPU does when there is none.
 *
 * Runs on the CPU's own stack, on the way back to a guest: nothing is suspended here, the vCPU that
 * leaves has all its state in struct vcpu once vcpu_switch() returns.
 */
#include "sched/sched_internal.h"

#include "arm64/cpu.h"
#include "gic/gic.h"
#include "lib/assert.h"
#include "mm/mm.h"

void sched_arm_slice(struct run_queue *rq, uint64_t now)
{
	ASSERT(rq->cpu == this_cpu_id());
	timer_set(&rq->slice_timer,
		  time_ticks() +
			  (rq->slice_end_ns > now ? time_ns_to_ticks(rq->slice_end_ns - now) : 0));
	rq->armed_ns = rq->slice_end_ns;
}

/*
 * The timer is set when it would go off too late, not when it will go off too early: two vCPUs that wake each other move
 * the end of the slice many thousand times a second, and one look in vain at the end of a slice is cheaper. An idle CPU
 * is left to sleep.
 */
static void follow_slice(struct run_queue *rq, uint64_t now)
{
	if (unlikely(rq->slice_end_ns < rq->armed_ns)) {
		sched_arm_slice(rq, now);
	} else if (unlikely(rq->running == NULL && rq->armed_ns != SCHED_NEVER)) {
		timer_cancel(&rq->slice_timer);
		rq->armed_ns = SCHED_NEVER;
	}
}

/* It called sched_block() on its way here. A wake-up that came before the lock is heeded, one after it finds BLOCKED. */
static void block_now(struct vcpu *v, uint64_t now)
{
	v->sched.blocking = false;
	if (v->sched.wake_pending) {
		v->sched.wake_pending = false;
	} else if (v->sched.state == SCHED_RUNNING) {
		sched_queue_set_state(v, SCHED_BLOCKED, now);
	}
}

/*
 * The vCPU to run next out of this CPU's queue, now its running one; NULL when there is none. prev
 * is what has run so far (then rq->running), or NULL.
 */
static __force_inline struct vcpu *take_next(struct run_queue *rq, struct vcpu *prev)
{
	struct vcpu *next = prev;
	uint64_t now;

	spin_lock(&rq->lock);
	ASSERT(rq->running == prev);
	this_cpu(cpu_work).resched = false;
	now = time_now_ns();
	if (rq->nr_waiting == 0) {
		rq->slice_end_ns = SCHED_NEVER;
	}
	if (prev != NULL) {
		bool may_stay;

		if (prev->sched.blocking) {
			block_now(prev, now);
		}
		may_stay = prev->sched.state == SCHED_RUNNING && prev->sched.pause_count == 0 &&
			   sched_is_allowed(prev, rq->cpu);

		if (may_stay && !rq->yielding && now < rq->slice_end_ns) {
			goto out;
		}
		if (may_stay && now >= rq->slice_end_ns) {
			rq->slice_over = true;
		}
		sched_queue_charge(rq, prev, now);
		if (prev->sched.state == SCHED_RUNNING) {
			sched_queue_set_state(prev, SCHED_RUNNABLE, now);
		}
		if (may_stay) {
			sched_queue_insert(rq, prev);
		}
	}
	next = sched_queue_first(rq, rq->yielding ? prev : NULL);
	if (next != NULL) {
		sched_queue_remove(rq, next);
	}
	sched_queue_set_running(rq, next, now);
	if (next != NULL) {
		sched_queue_set_state(next, SCHED_RUNNING, now);
		/* Guarded by the lock; sched_is_running() may read it any time. */
		WRITE_ONCE(next->sched.on_cpu, true);
	}
out:
	rq->yielding = false;
	follow_slice(rq, now);
	spin_unlock(&rq->lock);
	return next;
}

/* Nobody runs. Who waits here; what another CPU's queue has to give, if look_here is false or nobody does. */
static __noinline struct vcpu *take_any(struct run_queue *rq, bool look_here)
{
	while (look_here || sched_steal(rq)) {
		struct vcpu *next = take_next(rq, NULL);

		if (next != NULL) {
			return next;
		}
		look_here = false;
	}
	return NULL;
}

static inline void switch_vcpu(struct run_queue *rq, struct vcpu *prev, struct vcpu *next)
{
	vcpu_switch(prev, next);
	this_cpu(current_vcpu) = next;
	if (prev != NULL) {
		sched_release(rq, prev);
	}
}

static __noinline void leave_cpu(struct run_queue *rq, struct vcpu *prev)
{
	switch_vcpu(rq, prev, NULL);
}

/* What an interrupt handler put off, NULL when there is nothing; only this CPU touches it. */
typedef void (*deferred_work_t)(void);
struct deferred {
	deferred_work_t work[SCHED_MAX_DEFERRED];
};
static DEFINE_PER_CPU(struct deferred, deferred_work);

void sched_defer(void (*work)(void))
{
	struct deferred *deferred = &this_cpu(deferred_work);
	unsigned int n = 0;

	while (deferred->work[n] != NULL && deferred->work[n] != work) {
		n++;
		ASSERT(n < SCHED_MAX_DEFERRED);
	}
	deferred->work[n] = work;
	this_cpu(cpu_work).resched = true;
}

/* Also what such work puts off in turn, which nobody would come back for; interrupts are served in between. */
static __noinline void run_deferred(void)
{
	struct deferred *deferred = &this_cpu(deferred_work);

	do {
		const struct deferred todo = *deferred;

		*deferred = (struct deferred){{NULL}};
		for (unsigned int n = 0; n < SCHED_MAX_DEFERRED && todo.work[n] != NULL; n++) {
			todo.work[n]();
		}
		irq_handle_pending();
	} while (deferred->work[0] != NULL);
}

/*
 * Nothing to run. Interrupts are masked, so one that comes between the last look and the WFI is
 * still pending and ends the WFI at once; a vCPU queued here, or offered, comes with a kick.
 */
static __noinline struct vcpu *idle(struct run_queue *rq)
{
	for (;;) {
		struct vcpu *next;

		/* Also what the vCPU that has left the CPU put off. */
		if (this_cpu(deferred_work).work[0] != NULL) {
			run_deferred();
		}
		sched_advertise_idle(rq);
		next = take_any(rq, true);
		if (next != NULL) {
			sched_withdraw_idle(rq);
			return next;
		}
		epoch_poll();
		if (!frame_pool_scrub_idle()) {
			lock_assert_none_held();
			epoch_idle_enter(); /* M1: a CPU that sleeps has no window */
			cpu_wfi();
			epoch_idle_leave();
		}
		irq_handle_pending();
	}
}

void sched_run(void)
{
	struct run_queue *rq = &this_cpu(run_queue);
	struct vcpu *prev = current_vcpu();
	struct vcpu *next;

	if (unlikely(this_cpu(deferred_work).work[0] != NULL)) {
		run_deferred();
	}
	next = take_next(rq, prev);
	if (unlikely(next == NULL)) {
		next = take_any(rq, false);
	}
	if (unlikely(next == NULL)) {
		if (prev != NULL) {
			leave_cpu(rq, prev); /* saved before others may take it */
		}
		prev = NULL;
		next = idle(rq);
	}
	if (next != prev) {
		switch_vcpu(rq, prev, next);
	}
	if (rq->slice_over) {
		rq->slice_over = false;
		sched_balance(rq);
	}
}
