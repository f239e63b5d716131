/* SPDX-License-Identifier: MIT */
/*
 * Cold and warm: what is written with the caches off is read with them on, and the other way round after
 * maintenance; other vCPUs and hypercalls see the same; turning the caches off and on again works.
 * QEMU has no caches: here the traps and the state behind them are tested, the lines by cohcheck.
 */
#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "guest_xen.h"

const char *const guest_topic = "cold";
const bool guest_mmu_off = true;

static uint64_t words[4096] __aligned(4096);

static void fill(uint64_t seed)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		((volatile uint64_t *)words)[i] = seed + i;
	}
}

static void check(uint64_t seed)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		uint64_t value = ((volatile uint64_t *)words)[i];

		REQUIRE(value == seed + i, "word %u is %#lx, not %#lx", i, value, seed + i);
	}
}

static void starts_with_caches_off(void)
{
	REQUIRE_EQUAL(sysreg_read(SCTLR_EL1) & (SCTLR_M | SCTLR_C), 0);
}

/* A domain may call with its caches off, which Xen does not promise but does here. */
static void hypercall_with_caches_off(void)
{
	xen_extraversion_t extra;

	memset(extra, 'x', sizeof(extra));
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, extra), 0);
	REQUIRE(strnlen(extra, sizeof(extra)) < sizeof(extra));
}

static void written_cold_read_warm(void)
{
	fill(0x1000000);
	mmu_enable();
	check(0x1000000);
	fill(0x2000000);
	check(0x2000000);
	dcache_clean_invalidate(words, sizeof(words));
}

static void warm_by_now(void)
{
	xen_extraversion_t extra;

	REQUIRE(mmu_is_on());
	REQUIRE_EQUAL(hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, extra), 0);
}

static void off_and_on_again(void)
{
	for (uint64_t round = 1; round <= 10; round++) {
		/* What is dirty, the stack too, must be in memory before the caches go. */
		dcache_clean_invalidate((void *)(uintptr_t)machine.ram_start, 2 << 20);
		mmu_disable();
		check(round == 1 ? 0x2000000 : (round - 1) * 0x100000000 + 7);
		fill(round * 0x100000000);
		mmu_enable();
		check(round * 0x100000000);
		fill(round * 0x100000000 + 7);
	}
}

/* M first and C later, as FreeBSD does; and C without M, which means nothing yet. */
static void one_bit_at_a_time(void)
{
	uint64_t off;

	dcache_clean_invalidate((void *)(uintptr_t)machine.ram_start, 2 << 20);
	mmu_disable();
	off = sysreg_read(SCTLR_EL1);
	fill(0x3000000);
	sysreg_write(SCTLR_EL1, off | SCTLR_C);
	isb();
	check(0x3000000);
	sysreg_write(SCTLR_EL1, off);
	isb();
	sysreg_write(SCTLR_EL1, off | SCTLR_M);
	isb();
	check(0x3000000);
	sysreg_write(SCTLR_EL1, off | SCTLR_M | SCTLR_C | SCTLR_I);
	isb();
	check(0x3000000);
	REQUIRE_EQUAL(sysreg_read(SCTLR_EL1), off | SCTLR_M | SCTLR_C | SCTLR_I);
}

/* Writes of the registers that are trapped while a domain is cold read back, and do what they say. */
static void trapped_registers_read_back(void)
{
	dcache_clean_invalidate((void *)(uintptr_t)machine.ram_start, 2 << 20);
	mmu_disable();
	sysreg_write(TTBR1_EL1, 0x12340000);
	EXPECT_EQUAL(sysreg_read(TTBR1_EL1), 0x12340000);
	sysreg_write(CONTEXTIDR_EL1, 0x1234);
	EXPECT_EQUAL(sysreg_read(CONTEXTIDR_EL1), 0x1234);
	sysreg_write(FAR_EL1, UINT64_C(0x123456789abcdef0));
	EXPECT_EQUAL(sysreg_read(FAR_EL1), UINT64_C(0x123456789abcdef0));
	sysreg_write(ESR_EL1, 0x123456);
	EXPECT_EQUAL(sysreg_read(ESR_EL1), 0x123456);
	sysreg_write(MAIR_EL1, 0xff44);
	EXPECT_EQUAL(sysreg_read(MAIR_EL1), 0xff44);
	mmu_enable();
}

