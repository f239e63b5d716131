/* SPDX-License-Identifier: MIT */
/* Exceptions injected into an AArch32 EL1: mode, LR, SPSR, vector and fault registers as the architecture makes them. */
#include "trap/trap_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "tests/unit/fake_machine.h"

#define VBAR   UINT64_C(0x40008000)
#define PC     UINT64_C(0xc0123456)
#define FAULT  UINT64_C(0x12345678)
#define NZCV_Q UINT64_C(0xf8000000)
#define GE     UINT64_C(0x000f0000)
#define IT     UINT64_C(0x0600fc00)
#define DIT    BIT64(24)
#define V      BIT64(13)
#define SPAN   BIT64(23)
#define TE     BIT64(30)
#define WNR    ((uint32_t)ISS_DA_WNR)
#define CM     ((uint32_t)ISS_DA_CM)

static struct domain dom;
static struct vcpu vcpu;
static struct vcpu *const v = &vcpu;

static int set_up(void **state)
{
	fake_machine_reset();
	memset(&dom, 0, sizeof(dom));
	memset(v, 0, sizeof(*v));
	dom.is_32bit = true;
	v->domain = &dom;
	v->regs.pc = PC;
	v->regs.pstate = PSTATE_M32_SVC;
	fake_machine_sysreg_set("VBAR_EL1", VBAR);
	fake_machine_sysreg_set("SCTLR_EL1", SPAN);
	fake_machine_sysreg_set("FAR_EL1", UINT64_C(0xaaaaaaaabbbbbbbb));
	return 0;
}

static void return_addresses(void **state)
{
	/* Arm ARM, "Exception return addresses": undefined +4 or +2, prefetch abort +4, data abort +8. */
	trap_a32_inject_undefined(v);
	assert_int_equal(v->regs.x[22], PC + 4);
	assert_int_equal(v->regs.pc, VBAR + 4);
	set_up(NULL);
	v->regs.pstate |= PSTATE_T;
	trap_a32_inject_undefined(v);
	assert_int_equal(v->regs.x[22], PC + 2);
	for (unsigned int thumb = 0; thumb < 2; thumb++) {
		set_up(NULL);
		v->regs.pstate |= thumb ? PSTATE_T : 0;
		trap_a32_inject_abort(v, true, FAULT, (uint32_t)(FSC_SEA | ISS_DA_FNV));
		assert_int_equal(fake_machine_sysreg_get("IFSR32_EL2"), 0x10008);
		set_up(NULL);
		trap_a32_inject_abort(v, true, FAULT, FSC_SEA);
		assert_int_equal(v->regs.x[20], PC + 4);
		assert_int_equal(v->regs.pc, VBAR + 0xc);
		set_up(NULL);
		v->regs.pstate |= thumb ? PSTATE_T : 0;
		trap_a32_inject_abort(v, false, FAULT, FSC_SEA);
		assert_int_equal(v->regs.x[20], PC + 8);
		assert_int_equal(v->regs.pc, VBAR + 0x10);
	}
}

static void the_mode_and_what_goes_with_it(void **state)
{
	v->regs.pstate =
		PSTATE_M32_USR | PSTATE_T | PSTATE_E | PSTATE_IL | PSTATE_SS | NZCV_Q | GE | IT;
	trap_a32_inject_undefined(v);
	/* Interrupts off and nothing else masked; no IT block; the rest stays. */
	assert_int_equal(v->regs.pstate, PSTATE_M32_UND | PSTATE_I | NZCV_Q | GE);
	/* The saved one is in AArch32's format, without a software step. */
	assert_int_equal(fake_machine_sysreg_get("SPSR_und"),
			 PSTATE_M32_USR | PSTATE_T | PSTATE_E | PSTATE_IL | NZCV_Q | GE | IT);
	set_up(NULL);
	v->regs.pstate = PSTATE_M32_SYS | PSTATE_F;
	trap_a32_inject_abort(v, false, FAULT, FSC_SEA);
	assert_int_equal(v->regs.pstate, PSTATE_M32_ABT | PSTATE_A | PSTATE_I | PSTATE_F);
	assert_int_equal(fake_machine_sysreg_get("SPSR_abt"), PSTATE_M32_SYS | PSTATE_F);
}

