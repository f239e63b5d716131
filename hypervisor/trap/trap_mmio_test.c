/* SPDX-License-Identifier: MIT */
/* The table of emulated devices: sorted, without overlap, found by any of its addresses. */
#include "trap/trap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "abi/xen.h"
#include "domain/domain.h"
#include "tests/unit/fake_machine.h"

static struct domain dom;

static bool handler(struct vcpu *v, struct mmio_access *access, void *context)
{
	return true;
}

static int set_up(void **state)
{
	fake_machine_reset();
	memset(&dom, 0, sizeof(dom));
	return 0;
}

static int add(ipa_t start, uint64_t size)
{
	return trap_mmio_register(&dom, start, size, handler, (void *)(uintptr_t)start);
}

static void assert_found(ipa_t ipa, ipa_t start)
{
	const struct mmio_region *region = trap_mmio_find(&dom, ipa);

	assert_non_null(region);
	assert_int_equal(region->start, start);
	assert_ptr_equal(region->context, (void *)(uintptr_t)start);
}

static void regions_are_found_whatever_the_order_they_came_in(void **state)
{
	assert_int_equal(add(0x3001000, 0x10000), 0);
	assert_int_equal(add(0x1000, 0x1000), 0);
	assert_int_equal(add(0x3020000, 0x1000000), 0);
	assert_int_equal(add(0x22000000, 0x1000), 0);
	for (unsigned int n = 1; n < dom.mmio.nr; n++) {
		assert_true(dom.mmio.region[n - 1].start < dom.mmio.region[n].start);
	}
	assert_found(0x1000, 0x1000);
	assert_found(0x1fff, 0x1000);
	assert_found(0x3001004, 0x3001000);
	assert_found(0x3010fff, 0x3001000);
	assert_found(0x401ffff, 0x3020000);
	assert_found(0x22000fff, 0x22000000);
	assert_null(trap_mmio_find(&dom, 0xfff));
	assert_null(trap_mmio_find(&dom, 0x2000));
	assert_null(trap_mmio_find(&dom, 0x3011000));
	assert_null(trap_mmio_find(&dom, 0x22001000));
	assert_null(trap_mmio_find(&dom, UINT64_MAX));
}

static void overlap_is_refused_and_touching_is_not(void **state)
{
	assert_int_equal(add(0x10000, 0x1000), 0);
	assert_int_equal(add(0x10000, 0x1000), -XEN_EEXIST);
	assert_int_equal(add(0x10ff8, 8), -XEN_EEXIST);
	assert_int_equal(add(0xf000, 0x1008), -XEN_EEXIST);
	assert_int_equal(add(0xf000, 0x3000), -XEN_EEXIST);
	assert_int_equal(dom.mmio.nr, 1);
	assert_int_equal(add(0x11000, 0x1000), 0);
	assert_int_equal(add(0xf000, 0x1000), 0);
	assert_found(0xffff, 0xf000);
	assert_found(0x10000, 0x10000);
	assert_found(0x11000, 0x11000);
}

static void nonsense_is_refused(void **state)
{
	assert_int_equal(add(0x10000, 0), -XEN_EINVAL);
	assert_int_equal(add(UINT64_MAX - 0xfff, 0x2000), -XEN_EINVAL);
	/* An aligned access could be half in it. */
	assert_int_equal(add(0x10000, 0x1004), -XEN_EINVAL);
	assert_int_equal(add(0x10004, 0x1000), -XEN_EINVAL);
	assert_int_equal(dom.mmio.nr, 0);
}

static void the_table_has_an_end(void **state)
{
	for (unsigned int n = 0; n < MMIO_MAX_REGIONS; n++) {
		assert_int_equal(add(0x10000 * (n + 1), 0x1000), 0);
	}
	assert_int_equal(add(0x8000000, 0x1000), -XEN_ENOSPC);
	assert_found(0x10000 * MMIO_MAX_REGIONS, 0x10000 * MMIO_MAX_REGIONS);
}

static void no_region_is_found_in_an_empty_table(void **state)
{
	assert_null(trap_mmio_find(&dom, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(regions_are_found_whatever_the_order_they_came_in, set_up),
		cmocka_unit_test_setup(overlap_is_refused_and_touching_is_not, set_up),
		cmocka_unit_test_setup(nonsense_is_refused, set_up),
		cmocka_unit_test_setup(the_table_has_an_end, set_up),
		cmocka_unit_test_setup(no_region_is_found_in_an_empty_table, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
