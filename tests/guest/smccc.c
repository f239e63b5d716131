/* SPDX-License-Identifier: MIT */
/* The SMC calling convention (Arm DEN 0028) and which registers calls may change (xen-abi-arm: "SMCCC"). */
#include "guest.h"
#include "guest_asm.h"
#include "guest_smp.h"
#include "guest_trap.h"

const char *const guest_topic = "smccc";
const bool guest_mmu_off;

#define SMCCC_VERSION       0x80000000
#define SMCCC_ARCH_FEATURES 0x80000001
#define SMCCC_WORKAROUND_1  0x80008000
#define SMCCC_WORKAROUND_2  0x80007fff
#define SMCCC_WORKAROUND_3  0x80003fff

static int32_t call(uint64_t function, uint64_t a1)
{
	return (int32_t)smccc(CONDUIT_HVC, function, a1, 0, 0).x[0];
}

static void version(void)
{
	int32_t answer = call(SMCCC_VERSION, 0);

	REQUIRE(answer == 0x10001 || answer == 0x10002, "%#x", (uint32_t)answer);
	REQUIRE_EQUAL((int32_t)smccc(CONDUIT_SMC, SMCCC_VERSION, 0, 0, 0).x[0], answer);
}

static void arch_features(void)
{
	int32_t answer;

	answer = call(SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_1);
	EXPECT(answer == 0 || answer == -1 || answer == 1, "workaround 1: %d", answer);
	answer = call(SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_2);
	EXPECT(answer >= -2 && answer <= 1, "workaround 2: %d", answer);
	EXPECT_EQUAL(call(SMCCC_ARCH_FEATURES, 0x80001234), -1);
}

static void workarounds_return(void)
{
	call(SMCCC_WORKAROUND_1, 0);
	call(SMCCC_WORKAROUND_2, 1);
	call(SMCCC_WORKAROUND_3, 0);
}

/*
 * Owner 5, standard hypervisor services, is where Xen answers (xen: arch/arm/vsmc.c), with the UUID
 * a71812dc-c698-4369-9acf-79d18ddee667 in w0-w3.
 */
static void hypervisor_identity(void)
{
	struct guest_result uuid = smccc(CONDUIT_HVC, 0x8500ff01, 0, 0, 0);
	struct guest_result revision = smccc(CONDUIT_HVC, 0x8500ff03, 0, 0, 0);

	REQUIRE_EQUAL(call(0x8500ff00, 0), 3);
	EXPECT_EQUAL((uint32_t)uuid.x[0], 0xdc1218a7);
	EXPECT_EQUAL((uint32_t)uuid.x[1], 0x694398c6);
	EXPECT_EQUAL((uint32_t)uuid.x[2], 0xd179cf9a);
	EXPECT_EQUAL((uint32_t)uuid.x[3], 0x67e6de8d);
	EXPECT_EQUAL((uint32_t)revision.x[0], 0);
	EXPECT_EQUAL((uint32_t)revision.x[1], 1);
}

/* Owner 6, vendor-specific hypervisor services: by a UUID there a guest would take Xen for KVM. */
static void not_taken_for_kvm(void)
{
	REQUIRE((uint32_t)smccc(CONDUIT_HVC, 0x8600ff01, 0, 0, 0).x[0] != 0xb66fb428);
}

/* Owner 4, standard secure services (PSCI): f863386f-4b39-4cbd-9220-ce1641e59f6f. */
static void standard_service_identity(void)
{
	struct guest_result uuid = smccc(CONDUIT_HVC, 0x8400ff01, 0, 0, 0);

	REQUIRE_EQUAL(call(0x8400ff00, 0), 15);
	EXPECT_EQUAL((uint32_t)uuid.x[0], 0x6f3863f8);
	EXPECT_EQUAL((uint32_t)uuid.x[1], 0xbd4c394b);
	EXPECT_EQUAL((uint32_t)uuid.x[2], 0x16ce2092);
	EXPECT_EQUAL((uint32_t)uuid.x[3], 0x6f9fe541);
	EXPECT_EQUAL((uint32_t)smccc(CONDUIT_HVC, 0x8400ff03, 0, 0, 0).x[0], 0);
}

static void unknown_functions_are_refused(void)
{
	static const uint32_t unknown[] = {
		0xc5000020, /* paravirtual time */
		0x84000050, /* TRNG */
		0x80000002, /* SOC_ID */
		0x82000000, /* SiP */
		0x83000000, /* OEM */
		0xbf00ff01, /* trusted OS */
		0x86000000, 0xffffffff, 0xc6000001, 0x8f001234,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT(call(unknown[i], 0) == -1, "function %#x: %d", unknown[i],
		       call(unknown[i], 0));
	}
}

