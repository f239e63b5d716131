/* SPDX-License-Identifier: MIT */
/*
 * A domain's stage-2 tables: map and unmap. Attributes come from stage2_attr.c; stage2_lookup.c reads.
 *
 * Every change of a valid entry is break-before-make (Arm ARM, "Using break-before-make when updating
 * translation table entries"): entry invalid, DSB, TLBI, DSB, new entry. write_entry() notes what
 * is owed; pay_debt() is the one that pays the debt it notes. A reference on a replaced foreign frame
 * is dropped after that.
 *
 * The tables are Tenon's own Write-Back frames and the walkers are cacheable (VTCR_EL2.IRGN0/ORGN0), so no
 * cache maintenance is needed.
 */
#include "stage2/stage2_walk.h"

#include "abi/xen.h"
#include "arm64/barrier.h"
#include "arm64/cache.h"
#include "arm64/tlb.h"
#include "domain/domain.h"
#include "lib/assert.h"

/*
 * One range operation under the write lock: what is to be invalidated and which references to drop once the TLBs
 * have let go. Both are bounded: when full, the debt is paid and the operation goes on.
 */
#define MAX_DROPS 32
struct drop {
	gfn_t g;
	mfn_t m;
};
struct change {
	struct domain *d;
	struct stage2 *s2;
	bool debt;   /* some valid entry became invalid since the last TLBI */
	bool single; /* only the page at ipa */
	ipa_t ipa;
	unsigned int nr_drops;
	struct drop drop[MAX_DROPS];
	unsigned int nr_free;
	void *free_table[MAX_DROPS];
};

/* Not the arrays: one page is mapped in less time than it takes to clear them. */
static void begin_change(struct change *c, struct domain *d)
{
	c->d = d;
	c->s2 = &d->stage2;
	c->debt = false;
	c->nr_drops = 0;
	c->nr_free = 0;
}

/* Also what makes new entries visible to the walkers before the caller goes on. */
static void pay_debt(struct change *c)
{
	if (c->debt) {
		struct stage2_loaded saved;

		stage2_switch_to(c->s2, &saved);
		if (c->single) {
			tlb_invalidate_ipa_is(c->ipa);
		} else {
			tlb_invalidate_vmid_is();
		}
		stage2_switch_back(&saved);
		c->debt = false;
	}
	while (c->nr_drops > 0) {
		const struct drop *drop = &c->drop[--c->nr_drops];

		/* Only now: whoever turns this frame's mappings must still know of one that a TLB may have. */
		stage2_foreign_drop(c->d, drop->g, drop->m);
	}
	while (c->nr_free > 0) {
		hyp_free(c->free_table[--c->nr_free], 0);
		c->s2->nr_table_frames--;
	}
}

static void note_debt(struct change *c, ipa_t ipa, unsigned int level)
{
	c->single = !c->debt && level == 3;
	c->ipa = ipa;
	c->debt = true;
}

static void write_entry(struct change *c, uint64_t *entry, uint64_t pte, ipa_t ipa,
			unsigned int level)
{
	if (stage2_write_entry(c->s2, entry, pte)) {
		note_debt(c, ipa, level);
	}
}

static void drop_later(struct change *c, uint64_t pte, ipa_t ipa)
{
	if (stage2_type_holds_reference(stage2_pte_type(pte))) {
		if (c->nr_drops == MAX_DROPS) {
			pay_debt(c);
		}
		c->drop[c->nr_drops++] =
			(struct drop){.g = ipa_to_gfn(ipa), .m = maddr_to_mfn(pte & PTE_ADDR)};
	}
}

/* An entry becomes invalid with everything below it. Tables are freed once no walker can use them. */
static void clear_entry(struct change *c, uint64_t *entry, ipa_t ipa, unsigned int level)
{
	uint64_t pte = *entry;

	if (!pte_is_valid(pte)) {
		return;
	}
	write_entry(c, entry, 0, ipa, level);
	if (pte_is_leaf(pte, level)) {
		drop_later(c, pte, ipa);
		return;
	}
	/* Below a dead link the entries need no maintenance of their own. */
	for (unsigned int n = 0; n < PTE_ENTRIES; n++) {
		uint64_t below = stage2_pte_to_table(pte)[n];
		ipa_t at = ipa + n * PTE_LEVEL_SIZE(level + 1);

		if (pte_is_leaf(below, level + 1)) {
			drop_later(c, below, at);
		} else if (pte_is_valid(below)) {
			clear_entry(c, &stage2_pte_to_table(pte)[n], at, level + 1);
		}
	}
	if (c->nr_free == MAX_DROPS) {
		pay_debt(c);
	}
	c->free_table[c->nr_free++] = stage2_pte_to_table(pte);
}

