/* SPDX-License-Identifier: MIT */
/*
 * What a list register looks like, GICv2's and GICv3's, and as struct gic_lr (IHI 0048, "GICH_LRn"; IHI 0069, "ICH_LR<n>_EL2").
 */
#pragma once

#include "gic/gic.h"
#include "gic/gic_regs.h"

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
