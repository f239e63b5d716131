/* SPDX-License-Identifier: MIT */
/* The table of memory attributes (design.md, "Memory attributes"), row by row, with and without FWB. */
#include "stage2/stage2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/cpu.h"
#include "arm64/pte.h"
#include "domain/domain.h"
#include "tests/unit/fake_machine.h"

/* MemAttr without FWB, and with (Arm ARM, "Stage 2 memory region type and cacheability attributes"). */
#define WB      S2_MEMATTR(0xf)
#define NC      S2_MEMATTR(0x5)
#define DEVICE  S2_MEMATTR(0x1)
#define FORCED  S2_MEMATTR(0x6)
#define STAGE1  S2_MEMATTR(0x7)
#define FWB_NC  S2_MEMATTR(0x5)
#define FWB_DEV S2_MEMATTR(0x1)

#define R       S2_READ
#define W       S2_WRITE

enum who {
	DOMU, /* cold */
	DOMU_WARM,
	DOMU_DEVICE, /* cold, has a device that does not snoop */
	DOM0,        /* warm, as it is when it maps anything */
	NOBODY
};

static struct domain domains[4];

static struct domain *domain_of(enum who who)
{
	return who == NOBODY ? NULL : &domains[who];
}

static int set_up(void **state)
{
	fake_machine_reset();
	memset(domains, 0, sizeof(domains));
	domains[DOMU_WARM].warm = true;
	domains[DOMU_DEVICE].has_noncoherent_device = true;
	domains[DOM0].is_hardware = true;
	domains[DOM0].warm = true;
	return 0;
}

/* ---- mappings in a stage 2 ---------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	enum who mapper, owner;
	enum stage2_type type;
	uint64_t plain, fwb, sh, permissions;
	bool executable;
} rows[] = {
	/* A domain's own. */
	{ DOMU, DOMU, STAGE2_RAM, WB, FORCED, PTE_SH_INNER, R | W, true },
	{ DOMU_WARM, DOMU_WARM, STAGE2_RAM, WB, FORCED, PTE_SH_INNER, R | W, true },
	/* The hardware domain's own; any domain with a non-coherent device. */
	{ DOM0, DOM0, STAGE2_RAM, WB, STAGE1, PTE_SH_INNER, R | W, true },
	{ DOMU_DEVICE, DOMU_DEVICE, STAGE2_RAM, WB, STAGE1, PTE_SH_INNER, R | W, true },
	/* Private, domain cold: what does not force Write-Back is Non-cacheable. */
	{ DOM0, DOMU, STAGE2_FOREIGN_RW, NC, FORCED, PTE_SH_INNER, R | W, false },
	{ DOM0, DOMU, STAGE2_FOREIGN_RO, NC, FORCED, PTE_SH_INNER, R, false },
	{ DOM0, DOMU_DEVICE, STAGE2_FOREIGN_RW, NC, FWB_NC, PTE_SH_INNER, R | W, false },
	/* Private, domain warm. */
	{ DOM0, DOMU_WARM, STAGE2_FOREIGN_RW, WB, FORCED, PTE_SH_INNER, R | W, false },
	{ DOM0, DOMU_WARM, STAGE2_FOREIGN_RO, WB, FORCED, PTE_SH_INNER, R, false },
	/* Shared: anyone, cold or not. */
	{ DOMU, DOMU, STAGE2_SHARED, WB, FORCED, PTE_SH_INNER, R | W, false },
	{ DOM0, DOM0, STAGE2_SHARED, WB, FORCED, PTE_SH_INNER, R | W, false },
	{ DOM0, DOMU, STAGE2_GRANT_RW, WB, FORCED, PTE_SH_INNER, R | W, false },
	{ DOM0, DOMU, STAGE2_GRANT_RO, WB, FORCED, PTE_SH_INNER, R, false },
	{ DOMU, DOM0, STAGE2_GRANT_RW, WB, FORCED, PTE_SH_INNER, R | W, false },
	/* Devices. */
	{ DOM0, NOBODY, STAGE2_DEVICE_HWDOM, WB, STAGE1, PTE_SH_OUTER, R | W, false },
	{ DOMU, NOBODY, STAGE2_DEVICE, DEVICE, FWB_DEV, 0, R | W, false },
	{ DOM0, NOBODY, STAGE2_DEVICE, DEVICE, FWB_DEV, 0, R | W, false },
};
/* clang-format on */

