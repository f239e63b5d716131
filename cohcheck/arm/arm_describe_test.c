/* SPDX-License-Identifier: MIT */
/* Descriptors by themselves, and which of their changes need break-before-make. */
#include "arm/arm_fake.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "arm/arm_internal.h"

static struct arm_descriptor desc;

/* Stage 1 of EL1, 4 KiB, 39 bits. */
static struct arm_stage stage1(void)
{
	return (struct arm_stage){
		.stage = 1,
		.format = ARM_VMSA64,
		.granule_shift = 12,
		.start_level = 1,
		.ia_bits = 39,
		.oa_bits = 48,
		.enabled = true,
		.mair = FAKE_MAIR,
		.hierarchical = true,
		.user = true,
		.el = 1,
	};
}

static struct arm_stage stage2(bool fwb)
{
	struct arm_stage stage = stage1();

	stage.stage = 2;
	stage.mair = 0;
	stage.user = stage.hierarchical = false;
	stage.fwb = fwb;
	return stage;
}

static struct arm_stage short_format(void)
{
	struct arm_stage stage = stage1();

	stage.format = ARM_VMSA32_SHORT;
	stage.ia_bits = 32;
	stage.oa_bits = 40;
	stage.mair = 0;
	stage.domains = 0xffff;
	return stage;
}

static void sizes_of_tables_and_descriptors(void **state)
{
	struct arm_stage stage = stage1();

	assert_int_equal(arm_level_shift(&stage, 3), 12);
	assert_int_equal(arm_level_shift(&stage, 2), 21);
	assert_int_equal(arm_level_shift(&stage, 1), 30);
	assert_int_equal(arm_level_shift(&stage, 0), 39);
	assert_int_equal(arm_level_shift(&stage, ARM_LEVEL_MINUS_1), 48);
	assert_int_equal(arm_table_entries(&stage, 1), 512);
	stage.ia_bits = 36;
	assert_int_equal(arm_table_entries(&stage, 1), 64);
	assert_int_equal(arm_table_entries(&stage, 2), 512);
	stage.ia_bits = 43; /* stage 2, 16 tables concatenated */
	assert_int_equal(arm_table_entries(&stage, 1), 8192);
	stage.granule_shift = 14;
	assert_int_equal(arm_level_shift(&stage, 2), 25);
	assert_int_equal(arm_table_entries(&stage, 2), 2048);
	stage.granule_shift = 16;
	assert_int_equal(arm_level_shift(&stage, 2), 29);
	assert_int_equal(arm_table_entries(&stage, 3), 8192);
	stage = short_format();
	assert_int_equal(arm_level_shift(&stage, 1), 20);
	assert_int_equal(arm_level_shift(&stage, 2), 12);
	assert_int_equal(arm_table_entries(&stage, 1), 4096);
	assert_int_equal(arm_table_entries(&stage, 2), 256);
	assert_int_equal(arm_descriptor_size(&stage), 4);
	stage.ia_bits = 30;
	assert_int_equal(arm_table_entries(&stage, 1), 1024);
}

static void first_input_of_a_stage(void **state)
{
	struct arm_stage stage = stage1();

	assert_int_equal(arm_stage_first_input(&stage), 0);
	stage.top = true;
	assert_int_equal(arm_stage_first_input(&stage), UINT64_C(0xffffff8000000000));
	stage.format = ARM_VMSA32_LONG;
	stage.ia_bits = 30;
	assert_int_equal(arm_stage_first_input(&stage), 0xc0000000);
	stage.ia_bits = 32;
	assert_int_equal(arm_stage_first_input(&stage), 0);
	stage.format = ARM_VMSA32_SHORT;
	assert_int_equal(arm_stage_first_input(&stage), 0);
}

