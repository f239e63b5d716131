/* SPDX-License-Identifier: MIT */
/*
 * The guest's timers against a model of CNTV, of PPI 27 at the physical GIC and of a list register with the HW bit:
 * a line that is as the device has it, an interrupt that fires again after the guest's EOI and only then, wake-ups of
 * vCPUs that sleep.
 */
#include "vtimer/vtimer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/esr.h"
#include "arm64/percpu.h"
#include "arm64/sysreg.h"
#include "domain/domain.h"
#include "gic/gic.h"
#include "lib/lock.h"
#include "tests/unit/fake_machine.h"
#include "time/time_internal.h"

#define NR_TEST_CPUS 2
#define CNTVOFF      1000

#define KEY_TVAL     SYS_ENC(3u, 3u, 14u, 2u, 0u)
#define KEY_CTL      SYS_ENC(3u, 3u, 14u, 2u, 1u)
#define KEY_CVAL     SYS_ENC(3u, 3u, 14u, 2u, 2u)

static struct domain *domain;
static struct vcpu *vcpu[2];
static uint64_t now; /* CNTPCT_EL0 */

/* ---- the physical side ------------------------------------------------------------------------------ */

static irq_handler_t ppi27_handler;
static irq_handler_t ppi26_handler;
static bool ppi27_active[NR_TEST_CPUS];

uint64_t time_ticks(void)
{
	return now;
}

uint64_t time_ns_to_ticks(uint64_t ns)
{
	return ns / 1000;
}

int irq_register(uint32_t intid, irq_handler_t handler)
{
	assert_int_equal(intid, 26);
	ppi26_handler = handler;
	return 0;
}

int irq_register_forwarded(uint32_t intid, irq_handler_t handler)
{
	assert_int_equal(intid, 27);
	ppi27_handler = handler;
	return 0;
}

void gic_enable(uint32_t intid)
{
}

void gic_set_trigger(uint32_t intid, enum gic_trigger trigger)
{
	assert_int_equal(trigger, GIC_LEVEL);
}

void gic_set_active(uint32_t intid, bool active)
{
	assert_int_equal(intid, 27);
	ppi27_active[fake_machine_cpu] = active;
	fake_machine_note("set_active %d", active);
}

void gic_deactivate(uint32_t intid)
{
	assert_int_equal(intid, 27);
	ppi27_active[fake_machine_cpu] = false;
	fake_machine_note("deactivate");
}

/* CNTV_CTL_EL0 with its ISTATUS. */
static uint64_t read_cntv_ctl(void *context)
{
	uint64_t ctl = fake_machine_sysreg_get("CNTV_CTL_EL0");
	bool met = now - fake_machine_sysreg_get("CNTVOFF_EL2") >=
		   fake_machine_sysreg_get("CNTV_CVAL_EL0");

	return (ctl & 3) | ((ctl & 1) != 0 && met ? 4 : 0);
}

static bool cntv_output(void)
{
	return (read_cntv_ctl(NULL) & 7) == 5;
}

/* ---- the vGIC, as far as it matters: two lines a vCPU and one list register ------------------------- */

static struct model_vgic {
	bool line27, line30;
	bool pending27, active27; /* in the list register, HW bit set */
	unsigned int nr_rises;
	bool woken;
} vgic[2];

void vgic_set_line(struct domain *d, struct vcpu *v, uint32_t vintid, bool level)
{
	struct model_vgic *model = &vgic[v->id];

	lock_assert_none_held();
	assert_ptr_equal(d, domain);
	if (vintid == 30) {
		assert_int_not_equal(model->line30, level);
		model->line30 = level;
		return;
	}
	assert_int_equal(vintid, 27);
	assert_int_not_equal(model->line27, level); /* vtimer tells changes only */
	model->line27 = level;
	model->nr_rises += level ? 1 : 0;
}

void vgic_raise_line(struct vcpu *v, uint32_t vintid)
{
	lock_assert_none_held();
	assert_int_equal(vintid, 27);
	vgic[v->id].line27 = true;
	vgic[v->id].nr_rises++;
}

void vgic_sync(struct vcpu *v)
{
}

bool vgic_is_active(struct vcpu *v, uint32_t vintid)
{
	return vgic[v->id].active27;
}

