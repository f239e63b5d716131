/* SPDX-License-Identifier: MIT */
/* What the files of vgic/ share: the rules of one interrupt's state, changes under its locks, register tables. */
#pragma once

#include "arm64/atomic.h"
#include "domain/domain.h"
#include "gic/gic_regs.h"
#include "trap/trap.h"
#include "vgic/vgic.h"

/* ---- one interrupt ----------------------------------------------------------------------------- */

enum vgic_active_change {
	VGIC_ACTIVE_KEEP,
	VGIC_ACTIVE_SET,
	VGIC_ACTIVE_CLEAR
};

#define VGIC_IROUTER_IRM BIT64(31)

static inline bool vgic_irq_is_spi(const struct vgic_irq *irq)
{
	return irq->vintid >= VGIC_NR_PRIVATE;
}

/* Its enable, trigger, priority and target are the physical distributor's, too. */
static inline bool vgic_irq_is_physical_spi(const struct vgic_irq *irq)
{
	return irq->hw && vgic_irq_is_spi(irq);
}

/* GICv2 keeps an SGI of each source apart. */
static inline bool vgic_irq_is_v2_sgi(const struct domain *d, const struct vgic_irq *irq)
{
	return d->vgic.version == GIC_V2 && irq->vintid < VGIC_NR_SGIS;
}

static inline bool vgic_irq_is_pending(const struct vgic_irq *irq)
{
	const struct vgic_irq_state *state = &irq->state;

	return state->latch || irq->lr_latch || state->sgi_sources != 0 ||
	       (state->level && state->line);
}

/* The CPU interface has to know of it: belongs into a list. */
static inline bool vgic_irq_is_wanted(const struct vgic_irq *irq)
{
	return irq->state.active || (irq->state.enabled && vgic_irq_is_pending(irq));
}

/* The list register that it is in may be changing under the guest's hands. Its vCPU's lock is held. */
static inline bool vgic_irq_is_live(const struct vgic_irq *irq)
{
	return irq->lr != 0 && irq->vcpu->vgic.lr_live;
}

/* The vCPU that an SPI is for; NULL when the guest has named none. The domain's lock is held, or the one
 * of the vCPU in whose list it is. */
struct vcpu *vgic_irq_target(const struct domain *d, const struct vgic_irq *irq);
/* In the list of v, whose lock is held, but to be delivered to another one now. */
static inline bool vgic_irq_leaves(const struct vcpu *v, const struct vgic_irq *irq)
{
	return vgic_irq_is_spi(irq) && !irq->state.active && vgic_irq_target(v->domain, irq) != v;
}

/* NULL when there is none of that number. bank is the owner of the private ones. */
struct vgic_irq *vgic_irq_find(struct domain *d, struct vcpu *bank, uint32_t vintid);

/* vcpu's lock is held. The last access to an SPI under that lock alone: it is the domain's afterwards. */
static inline void vgic_irq_unlist(struct vgic_irq *irq)
{
	list_remove(&irq->link);
	/* Pairs with the load in lock_home(): who sees it idle sees all that was done to it. */
	atomic_store_release(&irq->vcpu, NULL);
}

/* An edge, or GICD_ISPENDR. */
void vgic_irq_set_latch(struct vgic_irq *irq);
/*
 * An interrupt of the hardware domain that is pending but disabled goes back to the physical GIC, which
 * then forgets it when the device's line falls, as a guest expects. Not listed; the locks are held.
 */
void vgic_irq_give_back_spi(struct vgic_irq *irq);

static inline void vgic_irq_give_back(struct vgic_irq *irq)
{
	if (unlikely(vgic_irq_is_physical_spi(irq))) {
		vgic_irq_give_back_spi(irq);
	}
}

/*
 * Take the lock of the vCPU in whose list the interrupt is, or to which it belongs, and return that vCPU;
 * NULL, and no lock, for an idle SPI without a target. The caller holds the domain's lock for an SPI; bank is
 * the owner of a private interrupt.
 */
struct vcpu *vgic_irq_lock(struct domain *d, struct vcpu *bank, struct vgic_irq *irq);

