/* SPDX-License-Identifier: MIT */
/* PSCI as a guest sees it (Arm DEN 0022; xen-abi-arm: "PSCI to guests"). */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "arm64/sysreg_fields.h"

const char *const guest_topic = "psci";
const bool guest_mmu_off;

void guest_secondary_entry(void);

static uint32_t entered;

static void enter(uint64_t argument)
{
	WRITE_ONCE(entered, (uint32_t)argument);
	dsb_sy();
}

static void version(void)
{
	REQUIRE_EQUAL(psci(PSCI_VERSION, 0, 0, 0), 0x10001);
	/* The same answer by SMC, which a guest may not use but does. */
	REQUIRE_EQUAL((uint32_t)smccc(CONDUIT_SMC, PSCI_VERSION, 0, 0, 0).x[0], 0x10001);
}

static void features(void)
{
	static const uint32_t present[] = {
		0x84000000, 0x84000001, 0xc4000001, 0x84000002, 0x84000003, 0xc4000003, 0x84000004,
		0xc4000004, 0x84000006, 0x84000008, 0x84000009, 0x8400000a, 0x80000000,
	};
	/* SYSTEM_RESET2, MEM_PROTECT, STAT_RESIDENCY, a number of nobody. */
	static const uint32_t absent[] = {0x84000012, 0xc4000012, 0x84000013,
					  0x84000010, 0x8400001f, 0x12345678};

	for (unsigned int i = 0; i < ARRAY_SIZE(present); i++) {
		int64_t answer = psci(PSCI_FEATURES, present[i], 0, 0);

		EXPECT(answer == 0, "function %#x: %ld", present[i], answer);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(absent); i++) {
		int64_t answer = psci(PSCI_FEATURES, absent[i], 0, 0);

		EXPECT(answer == PSCI_NOT_SUPPORTED, "function %#x: %ld", absent[i], answer);
	}
}

static void migrate_info_type(void)
{
	REQUIRE_EQUAL(psci(PSCI_MIGRATE_INFO_TYPE, 0, 0, 0), 2);
}

static void absent_functions_are_refused(void)
{
	REQUIRE_EQUAL(psci(0x84000012, 0, 0, 0), PSCI_NOT_SUPPORTED);
	REQUIRE_EQUAL(psci(0x84000005, 0, 0, 0), PSCI_NOT_SUPPORTED);
	REQUIRE_EQUAL(psci(0x8400001e, 0, 0, 0), PSCI_NOT_SUPPORTED);
}

static void affinity_info(void)
{
	REQUIRE_EQUAL(psci(PSCI_AFFINITY_INFO, machine.mpidr[0], 0, 0), 0);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE_EQUAL(psci(PSCI_AFFINITY_INFO, machine.mpidr[i], 0, 0), 1);
	}
	/* The whole cluster: on, as this vCPU is. */
	REQUIRE_EQUAL(psci(PSCI_AFFINITY_INFO, 0, 1, 0), 0);
	REQUIRE_EQUAL(psci(PSCI_AFFINITY_INFO, 0, 4, 0), PSCI_INVALID_PARAMETERS);
}

static void cpu_on_starts_as_documented(void)
{
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		struct guest_cpu *cpu = &guest_cpus[i];

		entered = 0;
		REQUIRE(smp_start(i, enter, 100 + i));
		REQUIRE(smp_wait_off(i), "vCPU %u did not come and go", i);
		REQUIRE_EQUAL(READ_ONCE(entered), 100 + i);
		REQUIRE_EQUAL(cpu->entry_sctlr, SCTLR_EL1_GUEST_INIT);
		/* Xen leaves PSTATE.D clear in vCPUs that CPU_ON starts. */
		REQUIRE_EQUAL(cpu->entry_daif & 0x1c0, 0x1c0);
		REQUIRE_EQUAL(cpu->entry_currentel, 4);
		REQUIRE_EQUAL(cpu->entry_mpidr & 0xff00ffffff, machine.mpidr[i]);
		REQUIRE(cpu->entry_mpidr & BIT64(31));
	}
}

static void cpu_on_errors(void)
{
	uint64_t entry = (uintptr_t)guest_secondary_entry;

	REQUIRE_EQUAL(psci(PSCI_CPU_ON, machine.mpidr[0], entry, 0), PSCI_ALREADY_ON);
	REQUIRE_EQUAL(psci(PSCI_CPU_ON, machine.nr_cpus, entry, 0), PSCI_INVALID_PARAMETERS);
	REQUIRE_EQUAL(psci(PSCI_CPU_ON, 0xff, entry, 0), PSCI_INVALID_PARAMETERS);
	/* Aff3 of nobody; Xen does not look at it and finds vCPU 0. */
	REQUIRE(psci(PSCI_CPU_ON, 0xff00000000, entry, 0) < 0);
	if (machine.nr_cpus > 1) {
		REQUIRE_EQUAL(psci(PSCI_CPU_ON, machine.mpidr[1], entry | 1, 0),
			      PSCI_INVALID_ADDRESS);
		REQUIRE_EQUAL(psci(PSCI_AFFINITY_INFO, machine.mpidr[1], 0, 0), 1);
	}
}