/*
 * Tables are Tenon's memory, and a guest chooses how sparsely it spreads its frames: without a limit one could use up
 * the machine (S3). What Xen's toolstack sets aside for a domain is enough for any map in use (xen-abi-arm,
 * domctl set_paging_mempool_size). The hardware domain maps the machine's devices, and is trusted with that.
 */
static bool may_have_table(const struct domain *d)
{
	return d->is_hardware ||
	       d->stage2.nr_table_frames < 128 + 256 * (uint64_t)d->nr_vcpus + (d->max_pages >> 8);
}

static uint64_t *new_table(struct change *c)
{
	uint64_t *table = may_have_table(c->d) ? hyp_alloc(0) : NULL;

	if (table) {
		c->s2->nr_table_frames++;
	}
	return table;
}

/* A block becomes a table of the same translations: break-before-make, the neighbours fault meanwhile and
 * retry under the lock (trap_abort.c). */
static int split_block(struct change *c, uint64_t *entry, ipa_t ipa, unsigned int level)
{
	uint64_t pte = *entry;
	uint64_t *table = new_table(c);

	if (!table) {
		return -XEN_ENOMEM;
	}
	for (unsigned int n = 0; n < PTE_ENTRIES; n++) {
		table[n] = (pte & ~PTE_TABLE) + n * PTE_LEVEL_SIZE(level + 1);
		if (level + 1 == 3) {
			table[n] |= PTE_PAGE;
		}
	}
	write_entry(c, entry, 0, ipa, level);
	pay_debt(c);
	dsb_ishst(); /* the table's contents before the link to it */
	write_entry(c, entry, hyp_to_maddr(table) | PTE_VALID | PTE_TABLE, ipa, level);
	return 0;
}

/* Go down to level, making tables and splitting blocks. */
static int make_entry(struct change *c, ipa_t ipa, unsigned int level, uint64_t **result)
{
	for (;;) {
		unsigned int at;
		uint64_t *entry = stage2_find_entry(c->s2, ipa, level, &at);

		if (at == level) {
			*result = entry;
			return 0;
		}
		if (pte_is_valid(*entry)) {
			int error = split_block(c, entry, ALIGN_DOWN(ipa, PTE_LEVEL_SIZE(at)), at);

			if (error) {
				return error;
			}
		} else {
			uint64_t *table = new_table(c);

			if (!table) {
				return -XEN_ENOMEM;
			}
			dsb_ishst(); /* the zeroes before the link */
			write_entry(c, entry, hyp_to_maddr(table) | PTE_VALID | PTE_TABLE, ipa, at);
		}
	}
}

/* 1 GiB and 2 MiB blocks, where both addresses and the length allow (4 KiB granule: levels 1 and 2). */
static unsigned int best_level(uint64_t addresses, uint64_t nr)
{
	unsigned int level = 1;

	if (nr < PTE_LEVEL_SIZE(2) >> PAGE_SHIFT) {
		return 3;
	}
	while (level < 3 && (!IS_ALIGNED(addresses, PTE_LEVEL_SIZE(level)) ||
			     nr < PTE_LEVEL_SIZE(level) >> PAGE_SHIFT)) {
		level++;
	}
	return level;
}

/* Up to 512 pages lie in one or two tables, or are a block: all entries are there before one is written, or none is. */
static int make_tables(struct change *c, ipa_t ipa, uint64_t nr, unsigned int level)
{
	uint64_t *entry;
	int error;

	if (nr > PTE_ENTRIES) {
		return 0; /* Tenon's own choice, or dom0's memory: the length of a refusal does not matter */
	}
	error = make_entry(c, ipa, level, &entry);
	return error || level != 3 ? error : make_entry(c, ipa + (nr - 1) * PAGE_SIZE, 3, &entry);
}

