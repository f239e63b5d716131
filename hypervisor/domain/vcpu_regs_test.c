/* SPDX-License-Identifier: MIT */
/* What a vCPU starts with (public/arch-arm.h), and what HCR_EL2 traps for it. */
#include "domain/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/cpu.h"
#include "arm64/sysreg_fields.h"
#include "domain/vcpu_switch.h"
#include "tests/unit/fake_machine.h"

void fp_save(struct vcpu_fp_state *state)
{
	fail();
}

void fp_restore(const struct vcpu_fp_state *state)
{
	fail();
}

static struct domain dom;
static struct vcpu vcpu;

static int set_up(void **state)
{
	fake_machine_reset();
	memset(&dom, 0, sizeof(dom));
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.domain = &dom;
	return 0;
}

static void a_vcpu_starts_as_the_abi_says(void **state)
{
	static const uint8_t zero[sizeof(vcpu.fp)];

	fake_machine_sysreg_set("ACTLR_EL1", 0x42);
	memset(&vcpu.regs, 0xff, sizeof(vcpu.regs));
	memset(&vcpu.sysregs, 0xff, sizeof(vcpu.sysregs));
	memset(&vcpu.fp, 0xff, sizeof(vcpu.fp));
	vcpu.caches_on = true;
	vcpu_set_entry(&vcpu, 0x40080000, 0x48000000);
	assert_int_equal(vcpu.regs.pc, 0x40080000);
	assert_int_equal(vcpu.regs.x[0], 0x48000000);
	for (unsigned int n = 1; n < 31; n++) {
		assert_int_equal(vcpu.regs.x[n], 0);
	}
	/* EL1h, everything masked; MMU and caches off; nothing of whoever had the registers before. */
	assert_int_equal(vcpu.regs.pstate, 0x3c5);
	assert_int_equal(vcpu.sysregs.sctlr_el1, 0x00c50078);
	assert_int_equal(vcpu.sysregs.tcr_el1, 0);
	assert_int_equal(vcpu.sysregs.ttbr0_el1, 0);
	assert_int_equal(vcpu.sysregs.vbar_el1, 0);
	assert_int_equal(vcpu.sysregs.cpacr_el1, 0);
	assert_memory_equal(&vcpu.fp, zero, sizeof(zero));
	assert_int_equal(vcpu.fp_use.cpu, VCPU_FP_NOWHERE);
	/* The machine's, not zero. */
	assert_int_equal(vcpu.sysregs.actlr_el1, 0x42);
	assert_false(vcpu.caches_on);
	assert_true(vcpu.started);
}

/* public/arch-arm.h, PSR_GUEST32_INIT; bit 0 of an entry point: in T32. */
static void a_32_bit_vcpu_starts_in_svc(void **state)
{
	dom.is_32bit = true;
	vcpu_set_entry(&vcpu, 0x40008000, 0x48000000);
	assert_int_equal(vcpu.regs.pc, 0x40008000);
	assert_int_equal(vcpu.regs.x[0], 0x48000000);
	assert_int_equal(vcpu.regs.pstate, 0x400001d3);
	assert_int_equal(vcpu.sysregs.sctlr_el1, 0x00c50078);
	assert_int_equal(vcpu.sysregs.fpexc32, 0);
	assert_true((vcpu.hcr_el2 & HCR_RW) == 0);
	vcpu_set_entry(&vcpu, 0x40008001, UINT64_C(0x1ffffffff));
	assert_int_equal(vcpu.regs.pc, 0x40008000);
	assert_int_equal(vcpu.regs.x[0], 0xffffffff);
	assert_int_equal(vcpu.regs.pstate, 0x400001f3);
}

static void affinity_has_sixteen_vcpus_to_a_cluster(void **state)
{
	static const struct {
		unsigned int id;
		uint64_t vmpidr;
	} cases[] = {
		{0, 0x80000000},  {1, 0x80000001},   {15, 0x8000000f},
		{16, 0x80000100}, {127, 0x8000070f},
	};

	for (unsigned int n = 0; n < ARRAY_SIZE(cases); n++) {
		vcpu.id = cases[n].id;
		vcpu_set_entry(&vcpu, 0, 0);
		assert_int_equal(vcpu.vmpidr, cases[n].vmpidr);
	}
}

/* design.md, "What QEMU cannot show", and the trap list of xen-abi-arm section 8.7. */
static void what_cannot_be_seen_on_an_emulator_is_set(void **state)
{
	static const uint64_t wanted[] = {
		HCR_VM,  HCR_PTW, HCR_SWIO, HCR_FMO, HCR_IMO,   HCR_AMO,  HCR_FB,  HCR_BSU_IS,
		HCR_TWI, HCR_TWE, HCR_TID3, HCR_TSC, HCR_TIDCP, HCR_TACR, HCR_TSW, HCR_RW,
	};
	uint64_t hcr = vcpu_default_hcr(&dom);
	uint64_t all = HCR_TVM;

	for (unsigned int n = 0; n < ARRAY_SIZE(wanted); n++) {
		assert_true((hcr & wanted[n]) != 0);
		all |= wanted[n];
	}
	assert_int_equal(hcr & BITS64(11, 10),
			 HCR_BSU_IS); /* Inner Shareable, neither more nor less */
	/* And no other: no pending interrupts, no default cacheability, EL1 in charge of its EL0. */
	assert_int_equal(hcr & ~all, 0);
}

static void tvm_is_set_while_cold_or_armed(void **state)
{
	assert_true((vcpu_default_hcr(&dom) & HCR_TVM) != 0);
	dom.warm = true;
	assert_true((vcpu_default_hcr(&dom) & HCR_TVM) == 0);
	dom.setway_armed = true;
	assert_true((vcpu_default_hcr(&dom) & HCR_TVM) != 0);
}

static void fwb_changes_the_meaning_of_every_stage_2(void **state)
{
	assert_true((vcpu_default_hcr(&dom) & HCR_FWB) == 0);
	cpu_features.s2fwb = true;
	assert_true((vcpu_default_hcr(&dom) & HCR_FWB) != 0);
	dom.is_hardware = true;
	assert_true((vcpu_default_hcr(&dom) & HCR_FWB) != 0);
}

static void what_is_hidden_and_not_switched_is_trapped_where_it_exists(void **state)
{
	cpu_features.ras = true;
	assert_true((vcpu_default_hcr(&dom) & HCR_TERR) != 0);
	assert_true((vcpu_default_hcr(&dom) & HCR_TLOR) == 0);
	cpu_features.lor = true;
	assert_true((vcpu_default_hcr(&dom) & HCR_TLOR) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_vcpu_starts_as_the_abi_says, set_up),
		cmocka_unit_test_setup(a_32_bit_vcpu_starts_in_svc, set_up),
		cmocka_unit_test_setup(affinity_has_sixteen_vcpus_to_a_cluster, set_up),
		cmocka_unit_test_setup(what_cannot_be_seen_on_an_emulator_is_set, set_up),
		cmocka_unit_test_setup(tvm_is_set_while_cold_or_armed, set_up),
		cmocka_unit_test_setup(fwb_changes_the_meaning_of_every_stage_2, set_up),
		cmocka_unit_test_setup(what_is_hidden_and_not_switched_is_trapped_where_it_exists,
				       set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
