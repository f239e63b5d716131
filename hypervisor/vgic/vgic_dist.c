/* SPDX-License-Identifier: MIT */
/*
 * The distributor that a domain has: set-up, and what GICv2's and GICv3's registers have in common. The
 * tables are in vgic_v2_regs.c and vgic_v3_regs.c; here is the engine that reads them, and the handlers of the
 * registers that have some bits for each interrupt.
 */
#include "vgic/vgic_internal.h"

#include "abi/xen.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "mm/mm.h"

#define SPI_LIMIT (INTID_SPI_LIMIT - INTID_SPI_FIRST)

/* ---- set-up ------------------------------------------------------------------------------------ */

static void init_irq(struct vgic_irq *irq, uint32_t vintid)
{
	*irq = (struct vgic_irq){.vintid = (uint16_t)vintid};
	list_init(&irq->link);
	/* SGIs: edges, and always enabled, as IHI 0048 allows and Xen does. */
	irq->state.enabled = vintid < VGIC_NR_SGIS;
	irq->state.level = vintid >= VGIC_NR_SGIS;
}

int vgic_domain_init(struct domain *d, enum gic_version version, unsigned int nr_spis)
{
	struct vgic_domain *vg = &d->vgic;
	int ret;

	if (version != gic_info.version) {
		log_error("d%u: a virtual GICv%d needs a GICv%d, this machine has a GICv%d", d->id,
			  (int)version, (int)version, (int)gic_info.version);
		return -XEN_EOPNOTSUPP;
	}
	spin_lock_init(&vg->lock, LOCK_RANK_VGIC_DIST);
	vg->version = version;
	vg->enabled = false;
	/* INTIDs 1020 to 1023 mean something else: the last word of registers is short. */
	nr_spis = MIN(nr_spis, (unsigned int)SPI_LIMIT);
	vg->nr_spis = MIN(ALIGN_UP(nr_spis, 32u), (unsigned int)SPI_LIMIT);
	vg->spis = NULL;
	vg->spis_order = 0;
	if (vg->nr_spis != 0) {
		while ((PAGE_SIZE << vg->spis_order) < vg->nr_spis * sizeof(vg->spis[0])) {
			vg->spis_order++;
		}
		vg->spis = hyp_alloc(vg->spis_order);
		if (vg->spis == NULL) {
			return -XEN_ENOMEM;
		}
	}
	for (unsigned int i = 0; i < vg->nr_spis; i++) {
		init_irq(&vg->spis[i], VGIC_NR_PRIVATE + i);
		/* To vCPU 0: a bit for GICv2, an affinity for GICv3. */
		vg->spis[i].state.target = version == GIC_V2 ? 1 : 0;
	}
	ret = version == GIC_V2 ? vgic_v2_domain_init(d) : vgic_v3_domain_init(d);
	if (ret != 0) {
		vgic_domain_fini(d);
	}
	return ret;
}

void vgic_domain_fini(struct domain *d)
{
	struct vgic_domain *vg = &d->vgic;

	if (vg->spis == NULL) {
		return;
	}
	spin_lock(&vg->lock);
	for (unsigned int i = 0; i < vg->nr_spis; i++) {
		struct vgic_irq *irq = &vg->spis[i];

		if (irq->hw) {
			gic_disable(irq->vintid);
			gic_set_active(irq->vintid, false);
		}
		/* The vCPUs' lists outlive the array. */
		if (irq->vcpu != NULL) {
			struct vcpu *home = irq->vcpu;

			ASSERT(irq->lr == 0);
			spin_lock(&home->vgic.lock);
			vgic_irq_unlist(irq);
			spin_unlock(&home->vgic.lock);
		}
	}
	vg->nr_spis = 0;
	spin_unlock(&vg->lock);
	hyp_free(vg->spis, vg->spis_order);
	vg->spis = NULL;
}

