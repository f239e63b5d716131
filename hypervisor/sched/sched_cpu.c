/* SPDX-License-Identifier: MIT */
/* What a CPU needs for scheduling: its queue, its slice timer, the kick from other CPUs, and the
 * dump. */
#include "sched/sched_internal.h"

#include "arm64/atomic.h"
#include "console/console.h"
#include "gic/gic.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "vgic/vgic.h"

DEFINE_PER_CPU(struct run_queue, run_queue);
DEFINE_PER_CPU(struct vcpu *, current_vcpu);
/* A kick was sent and not taken yet. */
static DEFINE_PER_CPU(bool, kick_under_way);

/*
 * The kick.
 *
 * The sender has published work (in a run queue, a vCPU's virtual interrupts, an epoch) and wants
 * the target's exit path to see it. Whatever the target does, the SGI gets it there:
 *  - in a guest: the interrupt is taken to EL2;
 *  - in EL2: it stays pending, as interrupts are masked, and is taken right after the ERET;
 *  - in WFI: a pending interrupt ends it, masked or not, also if it came before the WFI.
 *
 * Only the first of several kicks sends. The exchange below is ordered after the sender's work, and
 * the one in take_kick() before the target's looking: a sender that finds the flag set comes, in
 * the order of the flag's values, before the exchange that clears it, and that acquires what the
 * sender released.
 */
void sched_kick(unsigned int cpu)
{
	if (cpu != this_cpu_id() && !atomic_exchange(&per_cpu(kick_under_way, cpu), true)) {
		gic_send_sgi(cpu, INTID_SGI_KICK);
	}
}

/*
 * The exit path and the idle loop look at everything anyway. But the exit path may be far, behind work that has been put
 * off or waits for an epoch, and who waits for the vCPU's list registers (vgic_refresh()) does nothing else meanwhile.
 */
static void take_kick(uint32_t intid)
{
	struct vcpu *v = current_vcpu();

	(void)intid;
	(void)atomic_exchange(&this_cpu(kick_under_way), false);
	if (v != NULL && unlikely(READ_ONCE(v->work.refresh))) {
		vgic_sync(v);
	}
}

/*
 * cpu_work.resched is stored under the queue's lock, and take_next() clears it under the same lock:
 * whoever stores after that has changed the queue after that, too.
 */
void sched_resched(struct run_queue *rq)
{
	ASSERT(spin_is_mine(&rq->lock));
	WRITE_ONCE(per_cpu(cpu_work, rq->cpu).resched, true);
	sched_kick(rq->cpu);
}

static void slice_timer_fired(struct timer *timer)
{
	struct run_queue *rq = container_of(timer, struct run_queue, slice_timer);

	rq->armed_ns = SCHED_NEVER;
	this_cpu(cpu_work).resched = true;
}

void sched_init_cpu(void)
{
	struct run_queue *rq = &this_cpu(run_queue);

	sched_queue_init(rq, this_cpu_id());
	sched_wake_init_cpu();
	timer_setup(&rq->slice_timer, slice_timer_fired);
	this_cpu(current_vcpu) = NULL;
	/* The first way into a guest goes through sched_run(). */
	this_cpu(cpu_work).resched = true;
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

/* What is printed of a vCPU: the queue's lock is not held while the console is waited for. */
struct snapshot {
	unsigned int domid, id, weight;
	uint64_t tag, time_ms;
	enum sched_state state;
	bool paused;
};

#define MAX_SNAPSHOTS 16

static struct snapshot take_snapshot(const struct vcpu *v)
{
	return (struct snapshot){
		.domid = v->domain->id,
		.id = v->id,
		.weight = v->sched.weight,
		.tag = v->sched.start_tag,
		.time_ms = v->sched.cpu_time_ns / 1000000,
		.state = v->sched.state,
		.paused = v->sched.pause_count > 0,
	};
}

static void print_vcpu(const struct snapshot *s, const char *what)
{
	log_always("  %-5s d%uv%u: weight %u, tag %llu, %llu ms of CPU, %s%s", what, s->domid,
		   s->id, s->weight, (unsigned long long)s->tag, (unsigned long long)s->time_ms,
		   state_name[s->state], s->paused ? ", paused" : "");
}

static void dump_queue(struct run_queue *rq)
{
	struct snapshot running = {0}, waiting[MAX_SNAPSHOTS];
	unsigned int nr_waiting, nr = 0;
	uint64_t virtual_time;
	struct list *at;
	uint32_t load;
	bool idle;

	spin_lock(&rq->lock);
	idle = rq->running == NULL;
	if (!idle) {
		running = take_snapshot(rq->running);
	}
	nr_waiting = rq->nr_waiting;
	load = rq->load;
	virtual_time = rq->virtual_time;
	list_for_each(at, &rq->waiting) {
		if (nr < MAX_SNAPSHOTS) {
			waiting[nr++] = take_snapshot(list_entry(at, struct vcpu, sched.link));
		}
	}
	spin_unlock(&rq->lock);

	log_always("CPU %u: %s, %u waiting, load %u, virtual time %llu", rq->cpu,
		   idle ? "idle" : "busy", nr_waiting, load, (unsigned long long)virtual_time);
	if (!idle) {
		print_vcpu(&running, "runs");
	}
	for (unsigned int i = 0; i < nr; i++) {
		print_vcpu(&waiting[i], "waits");
	}
	if (nr < nr_waiting) {
		log_always("  and %u more", nr_waiting - nr);
	}
}

/* Blocked and offline vCPUs are in no queue. */
static void dump_resting(const struct domain *d)
{
	for (unsigned int i = 0; i < d->nr_vcpus; i++) {
		const struct vcpu *v = d->vcpu[i];

		if (v->sched.state == SCHED_BLOCKED || v->sched.state == SCHED_OFFLINE) {
			struct snapshot s = take_snapshot(v);

			print_vcpu(&s, "rests");
		}
	}
}

void sched_dump(void)
{
	struct domain *d = domain_get_next(0);

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		dump_queue(&per_cpu(run_queue, cpu));
	}
	while (d != NULL) {
		uint16_t next = (uint16_t)(d->id + 1);

		dump_resting(d);
		domain_put(d);
		d = domain_get_next(next);
	}
}
