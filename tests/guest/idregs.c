/* SPDX-License-Identifier: MIT */
/*
 * Identification registers: what is hidden reads as absent and is not usable (xen-abi-arm: "Traps and
 * context"); debug registers that Linux writes on every CPU are there.
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_trap.h"

const char *const guest_topic = "idregs";
const bool guest_mmu_off;

#define FIELD(value, low) (((value) >> (low)) & 0xf)

/* S3_0_C0_C<crm>_<op2>, crm 1 to 7: all of them can be read. */
/* clang-format off */
#define ID_READ(crm, op2) \
	static uint64_t read_##crm##_##op2(void) \
	{ \
		uint64_t value = 0; \
		__asm__ volatile("mrs %0, S3_0_C0_C" #crm "_" #op2 : "+r"(value)); \
		return value; \
	}
#define ID_READS(crm) \
	ID_READ(crm, 0) ID_READ(crm, 1) ID_READ(crm, 2) ID_READ(crm, 3) \
	ID_READ(crm, 4) ID_READ(crm, 5) ID_READ(crm, 6) ID_READ(crm, 7)
#define ID_ROW(crm) \
	{ "S3_0_C0_C" #crm "_0", read_##crm##_0 }, { "S3_0_C0_C" #crm "_1", read_##crm##_1 }, \
	{ "S3_0_C0_C" #crm "_2", read_##crm##_2 }, { "S3_0_C0_C" #crm "_3", read_##crm##_3 }, \
	{ "S3_0_C0_C" #crm "_4", read_##crm##_4 }, { "S3_0_C0_C" #crm "_5", read_##crm##_5 }, \
	{ "S3_0_C0_C" #crm "_6", read_##crm##_6 }, { "S3_0_C0_C" #crm "_7", read_##crm##_7 }

ID_READS(1) ID_READS(2) ID_READS(3) ID_READS(4) ID_READS(5) ID_READS(6) ID_READS(7)

static const struct {
	const char *name;
	uint64_t (*read)(void);
} id_registers[] = { ID_ROW(1), ID_ROW(2), ID_ROW(3), ID_ROW(4), ID_ROW(5), ID_ROW(6), ID_ROW(7) };
/* clang-format on */

static void all_can_be_read(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(id_registers); i++) {
		struct guest_fault fault = CATCH(id_registers[i].read());

		EXPECT(!fault.taken, "%s: ESR %#lx", id_registers[i].name, fault.esr);
	}
}

static void unassigned_ones_read_zero(void)
{
	/* No architecture version has given these a meaning. */
	EXPECT_EQUAL(read_4_7(), 0);
	EXPECT_EQUAL(read_7_7(), 0);
	EXPECT_EQUAL(read_3_7(), 0);
}

static void pfr0(void)
{
	uint64_t pfr0 = read_4_0();

	EXPECT(FIELD(pfr0, 0) >= 1, "EL0: %#lx", pfr0);
	EXPECT(FIELD(pfr0, 4) >= 1, "EL1: %#lx", pfr0);
	EXPECT(FIELD(pfr0, 16) == 0 || FIELD(pfr0, 16) == 1, "FP: %#lx", pfr0);
	EXPECT(FIELD(pfr0, 28) == 0, "RAS: %#lx", pfr0);
	EXPECT(FIELD(pfr0, 32) == 0, "SVE: %#lx", pfr0);
	EXPECT(FIELD(pfr0, 40) == 0, "MPAM: %#lx", pfr0);
	EXPECT(FIELD(pfr0, 44) == 0, "AMU: %#lx", pfr0);
}

static void pfr0_exception_levels(void)
{
	uint64_t pfr0 = read_4_0();

	EXPECT(FIELD(pfr0, 8) == 0, "EL2: %#lx", pfr0);
	EXPECT(FIELD(pfr0, 12) == 0, "EL3: %#lx", pfr0);
	EXPECT(FIELD(pfr0, 24) == (machine.gic_version == 3 ? 1 : 0), "GIC: %#lx", pfr0);
}

static void hidden_features(void)
{
	uint64_t pfr1 = read_4_1();
	uint64_t isar1 = read_6_1();

	EXPECT(FIELD(pfr1, 8) == 0, "MTE: %#lx", pfr1);
	EXPECT((isar1 & 0xff000ff0) == 0, "PAC: %#lx", isar1);
	EXPECT_EQUAL(read_4_4(), 0);
}

/* More than Xen 4.17 hides: features of later architecture versions whose state is not switched. */
static void hidden_later_features(void)
{
	uint64_t dfr0 = read_5_0();

	EXPECT(FIELD(dfr0, 8) == 0 || FIELD(dfr0, 8) == 0xf, "PMU: %#lx", dfr0);
	EXPECT(FIELD(read_4_1(), 24) == 0, "SME: %#lx", read_4_1());
	EXPECT(FIELD(dfr0, 4) == 0, "trace: %#lx", dfr0);
	EXPECT(FIELD(dfr0, 32) == 0, "SPE: %#lx", dfr0);
	EXPECT(FIELD(dfr0, 44) == 0, "TRBE: %#lx", dfr0);
	EXPECT(FIELD(read_6_2(), 8) == 0 && FIELD(read_6_2(), 12) == 0, "PAC of ISAR2: %#lx",
	       read_6_2());
	EXPECT(FIELD(read_6_2(), 16) == 0, "MOPS: %#lx", read_6_2());
	EXPECT(FIELD(read_7_1(), 8) == 0, "VH: %#lx", read_7_1());
	EXPECT(FIELD(read_7_1(), 40) == 0, "HCX: %#lx", read_7_1());
	EXPECT(FIELD(read_7_2(), 24) == 0, "NV: %#lx", read_7_2());
	EXPECT(FIELD(read_7_3(), 0) == 0 && FIELD(read_7_3(), 8) == 0 && FIELD(read_7_3(), 16) == 0,
	       "TCRX, S1PIE, S1POE: %#lx", read_7_3());
	EXPECT_EQUAL(read_4_2(), 0);
	EXPECT_EQUAL(read_4_5(), 0);
}

static void hidden_features_are_not_usable(void)
{
	struct guest_fault fault;
	uint64_t value;

	/* ZCR_EL1, CNTB (SVE); SMCR_EL1; RGSR_EL1 (MTE); APIAKEYLO_EL1 (PAC); ERRIDR_EL1 (RAS); AMCR_EL0. */
	fault = CATCH(__asm__ volatile("mrs %0, S3_0_C1_C2_0" : "=r"(value)));
	EXPECT(fault.taken, "ZCR_EL1");
	fault = CATCH(__asm__ volatile(".inst 0x0420e3e0" ::: "x0")); /* cntb x0 */
	EXPECT(fault.taken, "an SVE instruction");
	fault = CATCH(__asm__ volatile("mrs %0, S3_0_C1_C2_6" : "=r"(value)));
	EXPECT(fault.taken, "SMCR_EL1");
	fault = CATCH(__asm__ volatile("mrs %0, S3_0_C1_C0_5" : "=r"(value)));
	EXPECT(fault.taken, "RGSR_EL1");
	fault = CATCH(__asm__ volatile("mrs %0, S3_0_C2_C1_0" : "=r"(value)));
	EXPECT(fault.taken, "APIAKEYLO_EL1");
	fault = CATCH(__asm__ volatile("mrs %0, S3_3_C13_C2_0" : "=r"(value)));
	EXPECT(fault.taken, "AMCR_EL0");
}

/* The performance monitors are hidden and all undefined; Xen has them RAZ/WI. */
static void performance_monitors_are_undefined(void)
{
	struct guest_fault fault;
	uint64_t value;

	fault = CATCH(__asm__ volatile("mrs %0, S3_3_C9_C12_0" : "=r"(value)));
	EXPECT(fault_is_undefined(fault), "PMCR_EL0: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("mrs %0, S3_3_C9_C13_0" : "=r"(value)));
	EXPECT(fault_is_undefined(fault), "PMCCNTR_EL0: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("msr S3_3_C9_C14_0, xzr"));
	EXPECT(fault_is_undefined(fault), "PMUSERENR_EL0: ESR %#lx", fault.esr);
}

/* EL1 must not get at the registers of EL2 and EL3. */
static void higher_levels_are_undefined(void)
{
	struct guest_fault fault;
	uint64_t value;

	fault = CATCH(__asm__ volatile("mrs %0, S3_4_C1_C1_0" : "=r"(value)));
	EXPECT(fault_is_undefined(fault), "HCR_EL2: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("msr S3_4_C1_C1_0, xzr"));
	EXPECT(fault_is_undefined(fault), "write of HCR_EL2: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("mrs %0, S3_4_C2_C1_0" : "=r"(value)));
	EXPECT(fault_is_undefined(fault), "VTTBR_EL2: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("mrs %0, S3_6_C1_C1_0" : "=r"(value)));
	EXPECT(fault_is_undefined(fault), "SCR_EL3: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("mrs %0, S3_4_C14_C0_3" : "=r"(value)));
	EXPECT(fault_is_undefined(fault), "CNTVOFF_EL2: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("mrs %0, S3_4_C12_C11_0" : "=r"(value)));
	EXPECT(fault_is_undefined(fault), "ICH_HCR_EL2: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("tlbi alle2"));
	EXPECT(fault_is_undefined(fault), "TLBI ALLE2: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("tlbi vmalls12e1is"));
	EXPECT(fault_is_undefined(fault), "TLBI VMALLS12E1IS: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("at s12e1r, xzr"));
	EXPECT(fault_is_undefined(fault), "AT S12E1R: ESR %#lx", fault.esr);
}

/* Linux writes these when a CPU starts. */
static void debug_registers(void)
{
	struct guest_fault fault;
	uint64_t value = 0;

	fault = CATCH(__asm__ volatile("msr S2_0_C1_C0_4, xzr")); /* OSLAR_EL1 */
	EXPECT(!fault.taken, "OSLAR_EL1: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("mrs %0, S2_0_C1_C1_4" : "+r"(value))); /* OSLSR_EL1 */
	EXPECT(!fault.taken && (value & 2) == 0, "OSLSR_EL1: ESR %#lx, value %#lx", fault.esr,
	       value);
	fault = CATCH(__asm__ volatile("msr S2_0_C1_C3_4, xzr")); /* OSDLR_EL1 */
	EXPECT(!fault.taken, "OSDLR_EL1: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("msr S2_0_C0_C2_2, xzr")); /* MDSCR_EL1 */
	EXPECT(!fault.taken, "MDSCR_EL1: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("mrs %0, S2_0_C0_C2_2" : "+r"(value)));
	EXPECT(!fault.taken && value == 0, "MDSCR_EL1: ESR %#lx, value %#lx", fault.esr, value);
	fault = CATCH(__asm__ volatile("msr S2_0_C0_C0_5, xzr")); /* DBGBCR0_EL1 */
	EXPECT(!fault.taken, "DBGBCR0_EL1: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("msr S2_0_C0_C0_7, xzr")); /* DBGWCR0_EL1 */
	EXPECT(!fault.taken, "DBGWCR0_EL1: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("mrs %0, S2_3_C0_C1_0" : "+r"(value))); /* MDCCSR_EL0 */
	EXPECT(!fault.taken && value == 0, "MDCCSR_EL0: ESR %#lx, value %#lx", fault.esr, value);
}

static void auxiliary_control(void)
{
	struct guest_fault fault;
	uint64_t value = 0;

	fault = CATCH(__asm__ volatile("mrs %0, actlr_el1" : "+r"(value)));
	EXPECT(!fault.taken, "read of ACTLR_EL1: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("msr actlr_el1, xzr"));
	EXPECT(!fault.taken, "write of ACTLR_EL1: ESR %#lx", fault.esr);
}

static void identity(void)
{
	uint64_t mpidr = sysreg_read(MPIDR_EL1);

	REQUIRE(sysreg_read(MIDR_EL1) != 0);
	REQUIRE_EQUAL(mpidr & 0xff00ffffff, machine.mpidr[0]);
	REQUIRE((mpidr & BIT64(31)) != 0 && (mpidr & BIT64(30)) == 0 && (mpidr & BIT64(24)) == 0,
		"%#lx", mpidr);
	REQUIRE(FIELD(read_7_0(), 0) <= 6, "PARange: %#lx", read_7_0());
}

static void undefined_instructions(void)
{
	struct guest_fault fault;

	fault = CATCH(__asm__ volatile(".inst 0x00000000"));
	EXPECT(fault_is_undefined(fault), "udf: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile(".inst 0x00001234"));
	EXPECT(fault_is_undefined(fault), "udf #0x1234: ESR %#lx", fault.esr);
	/* Implementation-defined space: trapped by HCR_EL2.TIDCP. */
	fault = CATCH(__asm__ volatile("msr S3_0_C15_C0_0, xzr"));
	EXPECT(fault_is_undefined(fault), "S3_0_C15_C0_0: ESR %#lx", fault.esr);
	fault = CATCH(__asm__ volatile("sys #3, C15, C0, #0, xzr"));
	EXPECT(fault_is_undefined(fault), "sys #3, C15: ESR %#lx", fault.esr);
}

const struct guest_case guest_cases[] = {
	CASE(all_can_be_read),
	CASE(unassigned_ones_read_zero),
	CASE(pfr0),
	CASE(pfr0_exception_levels, .flags = TENON_ONLY),
	CASE(hidden_features),
	CASE(hidden_later_features, .flags = TENON_ONLY),
	CASE(hidden_features_are_not_usable),
	CASE(performance_monitors_are_undefined, .flags = TENON_ONLY),
	CASE(higher_levels_are_undefined),
	CASE(debug_registers),
	CASE(auxiliary_control),
	CASE(identity),
	CASE(undefined_instructions),
	CASE_END,
};
