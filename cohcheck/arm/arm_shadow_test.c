/* SPDX-License-Identifier: MIT */
/* Shadow tables of one stage: what is live, what becomes of it, and what a store means. */
#include "arm/arm_shadow_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define KERNEL   1 /* first table of a tree */
#define PROCESS  8
#define OTHER    16
#define UPPER(n) (UINT64_C(0xffffff8000000000) + 4096 * (n))

static void page_of_an_installed_root_is_live(void **state)
{
	put(PTE(KERNEL, 3), PAGE(DATA, IDX_WB));
	assert_false(live(DATA));
	el1(2, 0, small_tree(KERNEL), 0);
	assert_true(live(DATA));
	assert_false(live(DATA + 0x1000));
	assert_int_equal(last_alias.state, ALIAS_LIVE);
	assert_true(live(DATA));
	assert_int_equal(last_alias.va, UPPER(3));
	assert_int_equal(last_alias.size, 4096);
	assert_int_equal(last_alias.el, 1);
	assert_int_equal(last_alias.stage, 1);
	assert_int_equal(last_alias.type, MEM_WB);
	assert_int_equal(last_alias.cpus, 4);
	assert_int_equal(last_alias.root, TABLE_AT(KERNEL));
}

static void only_cacheable_and_accessible_leaves_count(void **state)
{
	static const struct {
		uint64_t flags;
		unsigned int idx;
		bool live;
	} cases[] = {
		{AF, IDX_WB, true},  {AF, IDX_WT, true},      {AF, IDX_MIXED, true},
		{AF, IDX_NC, false}, {AF, IDX_DEVICE, false}, {0, IDX_WB, false},
	};

	for (unsigned int i = 0; i < 6; i++) {
		put(PTE(KERNEL, i), (PAGE(DATA + 4096 * i, cases[i].idx) & ~AF) | cases[i].flags);
	}
	el1(0, 0, small_tree(KERNEL), 0);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(live(DATA + 4096 * i), cases[i].live);
	}
}

static void block_is_live_all_over(void **state)
{
	put(TABLE_AT(KERNEL), TABLE(TABLE_AT(KERNEL + 1)));
	put(TABLE_AT(KERNEL + 1) + 8 * 5, BLOCK(DATA, IDX_WB));
	el1(0, 0, TABLE_AT(KERNEL), 0);
	assert_true(live(DATA));
	assert_true(live(DATA + 0x1ff000));
	assert_false(live(DATA + 0x200000));
}

static void root_that_was_uninstalled_was_live_until_then(void **state)
{
	put(PTE(PROCESS, 0), PAGE(DATA, IDX_WB) | NG);
	small_tree(PROCESS);
	el1(0, TABLE_AT(PROCESS), 0, 1);
	epoch = 5;
	el1(0, small_tree(OTHER), 0, 2);
	epoch = 9;
	assert_false(live(DATA));
	assert_int_equal(gone_at(DATA), 5);
}

static void page_that_was_never_live_is_not_stamped(void **state)
{
	epoch = 4;
	el1(0, 0, small_tree(KERNEL), 0);
	assert_false(live(DATA));
	assert_int_equal(gone_at(DATA), 0);
}

static void caches_off_is_no_alias(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	small_tree(KERNEL);
	el1(0, 0, TABLE_AT(KERNEL), 0);
	epoch = 3;
	cpus[0].sctlr[1] = SCTLR_M;
	install(0);
	epoch = 4;
	assert_false(live(DATA));
	assert_int_equal(gone_at(DATA), 3);
	cpus[0].sctlr[1] = SCTLR_ON;
	install(0);
	assert_true(live(DATA));
}

static void new_entry_is_live_at_once(void **state)
{
	el1(0, 0, small_tree(KERNEL), 0);
	store(1, PTE(KERNEL, 7), PAGE(DATA, IDX_WB));
	assert_true(live(DATA));
	assert_int_equal(last_alias.maker, STORE_SITE(1));
	assert_int_equal(nr_findings, 0);
}

