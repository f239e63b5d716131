/* SPDX-License-Identifier: MIT */
/*
 * Stage-2 aborts: what is emulated and how, what is tried again because another CPU was changing
 * the mapping, and what ends as an abort in the guest.
 */
#include "trap/trap_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "abi/xen.h"
#include "arm64/esr.h"
#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "lib/log.h"
#include "tests/unit/fake_machine.h"

#define DEVICE_BASE_IPA UINT64_C(0x22000000)
#define DEVICE_SIZE     UINT64_C(0x1000)
#define HOLE            UINT64_C(0x50000000)
#define GVA             UINT64_C(0xffff800010000000)

#define TRANSLATION     (FSC_TRANSLATION | 3)
#define PERMISSION      (FSC_PERMISSION | 3)
#define WRITE           ISS_DA_WNR
#define SIZE(log2)      (ISS_DA_ISV | FIELD_PREP(ISS_DA_SAS, (log2)))
#define REG(n)          FIELD_PREP(ISS_DA_SRT, (n))

static struct domain dom;
static struct vcpu vcpu;

/* What stage 2 has at every IPA outside the device. */
static bool mapped;
static enum stage2_type mapped_type;

static struct mmio_access seen;
static unsigned int nr_accesses;
static uint64_t answer;
static bool accepts;

static unsigned int nr_aborts, nr_watchpoints;
static bool abort_instruction;
static uint32_t abort_iss;
static uint64_t abort_far;
static bool watched;

int stage2_lookup(struct domain *d, gfn_t g, mfn_t *m, enum stage2_type *type)
{
	assert_ptr_equal(d, &dom);
	if (!mapped) {
		return -XEN_ENOENT;
	}
	*m = mfn(g.raw);
	*type = mapped_type;
	return 0;
}

void trap_inject_abort(struct vcpu *v, bool instruction, uint64_t far, uint32_t iss)
{
	nr_aborts++;
	abort_instruction = instruction;
	abort_far = far;
	abort_iss = iss;
}

static unsigned int nr_by_class;

void trap_by_class(struct vcpu *v, uint64_t esr)
{
	nr_by_class++;
}

void trap_inject_watchpoint(struct vcpu *v, uint64_t far, bool is_write)
{
	nr_watchpoints++;
	abort_far = far;
	assert_true(is_write);
}

bool trap_debug_is_watched(const struct vcpu *v, uint64_t va, unsigned int size, bool is_write)
{
	return watched;
}

bool trap_a32_register(const struct vcpu *v, unsigned int rt, unsigned int *n)
{
	*n = rt;
	return true;
}

static bool is_indexed;
static struct trap_indexed fetched;
static unsigned int nr_write_backs;

bool trap_fetch_indexed(struct vcpu *v, struct trap_indexed *indexed)
{
	*indexed = fetched;
	return is_indexed;
}

void trap_write_back(struct vcpu *v, const struct trap_indexed *indexed)
{
	nr_write_backs++;
}

unsigned int trap_walk_level(struct vcpu *v, uint64_t va, ipa_t failed)
{
	assert_int_equal(va & ~UINT64_C(0xfff), GVA);
	return 1;
}

void log_guest(unsigned int domid, const char *format, ...)
{
}

static bool device(struct vcpu *v, struct mmio_access *access, void *context)
{
	assert_ptr_equal(v, &vcpu);
	assert_ptr_equal(context, &seen);
	nr_accesses++;
	seen = *access;
	access->value = answer;
	return accepts;
}

static int set_up(void **state)
{
	fake_machine_reset();
	memset(&dom, 0, sizeof(dom));
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.domain = &dom;
	mapped = false;
	mapped_type = STAGE2_RAM;
	nr_accesses = nr_aborts = nr_watchpoints = nr_by_class = 0;
	watched = is_indexed = false;
	nr_write_backs = 0;
	accepts = true;
	for (unsigned int n = 0; n < 31; n++) {
		vcpu.regs.x[n] = UINT64_C(0x1111111111111111) * (n % 15 + 1);
	}
	assert_int_equal(trap_mmio_register(&dom, DEVICE_BASE_IPA, DEVICE_SIZE, device, &seen), 0);
	fake_machine_sysreg_set("PAR_EL1", 0xabcd);
	return 0;
}

