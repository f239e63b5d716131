/* SPDX-License-Identifier: MIT */
/* Exceptions injected into EL1: vector, syndrome and PSTATE as the architecture would make them. */
#include "trap/trap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/esr.h"
#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "tests/unit/fake_machine.h"

#define VBAR        UINT64_C(0xffff800008010800)
#define PC          UINT64_C(0xffff800008123454)
#define FAR         UINT64_C(0xffff00001234567f)

#define SPAN        BIT64(23)
#define DSSBS       BIT64(44)
#define NZCV        BITS64(31, 28)
#define DIT         BIT64(24)
#define PAN         BIT64(22)
#define SS          BIT64(21)
#define IL          BIT64(20)
#define UAO         BIT64(23)
#define SSBS        BIT64(12)
#define BTYPE       BITS64(11, 10)
#define EL1H_MASKED UINT64_C(0x3c5)

#define A32_USR_T32 UINT64_C(0x30) /* M[4], T */

static struct domain dom;
static struct vcpu vcpu;

static int set_up(void **state)
{
	fake_machine_reset();
	memset(&dom, 0, sizeof(dom));
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.domain = &dom;
	vcpu.regs.pc = PC;
	vcpu.regs.pstate = PSTATE_EL1h;
	fake_machine_sysreg_set("VBAR_EL1", VBAR);
	fake_machine_sysreg_set("SCTLR_EL1", SPAN);
	fake_machine_sysreg_set("ID_AA64MMFR1_EL1", UINT64_C(1) << 20); /* FEAT_PAN */
	return 0;
}

/* ---- where to ----------------------------------------------------------------------------------- */

static void the_vector_depends_on_where_it_came_from(void **state)
{
	static const struct {
		uint64_t pstate, offset;
	} cases[] = {
		{PSTATE_EL1h, 0x200}, {PSTATE_EL1t, 0x000},    {PSTATE_EL0t, 0x400},
		{A32_USR_T32, 0x600}, {PSTATE_AARCH32, 0x600},
	};

	for (unsigned int n = 0; n < ARRAY_SIZE(cases); n++) {
		vcpu.regs.pc = PC;
		vcpu.regs.pstate = cases[n].pstate | NZCV;
		trap_inject_undefined(&vcpu);
		assert_int_equal(vcpu.regs.pc, VBAR + cases[n].offset);
		assert_int_equal(fake_machine_sysreg_get("ELR_EL1"), PC);
		assert_int_equal(fake_machine_sysreg_get("SPSR_EL1"), cases[n].pstate | NZCV);
		assert_int_equal(vcpu.regs.pstate & PSTATE_MODE, PSTATE_EL1h);
		assert_int_equal(vcpu.regs.pstate & PSTATE_AARCH32, 0);
	}
}

/* ---- PSTATE ------------------------------------------------------------------------------------- */

static void the_handler_starts_masked_and_without_leftovers(void **state)
{
	vcpu.regs.pstate = PSTATE_EL1h | NZCV | DIT | SS | IL | UAO | SSBS | BTYPE;
	trap_inject_undefined(&vcpu);
	/* The flags and DIT go on; stepping, illegal state, UAO, SSBS and BTYPE do not. */
	assert_int_equal(vcpu.regs.pstate, EL1H_MASKED | NZCV | DIT);
}

static void pan_is_set_unless_span_says_otherwise(void **state)
{
	trap_inject_undefined(&vcpu);
	assert_int_equal(vcpu.regs.pstate & PAN, 0);
	/* SPAN = 1 leaves it as it was ... */
	vcpu.regs.pstate = PSTATE_EL1h | PAN;
	trap_inject_undefined(&vcpu);
	assert_int_equal(vcpu.regs.pstate & PAN, PAN);
	/* ... SPAN = 0 sets it, where there is such a thing. */
	fake_machine_sysreg_set("SCTLR_EL1", 0);
	vcpu.regs.pstate = PSTATE_EL0t;
	trap_inject_undefined(&vcpu);
	assert_int_equal(vcpu.regs.pstate & PAN, PAN);
	fake_machine_sysreg_set("ID_AA64MMFR1_EL1", 0);
	vcpu.regs.pstate = PSTATE_EL0t;
	trap_inject_undefined(&vcpu);
	assert_int_equal(vcpu.regs.pstate & PAN, 0);
}

static void ssbs_is_what_sctlr_says(void **state)
{
	fake_machine_sysreg_set("SCTLR_EL1", SPAN | DSSBS);
	trap_inject_undefined(&vcpu);
	assert_int_equal(vcpu.regs.pstate & SSBS, SSBS);
}

static void from_aarch32_only_what_has_the_same_place_is_kept(void **state)
{
	/* Q, GE and IT, which are other things in AArch64; DIT is not. */
	vcpu.regs.pstate = A32_USR_T32 | NZCV | DIT | BIT64(27) | BITS64(26, 25) | BITS64(19, 16) |
			   BITS64(15, 10) | BIT64(9);
	trap_inject_undefined(&vcpu);
	assert_int_equal(vcpu.regs.pstate, EL1H_MASKED | NZCV | DIT);
}

