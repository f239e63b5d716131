/* SPDX-License-Identifier: MIT */
/* Shadow tables of two stages: combined aliases, and what a change of stage 2 leaves in TLBs. */
#include "arm/arm_shadow_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/*
 * The guest's IPAs from GUEST on are memory from MEM_BASE on, page by page, through stage 2's level 3 table at S2 + 2 (2 MiB) and
 * so on. Guest tables lie in the first 2 MiB; DATA is mapped by a table of its own.
 */
#define S2         40
#define GUEST      UINT64_C(0x80000000)
#define IPA(paddr) ((paddr)-MEM_BASE + GUEST)
#define G          1 /* the guest's stage 1 */
#define VMID       7
#define LOW(n)     (TABLE_AT(S2 + 2) + 8 * (n)) /* stage 2's entry of page n of memory */
#define HIGH(n)    (TABLE_AT(S2 + 3) + 8 * (n)) /* of page n of DATA */
#define S2_NC      0x5
#define FWB_WB     0x6

static void stage2_tables(unsigned int attr)
{
	put(TABLE_AT(S2) + 8 * 2, TABLE(TABLE_AT(S2 + 1)));
	put(TABLE_AT(S2 + 1), TABLE(TABLE_AT(S2 + 2)));
	put(TABLE_AT(S2 + 1) + 8 * 16, TABLE(TABLE_AT(S2 + 3)));
	for (unsigned int n = 0; n < 512; n++) {
		put(LOW(n), S2_PAGE(MEM_BASE + 4096 * n, attr));
		put(HIGH(n), S2_PAGE(DATA + 4096 * n, attr));
	}
}

static void guest_tables(void)
{
	put(TABLE_AT(G), TABLE(IPA(TABLE_AT(G + 1))));
	put(TABLE_AT(G + 1), TABLE(IPA(TABLE_AT(G + 2))));
}

static void start(unsigned int attr, unsigned int idx)
{
	stage2_tables(attr);
	guest_tables();
	put(PTE(G, 0), PAGE(IPA(DATA), idx) | NG);
	guest(0, TABLE_AT(S2), VMID, IPA(TABLE_AT(G)), 3);
}

static void issue(unsigned int cpu, struct arm_tlbi op, uint64_t operand)
{
	tlbi(cpu, &op, operand);
	dsb(cpu);
}

#define IPAS2    ((struct arm_tlbi){.by = TLBI_IPA, .el = 1, .broadcast = true})
#define VMALL    ((struct arm_tlbi){.by = TLBI_VMALL, .el = 1, .broadcast = true})
#define VMALLS12 ((struct arm_tlbi){.by = TLBI_VMALLS12, .el = 1, .broadcast = true})

static void both_stages_must_be_cacheable(void **state)
{
	static const struct {
		unsigned int s2, s1;
		bool fwb, live;
	} cases[] = {
		{S2_WB, IDX_WB, false, true},     {S2_WB, IDX_NC, false, false},
		{S2_NC, IDX_WB, false, false},    {S2_WB, IDX_DEVICE, false, false},
		{FWB_WB, IDX_WB, true, true},     {FWB_WB, IDX_NC, true, true},
		{FWB_WB, IDX_DEVICE, true, true}, {7, IDX_NC, true, false},
		{7, IDX_WB, true, true},          {S2_NC, IDX_WB, true, false},
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_again(false);
		cpus[0].hcr |= cases[i].fwb ? HCR_FWB : 0;
		start(cases[i].s2, cases[i].s1);
		assert_int_equal(live(DATA), cases[i].live);
	}
}

static void alias_is_told_in_the_guest_s_terms(void **state)
{
	start(S2_WB, IDX_WT);
	assert_true(live(DATA));
	assert_int_equal(last_alias.stage, 2);
	assert_int_equal(last_alias.el, 1);
	assert_int_equal(last_alias.va, 0);
	assert_int_equal(last_alias.vmid, VMID);
	assert_int_equal(last_alias.asid, 3);
	assert_int_equal(last_alias.type, MEM_WT);
	assert_int_equal(last_alias.root, IPA(TABLE_AT(G)));
	/* Guest tables are found where stage 2 has them. */
	assert_true(is_table(TABLE_AT(G + 2)));
}

