/* SPDX-License-Identifier: MIT */
/* Walks of VMSAv8-64 through tables written here by hand; attributes as data. */
#include "arm/arm_fake.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "arm/arm_internal.h"

#define T(n) (FAKE_BASE + (n)*0x10000) /* tables, apart enough for every granule */

static struct arm_translation result;

static void el1_on(uint64_t tcr)
{
	fake_regs.sctlr[1] = SCTLR_ON;
	fake_regs.tcr[1] = tcr;
	fake_regs.ttbr0[1] = T(0);
	fake_regs.ttbr1[1] = T(1);
}

/* 4 KiB, 39 bits of input: levels 1 to 3 in T(0), T(2), T(3) for the first GiB. */
static void el1_page_tables(void)
{
	el1_on(TCR_WB(25, 25) | TCR_TG1(TG1_4K));
	fake_put(T(0), TABLE(T(2)));
	fake_put(T(2), TABLE(T(3)));
}

static void assert_ok(enum arm_walk_result walked)
{
	assert_int_equal(walked, WALK_OK);
}

static void assert_block(uint64_t va, uint64_t paddr, unsigned int shift)
{
	assert_int_equal(result.va, va);
	assert_int_equal(result.paddr, paddr);
	assert_int_equal(result.shift, shift);
}

/* ---- Geometry ---- */

static void page_at_level_3_and_every_descriptor_on_the_way(void **state)
{
	static const uint64_t paddrs[4] = {T(0) + 8, T(2) + 16, T(3) + 24, T(4) + 32};
	static const uint64_t inputs[4] = {UINT64_C(1) << 39, (UINT64_C(1) << 39) + (2u << 30),
					   (UINT64_C(1) << 39) + (2u << 30) + (3 << 21),
					   (UINT64_C(1) << 39) + (2u << 30) + (3 << 21) + (4 << 12)};

	el1_on(TCR_WB(16, 16));
	fake_put(paddrs[0], TABLE(T(2)));
	fake_put(paddrs[1], TABLE(T(3)));
	fake_put(paddrs[2], TABLE(T(4)));
	fake_put(paddrs[3], PAGE(0x87654000, IDX_WB));
	assert_ok(fake_translate(REGIME_EL10, inputs[3] + 0x123, &result));
	assert_block(inputs[3], 0x87654000, 12);
	assert_int_equal(result.ipa, 0x87654000);
	assert_int_equal(result.level, 3);
	assert_int_equal(result.descriptor, PAGE(0x87654000, IDX_WB));
	assert_int_equal(fake_nr_log, 4);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(fake_log[i].level, i);
		assert_int_equal(fake_log[i].paddr, paddrs[i]);
		assert_int_equal(fake_log[i].input, inputs[i]);
		assert_int_equal(fake_log[i].size, 8);
		assert_int_equal(fake_log[i].type, MEM_WB);
		assert_int_equal(fake_log[i].stage.stage, 1);
	}
	assert_int_equal(fake_log[3].value, result.descriptor);
}

static void blocks_of_2_mib_and_1_gib(void **state)
{
	el1_on(TCR_WB(25, 25));
	fake_put(T(0) + 8, BLOCK(0xc0000000, IDX_WT));
	fake_put(T(0) + 16, TABLE(T(2)));
	fake_put(T(2) + 8 * 511, BLOCK(0x80200000, IDX_NC));
	assert_ok(fake_translate(REGIME_EL10, 0x40000000 + 0x12345678, &result));
	assert_block(0x40000000, 0xc0000000, 30);
	assert_int_equal(result.data, MEM_WT);
	assert_ok(fake_translate(REGIME_EL10, 0xbfffffff, &result));
	assert_block(0xbfe00000, 0x80200000, 21);
	assert_int_equal(result.data, MEM_NC);
	assert_int_equal(result.level, 2);
}

static void upper_range_of_39_bits(void **state)
{
	const uint64_t va = UINT64_C(0xffffff8000000000) + (UINT64_C(5) << 30);

	el1_on(TCR_WB(25, 25) | TCR_TG1(TG1_4K));
	fake_put(T(1) + 40, BLOCK(0x40000000, IDX_WB));
	assert_ok(fake_translate(REGIME_EL10, va + 0x1000, &result));
	assert_block(va, 0x40000000, 30);
	assert_int_equal(fake_log[0].input, va);
	assert_true(fake_log[0].stage.top);
	/* Neither range: bit 55 says upper, bits below it do not. */
	assert_int_equal(fake_translate(REGIME_EL10, UINT64_C(0xffffff7fffffffff), &result),
			 WALK_FAULT_S1);
	assert_int_equal(fake_translate(REGIME_EL10, UINT64_C(1) << 39, &result), WALK_FAULT_S1);
	assert_int_equal(fake_nr_reads, 0);
}

static void granule_of_16_kib(void **state)
{
	/* 36 bits: level 2 and 3 only. */
	el1_on(TCR_WB(28, 17) | TCR_TG0(TG0_16K) | TCR_TG1(TG1_16K));
	fake_put(T(0) + 8 * 3, TABLE(T(2)));
	fake_put(T(0) + 8 * 4, BLOCK(0x42000000, IDX_WB));
	fake_put(T(2) + 8 * 2047, PAGE(0x8000c000, IDX_WB));
	assert_ok(fake_translate(REGIME_EL10, 0x7ffffff, &result));
	assert_block(0x7ffc000, 0x8000c000, 14);
	assert_int_equal(fake_nr_log, 2);
	assert_ok(fake_translate(REGIME_EL10, 0x8000000, &result));
	assert_block(0x8000000, 0x42000000, 25);
	/* 47 bits: from level 1. */
	fake_put(T(1) + 8 * 2047, TABLE(T(0)));
	assert_ok(fake_translate(REGIME_EL10, UINT64_C(0xfffffff000000000) + 0x8000000, &result));
	assert_block(UINT64_C(0xfffffff008000000), 0x42000000, 25);
	assert_int_equal(fake_log[0].level, 1);
}