void sched_wake(struct vcpu *v)
{
	lock_assert_none_held();
	vgic[v->id].woken = true;
}

/* ---- a guest running on a CPU ----------------------------------------------------------------------- */

static struct vcpu *current; /* what the test looks at */
static struct vcpu *loaded[NR_TEST_CPUS];

/* vgic_flush(): what the line says is in the list register, unless the guest is in its handler. */
static void flush(void)
{
	struct model_vgic *model = &vgic[current->id];

	model->pending27 = model->line27 && !model->active27;
	/* The rule of vgic.h about the physical state, at the moment of entry. */
	if (ppi27_active[fake_machine_cpu]) {
		assert_true(model->line27 || model->active27);
	}
}

/* EL2 and back: interrupts are taken, the lines are looked at. Twice if one is pending at the entry. */
static void exit_and_enter(void)
{
	unsigned int turns = 0;

	do {
		assert_true(++turns < 5);
		if (cntv_output() && !ppi27_active[fake_machine_cpu]) {
			ppi27_active[fake_machine_cpu] = true; /* acknowledged, priority dropped */
			ppi27_handler(27);
		}
		if ((fake_machine_sysreg_get("CNTHP_CTL_EL2") & 3) == 1 &&
		    fake_machine_sysreg_get("CNTHP_CVAL_EL2") <= now) {
			ppi26_handler(26);
		}
		vtimer_sync(current);
		flush();
	} while (cntv_output() && !ppi27_active[fake_machine_cpu]);
}

/* Time passes while the guest runs: it leaves when, and only when, something fires. */
static bool run_until(uint64_t when)
{
	bool virtual, hyp;

	now = when;
	virtual = cntv_output() && !ppi27_active[fake_machine_cpu];
	hyp = (fake_machine_sysreg_get("CNTHP_CTL_EL2") & 3) == 1 &&
	      fake_machine_sysreg_get("CNTHP_CVAL_EL2") <= now;
	if (virtual || hyp) {
		exit_and_enter();
	}
	return virtual || hyp;
}

static void guest_sets_timer(uint64_t cval, uint64_t ctl)
{
	fake_machine_sysreg_write("CNTV_CVAL_EL0", cval);
	fake_machine_sysreg_write("CNTV_CTL_EL0", ctl);
}

static void guest_acknowledges(void)
{
	assert_true(vgic[current->id].pending27);
	vgic[current->id].pending27 = false;
	vgic[current->id].active27 = true;
}

/* EOI of a list register with the HW bit. */
static void guest_ends(void)
{
	assert_true(vgic[current->id].active27);
	vgic[current->id].active27 = false;
	ppi27_active[fake_machine_cpu] = false;
}

static void load(struct vcpu *v, unsigned int cpu)
{
	fake_machine_set_cpu(cpu);
	current = v;
	loaded[cpu] = v;
	vtimer_load(v);
	exit_and_enter();
}

static void save(void)
{
	vtimer_save(current);
	current = NULL;
	loaded[fake_machine_cpu] = NULL;
	assert_false(ppi27_active[fake_machine_cpu]);
	assert_int_equal(fake_machine_sysreg_get("CNTV_CTL_EL0"), 0);
}

/* The CPU is idle or runs something else. */
static bool software_timer_fires(unsigned int cpu, uint64_t when)
{
	bool due;

	now = when;
	fake_machine_set_cpu(cpu);
	due = (fake_machine_sysreg_get("CNTHP_CTL_EL2") & 3) == 1 &&
	      fake_machine_sysreg_get("CNTHP_CVAL_EL2") <= now;
	if (due) {
		ppi26_handler(26);
	}
	return due;
}

static int set_up(void **state)
{
	fake_machine_reset();
	memset(vgic, 0, sizeof(vgic));
	memset(ppi27_active, 0, sizeof(ppi27_active));
	current = NULL;
	now = 5000;
	fake_machine_sysreg_handle("CNTV_CTL_EL0", read_cntv_ctl, NULL, NULL);
	for (unsigned int cpu = 0; cpu < NR_TEST_CPUS; cpu++) {
		fake_machine_set_cpu(cpu);
		timer_init_cpu(26);
		vtimer_init_cpu();
	}
	domain = calloc(1, sizeof(*domain));
	domain->cntvoff = CNTVOFF;
	for (unsigned int i = 0; i < ARRAY_SIZE(vcpu); i++) {
		vcpu[i] = calloc(1, sizeof(*vcpu[i]));
		vcpu[i]->id = i;
		vcpu[i]->domain = domain;
		vtimer_vcpu_init(vcpu[i]);
	}
	fake_machine_set_cpu(0);
	return 0;
}

