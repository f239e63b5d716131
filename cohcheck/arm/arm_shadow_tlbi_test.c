/* SPDX-License-Identifier: MIT */
/* What each TLBI names: address, ASID, VMID, level, range, regime, and whose TLB. */
#include "arm/arm_shadow_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define TREE      1
#define OTHER     8
#define STAGE2    16
#define PROC(n)   PAGE(DATA + 4096 * (n), IDX_WB) | NG
#define KERN(n)   PAGE(DATA + 4096 * (n), IDX_WB)
#define DATA_N(n) (DATA + 4096 * (n))

/* A removed page of ASID 3 at VA 4096 * n, on CPUs 0 and 1. */
static void remove_pages(unsigned int nr, uint64_t flags)
{
	for (unsigned int n = 0; n < nr; n++) {
		put(PTE(TREE, n), PAGE(DATA_N(n), IDX_WB) | flags);
	}
	small_tree(TREE);
	el1(0, TABLE_AT(TREE), 0, 3);
	el1(1, TABLE_AT(TREE), 0, 3);
	for (unsigned int n = 0; n < nr; n++) {
		store(0, PTE(TREE, n), 0);
		assert_true(live(DATA_N(n)));
	}
	dsb(0);
}

static void issue(unsigned int cpu, struct arm_tlbi op, uint64_t operand)
{
	tlbi(cpu, &op, operand);
	dsb(cpu);
}

static void each_scope_names_what_it_should(void **state)
{
	static const struct {
		const char *what;
		struct arm_tlbi op;
		uint64_t operand;
		bool local, global; /* is an nG, a global page at VA 4096 of ASID 3 invalidated? */
	} cases[] = {
		/* clang-format off */
		{"VA",              {.by = TLBI_VA, .el = 1},   VA_ASID(4096, 3), true, true},
		{"VA, other ASID",  {.by = TLBI_VA, .el = 1},   VA_ASID(4096, 4), false, true},
		{"VA, other VA",    {.by = TLBI_VA, .el = 1},   VA_ASID(8192, 3), false, false},
		{"VA, far VA",      {.by = TLBI_VA, .el = 1},   VA_ASID(4096 + (UINT64_C(1) << 39), 3), false, false},
		{"VALE",            {.by = TLBI_VA, .el = 1, .last_level = true}, VA_ASID(4096, 3), true, true},
		{"VAA",             {.by = TLBI_VAA, .el = 1},  VA_ASID(4096, 9), true, true},
		{"VAA, other VA",   {.by = TLBI_VAA, .el = 1},  VA_ASID(0, 3), false, false},
		{"ASID",            {.by = TLBI_ASID, .el = 1}, VA_ASID(0, 3), true, false},
		{"other ASID",      {.by = TLBI_ASID, .el = 1}, VA_ASID(0, 4), false, false},
		{"VMALL",           {.by = TLBI_VMALL, .el = 1}, 0, true, true},
		{"VMALLS12",        {.by = TLBI_VMALLS12, .el = 1}, 0, true, true},
		{"ALLE1",           {.by = TLBI_ALL, .el = 1},  0, true, true},
		{"ALLE2",           {.by = TLBI_ALL, .el = 2},  0, false, false},
		{"ALLE3",           {.by = TLBI_ALL, .el = 3},  0, false, false},
		{"VAE2",            {.by = TLBI_VA, .el = 2},   VA_ASID(4096, 3), false, false},
		{"IPA",             {.by = TLBI_IPA, .el = 1},  1, false, false},
		/* TTL: granule of 4 KiB, level 3; level 2; no granule. */
		{"TTL 3",           {.by = TLBI_VA, .el = 1},   VA_ASID(4096, 3) | UINT64_C(7) << 44, true, true},
		{"TTL 2",           {.by = TLBI_VA, .el = 1},   VA_ASID(4096, 3) | UINT64_C(6) << 44, false, false},
		{"TTL none",        {.by = TLBI_VA, .el = 1},   VA_ASID(4096, 3) | UINT64_C(2) << 44, true, true},
		/* AArch32: VA[31:12], ASID[7:0]. */
		{"TLBIMVA",         {.by = TLBI_VA, .el = 1, .aarch32 = true}, 4096 | 3, true, true},
		{"TLBIMVA, other",  {.by = TLBI_VA, .el = 1, .aarch32 = true}, 4096 | 4, false, true},
		{"TLBIMVAA",        {.by = TLBI_VAA, .el = 1, .aarch32 = true}, 4096, true, true},
		{"TLBIASID",        {.by = TLBI_ASID, .el = 1, .aarch32 = true}, 3, true, false},
		/* clang-format on */
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned int global = 0; global < 2; global++) {
			struct arm_tlbi op = cases[i].op;

			world_again(false);
			remove_pages(2, global ? 0 : NG);
			op.broadcast = true;
			issue(1, op, cases[i].operand);
			if (live(DATA_N(1)) == (global ? cases[i].global : cases[i].local)) {
				fail_msg("TLBI %s, global %u", cases[i].what, global);
			}
		}
	}
}

