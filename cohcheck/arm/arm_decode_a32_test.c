/* SPDX-License-Identifier: MIT */
/* A32 and T32, as assemblers write them. Rt is r3 throughout. */
#include "arm/arm_decode.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct named {
	uint32_t word;
	enum arm_op_kind kind;
	const char *name;
};

/* clang-format off */
static const struct named a32_words[] = {
	{0xee073f11, OP_IC, "ICIALLUIS"},
	{0xee073f15, OP_IC, "ICIALLU"},
	{0xee073f35, OP_IC, "ICIMVAU"},
	{0xee073f36, OP_DC, "DCIMVAC"},
	{0xee073f3a, OP_DC, "DCCMVAC"},
	{0xee073f3b, OP_DC, "DCCMVAU"},
	{0xee073f3e, OP_DC, "DCCIMVAC"},
	{0xee073f56, OP_DC_SET_WAY, "DCISW"},
	{0xee073f5a, OP_DC_SET_WAY, "DCCSW"},
	{0xee073f5e, OP_DC_SET_WAY, "DCCISW"},
	{0xee013f10, OP_MSR, "MCR SCTLR"},
	{0xee023f10, OP_MSR, "MCR TTBR0"},
	{0xee023f30, OP_MSR, "MCR TTBR1"},
	{0xee023f50, OP_MSR, "MCR TTBCR"},
	{0xee023f70, OP_MSR, "MCR TTBCR2"},
	{0xee033f10, OP_MSR, "MCR DACR"},
	{0xee0a3f12, OP_MSR, "MCR PRRR"},
	{0xee0a3f32, OP_MSR, "MCR NMRR"},
	{0xee0d3f30, OP_MSR, "MCR CONTEXTIDR"},
	{0xec443f02, OP_MSR, "MCRR TTBR0"}, /* mcrr p15, 0, r3, r4, c2 */
	{0xec443f12, OP_MSR, "MCRR TTBR1"}, /* mcrr p15, 1, r3, r4, c2 */
	{0xee073f9a, OP_DSB, "CP15DSB"}, /* mcr p15, 0, r3, c7, c10, 4 */
	{0xf57ff04f, OP_DSB, "DSB SY"}, /* dsb sy */
	{0xf57ff04b, OP_DSB, "DSB ISH"}, /* dsb ish */
	{0xf57ff04a, OP_DSB, "DSB ISHST"}, /* dsb ishst */
	{0xf57ff045, OP_DSB, "DSB NSHLD"}, /* dsb nshld */
	{0xf57ff040, OP_OTHER, NULL}, /* ssbb */
	{0xf57ff044, OP_OTHER, NULL}, /* pssbb */
	{0xe1600070, OP_CALL, "SMC"}, /* smc #0 */
	{0xe1400075, OP_CALL, "HVC"}, /* hvc #5 */
	{0xe1913f9f, OP_EXCLUSIVE, "LDREX"}, /* ldrex r3, [r1] */
	{0xe1d13f9f, OP_EXCLUSIVE, "LDREX"}, /* ldrexb r3, [r1] */
	{0xe1f13f9f, OP_EXCLUSIVE, "LDREX"}, /* ldrexh r3, [r1] */
	{0xe1b12f9f, OP_EXCLUSIVE, "LDREX"}, /* ldrexd r2, r3, [r1] */
	{0xe1913e9f, OP_EXCLUSIVE, "LDREX"}, /* ldaex r3, [r1] */
	{0xe1d13e9f, OP_EXCLUSIVE, "LDREX"}, /* ldaexb r3, [r1] */
	{0xe1f13e9f, OP_EXCLUSIVE, "LDREX"}, /* ldaexh r3, [r1] */
	{0xe1b12e9f, OP_EXCLUSIVE, "LDREX"}, /* ldaexd r2, r3, [r1] */
	{0xe1815f93, OP_EXCLUSIVE, "STREX"}, /* strex r5, r3, [r1] */
	{0xe1c15f93, OP_EXCLUSIVE, "STREX"}, /* strexb r5, r3, [r1] */
	{0xe1e15f93, OP_EXCLUSIVE, "STREX"}, /* strexh r5, r3, [r1] */
	{0xe1a15f92, OP_EXCLUSIVE, "STREX"}, /* strexd r5, r2, r3, [r1] */
	{0xe1815e93, OP_EXCLUSIVE, "STREX"}, /* stlex r5, r3, [r1] */
	{0xe1c15e93, OP_EXCLUSIVE, "STREX"}, /* stlexb r5, r3, [r1] */
	{0xe1e15e93, OP_EXCLUSIVE, "STREX"}, /* stlexh r5, r3, [r1] */
	{0xe1a15e92, OP_EXCLUSIVE, "STREX"}, /* stlexd r5, r2, r3, [r1] */
	{0xe1913c9f, OP_OTHER, NULL}, /* lda r3, [r1] */
	{0xe1d13c9f, OP_OTHER, NULL}, /* ldab r3, [r1] */
	{0xe181fc93, OP_OTHER, NULL}, /* stl r3, [r1] */
	{0xe1e1fc93, OP_OTHER, NULL}, /* stlh r3, [r1] */
	{0xf57ff06f, OP_OTHER, NULL}, /* isb */
	{0xf57ff05b, OP_OTHER, NULL}, /* dmb ish */
	{0xf57ff01f, OP_OTHER, NULL}, /* clrex */
	{0xe320f000, OP_OTHER, NULL}, /* nop */
	{0xe5910000, OP_OTHER, NULL}, /* ldr r0, [r1] */
	{0xe5a10004, OP_OTHER, NULL}, /* str r0, [r1, #4]! */
	{0xe8b00006, OP_OTHER, NULL}, /* ldm r0!, {r1, r2} */
	{0xe1a00001, OP_OTHER, NULL}, /* mov r0, r1 */
	{0xee113f10, OP_OTHER, NULL}, /* mrc p15, 0, r3, c1, c0, 0 */
	{0xec543f02, OP_OTHER, NULL}, /* mrrc p15, 0, r3, r4, c2 */
	{0xee073fba, OP_OTHER, NULL}, /* mcr p15, 0, r3, c7, c10, 5 */
	{0xee073f95, OP_OTHER, NULL}, /* mcr p15, 0, r3, c7, c5, 4 */
	{0xee073fd5, OP_OTHER, NULL}, /* mcr p15, 0, r3, c7, c5, 6 */
	{0xee883f17, OP_OTHER, NULL}, /* mcr p15, 4, r3, c8, c7, 0 */
	{0xee0c3f10, OP_OTHER, NULL}, /* mcr p15, 0, r3, c12, c0, 0 */
	{0xee073e36, OP_OTHER, NULL}, /* mcr p14, 0, r3, c7, c6, 1 */
	{0xe0000291, OP_OTHER, NULL}, /* mul r0, r1, r2 */
	{0xe1c120d0, OP_OTHER, NULL}, /* ldrd r2, r3, [r1] */
	{0xee001a10, OP_OTHER, NULL}, /* vmov s0, r1 */
	{0xea000000, OP_OTHER, NULL}, /* b . */
	{0xef000000, OP_OTHER, NULL}, /* svc #0 */
	{0xe1200070, OP_OTHER, NULL}, /* bkpt #0 */
	{0xe10f0000, OP_OTHER, NULL}, /* mrs r0, cpsr */
	{0xec443f0e, OP_OTHER, NULL}, /* mcrr p15, 0, r3, r4, c14 */
	{0xec443f03, OP_OTHER, NULL}, /* mcrr p15, 0, r3, r4, c3 */
	{0xec443f62, OP_OTHER, NULL}, /* mcrr p15, 6, r3, r4, c2: VTTBR */
};

