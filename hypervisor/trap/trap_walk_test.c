/* SPDX-License-Identifier: MIT */
/*
 * The level at which a guest's stage-1 walk went wrong, for each granule and size of address space, and for the two
 * formats of AArch32.
 */
#include "trap/trap_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "abi/xen.h"
#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "tests/unit/fake_machine.h"

#define TABLE(n)   (UINT64_C(0x40000000) + (n)*UINT64_C(0x10000))
#define NR_TABLES  4
#define UPPER_HALF UINT64_C(0xffff000000000000)
#define TG0_64K    (UINT64_C(1) << 14)
#define TG0_16K    (UINT64_C(2) << 14)
#define TG1_16K    (UINT64_C(1) << 30)
#define TG1_4K     (UINT64_C(2) << 30)
#define TG1_64K    (UINT64_C(3) << 30)

static struct domain dom;
static struct vcpu vcpu;
/* Table n has one entry, which leads to table n + 1; the one at level `missing` is in no memory. */
static uint64_t entry_offset[NR_TABLES];
static unsigned int nr_reads;
static bool big_endian;

int guest_copy_from_ipa(struct domain *d, void *to, ipa_t ipa, size_t size)
{
	uint64_t n = (ipa - TABLE(0)) / UINT64_C(0x10000);
	uint64_t descriptor = TABLE(n + 1) | 3;

	assert_ptr_equal(d, &dom);
	assert_int_equal(size, 8);
	assert_true(n < NR_TABLES);
	nr_reads++;
	if (big_endian) {
		descriptor = __builtin_bswap64(descriptor);
	}
	if (ipa - TABLE(n) != entry_offset[n]) {
		descriptor = 0;
	}
	memcpy(to, &descriptor, sizeof(descriptor));
	return 0;
}

static int set_up(void **state)
{
	fake_machine_reset();
	memset(&dom, 0, sizeof(dom));
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.domain = &dom;
	nr_reads = 0;
	big_endian = false;
	return 0;
}

static void check(uint64_t tcr, unsigned int granule, unsigned int first_level, uint64_t va)
{
	unsigned int bits = granule - 3;

	fake_machine_sysreg_set("TCR_EL1", tcr);
	fake_machine_sysreg_set("TTBR0_EL1", TABLE(0) | UINT64_C(5) << 48);
	fake_machine_sysreg_set("TTBR1_EL1", TABLE(0) | UINT64_C(7) << 48);
	for (unsigned int level = first_level; level <= 3; level++) {
		unsigned int width = 64 - (tcr >> ((va >> 55 & 1) != 0 ? 16 : 0) & 0x3f);
		unsigned int shift = granule + (3 - level) * bits;
		unsigned int nr = width - shift < bits ? width - shift : bits;

		entry_offset[level - first_level] = (va >> shift & ((UINT64_C(1) << nr) - 1)) * 8;
	}
	for (unsigned int level = first_level; level <= 3; level++) {
		ipa_t failed = TABLE(level - first_level) +
			       (entry_offset[level - first_level] & ~UINT64_C(0xfff));

		assert_int_equal(trap_walk_level(&vcpu, va, failed), level);
	}
}

static void every_level_is_found(void **state)
{
	const uint64_t low = UINT64_C(0x0000123456789abc),
		       high = UPPER_HALF | UINT64_C(0x0000fedcba987654);

	check(16, 12, 0, low);                           /* 4 KiB, 48 bits */
	check(25, 12, 1, low & BITS64(38, 0));           /* 39 bits */
	check(33, 12, 1, low & BITS64(30, 0));           /* 31 bits */
	check(34, 12, 2, low & BITS64(29, 0));           /* 30 bits */
	check(39, 12, 2, low & BITS64(24, 0));           /* 25 bits */
	check(TG0_64K | 22, 16, 2, low & BITS64(41, 0)); /* 42 bits: two levels */
	check(TG0_64K | 21, 16, 1, low & BITS64(42, 0));
	check(TG0_64K | 16, 16, 1, low);
	check(TG0_16K | 17, 14, 1, low & BITS64(46, 0));
	check(TG0_16K | 16, 14, 0, low);
	check(TG1_4K | 16 << 16, 12, 0, high);
	check(TG1_4K | 25 << 16, 12, 1, UPPER_HALF | BITS64(47, 39) | (high & BITS64(38, 0)));
	check(TG1_16K | 17 << 16, 14, 1, UPPER_HALF | BIT64(47) | (high & BITS64(46, 0)));
	check(TG1_64K | 16 << 16, 16, 1, high);
}

