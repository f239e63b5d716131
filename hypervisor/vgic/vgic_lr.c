/* SPDX-License-Identifier: MIT */
/*
 * List registers: the interrupts that the guest can take without Tenon's help.
 *
 * A vCPU's list has all that are active, or pending and enabled. vgic_flush() puts them into list registers
 * before entry, and vgic_sync() reads back after an exit what the guest has made of them. In between
 * (lr_live) the hardware's copy is the true one. Both do nothing when there is nothing: the flag
 * v->work.vgic says that the list and the list registers disagree.
 *
 * A pending latch moves into the list register with its interrupt (lr_latch), so an edge that comes while
 * the guest runs is a new one; a level is sampled again at each sync and flush, and by a maintenance
 * interrupt at EOI as long as the line is high.
 *
 * With more interrupts than list registers those chosen are the active ones, then the pending ones by
 * priority; maintenance interrupts (underflow, none pending) call for the rest. An active interrupt that
 * found no list register cannot be deactivated by the guest: with active ones by priority, and EOI ending
 * the highest first, that takes a guest that splits drop and deactivation, and then it hurts only itself.
 */
#include "vgic/vgic_internal.h"

#include "arm64/cpu.h"
#include "gic/gic.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "sched/sched.h"

#define HCR_MAINTENANCE (GIC_HCR_UIE | GIC_HCR_NPIE)

static void set_hcr(struct vgic_vcpu *vg, uint32_t hcr)
{
	if (vg->hw.hcr != hcr) {
		vg->hw.hcr = hcr;
		gic_hcr_write(hcr);
	}
}

/* ---- one list register ------------------------------------------------------------------------- */

/* Whose copy of an SGI comes next (GICv2). */
static uint8_t next_source(const struct vgic_irq_state *state)
{
	return state->active ? state->active_source
			     : (uint8_t)__builtin_ctz(state->sgi_sources | 0x100u);
}

/* The latch comes home from the list register. */
static void latch_from_lr(const struct domain *d, struct vgic_irq *irq)
{
	if (!irq->lr_latch) {
		return;
	}
	irq->lr_latch = false;
	if (vgic_irq_is_v2_sgi(d, irq)) {
		irq->state.sgi_sources |= (uint8_t)(1u << irq->lr_source);
	} else {
		irq->state.latch = true;
	}
}

/* What the interrupt's list register should say; the latch must be home. */
static void make_lr(const struct domain *d, const struct vgic_irq *irq, struct gic_lr *lr)
{
	const struct vgic_irq_state *state = &irq->state;

	*lr = (struct gic_lr){
		.vintid = irq->vintid,
		.pintid = irq->vintid,
		.priority = state->priority,
		.active = state->active,
		.hw = irq->hw,
	};
	if (state->enabled && READ_ONCE(d->vgic.enabled)) {
		lr->pending = vgic_irq_is_pending(irq);
	}
	if (vgic_irq_is_v2_sgi(d, irq)) {
		lr->source_cpu = next_source(state);
		lr->pending = lr->pending && (state->sgi_sources & (1u << lr->source_cpu)) != 0;
		/* One list register, one source: come back for the others. */
		lr->eoi_maintenance = (state->sgi_sources & ~(1u << lr->source_cpu)) != 0;
	} else if (irq->hw) {
		/* The pending state next to an active one is the physical GIC's (IHI 0069, ICH_LR<n>_EL2.State). */
		lr->pending = lr->pending && !lr->active;
	} else {
		lr->eoi_maintenance = state->level && state->line;
	}
}

static void claim_lr(struct vgic_vcpu *vg, struct vgic_irq *irq, unsigned int idx)
{
	vg->lr_used |= BIT64(idx);
	vg->lr_irq[idx] = irq;
	irq->lr = (uint8_t)(idx + 1);
}

