/* SPDX-License-Identifier: MIT */
/*
 * The life of a domain: ids, what is undone when a part cannot be made, who finds it when, and
 * stopping: the first reason, the last vCPU, pauses in between, and the end of the machine.
 */
#include "domain/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/boot.h"
#include "arm64/cpu.h"
#include "boot/boot_options.h"
#include "console/console.h"
#include "lib/log.h"
#include "tests/unit/fake_machine.h"
#include "time/wallclock.h"

struct gic_info gic_info;
struct boot_options boot_options;

static int blocks;        /* of Tenon's memory, in use */
static unsigned int left; /* allocations until they fail */
static int stage2_error, event_error, grant_error, vgic_error, vgic_vcpu_error;
static bool found_while_made;
static unsigned int clear_restarts, destroy_restarts;
static unsigned int nr_virqs;
static char calls[512];
static uint64_t nr_unclaimed;

/* ---- fakes --------------------------------------------------------------------------------------- */

static void call(const char *name)
{
	size_t length = strlen(calls);

	snprintf(calls + length, sizeof(calls) - length, "%s ", name);
}

void *hyp_alloc(unsigned int order)
{
	if (left == 0) {
		return NULL;
	}
	left--;
	blocks++;
	return calloc(1, PAGE_SIZE << order);
}

void hyp_free(void *va, unsigned int order)
{
	if (va != NULL) {
		blocks--;
		free(va);
	}
}

void *hyp_alloc_shared(uint16_t domid)
{
	return hyp_alloc(0);
}

void hyp_free_shared(void *va)
{
	call("shared");
	hyp_free(va, 0);
}

void frame_pool_unclaim(uint64_t nr)
{
	nr_unclaimed += nr;
}

int stage2_create(struct domain *d)
{
	struct domain *found = domain_get(d->id);

	rwlock_init(&d->stage2.lock, LOCK_RANK_STAGE2);
	if (found != NULL) {
		found_while_made = true;
		domain_put(found);
	}
	return stage2_error;
}

static void (*on_clear)(void);

int stage2_clear(struct domain *d)
{
	call("clear");
	if (on_clear) {
		on_clear();
	}
	return clear_restarts > 0 ? (clear_restarts--, -XEN_ERESTART) : 0;
}

int stage2_destroy(struct domain *d)
{
	call("destroy");
	return destroy_restarts > 0 ? (destroy_restarts--, -XEN_ERESTART) : 0;
}

void stage2_free_root(struct domain *d)
{
	call("root");
}

int event_domain_init(struct domain *d, uint32_t max_port)
{
	return event_error;
}

int event_domain_release(struct domain *d)
{
	call("ports");
	return 0;
}

void event_domain_fini(struct domain *d)
{
	call("events");
}

void event_vcpu_init(struct vcpu *v)
{
}

void event_raise_global_virq(unsigned int virq)
{
	assert_int_equal(virq, VIRQ_DOM_EXC);
	nr_virqs++;
}

static unsigned int maptrack_limit;

int grant_domain_init(struct domain *d, unsigned int max_frames, unsigned int max_maptrack)
{
	maptrack_limit = max_maptrack;
	return grant_error;
}

int grant_release_mappings(struct domain *d)
{
	call("mappings");
	return 0;
}

void grant_domain_fini(struct domain *d)
{
	call("grants");
}

void grant_domain_free(struct domain *d)
{
}

int vgic_domain_init(struct domain *d, enum gic_version version, unsigned int nr_spis)
{
	return vgic_error;
}

void vgic_domain_fini(struct domain *d)
{
	call("vgic");
}

int vgic_vcpu_init(struct vcpu *v)
{
	return v->id == 1 ? vgic_vcpu_error : 0;
}

void vtimer_vcpu_init(struct vcpu *v)
{
}

void vtimer_vcpu_fini(struct vcpu *v)
{
}

void runstate_init(struct vcpu *v)
{
}

