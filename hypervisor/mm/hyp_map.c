/* SPDX-License-Identifier: MIT */
/*
 * Tenon's own stage-1 tables at EL2 (invariants M1 and M2).
 *
 * Each CPU has its own level-0 table; all slots are the same but the window slot, so level-1 tables of
 * every region exist before the first copy is made. Lower tables appear on demand and stay.
 *
 * A table frame must be mapped before it can be written, and mapping it may need a table: the reserve of
 * already mapped frames below breaks that circle. Until the pool exists, tables come from the image.
 */
#include "mm/mm_internal.h"

#include "abi/xen.h"
#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "arm64/percpu.h"
#include "arm64/pte.h"
#include "arm64/sysreg.h"
#include "arm64/tlb.h"
#include "boot/boot.h"
#include "lib/assert.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "lib/string.h"

#define PTE_HYP_COMMON     (PTE_VALID | PTE_PAGE | PTE_AF | PTE_EL2_AP1_RES1 | PTE_EL2_XN)
#define PTE_HYP_RW         (PTE_HYP_COMMON | PTE_SH_INNER | PTE_ATTRIDX(MAIR_IDX_WB))
#define PTE_HYP_RO         (PTE_HYP_RW | PTE_EL2_RO)
#define PTE_HYP_BOOT       (PTE_HYP_COMMON | PTE_EL2_RO | PTE_ATTRIDX(MAIR_IDX_NC))
#define PTE_HYP_DEVICE     (PTE_HYP_COMMON | PTE_ATTRIDX(MAIR_IDX_DEVICE_GRE))
#define PTE_NEXT_TABLE     (PTE_VALID | PTE_TABLE)

#define BOOT_VIEW_BASE     (DEVICE_BASE + (UINT64_C(1) << 30))
#define BOOT_VIEW_SIZE     (UINT64_C(1) << 30)
#define DEVICE_END         BOOT_VIEW_BASE

#define EARLY_TABLES       16
#define RESERVE_LOW        4
#define RESERVE_HIGH       8
#define TABLES_PER_MAPPING 2 /* levels 2 and 3: a block of frames never crosses 2 MiB */

extern uint64_t boot_l0[PTE_ENTRIES];
maddr_t image_maddr __ro_after_init_bss;

static struct spinlock hyp_map_lock = SPINLOCK_INIT(LOCK_RANK_HYP_MAP);
/* Below: guarded by hyp_map_lock. */
static uint64_t early_tables[EARLY_TABLES][PTE_ENTRIES] __aligned(4096);
static unsigned int early_used;
static void *reserve[RESERVE_HIGH];
static unsigned int reserve_nr;
/* All that were ever taken for it: tables stay. */
static uint64_t nr_table_frames;
static uint64_t device_next = DEVICE_BASE;
static uint64_t boot_view_next = BOOT_VIEW_BASE;

static uint64_t *roots[MAX_CPUS];
static uint64_t *window_tables[MAX_CPUS];
static uint64_t *window_blocks[MAX_CPUS];

static maddr_t image_va_to_maddr(const void *va)
{
	return image_maddr + ((uint64_t)(uintptr_t)va - IMAGE_BASE);
}

static bool va_in_image(const void *va)
{
	return (const char *)va >= image_start && (const char *)va < image_end;
}

static maddr_t table_to_maddr(const void *table)
{
	return va_in_image(table) ? image_va_to_maddr(table) : hyp_to_maddr(table);
}

static bool within(maddr_t maddr, const void *start, const void *end)
{
	return maddr - image_va_to_maddr(start) <
	       (uint64_t)((const char *)end - (const char *)start);
}

static uint64_t *pte_to_table(uint64_t pte)
{
	maddr_t maddr = pte & PTE_ADDR;

	/*
	 * The image's own tables. Nothing else of the image: frames of its .init parts come back from the pool as tables,
	 * at HYP_BASE like all others.
	 */
	if (within(maddr, boot_tables_start, boot_tables_end) ||
	    within(maddr, early_tables, early_tables + EARLY_TABLES)) {
		return (uint64_t *)(uintptr_t)(IMAGE_BASE + (maddr - image_maddr));
	}
	return maddr_to_hyp(maddr);
}

/* A zeroed table that EL2 can write. NULL when the reserve is used up. */
static uint64_t *table_alloc(void)
{
	if (early_used < EARLY_TABLES) {
		return early_tables[early_used++];
	}
	return reserve_nr > 0 ? reserve[--reserve_nr] : NULL;
}

