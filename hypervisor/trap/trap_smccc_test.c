/* SPDX-License-Identifier: MIT */
/* HVC and SMC of guests: hypercalls, SMCCC's own calls, PSCI, and what is none of these. */
#include "trap/trap_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arm64/sysreg_fields.h"
#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "lib/log.h"
#include "sched/sched.h"
#include "tests/unit/fake_machine.h"

#define NR_VCPUS 18

static struct domain *d;
static struct vcpu *v;
static bool continue_hypercall;

/* ---- fakes ---------------------------------------------------------------------------------- */

void log_guest(unsigned int domid, const char *format, ...)
{
	fake_machine_note("log d%u", domid);
}

bool hypercall_dispatch(struct vcpu *vcpu)
{
	fake_machine_note("hypercall");
	return continue_hypercall;
}

bool hypercall_dispatch_32(struct vcpu *vcpu)
{
	fake_machine_note("hypercall 32");
	return continue_hypercall;
}

/* sched.started stands for everything that makes a vCPU online. */
bool sched_claim_start(struct vcpu *vcpu)
{
	bool won = vcpu->sched.state == SCHED_OFFLINE && !vcpu->sched.starting;

	vcpu->sched.starting = vcpu->sched.starting || won;
	fake_machine_note("claim v%u", vcpu->id);
	return won;
}

bool sched_is_online(struct vcpu *vcpu)
{
	return vcpu->sched.state != SCHED_OFFLINE;
}

void sched_start(struct vcpu *vcpu)
{
	vcpu->sched.state = SCHED_RUNNABLE;
	fake_machine_note("start v%u", vcpu->id);
}

void sched_stop(struct vcpu *vcpu)
{
	vcpu->sched.state = SCHED_OFFLINE;
	fake_machine_note("stop v%u", vcpu->id);
}

void sched_wait_for_interrupt(struct vcpu *vcpu)
{
	fake_machine_note("wait v%u", vcpu->id);
}

void vgic_vcpu_reset(struct vcpu *vcpu)
{
	fake_machine_note("vgic v%u", vcpu->id);
}

void vtimer_vcpu_reset(struct vcpu *vcpu)
{
	fake_machine_note("vtimer v%u", vcpu->id);
}

void vcpu_set_entry(struct vcpu *vcpu, uint64_t pc, uint64_t x0)
{
	fake_machine_note("entry v%u 0x%llx 0x%llx", vcpu->id, (unsigned long long)pc,
			  (unsigned long long)x0);
}

void domain_shutdown(struct domain *domain, int reason)
{
	fake_machine_note("shutdown d%u %d", domain->id, reason);
}

static int set_up(void **state)
{
	fake_machine_reset();
	d = calloc(1, sizeof(*d));
	d->id = 5;
	d->nr_vcpus = NR_VCPUS;
	for (unsigned int id = 0; id < NR_VCPUS; id++) {
		d->vcpu[id] = calloc(1, sizeof(struct vcpu));
		d->vcpu[id]->domain = d;
		d->vcpu[id]->id = id;
		d->vcpu[id]->vmpidr = BIT64(31) | (id & 15) | (uint64_t)(id >> 4) << 8;
		d->vcpu[id]->sched.state = SCHED_OFFLINE;
	}
	v = d->vcpu[0];
	v->sched.state = SCHED_RUNNING;
	v->regs.pstate = PSTATE_EL1h;
	continue_hypercall = false;
	return 0;
}

static int tear_down(void **state)
{
	for (unsigned int id = 0; id < NR_VCPUS; id++) {
		free(d->vcpu[id]);
	}
	free(d);
	return 0;
}

/* x0-x3 as given, the others marked; they must come back as they were. PC is behind an HVC. */
static enum trap_outcome call(bool smc, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
	enum trap_outcome outcome;

	for (unsigned int n = 0; n < 31; n++) {
		v->regs.x[n] = UINT64_C(0xabcd000000000000) + n;
	}
	v->regs.x[0] = x0;
	v->regs.x[1] = x1;
	v->regs.x[2] = x2;
	v->regs.x[3] = x3;
	v->regs.pc = smc ? 0x40000000 : 0x40000004;
	outcome = smc ? trap_smc(v, (uint64_t)ESR_EC_SMC64 << ESR_EC_SHIFT | ESR_IL)
		      : trap_hvc(v, (uint64_t)ESR_EC_HVC64 << ESR_EC_SHIFT | ESR_IL);
	assert_int_equal(outcome, smc ? TRAP_DONE : TRAP_AGAIN);
	assert_int_equal(v->regs.pc, smc ? 0x40000000 : 0x40000004);
	for (unsigned int n = 4; n < 31; n++) {
		assert_int_equal(v->regs.x[n], UINT64_C(0xabcd000000000000) + n);
	}
	return outcome;
}

