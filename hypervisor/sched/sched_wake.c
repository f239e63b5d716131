/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's way between its states: start and stop, block and wake, pause, and its parameters.
 *
 *                 start              chosen
 *       OFFLINE ---------> RUNNABLE <------> RUNNING ---+
 *          ^                  ^     preempted  |  ^     | stop
 *          |                  |         block  |  | woken before it left its CPU
 *          |                  |  wake          v  |     |
 *          |                  +------------ BLOCKED     |
 *          +--------------------------------------------+
 *
 * Pausing is apart from that: a paused vCPU keeps its state, only that it is in no queue.
 *
 * Blocking against waking. Whoever wakes has first made the reason visible (an interrupt pending in
 * the virtual GIC, a flag) and then calls sched_wake(), which looks at the state under the queue's
 * lock: BLOCKED is undone, for RUNNING it sets wake_pending. Whoever blocks looks for reasons and
 * leaves the rest to take_next(): under the lock, wake_pending or BLOCKED. So a waker that had the
 * lock first is heeded, and one that had it second finds BLOCKED. WFI forgets older wake-ups before
 * it looks: what such a wake-up was for, the look finds. The look cannot be under the lock, as the
 * virtual GIC's locks rank before the queue's.
 */
#include "sched/sched_internal.h"

#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "arm64/cpu.h"
#include "lib/assert.h"

void sched_vcpu_init(struct vcpu *v)
{
	v->sched = (struct sched_vcpu){
		.state = SCHED_OFFLINE,
		/* Where it is placed if all CPUs are busy alike. */
		.cpu = (uint16_t)((v->domain->id + v->id) % nr_cpus),
		.weight = SCHED_WEIGHT_DEFAULT,
		.state_since_ns = time_now_ns(),
	};
	list_init(&v->sched.link);
	for (unsigned int i = 0; i < ARRAY_SIZE(v->sched.affinity.bits); i++) {
		v->sched.affinity.bits[i] = ~UINT64_C(0);
	}
}

/* ---- start and stop ------------------------------------------------------------------------- */

/* rq is locked and v's. */
static bool is_online(const struct vcpu *v)
{
	/* After CPU_OFF the old registers may not be saved yet: setting new ones now would be
	 * undone. */
	return v->sched.state != SCHED_OFFLINE || v->sched.starting || v->sched.on_cpu;
}

bool sched_is_online(struct vcpu *v)
{
	struct run_queue *rq = sched_lock_queue_of(v);
	bool online = is_online(v);

	spin_unlock(&rq->lock);
	return online;
}

bool sched_claim_start(struct vcpu *v)
{
	struct run_queue *rq = sched_lock_queue_of(v);
	bool won = !is_online(v);

	if (won) {
		v->sched.starting = true;
	}
	spin_unlock(&rq->lock);
	return won;
}

void sched_start(struct vcpu *v)
{
	struct run_queue *rq = sched_lock_queue_of(v);

	if (v->sched.state == SCHED_OFFLINE) {
		/* The release of the lock publishes the registers that the starter has set. */
		v->sched.starting = false;
		v->sched.wake_pending = false;
		sched_queue_set_state(v, SCHED_RUNNABLE, time_now_ns());
	}
	sched_place(rq, v, time_now_ns());
}

void sched_stop(struct vcpu *v)
{
	struct run_queue *rq = sched_lock_queue_of(v);

	ASSERT(v == current_vcpu() && rq->running == v);
	sched_queue_set_state(v, SCHED_OFFLINE, time_now_ns());
	sched_resched(rq);
	spin_unlock(&rq->lock);
}

/* ---- block and wake ------------------------------------------------------------------------- */

void sched_wake(struct vcpu *v)
{
	struct run_queue *rq;

	/* A running vCPU becomes BLOCKED by its own CPU only, so here no lock is needed to know. */
	if (v == current_vcpu() && v->sched.state == SCHED_RUNNING) {
		WRITE_ONCE(v->sched.wake_pending, true);
		return;
	}
	rq = sched_lock_queue_of(v);
	switch (v->sched.state) {
	case SCHED_BLOCKED: {
		uint64_t now = time_now_ns();

		sched_queue_set_state(v, SCHED_RUNNABLE, now);
		sched_place(rq, v, now); /* unlocks */
		return;
	}
	case SCHED_RUNNING:
		/* Not before the reason: pairs with the barrier in block(). */
		atomic_store_release(&v->sched.wake_pending, true);
		sched_kick(rq->cpu);
		break;
	case SCHED_RUNNABLE: /* looks at everything when its turn comes */
	case SCHED_OFFLINE:
		break;
	}
	spin_unlock(&rq->lock);
}

