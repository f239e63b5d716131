/* SPDX-License-Identifier: MIT */
/*
 * Self-hosted debug at EL1: breakpoints, watchpoints, single step, also over what the hypervisor emulates (Arm ARM,
 * "AArch64 Self-hosted Debug"). Xen has none of it: its debug registers read zero and ignore writes.
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_smp.h"
#include "guest_trap.h"
#include "arm64/sysreg_fields.h"

const char *const guest_topic = "debug";
const bool guest_mmu_off;

#define DBGBVR0       S2_0_C0_C0_4
#define DBGBCR0       S2_0_C0_C0_5
#define DBGWVR0       S2_0_C0_C0_6
#define DBGWCR0       S2_0_C0_C0_7
#define DBGBVR1       S2_0_C0_C1_4
#define DBGBCR1       S2_0_C0_C1_5
#define DBGWVR1       S2_0_C0_C1_6
#define DBGWCR1       S2_0_C0_C1_7
#define MDSCR         S2_0_C0_C2_2
#define OSLAR         S2_0_C1_C0_4
#define OSLSR         S2_0_C1_C1_4

#define EC_BREAKPOINT 0x31 /* all from the same level */
#define EC_STEP       0x33
#define EC_WATCHPOINT 0x35
#define FSC_DEBUG     0x22

#define BCR_EL1       UINT64_C(0x1e3) /* E, PMC EL1, BAS all */
#define WCR_EL1       UINT64_C(0x003) /* E, PAC EL1; LSC and BAS are to be added */
#define WCR_LOAD      (UINT64_C(1) << 3)
#define WCR_STORE     (UINT64_C(2) << 3)
#define WCR_BYTES(n)  ((uint64_t)(n) << 5)

#define START         1 /* immediates of BRK: begin to step, stop */
#define STOP          2

/* What came, on each vCPU. */
#define NR_SEEN       40
static struct seen {
	unsigned int nr;
	struct {
		uint64_t esr, elr, far, spsr;
	} event[NR_SEEN];
} all_seen[GUEST_MAX_CPUS];

static struct seen *seen(void)
{
	return &all_seen[this_cpu()->idx];
}

static bool on_exception(struct guest_frame *frame)
{
	unsigned int class = ESR_EC(frame->esr);
	struct seen *s = seen();

	if (class == ESR_EC_BRK64 && (frame->esr & 0xffff) == START) {
		sysreg_write(MDSCR, MDSCR_SS | MDSCR_KDE);
		frame->spsr = (frame->spsr & ~PSTATE_D) | PSTATE_SS;
		frame->elr += 4;
		isb();
		return true;
	}
	if (class == ESR_EC_BRK64 && (frame->esr & 0xffff) == STOP) {
		sysreg_write(MDSCR, 0);
		frame->spsr = (frame->spsr | PSTATE_D) & ~PSTATE_SS;
		frame->elr += 4;
		isb();
		return true;
	}
	if (class != EC_BREAKPOINT && class != EC_STEP && class != EC_WATCHPOINT &&
	    class != ESR_EC_BRK64 && class != ESR_EC_UNKNOWN) {
		return false;
	}
	if (s->nr < NR_SEEN) {
		s->event[s->nr].esr = frame->esr;
		s->event[s->nr].elr = frame->elr;
		s->event[s->nr].far = frame->far;
		s->event[s->nr].spsr = frame->spsr;
	}
	s->nr++;
	if (class == EC_STEP) {
		frame->spsr |= PSTATE_SS;
	} else {
		frame->elr += 4;
	}
	return true;
}

static void begin(void)
{
	seen()->nr = 0;
	guest_sync_hook = on_exception;
	sysreg_write(OSLAR, 0);
	sysreg_write(MDSCR, MDSCR_MDE | MDSCR_KDE);
	isb();
	__asm__ volatile("msr daifclr, #8" ::: "memory");
}

static void end(void)
{
	__asm__ volatile("msr daifset, #8" ::: "memory");
	sysreg_write(DBGBCR0, 0);
	sysreg_write(DBGBCR1, 0);
	sysreg_write(DBGWCR0, 0);
	sysreg_write(DBGWCR1, 0);
	sysreg_write(MDSCR, 0);
	isb();
	guest_sync_hook = NULL;
}

