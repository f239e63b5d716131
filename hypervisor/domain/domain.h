/* SPDX-License-Identifier: MIT */
/*
 * Domains and vCPUs: what they are made of, their life cycle, and access to a guest's memory.
 */
#pragma once

#include "abi/xen.h"
#include "console/vpl011.h"
#include "domain/vcpu_debug.h"
#include "domain/vcpu_fp.h"
#include "domain/vcpu_runstate.h"
#include "domain/watchdog.h"
#include "event/event.h"
#include "grant/grant.h"
#include "lib/compiler.h"
#include "lib/lock.h"
#include "mm/frame.h"
#include "sched/sched.h"
#include "stage2/stage2.h"
#include "trap/trap.h"
#include "vgic/vgic.h"
#include "vtimer/vtimer.h"

#define DOMID_LIMIT      64 /* domains at one time; ids rove over 1..DOMID_FIRST_RESERVED-1 */
#define DOMAIN_MAX_VCPUS 128

/* Registers at an exception, as vectors.S stores them: keep in step with asm_offsets.c. */
struct guest_regs {
	uint64_t x[31];
	uint64_t pc;     /* ELR_EL2 */
	uint64_t pstate; /* SPSR_EL2 */
	/* The CPU's x20 to x29, which C keeps, are not these: vectors.S takes them from here. Else it leaves them alone. */
	uint32_t stale;
	uint32_t reserved;
};

/* System registers of EL1 and EL0, in hardware while the vCPU runs (vcpu_switch.c). */
struct vcpu_sysreg_state {
	/* Two by two: each pair is one load or store (vcpu_switch.c). */
	uint64_t sp_el0, sp_el1;
	uint64_t elr_el1, spsr_el1;
	uint64_t cpacr_el1, csselr_el1;
	uint64_t ttbr0_el1, ttbr1_el1;
	uint64_t mair_el1, amair_el1;
	uint64_t esr_el1, far_el1;
	uint64_t afsr0_el1, afsr1_el1;
	uint64_t par_el1, vbar_el1;
	uint64_t contextidr_el1, tpidr_el1;
	uint64_t tpidr_el0, tpidrro_el0;
	uint64_t sctlr_el1, tcr_el1;
	uint64_t vdisr_el2; /* the guest's DISR_EL1, where there is FEAT_RAS: nothing hides it */
	uint64_t actlr_el1; /* what reads of it give; the CPU's own is firmware's, and stays (HCR_EL2.TACR) */
	/* AArch32 */
	uint64_t dacr32, ifsr32, fpexc32, spsr_abt, spsr_und, spsr_irq, spsr_fiq;
};

struct vcpu_fp_state {
	uint8_t v[32][16] __aligned(16);
	uint32_t fpsr, fpcr;
};

/* Of a memory_op that is continued within an extent (hc_reservation.c). */
struct memory_progress {
	uint64_t cmd, arg, g; /* the call that continues it, and the extent */
	uint32_t order;
	uint16_t domid;
	uint64_t done; /* pages; 0: none is under way */
};

/*
 * What is to be done before a vCPU is entered: flags of several owners, which the way back to a guest looks at as one
 * word (trap/trap_table.c).
 */
union vcpu_work {
	struct {
		bool vgic; /* its list registers are not what they should be: vgic_flush() */
		bool list_registers; /* they were read back, and the guest is to have them again: vgic_flush() */
		bool virtual_timer;  /* CNTV's line or PPI 27's state may change: vtimer_sync() */
		bool physical_timer; /* vtimer.physical_timer went off: vtimer_sync() */
		bool refresh; /* another CPU waits for what is in its list registers: vgic_sync() */
	};
	uint64_t any;
};

struct vcpu {
	struct guest_regs regs; /* first: SP_EL2 points here while the guest runs */
	union vcpu_work work;
	uint64_t stack_top; /* of the CPU that it is loaded on: an exit changes to it */
	struct domain *domain;
	struct mmio_region mmio_last; /* the device that it has accessed last; size 0: none (trap_abort.c) */
	unsigned int id;
	uint64_t vmpidr;
	uint64_t hcr_el2; /* loaded on switch; TVM is toggled here by domain_warm.c */
	uint64_t vesr;    /* pending virtual SError syndrome */
	bool started;     /* registers are initialised */
	bool caches_on;   /* SCTLR_EL1.M and .C both set, as last seen (design.md, cold/warm) */
	bool caches_known; /* false: TVM was off when the above was written, and it is only a guess */
	struct vcpu_sysreg_state sysregs;
	struct vcpu_fp_state fp;
	struct vcpu_fp_use fp_use;
	struct vcpu_debug_state debug;
	struct sched_vcpu sched;
	struct vgic_vcpu vgic;
	struct vtimer_vcpu vtimer;
	struct event_vcpu event;
	struct vcpu_runstate runstate;
	struct memory_progress memory_progress;
};

