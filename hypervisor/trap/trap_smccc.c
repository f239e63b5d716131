/* SPDX-License-Identifier: MIT */
/*
 * HVC and SMC of guests: hypercalls (#0xEA1), and calls by the SMC Calling Convention 1.2 (#0, Arm
 * DEN 0028; xen-abi-arm section 8.6), for which HVC and SMC are the same to Tenon. Any other
 * immediate is undefined. The two workaround calls have a fast path in arm64/vectors.S for HVC from
 * AArch64.
 *
 * Only result registers change. Firmware is never called on behalf of a guest, dom0 included.
 */
#include "trap/trap_internal.h"

#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "lib/log.h"

#define HVC_IMMEDIATE           BITS64(15, 0)

#define SMCCC_1_2               0x10002

/*
 * Names as in Arm DEN 0028 and DEN 0070; owners 0 (architecture), 4 (standard), 5 (standard
 * hypervisor). Xen's own service is at 5 as well, although the convention has 6 for a vendor's
 * (xen: xen/include/public/arch-arm/smccc.h has the identities).
 */
#define SMCCC_ARCH_FEATURES     0x80000001u
#define SMCCC_ARCH_WORKAROUND_1 0x80008000u
#define SMCCC_ARCH_WORKAROUND_2 0x80007fffu
#define SMCCC_ARCH_WORKAROUND_3 0x80003fffu
#define STANDARD_CALL_COUNT     0x8400ff00u
#define STANDARD_UID            0x8400ff01u
#define STANDARD_REVISION       0x8400ff03u
#define HYPERVISOR_CALL_COUNT   0x8500ff00u
#define HYPERVISOR_UID          0x8500ff01u
#define HYPERVISOR_REVISION     0x8500ff03u

/* That header includes what is not installed, so its values are here: SSSC_SMCCC_UID,
 * XEN_SMCCC_UID. */
static const uint8_t standard_uid[16] = {0xf8, 0x63, 0x38, 0x6f, 0x4b, 0x39, 0x4c, 0xbd,
					 0x92, 0x20, 0xce, 0x16, 0x41, 0xe5, 0x9f, 0x6f};
static const uint8_t hypervisor_uid[16] = {0xa7, 0x18, 0x12, 0xdc, 0xc6, 0x98, 0x43, 0x69,
					   0x9a, 0xcf, 0x79, 0xd1, 0x8d, 0xde, 0xe6, 0x67};

/*
 * Functions that return constants, which all of these do. Mitigations are not claimed: Tenon does
 * not call the firmware's on each entry to EL2, so ARCH_FEATURES says "not supported" for them, and
 * the calls themselves are no-ops that nobody is told to make.
 */
static const struct smccc_function {
	uint32_t id;
	uint32_t nr_results;
	uint32_t result[2];
	/* Or this, in four registers. */
	const uint8_t *uid;
	/* clang-format off */
} functions[] = {
	{ SMCCC_VERSION, 1, { SMCCC_1_2 }, NULL },
	{ SMCCC_ARCH_WORKAROUND_1, 1, { 0 }, NULL },
	{ SMCCC_ARCH_WORKAROUND_2, 1, { 0 }, NULL },
	{ SMCCC_ARCH_WORKAROUND_3, 1, { 0 }, NULL },
	/* The three here and the 12 PSCI calls that Xen counts. */
	{ STANDARD_CALL_COUNT, 1, { 3 + 12 }, NULL },
	{ STANDARD_UID, 0, { 0 }, standard_uid },
	{ STANDARD_REVISION, 2, { 0, 1 }, NULL },
	{ HYPERVISOR_CALL_COUNT, 1, { 3 }, NULL },
	/* Xen's own: a guest that looks for Xen shall find it. */
	{ HYPERVISOR_UID, 0, { 0 }, hypervisor_uid },
	{ HYPERVISOR_REVISION, 2, { 0, 1 }, NULL },
};
/* clang-format on */

/* Four bytes to a register, the first in the lowest bits (DEN 0028, "UID"). */
static void return_uid(struct vcpu *v, const uint8_t *uid)
{
	for (unsigned int n = 0; n < 4; n++) {
		const uint8_t *bytes = &uid[4 * n];

		vcpu_set_x(v, n,
			   bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
				   (uint32_t)bytes[3] << 24);
	}
}