/* A change of one interrupt's state: made with its locks held. */
typedef void (*vgic_change_t)(struct domain *d, struct vgic_irq *irq, uint32_t value);
/*
 * Make a change, then what follows from it: put the interrupt into the list of its vCPU or take it out,
 * wake or kick the vCPU. Locks as vgic_irq_lock(); change may be NULL.
 */
void vgic_irq_update(struct domain *d, struct vcpu *bank, struct vgic_irq *irq,
		     vgic_change_t change, uint32_t value);
/*
 * A private interrupt of the current vCPU has changed, and the vCPU goes on. When it is pending and can have a list
 * register now, that is all there is to do; all else is left to vgic_settle_private(), and vgic_flush(). The vCPU's lock
 * is held, and released. (vgic_deliver.c)
 */
void vgic_deliver(struct vcpu *v, struct vgic_irq *irq);
void vgic_settle_private(struct vcpu *v, struct vgic_irq *irq);
/* The distributor was enabled or disabled: every vCPU looks again. */
void vgic_update_all(struct domain *d);
/* Debug builds: no interrupt of the list is forgotten. Takes v's lock. (vgic_check.c) */
#ifdef TENON_DEBUG
void vgic_check_list(struct vcpu *v);
#else
static inline void vgic_check_list(struct vcpu *v)
{
}
#endif

/* SGI from a vCPU to another, or to itself. */
void vgic_send_sgi(struct vcpu *from, struct vcpu *to, uint32_t sgi);
/* One of many: nr_before have been sent. The first are woken at once, the others soon (SCHED_WAKES_AT_ONCE). */
void vgic_send_sgi_of_many(struct vcpu *from, struct vcpu *to, uint32_t sgi, unsigned int nr_before);

/* Bring what the list registers of a vCPU hold back into vgic_irq_state, wherever it runs: true as of some
 * moment between call and return. No vgic lock is held. */
void vgic_refresh(struct vcpu *v);

/* ---- registers --------------------------------------------------------------------------------- */

#define VGIC_REFRESH_READ  1
#define VGIC_REFRESH_WRITE 2
#define VGIC_SAMPLE        4 /* only the lines that change unseen; with the others, too */
#define VGIC_REFRESH       (VGIC_REFRESH_READ | VGIC_REFRESH_WRITE)

/*
 * A range of registers: one register (read, write), or an array with irq_bits bits for each interrupt from
 * INTID 0 on (get or field, set). Private INTIDs are the bank's. A NULL handler, and a width or an offset that is not
 * listed: reads as zero, writes are ignored.
 */
struct vgic_reg {
	uint32_t offset, size; /* bytes */
	uint8_t widths;        /* or of the access sizes that work: 1, 4, 8 */
	uint8_t irq_bits;
	/* The state may be in list registers: refreshed before reading; after writing, so that the write has
	 * had its effect on all CPUs when the guest goes on. */
	uint8_t refresh;
	uint8_t field; /* without get: what is read is this byte of struct vgic_irq; see VGIC_FIELD() */
	uint64_t (*read)(struct vcpu *bank);
	void (*write)(struct vcpu *bank, uint64_t value);
	uint32_t (*get)(const struct vcpu *bank, const struct vgic_irq *irq);
	/* Not called for the zeroes of write-one-to registers (irq_bits 1). */
	vgic_change_t set;
};

#define VGIC_FIELD(name) offsetof(struct vgic_irq, state.name)

/* A frame of registers. */
struct vgic_frame {
	const struct vgic_reg *regs;
	size_t nr_regs;
	uint32_t first_intid; /* lower ones do not exist here */
};

/* bank is the vCPU whose private interrupts the access is about. */
void vgic_frame_access(const struct vgic_frame *frame, struct vcpu *bank, uint32_t offset,
		       struct mmio_access *access);