static void guest_with_its_mmu_off_has_no_alias(void **state)
{
	start(S2_WB, IDX_WB);
	epoch = 5;
	guest(0, TABLE_AT(S2), VMID, 0, 0);
	epoch = 6;
	assert_false(live(DATA));
	assert_int_equal(gone_at(DATA), 5);
}

static void default_cacheable_makes_stage_2_an_alias(void **state)
{
	stage2_tables(S2_WB);
	guest(0, TABLE_AT(S2), VMID, 0, 0);
	assert_false(live(DATA));
	cpus[0].hcr |= HCR_DC;
	install(0);
	assert_true(live(DATA));
	assert_int_equal(last_alias.va, IPA(DATA));
	epoch = 8;
	cpus[0].hcr &= ~HCR_DC;
	install(0);
	epoch = 9;
	assert_false(live(DATA));
	assert_int_equal(gone_at(DATA), 8);
}

static void another_machine_in_vttbr_ends_it(void **state)
{
	start(S2_WB, IDX_WB);
	epoch = 5;
	guest(0, TABLE_AT(60), 8, 0, 0);
	epoch = 6;
	assert_false(live(DATA));
	assert_int_equal(gone_at(DATA), 5);
	guest(0, TABLE_AT(S2), VMID, IPA(TABLE_AT(G)), 3);
	assert_true(live(DATA));
}

static void stage_1_entry_that_goes_needs_its_own_tlbi(void **state)
{
	start(S2_WB, IDX_WB);
	store(0, PTE(G, 0), 0);
	dsb(0);
	assert_true(live(DATA));
	issue(0, IPAS2, IPA(DATA) >> 12);
	assert_true(live(DATA));
	issue(0, (struct arm_tlbi){.by = TLBI_VA, .el = 1}, VA_ASID(0, 3));
	assert_false(live(DATA));
}

/* The sequence of the Arm ARM for a change of stage 2, and all its prefixes. */
static void stage_2_entry_needs_ipa_then_all_of_stage_1(void **state)
{
	start(S2_WB, IDX_WB);
	epoch = 3;
	store(0, HIGH(0), 0);
	dsb(0);
	assert_true(live(DATA));
	assert_int_equal(last_alias.state, ALIAS_UNTIL_TLBI);
	assert_int_equal(last_alias.unmaker, STORE_SITE(0));
	issue(0, IPAS2, IPA(DATA) >> 12);
	assert_true(live(DATA));
	epoch = 4;
	issue(0, VMALL, 0);
	epoch = 5;
	assert_false(live(DATA));
	assert_int_equal(gone_at(DATA), 4);
}

static void stage_1_first_is_the_wrong_order(void **state)
{
	start(S2_WB, IDX_WB);
	store(0, HIGH(0), 0);
	dsb(0);
	issue(0, VMALL, 0);
	issue(0, IPAS2, IPA(DATA) >> 12);
	assert_true(live(DATA));
	issue(0, VMALL, 0);
	assert_false(live(DATA));
}

static void stage_1_without_dsb_after_the_ipa_is_too_early(void **state)
{
	start(S2_WB, IDX_WB);
	store(0, HIGH(0), 0);
	dsb(0);
	tlbi(0, &IPAS2, IPA(DATA) >> 12);
	issue(0, VMALL, 0);
	assert_true(live(DATA));
}

static void vmalls12_takes_both(void **state)
{
	start(S2_WB, IDX_WB);
	store(0, HIGH(0), 0);
	dsb(0);
	issue(0, VMALLS12, 0);
	assert_false(live(DATA));
}

static void vmalls12_of_another_machine_does_not(void **state)
{
	start(S2_WB, IDX_WB);
	store(0, HIGH(0), 0);
	dsb(0);
	cpus[0].vttbr ^= UINT64_C(1) << 48;
	issue(0, VMALLS12, 0);
	assert_true(live(DATA));
	issue(0, (struct arm_tlbi){.by = TLBI_ALL, .el = 1}, 0);
	assert_false(live(DATA));
}

