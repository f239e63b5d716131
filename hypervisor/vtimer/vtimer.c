/* SPDX-License-Identifier: MIT */
/*
 * The guest's generic timer (Arm ARM, "The Generic Timer in AArch64 state"); vtimer.h has the scheme.
 *
 * Who changes what: the lines of PPIs 27 and 30 are set only on the CPU where the vCPU is loaded, by vtimer_sync() and
 * by the guest's own register writes. The software timers' callbacks only wake the vCPU and leave the judgement to it:
 * the virtual timer's may even run while the vCPU is loaded elsewhere already, the physical timer's does not.
 */
#include "vtimer/vtimer.h"

#include "arm64/barrier.h"
#include "arm64/esr.h"
#include "arm64/percpu.h"
#include "arm64/sysreg.h"
#include "domain/domain.h"
#include "gic/gic.h"
#include "lib/assert.h"

#define KEY_CNTP_TVAL_EL0 SYS_ENC(3u, 3u, 14u, 2u, 0u)
#define KEY_CNTP_CTL_EL0  SYS_ENC(3u, 3u, 14u, 2u, 1u)
#define KEY_CNTP_CVAL_EL0 SYS_ENC(3u, 3u, 14u, 2u, 2u)

#define CTL_WRITABLE      (CNT_CTL_ENABLE | CNT_CTL_IMASK)

/* Whose CNTV state is in this CPU's registers; NULL: CNTV is off. */
static DEFINE_PER_CPU(struct vcpu *, vtimer_loaded);

/* The timer's output would be high once the condition is met. */
static bool can_assert(uint64_t ctl)
{
	return (ctl & CTL_WRITABLE) == CNT_CTL_ENABLE;
}

/* ---- the virtual timer -------------------------------------------------------------------------- */

static bool virtual_output(uint64_t ctl)
{
	return can_assert(ctl) && (ctl & CNT_CTL_ISTATUS) != 0;
}

/* PPI 27: taken, priority dropped, active. It is the loaded guest's until the guest ends it. */
static void virtual_interrupt(uint32_t intid)
{
	struct vcpu *v = this_cpu(vtimer_loaded);

	if (v == NULL) {
		/* It was on its way when the timer was switched off. */
		gic_deactivate(intid);
		return;
	}
	v->vtimer.ppi_active = true;
	v->vtimer.fired = true;
	v->work.virtual_timer = true;
}

static void sync_virtual(struct vcpu *v)
{
	struct vtimer_vcpu *vt = &v->vtimer;
	bool output = virtual_output(sysreg_read(CNTV_CTL_EL0));
	bool active;

	/*
	 * Has the guest ended it with the line still high? Then it is pending again. The PPI does fire for that, too, only
	 * that QEMU's GICv2 notices when something else happens.
	 */
	if (!vt->fired) {
		vgic_sync(v);
	}
	/*
	 * A line that was high, and an interrupt that fired all the same: the guest had ended the last one and
	 * the line was low in between. That is an edge, for guests that configured one.
	 */
	if (output && (vt->fired || !vt->virtual_line)) {
		vgic_raise_line(v, VTIMER_INTID_VIRTUAL);
		vt->virtual_line = true;
	} else if (!output && vt->virtual_line) {
		vgic_set_line(v->domain, v, VTIMER_INTID_VIRTUAL, false);
		vt->virtual_line = false;
	}
	vt->fired = false;

	/*
	 * The PPI is active while the guest has something to end: with the line high but not active it would fire
	 * again at once, and left active with nothing to end it would never fire again (the line fell before the
	 * guest took it, or the guest cleared the active state in its distributor). The guest's EOI deactivates it
	 * unseen; should the line be high by then, it fires and is active again.
	 */
	active = output || vgic_is_active(v, VTIMER_INTID_VIRTUAL);
	if (active != vt->ppi_active) {
		gic_set_active(VTIMER_INTID_VIRTUAL, active);
		vt->ppi_active = active;
	}
	v->work.virtual_timer = active;
}

/* The software timer for a deadline in the guest's virtual time. */
static void arm_virtual_timer(struct vcpu *v)
{
	uint64_t now = time_ticks();
	uint64_t virtual_now = now - v->domain->cntvoff;
	uint64_t cval = v->vtimer.state.cntv_cval;
	uint64_t deadline;

	/* Both are 64-bit unsigned, as the comparator has them; a distance beyond the counter's end is never. */
	if (cval <= virtual_now) {
		timer_set(&v->vtimer.virtual_timer, now);
	} else if (!__builtin_add_overflow(now, cval - virtual_now, &deadline)) {
		timer_set(&v->vtimer.virtual_timer, deadline);
	}
}

