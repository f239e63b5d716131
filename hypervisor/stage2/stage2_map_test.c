/* SPDX-License-Identifier: MIT */
/*
 * Stage-2 tables on the host: what is mapped where, blocks and splits, and the order of every change of a valid
 * entry (break-before-make). Tables are real memory at the host's HYP_BASE; TLBIs and barriers are recorded.
 */
#include "stage2/stage2_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "arm64/cpu.h"
#include "arm64/pte.h"
#include "domain/domain.h"
#include "tests/unit/fake_machine.h"

#define RAM_BYTES (UINT64_C(4) << 20)
#define M2        512 /* frames of 2 MiB */

static uint64_t ram_next, ram_limit;
static unsigned int nr_alloc, nr_free;
static mfn_t put_last;
static unsigned int nr_put;
static struct domain dom;
static struct frame ram[600]; /* from frame 0 on, as stage2_destroy() sees it */

/* ---- fakes of mm/ and lib/lock ----------------------------------------------------------------- */

void *hyp_alloc(unsigned int order)
{
	uint64_t size = PAGE_SIZE << order;

	ram_next = ALIGN_UP(ram_next, size);
	if (ram_next + size > ram_limit) {
		return NULL;
	}
	ram_next += size;
	nr_alloc++;
	return memset((void *)(uintptr_t)(HYP_BASE + ram_next - size), 0, size);
}

void hyp_free(void *va, unsigned int order)
{
	if (va) {
		fake_machine_note("free 0x%lx", (unsigned long)hyp_to_maddr(va));
		nr_free++;
	}
}

void frame_put(mfn_t m)
{
	fake_machine_note("put 0x%lx", (unsigned long)m.raw);
	put_last = m;
	nr_put++;
}

/* This one's last user lets go of it while the destroyer looks at it. */
static mfn_t gone_meanwhile;

bool frame_put_allocation(mfn_t m, uint16_t owner)
{
	assert_int_equal(owner, dom.id);
	if (m.raw == gone_meanwhile.raw) {
		dom.nr_pages--;
		return false;
	}
	frame_put(m);
	return true;
}

/* Of another domain's; never looked at but for its attribute. */
#define OTHERS 0x9000
static struct domain other;
static struct frame others_frame = {.state = FRAME_GUEST, .owner = 9, .refs = 1};

struct frame *frame_of(mfn_t m)
{
	if (m.raw >= OTHERS) {
		return &others_frame;
	}
	return m.raw < ARRAY_SIZE(ram) ? &ram[m.raw] : NULL;
}

void stage2_foreign_drop(const struct domain *mapper, gfn_t g, mfn_t m)
{
	assert_ptr_equal(mapper, &dom);
	fake_machine_note("forget 0x%lx 0x%lx", (unsigned long)g.raw, (unsigned long)m.raw);
	frame_put(m);
}

void *window_map(mfn_t m, enum window_attr attr)
{
	static char page[PAGE_SIZE];

	assert_int_equal(attr, WINDOW_NC);
	fake_machine_note("window 0x%lx", (unsigned long)m.raw);
	return page;
}

void window_unmap(const void *va)
{
}

mfn_t frame_pool_max_mfn(void)
{
	return mfn(2 * ARRAY_SIZE(ram));
}

bool frame_get(mfn_t m, uint16_t domid)
{
	return m.raw != 0xbad;
}

void spin_lock(struct spinlock *lock)
{
}

void spin_unlock(struct spinlock *lock)
{
}

void rwlock_init(struct rwlock *lock, enum lock_rank rank)
{
}

void read_lock(struct rwlock *lock)
{
}

/* Somebody changes the tables just now. */
static bool contended;

bool read_trylock(struct rwlock *lock)
{
	return !contended;
}

void read_unlock(struct rwlock *lock)
{
}

void write_lock(struct rwlock *lock)
{
	fake_machine_note("lock");
}

void write_unlock(struct rwlock *lock)
{
	fake_machine_note("unlock");
}

bool write_is_mine(const struct rwlock *lock)
{
	return true;
}

/* ---- fixture ------------------------------------------------------------------------------------ */