static enum trap_outcome take(enum esr_ec ec, uint64_t iss, ipa_t ipa)
{
	/* HPFAR_EL2 has the page; the rest is in FAR_EL2. */
	fake_machine_sysreg_set("HPFAR_EL2", ipa >> 12 << 4);
	fake_machine_sysreg_set("FAR_EL2", GVA | (ipa & 0xfff));
	return trap_abort(&vcpu, (uint64_t)ec << ESR_EC_SHIFT | ESR_IL | iss);
}

static enum trap_outcome data(uint64_t iss, ipa_t ipa)
{
	return take(ESR_EC_DATA_ABORT_LOWER, iss, ipa);
}

static enum trap_outcome fetch(uint64_t iss, ipa_t ipa)
{
	return take(ESR_EC_INSTR_ABORT_LOWER, iss, ipa);
}

static void assert_refused(enum trap_outcome outcome)
{
	assert_int_equal(outcome, TRAP_AGAIN);
	assert_int_equal(nr_aborts, 1);
	nr_aborts = 0;
}

static void assert_retried(enum trap_outcome outcome)
{
	assert_int_equal(outcome, TRAP_AGAIN);
	assert_int_equal(nr_aborts, 0);
}

/* ---- emulation ---------------------------------------------------------------------------------- */

static void stores_of_every_width_carry_just_their_bytes(void **state)
{
	static const uint64_t values[] = {0x11, 0x1111, 0x11111111, 0x1111111111111111};

	for (unsigned int log2 = 0; log2 < 4; log2++) {
		assert_int_equal(data(TRANSLATION | SIZE(log2) | REG(0) | WRITE,
				      DEVICE_BASE_IPA + 0x18),
				 TRAP_DONE);
		assert_true(seen.is_write);
		assert_int_equal(seen.offset, 0x18);
		assert_int_equal(seen.size, 1u << log2);
		assert_int_equal(seen.value, values[log2]);
	}
	assert_int_equal(nr_accesses, 4);
}

static void loads_extend_as_the_instruction_says(void **state)
{
	static const struct {
		unsigned int log2;
		uint64_t flags, value, result;
	} cases[] = {
		{0, 0, 0x80, 0x80},                                    /* LDRB W */
		{0, ISS_DA_SSE, 0x80, 0xffffff80},                     /* LDRSB W */
		{0, ISS_DA_SSE | ISS_DA_SF, 0x80, 0xffffffffffffff80}, /* LDRSB X */
		{1, ISS_DA_SSE, 0x8000, 0xffff8000},
		{1, ISS_DA_SSE | ISS_DA_SF, 0x7fff, 0x7fff},
		{1, ISS_DA_SF, 0x8000, 0x8000},
		{2, 0, 0x80000000, 0x80000000},
		{2, ISS_DA_SSE | ISS_DA_SF, 0x80000000, 0xffffffff80000000}, /* LDRSW */
		{3, ISS_DA_SF, 0x8000000000000001, 0x8000000000000001},
	};

	for (unsigned int n = 0; n < ARRAY_SIZE(cases); n++) {
		answer = cases[n].value;
		vcpu.regs.x[7] = UINT64_MAX;
		assert_int_equal(data(TRANSLATION | SIZE(cases[n].log2) | REG(7) | cases[n].flags,
				      DEVICE_BASE_IPA),
				 TRAP_DONE);
		assert_false(seen.is_write);
		if (vcpu.regs.x[7] != cases[n].result) {
			fail_msg("case %u: 0x%llx", n, (unsigned long long)vcpu.regs.x[7]);
		}
	}
}