/* As many of the pages as are in this table: old entries all invalid first, so that one TLB invalidation does for them. */
static uint64_t map_pages(struct change *c, uint64_t *entry, uint64_t pte, ipa_t ipa, uint64_t nr)
{
	nr = MIN(nr, PTE_ENTRIES - PTE_INDEX(ipa, 3));
	for (uint64_t n = 0; n < nr; n++) {
		if (pte_is_valid(entry[n])) {
			clear_entry(c, &entry[n], ipa + n * PAGE_SIZE, 3);
		}
	}
	if (c->debt || c->nr_drops != 0) {
		pay_debt(c);
	}
	for (uint64_t n = 0; n < nr; n++) {
		(void)stage2_write_entry(c->s2, &entry[n], pte + n * PAGE_SIZE);
	}
	return nr;
}

/*
 * Nothing comes into the tables of a domain that is being destroyed. Under the lock: what is mapped before that is seen here
 * comes before stage2_clear(), which takes the lock for each step.
 */
static bool may_grow(const struct domain *d)
{
	return READ_ONCE(d->state) != DOMAIN_DYING;
}

int stage2_prepare(struct domain *d, gfn_t g, uint64_t nr)
{
	struct stage2 *s2 = &d->stage2;
	ipa_t ipa = gfn_to_ipa(g);
	struct change c;
	int error;

	ASSERT(nr > 0 && nr <= PTE_ENTRIES);
	if (!stage2_in_range(g, nr)) {
		return -XEN_EINVAL;
	}
	write_lock(&s2->lock);
	begin_change(&c, d);
	error = may_grow(d) ? make_tables(&c, ipa, nr, best_level(ipa, nr)) : -XEN_EINVAL;
	if (c.debt) {
		pay_debt(&c);
	}
	dsb_ishst(); /* as in map_range() */
	write_unlock(&s2->lock);
	return error;
}

static int map_range(struct domain *d, gfn_t g, mfn_t m, uint64_t nr, uint64_t attributes)
{
	struct stage2 *s2 = &d->stage2;
	struct change c;
	ipa_t ipa = gfn_to_ipa(g);
	maddr_t maddr = mfn_to_maddr(m);
	int error;

	if (!stage2_in_range(g, nr) || nr == 0) {
		return nr == 0 ? 0 : -XEN_EINVAL;
	}
	write_lock(&s2->lock);
	begin_change(&c, d);
	error = may_grow(d) ? make_tables(&c, ipa, nr, best_level(ipa | maddr, nr)) : -XEN_EINVAL;
	if (error == 0) {
		s2->max_gfn = MAX(s2->max_gfn, g.raw + nr - 1);
	}
	while (nr > 0 && error == 0) {
		unsigned int level = best_level(ipa | maddr, nr);
		uint64_t *entry, done;

		error = make_entry(&c, ipa, level, &entry);
		if (error) {
			break;
		}
		if (level == 3) {
			done = map_pages(&c, entry, maddr | attributes | PTE_PAGE, ipa, nr);
		} else {
			if (pte_is_valid(*entry)) {
				clear_entry(&c, entry, ipa, level);
				pay_debt(&c);
			}
			write_entry(&c, entry, maddr | attributes, ipa, level);
			done = PTE_LEVEL_SIZE(level) >> PAGE_SHIFT;
		}
		ipa += done << PAGE_SHIFT;
		maddr += done << PAGE_SHIFT;
		nr -= done;
	}
	if (c.debt || c.nr_drops != 0) {
		pay_debt(&c);
	}
	dsb_ishst(); /* new entries reach the walkers; a CPU that faulted on the old hole retries */
	write_unlock(&s2->lock);
	return error;
}

int stage2_map(struct domain *d, gfn_t g, mfn_t m, uint64_t nr, enum stage2_type type)
{
	ASSERT(!stage2_type_holds_reference(type)); /* stage2_map_foreign() */
	return map_range(d, g, m, nr, stage2_attr_pte(d, NULL, NULL, type));
}

int stage2_map_foreign_page(struct domain *mapper, gfn_t g, struct domain *owner, mfn_t m,
			    enum stage2_type type)
{
	ASSERT(stage2_type_holds_reference(type));
	return map_range(mapper, g, m, 1, stage2_attr_pte(mapper, owner, frame_of(m), type));
}