static uint64_t told;

static void secondary_reads(uint64_t argument)
{
	told = ((volatile uint64_t *)words)[argument];
	((volatile uint64_t *)words)[argument] = 0xabcdef;
}

static void secondary_with_caches_off_in_a_warm_domain(void)
{
	mmu_enable();
	fill(0x4000000);
	dcache_clean_invalidate(words, sizeof(words));
	dcache_clean_invalidate(&told, sizeof(told));
	mmu_disable();
	/* smp_start() takes over this setting: the other vCPU keeps its caches off. */
	REQUIRE(smp_start(1, secondary_reads, 77));
	REQUIRE(smp_wait_off(1));
	mmu_enable();
	REQUIRE_EQUAL(told, 0x4000000 + 77);
	REQUIRE_EQUAL(words[77], 0xabcdef);
}

/* From here on: whatever state it was left in, the domain goes on cold or warm. */
static void set_way(void)
{
	uint64_t value;

	fill(0x5000000);
	/* Level 1, set 0, way 0, and a few more, as firmware does; then with the caches off. */
	for (uint64_t set = 0; set < 16; set++) {
		__asm__ volatile("dc cisw, %0\n\tdc csw, %0\n\tdc isw, %0" ::"r"(set << 6)
				 : "memory");
	}
	dsb_sy();
	check(0x5000000);
	dcache_clean_invalidate((void *)(uintptr_t)machine.ram_start, 2 << 20);
	mmu_disable();
	for (uint64_t set = 0; set < 16; set++) {
		__asm__ volatile("dc cisw, %0" ::"r"(set << 6) : "memory");
	}
	dsb_sy();
	check(0x5000000);
	fill(0x6000000);
	mmu_enable();
	check(0x6000000);
	value = sysreg_read(SCTLR_EL1);
	REQUIRE_EQUAL(value & (SCTLR_M | SCTLR_C), SCTLR_M | SCTLR_C);
	/* Afterwards all is as before. */
	mmu_disable();
	mmu_enable();
	check(0x6000000);
}

/*
 * A vCPU turns its caches off, which takes a clean of all RAM and all CPUs' help, while another asks for the state of
 * an interrupt that waits there. A cache line to itself, as one writes with its caches off and the other may have them on.
 */
#define SPI        32
#define NR_CHANGES 30

static __aligned(4096) uint32_t changes_end;

static void turn_caches_off(uint64_t unused)
{
	for (unsigned int i = 0; i < NR_CHANGES; i++) {
		mmu_enable();
		__asm__ volatile("dc csw, %0\n\tdsb sy" ::"r"(UINT64_C(0)) : "memory");
		mmu_disable();
	}
	WRITE_ONCE(changes_end, 1);
	dsb_sy();
}

static void another_asks_while_caches_go_off(void)
{
	gic_set_target(SPI, 1);
	gic_enable(SPI);
	dcache_clean_invalidate((void *)(uintptr_t)machine.ram_start, 2 << 20);
	mmu_disable();
	changes_end = 0;
	REQUIRE(smp_start(1, turn_caches_off, 0));
	while (READ_ONCE(changes_end) == 0) {
		gic_set_pending(SPI);
	}
	REQUIRE(smp_wait_off(1));
	mmu_enable();
	gic_disable(SPI);
	gic_set_target(SPI, 0);
	check(0x6000000);
}

const struct guest_case guest_cases[] = {
	CASE(starts_with_caches_off),
	CASE(hypercall_with_caches_off),
	CASE(written_cold_read_warm),
	CASE(warm_by_now),
	CASE(off_and_on_again),
	CASE(one_bit_at_a_time),
	CASE(trapped_registers_read_back),
	CASE(secondary_with_caches_off_in_a_warm_domain, .min_cpus = 2),
	CASE(set_way),
	CASE(another_asks_while_caches_go_off, .min_cpus = 2),
	CASE_END,
};