static uint64_t range(uint64_t va, unsigned int tg, unsigned int scale, unsigned int num)
{
	return va >> 12 | (uint64_t)num << 39 | (uint64_t)scale << 44 | (uint64_t)tg << 46 |
	       UINT64_C(3) << 48;
}

static void range_names_num_and_scale(void **state)
{
	static const struct {
		uint64_t operand;
		unsigned int first, nr;
	} cases[] = {
		{UINT64_C(3) << 48 | UINT64_C(1) << 46 | 4, 4, 2}, /* NUM 0, SCALE 0: two pages */
		{UINT64_C(3) << 48 | UINT64_C(1) << 46 | UINT64_C(2) << 39, 0, 6},
		{UINT64_C(3) << 48 | UINT64_C(1) << 46 | UINT64_C(1) << 44 | 8, 8, 56}, /* 64 pages */
		{UINT64_C(3) << 48 | UINT64_C(2) << 46, 0, 0},                          /* 16 KiB */
		{UINT64_C(4) << 48 | UINT64_C(1) << 46, 0, 0},                          /* ASID 4 */
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_again(false);
		remove_pages(64, NG);
		issue(0, (struct arm_tlbi){.by = TLBI_VA, .el = 1, .broadcast = true, .range = true},
		      cases[i].operand);
		for (unsigned int n = 0; n < 64; n++) {
			assert_int_equal(live(DATA_N(n)),
					 n < cases[i].first || n - cases[i].first >= cases[i].nr);
		}
	}
}

static void range_of_the_upper_half_is_sign_extended(void **state)
{
	put(PTE(TREE, 1), KERN(1));
	el1(0, 0, small_tree(TREE), 0);
	store(0, PTE(TREE, 1), 0);
	dsb(0);
	issue(0, (struct arm_tlbi){.by = TLBI_VAA, .el = 1, .range = true},
	      range(UINT64_C(0x1ffff8000000000), 1, 0, 0));
	assert_false(live(DATA_N(1)));
}

static void range_base_of_lpa2_is_in_64_kib(void **state)
{
	struct shadow_issuer issuer = {.granule_shift = 12, .lpa2 = true};

	remove_pages(33, NG);
	shadow_tlbi(shadow, STORE_SITE(0), &issuer,
		    &(struct arm_tlbi){.by = TLBI_VA, .el = 1, .broadcast = true, .range = true},
		    UINT64_C(3) << 48 | UINT64_C(1) << 46 | 2);
	dsb(0);
	for (unsigned int n = 0; n < 33; n++) {
		assert_int_equal(live(DATA_N(n)), n < 32);
	}
}

static void local_tlbi_leaves_other_cpus_alone(void **state)
{
	remove_pages(1, NG);
	issue(0, (struct arm_tlbi){.by = TLBI_VA, .el = 1}, VA_ASID(0, 3));
	assert_true(live(DATA));
	assert_int_equal(last_alias.cpus, 2);
	issue(1, (struct arm_tlbi){.by = TLBI_VMALL, .el = 1}, 0);
	assert_false(live(DATA));
}