static const struct named t32_words[] = {
	{0xee073f11, OP_IC, "ICIALLUIS"},
	{0xee073f15, OP_IC, "ICIALLU"},
	{0xee073f35, OP_IC, "ICIMVAU"},
	{0xee073f36, OP_DC, "DCIMVAC"},
	{0xee073f3a, OP_DC, "DCCMVAC"},
	{0xee073f3b, OP_DC, "DCCMVAU"},
	{0xee073f3e, OP_DC, "DCCIMVAC"},
	{0xee073f56, OP_DC_SET_WAY, "DCISW"},
	{0xee073f5a, OP_DC_SET_WAY, "DCCSW"},
	{0xee073f5e, OP_DC_SET_WAY, "DCCISW"},
	{0xee013f10, OP_MSR, "MCR SCTLR"},
	{0xee023f10, OP_MSR, "MCR TTBR0"},
	{0xee023f30, OP_MSR, "MCR TTBR1"},
	{0xee023f50, OP_MSR, "MCR TTBCR"},
	{0xee023f70, OP_MSR, "MCR TTBCR2"},
	{0xee033f10, OP_MSR, "MCR DACR"},
	{0xee0a3f12, OP_MSR, "MCR PRRR"},
	{0xee0a3f32, OP_MSR, "MCR NMRR"},
	{0xee0d3f30, OP_MSR, "MCR CONTEXTIDR"},
	{0xec443f02, OP_MSR, "MCRR TTBR0"}, /* mcrr p15, 0, r3, r4, c2 */
	{0xec443f12, OP_MSR, "MCRR TTBR1"}, /* mcrr p15, 1, r3, r4, c2 */
	{0xee073f9a, OP_DSB, "CP15DSB"}, /* mcr p15, 0, r3, c7, c10, 4 */
	{0xf3bf8f4f, OP_DSB, "DSB SY"}, /* dsb sy */
	{0xf3bf8f4b, OP_DSB, "DSB ISH"}, /* dsb ish */
	{0xf3bf8f4a, OP_DSB, "DSB ISHST"}, /* dsb ishst */
	{0xf3bf8f45, OP_DSB, "DSB NSHLD"}, /* dsb nshld */
	{0xf3bf8f40, OP_OTHER, NULL}, /* ssbb */
	{0xf3bf8f44, OP_OTHER, NULL}, /* pssbb */
	{0xf7f08000, OP_CALL, "SMC"}, /* smc #0 */
	{0xf7e08005, OP_CALL, "HVC"}, /* hvc #5 */
	{0xe8513f00, OP_EXCLUSIVE, "LDREX"}, /* ldrex r3, [r1] */
	{0xe8d13f4f, OP_EXCLUSIVE, "LDREX"}, /* ldrexb r3, [r1] */
	{0xe8d13f5f, OP_EXCLUSIVE, "LDREX"}, /* ldrexh r3, [r1] */
	{0xe8d1237f, OP_EXCLUSIVE, "LDREX"}, /* ldrexd r2, r3, [r1] */
	{0xe8d13fef, OP_EXCLUSIVE, "LDREX"}, /* ldaex r3, [r1] */
	{0xe8d13fcf, OP_EXCLUSIVE, "LDREX"}, /* ldaexb r3, [r1] */
	{0xe8d13fdf, OP_EXCLUSIVE, "LDREX"}, /* ldaexh r3, [r1] */
	{0xe8d123ff, OP_EXCLUSIVE, "LDREX"}, /* ldaexd r2, r3, [r1] */
	{0xe8413500, OP_EXCLUSIVE, "STREX"}, /* strex r5, r3, [r1] */
	{0xe8c13f45, OP_EXCLUSIVE, "STREX"}, /* strexb r5, r3, [r1] */
	{0xe8c13f55, OP_EXCLUSIVE, "STREX"}, /* strexh r5, r3, [r1] */
	{0xe8c12375, OP_EXCLUSIVE, "STREX"}, /* strexd r5, r2, r3, [r1] */
	{0xe8c13fe5, OP_EXCLUSIVE, "STREX"}, /* stlex r5, r3, [r1] */
	{0xe8c13fc5, OP_EXCLUSIVE, "STREX"}, /* stlexb r5, r3, [r1] */
	{0xe8c13fd5, OP_EXCLUSIVE, "STREX"}, /* stlexh r5, r3, [r1] */
	{0xe8c123f5, OP_EXCLUSIVE, "STREX"}, /* stlexd r5, r2, r3, [r1] */
	{0xe8d13faf, OP_OTHER, NULL}, /* lda r3, [r1] */
	{0xe8d13f8f, OP_OTHER, NULL}, /* ldab r3, [r1] */
	{0xe8c13faf, OP_OTHER, NULL}, /* stl r3, [r1] */
	{0xe8c13f9f, OP_OTHER, NULL}, /* stlh r3, [r1] */
	{0xf3bf8f6f, OP_OTHER, NULL}, /* isb */
	{0xf3bf8f5b, OP_OTHER, NULL}, /* dmb ish */
	{0xf3bf8f2f, OP_OTHER, NULL}, /* clrex */
	{0xbf000000, OP_OTHER, NULL}, /* nop */
	{0x68080000, OP_OTHER, NULL}, /* ldr r0, [r1] */
	{0xf8410f04, OP_OTHER, NULL}, /* str r0, [r1, #4]! */
	{0xc8060000, OP_OTHER, NULL}, /* ldm r0!, {r1, r2} */
	{0x46080000, OP_OTHER, NULL}, /* mov r0, r1 */
	{0xee113f10, OP_OTHER, NULL}, /* mrc p15, 0, r3, c1, c0, 0 */
	{0xec543f02, OP_OTHER, NULL}, /* mrrc p15, 0, r3, r4, c2 */
	{0xee073fba, OP_OTHER, NULL}, /* mcr p15, 0, r3, c7, c10, 5 */
	{0xee073f95, OP_OTHER, NULL}, /* mcr p15, 0, r3, c7, c5, 4 */
	{0xee073fd5, OP_OTHER, NULL}, /* mcr p15, 0, r3, c7, c5, 6 */
	{0xee883f17, OP_OTHER, NULL}, /* mcr p15, 4, r3, c8, c7, 0 */
	{0xee0c3f10, OP_OTHER, NULL}, /* mcr p15, 0, r3, c12, c0, 0 */
	{0xee073e36, OP_OTHER, NULL}, /* mcr p14, 0, r3, c7, c6, 1 */
	{0xfb01f002, OP_OTHER, NULL}, /* mul r0, r1, r2 */
	{0xe9d12300, OP_OTHER, NULL}, /* ldrd r2, r3, [r1] */
	{0xee001a10, OP_OTHER, NULL}, /* vmov s0, r1 */
	{0xe0000000, OP_OTHER, NULL}, /* b . */
	{0xdf000000, OP_OTHER, NULL}, /* svc #0 */
	{0xbe000000, OP_OTHER, NULL}, /* bkpt #0 */
	{0xf3ef8000, OP_OTHER, NULL}, /* mrs r0, cpsr */
	{0xec443f0e, OP_OTHER, NULL}, /* mcrr p15, 0, r3, r4, c14 */
	{0xe8d0f001, OP_OTHER, NULL}, /* tbb [r0, r1] */
	{0xe8d0f011, OP_OTHER, NULL}, /* tbh [r0, r1, lsl #1] */
	{0xf0009000, OP_OTHER, NULL}, /* b.w . */
	{0xf000d000, OP_OTHER, NULL}, /* bl . */
	{0xbf000000, OP_OTHER, NULL}, /* nop, 16 bits */
};