/* Domains with vCPUs that this CPU is to wake. Its own, and so without a lock. */
static DEFINE_PER_CPU(struct list, wake_soon);

void sched_wake_init_cpu(void)
{
	list_init(&this_cpu(wake_soon));
}

static struct vcpu *take_to_wake(struct domain *d)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(d->wake_soon); i++) {
		uint64_t bits;

		while ((bits = READ_ONCE(d->wake_soon[i])) != 0) {
			unsigned int bit = (unsigned int)__builtin_ctzll(bits);

			/* Else another CPU has it, which was asked after this one. */
			if (atomic_test_and_clear_bit(&d->wake_soon[i], bit)) {
				return d->vcpu[i * 64 + bit];
			}
		}
	}
	return NULL;
}

/* The bits have been set: this CPU takes them, unless one has said before that it will. */
static bool queue_to_wake(struct domain *d)
{
	if (atomic_exchange(&d->wake_soon_queued, true)) {
		return false;
	}
	domain_get_again(d);
	list_add_tail(&d->wake_soon_link, &this_cpu(wake_soon));
	return true;
}

/* One at least; until an interrupt waits. */
static void wake_queued(void)
{
	struct list *queued = &this_cpu(wake_soon);
	bool go_on = true;

	while (go_on && !list_empty(queued)) {
		struct domain *d = list_entry(queued->next, struct domain, wake_soon_link);
		struct vcpu *v;

		list_remove(&d->wake_soon_link);
		/* Before the bits are looked at: pairs with the exchange of who sets one afterwards, who queues it anew. */
		(void)atomic_exchange(&d->wake_soon_queued, false);
		while (go_on && (v = take_to_wake(d)) != NULL) {
			sched_wake(v);
			go_on = !cpu_interrupt_pending();
		}
		if (!go_on) {
			(void)queue_to_wake(d);
		}
		domain_put(d);
	}
	if (!list_empty(queued)) {
		sched_defer(wake_queued);
	}
}

void sched_wake_soon(struct vcpu *v)
{
	(void)atomic_test_and_set_bit(&v->domain->wake_soon[v->id / 64], v->id % 64);
	if (queue_to_wake(v->domain)) {
		sched_defer(wake_queued);
	}
}

void sched_block_prepare(struct vcpu *v)
{
	/* Under the lock: what a waker published before an older wake-up is seen by the caller's
	 * look. */
	struct run_queue *rq = sched_lock_queue_of(v);

	ASSERT(v == current_vcpu());
	v->sched.wake_pending = false;
	spin_unlock(&rq->lock);
}

/* Whatever else wakes, the two reasons that can be looked up are looked up. */
static void block(struct vcpu *v, bool heed_wake_ups, bool heed_interrupts)
{
	ASSERT(v == current_vcpu() && v->sched.state == SCHED_RUNNING);
	/* After a tick the timer's line is low again; still high in the vGIC it would keep the
	 * vCPU awake. */
	if (v->work.virtual_timer || v->work.physical_timer) {
		vtimer_sync(v);
	}
	if (!heed_wake_ups) {
		WRITE_ONCE(v->sched.wake_pending, false);
		dmb_ish(); /* before the look; pairs with the release in sched_wake() */
	}
	/* From here on what is raised for it by this CPU wakes it: sched_goes_on(). */
	v->sched.blocking = true;
	if (heed_interrupts && (vgic_has_pending(v) || event_upcall_pending(v))) {
		v->sched.blocking = false;
		return;
	}
	this_cpu(cpu_work).resched = true;
}

void sched_block(struct vcpu *v)
{
	block(v, true, true);
}

void sched_wait_for_wake_up(struct vcpu *v)
{
	block(v, true, false);
}

void sched_wait_for_interrupt(struct vcpu *v)
{
	block(v, false, true);
}