static int tear_down(void **state)
{
	for (unsigned int cpu = 0; cpu < NR_TEST_CPUS; cpu++) {
		fake_machine_set_cpu(cpu);
		if (loaded[cpu] != NULL) {
			vtimer_save(loaded[cpu]);
		}
		loaded[cpu] = NULL;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(vcpu); i++) {
		vtimer_vcpu_fini(vcpu[i]);
		assert_false(vcpu[i]->vtimer.virtual_timer.queued);
		free(vcpu[i]);
	}
	free(domain);
	return 0;
}

/* ---- CNTV while the vCPU runs ----------------------------------------------------------------------- */

static void guest_may_read_the_physical_counter_only(void **state)
{
	assert_int_equal(fake_machine_sysreg_get("CNTHCTL_EL2"), CNTHCTL_EL1PCTEN);
	assert_true(vcpu[0]->vgic.private_irqs[27].hw);
}

static void tick_after_tick_without_further_exits(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 1);
	for (unsigned int tick = 1; tick <= 5; tick++) {
		assert_false(run_until(5000 + 1000 * tick - 1));
		assert_true(run_until(5000 + 1000 * tick));
		assert_int_equal(vgic[0].nr_rises, tick);
		assert_true(ppi27_active[0]);
		guest_acknowledges();
		/* The guest sees its own control register, unmasked. */
		assert_int_equal(sysreg_read(CNTV_CTL_EL0), 5);
		guest_sets_timer(5000 + 1000 * (tick + 1) - CNTVOFF, 1);
		guest_ends();
	}
}

static void line_that_stays_high_fires_again_after_eoi(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 1);
	assert_true(run_until(6000));
	guest_acknowledges();
	assert_false(run_until(6100)); /* active: nothing fires while it is being handled */
	guest_ends();
	assert_true(run_until(6100));
	assert_true(vgic[0].pending27);
	assert_int_equal(vgic[0].nr_rises, 2);
}

static void line_falls_when_the_guest_masks_before_taking_it(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 1);
	assert_true(run_until(6000));
	guest_sets_timer(6000 - CNTVOFF, 3); /* polls ISTATUS with IMASK set */
	exit_and_enter();
	assert_false(vgic[0].line27);
	assert_false(vgic[0].pending27);
	assert_false(ppi27_active[0]);
	/* And it comes back when the guest unmasks. */
	guest_sets_timer(6000 - CNTVOFF, 1);
	assert_true(run_until(6001));
	assert_true(vgic[0].pending27);
}

/* A register of the interrupt controller is read: the lines are those of this moment, not of the last exit. */
static void lines_are_true_when_asked_for(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 1);
	assert_true(run_until(6000));
	guest_sets_timer(0, 0); /* off, and no exit */
	assert_true(vgic[0].line27);
	vtimer_refresh(vcpu[0]);
	assert_false(vgic[0].line27);
	guest_sets_timer(6000 - CNTVOFF, 1); /* due again; the interrupt has not been taken yet */
	vtimer_refresh(vcpu[0]);
	assert_true(vgic[0].line27);
	exit_and_enter();
	assert_true(vgic[0].pending27);
	/* Another vCPU's timer is not in this CPU's registers. */
	vtimer_refresh(vcpu[1]);
	assert_false(vgic[1].line27);
}

static void exit_inside_the_handler_keeps_the_ppi_active(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 1);
	assert_true(run_until(6000));
	guest_acknowledges();
	guest_sets_timer(7000 - CNTVOFF, 1);
	exit_and_enter();
	assert_false(vgic[0].line27);
	assert_true(ppi27_active[0]);  /* the guest has it to end */
	assert_false(run_until(7500)); /* due, but the last one is not ended */
	guest_ends();
	assert_true(run_until(7500));
	assert_true(vgic[0].pending27);
}