static void local_tlbis_reach_one_cpu(void **state)
{
	start(S2_WB, IDX_WB);
	guest(1, TABLE_AT(S2), VMID, IPA(TABLE_AT(G)), 3);
	store(0, HIGH(0), 0);
	dsb(0);
	issue(0, (struct arm_tlbi){.by = TLBI_VMALLS12, .el = 1}, 0);
	assert_true(live(DATA));
	assert_int_equal(last_alias.cpus, 2);
}

static void stage_2_leaf_without_a_stage_1_mapping_is_nothing(void **state)
{
	start(S2_WB, IDX_WB);
	store(0, HIGH(1), 0);
	assert_false(live(DATA + 4096));
}

static void unlinked_stage_2_table_keeps_its_leaves(void **state)
{
	start(S2_WB, IDX_WB);
	store(0, TABLE_AT(S2 + 1) + 8 * 16, 0);
	dsb(0);
	assert_true(live(DATA));
	assert_int_equal(last_alias.state, ALIAS_UNTIL_TLBI);
	issue(0, IPAS2, IPA(DATA) >> 12);
	assert_true(live(DATA));
	issue(0, VMALL, 0);
	assert_false(live(DATA));
}

static void stage_2_without_break_is_w9(void **state)
{
	start(S2_WB, IDX_WB);
	store(0, HIGH(0), S2_PAGE(DATA + 0x5000, S2_WB));
	assert_int_equal(nr_findings, 1);
	assert_int_equal(last_finding.alias.va, IPA(DATA));
}

static void stage_2_made_again_after_ipa_only_is_silent(void **state)
{
	start(S2_WB, IDX_WB);
	store(0, HIGH(0), 0);
	dsb(0);
	issue(0, IPAS2, IPA(DATA) >> 12);
	issue(0, VMALL, 0);
	store(0, HIGH(0), S2_PAGE(DATA + 0x5000, S2_WB));
	assert_int_equal(nr_findings, 0);
	assert_true(live(DATA + 0x5000));
}

static void guest_table_that_stage_2_moves_is_read_again(void **state)
{
	start(S2_WB, IDX_WB);
	/* Page of the guest's last table: gone, later another with another entry. */
	store(0, LOW(G + 2), 0);
	dsb(0);
	assert_false(is_table(TABLE_AT(G + 2)));
	assert_true(live(DATA)); /* TLBs have the combined one */
	issue(0, IPAS2, IPA(TABLE_AT(G + 2)) >> 12);
	issue(0, VMALL, 0);
	assert_false(live(DATA));
	put(TABLE_AT(30), PAGE(IPA(DATA + 4096), IDX_WB));
	store(0, LOW(G + 2), S2_PAGE(TABLE_AT(30), S2_WB));
	assert_true(is_table(TABLE_AT(30)));
	assert_true(live(DATA + 4096));
	assert_int_equal(nr_findings, 0);
}

static void guest_root_that_stage_2_takes_away(void **state)
{
	start(S2_WB, IDX_WB);
	store(0, LOW(G), 0);
	dsb(0);
	assert_true(live(DATA));
	issue(0, VMALLS12, 0);
	assert_false(live(DATA));
	store(0, LOW(G), S2_PAGE(TABLE_AT(G), S2_WB));
	assert_true(live(DATA));
}

static void guest_tables_not_mapped_yet_are_found_when_they_are(void **state)
{
	stage2_tables(S2_WB);
	guest_tables();
	put(PTE(G, 0), PAGE(IPA(DATA), IDX_WB));
	put(LOW(G + 1), 0);
	guest(0, TABLE_AT(S2), VMID, IPA(TABLE_AT(G)), 3);
	assert_false(live(DATA));
	store(0, LOW(G + 1), S2_PAGE(TABLE_AT(G + 1), S2_WB));
	assert_true(live(DATA));
}

static void execution_needs_both_stages(void **state)
{
	start(S2_WB, IDX_WB);
	assert_true(fetchable(DATA));
	assert_false(fetchable(DATA + 4096));
	put(PTE(G, 1), 0);
	store(0, HIGH(1), 0);
	store(0, PTE(G, 1), PAGE(IPA(DATA + 4096), IDX_WB));
	assert_false(fetchable(DATA + 4096));
	store(0, HIGH(1), S2_PAGE(DATA + 4096, S2_WB));
	assert_true(fetchable(DATA + 4096));
}

