/* SPDX-License-Identifier: MIT */
/* Shadow tables at volume, and given nonsense: thousands of roots and switches, tables that lead to themselves, random words. */
#include "arm/arm_shadow_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "arm/arm_shadow_fake.h"

#define KERNEL 1
#define FIRST  16 /* of processes' tables: three each */

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void issue(unsigned int cpu, const struct arm_tlbi *op, uint64_t operand)
{
	tlbi(cpu, op, operand);
	dsb(cpu);
}

/* Everything off, every TLB empty: nothing may be left. */
static void nothing_is_left(void)
{
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		shadow_cpu_off(shadow, cpu);
	}
	for (unsigned int i = 0; i < 3; i++) {
		shadow_collect(shadow);
	}
	assert_int_equal(shadow->zombies.used, 0);
	assert_int_equal(shadow->chunks.used, 0);
	assert_null(shadow->roots);
	assert_null(shadow->spaces);
	assert_int_equal(shadow->buckets.count, 0);
	assert_int_equal(shadow->by_paddr.count, 0);
	assert_int_equal(shadow->by_ipa.count, 0);
	assert_int_equal(shadow->tags_hash.count, 0);
	for (uint64_t paddr = MEM_BASE; paddr < MEM_BASE + MEM_SIZE; paddr += 64) {
		assert_false(is_table(paddr));
	}
}

static void switches_between_thousands_of_roots_are_quick(void **state)
{
	enum {
		ROOTS = 1000,
		SWITCHES = 100000
	};
	double start;

	for (unsigned int n = 0; n < ROOTS; n++) {
		small_tree(FIRST + 3 * n);
		put(PTE(FIRST + 3 * n, 0), PAGE(DATA, IDX_WB) | NG);
		el1(0, TABLE_AT(FIRST + 3 * n), TABLE_AT(KERNEL), (uint16_t)(n + 1));
	}
	nr_reads = 0;
	start = seconds();
	for (unsigned int n = 0; n < SWITCHES; n++) {
		el1(0, TABLE_AT(FIRST + 3 * (n * 7 % ROOTS)), TABLE_AT(KERNEL),
		    (uint16_t)(n * 7 % ROOTS + 1));
	}
	assert_int_equal(nr_reads, 0);
	/* With sanitizers a few hundred ns each; two orders of magnitude more is a different algorithm. */
	assert_true(seconds() - start < 5);
	nothing_is_left();
}

/* As Linux does it: fill the tables of a new process, run it, empty them, and TLBI its ASID, or not. */
static void live_and_die(unsigned int first, uint16_t asid, bool invalidate)
{
	store(0, TABLE_AT(first), TABLE(TABLE_AT(first + 1)));
	store(0, TABLE_AT(first + 1), TABLE(TABLE_AT(first + 2)));
	for (unsigned int n = 0; n < 16; n++) {
		store(0, PTE(first, n), PAGE(DATA + 4096 * n, IDX_WB) | NG);
	}
	el1(0, TABLE_AT(first), TABLE_AT(KERNEL), asid);
	for (unsigned int n = 0; n < 16; n++) {
		store(0, PTE(first, n), 0);
	}
	store(0, TABLE_AT(first + 1), 0);
	store(0, TABLE_AT(first), 0);
	dsb(0);
	if (invalidate) {
		issue(0, TLBI_IS(ASID), VA_ASID(0, asid));
	}
	el1(0, TABLE_AT(KERNEL + 8), TABLE_AT(KERNEL), 0);
	/* The pages are somebody's data now. */
	for (unsigned int n = 0; n < 512; n += 8) {
		store(0, TABLE_AT(first) + 8 * n, 0x123456789abcdefull * n | 3);
		store(0, PTE(first, n), 0x123456789abcdefull * n | 3);
	}
	for (unsigned int n = 0; n < 512; n += 8) {
		store(0, TABLE_AT(first) + 8 * n, 0);
		store(0, PTE(first, n), 0);
	}
}

static void processes_come_and_go(void **state)
{
	uint64_t bytes = 0;

	small_tree(KERNEL);
	for (uint16_t n = 1; n < 3000; n++) {
		live_and_die(FIRST + 3 * (n % 5), n, true);
		if (n == 100) {
			bytes = shadow_bytes(shadow);
		}
	}
	assert_int_equal(nr_findings, 0);
	assert_int_equal(nr_unchecked, 0);
	assert_true(shadow_bytes(shadow) <= bytes + bytes / 4);
	assert_false(is_table(TABLE_AT(FIRST)));
	nothing_is_left();
}

static void zombies_that_nobody_invalidates_are_bounded(void **state)
{
	small_tree(KERNEL);
	for (unsigned int n = 1; n < 8000; n++) {
		live_and_die(FIRST + 3 * (n % 5), (uint16_t)n, false);
	}
	assert_true(shadow->zombies.used <= MAX_ZOMBIES);
	assert_true(nr_unchecked > 0);
	assert_int_equal(nr_findings, 0);
	nothing_is_left();
}