/* The 32-bit number takes 32-bit arguments. */
static void cpu_on_by_32_bit_number(void)
{
	struct guest_cpu *cpu = &guest_cpus[1];
	static uint8_t stack[4096] __aligned(16);

	*cpu = (struct guest_cpu){
		.stack_top = (uintptr_t)stack + sizeof(stack),
		.idx = 1,
		.run = enter,
		.argument = 7,
		.with_mmu = true,
	};
	dcache_clean_invalidate(cpu, sizeof(*cpu));
	dcache_clean_invalidate(stack, sizeof(stack));
	entered = 0;
	REQUIRE_EQUAL(psci(0x84000003, machine.mpidr[1], (uintptr_t)guest_secondary_entry,
			   (uintptr_t)cpu),
		      0);
	REQUIRE(smp_wait_off(1));
	REQUIRE_EQUAL(READ_ONCE(entered), 7);
}

static void off_and_on_again(void)
{
	unsigned int rounds = machine.tenon ? 100 : 10;

	for (unsigned int round = 0; round < rounds; round++) {
		entered = 0;
		REQUIRE(smp_start(1, enter, round + 1), "round %u", round);
		REQUIRE(smp_wait_off(1), "round %u", round);
		REQUIRE_EQUAL(READ_ONCE(entered), round + 1);
		/* Nothing of its last life comes back. */
		REQUIRE_EQUAL(guest_cpus[1].entry_sctlr, SCTLR_EL1_GUEST_INIT);
	}
}

static uint32_t stay;

static void stay_on(uint64_t argument)
{
	WRITE_ONCE(entered, 1);
	while (READ_ONCE(stay) != 0) {
	}
}

static void cpu_on_of_a_running_cpu(void)
{
	entered = 0;
	stay = 1;
	REQUIRE(smp_start(1, stay_on, 0));
	REQUIRE(WAIT_UNTIL(READ_ONCE(entered) == 1, 2000));
	EXPECT_EQUAL(psci(PSCI_AFFINITY_INFO, machine.mpidr[1], 0, 0), 0);
	EXPECT_EQUAL(psci(PSCI_CPU_ON, machine.mpidr[1], (uintptr_t)guest_secondary_entry, 0),
		     PSCI_ALREADY_ON);
	WRITE_ONCE(stay, 0);
	REQUIRE(smp_wait_off(1));
}

/*
 * Two vCPUs turn a third on at the same moment. One of them must be told that it was already on, and the
 * third must arrive once, with the winner's context.
 */
static struct {
	uint32_t round; /* the racer's start signal */
	uint32_t finished;
	int64_t answer;
	uint32_t arrived;
	uint32_t leave; /* the third may go */
} race;

static void race_enter(uint64_t argument)
{
	__atomic_fetch_add(&race.arrived, 1, __ATOMIC_ACQ_REL);
	while (READ_ONCE(race.leave) == 0) {
	}
}

static void racer(uint64_t rounds)
{
	for (uint32_t round = 1; round <= rounds; round++) {
		while (READ_ONCE(race.round) != round) {
		}
		race.answer = psci(PSCI_CPU_ON, machine.mpidr[2], (uintptr_t)guest_secondary_entry,
				   (uintptr_t)&guest_cpus[2]);
		dsb_sy();
		WRITE_ONCE(race.finished, round);
	}
}

static void cpu_on_race(void)
{
	const uint32_t rounds = 40;
	unsigned int won = 0;

	race.round = race.finished = 0;
	REQUIRE(smp_start(1, racer, rounds));
	for (uint32_t round = 1; round <= rounds; round++) {
		static uint8_t stack[4096] __aligned(16);
		int64_t answer;

		guest_cpus[2] = (struct guest_cpu){
			.stack_top = (uintptr_t)stack + sizeof(stack),
			.idx = 2,
			.run = race_enter,
			.with_mmu = true,
		};
		race.arrived = race.leave = 0;
		dcache_clean_invalidate(&guest_cpus[2], sizeof(guest_cpus[2]));
		dcache_clean_invalidate(stack, sizeof(stack));
		WRITE_ONCE(race.round, round);
		answer = psci(PSCI_CPU_ON, machine.mpidr[2], (uintptr_t)guest_secondary_entry,
			      (uintptr_t)&guest_cpus[2]);
		REQUIRE(WAIT_UNTIL(READ_ONCE(race.finished) == round, 2000), "round %u", round);
		REQUIRE((answer == 0 && race.answer == PSCI_ALREADY_ON) ||
				(answer == PSCI_ALREADY_ON && race.answer == 0),
			"round %u: %ld and %ld", round, answer, race.answer);
		WRITE_ONCE(race.leave, 1);
		won += answer == 0;
		REQUIRE(smp_wait_off(2), "round %u", round);
		REQUIRE_EQUAL(race.arrived, 1);
	}
	REQUIRE(smp_wait_off(1));
	print("INFO vCPU 0 won %u of %u\n", won, rounds);
}

