/* SPDX-License-Identifier: MIT */
/* CP15, CP14 and CP10 on the syndromes that a CPU gives: what a 32-bit guest has, what EL0 has, what nobody has. */
#include "trap/trap_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "lib/log.h"
#include "tests/unit/fake_machine.h"

#define CV_ALWAYS (BIT64(24) | 14 << 20)
#define CV_EQ     BIT64(24)
#define READ      1

static struct domain dom;
static struct vcpu vcpu;
static struct vcpu *const v = &vcpu;
static uint32_t idreg_asked;

/* ---- fakes ---------------------------------------------------------------------------------- */

bool vtimer_sysreg(struct vcpu *who, uint32_t key, bool is_write, uint64_t *value)
{
	fake_machine_note("timer %s 0x%x=0x%llx", is_write ? "write" : "read", key,
			  (unsigned long long)*value);
	if (!is_write) {
		*value = UINT64_C(0x1122334455667788);
	}
	return true;
}

uint64_t trap_idreg_read(const struct domain *d, uint32_t key)
{
	idreg_asked = key;
	return 0x12345606;
}

int domain_set_way(struct vcpu *who)
{
	fake_machine_note("set/way");
	return 0;
}

bool domain_vm_register_write(struct vcpu *who, uint32_t key, uint64_t value)
{
	fake_machine_note("vm 0x%x=0x%llx", key, (unsigned long long)value);
	return true;
}

void vgic_sgi1r_write(struct vcpu *who, uint64_t value)
{
	fake_machine_note("sgi 0x%llx", (unsigned long long)value);
}

void log_guest(unsigned int domid, const char *format, ...)
{
}

static int set_up(void **state)
{
	fake_machine_reset();
	memset(&dom, 0, sizeof(dom));
	memset(v, 0, sizeof(*v));
	v->domain = &dom;
	dom.is_32bit = true;
	dom.vgic.version = GIC_V3;
	v->regs.pstate = PSTATE_M32_SVC;
	idreg_asked = 0;
	return 0;
}

/* ---- syndromes ------------------------------------------------------------------------------ */

static uint64_t mcr(unsigned int ec, unsigned int opc1, unsigned int crn, unsigned int crm,
		    unsigned int opc2, unsigned int rt, unsigned int read)
{
	return (uint64_t)ec << ESR_EC_SHIFT | ESR_IL | CV_ALWAYS | opc2 << 17 | opc1 << 14 |
	       crn << 10 | rt << 5 | crm << 1 | read;
}

static uint64_t mcrr(unsigned int ec, unsigned int opc1, unsigned int crm, unsigned int rt,
		     unsigned int rt2, unsigned int read)
{
	return (uint64_t)ec << ESR_EC_SHIFT | ESR_IL | CV_ALWAYS | opc1 << 16 | rt2 << 10 |
	       rt << 5 | crm << 1 | read;
}

static uint64_t cp15(unsigned int opc1, unsigned int crn, unsigned int crm, unsigned int opc2,
		     unsigned int rt, unsigned int read)
{
	return mcr(ESR_EC_CP15_32, opc1, crn, crm, opc2, rt, read);
}

static uint64_t cp14(unsigned int opc1, unsigned int crn, unsigned int crm, unsigned int opc2,
		     unsigned int rt, unsigned int read)
{
	return mcr(ESR_EC_CP14_32, opc1, crn, crm, opc2, rt, read);
}

/* ---- register numbers ----------------------------------------------------------------------- */