static void active_state_cleared_by_the_guest_does_not_kill_the_timer(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 1);
	assert_true(run_until(6000));
	guest_acknowledges();
	guest_sets_timer(7000 - CNTVOFF, 1);
	exit_and_enter();
	/* GICD_ICACTIVER, trapped: a kernel that starts in the middle of its predecessor's handler. */
	vgic[0].active27 = false;
	exit_and_enter();
	assert_false(ppi27_active[0]);
	assert_true(run_until(7000));
	assert_true(vgic[0].pending27);
}

static void quiet_timer_costs_no_register_access(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 1);
	assert_true(run_until(6000));
	guest_acknowledges();
	guest_sets_timer(9000 - CNTVOFF, 1);
	guest_ends();
	exit_and_enter();
	fake_machine_log_clear();
	vtimer_sync(current);
	assert_int_equal(fake_machine_log_count(), 0);
}

static void late_interrupt_without_a_vcpu_is_ended(void **state)
{
	load(vcpu[0], 0);
	save();
	ppi27_active[0] = true;
	ppi27_handler(27);
	assert_false(ppi27_active[0]);
}

/* ---- switching -------------------------------------------------------------------------------------- */

static void each_vcpu_has_its_own_timer(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(8000 - CNTVOFF, 3);
	sysreg_write(CNTKCTL_EL1, 0x2);
	save();
	load(vcpu[1], 0);
	assert_int_equal(fake_machine_sysreg_get("CNTV_CTL_EL0"), 0);
	assert_int_equal(fake_machine_sysreg_get("CNTKCTL_EL1"), 0);
	guest_sets_timer(7000 - CNTVOFF, 1);
	save();
	load(vcpu[0], 1);
	assert_int_equal(fake_machine_sysreg_get("CNTV_CVAL_EL0"), 8000 - CNTVOFF);
	assert_int_equal(fake_machine_sysreg_get("CNTV_CTL_EL0"), 3);
	assert_int_equal(fake_machine_sysreg_get("CNTKCTL_EL1"), 2);
	assert_int_equal(fake_machine_sysreg_get("CNTVOFF_EL2"), CNTVOFF);
}

static void loading_orders_deadline_before_enable(void **state)
{
	vcpu[0]->vtimer.state.cntv_ctl = 1;
	vcpu[0]->vtimer.state.cntv_cval = 77777;
	fake_machine_log_clear();
	vtimer_load(vcpu[0]);
	loaded[0] = vcpu[0];
	fake_machine_expect("msr CNTVOFF_EL2", "msr CNTV_CVAL_EL0=0x12fd1", "isb",
			    "msr CNTV_CTL_EL0=0x1", "isb");
}

static void sleeping_vcpu_is_woken_at_its_deadline(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(8000 - CNTVOFF, 1);
	save();
	assert_false(software_timer_fires(0, 7999));
	assert_true(software_timer_fires(0, 8000));
	assert_true(vgic[0].woken);
	assert_int_equal(vgic[0].nr_rises, 0); /* its own CPU raises the line */
	load(vcpu[0], 1);
	assert_true(vgic[0].pending27);
	assert_true(ppi27_active[1]);
	assert_false(ppi27_active[0]);
}

static void expired_between_exit_and_sleep_wakes_at_once(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 1);
	now = 6500; /* the interrupt has not been taken */
	save();
	assert_true(software_timer_fires(0, 6500));
	assert_true(vgic[0].woken);
}

static void masked_or_disabled_timer_wakes_nobody(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 3);
	save();
	load(vcpu[1], 0);
	guest_sets_timer(6000 - CNTVOFF, 0);
	save();
	assert_false(software_timer_fires(0, 100000));
}

static void deadline_at_the_end_of_time_never_comes(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(UINT64_MAX, 1);
	save();
	assert_false(vgic[0].woken);
	assert_false(software_timer_fires(0, UINT64_MAX / 2));
}

static void offset_may_be_ahead_of_the_counter(void **state)
{
	/* A guest that came from a machine that had been up for longer. */
	domain->cntvoff = (uint64_t)0 - 1000000;
	load(vcpu[0], 0);
	guest_sets_timer(1006000, 1);
	save();
	assert_false(software_timer_fires(0, 5999));
	assert_true(software_timer_fires(0, 6000));
	load(vcpu[0], 0);
	assert_true(vgic[0].pending27);
}