void sched_yield(struct vcpu *v)
{
	struct run_queue *rq = &this_cpu(run_queue);

	ASSERT(v == current_vcpu());
	if (READ_ONCE(rq->nr_waiting) > 0) {
		rq->yielding = true;
		this_cpu(cpu_work).resched = true;
	}
}

/* ---- pause ---------------------------------------------------------------------------------- */

void sched_pause(struct vcpu *v)
{
	struct run_queue *rq = sched_lock_queue_of(v);

	ASSERT(v->sched.pause_count < UINT32_MAX);
	if (v->sched.pause_count++ == 0) {
		if (sched_is_queued(v)) {
			sched_queue_remove(rq, v);
			/* Runnable until now. */
			sched_queue_set_state(v, SCHED_RUNNABLE, time_now_ns());
		}
		if (rq->running == v) {
			sched_resched(rq);
		}
	}
	spin_unlock(&rq->lock);
}

void sched_unpause(struct vcpu *v)
{
	struct run_queue *rq = sched_lock_queue_of(v);
	struct sched_vcpu *s = &v->sched;
	uint64_t now = time_now_ns();

	ASSERT(s->pause_count > 0);
	s->pause_count--;
	/* The time of a pause is "offline" to its guest, as its state is (vcpu_runstate.c). */
	if (s->pause_count == 0 && s->state == SCHED_RUNNABLE && now > s->state_since_ns) {
		s->state_time_ns[SCHED_OFFLINE] += now - s->state_since_ns;
		s->state_since_ns = now;
	}
	sched_place(rq, v, now);
}

bool sched_is_running(const struct vcpu *v)
{
	/* Pairs with the release in sched_release(): when false, the registers are saved. */
	return atomic_load_acquire(&v->sched.on_cpu);
}

/* ---- parameters ----------------------------------------------------------------------------- */

uint64_t sched_cpu_time_ns(struct vcpu *v)
{
	struct run_queue *rq = sched_lock_queue_of(v);
	uint64_t time_ns = v->sched.cpu_time_ns;
	uint64_t now = time_now_ns();

	if (rq->running == v && now > v->sched.run_since_ns) {
		time_ns += now - v->sched.run_since_ns;
	}
	spin_unlock(&rq->lock);
	return time_ns;
}

int sched_set_affinity(struct vcpu *v, const struct cpu_mask *affinity)
{
	struct run_queue *rq;
	bool any = false;

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		any = any || cpu_mask_test(affinity, cpu);
	}
	if (!any) {
		return -XEN_EINVAL;
	}
	rq = sched_lock_queue_of(v);
	v->sched.affinity = *affinity;
	if (sched_is_queued(v)) {
		if (sched_is_allowed(v, rq->cpu)) {
			sched_offer(rq); /* perhaps to a CPU that was not allowed before */
		} else {
			sched_queue_remove(rq, v);
		}
	} else if (rq->running == v && !sched_is_allowed(v, rq->cpu)) {
		sched_resched(rq);
	}
	sched_place(rq, v, time_now_ns());
	return 0;
}

int sched_pin(struct vcpu *v, unsigned int cpu)
{
	struct cpu_mask only = {{0}};
	int ret;

	if (cpu >= nr_cpus) {
		return -XEN_EINVAL;
	}
	if (v->sched.pinned) {
		return -XEN_EBUSY;
	}
	v->sched.unpinned_affinity = v->sched.affinity;
	cpu_mask_set(&only, cpu);
	ret = sched_set_affinity(v, &only);
	v->sched.pinned = ret == 0;
	return ret;
}

int sched_unpin(struct vcpu *v)
{
	if (!v->sched.pinned) {
		return -XEN_EINVAL;
	}
	v->sched.pinned = false;
	return sched_set_affinity(v, &v->sched.unpinned_affinity);
}

int sched_set_weight(struct vcpu *v, unsigned int weight)
{
	struct run_queue *rq;

	if (weight == 0 || weight > SCHED_WEIGHT_MAX) {
		return -XEN_EINVAL;
	}
	rq = sched_lock_queue_of(v);
	sched_queue_set_weight(rq, v, weight, time_now_ns());
	spin_unlock(&rq->lock);
	return 0;
}