/* Arm ARM, "Mapping of the general-purpose registers between the Execution states". */
static void a_number_that_the_mode_does_not_have_is_the_instructions(void **state)
{
	static const struct {
		uint64_t mode;
		unsigned int rt, n;
	} cases[] = {
		{PSTATE_M32_USR, 13, 13}, {PSTATE_M32_USR, 14, 14}, {PSTATE_M32_SYS, 14, 14},
		{PSTATE_M32_SVC, 12, 12}, {PSTATE_M32_SVC, 14, 18}, {PSTATE_M32_SVC, 13, 19},
		{PSTATE_M32_SVC, 18, 18}, {PSTATE_M32_IRQ, 14, 16}, {PSTATE_M32_IRQ, 13, 17},
		{PSTATE_M32_ABT, 14, 20}, {PSTATE_M32_ABT, 13, 21}, {PSTATE_M32_UND, 14, 22},
		{PSTATE_M32_UND, 13, 23}, {PSTATE_M32_FIQ, 7, 7},   {PSTATE_M32_FIQ, 8, 24},
		{PSTATE_M32_FIQ, 12, 28}, {PSTATE_M32_FIQ, 13, 29}, {PSTATE_M32_FIQ, 14, 30},
		{PSTATE_M32_FIQ, 26, 26},
	};
	unsigned int n;

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		v->regs.pstate = cases[i].mode;
		assert_true(trap_a32_register(v, cases[i].rt, &n));
		assert_int_equal(n, cases[i].n);
	}
	assert_false(trap_a32_register(v, 15, &n));
	assert_false(trap_a32_register(v, 31, &n));
}

/* ---- CP15 ----------------------------------------------------------------------------------- */

static void id_registers_are_those_of_the_domain(void **state)
{
	v->regs.x[3] = ~UINT64_C(0);
	assert_int_equal(trap_cp15_32(v, cp15(0, 0, 2, 4, 3, READ)), TRAP_DONE); /* ID_ISAR4 */
	assert_int_equal(idreg_asked, SYS_ENC(3, 0, 0, 2, 4));
	assert_int_equal(v->regs.x[3], 0x12345606);
	/* MVFR0_EL1 and ID_AA64PFR0_EL1 have these numbers in AArch64; here is nothing. */
	idreg_asked = 0;
	assert_int_equal(trap_cp15_32(v, cp15(0, 0, 3, 0, 3, READ)), TRAP_DONE);
	assert_int_equal(v->regs.x[3], 0);
	v->regs.x[3] = 1;
	assert_int_equal(trap_cp15_32(v, cp15(0, 0, 4, 0, 3, READ)), TRAP_DONE);
	assert_int_equal(v->regs.x[3], 0);
	assert_int_equal(idreg_asked, 0);
	assert_int_equal(trap_cp15_32(v, cp15(0, 0, 3, 4, 3, READ)), TRAP_DONE); /* ID_PFR2 */
	assert_int_equal(idreg_asked, SYS_ENC(3, 0, 0, 3, 4));
	/* Read-only, and EL1's. */
	assert_int_equal(trap_cp15_32(v, cp15(0, 0, 2, 4, 3, 0)), TRAP_UNDEFINED);
	v->regs.pstate = PSTATE_M32_USR;
	assert_int_equal(trap_cp15_32(v, cp15(0, 0, 2, 4, 3, READ)), TRAP_UNDEFINED);
}

static void a_condition_that_fails_makes_it_a_nop(void **state)
{
	assert_int_equal(trap_cp15_32(v, (cp15(0, 7, 14, 2, 0, 0) & ~UINT64_C(0x1f00000)) | CV_EQ),
			 TRAP_DONE);
	assert_int_equal(trap_cp15_32(v, (cp15(0, 9, 12, 0, 0, READ) & ~UINT64_C(0x1f00000)) | CV_EQ),
			 TRAP_DONE);
	assert_int_equal(trap_cp15_64(v,
				      (mcrr(ESR_EC_CP15_64, 0, 12, 0, 1, 0) & ~UINT64_C(0x1f00000)) |
					      CV_EQ),
			 TRAP_DONE);
	fake_machine_expect_exactly(NULL);
}