/* Functions with one result change no other register. */
static int64_t hvc(uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
	call(false, x0, x1, x2, x3);
	assert_int_equal(v->regs.x[1], x1);
	assert_int_equal(v->regs.x[2], x2);
	assert_int_equal(v->regs.x[3], x3);
	return (int64_t)v->regs.x[0];
}

/* ---- immediates ----------------------------------------------------------------------------- */

static void hypercalls_have_their_own_immediate(void **state)
{
	v->regs.pc = 0x1004;
	assert_int_equal(trap_hvc(v, (uint64_t)ESR_EC_HVC64 << ESR_EC_SHIFT | ESR_IL | 0xea1),
			 TRAP_AGAIN);
	assert_int_equal(v->regs.pc, 0x1004);
	fake_machine_expect_exactly("hypercall");
}

static void a_hypercall_to_be_continued_is_issued_again(void **state)
{
	continue_hypercall = true;
	v->regs.pc = 0x1004;
	assert_int_equal(trap_hvc(v, (uint64_t)ESR_EC_HVC64 << ESR_EC_SHIFT | ESR_IL | 0xea1),
			 TRAP_AGAIN);
	assert_int_equal(v->regs.pc, 0x1000);
	assert_int_equal(v->regs.pstate & PSTATE_SS, 0);
	/* A guest that steps has not made its step: the HVC cleared the bit. */
	v->debug.mdscr = (uint32_t)MDSCR_SS;
	v->regs.pc = 0x1004;
	assert_int_equal(trap_hvc(v, (uint64_t)ESR_EC_HVC64 << ESR_EC_SHIFT | ESR_IL | 0xea1),
			 TRAP_AGAIN);
	assert_int_equal(v->regs.pstate & PSTATE_SS, PSTATE_SS);
}

static void other_immediates_are_undefined_at_the_instruction(void **state)
{
	v->regs.pc = 0x1004;
	assert_int_equal(trap_hvc(v, (uint64_t)ESR_EC_HVC64 << ESR_EC_SHIFT | ESR_IL | 1),
			 TRAP_UNDEFINED);
	assert_int_equal(v->regs.pc, 0x1000);
	assert_int_equal(trap_smc(v, (uint64_t)ESR_EC_SMC64 << ESR_EC_SHIFT | ESR_IL | 0xea1),
			 TRAP_UNDEFINED);
	assert_int_equal(v->regs.pc, 0x1000);
	fake_machine_expect_exactly("log d5", "log d5");
}

/* ---- SMCCC ---------------------------------------------------------------------------------- */

static void version_and_features(void **state)
{
	assert_int_equal(hvc(0x80000000, 1, 2, 3), 0x10002);
	assert_int_equal(hvc(UINT64_C(0xffffffff80000000), 1, 2, 3), 0x10002); /* only w0 counts */
	assert_int_equal(hvc(0x80000001, 0x80000000, 2, 3), 0);
	assert_int_equal(hvc(0x80000001, 0x80000001, 2, 3), 0);
	assert_int_equal(hvc(0x80000001, 0x80000002, 2, 3), -1); /* SOC_ID */
	/* Mitigations that are not made are not claimed. */
	assert_int_equal(hvc(0x80000001, 0x80008000, 2, 3), -1);
	assert_int_equal(hvc(0x80000001, 0x80007fff, 2, 3), -1);
	assert_int_equal(hvc(0x80000001, 0x80003fff, 2, 3), -1);
}

static void workarounds_return(void **state)
{
	assert_int_equal(hvc(0x80008000, 1, 2, 3), 0);
	assert_int_equal(hvc(0x80007fff, 1, 2, 3), 0);
	assert_int_equal(hvc(0x80003fff, 1, 2, 3), 0);
}