static void register_31_is_zero(void **state)
{
	assert_int_equal(data(TRANSLATION | SIZE(3) | REG(31) | WRITE, DEVICE_BASE_IPA), TRAP_DONE);
	assert_int_equal(seen.value, 0);
	answer = 0x77;
	vcpu.regs.pc = 0x1000;
	assert_int_equal(data(TRANSLATION | SIZE(3) | REG(31), DEVICE_BASE_IPA), TRAP_DONE);
	/* Where x[31] would be. */
	assert_int_equal(vcpu.regs.pc, 0x1000);
}

static void what_the_device_refuses_is_an_abort(void **state)
{
	accepts = false;
	vcpu.regs.x[3] = 5;
	assert_refused(data(TRANSLATION | SIZE(2) | REG(3), DEVICE_BASE_IPA + 8));
	assert_int_equal(abort_far, GVA | 8);
	assert_false(abort_instruction);
	assert_int_equal(vcpu.regs.x[3], 5);
}

static void an_unaligned_access_never_reaches_the_device(void **state)
{
	for (unsigned int log2 = 1; log2 < 4; log2++) {
		assert_refused(data(TRANSLATION | SIZE(log2) | REG(0),
				    DEVICE_BASE_IPA + (1u << log2) / 2));
	}
	assert_int_equal(nr_accesses, 0);
}

static void an_instruction_without_syndrome_is_not_guessed_at(void **state)
{
	assert_refused(data(TRANSLATION, DEVICE_BASE_IPA));
	assert_int_equal(nr_accesses, 0);
}

static void write_back_follows_the_access(void **state)
{
	is_indexed = true;
	fetched.iss = (uint32_t)(SIZE(2) | REG(4));
	answer = 0x1234;
	assert_int_equal(data(TRANSLATION, DEVICE_BASE_IPA + 8), TRAP_DONE);
	assert_int_equal(seen.offset, 8);
	assert_int_equal(vcpu.regs.x[4], 0x1234);
	assert_int_equal(nr_write_backs, 1);
	/* Not if there was none, and not if the code has changed in between. */
	accepts = false;
	assert_refused(data(TRANSLATION, DEVICE_BASE_IPA + 8));
	accepts = true;
	assert_refused(data(TRANSLATION | WRITE, DEVICE_BASE_IPA + 8));
	assert_int_equal(nr_write_backs, 1);
	assert_int_equal(nr_accesses, 2);
}

static void cache_maintenance_of_a_device_does_nothing(void **state)
{
	assert_int_equal(data(TRANSLATION | ISS_DA_CM | WRITE, DEVICE_BASE_IPA), TRAP_DONE);
	assert_int_equal(nr_accesses + nr_aborts, 0);
}

static void a_device_is_not_executed(void **state)
{
	assert_refused(fetch(TRANSLATION, DEVICE_BASE_IPA));
	assert_true(abort_instruction);
	assert_int_equal(nr_accesses, 0);
}

static void a_table_walk_in_a_device_is_not_emulated(void **state)
{
	assert_refused(data(TRANSLATION | ISS_DA_S1PTW | SIZE(2), DEVICE_BASE_IPA));
	assert_int_equal(abort_iss, 0x15);
	assert_int_equal(nr_accesses, 0);
}

static void a_walk_of_aarch32_has_its_level_too(void **state)
{
	dom.is_32bit = true;
	vcpu.regs.pstate = PSTATE_M32_SVC;
	assert_refused(data(TRANSLATION | ISS_DA_S1PTW, HOLE));
	assert_int_equal(abort_iss, 0x15);
	assert_refused(fetch(TRANSLATION | ISS_DA_S1PTW, HOLE));
	assert_int_equal(abort_iss, 0x15);
}

/* ---- the fast path ------------------------------------------------------------------------------- */

/* Was it done there and then? */
static bool fast(enum esr_ec ec, uint64_t iss, ipa_t ipa)
{
	const unsigned int before = nr_by_class;

	fake_machine_sysreg_set("HPFAR_EL2", ipa >> 12 << 4);
	fake_machine_sysreg_set("FAR_EL2", GVA | (ipa & 0xfff));
	vcpu.regs.pc = 0x8000;
	vcpu.regs.pstate |= PSTATE_SS | PSTATE_BTYPE;
	trap_abort_fast(&vcpu, (uint64_t)ec << ESR_EC_SHIFT | ESR_IL | iss);
	if (nr_by_class != before) {
		assert_int_equal(vcpu.regs.pc, 0x8000);
		return false;
	}
	assert_int_equal(vcpu.regs.pc, 0x8004);
	assert_int_equal(vcpu.regs.pstate & (PSTATE_SS | PSTATE_BTYPE), 0);
	return true;
}

