/* SPDX-License-Identifier: MIT */
/*
 * FP, SIMD and system registers survive being switched out: two of these domains, or two vCPUs of one, share
 * a CPU and hold different values in every register. The argument "number" makes the domains differ.
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_fp.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "guest_trap.h"

const char *const guest_topic = "registers";
const bool guest_mmu_off;

static uint64_t seed(void)
{
	return guest_argument("number", 1) * 16 + this_cpu()->idx + 1;
}

static void leave_cpu(unsigned int how)
{
	switch (how % 3) {
	case 0:
		/* Long enough for the end of a time slice now and then. */
		for (volatile unsigned int i = 0; i < 20000; i++) {
		}
		break;
	case 1:
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
		break;
	case 2:
		wfe();
		break;
	}
}

/* Leave the CPU this often with the same values in all registers, not touching them. */
static void hold_fp_over(uint64_t rounds, unsigned int (*nr_turns)(uint64_t round))
{
	struct fp_block mine, back;

	for (uint64_t round = 0; round < rounds; round++) {
		uint64_t fpcr = seed() % 4 << 22, fpsr = (seed() + round) % 8, value;

		for (unsigned int i = 0; i < 64; i++) {
			mine.words[i] = seed() * UINT64_C(0x0101010101010101) ^ (round << 32) ^ i;
		}
		guest_fp_load(&mine);
		sysreg_write(S3_3_C4_C4_0, fpcr);
		sysreg_write(S3_3_C4_C4_1, fpsr);
		for (unsigned int turn = 0; turn < nr_turns(round); turn++) {
			leave_cpu((unsigned int)round + turn);
		}
		value = sysreg_read(S3_3_C4_C4_0);
		EXPECT(value == fpcr, "FPCR is %#lx, not %#lx", value, fpcr);
		value = sysreg_read(S3_3_C4_C4_1);
		EXPECT(value == fpsr, "FPSR is %#lx, not %#lx", value, fpsr);
		guest_fp_store(&back);
		for (unsigned int i = 0; i < 64; i++) {
			EXPECT(back.words[i] == mine.words[i], "half %u of V%u is %#lx, not %#lx",
			       i % 2, i / 2, back.words[i], mine.words[i]);
		}
	}
}

static unsigned int one_turn(uint64_t round)
{
	return 1;
}

static void hold_fp(uint64_t rounds)
{
	hold_fp_over(rounds, one_turn);
}

/* Some use them all the time, and some so seldom that a hypervisor may think they do not. */
static unsigned int few_or_many_turns(uint64_t round)
{
	return (this_cpu()->idx + guest_argument("number", 1)) % 2 == 0 ? 1 + round % 3
									: 20 + round % 30;
}

static void hold_fp_for_long(uint64_t rounds)
{
	hold_fp_over(rounds, few_or_many_turns);
}

#define PPI_VIRTUAL 27

/* The vCPUs that sleep now and then, in no step, make the one that does not go from CPU to CPU, where nobody else uses these. */
static void run_and_sleep(uint64_t rounds)
{
	gic_enable(PPI_VIRTUAL);
	for (uint64_t round = 0; round < 10 * rounds; round++) {
		delay_us((round * 7 + seed() * 13) % 40);
		sysreg_write(CNTV_TVAL_EL0, us_to_ticks(20 + (round * 11 + seed() * 5) % 60));
		sysreg_write(CNTV_CTL_EL0, 1);
		isb();
		wfi();
		sysreg_write(CNTV_CTL_EL0, 0);
		isb();
	}
	gic_disable(PPI_VIRTUAL);
}

/* Registers that hold any value; the masks leave out RES0 bits and what would change how this runs. */
/* clang-format off */
#define SYSTEM_REGISTERS(X) \
	X(TPIDR_EL0, ~UINT64_C(0)) X(TPIDRRO_EL0, ~UINT64_C(0)) X(TPIDR_EL1, ~UINT64_C(0)) \
	X(TTBR1_EL1, UINT64_C(0xffff00000000f000)) X(CONTEXTIDR_EL1, 0xffffffff) X(CSSELR_EL1, 0x2) \
	X(PAR_EL1, UINT64_C(0x0000fffffffff000)) X(FAR_EL1, ~UINT64_C(0)) X(ESR_EL1, 0x3ffffff) \
	X(ELR_EL1, ~UINT64_C(3)) X(SPSR_EL1, 0xf00003c0) X(SP_EL0, ~UINT64_C(15)) \
	X(CNTKCTL_EL1, 0x303) X(CNTV_CVAL_EL0, ~UINT64_C(0)) X(MAIR_EL1, MAIR_FREE)
/* clang-format on */
/* Beyond the five types that the page tables use. */
#define MAIR_FREE                        UINT64_C(0xffffff0000000000)

#define SYSTEM_REGISTER_SLOT(name, mask) SLOT_##name,
enum {
	SYSTEM_REGISTERS(SYSTEM_REGISTER_SLOT) NR_SLOTS
};

