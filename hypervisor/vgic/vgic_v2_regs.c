/* SPDX-License-Identifier: MIT */
/*
 * GICv2's distributor for a guest (IHI 0048B, "Distributor register descriptions"). The CPU interface is the
 * hardware's: GICV, mapped where the guest looks for GICC. One group, no Security Extensions.
 */
#include "vgic/vgic_internal.h"

#include "lib/log.h"
#include "stage2/stage2.h"

#define GICD_SIZE         0x1000u
#define GICC_SIZE         0x2000u
#define GICV_ALIASED_SIZE 0x20000u

#define GICD_ICPIDR2      0xfe8
#define ICPIDR2_V2        0x20  /* architecture version 2 */
#define IIDR_V2           0x43b /* implementer Arm; what Xen's guests read */

static void write_ctlr(struct vcpu *bank, uint64_t value)
{
	vgic_set_enabled(bank->domain, (value & GICD_CTLR_V2_ENABLE) != 0);
}

/* The registers that are read most. False: not one of them. */
static inline bool read_control(const struct domain *d, uint32_t offset, uint64_t *value)
{
	switch (offset) {
	case GICD_CTLR:
		*value = READ_ONCE(d->vgic.enabled) ? GICD_CTLR_V2_ENABLE : 0;
		return true;
	case GICD_TYPER:
		*value = FIELD_PREP(GICD_TYPER_LINES, DIV_ROUND_UP(d->vgic.nr_spis, 32)) |
			 FIELD_PREP(GICD_TYPER_CPUS, d->nr_vcpus - 1);
		return true;
	default:
		return false;
	}
}

static uint64_t read_iidr(struct vcpu *bank)
{
	return IIDR_V2;
}

static uint64_t read_pidr2(struct vcpu *bank)
{
	return ICPIDR2_V2;
}

static uint32_t get_targets(const struct vcpu *bank, const struct vgic_irq *irq)
{
	return vgic_irq_is_spi(irq) ? irq->state.target : 1u << bank->id;
}

static void set_targets(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	if (vgic_irq_is_spi(irq)) {
		vgic_set_target(d, irq, value & ((1u << d->nr_vcpus) - 1));
	}
}

/* GICD_SPENDSGIR, GICD_CPENDSGIR: the source CPUs of an SGI that is pending at the bank's vCPU. */
static uint32_t get_sources(const struct vcpu *bank, const struct vgic_irq *irq)
{
	return irq->state.sgi_sources | (irq->lr_latch ? 1u << irq->lr_source : 0);
}

static void set_sources(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	uint32_t known = irq->lr_latch && !vgic_irq_is_live(irq) ? 1u << irq->lr_source : 0;

	irq->state.sgi_sources |= (uint8_t)(value & ((1u << d->nr_vcpus) - 1) & ~known);
}

static void clear_sources(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	irq->state.sgi_sources &= (uint8_t)~value;
	if ((value & (1u << irq->lr_source)) != 0) {
		irq->lr_latch = false;
	}
}

static __noinline void send_to_many(struct vcpu *v, uint64_t targets, uint32_t sgi)
{
	unsigned int nr_sent = 0;

	for (; targets != 0; targets &= targets - 1) {
		vgic_send_sgi_of_many(v, v->domain->vcpu[__builtin_ctzll(targets)], sgi, nr_sent++);
	}
}

static void write_sgir(struct vcpu *v, uint64_t value)
{
	const uint32_t sgi = (uint32_t)FIELD_GET(GICD_SGIR_INTID, value);
	const uint64_t all = BIT64(v->domain->nr_vcpus) - 1;
	const uint64_t self = BIT64(v->id);
	uint64_t targets = FIELD_GET(GICD_SGIR_TARGETS, value) & all;

	switch (FIELD_GET(GICD_SGIR_FILTER, value)) {
	case 0:
		break;
	case GICD_SGIR_OTHERS:
		targets = all & ~self;
		break;
	case GICD_SGIR_SELF:
		targets = self;
		break;
	default:
		return; /* reserved */
	}
	if (likely(targets == self)) {
		vgic_send_sgi(v, v, sgi);
	} else {
		send_to_many(v, targets, sgi);
	}
}

/* clang-format off: a table */
static const struct vgic_reg regs[] = {
	{.offset = GICD_CTLR, .size = 4, .widths = 4, .write = write_ctlr}, /* and see read_control() */
	{.offset = GICD_IIDR, .size = 4, .widths = 4, .read = read_iidr},
	VGIC_COMMON_REGS(1024),
	{.offset = GICD_ITARGETSR,
	 .size = 1024,
	 .widths = 1 | 4,
	 .irq_bits = 8,
	 .get = get_targets,
	 .set = set_targets},
	{.offset = GICD_CPENDSGIR,
	 .size = 16,
	 .widths = 1 | 4,
	 .irq_bits = 8,
	 .refresh = VGIC_REFRESH,
	 .get = get_sources,
	 .set = clear_sources},
	{.offset = GICD_SPENDSGIR,
	 .size = 16,
	 .widths = 1 | 4,
	 .irq_bits = 8,
	 .refresh = VGIC_REFRESH,
	 .get = get_sources,
	 .set = set_sources},
	{.offset = GICD_ICPIDR2, .size = 4, .widths = 4, .read = read_pidr2},
};
/* clang-format on */

static const struct vgic_frame frame = {.regs = regs, .nr_regs = ARRAY_SIZE(regs)};

static bool access_dist(struct vcpu *v, struct mmio_access *access, void *context)
{
	/* What a running guest writes: no look into the table. */
	if (access->is_write && access->offset == GICD_SGIR && access->size == 4) {
		write_sgir(v, access->value);
		return true;
	}
	if (access->is_write || access->size != sizeof(uint32_t) ||
	    !read_control(v->domain, access->offset, &access->value)) {
		vgic_frame_access(&frame, v, access->offset, access);
	}
	return true;
}

int vgic_v2_domain_init(struct domain *d)
{
	const struct vgic_domain *vg = &d->vgic;
	maddr_t gicv = gic_info.gicv_base + gic_info.v2_alias_offset;
	uint64_t size = GICC_SIZE;
	int ret;

	if (d->nr_vcpus > VGIC_V2_MAX_VCPUS) {
		log_error("d%u: a GICv2 serves %d vCPUs, not %u", d->id, VGIC_V2_MAX_VCPUS,
			  d->nr_vcpus);
		return -XEN_EINVAL;
	}
	if (gic_info.gicv_size < GICC_SIZE) {
		log_error("d%u: the machine's GICv2 has no virtual CPU interface (GICV): see reg of its node",
			  d->id);
		return -XEN_EOPNOTSUPP;
	}
	if (d->is_hardware && gic_info.v2_alias_offset != 0) {
		/* Its driver knows the machine, and finds the copies by itself. */
		gicv = gic_info.gicv_base;
		size = MIN(gic_info.gicv_size, (uint64_t)GICV_ALIASED_SIZE);
	}
	ret = trap_mmio_register(d, vg->dist_base, GICD_SIZE, access_dist, NULL);
	if (ret != 0) {
		return ret;
	}
	return stage2_map(d, ipa_to_gfn(vg->cpu_base), maddr_to_mfn(gicv), size >> PAGE_SHIFT,
			  STAGE2_DEVICE);
}
