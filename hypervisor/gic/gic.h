/* SPDX-License-Identifier: MIT */
/*
 * The physical interrupt controller, GICv2 or GICv3 behind one table of operations, and the virtual
 * CPU interface's registers. Interrupts are taken at EL2 (HCR_EL2.IMO); EOI drops priority only, the
 * deactivation is separate (EOImode 1), so a hardware interrupt stays active until the guest ends it.
 *
 * INTIDs below 32 mean the calling CPU's own SGIs and PPIs throughout. Nothing here sleeps or waits but for
 * the distributor's own completion (bounded), and every function may be called in any context after
 * gic_init_cpu(), under any lock of a lower rank than LOCK_RANK_GIC.
 */
#pragma once

#include "lib/compiler.h"
#include "mm/frame.h"

struct vcpu;

#define INTID_SGI_KICK  0 /* look at your work: reschedule, pending events */
#define INTID_SGI_STOP  1 /* panic elsewhere: stop */
#define INTID_PPI_FIRST 16
#define INTID_SPI_FIRST 32
#define INTID_SPI_LIMIT 1020
#define INTID_SPURIOUS  1023
#define GIC_MAX_LRS     16

enum gic_version {
	GIC_V2 = 2,
	GIC_V3 = 3
};
enum gic_trigger {
	GIC_LEVEL,
	GIC_EDGE
};

/*
 * One list register, in software form (both versions carry the same facts). With hw, pending and active together
 * are not allowed by the architecture, and source_cpu and eoi_maintenance have no place. GICv2 keeps the upper
 * five bits of the priority. Guests' interrupts are group 0 on GICv2, as its only group without the Security
 * Extensions' view, and group 1 on GICv3.
 */
struct gic_lr {
	uint32_t vintid;
	uint32_t pintid; /* when hw */
	uint8_t priority;
	bool pending, active, hw, eoi_maintenance;
	uint8_t source_cpu; /* GICv2 SGIs */
};

/* The virtual CPU interface of one vCPU while it does not run. */
struct gic_vcpu_state {
	uint32_t hcr;
	uint32_t vmcr;
	uint32_t apr0[4], apr1[4];
};

/* What the machine has, from the device tree; read by vgic/ and dombuild/. */
struct gic_info {
	enum gic_version version;
	unsigned int nr_intids; /* first INTID that does not exist, <= 1020 */
	unsigned int nr_lrs;
	unsigned int priority_bits; /* of the virtual interface */
	unsigned int nr_aprs;       /* active-priority registers a group, 1, 2 or 4 */
	uint32_t maintenance_intid;
	maddr_t dist_base, dist_size;
	maddr_t cpu_base, cpu_size;   /* v2: GICC */
	maddr_t gich_base, gich_size; /* v2: GICH */
	maddr_t gicv_base, gicv_size; /* v2: GICV, 0 if absent */
	/*
	 * v2: 0xf000 on machines that repeat each 4 KiB page of GICC and GICV over 64 KiB, else 0. The 8 KiB of
	 * registers in one piece are at gicv_base + v2_alias_offset. The hardware domain, whose driver knows the
	 * machine, gets all gicv_size bytes at cpu_base.
	 */
	uint64_t v2_alias_offset;
	unsigned int nr_redist_regions; /* v3 */
	struct {
		maddr_t base, size;
	} redist_region[8];
	uint64_t redist_stride;
	int fdt_node; /* offset in the host tree */
};
extern struct gic_info gic_info;

/* Boot CPU, after mm: find the controller in the host tree, initialise the distributor. Panics if unusable. */
void gic_init(const void *fdt);
/* Every CPU, boot CPU too: its CPU interface, redistributor and virtual interface. */
void gic_init_cpu(void);

typedef void (*irq_handler_t)(uint32_t intid);
/*
 * Tenon's own interrupt. PPIs: for every CPU; enabled on the calling CPU by gic_enable(). Registering the same
 * handler again is allowed (each CPU's init does); -XEN_EBUSY when there is another, -XEN_ENOSPC, -XEN_EINVAL.
 */
