/* SPDX-License-Identifier: MIT */
/* No interrupt in a vCPU's list is forgotten, as vgic_lr.c says: looked at before each entry and after each switch. */
#include "vgic/vgic_internal.h"

#include "lib/assert.h"

#ifdef TENON_DEBUG
void vgic_check_list(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct list *node;

	spin_lock(&vg->lock);
	list_for_each(node, &vg->pending) {
		const struct vgic_irq *irq = list_entry(node, struct vgic_irq, link);

		ASSERT(irq->vcpu == v);
		ASSERT(irq->lr != 0 || !vgic_irq_is_wanted(irq) || v->work.vgic ||
		       (vg->waiting && vg->lr_live));
	}
	ASSERT(!vg->waiting || !vg->lr_live || vg->lr_used == BIT64(gic_info.nr_lrs) - 1);
	spin_unlock(&vg->lock);
}
#endif