static int set_up(void **state)
{
	fake_machine_reset();
	cpu_features.pa_bits = 40;
	cpu_features.s2fwb = false;
	if (!ram_limit) {
		void *at = mmap((void *)(uintptr_t)HYP_BASE, RAM_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		assert_ptr_equal(at, (void *)(uintptr_t)HYP_BASE);
	}
	ram_limit = RAM_BYTES;
	ram_next = PAGE_SIZE;
	nr_alloc = nr_free = nr_put = 0;
	memset(&dom, 0, sizeof(dom));
	dom.id = 7;
	stage2_init_machine();
	assert_int_equal(stage2_create(&dom), 0);
	fake_machine_log_clear();
	return 0;
}

static void map_foreign(uint64_t g, uint64_t m, unsigned int nr, enum stage2_type type)
{
	for (unsigned int n = 0; n < nr; n++) {
		assert_int_equal(stage2_map_foreign_page(&dom, gfn(g + n), &other, mfn(m + n), type),
				 0);
	}
}

static uint64_t *entry_at(uint64_t g, unsigned int level)
{
	uint64_t ipa = g << 12;
	uint64_t *table = dom.stage2.root;
	uint64_t *entry = &table[ipa >> PTE_LEVEL_SHIFT(stage2_geometry.root_level)];

	for (unsigned int l = stage2_geometry.root_level; l < level; l++) {
		assert_true(pte_is_table(*entry, l));
		entry = (uint64_t *)(uintptr_t)(HYP_BASE + (*entry & PTE_ADDR)) +
			PTE_INDEX(ipa, l + 1);
	}
	return entry;
}

static void assert_maps(uint64_t g, uint64_t m, enum stage2_type type)
{
	enum stage2_type found_type = STAGE2_INVALID;
	mfn_t found = MFN_INVALID;

	assert_int_equal(stage2_lookup(&dom, gfn(g), &found, &found_type), 0);
	assert_int_equal(found.raw, m);
	assert_int_equal(found_type, type);
}

static void assert_hole(uint64_t g)
{
	enum stage2_type type;
	mfn_t m;

	assert_int_equal(stage2_lookup(&dom, gfn(g), &m, &type), -XEN_ENOENT);
}

/* ---- tests ----------------------------------------------------------------------------------------- */

static void geometry_follows_the_physical_address_size(void **state)
{
	/* VTCR_EL2: T0SZ and SL0 of DDI 0487, "Stage 2 translation ... 4KB granule". */
	static const struct {
		unsigned int bits, root_level, root_order;
		uint64_t t0sz, sl0, ps;
	} cases[] = {
		{32, 1, 0, 32, 1, 0}, {36, 1, 0, 28, 1, 1}, {40, 1, 1, 24, 1, 2},
		{42, 1, 3, 22, 1, 3}, {44, 0, 0, 20, 2, 4}, {48, 0, 0, 16, 2, 5},
	};

	for (unsigned int n = 0; n < ARRAY_SIZE(cases); n++) {
		cpu_features.pa_bits = cases[n].bits;
		stage2_init_machine();
		assert_int_equal(stage2_geometry.root_level, cases[n].root_level);
		assert_int_equal(stage2_geometry.root_order, cases[n].root_order);
		assert_int_equal(stage2_geometry.vtcr & 0x3f, cases[n].t0sz);
		assert_int_equal(stage2_geometry.vtcr >> 6 & 3, cases[n].sl0);
		assert_int_equal(stage2_geometry.vtcr >> 16 & 7, cases[n].ps);
	}
}

static void aligned_ranges_become_blocks(void **state)
{
	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0x80000), M2 + 3, STAGE2_RAM), 0);
	assert_true(pte_is_leaf(*entry_at(0x40000, 2), 2));
	assert_true(pte_is_table(*entry_at(0x40000 + M2, 2), 2));
	assert_maps(0x40000 + 5, 0x80000 + 5, STAGE2_RAM);
	assert_maps(0x40000 + M2 + 2, 0x80000 + M2 + 2, STAGE2_RAM);
	assert_hole(0x40000 + M2 + 3);
	/* Nothing was valid before: no invalidation is owed. */
	fake_machine_expect_none("tlbi");
}

static void a_gigabyte_takes_one_entry_and_splits_twice(void **state)
{
	const uint64_t g1 = UINT64_C(1) << 18;
	unsigned int before = nr_alloc;

	assert_int_equal(stage2_map(&dom, gfn(2 * g1), mfn(4 * g1), g1, STAGE2_DEVICE_HWDOM), 0);
	assert_int_equal(nr_alloc, before);
	assert_maps(2 * g1 + 12345, 4 * g1 + 12345, STAGE2_DEVICE_HWDOM);
	assert_int_equal(stage2_unmap(&dom, gfn(2 * g1 + 7), 1), 0);
	assert_int_equal(nr_alloc, before + 2);
	assert_hole(2 * g1 + 7);
	assert_maps(2 * g1 + 8, 4 * g1 + 8, STAGE2_DEVICE_HWDOM);
	assert_maps(3 * g1 - 1, 5 * g1 - 1, STAGE2_DEVICE_HWDOM);
	assert_hole(3 * g1);
	/* And back to one entry, its tables freed. */
	assert_int_equal(stage2_map(&dom, gfn(2 * g1), mfn(4 * g1), g1, STAGE2_DEVICE_HWDOM), 0);
	assert_int_equal(nr_free, 2);
	assert_maps(2 * g1 + 7, 4 * g1 + 7, STAGE2_DEVICE_HWDOM);
}

static void ranges_of_different_alignment_stay_pages(void **state)
{
	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0x80001), M2, STAGE2_RAM), 0);
	assert_true(pte_is_table(*entry_at(0x40000, 2), 2));
	assert_maps(0x40000 + M2 - 1, 0x80000 + M2, STAGE2_RAM);
}

static void unmap_of_one_page_splits_its_block_by_break_before_make(void **state)
{
	uint64_t *block;

	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0x80000), M2, STAGE2_RAM), 0);
	block = entry_at(0x40000, 2);
	fake_machine_log_clear();
	fake_machine_watch(block, 1);
	assert_int_equal(stage2_unmap(&dom, gfn(0x40007), 1), 0);
	/* Block gone, TLBs clean, then the table; then the page goes and is invalidated in turn. */
	fake_machine_expect("lock", "store invalid 0x0", "dsb ish", "tlbi vmalls12e1is", "dsb ish",
			    "dsb ishst", "store valid 0x0", "dsb ish", "tlbi ipas2e1is", "dsb ish",
			    "tlbi vmalle1is", "dsb ish", "unlock");
	assert_hole(0x40007);
	assert_maps(0x40006, 0x80006, STAGE2_RAM);
	assert_maps(0x40008, 0x80008, STAGE2_RAM);
	assert_maps(0x40000 + M2 - 1, 0x80000 + M2 - 1, STAGE2_RAM);
}