/* Two instructions to stop at. */
extern const uint32_t debug_code[], debug_code_second[];
__asm__(".pushsection .text\n"
	".global debug_code, debug_code_second\n"
	"debug_code:\n"
	"	nop\n"
	"debug_code_second:\n"
	"	nop\n"
	"	ret\n"
	".popsection");

static void run_code(void)
{
	__asm__ volatile("bl debug_code" ::: "x30", "memory");
}

/* ---- registers ------------------------------------------------------------------------------------- */

static unsigned int nr_breakpoints(void)
{
	return (unsigned int)(sysreg_read(S3_0_C0_C5_0) >> 12 & 0xf) + 1;
}

static unsigned int nr_watchpoints(void)
{
	return (unsigned int)(sysreg_read(S3_0_C0_C5_0) >> 20 & 0xf) + 1;
}

static void registers_hold_what_is_written(void)
{
	sysreg_write(MDSCR, 0);
	REQUIRE(nr_breakpoints() >= 2 && nr_watchpoints() >= 2, "%u and %u", nr_breakpoints(),
		nr_watchpoints());
	sysreg_write(DBGBVR0, UINT64_C(0xffff800012345678));
	sysreg_write(DBGBCR0, UINT64_C(0x1e2)); /* not enabled */
	sysreg_write(DBGWVR1, UINT64_C(0x0000123456789ab8));
	sysreg_write(DBGWCR1, UINT64_C(0x1ffa));
	sysreg_write(DBGBVR1, UINT64_C(0x4008));
	EXPECT_EQUAL(sysreg_read(DBGBVR0), UINT64_C(0xffff800012345678));
	EXPECT_EQUAL(sysreg_read(DBGBCR0), UINT64_C(0x1e2));
	EXPECT_EQUAL(sysreg_read(DBGWVR1), UINT64_C(0x0000123456789ab8));
	EXPECT_EQUAL(sysreg_read(DBGWCR1), UINT64_C(0x1ffa));
	EXPECT_EQUAL(sysreg_read(DBGBVR1), UINT64_C(0x4008));
	sysreg_write(DBGBVR0, 0);
	sysreg_write(DBGBCR0, 0);
	sysreg_write(DBGWCR1, 0);
	EXPECT_EQUAL(sysreg_read(DBGBVR0), 0);
}

/* Nothing is on at first, nor after CPU_OFF and CPU_ON. */
static uint64_t first_mdscr;

static void note_mdscr(uint64_t leave_on)
{
	first_mdscr = sysreg_read(MDSCR);
	if (leave_on) {
		sysreg_write(DBGBVR0, (uintptr_t)debug_code);
		sysreg_write(DBGBCR0, BCR_EL1);
		sysreg_write(MDSCR, MDSCR_MDE | MDSCR_KDE);
		isb();
	}
}

static void reset_turns_all_off(void)
{
	first_mdscr = 1;
	REQUIRE(smp_start(1, note_mdscr, 1));
	REQUIRE(smp_wait_off(1));
	REQUIRE_EQUAL(first_mdscr, 0);
	REQUIRE(smp_start(1, note_mdscr, 0));
	REQUIRE(smp_wait_off(1));
	REQUIRE_EQUAL(first_mdscr, 0);
}

/* ---- breakpoints and watchpoints --------------------------------------------------------------------- */

static void check(unsigned int i, unsigned int class, uint64_t elr)
{
	struct seen *s = seen();

	REQUIRE(i < s->nr, "only %u events", s->nr);
	REQUIRE(ESR_EC(s->event[i].esr) == class, "event %u: ESR %#lx", i, s->event[i].esr);
	REQUIRE(s->event[i].elr == elr, "event %u: ELR %#lx, not %#lx", i, s->event[i].elr, elr);
}

static void breakpoint(void)
{
	begin();
	sysreg_write(DBGBVR0, (uintptr_t)debug_code);
	sysreg_write(DBGBCR0, BCR_EL1);
	isb();
	run_code();
	sysreg_write(DBGBVR1, (uintptr_t)debug_code_second);
	sysreg_write(DBGBCR1, BCR_EL1);
	isb();
	run_code();
	sysreg_write(DBGBCR0, 0);
	isb();
	run_code();
	end();
	run_code();
	REQUIRE_EQUAL(seen()->nr, 4);
	check(0, EC_BREAKPOINT, (uintptr_t)debug_code);
	check(1, EC_BREAKPOINT, (uintptr_t)debug_code);
	check(2, EC_BREAKPOINT, (uintptr_t)debug_code_second);
	check(3, EC_BREAKPOINT, (uintptr_t)debug_code_second);
	EXPECT_EQUAL(seen()->event[0].esr & 0x3f, FSC_DEBUG);
}