static void tables_may_be_big_endian(void **state)
{
	big_endian = true;
	fake_machine_sysreg_set("SCTLR_EL1", SCTLR_EE);
	check(16, 12, 0, UINT64_C(0x0000123456789abc));
}

/* ---- AArch32 --------------------------------------------------------------------------------------------- */

/* TTBR1's table is another one than TTBR0's, which leads nowhere, or the other way round. */
static void check_long(uint64_t ttbcr, bool by_ttbr1, unsigned int va_bits, uint32_t va)
{
	static const unsigned int shift[] = {0, 30, 21, 12};
	const unsigned int first = va_bits > 30 ? 1 : 2;

	dom.is_32bit = true;
	fake_machine_sysreg_set("TCR_EL1", TCR_EAE | ttbcr);
	fake_machine_sysreg_set(by_ttbr1 ? "TTBR1_EL1" : "TTBR0_EL1",
				TABLE(0) | UINT64_C(5) << 48 | 1);
	fake_machine_sysreg_set(by_ttbr1 ? "TTBR0_EL1" : "TTBR1_EL1", UINT64_C(0x70000000));
	for (unsigned int level = first; level <= 3; level++) {
		unsigned int nr = level > first ? 9 : va_bits - shift[level];

		entry_offset[level - first] =
			(va >> shift[level] & ((UINT32_C(1) << nr) - 1)) * UINT64_C(8);
	}
	for (unsigned int level = first; level <= 3; level++) {
		ipa_t failed =
			TABLE(level - first) + (entry_offset[level - first] & ~UINT64_C(0xfff));

		assert_int_equal(trap_walk_level(&vcpu, va, failed), level);
	}
}

static void long_descriptors_have_three_levels(void **state)
{
	check_long(0, false, 32, 0xc1523010);
	check_long(0, false, 32, 0xffffffff);
	/* What Linux does with 3 GiB for programs: 2^30 at the top are TTBR1's, and begin at the second level. */
	check_long(2 << 16, true, 30, 0xc1523010);
	check_long(2 << 16, false, 32, 0xbfffffff);
	/* T0SZ only: TTBR1 has all the rest, by an address of 32 bits. */
	check_long(1, false, 31, 0x7fffffff);
	check_long(1, true, 32, 0x80000000);
	check_long(7, false, 25, 0x01ffffff);
	check_long(7, true, 32, 0x02000000);
	/* Both. */
	check_long(3 << 16 | 2, false, 30, 0x3fffffff);
	check_long(3 << 16 | 2, true, 29, 0xe0000000);
	check_long(7 << 16 | 7, true, 25, 0xfe000000);
	/* Whatever is in the other 32 bits: TTBCR2, FAR. */
	check_long(UINT64_C(0xffffffff) << 32, false, 32, 0x40001000);
	big_endian = true;
	fake_machine_sysreg_set("SCTLR_EL1", SCTLR_EE);
	check_long(0, false, 32, 0xc1523010);
}