static void granule_of_64_kib(void **state)
{
	el1_on(TCR_WB(22, 22) | TCR_TG0(TG0_64K) | TCR_TG1(TG1_64K));
	fake_put(T(0) + 8, TABLE(T(2)));
	fake_put(T(0) + 16, BLOCK(0x60000000, IDX_WB));
	fake_put(T(2) + 8 * 8191, PAGE(0x80010000, IDX_WB));
	assert_ok(fake_translate(REGIME_EL10, 0x3fffffff, &result));
	assert_block(0x3fff0000, 0x80010000, 16);
	assert_ok(fake_translate(REGIME_EL10, 0x40000001, &result));
	assert_block(0x40000000, 0x60000000, 29);
	assert_int_equal(fake_nr_log, 1);
}

static void output_bits_51_to_48_of_64_kib(void **state)
{
	el1_on((TCR_WB(22, 22) & ~(UINT64_C(7) << 32)) | UINT64_C(6) << 32 | TCR_TG0(TG0_64K));
	fake_put(T(0) + 16, BLOCK(0x60000000, IDX_WB) | 0xa000);
	/* Without 52-bit addresses those bits are nothing. */
	assert_ok(fake_translate(REGIME_EL10, 0x40000000, &result));
	assert_int_equal(result.paddr, 0x60000000);
	fake_regs.pa_bits = 52;
	assert_ok(fake_translate(REGIME_EL10, 0x40000000, &result));
	assert_int_equal(result.paddr, UINT64_C(0xa000060000000));
	/* And the base of the table has them in bits 5:2. */
	fake_regs.ttbr0[1] |= 0x4;
	assert_int_equal(fake_translate(REGIME_EL10, 0x40000000, &result), WALK_NO_MEMORY);
}

static void lpa2_has_level_minus_1_and_52_bits(void **state)
{
	const uint64_t va = UINT64_C(0x7000000000000);

	el1_on(TCR_WB(12, 16) | UINT64_C(1) << 59 | UINT64_C(6) << 32);
	fake_put(T(0) + 8 * 7, TABLE(T(2)));
	/* A block of 512 GiB, address bits 51:50 in 9:8, 49:48 in place. */
	fake_put(T(2), UINT64_C(0x2008000000000) | 3 << 8 | IDX_WB << 2 | AF | 1);
	assert_int_equal(fake_translate(REGIME_EL10, va, &result), WALK_FAULT_S1);
	fake_regs.has_lpa2 = true;
	fake_regs.pa_bits = 52;
	assert_ok(fake_translate(REGIME_EL10, va + 0x1234, &result));
	assert_block(va, UINT64_C(0xe008000000000), 39);
	assert_int_equal(fake_log[0].level, ARM_LEVEL_MINUS_1);
	assert_int_equal(fake_log[0].input, va);
	assert_int_equal(result.level, 0);
}

static void lpa2_of_16_kib_has_blocks_at_level_1(void **state)
{
	fake_regs.has_lpa2 = true;
	fake_regs.pa_bits = 52;
	el1_on(TCR_WB(17, 17) | TCR_TG0(TG0_16K) | UINT64_C(1) << 59 | UINT64_C(6) << 32);
	fake_put(T(0), BLOCK(0, IDX_WB) & ~INNER);
	assert_ok(fake_translate(REGIME_EL10, 0x1000, &result));
	assert_block(0, 0, 36);
}

static void regimes_of_el2_and_el3(void **state)
{
	fake_regs.sctlr[2] = fake_regs.sctlr[3] = SCTLR_ON;
	fake_regs.tcr[2] = fake_regs.tcr[3] = TCR_ONE(25);
	fake_regs.ttbr0[2] = T(0);
	fake_regs.ttbr0[3] = T(1);
	fake_put(T(0), BLOCK(0x40000000, IDX_WB) | UXN);
	fake_put(T(1), BLOCK(0x80000000, IDX_NC) | NG);
	assert_ok(fake_translate(REGIME_EL2, 0x123, &result));
	assert_block(0, 0x40000000, 30);
	assert_false(result.executable);
	assert_ok(fake_translate(REGIME_EL3, 0x123, &result));
	assert_block(0, 0x80000000, 30);
	assert_true(result.executable && result.global);
	assert_int_equal(result.fetch, MEM_NC);
	assert_int_equal(fake_translate(REGIME_EL2, ~UINT64_C(0), &result), WALK_FAULT_S1);
	/* Stage 2 is not theirs. */
	fake_regs.hcr |= HCR_VM;
	assert_ok(fake_translate(REGIME_EL2, 0x123, &result));
}

static void regime_el20_has_two_ranges(void **state)
{
	fake_regs.hcr |= HCR_E2H | HCR_TGE;
	fake_regs.sctlr[2] = SCTLR_ON;
	fake_regs.tcr[2] = TCR_WB(25, 25) | TCR_TG1(TG1_4K);
	fake_regs.ttbr0[2] = T(0);
	fake_regs.ttbr1[2] = T(1);
	fake_put(T(1) + 8 * 511, BLOCK(0x40000000, IDX_WB) | NG);
	assert_ok(fake_translate(REGIME_EL20, ~UINT64_C(0), &result));
	assert_int_equal(result.paddr, 0x40000000);
	assert_false(result.global);
}