static void uuids_are_xens(void **state)
{
	/* As measured on Xen 4.17.7. */
	static const uint8_t uuid[16] = {0xa7, 0x18, 0x12, 0xdc, 0xc6, 0x98, 0x43, 0x69,
					 0x9a, 0xcf, 0x79, 0xd1, 0x8d, 0xde, 0xe6, 0x67};
	/* f863386f-4b39-4cbd-9220-ce1641e59f6f */
	static const uint8_t standard[16] = {0xf8, 0x63, 0x38, 0x6f, 0x4b, 0x39, 0x4c, 0xbd,
					     0x92, 0x20, 0xce, 0x16, 0x41, 0xe5, 0x9f, 0x6f};

	for (unsigned int i = 0; i < 16; i++) {
		call(false, 0x8500ff01, 0, 0, 0);
		assert_int_equal((uint8_t)(v->regs.x[i / 4] >> (i % 4 * 8)), uuid[i]);
		call(true, 0x8400ff01, 0, 0, 0);
		assert_int_equal((uint8_t)(v->regs.x[i / 4] >> (i % 4 * 8)), standard[i]);
		assert_int_equal(v->regs.x[i / 4] >> 32, 0);
	}
}

static void counts_and_revisions(void **state)
{
	assert_int_equal(hvc(0x8500ff00, 1, 2, 3), 3);
	assert_int_equal(hvc(0x8400ff00, 1, 2, 3), 15);
	call(false, 0x8500ff03, 7, 2, 3);
	assert_int_equal(v->regs.x[0], 0);
	assert_int_equal(v->regs.x[1], 1);
	assert_int_equal(v->regs.x[2], 2);
	call(false, 0x8400ff03, 7, 2, 3);
	assert_int_equal(v->regs.x[0], 0);
	assert_int_equal(v->regs.x[1], 1);
}

static void everything_else_is_not_supported(void **state)
{
	static const uint32_t ids[] = {
		0,
		3,
		0x80000002,
		0x84000050 /* TRNG */,
		0xc5000020 /* PV time */,
		0x82000000 /* SiP */,
		0xc2000001,
		0x84000005 /* MIGRATE */,
		0x84000007,
		0x8400000b,
		0x8400000e /* SYSTEM_SUSPEND */,
		0xc400000e,
		0x84000012 /* SYSTEM_RESET2 */,
		0xc4000012,
		0x8400001f,
		0x84000020,
		0xc4000000,
		0xc4000002,
		0xc4000008,
		0xc400000a,
		0xffffffff,
		0x8500ff02,
		0x8600ff00,
		0x8600ff01 /* KVM looks here */,
		0x8600ff03,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_int_equal(hvc(ids[i], 1, 2, 3), -1);
		call(true, ids[i], 1, 2, 3);
		assert_int_equal((int64_t)v->regs.x[0], -1);
	}
	fake_machine_expect_exactly(NULL);
}

static void firmware_is_never_called(void **state)
{
	d->is_hardware = true;
	call(true, 0xc2000001, 1, 2, 3);
	call(true, 0x80008000, 1, 2, 3);
	fake_machine_expect_none("smc");
}

/* ---- PSCI ----------------------------------------------------------------------------------- */

static void psci_version_and_features(void **state)
{
	static const uint32_t there[] = {
		0x84000000, 0x84000001, 0xc4000001, 0x84000002, 0x84000003, 0xc4000003, 0x84000004,
		0xc4000004, 0x84000006, 0x84000008, 0x84000009, 0x8400000a, 0x80000000,
	};
	unsigned int nr = 0;

	assert_int_equal(hvc(0x84000000, 1, 2, 3), 0x10001);
	call(true, 0x84000000, 1, 2, 3);
	assert_int_equal(v->regs.x[0], 0x10001);
	for (uint32_t n = 0; n < 0x40; n++) {
		int64_t in_32 = hvc(0x8400000a, 0x84000000 + n, 0, 0),
			in_64 = hvc(0x8400000a, 0xc4000000 + n, 0, 0);

		assert_true((in_32 == 0 || in_32 == -1) && (in_64 == 0 || in_64 == -1));
		nr += (in_32 == 0 ? 1 : 0) + (in_64 == 0 ? 1 : 0);
	}
	assert_int_equal(nr, ARRAY_SIZE(there) - 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(there); i++) {
		assert_int_equal(hvc(0x8400000a, there[i], 0, 0), 0);
	}
	assert_int_equal(hvc(0x84000006, 0, 0, 0), 2);
}

