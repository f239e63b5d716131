/* SPDX-License-Identifier: MIT */
/*
 * Hypercall buffers of a 32-bit guest with its MMU and caches on, by short and by long descriptors: translated as the
 * guest would, and of which memory type they must be. And tables in no memory.
 */
#include "a32.h"

/*
 * The first MiB of RAM, where the guest itself is not, is mapped several times; what is written there is never used
 * uncached. 4 MiB on: the guest, one to one.
 */
#define BUFFER         0x40100000u
#define ALIAS_WB       0x80000000u
#define ALIAS_NC       0x80200000u
#define ALIAS_WT       0x80400000u
#define ALIAS_DEVICE   0x80600000u
#define ALIAS_READONLY 0x80800000u
#define UNMAPPED       0x80a00000u
#define DEVICES        0x22000000u

/* PRRR: index 0 Device-nGnRnE, 1 Device-nGnRE, 2 to 7 Normal; NMRR: 2 NC, 3 WB, 4 WT; also outer. */
#define REMAP_DEVICE   0u
#define REMAP_NC       2u
#define REMAP_WB       3u
#define REMAP_WT       4u
#define PRRR           0x0008aaa4u /* Normal memory is shareable where S says so */
#define NMRR           (1u << 6 | 2u << 8 | 1u << 22 | 2u << 24)
/* MAIR0, MAIR1: the same by index. */
#define MAIR0          0xff440400u
#define MAIR1          0x000000aau

/* With TTBCR.N of 1 and with T1SZ of 1 the upper half is TTBR1's. */
#define WALKED         0xc0000000u
#define TTBCR_HALF     1u
#define TTBCR_T1SZ     (1u << 16)

static uint32_t short_table[4096] aligned_to(16384) __attribute__((section(".bss.tables")));
static uint64_t long_table[4] aligned_to(4096) __attribute__((section(".bss.tables")));
static uint64_t long_blocks[4][512] aligned_to(4096) __attribute__((section(".bss.tables")));

/* ---- tables --------------------------------------------------------------------------------------------- */

static uint32_t section(uint32_t to, uint32_t index, bool readonly)
{
	/* S, AP[1:0] = 3 (AP[2] = 1: read-only), TEX[0], C, B from the index. */
	return (to & 0xfff00000u) | 1u << 16 | (readonly ? 1u << 15 : 0) | 3u << 10 |
	       (index & 4) << 10 | (index & 2) << 2 | (index & 1) << 2 | 2;
}

static void make_short_tables(void)
{
	for (unsigned int i = 0; i < 16; i++) {
		short_table[0x400 + i] = section(0x40000000u + (i << 20), REMAP_WB, false);
	}
	short_table[DEVICES >> 20] = section(DEVICES, REMAP_DEVICE, false);
	short_table[ALIAS_WB >> 20] = section(BUFFER, REMAP_WB, false);
	short_table[ALIAS_NC >> 20] = section(BUFFER, REMAP_NC, false);
	short_table[ALIAS_WT >> 20] = section(BUFFER, REMAP_WT, false);
	short_table[ALIAS_DEVICE >> 20] = section(BUFFER, REMAP_DEVICE, false);
	short_table[ALIAS_READONLY >> 20] = section(BUFFER, REMAP_WB, true);
}

static uint64_t block(uint32_t to, uint32_t index, bool readonly)
{
	/* AF, inner shareable, AP[2:1], AttrIndx. */
	return (to & 0xffe00000u) | 1u << 10 | 3u << 8 | (readonly ? 3u << 6 : 1u << 6) |
	       index << 2 | 1;
}

static void map_long(uint32_t va, uint32_t to, uint32_t index, bool readonly)
{
	long_blocks[va >> 30][va >> 21 & 511] = block(to, index, readonly);
}