/* The entry for va at a level; tables above it are made when alloc. NULL: absent, or no memory. */
static uint64_t *walk(uint64_t *root, uint64_t va, unsigned int level, bool alloc)
{
	uint64_t *table = root;

	for (unsigned int l = 0; l < level; l++) {
		uint64_t *entry = &table[PTE_INDEX(va, l)];

		if (!pte_is_valid(*entry)) {
			uint64_t *next = alloc ? table_alloc() : NULL;

			if (!next) {
				return NULL;
			}
			/* The zeroes of the new table are seen by walkers before the link to it is. */
			dsb_ishst();
			WRITE_ONCE(*entry, table_to_maddr(next) | PTE_NEXT_TABLE);
		} else if (!pte_is_table(*entry, l)) {
			return NULL;
		}
		table = pte_to_table(*entry);
	}
	return &table[PTE_INDEX(va, level)];
}

/* Map where nothing is mapped, with 2 MiB blocks where asked and aligned. Under hyp_map_lock. */
static int map_range(uint64_t va, maddr_t start, uint64_t size, uint64_t attributes, bool blocks)
{
	int error = 0;

	ASSERT(spin_is_mine(&hyp_map_lock));
	while (size > 0) {
		bool block = blocks && IS_ALIGNED(va | start, PTE_LEVEL_SIZE(2)) &&
			     size >= PTE_LEVEL_SIZE(2);
		unsigned int level = block ? 2 : 3;
		uint64_t *entry = walk(roots[0], va, level, true);

		if (!entry) {
			error = -XEN_ENOMEM;
			break;
		}
		ASSERT(!pte_is_valid(*entry));
		WRITE_ONCE(*entry, start | (block ? attributes & ~PTE_PAGE : attributes));
		va += PTE_LEVEL_SIZE(level);
		start += PTE_LEVEL_SIZE(level);
		size -= PTE_LEVEL_SIZE(level);
	}
	/* Invalid to valid needs no TLBI: only that every walker, and this CPU's next access, see it. */
	dsb_ishst();
	isb();
	return error;
}

static void unmap_page(uint64_t va)
{
	uint64_t *entry = walk(roots[0], va, 3, false);

	ASSERT(entry && pte_is_valid(*entry));
	WRITE_ONCE(*entry, 0);
}

void __init hyp_map_init(void)
{
	uint64_t *entry;

	roots[0] = boot_l0;
	spin_lock(&hyp_map_lock);
	/* Level-1 tables of the shared regions, so that every CPU's root can be a copy. */
	(void)walk(roots[0], FRAME_TABLE_BASE, 1, true);
	entry = walk(roots[0], WINDOW_BASE, 3, true);
	ASSERT(entry);
	window_tables[0] = entry;
	window_blocks[0] = walk(roots[0], WINDOW_BASE + PTE_LEVEL_SIZE(2), 2, true);
	spin_unlock(&hyp_map_lock);
}

uint64_t *hyp_map_window_table(unsigned int cpu)
{
	return window_tables[cpu];
}

uint64_t *hyp_map_window_block(unsigned int cpu)
{
	return window_blocks[cpu];
}

int __init hyp_map_prepare_ram(maddr_t start, maddr_t end)
{
	uint64_t slot_size = PTE_LEVEL_SIZE(0);
	int error = 0;

	spin_lock(&hyp_map_lock);
	for (maddr_t at = ALIGN_DOWN(start, slot_size); at < end; at += slot_size) {
		if (!walk(roots[0], HYP_BASE + at, 1, true)) {
			error = -XEN_ENOMEM;
		}
	}
	spin_unlock(&hyp_map_lock);
	return error;
}

int __init hyp_map_frame_table(uint64_t va, maddr_t start, uint64_t size)
{
	int error;

	spin_lock(&hyp_map_lock);
	error = map_range(va, start, size, PTE_HYP_RW, true);
	spin_unlock(&hyp_map_lock);
	return error;
}

const void *__init hyp_map_boot(maddr_t start, uint64_t size)
{
	uint64_t block = PTE_LEVEL_SIZE(2);
	maddr_t first = ALIGN_DOWN(start, block);
	uint64_t span = ALIGN_UP(start + size, block) - first;
	uint64_t va = boot_view_next;
	int error;

	if (start + size < start || span > BOOT_VIEW_BASE + BOOT_VIEW_SIZE - va) {
		return NULL;
	}
	spin_lock(&hyp_map_lock);
	error = map_range(va, first, span, PTE_HYP_BOOT, true);
	spin_unlock(&hyp_map_lock);
	if (error) {
		return NULL;
	}
	boot_view_next += span;
	return (const void *)(uintptr_t)(va + (start - first));
}