static void performance_monitors_are_undefined(void **state)
{
	assert_int_equal(trap_cp15_32(v, cp15(0, 9, 12, 0, 1, READ)), TRAP_UNDEFINED); /* PMCR */
	assert_int_equal(trap_cp15_64(v, mcrr(ESR_EC_CP15_64, 0, 9, 0, 1, READ)), TRAP_UNDEFINED);
	/* And what is the implementation's. */
	assert_int_equal(trap_cp15_32(v, cp15(0, 15, 0, 0, 1, READ)), TRAP_UNDEFINED);
}

static void set_way_maintenance_is_the_domains(void **state)
{
	assert_int_equal(trap_cp15_32(v, cp15(0, 7, 6, 2, 0, 0)), TRAP_DONE);
	assert_int_equal(trap_cp15_32(v, cp15(0, 7, 10, 2, 0, 0)), TRAP_DONE);
	assert_int_equal(trap_cp15_32(v, cp15(0, 7, 14, 2, 0, 0)), TRAP_DONE);
	fake_machine_expect_exactly("set/way", "set/way", "set/way");
}

static void half_a_register_leaves_the_other_half(void **state)
{
	fake_machine_sysreg_set("MAIR_EL1", UINT64_C(0xaaaaaaaabbbbbbbb));
	fake_machine_sysreg_set("FAR_EL1", UINT64_C(0x1111111122222222));
	v->regs.x[5] = UINT64_C(0xffffffff00000044);
	assert_int_equal(trap_cp15_32(v, cp15(0, 10, 2, 0, 5, 0)), TRAP_DONE); /* PRRR */
	assert_int_equal(trap_cp15_32(v, cp15(0, 10, 2, 1, 5, 0)), TRAP_DONE); /* NMRR */
	assert_int_equal(trap_cp15_32(v, cp15(0, 6, 0, 0, 5, 0)), TRAP_DONE);  /* DFAR */
	assert_int_equal(trap_cp15_32(v, cp15(0, 6, 0, 2, 5, 0)), TRAP_DONE);  /* IFAR */
	fake_machine_expect("vm 0x302804=0xaaaaaaaa00000044");
	fake_machine_expect("vm 0x302804=0x44bbbbbbbb");
	fake_machine_expect("vm 0x301800=0x1111111100000044");
	fake_machine_expect("vm 0x301800=0x4422222222");
}

static void what_turns_caches_on_is_seen(void **state)
{
	v->regs.x[2] = UINT64_C(0xffffffff00c5187d);
	assert_int_equal(trap_cp15_32(v, cp15(0, 1, 0, 0, 2, 0)), TRAP_DONE);
	fake_machine_expect_exactly("vm 0x300400=0xc5187d");
}

static void registers_without_a_name_in_aarch64_el1(void **state)
{
	v->regs.x[2] = 0x55555555;
	assert_int_equal(trap_cp15_32(v, cp15(0, 3, 0, 0, 2, 0)), TRAP_DONE); /* DACR */
	assert_int_equal(trap_cp15_32(v, cp15(0, 5, 0, 1, 2, 0)), TRAP_DONE); /* IFSR */
	fake_machine_expect("msr DACR32_EL2=0x55555555");
	fake_machine_expect("msr IFSR32_EL2=0x55555555");
	/* TVM traps no reads: nobody asks for them here. */
	assert_int_equal(trap_cp15_32(v, cp15(0, 3, 0, 0, 2, READ)), TRAP_UNDEFINED);
}

static void translation_tables_in_two_registers(void **state)
{
	v->regs.x[0] = UINT64_C(0xdddddddd40004000);
	v->regs.x[1] = 0x00220001;
	assert_int_equal(trap_cp15_64(v, mcrr(ESR_EC_CP15_64, 1, 2, 0, 1, 0)), TRAP_DONE);
	fake_machine_expect_exactly("vm 0x320800=0x22000140004000");
}