static void load(struct vcpu *v, struct vgic_irq *irq)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct gic_lr lr;

	latch_from_lr(v->domain, irq);
	make_lr(v->domain, irq, &lr);
	if (irq->lr == 0) {
		claim_lr(vg, irq, (unsigned int)__builtin_ctzll(~vg->lr_used));
	}
	if (lr.pending) {
		if (vgic_irq_is_v2_sgi(v->domain, irq)) {
			irq->state.sgi_sources &= (uint8_t) ~(1u << lr.source_cpu);
			irq->lr_latch = true;
		} else {
			irq->lr_latch = irq->state.latch;
			irq->state.latch = false;
		}
	}
	irq->lr_source = lr.source_cpu;
	gic_lr_write(irq->lr - 1u, &lr);
}

static void forget_lr(struct vgic_vcpu *vg, unsigned int idx)
{
	vg->lr_irq[idx]->lr = 0;
	vg->lr_irq[idx] = NULL;
	vg->lr_used &= ~BIT64(idx);
}

static void unload(struct vcpu *v, unsigned int idx)
{
	struct vgic_irq *irq = v->vgic.lr_irq[idx];

	latch_from_lr(v->domain, irq);
	forget_lr(&v->vgic, idx);
	gic_lr_clear(idx);
	if (vgic_irq_is_physical_spi(irq) && !irq->state.active && !irq->state.latch) {
		/* GICD_ICPENDR, or ICACTIVER: no EOI of the guest will end the physical one. */
		gic_set_active(irq->vintid, false);
	}
}

/* ---- after an exit ----------------------------------------------------------------------------- */

/* The guest has left this in the list register. */
static void read_back(struct vcpu *v, unsigned int idx, const struct gic_lr *lr, bool empty)
{
	struct vgic_irq *irq = v->vgic.lr_irq[idx];
	struct vgic_irq_state *state = &irq->state;
	struct gic_lr now;

	if (!lr->pending) {
		irq->lr_latch = false; /* taken */
	} else if (irq->lr_latch) {
		/* What came meanwhile merges with what is still pending. */
		state->latch = false;
		state->sgi_sources &= (uint8_t) ~(1u << irq->lr_source);
	}
	if (lr->active && !state->active) {
		state->active_source = irq->lr_source;
	}
	state->active = lr->active;
	if (irq->active_change != VGIC_ACTIVE_KEEP) {
		state->active = irq->active_change == VGIC_ACTIVE_SET;
		irq->active_change = VGIC_ACTIVE_KEEP;
	}

	if (!lr->pending && !lr->active) {
		if (!empty) {
			gic_lr_clear(idx); /* ends its maintenance request */
		}
		forget_lr(&v->vgic, idx);
		if (vgic_irq_is_wanted(irq)) {
			v->work.vgic = true;
		} else {
			vgic_irq_give_back(irq);
			vgic_irq_unlist(irq);
		}
		return;
	}
	make_lr(v->domain, irq, &now);
	if (now.pending != lr->pending || now.active != lr->active) {
		v->work.vgic = true;
	}
}

void vgic_sync(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	uint64_t empty;

	WRITE_ONCE(v->work.refresh, false);
	if (!vg->lr_live) {
		return;
	}
	ASSERT(vg->loaded);
	empty = gic_lr_empty_mask();
	spin_lock(&vg->lock);
	for (uint64_t left = vg->lr_used; left != 0; left &= left - 1) {
		unsigned int idx = (unsigned int)__builtin_ctzll(left);
		bool is_empty = (empty & BIT64(idx)) != 0;
		struct gic_lr lr = {0};

		if (!is_empty) {
			gic_lr_read(idx, &lr);
		}
		read_back(v, idx, &lr, is_empty);
	}
	/* vgic_refresh() on another CPU waits for either; it takes the lock before it looks at interrupts. */
	WRITE_ONCE(vg->sync_count, vg->sync_count + 1);
	WRITE_ONCE(vg->lr_live, false);
	v->work.list_registers = vg->lr_used != 0;
	spin_unlock(&vg->lock);
}