static void kinds_of_descriptors(void **state)
{
	struct arm_stage stage = stage1();

	arm_describe(&desc, &stage, 1, 0x80000000);
	assert_int_equal(desc.kind, DESC_INVALID);
	arm_describe(&desc, &stage, 1, TABLE(0x80001000));
	assert_int_equal(desc.kind, DESC_TABLE);
	assert_int_equal(desc.output, 0x80001000);
	assert_int_equal(desc.shift, 30);
	arm_describe(&desc, &stage, 2, BLOCK(0x80200000, IDX_WB) | CONTIGUOUS | NG);
	assert_int_equal(desc.kind, DESC_LEAF);
	assert_int_equal(desc.output, 0x80200000);
	assert_int_equal(desc.shift, 21);
	assert_int_equal(desc.type, MEM_WB);
	assert_true(desc.contiguous && desc.accessible && desc.executable);
	assert_false(desc.global);
	arm_describe(&desc, &stage, 2, BLOCK(0x80200000, IDX_WB) & ~AF);
	assert_int_equal(desc.kind, DESC_LEAF);
	assert_false(desc.accessible);
	assert_true(desc.global);
	stage.hw_access = true;
	arm_describe(&desc, &stage, 2, BLOCK(0x80200000, IDX_WB) & ~AF);
	assert_true(desc.accessible);
	stage.oa_bits = 32;
	arm_describe(&desc, &stage, 3, PAGE(UINT64_C(0x100000000), IDX_WB));
	assert_int_equal(desc.kind, DESC_INVALID);
}

static void tables_may_forbid_execution_below(void **state)
{
	struct arm_stage stage = stage1();

	arm_describe(&desc, &stage, 1, TABLE(0x80000000) | UINT64_C(1) << 60);
	assert_false(desc.table_no_exec); /* EL1 still may */
	arm_describe(&desc, &stage, 1, TABLE(0x80000000) | UINT64_C(3) << 59);
	assert_true(desc.table_no_exec);
	stage.user = false;
	arm_describe(&desc, &stage, 1, TABLE(0x80000000) | UINT64_C(1) << 60);
	assert_true(desc.table_no_exec);
	stage.hierarchical = false;
	arm_describe(&desc, &stage, 1, TABLE(0x80000000) | UINT64_C(1) << 60);
	assert_false(desc.table_no_exec);
}

/* Every defined byte of MAIR, and some that are not. Arm ARM, "MAIR_EL1". */
static void bytes_of_mair(void **state)
{
	static const struct {
		uint8_t byte;
		enum mem_type type;
	} cases[] = {
		{0x00, MEM_DEVICE}, {0x04, MEM_DEVICE}, {0x08, MEM_DEVICE}, {0x0c, MEM_DEVICE},
		{0x01, MEM_DEVICE}, {0x44, MEM_NC},     {0xbb, MEM_WT},     {0xaa, MEM_WT},
		{0xff, MEM_WB},     {0xee, MEM_WB},     {0xcc, MEM_WB},     {0x77, MEM_WB},
		{0x33, MEM_WT},     {0x88, MEM_WT},     {0x4f, MEM_MIXED},  {0xf4, MEM_MIXED},
		{0xb4, MEM_MIXED},  {0xbf, MEM_WT},     {0xfb, MEM_WT},     {0x40, MEM_NC},
		{0xa0, MEM_WT},     {0xf0, MEM_WB},     {0x50, MEM_DEVICE}, {0xe0, MEM_WB},
	};
	struct arm_stage stage = stage1();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		stage.mair = (uint64_t)cases[i].byte << 56;
		arm_describe(&desc, &stage, 3, PAGE(0x80000000, 7));
		assert_int_equal(desc.type, cases[i].type);
	}
}

static void attributes_of_stage_2_by_itself(void **state)
{
	struct arm_stage stage = stage2(false);

	arm_describe(&desc, &stage, 3, S2_PAGE(0x80000000, 0xf));
	assert_int_equal(desc.type, MEM_WB);
	assert_false(desc.s2_override || desc.global);
	arm_describe(&desc, &stage, 3, S2_PAGE(0x80000000, 0x1));
	assert_int_equal(desc.type, MEM_DEVICE);
	/* No access at all, not even to execute. */
	arm_describe(&desc, &stage, 3,
		     (S2_PAGE(0x80000000, 0xf) & ~UINT64_C(0xc0)) | UINT64_C(2) << 53);
	assert_false(desc.accessible);
	arm_describe(&desc, &stage, 3,
		     (S2_PAGE(0x80000000, 0xf) & ~UINT64_C(0x80)) | UINT64_C(2) << 53);
	assert_true(desc.accessible);
	stage.fwb = true;
	arm_describe(&desc, &stage, 3, S2_PAGE(0x80000000, 0x6));
	assert_true(desc.s2_override && desc.type == MEM_WB);
	arm_describe(&desc, &stage, 3, S2_PAGE(0x80000000, 0x7));
	assert_true(!desc.s2_override && desc.type == MEM_WB);
	arm_describe(&desc, &stage, 3, S2_PAGE(0x80000000, 0x5));
	assert_true(!desc.s2_override && desc.type == MEM_NC);
}