/*
 * On its next way into the guest the vCPU finds its own timer due (vtimer_load() leaves that to be looked at). A late
 * call, with the vCPU loaded elsewhere already, wakes it for nothing.
 */
static void virtual_timer_expired(struct timer *timer)
{
	sched_wake(container_of(timer, struct vcpu, vtimer.virtual_timer));
}

/* ---- the physical timer, emulated --------------------------------------------------------------- */

static bool physical_condition(const struct vtimer_vcpu_state *state)
{
	return time_ticks() >= state->cntp_cval;
}

static void set_physical_line(struct vcpu *v, bool level)
{
	if (v->vtimer.physical_line != level) {
		v->vtimer.physical_line = level;
		vgic_set_line(v->domain, v, VTIMER_INTID_PHYSICAL, level);
	}
}

/* The registers changed, time has passed, or the vCPU came to this CPU: the line, or the timer that will raise it. */
static void update_physical(struct vcpu *v)
{
	struct vtimer_vcpu *vt = &v->vtimer;
	bool enabled = can_assert(vt->state.cntp_ctl);
	bool due = enabled && physical_condition(&vt->state);

	if (enabled && !due) {
		timer_set(&vt->physical_timer, vt->state.cntp_cval);
	} else {
		timer_cancel(&vt->physical_timer);
	}
	set_physical_line(v, due);
}

static void physical_timer_expired(struct timer *timer)
{
	struct vcpu *v = container_of(timer, struct vcpu, vtimer.physical_timer);

	v->work.physical_timer = true;
	sched_wake(v);
}

static uint64_t physical_ctl(const struct vtimer_vcpu_state *state)
{
	bool istatus = (state->cntp_ctl & CNT_CTL_ENABLE) != 0 && physical_condition(state);

	return state->cntp_ctl | (istatus ? CNT_CTL_ISTATUS : 0);
}

bool vtimer_sysreg(struct vcpu *v, uint32_t key, bool is_write, uint64_t *value)
{
	struct vtimer_vcpu_state *state = &v->vtimer.state;

	switch (key) {
	case KEY_CNTP_CTL_EL0:
		if (!is_write) {
			*value = physical_ctl(state);
			return true;
		}
		state->cntp_ctl = (uint32_t)(*value & CTL_WRITABLE);
		break;
	case KEY_CNTP_CVAL_EL0:
		if (!is_write) {
			*value = state->cntp_cval;
			return true;
		}
		state->cntp_cval = *value;
		break;
	case KEY_CNTP_TVAL_EL0:
		/* A signed 32-bit view of the distance. */
		if (!is_write) {
			*value = (uint32_t)(state->cntp_cval - time_ticks());
			return true;
		}
		state->cntp_cval = time_ticks() + (uint64_t)(int64_t)(int32_t)*value;
		break;
	default:
		return false;
	}
	update_physical(v);
	return true;
}

/* ---- life of a vCPU ------------------------------------------------------------------------------- */

void vtimer_init_cpu(void)
{
	int error = irq_register_forwarded(VTIMER_INTID_VIRTUAL, virtual_interrupt);

	if (error != 0) {
		panic("vtimer: cpu%u: interrupt %u is taken (error %d)", this_cpu_id(),
		      VTIMER_INTID_VIRTUAL, error);
	}
	/* EL1 and EL0 read the physical counter, which has no offset; its timer traps. No event stream. */
	sysreg_write(CNTHCTL_EL2, CNTHCTL_EL1PCTEN);
	sysreg_write(CNTV_CTL_EL0, 0);
	isb(); /* off before the interrupt is enabled */
	gic_set_trigger(VTIMER_INTID_VIRTUAL, GIC_LEVEL);
	gic_enable(VTIMER_INTID_VIRTUAL);
}

void vtimer_vcpu_init(struct vcpu *v)
{
	v->vtimer = (struct vtimer_vcpu){0};
	timer_setup(&v->vtimer.virtual_timer, virtual_timer_expired);
	timer_setup(&v->vtimer.physical_timer, physical_timer_expired);
	v->vgic.private_irqs[VTIMER_INTID_VIRTUAL].hw = true;
}