/* EL1 debugs itself only with KDE and with PSTATE.D clear; nothing without MDE or with the OS lock closed. */
static void conditions(void)
{
	begin();
	sysreg_write(DBGBVR0, (uintptr_t)debug_code);
	sysreg_write(DBGBCR0, BCR_EL1);
	isb();
	__asm__ volatile("msr daifset, #8");
	run_code();
	EXPECT(seen()->nr == 0, "with PSTATE.D set");
	__asm__ volatile("msr daifclr, #8");
	sysreg_write(MDSCR, MDSCR_MDE);
	isb();
	run_code();
	EXPECT(seen()->nr == 0, "without KDE");
	sysreg_write(MDSCR, MDSCR_KDE);
	isb();
	run_code();
	EXPECT(seen()->nr == 0, "without MDE");
	sysreg_write(MDSCR, MDSCR_KDE | MDSCR_MDE);
	sysreg_write(OSLAR, 1);
	isb();
	EXPECT_EQUAL(sysreg_read(OSLSR) & 2, 2);
	run_code();
	EXPECT(seen()->nr == 0, "with the OS lock closed");
	sysreg_write(OSLAR, 0);
	isb();
	EXPECT_EQUAL(sysreg_read(OSLSR) & 2, 0);
	/* A breakpoint for EL0. */
	sysreg_write(DBGBCR0, UINT64_C(0x1e5));
	isb();
	run_code();
	EXPECT(seen()->nr == 0, "a breakpoint of EL0");
	sysreg_write(DBGBCR0, BCR_EL1);
	isb();
	run_code();
	EXPECT_EQUAL(seen()->nr, 1);
	end();
}

/* The last breakpoint can compare CONTEXTIDR_EL1, and others link to it. */
static void context_breakpoint(void)
{
	unsigned int last = nr_breakpoints() - 1;

	if (last != 5) {
		test_skip("made for 6 breakpoints, not %u", last + 1);
		return;
	}
	begin();
	sysreg_write(S2_0_C0_C5_4, 0x1234);
	sysreg_write(S2_0_C0_C5_5, UINT64_C(3) << 20 | BCR_EL1); /* linked context */
	sysreg_write(DBGBVR0, (uintptr_t)debug_code);
	sysreg_write(DBGBCR0, UINT64_C(1) << 20 | UINT64_C(5) << 16 | BCR_EL1); /* linked to 5 */
	sysreg_write(CONTEXTIDR_EL1, 0x1235);
	isb();
	run_code();
	EXPECT(seen()->nr == 0, "in another context");
	sysreg_write(CONTEXTIDR_EL1, 0x1234);
	isb();
	run_code();
	EXPECT(seen()->nr == 1, "in its context");
	sysreg_write(CONTEXTIDR_EL1, 0);
	sysreg_write(S2_0_C0_C5_5, 0);
	end();
}

static volatile uint64_t watched[2] __aligned(16);

static void watchpoint(void)
{
	begin();
	sysreg_write(DBGWVR0, (uintptr_t)&watched[0]);
	sysreg_write(DBGWCR0, WCR_EL1 | WCR_STORE | WCR_BYTES(0xf0)); /* the upper half */
	isb();
	(void)watched[0];
	((volatile uint32_t *)watched)[0] = 1;
	watched[1] = 1;
	EXPECT(seen()->nr == 0, "%u came", seen()->nr);
	((volatile uint32_t *)watched)[1] = 2;
	EXPECT(seen()->nr == 1 && ((volatile uint32_t *)watched)[1] == 0, "%u came", seen()->nr);
	sysreg_write(DBGWCR0, WCR_EL1 | WCR_LOAD | WCR_BYTES(0xff));
	isb();
	(void)watched[0];
	watched[0] = 3;
	EXPECT_EQUAL(seen()->nr, 2);
	end();
	if (seen()->nr == 2) {
		uint64_t esr = seen()->event[0].esr;

		EXPECT(ESR_EC(esr) == EC_WATCHPOINT && (esr & 0x3f) == FSC_DEBUG &&
			       (esr & ISS_DA_WNR) != 0,
		       "ESR %#lx", esr);
		EXPECT_EQUAL(seen()->event[0].far, (uintptr_t)watched + 4);
		EXPECT_EQUAL(seen()->event[1].esr & ISS_DA_WNR, 0);
	}
}