void vgic_refresh(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	uint32_t count;
	bool live;

	if (v == current_vcpu()) {
		vgic_sync(v);
		return;
	}
	spin_lock(&vg->lock);
	live = vg->lr_live;
	count = vg->sync_count;
	/* For its next look on the way into its guest, which a kick brings about. */
	WRITE_ONCE(v->work.refresh, live);
	spin_unlock(&vg->lock);
	/*
	 * The other CPU is in its guest, or on the way in or out. It needs nothing from this one to leave the
	 * guest and reach vgic_sync(): no lock is held here, and this vCPU's own list registers are not live,
	 * so nobody waits for it in turn. The kick is repeated since it may be swallowed on the way in.
	 */
	for (unsigned int spins = 0; live; spins++) {
		if (spins % 1024 == 0) {
			sched_kick(v->sched.cpu);
		}
		cpu_relax();
		live = READ_ONCE(vg->lr_live) && READ_ONCE(vg->sync_count) == count;
	}
}

/* ---- at once ---------------------------------------------------------------------------------- */

/*
 * What an interrupt that is pending and not active has in its list register, as make_lr() says it; 0 when it is not pending,
 * or is an SGI of several sources, which is left to that.
 */
static inline uint64_t lr_of_pending(const struct vgic_irq *irq)
{
	const struct vgic_irq_state *state = &irq->state;
	const unsigned int sources = state->sgi_sources;
	const bool line = state->level && state->line;
	uint64_t lr = ICH_LR_PENDING | FIELD_PREP(ICH_LR_PRIORITY, state->priority) | irq->vintid;

	if (unlikely(sources != 0)) {
		return (sources & (sources - 1)) == 0
			     ? lr | FIELD_PREP(ICH_LR_PINTID, next_source(state))
			     : 0;
	}
	if (!state->latch && !line) {
		return 0;
	}
	if (irq->hw) {
		return lr | ICH_LR_HW | (uint64_t)irq->vintid << 32;
	}
	return line ? lr | ICH_LR_EOI : lr;
}

/* The list register has it now: what load() does to the software's copy. v's lock is released. */
static inline void finish_fill(struct vcpu *v, struct vgic_irq *irq)
{
	irq->state.active = false;
	if (unlikely(irq->state.sgi_sources != 0)) {
		irq->lr_latch = true;
		irq->lr_source = next_source(&irq->state);
		irq->state.sgi_sources = 0;
	} else {
		irq->lr_latch = irq->state.latch;
		irq->state.latch = false;
	}
	if (likely(!v->work.list_registers)) {
		WRITE_ONCE(v->vgic.lr_live, true);
	}
	spin_unlock(&v->vgic.lock);
}

/* It is in no list register. */
static __noinline void deliver_first(struct vcpu *v, struct vgic_irq *irq)
{
	struct vgic_vcpu *vg = &v->vgic;
	const uint64_t lr = lr_of_pending(irq);
	unsigned int idx;

	if (lr == 0 || !vg->loaded || irq->vcpu != NULL || irq->state.active ||
	    vg->lr_used == BIT64(gic_info.nr_lrs) - 1) {
		vgic_settle_private(v, irq);
		return;
	}
	idx = (unsigned int)__builtin_ctzll(~vg->lr_used);
	if (!gic_lr_fill(idx, lr)) {
		vgic_settle_private(v, irq);
		return;
	}
	WRITE_ONCE(irq->vcpu, v);
	list_add_tail(&irq->link, &vg->pending);
	claim_lr(vg, irq, idx);
	finish_fill(v, irq);
}

/*
 * The shortest way. An interrupt that had a list register gets it again when that is empty: the guest has taken the
 * interrupt and ended it, and nothing else needs to be read back.
 */