static int64_t arch_features(uint32_t function)
{
	return function == SMCCC_VERSION || function == SMCCC_ARCH_FEATURES ? 0
									    : SMCCC_NOT_SUPPORTED;
}

/* All but the calls of PSCI that are the same for 32-bit and 64-bit guests. */
static __noinline void other_call(struct vcpu *v, uint32_t id)
{
	if ((id & SMCCC_64BIT) != 0 && v->domain->is_32bit) {
		/* SMC64 calls are AArch64's alone. */
		vcpu_set_x(v, 0, (uint32_t)SMCCC_NOT_SUPPORTED);
		return;
	}
	if ((id & ~(uint32_t)SMCCC_64BIT) - PSCI_VERSION < PSCI_NR_FUNCTIONS ||
	    id == PSCI_0_1_CPU_OFF || id == PSCI_0_1_CPU_ON) {
		trap_psci(v, id);
		return;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(functions); i++) {
		if (functions[i].id == id) {
			for (unsigned int n = 0; n < functions[i].nr_results; n++) {
				vcpu_set_x(v, n, functions[i].result[n]);
			}
			if (functions[i].uid != NULL) {
				return_uid(v, functions[i].uid);
			}
			return;
		}
	}
	vcpu_set_x(v, 0,
		   id == SMCCC_ARCH_FEATURES ? (uint64_t)arch_features((uint32_t)vcpu_get_x(v, 1))
					     : (uint64_t)SMCCC_NOT_SUPPORTED);
}

void trap_smccc(struct vcpu *v)
{
	const uint32_t id = (uint32_t)vcpu_get_x(v, 0);

	if (likely(id - PSCI_VERSION < PSCI_NR_FUNCTIONS)) {
		trap_psci(v, id);
	} else {
		other_call(v, id);
	}
}

/* The PC is behind an HVC already: nothing is to be stepped over. */
enum trap_outcome trap_hvc(struct vcpu *v, uint64_t esr)
{
	switch (FIELD_GET(HVC_IMMEDIATE, esr)) {
	case XEN_HYPERCALL_TAG:
		if (v->domain->is_32bit ? hypercall_dispatch_32(v) : hypercall_dispatch(v)) {
			v->regs.pc -= 4; /* to be continued */
			v->regs.pstate = vcpu_debug_unstep(&v->debug, v->regs.pstate);
		}
		return TRAP_AGAIN;
	case 0:
		trap_smccc(v);
		return TRAP_AGAIN;
	default:
		log_guest(v->domain->id,
			  "%s: vCPU %u executes hvc #0x%x at pc 0x%lx, which means nothing: "
			  "undefined "
			  "instruction injected",
			  v->domain->name, v->id, (unsigned int)FIELD_GET(HVC_IMMEDIATE, esr),
			  v->regs.pc - 4);
		v->regs.pc -= 4; /* an undefined instruction's exception returns to it */
		v->regs.pstate = vcpu_debug_unstep(&v->debug, v->regs.pstate);
		return TRAP_UNDEFINED;
	}
}

/* HCR_EL2.TSC: the PC is at the SMC, which may be conditional in AArch32; its syndrome then has no immediate. */
enum trap_outcome trap_smc(struct vcpu *v, uint64_t esr)
{
	if (!trap_condition_passed(v, esr)) {
		return TRAP_DONE;
	}
	if (ESR_EC(esr) == ESR_EC_SMC32) {
		trap_smccc(v);
		return TRAP_DONE;
	}
	if (FIELD_GET(HVC_IMMEDIATE, esr) != 0) {
		log_guest(v->domain->id,
			  "%s: vCPU %u executes smc #0x%x at pc 0x%lx, which means nothing: "
			  "undefined "
			  "instruction injected",
			  v->domain->name, v->id, (unsigned int)FIELD_GET(HVC_IMMEDIATE, esr),
			  v->regs.pc);
		return TRAP_UNDEFINED;
	}
	trap_smccc(v);
	return TRAP_DONE;
}