static void replacing_a_page_breaks_it_first(void **state)
{
	uint64_t *page;

	assert_int_equal(stage2_map(&dom, gfn(0x1000), mfn(0x9000), 1, STAGE2_RAM), 0);
	page = entry_at(0x1000, 3);
	fake_machine_log_clear();
	fake_machine_watch(page, 1);
	assert_int_equal(stage2_map(&dom, gfn(0x1000), mfn(0x9001), 1, STAGE2_SHARED), 0);
	fake_machine_expect("store invalid 0x0", "dsb ish", "tlbi ipas2e1is", "dsb ish",
			    "tlbi vmalle1is", "dsb ish", "store valid 0x0", "dsb ishst", "unlock");
	assert_maps(0x1000, 0x9001, STAGE2_SHARED);
}

static void replacing_many_pages_takes_one_tlbi_for_each_table(void **state)
{
	assert_int_equal(stage2_map(&dom, gfn(0x40001), mfn(0x9000), M2, STAGE2_RAM), 0);
	fake_machine_log_clear();
	assert_int_equal(stage2_map(&dom, gfn(0x40001), mfn(0xa000), M2, STAGE2_RAM), 0);
	/* 511 in one, 1 in the next. */
	assert_int_equal(fake_machine_count("tlbi vmalls12e1is"), 1);
	assert_int_equal(fake_machine_count("tlbi ipas2e1is"), 1);
	for (unsigned int n = 0; n < M2; n++) {
		assert_maps(0x40001 + n, 0xa000 + n, STAGE2_RAM);
	}
	assert_hole(0x40000);
	assert_hole(0x40001 + M2);
}

static void a_block_over_pages_frees_their_table_after_the_tlbi(void **state)
{
	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0x80000), 3, STAGE2_RAM), 0);
	fake_machine_log_clear();
	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0xa0000), M2, STAGE2_RAM), 0);
	fake_machine_expect("tlbi vmalls12e1is", "dsb ish", "free");
	assert_true(pte_is_leaf(*entry_at(0x40000, 2), 2));
	assert_maps(0x40001, 0xa0001, STAGE2_RAM);
	assert_int_equal(nr_free, 1);
}

static void foreign_references_are_dropped_after_the_tlbi(void **state)
{
	map_foreign(0x1000, OTHERS, 1, STAGE2_FOREIGN_RW);
	fake_machine_log_clear();
	assert_int_equal(stage2_unmap(&dom, gfn(0x1000), 1), 0);
	fake_machine_expect("tlbi ipas2e1is", "dsb ish", "tlbi vmalle1is", "dsb ish",
			    "forget 0x1000 0x9000", "put 0x9000");
	assert_int_equal(nr_put, 1);
	/* Own RAM has no reference for its mapping. */
	assert_int_equal(stage2_map(&dom, gfn(0x1000), mfn(0x9001), 1, STAGE2_RAM), 0);
	assert_int_equal(stage2_unmap(&dom, gfn(0x1000), 1), 0);
	assert_int_equal(nr_put, 1);
}

/* One store beside others' pages; a hole without tables, or in a block, takes the long way. */
static void a_grant_is_mapped_by_one_store(void **state)
{
	assert_int_equal(stage2_map(&dom, gfn(0x1000), mfn(0x101), 1, STAGE2_RAM), 0);
	fake_machine_log_clear();
	fake_machine_watch(entry_at(0x1001, 3), 1);
	assert_int_equal(stage2_map_grant(&dom, gfn(0x1001), mfn(0x9001), false), 0);
	fake_machine_expect_exactly("lock", "store valid 0x0", "dsb ishst", "unlock");
	assert_maps(0x1001, 0x9001, STAGE2_GRANT_RW);
	assert_int_equal(stage2_max_gfn(&dom).raw, 0x1001);

	assert_int_equal(stage2_map_grant(&dom, gfn(0x80000), mfn(0x9002), true), 0);
	assert_maps(0x80000, 0x9002, STAGE2_GRANT_RO);
	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0x80000), M2, STAGE2_RAM), 0);
	assert_int_equal(stage2_map_grant(&dom, gfn(0x40005), mfn(0x9003), false), 0);
	assert_maps(0x40004, 0x80004, STAGE2_RAM);
	assert_maps(0x40005, 0x9003, STAGE2_GRANT_RW);
}

static void a_grant_over_a_page_breaks_it_first(void **state)
{
	map_foreign(0x1000, OTHERS, 1, STAGE2_FOREIGN_RW);
	fake_machine_log_clear();
	fake_machine_watch(entry_at(0x1000, 3), 1);
	assert_int_equal(stage2_map_grant(&dom, gfn(0x1000), mfn(0x9001), false), 0);
	fake_machine_expect("lock", "store invalid 0x0", "dsb ish", "tlbi ipas2e1is", "dsb ish",
			    "tlbi vmalle1is", "dsb ish", "put 0x9000", "store valid 0x0",
			    "dsb ishst", "unlock");
	assert_maps(0x1000, 0x9001, STAGE2_GRANT_RW);
}

static void a_grant_is_mapped_within_the_ipa_space_or_not_at_all(void **state)
{
	const uint64_t limit = UINT64_C(1) << (40 - 12);

	assert_int_equal(stage2_map_grant(&dom, gfn(limit), mfn(0x9001), false), -XEN_EINVAL);
	assert_int_equal(stage2_map_grant(&dom, gfn(limit - 1), mfn(0x9001), false), 0);
	assert_maps(limit - 1, 0x9001, STAGE2_GRANT_RW);
	/* No table may be had. */
	ram_limit = ram_next;
	assert_int_equal(stage2_map_grant(&dom, gfn(0x80000), mfn(0x9001), false), -XEN_ENOMEM);
	assert_hole(0x80000);
}