void runstate_fini(struct vcpu *v)
{
}

/* Locks may be held where the last reference goes, so it is not done there. */
static void (*deferred)(void);
static unsigned int nr_served;

void sched_defer(void (*work)(void))
{
	deferred = work;
}

void irq_handle_pending(void)
{
	lock_assert_none_held();
	nr_served++;
}

static void run_deferred(void)
{
	void (*work)(void) = deferred;

	deferred = NULL;
	if (work != NULL) {
		work();
	}
}

void watchdog_fini(struct domain *d)
{
	call("watchdog");
}

void console_domain_fini(struct domain *d)
{
}

void vpl011_destroy(struct domain *d)
{
}

uint64_t time_ticks(void)
{
	return 1000;
}

uint64_t time_now_ns(void)
{
	return 16000;
}

void wallclock_init_domain(struct domain *d)
{
}

void vcpu_set_entry(struct vcpu *v, uint64_t pc, uint64_t x0)
{
	v->started = true;
}

void log_write(enum log_level level, const char *format, ...)
{
}

/* The machine does not come back. */
static jmp_buf machine;
enum end {
	RUNS,
	POWERED_OFF,
	RESET
};

void machine_power_off(void)
{
	longjmp(machine, POWERED_OFF);
}

void machine_reset(void)
{
	longjmp(machine, RESET);
}

/* A scheduler of counts: a started vCPU that is not paused runs when a test says so. */
void sched_vcpu_init(struct vcpu *v)
{
	v->sched = (struct sched_vcpu){.state = SCHED_OFFLINE};
}

void sched_start(struct vcpu *v)
{
	v->sched.state = SCHED_RUNNABLE;
}

void sched_pause(struct vcpu *v)
{
	/* With the state that it belongs to, or domain_check_stopped() could come in between. */
	assert_true(spin_is_mine(&v->domain->lock));
	v->sched.pause_count++;
}

void sched_unpause(struct vcpu *v)
{
	assert_true(spin_is_mine(&v->domain->lock));
	assert_true(v->sched.pause_count > 0);
	v->sched.pause_count--;
}

bool sched_is_running(const struct vcpu *v)
{
	return v->sched.on_cpu;
}

static void leave_cpu(struct vcpu *v)
{
	v->sched.on_cpu = false;
	domain_check_stopped(v->domain);
}

/* ---- fixture ------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	fake_machine_reset();
	blocks = 0;
	left = UINT32_MAX;
	stage2_error = event_error = grant_error = vgic_error = vgic_vcpu_error = 0;
	found_while_made = false;
	clear_restarts = destroy_restarts = nr_virqs = nr_served = 0;
	deferred = NULL;
	calls[0] = '\0';
	nr_unclaimed = 0;
	hardware_domain = NULL;
	memset(&boot_options, 0, sizeof(boot_options));
	return 0;
}

static int nothing_is_left(void **state)
{
	run_deferred();
	assert_int_equal(blocks, 0);
	assert_null(domain_get_next(0));
	lock_assert_none_held();
	return 0;
}

static const struct domain_config plain = {
	.domid = DOMID_INVALID,
	.name = "plain",
	.nr_vcpus = 2,
	.max_pages = 1024,
	.gic_version = GIC_V3,
};

static struct domain *make(const struct domain_config *config)
{
	struct domain *d = NULL;

	assert_int_equal(domain_create(config, &d), 0);
	return d;
}

static void destroy(struct domain *d)
{
	for (unsigned int id = 0; id < d->nr_vcpus; id++) {
		d->vcpu[id]->sched.on_cpu = false;
	}
	if (d->state != DOMAIN_CREATED) {
		d->state = DOMAIN_SHUTDOWN;
	}
	for (unsigned int n = 0; n < 8; n++) {
		int error = domain_destroy(d);

		if (error == 0) {
			return;
		}
		assert_int_equal(error, -XEN_ERESTART);
	}
	fail_msg("domain_destroy() does not end");
}

/* A limit of none is one: it may map no grants. */
static void the_limit_of_handles_is_what_was_said(void **state)
{
	struct domain_config config = plain;

	destroy(make(&config));
	assert_int_equal(maptrack_limit, 0);
	config.max_maptrack_frames = 7;
	destroy(make(&config));
	assert_int_equal(maptrack_limit, 7);
}