static void dead_root_s_tables_become_data(void **state)
{
	small_tree(FIRST);
	for (unsigned int n = 0; n < 512; n++) {
		put(PTE(FIRST, n), PAGE(DATA + 4096 * n, IDX_WB) | NG);
	}
	el1(0, TABLE_AT(FIRST), 0, 1);
	el1(0, TABLE_AT(KERNEL), 0, 2);
	/* Its ASID is still in TLBs. */
	for (unsigned int n = 0; n < 512; n++) {
		store(0, PTE(FIRST, n), 0xdeadbeef12345677 * n | 3);
		store(0, TABLE_AT(FIRST) + 8 * n, 0xdeadbeef12345677 * n | 3);
	}
	assert_int_equal(nr_findings, 0);
	assert_int_equal(shadow->zombies.used, 0);
	/* Now it is not: the next store drops what is known of it. */
	issue(0, TLBI_IS(ASID), VA_ASID(0, 1));
	assert_true(is_table(TABLE_AT(FIRST)));
	store(0, TABLE_AT(FIRST), 5);
	assert_false(is_table(TABLE_AT(FIRST)));
	assert_false(is_table(TABLE_AT(FIRST + 2)));
	assert_int_equal(nr_findings, 0);
}

static void root_changed_while_not_installed_is_caught_up(void **state)
{
	small_tree(FIRST);
	put(PTE(FIRST, 0), PAGE(DATA, IDX_WB) | NG);
	put(PTE(FIRST, 1), PAGE(DATA + 4096, IDX_WB) | NG);
	el1(0, TABLE_AT(FIRST), 0, 1);
	el1(0, TABLE_AT(KERNEL), 0, 2);
	store(0, PTE(FIRST, 0), 0);
	store(0, PTE(FIRST, 7), PAGE(DATA + 8192, IDX_WB) | NG);
	put(TABLE_AT(300), PAGE(DATA + 12288, IDX_WB) | NG);
	store(0, TABLE_AT(FIRST + 1) + 8, TABLE(TABLE_AT(300)));
	assert_false(live(DATA + 8192));
	dsb(0);
	issue(0, TLBI_IS(VA), VA_ASID(0, 1));
	nr_reads = 0;
	el1(0, TABLE_AT(FIRST), 0, 1);
	assert_false(live(DATA));
	assert_true(live(DATA + 4096));
	assert_true(live(DATA + 8192));
	assert_true(live(DATA + 12288));
	/* The new table, and the two changed entries. */
	assert_int_equal(nr_reads, 514);
	assert_int_equal(nr_findings, 0);
}

/* The pgd of a process that is gone is the next one's: the ASIDs of the first mean nothing for the second. */
static void reused_root_does_not_inherit_asids(void **state)
{
	for (uint16_t asid = 1; asid < 20; asid++) {
		put(TABLE_AT(FIRST + 1), TABLE(TABLE_AT(FIRST + 2)));
		store(0, TABLE_AT(FIRST), TABLE(TABLE_AT(FIRST + 1)));
		put(PTE(FIRST, 0), PAGE(DATA, IDX_WB) | NG);
		el1(0, TABLE_AT(FIRST), 0, asid);
		store(0, TABLE_AT(FIRST), 0);
		dsb(0);
		issue(0, TLBI_IS(ASID), VA_ASID(0, asid));
		/* Still installed, empty, and only then left. */
		el1(0, TABLE_AT(KERNEL), 0, 100);
	}
	put(TABLE_AT(FIRST + 1), TABLE(TABLE_AT(FIRST + 2)));
	store(0, TABLE_AT(FIRST), TABLE(TABLE_AT(FIRST + 1)));
	el1(0, TABLE_AT(FIRST), 0, 50);
	store(0, PTE(FIRST, 0), 0);
	dsb(0);
	issue(0, TLBI_IS(VA), VA_ASID(0, 50));
	assert_false(live(DATA));
	store(0, PTE(FIRST, 0), PAGE(DATA + 4096, IDX_WB) | NG);
	assert_int_equal(nr_findings, 0);
}

/* ---- Nonsense ---- */

static void table_that_leads_to_itself(void **state)
{
	/* What is a page at level 3 is a table above. */
	for (unsigned int n = 0; n < 512; n++) {
		put(TABLE_AT(KERNEL) + 8 * n, PAGE(TABLE_AT(KERNEL), IDX_WB));
	}
	el1(0, TABLE_AT(KERNEL), 0, 1);
	/* Level 3 of it maps itself, at 2^27 addresses. */
	assert_true(live(TABLE_AT(KERNEL)));
	store(0, TABLE_AT(KERNEL) + 8 * 5, 0);
	store(0, TABLE_AT(KERNEL) + 8 * 6, PAGE(TABLE_AT(KERNEL + 1), IDX_WB));
	assert_true(live(TABLE_AT(KERNEL + 1)));
	assert_true(shadow_bytes(shadow) < 4 << 20);
	dsb(0);
	issue(0, TLBI_IS(VMALL), 0);
	nothing_is_left();
}

