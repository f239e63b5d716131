/* SPDX-License-Identifier: MIT */
/*
 * Foreign mappings, found by the frame that they show: a hash table of all of them. Their attribute depends on
 * their frame and its owner (stage2_attr.c), and follows when that changes; a mapping itself is stage2_map.c's.
 *
 * What a record says of a mapping may be ahead of the tables only under the owner's attribute lock: a record is made
 * before its mapping and goes after it, TLBs included.
 */
#include "stage2/stage2_internal.h"

#include "abi/xen.h"
#include "arm64/atomic.h"
#include "domain/domain.h"
#include "domain/domain_share.h"
#include "lib/assert.h"
#include "lib/lock.h"

struct foreign {
	struct foreign *next;
	struct domain *mapper;
	struct domain *owner; /* of the frame, with a reference: its frames may outlive it */
	uint64_t g;
	uint32_t m;
	bool wb;
};

#define TABLE_ORDER  3
#define NR_BUCKETS   ((unsigned int)((PAGE_SIZE << TABLE_ORDER) / sizeof(struct foreign *)))
#define FOUND_MAX    16  /* what stage2_turn_pages() takes */
#define STEP_BUCKETS 512 /* looked at in one step: some thousand instructions when they are empty */
#define STEP_RECORDS 512

static struct spinlock foreign_lock = SPINLOCK_INIT(LOCK_RANK_FOREIGN);
/* Below: guarded by foreign_lock. The table comes with the first mapping; pages of records are kept. */
static struct foreign **table;
static struct foreign *unused;
static uint32_t nr_records; /* read without the lock as a hint */

static struct foreign **bucket_of(mfn_t m)
{
	/* Neighbours are mapped together: next to each other in the table, one chain each. */
	return &table[m.raw % NR_BUCKETS];
}

static struct foreign *take_unused(void)
{
	struct foreign *record;

	spin_lock(&foreign_lock);
	record = unused;
	if (record) {
		unused = record->next;
	}
	spin_unlock(&foreign_lock);
	return record;
}

static int add_page(void)
{
	struct foreign *page = hyp_alloc(0);

	if (!page) {
		return -XEN_ENOMEM;
	}
	spin_lock(&foreign_lock);
	for (unsigned int n = 0; n < PAGE_SIZE / sizeof(*page); n++) {
		page[n].next = unused;
		unused = &page[n];
	}
	spin_unlock(&foreign_lock);
	return 0;
}

static int make_table(void)
{
	struct foreign **new = hyp_alloc(TABLE_ORDER);

	if (!new) {
		return -XEN_ENOMEM;
	}
	spin_lock(&foreign_lock);
	if (!table) {
		table = new;
		new = NULL;
	}
	spin_unlock(&foreign_lock);
	hyp_free(new, TABLE_ORDER);
	return 0;
}

static int remember(struct domain *mapper, gfn_t g, struct domain *owner, mfn_t m, bool wb)
{
	struct foreign *record;

	if (!READ_ONCE(table) && make_table() != 0) {
		return -XEN_ENOMEM;
	}
	while ((record = take_unused()) == NULL) {
		if (add_page() != 0) {
			return -XEN_ENOMEM;
		}
	}
	spin_lock(&foreign_lock);
	*record = (struct foreign){.next = *bucket_of(m),
				   .mapper = mapper,
				   .owner = owner,
				   .g = g.raw,
				   .m = (uint32_t)m.raw,
				   .wb = wb};
	atomic_fetch_add(&owner->refs, 1);
	*bucket_of(m) = record;
	nr_records++;
	spin_unlock(&foreign_lock);
	return 0;
}

/* Whose frame it is: with the record's reference on that domain. */
static struct domain *forget(const struct domain *mapper, gfn_t g, mfn_t m)
{
	struct foreign **link, *record;
	struct domain *owner;

	spin_lock(&foreign_lock);
	ASSERT(table);
	/* There is one: stage 2 says so. */
	link = bucket_of(m);
	record = *link;
	while (record->m != m.raw || record->g != g.raw || record->mapper != mapper) {
		link = &record->next;
		record = *link;
	}
	owner = record->owner;
	*link = record->next;
	record->next = unused;
	unused = record;
	nr_records--;
	spin_unlock(&foreign_lock);
	return owner;
}