/* Another one, so that stopping the first does not stop the machine. */
static struct domain *bystander;

static struct domain *run_one(void)
{
	struct domain *d = make(&plain);

	bystander = make(&plain);
	vcpu_set_entry(d->vcpu[0], 0, 0);
	domain_unpause(d);
	assert_int_equal(d->vcpu[0]->sched.state, SCHED_RUNNABLE);
	d->vcpu[0]->sched.on_cpu = true;
	return d;
}

static void end_one(struct domain *d)
{
	destroy(d);
	destroy(bystander);
}

/* ---- creation ------------------------------------------------------------------------------------ */

static void ids_rove_upward(void **state)
{
	struct domain *a = make(&plain), *b = make(&plain), *c;
	uint16_t first = a->id;

	assert_true(first > 0);
	assert_int_equal(b->id, first + 1);
	destroy(b);
	/* Not the one that was just freed. */
	c = make(&plain);
	assert_int_equal(c->id, first + 2);
	destroy(a);
	destroy(c);
}

static void ids_come_round_without_the_reserved_ones(void **state)
{
	struct domain_config first = plain;
	struct domain *one, *d;
	uint16_t id;

	first.domid = 1;
	one = make(&first);
	do {
		d = make(&plain);
		id = d->id;
		assert_true(id > 1 && id < DOMID_FIRST_RESERVED);
		destroy(d);
		run_deferred(); /* the id is free */
	} while (id != DOMID_FIRST_RESERVED - 1);
	/* 1 is taken. */
	d = make(&plain);
	assert_int_equal(d->id, 2);
	destroy(d);
	destroy(one);
}

static void an_id_that_is_asked_for_is_given_once(void **state)
{
	struct domain_config config = plain;
	struct domain *d, *other = NULL;

	config.domid = 77;
	d = make(&config);
	assert_int_equal(d->id, 77);
	assert_int_equal(domain_create(&config, &other), -XEN_EEXIST);
	config.domid = DOMID_FIRST_RESERVED;
	assert_int_equal(domain_create(&config, &other), -XEN_EINVAL);
	destroy(d);
}

static void a_domain_starts_cold_paused_and_offline(void **state)
{
	struct domain *d = make(&plain);

	assert_false(d->warm);
	assert_int_equal(d->state, DOMAIN_CREATED);
	assert_int_equal(d->pause_count, 1);
	assert_int_equal(d->shutdown_reason, -1);
	assert_int_equal(d->max_pages, 1024);
	assert_string_equal(d->name, "plain");
	assert_int_equal(d->nr_vcpus, 2);
	for (unsigned int id = 0; id < d->nr_vcpus; id++) {
		assert_ptr_equal(d->vcpu[id]->domain, d);
		assert_int_equal(d->vcpu[id]->id, id);
		assert_false(d->vcpu[id]->started);
		assert_int_equal(d->vcpu[id]->sched.state, SCHED_OFFLINE);
		assert_int_equal(d->vcpu[id]->sched.pause_count, 1);
	}
	destroy(d);
}

static void aarch32_is_refused_where_a_cpu_has_none(void **state)
{
	struct domain_config config = plain;
	struct domain *d;

	config.is_32bit = true;
	d = make(&config);
	assert_true(d->is_32bit);
	destroy(d);
	cpu_features.aarch32_el1 = false;
	assert_int_equal(domain_create(&config, &d), -XEN_EINVAL);
	destroy(make(&plain));
}