static void make_long_tables(void)
{
	for (unsigned int i = 0; i < 4; i++) {
		long_table[i] = ADDRESS(long_blocks[i]) | 3;
	}
	for (uint32_t at = 0; at < 16u << 20; at += 2u << 20) {
		map_long(0x40000000u + at, 0x40000000u + at, REMAP_WB, false);
	}
	map_long(DEVICES, DEVICES, 1, false);
	/* Blocks are of 2 MiB: the aliases' first MiB is another MiB of RAM than with sections. */
	map_long(ALIAS_WB, BUFFER, REMAP_WB, false);
	map_long(ALIAS_NC, BUFFER, REMAP_NC, false);
	map_long(ALIAS_WT, BUFFER, REMAP_WT, false);
	map_long(ALIAS_DEVICE, BUFFER, REMAP_DEVICE, false);
	map_long(ALIAS_READONLY, BUFFER, REMAP_WB, true);
}

/* ---- calls with the MMU on -------------------------------------------------------------------------------- */

struct answers {
	int32_t wb, nc, wt, device, readonly_out, readonly_in, unmapped, crossing;
	uint32_t text;
};

static int32_t write_to(uint32_t at)
{
	return hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, at, 0, 0, 0);
}

static void ask(struct answers *a)
{
	*(volatile uint32_t *)(uintptr_t)ALIAS_WB = 0;
	a->wb = write_to(ALIAS_WB);
	a->text = *(volatile uint32_t *)(uintptr_t)ALIAS_WB;
	a->nc = write_to(ALIAS_NC);
	a->wt = write_to(ALIAS_WT);
	a->device = write_to(ALIAS_DEVICE);
	a->readonly_out = write_to(ALIAS_READONLY);
	/* submap_idx, which is read: what is there is not 0 */
	a->readonly_in =
		hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, ALIAS_READONLY, 0, 0, 0);
	a->unmapped = write_to(UNMAPPED);
	a->crossing = write_to(ALIAS_READONLY + (2u << 20) - 8);
}

static struct answers answers;

static void check(void)
{
	const struct answers *a = &answers;

	EQUAL(a->wb, 0);
	EQUAL(a->text & 0xff, '.');
	EQUAL(a->readonly_out, -XEN_EFAULT);
	/* Text as a port number: beyond all. */
	EQUAL(a->readonly_in, -XEN_EINVAL);
	EQUAL(a->unmapped, -XEN_EFAULT);
	EQUAL(a->crossing, -XEN_EFAULT);
	if (a32_on_tenon) {
		EQUAL(a->nc, a32_has_fwb ? 0 : -XEN_EINVAL);
		EQUAL(a->wt, a32_has_fwb ? 0 : -XEN_EINVAL);
		EQUAL(a->device, a32_has_fwb ? 0 : -XEN_EINVAL);
	}
}

static void buffers_by_short_descriptors(void)
{
	make_short_tables();
	dsb();
	a32_mmu_on(0, ADDRESS(short_table), PRRR, NMRR);
	ask(&answers);
	a32_mmu_off();
	check();
}

static void buffers_by_long_descriptors(void)
{
	make_long_tables();
	dsb();
	a32_mmu_on(TTBCR_EAE | 0x3500, ADDRESS(long_table), MAIR0, MAIR1);
	ask(&answers);
	a32_mmu_off();
	CP_WRITE(15, 0, 2, 0, 2, 0);
	isb();
	check();
}

static void buffers_without_mmu(void)
{
	static volatile uint32_t text[4];

	EQUAL(write_to(ADDRESS(text)), 0);
	EQUAL(text[0] & 0xff, '.');
}

/* ---- tables in no memory --------------------------------------------------------------------------------- */

struct walked {
	struct a32_fault read, jump, translation;
};

static struct walked walked[3];

/* With the MMU on. */
static struct walked walk(void)
{
	struct walked w;

	fault_catch();
	(void)mmio_read(WALKED);
	w.read = fault_caught();
	fault_catch();
	a32_jump(WALKED);
	w.jump = fault_caught();
	fault_catch();
	CP_WRITE(15, 0, 7, 8, 0, WALKED); /* ATS1CPR */
	w.translation = fault_caught();
	return w;
}

