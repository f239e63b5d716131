/* SPDX-License-Identifier: MIT */
/*
 * GICv3's distributor and redistributors for a guest (IHI 0069, "The Distributor register map", "The
 * Redistributor register map"), and its SGIs. The CPU interface is the hardware's. Affinity routing always,
 * group 1 only as the Non-secure world sees it, no LPIs.
 */
#include "vgic/vgic_internal.h"

#include "abi/xen.h"

#define GICD_SIZE    0x10000u

#define GICx_PIDR2   0xffe8                        /* the same place in both frames */
#define PIDR2_V3     0x30                          /* architecture version 3 */
#define IIDR_V3      0x34c                         /* what Xen's guests read */
#define TYPER_IDBITS FIELD_PREP(BITS64(23, 19), 9) /* ten bits of INTID */

/* ---- distributor ------------------------------------------------------------------------------- */

static void write_ctlr(struct vcpu *bank, uint64_t value)
{
	vgic_set_enabled(bank->domain, (value & GICD_CTLR_ENABLE_GRP1A) != 0);
}

/* The registers that are read most: Linux polls GICD_CTLR each time it disables an interrupt. False: not one of them. */
static inline bool read_control(const struct domain *d, uint32_t offset, uint64_t *value)
{
	switch (offset) {
	case GICD_CTLR:
		*value = GICD_CTLR_ARE_NS |
			 (READ_ONCE(d->vgic.enabled) ? GICD_CTLR_ENABLE_GRP1A : 0);
		return true;
	case GICD_TYPER:
		*value = FIELD_PREP(GICD_TYPER_LINES, DIV_ROUND_UP(d->vgic.nr_spis, 32)) |
			 FIELD_PREP(GICD_TYPER_CPUS, MIN(d->nr_vcpus, 8u) - 1) | TYPER_IDBITS;
		return true;
	default:
		return false;
	}
}

static uint64_t read_iidr(struct vcpu *bank)
{
	return IIDR_V3;
}

static uint64_t read_pidr2(struct vcpu *bank)
{
	return PIDR2_V3;
}

static uint32_t get_router(const struct vcpu *bank, const struct vgic_irq *irq)
{
	return irq->state.target;
}

static void set_router(struct domain *d, struct vgic_irq *irq, uint32_t value)
{
	vgic_set_target(d, irq, value & (uint32_t)(VGIC_IROUTER_IRM | 0xffffff));
}

/* clang-format off: tables */
static const struct vgic_reg dist_regs[] = {
	{.offset = GICD_CTLR, .size = 4, .widths = 4, .write = write_ctlr}, /* and see read_control() */
	{.offset = GICD_IIDR, .size = 4, .widths = 4, .read = read_iidr},
	VGIC_COMMON_REGS(1024),
	{.offset = GICD_IROUTER,
	 .size = 8 * INTID_SPI_LIMIT,
	 .widths = 4 | 8,
	 .irq_bits = 64,
	 .get = get_router,
	 .set = set_router},
	{.offset = GICx_PIDR2, .size = 4, .widths = 4, .read = read_pidr2},
};
/* clang-format on */

/* With affinity routing the private interrupts are the redistributors'. */
static const struct vgic_frame dist_frame = {
	.regs = dist_regs,
	.nr_regs = ARRAY_SIZE(dist_regs),
	.first_intid = VGIC_NR_PRIVATE,
};

static bool access_dist(struct vcpu *v, struct mmio_access *access, void *context)
{
	if (access->is_write || access->size != sizeof(uint32_t) ||
	    !read_control(v->domain, access->offset, &access->value)) {
		vgic_frame_access(&dist_frame, v, access->offset, access);
	}
	return true;
}

/* ---- redistributors ---------------------------------------------------------------------------- */

static unsigned int nr_frames(const struct vgic_redist_region *region)
{
	return (unsigned int)(region->size / GICR_FRAME_BYTES);
}

/* Whoever counts vCPUs by walking a region stops at the one that says it is the last there. */
static bool is_last(const struct vcpu *v)
{
	const struct vgic_domain *vg = &v->domain->vgic;

	for (unsigned int i = 0; i < vg->nr_redist_regions; i++) {
		const struct vgic_redist_region *region = &vg->redist_region[i];

		if (v->id + 1 == region->first_vcpu + nr_frames(region)) {
			return true;
		}
	}
	return v->id + 1 == v->domain->nr_vcpus;
}

static uint64_t read_redist_typer(struct vcpu *bank)
{
	uint64_t affinity = (bank->vmpidr >> 8 & 0xff000000) | (bank->vmpidr & 0xffffff);

	return FIELD_PREP(GICR_TYPER_AFFINITY, affinity) | (uint64_t)bank->id << 8 |
	       (is_last(bank) ? GICR_TYPER_LAST : 0);
}

