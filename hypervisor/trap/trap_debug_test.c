/* SPDX-License-Identifier: MIT */
/* Debug registers as a guest has them, and watchpoints on accesses that are emulated. */
#include "trap/trap_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/cpu.h"
#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "tests/unit/fake_machine.h"

#define BVR(n)     SYS_ENC(2u, 0u, 0u, (unsigned int)(n), 4u)
#define BCR(n)     SYS_ENC(2u, 0u, 0u, (unsigned int)(n), 5u)
#define WVR(n)     SYS_ENC(2u, 0u, 0u, (unsigned int)(n), 6u)
#define WCR(n)     SYS_ENC(2u, 0u, 0u, (unsigned int)(n), 7u)
#define GVA        UINT64_C(0xffff800012345678)
#define EL1_LOADS  UINT64_C(0x0b)
#define EL1_STORES UINT64_C(0x13)
#define EL1_BOTH   UINT64_C(0x1b)
#define EL0_BOTH   UINT64_C(0x1d)
#define ALL_BYTES  (UINT64_C(0xff) << 5)

static struct vcpu *v;

static int set_up(void **state)
{
	fake_machine_reset();
	cpu_features.nr_breakpoints = 6;
	cpu_features.nr_watchpoints = 4;
	v = calloc(1, sizeof(*v));
	v->regs.pstate = PSTATE_EL1h;
	return 0;
}

static int tear_down(void **state)
{
	free(v);
	return 0;
}

typedef enum trap_outcome (*handler_t)(struct vcpu *vcpu, struct sysreg_access *access);

static enum trap_outcome write(handler_t handler, uint32_t key, uint64_t value)
{
	struct sysreg_access access = {.key = key, .is_write = true, .value = value};

	return handler(v, &access);
}

static uint64_t read(handler_t handler, uint32_t key)
{
	struct sysreg_access access = {.key = key, .value = 0xbad};

	assert_int_equal(handler(v, &access), TRAP_DONE);
	return access.value;
}

static void each_register_is_its_own(void **state)
{
	for (unsigned int n = 0; n < 6; n++) {
		assert_int_equal(write(trap_debug_point, BVR(n), 0x1000 + n), TRAP_DONE);
		assert_int_equal(write(trap_debug_point, BCR(n), 0x20 << n), TRAP_DONE);
	}
	for (unsigned int n = 0; n < 4; n++) {
		assert_int_equal(write(trap_debug_point, WVR(n), 0x3000 + 8 * n), TRAP_DONE);
		assert_int_equal(write(trap_debug_point, WCR(n), 0x20 << n), TRAP_DONE);
	}
	for (unsigned int n = 0; n < 6; n++) {
		assert_int_equal(read(trap_debug_point, BVR(n)), 0x1000 + n);
		assert_int_equal(read(trap_debug_point, BCR(n)), (0x20 << n) & 0x00ffe1e7);
	}
	for (unsigned int n = 0; n < 4; n++) {
		assert_int_equal(read(trap_debug_point, WVR(n)), 0x3000 + 8 * n);
		assert_int_equal(read(trap_debug_point, WCR(n)), 0x20 << n);
	}
}

static void what_the_cpus_do_not_have_is_undefined(void **state)
{
	assert_int_equal(write(trap_debug_point, BVR(6), 0), TRAP_UNDEFINED);
	assert_int_equal(write(trap_debug_point, BCR(15), 0), TRAP_UNDEFINED);
	assert_int_equal(write(trap_debug_point, WVR(4), 0), TRAP_UNDEFINED);
	assert_int_equal(write(trap_debug_point, WCR(4), 0), TRAP_UNDEFINED);
}

static void reserved_bits_stay_zero(void **state)
{
	write(trap_debug_point, BCR(0), UINT64_MAX);
	assert_int_equal(read(trap_debug_point, BCR(0)), 0x00ffe1e7);
	write(trap_debug_point, WCR(0), UINT64_MAX);
	assert_int_equal(read(trap_debug_point, WCR(0)), 0x1f1fffff);
	write(trap_debug_mdscr, 0, UINT64_MAX);
	assert_int_equal(read(trap_debug_mdscr, 0), MDSCR_SS | MDSCR_TDCC | MDSCR_KDE | MDSCR_MDE);
	write(trap_debug_mdccint, 0, UINT64_MAX);
	assert_int_equal(read(trap_debug_mdccint, 0), BIT64(30) | BIT64(29));
}