static bool fast_data(uint64_t iss, ipa_t ipa)
{
	return fast(ESR_EC_DATA_ABORT_LOWER, iss, ipa);
}

#define WORD (TRANSLATION | SIZE(2))

static void words_of_the_last_device_take_the_fast_path(void **state)
{
	/* Not the first access, which finds the device. */
	assert_false(fast_data(WORD | REG(1), DEVICE_BASE_IPA));
	assert_int_equal(data(WORD | REG(1), DEVICE_BASE_IPA), TRAP_DONE);

	answer = 0x80000001;
	assert_true(fast_data(WORD | REG(3), DEVICE_BASE_IPA + DEVICE_SIZE - 4));
	assert_int_equal(seen.offset, DEVICE_SIZE - 4);
	assert_int_equal(seen.size, 4);
	assert_false(seen.is_write);
	assert_int_equal(vcpu.regs.x[3], 0x80000001);
	assert_int_equal(vcpu.regs.stale, 0);
	assert_true(fast_data(WORD | REG(29), DEVICE_BASE_IPA));
	assert_int_equal(vcpu.regs.x[29], 0x80000001);
	assert_int_equal(vcpu.regs.stale, 1);
	assert_true(fast_data(WORD | REG(31), DEVICE_BASE_IPA)); /* else the PC had changed */

	vcpu.regs.x[4] = 0x1234567890abcdef;
	assert_true(fast_data(WORD | WRITE | REG(4), DEVICE_BASE_IPA + 8));
	assert_int_equal(seen.offset, 8);
	assert_int_equal(seen.size, 4);
	assert_true(seen.is_write);
	assert_int_equal(seen.value, 0x90abcdef);
	assert_int_equal(vcpu.regs.x[4], 0x1234567890abcdef);
	assert_true(fast_data(WORD | WRITE | REG(31), DEVICE_BASE_IPA + 8));
	assert_int_equal(seen.value, 0);
	assert_int_equal(nr_accesses, 6);
}

static unsigned int nr_neighbour;

static bool neighbour(struct vcpu *v, struct mmio_access *access, void *context)
{
	nr_neighbour++;
	return true;
}

static void each_device_has_its_own_accesses(void **state)
{
	const ipa_t next = DEVICE_BASE_IPA + DEVICE_SIZE;

	nr_neighbour = 0;
	assert_int_equal(trap_mmio_register(&dom, next, DEVICE_SIZE, neighbour, NULL), 0);
	for (unsigned int n = 1; n <= 3; n++) {
		assert_false(fast_data(WORD, DEVICE_BASE_IPA));
		assert_int_equal(data(WORD, DEVICE_BASE_IPA), TRAP_DONE);
		assert_false(fast_data(WORD, next));
		assert_int_equal(data(WORD, next), TRAP_DONE);
		assert_int_equal(data(TRANSLATION | SIZE(0), next + 1), TRAP_DONE);
		assert_int_equal(nr_accesses, n);
		assert_int_equal(nr_neighbour, 2 * n);
	}
}

