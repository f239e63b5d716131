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
 * priority; maintenance interrupts (underflow, none pending, or the end of an active one when all are) call
 * for the rest. An active interrupt that found no list register cannot be deactivated by the guest: with
 * active ones by priority, and EOI ending the highest first, that takes a guest that splits drop and
 * deactivation, and then it hurts only itself.
 *
 * No interrupt is forgotten (vgic_check.c). For one of the list that is wanted and in no list register,
 *
 *	work.vgic is set     and the next vgic_flush() chooses anew, on whatever CPU that is; or
 *	vgic.waiting is set  and list registers are in use: maintenance interrupts are asked for, and the next
 *	                     vgic_sync(), for whatever reason it is called, sets work.vgic.
 *
 * A vCPU that leaves its CPU is in the first state, as what was asked for stays behind: it may never have come,
 * when another exit was faster. That the vCPU is entered again is seen to elsewhere: who lists an interrupt wakes it
 * (vgic_irq_update()), and before it blocks it looks at the whole list, not at list registers (vgic_has_pending()).
 */
#include "vgic/vgic_lr.h"

#include "arm64/cpu.h"
#include "gic/gic.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "mm/mm.h"
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
		lr->source_cpu = vgic_lr_next_source(state);
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

static void load(struct vcpu *v, struct vgic_irq *irq, bool ends_by_exit)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct gic_lr lr;

	latch_from_lr(v->domain, irq);
	make_lr(v->domain, irq, &lr);
	lr.eoi_maintenance = !lr.hw && (lr.eoi_maintenance || ends_by_exit);
	if (irq->lr == 0) {
		vgic_lr_claim(vg, irq, (unsigned int)__builtin_ctzll(~vg->lr_used));
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

static inline void forget_lr(struct vgic_vcpu *vg, struct vgic_irq *irq, unsigned int idx)
{
	irq->lr = 0;
	vg->lr_irq[idx] = NULL;
	vg->lr_used &= ~BIT64(idx);
}

static void unload(struct vcpu *v, unsigned int idx)
{
	struct vgic_irq *irq = v->vgic.lr_irq[idx];

	latch_from_lr(v->domain, irq);
	forget_lr(&v->vgic, irq, idx);
	gic_lr_clear(idx);
	if (vgic_irq_is_physical_spi(irq) && !irq->state.active && !irq->state.latch) {
		/* GICD_ICPENDR, or ICACTIVER: no EOI of the guest will end the physical one. */
		gic_set_active(irq->vintid, false);
	}
}

/* ---- after an exit ----------------------------------------------------------------------------- */

/* The guest has ended the interrupt, or what was there was taken back; the list register is empty. */
static inline void read_back_ended(struct vcpu *v, unsigned int idx)
{
	struct vgic_irq *irq = v->vgic.lr_irq[idx];

	irq->lr_latch = false;
	irq->state.active = irq->active_change == VGIC_ACTIVE_SET;
	irq->active_change = VGIC_ACTIVE_KEEP;
	forget_lr(&v->vgic, irq, idx);
	if (vgic_irq_is_wanted(irq)) {
		v->work.vgic = true;
	} else {
		vgic_irq_give_back(irq);
		vgic_irq_unlist(irq);
	}
}

/* The guest has left this in the list register. */
static __noinline void read_back(struct vcpu *v, unsigned int idx)
{
	struct vgic_irq *irq = v->vgic.lr_irq[idx];
	struct vgic_irq_state *state = &irq->state;
	struct gic_lr lr, now;

	gic_lr_read(idx, &lr);
	if (!lr.pending && !lr.active) {
		gic_lr_clear(idx); /* ends its maintenance request */
		read_back_ended(v, idx);
		return;
	}
	if (!lr.pending) {
		irq->lr_latch = false; /* taken */
	} else if (irq->lr_latch) {
		/* What came meanwhile merges with what is still pending. */
		state->latch = false;
		state->sgi_sources &= (uint8_t) ~(1u << irq->lr_source);
	}
	if (lr.active && !state->active) {
		state->active_source = irq->lr_source;
	}
	state->active = lr.active;
	if (irq->active_change != VGIC_ACTIVE_KEEP) {
		state->active = irq->active_change == VGIC_ACTIVE_SET;
		irq->active_change = VGIC_ACTIVE_KEEP;
	}
	make_lr(v->domain, irq, &now);
	if (now.pending != lr.pending || now.active != lr.active) {
		v->work.vgic = true;
	}
}

static __noinline void read_back_all(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	uint64_t empty;

	ASSERT(vg->loaded);
	spin_lock(&vg->lock);
	empty = gic_lr_empty_mask();
	for (uint64_t left = vg->lr_used; left != 0; left &= left - 1) {
		unsigned int idx = (unsigned int)__builtin_ctzll(left);

		if (likely((empty & BIT64(idx)) != 0)) {
			read_back_ended(v, idx);
		} else {
			read_back(v, idx);
		}
	}
	/* vgic_refresh() on another CPU waits for either; it takes the lock before it looks at interrupts. */
	WRITE_ONCE(vg->sync_count, vg->sync_count + 1);
	WRITE_ONCE(vg->lr_live, false);
	v->work.list_registers = vg->lr_used != 0;
	if (unlikely(vg->waiting)) {
		v->work.vgic = true; /* for those that have become free, by this exit */
	}
	spin_unlock(&vg->lock);
}

void vgic_sync(struct vcpu *v)
{
	WRITE_ONCE(v->work.refresh, false);
	if (v->vgic.lr_live) {
		read_back_all(v);
	}
}

/*
 * The other CPU is in its guest, or on the way in or out, or busy at EL2. It reads back on its way in, or when it takes
 * the kick (sched_cpu.c), which is repeated since it may be swallowed on the way in. This one holds no lock meanwhile, and
 * nobody waits for it in turn: its own vCPU's list registers are read back first, as an exit leaves them alone, and it
 * passes epochs (docs/locking.md, "Waits"). No window is open, and no guest copy under way: the guest's access is decoded.
 */
static void wait_for_sync(const struct vcpu *v, uint32_t count)
{
	lock_assert_none_held();
	vgic_sync(current_vcpu());
	for (unsigned int spins = 0;
	     READ_ONCE(v->vgic.lr_live) && READ_ONCE(v->vgic.sync_count) == count; spins++) {
		if (spins % 1024 == 0) {
			sched_kick(v->sched.cpu);
		}
		epoch_poll();
		cpu_relax();
	}
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
	if (live) {
		wait_for_sync(v, count);
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

static __noinline void refill(struct vcpu *v, struct movers *movers)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct choice choice = {.limit = gic_info.nr_lrs};
	bool enabled = READ_ONCE(v->domain->vgic.enabled);
	uint32_t hcr = GIC_HCR_EN;
	bool all_active;
	struct list *node, *next;

	for (node = vg->pending.next; node != &vg->pending; node = next) {
		struct vgic_irq *irq = list_entry(node, struct vgic_irq, link);
		bool wanted = vgic_irq_is_wanted(irq);

		next = node->next;
		irq->chosen = false;
		if (wanted && !vgic_irq_leaves(v, irq)) {
			if (enabled || irq->state.active) {
				choose(&choice, irq);
			} else {
				/* At each exit, until the distributor is on. */
				v->work.vgic = true;
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
	/*
	 * Only such requests as are not true at once: or the guest would make no progress. An interrupt with the HW bit
	 * cannot ask for one at its end; where all are such and active, the exit comes when one of them is left.
	 */
	all_active = choice.overflow && choice.irq[choice.nr - 1]->state.active;
	for (unsigned int i = 0; i < choice.nr; i++) {
		load(v, choice.irq[i], all_active);
	}
	vg->waiting = choice.overflow;
	if (choice.overflow) {
		if (choice.nr > 1) {
			hcr |= GIC_HCR_UIE;
		}
		if (!all_active) {
			hcr |= GIC_HCR_NPIE;
		}
	}
	set_hcr(vg, hcr);
}

/*
 * Most often a vCPU comes with nothing in list registers and one interrupt, the one that woke it. False, and nothing is
 * done, when it is otherwise.
 */
static bool fill_the_only_one(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct list *node = vg->pending.next;
	struct vgic_irq *irq = list_entry(node, struct vgic_irq, link);
	uint64_t lr;

	if (vg->lr_used != 0 || node == &vg->pending || node->next != &vg->pending ||
	    !irq->state.enabled || irq->state.active || !READ_ONCE(v->domain->vgic.enabled) ||
	    vgic_irq_leaves(v, irq)) {
		return false;
	}
	lr = vgic_lr_of_pending(irq);
	if (lr == 0 || !gic_lr_fill(0, lr)) {
		return false;
	}
	vgic_lr_claim(vg, irq, 0);
	vgic_lr_note_filled(irq);
	vg->waiting = false;
	set_hcr(vg, GIC_HCR_EN);
	return true;
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

/* Choose anew. */
static __noinline void flush_all(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct movers movers;

	movers.nr = 0;
	refill(v, &movers);
	WRITE_ONCE(vg->lr_live, vg->lr_used != 0);
	v->work.list_registers = false;
	spin_unlock(&vg->lock);
	deliver_elsewhere(v->domain, &movers);
}

void vgic_flush(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	bool refill_them;

	/* Work that comes after this look comes with a kick. */
	if (!READ_ONCE(v->work.vgic) && !v->work.list_registers) {
		vgic_check_list(v);
		return;
	}
	ASSERT(vg->loaded && !vg->lr_live);
	spin_lock(&vg->lock);
	refill_them = v->work.vgic;
	v->work.vgic = false;
	if (refill_them && !fill_the_only_one(v)) {
		flush_all(v);
	} else {
		WRITE_ONCE(vg->lr_live, vg->lr_used != 0);
		v->work.list_registers = false;
		spin_unlock(&vg->lock);
	}
	vgic_check_list(v);
}

/* Is there anything in the list that its CPU interface lets through? */
static __noinline bool list_has_pending(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct list *node;
	uint32_t vmcr;
	bool found = false;

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

bool vgic_has_pending(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;

	vgic_sync(v);
	/* Without the lock: who adds to the list wakes the vCPU afterwards. */
	if (READ_ONCE(vg->pending.next) == &vg->pending || !READ_ONCE(v->domain->vgic.enabled)) {
		return false;
	}
	return list_has_pending(v);
}

/* ---- on and off a CPU -------------------------------------------------------------------------- */

void vgic_load(struct vcpu *v)
{
	v->vgic.loaded = true;
	v->vgic.hw.hcr = GIC_HCR_EN;
	gic_vcpu_load(&v->vgic.hw);
}

/* What is in list registers goes back into the list. */
static __noinline void unload_all(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct movers movers;

	movers.nr = 0;
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

void vgic_save(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;

	vgic_sync(v);
	if (vg->lr_used != 0) {
		unload_all(v);
	}
	gic_vcpu_save(&vg->hw);
	vg->loaded = false;
	vgic_check_list(v);
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