static void running_elsewhere_takes_the_software_timer_along(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(8000 - CNTVOFF, 1);
	save();
	load(vcpu[0], 1);
	assert_false(vcpu[0]->vtimer.virtual_timer.queued);
	assert_true(software_timer_fires(0, 8000)); /* for nothing */
	assert_false(vgic[0].woken);
	fake_machine_set_cpu(1);
	assert_true(run_until(8000));
	assert_true(vgic[0].pending27);
}

static void interrupt_in_flight_moves_with_its_vcpu(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 1);
	assert_true(run_until(6000));
	guest_acknowledges();
	save();
	/* The other vCPU's timer works on this CPU meanwhile. */
	load(vcpu[1], 0);
	guest_sets_timer(6500 - CNTVOFF, 1);
	assert_true(run_until(6500));
	assert_true(vgic[1].pending27);
	load(vcpu[0], 1);
	assert_true(ppi27_active[1]);
	assert_false(run_until(6600));
	guest_sets_timer(7000 - CNTVOFF, 1);
	guest_ends();
	assert_true(run_until(7000));
	assert_int_equal(vgic[0].nr_rises, 2);
}

static void pending_line_needs_no_software_timer(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 1);
	assert_true(run_until(6000));
	save(); /* preempted before it took the interrupt */
	assert_false(vcpu[0]->vtimer.virtual_timer.queued);
	load(vcpu[0], 0);
	assert_true(vgic[0].pending27);
	assert_int_equal(vgic[0].nr_rises, 1);
}

static void line_told_stale_at_save_is_set_right(void **state)
{
	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 1);
	assert_true(run_until(6000));
	guest_acknowledges();
	guest_sets_timer(9000 - CNTVOFF, 1);
	guest_ends();
	save(); /* no vtimer_sync() since */
	assert_true(vgic[0].line27);
	assert_true(software_timer_fires(0, 9000));
	assert_true(vgic[0].woken);
	now = 8000; /* as if something else had woken it before */
	load(vcpu[0], 0);
	assert_false(vgic[0].line27);
	assert_false(ppi27_active[0]);
}

static void started_again_a_vcpu_finds_its_timers_off(void **state)
{
	uint64_t value = 1;

	load(vcpu[0], 0);
	guest_sets_timer(6000 - CNTVOFF, 1);
	assert_true(run_until(6000));
	assert_true(vtimer_sysreg(vcpu[0], KEY_CTL, true, &value));
	assert_true(vgic[0].line27 && vgic[0].line30);
	save();
	vtimer_vcpu_reset(vcpu[0]);
	load(vcpu[0], 1);
	assert_false(vgic[0].line27 || vgic[0].line30);
	assert_int_equal(fake_machine_sysreg_get("CNTV_CTL_EL0"), 0);
}

/* ---- CNTP ------------------------------------------------------------------------------------------- */

static uint64_t get(uint32_t key)
{
	uint64_t value = 0;

	assert_true(vtimer_sysreg(current, key, false, &value));
	return value;
}

static void set(uint32_t key, uint64_t value)
{
	assert_true(vtimer_sysreg(current, key, true, &value));
}

static void physical_timer_fires_while_running(void **state)
{
	load(vcpu[0], 0);
	set(KEY_CVAL, 6000);
	set(KEY_CTL, 1);
	assert_int_equal(get(KEY_CTL), 1);
	assert_false(run_until(5999));
	assert_true(run_until(6000));
	assert_true(vgic[0].line30);
	assert_int_equal(get(KEY_CTL), 5);
	set(KEY_CTL, 3);
	assert_false(vgic[0].line30);
	assert_int_equal(get(KEY_CTL), 7);
	set(KEY_CTL, 0);
	assert_int_equal(get(KEY_CTL), 0);
}

static void physical_timer_value_is_a_signed_distance(void **state)
{
	load(vcpu[0], 0);
	set(KEY_TVAL, 500);
	assert_int_equal(get(KEY_CVAL), 5500);
	now = 5400;
	assert_int_equal(get(KEY_TVAL), 100);
	now = 5600;
	assert_int_equal(get(KEY_TVAL), 0xffffff9c);
	set(KEY_TVAL, 0xffffffff);
	assert_int_equal(get(KEY_CVAL), 5599);
	set(KEY_CTL, 1);
	assert_true(vgic[0].line30);
}