static void page_given_back_and_used_by_another_machine(void **state)
{
	start(S2_WB, IDX_WB);
	store(1, HIGH(0), 0);
	dsb(1);
	cpus[1].vttbr = cpus[0].vttbr;
	issue(1, VMALLS12, 0);
	/* The other machine has its MMU off: the page is nobody's alias. */
	put(TABLE_AT(60) + 8 * 2, S2_BLOCK(0x40000000, S2_WB));
	guest(1, TABLE_AT(60), 8, 0, 0);
	assert_false(live(DATA));
	guest(1, TABLE_AT(60), 8, IPA(small_tree(50)), 1);
	assert_false(live(DATA));
}

static void vmid_used_again_without_tlbi(void **state)
{
	start(S2_WB, IDX_WB);
	put(TABLE_AT(60) + 8 * 2, S2_BLOCK(0x40000000, S2_WB));
	guest(0, TABLE_AT(60), 9, 0, 0);
	assert_false(live(DATA));
	small_tree(50);
	put(TABLE_AT(50), TABLE(IPA(TABLE_AT(51))));
	guest(0, TABLE_AT(60), VMID, IPA(TABLE_AT(50)), 3);
	assert_true(live(DATA));
	assert_int_equal(last_alias.state, ALIAS_UNTIL_TLBI);
}

static void concatenated_tables(void **state)
{
	/* 40 bits of IPA from level 1: two tables of level 1 side by side. */
	stage2_tables(S2_WB);
	put(TABLE_AT(70) + 8 * 514, TABLE(TABLE_AT(S2 + 1)));
	guest_tables();
	put(PTE(G, 0), PAGE((UINT64_C(1) << 39) + IPA(DATA), IDX_WB));
	put(TABLE_AT(70) + 8 * 2, TABLE(TABLE_AT(S2 + 1)));
	cpus[0].vtcr = 0;
	guest(0, TABLE_AT(70), VMID, 0, 0);
	cpus[0].vtcr = VTCR(24, 1) | UINT64_C(1) << 19;
	cpus[0].sctlr[1] = SCTLR_ON;
	cpus[0].mair[1] = FAKE_MAIR;
	cpus[0].tcr[1] = TCR_WB(25, 25) | 1 << 23;
	cpus[0].ttbr0[1] = IPA(TABLE_AT(G));
	install(0);
	assert_true(is_table(TABLE_AT(71)));
	assert_true(live(DATA));
	store(0, TABLE_AT(70) + 8 * 514, 0);
	assert_true(live(DATA));
	assert_int_equal(last_alias.state, ALIAS_UNTIL_TLBI);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_create, world_destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_stages_must_be_cacheable),
		TEST(alias_is_told_in_the_guest_s_terms),
		TEST(guest_with_its_mmu_off_has_no_alias),
		TEST(default_cacheable_makes_stage_2_an_alias),
		TEST(another_machine_in_vttbr_ends_it),
		TEST(stage_1_entry_that_goes_needs_its_own_tlbi),
		TEST(stage_2_entry_needs_ipa_then_all_of_stage_1),
		TEST(stage_1_first_is_the_wrong_order),
		TEST(stage_1_without_dsb_after_the_ipa_is_too_early),
		TEST(vmalls12_takes_both),
		TEST(vmalls12_of_another_machine_does_not),
		TEST(local_tlbis_reach_one_cpu),
		TEST(stage_2_leaf_without_a_stage_1_mapping_is_nothing),
		TEST(unlinked_stage_2_table_keeps_its_leaves),
		TEST(stage_2_without_break_is_w9),
		TEST(stage_2_made_again_after_ipa_only_is_silent),
		TEST(guest_table_that_stage_2_moves_is_read_again),
		TEST(guest_root_that_stage_2_takes_away),
		TEST(guest_tables_not_mapped_yet_are_found_when_they_are),
		TEST(execution_needs_both_stages),
		TEST(page_given_back_and_used_by_another_machine),
		TEST(vmid_used_again_without_tlbi),
		TEST(concatenated_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
