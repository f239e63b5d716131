/* SPDX-License-Identifier: MIT */
/*
 * One-shot timers: for each CPU a list sorted by deadline, and the CPU's EL2 physical timer (CNTHP) set for its
 * first entry. Queues are short (a slice, and two timers for each vCPU that went to sleep here), so a list it is.
 *
 * Any CPU may take a timer out of another one's queue; the other's hardware timer then fires once for nothing.
 *
 * queued is claimed, atomically and without a lock, by who is about to insert the timer, so that no two CPUs insert
 * it. cpu changes under the lock of the queue that it names, from NO_CPU on insertion and to NO_CPU on removal: who
 * holds a queue's lock and finds its number there has the timer in its list.
 *
 * Many timers may have one deadline, as guests choose it. The interrupt handler calls CALLS_AT_ONCE, and has the next interrupt come
 * GAP_NS later, so that others are served in between (S3): of one priority, those of a lower number come first.
 */
#include "time/time_internal.h"

#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "arm64/cpu.h"
#include "arm64/percpu.h"
#include "arm64/sysreg.h"
#include "gic/gic.h"
#include "lib/assert.h"
#include "lib/lock.h"

#define NO_CPU        UINT16_MAX
/* As many as one CPU's own ends of slices and one vCPU's sleep. */
#define CALLS_AT_ONCE 2
/* Long enough to leave the handler, short enough that 500 timers are not late by much. */
#define GAP_NS        2000

struct timer_queue {
	struct spinlock lock; /* the list, and link, deadline and cpu of each timer in it */
	struct list timers;
	struct timer *running; /* its callback is being called; written by this CPU only */
};

static DEFINE_PER_CPU(struct timer_queue, timer_queue);

static struct timer *first_of(const struct timer_queue *queue)
{
	return list_empty(&queue->timers) ? NULL
					  : list_entry(queue->timers.next, struct timer, link);
}

static void program(uint64_t deadline_ticks)
{
	sysreg_write(CNTHP_CVAL_EL2, deadline_ticks);
	sysreg_write(CNTHP_CTL_EL2, CNT_CTL_ENABLE);
	isb(); /* the interrupt line falls before the interrupt is deactivated */
}

/* This CPU's queue has a new first entry, or none. */
static void program_hardware(const struct timer_queue *queue)
{
	const struct timer *first = first_of(queue);

	if (first == NULL) {
		sysreg_write(CNTHP_CTL_EL2, 0);
		isb(); /* as above */
	} else {
		program(first->deadline_ticks);
	}
}

static void insert(struct timer_queue *queue, struct timer *timer)
{
	struct list *at;

	/* Behind those of the same deadline. */
	list_for_each(at, &queue->timers) {
		if (list_entry(at, struct timer, link)->deadline_ticks > timer->deadline_ticks) {
			break;
		}
	}
	list_insert_before(&timer->link, at);
}

static void take_out(struct timer *timer)
{
	list_remove(&timer->link);
	WRITE_ONCE(timer->cpu, NO_CPU);
	/* The next to claim it finds it as left here: pairs with the exchange in timer_set(). */
	atomic_store_release(&timer->queued, false);
}

static bool is_due(const struct timer_queue *queue, uint64_t now)
{
	const struct timer *first = first_of(queue);

	return first != NULL && first->deadline_ticks <= now;
}

/* The first one is due. The lock is held before and after. */
static void call_first(struct timer_queue *queue)
{
	struct timer *timer = first_of(queue);

	/* In this order: who sees it in no queue sees it running (timer_cancel_sync()). */
	WRITE_ONCE(queue->running, timer);
	take_out(timer);
	spin_unlock(&queue->lock);
	timer->callback(timer);
	spin_lock(&queue->lock);
	/* All that the callback did is over: pairs with the load in timer_cancel_sync(). */
	atomic_store_release(&queue->running, NULL);
}

static void timer_interrupt(uint32_t intid)
{
	struct timer_queue *queue = &this_cpu(timer_queue);
	uint64_t now = time_ticks();

	spin_lock(&queue->lock);
	for (unsigned int n = 0; n < CALLS_AT_ONCE && is_due(queue, now); n++) {
		call_first(queue);
	}
	if (is_due(queue, now)) {
		program(time_ticks() + time_ns_to_ticks(GAP_NS));
	} else {
		program_hardware(queue);
	}
	spin_unlock(&queue->lock);
}

void timer_init_cpu(uint32_t intid)
{
	struct timer_queue *queue = &this_cpu(timer_queue);
	int error;

	spin_lock_init(&queue->lock, LOCK_RANK_TIMER);
	list_init(&queue->timers);
	program_hardware(queue);
	error = irq_register(intid, timer_interrupt);
	if (error != 0) {
		panic("time: cpu%u: interrupt %u is taken (error %d)", this_cpu_id(), intid, error);
	}
	gic_set_trigger(intid, GIC_LEVEL);
	gic_enable(intid);
}

void timer_setup(struct timer *timer, void (*callback)(struct timer *timer))
{
	list_init(&timer->link);
	timer->callback = callback;
	timer->queued = false;
	timer->cpu = NO_CPU;
}

void timer_cancel(struct timer *timer)
{
	while (atomic_load_acquire(&timer->queued)) {
		unsigned int cpu = READ_ONCE(timer->cpu);
		struct timer_queue *queue;

		if (cpu == NO_CPU) {
			cpu_relax(); /* another CPU is about to insert it, or has just taken it out */
			continue;
		}
		queue = &per_cpu(timer_queue, cpu);
		spin_lock(&queue->lock);
		/* Else it went off, or moved to another queue, while the lock was being taken. */
		if (READ_ONCE(timer->cpu) == cpu) {
			bool was_first = first_of(queue) == timer;

			take_out(timer);
			if (was_first && cpu == this_cpu_id()) {
				program_hardware(queue);
			}
		}
		spin_unlock(&queue->lock);
	}
}

void timer_set(struct timer *timer, uint64_t deadline_ticks)
{
	struct timer_queue *queue = &this_cpu(timer_queue);

	do {
		timer_cancel(timer);
	} while (atomic_exchange(&timer->queued, true));

	spin_lock(&queue->lock);
	timer->deadline_ticks = deadline_ticks;
	insert(queue, timer);
	WRITE_ONCE(timer->cpu, (uint16_t)this_cpu_id());
	if (first_of(queue) == timer) {
		program_hardware(queue);
	}
	spin_unlock(&queue->lock);
}

void timer_cancel_sync(struct timer *timer)
{
	timer_cancel(timer);
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		const struct timer_queue *queue = &per_cpu(timer_queue, cpu);

		ASSERT(cpu != this_cpu_id() || queue->running != timer);
		while (atomic_load_acquire(&queue->running) == timer) {
			cpu_relax();
		}
	}
	/* The callback may have set it again. */
	timer_cancel(timer);
}
