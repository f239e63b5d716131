/* SPDX-License-Identifier: MIT */
/* Between the files of trap/, and what their unit tests look at. */
#pragma once

#include "arm64/esr.h"
#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "lib/compiler.h"
#include "trap/trap.h"

/* ---- the way through (trap_table.c) ------------------------------------------------------------------- */

/* By the exception class's handler and what it answers: any exception, at its own pace. */
void trap_by_class(struct vcpu *v, uint64_t esr);
/* What guests do often, of two classes; everything else is handed to trap_by_class(). */
void trap_sysreg_fast(struct vcpu *v, uint64_t esr); /* trap_sysreg.c: ID registers, SGIs */
void trap_abort_fast(struct vcpu *v, uint64_t esr);  /* trap_abort.c: words of devices */

/* ---- AArch32 code: of a 32-bit guest, or at EL0 of a 64-bit one (trap_a32.c, trap_a32_cp.c) ------ */

/*
 * May the trapped instruction be emulated at all? A conditional AArch32 instruction may trap
 * although its condition fails; then it is a NOP: TRAP_DONE. Always true for AArch64. Only for
 * exception classes whose syndrome has COND (WFx, CP10, CP14, CP15, SMC from AArch32).
 */
bool trap_condition_passed(const struct vcpu *v, uint64_t esr);
/*
 * Over the trapped instruction, as if it had been executed: PC, and what else of PSTATE moves on with it. It is no longer
 * the target of a branch, and a guest that steps itself has made its step.
 */
void trap_a32_step_over(struct vcpu *v, uint64_t esr);
static inline void trap_a64_step_over(struct vcpu *v)
{
	v->regs.pc += 4;
	v->regs.pstate &= ~(PSTATE_BTYPE | PSTATE_SS);
}
static inline void trap_step_over(struct vcpu *v, uint64_t esr)
{
	if (unlikely((v->regs.pstate & PSTATE_AARCH32) != 0)) {
		trap_a32_step_over(v, esr);
	} else {
		trap_a64_step_over(v);
	}
}
/*
 * The index in vcpu.regs.x of the register number that a syndrome gives for AArch32 code. False: it is the PC, which
 * nothing that is emulated may use.
 */
bool __must_check trap_a32_register(const struct vcpu *v, unsigned int rt, unsigned int *n);
/* Coprocessor accesses: EC 0x03, 0x04, 0x05, 0x0c, 0x08, and all others, which are undefined. */
enum trap_outcome trap_cp15_32(struct vcpu *v, uint64_t esr);
enum trap_outcome trap_cp15_64(struct vcpu *v, uint64_t esr);
enum trap_outcome trap_cp14_32(struct vcpu *v, uint64_t esr);
enum trap_outcome trap_cp14_64(struct vcpu *v, uint64_t esr);
enum trap_outcome trap_cp10_id(struct vcpu *v, uint64_t esr);
enum trap_outcome trap_cp_absent(struct vcpu *v, uint64_t esr);
/*
 * Exceptions into an EL1 that is AArch32 (trap_a32_inject.c). iss is AArch64's: status code, WnR, CM; the fault registers
 * get what that is in the format of the guest's tables.
 */
void trap_a32_inject_undefined(struct vcpu *v);
void trap_a32_inject_abort(struct vcpu *v, bool instruction, uint64_t far, uint32_t iss);

/* ---- system registers (trap_sysreg.c)
 * --------------------------------------------------------- */

struct sysreg_access {
	uint32_t key; /* SYS_ENC() */
	bool is_write;
	uint64_t value; /* in for writes, out for reads */
};

typedef enum trap_outcome (*sysreg_handler_t)(struct vcpu *v, struct sysreg_access *access);

#define SYSREG_READ  1u /* MRS allowed */
#define SYSREG_WRITE 2u /* MSR or SYS allowed */
#define SYSREG_EL0   4u /* also from EL0, where EL1 lets it through */

struct sysreg_entry {
	uint32_t key;
	uint32_t allowed; /* SYSREG_*; any other access is undefined */
	sysreg_handler_t handler;
};

/* Ascending by key. */
extern const struct sysreg_entry trap_sysreg_table[];
extern const unsigned int trap_sysreg_table_size;

/* ---- aborts (trap_abort.c) ----------------------------------------------------------------------- */

/* The level of the running guest's stage-1 walk for va that finds its table in the page at IPA failed. */
unsigned int trap_walk_level(struct vcpu *v, uint64_t va, ipa_t failed);