volatile void *hyp_map_device(maddr_t start, uint64_t size)
{
	maddr_t first = ALIGN_DOWN(start, PAGE_SIZE);
	uint64_t span = ALIGN_UP(start + size, PAGE_SIZE) - first;
	uint64_t va;
	int error;

	spin_lock(&hyp_map_lock);
	va = device_next;
	if (start + size < start || span > DEVICE_END - va) {
		error = -XEN_ENOSPC;
	} else {
		error = map_range(va, first, span, PTE_HYP_DEVICE, true);
		/* A page between two devices catches what runs over. */
		device_next += span + PAGE_SIZE;
	}
	spin_unlock(&hyp_map_lock);
	if (error) {
		log_error("cannot map the device registers at 0x%lx (0x%lx bytes): error %d", start,
			  size, error);
		return NULL;
	}
	return (volatile void *)(uintptr_t)(va + (start - first));
}

/* Tables that can be had at once. */
static unsigned int tables_left(void)
{
	return EARLY_TABLES - READ_ONCE(early_used) + READ_ONCE(reserve_nr);
}

/*
 * Keep enough mapped table frames that any single mapping can be made. That begins while there are tables of the image
 * left: a frame for the reserve may lie where nothing is mapped yet, and then needs a table itself.
 */
static void refill_reserve(void)
{
	while (tables_left() < RESERVE_LOW) {
		mfn_t m;
		int error;

		if (frame_pool_take(0, FRAME_TENON, 0, false, &m) != 0) {
			return;
		}
		spin_lock(&hyp_map_lock);
		error = map_range(HYP_BASE + mfn_to_maddr(m), mfn_to_maddr(m), PAGE_SIZE,
				  PTE_HYP_RW, false);
		if (error == 0 && reserve_nr < RESERVE_HIGH) {
			reserve[reserve_nr++] = maddr_to_hyp(mfn_to_maddr(m));
			WRITE_ONCE(nr_table_frames, nr_table_frames + 1);
			m = MFN_INVALID;
		} else if (error == 0) {
			unmap_page(HYP_BASE + mfn_to_maddr(m));
		}
		spin_unlock(&hyp_map_lock);
		if (m.raw != MFN_INVALID.raw) {
			tlb_invalidate_el2_va_is(HYP_BASE + mfn_to_maddr(m));
			frame_pool_give_back(m, false);
			return;
		}
	}
}

uint64_t hyp_map_table_frames(void)
{
	return READ_ONCE(nr_table_frames);
}

int hyp_map_own(mfn_t m, unsigned int order)
{
	uint64_t size = PAGE_SIZE << order;
	int error;

	refill_reserve();
	spin_lock(&hyp_map_lock);
	for (unsigned int tries = 0; tables_left() < TABLES_PER_MAPPING && tries < 4; tries++) {
		/* Other CPUs took what was there between the two lines above. */
		spin_unlock(&hyp_map_lock);
		refill_reserve();
		spin_lock(&hyp_map_lock);
	}
	error = map_range(HYP_BASE + mfn_to_maddr(m), mfn_to_maddr(m), size, PTE_HYP_RW, false);
	if (error) {
		for (uint64_t offset = 0; offset < size; offset += PAGE_SIZE) {
			uint64_t *entry =
				walk(roots[0], HYP_BASE + mfn_to_maddr(m) + offset, 3, false);

			if (entry) {
				WRITE_ONCE(*entry, 0);
			}
		}
		tlb_invalidate_el2_all_is();
	}
	spin_unlock(&hyp_map_lock);
	return error;
}

void hyp_unmap_own(mfn_t m, unsigned int order)
{
	uint64_t va = HYP_BASE + mfn_to_maddr(m);

	spin_lock(&hyp_map_lock);
	for (uint64_t n = 0; n < UINT64_C(1) << order; n++) {
		uint64_t *entry = walk(roots[0], va + n * PAGE_SIZE, 3, false);

		ASSERT(entry);
		if (pte_is_valid(*entry)) { /* a guard page already is not */
			WRITE_ONCE(*entry, 0);
			tlb_invalidate_el2_va_is(va + n * PAGE_SIZE);
		}
	}
	spin_unlock(&hyp_map_lock);
}

void hyp_map_guard(void *va)
{
	spin_lock(&hyp_map_lock);
	unmap_page((uint64_t)(uintptr_t)va);
	tlb_invalidate_el2_va_is((uint64_t)(uintptr_t)va);
	spin_unlock(&hyp_map_lock);
}