int vgic_vcpu_init(struct vcpu *v)
{
	struct vgic_vcpu *vg = &v->vgic;
	struct domain *d = v->domain;

	if (d->vgic.version == GIC_V2 && v->id >= VGIC_V2_MAX_VCPUS) {
		log_error("d%u: a GICv2 serves %d vCPUs at most", d->id, VGIC_V2_MAX_VCPUS);
		return -XEN_EINVAL;
	}
	if (d->vgic.version == GIC_V3 && !vgic_v3_has_redist(d, v->id)) {
		log_error("d%u: no redistributor for vCPU %u: the GICR regions are too small",
			  d->id, v->id);
		return -XEN_ENOSPC;
	}
	*vg = (struct vgic_vcpu){.loaded = false};
	spin_lock_init(&vg->lock, LOCK_RANK_VCPU_VGIC);
	list_init(&vg->pending);
	vgic_vcpu_reset(v);
	for (uint32_t i = 0; i < VGIC_NR_PRIVATE; i++) {
		init_irq(&vg->private_irqs[i], i);
	}
	return 0;
}

void vgic_vcpu_reset(struct vcpu *v)
{
	ASSERT(!v->vgic.loaded);
	gic_vcpu_init(&v->vgic.hw);
}

/* ---- registers with some bits for each interrupt; the interrupt's locks are held --------------- */

void vgic_set_enable(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	irq->state.enabled = true;
	if (vgic_irq_is_physical_spi(irq)) {
		gic_enable(irq->vintid);
	}
}

void vgic_clear_enable(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	if (irq->vintid < VGIC_NR_SGIS) {
		return;
	}
	irq->state.enabled = false;
	if (vgic_irq_is_physical_spi(irq)) {
		gic_disable(irq->vintid);
	}
}

uint32_t vgic_get_pending(const struct vcpu *bank, const struct vgic_irq *irq)
{
	/* A passed-through interrupt waits at the physical GIC while it is disabled here, or active. */
	return vgic_irq_is_pending(irq) ||
	       (vgic_irq_is_physical_spi(irq) && gic_is_pending(irq->vintid));
}

void vgic_set_pending(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	if (vgic_irq_is_v2_sgi(d, irq)) {
		return; /* GICD_SPENDSGIR does that */
	}
	if (vgic_irq_is_physical_spi(irq)) {
		gic_set_pending(irq->vintid, true); /* and arrives like the device's own */
	} else {
		irq->state.software = true;
		vgic_irq_set_latch(irq);
	}
}

void vgic_clear_pending(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	if (vgic_irq_is_v2_sgi(d, irq)) {
		return;
	}
	if (vgic_irq_is_physical_spi(irq)) {
		gic_set_pending(irq->vintid, false);
		/* It has arrived, and the guest will not end it. A level that is still high comes again. */
		if (irq->state.latch && !irq->state.active && irq->lr == 0) {
			gic_set_active(irq->vintid, false);
		}
	}
	irq->state.latch = false;
	irq->lr_latch = false;
}

static void change_active(struct vgic_irq *irq, bool active)
{
	if (vgic_irq_is_physical_spi(irq)) {
		gic_set_active(irq->vintid, active);
	}
	if (vgic_irq_is_live(irq)) {
		irq->active_change = active ? VGIC_ACTIVE_SET : VGIC_ACTIVE_CLEAR;
	} else {
		irq->state.active = active;
	}
}

void vgic_set_active(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	change_active(irq, true);
}

void vgic_clear_active(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	change_active(irq, false);
}

void vgic_set_priority(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	/* The bits that the virtual CPU interface has. */
	irq->state.priority = (uint8_t)(value & (0xff00u >> gic_info.priority_bits));
	if (vgic_irq_is_physical_spi(irq)) {
		gic_set_priority(irq->vintid, irq->state.priority);
	}
}

uint32_t vgic_get_config(const struct vcpu *bank, const struct vgic_irq *irq)
{
	return irq->state.level ? 0 : (uint32_t)GICD_ICFGR_EDGE;
}

void vgic_set_config(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	bool level = (value & GICD_ICFGR_EDGE) == 0;

	if (irq->vintid < VGIC_NR_SGIS || irq->state.level == level) {
		return;
	}
	irq->state.level = level;
	if (vgic_irq_is_physical_spi(irq)) {
		/* Only while disabled is the effect defined: at the guest's GIC as at the real one. */
		gic_disable(irq->vintid);
		gic_set_trigger(irq->vintid, level ? GIC_LEVEL : GIC_EDGE);
		if (irq->state.enabled) {
			gic_enable(irq->vintid);
		}
	}
}

