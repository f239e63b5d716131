/* SPDX-License-Identifier: MIT */
/*
 * From an event to an interrupt in a vCPU's list: lines, edges, SGIs, physical interrupts; and the one
 * routine through which every change of an interrupt goes, vgic_irq_update(). Which interrupts are then
 * in list registers is vgic_lr.c's.
 */
#include "vgic/vgic_internal.h"

#include "lib/assert.h"
#include "sched/sched.h"

/* ---- one interrupt ----------------------------------------------------------------------------- */

struct vgic_irq *vgic_irq_find(struct domain *d, struct vcpu *bank, uint32_t vintid)
{
	if (vintid < VGIC_NR_PRIVATE) {
		return &bank->vgic.private_irqs[vintid];
	}
	if (vintid - VGIC_NR_PRIVATE < d->vgic.nr_spis) {
		return &d->vgic.spis[vintid - VGIC_NR_PRIVATE];
	}
	return NULL;
}

struct vcpu *vgic_irq_target(const struct domain *d, const struct vgic_irq *irq)
{
	uint32_t target = irq->state.target;
	uint32_t id;

	if (d->vgic.version == GIC_V2) {
		if (target == 0) {
			return NULL;
		}
		id = (uint32_t)__builtin_ctz(
			target); /* of several the lowest: 1-of-N leaves the choice open */
	} else if ((target & VGIC_IROUTER_IRM) != 0) {
		id = 0;
	} else {
		/* xen-abi-arm section 1.5: sixteen vCPUs to an Aff1. */
		if ((target & 0xff00f0) != 0) {
			return NULL;
		}
		id = (target >> 8) * 16 + (target & 0xf);
	}
	return id < d->nr_vcpus ? d->vcpu[id] : NULL;
}

void vgic_irq_set_latch(struct vgic_irq *irq)
{
	/* Edges merge as long as the guest has not taken the first. While it runs it may just have: then
	 * vgic_sync() decides. */
	if (!irq->lr_latch || vgic_irq_is_live(irq)) {
		irq->state.latch = true;
	}
}

void vgic_irq_give_back_spi(struct vgic_irq *irq)
{
	struct vgic_irq_state *state = &irq->state;

	if (state->enabled || state->active || !state->latch) {
		return;
	}
	state->latch = false;
	if (!state->level) {
		gic_set_pending(irq->vintid,
				true); /* an edge would be lost; a level is there to be seen */
	}
	gic_set_active(irq->vintid, false);
}

/* ---- changes ----------------------------------------------------------------------------------- */

struct vcpu *vgic_irq_lock(struct domain *d, struct vcpu *bank, struct vgic_irq *irq)
{
	struct vcpu *home = bank;

	if (!vgic_irq_is_spi(irq)) {
		spin_lock(&home->vgic.lock);
		return home;
	}
	ASSERT(spin_is_mine(&d->vgic.lock));
	home = atomic_load_acquire(&irq->vcpu); /* pairs with the release in vgic_irq_unlist() */
	if (home != NULL) {
		spin_lock(&home->vgic.lock);
		if (irq->vcpu == home) {
			return home;
		}
		spin_unlock(&home->vgic.lock);
	}
	/* Idle, and stays so: the lock that listing takes is held. */
	home = vgic_irq_target(d, irq);
	if (home != NULL) {
		spin_lock(&home->vgic.lock);
	}
	return home;
}

enum nudge {
	NUDGE_NONE,
	NUDGE_KICK, /* it runs with a list register that says something else */
	NUDGE_WAKE, /* there is something to deliver */
	NUDGE_MOVE  /* idle, and to be delivered elsewhere */
};

/* It is in the list of home, whose lock is held. */
static inline enum nudge nudge_for(struct vcpu *home, const struct vgic_irq *irq, bool wanted)
{
	WRITE_ONCE(home->work.vgic, true);
	if (wanted && !irq->state.active) {
		return NUDGE_WAKE;
	}
	return home->vgic.lr_live ? NUDGE_KICK : NUDGE_NONE;
}

static inline void list_irq(struct vcpu *home, struct vgic_irq *irq)
{
	WRITE_ONCE(irq->vcpu, home);
	list_add_tail(&irq->link, &home->vgic.pending);
}

/* The interrupt's state is final: make the list agree. home's lock is held. */
static enum nudge settle(struct domain *d, struct vcpu *home, struct vgic_irq *irq)
{
	bool wanted = vgic_irq_is_wanted(irq);

	if (irq->lr == 0 && !wanted) {
		vgic_irq_give_back(irq);
		if (irq->vcpu != NULL) {
			vgic_irq_unlist(irq);
		}
		return NUDGE_NONE;
	}
	if (irq->vcpu == NULL) {
		if (vgic_irq_is_spi(irq) && vgic_irq_target(d, irq) != home) {
			return NUDGE_MOVE; /* the change was to its target */
		}
		if (home == NULL) {
			return NUDGE_NONE; /* pending, until it gets one */
		}
		list_irq(home, irq);
	} else if (irq->lr == 0 && vgic_irq_leaves(home, irq)) {
		vgic_irq_unlist(irq);
		return NUDGE_MOVE;
	}
	return nudge_for(home, irq, wanted);
}