static void sgis_are_for_a_gicv3(void **state)
{
	v->regs.x[0] = 0x01000002;
	v->regs.x[1] = 0x100;
	assert_int_equal(trap_cp15_64(v, mcrr(ESR_EC_CP15_64, 0, 12, 0, 1, 0)), TRAP_DONE);
	fake_machine_expect_exactly("sgi 0x10001000002");
	assert_int_equal(trap_cp15_64(v, mcrr(ESR_EC_CP15_64, 2, 12, 0, 1, 0)), TRAP_DONE);
	assert_int_equal(trap_cp15_32(v, cp15(0, 12, 12, 5, 4, READ)), TRAP_DONE); /* ICC_SRE */
	assert_int_equal(v->regs.x[4], 7);
	dom.vgic.version = GIC_V2;
	assert_int_equal(trap_cp15_64(v, mcrr(ESR_EC_CP15_64, 0, 12, 0, 1, 0)), TRAP_UNDEFINED);
	assert_int_equal(trap_cp15_32(v, cp15(0, 12, 12, 5, 4, READ)), TRAP_DONE);
	assert_int_equal(v->regs.x[4], 0);
}

static void the_physical_timer_is_there_in_32_bits(void **state)
{
	v->regs.pstate = PSTATE_M32_USR; /* EL0 too, if EL1 lets it through */
	v->regs.x[3] = UINT64_C(0xffffffff00000005);
	assert_int_equal(trap_cp15_32(v, cp15(0, 14, 2, 1, 3, 0)), TRAP_DONE);
	fake_machine_expect_exactly("timer write 0x32f804=0x5");
	assert_int_equal(trap_cp15_32(v, cp15(0, 14, 2, 0, 4, READ)), TRAP_DONE);
	fake_machine_expect("timer read 0x30f804");
	assert_int_equal(v->regs.x[4], 0x55667788);
	/* Not into the PC. */
	assert_int_equal(trap_cp15_32(v, cp15(0, 14, 2, 1, 15, READ)), TRAP_UNDEFINED);
}

static void the_timers_compare_value_has_two_registers(void **state)
{
	v->regs.x[5] = UINT64_C(0xdddddddd89abcdef);
	v->regs.x[6] = 0x01234567;
	assert_int_equal(trap_cp15_64(v, mcrr(ESR_EC_CP15_64, 2, 14, 5, 6, 0)), TRAP_DONE);
	fake_machine_expect_exactly("timer write 0x34f804=0x123456789abcdef");
	assert_int_equal(trap_cp15_64(v, mcrr(ESR_EC_CP15_64, 2, 14, 5, 6, READ)), TRAP_DONE);
	assert_int_equal(v->regs.x[5], 0x55667788);
	assert_int_equal(v->regs.x[6], 0x11223344);
}

/* A process of a 64-bit guest sees the timer and no more. */
static void a_process_of_a_64_bit_guest_has_no_registers_of_el1(void **state)
{
	dom.is_32bit = false;
	v->regs.pstate = PSTATE_M32_USR;
	assert_int_equal(trap_cp15_32(v, cp15(0, 1, 0, 0, 2, 0)), TRAP_UNDEFINED);
	assert_int_equal(trap_cp15_32(v, cp15(0, 7, 14, 2, 2, 0)), TRAP_UNDEFINED);
	assert_int_equal(trap_cp15_64(v, mcrr(ESR_EC_CP15_64, 0, 12, 0, 1, 0)), TRAP_UNDEFINED);
	assert_int_equal(trap_cp15_64(v, mcrr(ESR_EC_CP15_64, 2, 14, 0, 1, READ)), TRAP_DONE);
	assert_int_equal(trap_cp14_32(v, cp14(0, 0, 2, 2, 2, READ)), TRAP_UNDEFINED);
}

/* ---- CP14, CP10 ----------------------------------------------------------------------------- */