void vgic_set_target(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	struct vcpu *target;

	irq->state.target = value;
	target = vgic_irq_target(d, irq);
	if (vgic_irq_is_physical_spi(irq) && target != NULL) {
		gic_set_target(irq->vintid, target->sched.cpu);
	}
}

void vgic_set_enabled(struct domain *d, bool enabled)
{
	bool changes;

	spin_lock(&d->vgic.lock);
	changes = d->vgic.enabled != enabled;
	WRITE_ONCE(d->vgic.enabled, enabled);
	spin_unlock(&d->vgic.lock);
	if (changes) {
		vgic_update_all(d);
	}
}

/* ---- the engine -------------------------------------------------------------------------------- */

static const struct vgic_reg *find_reg(const struct vgic_frame *frame, uint32_t offset)
{
	for (size_t i = 0; i < frame->nr_regs; i++) {
		const struct vgic_reg *reg = &frame->regs[i];

		if (offset - reg->offset < reg->size) {
			return reg;
		}
	}
	return NULL;
}

/* The interrupts that an access is about; those that it means in particular are given as a bit for each of them. */
struct span {
	struct domain *d;
	struct vcpu *bank;
	uint32_t first, nr;
};

static uint64_t span_all(const struct span *span)
{
	return BITS64(span->nr - 1, 0);
}

static struct vgic_irq *span_irq(const struct span *span, uint32_t i)
{
	return vgic_irq_find(span->d, span->bank, span->first + i);
}

static void lock_span(const struct span *span)
{
	if (span->first >= VGIC_NR_PRIVATE) {
		spin_lock(&span->d->vgic.lock);
	}
}

static void unlock_span(const struct span *span)
{
	if (span->first >= VGIC_NR_PRIVATE) {
		spin_unlock(&span->d->vgic.lock);
	}
}

/*
 * Lines that a guest lowers without Tenon seeing it: its virtual timer's, and its upcall's, which is a byte in memory.
 * Asked before they are told, and before an interrupt that was disabled is enabled.
 */
static void sample_private_lines(const struct span *span, uint64_t which)
{
	const uint64_t timers = BIT64(GUEST_TIMER_VIRT_PPI) | BIT64(GUEST_TIMER_PHYS_NS_PPI);
	const uint32_t upcall = span->d->evtchn_ppi - span->first;

	if ((which << span->first & timers) != 0) {
		vtimer_refresh(span->bank);
	}
	if (upcall < span->nr && (which & BIT64(upcall)) != 0) {
		vgic_sample_upcall(span->bank);
	}
}

static void refresh_span(const struct span *span, uint64_t which)
{
	struct vcpu *last = NULL;

	for (; which != 0; which &= which - 1) {
		struct vgic_irq *irq = span_irq(span, (uint32_t)__builtin_ctzll(which));
		struct vcpu *home = irq != NULL ? atomic_load_acquire(&irq->vcpu) : NULL;

		/* A hint, taken without locks: who is put into a list register from now on is out of scope. */
		if (home != NULL && home != last && READ_ONCE(irq->lr) != 0) {
			vgic_refresh(home);
			last = home;
		}
	}
}

static inline uint64_t read_field(const struct vgic_irq *irq, uint32_t field)
{
	return ((const uint8_t *)irq)[field];
}

static inline uint64_t read_irq(const struct span *span, const struct vgic_reg *reg,
				const struct vgic_irq *irq)
{
	return reg->get != NULL ? reg->get(span->bank, irq) : read_field(irq, reg->field);
}

/* Private interrupts have one lock. */
static uint64_t read_private_span(const struct span *span, const struct vgic_reg *reg)
{
	const struct vgic_irq *irq = &span->bank->vgic.private_irqs[span->first];
	const uint32_t irq_bits = reg->irq_bits, field = reg->field;
	uint64_t value = 0;

	spin_lock(&span->bank->vgic.lock);
	if (reg->get == NULL) {
		for (uint32_t i = span->nr; i-- > 0;) {
			value = value << irq_bits | read_field(&irq[i], field);
		}
	} else {
		for (uint32_t i = 0; i < span->nr; i++) {
			value |= (uint64_t)reg->get(span->bank, &irq[i]) << (i * irq_bits);
		}
	}
	spin_unlock(&span->bank->vgic.lock);
	return value;
}

