/* SPDX-License-Identifier: MIT */
/* Walks of VMSAv8-32, both formats. */
#include "arm/arm_fake.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>

#include <cmocka.h>

#include "arm/arm_internal.h"

#define T0              FAKE_BASE             /* level 1, 16 KiB */
#define T1              (FAKE_BASE + 0x10000) /* of TTBR1 */
#define L2              (FAKE_BASE + 0x20000)
#define L3              (FAKE_BASE + 0x30000)

/* Short descriptors. AP 011: read and write for all. */
#define TEX_CB(tex, cb) ((tex) << 2 | (cb))
#define WB              TEX_CB(1, 3)
#define SECTION(paddr, tex_cb) \
	((uint32_t)(paddr) | (tex_cb) >> 2 << 12 | 3 << 10 | ((tex_cb)&3) << 2 | 2)
#define SMALL(paddr, tex_cb) \
	((uint32_t)(paddr) | (tex_cb) >> 2 << 6 | 3 << 4 | ((tex_cb)&3) << 2 | 2)
#define LARGE(paddr, tex_cb) \
	((uint32_t)(paddr) | (tex_cb) >> 2 << 12 | 3 << 4 | ((tex_cb)&3) << 2 | 1)
#define SHORT_TABLE(paddr) ((uint32_t)(paddr) | 1)

#define EAE                UINT64_C(0x80000000)

static struct arm_translation result;

static int short_format(void **state)
{
	fake_reset(state);
	fake_regs.hcr = 0;
	fake_regs.el1_aarch32 = arm_el1_is_aarch32(&fake_regs);
	fake_regs.sctlr[1] = SCTLR_ON;
	/* Walks write-back: IRGN 01 is bit 6, RGN 01 is bit 3. */
	fake_regs.ttbr0[1] = T0 | 0x48;
	fake_regs.ttbr1[1] = T1 | 0x48;
	fake_regs.dacr = 0x55555555;
	return 0;
}

static void assert_block(uint64_t va, uint64_t paddr, unsigned int shift)
{
	assert_int_equal(result.va, va);
	assert_int_equal(result.paddr, paddr);
	assert_int_equal(result.shift, shift);
}

static void assert_ok(enum arm_walk_result walked)
{
	assert_int_equal(walked, WALK_OK);
}

static void sections_and_supersections(void **state)
{
	fake_put32(T0 + 4 * 0x123, SECTION(0x80000000, WB));
	/* Physical address bits 35:32 in 23:20, 39:36 in 8:5. */
	fake_put32(T0 + 4 * 0x205, SECTION(0x51200060, WB) | 1 << 18);
	assert_ok(fake_translate(REGIME_EL10, 0x12345678, &result));
	assert_block(0x12300000, 0x80000000, 20);
	assert_int_equal(result.data, MEM_WB);
	assert_int_equal(result.level, 1);
	assert_int_equal(fake_log[0].paddr, T0 + 4 * 0x123);
	assert_int_equal(fake_log[0].size, 4);
	assert_int_equal(fake_log[0].type, MEM_WB);
	assert_ok(fake_translate(REGIME_EL10, 0x20512345, &result));
	assert_block(0x20000000, UINT64_C(0x3251000000), 24);
}

static void small_and_large_pages(void **state)
{
	fake_put32(T0, SHORT_TABLE(L2 + 0x400));
	fake_put32(L2 + 0x400 + 4 * 7, SMALL(0x80007000, WB));
	fake_put32(L2 + 0x400 + 4 * 0x21, LARGE(0x80050000, TEX_CB(0, 2)));
	assert_ok(fake_translate(REGIME_EL10, 0x7123, &result));
	assert_block(0x7000, 0x80007000, 12);
	assert_int_equal(fake_nr_log, 2);
	assert_int_equal(fake_log[1].paddr, L2 + 0x400 + 4 * 7);
	assert_int_equal(fake_log[1].input, 0x7000);
	assert_int_equal(result.level, 2);
	assert_ok(fake_translate(REGIME_EL10, 0x21fff, &result));
	assert_block(0x20000, 0x80050000, 16);
	assert_int_equal(result.data, MEM_WT);
}