static void forced_broadcast_reaches_all(void **state)
{
	struct shadow_issuer issuer = {.fb = true};

	remove_pages(1, NG);
	shadow_tlbi(shadow, STORE_SITE(0), &issuer, &(struct arm_tlbi){.by = TLBI_VMALL, .el = 1},
		    0);
	dsb(0);
	assert_false(live(DATA));
}

static void without_dsb_nothing_happens(void **state)
{
	remove_pages(1, NG);
	tlbi(0, TLBI_IS(VMALL), 0);
	dsb_st(0);
	assert_true(live(DATA));
	dsb(1);
	assert_true(live(DATA));
	dsb(0);
	assert_false(live(DATA));
}

static void entry_that_goes_after_the_tlbi_needs_another(void **state)
{
	put(PTE(TREE, 0), PROC(0));
	small_tree(TREE);
	el1(0, TABLE_AT(TREE), 0, 3);
	tlbi(0, TLBI_IS(VMALL), 0);
	store(0, PTE(TREE, 0), 0);
	dsb(0);
	assert_true(live(DATA));
}

static void cpu_that_is_off_forgets_its_pending_tlbis(void **state)
{
	remove_pages(1, NG);
	tlbi(0, TLBI_IS(VMALL), 0);
	shadow_cpu_off(shadow, 0);
	dsb(0);
	assert_true(live(DATA));
	assert_int_equal(last_alias.cpus, 2);
}

static void el2_has_neither_asid_nor_vmid(void **state)
{
	static const struct {
		struct arm_tlbi op;
		bool gone;
	} cases[] = {
		{{.by = TLBI_VA, .el = 2}, true},     {{.by = TLBI_ALL, .el = 2}, true},
		{{.by = TLBI_ALL, .el = 1}, false},   {{.by = TLBI_VMALLS12, .el = 1}, false},
		{{.by = TLBI_VMALL, .el = 1}, false}, {{.by = TLBI_VA, .el = 1}, false},
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_again(false);
		put(PTE(TREE, 0), KERN(0));
		el2(0, small_tree(TREE));
		store(0, PTE(TREE, 0), 0);
		dsb(0);
		issue(0, cases[i].op, VA_ASID(0, 5));
		assert_int_equal(live(DATA), !cases[i].gone);
	}
}

static void el3_is_its_own(void **state)
{
	put(PTE(TREE, 0), KERN(0));
	cpus[0].has_el3 = true;
	cpus[0].scr = SCR_NS;
	cpus[0].sctlr[3] = SCTLR_ON;
	cpus[0].mair[3] = FAKE_MAIR;
	cpus[0].tcr[3] = TCR_ONE(25);
	cpus[0].ttbr0[3] = small_tree(TREE);
	install(0);
	assert_true(live(DATA));
	assert_int_equal(last_alias.el, 3);
	store(0, PTE(TREE, 0), 0);
	dsb(0);
	issue(0, (struct arm_tlbi){.by = TLBI_ALL, .el = 2}, 0);
	assert_true(live(DATA));
	issue(0, (struct arm_tlbi){.by = TLBI_ALL, .el = 3}, 0);
	assert_false(live(DATA));
}

/* HCR_EL2.{E2H,TGE}: EL1's TLBIs are of the host's EL2&0. */
static void vhe_host_uses_el1_s_tlbis(void **state)
{
	for (unsigned int host = 0; host < 2; host++) {
		world_again(false);
		put(PTE(TREE, 0), PROC(0));
		cpus[0].hcr |= HCR_E2H | HCR_TGE;
		cpus[0].sctlr[2] = SCTLR_ON;
		cpus[0].mair[2] = FAKE_MAIR;
		cpus[0].tcr[2] = TCR_WB(25, 25) | TCR_TG1(TG1_4K) | UINT64_C(1) << 36 | 1 << 23;
		cpus[0].ttbr0[2] = small_tree(TREE) | UINT64_C(3) << 48;
		install(0);
		assert_true(live(DATA));
		assert_int_equal(last_alias.el, 2);
		store(0, PTE(TREE, 0), 0);
		dsb(0);
		if (!host) {
			cpus[0].hcr &= ~HCR_TGE; /* with a guest's registers: EL1&0's TLBs */
		}
		issue(0, (struct arm_tlbi){.by = TLBI_ASID, .el = 1}, VA_ASID(0, 3));
		assert_int_equal(live(DATA), !host);
		issue(0, (struct arm_tlbi){.by = TLBI_VA, .el = 2}, VA_ASID(0, 3));
		assert_false(live(DATA));
	}
}

