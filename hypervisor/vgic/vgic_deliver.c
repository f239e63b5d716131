/* SPDX-License-Identifier: MIT */
/*
 * Delivery at once: a private interrupt of the vCPU that is in the exit goes into a list register without a look at the
 * others. What cannot is left to vgic_settle_private(), and with it to vgic_flush().
 */
#include "gic/gic.h"
#include "lib/assert.h"
#include "vgic/vgic_lr.h"

static inline void finish(struct vcpu *v, struct vgic_irq *irq)
{
	vgic_lr_note_filled(irq);
	if (likely(!v->work.list_registers)) {
		WRITE_ONCE(v->vgic.lr_live, true);
	}
	spin_unlock(&v->vgic.lock);
}

/*
 * It is in no list register. Others that wait for one are not overtaken: all are in use then, and stay so until a
 * vgic_sync(), which leaves the choice to vgic_flush().
 */
static __noinline void deliver_first(struct vcpu *v, struct vgic_irq *irq)
{
	struct vgic_vcpu *vg = &v->vgic;
	const uint64_t lr = vgic_lr_of_pending(irq);
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
	vgic_lr_claim(vg, irq, idx);
	finish(v, irq);
}

/*
 * The shortest way. An interrupt that had a list register gets it again when that is empty: the guest has taken the
 * interrupt and ended it, and nothing else needs to be read back.
 */
void vgic_deliver(struct vcpu *v, struct vgic_irq *irq)
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
	lr = vgic_lr_of_pending(irq);
	if (likely(lr != 0 && v->vgic.lr_live && irq->active_change == VGIC_ACTIVE_KEEP &&
		   gic_lr_fill(irq->lr - 1u, lr))) {
		finish(v, irq);
	} else {
		vgic_settle_private(v, irq);
	}
}