static void tags_are_ignored_where_tbi_says_so(void **state)
{
	el1_page_tables();
	fake_put(T(3), PAGE(0x80000000, IDX_WB));
	assert_int_equal(fake_translate(REGIME_EL10, UINT64_C(0x5a00000000000000), &result),
			 WALK_FAULT_S1);
	fake_regs.tcr[1] |= UINT64_C(1) << 37;
	assert_ok(fake_translate(REGIME_EL10, UINT64_C(0x5a00000000000000), &result));
	assert_block(0, 0x80000000, 12);
	/* For the lower range only. */
	fake_put(T(1), BLOCK(0x40000000, IDX_WB));
	assert_ok(fake_translate(REGIME_EL10, UINT64_C(0xffffff8000000000), &result));
	assert_int_equal(fake_translate(REGIME_EL10, UINT64_C(0x5affff8000000000), &result),
			 WALK_FAULT_S1);
	fake_regs.tcr[1] |= UINT64_C(1) << 38;
	assert_ok(fake_translate(REGIME_EL10, UINT64_C(0x5affff8000000000), &result));
	assert_int_equal(result.va, UINT64_C(0xffffff8000000000));
}

/* ---- Faults ---- */

static void faults_of_stage_1(void **state)
{
	static const struct {
		uint64_t descriptor;
		bool fault;
	} cases[] = {
		{0, true},
		{PAGE(0x80000000, IDX_WB), false},
		{PAGE(0x80000000, IDX_WB) & ~AF, true}, /* access flag */
		{BLOCK(0x80000000, IDX_WB), true},      /* a block at level 3 */
		{PAGE(0x80000000, IDX_WB) & ~UINT64_C(1), true},
		{PAGE(UINT64_C(0xff0080000000), IDX_WB), true}, /* beyond IPS: address size */
	};

	el1_page_tables();
	fake_regs.tcr[1] = (fake_regs.tcr[1] & ~(UINT64_C(7) << 32)) | UINT64_C(2) << 32;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_put(T(3), cases[i].descriptor);
		assert_int_equal(fake_translate(REGIME_EL10, 0, &result),
				 cases[i].fault ? WALK_FAULT_S1 : WALK_OK);
		assert_int_equal(result.level, 3);
	}
	/* Hardware sets the access flag. */
	fake_put(T(3), PAGE(0x80000000, IDX_WB) & ~AF);
	fake_regs.tcr[1] |= UINT64_C(1) << 39;
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	fake_put(T(2), 0);
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_FAULT_S1);
	assert_int_equal(result.level, 2);
}

static void walks_that_are_switched_off_fault(void **state)
{
	el1_page_tables();
	fake_put(T(3), PAGE(0x80000000, IDX_WB));
	fake_put(T(1), BLOCK(0x40000000, IDX_WB));
	fake_regs.tcr[1] |= 1u << 7; /* EPD0 */
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_FAULT_S1);
	assert_ok(fake_translate(REGIME_EL10, UINT64_C(0xffffff8000000000), &result));
	fake_regs.tcr[1] ^= 1u << 7 | 1u << 23; /* EPD1 */
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_int_equal(fake_translate(REGIME_EL10, UINT64_C(0xffffff8000000000), &result),
			 WALK_FAULT_S1);
}

static void blocks_where_there_are_none(void **state)
{
	el1_on(TCR_WB(16, 16));
	fake_put(T(0), BLOCK(0, IDX_WB)); /* level 0 of 4 KiB */
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_FAULT_S1);
	el1_on(TCR_WB(17, 17) | TCR_TG0(TG0_16K)); /* level 1 of 16 KiB */
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_FAULT_S1);
	el1_on(TCR_WB(16, 16) | TCR_TG0(TG0_64K)); /* level 1 of 64 KiB */
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_FAULT_S1);
	assert_int_equal(fake_nr_reads, 1);
}

static void table_in_a_device_is_said_to_be_no_memory(void **state)
{
	el1_page_tables();
	fake_put(T(2), TABLE(0x9000000));
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_NO_MEMORY);
}

/* ---- Permissions ---- */

static void permissions_of_leaf_and_tables(void **state)
{
	static const struct {
		uint64_t table, leaf;
		bool writable, executable;
	} cases[] = {
		{0, 0, true, true},
		{0, AP_RO, false, true},
		{0, PXN, true, true},
		{0, UXN, true, true},
		{0, PXN | UXN, true, false},
		{0, AP_USER | UXN, true, false}, /* what EL0 writes EL1 does not execute */
		{0, AP_USER | AP_RO | UXN, false, true},
		{UINT64_C(1) << 62, 0, false, true}, /* APTable: no writes */
		{UINT64_C(1) << 62, AP_USER | UXN, false, true},
		{UINT64_C(1) << 61, AP_USER | UXN, true, true}, /* APTable: no EL0 */
		{UINT64_C(1) << 60, PXN, true, false},          /* UXNTable */
		{UINT64_C(1) << 59, UXN, true, false},          /* PXNTable */
		{UINT64_C(3) << 59, 0, true, false},
	};

	el1_page_tables();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_put(T(2), TABLE(T(3)) | cases[i].table);
		fake_put(T(3), PAGE(0x80000000, IDX_WB) | cases[i].leaf);
		assert_ok(fake_translate(REGIME_EL10, 0, &result));
		assert_true(result.readable);
		assert_int_equal(result.writable, cases[i].writable);
		assert_int_equal(result.executable, cases[i].executable);
	}
	/* TCR_EL1.HPD0: the table's word does not count. */
	fake_regs.tcr[1] |= UINT64_C(1) << 41;
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_true(result.executable);
}

