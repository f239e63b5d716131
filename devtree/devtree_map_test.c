/* SPDX-License-Identifier: MIT */
/* A guest's memory map: banks, what is free above them, vCPU affinities. */
#include "devtree/devtree.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static void ram_fills_the_low_bank_first(void **state)
{
	struct devtree_range bank[DEVTREE_RAM_BANKS];

	assert_int_equal(devtree_ram_banks(64 * MIB, bank), 1);
	assert_int_equal(bank[0].start, 0x40000000);
	assert_int_equal(bank[0].size, 64 * MIB);
	assert_int_equal(devtree_ram_banks(3 * GIB, bank), 1);
	assert_int_equal(devtree_ram_banks(3 * GIB + 4096, bank), 2);
	assert_int_equal(bank[0].size, 3 * GIB);
	assert_int_equal(bank[1].start, 0x200000000);
	assert_int_equal(bank[1].size, 4096);
	assert_int_equal(devtree_ram_banks(3 * GIB + 1016 * GIB, bank), 2);
	assert_int_equal(devtree_ram_banks(3 * GIB + 1016 * GIB + 1, bank), 0);
	assert_int_equal(devtree_ram_banks(0, bank), 0);
	assert_int_equal(devtree_ram_banks(UINT64_MAX, bank), 0);
}

static void regions_above_the_memory(void **state)
{
	struct devtree_range region[DEVTREE_RAM_BANKS];

	assert_int_equal(devtree_extended_regions(64 * MIB + 4096, 40, region), 2);
	assert_int_equal(region[0].start, 0x40000000 + 66 * MIB);
	assert_int_equal(region[0].start + region[0].size, 0x40000000 + 3 * GIB);
	assert_int_equal(region[1].start, 0x200000000);
	assert_int_equal(region[1].start + region[1].size, UINT64_C(1) << 40);
	/* A guest with few address bits. */
	assert_int_equal(devtree_extended_regions(64 * MIB, 32, region), 1);
	assert_int_equal(region[0].start + region[0].size, UINT64_C(1) << 32);
	/* Less than 64 MiB left below. */
	assert_int_equal(devtree_extended_regions(3 * GIB - 63 * MIB, 40, region), 1);
	assert_int_equal(region[0].start, 0x200000000);
	assert_int_equal(devtree_extended_regions(4 * GIB, 33, region), 0);
}

static void sixteen_vcpus_to_a_cluster(void **state)
{
	assert_int_equal(devtree_vcpu_affinity(0), 0);
	assert_int_equal(devtree_vcpu_affinity(15), 15);
	assert_int_equal(devtree_vcpu_affinity(16), 0x100);
	assert_int_equal(devtree_vcpu_affinity(127), 0x70f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ram_fills_the_low_bank_first),
		cmocka_unit_test(regions_above_the_memory),
		cmocka_unit_test(sixteen_vcpus_to_a_cluster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
