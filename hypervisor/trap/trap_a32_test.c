/* SPDX-License-Identifier: MIT */
/* AArch32 code: conditions, stepping through IT blocks; and WFI, WFE from both states. */
#include "trap/trap_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "sched/sched.h"
#include "tests/unit/fake_machine.h"

#define CV BIT64(24)

static struct vcpu vcpu;
static struct vcpu *const v = &vcpu;

/* ---- fakes ---------------------------------------------------------------------------------- */

void sched_wait_for_interrupt(struct vcpu *who)
{
	fake_machine_note("wait");
}

void sched_yield(struct vcpu *who)
{
	fake_machine_note("yield");
}

static int set_up(void **state)
{
	fake_machine_reset();
	memset(v, 0, sizeof(*v));
	v->regs.pstate = PSTATE_AARCH32;
	return 0;
}

static uint64_t syndrome(unsigned int ec, uint64_t iss)
{
	return (uint64_t)ec << ESR_EC_SHIFT | ESR_IL | iss;
}

static uint64_t with_it(uint64_t pstate, unsigned int it)
{
	return pstate | (uint64_t)(it >> 2) << 10 | (uint64_t)(it & 3) << 25;
}

/* Arm ARM, "AArch32.ConditionHolds", written out. */
static bool expected(unsigned int cond, unsigned int nzcv)
{
	bool n = (nzcv & 8) != 0, z = (nzcv & 4) != 0, c = (nzcv & 2) != 0, o = (nzcv & 1) != 0;
	bool result = true;

	switch (cond >> 1) {
	case 0:
		result = z;
		break;
	case 1:
		result = c;
		break;
	case 2:
		result = n;
		break;
	case 3:
		result = o;
		break;
	case 4:
		result = c && !z;
		break;
	case 5:
		result = n == o;
		break;
	case 6:
		result = n == o && !z;
		break;
	default:
		break;
	}
	return (cond & 1) != 0 && cond != 15 ? !result : result;
}

/* ---- cases ---------------------------------------------------------------------------------- */

static void conditions_hold_as_the_architecture_says(void **state)
{
	for (unsigned int cond = 0; cond < 16; cond++) {
		for (unsigned int nzcv = 0; nzcv < 16; nzcv++) {
			v->regs.pstate = PSTATE_AARCH32 | (uint64_t)nzcv << 28;
			assert_int_equal(trap_condition_passed(v, syndrome(ESR_EC_WFX,
									   CV | cond << 20)),
					 expected(cond, nzcv));
			/* The same from an IT block, when the syndrome does not have it. */
			v->regs.pstate = with_it(v->regs.pstate | PSTATE_T, cond << 4 | 8);
			assert_int_equal(trap_condition_passed(v, syndrome(ESR_EC_WFX, 0)),
					 expected(cond, nzcv));
		}
	}
}

static void without_condition_it_always_holds(void **state)
{
	v->regs.pstate |= PSTATE_T;
	assert_true(trap_condition_passed(v, syndrome(ESR_EC_WFX, 0)));
	/* AArch64: the field says "always" and is not even looked at. */
	v->regs.pstate = PSTATE_EL0t;
	assert_true(trap_condition_passed(v, syndrome(ESR_EC_WFX, CV)));
}

static void steps_are_two_or_four_bytes(void **state)
{
	v->regs.pc = 0x1000;
	trap_step_over(v, syndrome(ESR_EC_WFX, 0));
	assert_int_equal(v->regs.pc, 0x1004);
	trap_step_over(v, syndrome(ESR_EC_WFX, 0) & ~ESR_IL);
	assert_int_equal(v->regs.pc, 0x1006);
}

/* ITTET EQ: conditions EQ EQ NE EQ, then none. */
static void an_it_block_goes_on(void **state)
{
	static const unsigned int conditions[] = {0, 0, 1, 0};

	v->regs.pstate = with_it(PSTATE_AARCH32 | PSTATE_T | BIT64(30), 0x05);
	for (unsigned int i = 0; i < ARRAY_SIZE(conditions); i++) {
		unsigned int it = (unsigned int)(FIELD_GET(BITS64(15, 10), v->regs.pstate) << 2 |
						 FIELD_GET(BITS64(26, 25), v->regs.pstate));

		assert_int_equal(it >> 4, conditions[i]);
		assert_int_equal(trap_condition_passed(v, 0), conditions[i] == 0);
		trap_step_over(v, 0);
	}
	assert_int_equal(v->regs.pstate, PSTATE_AARCH32 | PSTATE_T | BIT64(30));
}

static void a_step_in_aarch64_is_no_branch_target(void **state)
{
	v->regs.pstate = PSTATE_EL1h | BITS64(11, 10) | PSTATE_SS | PSTATE_I;
	trap_step_over(v, ESR_IL);
	assert_int_equal(v->regs.pstate, PSTATE_EL1h | PSTATE_I);
}

static void wfi_waits_and_wfe_yields(void **state)
{
	v->regs.pstate = PSTATE_EL1h;
	assert_int_equal(trap_wfx(v, syndrome(ESR_EC_WFX, 0)), TRAP_DONE);
	fake_machine_expect_exactly("wait");
	assert_int_equal(trap_wfx(v, syndrome(ESR_EC_WFX, 1)), TRAP_DONE);
	fake_machine_expect_exactly("wait", "yield");
	/* WFIT and WFET may end before their time. */
	assert_int_equal(trap_wfx(v, syndrome(ESR_EC_WFX, 2)), TRAP_DONE);
	assert_int_equal(trap_wfx(v, syndrome(ESR_EC_WFX, 3)), TRAP_DONE);
	fake_machine_expect_exactly("wait", "yield", "yield", "yield");
}

static void a_wfi_whose_condition_fails_does_nothing(void **state)
{
	assert_int_equal(trap_wfx(v, syndrome(ESR_EC_WFX, CV | 0 << 20)),
			 TRAP_DONE); /* WFIEQ, Z clear */
	fake_machine_expect_exactly(NULL);
	assert_int_equal(trap_wfx(v, syndrome(ESR_EC_WFX, CV | 1 << 20)), TRAP_DONE); /* WFINE */
	fake_machine_expect_exactly("wait");
}

static void an_absent_coprocessor_is_undefined_unless_the_condition_fails(void **state)
{
	assert_int_equal(trap_cp_absent(v, syndrome(ESR_EC_CP14_LS, CV | 14 << 20)), TRAP_UNDEFINED);
	assert_int_equal(trap_cp_absent(v, syndrome(ESR_EC_CP14_LS, CV)), TRAP_DONE);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		CASE(conditions_hold_as_the_architecture_says),
		CASE(without_condition_it_always_holds),
		CASE(steps_are_two_or_four_bytes),
		CASE(an_it_block_goes_on),
		CASE(a_step_in_aarch64_is_no_branch_target),
		CASE(wfi_waits_and_wfe_yields),
		CASE(a_wfi_whose_condition_fails_does_nothing),
		CASE(an_absent_coprocessor_is_undefined_unless_the_condition_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