static void writable_is_not_executable_with_wxn(void **state)
{
	el1_page_tables();
	fake_regs.sctlr[1] |= SCTLR_WXN;
	fake_put(T(3), PAGE(0x80000000, IDX_WB));
	fake_put(T(3) + 8, PAGE(0x80000000, IDX_WB) | AP_RO);
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	/* EL0 has no access but may still execute. */
	assert_true(result.executable);
	fake_put(T(3), PAGE(0x80000000, IDX_WB) | UXN);
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_false(result.executable);
	assert_ok(fake_translate(REGIME_EL10, 0x1000, &result));
	assert_true(result.executable);
}

static void dirty_state_managed_by_hardware_is_writable(void **state)
{
	el1_page_tables();
	fake_put(T(3), PAGE(0x80000000, IDX_WB) | AP_RO | UINT64_C(1) << 51);
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_false(result.writable);
	fake_regs.tcr[1] |= UINT64_C(3) << 39;
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_true(result.writable);
}

static void contiguous_and_not_global_are_told(void **state)
{
	el1_page_tables();
	fake_put(T(3), PAGE(0x80000000, IDX_WB) | CONTIGUOUS | NG);
	fake_put(T(3) + 8, PAGE(0x80000000, IDX_WB));
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_true(result.contiguous);
	assert_false(result.global);
	assert_ok(fake_translate(REGIME_EL10, 0x1000, &result));
	assert_false(result.contiguous);
	assert_true(result.global);
}

/* ---- Stage 2 ---- */

/* IPA 40 bits, from level 1: two tables concatenated at T(5). RAM of the guest is at IPA 0, T(4) at 0x4000. */
static void stage2_tables(void)
{
	fake_regs.hcr |= HCR_VM;
	fake_regs.vtcr = VTCR(24, 1);
	fake_regs.vttbr = T(5) | UINT64_C(7) << 48;
	fake_put(T(5), TABLE(T(6)));
	fake_put(T(6), TABLE(T(7)));
}

static void concatenated_tables_of_stage_2(void **state)
{
	const uint64_t ipa = UINT64_C(600) << 30;

	stage2_tables();
	fake_put(T(5) + 8 * 600, S2_BLOCK(0xc0000000, S2_WB));
	assert_ok(fake_translate_ipa(ipa + 0x1234, &result));
	assert_block(ipa, 0xc0000000, 30);
	assert_int_equal(fake_log[0].paddr, T(5) + 8 * 600);
	assert_int_equal(fake_log[0].stage.vmid, 7);
	assert_int_equal(fake_log[0].stage.stage, 2);
	assert_int_equal(fake_translate_ipa(UINT64_C(1) << 40, &result), WALK_FAULT_S2);
	assert_int_equal(fake_nr_reads, 0);
}

static void start_levels_of_stage_2(void **state)
{
	static const struct {
		unsigned int tg, t0sz, sl0, level;
		bool works;
	} cases[] = {
		{TG0_4K, 16, 2, 0, true},  {TG0_4K, 20, 2, 0, true},   {TG0_4K, 25, 2, 0, false},
		{TG0_4K, 25, 1, 1, true},  {TG0_4K, 21, 1, 1, true},   {TG0_4K, 20, 1, 1, false},
		{TG0_4K, 32, 0, 2, true},  {TG0_4K, 30, 0, 2, true},   {TG0_4K, 29, 0, 2, false},
		{TG0_4K, 45, 3, 3, true},  {TG0_16K, 24, 1, 2, true},  {TG0_16K, 24, 2, 1, true},
		{TG0_16K, 40, 0, 3, true}, {TG0_64K, 24, 1, 2, true},  {TG0_64K, 17, 2, 1, true},
		{TG0_64K, 40, 0, 3, true}, {TG0_16K, 29, 3, 0, false},
	};

	fake_regs.hcr |= HCR_VM;
	fake_regs.vttbr = T(4);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_regs.vtcr = VTCR(cases[i].t0sz, cases[i].sl0) | TCR_TG0(cases[i].tg);
		assert_int_equal(fake_translate_ipa(0x1000, &result), WALK_FAULT_S2);
		assert_int_equal(fake_nr_reads, cases[i].works);
		if (cases[i].works) {
			assert_int_equal(fake_log[0].level, cases[i].level);
		}
	}
}