static void check_rows(bool s2fwb)
{
	cpu_features.s2fwb = s2fwb;
	for (unsigned int n = 0; n < ARRAY_SIZE(rows); n++) {
		const struct frame private = {.state = FRAME_GUEST};
		uint64_t pte = stage2_attr_pte(domain_of(rows[n].mapper), domain_of(rows[n].owner),
					       &private, rows[n].type);

		if ((pte & S2_MEMATTR_MASK) != (s2fwb ? rows[n].fwb : rows[n].plain)) {
			fail_msg("row %u: MemAttr is 0x%x", n,
				 (unsigned int)FIELD_GET(S2_MEMATTR_MASK, pte));
		}
		assert_int_equal(pte & PTE_SH, rows[n].sh);
		assert_int_equal(pte & (S2_READ | S2_WRITE), rows[n].permissions);
		assert_int_equal((pte & S2_XN) == 0, rows[n].executable);
		assert_int_equal(pte & (PTE_VALID | PTE_AF), PTE_VALID | PTE_AF);
		assert_int_equal(FIELD_GET(S2_SW_TYPE, pte), rows[n].type);
		/* The caller adds the address and says whether it is a page. */
		assert_int_equal(pte & (PTE_ADDR | PTE_PAGE), 0);
	}
}

static void every_row_without_fwb(void **state)
{
	check_rows(false);
}

static void every_row_with_fwb(void **state)
{
	check_rows(true);
}

static void a_shared_frame_is_write_back_to_all(void **state)
{
	static const uint32_t reasons[] = {1, FRAME_UNSHARING, FRAME_PINS};

	for (unsigned int n = 0; n < ARRAY_SIZE(reasons); n++) {
		const struct frame shared = {.state = FRAME_GUEST, .shared_pins = reasons[n]};

		for (enum who owner = DOMU; owner <= DOMU_DEVICE; owner++) {
			uint64_t pte;

			cpu_features.s2fwb = false;
			pte = stage2_attr_pte(domain_of(DOM0), domain_of(owner), &shared,
					      STAGE2_FOREIGN_RW);
			assert_int_equal(pte & S2_MEMATTR_MASK, WB);
			assert_true(stage2_attr_frame_is_wb(domain_of(owner), &shared));
			cpu_features.s2fwb = true;
			pte = stage2_attr_pte(domain_of(DOM0), domain_of(owner), &shared,
					      STAGE2_FOREIGN_RO);
			assert_int_equal(pte & S2_MEMATTR_MASK, FORCED);
		}
	}
}

static void nothing_is_no_mapping(void **state)
{
	assert_int_equal(stage2_attr_pte(&domains[DOMU], NULL, NULL, STAGE2_INVALID), 0);
}

/* ---- windows ------------------------------------------------------------------------------------ */

static void windows_follow_the_same_table(void **state)
{
	static const struct {
		enum who owner;
		uint32_t pins;
		enum window_attr plain, fwb;
	} cases[] = {
		{DOMU, 0, WINDOW_NC, WINDOW_WB},
		{DOMU, 1, WINDOW_WB_ONCE, WINDOW_WB},
		{DOMU_WARM, 0, WINDOW_WB, WINDOW_WB},
		{DOMU_WARM, 2, WINDOW_WB, WINDOW_WB},
		{DOMU_DEVICE, 0, WINDOW_NC, WINDOW_NC},
		{DOMU_DEVICE, 1, WINDOW_WB_ONCE, WINDOW_WB_ONCE},
		{DOM0, 0, WINDOW_WB, WINDOW_WB},
	};

	for (unsigned int n = 0; n < ARRAY_SIZE(cases); n++) {
		struct frame frame = {.state = FRAME_GUEST, .shared_pins = cases[n].pins};

		cpu_features.s2fwb = false;
		assert_int_equal(stage2_attr_window(domain_of(cases[n].owner), &frame),
				 cases[n].plain);
		cpu_features.s2fwb = true;
		assert_int_equal(stage2_attr_window(domain_of(cases[n].owner), &frame),
				 cases[n].fwb);
	}
}

static void no_window_is_kept_before_others_mappings_have_followed(void **state)
{
	const struct frame frame = {.state = FRAME_GUEST};

	domain_of(DOMU_WARM)->foreign_due = true;
	assert_int_equal(stage2_attr_window(domain_of(DOMU_WARM), &frame), WINDOW_WB_ONCE);
	domain_of(DOMU_WARM)->foreign_due = false;
	assert_int_equal(stage2_attr_window(domain_of(DOMU_WARM), &frame), WINDOW_WB);
}

static void write_back_is_forced_only_where_nothing_bypasses_caches(void **state)
{
	for (enum who who = DOMU; who < NOBODY; who++) {
		cpu_features.s2fwb = false;
		assert_false(stage2_attr_forces_wb(domain_of(who)));
		cpu_features.s2fwb = true;
		assert_int_equal(stage2_attr_forces_wb(domain_of(who)),
				 who == DOMU || who == DOMU_WARM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_row_without_fwb, set_up),
		cmocka_unit_test_setup(every_row_with_fwb, set_up),
		cmocka_unit_test_setup(a_shared_frame_is_write_back_to_all, set_up),
		cmocka_unit_test_setup(nothing_is_no_mapping, set_up),
		cmocka_unit_test_setup(windows_follow_the_same_table, set_up),
		cmocka_unit_test_setup(no_window_is_kept_before_others_mappings_have_followed,
				       set_up),
		cmocka_unit_test_setup(write_back_is_forced_only_where_nothing_bypasses_caches,
				       set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
