/* SPDX-License-Identifier: MIT */
/* What a CPU needs for scheduling: its queue, its slice timer, the kick from other CPUs, and the dump. */
#include "sched/sched_internal.h"

#include "arm64/atomic.h"
#include "console/console.h"
#include "gic/gic.h"
#include "lib/assert.h"
#include "lib/log.h"

DEFINE_PER_CPU(struct run_queue, run_queue);
DEFINE_PER_CPU(struct vcpu *, current_vcpu);
DEFINE_PER_CPU(bool, need_resched);
/* A kick was sent and not taken yet. */
static DEFINE_PER_CPU(bool, kick_under_way);

/*
 * The kick.
 *
 * The sender has published work (in a run queue, a vCPU's virtual interrupts, an epoch) and wants the
 * target's exit path to see it. Whatever the target does, the SGI gets it there:
 *  - in a guest: the interrupt is taken to EL2;
 *  - in EL2: it stays pending, as interrupts are masked, and is taken right after the ERET;
 *  - in WFI: a pending interrupt ends it, masked or not; one that became pending before makes it a no-op.
 *
 * Only the first of several kicks sends. The exchange below is ordered after the sender's work, and the one
 * in take_kick() before the target's looking: a sender that finds the flag set comes, in the order of the
 * flag's values, before the exchange that clears it, and that acquires what the sender released.
 */
void sched_kick(unsigned int cpu)
{
	if (cpu != this_cpu_id() && !atomic_exchange(&per_cpu(kick_under_way, cpu), true)) {
		gic_send_sgi(cpu, INTID_SGI_KICK);
	}
}

/* The exit path and the idle loop look at everything anyway. */
static void take_kick(uint32_t intid)
{
	(void)intid;
	(void)atomic_exchange(&this_cpu(kick_under_way), false);
}

/*
 * need_resched is stored under the queue's lock, and take_next() clears it under the same lock: whoever
 * stores after that has changed the queue after that, too.
 */
void sched_resched(struct run_queue *rq)
{
	ASSERT(spin_is_mine(&rq->lock));
	WRITE_ONCE(per_cpu(need_resched, rq->cpu), true);
	sched_kick(rq->cpu);
}

static void slice_timer_fired(struct timer *timer)
{
	struct run_queue *rq = container_of(timer, struct run_queue, slice_timer);

	rq->armed_ns = SCHED_NEVER;
	this_cpu(need_resched) = true;
}

void sched_init_cpu(void)
{
	struct run_queue *rq = &this_cpu(run_queue);

	sched_queue_init(rq, this_cpu_id());
	timer_setup(&rq->slice_timer, slice_timer_fired);
	this_cpu(current_vcpu) = NULL;
	/* The first way into a guest goes through sched_run(). */
	this_cpu(need_resched) = true;
	this_cpu(kick_under_way) = false;
	/* The boot CPU is here before it lets the others come. */
	if (this_cpu_id() == 0) {
		if (irq_register(INTID_SGI_KICK, take_kick) != 0) {
			panic("the scheduler cannot have SGI %d", INTID_SGI_KICK);
		}
		console_key_register('r', "run queues", sched_dump);
	}
	gic_enable(INTID_SGI_KICK);
}

static const char *const state_name[] = {
	[SCHED_OFFLINE] = "offline",
	[SCHED_BLOCKED] = "blocked",
	[SCHED_RUNNABLE] = "runnable",
	[SCHED_RUNNING] = "running",
};

static void dump_vcpu(const struct vcpu *v, const char *what)
{
	log_always("  %-8s d%uv%u: weight %u, tag %llu, %llu ms of CPU, %s%s", what, v->domain->id, v->id,
		 v->sched.weight, (unsigned long long)v->sched.start_tag,
		 (unsigned long long)(v->sched.cpu_time_ns / 1000000), state_name[v->sched.state],
		 v->sched.pause_count > 0 ? ", paused" : "");
}

void sched_dump(void)
{
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		struct run_queue *rq = &per_cpu(run_queue, cpu);
		struct list *at;

		spin_lock(&rq->lock);
		log_always("CPU %u: %s, %u waiting, load %u, virtual time %llu", cpu,
			 rq->running == NULL ? "idle" : "busy", rq->nr_waiting, rq->load,
			 (unsigned long long)rq->virtual_time);
		if (rq->running != NULL) {
			dump_vcpu(rq->running, "runs");
		}
		list_for_each(at, &rq->waiting) {
			dump_vcpu(list_entry(at, struct vcpu, sched.link), "waits");
		}
		spin_unlock(&rq->lock);
	}
	/* Blocked and offline vCPUs are in no queue. */
	for (struct domain *d = domain_get_next(0); d != NULL;) {
		uint16_t next = (uint16_t)(d->id + 1);

		for (unsigned int i = 0; i < d->nr_vcpus; i++) {
			const struct vcpu *v = d->vcpu[i];

			if (v->sched.state == SCHED_BLOCKED || v->sched.state == SCHED_OFFLINE) {
				dump_vcpu(v, "rests");
			}
		}
		domain_put(d);
		d = domain_get_next(next);
	}
}
