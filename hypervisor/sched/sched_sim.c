/* SPDX-License-Identifier: MIT */
/* The simulated machine of sched_sim.h. */
#include "sched/sched_sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "console/console.h"
#include "gic/gic.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "sched/sched_internal.h"
#include "tests/unit/fake_machine.h"

#define MAX_SIM_CPUS 8
#define STACK_BYTES  262144
#define MAX_EVENTS   4096
#define LONG_AGO     UINT64_C(1000000000) /* simulated time begins here */

enum place {
	IN_EL2,
	IN_GUEST,
	IN_WFI
};

struct sim_cpu {
	ucontext_t context;
	void *stack;
	enum place place;
	bool sgi;
	struct timer *timer;
	struct vcpu *loaded;
	unsigned int nr_locks;
	const struct run_queue *locked; /* the first of them */
};

struct event {
	uint64_t time_ns;
	unsigned int cpu;
	void (*action)(struct sim_vcpu *v);
	struct sim_vcpu *v;
};

static struct {
	unsigned int nr_cpus;
	struct sim_cpu cpu[MAX_SIM_CPUS];
	ucontext_t main_context;
	struct sim_vcpu *vcpu[SIM_MAX_VCPUS];
	struct domain *domain[SIM_MAX_VCPUS];
	unsigned int nr_vcpus;
	struct event event[MAX_EVENTS];
	unsigned int nr_events;
	uint64_t now;
	uint64_t random;
	bool interleave;
	bool running; /* CPUs run, not the test's own code */
	irq_handler_t kick_handler;
	unsigned int nr_kicks, nr_timers, nr_timers_set, nr_stopped_checks, references;
} sim;

uint32_t sim_random(uint32_t below)
{
	/* xorshift64* (S. Vigna, 2016) */
	sim.random ^= sim.random >> 12;
	sim.random ^= sim.random << 25;
	sim.random ^= sim.random >> 27;
	return (uint32_t)((sim.random * UINT64_C(2685821657736338717)) >> 33) % below;
}

static struct sim_vcpu *sim_of(struct vcpu *v)
{
	return (struct sim_vcpu *)v; /* its first member */
}

static struct sim_cpu *this_sim_cpu(void)
{
	return &sim.cpu[fake_machine_cpu];
}

static void leave(enum place place)
{
	struct sim_cpu *cpu = this_sim_cpu();

	cpu->place = place;
	swapcontext(&cpu->context, &sim.main_context);
	cpu->place = IN_EL2;
}

/* No lock is held: another CPU may go on. */
static void interleave(void)
{
	assert_int_equal(this_sim_cpu()->nr_locks, 0);
	if (sim.interleave && sim.running && sim_random(2) == 0) {
		leave(IN_EL2);
	}
}

/* ---- locks: another CPU may go on before one is taken and after one is released -------------- */

void spin_lock_init(struct spinlock *lock, enum lock_rank rank)
{
	assert_int_equal(rank, LOCK_RANK_SCHED);
	lock->owner = 0;
}

static void take(struct spinlock *lock)
{
	/* CPUs go on in each other's stead only while they hold none. */
	assert_int_equal(lock->owner, 0);
	lock->owner = (uint16_t)(fake_machine_cpu + 1);
	this_sim_cpu()->nr_locks++;
}

void spin_lock(struct spinlock *lock)
{
	interleave();
	this_sim_cpu()->locked = container_of(lock, struct run_queue, lock);
	take(lock);
}

void spin_lock_second(struct spinlock *lock)
{
	assert_int_equal(this_sim_cpu()->nr_locks, 1);
	assert_true(this_sim_cpu()->locked->cpu < container_of(lock, struct run_queue, lock)->cpu);
	take(lock);
}

void spin_unlock(struct spinlock *lock)
{
	assert_int_equal(lock->owner, fake_machine_cpu + 1);
	lock->owner = 0;
	if (--this_sim_cpu()->nr_locks == 0) {
		interleave();
	}
}

