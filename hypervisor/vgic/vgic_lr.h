/* SPDX-License-Identifier: MIT */
/*
 * A list register gets an interrupt: what the filling before an entry (vgic_lr.c) and the delivery at once
 * (vgic_deliver.c) have in common. The vCPU's lock is held throughout.
 */
#pragma once

#include "vgic/vgic_internal.h"

/* Whose copy of an SGI comes next (GICv2). */
static inline uint8_t vgic_lr_next_source(const struct vgic_irq_state *state)
{
	return state->active ? state->active_source
			     : (uint8_t)__builtin_ctz(state->sgi_sources | 0x100u);
}

static inline void vgic_lr_claim(struct vgic_vcpu *vg, struct vgic_irq *irq, unsigned int idx)
{
	vg->lr_used |= BIT64(idx);
	vg->lr_irq[idx] = irq;
	irq->lr = (uint8_t)(idx + 1);
}

/*
 * What an interrupt that is pending and not active has in its list register, as make_lr() says it; 0 when it is not pending,
 * or is an SGI of several sources, which is left to that.
 */
static inline uint64_t vgic_lr_of_pending(const struct vgic_irq *irq)
{
	const struct vgic_irq_state *state = &irq->state;
	const unsigned int sources = state->sgi_sources;
	const bool line = state->level && state->line;
	uint64_t lr = ICH_LR_PENDING | FIELD_PREP(ICH_LR_PRIORITY, state->priority) | irq->vintid;

	if (unlikely(sources != 0)) {
		/* Not active, whatever state->active says, which an exit has seen: the guest has ended it since. */
		return (sources & (sources - 1)) == 0
			     ? lr | FIELD_PREP(ICH_LR_PINTID, __builtin_ctz(sources))
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

/* The list register has that now: latch or source went with it. */
static inline void vgic_lr_note_filled(struct vgic_irq *irq)
{
	irq->state.active = false;
	if (unlikely(irq->state.sgi_sources != 0)) {
		irq->lr_latch = true;
		irq->lr_source = vgic_lr_next_source(&irq->state);
		irq->state.sgi_sources = 0;
	} else {
		irq->lr_latch = irq->state.latch;
		irq->state.latch = false;
	}
}