int __must_check irq_register(uint32_t intid, irq_handler_t handler);
bool irq_is_registered(uint32_t intid);
/*
 * As irq_register(), for an interrupt that is passed on to a guest: its priority is dropped before the handler
 * runs and it stays active, so that it does not fire again, until gic_deactivate(), gic_set_active() or a guest's
 * EOI through a list register with the HW bit ends it.
 */
int __must_check irq_register_forwarded(uint32_t intid, irq_handler_t handler);
/* Take and handle everything that is pending on this CPU; called from the IRQ vector and the idle loop.
 * Interrupts without a handler that a domain owns go to vgic_physical_interrupt(intid). */
void irq_handle_pending(void);

void gic_enable(uint32_t intid);
void gic_disable(uint32_t intid);
/* While it is disabled: else the architecture leaves the effect open. PPIs may be fixed by the hardware. */
void gic_set_trigger(uint32_t intid, enum gic_trigger trigger);
void gic_set_priority(uint32_t intid, uint8_t priority);
/* SPIs: deliver to this CPU. */
void gic_set_target(uint32_t intid, unsigned int cpu);
void gic_set_pending(uint32_t intid, bool pending);
void gic_set_active(uint32_t intid, bool active);
bool gic_is_pending(uint32_t intid);
bool gic_is_active(uint32_t intid);
/* An active PPI or SPI whose priority has been dropped; gic_set_active(, false) serves any. */
void gic_deactivate(uint32_t intid);
void gic_send_sgi(unsigned int cpu, uint32_t sgi);
void gic_send_sgi_all_others(uint32_t sgi);

/* ---- virtual interface, this CPU ------------------------------------------------------------ */
void gic_lr_write(unsigned int idx, const struct gic_lr *lr);
/*
 * A list register that holds nothing gets this, and says true; false, and nothing is done, when it does hold something. For
 * where an interrupt shall cost little: lr is as ICH_LR<n>_EL2 has it (gic_regs.h), and with the source CPU of a GICv2's
 * SGI in the place where GICH_LR<n> has it, the lowest bits of the physical INTID.
 */
bool __must_check gic_lr_fill(unsigned int idx, uint64_t lr);
void gic_lr_clear(unsigned int idx);
void gic_lr_read(unsigned int idx, struct gic_lr *lr);
/* Bit per list register that holds nothing (ELRSR): neither a state nor a request that gic_lr_eoi_mask() tells of. */
uint64_t gic_lr_empty_mask(void);
/* Bit per list register whose interrupt had eoi_maintenance and was ended by the guest (EISR). */
uint64_t gic_lr_eoi_mask(void);
/* ICH_HCR/GICH_HCR: En and underflow/no-pending maintenance requests. */
void gic_hcr_write(uint32_t hcr);
#define GIC_HCR_EN      BIT64(0)
#define GIC_HCR_UIE     BIT64(1)
#define GIC_HCR_LRENPIE BIT64(2)
#define GIC_HCR_NPIE    BIT64(3)
/* The loaded vCPU's VMCR: its group is enabled; it takes priorities that are lower numbers than the mask. */
uint32_t gic_vmcr_read(void);

static inline bool gic_vmcr_enabled(uint32_t vmcr)
{
	return (vmcr & (gic_info.version == GIC_V2 ? BIT64(0) : BIT64(1))) != 0;
}

static inline uint8_t gic_vmcr_mask(uint32_t vmcr)
{
	/* GICH_VMCR has the upper five bits of the mask in 31:27 and 26:24 reserved, ICH_VMCR_EL2 all eight. */
	return (uint8_t)(vmcr >> 24);
}

void gic_vcpu_init(struct gic_vcpu_state *state);
void gic_vcpu_save(struct gic_vcpu_state *state);
void gic_vcpu_load(const struct gic_vcpu_state *state);
