/* SPDX-License-Identifier: MIT */
/* Instructions with write-back, as an assembler made them. */
#include "trap/trap_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "abi/xen.h"
#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "tests/unit/fake_machine.h"

static struct vcpu vcpu;
static uint32_t memory;
static int copy_result;

int guest_copy_from(void *to, uint64_t gva, size_t size)
{
	assert_int_equal(gva, vcpu.regs.pc);
	assert_int_equal(size, sizeof(memory));
	memcpy(to, &memory, sizeof(memory));
	return copy_result;
}

static int set_up(void **state)
{
	fake_machine_reset();
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.regs.pc = 0x40001000;
	vcpu.regs.pstate = PSTATE_EL1h;
	copy_result = 0;
	return 0;
}

static void loads_and_stores_with_write_back_are_known(void **state)
{
	static const struct {
		uint32_t insn;
		unsigned int log2, rt, rn;
		bool sse, sf, wnr;
		int64_t offset;
	} cases[] = {
		{0xb8404423, 2, 3, 1, false, false, false, 4},     /* ldr w3, [x1], #4 */
		{0xb81f0c23, 2, 3, 1, false, false, true, -16},    /* str w3, [x1, #-16]! */
		{0xf8408441, 3, 1, 2, false, true, false, 8},      /* ldr x1, [x2], #8 */
		{0xf8008441, 3, 1, 2, false, false, true, 8},      /* str x1, [x2], #8 */
		{0x38401400, 0, 0, 0, false, false, false, 1},     /* ldrb w0, [x0], #1: rn == rt */
		{0x38401420, 0, 0, 1, false, false, false, 1},     /* ldrb w0, [x1], #1 */
		{0x38c01420, 0, 0, 1, true, false, false, 1},      /* ldrsb w0, [x1], #1 */
		{0x38801420, 0, 0, 1, true, true, false, 1},       /* ldrsb x0, [x1], #1 */
		{0x78500c1f, 1, 31, 0, false, false, false, -256}, /* ldrh wzr, [x0, #-256]! */
		{0xb88ff7e5, 2, 5, 31, true, true, false, 255},    /* ldrsw x5, [sp], #255 */
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trap_indexed indexed = {0};
		bool known = trap_decode_indexed(cases[i].insn, &indexed);

		if (cases[i].rt == cases[i].rn) {
			assert_false(known);
			continue;
		}
		assert_true(known);
		assert_int_equal(indexed.rn, cases[i].rn);
		assert_int_equal(indexed.offset, cases[i].offset);
		assert_int_equal(FIELD_GET(ISS_DA_SAS, indexed.iss), cases[i].log2);
		assert_int_equal(FIELD_GET(ISS_DA_SRT, indexed.iss), cases[i].rt);
		assert_int_equal((indexed.iss & ISS_DA_SSE) != 0, cases[i].sse);
		assert_int_equal((indexed.iss & ISS_DA_SF) != 0, cases[i].sf);
		assert_int_equal((indexed.iss & ISS_DA_WNR) != 0, cases[i].wnr);
		assert_int_equal((indexed.iss & ISS_DA_ISV) != 0, true);
	}
}

static void others_are_not(void **state)
{
	static const uint32_t insns[] = {
		0xb9400423, /* ldr w3, [x1, #4] */
		0xb8404823, /* ldtr w3, [x1, #4] */
		0xb8404023, /* ldur w3, [x1, #4] */
		0xb8646823, /* ldr w3, [x1, x4] */
		0xbc404423, /* ldr s3, [x1], #4 */
		0x28c10823, /* ldp w3, w2, [x1], #8 */
		0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
		0x885f7c23, /* ldxr w3, [x1] */
		0xb8f00023, /* ldeor, or so */
		0xf8c08441, /* signed to 32 bits, of 64: unallocated */
		0xb8c08441, /* of 32 */
		0xf8808441, /* to 64 bits, of 64 */
		0x00000000,
	};
	struct trap_indexed indexed;

	for (unsigned int i = 0; i < ARRAY_SIZE(insns); i++) {
		if (trap_decode_indexed(insns[i], &indexed)) {
			fail_msg("%08x", insns[i]);
		}
	}
}

static void the_instruction_is_read_where_it_was_executed(void **state)
{
	struct trap_indexed indexed;

	memory = 0xb8404423;
	assert_true(trap_fetch_indexed(&vcpu, &indexed));
	assert_int_equal(indexed.offset, 4);
	copy_result = -XEN_EFAULT;
	assert_false(trap_fetch_indexed(&vcpu, &indexed));
	copy_result = 0;
	vcpu.regs.pstate = PSTATE_AARCH32;
	assert_false(trap_fetch_indexed(&vcpu, &indexed));
}

static void the_base_moves(void **state)
{
	struct trap_indexed indexed = {.rn = 7, .offset = -8};

	vcpu.regs.x[7] = 0x1000;
	trap_write_back(&vcpu, &indexed);
	assert_int_equal(vcpu.regs.x[7], 0xff8);
	assert_int_equal(vcpu.regs.stale, 0);
	/* What guest_enter leaves alone but for this. */
	indexed.rn = 21;
	vcpu.regs.x[21] = 0x1000;
	trap_write_back(&vcpu, &indexed);
	assert_int_equal(vcpu.regs.x[21], 0xff8);
	assert_int_equal(vcpu.regs.stale, 1);
	/* 31 is the stack pointer that is in use. */
	indexed.rn = 31;
	fake_machine_sysreg_set("SP_EL0", 0x2000);
	fake_machine_sysreg_set("SP_EL1", 0x3000);
	trap_write_back(&vcpu, &indexed);
	assert_int_equal(fake_machine_sysreg_get("SP_EL1"), 0x2ff8);
	vcpu.regs.pstate = PSTATE_EL1t;
	trap_write_back(&vcpu, &indexed);
	assert_int_equal(fake_machine_sysreg_get("SP_EL0"), 0x1ff8);
	vcpu.regs.pstate = PSTATE_EL0t;
	trap_write_back(&vcpu, &indexed);
	assert_int_equal(fake_machine_sysreg_get("SP_EL0"), 0x1ff0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(loads_and_stores_with_write_back_are_known, set_up),
		cmocka_unit_test_setup(others_are_not, set_up),
		cmocka_unit_test_setup(the_instruction_is_read_where_it_was_executed, set_up),
		cmocka_unit_test_setup(the_base_moves, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
