/* SPDX-License-Identifier: MIT */
/* From registers to contexts. */
#include "arm/arm_fake.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "arm/arm_internal.h"

static struct arm_context context;

static void context_of(enum arm_regime regime)
{
	/* What was there before must not shine through. */
	memset(&context, 0xa5, sizeof(context));
	arm_context_of(&context, &fake_regs, regime);
}

static void regime_of_an_exception_level(void **state)
{
	static const struct {
		uint64_t hcr, scr;
		enum arm_regime regimes[4];
	} cases[] = {
		{0, SCR_NS, {REGIME_EL10, REGIME_EL10, REGIME_EL2, REGIME_EL3}},
		{HCR_TGE, SCR_NS, {REGIME_EL10, REGIME_EL10, REGIME_EL2, REGIME_EL3}},
		{HCR_E2H, SCR_NS, {REGIME_EL10, REGIME_EL10, REGIME_EL20, REGIME_EL3}},
		{HCR_E2H | HCR_TGE, SCR_NS, {REGIME_EL20, REGIME_EL10, REGIME_EL20, REGIME_EL3}},
		/* Secure, EL2 not enabled there. */
		{HCR_E2H | HCR_TGE, 0, {REGIME_EL10, REGIME_EL10, REGIME_EL20, REGIME_EL3}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_regs.hcr = cases[i].hcr;
		fake_regs.scr = cases[i].scr;
		for (unsigned int el = 0; el < 4; el++) {
			assert_int_equal(arm_regime_of(&fake_regs, el), cases[i].regimes[el]);
		}
	}
}

static void aarch32_is_what_the_level_above_says(void **state)
{
	fake_regs.hcr = HCR_RW;
	assert_false(arm_el1_is_aarch32(&fake_regs));
	fake_regs.hcr = 0;
	assert_true(arm_el1_is_aarch32(&fake_regs));
	fake_regs.hcr = HCR_E2H | HCR_TGE;
	assert_false(arm_el1_is_aarch32(&fake_regs));
	fake_regs.has_el2 = false;
	assert_true(arm_el1_is_aarch32(&fake_regs));
	fake_regs.scr |= 1 << 10;
	assert_false(arm_el1_is_aarch32(&fake_regs));
	fake_regs.has_el3 = false;
	fake_regs.scr = 0;
	assert_false(arm_el1_is_aarch32(&fake_regs));
}

static void asid_is_where_a1_says_and_as_long_as_as_says(void **state)
{
	fake_regs.sctlr[1] = SCTLR_ON;
	fake_regs.ttbr0[1] = UINT64_C(0x1234) << 48 | 0x40000001;
	fake_regs.ttbr1[1] = UINT64_C(0x5678) << 48 | 0x40001001;
	fake_regs.tcr[1] = TCR_WB(25, 25) | TCR_TG1(TG1_4K);
	context_of(REGIME_EL10);
	assert_int_equal(context.s1[0].asid, 0x34);
	assert_int_equal(context.s1[1].asid, 0x34);
	/* Neither ASID nor CnP are address. */
	assert_int_equal(context.s1[0].root, 0x40000000);
	assert_int_equal(context.s1[1].root, 0x40001000);
	fake_regs.tcr[1] |= 1 << 22;
	context_of(REGIME_EL10);
	assert_int_equal(context.s1[0].asid, 0x78);
	fake_regs.tcr[1] |= UINT64_C(1) << 36;
	context_of(REGIME_EL10);
	assert_int_equal(context.s1[0].asid, 0x5678);
	assert_int_equal(context.s1[1].asid, 0x5678);
}

static void vmid_is_as_long_as_vs_says(void **state)
{
	fake_regs.hcr |= HCR_VM;
	fake_regs.vtcr = VTCR(25, 1);
	fake_regs.vttbr = UINT64_C(0x1234) << 48 | 0x40000001;
	fake_regs.sctlr[1] = SCTLR_ON;
	fake_regs.tcr[1] = TCR_WB(25, 25);
	context_of(REGIME_EL10);
	assert_true(context.s2.enabled);
	assert_int_equal(context.s2.vmid, 0x34);
	assert_int_equal(context.s2.root, 0x40000000);
	fake_regs.vtcr |= 1 << 19;
	context_of(REGIME_EL10);
	assert_int_equal(context.s2.vmid, 0x1234);
	assert_int_equal(context.s1[0].vmid, 0x1234);
	fake_regs.hcr ^= HCR_VM;
	context_of(REGIME_EL10);
	assert_false(context.s2.enabled);
	assert_int_equal(context.s1[1].vmid, 0x1234);
}

static void root_of_52_bits(void **state)
{
	fake_regs.sctlr[1] = SCTLR_ON;
	fake_regs.has_lpa2 = true;
	fake_regs.pa_bits = 52;
	fake_regs.ttbr0[1] = 0x40001000 | 0x29;
	fake_regs.tcr[1] = (TCR_WB(25, 25) & ~(UINT64_C(7) << 32)) | UINT64_C(6) << 32;
	/* 4 KiB without DS: bits 5:2 are below the table's size. */
	context_of(REGIME_EL10);
	assert_int_equal(context.s1[0].root, 0x40001000);
	fake_regs.tcr[1] |= UINT64_C(1) << 59;
	context_of(REGIME_EL10);
	assert_int_equal(context.s1[0].root, UINT64_C(0xa000040001000));
	assert_int_equal(context.s1[0].oa_bits, 52);
	/* A small table: aligned to 64 bytes at least. */
	fake_regs.tcr[1] = (fake_regs.tcr[1] & ~UINT64_C(0x3f)) | 33; /* 2 entries */
	fake_regs.ttbr0[1] = 0x400010c0;
	context_of(REGIME_EL10);
	assert_int_equal(context.s1[0].root, 0x400010c0);
}

static void what_is_off_is_zero(void **state)
{
	static const struct arm_stage zero;
	struct arm_context first;

	fake_regs.tcr[1] = TCR_WB(25, 25);
	fake_regs.ttbr0[1] = 0x40000000;
	fake_regs.vttbr = 0x40000000;
	context_of(REGIME_EL10);
	assert_false(context.s1_on);
	assert_memory_equal(&context.s1[0], &zero, sizeof(zero));
	assert_memory_equal(&context.s2, &zero, sizeof(zero));
	first = context;
	/* So registers that do not matter now do not make another context. */
	fake_regs.ttbr0[1] = 0x50000000;
	fake_regs.tcr[2] = 123;
	context_of(REGIME_EL10);
	assert_memory_equal(&context, &first, sizeof(first));
}

static void regimes_not_in_use_are_off(void **state)
{
	fake_regs.sctlr[1] = fake_regs.sctlr[2] = SCTLR_ON;
	fake_regs.hcr |= HCR_VM;
	context_of(REGIME_EL2);
	assert_true(context.s1_on);
	context_of(REGIME_EL20);
	assert_false(context.s1_on);
	context_of(REGIME_EL10);
	assert_true(context.s1_on && context.s2.enabled);
	fake_regs.hcr |= HCR_E2H;
	context_of(REGIME_EL2);
	assert_false(context.s1_on);
	context_of(REGIME_EL20);
	assert_true(context.s1_on);
	assert_false(context.s2.enabled);
	context_of(REGIME_EL10);
	assert_true(context.s1_on && context.s2.enabled);
	/* A VHE host: the guest's registers may still be there, without its stage 2. */
	fake_regs.hcr |= HCR_TGE;
	context_of(REGIME_EL10);
	assert_false(context.s1_on || context.s2.enabled);
	/* No EL2 at all. */
	fake_regs.has_el2 = false;
	context_of(REGIME_EL20);
	assert_false(context.s1_on);
	context_of(REGIME_EL10);
	assert_true(context.s1_on);
	assert_false(context.s2.enabled);
}

static void secure_state_without_el2_has_no_stage_2(void **state)
{
	fake_regs.hcr |= HCR_VM;
	fake_regs.scr = 0;
	context_of(REGIME_EL10);
	assert_false(context.s2.enabled);
	assert_null(context.unsupported);
}

static void bits_of_caches_are_kept_apart(void **state)
{
	fake_regs.sctlr[1] = SCTLR_M | SCTLR_I;
	fake_regs.hcr |= HCR_CD;
	context_of(REGIME_EL10);
	assert_false(context.data_cached);
	assert_true(context.insns_cached);
	assert_false(context.stage2_data_cached);
	assert_true(context.stage2_insns_cached);
	fake_regs.hcr ^= HCR_CD | HCR_DC;
	context_of(REGIME_EL10);
	assert_true(context.data_cached && context.default_cacheable && context.s2.enabled);
	assert_false(context.s1_on);
}

static void sizes_beyond_the_cpu_are_cut(void **state)
{
	fake_regs.sctlr[1] = SCTLR_ON;
	fake_regs.tcr[1] = TCR_WB(0, 63) | UINT64_C(7) << 32;
	fake_regs.pa_bits = 40;
	context_of(REGIME_EL10);
	assert_int_equal(context.s1[0].ia_bits, 48);
	assert_int_equal(context.s1[0].start_level, 0);
	assert_int_equal(context.s1[0].oa_bits, 40);
	assert_int_equal(context.s1[1].ia_bits, 16);
	assert_int_equal(context.s1[1].start_level, 3);
}

/* Where TCR_EL1, and TCR_EL2 without E2H, have the fields of each range. */
static void fields_of_tcr(void **state)
{
	static const struct {
		uint8_t bit_el1_lower, bit_el1_upper, bit_el2;
	} cases[] = {{37, 38, 20}, {39, 39, 21}, {40, 40, 22}, {41, 42, 24}, {59, 59, 32}};

	fake_regs.has_lpa2 = true;
	fake_regs.pa_bits = 52;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint8_t bits_of[3] = {cases[i].bit_el1_lower, cases[i].bit_el1_upper,
					    cases[i].bit_el2};

		for (unsigned int range = 0; range < 3; range++) {
			uint64_t tcr = UINT64_C(1) << bits_of[range];
			const struct arm_stage *stage;

			/* The dirty state needs the access flag. */
			tcr |= i == 2 ? UINT64_C(1) << (bits_of[range] - 1) : 0;
			fake_regs.sctlr[1] = fake_regs.sctlr[2] = SCTLR_ON;
			fake_regs.tcr[1] = TCR_WB(25, 25) | TCR_TG1(TG1_4K) | tcr;
			fake_regs.tcr[2] = TCR_ONE(25) | tcr;
			context_of(range == 2 ? REGIME_EL2 : REGIME_EL10);
			stage = &context.s1[range == 1];
			assert_int_equal(stage->tbi, i == 0);
			assert_int_equal(stage->hw_access, i == 1 || i == 2);
			assert_int_equal(stage->hw_dirty, i == 2);
			assert_int_equal(stage->hierarchical, i != 3);
			assert_int_equal(stage->lpa2, i == 4);
			assert_int_equal(stage->oa_bits, 48);
		}
	}
}

