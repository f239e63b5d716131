/* SPDX-License-Identifier: MIT */
/*
 * The virtual interrupt controller, GICv2 (IHI 0048) or GICv3 (IHI 0069): distributor and redistributor
 * registers as tables, list registers filled on entry and read back on exit, physical interrupts of the
 * hardware domain passed through with the HW bit.
 *
 * Locks. A private interrupt (SGI, PPI) is guarded by its vCPU's vgic lock. A shared one (SPI) is guarded
 * by the domain's vgic lock and, while it is in some vCPU's list, by that vCPU's lock as well:
 *
 *	configuration and target    change under both
 *	pending, active, in a list  change under the vCPU's while listed, under the domain's while idle
 *	idle -> listed              under both;  listed -> idle under the vCPU's alone (vgic_sync, vgic_flush)
 *
 * so entry and exit of a vCPU take nothing but its own lock, and whoever holds the domain's lock finds an
 * SPI idle or in one list that cannot become another. The domain's lock is the outer one.
 */
#pragma once

#include "gic/gic.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "lib/lock.h"

struct domain;
struct vcpu;

#define VGIC_NR_SGIS      16
#define VGIC_NR_PRIVATE   32
#define VGIC_V2_MAX_VCPUS 8

/* What the guest can see of one interrupt (S1). */
struct vgic_irq_state {
	uint32_t target; /* SPIs. v3: GICD_IROUTER 31:0; v2: bit per vCPU */
	uint8_t priority;
	uint8_t sgi_sources;   /* GICv2 SGIs: pending from these CPUs */
	uint8_t active_source; /* GICv2 SGIs: who sent the active one */
	bool enabled;
	bool level;    /* level-sensitive, else edge */
	bool line;     /* level of the input line */
	bool latch;    /* pending by an edge or by GICD_ISPENDR */
	bool software; /* GICD_ISPENDR was it since the last vgic_pulse() */
	bool active;
};

/* One virtual interrupt. */
struct vgic_irq {
	struct list link;  /* in vcpu->vgic.pending */
	struct vcpu *vcpu; /* in whose list it is; NULL while idle */
	struct vgic_irq_state state;
	uint16_t vintid;
	/*
	 * Backed by the physical interrupt of the same number, which is active at the physical GIC from
	 * its arrival to the guest's EOI. For a PPI its owner (vtimer/) says so once, before the vCPU runs,
	 * keeps the line as the device has it before each entry, and keeps the physical active state of
	 * the CPU where the vCPU is loaded: active while the line is high or vgic_is_active().
	 */
	bool hw;

	/* While in a list register: */
	uint8_t lr;        /* number + 1; 0 when in none */
	bool lr_latch;     /* the latch went with it; comes back unless the guest has taken it */
	uint8_t lr_source; /* GICv2 SGIs: from whom */
	uint8_t active_change; /* enum vgic_active_change, made while the guest runs; vgic_sync() does it */
	bool chosen;           /* vgic_flush() only */
};

struct vgic_domain {
	struct spinlock lock; /* enabled; spis[] as said above */
	enum gic_version version;
	unsigned int nr_spis;  /* a multiple of 32, at most 988 */
	bool enabled;          /* GICD_CTLR: the one group there is. S1 */
	struct vgic_irq *spis; /* Tenon's own frames */
	unsigned int spis_order;
	uint64_t dist_base;   /* IPA */
	uint64_t cpu_base;    /* v2: GICC */
	uint64_t redist_base; /* v3: one region, 128 KiB a vCPU */
	uint64_t redist_size; /* 0: public/arch-arm.h's */
	/* v3, hardware domain only: the host's regions. nr 0: the one region above. */
	unsigned int nr_redist_regions;
	struct vgic_redist_region {
		uint64_t base, size;
		unsigned int first_vcpu; /* vgic_domain_init() sets it */
	} redist_region[8];
};