static void nothing_else_takes_the_fast_path(void **state)
{
	static const uint64_t others[] = {
		TRANSLATION,
		TRANSLATION | SIZE(0),
		TRANSLATION | SIZE(1),
		TRANSLATION | SIZE(3),
		WORD & ~ISS_DA_ISV,
		WORD | ISS_DA_SSE,
		WORD | ISS_DA_CM,
		WORD | ISS_DA_S1PTW,
		WORD | ISS_DA_FNV,
		PERMISSION | SIZE(2),
		FSC_ACCESS_FLAG | 3 | SIZE(2),
		FSC_SEA | SIZE(2),
		FSC_ALIGNMENT | SIZE(2),
		FSC_UNSUPPORTED | SIZE(2),
	};

	assert_int_equal(data(WORD, DEVICE_BASE_IPA), TRAP_DONE);
	nr_accesses = 0;
	for (unsigned int n = 0; n < ARRAY_SIZE(others); n++) {
		if (fast_data(others[n], DEVICE_BASE_IPA) ||
		    fast_data(others[n] | WRITE, DEVICE_BASE_IPA)) {
			fail_msg("case %u", n);
		}
	}
	assert_false(fast(ESR_EC_INSTR_ABORT_LOWER, WORD, DEVICE_BASE_IPA));
	assert_false(fast(ESR_EC_DATA_ABORT_SAME, WORD, DEVICE_BASE_IPA));
	for (unsigned int n = 1; n < 4; n++) {
		assert_false(fast_data(WORD, DEVICE_BASE_IPA + n));
	}
	assert_false(fast_data(WORD, DEVICE_BASE_IPA - 4));
	assert_false(fast_data(WORD, DEVICE_BASE_IPA + DEVICE_SIZE));
	assert_false(fast_data(WORD, DEVICE_BASE_IPA + BIT64(32)));
	vcpu.debug.mdscr = (uint32_t)MDSCR_MDE;
	assert_false(fast_data(WORD, DEVICE_BASE_IPA));
	vcpu.debug.mdscr = 0;
	vcpu.regs.pstate = PSTATE_AARCH32;
	assert_false(fast_data(WORD, DEVICE_BASE_IPA));
	vcpu.regs.pstate = 0;
	assert_int_equal(nr_accesses, 0);
	assert_true(fast_data(WORD, DEVICE_BASE_IPA));
}

static void what_the_device_refuses_is_handed_on(void **state)
{
	assert_int_equal(data(WORD, DEVICE_BASE_IPA), TRAP_DONE);
	accepts = false;
	vcpu.regs.x[3] = 5;
	assert_false(fast_data(WORD | REG(3), DEVICE_BASE_IPA));
	assert_false(fast_data(WORD | WRITE | REG(3), DEVICE_BASE_IPA));
	assert_int_equal(vcpu.regs.x[3], 5);
}

/* ---- retries ------------------------------------------------------------------------------------ */

static void a_mapping_that_appeared_meanwhile_is_tried_again(void **state)
{
	static const enum stage2_type types[] = {
		STAGE2_RAM,      STAGE2_SHARED, STAGE2_FOREIGN_RW,   STAGE2_FOREIGN_RO,
		STAGE2_GRANT_RO, STAGE2_DEVICE, STAGE2_DEVICE_HWDOM,
	};

	mapped = true;
	for (unsigned int n = 0; n < ARRAY_SIZE(types); n++) {
		mapped_type = types[n];
		/* Data, instruction, walk: if it is not allowed, a permission fault comes next. */
		assert_retried(data(TRANSLATION, HOLE));
		assert_retried(data(TRANSLATION | WRITE, HOLE));
		assert_retried(fetch(TRANSLATION, HOLE));
		assert_retried(data(TRANSLATION | ISS_DA_S1PTW | WRITE, HOLE));
		assert_retried(fetch(TRANSLATION | ISS_DA_S1PTW, HOLE));
	}
}

static void nothing_there_is_an_abort(void **state)
{
	assert_refused(data(TRANSLATION | SIZE(2) | REG(1), HOLE | 0x123));
	assert_int_equal(abort_far, GVA | 0x123);
	assert_false(abort_instruction);
	assert_int_equal(abort_iss, 0x10);
	assert_refused(fetch(TRANSLATION, HOLE));
	assert_true(abort_instruction);
	assert_refused(data(TRANSLATION | ISS_DA_S1PTW, HOLE));
	assert_int_equal(abort_iss, 0x15);
}

/* ---- permission faults: HPFAR_EL2 may be stale -------------------------------------------------- */

static uint64_t stage1_answer;