/* vgic_dist.c: the per-interrupt registers that both versions have. */
uint32_t vgic_get_pending(const struct vcpu *bank, const struct vgic_irq *irq);
uint32_t vgic_get_config(const struct vcpu *bank, const struct vgic_irq *irq);
void vgic_set_enable(struct domain *d, struct vgic_irq *irq, uint32_t value);
void vgic_clear_enable(struct domain *d, struct vgic_irq *irq, uint32_t value);
void vgic_set_pending(struct domain *d, struct vgic_irq *irq, uint32_t value);
void vgic_clear_pending(struct domain *d, struct vgic_irq *irq, uint32_t value);
void vgic_set_active(struct domain *d, struct vgic_irq *irq, uint32_t value);
void vgic_clear_active(struct domain *d, struct vgic_irq *irq, uint32_t value);
void vgic_set_priority(struct domain *d, struct vgic_irq *irq, uint32_t value);
void vgic_set_config(struct domain *d, struct vgic_irq *irq, uint32_t value);
/* The target register's new value, masked. */
void vgic_set_target(struct domain *d, struct vgic_irq *irq, uint32_t value);
/* GICD_CTLR's one bit. */
void vgic_set_enabled(struct domain *d, bool enabled);

/* The arrays that both versions' GICD and the second frame of GICR have, for nr INTIDs. */
/* clang-format off: a table */
#define VGIC_COMMON_REGS(nr)                                                        \
	{.offset = GICD_ISENABLER,                                                  \
	 .size = (nr) / 8,                                                          \
	 .widths = 4,                                                               \
	 .irq_bits = 1,                                                             \
	 .refresh = VGIC_SAMPLE,                                                    \
	 .field = VGIC_FIELD(enabled),                                              \
	 .set = vgic_set_enable},                                                   \
		{.offset = GICD_ICENABLER,                                          \
		 .size = (nr) / 8,                                                  \
		 .widths = 4,                                                       \
		 .irq_bits = 1,                                                     \
		 .refresh = VGIC_REFRESH_WRITE,                                     \
		 .field = VGIC_FIELD(enabled),                                      \
		 .set = vgic_clear_enable},                                         \
		{.offset = GICD_ISPENDR,                                            \
		 .size = (nr) / 8,                                                  \
		 .widths = 4,                                                       \
		 .irq_bits = 1,                                                     \
		 .refresh = VGIC_REFRESH,                                           \
		 .get = vgic_get_pending,                                           \
		 .set = vgic_set_pending},                                          \
		{.offset = GICD_ICPENDR,                                            \
		 .size = (nr) / 8,                                                  \
		 .widths = 4,                                                       \
		 .irq_bits = 1,                                                     \
		 .refresh = VGIC_REFRESH,                                           \
		 .get = vgic_get_pending,                                           \
		 .set = vgic_clear_pending},                                        \
		{.offset = GICD_ISACTIVER,                                          \
		 .size = (nr) / 8,                                                  \
		 .widths = 4,                                                       \
		 .irq_bits = 1,                                                     \
		 .refresh = VGIC_REFRESH,                                           \
		 .field = VGIC_FIELD(active),                                       \
		 .set = vgic_set_active},                                           \
		{.offset = GICD_ICACTIVER,                                          \
		 .size = (nr) / 8,                                                  \
		 .widths = 4,                                                       \
		 .irq_bits = 1,                                                     \
		 .refresh = VGIC_REFRESH,                                           \
		 .field = VGIC_FIELD(active),                                       \
		 .set = vgic_clear_active},                                         \
		{.offset = GICD_IPRIORITYR,                                         \
		 .size = (nr),                                                      \
		 .widths = 1 | 4,                                                   \
		 .irq_bits = 8,                                                     \
		 .field = VGIC_FIELD(priority),                                     \
		 .set = vgic_set_priority},                                         \
	{                                                                           \
		.offset = GICD_ICFGR, .size = (nr) / 4, .widths = 4, .irq_bits = 2, \
		.get = vgic_get_config, .set = vgic_set_config                      \
	}
/* clang-format on */

/* Per version: register the MMIO ranges. */
int __must_check vgic_v2_domain_init(struct domain *d);
int __must_check vgic_v3_domain_init(struct domain *d);
/* Does a redistributor exist for this vCPU? */
bool vgic_v3_has_redist(const struct domain *d, unsigned int vcpu_id);