void vtimer_vcpu_reset(struct vcpu *v)
{
	ASSERT(!v->vtimer.loaded);
	timer_cancel(&v->vtimer.virtual_timer);
	timer_cancel(&v->vtimer.physical_timer);
	v->vtimer.state = (struct vtimer_vcpu_state){0};
	v->work.physical_timer =
		true; /* should the line be high, it falls on the way into the guest */
}

void vtimer_vcpu_fini(struct vcpu *v)
{
	timer_cancel_sync(&v->vtimer.virtual_timer);
	timer_cancel_sync(&v->vtimer.physical_timer);
}

/* What there is to do for a vCPU that uses one of its timers, or has used it and not ended the interrupt. */
static __noinline void load_active(struct vcpu *v)
{
	struct vtimer_vcpu *vt = &v->vtimer;

	timer_cancel(&vt->virtual_timer);
	if (can_assert(vt->state.cntp_ctl)) {
		/*
		 * It moves to this CPU's queue. From now on it goes off in an interrupt that this CPU takes, never while
		 * the vCPU is about to sleep: sched_wait_for_interrupt() does not heed wake-ups, it looks at the lines.
		 */
		timer_cancel_sync(&vt->physical_timer);
		v->work.physical_timer = true;
	}
	/* It may be due, or the guest in the middle of its handler: vtimer_sync(). */
	v->work.virtual_timer = true;
	/* In flight as it was, before the timer's line can be high; vtimer_sync() corrects it if the guest is done. */
	if (vt->ppi_active) {
		gic_set_active(VTIMER_INTID_VIRTUAL, true);
	}
	isb(); /* no moment with the timer on and another vCPU's deadline */
	sysreg_write(CNTV_CTL_EL0, vt->state.cntv_ctl);
	isb(); /* ISTATUS is this timer's when vtimer_sync() reads it */
}

void vtimer_load(struct vcpu *v)
{
	struct vtimer_vcpu *vt = &v->vtimer;

	ASSERT(this_cpu(vtimer_loaded) == NULL && !vt->loaded);
	this_cpu(vtimer_loaded) = v;
	vt->loaded = true;
	/* Still high, though the timer is off by now: vtimer_sync(). */
	v->work.virtual_timer = vt->virtual_line;
	sysreg_write(CNTKCTL_EL1, vt->state.cntkctl);
	sysreg_write(CNTVOFF_EL2, v->domain->cntvoff);
	sysreg_write(CNTV_CVAL_EL0, vt->state.cntv_cval);
	/* CNTV is off here, and virtual_timer is not set when the guest's is. */
	if ((vt->state.cntv_ctl | vt->state.cntp_ctl | vt->ppi_active) != 0) {
		load_active(v);
	}
}

static __noinline void save_active(struct vcpu *v, uint64_t ctl)
{
	struct vtimer_vcpu *vt = &v->vtimer;

	sysreg_write(CNTV_CTL_EL0, 0);
	isb(); /* the line is low before the interrupt is deactivated */
	/* The next vCPU's timer shall fire here. */
	if (vt->ppi_active) {
		gic_set_active(VTIMER_INTID_VIRTUAL, false);
	}
	/* With its line high in the vGIC already there is nothing more to wake it for. */
	if (can_assert(ctl) && !(virtual_output(ctl) && vt->virtual_line && !vt->fired)) {
		arm_virtual_timer(v);
	}
}

void vtimer_save(struct vcpu *v)
{
	struct vtimer_vcpu *vt = &v->vtimer;
	uint64_t ctl = sysreg_read(CNTV_CTL_EL0);

	ASSERT(this_cpu(vtimer_loaded) == v && vt->loaded);
	vt->state.cntv_ctl = (uint32_t)(ctl & CTL_WRITABLE);
	vt->state.cntv_cval = sysreg_read(CNTV_CVAL_EL0);
	vt->state.cntkctl = sysreg_read(CNTKCTL_EL1);
	this_cpu(vtimer_loaded) = NULL;
	vt->loaded = false;
	if ((ctl & CTL_WRITABLE) != 0 || vt->ppi_active) {
		save_active(v, ctl);
	}
}

void vtimer_sync(struct vcpu *v)
{
	if (v->work.virtual_timer) {
		sync_virtual(v);
	}
	if (v->work.physical_timer) {
		v->work.physical_timer = false;
		update_physical(v);
	}
}

void vtimer_refresh(struct vcpu *v)
{
	if (this_cpu(vtimer_loaded) == v) {
		v->work.virtual_timer = true;
		v->work.physical_timer = true;
		vtimer_sync(v);
	}
}