int hyp_map_registered(mfn_t m, void **va)
{
	struct frame *f = frame_of(m);
	uint32_t registrations;
	int error = 0;

	/* Tenon's own shared frames are mapped there already, for as long as they live: not to be unmapped here. */
	if (!f || READ_ONCE(f->state) != FRAME_GUEST) {
		return -XEN_EINVAL;
	}
	/* C1: nothing cacheable of a frame that may be private. */
	ASSERT((READ_ONCE(f->shared_pins) & FRAME_PINS) != 0);
	refill_reserve();
	spin_lock(&hyp_map_lock);
	registrations = READ_ONCE(f->shared_pins) & FRAME_REGISTRATIONS;
	if (registrations == FRAME_REGISTRATIONS) {
		error = -XEN_ENOSPC;
	} else if (registrations == 0) {
		error = map_range(HYP_BASE + mfn_to_maddr(m), mfn_to_maddr(m), PAGE_SIZE,
				  PTE_HYP_RW, false);
	}
	if (error == 0) {
		atomic_fetch_add(&f->shared_pins, FRAME_ONE_REGISTRATION);
		*va = maddr_to_hyp(mfn_to_maddr(m));
	}
	spin_unlock(&hyp_map_lock);
	return error;
}

void hyp_unmap_registered(mfn_t m)
{
	struct frame *f = frame_of(m);

	spin_lock(&hyp_map_lock);
	ASSERT((READ_ONCE(f->shared_pins) & FRAME_REGISTRATIONS) != 0);
	if ((atomic_fetch_sub(&f->shared_pins, FRAME_ONE_REGISTRATION) & FRAME_REGISTRATIONS) ==
	    FRAME_ONE_REGISTRATION) {
		unmap_page(HYP_BASE + mfn_to_maddr(m));
		tlb_invalidate_el2_va_is(HYP_BASE + mfn_to_maddr(m));
	}
	spin_unlock(&hyp_map_lock);
}

maddr_t __init hyp_map_create_root(unsigned int cpu)
{
	uint64_t *root = hyp_alloc(0);
	uint64_t *level1 = hyp_alloc(0);
	uint64_t *level2 = hyp_alloc(0);
	uint64_t *level3 = hyp_alloc(0);

	if (!root || !level1 || !level2 || !level3) {
		hyp_free(root, 0);
		hyp_free(level1, 0);
		hyp_free(level2, 0);
		hyp_free(level3, 0);
		return 0;
	}
	memcpy(root, roots[0], PAGE_SIZE);
	level2[PTE_INDEX(WINDOW_BASE, 2)] = hyp_to_maddr(level3) | PTE_NEXT_TABLE;
	level1[PTE_INDEX(WINDOW_BASE, 1)] = hyp_to_maddr(level2) | PTE_NEXT_TABLE;
	root[PTE_INDEX(WINDOW_BASE, 0)] = hyp_to_maddr(level1) | PTE_NEXT_TABLE;
	dsb_ishst(); /* the new CPU's walker sees whole tables: it starts after CPU_ON */
	roots[cpu] = root;
	window_tables[cpu] = level3;
	window_blocks[cpu] = &level2[PTE_INDEX(WINDOW_BASE, 2) + 1];
	return hyp_to_maddr(root);
}

static void make_read_only(const char *start, const char *end)
{
	for (const char *va = start; va < end; va += PAGE_SIZE) {
		uint64_t *entry = walk(roots[0], (uint64_t)(uintptr_t)va, 3, false);

		/* Fewer permissions, same address and attributes: no break-before-make needed. */
		WRITE_ONCE(*entry, *entry | PTE_EL2_RO);
	}
}

void hyp_map_finish(void)
{
	unsigned int idmap_slot = PTE_INDEX(image_maddr, 0);

	spin_lock(&hyp_map_lock);
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		WRITE_ONCE(roots[cpu][idmap_slot], 0);
	}
	for (uint64_t va = BOOT_VIEW_BASE; va < boot_view_next; va += PTE_LEVEL_SIZE(2)) {
		WRITE_ONCE(*walk(roots[0], va, 2, false), 0);
	}
	boot_view_next = BOOT_VIEW_BASE;
	make_read_only(ro_after_init_start, ro_after_init_end);
	make_read_only(ro_after_init_bss_start, ro_after_init_bss_end);
	tlb_invalidate_el2_all_is();
	spin_unlock(&hyp_map_lock);
}

void hyp_release_image(const void *start, const void *end)
{
	uint64_t first = image_va_to_maddr(start) >> PAGE_SHIFT;
	uint64_t nr = ((uint64_t)(uintptr_t)end - (uint64_t)(uintptr_t)start) >> PAGE_SHIFT;

	spin_lock(&hyp_map_lock);
	for (uint64_t n = 0; n < nr; n++) {
		unmap_page((uint64_t)(uintptr_t)start + n * PAGE_SIZE);
	}
	tlb_invalidate_el2_all_is();
	spin_unlock(&hyp_map_lock);
	frame_table_mark(first, first + nr, FRAME_FREE_DIRTY);
	frame_pool_add(first, first + nr);
}
