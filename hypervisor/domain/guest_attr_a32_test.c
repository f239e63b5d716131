/* SPDX-License-Identifier: MIT */
/* Short descriptors: the walk, and what TEX, C and B mean with and without TEX remap. */
#include "domain/guest_attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "tests/unit/fake_machine.h"

#define TRE  BIT64(28)
/* What Linux sets (linux: arch/arm/mm/proc-v7-2level.S). */
#define PRRR UINT64_C(0xff0a81a8)
#define NMRR UINT64_C(0x40e040e0)

static uint32_t memory[32768]; /* 128 KiB at IPA 0x40000000 */
static struct domain dom;

int guest_copy_from_ipa(struct domain *d, void *to, ipa_t ipa, size_t size)
{
	assert_ptr_equal(d, &dom);
	if (ipa < 0x40000000 || ipa + size > 0x40000000 + sizeof(memory)) {
		return -XEN_EFAULT;
	}
	memcpy(to, (const char *)memory + (ipa - 0x40000000), size);
	return 0;
}

static int set_up(void **state)
{
	fake_machine_reset();
	memset(memory, 0, sizeof(memory));
	fake_machine_sysreg_set("MAIR_EL1", NMRR << 32 | PRRR);
	fake_machine_sysreg_set("SCTLR_EL1", TRE | SCTLR_M | SCTLR_C);
	fake_machine_sysreg_set("TTBR0_EL1", 0x4000406a);
	return 0;
}

static void put(uint64_t ipa, uint32_t descriptor)
{
	memory[(ipa - 0x40000000) / 4] = descriptor;
}

static void with_remap_the_registers_say(void **state)
{
	static const struct {
		unsigned int tex, cb;
		uint64_t attr;
	} cases[] = {
		{0, 0, 0x00}, /* strongly ordered */
		{0, 1, 0x44}, /* bufferable: Normal, not cached */
		{0, 2, 0xaa}, /* Write-Through */
		{0, 3, 0xee}, /* Write-Back without allocation on writes */
		{1, 0, 0x04}, /* device */
		{1, 3, 0xff}, /* Write-Back */
		{6, 3, 0xee}, /* TEX[2:1] are the kernel's own */
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(guest_attr_of_tex_cb(TRE, NMRR << 32 | PRRR, cases[i].tex,
						      cases[i].cb),
				 cases[i].attr);
	}
}

static void without_remap_the_descriptor_says(void **state)
{
	static const struct {
		unsigned int tex, cb;
		uint64_t attr;
	} cases[] = {
		{0, 0, 0x00}, {0, 1, 0x04}, {0, 2, 0xaa}, {0, 3, 0xee}, {1, 0, 0x44},
		{1, 3, 0xff}, {2, 0, 0x04}, {4, 0, 0x44}, {5, 1, 0xff}, {7, 0, 0xe4},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(guest_attr_of_tex_cb(0, 0, cases[i].tex, cases[i].cb),
				 cases[i].attr);
	}
}

static void sections_and_pages_are_found(void **state)
{
	/* TEX 001 C B: Write-Back; C alone: Write-Through. */
	put(0x40004000 + 0xc14 * 4, 0x4010140e | 2);     /* section at 0xc1400000, TEX = 1 */
	put(0x40004000 + 0xc15 * 4, 0x40008001);         /* table */
	put(0x40008000 + 0x23 * 4, 0x4002304a | 1 << 2); /* small page: TEX = 1, C, B */
	put(0x40008000 + 0x24 * 4, 0x4002400a);          /* small page: C */
	put(0x40008000 + 0x30 * 4, 0x4003100d);          /* large page: TEX = 1, C, B */
	assert_int_equal(guest_attr_short(&dom, 0xc1401f20), 0xff);
	assert_int_equal(guest_attr_short(&dom, 0xc1523010), 0xff);
	assert_int_equal(guest_attr_short(&dom, 0xc1524010), 0xaa);
	assert_int_equal(guest_attr_short(&dom, 0xc1530fff), 0xff);
	/* Nothing is there. */
	assert_int_equal(guest_attr_short(&dom, 0xc1525000), 0);
	assert_int_equal(guest_attr_short(&dom, 0xd0000000), 0);
}

static void two_tables_share_the_addresses(void **state)
{
	/* N = 2: a quarter is TTBR0's, whose table is of 4 KiB. */
	fake_machine_sysreg_set("TCR_EL1", 2);
	fake_machine_sysreg_set("TTBR0_EL1", 0x4000106a);
	fake_machine_sysreg_set("TTBR1_EL1", 0x4000406a);
	put(0x40001000 + 0x001 * 4, 0x40100406 | 2 << 2);
	put(0x40004000 + 0x400 * 4, 0x4010000a);
	assert_int_equal(guest_attr_short(&dom, 0x40000000), 0xaa);
	put(0x40001000 + 0x001 * 4, 0x4010140e);
	assert_int_equal(guest_attr_short(&dom, 0x00100000), 0xff);
}

static void tables_may_be_big_endian(void **state)
{
	fake_machine_sysreg_set("SCTLR_EL1", TRE | SCTLR_M | SCTLR_C | SCTLR_EE);
	put(0x40004000 + 0xc14 * 4, __builtin_bswap32(0x4010140e));
	assert_int_equal(guest_attr_short(&dom, 0xc1401f20), 0xff);
}

static void tables_that_are_not_memory_and_long_descriptors_say_nothing(void **state)
{
	put(0x40004000 + 0xc14 * 4, 0x4010140e);
	fake_machine_sysreg_set("TTBR0_EL1", 0x90000000);
	assert_int_equal(guest_attr_short(&dom, 0xc1401f20), 0);
	fake_machine_sysreg_set("TTBR0_EL1", 0x40004000);
	fake_machine_sysreg_set("TCR_EL1", TCR_EAE);
	assert_int_equal(guest_attr_short(&dom, 0xc1401f20), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		CASE(with_remap_the_registers_say),
		CASE(without_remap_the_descriptor_says),
		CASE(sections_and_pages_are_found),
		CASE(two_tables_share_the_addresses),
		CASE(tables_may_be_big_endian),
		CASE(tables_that_are_not_memory_and_long_descriptors_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
