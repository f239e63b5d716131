/* SPDX-License-Identifier: MIT */
/* The level at which a guest's stage-1 walk went wrong, for each granule and size of address space. */
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

int guest_copy_from_ipa(struct domain *d, void *to, ipa_t ipa, size_t size)
{
	uint64_t n = (ipa - TABLE(0)) / UINT64_C(0x10000);
	uint64_t descriptor = TABLE(n + 1) | 3;

	assert_ptr_equal(d, &dom);
	assert_int_equal(size, 8);
	assert_true(n < NR_TABLES);
	nr_reads++;
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
	for (uint64_t tcr = 0; tcr < BIT64(16); tcr += tcr < 64 ? 1 : 0x3fc0) {
		fake_machine_sysreg_set("TCR_EL1", tcr);
		nr_reads = 0;
		(void)trap_walk_level(&vcpu, 0, 0x1000);
		assert_true(nr_reads <= 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_level_is_found, set_up),
		cmocka_unit_test_setup(a_walk_that_has_changed_meanwhile_ends, set_up),
		cmocka_unit_test_setup(nonsense_is_harmless, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
