/* SPDX-License-Identifier: MIT */
/* What the files of gic/ share: the table of operations that a version implements. */
#pragma once

#include "gic/gic.h"
#include "gic/gic_lr.h"
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
