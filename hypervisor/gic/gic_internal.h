/* SPDX-License-Identifier: MIT */
/* What the files of gic/ share: the table of operations that a version implements, and the list register formats. */
#pragma once

#include "gic/gic.h"
#include "gic/gic_regs.h"
#include "lib/compiler.h"

/*
 * One table a version, chosen once by gic_init(). "ack" is what the acknowledge register gave: on GICv2 it carries
 * the source CPU of an SGI beside the INTID, and EOI and deactivation need it back unchanged.
 */
struct gic_ops {
	void (*init)(void);
	void (*init_cpu)(void);

	uint32_t (*acknowledge)(void);
	void (*drop_priority)(uint32_t ack);
	void (*deactivate)(uint32_t ack);

	/* Frame with the banks GICD_IGROUPR to GICD_ICFGR of this interrupt, and the wait until a disable holds. */
	volatile uint8_t *(*frame)(uint32_t intid);
	void (*wait_for_writes)(uint32_t intid);
	void (*set_target)(uint32_t intid, unsigned int cpu);
	void (*send_sgi)(unsigned int cpu, uint32_t sgi);
	void (*send_sgi_all_others)(uint32_t sgi);

	void (*lr_write)(unsigned int idx, const struct gic_lr *lr);
	bool (*lr_fill)(unsigned int idx, uint64_t lr);
	void (*lr_clear)(unsigned int idx);
	void (*lr_read)(unsigned int idx, struct gic_lr *lr);
	uint64_t (*lr_empty_mask)(void);
	uint64_t (*lr_eoi_mask)(void);
	void (*hcr_write)(uint32_t hcr);
	uint32_t (*vmcr_read)(void);
	void (*vcpu_save)(struct gic_vcpu_state *state);
	void (*vcpu_load)(const struct gic_vcpu_state *state);
};

extern const struct gic_ops gicv2_ops, gicv3_ops;
/* The one in use; constant after gic_init(). */
extern const struct gic_ops *gic_ops;

#define GIC_PRIORITY_DEFAULT 0xa0
#define GIC_PRIORITY_LOWEST  0xff
/* Polls of a "write pending" bit before a message says that the hardware is stuck. */
#define GIC_WAIT_POLLS       1000000

/*
 * Fill *info (all but the v2_alias_offset and what registers tell) from the host tree. Every failure is one message.
 * -XEN_ENOENT: no controller that Tenon knows. -XEN_EINVAL: its node is unusable.
 */
int __must_check gic_fdt_parse(const void *fdt, struct gic_info *info);

/* Disabled, inactive, not pending, level-triggered, default priority: interrupts [first, end) of a frame. */
void gic_reset_interrupts(volatile uint8_t *frame, uint32_t first, uint32_t end);
/* hyp_map_device() that must succeed; what names it in the panic. */
volatile uint8_t *gic_map(maddr_t base, uint64_t size, const char *what);

/* ---- list register formats ---------------------------------------------------------------------- */

static inline uint32_t gicv2_lr_encode(const struct gic_lr *lr)
{
	uint64_t raw = FIELD_PREP(GICH_LR_VINTID, lr->vintid) |
		       FIELD_PREP(GICH_LR_PRIORITY, lr->priority >> 3);

	raw |= lr->pending ? GICH_LR_PENDING : 0;
	raw |= lr->active ? GICH_LR_ACTIVE : 0;
	if (lr->hw) {
		raw |= GICH_LR_HW | FIELD_PREP(GICH_LR_PINTID, lr->pintid);
	} else {
		raw |= FIELD_PREP(GICH_LR_CPUID, lr->source_cpu);
		raw |= lr->eoi_maintenance ? GICH_LR_EOI : 0;
	}
	return (uint32_t)raw;
}

static inline void gicv2_lr_decode(uint32_t raw, struct gic_lr *lr)
{
	bool hw = (raw & GICH_LR_HW) != 0;

	*lr = (struct gic_lr){
		.vintid = (uint32_t)FIELD_GET(GICH_LR_VINTID, raw),
		.pintid = hw ? (uint32_t)FIELD_GET(GICH_LR_PINTID, raw) : 0,
		.priority = (uint8_t)(FIELD_GET(GICH_LR_PRIORITY, raw) << 3),
		.pending = (raw & GICH_LR_PENDING) != 0,
		.active = (raw & GICH_LR_ACTIVE) != 0,
		.hw = hw,
		.eoi_maintenance = !hw && (raw & GICH_LR_EOI) != 0,
		.source_cpu = hw ? 0 : (uint8_t)FIELD_GET(GICH_LR_CPUID, raw),
	};
}

/* From GICv3's format: the same fields in other places. */
static inline uint32_t gicv2_lr_from_v3(uint64_t lr)
{
	return (uint32_t)(FIELD_PREP(GICH_LR_VINTID, lr) |
			  FIELD_PREP(GICH_LR_PINTID, FIELD_GET(ICH_LR_PINTID, lr)) |
			  FIELD_PREP(GICH_LR_PRIORITY, FIELD_GET(ICH_LR_PRIORITY, lr) >> 3) |
			  FIELD_PREP(GICH_LR_STATE, FIELD_GET(ICH_LR_STATE, lr)) |
			  ((lr & ICH_LR_HW) != 0 ? GICH_LR_HW : 0));
}

static inline uint64_t gicv3_lr_encode(const struct gic_lr *lr)
{
	uint64_t raw = FIELD_PREP(ICH_LR_VINTID, lr->vintid) |
		       FIELD_PREP(ICH_LR_PRIORITY, lr->priority) | ICH_LR_GROUP1;

	raw |= lr->pending ? ICH_LR_PENDING : 0;
	raw |= lr->active ? ICH_LR_ACTIVE : 0;
	if (lr->hw) {
		raw |= ICH_LR_HW | FIELD_PREP(ICH_LR_PINTID, lr->pintid);
	} else {
		raw |= lr->eoi_maintenance ? ICH_LR_EOI : 0;
	}
	return raw;
}

static inline void gicv3_lr_decode(uint64_t raw, struct gic_lr *lr)
{
	bool hw = (raw & ICH_LR_HW) != 0;

	*lr = (struct gic_lr){
		.vintid = (uint32_t)FIELD_GET(ICH_LR_VINTID, raw),
		.pintid = hw ? (uint32_t)FIELD_GET(ICH_LR_PINTID, raw) : 0,
		.priority = (uint8_t)FIELD_GET(ICH_LR_PRIORITY, raw),
		.pending = (raw & ICH_LR_PENDING) != 0,
		.active = (raw & ICH_LR_ACTIVE) != 0,
		.hw = hw,
		.eoi_maintenance = !hw && (raw & ICH_LR_EOI) != 0,
	};
}