enum domain_state {
	DOMAIN_CREATED, /* being built, never ran */
	DOMAIN_RUNNING,
	DOMAIN_SHUTTING_DOWN, /* vCPUs are being stopped */
	DOMAIN_SHUTDOWN,      /* all stopped; reason is final */
	DOMAIN_DYING          /* memory is being given back */
};

struct domain {
	uint16_t id;
	bool is_hardware;   /* dom0: owns the devices, direct-mapped */
	bool is_privileged; /* may use the toolstack's calls */
	bool is_console;    /* may use console_io */
	bool direct_mapped;
	bool is_32bit; /* its EL1 is AArch32; never changes once it has vCPUs */
	bool has_noncoherent_device;
	char name[32];      /* device-tree node name or "dom0"; for messages */
	uint8_t handle[16]; /* UUID */

	struct spinlock lock; /* state, shutdown, pause; watchdogs; changes of its physical map by hypercall */
	enum domain_state state;
	int shutdown_reason; /* SHUTDOWN_*, -1 while none */
	uint32_t pause_count;
	uint32_t refs;   /* domain_get(); atomic */
	bool has_stage2; /* stage2_create() was done */

	/* design.md, "Words": cold at birth. Guarded by attr_lock; read without it only as a hint. */
	struct rwlock attr_lock;
	bool warm;
	bool attr_work;   /* domain_attr_step() has something to do: setway_armed or foreign_due */
	bool foreign_due; /* others' mappings of its frames are still to be turned ... */
	uint32_t foreign_next; /* ... from here on */
	bool setway_armed;     /* the guest used set/way: TVM stays on */
	bool setway_flush;     /* its RAM is to be cleaned and invalidated before it goes on */
	uint32_t setway_asked; /* counts such requests: one that comes during a flush starts it anew */
	bool setway_waits; /* M1: for setway_epoch to pass, as windows are to change their attribute */
	uint32_t setway_epoch;
	/* Of the vCPU that does a part of it, which has setway_claimed (atomic). */
	bool setway_claimed;
	uint32_t setway_doing; /* setway_asked when it began */
	gfn_t setway_next;     /* to go on from */

	uint64_t nr_pages; /* tot_pages: RAM and magic pages; atomic */
	uint64_t max_pages;
	/* Both under stage2.lock, and none begins once it is DYING: pages set aside for it in the pool (XENMEM_claim_pages), ... */
	uint64_t claimed_pages;
	unsigned int nr_populating; /* ... and extents of RAM on their way to it, which domain_destroy() waits for */

	struct stage2 stage2;
	struct mmio_domain mmio;
	struct vgic_domain vgic;
	struct event_domain event;
	struct grant_domain grant;
	struct domain_watchdog watchdog;
	struct vpl011 *vpl011;           /* NULL when it has none */
	struct shared_info *shared_info; /* hyp_alloc_shared() */
	gfn_t shared_info_gfn;
	uint64_t hvm_params[HVM_NR_PARAMS];
	uint32_t evtchn_ppi; /* upcall: 31, dom0's from the host tree */
	uint64_t cntvoff;    /* CNTVOFF_EL2 of all its vCPUs */
	uint64_t created_ns;
	uint32_t vm_assist;
	bool listed; /* complete: domain_get() finds it. Guarded by the table's lock */
	bool destroying,
		destroyed; /* domain_destroy(): somebody is at it; it is done. Under the lock */
	bool released;     /* ... all but the memory is given back */
	unsigned int release_next; /* ... of that, the vCPU to go on from */
	struct domain *next_dead;  /* domain_free() */
	uint8_t last_vcpu[MAX_CPUS]; /* id + 1 of the one that ran on each CPU last, for TLBs; each CPU has its own */

	unsigned int nr_vcpus;
	struct vcpu *vcpu[DOMAIN_MAX_VCPUS];

	uint64_t wake_soon[DOMAIN_MAX_VCPUS / 64]; /* sched_wake_soon(): a bit per vCPU; atomic */
	bool wake_soon_queued; /* with a reference, in some CPU's list; atomic */
	struct list wake_soon_link;
};

/* ---- life cycle (domain_create.c, domain_destroy.c) ------------------------------------------- */

struct domain_config {
	uint16_t domid; /* DOMID_INVALID: take the next */
	const char *name;
	bool is_hardware, is_privileged, is_console, direct_mapped;
	bool is_32bit; /* EL1 at AArch32: -XEN_EINVAL where a CPU has none */
	unsigned int nr_vcpus;
	uint64_t max_pages;
	enum gic_version gic_version;
	unsigned int nr_spis;
	uint32_t evtchn_ppi; /* 0: GUEST_EVTCHN_PPI */
	unsigned int max_grant_frames, max_maptrack_frames, max_evtchn_port;
	/* IPA of the interrupt controller; 0: GUEST_GIC* of public/arch-arm.h. For v3 of the hardware
	 * domain the host's regions are copied from gic_info. */
	ipa_t dist_base, cpu_base, redist_base;
};