/* ---- ASIDs ---- */

static void zombie_of_an_asid_that_is_not_installed_is_not_live(void **state)
{
	put(PTE(TREE, 0), PROC(0));
	small_tree(TREE);
	el1(0, TABLE_AT(TREE), 0, 3);
	store(0, PTE(TREE, 0), 0);
	epoch = 4;
	el1(0, small_tree(OTHER), 0, 4);
	epoch = 6;
	assert_false(live(DATA));
	assert_int_equal(gone_at(DATA), 4);
	/* It comes back: its TLB entries were there all the time. */
	el1(0, TABLE_AT(TREE), 0, 3);
	assert_true(live(DATA));
}

static void global_zombie_is_live_under_any_asid(void **state)
{
	put(PTE(TREE, 0), KERN(0));
	small_tree(TREE);
	el1(0, TABLE_AT(TREE), 0, 3);
	store(0, PTE(TREE, 0), 0);
	el1(0, small_tree(OTHER), 0, 4);
	assert_true(live(DATA));
}

static void asid_used_again_without_tlbi_brings_the_old_translations(void **state)
{
	put(PTE(TREE, 0), PROC(0));
	small_tree(TREE);
	el1(0, TABLE_AT(TREE), 0, 3);
	el1(0, small_tree(OTHER), 0, 4);
	assert_false(live(DATA));
	el1(0, TABLE_AT(OTHER), 0, 3);
	assert_true(live(DATA));
	assert_int_equal(last_alias.state, ALIAS_UNTIL_TLBI);
	assert_int_equal(last_alias.asid, 3);
	issue(0, (struct arm_tlbi){.by = TLBI_ASID, .el = 1}, VA_ASID(0, 3));
	assert_false(live(DATA));
}

static void asid_is_invalidated_only_where_the_root_is_not_installed(void **state)
{
	put(PTE(TREE, 0), PROC(0));
	small_tree(TREE);
	el1(0, TABLE_AT(TREE), 0, 3);
	issue(0, (struct arm_tlbi){.by = TLBI_ASID, .el = 1, .broadcast = true}, VA_ASID(0, 3));
	/* Walks have brought it back since. */
	el1(0, small_tree(OTHER), 0, 4);
	el1(0, TABLE_AT(OTHER), 0, 3);
	assert_true(live(DATA));
}

static void root_left_between_tlbi_and_dsb_may_be_in_the_tlb(void **state)
{
	put(PTE(TREE, 0), PROC(0));
	small_tree(TREE);
	el1(1, TABLE_AT(TREE), 0, 3);
	tlbi(0, TLBI_IS(ASID), VA_ASID(0, 3));
	el1(1, small_tree(OTHER), 0, 4);
	dsb(0);
	el1(1, TABLE_AT(OTHER), 0, 3);
	assert_true(live(DATA));
}

static void many_asids_of_one_root_become_any(void **state)
{
	put(PTE(TREE, 0), PROC(0));
	small_tree(TREE);
	for (uint16_t asid = 1; asid < 100; asid++) {
		el1(0, TABLE_AT(TREE), 0, asid);
	}
	store(0, PTE(TREE, 0), 0);
	dsb(0);
	assert_true(live(DATA));
	for (uint16_t asid = 1; asid < 100; asid++) {
		issue(0, (struct arm_tlbi){.by = TLBI_ASID, .el = 1}, VA_ASID(0, asid));
	}
	assert_true(live(DATA));
	issue(0, (struct arm_tlbi){.by = TLBI_VAA, .el = 1}, VA_ASID(0, 0));
	assert_false(live(DATA));
	assert_int_equal(nr_unchecked, 0);
}

/* ---- VMIDs ---- */

