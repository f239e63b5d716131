/* SPDX-License-Identifier: MIT */
/*
 * The guest's generic timer: the hardware virtual timer (CNTV, PPI 27) offset by CNTVOFF_EL2, and the
 * physical timer (CNTP) emulated, PPI 30. While a vCPU is off the CPU, a software timer stands in.
 *
 * PPI 27 is passed on with the HW bit of the list register: taken at EL2 it stays active at the physical GIC, so it
 * does not fire again, until the guest's EOI of the virtual interrupt deactivates it. The guest's CNTV_CTL is its own:
 * no mask bit appears in it. The virtual line is the timer's output as it is before each entry.
 *
 * Exit path, v current, interrupts masked:  vgic_sync(v)  irq_handle_pending()  work, scheduling
 *                                           vtimer_sync(v)  vgic_flush(v)  ERET
 * Nothing that takes interrupts may come between vtimer_sync() and the entry.
 */
#pragma once

#include "lib/compiler.h"
#include "time/time.h"

struct domain;
struct vcpu;

#define VTIMER_INTID_VIRTUAL  27
#define VTIMER_INTID_PHYSICAL 30
#define VTIMER_INTID_SECURE   29

/* S1. The CNTV and CNTKCTL fields are in the registers while loaded. */
struct vtimer_vcpu_state {
	uint64_t cntv_cval, cntp_cval;
	uint32_t cntv_ctl, cntp_ctl; /* ENABLE and IMASK */
	uint64_t cntkctl;
};

/* Owned by the CPU where the vCPU is loaded; while it is not, by physical_timer's callback and who loads it. */
struct vtimer_vcpu {
	struct vtimer_vcpu_state state;
	struct timer virtual_timer;  /* stands in for CNTV while descheduled */
	struct timer physical_timer; /* emulates CNTP */
	bool loaded;
	bool fired;      /* PPI 27 was taken since the last vtimer_sync() */
	bool ppi_active; /* PPI 27 may be active here; unloaded: shall be where it goes on */
	bool virtual_line, physical_line; /* as last told to the vGIC */
};

/* Every CPU, after gic_init_cpu(): takes PPI 27, sets CNTHCTL_EL2. */
void vtimer_init_cpu(void);
/* After vgic_vcpu_init(). */
void vtimer_vcpu_init(struct vcpu *v);
/* The vCPU is about to be started again (CPU_ON): both timers off. Not loaded. */
void vtimer_vcpu_reset(struct vcpu *v);
/* It will not run again. No lock held. */
void vtimer_vcpu_fini(struct vcpu *v);
/* The vCPU is about to run here. No lock is held. */
void vtimer_load(struct vcpu *v);
/* It leaves this CPU. From here on the software timer calls sched_wake() when the virtual timer goes off. */
void vtimer_save(struct vcpu *v);
/*
 * Before entry, and before a WFI looks for interrupts, after vgic_sync(): level of the lines, physical state of PPI 27.
 * Cheap when no timer is due.
 */
void vtimer_sync(struct vcpu *v);
/*
 * Somebody wants to know the lines as they are at this moment: a guest turns its virtual timer off without an exit. For
 * the current vCPU; another one's are as of its last exit. No lock is held.
 */
void vtimer_refresh(struct vcpu *v);
/* Guest access to CNTP_*: is_write, register by SYS_ENC key. v is current. False: not ours (UNDEF). */
bool vtimer_sysreg(struct vcpu *v, uint32_t key, bool is_write, uint64_t *value);