static void absurd_numbers_of_vcpus_are_refused(void **state)
{
	struct domain_config config = plain;
	struct domain *d;

	config.nr_vcpus = 0;
	assert_int_equal(domain_create(&config, &d), -XEN_EINVAL);
	config.nr_vcpus = DOMAIN_MAX_VCPUS + 1;
	assert_int_equal(domain_create(&config, &d), -XEN_EINVAL);
	/* A GICv2 tells eight apart. */
	config.gic_version = GIC_V2;
	config.nr_vcpus = 9;
	assert_int_equal(domain_create(&config, &d), -XEN_EINVAL);
	config.nr_vcpus = 8;
	destroy(make(&config));
}

static void whatever_cannot_be_made_is_undone(void **state)
{
	static int *const errors[] = {&stage2_error, &event_error, &grant_error, &vgic_error,
				      &vgic_vcpu_error};
	struct domain *d = NULL;

	for (unsigned int n = 0; n < ARRAY_SIZE(errors); n++) {
		*errors[n] = -XEN_ENOSPC;
		clear_restarts = destroy_restarts = 2;
		assert_int_equal(domain_create(&plain, &d), -XEN_ENOSPC);
		*errors[n] = 0;
		run_deferred();
		assert_int_equal(blocks, 0);
		assert_null(domain_get_next(0));
	}
	/* Any allocation: the domain, its shared_info, its vCPUs. */
	for (unsigned int n = 0; n < 4; n++) {
		left = n;
		assert_int_equal(domain_create(&plain, &d), -XEN_ENOMEM);
		run_deferred();
		assert_int_equal(blocks, 0);
	}
	assert_null(d);
}

static void nobody_finds_a_domain_that_is_half_made(void **state)
{
	struct domain *d = make(&plain);
	struct domain *found;

	assert_false(found_while_made);
	found = domain_get(d->id);
	assert_ptr_equal(found, d);
	domain_put(found);
	destroy(d);
}

static void domains_are_found_in_order(void **state)
{
	struct domain_config config = plain;
	struct domain *d[3], *found;
	static const uint16_t ids[3] = {300, 100, 200};

	for (unsigned int n = 0; n < 3; n++) {
		config.domid = ids[n];
		d[n] = make(&config);
	}
	found = domain_get_next(0);
	assert_int_equal(found->id, 100);
	domain_put(found);
	found = domain_get_next(101);
	assert_int_equal(found->id, 200);
	domain_put(found);
	found = domain_get_next(300);
	assert_int_equal(found->id, 300);
	domain_put(found);
	assert_null(domain_get_next(301));
	assert_null(domain_get(101));
	for (unsigned int n = 0; n < 3; n++) {
		destroy(d[n]);
	}
}

/* ---- running and pausing ------------------------------------------------------------------------- */

static void unpausing_starts_what_has_an_entry_point(void **state)
{
	struct domain *d = make(&plain);

	vcpu_set_entry(d->vcpu[0], 0, 0);
	domain_pause(d);
	domain_unpause(d);
	assert_int_equal(d->state, DOMAIN_CREATED);
	domain_unpause(d);
	assert_int_equal(d->state, DOMAIN_RUNNING);
	assert_int_equal(d->vcpu[0]->sched.state, SCHED_RUNNABLE);
	assert_int_equal(d->vcpu[1]->sched.state, SCHED_OFFLINE);
	/* Free to run, the second one too when PSCI starts it. */
	assert_int_equal(d->vcpu[0]->sched.pause_count, 0);
	assert_int_equal(d->vcpu[1]->sched.pause_count, 0);
	destroy(d);
}

static void pauses_are_counted(void **state)
{
	struct domain *d = run_one();

	domain_pause(d);
	domain_pause(d);
	assert_int_equal(d->vcpu[0]->sched.pause_count, 1);
	domain_unpause(d);
	assert_int_equal(d->vcpu[0]->sched.pause_count, 1);
	domain_unpause(d);
	assert_int_equal(d->vcpu[0]->sched.pause_count, 0);
	end_one(d);
}