void vgic_lr_deliver(struct vcpu *v, struct vgic_irq *irq)
{
	uint64_t lr;

	ASSERT(v == current_vcpu() && !vgic_irq_is_spi(irq));
	if (unlikely(v->work.vgic || !irq->state.enabled || !READ_ONCE(v->domain->vgic.enabled))) {
		vgic_settle_private(v, irq);
		return;
	}
	if (unlikely(irq->lr == 0)) {
		deliver_first(v, irq);
		return;
	}
	lr = lr_of_pending(irq);
	if (likely(lr != 0 && v->vgic.lr_live && irq->active_change == VGIC_ACTIVE_KEEP &&
		   gic_lr_fill(irq->lr - 1u, lr))) {
		finish_fill(v, irq);
	} else {
		vgic_settle_private(v, irq);
	}
}

/* ---- before entry ------------------------------------------------------------------------------ */

/* The best interrupts of a list, best first. */
struct choice {
	struct vgic_irq *irq[GIC_MAX_LRS];
	unsigned int nr, limit;
	bool overflow;
};

static unsigned int rank(const struct vgic_irq *irq)
{
	return (irq->state.active ? 0 : 0x100) + irq->state.priority;
}

static void choose(struct choice *choice, struct vgic_irq *irq)
{
	unsigned int i = choice->nr;

	if (i == choice->limit) {
		choice->overflow = true;
		i--;
		if (rank(irq) >= rank(choice->irq[i])) {
			return;
		}
		choice->irq[i]->chosen = false;
	} else {
		choice->nr++;
	}
	for (; i > 0 && rank(irq) < rank(choice->irq[i - 1]); i--) {
		choice->irq[i] = choice->irq[i - 1];
	}
	choice->irq[i] = irq;
	irq->chosen = true;
}

/* SPIs that the guest has sent to another vCPU while they were in list registers here: at most those. */
struct movers {
	struct vgic_irq *irq[GIC_MAX_LRS];
	unsigned int nr;
};

static void refill(struct vcpu *v, struct movers *movers)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct choice choice = {.limit = gic_info.nr_lrs};
	bool enabled = READ_ONCE(v->domain->vgic.enabled);
	uint32_t hcr = GIC_HCR_EN;
	struct list *node, *next;

	for (node = vg->pending.next; node != &vg->pending; node = next) {
		struct vgic_irq *irq = list_entry(node, struct vgic_irq, link);
		bool wanted = vgic_irq_is_wanted(irq);

		next = node->next;
		irq->chosen = false;
		if (wanted && !vgic_irq_leaves(v, irq)) {
			if (enabled || irq->state.active) {
				choose(&choice, irq);
			}
			continue;
		}
		if (irq->lr != 0) {
			unload(v, irq->lr - 1u);
		}
		if (!wanted) {
			vgic_irq_give_back(irq);
		} else if (movers->nr < ARRAY_SIZE(movers->irq)) {
			movers->irq[movers->nr++] = irq;
		} else {
			v->work.vgic = true; /* cannot be; next time */
			continue;
		}
		vgic_irq_unlist(irq);
	}
	for (uint64_t left = vg->lr_used; left != 0; left &= left - 1) {
		unsigned int idx = (unsigned int)__builtin_ctzll(left);

		if (!vg->lr_irq[idx]->chosen) {
			unload(v, idx);
		}
	}
	for (unsigned int i = 0; i < choice.nr; i++) {
		load(v, choice.irq[i]);
	}
	if (choice.overflow) {
		/* Only such requests as are not true at once: or the guest would make no progress. */
		if (choice.nr > 1) {
			hcr |= GIC_HCR_UIE;
		}
		if (!choice.irq[choice.nr - 1]->state.active) {
			hcr |= GIC_HCR_NPIE;
		}
	}
	set_hcr(vg, hcr);
}