static void tables_of_stage_1_go_through_stage_2(void **state)
{
	stage2_tables();
	/* Stage 1 at IPA 0x1000, 0x2000 and 0x3000, its page at IPA 0x8000. */
	el1_on(TCR_WB(25, 25));
	fake_regs.ttbr0[1] = 0x1000;
	fake_put(T(0), TABLE(0x2000));
	fake_put(T(1), TABLE(0x3000));
	fake_put(T(2), PAGE(0x8000, IDX_WB));
	fake_put(T(7) + 8 * 1, S2_PAGE(T(0), S2_WB));
	fake_put(T(7) + 8 * 2, S2_PAGE(T(1), 0x5));
	fake_put(T(7) + 8 * 3, S2_PAGE(T(2), 0x5));
	fake_put(T(7) + 8 * 8, S2_PAGE(0x88000000, S2_WB));
	assert_ok(fake_translate(REGIME_EL10, 0x10, &result));
	assert_block(0, 0x88000000, 12);
	assert_int_equal(result.ipa, 0x8000);
	assert_int_equal(result.data, MEM_WB);
	assert_int_equal(fake_nr_log, 3 * 4 + 3);
	assert_int_equal(fake_log[2].stage.stage, 2);
	assert_int_equal(fake_log[2].input, 0x1000);
	assert_int_equal(fake_log[3].paddr, T(0));
	assert_int_equal(fake_log[3].stage.stage, 1);
	assert_int_equal(fake_log[3].type, MEM_WB);
	assert_int_equal(fake_log[7].paddr, T(1));
	assert_int_equal(fake_log[7].type, MEM_NC); /* stage 2 makes it so */
	assert_int_equal(fake_log[11].paddr, T(2));
}

static void faults_of_stage_2(void **state)
{
	stage2_tables();
	el1_on(TCR_WB(25, 25));
	fake_regs.ttbr0[1] = 0x1000;
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_FAULT_S2); /* of the table */
	fake_put(T(7) + 8 * 1, S2_PAGE(T(0), S2_WB));
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_FAULT_S1);
	fake_put(T(0), BLOCK(0x40000000, IDX_WB));
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_FAULT_S2); /* of the address */
	fake_put(T(5) + 8, S2_BLOCK(0xc0000000, S2_WB));
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	fake_put(T(5) + 8, S2_BLOCK(0xc0000000, S2_WB) & ~AF);
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_FAULT_S2);
	fake_regs.vtcr |= 1u << 21; /* HA */
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	/* A table that stage 2 does not let be read. */
	fake_put(T(7) + 8 * 1, S2_PAGE(T(0), S2_WB) & ~UINT64_C(0x40));
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_FAULT_S2);
}

static void protected_walks_refuse_tables_in_device_memory(void **state)
{
	stage2_tables();
	el1_on(TCR_WB(25, 25));
	fake_regs.ttbr0[1] = 0x1000;
	fake_put(T(7) + 8 * 1, S2_PAGE(T(0), 0));
	fake_put(T(0), BLOCK(0, IDX_WB));
	fake_put(T(7), S2_PAGE(0x80000000, S2_WB));
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_int_equal(fake_log[3].type, MEM_DEVICE);
	fake_regs.hcr |= HCR_PTW;
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_FAULT_S2);
}

static void the_smaller_block_of_both_stages_counts(void **state)
{
	stage2_tables();
	el1_on(TCR_WB(25, 25));
	fake_regs.ttbr0[1] = UINT64_C(0x40000000);
	fake_put(T(5) + 8, S2_BLOCK(0x40000000, S2_WB)); /* the tables, flat */
	fake_put(T(0), BLOCK(0, IDX_WB));
	fake_put(T(7) + 8 * 5, S2_PAGE(0x80000000, S2_WB));
	assert_ok(fake_translate(REGIME_EL10, 0x5678, &result));
	assert_block(0x5000, 0x80000000, 12);
	assert_int_equal(result.ipa, 0x5000);
	/* Stage 1 a page, stage 2 a block. */
	fake_put(T(0), TABLE(T(2)));
	fake_put(T(2), TABLE(T(3)));
	fake_put(T(3), PAGE(0x40005000, IDX_WB));
	assert_ok(fake_translate(REGIME_EL10, 0x678, &result));
	assert_block(0, 0x40005000, 12);
}

static void permissions_of_stage_2(void **state)
{
	static const struct {
		uint64_t bits;
		bool readable, writable, executable;
	} cases[] = {
		{0xc0, true, true, true},
		{0x40, true, false, true},
		{0x80, false, true, true},
		{0xc0 | UINT64_C(2) << 53, true, true, false},
		{0xc0 | UINT64_C(6) << 53, true, true, false}, /* software's bit */
		{0xc0 | UINT64_C(1) << 53, true, true, true},
		{0xc0 | UINT64_C(3) << 53, true, true, true},
	};

	stage2_tables();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_put(T(7), (S2_PAGE(0x80000000, S2_WB) & ~UINT64_C(0xc0)) | cases[i].bits);
		assert_ok(fake_translate(REGIME_EL10, 0, &result));
		assert_int_equal(result.readable, cases[i].readable);
		assert_int_equal(result.writable, cases[i].writable);
		assert_int_equal(result.executable, cases[i].executable);
	}
	/* Executable for EL0 only at stage 2, for EL1 only at stage 1: for nobody. */
	el1_on(TCR_WB(25, 25));
	fake_regs.ttbr0[1] = UINT64_C(0x40000000);
	fake_put(T(5) + 8, S2_BLOCK(0x40000000, S2_WB));
	fake_put(T(0), BLOCK(0, IDX_WB) | UXN);
	fake_put(T(7), S2_PAGE(0x80000000, S2_WB) | UINT64_C(1) << 53);
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_false(result.executable);
}

/* ---- Types ---- */