/* Of many: sched_wake_soon(). */
static void nudge_one_of_many(struct vcpu *v, enum nudge nudge)
{
	if (sched_goes_on(v)) {
		return;
	}
	if (nudge == NUDGE_WAKE) {
		sched_wake_soon(v);
	} else if (nudge == NUDGE_KICK) {
		sched_kick(v->sched.cpu);
	}
}

static void nudge_vcpu(struct vcpu *v, enum nudge nudge)
{
	/* The current vCPU passes vgic_flush() before it goes on; not so when it is about to block. */
	if (sched_goes_on(v)) {
		return;
	}
	if (nudge == NUDGE_WAKE) {
		sched_wake(v);
	} else if (nudge == NUDGE_KICK) {
		sched_kick(v->sched.cpu);
	}
}

void vgic_irq_update(struct domain *d, struct vcpu *bank, struct vgic_irq *irq,
		     vgic_change_t change, uint32_t value)
{
	enum nudge nudge;

	do {
		struct vcpu *home = vgic_irq_lock(d, bank, irq);

		if (change != NULL) {
			change(d, irq, value);
			change = NULL;
		}
		nudge = settle(d, home, irq);
		if (home != NULL) {
			spin_unlock(&home->vgic.lock);
			nudge_vcpu(home, nudge);
		}
		/* Twice at most: now it is idle, so the next home is its target. */
	} while (nudge == NUDGE_MOVE);
}

void vgic_update_all(struct domain *d)
{
	for (unsigned int i = 0; i < d->nr_vcpus; i++) {
		struct vcpu *v = d->vcpu[i];

		if (v != NULL) {
			spin_lock(&v->vgic.lock);
			v->work.vgic = true;
			spin_unlock(&v->vgic.lock);
			nudge_one_of_many(v, NUDGE_WAKE);
		}
	}
}

/* A private interrupt, which is at home with v, has changed; v's lock is held, and released. */
static __force_inline enum nudge settle_private(struct vcpu *v, struct vgic_irq *irq)
{
	const bool wanted = vgic_irq_is_wanted(irq);
	enum nudge nudge = NUDGE_NONE;

	/* As settle(), without what only a shared one may need. */
	if (wanted || irq->lr != 0) {
		if (irq->vcpu == NULL) {
			list_irq(v, irq);
		}
		nudge = nudge_for(v, irq, wanted);
	} else if (irq->vcpu != NULL) {
		vgic_irq_unlist(irq);
	}
	spin_unlock(&v->vgic.lock);
	return nudge;
}

void vgic_settle_private(struct vcpu *v, struct vgic_irq *irq)
{
	nudge_vcpu(v, settle_private(v, irq));
}

/*
 * vgic_irq_update() for a private interrupt, and shorter: events, timers and SGIs pass here. A copy for each change, in a
 * function of its own that is given the interrupt.
 */
static __force_inline void update_private(struct vcpu *v, struct vgic_irq *irq,
					  vgic_change_t change, uint32_t value)
{
	spin_lock(&v->vgic.lock);
	change(v->domain, irq, value);
	if (likely(sched_goes_on(v))) {
		vgic_deliver(v, irq);
	} else {
		vgic_settle_private(v, irq);
	}
}

/* Find, lock what an SPI needs, change. A device may be configured with an INTID that does not exist. */
static __noinline void update_shared(struct domain *d, uint32_t vintid, vgic_change_t change,
				     uint32_t value)
{
	struct vgic_irq *irq = vgic_irq_find(d, NULL, vintid);

	if (irq == NULL) {
		return;
	}
	spin_lock(&d->vgic.lock);
	vgic_irq_update(d, NULL, irq, change, value);
	spin_unlock(&d->vgic.lock);
}

/* ---- lines, edges, SGIs ------------------------------------------------------------------------ */

static void change_line(struct domain *d, struct vgic_irq *irq, uint32_t level)
{
	bool rises = level != 0 && !irq->state.line;

	irq->state.line = level != 0;
	if (rises && !irq->state.level) {
		vgic_irq_set_latch(irq);
	}
}

static void change_edge(struct domain *d, struct vgic_irq *irq, uint32_t unused)
{
	irq->state.software = false;
	vgic_irq_set_latch(irq);
}

/*
 * The byte is read under the lock: who sets it afterwards raises the interrupt once the lock is free, and who has set it
 * before is seen here.
 */
static void change_upcall(struct domain *d, struct vgic_irq *irq, uint32_t vcpu_id)
{
	if (irq->state.level && !irq->state.software && event_upcall_is_low(d->vcpu[vcpu_id])) {
		irq->state.latch = false;
		irq->lr_latch = false;
	}
}

static void change_sgi(struct domain *d, struct vgic_irq *irq, uint32_t source)
{
	if (!vgic_irq_is_v2_sgi(d, irq)) {
		vgic_irq_set_latch(irq);
	} else if (!irq->lr_latch || irq->lr_source != source || vgic_irq_is_live(irq)) {
		irq->state.sgi_sources |= (uint8_t)(1u << source);
	}
}