static void vmid_of_the_issuer_counts(void **state)
{
	/* A flat block of everything as stage 2. */
	put(TABLE_AT(STAGE2) + 8, S2_BLOCK(0x40000000, S2_WB));
	put(PTE(TREE, 0), PROC(0));
	small_tree(TREE);
	guest(0, TABLE_AT(STAGE2), 7, TABLE_AT(TREE), 3);
	assert_true(live(DATA));
	assert_int_equal(last_alias.vmid, 7);
	assert_int_equal(last_alias.asid, 3);
	store(0, PTE(TREE, 0), 0);
	dsb(0);
	cpus[0].vttbr = TABLE_AT(STAGE2) | UINT64_C(8) << 48;
	issue(0, (struct arm_tlbi){.by = TLBI_VMALL, .el = 1}, 0);
	assert_true(live(DATA));
	cpus[0].vttbr = TABLE_AT(STAGE2) | UINT64_C(7) << 48;
	issue(0, (struct arm_tlbi){.by = TLBI_VMALL, .el = 1}, 0);
	assert_false(live(DATA));
}

/* ---- Windows of one CPU at EL2 ---- */

static void window_of_one_cpu_needs_only_a_local_tlbi(void **state)
{
	put(PTE(TREE, 0), 0);
	put(PTE(OTHER, 0), 0);
	el2(0, small_tree(TREE));
	el2(1, small_tree(OTHER));
	store(0, PTE(TREE, 0), KERN(0));
	dsb_st(0);
	assert_true(live(DATA));
	assert_int_equal(last_alias.cpus, 1);
	store(0, PTE(TREE, 0), 0);
	dsb_st(0);
	issue(0, (struct arm_tlbi){.by = TLBI_VA, .el = 2}, VA_ASID(0, 0));
	assert_false(live(DATA));
	store(0, PTE(TREE, 0), PAGE(DATA_N(1), IDX_NC));
	assert_int_equal(nr_findings, 0);
}

static void window_reused_without_tlbi_is_w9_and_keeps_the_alias(void **state)
{
	el2(0, small_tree(TREE));
	store(0, PTE(TREE, 0), KERN(0));
	store(0, PTE(TREE, 0), 0);
	dsb_st(0);
	store(0, PTE(TREE, 0), PAGE(DATA_N(1), IDX_NC));
	assert_int_equal(nr_findings, 1);
	assert_true(live(DATA));
}

static void window_at_the_same_address_on_another_cpu_is_no_conflict(void **state)
{
	el2(0, small_tree(TREE));
	el2(1, small_tree(OTHER));
	store(0, PTE(TREE, 0), KERN(0));
	store(0, PTE(TREE, 0), 0);
	store(1, PTE(OTHER, 0), KERN(1));
	assert_int_equal(nr_findings, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_create, world_destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_scope_names_what_it_should),
		TEST(range_names_num_and_scale),
		TEST(range_of_the_upper_half_is_sign_extended),
		TEST(range_base_of_lpa2_is_in_64_kib),
		TEST(local_tlbi_leaves_other_cpus_alone),
		TEST(forced_broadcast_reaches_all),
		TEST(without_dsb_nothing_happens),
		TEST(entry_that_goes_after_the_tlbi_needs_another),
		TEST(cpu_that_is_off_forgets_its_pending_tlbis),
		TEST(el2_has_neither_asid_nor_vmid),
		TEST(el3_is_its_own),
		TEST(vhe_host_uses_el1_s_tlbis),
		TEST(zombie_of_an_asid_that_is_not_installed_is_not_live),
		TEST(global_zombie_is_live_under_any_asid),
		TEST(asid_used_again_without_tlbi_brings_the_old_translations),
		TEST(asid_is_invalidated_only_where_the_root_is_not_installed),
		TEST(root_left_between_tlbi_and_dsb_may_be_in_the_tlb),
		TEST(many_asids_of_one_root_become_any),
		TEST(vmid_of_the_issuer_counts),
		TEST(window_of_one_cpu_needs_only_a_local_tlbi),
		TEST(window_reused_without_tlbi_is_w9_and_keeps_the_alias),
		TEST(window_at_the_same_address_on_another_cpu_is_no_conflict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