/* The reference is the grant's (grant/grant_map.c), which drops it when this has returned. */
static void a_grant_mapping_goes_with_its_tlbi(void **state)
{
	assert_int_equal(stage2_map(&dom, gfn(0x1000), mfn(0x9000), 1, STAGE2_GRANT_RW), 0);
	assert_int_equal(stage2_map(&dom, gfn(0x1001), mfn(0x9001), 1, STAGE2_GRANT_RO), 0);
	fake_machine_log_clear();
	fake_machine_watch(entry_at(0x1000, 3), 1);
	assert_int_equal(stage2_unmap_grant(&dom, gfn(0x1000), mfn(0x9000)), 0);
	fake_machine_expect("lock", "store invalid 0x0", "dsb ish", "tlbi ipas2e1is", "dsb ish",
			    "tlbi vmalle1is", "dsb ish", "unlock");
	assert_int_equal(nr_put, 0);
	assert_hole(0x1000);
	/* A hole is as good. */
	fake_machine_log_clear();
	assert_int_equal(stage2_unmap_grant(&dom, gfn(0x1000), mfn(0x9000)), 0);
	assert_int_equal(stage2_unmap_grant(&dom, gfn(0x5000000), mfn(0x9000)), 0);
	fake_machine_expect_none("tlbi");
	assert_int_equal(stage2_unmap_grant(&dom, gfn(0x1001), mfn(0x9001)), 0);
	assert_hole(0x1001);
}

static void what_is_no_grant_mapping_of_the_frame_stays(void **state)
{
	assert_int_equal(stage2_map(&dom, gfn(0x1000), mfn(0x101), 1, STAGE2_RAM), 0);
	assert_int_equal(stage2_map(&dom, gfn(0x1001), mfn(0x9001), 1, STAGE2_GRANT_RW), 0);
	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0x80000), M2, STAGE2_RAM), 0);
	map_foreign(0x1002, OTHERS, 1, STAGE2_FOREIGN_RW);
	fake_machine_log_clear();
	assert_int_equal(stage2_unmap_grant(&dom, gfn(0x1000), mfn(0x101)), -XEN_EILSEQ);
	assert_int_equal(stage2_unmap_grant(&dom, gfn(0x1001), mfn(0x9002)), -XEN_EILSEQ);
	assert_int_equal(stage2_unmap_grant(&dom, gfn(0x1002), mfn(OTHERS)), -XEN_EILSEQ);
	assert_int_equal(stage2_unmap_grant(&dom, gfn(0x40005), mfn(0x80005)), -XEN_EILSEQ);
	fake_machine_expect_none("tlbi");
	assert_maps(0x1000, 0x101, STAGE2_RAM);
	assert_maps(0x1001, 0x9001, STAGE2_GRANT_RW);
	assert_maps(0x40005, 0x80005, STAGE2_RAM);
}

static void more_references_than_fit_are_dropped_in_parts(void **state)
{
	map_foreign(0x1000, 0x9000, 200, STAGE2_FOREIGN_RO);
	assert_int_equal(stage2_unmap(&dom, gfn(0x1000), 200), 0);
	assert_int_equal(nr_put, 200);
	for (unsigned int n = 0; n < 200; n++) {
		char line[40];

		(void)snprintf(line, sizeof(line), "forget 0x%x 0x%x", 0x1000 + n, 0x9000 + n);
		assert_int_equal(fake_machine_count(line), 1);
	}
}

static void all_references_of_what_is_replaced_are_dropped(void **state)
{
	static const unsigned int numbers[] = {1, 31, 32, 33, 64, 65, 200};

	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		map_foreign(0x1000, 0x9000, numbers[i], STAGE2_FOREIGN_RW);
		nr_put = 0;
		assert_int_equal(stage2_map(&dom, gfn(0x1000), mfn(0x100), 200, STAGE2_RAM), 0);
		assert_int_equal(nr_put, numbers[i]);
		assert_maps(0x1000, 0x100, STAGE2_RAM);
		assert_int_equal(stage2_unmap(&dom, gfn(0x1000), 200), 0);
	}
}

/* A block that goes over a table with foreign mappings: each is forgotten at its own address. */
static void what_lies_below_a_table_is_forgotten_by_its_address(void **state)
{
	map_foreign(0x40003, OTHERS, 1, STAGE2_FOREIGN_RW);
	map_foreign(0x40000 + M2 - 1, OTHERS + 1, 1, STAGE2_FOREIGN_RW);
	fake_machine_log_clear();
	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0xa0000), M2, STAGE2_RAM), 0);
	assert_int_equal(fake_machine_count("forget 0x40003 0x9000"), 1);
	assert_int_equal(fake_machine_count("forget 0x401ff 0x9001"), 1);
}