static const struct {
	uint32_t word; /* A32 */
	int by;
	bool last_level, broadcast;
	const char *name;
} tlbi_words[] = {
	{0xee083f13, TLBI_VMALL, false, true, "TLBIALLIS"},
	{0xee083f33, TLBI_VA, false, true, "TLBIMVAIS"},
	{0xee083f53, TLBI_ASID, false, true, "TLBIASIDIS"},
	{0xee083f73, TLBI_VAA, false, true, "TLBIMVAAIS"},
	{0xee083fb3, TLBI_VA, true, true, "TLBIMVALIS"},
	{0xee083ff3, TLBI_VAA, true, true, "TLBIMVAALIS"},
	{0xee083f17, TLBI_VMALL, false, false, "TLBIALL"},
	{0xee083f37, TLBI_VA, false, false, "TLBIMVA"},
	{0xee083f57, TLBI_ASID, false, false, "TLBIASID"},
	{0xee083f77, TLBI_VAA, false, false, "TLBIMVAA"},
	{0xee083fb7, TLBI_VA, true, false, "TLBIMVAL"},
	{0xee083ff7, TLBI_VAA, true, false, "TLBIMVAAL"},
	{0xee083f15, TLBI_VMALL, false, false, "ITLBIALL"},
	{0xee083f35, TLBI_VA, false, false, "ITLBIMVA"},
	{0xee083f55, TLBI_ASID, false, false, "ITLBIASID"},
	{0xee083f16, TLBI_VMALL, false, false, "DTLBIALL"},
	{0xee083f36, TLBI_VA, false, false, "DTLBIMVA"},
	{0xee083f56, TLBI_ASID, false, false, "DTLBIASID"},
};
/* clang-format on */