static uint64_t translate(const char *operation, uint64_t gva)
{
	assert_string_equal(operation, "s1e1r");
	assert_int_equal(gva & ~UINT64_C(0xfff), GVA);
	fake_machine_sysreg_set("PAR_EL1", stage1_answer);
	return stage1_answer;
}

static void the_address_of_a_permission_fault_is_asked_of_stage_1(void **state)
{
	fake_machine_at_handle(translate);
	stage1_answer = DEVICE_BASE_IPA;
	fake_machine_sysreg_set("HPFAR_EL2", 0);
	fake_machine_sysreg_set("FAR_EL2", GVA | 0x10);
	assert_int_equal(trap_abort(&vcpu, (uint64_t)ESR_EC_DATA_ABORT_LOWER << ESR_EC_SHIFT |
						   PERMISSION | SIZE(2) | REG(0) | WRITE),
			 TRAP_DONE);
	assert_int_equal(seen.offset, 0x10);
	/* The guest's PAR_EL1 is as it was. */
	assert_int_equal(fake_machine_sysreg_get("PAR_EL1"), 0xabcd);
}

static void a_permission_fault_is_retried_only_if_it_is_allowed_now(void **state)
{
	fake_machine_at_handle(translate);
	stage1_answer = HOLE;
	mapped = true;
	mapped_type = STAGE2_RAM;
	assert_retried(data(PERMISSION | WRITE, HOLE));
	assert_retried(fetch(PERMISSION, HOLE));
	mapped_type = STAGE2_GRANT_RO;
	assert_retried(data(PERMISSION, HOLE));
	assert_refused(data(PERMISSION | WRITE, HOLE));
	mapped_type = STAGE2_FOREIGN_RO;
	assert_refused(data(PERMISSION | WRITE, HOLE));
	/* Only RAM is executable. */
	mapped_type = STAGE2_SHARED;
	assert_refused(fetch(PERMISSION, HOLE));
	assert_true(abort_instruction);
}

static void a_walk_without_permission_is_not_repeated_for_ever(void **state)
{
	mapped = true;
	/* HCR_EL2.PTW: tables in device memory. */
	mapped_type = STAGE2_DEVICE;
	assert_refused(data(PERMISSION | ISS_DA_S1PTW, HOLE));
	assert_refused(fetch(PERMISSION | ISS_DA_S1PTW, HOLE));
	/* An update of a descriptor (FEAT_HAFDBS), whatever WnR says. */
	mapped_type = STAGE2_GRANT_RO;
	assert_refused(data(PERMISSION | ISS_DA_S1PTW, HOLE));
	mapped_type = STAGE2_RAM;
	assert_retried(data(PERMISSION | ISS_DA_S1PTW, HOLE));
}

static void what_stage_1_no_longer_translates_is_the_guests_own_fault(void **state)
{
	fake_machine_at_handle(translate);
	stage1_answer = PAR_F;
	assert_retried(data(PERMISSION | WRITE, HOLE));
}

/* ---- the rest ------------------------------------------------------------------------------------ */

static void the_machines_external_abort_is_passed_on(void **state)
{
	static const uint64_t codes[] = {0x10, 0x14, 0x17, 0x18, 0x1f};

	for (unsigned int n = 0; n < ARRAY_SIZE(codes); n++) {
		assert_refused(data(codes[n] | SIZE(2) | WRITE, DEVICE_BASE_IPA));
		assert_int_equal(abort_iss, codes[n] | ISS_DA_WNR);
	}
	/* With an address that is not known. */
	assert_refused(data(0x10 | ISS_DA_FNV, DEVICE_BASE_IPA));
	assert_int_equal(abort_iss, 0x10 | ISS_DA_FNV);
	assert_int_equal(nr_accesses, 0);
}

static void an_access_that_memory_does_not_support_is_not_repeated_for_ever(void **state)
{
	/* Unsupported exclusive or atomic; alignment: as the CPU says. TLB conflict: Tenon's affair. */
	assert_refused(data(0x35, HOLE));
	assert_int_equal(abort_iss, 0x35);
	assert_refused(data(0x21 | WRITE, HOLE));
	assert_int_equal(abort_iss, 0x21 | ISS_DA_WNR);
	assert_refused(data(0x30, HOLE));
	assert_int_equal(abort_iss, 0x10);
}