static void cpu_on_sets_up_and_then_starts(void **state)
{
	assert_int_equal(hvc(0xc4000003, 1, UINT64_C(0x4000080000), 0x77), 0);
	fake_machine_expect_exactly("claim v1", "vgic v1", "vtimer v1",
				    "entry v1 0x4000080000 0x77", "start v1");
}

static void cpu_on_of_32_bits_takes_the_lower_halves(void **state)
{
	assert_int_equal(hvc(0x84000003, UINT64_C(0xffffffff00000002), UINT64_C(0x9999999940080000),
			     UINT64_C(0x1111111100000077)),
			 0);
	fake_machine_expect("entry v2 0x40080000 0x77", "start v2");
}

static void cpu_on_finds_its_target_by_affinity(void **state)
{
	assert_int_equal(hvc(0xc4000003, 0x101, 0x1000, 0), 0); /* vCPU 17 */
	fake_machine_expect("start v17");
	assert_int_equal(hvc(0xc4000003, 0x102, 0x1000, 0), -2);
	assert_int_equal(hvc(0xc4000003, 17, 0x1000, 0), -2);
	assert_int_equal(hvc(0xc4000003, BIT64(32) | 1, 0x1000, 0), -2);
	assert_int_equal(hvc(0xc4000003, BIT64(31) | 1, 0x1000, 0),
			 -2);                                   /* reserved bits are not affinity */
	assert_int_equal(hvc(0xc4000003, 0xff, 0x1001, 0), -2); /* before the address */
}

static void cpu_on_refuses_what_is_wrong(void **state)
{
	assert_int_equal(hvc(0xc4000003, 1, 0x1001, 0), -9);
	assert_int_equal(hvc(0xc4000003, 0, 0x1000, 0), -4); /* the caller */
	assert_int_equal(hvc(0xc4000003, 3, 0x1000, 0), 0);
	assert_int_equal(hvc(0xc4000003, 3, 0x1000, 0), -4);
	assert_int_equal(fake_machine_count("start"), 1);
	assert_int_equal(fake_machine_count("entry"), 1);
}

/* EL1 at AArch32: the PSCI of 32 bits, an entry point in either state, and hypercalls by other registers. */
static void a_32_bit_guest_calls_in_32_bits(void **state)
{
	const uint64_t hvc32 = (uint64_t)ESR_EC_HVC32 << ESR_EC_SHIFT | ESR_IL;
	const uint64_t smc32 = (uint64_t)ESR_EC_SMC32 << ESR_EC_SHIFT | ESR_IL;

	d->is_32bit = true;
	v->regs.pstate = PSTATE_M32_SVC | BIT64(30); /* Z */
	assert_int_equal((uint32_t)hvc(0xc4000003, 3, 0x1000, 0), UINT32_MAX);
	assert_int_equal((uint32_t)hvc(0x8400000a, 0xc4000003, 0, 0), UINT32_MAX);
	assert_int_equal((uint32_t)hvc(0xc5000020, 0, 0, 0), UINT32_MAX);
	assert_int_equal(hvc(0x8400000a, 0x84000003, 0, 0), 0);
	assert_int_equal(hvc(0x84000003, 3, 0x1001, 0x77), 0);
	fake_machine_expect("entry v3 0x1001 0x77", "start v3"); /* T32 */
	assert_int_equal(hvc(2, UINT64_C(0xdddddddd00000004), UINT64_C(0xdddddddd00002000), 0), 0);
	fake_machine_expect("entry v4 0x2000 0x0", "start v4");
	fake_machine_log_clear();
	assert_int_equal(trap_hvc(v, hvc32 | 0xea1), TRAP_AGAIN);
	fake_machine_expect_exactly("hypercall 32");
	/* An SMC's syndrome has a condition, and no immediate. */
	v->regs.x[0] = 0x84000000;
	assert_int_equal(trap_smc(v, smc32 | BIT64(24) | 1 << 20), TRAP_DONE); /* NE */
	assert_int_equal(v->regs.x[0], 0x84000000);
	assert_int_equal(trap_smc(v, smc32 | BIT64(24) | 0 << 20), TRAP_DONE); /* EQ */
	assert_int_equal(v->regs.x[0], 0x10001);
}