static void fill(struct guest_registers *registers)
{
	for (unsigned int i = 0; i < 31; i++) {
		registers->x[i] = UINT64_C(0x1111111111111111) * (i % 15 + 1) + i;
	}
}

/* Registers from `first` up, except a mask, are as they were. */
static void check_preserved(enum guest_conduit conduit, uint64_t function, uint64_t argument,
			    unsigned int first, uint32_t except)
{
	struct guest_registers before, after;

	fill(&before);
	before.x[conduit == CONDUIT_HYPERCALL ? 16 : 0] = function;
	before.x[conduit == CONDUIT_HYPERCALL ? 0 : 1] = argument;
	after = before;
	guest_call_registers(conduit, &after);
	for (unsigned int i = first; i < 31; i++) {
		if ((except >> i & 1) == 0) {
			EXPECT(after.x[i] == before.x[i], "call %#lx: x%u is %#lx, not %#lx",
			       function, i, after.x[i], before.x[i]);
		}
	}
}

static void registers_survive_smccc(void)
{
	check_preserved(CONDUIT_HVC, SMCCC_VERSION, 0, 4, 0);
	check_preserved(CONDUIT_HVC, SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_1, 4, 0);
	check_preserved(CONDUIT_HVC, SMCCC_WORKAROUND_1, 0, 4, 0);
	check_preserved(CONDUIT_HVC, PSCI_VERSION, 0, 4, 0);
	check_preserved(CONDUIT_HVC, 0x8600ff01, 0, 4, 0);
	check_preserved(CONDUIT_HVC, 0x8f001234, 0, 4, 0);
	check_preserved(CONDUIT_SMC, SMCCC_VERSION, 0, 4, 0);
	check_preserved(CONDUIT_SMC, PSCI_VERSION, 0, 4, 0);
}

/* Hypercalls may change x16 and the argument registers that they use; x0 is the result. */
static void registers_survive_hypercalls(void)
{
	check_preserved(CONDUIT_HYPERCALL, __HYPERVISOR_xen_version, XENVER_version, 2, 1u << 16);
	check_preserved(CONDUIT_HYPERCALL, __HYPERVISOR_xen_version, 99, 2, 1u << 16);
	check_preserved(CONDUIT_HYPERCALL, 0x777, 0, 5, 1u << 16);
	check_preserved(CONDUIT_HYPERCALL, __HYPERVISOR_sched_op, SCHEDOP_yield, 2, 1u << 16);
}

/* An immediate of nobody is an undefined instruction (xen-abi-arm: "Hypercall ABI"). */
static void other_immediates_are_undefined(void)
{
	/* The nop: Xen reports the instruction after the HVC, and the fault handler steps over one. */
#define IMMEDIATE_CALL(instruction) \
	CATCH(__asm__ volatile(instruction "\n\tnop" ::: "x0", "x1", "x2", "x3", "memory"))
	struct {
		const char *name;
		struct guest_fault fault;
	} calls[] = {
		{"hvc #1", IMMEDIATE_CALL("hvc #1")},
		{"hvc #0xea2", IMMEDIATE_CALL("hvc #0xea2")},
		{"hvc #0xffff", IMMEDIATE_CALL("hvc #0xffff")},
		{"smc #1", IMMEDIATE_CALL("smc #1")},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		struct guest_fault fault = calls[i].fault;

		EXPECT(fault_is_undefined(fault), "%s: ESR %#lx", calls[i].name, fault.esr);
		if (machine.tenon && fault.taken) {
			uint32_t instruction = *(const uint32_t *)(uintptr_t)fault.elr;

			EXPECT((instruction & 0xffe0001c) == 0xd4000000,
			       "%s: ELR %#lx is not the call's", calls[i].name, fault.elr);
		}
	}
#undef IMMEDIATE_CALL
}

/* Linux makes thousands of these: many in a row, and the flags survive. */
static void flags_survive(void)
{
	uint64_t flags;

	for (unsigned int i = 0; i < 1000; i++) {
		__asm__ volatile("cmp %2, #1\n\tmov x0, %1\n\thvc #0\n\tmrs %0, nzcv"
				 : "=&r"(flags)
				 : "r"((uint64_t)SMCCC_WORKAROUND_1), "r"(UINT64_C(0))
				 : "x0", "x1", "x2", "x3", "cc", "memory");
		REQUIRE_EQUAL(flags, 0x80000000);
	}
}

const struct guest_case guest_cases[] = {
	CASE(version),
	CASE(arch_features),
	CASE(workarounds_return),
	CASE(hypervisor_identity),
	CASE(not_taken_for_kvm),
	CASE(standard_service_identity),
	CASE(unknown_functions_are_refused),
	CASE(registers_survive_smccc),
	CASE(registers_survive_hypercalls),
	CASE(other_immediates_are_undefined),
	CASE(flags_survive),
	CASE_END,
};