/* Pages that can be turned with one TLBI. */
#define TURN_AT_ONCE 16

/*
 * Write-Back to Non-cacheable, while nobody can write through the one or read past the cache through the other: what was written
 * is in memory before it is looked for there, and no line is written back over what comes next.
 */
static void clean_frames(const mfn_t *frames, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		void *page = window_map(frames[i], WINDOW_NC);

		dcache_clean_invalidate_to_poc(page, PAGE_SIZE);
		window_unmap(page);
	}
	if (nr != 0) {
		dsb_sy(); /* complete before the new entries */
	}
}

static void turn_locked(struct change *c, const struct stage2_foreign_at *list, unsigned int nr)
{
	uint64_t *entries[TURN_AT_ONCE], new[TURN_AT_ONCE];
	mfn_t non_cacheable[TURN_AT_ONCE];
	unsigned int nr_broken = 0, nr_non_cacheable = 0;

	ASSERT(nr <= TURN_AT_ONCE);
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int at;
		uint64_t *entry = stage2_find_entry(c->s2, gfn_to_ipa(list[i].g), 3, &at);
		uint64_t pte = *entry;

		/* Unmapped, or replaced, since it was found in the list. */
		if (at != 3 || !pte_is_leaf(pte, 3) ||
		    !stage2_type_holds_reference(stage2_pte_type(pte)) ||
		    (pte & PTE_ADDR) != mfn_to_maddr(list[i].m)) {
			continue;
		}
		if (!list[i].wb) {
			non_cacheable[nr_non_cacheable++] = list[i].m;
		}
		entries[nr_broken] = entry;
		new[nr_broken++] = (pte & ~S2_MEMATTR_MASK) | stage2_attr_foreign(c->d, list[i].wb);
		write_entry(c, entry, 0, gfn_to_ipa(list[i].g), 3);
	}
	pay_debt(c);
	clean_frames(non_cacheable, nr_non_cacheable);
	for (unsigned int i = 0; i < nr_broken; i++) {
		write_entry(c, entries[i], new[i], 0, 3);
	}
	dsb_ishst(); /* as in map_range() */
}

void stage2_turn_pages(const struct stage2_foreign_at *list, unsigned int nr)
{
	struct domain *d = list->mapper;
	struct change c;

	write_lock(&d->stage2.lock);
	begin_change(&c, d);
	turn_locked(&c, list, nr);
	write_unlock(&d->stage2.lock);
}

int stage2_unmap(struct domain *d, gfn_t g, uint64_t nr)
{
	struct stage2 *s2 = &d->stage2;
	struct change c;
	ipa_t ipa = gfn_to_ipa(g);
	ipa_t end = gfn_to_ipa(gfn_add(g, nr));
	int error = 0;

	if (!stage2_in_range(g, nr)) {
		return -XEN_EINVAL;
	}
	write_lock(&s2->lock);
	begin_change(&c, d);
	while (ipa < end && error == 0) {
		unsigned int at;
		uint64_t *entry = stage2_find_entry(s2, ipa, 3, &at);
		uint64_t size = PTE_LEVEL_SIZE(at);

		if (pte_is_valid(*entry) && (!IS_ALIGNED(ipa, size) || end - ipa < size)) {
			error = split_block(&c, entry, ALIGN_DOWN(ipa, size), at);
			continue;
		}
		clear_entry(&c, entry, ipa, at);
		ipa = ALIGN_DOWN(ipa, size) + size;
	}
	pay_debt(&c);
	write_unlock(&s2->lock);
	return error;
}

uint64_t stage2_clear_step(struct domain *d, ipa_t ipa, unsigned int level)
{
	struct stage2 *s2 = &d->stage2;
	struct change c;
	unsigned int at = 0;
	uint64_t *entry;

	write_lock(&s2->lock);
	begin_change(&c, d);
	entry = level == 0 ? &s2->root[ipa >> stage2_geometry.root_shift]
			   : stage2_find_entry(s2, ipa, level, &at);
	clear_entry(&c, entry, ipa, at);
	pay_debt(&c);
	write_unlock(&s2->lock);
	return ALIGN_DOWN(ipa, PTE_LEVEL_SIZE(at)) + PTE_LEVEL_SIZE(at) - ipa;
}