static void deliver_elsewhere(struct domain *d, const struct movers *movers)
{
	if (movers->nr == 0) {
		return;
	}
	spin_lock(&d->vgic.lock);
	for (unsigned int i = 0; i < movers->nr; i++) {
		vgic_irq_update(d, NULL, movers->irq[i], NULL, 0);
	}
	spin_unlock(&d->vgic.lock);
}

void vgic_flush(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct movers movers;

	/* Work that comes after this look comes with a kick. */
	if (!READ_ONCE(v->work.vgic) && !v->work.list_registers) {
		return;
	}
	ASSERT(vg->loaded && !vg->lr_live);
	movers.nr = 0;
	spin_lock(&vg->lock);
	if (v->work.vgic) {
		v->work.vgic = false;
		refill(v, &movers);
	}
	WRITE_ONCE(vg->lr_live, vg->lr_used != 0);
	v->work.list_registers = false;
	spin_unlock(&vg->lock);
	deliver_elsewhere(v->domain, &movers);
}

bool vgic_has_pending(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct list *node;
	uint32_t vmcr;
	bool found = false;

	vgic_sync(v);
	/* Without the lock: who adds to the list wakes the vCPU afterwards. */
	if (READ_ONCE(vg->pending.next) == &vg->pending || !READ_ONCE(v->domain->vgic.enabled)) {
		return false;
	}
	vmcr = vg->loaded ? gic_vmcr_read() : vg->hw.vmcr;
	if (!gic_vmcr_enabled(vmcr)) {
		return false;
	}
	spin_lock(&vg->lock);
	list_for_each(node, &vg->pending) {
		const struct vgic_irq *irq = list_entry(node, struct vgic_irq, link);

		if (!irq->state.active && irq->state.enabled && vgic_irq_is_pending(irq) &&
		    irq->state.priority < gic_vmcr_mask(vmcr)) {
			found = true;
			break;
		}
	}
	spin_unlock(&vg->lock);
	return found;
}

/* ---- on and off a CPU -------------------------------------------------------------------------- */

void vgic_load(struct vcpu *v)
{
	v->vgic.loaded = true;
	v->vgic.hw.hcr = GIC_HCR_EN;
	gic_vcpu_load(&v->vgic.hw);
}

void vgic_save(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct movers movers = {.nr = 0};

	vgic_sync(v);
	if (vg->lr_used != 0) {
		spin_lock(&vg->lock);
		for (uint64_t left = vg->lr_used; left != 0; left &= left - 1) {
			unsigned int idx = (unsigned int)__builtin_ctzll(left);
			struct vgic_irq *irq = vg->lr_irq[idx];

			unload(v, idx);
			if (vgic_irq_leaves(v, irq)) {
				movers.irq[movers.nr++] = irq;
				vgic_irq_unlist(irq);
			}
		}
		v->work.list_registers = false;
		v->work.vgic = true; /* on the next CPU */
		spin_unlock(&vg->lock);
		deliver_elsewhere(v->domain, &movers);
	}
	gic_vcpu_save(&vg->hw);
	vg->loaded = false;
}

/* The exit itself is what was asked for: the next vgic_flush() does the work. Here the request ends, as it
 * is a level that would be taken again at once. */
static void handle_maintenance(uint32_t intid)
{
	struct vcpu *v = current_vcpu();

	if (v == NULL || !v->vgic.loaded) {
		return;
	}
	vgic_sync(v);
	spin_lock(&v->vgic.lock);
	set_hcr(&v->vgic, v->vgic.hw.hcr & ~(uint32_t)HCR_MAINTENANCE);
	v->work.vgic = true;
	spin_unlock(&v->vgic.lock);
}

void vgic_init_cpu(void)
{
	uint32_t intid = gic_info.maintenance_intid;

	if (irq_register(intid, handle_maintenance) != 0) {
		panic("vgic: the maintenance interrupt, INTID %u of the host tree, is taken", intid);
	}
	gic_enable(intid);
}
