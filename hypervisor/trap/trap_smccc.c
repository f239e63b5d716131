/* SPDX-License-Identifier: MIT */
/*
 * HVC and SMC of guests: hypercalls (#0xEA1), and calls by the SMC Calling Convention 1.2 (#0, Arm DEN
 * 0028; xen-abi-arm section 8.6), for which HVC and SMC are the same to Tenon. Any other immediate is
 * undefined. The two workaround calls have a fast path in arm64/vectors.S for HVC from AArch64.
 *
 * Only result registers change. Firmware is never called on behalf of a guest, dom0 included.
 */
#include "trap/trap_internal.h"

#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "lib/log.h"

#define HVC_IMMEDIATE BITS64(15, 0)

#define SMCCC_1_2 0x10002

/* Names as in Arm DEN 0028 and DEN 0070; owners 0 (architecture), 4 (standard), 6 (hypervisor). */
#define SMCCC_ARCH_FEATURES       0x80000001u
#define SMCCC_ARCH_WORKAROUND_1   0x80008000u
#define SMCCC_ARCH_WORKAROUND_2   0x80007fffu
#define SMCCC_ARCH_WORKAROUND_3   0x80003fffu
#define STANDARD_CALL_COUNT       0x8400ff00u
#define STANDARD_UID              0x8400ff01u
#define STANDARD_REVISION         0x8400ff03u
#define HYPERVISOR_CALL_COUNT     0x8600ff00u
#define HYPERVISOR_UID            0x8600ff01u
#define HYPERVISOR_REVISION       0x8600ff03u

/*
 * A function that returns constants, which all of these do. Mitigations are not claimed: Tenon does not call the
 * firmware's on each entry to EL2, so ARCH_FEATURES says "not supported" for them, and the calls themselves are
 * no-ops that nobody is told to make.
 */
static const struct smccc_function {
	uint32_t id;
	uint8_t nr_results;
	uint64_t result[4];
} functions[] = {
	{ SMCCC_VERSION, 1, { SMCCC_1_2 } },
	{ SMCCC_ARCH_WORKAROUND_1, 1, { 0 } },
	{ SMCCC_ARCH_WORKAROUND_2, 1, { 0 } },
	{ SMCCC_ARCH_WORKAROUND_3, 1, { 0 } },
	/* The three here and the 12 PSCI calls that Xen counts. */
	{ STANDARD_CALL_COUNT, 1, { 3 + 12 } },
	/* Bytes of the UUID, four to a register, the first in the lowest bits. */
	{ STANDARD_UID, 4, { 0x6f3863f8, 0xbd4c394b, 0x16ce2092, 0x6f9fe541 } },
	{ STANDARD_REVISION, 2, { 0, 1 } },
	/* Xen's own UUID: a guest that looks for Xen shall find it. */
	{ HYPERVISOR_CALL_COUNT, 1, { 3 } },
	{ HYPERVISOR_UID, 4, { 0xdc1218a7, 0x694398c6, 0xd179cf9a, 0x6766de8d } },
	{ HYPERVISOR_REVISION, 2, { 0, 1 } },
};

static int64_t arch_features(uint32_t function)
{
	return function == SMCCC_VERSION || function == SMCCC_ARCH_FEATURES ? 0 : SMCCC_NOT_SUPPORTED;
}

static void smccc_call(struct vcpu *v)
{
	const uint32_t id = (uint32_t)vcpu_get_x(v, 0);

	if (trap_psci(v, id)) {
		return;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(functions); i++) {
		if (functions[i].id == id) {
			for (unsigned int n = 0; n < functions[i].nr_results; n++) {
				vcpu_set_x(v, n, functions[i].result[n]);
			}
			return;
		}
	}
	vcpu_set_x(v, 0, id == SMCCC_ARCH_FEATURES ? (uint64_t)arch_features((uint32_t)vcpu_get_x(v, 1)) :
						     (uint64_t)SMCCC_NOT_SUPPORTED);
}

/* The PC is behind an HVC already: nothing is to be stepped over. */
enum trap_outcome trap_hvc(struct vcpu *v, uint64_t esr)
{
	switch (FIELD_GET(HVC_IMMEDIATE, esr)) {
	case XEN_HYPERCALL_TAG:
		if (hypercall_dispatch(v)) {
			v->regs.pc -= 4; /* to be continued */
		}
		return TRAP_AGAIN;
	case 0:
		smccc_call(v);
		return TRAP_AGAIN;
	default:
		log_guest(v->domain->id, "%s: vCPU %u executes hvc #0x%x at pc 0x%lx, which means nothing: undefined "
			  "instruction injected", v->domain->name, v->id, (unsigned int)FIELD_GET(HVC_IMMEDIATE, esr),
			  v->regs.pc - 4);
		v->regs.pc -= 4; /* an undefined instruction's exception returns to it */
		return TRAP_UNDEFINED;
	}
}

/* HCR_EL2.TSC: the PC is at the SMC. */
enum trap_outcome trap_smc(struct vcpu *v, uint64_t esr)
{
	if (FIELD_GET(HVC_IMMEDIATE, esr) != 0) {
		log_guest(v->domain->id, "%s: vCPU %u executes smc #0x%x at pc 0x%lx, which means nothing: undefined "
			  "instruction injected", v->domain->name, v->id, (unsigned int)FIELD_GET(HVC_IMMEDIATE, esr),
			  v->regs.pc);
		return TRAP_UNDEFINED;
	}
	smccc_call(v);
	return TRAP_DONE;
}
