/* SPDX-License-Identifier: MIT */
/*
 * Identification registers that guests see, from values recorded on QEMU 10.0.2 (-M
 * virt,virtualization=on) at EL2: cortex-a57, an Armv8.0 CPU, and max, which has nearly everything.
 */
#include "trap/trap_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/domain.h"
#include "tests/unit/fake_machine.h"

/* S3_0_C0_C<crm>_<op2> of each: [crm][op2]. */
/* clang-format off */
static const uint64_t cortex_a57[8][8] = {
	[1] = { 0x131, 0x10011001, 0x3000006, 0x0, 0x10101105, 0x40000000, 0x1260000, 0x2102211 },
	[2] = { 0x2101110, 0x13112111, 0x21232042, 0x1112131, 0x11142, 0x11121, 0x0, 0x0 },
	[3] = { 0x10110222, 0x12111111, 0x43, 0x0, 0x0, 0x0, 0x0, 0x0 },
	[4] = { 0x1000222, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0 },
	[5] = { 0x10305106, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0 },
	[6] = { 0x11120, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0 },
	[7] = { 0x1124, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0 },
};

static const uint64_t max_cpu[8][8] = {
	[1] = { 0x11020131, 0x10011001, 0x600000a, 0x0, 0x10101105, 0x40000000, 0x1260000, 0x2122211 },
	[2] = { 0x2101110, 0x13112111, 0x21232042, 0x1112131, 0x11142, 0x11011121, 0x20021110, 0x1111111 },
	[3] = { 0x10110222, 0x13211111, 0x43, 0x0, 0x11, 0x10, 0x2, 0x0 },
	[4] = { 0x1301001121110222, 0x1001000121, 0x0, 0x0, 0x110110100210021, 0x80f100fd00000000, 0x0, 0x0 },
	[5] = { 0x100000001030560a, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0 },
	[6] = { 0x1221111110212120, 0x111211110211502, 0x110012, 0x0, 0x0, 0x0, 0x0, 0x0 },
	[7] = { 0x2100032310201126, 0x110112010312122, 0x1221011112011011, 0x1000000000000000, 0x0, 0x0, 0x0, 0x0 },
};

/* clang-format on */

static unsigned int ipa_bits;

unsigned int stage2_ipa_bits(void)
{
	return ipa_bits;
}

static struct domain *with_v2, *with_v3;

/* The registers of one CPU become part of what guests see. */
static void add_cpu(unsigned int cpu, const uint64_t values[8][8])
{
	static char names[8][8][24];

	for (unsigned int crm = 1; crm < 8; crm++) {
		for (unsigned int op2 = 0; op2 < 8; op2++) {
			snprintf(names[crm][op2], sizeof(names[crm][op2]), "S3_0_C0_C%u_%u", crm,
				 op2);
			fake_machine_sysreg_set(names[crm][op2], values[crm][op2]);
		}
	}
	fake_machine_set_cpu(cpu);
	trap_idreg_init_cpu();
	fake_machine_set_cpu(0);
}

static int set_up(void **state)
{
	fake_machine_reset();
	ipa_bits = 40;
	with_v2 = calloc(1, sizeof(*with_v2));
	with_v3 = calloc(1, sizeof(*with_v3));
	with_v2->vgic.version = GIC_V2;
	with_v3->vgic.version = GIC_V3;
	return 0;
}

static int tear_down(void **state)
{
	free(with_v2);
	free(with_v3);
	return 0;
}

static uint64_t get(const struct domain *d, unsigned int crm, unsigned int op2)
{
	trap_idreg_init_machine();
	return trap_idreg_read(d, SYS_ENC(3, 0, 0, crm, op2));
}

static unsigned int field(uint64_t value, unsigned int shift)
{
	return (unsigned int)(value >> shift & 0xf);
}

#define PFR0  4, 0
#define PFR1  4, 1
#define DFR0  5, 0
#define ISAR0 6, 0
#define ISAR1 6, 1
#define ISAR2 6, 2
#define MMFR0 7, 0
#define MMFR1 7, 1
#define MMFR2 7, 2

static void an_old_cpu_keeps_what_it_has(void **state)
{
	add_cpu(0, cortex_a57);
	/* EL0 and EL1 with AArch32, FP and SIMD; neither EL2 nor EL3. */
	assert_int_equal(get(with_v2, PFR0), 0x22);
	assert_int_equal(get(with_v3, PFR0), 0x1000022);
	assert_int_equal(get(with_v2, PFR1), 0);
	assert_int_equal(get(with_v2, ISAR0), 0x11120);
	assert_int_equal(get(with_v2, ISAR1), 0);
	/* The physical address size, 44 bits, is cut to stage 2's 40. */
	assert_int_equal(get(with_v2, MMFR0), 0x1122);
	assert_int_equal(get(with_v2, MMFR1), 0);
	assert_int_equal(get(with_v2, MMFR2), 0);
	/* Debug architecture 8.0, six breakpoints, two of contexts, four watchpoints, no PMU, no double lock. */
	assert_int_equal(get(with_v2, DFR0), UINT64_C(0xf010305006));
	/* AArch32. */
	assert_int_equal(get(with_v2, 1, 0), 0x131);
	assert_int_equal(get(with_v2, 1, 1), 0x10001);
	assert_int_equal(get(with_v3, 1, 1), 0x10010001);
	assert_int_equal(get(with_v2, 1, 2), 6);
	assert_int_equal(get(with_v2, 1, 4), 0x10101105);
	assert_int_equal(get(with_v2, 3, 0), 0x10110222);
}