static void sizes_of_physical_addresses(void **state)
{
	static const uint8_t sizes[8] = {32, 36, 40, 42, 44, 48, 52, 52};

	fake_regs.sctlr[1] = fake_regs.sctlr[2] = SCTLR_ON;
	fake_regs.hcr |= HCR_VM;
	fake_regs.pa_bits = 52;
	for (uint64_t ps = 0; ps < 8; ps++) {
		fake_regs.tcr[1] = ps << 32 | 22 | TCR_TG0(TG0_64K) | 22 << 16 | TCR_TG1(TG1_64K);
		fake_regs.tcr[2] = ps << 16 | 22 | TCR_TG0(TG0_64K);
		fake_regs.vtcr = ps << 16 | 24 | 1 << 6 | TCR_TG0(TG0_64K);
		context_of(REGIME_EL10);
		assert_int_equal(context.s1[0].oa_bits, sizes[ps]);
		assert_int_equal(context.s1[1].oa_bits, sizes[ps]);
		assert_int_equal(context.s2.oa_bits, sizes[ps]);
		context_of(REGIME_EL2);
		assert_int_equal(context.s1[0].oa_bits, sizes[ps]);
	}
}

static void what_cannot_be_modelled_is_named(void **state)
{
	static const struct {
		uint64_t sctlr1, sctlr2, tcr2, vtcr, hcr, scr;
		const char *part;
	} cases[] = {
		{SCTLR_ON, 0, 0, 0, HCR_VM, SCR_NS, NULL},
		{SCTLR_ON | SCTLR_EE, 0, 0, 0, 0, SCR_NS, "SCTLR_ELx.EE"},
		{SCTLR_EE, 0, 0, 0, 0, SCR_NS, NULL}, /* MMU off */
		{SCTLR_ON, SCTLR_EE, 0, 0, HCR_VM, SCR_NS, "SCTLR_EL2.EE"},
		{SCTLR_ON, SCTLR_EE, 0, 0, 0, SCR_NS, NULL},
		{SCTLR_ON, 0, 1 << 5, 0, 0, SCR_NS, "D128"},
		{SCTLR_ON, 0, 1 << 4, 0, 0, SCR_NS, "AIE"},
		{SCTLR_ON, 0, 1 << 1, 0, 0, SCR_NS, "PIE"},
		{SCTLR_ON, 0, 1 << 3, 0, 0, SCR_NS, "POE"},
		{0, 0, 0, UINT64_C(1) << 38, HCR_VM, SCR_NS, "VTCR_EL2.D128"},
		{0, 0, 0, UINT64_C(1) << 36, HCR_VM, SCR_NS, "S2PIE"},
		{0, 0, 0, 0, HCR_VM, SCR_EEL2, "Secure"},
		{0, 0, 0, 0, HCR_VM, SCR_NS | UINT64_C(1) << 62, "Realm"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_regs.sctlr[1] = cases[i].sctlr1;
		fake_regs.sctlr[2] = cases[i].sctlr2;
		fake_regs.tcr2[1] = cases[i].tcr2;
		fake_regs.vtcr = cases[i].vtcr | VTCR(25, 1);
		fake_regs.hcr = HCR_RW | cases[i].hcr;
		fake_regs.scr = cases[i].scr;
		context_of(REGIME_EL10);
		if (cases[i].part) {
			assert_non_null(context.unsupported);
			assert_non_null(strstr(context.unsupported, cases[i].part));
		} else {
			assert_null(context.unsupported);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup(name, fake_reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(regime_of_an_exception_level),
		TEST(aarch32_is_what_the_level_above_says),
		TEST(asid_is_where_a1_says_and_as_long_as_as_says),
		TEST(vmid_is_as_long_as_vs_says),
		TEST(root_of_52_bits),
		TEST(what_is_off_is_zero),
		TEST(regimes_not_in_use_are_off),
		TEST(secure_state_without_el2_has_no_stage_2),
		TEST(bits_of_caches_are_kept_apart),
		TEST(sizes_beyond_the_cpu_are_cut),
		TEST(fields_of_tcr),
		TEST(sizes_of_physical_addresses),
		TEST(what_cannot_be_modelled_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