static void dit_has_another_place_in_a_saved_state(void **state)
{
	v->regs.pstate |= DIT;
	trap_a32_inject_undefined(v);
	assert_int_equal(fake_machine_sysreg_get("SPSR_und"), PSTATE_M32_SVC | BIT64(21));
	assert_int_equal(v->regs.pstate & DIT, DIT);
}

static void the_control_register_says_how_handlers_run(void **state)
{
	fake_machine_sysreg_set("SCTLR_EL1", SPAN | TE | SCTLR_EE | V);
	trap_a32_inject_undefined(v);
	assert_int_equal(v->regs.pstate, PSTATE_M32_UND | PSTATE_I | PSTATE_T | PSTATE_E);
	assert_int_equal(v->regs.pc, 0xffff0004);
	/* PAN is set on entry, where there is such a thing and SPAN is clear. */
	set_up(NULL);
	fake_machine_sysreg_set("SCTLR_EL1", 0);
	trap_a32_inject_undefined(v);
	assert_int_equal(v->regs.pstate & PSTATE_PAN, 0);
	set_up(NULL);
	fake_machine_sysreg_set("SCTLR_EL1", 0);
	fake_machine_sysreg_set("ID_AA64MMFR1_EL1", UINT64_C(1) << 20);
	trap_a32_inject_undefined(v);
	assert_int_equal(v->regs.pstate & PSTATE_PAN, PSTATE_PAN);
}

static void fault_registers_have_the_format_of_the_tables(void **state)
{
	static const struct {
		uint64_t ttbcr;
		uint32_t iss;
		uint64_t fsr;
	} cases[] = {
		{0, FSC_SEA, 0x008},
		{0, FSC_SEA | WNR, 0x808},
		{0, FSC_SEA | WNR | CM, 0x2808},    /* cache maintenance */
		{0, FSC_SEA | ISS_DA_FNV, 0x10008}, /* the address is not known */
		{TCR_EAE, FSC_SEA | ISS_DA_FNV, 0x10210},
		{0, 0x15, 0x00c}, /* on a walk: first and second level */
		{0, 0x15 | WNR | CM, 0x280c},
		{0, 0x16, 0x00e},
		{0, 0x17, 0x00e},
		{0, 0x18, 0x409}, /* parity */
		{0, 0x1f, 0x40e},
		{0, 0x21, 0x001},       /* alignment */
		{0, 0x35 | WNR, 0xc05}, /* an exclusive access to what has none */
		{TCR_EAE, FSC_SEA, 0x210},
		{TCR_EAE, FSC_SEA | WNR, 0xa10},
		{TCR_EAE, FSC_SEA | WNR | CM, 0x2a10},
		{TCR_EAE, 0x15, 0x215},
		{TCR_EAE, 0x17, 0x217},
		{TCR_EAE, 0x35, 0x235},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		set_up(NULL);
		fake_machine_sysreg_set("TCR_EL1", cases[i].ttbcr);
		trap_a32_inject_abort(v, false, FAULT, cases[i].iss);
		assert_int_equal(fake_machine_sysreg_get("ESR_EL1"), cases[i].fsr);
		/* DFAR, and IFAR is not touched. */
		assert_int_equal(fake_machine_sysreg_get("FAR_EL1"), UINT64_C(0xaaaaaaaa12345678));
	}
	set_up(NULL);
	trap_a32_inject_abort(v, true, FAULT, FSC_SEA);
	assert_int_equal(fake_machine_sysreg_get("IFSR32_EL2"), 0x008);
	assert_int_equal(fake_machine_sysreg_get("FAR_EL1"), UINT64_C(0x12345678bbbbbbbb));
	assert_int_equal(fake_machine_sysreg_get("ESR_EL1"), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		CASE(return_addresses),
		CASE(the_mode_and_what_goes_with_it),
		CASE(dit_has_another_place_in_a_saved_state),
		CASE(the_control_register_says_how_handlers_run),
		CASE(fault_registers_have_the_format_of_the_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