static void ttbcr_n_splits_the_addresses(void **state)
{
	fake_regs.tcr[1] = 2;
	fake_regs.ttbr0[1] = (T0 + 0x1000) | 0x48; /* 4 KiB are enough now */
	fake_put32(T0 + 0x1000 + 4 * 0x3ff, SECTION(0x80000000, WB));
	fake_put32(T1 + 4 * 0x400, SECTION(0x90000000, WB));
	fake_put32(T1 + 4 * 0x3ff, SECTION(0xa0000000, WB));
	assert_ok(fake_translate(REGIME_EL10, 0x3fffffff, &result));
	assert_block(0x3ff00000, 0x80000000, 20);
	assert_ok(fake_translate(REGIME_EL10, 0x40000000, &result));
	assert_block(0x40000000, 0x90000000, 20);
	fake_regs.tcr[1] |= 1 << 5; /* PD1 */
	assert_int_equal(fake_translate(REGIME_EL10, 0x40000000, &result), WALK_FAULT_S1);
	fake_regs.tcr[1] ^= 3 << 4; /* PD0 */
	assert_int_equal(fake_translate(REGIME_EL10, 0x3fffffff, &result), WALK_FAULT_S1);
}

/*
 * TEX, C and B without remapping: Arm ARM, "Short-descriptor format memory region attributes, without TEX
 * remap".
 */