static void new_table_brings_all_below_it(void **state)
{
	el1(0, 0, small_tree(KERNEL), 0);
	put(TABLE_AT(30), PAGE(DATA, IDX_WB));
	assert_false(is_table(TABLE_AT(30)));
	store(0, TABLE_AT(KERNEL + 1) + 8 * 9, TABLE(TABLE_AT(30)));
	assert_true(is_table(TABLE_AT(30)));
	assert_true(live(DATA));
	assert_int_equal(last_alias.va, UPPER(9 * 512));
	store(0, TABLE_AT(30) + 8, PAGE(DATA + 4096, IDX_WB));
	assert_true(live(DATA + 4096));
}

static void removed_entry_lives_until_tlbi_and_dsb(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, PTE(KERNEL, 0), 0);
	assert_true(live(DATA));
	assert_int_equal(last_alias.state, ALIAS_UNTIL_TLBI);
	assert_int_equal(last_alias.unmaker, STORE_SITE(0));
	assert_int_equal(nr_forgets, 0);
	dsb_st(0);
	tlbi(0, TLBI_IS(VAA), VA_ASID(UPPER(0), 0));
	assert_int_equal(nr_forgets, 1);
	assert_int_equal(last_forget_va, UPPER(0));
	assert_int_equal(last_forget_size, 4096);
	assert_true(live(DATA));
	epoch = 7;
	dsb(1);
	assert_true(live(DATA));
	dsb(0);
	epoch = 8;
	assert_false(live(DATA));
	assert_int_equal(gone_at(DATA), 7);
}

static void tlbi_before_the_store_is_complete_does_nothing(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, PTE(KERNEL, 0), 0);
	tlbi(0, TLBI_IS(VMALL), 0);
	dsb(0);
	assert_true(live(DATA));
	tlbi(0, TLBI_IS(VMALL), 0);
	dsb(0);
	assert_false(live(DATA));
}

static void another_cpu_s_tlbi_needs_a_dsb_of_either(void **state)
{
	for (unsigned int who = 0; who < 2; who++) {
		world_again(false);
		put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
		el1(0, 0, small_tree(KERNEL), 0);
		store(0, PTE(KERNEL, 0), 0);
		dsb_st(who);
		tlbi(1, TLBI_IS(VMALL), 0);
		dsb(1);
		assert_false(live(DATA));
	}
}

static void permissions_may_change(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB) | AP_RO | UXN | PXN);
	el1(0, 0, small_tree(KERNEL), 0);
	assert_false(fetchable(DATA));
	store(0, PTE(KERNEL, 0), PAGE(DATA, IDX_WB) | UXN);
	assert_int_equal(nr_findings, 0);
	assert_true(live(DATA));
	assert_int_equal(last_alias.state, ALIAS_LIVE);
	assert_true(fetchable(DATA));
	store(0, PTE(KERNEL, 0), 0);
	dsb(0);
	tlbi(0, TLBI_IS(VMALL), 0);
	dsb(0);
	assert_false(live(DATA));
}

static void access_flag_makes_an_alias(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB) & ~AF);
	el1(0, 0, small_tree(KERNEL), 0);
	assert_false(live(DATA));
	store(0, PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	assert_true(live(DATA));
	/* Cleared again without a TLBI: a TLB may still have it. */
	store(0, PTE(KERNEL, 0), PAGE(DATA, IDX_WB) & ~AF);
	assert_true(live(DATA));
	assert_int_equal(nr_findings, 0);
}

static void other_output_without_break_is_w9(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(1, PTE(KERNEL, 0), PAGE(DATA + 4096, IDX_WB));
	assert_int_equal(nr_findings, 1);
	assert_int_equal(last_finding.kind, FINDING_BREAK_BEFORE_MAKE);
	assert_int_equal(last_finding.site, STORE_SITE(1));
	assert_int_equal(last_finding.paddr, PTE(KERNEL, 0));
	assert_true(last_finding.has_alias);
	assert_int_equal(last_finding.alias.va, UPPER(0));
	assert_true(live(DATA));
	assert_int_equal(last_alias.state, ALIAS_UNTIL_TLBI);
	assert_true(live(DATA + 4096));
	assert_int_equal(last_alias.state, ALIAS_LIVE);
}