/* A load or store that changes its base register, too. */
struct trap_indexed {
	uint32_t iss; /* what the syndrome would say of it without that: ISV, SAS, SSE, SRT, SF, WnR */
	unsigned int rn;
	int64_t offset;
};
/* The instruction at the PC of v, the running one. False: it is another one, or cannot be read. */
bool __must_check trap_fetch_indexed(struct vcpu *v, struct trap_indexed *indexed);
bool __must_check trap_decode_indexed(uint32_t insn, struct trap_indexed *indexed);
void trap_write_back(struct vcpu *v, const struct trap_indexed *indexed);

/* ---- debug registers (trap_debug.c): one handler a register, or a group ---------------------------- */

enum trap_outcome trap_debug_point(struct vcpu *v, struct sysreg_access *access);
enum trap_outcome trap_debug_mdscr(struct vcpu *v, struct sysreg_access *access);
enum trap_outcome trap_debug_oslar(struct vcpu *v, struct sysreg_access *access);
enum trap_outcome trap_debug_oslsr(struct vcpu *v, struct sysreg_access *access);
enum trap_outcome trap_debug_mdccint(struct vcpu *v, struct sysreg_access *access);
enum trap_outcome trap_debug_osdtrrx(struct vcpu *v, struct sysreg_access *access);
enum trap_outcome trap_debug_osdtrtx(struct vcpu *v, struct sysreg_access *access);
enum trap_outcome trap_debug_oseccr(struct vcpu *v, struct sysreg_access *access);
enum trap_outcome trap_debug_claim_set(struct vcpu *v, struct sysreg_access *access);
enum trap_outcome trap_debug_claim_clear(struct vcpu *v, struct sysreg_access *access);
enum trap_outcome trap_debug_auth(struct vcpu *v, struct sysreg_access *access);
enum trap_outcome trap_debug_mdccsr(struct vcpu *v, struct sysreg_access *access);
enum trap_outcome trap_debug_dtr(struct vcpu *v, struct sysreg_access *access);
/* Does a watchpoint of the vCPU match an access that is about to be emulated? */
bool trap_debug_is_watched(const struct vcpu *v, uint64_t va, unsigned int size, bool is_write);

/* ---- identification registers (trap_idreg.c)
 * -------------------------------------------------- */

/* The registers that HCR_EL2.TID3 traps: op0 3, op1 0, CRn 0, CRm 1 to 7. */
static inline bool trap_idreg_is_key(uint32_t key)
{
	const uint32_t crm = key & SYS_ENC(0, 0, 0, 15, 0);

	return (key & ~SYS_ENC(0u, 0u, 0u, 15u, 7u)) == SYS_ENC(3, 0, 0, 0, 0) &&
	       crm >= SYS_ENC(0, 0, 0, 1, 0) && crm <= SYS_ENC(0, 0, 0, 7, 0);
}

/* What guests with a GICv2 and a GICv3 read of them, by CRm less 1 (and a spare row, for a power of two) and op2. */
extern uint64_t trap_idreg_value[2][8][8];
static inline uint64_t trap_idreg_value_of(const struct domain *d, uint32_t row, uint32_t op2)
{
	return trap_idreg_value[d->vgic.version - GIC_V2][row][op2];
}

/* ---- SMCCC and PSCI (trap_smccc.c, trap_psci.c)
 * ----------------------------------------------- */

#define SMCCC_64BIT         BIT64(30) /* of a function identifier */
#define SMCCC_NOT_SUPPORTED (-1)
#define SMCCC_VERSION       0x80000000u

/* A function of PSCI; the result is in x0 afterwards. (trap_psci.c) */
void trap_psci(struct vcpu *v, uint32_t function);

#define PSCI_VERSION            0x84000000u
#define PSCI_CPU_SUSPEND        0x84000001u
#define PSCI_CPU_OFF            0x84000002u
#define PSCI_CPU_ON             0x84000003u
#define PSCI_AFFINITY_INFO      0x84000004u
#define PSCI_MIGRATE_INFO_TYPE  0x84000006u
#define PSCI_SYSTEM_OFF         0x84000008u
#define PSCI_SYSTEM_RESET       0x84000009u
#define PSCI_FEATURES           0x8400000au

/* By the numbers that Xen's device trees give them. */
#define PSCI_0_1_CPU_OFF        1
#define PSCI_0_1_CPU_ON         2
#define PSCI_NR_FUNCTIONS       0x20 /* numbers that are its own, used or not (DEN 0022) */

#define PSCI_SUCCESS            0
#define PSCI_NOT_SUPPORTED      (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_ALREADY_ON         (-4)
#define PSCI_INTERNAL_FAILURE   (-6)
#define PSCI_INVALID_ADDRESS    (-9)
