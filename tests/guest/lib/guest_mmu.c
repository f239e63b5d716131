/* SPDX-License-Identifier: MIT */
/*
 * Stage 1 of a test guest: guest_mmu.h. 39-bit addresses, 4 KiB granule, so the walk starts at level 1
 * (Arm ARM, "VMSAv8-64 translation table format descriptors").
 */
#include "guest_mmu.h"

#include "arm64/pte.h"
#include "guest.h"
#include "guest_asm.h"

#define NR_TABLES  40
#define SPARE_BASE UINT64_C(0x7f00000000)

#define MAIR_VALUE (UINT64_C(0x77bb44ff04))
/* T0SZ 25, walks Write-Back inner shareable, TTBR1 walks disabled, 40-bit IPA. */
#define TCR_VALUE \
	(UINT64_C(25) | (1 << 8) | (1 << 10) | (3 << 12) | (1 << 23) | (UINT64_C(2) << 32))

static uint64_t tables[NR_TABLES][PTE_ENTRIES] __aligned(4096);
static unsigned int nr_tables;

extern const uint64_t mmu_registers[3];
/* MAIR_EL1, TCR_EL1, TTBR0_EL1: for mmu_enable() in guest_start.S. */
const uint64_t mmu_registers[3] = {MAIR_VALUE, TCR_VALUE, (uintptr_t)tables[0]};

static uint64_t *new_table(void)
{
	return nr_tables < NR_TABLES ? tables[nr_tables++] : NULL;
}

static uint64_t attributes(enum mmu_type type)
{
	uint64_t pte =
		PTE_AF |
		PTE_ATTRIDX(type == MMU_READ_ONLY || type == MMU_USER ? MMU_WRITE_BACK : type);

	/* AP[2:1] = 0b10: EL1 may only read. */
	if (type == MMU_READ_ONLY) {
		pte |= BIT64(7);
	}
	if (type == MMU_USER) {
		pte |= BIT64(6);
	}
	return type == MMU_DEVICE ? pte | BIT64(54) | BIT64(53) : pte | PTE_SH_INNER;
}

static enum mmu_type type_of(uint64_t address)
{
	return address >= machine.ram_start && address < machine.ram_start + machine.ram_size
		     ? MMU_WRITE_BACK
		     : MMU_DEVICE;
}

void mmu_init(void)
{
	uint64_t *root = new_table();

	for (unsigned int i = 0; i < 4; i++) {
		uint64_t *table = new_table();

		for (unsigned int j = 0; j < PTE_ENTRIES; j++) {
			uint64_t address =
				(uint64_t)i * PTE_LEVEL_SIZE(1) + (uint64_t)j * PTE_LEVEL_SIZE(2);

			table[j] = address | attributes(type_of(address)) | PTE_VALID;
		}
		root[i] = (uintptr_t)table | PTE_TABLE | PTE_VALID;
	}
	/* Written with the MMU off: walks with caches on must not hit older lines. */
	dcache_invalidate(tables, sizeof(tables));
}

bool mmu_is_on(void)
{
	return (sysreg_read(SCTLR_EL1) & SCTLR_M) != 0;
}

/* Write a descriptor; break before make when it was valid. */
static void write_descriptor(uint64_t *slot, uint64_t value)
{
	if (pte_is_valid(*slot)) {
		WRITE_ONCE(*slot, 0);
		tlb_invalidate_all();
	}
	WRITE_ONCE(*slot, value);
	/* The walker sees the new descriptor before the next access. */
	dsb_ish();
	isb();
}

/* The next-level table behind a slot; a block is split first. */
static uint64_t *descend(uint64_t *slot, unsigned int level)
{
	uint64_t old = *slot;
	uint64_t *table;

	if (pte_is_table(old, level)) {
		return (uint64_t *)(uintptr_t)(old & PTE_ADDR);
	}
	table = new_table();
	if (table == NULL) {
		return NULL;
	}
	for (unsigned int i = 0; i < PTE_ENTRIES && pte_is_valid(old); i++) {
		table[i] = (old + i * PTE_LEVEL_SIZE(level + 1)) | (level + 1 == 3 ? PTE_PAGE : 0);
	}
	dsb_ish();
	write_descriptor(slot, (uintptr_t)table | PTE_TABLE | PTE_VALID);
	return table;
}

static bool map_page(uint64_t *table, uint64_t va, uint64_t ipa, enum mmu_type type)
{
	for (unsigned int level = 1; level < 3; level++) {
		table = descend(&table[PTE_INDEX(va, level)], level);
		if (table == NULL) {
			return false;
		}
	}
	write_descriptor(&table[PTE_INDEX(va, 3)],
			 type == MMU_UNMAPPED ? 0 : ipa | attributes(type) | PTE_PAGE | PTE_VALID);
	return true;
}

bool mmu_map_page(uint64_t va, uint64_t ipa, enum mmu_type type)
{
	return map_page(tables[0], va, ipa, type);
}

uint64_t mmu_make_tables(uint64_t va, uint64_t ipa)
{
	uint64_t *root = new_table();

	if (root == NULL) {
		return 0;
	}
	memcpy(root, tables[0], sizeof(tables[0]));
	root[PTE_INDEX(va, 1)] = 0;
	return map_page(root, va, ipa, MMU_WRITE_BACK) ? (uintptr_t)root : 0;
}

void mmu_use_tables(uint64_t root)
{
	sysreg_write(TTBR0_EL1, root != 0 ? root : (uintptr_t)tables[0]);
	isb();
	tlb_invalidate_all();
}

uint64_t mmu_spare_page(unsigned int idx)
{
	return SPARE_BASE + idx * PAGE_SIZE;
}