bool spin_is_mine(const struct spinlock *lock)
{
	return lock->owner == fake_machine_cpu + 1;
}

void lock_assert_none_held(void)
{
	assert_int_equal(this_sim_cpu()->nr_locks, 0);
}

/* ---- what the scheduler calls --------------------------------------------------------------- */

uint64_t time_now_ns(void)
{
	return sim.now;
}

uint64_t time_ticks(void)
{
	return sim.now;
}

uint64_t time_ns_to_ticks(uint64_t ns)
{
	return ns;
}

void timer_setup(struct timer *timer, void (*callback)(struct timer *timer))
{
	timer->callback = callback;
}

void timer_set(struct timer *timer, uint64_t deadline_ticks)
{
	timer->deadline_ticks = deadline_ticks;
	timer->queued = true;
	this_sim_cpu()->timer = timer;
	sim.nr_timers_set++;
}

void timer_cancel(struct timer *timer)
{
	timer->queued = false;
}

int irq_register(uint32_t intid, irq_handler_t handler)
{
	assert_int_equal(intid, INTID_SGI_KICK);
	sim.kick_handler = handler;
	return 0;
}

void gic_enable(uint32_t intid)
{
}

void gic_send_sgi(unsigned int cpu, uint32_t sgi)
{
	assert_int_equal(sgi, INTID_SGI_KICK);
	assert_int_not_equal(cpu, fake_machine_cpu);
	sim.cpu[cpu].sgi = true;
	sim.nr_kicks++;
}

void console_key_register(char key, const char *description, void (*action)(void))
{
}

void log_write(enum log_level level, const char *format, ...)
{
}

void vcpu_switch(struct vcpu *prev, struct vcpu *next)
{
	unsigned int here = fake_machine_cpu + 1;

	interleave();
	if (prev != NULL) {
		assert_int_equal(sim_of(prev)->loaded_on, here);
		assert_true(sched_is_running(prev));
		sim_of(prev)->loaded_on = 0;
	}
	interleave();
	if (next != NULL) {
		assert_int_equal(sim_of(next)->loaded_on, 0);
		assert_true(sched_is_running(next));
		sim_of(next)->loaded_on = here;
		sim_of(next)->nr_switches++;
	}
	this_sim_cpu()->loaded = next;
	interleave();
}

bool vgic_has_pending(struct vcpu *v)
{
	bool pending;

	interleave();
	pending = sim_of(v)->interrupt;
	interleave();
	return pending;
}

void vtimer_sync(struct vcpu *v)
{
	interleave();
}

void vgic_sync(struct vcpu *v)
{
	assert_int_equal(sim_of(v)->loaded_on, fake_machine_cpu + 1);
	WRITE_ONCE(v->work.refresh, false);
}

bool event_upcall_pending(const struct vcpu *v)
{
	return false;
}

struct domain *domain_get(uint16_t domid)
{
	interleave();
	sim.references++;
	return sim.domain[domid];
}

struct domain *domain_get_next(uint16_t domid)
{
	if (domid >= sim.nr_vcpus) {
		return NULL;
	}
	return domain_get(domid);
}

void domain_get_again(struct domain *d)
{
	sim.references++;
}

void domain_put(struct domain *d)
{
	assert_int_not_equal(sim.references, 0);
	sim.references--;
}

void domain_check_stopped(struct domain *d)
{
	lock_assert_none_held();
	sim.nr_stopped_checks++;
}

void epoch_poll(void)
{
	interleave();
}

bool frame_pool_scrub_idle(void)
{
	interleave();
	return sim_random(8) == 0;
}

void epoch_idle_enter(void)
{
	/* The WFI itself: until an interrupt is pending. */
	leave(IN_WFI);
}

void epoch_idle_leave(void)
{
}

static bool event_is_due(const struct event *event, unsigned int cpu)
{
	return event->cpu == cpu && event->time_ns <= sim.now;
}