/* Size, register and the rest are EL2's, for emulation. */
static void the_guests_syndrome_has_what_a_first_stage_abort_has(void **state)
{
	assert_refused(data(TRANSLATION | SIZE(2) | REG(3) | ISS_DA_SSE | ISS_DA_SF | WRITE, HOLE));
	assert_int_equal(abort_iss, 0x10 | ISS_DA_WNR);
	assert_refused(data(TRANSLATION | ISS_DA_CM | WRITE, HOLE));
	assert_int_equal(abort_iss, 0x10 | ISS_DA_WNR | ISS_DA_CM);
	assert_refused(fetch(TRANSLATION, HOLE));
	assert_int_equal(abort_iss, 0x10);
}

static void a_watchpoint_comes_before_the_device(void **state)
{
	watched = true;
	assert_int_equal(data(TRANSLATION | SIZE(2) | WRITE, DEVICE_BASE_IPA + 4), TRAP_DONE);
	assert_int_equal(nr_accesses, 1);
	vcpu.debug.mdscr = (uint32_t)MDSCR_MDE;
	assert_int_equal(data(TRANSLATION | SIZE(2) | WRITE, DEVICE_BASE_IPA + 4), TRAP_AGAIN);
	assert_int_equal(nr_accesses, 1);
	assert_int_equal(nr_watchpoints, 1);
	assert_int_equal(abort_far, GVA | 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(stores_of_every_width_carry_just_their_bytes, set_up),
		cmocka_unit_test_setup(loads_extend_as_the_instruction_says, set_up),
		cmocka_unit_test_setup(register_31_is_zero, set_up),
		cmocka_unit_test_setup(what_the_device_refuses_is_an_abort, set_up),
		cmocka_unit_test_setup(an_unaligned_access_never_reaches_the_device, set_up),
		cmocka_unit_test_setup(words_of_the_last_device_take_the_fast_path, set_up),
		cmocka_unit_test_setup(each_device_has_its_own_accesses, set_up),
		cmocka_unit_test_setup(nothing_else_takes_the_fast_path, set_up),
		cmocka_unit_test_setup(what_the_device_refuses_is_handed_on, set_up),
		cmocka_unit_test_setup(an_instruction_without_syndrome_is_not_guessed_at, set_up),
		cmocka_unit_test_setup(write_back_follows_the_access, set_up),
		cmocka_unit_test_setup(cache_maintenance_of_a_device_does_nothing, set_up),
		cmocka_unit_test_setup(a_device_is_not_executed, set_up),
		cmocka_unit_test_setup(a_table_walk_in_a_device_is_not_emulated, set_up),
		cmocka_unit_test_setup(a_walk_of_aarch32_has_its_level_too, set_up),
		cmocka_unit_test_setup(a_mapping_that_appeared_meanwhile_is_tried_again, set_up),
		cmocka_unit_test_setup(nothing_there_is_an_abort, set_up),
		cmocka_unit_test_setup(the_address_of_a_permission_fault_is_asked_of_stage_1, set_up),
		cmocka_unit_test_setup(a_permission_fault_is_retried_only_if_it_is_allowed_now,
				       set_up),
		cmocka_unit_test_setup(a_walk_without_permission_is_not_repeated_for_ever, set_up),
		cmocka_unit_test_setup(what_stage_1_no_longer_translates_is_the_guests_own_fault,
				       set_up),
		cmocka_unit_test_setup(the_machines_external_abort_is_passed_on, set_up),
		cmocka_unit_test_setup(the_guests_syndrome_has_what_a_first_stage_abort_has, set_up),
		cmocka_unit_test_setup(a_watchpoint_comes_before_the_device, set_up),
		cmocka_unit_test_setup(an_access_that_memory_does_not_support_is_not_repeated_for_ever,
				       set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