static void hold_system_registers(uint64_t rounds)
{
	uint64_t held[NR_SLOTS], mair = sysreg_read(MAIR_EL1);

	for (uint64_t round = 0; round < rounds; round++) {
		uint64_t pattern = seed() * UINT64_C(0x0204081021428509) + round * 0x1111;

/* clang-format off */
#define SET(name, mask) \
	held[SLOT_##name] = (SLOT_##name == SLOT_MAIR_EL1 ? mair & ~MAIR_FREE : 0) | (pattern & (mask)); \
	sysreg_write(name, held[SLOT_##name]);
#define CHECK(name, mask) \
	{ \
		uint64_t value = sysreg_read(name); \
		EXPECT(value == held[SLOT_##name], #name " is %#lx, not %#lx", value, held[SLOT_##name]); \
	}
		/* clang-format on */
		SYSTEM_REGISTERS(SET)
		isb();
		leave_cpu((unsigned int)round);
		SYSTEM_REGISTERS(CHECK)
	}
	sysreg_write(MAIR_EL1, mair);
	isb();
}

/* Of FEAT_RAS, and nothing that EL2 can do hides it from a guest: S3_0_C12_C1_1. Its DFSC holds any value. */
static void hold_deferred_error(uint64_t rounds)
{
	for (uint64_t round = 0; round < rounds; round++) {
		uint64_t mine = (seed() * 5 + round) & 0x3f, value = mine;

		if (CATCH(sysreg_write(S3_0_C12_C1_1, mine)).taken) {
			return; /* this CPU does not have it */
		}
		leave_cpu((unsigned int)round);
		CATCH(value = sysreg_read(S3_0_C12_C1_1));
		EXPECT(value == mine, "DISR_EL1 is %#lx, not %#lx", value, mine);
	}
}

static void hold_general_registers(uint64_t rounds)
{
	for (uint64_t round = 0; round < rounds; round++) {
		struct guest_registers before, after;

		for (unsigned int i = 0; i < 31; i++) {
			before.x[i] = seed() << 56 | round << 8 | i;
		}
		before.x[16] = __HYPERVISOR_sched_op;
		before.x[0] = SCHEDOP_yield;
		after = before;
		guest_call_registers(CONDUIT_HYPERCALL, &after);
		for (unsigned int i = 5; i < 31; i++) {
			EXPECT(i == 16 || after.x[i] == before.x[i], "x%u is %#lx, not %#lx", i,
			       after.x[i], before.x[i]);
		}
	}
}

/*
 * All vCPUs use one ASID and one address, each with page tables of its own: what a CPU has cached of one's
 * translation must not serve the next.
 */
static uint64_t own_tables[GUEST_MAX_CPUS];
static uint64_t own_pages[GUEST_MAX_CPUS][512] __aligned(4096);

static void hold_page_tables(uint64_t rounds)
{
	volatile uint64_t *page = (volatile uint64_t *)(uintptr_t)mmu_spare_page(0);
	unsigned int idx = this_cpu()->idx;

	mmu_use_tables(own_tables[idx]);
	for (uint64_t round = 0; round < rounds; round++) {
		page[0] = seed() + round;
		leave_cpu((unsigned int)round);
		EXPECT(page[0] == seed() + round, "vCPU %u finds %#lx, not %#lx", idx, page[0],
		       seed() + round);
		EXPECT(own_pages[idx][0] == seed() + round, "vCPU %u has written elsewhere", idx);
	}
	mmu_use_tables(0);
}

static void on_first_and_others(void (*hold)(uint64_t), void (*others)(uint64_t), uint64_t rounds)
{
	rounds = guest_argument("rounds", rounds);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_start(i, others, rounds));
	}
	hold(rounds);
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_wait_off(i), "vCPU %u", i);
	}
}

static void on_all(void (*hold)(uint64_t), uint64_t rounds)
{
	on_first_and_others(hold, hold, rounds);
}

static void fp_and_simd(void)
{
	on_all(hold_fp, 300);
}

static void fp_and_simd_for_long(void)
{
	on_all(hold_fp_for_long, 60);
}

static void fp_and_simd_from_cpu_to_cpu(void)
{
	on_first_and_others(hold_fp, run_and_sleep, 300);
}

static void system_registers(void)
{
	on_all(hold_system_registers, 300);
}

static void deferred_error(void)
{
	on_all(hold_deferred_error, 300);
}

static void general_registers(void)
{
	on_all(hold_general_registers, 200);
}

static void page_tables(void)
{
	for (unsigned int i = 0; i < machine.nr_cpus; i++) {
		own_tables[i] = mmu_make_tables(mmu_spare_page(0), (uintptr_t)own_pages[i]);
		REQUIRE(own_tables[i] != 0);
	}
	on_all(hold_page_tables, 300);
}

const struct guest_case guest_cases[] = {
	CASE(fp_and_simd),
	CASE(fp_and_simd_for_long),
	CASE(fp_and_simd_from_cpu_to_cpu),
	CASE(system_registers),
	CASE(deferred_error, .flags = TENON_ONLY), /* Xen 4.17 does not switch it */
	CASE(general_registers),
	CASE(page_tables),
	CASE_END,
};