static uint64_t read_span(const struct span *span, const struct vgic_reg *reg)
{
	uint64_t value = 0;

	if ((reg->refresh & VGIC_REFRESH_READ) != 0) {
		refresh_span(span, span_all(span));
	}
	if (span->first + span->nr <= VGIC_NR_PRIVATE) {
		return read_private_span(span, reg);
	}
	lock_span(span);
	for (uint32_t i = 0; i < span->nr; i++) {
		struct vgic_irq *irq = span_irq(span, i);

		if (irq != NULL) {
			struct vcpu *home = vgic_irq_lock(span->d, span->bank, irq);

			value |= read_irq(span, reg, irq) << (i * reg->irq_bits);
			if (home != NULL) {
				spin_unlock(&home->vgic.lock);
			}
		}
	}
	unlock_span(span);
	return value;
}

static void write_span(const struct span *span, const struct vgic_reg *reg, uint64_t which,
		       uint64_t value)
{
	const uint32_t irq_bits = reg->irq_bits;

	lock_span(span);
	for (uint64_t left = which; left != 0; left &= left - 1) {
		const uint32_t i = (uint32_t)__builtin_ctzll(left);
		struct vgic_irq *irq = span_irq(span, i);

		if (irq != NULL) {
			vgic_irq_update(span->d, span->bank, irq, reg->set,
					(uint32_t)(value >> (i * irq_bits) &
						   BITS64(irq_bits - 1, 0)));
		}
	}
	unlock_span(span);
	if ((reg->refresh & VGIC_REFRESH_WRITE) != 0) {
		refresh_span(span, which);
	}
}

static void access_array(const struct vgic_frame *frame, const struct vgic_reg *reg,
			 struct vcpu *bank, uint32_t at, struct mmio_access *access)
{
	uint32_t bits = access->size * 8u;
	struct span span = {
		.d = bank->domain,
		.bank = bank,
		.first = at * 8 / reg->irq_bits,
		.nr = MAX(bits / reg->irq_bits, 1u),
	};
	/* Half of a GICD_IROUTER: only the lower one has bits that mean anything here. */
	bool upper_half = at * 8 % reg->irq_bits != 0;
	uint64_t which;

	if (span.first < frame->first_intid || upper_half) {
		return;
	}
	which = span_all(&span);
	if (access->is_write && reg->irq_bits == 1) {
		which &= access->value; /* the zeroes mean nothing */
	}
	/* What is read of enable bits does not depend on lines; what is delivered after they are written does. */
	if (span.first < VGIC_NR_PRIVATE &&
	    (reg->refresh & (access->is_write ? VGIC_REFRESH | VGIC_SAMPLE : VGIC_REFRESH_READ)) !=
		    0) {
		sample_private_lines(&span, which);
	}
	if (!access->is_write && (reg->get != NULL || reg->field != 0)) {
		access->value = read_span(&span, reg);
	} else if (access->is_write && reg->set != NULL) {
		write_span(&span, reg, which, access->value);
	}
}

void vgic_frame_access(const struct vgic_frame *frame, struct vcpu *bank, uint32_t offset,
		       struct mmio_access *access)
{
	const struct vgic_reg *reg = find_reg(frame, offset);
	uint32_t at;

	if (!access->is_write) {
		access->value = 0;
	}
	if (reg == NULL || (reg->widths & access->size) == 0 || (offset & (access->size - 1u)) != 0) {
		return;
	}
	at = offset - reg->offset;
	if (reg->irq_bits != 0) {
		access_array(frame, reg, bank, at, access);
	} else if (!access->is_write && reg->read != NULL) {
		access->value = reg->read(bank) >> (at * 8) & BITS64(access->size * 8u - 1, 0);
	} else if (access->is_write && reg->write != NULL) {
		reg->write(bank, access->value);
	}
}