static void assert_op(const struct arm_op *op, const struct named *expected)
{
	const char *name = expected->name;

	if (op->kind != expected->kind || (name == NULL) != (op->name == NULL) ||
	    (name && strcmp(name, op->name) != 0)) {
		fail_msg("%08x is %d %s, not %d %s", expected->word, op->kind, op->name,
			 expected->kind, name);
	}
	if (op->kind == OP_DC || op->kind == OP_DC_SET_WAY || op->kind == OP_MSR) {
		assert_int_equal(op->rt, 3);
	}
}

static void a32_instructions_by_kind_and_name(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(a32_words); i++) {
		struct arm_op op;

		arm_decode_a32(&op, a32_words[i].word);
		assert_op(&op, &a32_words[i]);
	}
}

static void t32_instructions_by_kind_and_name(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(t32_words); i++) {
		struct arm_op op;

		arm_decode_t32(&op, t32_words[i].word);
		assert_op(&op, &t32_words[i]);
	}
}

static void cache_operations_are_those_of_a64(void **state)
{
	struct arm_op op;

	arm_decode_a32(&op, 0xee073f36);
	assert_int_equal(op.dc, DC_IVAC);
	assert_true(op.ivac_by_el1);
	arm_decode_a32(&op, 0xee073f3a);
	assert_int_equal(op.dc, DC_CVAC);
	assert_false(op.ivac_by_el1);
	arm_decode_a32(&op, 0xee073f3b);
	assert_int_equal(op.dc, DC_CVAU);
	arm_decode_a32(&op, 0xee073f3e);
	assert_int_equal(op.dc, DC_CIVAC);
	arm_decode_a32(&op, 0xee073f11);
	assert_int_equal(op.ic, IC_IALLUIS);
	arm_decode_a32(&op, 0xee073f15);
	assert_int_equal(op.ic, IC_IALLU);
	arm_decode_a32(&op, 0xee073f35);
	assert_int_equal(op.ic, IC_IVAU);
}