static void tables_outside_memory_are_counted(void **state)
{
	put(TABLE_AT(KERNEL), TABLE(0x9000000));
	el1(0, TABLE_AT(KERNEL), 0x8000000, 1);
	assert_int_equal(nr_unchecked, 2);
	nothing_is_left();
}

static void huge_blocks_of_nothing_are_quick(void **state)
{
	double start = seconds();

	for (unsigned int n = 0; n < 512; n++) {
		put(TABLE_AT(KERNEL) + 8 * n, BLOCK((uint64_t)n << 30, IDX_WB));
	}
	el1(0, TABLE_AT(KERNEL), 0, 1);
	assert_true(live(DATA));
	for (unsigned int n = 0; n < 512; n++) {
		store(0, TABLE_AT(KERNEL) + 8 * n, 0);
	}
	dsb(0);
	issue(0, TLBI_IS(VMALL), 0);
	assert_false(live(DATA));
	assert_true(seconds() - start < 5);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* A descriptor that leads somewhere in the first 32 pages, more often than not. */
static uint64_t random_word(uint32_t *seed)
{
	uint32_t r = next_random(seed);
	uint64_t paddr = TABLE_AT(r % 32);

	switch (r >> 8 & 7) {
	case 0:
	case 1:
		return 0;
	case 2:
	case 3:
	case 4:
		return TABLE(paddr);
	case 5:
		return PAGE(paddr, IDX_WB) | (r & 1 << 12 ? NG : 0);
	case 6:
		return S2_PAGE(paddr, r & 1 << 12 ? S2_WB : 5);
	default:
		return (uint64_t)next_random(seed) << 40 ^ (uint64_t)next_random(seed) << 20 ^ r;
	}
}

static void random_install(uint32_t *seed)
{
	unsigned int cpu = next_random(seed) % NR_CPUS;
	uint32_t r = next_random(seed);
	uint64_t root0 = r & 1 ? TABLE_AT(r >> 4 & 31) : 0,
		 root1 = r & 2 ? TABLE_AT(r >> 9 & 31) : 0;
	uint16_t asid = r >> 14 & 3;

	switch (next_random(seed) % 5) {
	case 0:
		cpus[cpu].hcr &= ~(HCR_VM | HCR_DC);
		el1(cpu, root0, root1, asid);
		break;
	case 1:
		el2(cpu, root0);
		break;
	case 2:
		cpus[cpu].hcr ^= HCR_DC;
		guest(cpu, TABLE_AT(r >> 16 & 31), r >> 3 & 1, root0, asid);
		break;
	case 3:
		shadow_cpu_off(shadow, cpu);
		break;
	default:
		cpus[cpu].hcr &= ~HCR_DC;
		guest(cpu, TABLE_AT(r >> 16 & 31), r >> 3 & 1, root0, asid);
		break;
	}
}

static void random_tlbi(uint32_t *seed)
{
	uint32_t r = next_random(seed);
	struct arm_tlbi op = {
		.by = r % (TLBI_IPA + 1),
		.el = (uint8_t)(1 + (r >> 4 & 1)),
		.last_level = r >> 5 & 1,
		.broadcast = r >> 6 & 1,
		.range = (r >> 7 & 7) == 0,
	};

	if (op.by < TLBI_VA) {
		op.range = op.last_level = false;
	}
	tlbi(next_random(seed) % NR_CPUS, &op,
	     op.range ? (uint64_t)next_random(seed) << 40 | (next_random(seed) & 0x1ffff)
		      : VA_ASID((uint64_t)(next_random(seed) & 0x3ff) << 12, r >> 10 & 3));
}

static void random_words_and_events(void **state)
{
	for (uint32_t round = 0; round < 40; round++) {
		uint32_t seed = round;

		world_again(round & 1);
		for (unsigned int n = 0; n < 32 * 512; n += 1 + next_random(&seed) % 40) {
			put(MEM_BASE + 8 * n, random_word(&seed));
		}
		for (unsigned int n = 0; n < 1500; n++) {
			switch (next_random(&seed) % 8) {
			case 0:
				random_install(&seed);
				break;
			case 1:
				random_tlbi(&seed);
				break;
			case 2:
				dsb(next_random(&seed) % NR_CPUS);
				break;
			case 3:
				live(TABLE_AT(next_random(&seed) % 32));
				epoch++;
				break;
			default:
				store(next_random(&seed) % NR_CPUS,
				      MEM_BASE + 8 * (next_random(&seed) % (32 * 512)),
				      random_word(&seed));
				break;
			}
		}
		nothing_is_left();
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_create, world_destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(switches_between_thousands_of_roots_are_quick),
		TEST(processes_come_and_go),
		TEST(zombies_that_nobody_invalidates_are_bounded),
		TEST(dead_root_s_tables_become_data),
		TEST(root_changed_while_not_installed_is_caught_up),
		TEST(reused_root_does_not_inherit_asids),
		TEST(table_that_leads_to_itself),
		TEST(tables_outside_memory_are_counted),
		TEST(huge_blocks_of_nothing_are_quick),
		TEST(random_words_and_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