struct vgic_vcpu {
	struct spinlock lock; /* all but loaded, which is the owning CPU's, and v->work; lr_live is read without */
	struct list pending; /* to deliver or in flight, in no order */
	struct vgic_irq private_irqs[VGIC_NR_PRIVATE];
	struct vgic_irq *lr_irq[GIC_MAX_LRS];
	uint64_t lr_used;         /* bit per list register that holds something */
	struct gic_vcpu_state hw; /* S1: VMCR, active priorities; in the registers while loaded */
	uint32_t sync_count;      /* of vgic_sync()s that read list registers */
	bool lr_live; /* the guest may be changing list registers: entered since the last sync */
	bool waiting; /* since the last vgic_flush(): interrupts of the list, for a list register */
	bool loaded;
};

/* version and the addresses in d->vgic are set by the caller (dombuild or createdomain). Registers the
 * MMIO ranges with trap_mmio_register(); for v2 maps GICV at cpu_base. -XEN_EOPNOTSUPP when the machine's
 * GIC cannot serve that version, -XEN_EINVAL, -XEN_ENOMEM. */
int __must_check vgic_domain_init(struct domain *d, enum gic_version version, unsigned int nr_spis);
/* Its vCPUs are stopped for good. The physical interrupts it had are disabled and inactive afterwards. */
void vgic_domain_fini(struct domain *d);
/* -XEN_EINVAL for more than 8 with v2; -XEN_ENOSPC when there is no redistributor for it. */
int __must_check vgic_vcpu_init(struct vcpu *v);

/* The vCPU's CPU interface as after power-on (PSCI CPU_ON): group disabled, all masked, no active priority.
 * Its private interrupts stay as they are, as a redistributor is not reset with its CPU. v is not loaded. */
void vgic_vcpu_reset(struct vcpu *v);

/*
 * Level of an interrupt's line: it stays as set, and the interrupt is pending again after the guest's EOI
 * as long as the line is high. v is the vCPU for private INTIDs and ignored (may be NULL) for SPIs; calls
 * for one line do not overlap. Any CPU; LOCK_RANK_VGIC_DIST or inner must not be held.
 */
void vgic_set_line(struct domain *d, struct vcpu *v, uint32_t vintid, bool level);
/* The line of a private interrupt is high, after it was low, even if that was not told. */
void vgic_raise_line(struct vcpu *v, uint32_t vintid);
/* An edge: pending once, whatever the trigger that the guest has configured. */
void vgic_pulse(struct domain *d, struct vcpu *v, uint32_t vintid);
/*
 * The guest may have cleared its evtchn_upcall_pending before it has taken the event PPI, which vgic_pulse() raised: being
 * level-sensitive it is pending no more, unless the guest asked for it by GICD_ISPENDR. Any CPU, wherever v is: who has
 * cleared the byte before it had another vCPU look finds that seen.
 */
void vgic_sample_upcall(struct vcpu *v);
/* A private interrupt is active (acknowledged, not ended). v is loaded here, or nowhere. */
bool vgic_is_active(struct vcpu *v, uint32_t vintid);
/* Hardware domain: physical SPI intid is the guest's virtual one; routed and configured as the guest asks.
 * -XEN_EINVAL no such SPI in the domain, -XEN_EBUSY Tenon's own or assigned already. */
int __must_check vgic_assign_physical(struct domain *d, uint32_t intid, enum gic_trigger trigger);
/* From irq_handle_pending(): a physical interrupt that a domain owns fired (active, priority dropped).
 * False: nobody's. */
bool vgic_physical_interrupt(uint32_t intid);

/* Would the vCPU take an interrupt now? (Enabled and pending or in a list register; PSTATE.I ignored, as
 * WFI does; priority mask respected.) For WFI and the scheduler; v is loaded here, or nowhere. */
bool vgic_has_pending(struct vcpu *v);

/*
 * Read back list registers; cheap when none is in use. This CPU, v current. An exit leaves them alone unless somebody
 * needs to know: vgic_refresh() of another CPU asks for it by v->work.refresh and a kick.
 */
void vgic_sync(struct vcpu *v);
/* Fill list registers before entry, after a vgic_sync(). */
void vgic_flush(struct vcpu *v);
void vgic_load(struct vcpu *v); /* v is about to run on this CPU */
void vgic_save(struct vcpu *v); /* v leaves this CPU */
/* The maintenance interrupt's handler is registered by vgic_init_cpu(). */
void vgic_init_cpu(void);

/* GICv3: ICC_SGI1R_EL1 written by v. */
void vgic_sgi1r_write(struct vcpu *v, uint64_t value);