static void attributes_without_tex_remap(void **state)
{
	static const struct {
		unsigned int tex, cb;
		enum mem_type type;
	} cases[] = {
		{0, 0, MEM_DEVICE}, {0, 1, MEM_DEVICE}, {0, 2, MEM_WT},     {0, 3, MEM_WB},
		{1, 0, MEM_NC},     {1, 3, MEM_WB},     {2, 0, MEM_DEVICE}, {4, 0, MEM_NC},
		{4, 1, MEM_MIXED},  {5, 1, MEM_WB},     {5, 2, MEM_WT},     {6, 2, MEM_WT},
		{7, 3, MEM_WB},     {7, 0, MEM_MIXED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_put32(T0, SECTION(0x80000000, TEX_CB(cases[i].tex, cases[i].cb)));
		fake_put32(T0 + 4, SHORT_TABLE(L2));
		fake_put32(L2, SMALL(0x80000000, TEX_CB(cases[i].tex, cases[i].cb)));
		fake_put32(L2 + 4 * 16, LARGE(0x80000000, TEX_CB(cases[i].tex, cases[i].cb)));
		for (uint64_t va = 0; va < 0x120000; va += va ? 0x10000 : 0x100000) {
			assert_ok(fake_translate(REGIME_EL10, va, &result));
			assert_int_equal(result.data, cases[i].type);
		}
	}
}

static void attributes_with_tex_remap(void **state)
{
	/*
	 * PRRR: n is Normal (10) but for 1, Device (01), and 3, Strongly-ordered. NMRR: inner n, outer 3 -
	 * n for n < 4.
	 */
	fake_regs.sctlr[1] |= SCTLR_TRE;
	fake_regs.mair[1] = 0xaa26 | UINT64_C(0x1b00e4) << 32;
	fake_put32(T0, SECTION(0x80000000, TEX_CB(0, 0)));
	fake_put32(T0 + 4, SECTION(0x80000000, TEX_CB(2, 1))); /* TEX[2:1] are software's */
	fake_put32(T0 + 8, SECTION(0x80000000, TEX_CB(6, 2)));
	fake_put32(T0 + 12, SECTION(0x80000000, TEX_CB(0, 3)));
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_int_equal(result.data, MEM_MIXED); /* inner NC, outer WB */
	assert_ok(fake_translate(REGIME_EL10, 0x100000, &result));
	assert_int_equal(result.data, MEM_DEVICE);
	assert_ok(fake_translate(REGIME_EL10, 0x200000, &result));
	assert_int_equal(result.data, MEM_WT); /* inner WT, outer WB */
	assert_ok(fake_translate(REGIME_EL10, 0x300000, &result));
	assert_int_equal(result.data, MEM_DEVICE);
}

static void domains_of_no_access_fault(void **state)
{
	fake_put32(T0, SECTION(0x80000000, WB) | 3 << 5);
	fake_put32(T0 + 4, SHORT_TABLE(L2) | 4 << 5);
	fake_put32(L2, SMALL(0x80007000, WB));
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_ok(fake_translate(REGIME_EL10, 0x100000, &result));
	fake_regs.dacr &= ~(UINT64_C(3) << 6);
	assert_int_equal(fake_translate(REGIME_EL10, 0, &result), WALK_FAULT_S1);
	assert_ok(fake_translate(REGIME_EL10, 0x100000, &result));
	fake_regs.dacr &= ~(UINT64_C(3) << 8);
	assert_int_equal(fake_translate(REGIME_EL10, 0x100000, &result), WALK_FAULT_S1);
	fake_put32(T0 + 4, SHORT_TABLE(L2) | 15 << 5);
	fake_regs.dacr = UINT64_C(3) << 30; /* manager */
	assert_ok(fake_translate(REGIME_EL10, 0x100000, &result));
}

static void types_of_walks_come_from_ttbr(void **state)
{
	static const struct {
		uint32_t bits; /* IRGN[1] is bit 0, IRGN[0] bit 6, RGN 4:3 */
		enum mem_type type;
	} cases[] = {{0, MEM_NC},       {0x48, MEM_WB},
		     {0x11, MEM_WT},    {0x59, MEM_WB},
		     {0x40, MEM_MIXED}, {0x08, MEM_MIXED},
		     {0x49, MEM_WB},    {0x01 | 0x10 | 0x20, MEM_WT}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_regs.ttbr0[1] = T0 | cases[i].bits;
		fake_translate(REGIME_EL10, 0, &result);
		assert_int_equal(fake_log[0].type, cases[i].type);
		assert_int_equal(fake_log[0].paddr, T0);
	}
}

static void access_permissions_of_short_descriptors(void **state)
{
	static const struct {
		uint32_t ap; /* AP[2:0] */
		bool afe, fault, writable;
	} cases[] = {
		{0, false, true, false}, {1, false, false, true},  {2, false, false, true},
		{3, false, false, true}, {5, false, false, false}, {7, false, false, false},
		{0, true, true, false},  {1, true, false, true},   {3, true, false, true},
		{5, true, false, false}, {6, true, true, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t ap = (cases[i].ap >> 2) << 15 | (cases[i].ap & 3) << 10;

		fake_regs.sctlr[1] = cases[i].afe ? SCTLR_ON | SCTLR_AFE : SCTLR_ON;
		fake_put32(T0, (SECTION(0x80000000, WB) & ~0xc00u) | ap);
		assert_int_equal(fake_translate(REGIME_EL10, 0, &result),
				 cases[i].fault ? WALK_FAULT_S1 : WALK_OK);
		assert_int_equal(result.writable, cases[i].writable);
	}
}

static void execute_never_of_short_descriptors(void **state)
{
	fake_put32(T0, SECTION(0x80000000, WB));
	fake_put32(T0 + 4, SECTION(0x80000000, WB) | 1 << 4);
	fake_put32(T0 + 8, (SECTION(0x80000000, WB) & ~0x800u) | 1); /* PXN, EL1 only */
	fake_put32(T0 + 12, SHORT_TABLE(L2) | 1 << 2);               /* PXN for all */
	fake_put32(L2, SMALL(0x80007000, WB));
	fake_put32(L2 + 4, SMALL(0x80007000, WB) & ~0x20u);
	fake_put32(L2 + 8, SMALL(0x80007000, WB) | 1);
	fake_put32(L2 + 4 * 16, LARGE(0x80010000, WB) | 1 << 15);
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_true(result.executable);
	assert_ok(fake_translate(REGIME_EL10, 0x100000, &result));
	assert_false(result.executable);
	assert_ok(fake_translate(REGIME_EL10, 0x200000, &result));
	assert_false(result.executable);
	assert_ok(fake_translate(REGIME_EL10, 0x300000, &result));
	assert_true(result.executable);
	assert_ok(fake_translate(REGIME_EL10, 0x301000, &result));
	assert_false(result.executable);
	assert_ok(fake_translate(REGIME_EL10, 0x302000, &result));
	assert_false(result.executable);
	assert_ok(fake_translate(REGIME_EL10, 0x310000, &result));
	assert_false(result.executable);
	/* Writable is not executable, if asked for. */
	fake_regs.sctlr[1] |= SCTLR_WXN;
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_false(result.executable);
}

static void asid_of_short_descriptors_is_in_contextidr(void **state)
{
	fake_regs.contextidr = 0x12345;
	fake_put32(T0, SECTION(0x80000000, WB) | 1 << 17);
	fake_put32(T0 + 4, SHORT_TABLE(L2));
	fake_put32(L2, SMALL(0x80007000, WB) | 1 << 11);
	fake_put32(L2 + 4, SMALL(0x80007000, WB));
	assert_ok(fake_translate(REGIME_EL10, 0x101000, &result));
	assert_true(result.global);
	assert_ok(fake_translate(REGIME_EL10, 0x100000, &result));
	assert_false(result.global);
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_false(result.global);
	assert_int_equal(fake_log[0].stage.asid, 0x45);
}

static void short_descriptors_below_stage_2(void **state)
{
	fake_regs.hcr |= HCR_VM;
	fake_regs.vtcr = VTCR(25, 1);
	fake_regs.vttbr = L3;
	fake_put(L3 + 8, S2_BLOCK(0x40000000, S2_WB));
	fake_put(L3 + 16, S2_BLOCK(0xc0000000, 0xa));
	fake_put32(T0, SECTION(0x80100000, WB));
	assert_ok(fake_translate(REGIME_EL10, 0x1234, &result));
	assert_block(0, 0xc0100000, 20);
	assert_int_equal(result.ipa, 0x80100000);
	assert_int_equal(result.data, MEM_WT);
}

static void long_descriptors_of_one_range(void **state)
{
	fake_regs.tcr[1] = EAE | 5 << 8;
	fake_regs.ttbr0[1] = T0 | UINT64_C(9) << 48;
	fake_regs.mair[1] = FAKE_MAIR;
	fake_put(T0 + 8 * 3, TABLE(L2));
	fake_put(L2 + 8 * 5, BLOCK(0x80000000, IDX_WB));
	assert_ok(fake_translate(REGIME_EL10, 0xc0a12345, &result));
	assert_block(0xc0a00000, 0x80000000, 21);
	assert_int_equal(fake_log[0].level, 1);
	assert_int_equal(fake_log[0].type, MEM_WB);
	assert_int_equal(fake_log[0].stage.asid, 9);
	/* Beyond 40 bits: address size. */
	fake_put(L2 + 8 * 5, BLOCK(UINT64_C(1) << 40, IDX_WB));
	assert_int_equal(fake_translate(REGIME_EL10, 0xc0a12345, &result), WALK_FAULT_S1);
}

/*
 * T0SZ, T1SZ: which table, for an address in each GiB. Arm ARM, "Use of TTBR0 and TTBR1 ...
 * Long-descriptor".
 */
static void long_descriptors_of_two_ranges(void **state)
{
	static const struct {
		unsigned int t0sz, t1sz;
		const char *tables; /* by GiB: 0, 1, or F for a fault */
	} cases[] = {{0, 0, "0000"}, {1, 0, "0011"}, {2, 0, "0111"}, {0, 1, "0011"},
		     {0, 2, "0001"}, {1, 1, "0011"}, {1, 2, "00F1"}, {2, 2, "0FF1"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_reset(state);
		fake_regs.hcr = 0;
		fake_regs.el1_aarch32 = true;
		fake_regs.sctlr[1] = SCTLR_ON;
		fake_regs.tcr[1] = EAE | cases[i].t0sz | cases[i].t1sz << 16;
		fake_regs.ttbr0[1] = T0;
		fake_regs.ttbr1[1] = T1;
		fake_regs.mair[1] = FAKE_MAIR;
		for (unsigned int n = 0; n < 4; n++) {
			/* At level 1; from level 2 on all entries alike. */
			fake_put(T0 + 8 * n, BLOCK(0x40000000, IDX_WB));
			fake_put(T1 + 8 * n, BLOCK(0x80000000, IDX_WB));
		}
		for (unsigned int gib = 0; gib < 4; gib++) {
			enum arm_walk_result walked =
				fake_translate(REGIME_EL10, (uint64_t)gib << 30, &result);
			char expected = cases[i].tables[gib];

			if (expected == 'F') {
				assert_int_equal(walked, WALK_FAULT_S1);
				assert_int_equal(fake_nr_log, 0);
			} else {
				assert_ok(walked);
				assert_int_equal(result.paddr & 0xc0000000,
						 expected == '0' ? 0x40000000 : 0x80000000);
			}
		}
	}
}

static void xn_of_long_descriptors_is_for_both_levels(void **state)
{
	fake_regs.tcr[1] = EAE;
	fake_regs.ttbr0[1] = T0;
	fake_regs.mair[1] = FAKE_MAIR;
	fake_put(T0, BLOCK(0x80000000, IDX_WB) | UXN);
	fake_put(T0 + 8, BLOCK(0x80000000, IDX_WB) | PXN);
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_false(result.executable);
	assert_ok(fake_translate(REGIME_EL10, 0x40000000, &result));
	assert_true(result.executable);
	/* A table's bits count, unless TTBCR.T2E and TTBCR2.HPD0 say otherwise. */
	fake_put(T0, TABLE(L2) | UINT64_C(1) << 60);
	fake_put(L2, BLOCK(0x80000000, IDX_WB));
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_false(result.executable);
	fake_regs.tcr[1] |= UINT64_C(1) << 41;
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_false(result.executable);
	fake_regs.tcr[1] |= 1 << 6;
	assert_ok(fake_translate(REGIME_EL10, 0, &result));
	assert_true(result.executable);
}

static void addresses_are_32_bits(void **state)
{
	fake_put32(T0 + 4 * 0xfff, SECTION(0x80000000, WB));
	assert_ok(fake_translate(REGIME_EL10, UINT64_C(0xfffffffffff00000), &result));
	assert_block(0xfff00000, 0x80000000, 20);
}

#define TEST(name) cmocka_unit_test_setup(name, short_format)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sections_and_supersections),
		TEST(small_and_large_pages),
		TEST(ttbcr_n_splits_the_addresses),
		TEST(attributes_without_tex_remap),
		TEST(attributes_with_tex_remap),
		TEST(domains_of_no_access_fault),
		TEST(types_of_walks_come_from_ttbr),
		TEST(access_permissions_of_short_descriptors),
		TEST(execute_never_of_short_descriptors),
		TEST(asid_of_short_descriptors_is_in_contextidr),
		TEST(short_descriptors_below_stage_2),
		TEST(long_descriptors_of_one_range),
		TEST(long_descriptors_of_two_ranges),
		TEST(xn_of_long_descriptors_is_for_both_levels),
		TEST(addresses_are_32_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