static void all_at_once(void)
{
	for (unsigned int round = 0; round < (machine.tenon ? 20 : 3); round++) {
		race.arrived = 0;
		race.leave = 1;
		for (unsigned int i = 1; i < machine.nr_cpus; i++) {
			REQUIRE(smp_start(i, race_enter, 0));
		}
		for (unsigned int i = 1; i < machine.nr_cpus; i++) {
			REQUIRE(smp_wait_off(i), "vCPU %u, round %u", i, round);
		}
		REQUIRE_EQUAL(race.arrived, machine.nr_cpus - 1);
	}
}

/*
 * What is pending for a CPU is in its redistributor, or banked in the distributor, which do not go off with it: it finds
 * there what came before and while it was off. Its CPU interface starts anew.
 */
#define KEPT_PPI     20
#define KEPT_SGI     5 /* to itself */
#define KEPT_OFF_SGI 6 /* from another, while it is off */

static uint32_t kept_taken[32], kept_pending, kept_left;

static void on_kept(uint32_t intid)
{
	WRITE_ONCE(kept_taken[intid], kept_taken[intid] + 1);
}

static void leave_pending(uint64_t argument)
{
	gic_set_pending(KEPT_PPI);
	gic_send_sgi_self(KEPT_SGI);
}

static uint32_t kept_pending_now(void)
{
	return (uint32_t)gic_is_pending(KEPT_PPI) << KEPT_PPI |
	       (uint32_t)gic_is_pending(KEPT_SGI) << KEPT_SGI |
	       (uint32_t)gic_is_pending(KEPT_OFF_SGI) << KEPT_OFF_SGI;
}

static void take_kept(uint64_t argument)
{
	WRITE_ONCE(kept_pending, kept_pending_now());
	irq_enable();
	delay_us(300);
	/* SGIs are enabled, the PPI not yet. */
	WRITE_ONCE(kept_left, kept_pending_now());
	gic_enable(KEPT_PPI);
	WAIT_UNTIL(READ_ONCE(kept_taken[KEPT_PPI]) != 0, 1000);
	irq_disable();
	gic_disable(KEPT_PPI);
}

static void pending_interrupts_wait_for_cpu_on(void)
{
	const uint64_t all = BIT64(KEPT_PPI) | BIT64(KEPT_SGI) | BIT64(KEPT_OFF_SGI);

	memset(kept_taken, 0, sizeof(kept_taken));
	gic_set_handler(KEPT_PPI, on_kept);
	gic_set_handler(KEPT_SGI, on_kept);
	gic_set_handler(KEPT_OFF_SGI, on_kept);
	REQUIRE(smp_start(1, leave_pending, 0));
	REQUIRE(smp_wait_off(1));
	gic_send_sgi(1, KEPT_OFF_SGI);
	delay_us(300);
	EXPECT_EQUAL(psci(PSCI_AFFINITY_INFO, machine.mpidr[1], 0, 0), 1);
	REQUIRE(smp_start(1, take_kept, 0));
	REQUIRE(smp_wait_off(1));
	EXPECT_EQUAL(READ_ONCE(kept_pending), all);
	EXPECT_EQUAL(READ_ONCE(kept_left), BIT64(KEPT_PPI));
	EXPECT_EQUAL(READ_ONCE(kept_taken[KEPT_PPI]), 1);
	EXPECT_EQUAL(READ_ONCE(kept_taken[KEPT_SGI]), 1);
	EXPECT_EQUAL(READ_ONCE(kept_taken[KEPT_OFF_SGI]), 1);
}

/* CPU_SUSPEND is WFI: it returns when an interrupt is pending, masked or not. */
static void cpu_suspend(void)
{
	gic_enable(27);
	sysreg_write(CNTV_TVAL_EL0, us_to_ticks(2000));
	sysreg_write(CNTV_CTL_EL0, 1);
	isb();
	REQUIRE_EQUAL(psci(PSCI_CPU_SUSPEND, 0, 0, 0), 0);
	sysreg_write(CNTV_CTL_EL0, 0);
	isb();
	gic_disable(27);
}

static void system_suspend(void)
{
	REQUIRE_EQUAL(psci(PSCI_SYSTEM_SUSPEND, (uintptr_t)guest_secondary_entry, 0, 0),
		      PSCI_NOT_SUPPORTED);
}

const struct guest_case guest_cases[] = {
	CASE(version),
	CASE(features),
	CASE(migrate_info_type),
	CASE(absent_functions_are_refused),
	CASE(affinity_info),
	CASE(cpu_on_starts_as_documented, .min_cpus = 2),
	CASE(cpu_on_errors),
	CASE(cpu_on_by_32_bit_number, .min_cpus = 2),
	CASE(off_and_on_again, .min_cpus = 2),
	CASE(cpu_on_of_a_running_cpu, .min_cpus = 2),
	CASE(cpu_on_race, .min_cpus = 3, .flags = TENON_ONLY),
	CASE(all_at_once, .min_cpus = 2),
	CASE(pending_interrupts_wait_for_cpu_on, .min_cpus = 2, .flags = TENON_ONLY),
	CASE(cpu_suspend),
	CASE(system_suspend),
	CASE_END,
};