static void unpausing_does_not_revive_what_was_stopped(void **state)
{
	struct domain *d = run_one();

	domain_pause(d);
	domain_shutdown(d, SHUTDOWN_reboot);
	leave_cpu(d->vcpu[0]);
	assert_int_equal(d->state, DOMAIN_SHUTDOWN);
	domain_unpause(d);
	assert_int_equal(d->state, DOMAIN_SHUTDOWN);
	assert_int_equal(d->vcpu[0]->sched.pause_count, 1);
	end_one(d);
}

static void a_domain_stopped_before_it_started_stays_stopped(void **state)
{
	struct domain *d = make(&plain);

	bystander = make(&plain);
	vcpu_set_entry(d->vcpu[0], 0, 0);
	domain_shutdown(d, SHUTDOWN_crash);
	assert_int_equal(d->state, DOMAIN_SHUTDOWN);
	domain_unpause(d);
	assert_int_equal(d->vcpu[0]->sched.state, SCHED_OFFLINE);
	assert_int_equal(d->vcpu[0]->sched.pause_count, 1);
	end_one(d);
}

/* ---- shutdown ------------------------------------------------------------------------------------ */

static void the_last_vcpu_off_its_cpu_completes_a_shutdown(void **state)
{
	struct domain *d = run_one();

	d->vcpu[1]->sched.on_cpu = true;
	domain_shutdown(d, SHUTDOWN_poweroff);
	assert_int_equal(d->state, DOMAIN_SHUTTING_DOWN);
	assert_int_equal(d->vcpu[0]->sched.pause_count, 1);
	leave_cpu(d->vcpu[1]);
	assert_int_equal(d->state, DOMAIN_SHUTTING_DOWN);
	assert_int_equal(nr_virqs, 0);
	leave_cpu(d->vcpu[0]);
	assert_int_equal(d->state, DOMAIN_SHUTDOWN);
	assert_int_equal(nr_virqs, 1);
	/* Once. */
	domain_check_stopped(d);
	assert_int_equal(nr_virqs, 1);
	end_one(d);
}

static void the_first_reason_wins(void **state)
{
	struct domain *d = run_one();

	domain_shutdown(d, SHUTDOWN_reboot);
	domain_crash(d, "%s", "because");
	domain_shutdown(d, SHUTDOWN_watchdog);
	assert_int_equal(d->shutdown_reason, SHUTDOWN_reboot);
	assert_int_equal(d->vcpu[0]->sched.pause_count, 1);
	leave_cpu(d->vcpu[0]);
	domain_shutdown(d, SHUTDOWN_crash);
	assert_int_equal(d->shutdown_reason, SHUTDOWN_reboot);
	assert_int_equal(d->state, DOMAIN_SHUTDOWN);
	end_one(d);
}

static void a_running_domain_is_not_stopped_by_a_vcpu_that_leaves(void **state)
{
	struct domain *d = run_one();

	leave_cpu(d->vcpu[0]);
	assert_int_equal(d->state, DOMAIN_RUNNING);
	end_one(d);
}

/* ---- the machine --------------------------------------------------------------------------------- */

static enum end stop_all(struct domain *d, int reason)
{
	int end = setjmp(machine);

	if (end == RUNS) {
		domain_shutdown(d, reason);
	}
	lock_assert_none_held();
	return (enum end)end;
}