/* clang-format off: tables. GICR_CTLR, GICR_WAKER and GICR_SYNCR read as zero: no LPIs, awake, not busy. */
static const struct vgic_reg rd_regs[] = {
	{.offset = GICR_IIDR, .size = 4, .widths = 4, .read = read_iidr},
	{.offset = GICR_TYPER, .size = 8, .widths = 4 | 8, .read = read_redist_typer},
	{.offset = GICx_PIDR2, .size = 4, .widths = 4, .read = read_pidr2},
};

static const struct vgic_reg sgi_regs[] = {
	VGIC_COMMON_REGS(VGIC_NR_PRIVATE),
};
/* clang-format on */

static const struct vgic_frame rd_frame = {.regs = rd_regs, .nr_regs = ARRAY_SIZE(rd_regs)};
static const struct vgic_frame sgi_frame = {.regs = sgi_regs, .nr_regs = ARRAY_SIZE(sgi_regs)};

static bool access_redist(struct vcpu *v, struct mmio_access *access, void *context)
{
	const struct vgic_redist_region *region = context;
	const struct domain *d = v->domain;
	const uint32_t id = region->first_vcpu + access->offset / GICR_FRAME_BYTES;
	const uint32_t offset = access->offset % GICR_FRAME_BYTES;

	if (id >= d->nr_vcpus) {
		if (!access->is_write) {
			access->value = 0;
		}
	} else if (offset < GICR_SGI_FRAME) {
		vgic_frame_access(&rd_frame, d->vcpu[id], offset, access);
	} else {
		vgic_frame_access(&sgi_frame, d->vcpu[id], offset - GICR_SGI_FRAME, access);
	}
	return true;
}

bool vgic_v3_has_redist(const struct domain *d, unsigned int vcpu_id)
{
	const struct vgic_domain *vg = &d->vgic;
	const struct vgic_redist_region *last = &vg->redist_region[vg->nr_redist_regions - 1];

	return vcpu_id < last->first_vcpu + nr_frames(last);
}

int vgic_v3_domain_init(struct domain *d)
{
	struct vgic_domain *vg = &d->vgic;
	unsigned int next = 0;
	int ret = trap_mmio_register(d, vg->dist_base, GICD_SIZE, access_dist, NULL);

	if (vg->nr_redist_regions == 0) {
		vg->redist_region[0].base = vg->redist_base;
		vg->redist_region[0].size =
			vg->redist_size != 0 ? vg->redist_size : GUEST_GICV3_GICR0_SIZE;
		vg->nr_redist_regions = 1;
	}
	for (unsigned int i = 0; i < vg->nr_redist_regions && ret == 0; i++) {
		struct vgic_redist_region *region = &vg->redist_region[i];

		region->first_vcpu = next;
		next += nr_frames(region);
		ret = trap_mmio_register(d, region->base, region->size, access_redist, region);
	}
	return ret;
}

/* ---- SGIs -------------------------------------------------------------------------------------- */

static __noinline void send_to_many(struct vcpu *v, uint64_t first, uint64_t targets, uint32_t sgi)
{
	const struct domain *d = v->domain;
	unsigned int nr_sent = 0;

	for (; targets != 0; targets &= targets - 1) {
		uint64_t id = first + (uint64_t)__builtin_ctzll(targets);

		if (id < d->nr_vcpus) {
			vgic_send_sgi_of_many(v, d->vcpu[id], sgi, nr_sent++);
		}
	}
}

static __noinline void send_to_others(struct vcpu *v, uint32_t sgi)
{
	const struct domain *d = v->domain;
	unsigned int nr_sent = 0;

	for (unsigned int i = 0; i < d->nr_vcpus; i++) {
		if (i != v->id) {
			vgic_send_sgi_of_many(v, d->vcpu[i], sgi, nr_sent++);
		}
	}
}

void vgic_sgi1r_write(struct vcpu *v, uint64_t value)
{
	const uint32_t sgi = (uint32_t)FIELD_GET(ICC_SGI1R_INTID, value);
	const uint64_t first = FIELD_GET(ICC_SGI1R_AFF1, value) * 16;
	const uint64_t targets = FIELD_GET(ICC_SGI1R_TARGETS, value);

	if (unlikely((value & ICC_SGI1R_IRM) != 0)) {
		send_to_others(v, sgi);
	} else if (unlikely((value & (ICC_SGI1R_AFF3 | ICC_SGI1R_AFF2 | ICC_SGI1R_RS)) != 0)) {
		/* Sixteen vCPUs to an Aff1 and nothing above: other affinities have nobody to receive it. */
	} else if (likely(targets == BIT64(v->id % 16) && first == v->id / 16 * 16)) {
		vgic_send_sgi(v, v, sgi);
	} else {
		send_to_many(v, first, targets, sgi);
	}
}
