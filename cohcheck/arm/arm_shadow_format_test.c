/* SPDX-License-Identifier: MIT */
/* Shadow tables of other formats: 16 and 64 KiB granules, 52-bit addresses, AArch32. */
#include "arm/arm_shadow_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void el1_with(uint64_t tcr, uint64_t ttbr)
{
	cpus[0].sctlr[1] = SCTLR_ON;
	cpus[0].mair[1] = FAKE_MAIR;
	cpus[0].tcr[1] = tcr | 1 << 23;
	cpus[0].ttbr0[1] = ttbr;
	install(0);
}

static void remove_and_invalidate(uint64_t descriptor, uint64_t page, uint64_t va)
{
	assert_true(live(page));
	store(0, descriptor, 0);
	assert_true(live(page));
	dsb(0);
	tlbi(0, TLBI_IS(VAA), VA_ASID(va, 0));
	dsb(0);
	assert_false(live(page));
	assert_int_equal(nr_findings, 0);
}

/* Tables of 64 KiB are 16 pages. */
static void granule_of_64_kib(void **state)
{
	uint64_t root = TABLE_AT(16), last = TABLE_AT(32);

	put(root, TABLE(last));
	put(last + 8 * 8191, PAGE(DATA, IDX_WB));
	el1_with(TCR_WB(23, 25) | TCR_TG0(TG0_64K), root);
	assert_true(is_table(last + 8 * 8191));
	assert_true(live(DATA + 0xf000));
	assert_int_equal(last_alias.size, 65536);
	assert_int_equal(last_alias.va, UINT64_C(8191) << 16);
	remove_and_invalidate(last + 8 * 8191, DATA, UINT64_C(8191) << 16);
}

static void granule_of_16_kib(void **state)
{
	uint64_t root = TABLE_AT(16), last = TABLE_AT(20);

	put(root + 8, TABLE(last));
	put(last + 8 * 2047, PAGE(DATA, IDX_WB));
	el1_with(TCR_WB(28, 25) | TCR_TG0(TG0_16K), root);
	assert_true(live(DATA + 0x3000));
	assert_int_equal(last_alias.va, (UINT64_C(1) << 25) + (2047 << 14));
	remove_and_invalidate(last + 8 * 2047, DATA, (UINT64_C(1) << 25) + (2047 << 14));
}

static void five_levels(void **state)
{
	cpus[0].has_lpa2 = true;
	cpus[0].pa_bits = 52;
	/* Level -1 has 16 entries for 52 bits. */
	put(TABLE_AT(1) + 8 * 3, TABLE(TABLE_AT(2)));
	for (unsigned int n = 2; n < 5; n++) {
		put(TABLE_AT(n), TABLE(TABLE_AT(n + 1)));
	}
	put(TABLE_AT(5) + 8, DATA | IDX_WB << 2 | AF | 3);
	el1_with(TCR_WB(12, 25) | UINT64_C(1) << 59 | UINT64_C(6) << 32, TABLE_AT(1));
	assert_true(is_table(TABLE_AT(1) + 64));
	assert_false(is_table(TABLE_AT(1) + 128));
	assert_true(live(DATA));
	assert_int_equal(last_alias.va, (UINT64_C(3) << 48) + 4096);
	remove_and_invalidate(TABLE_AT(5) + 8, DATA, (UINT64_C(3) << 48) + 4096);
}

static void put32(uint64_t paddr, uint32_t value)
{
	uint64_t word;

	get(paddr & ~UINT64_C(7), &word);
	memcpy((uint8_t *)&word + (paddr & 4), &value, sizeof(value));
	put(paddr & ~UINT64_C(7), word);
}

static void store32(uint64_t paddr, uint32_t value)
{
	put32(paddr, value);
	assert_true(is_table(paddr));
	shadow_store(shadow, STORE_SITE(0), paddr, 4);
}

/* TEX 001, C, B: write-back; AP 011. */
#define SECTION      ((uint32_t)(1 << 12 | 3 << 10 | 1 << 3 | 1 << 2 | 2))
#define SUPERSECTION (SECTION | 1u << 18)
#define SHORT_TABLE  1u
#define LARGE_PAGE   ((uint32_t)(1 << 12 | 3 << 4 | 1 << 3 | 1 << 2 | 1))
#define SMALL_PAGE   ((uint32_t)(1 << 6 | 3 << 4 | 1 << 3 | 1 << 2 | 2))

static void short_descriptors(void **state)
{
	uint64_t root = TABLE_AT(16), last = TABLE_AT(20) + 0x400;

	put32(root + 4 * 2, (uint32_t)DATA | SECTION);
	for (unsigned int n = 16; n < 32; n++) {
		put32(root + 4 * n, (uint32_t)(DATA + 0x1000000) | SUPERSECTION);
	}
	put32(root + 4 * 3, (uint32_t)last | SHORT_TABLE);
	put32(last + 4 * 5, (uint32_t)(DATA + 0x200000) | SMALL_PAGE);
	for (unsigned int n = 16; n < 32; n++) {
		put32(last + 4 * n, (uint32_t)(DATA + 0x210000) | LARGE_PAGE);
	}
	cpus[0].hcr = 0;
	cpus[0].el1_aarch32 = true;
	cpus[0].sctlr[1] = SCTLR_ON;
	cpus[0].ttbr0[1] = root;
	cpus[0].dacr = 1;
	cpus[0].contextidr = 4;
	install(0);
	assert_true(live(DATA + 0xff000));
	assert_int_equal(last_alias.va, 0x200000);
	assert_true(live(DATA + 0x1000000 + 0x5f0000));
	assert_int_equal(last_alias.va, 0x1500000);
	assert_true(live(DATA + 0x200000));
	assert_int_equal(last_alias.va, 0x305000);
	assert_true(live(DATA + 0x21f000));
	assert_int_equal(last_alias.va, 0x31f000);
	assert_true(is_table(last));
	assert_false(is_table(TABLE_AT(20)));
	/* Its neighbour in the same line and chunk stays. */
	store32(last + 4 * 5, 0);
	dsb(0);
	tlbi(0, TLBI_IS(VA, .aarch32 = true), 0x305000 | 4);
	dsb(0);
	assert_false(live(DATA + 0x200000));
	assert_true(live(DATA + 0x21f000));
	assert_int_equal(nr_findings, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_create, world_destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(granule_of_64_kib),
		TEST(granule_of_16_kib),
		TEST(five_levels),
		TEST(short_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