static bool timer_is_due(const struct timer *timer)
{
	return timer != NULL && timer->queued && timer->deadline_ticks <= sim.now;
}

void irq_handle_pending(void)
{
	struct sim_cpu *cpu = this_sim_cpu();

	if (cpu->sgi) {
		cpu->sgi = false;
		sim.kick_handler(INTID_SGI_KICK);
	}
	if (timer_is_due(cpu->timer)) {
		cpu->timer->queued = false;
		sim.nr_timers++;
		cpu->timer->callback(cpu->timer);
	}
	for (unsigned int i = 0; i < sim.nr_events;) {
		struct event event = sim.event[i];

		if (!event_is_due(&event, fake_machine_cpu)) {
			i++;
			continue;
		}
		sim.event[i] = sim.event[--sim.nr_events];
		event.action(event.v);
		interleave();
		i = 0;
	}
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

static bool interrupt_is_pending(unsigned int n)
{
	const struct sim_cpu *cpu = &sim.cpu[n];

	if (cpu->sgi || timer_is_due(cpu->timer)) {
		return true;
	}
	for (unsigned int i = 0; i < sim.nr_events; i++) {
		if (event_is_due(&sim.event[i], n)) {
			return true;
		}
	}
	return false;
}

static void wait_for_interrupt(struct sim_vcpu *v)
{
	interleave();
	v->left_ns = v->run_ns;
	if (v->yields) {
		sched_yield(&v->vcpu);
		return;
	}
	if (v->sleep_ns > 0) {
		sim_at(sim.now + v->sleep_ns, fake_machine_cpu, sim_interrupt, v);
	}
	sched_wait_for_interrupt(&v->vcpu);
}

static void cpu_main(void)
{
	for (;;) {
		struct sim_vcpu *v;

		while (this_cpu(cpu_work).resched || current_vcpu() == NULL) {
			sched_run();
			interleave();
		}
		v = sim_of(current_vcpu());
		assert_int_equal(v->loaded_on, fake_machine_cpu + 1);
		v->interrupt = false; /* taken */
		leave(IN_GUEST);
		if (interrupt_is_pending(fake_machine_cpu)) {
			irq_handle_pending();
		} else if (v->run_ns > 0 && v->left_ns == 0) {
			wait_for_interrupt(v);
		}
	}
}

void sim_start(unsigned int nr, uint32_t seed, bool with_interleaving)
{
	fake_machine_reset();
	memset(&sim, 0, sizeof(sim));
	sim.nr_cpus = nr;
	nr_cpus = nr;
	sim.now = LONG_AGO;
	sim.random = UINT64_C(0x9e3779b97f4a7c15) * (seed + 1);
	sim.interleave = with_interleaving;
	for (unsigned int n = 0; n < nr; n++) {
		struct sim_cpu *cpu = &sim.cpu[n];

		fake_machine_set_cpu(n);
		sched_init_cpu();
		cpu->stack = malloc(STACK_BYTES);
		getcontext(&cpu->context);
		cpu->context.uc_stack.ss_sp = cpu->stack;
		cpu->context.uc_stack.ss_size = STACK_BYTES;
		makecontext(&cpu->context, cpu_main, 0);
		cpu->place = IN_EL2;
	}
	fake_machine_set_cpu(0);
}

void sim_stop(void)
{
	for (unsigned int n = 0; n < sim.nr_cpus; n++) {
		fake_machine_set_cpu(n);
		sched_withdraw_idle(&this_cpu(run_queue));
		free(sim.cpu[n].stack);
	}
	fake_machine_set_cpu(0);
	for (unsigned int n = 0; n < sim.nr_vcpus; n++) {
		free(sim.vcpu[n]);
		free(sim.domain[n]);
	}
	assert_int_equal(sim.references, 0);
}

struct sim_vcpu *sim_vcpu(uint64_t run_ns, uint64_t sleep_ns)
{
	struct sim_vcpu *v = calloc(1, sizeof(*v));
	struct domain *d = calloc(1, sizeof(*d));

	assert_true(sim.nr_vcpus < SIM_MAX_VCPUS);
	d->id = (uint16_t)sim.nr_vcpus;
	d->nr_vcpus = 1;
	d->vcpu[0] = &v->vcpu;
	v->vcpu.domain = d;
	v->run_ns = v->left_ns = run_ns;
	v->sleep_ns = sleep_ns;
	sched_vcpu_init(&v->vcpu);
	sim.domain[sim.nr_vcpus] = d;
	sim.vcpu[sim.nr_vcpus++] = v;
	return v;
}

unsigned int sim_nr_vcpus(void)
{
	return sim.nr_vcpus;
}

struct sim_vcpu *sim_get_vcpu(unsigned int n)
{
	return sim.vcpu[n];
}

uint64_t sim_now(void)
{
	return sim.now - LONG_AGO;
}

bool sim_is_idle(unsigned int cpu)
{
	return sim.cpu[cpu].place == IN_WFI;
}

unsigned int sim_nr_kicks(void)
{
	return sim.nr_kicks;
}

unsigned int sim_nr_timers(void)
{
	return sim.nr_timers;
}

unsigned int sim_nr_timers_set(void)
{
	return sim.nr_timers_set;
}

unsigned int sim_nr_stopped_checks(void)
{
	return sim.nr_stopped_checks;
}

void sim_at(uint64_t time_ns, unsigned int cpu, void (*action)(struct sim_vcpu *v),
	    struct sim_vcpu *v)
{
	assert_true(sim.nr_events < MAX_EVENTS);
	if (time_ns < LONG_AGO) {
		time_ns += LONG_AGO; /* the caller counts from the start */
	}
	sim.event[sim.nr_events++] = (struct event){time_ns, cpu, action, v};
}

void sim_interrupt(struct sim_vcpu *v)
{
	v->interrupt = true;
	interleave();
	sched_wake(&v->vcpu);
}

/* ---- what must always hold ------------------------------------------------------------------ */

static void check_queue(unsigned int cpu)
{
	struct run_queue *rq = &per_cpu(run_queue, cpu);
	unsigned int nr = 0;
	uint32_t load = 0;
	uint64_t last_tag = 0;
	struct list *at;

	list_for_each(at, &rq->waiting) {
		struct vcpu *v = list_entry(at, struct vcpu, sched.link);

		assert_int_equal(v->sched.state, SCHED_RUNNABLE);
		assert_int_equal(v->sched.cpu, cpu);
		assert_int_equal(v->sched.pause_count, 0);
		assert_false(v->sched.on_cpu);
		assert_true(cpu_mask_test(&v->sched.affinity, cpu));
		assert_false(nr > 0 && sched_tag_before(v->sched.start_tag, last_tag));
		last_tag = v->sched.start_tag;
		load += v->sched.weight;
		nr++;
	}
	if (rq->running != NULL) {
		load += rq->running->sched.weight;
		assert_ptr_equal(rq->running, per_cpu(current_vcpu, cpu));
		assert_int_equal(rq->running->sched.state, SCHED_RUNNING);
		assert_true(rq->running->sched.on_cpu);
		assert_true(cpu_mask_test(&rq->running->sched.affinity, cpu));
		assert_int_equal(rq->running->sched.pause_count, 0);
	} else {
		assert_null(per_cpu(current_vcpu, cpu));
	}
	assert_int_equal(rq->nr_waiting, nr);
	assert_int_equal(rq->load, load);
	/* Tickless: a timer only if somebody waits; then there must be one. */
	if (nr > 0) {
		assert_true(sim.cpu[cpu].timer != NULL && sim.cpu[cpu].timer->queued);
	}
	/* Nobody sleeps while work that it may do waits behind someone else. */
	list_for_each(at, &rq->waiting) {
		const struct vcpu *v = list_entry(at, struct vcpu, sched.link);

		for (unsigned int other = 0; other < sim.nr_cpus; other++) {
			assert_false(sim.cpu[other].place == IN_WFI &&
				     cpu_mask_test(&v->sched.affinity, other));
		}
	}
}

static void check_vcpu(struct sim_vcpu *s)
{
	const struct vcpu *v = &s->vcpu;
	bool ready = v->sched.state == SCHED_RUNNABLE && v->sched.pause_count == 0;

	assert_int_equal(v->sched.on_cpu, s->loaded_on != 0);
	assert_int_equal(v->sched.state == SCHED_RUNNING, s->loaded_on != 0);
	assert_int_equal(!list_empty(&v->sched.link), ready);
	/* A wake-up is never lost. */
	assert_false(v->sched.state == SCHED_BLOCKED && s->interrupt);
	if (ready && !s->was_ready) {
		s->ready_since_ns = sim.now;
	} else if (s->was_ready && sim.now - s->ready_since_ns > s->longest_wait_ns) {
		s->longest_wait_ns = sim.now - s->ready_since_ns;
	}
	s->was_ready = ready;
}

/* All CPUs are in a guest or asleep. */
static void check(void)
{
	for (unsigned int n = 0; n < sim.nr_cpus; n++) {
		check_queue(n);
	}
	for (unsigned int n = 0; n < sim.nr_vcpus; n++) {
		check_vcpu(sim.vcpu[n]);
	}
}

/* ---- time ----------------------------------------------------------------------------------- */

static bool can_go_on(unsigned int n)
{
	const struct sim_cpu *cpu = &sim.cpu[n];
	const struct sim_vcpu *v = cpu->loaded == NULL ? NULL : sim_of(cpu->loaded);

	return cpu->place == IN_EL2 || interrupt_is_pending(n) ||
	       (cpu->place == IN_GUEST && v->run_ns > 0 && v->left_ns == 0);
}

static uint64_t next_event(uint64_t end)
{
	for (unsigned int n = 0; n < sim.nr_cpus; n++) {
		const struct sim_cpu *cpu = &sim.cpu[n];
		const struct sim_vcpu *v = cpu->loaded == NULL ? NULL : sim_of(cpu->loaded);

		if (cpu->timer != NULL && cpu->timer->queued) {
			end = MIN(end, cpu->timer->deadline_ticks);
		}
		if (cpu->place == IN_GUEST && v->run_ns > 0) {
			end = MIN(end, sim.now + v->left_ns);
		}
	}
	for (unsigned int i = 0; i < sim.nr_events; i++) {
		end = MIN(end, sim.event[i].time_ns);
	}
	return end;
}

static void pass_time(uint64_t until)
{
	for (unsigned int n = 0; n < sim.nr_cpus; n++) {
		struct sim_vcpu *v = sim.cpu[n].place == IN_GUEST ? sim_of(sim.cpu[n].loaded) : NULL;

		if (v != NULL) {
			v->served_ns += until - sim.now;
			v->left_ns -= MIN(v->left_ns, until - sim.now);
		}
	}
	sim.now = until;
}

void sim_run_until(uint64_t time_ns)
{
	const uint64_t end = time_ns + LONG_AGO;
	unsigned int turns = 0;

	for (;;) {
		unsigned int able[MAX_SIM_CPUS], nr = 0;

		for (unsigned int n = 0; n < sim.nr_cpus; n++) {
			if (can_go_on(n)) {
				able[nr++] = n;
			}
		}
		if (nr > 0) {
			assert_true(turns++ < 100000); /* or CPUs keep each other busy for nothing */
			fake_machine_set_cpu(able[sim_random(nr)]);
			sim.running = true;
			swapcontext(&sim.main_context, &this_sim_cpu()->context);
			sim.running = false;
			continue;
		}
		turns = 0;
		check();
		fake_machine_log_clear();
		if (sim.now >= end) {
			break;
		}
		pass_time(next_event(end));
	}
	fake_machine_set_cpu(0);
}