static void a_new_cpu_hides_what_is_not_switched(void **state)
{
	uint64_t value;

	add_cpu(0, max_cpu);
	value = get(with_v3, PFR0);
	assert_int_equal(field(value, 0), 2);
	assert_int_equal(field(value, 4), 2);
	assert_int_equal(field(value, 8), 0);  /* EL2 */
	assert_int_equal(field(value, 12), 0); /* EL3 */
	assert_int_equal(field(value, 16), 1); /* FP with half precision */
	assert_int_equal(field(value, 20), 1);
	assert_int_equal(field(value, 24), 1);      /* GIC */
	assert_int_equal(field(value, 28), 0);      /* RAS */
	assert_int_equal(field(value, 32), 0);      /* SVE */
	assert_int_equal(field(value, 36), 0);      /* SEL2 */
	assert_int_equal(field(value, 40), 0);      /* MPAM */
	assert_int_equal(field(value, 44), 0);      /* AMU */
	assert_int_equal(field(value, 48), 1);      /* DIT */
	assert_int_equal(field(value, 52), 0);      /* RME */
	assert_int_equal(field(value, 56), 1);      /* CSV2, without SCXTNUM */
	assert_int_equal(field(value, 60), 1);      /* CSV3 */
	assert_int_equal(get(with_v3, PFR1), 0x21); /* SSBS, BTI; neither MTE, SME nor NMI */
	assert_int_equal(get(with_v3, 4, 4), 0);    /* ZFR0 */
	assert_int_equal(get(with_v3, 4, 5), 0);    /* SMFR0 */
	assert_int_equal(get(with_v3, DFR0), UINT64_C(0xf010305006));
	assert_int_equal(get(with_v3, ISAR0), UINT64_C(0x1221111110212120));
	value = get(with_v3, ISAR1);
	assert_int_equal(field(value, 0), 2);  /* DC CVADP */
	assert_int_equal(field(value, 4), 0);  /* APA */
	assert_int_equal(field(value, 8), 0);  /* API */
	assert_int_equal(field(value, 24), 0); /* GPA */
	assert_int_equal(field(value, 28), 0); /* GPI */
	assert_int_equal(field(value, 56), 1); /* XS, which nothing could trap */
	assert_int_equal(field(value, 60), 0); /* LS64 */
	value = get(with_v3, ISAR2);
	assert_int_equal(field(value, 0), 0);  /* WFxT */
	assert_int_equal(field(value, 4), 1);  /* RPRES */
	assert_int_equal(field(value, 16), 0); /* MOPS */
	assert_int_equal(field(value, 20), 1); /* BC */
	value = get(with_v3, MMFR0);
	assert_int_equal(field(value, 0), 2);  /* 40 bits */
	assert_int_equal(field(value, 28), 1); /* LPA2 at stage 1 */
	assert_int_equal(field(value, 32), 0);
	assert_int_equal(field(value, 36), 0);
	assert_int_equal(field(value, 40), 0);
	assert_int_equal(field(value, 56), 0); /* FGT */
	value = get(with_v3, MMFR1);
	assert_int_equal(field(value, 0), 2);  /* HAFDBS */
	assert_int_equal(field(value, 4), 0);  /* VMID */
	assert_int_equal(field(value, 8), 0);  /* VHE */
	assert_int_equal(field(value, 16), 0); /* LORegions */
	assert_int_equal(field(value, 20), 3); /* PAN */
	assert_int_equal(field(value, 40), 0); /* HCX */
	value = get(with_v3, MMFR2);
	assert_int_equal(field(value, 0), 1);    /* CnP */
	assert_int_equal(field(value, 12), 0);   /* IESB */
	assert_int_equal(field(value, 24), 0);   /* NV */
	assert_int_equal(field(value, 36), 1);   /* IDS, likewise */
	assert_int_equal(field(value, 40), 0);   /* FWB */
	assert_int_equal(field(value, 52), 0);   /* BBM */
	assert_int_equal(field(value, 56), 0);   /* EVT */
	assert_int_equal(get(with_v3, 7, 3), 0); /* MMFR3 */
	assert_int_equal(get(with_v3, 7, 4), 0);
	/* AArch32: no performance monitors, no RAS, no AMU, no ThumbEE. */
	assert_int_equal(field(get(with_v3, 1, 0), 28), 0);
	assert_int_equal(field(get(with_v3, 1, 2), 24), 0);
	assert_int_equal(get(with_v3, 3, 5), 0);
}