static void combination_of_types(void **state)
{
	const struct arm_descriptor force = {.type = MEM_WB, .s2_override = true};

	for (int s1 = MEM_DEVICE; s1 <= MEM_WB; s1++) {
		for (int s2 = MEM_DEVICE; s2 <= MEM_WB; s2++) {
			const struct arm_descriptor other = {.type = (enum mem_type)s2};
			int weaker = s1 < s2 ? s1 : s2;

			assert_int_equal(arm_combine((enum mem_type)s1, &other, true), weaker);
			assert_int_equal(arm_combine((enum mem_type)s1, &other, false), s1);
		}
		assert_int_equal(arm_combine((enum mem_type)s1, &force, true), MEM_WB);
	}
}

/* ---- Break-before-make ---- */

struct change {
	unsigned int level;
	uint64_t old, new;
	bool needed, needed_bbm2;
};

static void check_changes(const struct arm_stage *stage, const struct change *changes, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const struct change *c = &changes[i];

		if (arm_needs_break_before_make(stage, c->level, c->old, c->new, false) != c->needed ||
		    arm_needs_break_before_make(stage, c->level, c->old, c->new, true) !=
			    c->needed_bbm2) {
			fail_msg("change %zu", i);
		}
	}
}

static void changes_of_stage_1(void **state)
{
	static const uint64_t page = PAGE(0x80000000, IDX_WB);
	static const uint64_t block = BLOCK(0x80000000, IDX_WB);
	const struct change changes[] = {
		{3, page, page, false, false},
		{3, 0, page, false, false},
		{3, page, 0, false, false},
		{3, page, PAGE(0x80001000, IDX_WB), true, true},
		{3, page | AP_RO, PAGE(0x80001000, IDX_WB) | AP_RO, true, true},
		{3, page, PAGE(0x80000000, IDX_NC), true, true},
		{3, page, PAGE(0x80000000, IDX_DEVICE), true, true},
		{3, PAGE(0, IDX_DEVICE), PAGE(0, 1), true, true},   /* nGnRnE, nGnRE */
		{3, page, PAGE(0x80000000, 6), false, false},       /* allocation hint */
		{3, PAGE(0, IDX_DEVICE), PAGE(0, 7), false, false}, /* another index, the same byte */
		{3, page, page & ~INNER, true, true},
		{3, PAGE(0, IDX_DEVICE), PAGE(0, IDX_DEVICE) & ~INNER, false, false},
		/* Permissions, access flag, dirty state, software's bits. */
		{3, page, page | AP_RO, false, false},
		{3, page | AP_RO, page, false, false},
		{3, page, page | UXN | PXN, false, false},
		{3, page, page & ~AF, false, false},
		{3, page & ~AF, page, false, false},
		{3, page & ~AF, PAGE(0x80001000, IDX_NC), false, false}, /* no TLB had it */
		{3, page, page | UINT64_C(1) << 51, false, false},
		{3, page, page | UINT64_C(0xf) << 55, false, false},
		/* Global over what may be non-global, not the reverse. */
		{3, page | NG, page, true, true},
		{3, page, page | NG, false, false},
		/* Sizes. */
		{3, page, page | CONTIGUOUS, true, false},
		{3, page | CONTIGUOUS, page, true, false},
		{2, block, TABLE(0x90000000), true, false},
		{2, TABLE(0x90000000), block, true, false},
		{2, block & ~AF, TABLE(0x90000000), false, false},
		{2, TABLE(0x90000000), block & ~AF, false, false},
		{2, TABLE(0x90000000), TABLE(0x90001000), true, true},
		{2, TABLE(0x90000000), TABLE(0x90000000) | UINT64_C(3) << 59, false, false},
		{2, TABLE(0x90000000), TABLE(0x90000000) | UINT64_C(1) << 63, true, true},
	};
	const struct arm_stage stage = stage1();

	check_changes(&stage, changes, ARRAY_SIZE(changes));
}