/* An access that the hypervisor emulates is one as well. */
static void watchpoint_on_a_device(void)
{
	uint64_t flags = machine.uart + 0x18;

	begin();
	sysreg_write(DBGWVR0, flags);
	sysreg_write(DBGWCR0, WCR_EL1 | WCR_LOAD | WCR_BYTES(0xf));
	isb();
	(void)mmio_get32(machine.gicd + GICD_TYPER);
	EXPECT_EQUAL(seen()->nr, 0);
	(void)mmio_get32(flags);
	EXPECT_EQUAL(seen()->nr, 1);
	end();
	EXPECT_EQUAL(seen()->event[0].far, flags);
	EXPECT_EQUAL(ESR_EC(seen()->event[0].esr), EC_WATCHPOINT);
}

static void brk_instruction(void)
{
	seen()->nr = 0;
	guest_sync_hook = on_exception;
	__asm__ volatile("brk #0x77");
	guest_sync_hook = NULL;
	REQUIRE_EQUAL(seen()->nr, 1);
	REQUIRE(ESR_EC(seen()->event[0].esr) == ESR_EC_BRK64 &&
			(seen()->event[0].esr & 0xffff) == 0x77,
		"ESR %#lx", seen()->event[0].esr);
}

/* ---- single step --------------------------------------------------------------------------------------- */

/* One after the other, none left out, none run twice: also those that trap to the hypervisor. */
extern const uint32_t debug_steps[], debug_steps_udf[], debug_steps_end[];
__asm__(".pushsection .text\n"
	".global debug_steps, debug_steps_udf, debug_steps_end\n"
	"debug_run_steps:\n"
	"	stp	x29, x30, [sp, #-16]!\n"
	"	mov	x1, x0\n"
	"	brk	#1\n"
	"debug_steps:\n"
	"	nop\n"
	"	mrs	x2, id_aa64mmfr0_el1\n" /* trapped */
	"	ldr	w3, [x1]\n"             /* emulated */
	"	str	w3, [x1]\n"
	"	mov	w0, #0x84000000\n"
	"	hvc	#0\n" /* PSCI_VERSION */
	"	smc	#0\n"
	"	mov	x16, #17\n"
	"	mov	x0, xzr\n"
	"	hvc	#0xea1\n" /* XENVER_version */
	"	mrs	x2, cntp_ctl_el0\n"
	"	wfe\n"
	"debug_steps_udf:\n"
	"	udf	#0\n"
	"	msr	cntp_ctl_el0, x2\n"
	"	msr	contextidr_el1, xzr\n"
	"	tlbi	vmalle1\n"
	"	nop\n"
	"debug_steps_end:\n"
	"	brk	#2\n"
	"	ldp	x29, x30, [sp], #16\n"
	"	ret\n"
	".popsection");

static void single_step(void)
{
	uint64_t pc = (uintptr_t)debug_steps;
	struct seen *s = seen();

	begin();
	sysreg_write(MDSCR, 0);
	isb();
	{
		register uint64_t x0 __asm__("x0") = machine.gicd + GICD_TYPER;

		__asm__ volatile("bl debug_run_steps"
				 : "+r"(x0)::"x1", "x2", "x3", "x16", "x30", "memory");
	}
	end();
	for (unsigned int i = 0; pc != (uintptr_t)debug_steps_end; i++) {
		if (pc == (uintptr_t)debug_steps_udf) {
			/* It was not executed: the step is still to be made. */
			check(i, ESR_EC_UNKNOWN, pc);
			REQUIRE((s->event[i].spsr & PSTATE_SS) != 0, "SPSR %#lx", s->event[i].spsr);
			pc += 4;
			continue;
		}
		pc += 4;
		check(i, EC_STEP, pc);
		if (test_failed()) {
			return;
		}
	}
	REQUIRE(s->nr == (unsigned int)(debug_steps_end - debug_steps), "%u events", s->nr);
}