static void pages_are_turned_with_one_invalidation(void **state)
{
	struct stage2_foreign_at list[3];
	uint64_t before;
	char window[32];

	snprintf(window, sizeof(window), "window 0x%x", (unsigned int)OTHERS + 1);
	map_foreign(0x1000, OTHERS, 3, STAGE2_FOREIGN_RO);
	before = *entry_at(0x1000, 3);
	for (unsigned int n = 0; n < ARRAY_SIZE(list); n++) {
		list[n] = (struct stage2_foreign_at){.mapper = &dom,
						     .g = gfn(0x1000 + n),
						     .m = mfn(OTHERS + n),
						     .wb = n != 1};
	}
	fake_machine_watch(entry_at(0x1000, 3), 3);
	fake_machine_log_clear();
	stage2_turn_pages(list, 3);
	fake_machine_expect("lock", "store invalid 0x0", "store invalid 0x1", "store invalid 0x2",
			    "dsb ish", "tlbi vmalls12e1is", "dsb ish", window, "dc civac", "dsb sy",
			    "store valid 0x0", "store valid 0x1", "store valid 0x2", "dsb ishst",
			    "unlock");
	/* The one that turns Non-cacheable is cleaned while nobody can use any of them. */
	assert_int_equal(fake_machine_count("dc civac"), 1);
	/* Nothing but the memory type has changed. */
	assert_int_equal(*entry_at(0x1000, 3), (before & ~S2_MEMATTR_MASK) | S2_ATTR_NORMAL_WB);
	assert_int_equal(*entry_at(0x1001, 3) & S2_MEMATTR_MASK, S2_ATTR_NORMAL_NC);
	assert_int_equal(nr_put, 0);
}

static void what_is_mapped_there_by_now_is_not_turned(void **state)
{
	struct stage2_foreign_at list[3] = {
		{.mapper = &dom, .g = gfn(0x1000), .m = mfn(OTHERS + 1), .wb = true},
		{.mapper = &dom, .g = gfn(0x1001), .m = mfn(0x100), .wb = true},
		{.mapper = &dom, .g = gfn(0x2000), .m = mfn(OTHERS), .wb = true},
	};
	uint64_t before;

	map_foreign(0x1000, OTHERS, 1, STAGE2_FOREIGN_RW);
	assert_int_equal(stage2_map(&dom, gfn(0x1001), mfn(0x100), 1, STAGE2_GRANT_RO), 0);
	assert_int_equal(stage2_map(&dom, gfn(0x2000 & ~511), mfn(0x80000), M2, STAGE2_RAM), 0);
	before = *entry_at(0x1000, 3);
	fake_machine_log_clear();
	stage2_turn_pages(list, 3);
	fake_machine_expect_none("tlbi");
	assert_int_equal(*entry_at(0x1000, 3), before);
}

static void invalidation_is_for_the_domains_vmid(void **state)
{
	fake_machine_sysreg_set("VTTBR_EL2", 0x1234000);
	assert_int_equal(stage2_map(&dom, gfn(0x1000), mfn(0x9000), 1, STAGE2_RAM), 0);
	fake_machine_log_clear();
	assert_int_equal(stage2_unmap(&dom, gfn(0x1000), 1), 0);
	fake_machine_expect("msr VTTBR_EL2", "isb", "tlbi ipas2e1is", "msr VTTBR_EL2=0x1234000",
			    "isb");
	assert_int_equal(fake_machine_sysreg_get("VTTBR_EL2"), 0x1234000);
	/* A grant's likewise, and its own domain's hypercall has nothing to switch. */
	assert_int_equal(stage2_map_grant(&dom, gfn(0x1000), mfn(0x9000), false), 0);
	fake_machine_log_clear();
	assert_int_equal(stage2_unmap_grant(&dom, gfn(0x1000), mfn(0x9000)), 0);
	fake_machine_expect("msr TCR_EL1", "msr VTTBR_EL2", "isb", "tlbi ipas2e1is",
			    "tlbi vmalle1is", "dsb ish", "msr VTTBR_EL2=0x1234000", "isb");
	fake_machine_sysreg_set("VTTBR_EL2", dom.stage2.vttbr);
	assert_int_equal(stage2_map_grant(&dom, gfn(0x1000), mfn(0x9000), false), 0);
	fake_machine_log_clear();
	assert_int_equal(stage2_unmap_grant(&dom, gfn(0x1000), mfn(0x9000)), 0);
	fake_machine_expect("tlbi ipas2e1is", "dsb ish", "tlbi vmalle1is", "dsb ish", "unlock");
	fake_machine_expect_none("msr");
}

static void meanwhile_the_other_domains_stage_1_is_not_walked(void **state)
{
	fake_machine_sysreg_set("VTTBR_EL2", 0x1234000);
	fake_machine_sysreg_set("TCR_EL1", 0x20);
	fake_machine_sysreg_set("SCTLR_EL1", 0x30d00800); /* MMU off: then EL1's addresses are flat */
	assert_int_equal(stage2_map(&dom, gfn(0x1000), mfn(0x9000), 1, STAGE2_RAM), 0);
	fake_machine_log_clear();
	assert_int_equal(stage2_unmap(&dom, gfn(0x1000), 1), 0);
	fake_machine_expect("msr TCR_EL1=0x8000a0", "isb", "msr SCTLR_EL1=0x30d00801", "isb",
			    "msr VTTBR_EL2", "isb", "tlbi ipas2e1is", "tlbi vmalle1is", "dsb ish",
			    "msr VTTBR_EL2=0x1234000", "isb", "msr SCTLR_EL1=0x30d00800", "isb",
			    "msr TCR_EL1=0x20", "isb");
	/* Its own: nothing to switch. */
	fake_machine_sysreg_set("VTTBR_EL2", dom.stage2.vttbr);
	assert_int_equal(stage2_map(&dom, gfn(0x1000), mfn(0x9000), 1, STAGE2_RAM), 0);
	fake_machine_log_clear();
	assert_int_equal(stage2_unmap(&dom, gfn(0x1000), 1), 0);
	fake_machine_expect_none("msr TCR_EL1");
	fake_machine_expect_none("msr VTTBR_EL2");
}