static void a_write_is_in_force_at_once_if_debug_is_on(void **state)
{
	write(trap_debug_point, BVR(0), GVA);
	fake_machine_expect_none("msr DBGBVR0_EL1");
	write(trap_debug_mdscr, 0, MDSCR_MDE);
	assert_int_equal(fake_machine_sysreg_get("DBGBVR0_EL1"), GVA);
	write(trap_debug_point, BCR(0), 0x1e3);
	assert_int_equal(fake_machine_sysreg_get("DBGBCR0_EL1"), 0x1e3);
	assert_int_equal(fake_machine_sysreg_get("MDSCR_EL1"), MDSCR_MDE);
}

/* Types that compare with VMIDs need an EL2. */
static void a_breakpoint_on_a_vmid_stays_off(void **state)
{
	write(trap_debug_mdscr, 0, MDSCR_MDE);
	write(trap_debug_point, BCR(1), UINT64_C(0x8001e3));
	assert_int_equal(read(trap_debug_point, BCR(1)), 0x8001e3);
	assert_int_equal(fake_machine_sysreg_get("DBGBCR1_EL1"), 0x8001e2);
}

static void the_os_lock_opens_what_is_for_a_debugger(void **state)
{
	assert_int_equal(read(trap_debug_oslsr, 0), 8);
	assert_int_equal(read(trap_debug_oseccr, 0), 0);
	write(trap_debug_oslar, 0, 1);
	assert_int_equal(read(trap_debug_oslsr, 0), 10);
	write(trap_debug_oseccr, 0, 0x1234);
	assert_int_equal(read(trap_debug_oseccr, 0), 0x1234);
	write(trap_debug_mdscr, 0, MDSCR_MDE | MDSCR_RXFULL | MDSCR_HDE);
	assert_int_equal(read(trap_debug_mdscr, 0), MDSCR_MDE | MDSCR_RXFULL | MDSCR_HDE);
	/* Nothing of it reaches the CPU. */
	assert_int_equal(fake_machine_sysreg_get("MDSCR_EL1"), 0);
	write(trap_debug_oslar, 0, 0xfffffffe);
	assert_int_equal(fake_machine_sysreg_get("MDSCR_EL1"), MDSCR_MDE);
	write(trap_debug_mdscr, 0, 0);
	assert_int_equal(read(trap_debug_mdscr, 0), MDSCR_RXFULL | MDSCR_HDE);
	assert_int_equal(read(trap_debug_mdccsr, 0), MDSCR_RXFULL);
	assert_int_equal(read(trap_debug_dtr, 0), 0);
	assert_int_equal(read(trap_debug_mdccsr, 0), 0);
	write(trap_debug_dtr, 0, 'x');
	assert_int_equal(read(trap_debug_mdccsr, 0), MDSCR_TXFULL);
}

/* ---- watchpoints --------------------------------------------------------------------------------- */

static void watch(unsigned int n, uint64_t va, uint64_t control)
{
	v->debug.wvr[n] = va;
	v->debug.wcr[n] = control;
	v->debug.mdscr = (uint32_t)(MDSCR_MDE | MDSCR_KDE);
}

static bool hits(uint64_t va, unsigned int size, bool is_write)
{
	return trap_debug_is_watched(v, va, size, is_write);
}