static void types_while_nothing_translates(void **state)
{
	static const struct {
		uint64_t sctlr, hcr;
		enum mem_type data, fetch;
	} cases[] = {
		{0, 0, MEM_DEVICE, MEM_NC},
		{SCTLR_C, 0, MEM_DEVICE, MEM_NC},
		{SCTLR_I, 0, MEM_DEVICE, MEM_WT},
		{SCTLR_I | SCTLR_M, HCR_TGE, MEM_DEVICE, MEM_WT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_regs.sctlr[1] = cases[i].sctlr;
		fake_regs.hcr = HCR_RW | cases[i].hcr;
		assert_ok(fake_translate(REGIME_EL10, 0x80001234, &result));
		assert_int_equal(result.data, cases[i].data);
		assert_int_equal(result.fetch, cases[i].fetch);
		assert_int_equal(result.alias, cases[i].data);
		assert_int_equal(result.paddr + (0x80001234 - result.va), 0x80001234);
		assert_int_equal(result.descriptor, 0);
		assert_true(result.executable);
	}
	assert_int_equal(fake_translate(REGIME_EL10, UINT64_C(1) << 48, &result), WALK_FAULT_S1);
	/* The top byte may be a tag. */
	assert_ok(fake_translate(REGIME_EL10, UINT64_C(0xff00000080001234), &result));
	assert_int_equal(fake_translate(REGIME_EL10, UINT64_C(1) << 55, &result), WALK_FAULT_S1);
}

/* Stage 1 off above stage 2; HCR_EL2.DC makes it write-back and ignores SCTLR_EL1. */
static void types_of_stage_1_off_above_stage_2(void **state)
{
	static const struct {
		uint64_t sctlr, hcr, s2;
		enum mem_type data, fetch;
	} cases[] = {
		{0, HCR_VM, 0xf, MEM_DEVICE, MEM_NC},
		{SCTLR_I, HCR_VM, 0xf, MEM_DEVICE, MEM_WT},
		{SCTLR_I, HCR_VM, 0x5, MEM_DEVICE, MEM_NC},
		{SCTLR_I, HCR_VM, 0x0, MEM_DEVICE, MEM_DEVICE},
		{0, HCR_DC, 0xf, MEM_WB, MEM_WB},
		{SCTLR_M, HCR_DC, 0xf, MEM_WB, MEM_WB},
		{0, HCR_DC, 0xa, MEM_WT, MEM_WT},
		{0, HCR_DC, 0x5, MEM_NC, MEM_NC},
		{0, HCR_DC | HCR_CD, 0xf, MEM_NC, MEM_WB},
		{0, HCR_DC | HCR_ID, 0xf, MEM_WB, MEM_NC},
		{0, HCR_VM | HCR_FWB, 0x6, MEM_WB, MEM_WB},
		{SCTLR_I, HCR_VM | HCR_FWB, 0x7, MEM_DEVICE, MEM_WT},
		{SCTLR_I, HCR_VM | HCR_FWB, 0x5, MEM_DEVICE, MEM_NC},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		stage2_tables();
		fake_regs.sctlr[1] = cases[i].sctlr;
		fake_regs.hcr = HCR_RW | cases[i].hcr;
		fake_put(T(7), S2_PAGE(0x80000000, cases[i].s2));
		assert_ok(fake_translate(REGIME_EL10, 0, &result));
		assert_int_equal(result.data, cases[i].data);
		assert_int_equal(result.fetch, cases[i].fetch);
	}
}

/* Rows: stage 1's index; columns: stage 2's MemAttr. D N M T B: Device, NC, MIXED, WT, WB. */
static enum mem_type type_of_letter(char letter)
{
	switch (letter) {
	case 'D':
		return MEM_DEVICE;
	case 'N':
		return MEM_NC;
	case 'M':
		return MEM_MIXED;
	case 'T':
		return MEM_WT;
	default:
		return MEM_WB;
	}
}

struct matrix {
	uint64_t hcr;
	const char *s2; /* MemAttr, in hexadecimal */
	const char *rows[5];
};
static const unsigned int matrix_s1[5] = {IDX_DEVICE, IDX_NC, IDX_MIXED, IDX_WT, IDX_WB};

static void check_matrix(const struct matrix *matrix)
{
	stage2_tables();
	el1_on(TCR_WB(25, 25));
	fake_regs.hcr = HCR_RW | HCR_VM | matrix->hcr;
	fake_regs.ttbr0[1] = 0x1000;
	fake_put(T(7) + 8, S2_PAGE(T(0), matrix->hcr & HCR_FWB ? 0x6 : 0xf));
	for (size_t s1 = 0; s1 < 5; s1++) {
		for (size_t s2 = 0; matrix->s2[s2]; s2++) {
			char c = matrix->s2[s2];
			unsigned int attr = (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
			enum mem_type expected = type_of_letter(matrix->rows[s1][s2]);

			fake_put(T(0), BLOCK(0, matrix_s1[s1]));
			fake_put(T(7), S2_PAGE(0x80000000, attr));
			assert_ok(fake_translate(REGIME_EL10, 0, &result));
			if (result.data != expected) {
				fail_msg("row %zu, MemAttr %c: %d", s1, c, result.data);
			}
			assert_int_equal(result.fetch, expected);
			assert_int_equal(result.alias, expected);
		}
	}
}

static void types_of_both_stages_combined(void **state)
{
	/*
	 * The mixed row is inner WB, outer NC. MemAttr 7: outer NC, inner WB; d: the reverse; b: outer WT,
	 * inner WB; c is reserved.
	 */
	static const struct matrix matrix = {0,
					     "0125adf7bc",
					     {
						     "DDDDDDDDDD",
						     "DDDNNNNNNN",
						     "DDDNMNMMMN",
						     "DDDNTMTMTM",
						     "DDDNTMBMTM",
					     }};

	check_matrix(&matrix);
}

static void types_forced_by_stage_2(void **state)
{
	static const struct matrix matrix = {HCR_FWB,
					     "0123567",
					     {
						     "DDDDDBD",
						     "DDDDNBN",
						     "DDDDNBM",
						     "DDDDNBT",
						     "DDDDNBB",
					     }};

	check_matrix(&matrix);
}

static void caches_off_at_stage_1(void **state)
{
	el1_page_tables();
	fake_regs.sctlr[1] = SCTLR_M;
	fake_put(T(3), PAGE(0x80000000, IDX_WB));
	fake_put(T(3) + 8, PAGE(0x80000000, IDX_DEVICE));
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_int_equal(result.data, MEM_NC);
	assert_int_equal(result.fetch, MEM_NC);
	assert_int_equal(result.alias, MEM_WB); /* another CPU's caches may be on */
	assert_int_equal(fake_log[0].type, MEM_NC);
	assert_ok(fake_translate(REGIME_EL10, 0x1000, &result));
	assert_int_equal(result.data, MEM_DEVICE);
	fake_regs.sctlr[1] = SCTLR_M | SCTLR_C;
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_int_equal(result.data, MEM_WB);
	assert_int_equal(result.fetch, MEM_NC);
	assert_int_equal(fake_log[0].type, MEM_WB);
}

static void caches_off_at_stage_2(void **state)
{
	stage2_tables();
	el1_on(TCR_WB(25, 25));
	fake_regs.ttbr0[1] = 0x1000;
	fake_put(T(7) + 8, S2_PAGE(T(0), S2_WB));
	fake_put(T(7), S2_PAGE(0x80000000, S2_WB));
	fake_put(T(0), BLOCK(0, IDX_WB));
	fake_regs.hcr |= HCR_CD;
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_int_equal(result.data, MEM_NC);
	assert_int_equal(result.fetch, MEM_WB);
	assert_int_equal(result.alias, MEM_WB);
	assert_int_equal(fake_log[0].type, MEM_NC); /* stage 2's own walk */
	assert_int_equal(fake_log[3].type, MEM_NC); /* stage 1's, through stage 2 */
	fake_regs.hcr ^= HCR_CD | HCR_ID;
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_int_equal(result.data, MEM_WB);
	assert_int_equal(result.fetch, MEM_NC);
	assert_int_equal(fake_log[0].type, MEM_WB);
}

/* A guest whose caches are off, its memory forced write-back: the case that FWB is for. */
static void forced_write_back_wins_over_a_guest_with_caches_off(void **state)
{
	stage2_tables();
	el1_on(TCR_WB(25, 25));
	fake_regs.hcr |= HCR_FWB;
	fake_regs.sctlr[1] = SCTLR_M;
	fake_regs.ttbr0[1] = 0x1000;
	fake_put(T(7) + 8, S2_PAGE(T(0), 0x6));
	fake_put(T(7), S2_PAGE(0x80000000, 0x6));
	fake_put(T(0), BLOCK(0, IDX_NC));
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_int_equal(result.data, MEM_WB);
	assert_int_equal(result.fetch, MEM_WB);
	assert_int_equal(fake_log[3].type, MEM_WB);
	fake_put(T(7), S2_PAGE(0x80000000, 0x7));
	fake_put(T(0), BLOCK(0, IDX_WB));
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_int_equal(result.data, MEM_NC);
	assert_int_equal(result.alias, MEM_WB);
}

static void types_of_walks_come_from_tcr(void **state)
{
	static const enum mem_type types[4][4] = {
		/* outer NC, WB, WT, WB without write-allocate */
		{MEM_NC, MEM_MIXED, MEM_MIXED, MEM_MIXED}, /* inner NC */
		{MEM_MIXED, MEM_WB, MEM_WT, MEM_WB},
		{MEM_MIXED, MEM_WT, MEM_WT, MEM_WT},
		{MEM_MIXED, MEM_WB, MEM_WT, MEM_WB},
	};

	el1_page_tables();
	for (unsigned int inner = 0; inner < 4; inner++) {
		for (unsigned int outer = 0; outer < 4; outer++) {
			fake_regs.tcr[1] =
				(fake_regs.tcr[1] & ~UINT64_C(0xf00)) | inner << 8 | outer << 10;
			fake_regs.vtcr = (VTCR(24, 1) & ~UINT64_C(0xf00)) | inner << 8 | outer << 10;
			fake_regs.hcr = HCR_RW;
			fake_translate(REGIME_EL10, 0, &result);
			assert_int_equal(fake_log[0].type, types[inner][outer]);
			fake_regs.hcr = HCR_RW | HCR_VM;
			fake_regs.vttbr = T(5);
			fake_translate_ipa(0, &result);
			assert_int_equal(fake_log[0].type, types[inner][outer]);
			fake_regs.hcr = HCR_RW;
			fake_regs.tcr[1] = (fake_regs.tcr[1] & ~(UINT64_C(0xf) << 24)) |
					   (uint64_t)inner << 24 | outer << 26;
			fake_translate(REGIME_EL10, UINT64_C(0xffffff8000000000), &result);
			assert_int_equal(fake_log[0].type, types[inner][outer]);
		}
	}
}

static void stage_2_alone(void **state)
{
	/* Off: the identity. */
	assert_ok(fake_translate_ipa(0x12345678, &result));
	assert_int_equal(result.paddr + (0x12345678 - result.ipa), 0x12345678);
	assert_int_equal(result.data, MEM_WB);
	stage2_tables();
	fake_put(T(7) + 8, S2_PAGE(0x80000000, 0xa));
	assert_ok(fake_translate_ipa(0x1234, &result));
	assert_block(0x1000, 0x80000000, 12);
	assert_int_equal(result.data, MEM_WT);
	assert_true(result.executable);
	/* Hardware manages the dirty state: not writable now, but at the first store. */
	fake_put(T(7) + 8, (S2_PAGE(0x80000000, 0xa) & ~UINT64_C(0x80)) | UINT64_C(1) << 51);
	assert_ok(fake_translate_ipa(0x1234, &result));
	assert_false(result.writable);
	fake_regs.vtcr |= 3u << 21;
	assert_ok(fake_translate_ipa(0x1234, &result));
	assert_true(result.writable);
}

static void stage_2_of_52_bits(void **state)
{
	fake_regs.hcr |= HCR_VM;
	fake_regs.has_lpa2 = true;
	fake_regs.pa_bits = 52;
	fake_regs.vttbr = T(5);
	/* SL2 and SL0 0: from level -1. */
	fake_regs.vtcr = (VTCR(12, 0) & ~(UINT64_C(7) << 16)) | 6u << 16 | UINT64_C(3) << 32;
	fake_put(T(5) + 8 * 9, TABLE(T(6)) & ~INNER);
	fake_put(T(6), (S2_BLOCK(0, S2_WB) & ~INNER) | UINT64_C(1) << 49 | 1 << 8);
	assert_ok(fake_translate_ipa(UINT64_C(9) << 48, &result));
	assert_block(UINT64_C(9) << 48, UINT64_C(6) << 48, 39);
	assert_int_equal(fake_log[0].level, ARM_LEVEL_MINUS_1);
}

/* ---- Whatever the guest puts there ---- */

static uint64_t random_word(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void tables_that_point_at_themselves_end(void **state)
{
	stage2_tables();
	el1_on(TCR_WB(16, 16));
	fake_regs.vttbr = fake_regs.ttbr0[1] = T(0);
	fake_put(T(0), TABLE(T(0)));
	fake_translate(REGIME_EL10, 0, &result);
	/* Four tables of stage 1 and the result, each below three of stage 2. */
	assert_in_range(fake_nr_reads, 1, 5 * 3 + 4);
}

static void random_registers_and_tables_are_harmless(void **state)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

	for (unsigned int round = 0; round < 100000; round++) {
		if (round % 1000 == 0) {
			fake_fill((uint32_t)random_word(&seed));
		}
		for (uint64_t *word = (uint64_t *)&fake_regs; word <= &fake_regs.contextidr; word++) {
			*word = random_word(&seed);
		}
		/* Often, tables that are in memory. */
		for (unsigned int el = 1; el < 4; el++) {
			fake_regs.ttbr0[el] &= 0x7ffff | UINT64_C(0xffff) << 48;
			fake_regs.ttbr0[el] |= FAKE_BASE;
			fake_regs.ttbr1[el] = fake_regs.ttbr0[el] + 0x1000;
		}
		fake_regs.vttbr = FAKE_BASE;
		fake_regs.el1_aarch32 = round & 1;
		fake_regs.has_lpa2 = round & 2;
		fake_regs.pa_bits = (uint8_t)(32 + random_word(&seed) % 21);
		fake_translate((enum arm_regime)(round % NR_REGIMES),
			       random_word(&seed) >> round % 64, &result);
		assert_in_range(fake_nr_reads, 0, 6 * 5 + 5);
		assert_in_range(result.shift, 0, 63);
		fake_translate_ipa(random_word(&seed) >> round % 64, &result);
		assert_in_range(fake_nr_reads, 0, 5);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, fake_reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(page_at_level_3_and_every_descriptor_on_the_way),
		TEST(blocks_of_2_mib_and_1_gib),
		TEST(upper_range_of_39_bits),
		TEST(granule_of_16_kib),
		TEST(granule_of_64_kib),
		TEST(output_bits_51_to_48_of_64_kib),
		TEST(lpa2_has_level_minus_1_and_52_bits),
		TEST(lpa2_of_16_kib_has_blocks_at_level_1),
		TEST(regimes_of_el2_and_el3),
		TEST(regime_el20_has_two_ranges),
		TEST(tags_are_ignored_where_tbi_says_so),
		TEST(faults_of_stage_1),
		TEST(walks_that_are_switched_off_fault),
		TEST(blocks_where_there_are_none),
		TEST(table_in_a_device_is_said_to_be_no_memory),
		TEST(permissions_of_leaf_and_tables),
		TEST(writable_is_not_executable_with_wxn),
		TEST(dirty_state_managed_by_hardware_is_writable),
		TEST(contiguous_and_not_global_are_told),
		TEST(concatenated_tables_of_stage_2),
		TEST(start_levels_of_stage_2),
		TEST(tables_of_stage_1_go_through_stage_2),
		TEST(faults_of_stage_2),
		TEST(protected_walks_refuse_tables_in_device_memory),
		TEST(the_smaller_block_of_both_stages_counts),
		TEST(permissions_of_stage_2),
		TEST(types_while_nothing_translates),
		TEST(types_of_stage_1_off_above_stage_2),
		TEST(types_of_both_stages_combined),
		TEST(types_forced_by_stage_2),
		TEST(caches_off_at_stage_1),
		TEST(caches_off_at_stage_2),
		TEST(forced_write_back_wins_over_a_guest_with_caches_off),
		TEST(types_of_walks_come_from_tcr),
		TEST(stage_2_alone),
		TEST(stage_2_of_52_bits),
		TEST(tables_that_point_at_themselves_end),
		TEST(random_registers_and_tables_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