static void old_barrier_waits_for_everything(void **state)
{
	struct arm_op op;

	arm_decode_a32(&op, 0xee073f9a);
	assert_true(op.dsb.loads && op.dsb.stores);
	assert_int_equal(op.dsb.domain, 3);
	arm_decode_a32(&op, 0xf57ff04a);
	assert_false(op.dsb.loads);
	assert_int_equal(op.dsb.domain, 2);
}

static void tlb_maintenance_by_scope(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(tlbi_words); i++) {
		const struct named expected = {tlbi_words[i].word, OP_TLBI, tlbi_words[i].name};
		struct arm_op op;

		arm_decode_a32(&op, tlbi_words[i].word);
		assert_op(&op, &expected);
		assert_int_equal(op.tlbi.by, tlbi_words[i].by);
		assert_int_equal(op.tlbi.el, 1);
		assert_int_equal(op.tlbi.last_level, tlbi_words[i].last_level);
		assert_int_equal(op.tlbi.broadcast, tlbi_words[i].broadcast);
		assert_false(op.tlbi.range);
		assert_true(op.tlbi.aarch32);
		assert_int_equal(op.rt, 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a32_instructions_by_kind_and_name),
		cmocka_unit_test(t32_instructions_by_kind_and_name),
		cmocka_unit_test(cache_operations_are_those_of_a64),
		cmocka_unit_test(old_barrier_waits_for_everything),
		cmocka_unit_test(tlb_maintenance_by_scope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