static void other_type_without_break_is_w9(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, PTE(KERNEL, 0), PAGE(DATA, IDX_NC));
	assert_int_equal(nr_findings, 1);
	assert_true(live(DATA));
}

static void make_after_break_without_tlbi_is_w9(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, PTE(KERNEL, 0), 0);
	store(1, PTE(KERNEL, 0), PAGE(DATA + 4096, IDX_WB));
	assert_int_equal(nr_findings, 1);
	assert_int_equal(last_finding.alias.state, ALIAS_UNTIL_TLBI);
	assert_int_equal(last_finding.alias.unmaker, STORE_SITE(0));
}

static void make_before_the_tlbi_s_dsb_is_w9(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, PTE(KERNEL, 0), 0);
	dsb(0);
	tlbi(0, TLBI_IS(VAA), VA_ASID(UPPER(0), 0));
	store(0, PTE(KERNEL, 0), PAGE(DATA + 4096, IDX_WB));
	assert_int_equal(nr_findings, 1);
}

static void break_before_make_is_silent(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, PTE(KERNEL, 0), 0);
	dsb(0);
	tlbi(0, TLBI_IS(VAA), VA_ASID(UPPER(0), 0));
	dsb(0);
	store(0, PTE(KERNEL, 0), PAGE(DATA + 4096, IDX_NC));
	assert_int_equal(nr_findings, 0);
}

static void same_entry_again_is_silent(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, PTE(KERNEL, 0), 0);
	store(0, PTE(KERNEL, 0), PAGE(DATA, IDX_WB) | AP_RO);
	assert_int_equal(nr_findings, 0);
}

static void block_split_in_place_is_w9_below_level_2(void **state)
{
	for (unsigned int bbm2 = 0; bbm2 < 2; bbm2++) {
		world_again(bbm2);
		put(TABLE_AT(KERNEL), TABLE(TABLE_AT(KERNEL + 1)));
		put(TABLE_AT(KERNEL + 1), BLOCK(DATA, IDX_WB));
		for (unsigned int i = 0; i < 512; i++) {
			put(TABLE_AT(30) + 8 * i, PAGE(DATA + 4096 * i, IDX_WB));
		}
		el1(0, 0, TABLE_AT(KERNEL), 0);
		store(0, TABLE_AT(KERNEL + 1), TABLE(TABLE_AT(30)));
		assert_int_equal(nr_findings, 1 - bbm2);
		assert_true(live(DATA + 4096));
	}
}

static void block_split_without_tlbi_is_w9(void **state)
{
	put(TABLE_AT(KERNEL), TABLE(TABLE_AT(KERNEL + 1)));
	put(TABLE_AT(KERNEL + 1), BLOCK(DATA, IDX_WB));
	put(TABLE_AT(30), PAGE(DATA, IDX_WB));
	el1(0, 0, TABLE_AT(KERNEL), 0);
	store(0, TABLE_AT(KERNEL + 1), 0);
	dsb(0);
	store(0, TABLE_AT(KERNEL + 1), TABLE(TABLE_AT(30)));
	assert_int_equal(nr_findings, 1);
}

