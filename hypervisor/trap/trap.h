/* SPDX-License-Identifier: MIT */
/*
 * The door from a guest: dispatch of exceptions by class, injection of exceptions into EL1, emulated
 * registers (MMIO and system).
 */
#pragma once

#include "lib/compiler.h"
#include "mm/frame.h"

struct domain;
struct vcpu;

enum trap_outcome {
	TRAP_DONE,     /* emulated: step over the instruction */
	TRAP_AGAIN,    /* return to the same PC (also after injecting or rewinding) */
	TRAP_UNDEFINED /* inject an Unknown-reason exception into EL1 */
};

/*
 * The C entries from vectors.S, and hypercall_trap(): v's registers are saved in v->regs. Afterwards v goes on, unless
 * cpu_work, v->work or its domain's attr_work says that there is something to do first.
 */
void trap_from_guest_sync(struct vcpu *v, uint64_t esr); /* all but HVC #0 and #0xEA1 of AArch64 */
void trap_smccc(struct vcpu *v);                         /* HVC #0: trap_smccc.c */
void trap_from_guest_irq(struct vcpu *v);
void trap_from_guest_serror(struct vcpu *v);
/* Then it is done here: work, scheduling, interrupts. Returns the vCPU to enter. */
struct vcpu *trap_leave(struct vcpu *v);
/* The same when no vCPU has left a guest here. */
struct vcpu *trap_return_to_guest(void);
/* Debug builds: what must be true after each exit of v. */
void trap_check_leave(const struct vcpu *v);

/* Exceptions into EL1 (sets ELR/SPSR/ESR/FAR_EL1, PC). v is current, its EL1 state is in the registers. */
void trap_inject_undefined(struct vcpu *v);
/* iss: the fault status code, and what else the syndrome of such an abort has (WnR, CM, FnV). */
void trap_inject_abort(struct vcpu *v, bool instruction, uint64_t far, uint32_t iss);
void trap_inject_watchpoint(struct vcpu *v, uint64_t far, bool is_write);
void trap_inject_serror(struct vcpu *v);

/* ---- emulated MMIO ---------------------------------------------------------------------------- */

/* Aligned to its size. */
struct mmio_access {
	uint32_t offset; /* from the region's start */
	uint8_t size;    /* 1, 2, 4, 8 bytes */
	bool is_write;
	uint64_t value; /* in for writes, out for reads (zero-extended; sign handled by the caller) */
};

/* False: the access is refused, an external abort is injected. v is the accessing (current) vCPU. */
typedef bool (*mmio_handler_t)(struct vcpu *v, struct mmio_access *access, void *context);

#define MMIO_MAX_REGIONS 16
struct mmio_region {
	ipa_t start;
	uint64_t size;
	mmio_handler_t handler;
	void *context;
};
struct mmio_domain {
	unsigned int nr;
	struct mmio_region region[MMIO_MAX_REGIONS];
};

/*
 * Before the domain runs. start and size are multiples of eight. -XEN_EINVAL, -XEN_ENOSPC, -XEN_EEXIST on overlap.
 */
int __must_check trap_mmio_register(struct domain *d, ipa_t start, uint64_t size,
				    mmio_handler_t handler, void *context);
/* Find the region of an IPA; NULL when none. */
const struct mmio_region *trap_mmio_find(const struct domain *d, ipa_t ipa);

/* ---- one handler per exception class (const table in trap_table.c) --------------------------- */
enum trap_outcome trap_abort(struct vcpu *v, uint64_t esr);  /* trap_abort.c: data, instruction */
enum trap_outcome trap_sysreg(struct vcpu *v, uint64_t esr); /* trap_sysreg.c */
enum trap_outcome trap_wfx(struct vcpu *v, uint64_t esr);    /* trap_wfx.c */
enum trap_outcome trap_hvc(struct vcpu *v,
			   uint64_t esr); /* trap_smccc.c: #0 SMCCC, #0xEA1 hypercall */
enum trap_outcome trap_smc(struct vcpu *v, uint64_t esr);
/* ID register values that a domain sees: trap_idreg.c, sanitised once at boot over all CPUs. */
void trap_idreg_init_cpu(void);     /* each CPU folds its own values in */
void trap_idreg_init_machine(void); /* once they have, and stage 2's geometry is known */
/* Value of an ID register (key = SYS_ENC, of CRm 1 to 7); unassigned ones of the group read 0. */
uint64_t trap_idreg_read(const struct domain *d, uint32_t key);