static void cpus_that_differ_have_the_lowest_in_common(void **state)
{
	uint64_t alone[8][8];

	add_cpu(0, cortex_a57);
	for (unsigned int crm = 1; crm < 8; crm++) {
		for (unsigned int op2 = 0; op2 < 8; op2++) {
			alone[crm][op2] = get(with_v3, crm, op2);
		}
	}
	/* In either order; max has at least what a57 has, here. */
	add_cpu(1, max_cpu);
	assert_int_equal(get(with_v3, ISAR0), alone[6][0]);
	assert_int_equal(get(with_v3, ISAR1), 0);
	assert_int_equal(get(with_v3, PFR0), alone[4][0]);
	add_cpu(0, max_cpu);
	add_cpu(1, cortex_a57);
	add_cpu(2, max_cpu);
	for (unsigned int crm = 1; crm < 8; crm++) {
		for (unsigned int op2 = 0; op2 < 8; op2++) {
			assert_int_equal(get(with_v3, crm, op2), alone[crm][op2]);
		}
	}
}

static void signed_fields_are_compared_as_such(void **state)
{
	uint64_t other[8][8];

	/* A CPU without FP, and without the 64 KiB granule. */
	memcpy(other, cortex_a57, sizeof(other));
	other[4][0] |= 0xff0000;
	other[7][0] |= 0xf000000;
	add_cpu(0, cortex_a57);
	add_cpu(1, other);
	assert_int_equal(get(with_v2, PFR0), 0xff0022);
	assert_int_equal(field(get(with_v2, MMFR0), 24), 0xf);
}

static void one_cpu_without_aarch32_hides_it(void **state)
{
	uint64_t other[8][8];

	memcpy(other, cortex_a57, sizeof(other));
	other[4][0] = (other[4][0] & ~UINT64_C(0xff)) | 0x11;
	for (unsigned int order = 0; order < 2; order++) {
		add_cpu(0, order == 0 ? cortex_a57 : (const uint64_t(*)[8])other);
		add_cpu(1, order == 0 ? (const uint64_t(*)[8])other : cortex_a57);
		add_cpu(2, cortex_a57);
		assert_int_equal(get(with_v3, PFR0), 0x1000011);
		for (unsigned int crm = 1; crm < 4; crm++) {
			for (unsigned int op2 = 0; op2 < 8; op2++) {
				assert_int_equal(get(with_v3, crm, op2), 0);
			}
		}
	}
}

static void physical_addresses_are_limited_by_stage_2(void **state)
{
	static const struct {
		unsigned int bits, code;
	} cases[] = {
		{32, 0}, {36, 1}, {39, 1}, {40, 2}, {42, 3}, {44, 4}, {48, 5}, {52, 6},
	};

	add_cpu(0, max_cpu); /* 52 bits */
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		ipa_bits = cases[i].bits;
		assert_int_equal(field(get(with_v3, MMFR0), 0), cases[i].code);
	}
	add_cpu(0, cortex_a57); /* 44 bits */
	ipa_bits = 48;
	assert_int_equal(field(get(with_v3, MMFR0), 0), 4);
}

/* A CPU of the future: every field at its highest value. */
static void unknown_features_do_not_shine_through(void **state)
{
	uint64_t future[8][8];

	memset(future, 0x77, sizeof(future));
	add_cpu(0, future);
	assert_int_equal(get(with_v3, PFR0), UINT64_C(0x1101000001770022));
	assert_int_equal(get(with_v3, PFR1), 0x21);
	assert_int_equal(get(with_v3, DFR0), UINT64_C(0xf070707006));
	for (unsigned int op2 = 0; op2 < 8; op2++) {
		/* No assigned register of these rows is known, but for 5, 0. */
		assert_true(op2 == 0 || get(with_v3, 5, op2) == 0);
		assert_true(op2 < 2 || get(with_v3, 4, op2) == 0);
		assert_true(op2 < 3 || get(with_v3, 6, op2) == 0);
		assert_true(op2 < 3 || get(with_v3, 7, op2) == 0);
	}
}

static void the_group_is_told_from_its_neighbours(void **state)
{
	assert_true(trap_idreg_is_key(SYS_ENC(3, 0, 0, 1, 0)));
	assert_true(trap_idreg_is_key(SYS_ENC(3, 0, 0, 7, 7)));
	assert_false(trap_idreg_is_key(SYS_ENC(3, 0, 0, 0, 5))); /* MPIDR_EL1 */
	assert_false(trap_idreg_is_key(SYS_ENC(3, 0, 0, 8, 0)));
	assert_false(trap_idreg_is_key(SYS_ENC(3, 1, 0, 1, 0)));
	assert_false(trap_idreg_is_key(SYS_ENC(3, 0, 1, 1, 0)));
	assert_false(trap_idreg_is_key(SYS_ENC(2, 0, 0, 1, 0)));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(an_old_cpu_keeps_what_it_has),
		CASE(a_new_cpu_hides_what_is_not_switched),
		CASE(cpus_that_differ_have_the_lowest_in_common),
		CASE(signed_fields_are_compared_as_such),
		CASE(one_cpu_without_aarch32_hides_it),
		CASE(physical_addresses_are_limited_by_stage_2),
		CASE(unknown_features_do_not_shine_through),
		CASE(the_group_is_told_from_its_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