static void debug_registers_look_as_if_they_were_there(void **state)
{
	assert_int_equal(trap_cp14_32(v, cp14(0, 0, 0, 0, 1, READ)), TRAP_DONE); /* DBGDIDR */
	assert_int_equal(v->regs.x[1], 0x01068000);
	assert_int_equal(idreg_asked, SYS_ENC(3, 0, 0, 1, 2));
	assert_int_equal(trap_cp14_32(v, cp14(0, 1, 1, 4, 1, READ)), TRAP_DONE); /* DBGOSLSR */
	assert_int_equal(v->regs.x[1], 8);
	assert_int_equal(trap_cp14_32(v, cp14(0, 1, 0, 4, 1, 0)), TRAP_DONE); /* DBGOSLAR */
	assert_int_equal(trap_cp14_32(v, cp14(0, 1, 0, 4, 1, READ)), TRAP_UNDEFINED);
	for (unsigned int n = 0; n < 16; n++) {
		for (unsigned int kind = 4; kind < 8; kind++) {
			v->regs.x[1] = 1;
			assert_int_equal(trap_cp14_32(v, cp14(0, 0, n, kind, 1, 0)), TRAP_DONE);
			assert_int_equal(trap_cp14_32(v, cp14(0, 0, n, kind, 1, READ)), TRAP_DONE);
			assert_int_equal(v->regs.x[1], 0);
		}
	}
	v->regs.x[2] = 1;
	assert_int_equal(trap_cp14_64(v, mcrr(ESR_EC_CP14_64, 0, 1, 1, 2, READ)),
			 TRAP_DONE); /* DBGDRAR */
	assert_int_equal(v->regs.x[2], 0);
	/* DBGDTRRXext, DBGCLAIMSET, the trace unit's. */
	assert_int_equal(trap_cp14_32(v, cp14(0, 0, 0, 2, 1, READ)), TRAP_UNDEFINED);
	assert_int_equal(trap_cp14_32(v, cp14(0, 7, 8, 6, 1, READ)), TRAP_UNDEFINED);
	assert_int_equal(trap_cp14_32(v, cp14(1, 0, 0, 0, 1, READ)), TRAP_UNDEFINED);
}

static void media_features_are_those_of_the_domain(void **state)
{
	static const struct {
		unsigned int number;
		uint32_t key;
	} cases[] = {{7, SYS_ENC(3, 0, 0, 3, 0)},
		     {6, SYS_ENC(3, 0, 0, 3, 1)},
		     {5, SYS_ENC(3, 0, 0, 3, 2)}};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		v->regs.x[9] = 0;
		assert_int_equal(trap_cp10_id(v, mcr(ESR_EC_CP10_ID, 7, cases[i].number, 0, 0, 9,
						     READ)),
				 TRAP_DONE);
		assert_int_equal(idreg_asked, cases[i].key);
		assert_int_equal(v->regs.x[9], 0x12345606);
	}
	assert_int_equal(trap_cp10_id(v, mcr(ESR_EC_CP10_ID, 7, 8, 0, 0, 9, READ)), TRAP_UNDEFINED);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		CASE(a_number_that_the_mode_does_not_have_is_the_instructions),
		CASE(id_registers_are_those_of_the_domain),
		CASE(a_condition_that_fails_makes_it_a_nop),
		CASE(performance_monitors_are_undefined),
		CASE(set_way_maintenance_is_the_domains),
		CASE(half_a_register_leaves_the_other_half),
		CASE(what_turns_caches_on_is_seen),
		CASE(registers_without_a_name_in_aarch64_el1),
		CASE(translation_tables_in_two_registers),
		CASE(sgis_are_for_a_gicv3),
		CASE(the_physical_timer_is_there_in_32_bits),
		CASE(the_timers_compare_value_has_two_registers),
		CASE(a_process_of_a_64_bit_guest_has_no_registers_of_el1),
		CASE(debug_registers_look_as_if_they_were_there),
		CASE(media_features_are_those_of_the_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