static void only_control_bits_are_kept(void **state)
{
	load(vcpu[0], 0);
	set(KEY_CVAL, 9000);
	set(KEY_CTL, UINT64_MAX);
	assert_int_equal(get(KEY_CTL), 3);
}

static void other_registers_are_not_ours(void **state)
{
	uint64_t value = 0;

	assert_false(vtimer_sysreg(vcpu[0], SYS_ENC(3u, 3u, 14u, 3u, 1u), false,
				   &value)); /* CNTV_CTL_EL0 */
	assert_false(vtimer_sysreg(vcpu[0], SYS_ENC(3u, 7u, 14u, 2u, 1u), true,
				   &value)); /* CNTPS_CTL_EL1 */
}

static void physical_timer_wakes_a_sleeping_vcpu(void **state)
{
	load(vcpu[0], 0);
	set(KEY_CVAL, 7000);
	set(KEY_CTL, 1);
	save();
	assert_true(software_timer_fires(0, 7000));
	assert_true(vgic[0].woken);
	load(vcpu[0], 1);
	assert_true(vgic[0].line30);
}

static void physical_timer_follows_its_vcpu(void **state)
{
	load(vcpu[0], 0);
	set(KEY_CVAL, 7000);
	set(KEY_CTL, 1);
	assert_int_equal(vcpu[0]->vtimer.physical_timer.cpu, 0);
	save();
	load(vcpu[0], 1);
	assert_int_equal(vcpu[0]->vtimer.physical_timer.cpu, 1);
	assert_false(vgic[0].line30);
	assert_true(software_timer_fires(0, 7000)); /* CPU 0's comparator, for nothing */
	assert_false(vgic[0].woken);
	fake_machine_set_cpu(1);
	assert_true(run_until(7000));
	assert_true(vgic[0].line30);
}

static void moved_deadline_raises_nothing_early(void **state)
{
	load(vcpu[0], 0);
	set(KEY_CVAL, 7000);
	set(KEY_CTL, 1);
	now = 7000; /* due, its interrupt pending, and the guest moves it first */
	set(KEY_CVAL, 9000);
	exit_and_enter();
	assert_false(vgic[0].line30);
	assert_true(run_until(9000));
	assert_true(vgic[0].line30);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(guest_may_read_the_physical_counter_only),
		TEST(tick_after_tick_without_further_exits),
		TEST(line_that_stays_high_fires_again_after_eoi),
		TEST(line_falls_when_the_guest_masks_before_taking_it),
		TEST(lines_are_true_when_asked_for),
		TEST(exit_inside_the_handler_keeps_the_ppi_active),
		TEST(active_state_cleared_by_the_guest_does_not_kill_the_timer),
		TEST(quiet_timer_costs_no_register_access),
		TEST(late_interrupt_without_a_vcpu_is_ended),
		TEST(each_vcpu_has_its_own_timer),
		TEST(loading_orders_deadline_before_enable),
		TEST(sleeping_vcpu_is_woken_at_its_deadline),
		TEST(expired_between_exit_and_sleep_wakes_at_once),
		TEST(masked_or_disabled_timer_wakes_nobody),
		TEST(deadline_at_the_end_of_time_never_comes),
		TEST(offset_may_be_ahead_of_the_counter),
		TEST(running_elsewhere_takes_the_software_timer_along),
		TEST(interrupt_in_flight_moves_with_its_vcpu),
		TEST(pending_line_needs_no_software_timer),
		TEST(line_told_stale_at_save_is_set_right),
		TEST(started_again_a_vcpu_finds_its_timers_off),
		TEST(physical_timer_fires_while_running),
		TEST(physical_timer_value_is_a_signed_distance),
		TEST(only_control_bits_are_kept),
		TEST(other_registers_are_not_ours),
		TEST(physical_timer_wakes_a_sleeping_vcpu),
		TEST(physical_timer_follows_its_vcpu),
		TEST(moved_deadline_raises_nothing_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