/* Without it all goes as before. */
static void not_stepping(void)
{
	seen()->nr = 0;
	guest_sync_hook = on_exception;
	sysreg_write(MDSCR, 0);
	isb();
	run_code();
	guest_sync_hook = NULL;
	REQUIRE_EQUAL(seen()->nr, 0);
}

/* ---- several vCPUs ----------------------------------------------------------------------------------------- */

/* Each has breakpoints and a watchpoint of its own, and only its own come. */
#define ROUNDS 60
static volatile uint64_t each[GUEST_MAX_CPUS];

static void debug_own(uint64_t argument)
{
	unsigned int idx = this_cpu()->idx;
	const uint32_t *mine = (idx & 1) != 0 ? debug_code : debug_code_second;

	begin();
	sysreg_write(DBGBVR1, (uintptr_t)mine);
	sysreg_write(DBGBCR1, BCR_EL1);
	sysreg_write(DBGWVR0, (uintptr_t)&each[idx]);
	sysreg_write(DBGWCR0, WCR_EL1 | WCR_STORE | WCR_BYTES(0xff));
	isb();
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct seen *s = seen();

		s->nr = 0;
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
		run_code();
		for (unsigned int i = 0; i < machine.nr_cpus; i++) {
			each[i] = i;
		}
		EXPECT(s->nr == 2 && s->event[0].elr == (uintptr_t)mine &&
			       s->event[1].far == (uintptr_t)&each[idx],
		       "vCPU %u, round %u: %u events, ELR %#lx, FAR %#lx", idx, round, s->nr,
		       s->event[0].elr, s->event[1].far);
	}
	__asm__ volatile("msr daifset, #8" ::: "memory");
	sysreg_write(DBGBCR1, 0);
	sysreg_write(DBGWCR0, 0);
	sysreg_write(MDSCR, 0);
	isb();
}

static void each_vcpu_has_its_own(void)
{
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_start(i, debug_own, 0));
	}
	debug_own(0);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_wait_off(i), "vCPU %u", i);
	}
	guest_sync_hook = NULL;
}

/* ---- the channel to a debugger --------------------------------------------------------------------------- */

/* Nobody is there: what is sent is never taken, and nothing comes. */
static void nobody_listens(void)
{
	uint64_t status = sysreg_read(S2_3_C0_C1_0);

	EXPECT_EQUAL(status & BIT64(30), 0);
	sysreg_write(S2_3_C0_C5_0, 'x');
	isb();
	delay_us(100);
	EXPECT_EQUAL(sysreg_read(S2_3_C0_C1_0) & BIT64(29), BIT64(29));
}

static void claim_tags(void)
{
	sysreg_write(S2_0_C7_C9_6, 0xff);
	EXPECT_EQUAL(sysreg_read(S2_0_C7_C8_6), 0xff);
	EXPECT_EQUAL(sysreg_read(S2_0_C7_C9_6), 0);
	sysreg_write(S2_0_C7_C8_6, 0x3);
	EXPECT_EQUAL(sysreg_read(S2_0_C7_C9_6), 0x3);
	sysreg_write(S2_0_C7_C9_6, 0x1);
	EXPECT_EQUAL(sysreg_read(S2_0_C7_C9_6), 0x2);
	sysreg_write(S2_0_C7_C9_6, 0xff);
}

const struct guest_case guest_cases[] = {
	CASE(registers_hold_what_is_written, .flags = TENON_ONLY),
	CASE(brk_instruction),
	CASE(breakpoint, .flags = TENON_ONLY),
	CASE(conditions, .flags = TENON_ONLY),
	CASE(context_breakpoint, .flags = TENON_ONLY),
	CASE(watchpoint, .flags = TENON_ONLY),
	CASE(watchpoint_on_a_device, .flags = TENON_ONLY),
	CASE(single_step, .flags = TENON_ONLY),
	CASE(not_stepping),
	CASE(reset_turns_all_off, .min_cpus = 2, .flags = TENON_ONLY),
	CASE(each_vcpu_has_its_own, .flags = TENON_ONLY),
	CASE(nobody_listens, .flags = TENON_ONLY),
	CASE(claim_tags, .flags = TENON_ONLY),
	CASE_END,
};