void stage2_foreign_drop(const struct domain *mapper, gfn_t g, mfn_t m)
{
	struct domain *owner = forget(mapper, g, m);

	domain_put_frame(owner, m);
	domain_put(owner);
}

int stage2_map_foreign(struct domain *mapper, gfn_t g, struct domain *owner, mfn_t m,
		       enum stage2_type type)
{
	int error;

	ASSERT(write_is_mine(&owner->attr_lock));
	error = remember(mapper, g, owner, m, stage2_attr_frame_is_wb(owner, frame_of(m)));
	if (error) {
		return error;
	}
	error = stage2_map_foreign_page(mapper, g, owner, m, type);
	if (error) {
		domain_put(forget(mapper, g, m));
	}
	return error;
}

/* ---- turning --------------------------------------------------------------------------------------------- */

struct found {
	struct stage2_foreign_at at[FOUND_MAX];
	unsigned int nr;
};

/* The record's mapping is to be turned, by turn_found(): the mapper's structure stays until then. Under the lock. */
static void note(struct found *found, struct foreign *record, bool wb)
{
	record->wb = wb;
	/* It has a mapping, so it has not been freed yet. */
	atomic_fetch_add(&record->mapper->refs, 1);
	found->at[found->nr++] = (struct stage2_foreign_at){.mapper = record->mapper,
							    .g = gfn(record->g),
							    .m = mfn(record->m),
							    .wb = wb};
}

static void turn_found(struct found *found)
{
	unsigned int first = 0;

	for (unsigned int n = 1; n <= found->nr; n++) {
		if (n == found->nr || found->at[n].mapper != found->at[first].mapper) {
			stage2_turn_pages(&found->at[first], n - first);
			first = n;
		}
	}
	for (unsigned int n = 0; n < found->nr; n++) {
		domain_put(found->at[n].mapper);
	}
	found->nr = 0;
}

void stage2_turn_frame(mfn_t m, bool wb)
{
	struct found found; /* not the array: most often there is nothing */
	bool more;

	if (READ_ONCE(nr_records) == 0) {
		return;
	}
	found.nr = 0;
	/* A frame is mapped by few, so this is not in steps. */
	do {
		more = false;
		spin_lock(&foreign_lock);
		for (struct foreign *record = *bucket_of(m); record; record = record->next) {
			if (record->m == m.raw && record->wb != wb) {
				more = found.nr == FOUND_MAX;
				if (more) {
					break;
				}
				note(&found, record, wb);
			}
		}
		spin_unlock(&foreign_lock);
		turn_found(&found);
	} while (more);
}

bool stage2_frame_is_wb_elsewhere(mfn_t m)
{
	bool found = false;

	if (READ_ONCE(nr_records) == 0) {
		return false;
	}
	spin_lock(&foreign_lock);
	for (struct foreign *record = *bucket_of(m); record && !found; record = record->next) {
		found = record->m == m.raw && record->wb;
	}
	spin_unlock(&foreign_lock);
	return found;
}

/* One bucket; false when there is more to be turned in it than found takes. */
static bool look_at_bucket(const struct domain *owner, struct foreign *record, struct found *found,
			   unsigned int *budget)
{
	for (; record; record = record->next) {
		const struct frame *f = frame_of(mfn(record->m));
		bool wb;

		*budget -= *budget > 0 ? 1 : 0;
		if (record->owner != owner) {
			continue;
		}
		wb = stage2_attr_frame_is_wb(owner, f);
		if (record->wb != wb) {
			if (found->nr == FOUND_MAX) {
				return false;
			}
			note(found, record, wb);
		}
	}
	return true;
}

bool stage2_turn_some(const struct domain *owner, uint32_t *cursor)
{
	struct found found;
	unsigned int budget = STEP_RECORDS;
	uint32_t end = MIN(*cursor + STEP_BUCKETS, (uint32_t)NR_BUCKETS);

	ASSERT(write_is_mine(&owner->attr_lock));
	if (READ_ONCE(nr_records) == 0) {
		return true;
	}
	found.nr = 0;
	spin_lock(&foreign_lock);
	while (*cursor < end && budget > 0 &&
	       look_at_bucket(owner, table[*cursor], &found, &budget)) {
		(*cursor)++;
	}
	spin_unlock(&foreign_lock);
	turn_found(&found);
	return *cursor == NR_BUCKETS;
}