static void changes_of_stage_2(void **state)
{
	static const uint64_t page = S2_PAGE(0x80000000, 0xf);
	const struct change changes[] = {
		{3, page, page & ~UINT64_C(0x80), false, false},
		{3, page, S2_PAGE(0x80000000, 0x5), true, true},
		{3, page, S2_PAGE(0x80001000, 0xf), true, true},
		{3, S2_PAGE(0, 0), S2_PAGE(0, 1), true, true},
		{3, S2_PAGE(0, 0), S2_PAGE(0, 0) & ~UINT64_C(0xc0), false, false},
		{3, page, page & ~INNER, true, true},
		{3, page, page | UINT64_C(2) << 53, false, false},
		{2, S2_BLOCK(0x80000000, 0xf), TABLE(0x90000000), true, false},
	};
	const struct change fwb_changes[] = {
		{3, S2_PAGE(0, 0x6), S2_PAGE(0, 0x7), true, true},
		{3, S2_PAGE(0, 0x6), S2_PAGE(0, 0x6), false, false},
	};
	const struct arm_stage stage = stage2(false), fwb = stage2(true);

	check_changes(&stage, changes, ARRAY_SIZE(changes));
	check_changes(&fwb, fwb_changes, ARRAY_SIZE(fwb_changes));
}

/* With LPA2, descriptor bits 9:8 are address, not shareability. */
static void changes_with_lpa2(void **state)
{
	struct arm_stage stage = stage1();
	const struct change changes[] = {
		{3, PAGE(0, IDX_WB), PAGE(0, IDX_WB) & ~(UINT64_C(1) << 8), true, true},
	};

	stage.lpa2 = true;
	stage.oa_bits = 52;
	check_changes(&stage, changes, ARRAY_SIZE(changes));
	arm_describe(&desc, &stage, 3, PAGE(0, IDX_WB));
	assert_int_equal(desc.output, UINT64_C(3) << 50);
}

static void access_flag_set_by_hardware_is_no_change(void **state)
{
	struct arm_stage stage = stage1();
	const struct change changes[] = {
		{3, PAGE(0, IDX_WB), PAGE(0, IDX_WB) & ~AF, false, false},
		{3, PAGE(0, IDX_WB) & ~AF, PAGE(0x1000, IDX_WB), true, true},
	};

	stage.hw_access = true;
	check_changes(&stage, changes, ARRAY_SIZE(changes));
}

static void changes_of_short_descriptors(void **state)
{
	/* Sections and small pages, TEX 1, C and B: write-back. */
	static const uint64_t section = 0x80000000 | 1 << 12 | 3 << 10 | 3 << 2 | 2;
	static const uint64_t small = 0x80000000 | 1 << 6 | 3 << 4 | 3 << 2 | 2;
	static const uint64_t large = 0x80000000 | 1 << 12 | 3 << 4 | 3 << 2 | 1;
	const struct change changes[] = {
		{1, section, 0x90000001, true, false},
		{1, section, section + 0x100000, true, true},
		{1, section, section & ~UINT64_C(8), true, true},
		{1, section, section | 1 << 16, true, true},
		{1, section, section | 1 << 15, false, false},
		{1, section, section | 1 << 18, true, false},
		{1, section | 1 << 17, section, true, true},
		{1, 0x90000001, 0x90000401, true, true},
		{1, 0x90000001, 0x90000001 | 1 << 3, true, true},
		{2, small, large, true, false},
		{2, small, small + 0x1000, true, true},
		{2, small, 0, false, false},
	};
	const struct arm_stage stage = short_format();

	check_changes(&stage, changes, ARRAY_SIZE(changes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_of_tables_and_descriptors),
		cmocka_unit_test(first_input_of_a_stage),
		cmocka_unit_test(kinds_of_descriptors),
		cmocka_unit_test(tables_may_forbid_execution_below),
		cmocka_unit_test(bytes_of_mair),
		cmocka_unit_test(attributes_of_stage_2_by_itself),
		cmocka_unit_test(combination_of_types),
		cmocka_unit_test(changes_of_stage_1),
		cmocka_unit_test(changes_of_stage_2),
		cmocka_unit_test(changes_with_lpa2),
		cmocka_unit_test(access_flag_set_by_hardware_is_no_change),
		cmocka_unit_test(changes_of_short_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