static void the_machine_goes_with_dom0(void **state)
{
	static const struct {
		int reason;
		bool no_reboot;
		enum end end;
	} cases[] = {
		{SHUTDOWN_poweroff, false, POWERED_OFF}, {SHUTDOWN_reboot, false, RESET},
		{SHUTDOWN_crash, false, RESET},          {SHUTDOWN_crash, true, POWERED_OFF},
		{SHUTDOWN_watchdog, false, RESET},
	};
	struct domain_config config = plain;

	config.domid = 0;
	config.is_hardware = true;
	for (unsigned int n = 0; n < ARRAY_SIZE(cases); n++) {
		struct domain *dom0 = make(&config), *other = make(&plain);

		assert_ptr_equal(hardware_domain, dom0);
		boot_options.no_reboot = cases[n].no_reboot;
		domain_unpause(dom0);
		domain_unpause(other);
		/* Others may come and go. */
		assert_int_equal(stop_all(other, SHUTDOWN_poweroff), RUNS);
		assert_int_equal(stop_all(dom0, cases[n].reason), cases[n].end);
		destroy(other);
		destroy(dom0);
		assert_null(hardware_domain);
		run_deferred(); /* the id is free */
	}
}

static void without_dom0_the_last_one_turns_the_light_off(void **state)
{
	struct domain *a = make(&plain), *b = make(&plain);

	domain_unpause(a);
	/* b has not started yet, but will. */
	assert_int_equal(stop_all(a, SHUTDOWN_poweroff), RUNS);
	domain_unpause(b);
	assert_int_equal(stop_all(b, SHUTDOWN_crash), POWERED_OFF);
	destroy(a);
	destroy(b);
}

static void with_the_key_that_builds_again_the_light_stays_on(void **state)
{
	struct domain *a = make(&plain);

	boot_options.rebuild = true;
	domain_unpause(a);
	assert_int_equal(stop_all(a, SHUTDOWN_poweroff), RUNS);
	boot_options.rebuild = false;
	destroy(a);
}

/* ---- destruction --------------------------------------------------------------------------------- */

static void mappings_go_before_what_they_map(void **state)
{
	struct domain *d = make(&plain);
	const char *clear, *mappings, *shared, *grants;

	clear_restarts = destroy_restarts = 1;
	destroy(d);
	clear = strstr(calls, "clear");
	mappings = strstr(calls, "mappings");
	shared = strstr(calls, "shared");
	grants = strstr(calls, "grants");
	assert_true(clear != NULL && mappings != NULL && shared != NULL && grants != NULL);
	assert_true(clear < shared && clear < grants && strstr(calls, "destroy") > shared);
	/* What it has mapped of others is let go of when it is mapped no more, and before the handles go. */
	assert_true(clear < mappings && mappings < grants);
	/* Each part once, however often the call is repeated. */
	assert_null(strstr(shared + 1, "shared"));
	assert_null(strstr(grants + 1, "grants"));
}

static void many_vcpus_are_released_and_freed_in_steps(void **state)
{
	struct domain_config config = plain;
	struct domain *d, *next;
	unsigned int restarts = 0;
	int before;

	config.nr_vcpus = 5;
	d = make(&config);
	next = make(&plain);
	before = blocks;
	fake_machine_interrupt_after(0);
	while (domain_destroy(d) == -XEN_ERESTART) {
		restarts++;
	}
	assert_int_equal(restarts, 5);
	/* The last reference is gone; the structures follow on the way to a guest. */
	assert_int_equal(blocks, before - 1); /* shared_info */
	while (domain_destroy(next) == -XEN_ERESTART) {
	}
	run_deferred();
	assert_int_equal(blocks, 0);
	assert_int_equal(nr_served, 5 + 2);
}

static void a_running_domain_is_stopped_first(void **state)
{
	struct domain *d = run_one();

	assert_int_equal(domain_destroy(d), -XEN_ERESTART);
	assert_int_equal(d->state, DOMAIN_SHUTTING_DOWN);
	assert_string_equal(calls, "");
	/* Not while a vCPU is still on its CPU. */
	assert_int_equal(domain_destroy(d), -XEN_ERESTART);
	assert_string_equal(calls, "");
	leave_cpu(d->vcpu[0]);
	assert_int_equal(domain_destroy(d), 0);
	destroy(bystander);
}