static void a_guest_cannot_use_up_memory_with_tables(void **state)
{
	unsigned int nr = 0;

	/* One page to each 2 MiB: a table each. No vCPU yet, 64 MiB. */
	dom.max_pages = 64 << 8;
	while (nr < 1000 &&
	       stage2_map(&dom, gfn(0x40000 + nr * M2), mfn(0x80000), 1, STAGE2_RAM) == 0) {
		nr++;
	}
	assert_in_range(nr, 128 + 64 - 8, 128 + 64);
	assert_int_equal(dom.stage2.nr_table_frames, 128 + 64);
	/* What is there can still be used and taken away, and what that frees serves again. */
	assert_int_equal(stage2_map(&dom, gfn(0x40001), mfn(0x80001), 1, STAGE2_RAM), 0);
	assert_int_equal(stage2_unmap(&dom, gfn(0x40000), 2), 0);
	/* Half of these would have one: nothing is mapped. */
	assert_int_equal(stage2_map(&dom, gfn(0x40000 + nr * M2 - 8), mfn(0x80000), 16, STAGE2_RAM),
			 -XEN_ENOMEM);
	assert_hole(0x40000 + nr * M2 - 8);
	assert_int_equal(stage2_prepare(&dom, gfn(0x40000 + nr * M2 - 8), 16), -XEN_ENOMEM);
	assert_int_equal(stage2_prepare(&dom, gfn(0x40000 + nr * M2 - 8), 8), 0);
	assert_int_equal(stage2_prepare(&dom, gfn((UINT64_C(1) << 28) - 8), 16), -XEN_EINVAL);
	dom.is_hardware = true;
	assert_int_equal(stage2_map(&dom, gfn(0x40000 + nr * M2), mfn(0x80000), 1, STAGE2_RAM), 0);
}

static void own_ram_is_found_over_holes_and_other_mappings(void **state)
{
	gfn_t g = gfn(0);
	mfn_t m = MFN_INVALID;
	unsigned int steps = 0;

	assert_int_equal(stage2_map(&dom, gfn(0x1000), mfn(0x500), 1, STAGE2_SHARED), 0);
	assert_int_equal(stage2_map(&dom, gfn(0x9000), mfn(0x9000), 16, STAGE2_DEVICE), 0);
	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0x40000), 1 << 18, STAGE2_DEVICE_HWDOM),
			 0);
	assert_int_equal(stage2_map(&dom, gfn(0x80000), mfn(0xa0000), M2, STAGE2_RAM), 0);
	assert_int_equal(stage2_map(&dom, gfn(0xc0003), mfn(0xbad), 1, STAGE2_RAM), 0);
	assert_int_equal(stage2_map(&dom, gfn(0xc0004), mfn(0xb0000), 1, STAGE2_RAM), 0);
	while (!stage2_next_ram(&dom, &g, &m)) {
		assert_true(++steps < 16);
	}
	assert_int_equal(g.raw, 0x80000);
	assert_int_equal(m.raw, 0xa0000);
	g = gfn(0x80000 + M2 - 1);
	assert_true(stage2_next_ram(&dom, &g, &m));
	assert_int_equal(m.raw, 0xa0000 + M2 - 1);
	/* Not one whose last reference is going. */
	g = gfn(0x80000 + M2);
	while (!stage2_next_ram(&dom, &g, &m)) {
		assert_true(++steps < 32);
	}
	assert_int_equal(g.raw, 0xc0004);
	/* The end of the IPA space ends it. */
	g = gfn((UINT64_C(1) << 28) - 1);
	assert_false(stage2_next_ram(&dom, &g, &m));
	assert_false(stage2_next_ram(&dom, &g, &m));
}

static void without_memory_for_a_table_nothing_is_torn(void **state)
{
	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0x80000), M2, STAGE2_RAM), 0);
	ram_limit = ram_next;
	assert_int_equal(stage2_unmap(&dom, gfn(0x40007), 1), -XEN_ENOMEM);
	assert_maps(0x40007, 0x80007, STAGE2_RAM);
	assert_true(pte_is_leaf(*entry_at(0x40000, 2), 2));
	assert_int_equal(stage2_map(&dom, gfn(0x80000), mfn(0x80000), 1, STAGE2_RAM), -XEN_ENOMEM);
}

static void ranges_beyond_the_ipa_space_are_refused(void **state)
{
	uint64_t limit = UINT64_C(1) << (40 - 12);

	assert_int_equal(stage2_map(&dom, gfn(limit), mfn(1), 1, STAGE2_RAM), -XEN_EINVAL);
	assert_int_equal(stage2_map(&dom, gfn(limit - 1), mfn(1), 2, STAGE2_RAM), -XEN_EINVAL);
	assert_int_equal(stage2_map(&dom, gfn(0), mfn(1), UINT64_MAX, STAGE2_RAM), -XEN_EINVAL);
	assert_int_equal(stage2_unmap(&dom, gfn(UINT64_MAX), 1), -XEN_EINVAL);
	assert_int_equal(stage2_map(&dom, gfn(limit - 1), mfn(1), 1, STAGE2_RAM), 0);
	assert_maps(limit - 1, 1, STAGE2_RAM);
}