static __noinline void set_private_line(struct vcpu *v, struct vgic_irq *irq, bool level)
{
	update_private(v, irq, change_line, level);
}

void vgic_set_line(struct domain *d, struct vcpu *v, uint32_t vintid, bool level)
{
	struct vgic_irq *irq = vgic_irq_find(d, v, vintid);

	/* Called at each exit for the timers; the caller is the only one who changes the line. */
	if (irq == NULL || READ_ONCE(irq->state.line) == level) {
		return;
	}
	if (vgic_irq_is_spi(irq)) {
		update_shared(d, vintid, change_line, level);
	} else {
		set_private_line(v, irq, level);
	}
}

static void raise_line(struct domain *d, struct vgic_irq *irq, uint32_t unused)
{
	irq->state.line = true;
	if (!irq->state.level) {
		vgic_irq_set_latch(irq);
	}
}

static __noinline void raise_private_line(struct vcpu *v, struct vgic_irq *irq)
{
	update_private(v, irq, raise_line, 0);
}

void vgic_raise_line(struct vcpu *v, uint32_t vintid)
{
	ASSERT(vintid < VGIC_NR_PRIVATE);
	raise_private_line(v, &v->vgic.private_irqs[vintid]);
}

static __noinline void pulse_private(struct vcpu *v, struct vgic_irq *irq)
{
	update_private(v, irq, change_edge, 0);
}

void vgic_pulse(struct domain *d, struct vcpu *v, uint32_t vintid)
{
	ASSERT(vintid >= VGIC_NR_SGIS);
	if (likely(vintid < VGIC_NR_PRIVATE)) {
		pulse_private(v, &v->vgic.private_irqs[vintid]);
	} else {
		update_shared(d, vintid, change_edge, 0);
	}
}

void vgic_sample_upcall(struct vcpu *v)
{
	/* High, as it was told: v is not woken for that, should it be another one. */
	if (!event_upcall_is_low(v)) {
		return;
	}
	update_private(v, &v->vgic.private_irqs[v->domain->evtchn_ppi], change_upcall, v->id);
}

static __noinline void send_private_sgi(struct vcpu *to, struct vgic_irq *irq, uint32_t source)
{
	update_private(to, irq, change_sgi, source);
}

void vgic_send_sgi(struct vcpu *from, struct vcpu *to, uint32_t sgi)
{
	send_private_sgi(to, &to->vgic.private_irqs[sgi], from->id);
}

void vgic_send_sgi_of_many(struct vcpu *from, struct vcpu *to, uint32_t sgi, unsigned int nr_before)
{
	struct vgic_irq *irq = &to->vgic.private_irqs[sgi];

	if (nr_before < SCHED_WAKES_AT_ONCE) {
		vgic_send_sgi(from, to, sgi);
		return;
	}
	spin_lock(&to->vgic.lock);
	change_sgi(to->domain, irq, from->id);
	nudge_one_of_many(to, settle_private(to, irq));
}

bool vgic_is_active(struct vcpu *v, uint32_t vintid)
{
	ASSERT(vintid < VGIC_NR_PRIVATE);
	vgic_sync(v);
	return READ_ONCE(v->vgic.private_irqs[vintid].state.active);
}

/* ---- physical interrupts ----------------------------------------------------------------------- */

int vgic_assign_physical(struct domain *d, uint32_t intid, enum gic_trigger trigger)
{
	struct vgic_irq *irq;
	int ret = 0;

	if (!d->is_hardware || intid < INTID_SPI_FIRST || intid >= gic_info.nr_intids) {
		return -XEN_EINVAL;
	}
	irq = vgic_irq_find(d, NULL, intid);
	if (irq == NULL) {
		return -XEN_EINVAL;
	}
	spin_lock(&d->vgic.lock);
	if (irq->hw || irq_is_registered(intid)) {
		ret = -XEN_EBUSY;
	} else {
		struct vcpu *target = vgic_irq_target(d, irq);

		irq->hw = true;
		irq->state.level = trigger == GIC_LEVEL;
		gic_disable(intid);
		gic_set_trigger(intid, trigger);
		if (target != NULL) {
			gic_set_target(intid, target->sched.cpu);
		}
	}
	spin_unlock(&d->vgic.lock);
	return ret;
}

bool vgic_physical_interrupt(uint32_t intid)
{
	struct domain *d = hardware_domain;
	struct vgic_irq *irq;
	struct vcpu *target;

	if (d == NULL || intid < INTID_SPI_FIRST) {
		return false;
	}
	irq = vgic_irq_find(d, NULL, intid);
	if (irq == NULL || !irq->hw) {
		return false;
	}
	spin_lock(&d->vgic.lock);
	vgic_irq_update(d, NULL, irq, change_edge, 0);
	/* The vCPU has moved since: let the next one arrive where it is. */
	target = vgic_irq_target(d, irq);
	if (target != NULL && target->sched.cpu != this_cpu_id()) {
		gic_set_target(intid, target->sched.cpu);
	}
	spin_unlock(&d->vgic.lock);
	return true;
}
