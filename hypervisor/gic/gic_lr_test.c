/* SPDX-License-Identifier: MIT */
/* List registers: the two hardware formats against values worked out by hand from the specifications. */
#include "gic/gic_internal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct lr_case {
	struct gic_lr lr;
	uint32_t v2;
	uint64_t v3;
};

static const struct lr_case cases[] = {
	/* A pending SPI of the guest's own. */
	{{.vintid = 40, .priority = 0xa0, .pending = true}, 0x1a000028, 0x50a0000000000028},
	/* The virtual timer, backed by hardware, acknowledged by the guest. */
	{{.vintid = 27, .pintid = 27, .priority = 0xa0, .active = true, .hw = true},
	 0xaa006c1b,
	 0xb0a0001b0000001b},
	/* Hardware SPI, the highest INTID, lowest priority that GICv2 can tell apart. */
	{{.vintid = 1019, .pintid = 1019, .priority = 0xf8, .pending = true, .hw = true},
	 0x9f8feffb,
	 0x70f803fb000003fb},
	/* Level-triggered without hardware: pending again while active, EOI asked for. */
	{{.vintid = 30, .priority = 0x08, .pending = true, .active = true, .eoi_maintenance = true},
	 0x3088001e,
	 0xd00802000000001e},
	{{.vintid = 0}, 0, 0x1000000000000000},
};

static void assert_same(const struct gic_lr *a, const struct gic_lr *b)
{
	assert_int_equal(a->vintid, b->vintid);
	assert_int_equal(a->pintid, b->pintid);
	assert_int_equal(a->priority, b->priority);
	assert_int_equal(a->pending, b->pending);
	assert_int_equal(a->active, b->active);
	assert_int_equal(a->hw, b->hw);
	assert_int_equal(a->eoi_maintenance, b->eoi_maintenance);
	assert_int_equal(a->source_cpu, b->source_cpu);
}

static void gicv2_format_matches_the_specification(void **state)
{
	struct gic_lr back;

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(gicv2_lr_encode(&cases[i].lr), cases[i].v2);
		gicv2_lr_decode(cases[i].v2, &back);
		assert_same(&back, &cases[i].lr);
	}
}

static void gicv3_format_matches_the_specification(void **state)
{
	struct gic_lr back;

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(gicv3_lr_encode(&cases[i].lr) == cases[i].v3);
		gicv3_lr_decode(cases[i].v3, &back);
		assert_same(&back, &cases[i].lr);
	}
}

static void gicv2_sgi_carries_its_source(void **state)
{
	struct gic_lr lr = {.vintid = 3, .priority = 0, .pending = true, .source_cpu = 5};
	struct gic_lr back;

	assert_int_equal(gicv2_lr_encode(&lr), 0x10001403);
	gicv2_lr_decode(0x10001403, &back);
	assert_same(&back, &lr);
}

static void gicv2_takes_gicv3s_format(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(gicv2_lr_from_v3(cases[i].v3), cases[i].v2);
	}
	/* An SGI from CPU 5. */
	assert_int_equal(gicv2_lr_from_v3(0x4000000500000003), 0x10001403);
}

static void gicv2_keeps_five_bits_of_priority(void **state)
{
	struct gic_lr lr = {.vintid = 33, .priority = 0xff, .pending = true};
	struct gic_lr back;

	gicv2_lr_decode(gicv2_lr_encode(&lr), &back);
	assert_int_equal(back.priority, 0xf8);
}

static void hardware_interrupts_carry_neither_source_nor_eoi_request(void **state)
{
	struct gic_lr lr = {.vintid = 33, .pintid = 33, .pending = true, .hw = true};
	struct gic_lr plain = lr;

	lr.eoi_maintenance = true;
	lr.source_cpu = 7;
	assert_int_equal(gicv2_lr_encode(&lr), gicv2_lr_encode(&plain));
	assert_true(gicv3_lr_encode(&lr) == gicv3_lr_encode(&plain));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gicv2_format_matches_the_specification),
		cmocka_unit_test(gicv3_format_matches_the_specification),
		cmocka_unit_test(gicv2_sgi_carries_its_source),
		cmocka_unit_test(gicv2_takes_gicv3s_format),
		cmocka_unit_test(gicv2_keeps_five_bits_of_priority),
		cmocka_unit_test(hardware_interrupts_carry_neither_source_nor_eoi_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