static void of_two_starters_one_wins(void **state)
{
	d->vcpu[4]->sched.starting = true; /* another vCPU's CPU_ON is between claim and start */
	assert_int_equal(hvc(0xc4000003, 4, 0x1000, 0), -4);
	fake_machine_expect_exactly("claim v4");
}

static void cpu_off_stops_the_caller(void **state)
{
	(void)hvc(0x84000002, 0, 0, 0);
	fake_machine_expect_exactly("stop v0");
}

static void cpu_suspend_waits_for_an_interrupt(void **state)
{
	assert_int_equal(hvc(0x84000001, 0x10000, 0x1001, 0), 0);
	assert_int_equal(hvc(0xc4000001, 0, 0, 0), 0);
	fake_machine_expect_exactly("wait v0", "wait v0");
}

static void affinity_info_looks_at_all_in_the_affinity(void **state)
{
	assert_int_equal(hvc(0xc4000004, 0, 0, 0), 0);
	assert_int_equal(hvc(0x84000004, 1, 0, 0), 1);
	assert_int_equal(hvc(0xc4000004, 5, 1, 0), 0);     /* Aff0 does not count: vCPU 0 is on */
	assert_int_equal(hvc(0xc4000004, 0x100, 1, 0), 1); /* the second cluster is off */
	d->vcpu[17]->sched.state = SCHED_BLOCKED;
	assert_int_equal(hvc(0xc4000004, 0x100, 1, 0), 0);
	assert_int_equal(hvc(0xc4000004, 0x100, 0, 0), 1);
	assert_int_equal(hvc(0xc4000004, 0x4444, 2, 0), 0);
	assert_int_equal(hvc(0xc4000004, 0, 3, 0), 0);
	assert_int_equal(hvc(0xc4000004, 0, 4, 0), -2);
	assert_int_equal(hvc(0xc4000004, 0x7777, 0, 0), 1); /* as Xen: nobody there is on */
}

static void power_off_and_reset(void **state)
{
	(void)hvc(0x84000008, 0, 0, 0);
	(void)hvc(0x84000009, 0, 0, 0);
	fake_machine_expect_exactly("shutdown d5 0", "shutdown d5 1");
}

static void psci_0_1_has_fewer_errors(void **state)
{
	assert_int_equal(hvc(2, 1, UINT64_C(0x4000080000), 0x77), 0);
	fake_machine_expect("entry v1 0x4000080000 0x0", "start v1"); /* no context */
	assert_int_equal(hvc(2, 1, 0x1000, 0), -2);
	assert_int_equal(hvc(2, 2, 0x1001, 0), -2);
	assert_int_equal(hvc(2, 99, 0x1000, 0), -2);
	(void)hvc(1, 0, 0, 0);
	fake_machine_expect("stop v0");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(hypercalls_have_their_own_immediate),
		CASE(a_hypercall_to_be_continued_is_issued_again),
		CASE(other_immediates_are_undefined_at_the_instruction),
		CASE(version_and_features),
		CASE(workarounds_return),
		CASE(uuids_are_xens),
		CASE(counts_and_revisions),
		CASE(everything_else_is_not_supported),
		CASE(firmware_is_never_called),
		CASE(psci_version_and_features),
		CASE(cpu_on_sets_up_and_then_starts),
		CASE(cpu_on_of_32_bits_takes_the_lower_halves),
		CASE(cpu_on_finds_its_target_by_affinity),
		CASE(cpu_on_refuses_what_is_wrong),
		CASE(a_32_bit_guest_calls_in_32_bits),
		CASE(of_two_starters_one_wins),
		CASE(cpu_off_stops_the_caller),
		CASE(cpu_suspend_waits_for_an_interrupt),
		CASE(affinity_info_looks_at_all_in_the_affinity),
		CASE(power_off_and_reset),
		CASE(psci_0_1_has_fewer_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