/* These are the domain's, but not found by their owner yet as all that it has will be. */
static void pages_on_their_way_come_before_the_end(void **state)
{
	struct domain *d = make(&plain);

	d->nr_populating = 1;
	assert_int_equal(domain_destroy(d), -XEN_ERESTART);
	assert_int_equal(d->state, DOMAIN_DYING);
	assert_int_equal(domain_destroy(d), -XEN_ERESTART);
	assert_string_equal(calls, "");
	d->nr_populating = 0;
	destroy(d);
}

static void a_claim_is_given_back_once(void **state)
{
	struct domain *d = make(&plain);

	d->claimed_pages = 7;
	d->nr_populating = 1;
	assert_int_equal(domain_destroy(d), -XEN_ERESTART);
	assert_int_equal(nr_unclaimed, 0);
	/* Drawn, and put back. */
	d->claimed_pages = 9;
	d->nr_populating = 0;
	clear_restarts = destroy_restarts = 1;
	destroy(d);
	assert_int_equal(nr_unclaimed, 9);
}

static struct domain *contended;
static unsigned int nr_refused;

/* Another CPU's call in the middle of ours. */
static void another_destroys_it_too(void)
{
	nr_refused += domain_destroy(contended) == -XEN_ERESTART;
}

/* The keys K and B, for instance: each with a reference of its own, in turns or at the same time. */
static void two_may_destroy_the_same_domain(void **state)
{
	struct domain *held;

	contended = make(&plain);
	held = domain_get(contended->id);
	nr_refused = 0;
	on_clear = another_destroys_it_too;
	clear_restarts = destroy_restarts = 2;
	while (domain_destroy(contended) == -XEN_ERESTART) {
	}
	assert_true(nr_refused > 2);
	on_clear = NULL;
	/* It comes back when all is done, and gives nothing back a second time. */
	calls[0] = '\0';
	assert_int_equal(domain_destroy(held), 0);
	assert_string_equal(calls, "");
	assert_int_equal(held->refs, 1);
	domain_put(held);
}

static void a_reference_keeps_the_structures(void **state)
{
	struct domain *d = make(&plain);
	struct domain *held = domain_get(d->id);
	uint16_t id = d->id;

	destroy(d);
	assert_null(domain_get(id));
	assert_int_equal(held->state, DOMAIN_DYING);
	assert_int_equal(held->vcpu[1]->id, 1);
	assert_int_equal(blocks, 3);
	domain_put(held);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, nothing_is_left)
	const struct CMUnitTest tests[] = {
		TEST(ids_rove_upward),
		TEST(an_id_that_is_asked_for_is_given_once),
		TEST(the_limit_of_handles_is_what_was_said),
		TEST(a_domain_starts_cold_paused_and_offline),
		TEST(absurd_numbers_of_vcpus_are_refused),
		TEST(aarch32_is_refused_where_a_cpu_has_none),
		TEST(whatever_cannot_be_made_is_undone),
		TEST(nobody_finds_a_domain_that_is_half_made),
		TEST(domains_are_found_in_order),
		TEST(unpausing_starts_what_has_an_entry_point),
		TEST(pauses_are_counted),
		TEST(unpausing_does_not_revive_what_was_stopped),
		TEST(a_domain_stopped_before_it_started_stays_stopped),
		TEST(the_last_vcpu_off_its_cpu_completes_a_shutdown),
		TEST(the_first_reason_wins),
		TEST(a_running_domain_is_not_stopped_by_a_vcpu_that_leaves),
		TEST(the_machine_goes_with_dom0),
		TEST(without_dom0_the_last_one_turns_the_light_off),
		TEST(with_the_key_that_builds_again_the_light_stays_on),
		TEST(mappings_go_before_what_they_map),
		TEST(many_vcpus_are_released_and_freed_in_steps),
		TEST(a_running_domain_is_stopped_first),
		TEST(pages_on_their_way_come_before_the_end),
		TEST(a_claim_is_given_back_once),
		TEST(two_may_destroy_the_same_domain),
		TEST(a_reference_keeps_the_structures),
		TEST(ids_come_round_without_the_reserved_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
