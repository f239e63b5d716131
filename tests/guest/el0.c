/* SPDX-License-Identifier: MIT */
/*
 * User code: its faults reach EL1 at the right vector with the right syndrome, devices can be mapped for it, it gets at no
 * register that EL1 does not let it have, and it can be stepped (Arm ARM, "Exception vectors", "Traps to EL1 of EL0 accesses").
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_trap.h"
#include "arm64/sysreg_fields.h"

const char *const guest_topic = "el0";
const bool guest_mmu_off;

/* Between the UART and RAM in the guest memory map: nothing is ever there. */
#define NOTHING      UINT64_C(0x30000000)

#define SVC          0xd4000001u
#define NOP          0xd503201fu
#define LDR_W1_X0    0xb9400001u /* ldr w1, [x0] */
#define STR_W1_X0    0xb9000001u
#define BR_X0        0xd61f0000u
#define MRS_X1(name) (0xd5300001u | (name) << 5)

/* Bits 19 to 5 of MRS: o0, op1, CRn, CRm, op2. */
#define NAME(op0, op1, crn, crm, op2) \
	(((op0)-2u) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

#define EC_STEP_LOWER 0x32

static uint32_t code[1024] __aligned(4096);

/* What came, in order; the SVC at the end is not among it. */
#define NR_SEEN 8
static struct {
	uint64_t vector, esr, far, elr, spsr;
} seen[NR_SEEN];
static unsigned int nr_seen;
static uint64_t x1_at_end;

static bool on_exception(struct guest_frame *frame)
{
	unsigned int class = ESR_EC(frame->esr);

	if (class == ESR_EC_SVC64) {
		x1_at_end = frame->x[1];
		frame->elr = frame->x[9]; /* run_user() */
		frame->spsr = PSTATE_GUEST_INIT;
		return true;
	}
	if (nr_seen < NR_SEEN) {
		seen[nr_seen].vector = frame->reserved;
		seen[nr_seen].esr = frame->esr;
		seen[nr_seen].far = frame->far;
		seen[nr_seen].elr = frame->elr;
		seen[nr_seen].spsr = frame->spsr;
	}
	if (nr_seen++ > 100) {
		return false; /* it turns in circles */
	}
	if (class == EC_STEP_LOWER) {
		frame->spsr |= PSTATE_SS;
	} else if (class == ESR_EC_INSTR_ABORT_LOWER) {
		frame->elr = mmu_spare_page(0) + 4; /* behind the jump */
	} else {
		frame->elr += 4;
	}
	return true;
}

/* Instructions at EL0, with x0; they end with an SVC. */
static void run_user(const uint32_t *instructions, unsigned int nr, uint64_t x0_value, uint64_t spsr)
{
	const uint64_t entry = mmu_spare_page(0);
	register uint64_t x0 __asm__("x0");
	register uint64_t x1 __asm__("x1");
	register uint64_t x2 __asm__("x2");

	memcpy(code, instructions, nr * sizeof(code[0]));
	code[nr] = SVC;
	dcache_clean_invalidate(code, sizeof(code));
	__asm__ volatile("ic ialluis\n\tdsb ish\n\tisb" ::: "memory");
	mmu_map_page(entry, (uintptr_t)code, MMU_USER);
	guest_sync_hook = on_exception;
	nr_seen = 0;
	x0 = x0_value; /* no call from here on */
	x1 = entry;
	x2 = spsr;
	__asm__ volatile("adr x9, 1f\n\tmsr elr_el1, x1\n\tmsr spsr_el1, x2\n\teret\n1:"
			 : "+r"(x0), "+r"(x1), "+r"(x2)::"x9", "x30", "memory", "cc");
	guest_sync_hook = NULL;
}

#define RUN(x0, ...)                                                                   \
	do {                                                                           \
		static const uint32_t instructions_[] = {__VA_ARGS__};                 \
		run_user(instructions_, ARRAY_SIZE(instructions_), (x0), PSTATE_EL0t); \
	} while (0)

static void check(unsigned int class, uint32_t iss, uint64_t far)
{
	REQUIRE_EQUAL(nr_seen, 1);
	EXPECT_EQUAL(seen[0].vector, 8);
	EXPECT_EQUAL(ESR_EC(seen[0].esr), class);
	EXPECT_EQUAL(seen[0].spsr & 0xf, 0);
	/* Xen's syndrome is empty otherwise: a listed difference. */
	if (machine.tenon) {
		EXPECT_EQUAL(ESR_ISS(seen[0].esr), iss);
		EXPECT_EQUAL(seen[0].far, far);
	}
}

static void aborts(void)
{
	uint64_t nothing = mmu_spare_page(1);

	REQUIRE(mmu_map_page(nothing, NOTHING, MMU_USER));
	RUN(nothing + 8, LDR_W1_X0);
	check(ESR_EC_DATA_ABORT_LOWER, FSC_SEA, nothing + 8);
	EXPECT_EQUAL(seen[0].elr, mmu_spare_page(0));
	RUN(nothing + 12, NOP, STR_W1_X0);
	check(ESR_EC_DATA_ABORT_LOWER, FSC_SEA | ISS_DA_WNR, nothing + 12);
	EXPECT_EQUAL(seen[0].elr, mmu_spare_page(0) + 4);
	RUN(nothing + 16, BR_X0, NOP);
	check(ESR_EC_INSTR_ABORT_LOWER, FSC_SEA, nothing + 16);
	EXPECT_EQUAL(seen[0].elr, nothing + 16);
}

static void device(void)
{
	uint64_t gicd = mmu_spare_page(2);

	REQUIRE(mmu_map_page(gicd, machine.gicd & ~UINT64_C(0xfff), MMU_USER));
	RUN(gicd + (machine.gicd & 0xfff) + GICD_TYPER, LDR_W1_X0);
	EXPECT_EQUAL(nr_seen, 0);
	EXPECT_EQUAL(x1_at_end, mmio_get32(machine.gicd + GICD_TYPER));
}

/* FEAT_IDST: reads of the space of identification registers (op0 3, CRn 0) say so with the syndrome of a trapped MRS. */
static void check_undefined(const char *what)
{
	uint64_t esr = seen[0].esr;
	bool is_id = (ESR_ISS(esr) & SYS_ENC(3u, 0u, 15u, 0u, 0u)) == SYS_ENC(3u, 0u, 0u, 0u, 0u);

	REQUIRE(nr_seen == 1, "%s: no exception", what);
	EXPECT(seen[0].vector == 8 &&
		       (ESR_EC(esr) == ESR_EC_UNKNOWN || (ESR_EC(esr) == ESR_EC_SYSREG && is_id)),
	       "%s: vector %lu, ESR %#lx", what, seen[0].vector, esr);
}

static void registers_of_el1_are_undefined(void)
{
	RUN(0, MRS_X1(NAME(3, 0, 0, 4, 1)));
	check_undefined("ID_AA64PFR1_EL1");
	RUN(0, MRS_X1(NAME(3, 0, 1, 0, 0)));
	check_undefined("SCTLR_EL1");
	RUN(0, MRS_X1(NAME(2, 0, 0, 2, 2)));
	check_undefined("MDSCR_EL1");
	RUN(0, MRS_X1(NAME(2, 0, 1, 1, 4)));
	check_undefined("OSLSR_EL1");
	RUN(0, MRS_X1(NAME(3, 4, 1, 1, 0)));
	check_undefined("HCR_EL2");
	RUN(0, 0xd5184200u /* msr spsel, x0 */);
	check_undefined("MSR SPSel");
	RUN(0, 0xd4000002u /* hvc #0 */);
	check_undefined("HVC");
	RUN(0, 0xd4000003u /* smc #0 */);
	check_undefined("SMC");
	RUN(0, 0xd50b7e21u & ~0x70000u /* dc civac's encoding with op1 0: dc cisw's neighbour */);
	check_undefined("S1_0_C7_C14_1");
}

static void performance_monitors_are_undefined(void)
{
	RUN(0, MRS_X1(NAME(3, 3, 9, 13, 0)));
	check_undefined("PMCCNTR_EL0");
	RUN(0, MRS_X1(NAME(3, 3, 9, 14, 0)));
	check_undefined("PMUSERENR_EL0");
}

static void check_trapped_to_el1(const char *what)
{
	REQUIRE(nr_seen == 1, "%s: no exception", what);
	EXPECT(seen[0].vector == 8 && ESR_EC(seen[0].esr) == ESR_EC_SYSREG,
	       "%s: vector %lu, ESR %#lx", what, seen[0].vector, seen[0].esr);
}

/* The physical timer is emulated, for EL0 as well, where CNTKCTL_EL1 lets it. */
static void timers(void)
{
	uint64_t kctl = sysreg_read(CNTKCTL_EL1);

	sysreg_write(CNTKCTL_EL1, 0);
	isb();
	RUN(0, MRS_X1(NAME(3, 3, 14, 2, 1)));
	check_trapped_to_el1("CNTP_CTL_EL0");
	RUN(0, MRS_X1(NAME(3, 3, 14, 3, 1)));
	check_trapped_to_el1("CNTV_CTL_EL0");
	RUN(0, MRS_X1(NAME(3, 3, 14, 0, 2)));
	check_trapped_to_el1("CNTVCT_EL0");
	sysreg_write(CNTKCTL_EL1, 0x303);
	isb();
	sysreg_write(CNTP_CVAL_EL0, UINT64_C(0x123456789));
	RUN(0, MRS_X1(NAME(3, 3, 14, 2, 2)));
	EXPECT_EQUAL(nr_seen, 0);
	EXPECT_EQUAL(x1_at_end, UINT64_C(0x123456789));
	RUN(0, MRS_X1(NAME(3, 3, 14, 0, 2)));
	EXPECT_EQUAL(nr_seen, 0);
	sysreg_write(CNTKCTL_EL1, kctl);
	isb();
}

/* MDSCR_EL1.TDCC. */
static void debug_channel(void)
{
	sysreg_write(S2_0_C0_C2_2, 0);
	isb();
	RUN(0, MRS_X1(NAME(2, 3, 0, 1, 0)));
	EXPECT_EQUAL(nr_seen, 0);
	if (machine.tenon) {
		sysreg_write(S2_0_C0_C2_2, MDSCR_TDCC);
		isb();
		RUN(0, MRS_X1(NAME(2, 3, 0, 1, 0)));
		check_trapped_to_el1("MDCCSR_EL0");
		sysreg_write(S2_0_C0_C2_2, 0);
		isb();
	}
}

static void single_step(void)
{
	static const uint32_t instructions[] = {NOP, MRS_X1(NAME(2, 3, 0, 1, 0)), LDR_W1_X0, NOP};
	uint64_t gicd = mmu_spare_page(2);

	REQUIRE(mmu_map_page(gicd, machine.gicd & ~UINT64_C(0xfff), MMU_USER));
	sysreg_write(S2_0_C0_C2_2, MDSCR_SS);
	isb();
	run_user(instructions, ARRAY_SIZE(instructions), gicd + (machine.gicd & 0xfff) + GICD_TYPER,
		 PSTATE_EL0t | PSTATE_SS);
	sysreg_write(S2_0_C0_C2_2, 0);
	isb();
	REQUIRE_EQUAL(nr_seen, 4);
	for (unsigned int i = 0; i < 4; i++) {
		EXPECT(seen[i].vector == 8 && ESR_EC(seen[i].esr) == EC_STEP_LOWER &&
			       seen[i].elr == mmu_spare_page(0) + 4 * (i + 1),
		       "%u: vector %lu, ESR %#lx, ELR %#lx", i, seen[i].vector, seen[i].esr,
		       seen[i].elr);
	}
}

const struct guest_case guest_cases[] = {
	CASE(aborts),
	CASE(device),
	CASE(registers_of_el1_are_undefined),
	CASE(performance_monitors_are_undefined, .flags = TENON_ONLY),
	CASE(timers),
	CASE(debug_channel),
	CASE(single_step, .flags = TENON_ONLY),
	CASE_END,
};