static void check_walk(const struct walked *w, uint32_t fsr)
{
	EQUAL(w->read.kind, FAULT_DATA);
	EQUAL(w->read.dfar, WALKED);
	/* The domain is only of use with short descriptors, and then for other faults. */
	EQUAL(w->read.dfsr & ~0xf0u, fsr & ~0xf0u);
	EQUAL(w->jump.kind, FAULT_PREFETCH);
	EQUAL(w->jump.ifar, WALKED);
	EQUAL(w->jump.ifsr, fsr);
	/* What an address translation instruction finds counts as of maintenance. */
	EQUAL(w->translation.kind, FAULT_DATA);
	EQUAL(w->translation.dfar, WALKED);
	EQUAL(w->translation.dfsr & ~0xf0u, (fsr & ~0xf0u) | FSR_CM | FSR_WRITE);
}

static void short_walks_into_nothing(void)
{
	make_short_tables();
	dsb();
	CP_WRITE(15, 0, 2, 0, 1, NOWHERE);
	a32_mmu_on(TTBCR_HALF, ADDRESS(short_table), PRRR, NMRR);
	walked[0] = walk();
	a32_mmu_off();
	CP_WRITE(15, 0, 2, 0, 2, 0);
	short_table[WALKED >> 20] = NOWHERE | 1;
	dsb();
	a32_mmu_on(0, ADDRESS(short_table), PRRR, NMRR);
	walked[1] = walk();
	a32_mmu_off();
	short_table[WALKED >> 20] = 0;
	check_walk(&walked[0], FSR_WALK_1);
	check_walk(&walked[1], FSR_WALK_2);
}

static void long_walks_into_nothing(void)
{
	make_long_tables();
	dsb();
	CP_WRITE(15, 0, 2, 0, 2, TTBCR_EAE);
	isb();
	__asm__ volatile("mcrr p15, 1, %0, %1, c2" ::"r"(NOWHERE), "r"(0) : "memory");
	a32_mmu_on(TTBCR_EAE | TTBCR_T1SZ | 0x3500, ADDRESS(long_table), MAIR0, MAIR1);
	walked[0] = walk();
	a32_mmu_off();
	for (unsigned int level = 2; level <= 3; level++) {
		long_table[WALKED >> 30] = (level == 2 ? NOWHERE : ADDRESS(long_blocks[3])) | 3;
		long_blocks[3][0] = NOWHERE | 3;
		dsb();
		a32_mmu_on(TTBCR_EAE | 0x3500, ADDRESS(long_table), MAIR0, MAIR1);
		walked[level - 1] = walk();
		a32_mmu_off();
	}
	long_blocks[3][0] = 0;
	CP_WRITE(15, 0, 2, 0, 2, 0);
	isb();
	for (unsigned int level = 1; level <= 3; level++) {
		check_walk(&walked[level - 1], FSR_LPAE | 0x14 | level);
	}
}

/* QEMU, which has no caches, does not look where they are to be cleaned. */
static void maintenance_of_nothing(void)
{
	for (unsigned int invalidates = 0; invalidates < 2; invalidates++) {
		struct a32_fault fault;

		fault_catch();
		if (invalidates) {
			CP_WRITE(15, 0, 7, 14, 1, NOWHERE); /* DCCIMVAC */
		} else {
			CP_WRITE(15, 0, 7, 10, 1, NOWHERE); /* DCCMVAC */
		}
		fault = fault_caught();
		if (fault.kind == FAULT_NONE) {
			continue;
		}
		EQUAL(fault.kind, FAULT_DATA);
		EQUAL(fault.dfar, NOWHERE);
		EQUAL(fault.dfsr & ~0xf0u, FSR_EXTERNAL | FSR_CM | FSR_WRITE);
	}
}

const struct a32_case a32_memory_cases[] = {
	CASE(buffers_without_mmu),           CASE(buffers_by_short_descriptors),
	CASE(buffers_by_long_descriptors),   CASE_TENON(short_walks_into_nothing),
	CASE_TENON(long_walks_into_nothing), CASE_TENON(maintenance_of_nothing),
};
const unsigned int a32_nr_memory_cases = sizeof(a32_memory_cases) / sizeof(a32_memory_cases[0]);