/* All vCPUs exist afterwards, offline; domain paused once (domain_unpause() starts it). */
int __must_check domain_create(const struct domain_config *config, struct domain **d);
/* Set the entry point of a vCPU: PC (bit 0: T32, 32-bit domains only), x0 or r0, and the start state of xen-abi-arm
 * section 1.5. */
void vcpu_set_entry(struct vcpu *v, uint64_t pc, uint64_t x0);
/* vcpu 0 starts running when the pause count reaches 0. */
void domain_unpause(struct domain *d);
void domain_pause(struct domain *d);

/* A guest asked (or Tenon decided): stop all vCPUs, record the first reason. No lock is held; else any context. */
void domain_shutdown(struct domain *d, int reason);
/* A guest did what it cannot survive: one message, then shutdown with SHUTDOWN_crash. */
__printf(2, 3) void domain_crash(struct domain *d, const char *format, ...);
/* Called as each vCPU leaves its CPU: completes a shutdown when it was the last. */
void domain_check_stopped(struct domain *d);
/*
 * Give back what a stopped domain has; -XEN_ERESTART until done, also while another CPU is at it: then the list's reference is gone. Who
 * does it beside others (the keys K and B, a toolstack) has a reference of its own.
 */
int __must_check domain_destroy(struct domain *d);

/* Valid until domain_put(). NULL when there is none. */
struct domain *domain_get(uint16_t domid);
void domain_put(struct domain *d);
/* One more reference, for who has one or may rely on the domain's being there. */
void domain_get_again(struct domain *d);
/* Next domain with id >= domid, with a reference. */
struct domain *domain_get_next(uint16_t domid);
extern struct domain *hardware_domain;

/* v is in an exit of its own and will pass the way back to the guest, where list registers are filled: whoever raises an
 * interrupt for it there needs no sched_wake(). */
static inline bool sched_goes_on(const struct vcpu *v)
{
	return v == current_vcpu() && v->sched.state == SCHED_RUNNING && !v->sched.blocking;
}

/* ---- vCPU state (vcpu_switch.c, vcpu_regs.c) ---------------------------------------------------- */

/* Save prev (may be NULL), load next (may be NULL: idle keeps the last one's stage 2 unloaded). */
void vcpu_switch(struct vcpu *prev, struct vcpu *next);
uint64_t vcpu_default_hcr(const struct domain *d);

static inline uint64_t vcpu_get_x(const struct vcpu *v, unsigned int n)
{
	return n == 31 ? 0 : v->regs.x[n];
}

static inline void vcpu_set_x(struct vcpu *v, unsigned int n, uint64_t value)
{
	if (likely(n < 20)) {
		v->regs.x[n] = value;
	} else if (n != 31) {
		v->regs.x[n] = value;
		v->regs.stale = 1;
	}
}

/* ---- cold and warm (domain_warm.c) ----------------------------------------------------------------- */

/* SCTLR_EL1 of v is about to become value (trapped write, setvcpucontext, restore). */
void domain_sctlr_changed(struct vcpu *v, uint64_t value);
/* A trapped DC xSW. */
int domain_set_way(struct vcpu *v);
/*
 * v is about to be entered and attr_work is set: its domain has turned warm or cold while others map its frames, or it
 * has used set/way. Traps are armed for v too, and a part of the turning and of the flush that is due is done. True when
 * v may go; false: poll epochs and interrupts, then call again.
 */
bool __must_check domain_attr_step(struct vcpu *v);
/* HCR_EL2.TVM traps: write the register for the guest. */
bool domain_vm_register_write(struct vcpu *v, uint32_t key, uint64_t value);

/* ---- guest memory (guest_copy.c) ---------------------------------------------------------------------- */

/*
 * Copy between Tenon and a guest virtual address of the current vCPU, as the running guest would access
 * it (AT S12E1R/W; design.md, "Guest copy"). 0 or -XEN_EFAULT; -XEN_EINVAL when the buffer's memory
 * attributes are refused (C3). No lock of rank ATTR or inner may be held.
 */
int __must_check guest_copy_from(void *to, uint64_t gva, size_t size);
int __must_check guest_copy_to(uint64_t gva, const void *from, size_t size);
/* The frame of the domain's own RAM behind a guest virtual address that the current vCPU may write, with a reference
 * (frame_put()). Errors as above. For areas that a guest registers by virtual address. */
int __must_check guest_get_frame(uint64_t gva, mfn_t *m);
/* By guest physical address, any domain; for the builder and for registers that name frames. */
int __must_check guest_copy_to_ipa(struct domain *d, ipa_t ipa, const void *from, size_t size);
int __must_check guest_copy_from_ipa(struct domain *d, void *to, ipa_t ipa, size_t size);