/* ---- syndromes ---------------------------------------------------------------------------------- */

static void an_undefined_instruction_is_of_unknown_reason(void **state)
{
	trap_inject_undefined(&vcpu);
	/* EC 0, IL is always set for it. */
	assert_int_equal(fake_machine_sysreg_get("ESR_EL1"), UINT64_C(1) << 25);
	assert_int_equal(fake_machine_count("msr FAR_EL1"), 0);
}

static void an_abort_has_the_syndrome_that_is_asked_for(void **state)
{
	static const struct {
		uint64_t pstate;
		bool instruction;
		uint32_t iss;
		uint64_t ec;
	} cases[] = {
		{PSTATE_EL1h, false, 0x10, 0x25},  {PSTATE_EL1t, false, 0x50, 0x25},
		{PSTATE_EL0t, false, 0x150, 0x24}, {A32_USR_T32, false, 0x10, 0x24},
		{PSTATE_EL1h, true, 0x10, 0x21},   {PSTATE_EL0t, true, 0x14, 0x20},
		{A32_USR_T32, true, 0x10, 0x20},   {PSTATE_EL1h, false, 0x16, 0x25},
	};

	for (unsigned int n = 0; n < ARRAY_SIZE(cases); n++) {
		uint64_t esr;

		vcpu.regs.pc = PC;
		vcpu.regs.pstate = cases[n].pstate;
		trap_inject_abort(&vcpu, cases[n].instruction, FAR, cases[n].iss);
		esr = fake_machine_sysreg_get("ESR_EL1");
		assert_int_equal(esr >> 26, cases[n].ec);
		assert_int_equal(esr & 0x1ffffff, cases[n].iss);
		assert_int_equal(esr & BIT64(25), BIT64(25));
		assert_int_equal(fake_machine_sysreg_get("FAR_EL1"), FAR);
		assert_int_equal(fake_machine_sysreg_get("ELR_EL1"), PC);
	}
}

/* The whole syndrome gets to AArch32's fault register. */
static void an_abort_of_a_32_bit_guest_has_it_too(void **state)
{
	dom.is_32bit = true;
	vcpu.regs.pstate = PSTATE_M32_SVC;
	trap_inject_abort(&vcpu, false, 0x12345678, (uint32_t)(ISS_DA_CM | ISS_DA_WNR | FSC_SEA));
	assert_int_equal(fake_machine_sysreg_get("ESR_EL1"), 0x2808);
}

static void a_watchpoint_is_reported_as_the_cpu_does(void **state)
{
	trap_inject_watchpoint(&vcpu, FAR, true);
	assert_int_equal(fake_machine_sysreg_get("ESR_EL1"),
			 UINT64_C(0x35) << 26 | BIT64(25) | 0x62);
	assert_int_equal(fake_machine_sysreg_get("FAR_EL1"), FAR);
	vcpu.regs.pstate = PSTATE_EL0t;
	trap_inject_watchpoint(&vcpu, FAR, false);
	assert_int_equal(fake_machine_sysreg_get("ESR_EL1"),
			 UINT64_C(0x34) << 26 | BIT64(25) | 0x22);
}

/* The instruction has not been executed: a guest that steps has its step still to make. */
static void a_step_is_not_made_by_an_exception(void **state)
{
	vcpu.regs.pstate = PSTATE_EL1h | SS;
	trap_inject_undefined(&vcpu);
	assert_int_equal(fake_machine_sysreg_get("SPSR_EL1") & SS, SS);
	assert_int_equal(vcpu.regs.pstate & SS, 0);
}

static void an_serror_is_left_to_the_hardware(void **state)
{
	fake_machine_sysreg_set("HCR_EL2", HCR_AMO | HCR_VM);
	trap_inject_serror(&vcpu);
	assert_int_equal(fake_machine_sysreg_get("HCR_EL2"), HCR_AMO | HCR_VM | HCR_VSE);
	assert_int_equal(vcpu.regs.pc, PC);
	/* What is in the register is the truth while the vCPU runs: no copy that would bring it back. */
	assert_int_equal(vcpu.hcr_el2, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_vector_depends_on_where_it_came_from, set_up),
		cmocka_unit_test_setup(the_handler_starts_masked_and_without_leftovers, set_up),
		cmocka_unit_test_setup(pan_is_set_unless_span_says_otherwise, set_up),
		cmocka_unit_test_setup(ssbs_is_what_sctlr_says, set_up),
		cmocka_unit_test_setup(from_aarch32_only_what_has_the_same_place_is_kept, set_up),
		cmocka_unit_test_setup(an_undefined_instruction_is_of_unknown_reason, set_up),
		cmocka_unit_test_setup(an_abort_has_the_syndrome_that_is_asked_for, set_up),
		cmocka_unit_test_setup(an_abort_of_a_32_bit_guest_has_it_too, set_up),
		cmocka_unit_test_setup(a_watchpoint_is_reported_as_the_cpu_does, set_up),
		cmocka_unit_test_setup(a_step_is_not_made_by_an_exception, set_up),
		cmocka_unit_test_setup(an_serror_is_left_to_the_hardware, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