static void check_short(uint64_t ttbcr, uint32_t va, ipa_t first)
{
	dom.is_32bit = true;
	fake_machine_sysreg_set("TCR_EL1", ttbcr);
	/* With attributes in the lower bits, of which some are the table's address when N is not 0. */
	fake_machine_sysreg_set("TTBR0_EL1", UINT64_C(0x80007f6a));
	fake_machine_sysreg_set("TTBR1_EL1", UINT64_C(0x90007f6a));
	assert_int_equal(trap_walk_level(&vcpu, va, first & ~UINT64_C(0xfff)), 1);
	/* Its neighbours are not the table's page, nor is the one that a section or supersection there leads to. */
	assert_int_equal(trap_walk_level(&vcpu, va, (first & ~UINT64_C(0xfff)) + 0x1000), 2);
	assert_int_equal(trap_walk_level(&vcpu, va, (first & ~UINT64_C(0xfff)) - 0x1000), 2);
	assert_int_equal(trap_walk_level(&vcpu, va, 0x50000000), 2);
	assert_int_equal(nr_reads, 0);
}

static void short_descriptors_have_two_levels(void **state)
{
	check_short(0, 0x00000000, 0x80004000);
	check_short(0, 0x12345678, 0x80004000 + 0x123 * 4);
	check_short(0, 0xc1523010, 0x80004000 + 0xc15 * 4);
	check_short(0, 0xffffffff, 0x80004000 + 0xfff * 4);
	/* N: TTBR0 has 2^(32-N) bytes, in a table of 2^(14-N). */
	check_short(1, 0x7fffffff, 0x80006000 + 0x7ff * 4);
	check_short(1, 0x80000000, 0x90004000 + 0x800 * 4);
	check_short(2, 0x3fffffff, 0x80007000 + 0x3ff * 4);
	check_short(2, 0x40000000, 0x90004000 + 0x400 * 4);
	check_short(7, 0x01ffffff, 0x80007f00 + 0x01f * 4);
	check_short(7, 0x02000000, 0x90004000 + 0x020 * 4);
	check_short(7, 0xc1523010, 0x90004000 + 0xc15 * 4);
}

/* ---- tables that make no sense ---------------------------------------------------------------------------- */

static void a_walk_that_has_changed_meanwhile_ends(void **state)
{
	fake_machine_sysreg_set("TCR_EL1", 16);
	fake_machine_sysreg_set("TTBR0_EL1", TABLE(0));
	memset(entry_offset, 0xff, sizeof(entry_offset));
	assert_int_equal(trap_walk_level(&vcpu, 0x1000, 0x1000), 0);
	assert_int_equal(nr_reads, 1);
}

/* TxSZ may say anything. */
static void nonsense_is_harmless(void **state)
{
	memset(entry_offset, 0, sizeof(entry_offset));
	fake_machine_sysreg_set("TTBR0_EL1", TABLE(0));
	fake_machine_sysreg_set("TTBR1_EL1", TABLE(0));
	for (uint64_t tcr = 0; tcr < BIT64(16); tcr += tcr < 64 ? 1 : 0x3fc0) {
		fake_machine_sysreg_set("TCR_EL1", tcr);
		nr_reads = 0;
		(void)trap_walk_level(&vcpu, 0, 0x1000);
		assert_true(nr_reads <= 4);
	}
	dom.is_32bit = true;
	for (uint64_t ttbcr = 0; ttbcr < 64; ttbcr++) {
		fake_machine_sysreg_set("TCR_EL1", TCR_EAE | (ttbcr & 0x38) << 13 | (ttbcr & 7));
		nr_reads = 0;
		(void)trap_walk_level(&vcpu, UINT64_MAX, 0x1000);
		(void)trap_walk_level(&vcpu, UINT64_MAX >> 1, 0x1000);
		(void)trap_walk_level(&vcpu, 0, 0x1000);
		assert_true(nr_reads <= 9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_level_is_found, set_up),
		cmocka_unit_test_setup(tables_may_be_big_endian, set_up),
		cmocka_unit_test_setup(long_descriptors_have_three_levels, set_up),
		cmocka_unit_test_setup(short_descriptors_have_two_levels, set_up),
		cmocka_unit_test_setup(a_walk_that_has_changed_meanwhile_ends, set_up),
		cmocka_unit_test_setup(nonsense_is_harmless, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