static void pages_into_block_without_tlbi_is_w9(void **state)
{
	put(PTE(KERNEL, 5), PAGE(DATA + 5 * 4096, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, PTE(KERNEL, 5), 0);
	store(0, TABLE_AT(KERNEL + 1), 0);
	dsb(0);
	/* Removes the way to the table, and one page that is not there. */
	tlbi(0, TLBI_IS(VAA), VA_ASID(UPPER(0), 0));
	dsb(0);
	store(0, TABLE_AT(KERNEL + 1), BLOCK(DATA, IDX_WB));
	assert_int_equal(nr_findings, 1);
	assert_int_equal(last_finding.alias.va, UPPER(5));
}

static void unlinked_table_keeps_its_leaves_alive(void **state)
{
	put(PTE(KERNEL, 5), PAGE(DATA, IDX_WB));
	put(PTE(KERNEL, 6), PAGE(DATA + 4096, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, TABLE_AT(KERNEL + 1), 0);
	assert_false(is_table(TABLE_AT(KERNEL + 2)));
	assert_true(live(DATA));
	assert_int_equal(last_alias.state, ALIAS_UNTIL_TLBI);
	assert_int_equal(last_alias.va, UPPER(5));
	dsb(0);
	/* The last level only: the way to the table stays, and with it all leaves. */
	tlbi(0, TLBI_IS(VAA, .last_level = true), VA_ASID(UPPER(5), 0));
	dsb(0);
	assert_true(live(DATA));
	tlbi(0, TLBI_IS(VAA), VA_ASID(UPPER(5), 0));
	dsb(0);
	assert_false(live(DATA));
	assert_true(live(DATA + 4096));
	/* Now that the way is gone, the last level is enough. */
	tlbi(0, TLBI_IS(VAA, .last_level = true), VA_ASID(UPPER(6), 0));
	dsb(0);
	assert_false(live(DATA + 4096));
}

static void emptied_table_is_unlinked_by_any_address_in_it(void **state)
{
	put(PTE(KERNEL, 5), PAGE(DATA, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, PTE(KERNEL, 5), 0);
	store(0, TABLE_AT(KERNEL + 1), 0);
	dsb(0);
	tlbi(0, TLBI_IS(VAA), VA_ASID(UPPER(5), 0));
	dsb(0);
	/* Another table at once. */
	put(TABLE_AT(30), PAGE(DATA, IDX_WB));
	store(0, TABLE_AT(KERNEL + 1), TABLE(TABLE_AT(30)));
	assert_int_equal(nr_findings, 0);
}

static void other_table_without_tlbi_is_w9(void **state)
{
	put(TABLE_AT(30), PAGE(DATA, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, TABLE_AT(KERNEL + 1), 0);
	dsb(0);
	store(0, TABLE_AT(KERNEL + 1), TABLE(TABLE_AT(30)));
	assert_int_equal(nr_findings, 1);
}

static void freed_table_is_memory_like_any_other(void **state)
{
	put(PTE(KERNEL, 5), PAGE(DATA, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, TABLE_AT(KERNEL + 1), 0);
	store(0, PTE(KERNEL, 5), PAGE(DATA + 8192, IDX_WB));
	assert_false(live(DATA + 8192));
	/* Linked again, it is read again. */
	store(0, TABLE_AT(KERNEL + 1), TABLE(TABLE_AT(KERNEL + 2)));
	assert_true(live(DATA + 8192));
	assert_true(live(DATA));
}

static void executable_pages_are_fetchable_until_the_tlbi(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	put(PTE(KERNEL, 1), PAGE(DATA + 4096, IDX_WB) | UXN | PXN);
	el1(0, 0, small_tree(KERNEL), 0);
	assert_true(fetchable(DATA));
	assert_false(fetchable(DATA + 4096));
	store(0, PTE(KERNEL, 0), 0);
	dsb(0);
	assert_true(fetchable(DATA));
	tlbi(0, TLBI_IS(VMALL), 0);
	dsb(0);
	assert_false(fetchable(DATA));
}

static void page_with_another_executable_mapping_stays_fetchable(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	put(PTE(KERNEL, 1), PAGE(DATA, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, PTE(KERNEL, 0), 0);
	dsb(0);
	tlbi(0, TLBI_IS(VMALL), 0);
	dsb(0);
	assert_true(fetchable(DATA));
}

static void tables_shared_by_two_roots(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	small_tree(KERNEL);
	put(TABLE_AT(20) + 8, TABLE(TABLE_AT(KERNEL + 1)));
	el2(0, TABLE_AT(KERNEL));
	el2(1, TABLE_AT(20));
	store(0, PTE(KERNEL, 0), 0);
	assert_true(live(DATA));
	dsb(0);
	/* At two addresses, of one CPU each. */
	tlbi(0, &(struct arm_tlbi){.by = TLBI_VA, .el = 2, .broadcast = true}, 0);
	dsb(0);
	assert_true(live(DATA));
	assert_int_equal(last_alias.cpus, 2);
	assert_int_equal(last_alias.va, UINT64_C(1) << 30);
	tlbi(0, &(struct arm_tlbi){.by = TLBI_VA, .el = 2, .broadcast = true},
	     VA_ASID(UINT64_C(1) << 30, 0));
	dsb(0);
	assert_false(live(DATA));
}

static void mair_changes_the_meaning(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_NC));
	small_tree(KERNEL);
	el1(0, 0, TABLE_AT(KERNEL), 0);
	assert_false(live(DATA));
	cpus[0].mair[1] = UINT64_MAX;
	install(0);
	assert_true(live(DATA));
}

static void cpu_that_is_off_keeps_nothing(void **state)
{
	put(PTE(KERNEL, 0), PAGE(DATA, IDX_WB));
	put(PTE(KERNEL, 1), PAGE(DATA + 4096, IDX_WB));
	el1(0, 0, small_tree(KERNEL), 0);
	store(0, PTE(KERNEL, 1), 0);
	epoch = 6;
	shadow_cpu_off(shadow, 0);
	epoch = 7;
	assert_false(live(DATA));
	assert_false(live(DATA + 4096));
	assert_int_equal(gone_at(DATA), 6);
	assert_int_equal(gone_at(DATA + 4096), 6);
}

static void block_of_zeroes_removes_a_line_of_entries(void **state)
{
	for (unsigned int i = 0; i < 9; i++) {
		put(PTE(KERNEL, i), PAGE(DATA + 4096 * i, IDX_WB));
	}
	el1(0, 0, small_tree(KERNEL), 0);
	for (unsigned int i = 0; i < 8; i++) {
		put(PTE(KERNEL, i), 0);
	}
	shadow_store(shadow, STORE_SITE(0), PTE(KERNEL, 0), 64);
	dsb(0);
	tlbi(0, TLBI_IS(VMALL), 0);
	dsb(0);
	for (unsigned int i = 0; i < 9; i++) {
		assert_int_equal(live(DATA + 4096 * i), i == 8);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_create, world_destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(page_of_an_installed_root_is_live),
		TEST(only_cacheable_and_accessible_leaves_count),
		TEST(block_is_live_all_over),
		TEST(root_that_was_uninstalled_was_live_until_then),
		TEST(page_that_was_never_live_is_not_stamped),
		TEST(caches_off_is_no_alias),
		TEST(new_entry_is_live_at_once),
		TEST(new_table_brings_all_below_it),
		TEST(removed_entry_lives_until_tlbi_and_dsb),
		TEST(tlbi_before_the_store_is_complete_does_nothing),
		TEST(another_cpu_s_tlbi_needs_a_dsb_of_either),
		TEST(permissions_may_change),
		TEST(access_flag_makes_an_alias),
		TEST(other_output_without_break_is_w9),
		TEST(other_type_without_break_is_w9),
		TEST(make_after_break_without_tlbi_is_w9),
		TEST(make_before_the_tlbi_s_dsb_is_w9),
		TEST(break_before_make_is_silent),
		TEST(same_entry_again_is_silent),
		TEST(block_split_in_place_is_w9_below_level_2),
		TEST(block_split_without_tlbi_is_w9),
		TEST(pages_into_block_without_tlbi_is_w9),
		TEST(unlinked_table_keeps_its_leaves_alive),
		TEST(emptied_table_is_unlinked_by_any_address_in_it),
		TEST(other_table_without_tlbi_is_w9),
		TEST(freed_table_is_memory_like_any_other),
		TEST(executable_pages_are_fetchable_until_the_tlbi),
		TEST(page_with_another_executable_mapping_stays_fetchable),
		TEST(tables_shared_by_two_roots),
		TEST(mair_changes_the_meaning),
		TEST(cpu_that_is_off_keeps_nothing),
		TEST(block_of_zeroes_removes_a_line_of_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