static void a_watchpoint_matches_bytes(void **state)
{
	watch(1, GVA, EL1_BOTH | UINT64_C(0x18) << 5); /* bytes 3 and 4 of the doubleword */
	assert_true(hits(GVA + 3, 1, true));
	assert_true(hits(GVA + 4, 1, false));
	assert_false(hits(GVA + 5, 1, true));
	assert_false(hits(GVA + 2, 1, true));
	assert_true(hits(GVA, 4, false));
	assert_true(hits(GVA + 4, 4, false));
	assert_false(hits(GVA + 8, 8, false));
	assert_false(hits(GVA - 4, 4, false));
	/* Of a word. */
	watch(1, GVA + 4, EL1_BOTH | UINT64_C(2) << 5);
	assert_true(hits(GVA + 5, 1, false));
	assert_false(hits(GVA + 4, 1, false));
	assert_true(hits(GVA, 8, false));
	/* Of a range. */
	watch(1, GVA & ~UINT64_C(0xfff), EL1_BOTH | ALL_BYTES | UINT64_C(12) << 24);
	assert_true(hits(GVA, 4, false));
	assert_true(hits(GVA | 0xffc, 4, false));
	assert_false(hits((GVA | 0xfff) + 1, 4, false));
}

static void a_watchpoint_matches_direction_and_level(void **state)
{
	watch(0, GVA, EL1_LOADS | ALL_BYTES);
	assert_true(hits(GVA, 4, false));
	assert_false(hits(GVA, 4, true));
	watch(0, GVA, EL1_STORES | ALL_BYTES);
	assert_false(hits(GVA, 4, false));
	assert_true(hits(GVA, 4, true));
	watch(0, GVA, EL0_BOTH | ALL_BYTES);
	assert_false(hits(GVA, 4, true));
	v->regs.pstate = PSTATE_EL0t | PSTATE_D;
	v->debug.mdscr = (uint32_t)MDSCR_MDE;
	assert_true(hits(GVA, 4, true));
	watch(0, GVA, EL1_BOTH | ALL_BYTES);
	assert_false(hits(GVA, 4, true));
}

static void a_watchpoint_needs_debug_to_be_on(void **state)
{
	watch(3, GVA, EL1_BOTH | ALL_BYTES);
	assert_true(hits(GVA, 4, true));
	v->debug.mdscr = (uint32_t)MDSCR_MDE;
	assert_false(hits(GVA, 4, true));
	v->debug.mdscr = (uint32_t)MDSCR_KDE;
	assert_false(hits(GVA, 4, true));
	v->debug.mdscr = (uint32_t)(MDSCR_MDE | MDSCR_KDE);
	v->regs.pstate |= PSTATE_D;
	assert_false(hits(GVA, 4, true));
	v->regs.pstate &= ~PSTATE_D;
	v->debug.os_lock = 1;
	assert_false(hits(GVA, 4, true));
	v->debug.os_lock = 0;
	v->debug.wcr[3] &= ~UINT64_C(1);
	assert_false(hits(GVA, 4, true));
	/* One that the CPUs do not have. */
	v->debug.wcr[4] = EL1_BOTH | ALL_BYTES;
	v->debug.wvr[4] = GVA;
	assert_false(hits(GVA, 4, true));
}

static void a_linked_watchpoint_needs_its_context(void **state)
{
	watch(0, GVA, EL1_BOTH | ALL_BYTES | UINT64_C(1) << 20 | UINT64_C(5) << 16);
	assert_false(hits(GVA, 4, true));
	v->debug.bcr[5] = UINT64_C(0x3001e3);
	v->debug.bvr[5] = 0x77;
	fake_machine_sysreg_set("CONTEXTIDR_EL1", 0x78);
	assert_false(hits(GVA, 4, true));
	fake_machine_sysreg_set("CONTEXTIDR_EL1", 0x77);
	assert_true(hits(GVA, 4, true));
	v->debug.bcr[5] &= ~UINT64_C(1);
	assert_false(hits(GVA, 4, true));
	/* To one that there is not. */
	v->debug.wcr[0] |= UINT64_C(0xf) << 16;
	assert_false(hits(GVA, 4, true));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_register_is_its_own),
		TEST(what_the_cpus_do_not_have_is_undefined),
		TEST(reserved_bits_stay_zero),
		TEST(a_write_is_in_force_at_once_if_debug_is_on),
		TEST(a_breakpoint_on_a_vmid_stays_off),
		TEST(the_os_lock_opens_what_is_for_a_debugger),
		TEST(a_watchpoint_matches_bytes),
		TEST(a_watchpoint_matches_direction_and_level),
		TEST(a_watchpoint_needs_debug_to_be_on),
		TEST(a_linked_watchpoint_needs_its_context),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