static void a_frame_is_referenced_only_when_it_is_the_domains_own(void **state)
{
	enum stage2_type type;
	mfn_t m;

	assert_int_equal(stage2_map(&dom, gfn(1), mfn(0x100), 1, STAGE2_RAM), 0);
	assert_int_equal(stage2_map(&dom, gfn(2), mfn(0x101), 1, STAGE2_DEVICE), 0);
	map_foreign(3, OTHERS, 1, STAGE2_FOREIGN_RW);
	assert_int_equal(stage2_map(&dom, gfn(4), mfn(0xbad), 1, STAGE2_RAM), 0);
	assert_int_equal(stage2_get_frame(&dom, gfn(1), &m, &type), 0);
	assert_int_equal(m.raw, 0x100);
	assert_int_equal(stage2_get_frame(&dom, gfn(2), &m, &type), -XEN_EINVAL);
	assert_int_equal(stage2_get_frame(&dom, gfn(3), &m, &type), -XEN_EINVAL);
	assert_int_equal(stage2_get_frame(&dom, gfn(4), &m, &type), -XEN_EINVAL);
	assert_int_equal(stage2_get_frame(&dom, gfn(5), &m, &type), -XEN_ENOENT);
}

static void a_frame_is_found_without_a_reference_where_it_is_the_domains_own(void **state)
{
	assert_int_equal(stage2_map(&dom, gfn(0x1000), mfn(0x100), 2, STAGE2_RAM), 0);
	assert_int_equal(stage2_map(&dom, gfn(0x1002), mfn(0x102), 1, STAGE2_SHARED), 0);
	assert_int_equal(stage2_map(&dom, gfn(0x1003), mfn(0x103), 1, STAGE2_GRANT_RW), 0);
	assert_int_equal(stage2_map(&dom, gfn(0x1004), mfn(0x104), 1, STAGE2_DEVICE), 0);
	map_foreign(0x1005, OTHERS, 1, STAGE2_FOREIGN_RW);
	assert_int_equal(stage2_find_frame(&dom, gfn(0x1001)).raw, 0x101);
	contended = true;
	assert_int_equal(stage2_find_frame(&dom, gfn(0x1002)).raw, 0x102);
	contended = false;
	for (uint64_t g = 0x1003; g < 0x1008; g++) {
		assert_int_equal(stage2_find_frame(&dom, gfn(g)).raw, MFN_INVALID.raw);
	}
	assert_int_equal(stage2_find_frame(&dom, gfn(UINT64_MAX)).raw, MFN_INVALID.raw);
	/* In a block. */
	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0x80000), M2, STAGE2_RAM), 0);
	assert_int_equal(stage2_find_frame(&dom, gfn(0x40101)).raw, 0x80101);
}

static void holes_are_skipped_by_whole_tables(void **state)
{
	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0x80000), 1, STAGE2_RAM), 0);
	assert_int_equal(stage2_hole_frames(&dom, gfn(0x40000)), 0);
	assert_int_equal(stage2_hole_frames(&dom, gfn(0x40001)), 1);
	assert_int_equal(stage2_hole_frames(&dom, gfn(0x40000 + M2)), M2);
	assert_int_equal(stage2_hole_frames(&dom, gfn(0x80000)), UINT64_C(1) << 18);
}

static void assert_nothing_is_mapped(void)
{
	static const uint64_t at[] = {0, 3, 4, 0x100, 0x40000, 0x40000 + M2, 0x100000};
	enum stage2_type type;
	mfn_t m;

	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		assert_int_equal(stage2_lookup(&dom, gfn(at[i]), &m, &type), -XEN_ENOENT);
		assert_int_equal(stage2_find_frame(&dom, gfn(at[i])).raw, MFN_INVALID.raw);
		assert_int_equal(stage2_unmap(&dom, gfn(at[i]), 1), 0);
	}
}

static void destroy_gives_back_every_table_and_every_frame(void **state)
{
	unsigned int calls = 1;
	int error;

	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0x80000), 2 * M2 + 7, STAGE2_RAM), 0);
	assert_int_equal(stage2_map(&dom, gfn(3), mfn(0x102), 1, STAGE2_DEVICE), 0);
	map_foreign(4, 0x9000, 2, STAGE2_FOREIGN_RW);
	assert_int_equal(stage2_map(&dom, gfn(0x100000), mfn(0x100000), 1 << 18, STAGE2_DEVICE), 0);
	/* Its own frames, mapped or not, and others'. */
	for (unsigned int n = 0; n < ARRAY_SIZE(ram); n++) {
		ram[n] = (struct frame){.state = n % 3 == 0 ? FRAME_TENON_SHARED : FRAME_GUEST,
					.owner = n % 3 == 2 ? 8 : dom.id,
					.refs = 1};
		dom.nr_pages += n % 3 == 1 ? 1 : 0;
	}
	gone_meanwhile = mfn(301);
	ram_limit = ram_next; /* clearing needs no memory */
	fake_machine_interrupt_after(0);
	fake_machine_log_clear();
	while ((error = stage2_clear(&dom)) == -XEN_ERESTART) {
		calls++;
	}
	assert_int_equal(error, 0);
	assert_true(calls > 3);
	assert_int_equal(nr_put, 2);
	fake_machine_expect("tlbi", "dsb ish", "put 0x9001", "put 0x9000");
	/* No walker, and nobody who looks under the lock, uses a table that is freed: no link to it is left. */
	fake_machine_expect("lock", "tlbi vmalls12e1is", "dsb ish", "free", "unlock");
	assert_int_equal(nr_free, nr_alloc - 1);
	assert_nothing_is_mapped();
	assert_int_equal(stage2_clear(&dom), 0);
	for (calls = 1; (error = stage2_destroy(&dom)) == -XEN_ERESTART; calls++) {
	}
	assert_int_equal(error, 0);
	assert_true(calls > 1);
	assert_int_equal(dom.nr_pages, 0);
	/* Each is counted once, the one that somebody else let go of as well. */
	assert_int_equal(nr_put, 2 + ARRAY_SIZE(ram) / 3 - 1);
	/* Others may have a reference on the domain still. */
	assert_nothing_is_mapped();
	stage2_free_root(&dom);
	assert_int_equal(nr_free, nr_alloc);
	/* As for a domain that was given none. */
	stage2_free_root(&dom);
	assert_int_equal(nr_free, nr_alloc);
}

/* With its tables at levels 0 to 3. */
static void destroy_leaves_no_table_at_any_level(void **state)
{
	unsigned int calls = 1;

	fake_machine_interrupt_after(UINT64_MAX);
	cpu_features.pa_bits = 48;
	stage2_init_machine();
	assert_int_equal(stage2_create(&dom), 0);
	assert_int_equal(stage2_map(&dom, gfn(3), mfn(0x102), 1, STAGE2_RAM), 0);
	assert_int_equal(stage2_map(&dom, gfn(UINT64_C(1) << 35), mfn(0x80000), M2, STAGE2_RAM), 0);
	dom.state = DOMAIN_DYING;
	fake_machine_interrupt_after(0);
	while (stage2_clear(&dom) == -XEN_ERESTART) {
		calls++;
	}
	/* In steps: each of them lets interrupts in. */
	assert_true(calls > 2 * PTE_ENTRIES);
	assert_nothing_is_mapped();
	while (stage2_destroy(&dom) == -XEN_ERESTART) {
	}
	stage2_free_root(&dom);
	/* set_up()'s root is left. */
	assert_int_equal(nr_free, nr_alloc - 1);
}

/* It has been cleared, or is about to be: whatever comes now would stay for ever. */
static void nothing_comes_into_the_tables_of_a_dying_domain(void **state)
{
	unsigned int before = nr_alloc;

	dom.state = DOMAIN_DYING;
	assert_int_equal(stage2_map(&dom, gfn(0x100), mfn(0x102), 1, STAGE2_RAM), -XEN_EINVAL);
	assert_int_equal(stage2_map(&dom, gfn(0x40000), mfn(0x80000), 1 << 18, STAGE2_RAM),
			 -XEN_EINVAL);
	assert_int_equal(stage2_map_foreign_page(&dom, gfn(4), &other, mfn(OTHERS),
						 STAGE2_FOREIGN_RW),
			 -XEN_EINVAL);
	assert_int_equal(stage2_prepare(&dom, gfn(0x200), 512), -XEN_EINVAL);
	assert_int_equal(nr_alloc, before);
	assert_nothing_is_mapped();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(geometry_follows_the_physical_address_size, set_up),
		cmocka_unit_test_setup(aligned_ranges_become_blocks, set_up),
		cmocka_unit_test_setup(a_gigabyte_takes_one_entry_and_splits_twice, set_up),
		cmocka_unit_test_setup(ranges_of_different_alignment_stay_pages, set_up),
		cmocka_unit_test_setup(unmap_of_one_page_splits_its_block_by_break_before_make,
				       set_up),
		cmocka_unit_test_setup(replacing_a_page_breaks_it_first, set_up),
		cmocka_unit_test_setup(a_block_over_pages_frees_their_table_after_the_tlbi, set_up),
		cmocka_unit_test_setup(foreign_references_are_dropped_after_the_tlbi, set_up),
		cmocka_unit_test_setup(a_grant_is_mapped_by_one_store, set_up),
		cmocka_unit_test_setup(a_grant_over_a_page_breaks_it_first, set_up),
		cmocka_unit_test_setup(a_grant_is_mapped_within_the_ipa_space_or_not_at_all, set_up),
		cmocka_unit_test_setup(a_grant_mapping_goes_with_its_tlbi, set_up),
		cmocka_unit_test_setup(what_is_no_grant_mapping_of_the_frame_stays, set_up),
		cmocka_unit_test_setup(more_references_than_fit_are_dropped_in_parts, set_up),
		cmocka_unit_test_setup(all_references_of_what_is_replaced_are_dropped, set_up),
		cmocka_unit_test_setup(what_lies_below_a_table_is_forgotten_by_its_address, set_up),
		cmocka_unit_test_setup(pages_are_turned_with_one_invalidation, set_up),
		cmocka_unit_test_setup(what_is_mapped_there_by_now_is_not_turned, set_up),
		cmocka_unit_test_setup(invalidation_is_for_the_domains_vmid, set_up),
		cmocka_unit_test_setup(without_memory_for_a_table_nothing_is_torn, set_up),
		cmocka_unit_test_setup(ranges_beyond_the_ipa_space_are_refused, set_up),
		cmocka_unit_test_setup(a_frame_is_referenced_only_when_it_is_the_domains_own, set_up),
		cmocka_unit_test_setup(a_frame_is_found_without_a_reference_where_it_is_the_domains_own,
				       set_up),
		cmocka_unit_test_setup(holes_are_skipped_by_whole_tables, set_up),
		cmocka_unit_test_setup(meanwhile_the_other_domains_stage_1_is_not_walked, set_up),
		cmocka_unit_test_setup(replacing_many_pages_takes_one_tlbi_for_each_table, set_up),
		cmocka_unit_test_setup(a_guest_cannot_use_up_memory_with_tables, set_up),
		cmocka_unit_test_setup(own_ram_is_found_over_holes_and_other_mappings, set_up),
		cmocka_unit_test_setup(destroy_gives_back_every_table_and_every_frame, set_up),
		cmocka_unit_test_setup(destroy_leaves_no_table_at_any_level, set_up),
		cmocka_unit_test_setup(nothing_comes_into_the_tables_of_a_dying_domain, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
