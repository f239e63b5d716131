/* SPDX-License-Identifier: MIT */
/*
 * Inside the model: its one structure, and what its files offer each other.
 *
 * A word of memory is in one of four states, .dirty and .stale of its line:
 *
 *     dirty stale
 *       -     -    memory and every copy have the newest value
 *       D     -    a dirty copy has it, memory perhaps not: wrong for who reads past the caches
 *       -     S    memory has it, a clean copy perhaps not: wrong for who reads through the caches
 *       D     S    it may be lost in memory and missing in the copy: wrong for everybody, until the word is written again
 *
 * Whether a clean copy of a line may be cached is derived: a cacheable alias is live, or was since the last
 * invalidation.
 */
#pragma once

#include <stddef.h>

#include "model/model.h"
#include "model/model_trace.h"

#define MAX_REGIONS 16

struct region {
	uint64_t start, size;
	struct page *pages;
};

/* Lines are cut from these. */
struct slab {
	struct slab *next;
	struct line lines[];
};

enum pending_kind {
	PENDING_CVAC = DC_CVAC,
	PENDING_CVAU = DC_CVAU,
	PENDING_CIVAC = DC_CIVAC,
	PENDING_IVAC = DC_IVAC,
	PENDING_IC,
	PENDING_IC_ALL, /* of no line: .paddr is PENDING_NO_LINE */
};

/*
 * A maintenance instruction that was issued and waits for the DSB of its CPU. It may take effect at any
 * time between. Found through the CPU (at its DSB) and through the line (by stores that come in between,
 * which it may or may not have covered).
 */
struct pending {
	uint64_t paddr; /* of the line */
	epoch_t epoch;  /* of its issue */
	site_t site;
	uint32_t next_of_cpu, next_in_bucket; /* indices, or PENDING_END */
	/* DC: words that the DSB makes clean: stored to before the issue, not since. IC: words that it makes good. */
	uint16_t words;
	union {
		uint16_t refetched; /* DC: written past the caches since, while a copy might have been fetched since */
		uint16_t covered; /* IC: words that it reaches at all */
	};
	uint8_t kind, cpu;
	bool dirtied; /* a store since may have made a copy dirty */
};
#define PENDING_END     UINT32_MAX
#define PENDING_NO_LINE UINT64_MAX

struct pending_table {
	struct pending *entries;
	uint32_t *buckets; /* as many as .capacity */
	uint32_t capacity, used, limit;
	uint32_t unused; /* first of the list of free entries, linked by next_of_cpu */
	uint32_t first[MODEL_MAX_CPUS];
};

/* For reports: what is known of a line that lost something (by line), or of copies of a page (by page). */
struct story {
	uint64_t key; /* STORY_LINE() or STORY_PAGE(); 0: unused */
	site_t writer, culprit;
	struct alias alias;
	bool has_alias;
};
#define STORY_LINE(paddr) ((paddr) >> LINE_SHIFT << 2 | 1)
#define STORY_PAGE(paddr) ((paddr) >> PAGE_SHIFT << 2 | 2)

struct story_table {
	struct story *entries;
	uint32_t capacity, used; /* capacity: a power of two */
	uint32_t changes;
};

enum unchecked {
	UNCHECKED_LINES,
	UNCHECKED_PENDING,
	UNCHECKED_STORIES,
	NR_UNCHECKED
};

struct model {
	struct model_config config;
	struct model_ops ops;
	void *ctx;
	struct region regions[MAX_REGIONS];
	unsigned int nr_regions;
	struct slab *slabs;
	unsigned int slab_left; /* lines not yet used of the first slab */

	epoch_t epoch;
	bool epoch_stamped; /* something ended in this epoch: an invalidation issued now belongs to the next */
	epoch_t ic_all_epoch; /* when the last complete invalidation of all instruction caches was issued */
	uint64_t running; /* CPUs seen since their reset: only they can have anything in an instruction cache */

	struct pending_table pending;
	uint64_t *old_pages; /* addresses of pages with PAGE_OLD_INSNS */
	uint32_t nr_old_pages, old_pages_capacity;
	uint32_t aliases_new; /* calls of model_aliases_new(), to UINT32_MAX; 0: the front end does not call it */
	struct story_table stories;

	uint64_t bytes, pages_seen, events;
	uint64_t unchecked[NR_UNCHECKED];
};

/* A part of an access that lies in one line. */
struct target {
	struct page *page;
	struct line *line;
	uint64_t paddr;
	unsigned int size;
	uint16_t words, whole; /* touched; covered */
	site_t site;
	enum mem_type type;
};

/* model.c */
static inline void unchecked_count(struct model *model, enum unchecked what)
{
	model->unchecked[what]++;
}
/* For something that ends now, and for an invalidation that is issued now. */
epoch_t epoch_ending(struct model *model);
epoch_t epoch_invalidating(struct model *model);
static inline epoch_t line_invalidated(const struct line *line)
{
	return line->state >> LINE_INVALIDATED_SHIFT;
}
static inline uint64_t line_address(uint64_t paddr)
{
	return paddr & ~(uint64_t)(LINE_SIZE - 1);
}
/* Is that news? */
static inline bool cpu_runs(struct model *model, site_t site)
{
	uint64_t running = model->running;

	if (SITE_IDX(site) >= SITE_FIRST_INSN) {
		model->running |= UINT64_C(1) << SITE_CPU(site) % MODEL_MAX_CPUS;
	}
	return model->running != running;
}
/* NULL: the page has none yet. */
static inline struct line *page_line(const struct page *page, uint64_t paddr)
{
	return page->lines == NULL ? NULL : &page->lines[paddr % (1u << PAGE_SHIFT) >> LINE_SHIFT];
}
/* Clears the cause when no word is lost any more. */
static inline void line_settle(struct line *line)
{
	if ((line->dirty & line->stale) == 0) {
		line->state &= ~LINE_LOST;
	}
}

/* model_report.c */
void report_access(struct model *model, enum finding_kind kind, const struct target *target);
void trace_event(struct model *model, enum model_event_kind kind, const struct model_event *event);
void trace_line_event(struct model *model, enum model_event_kind kind, const struct target *target,
		      unsigned int flags);
/* The next report needs to know who wrote the line; stores that are quiet are in no trace. */
void trace_writer(struct model *model, const struct line *line, uint64_t paddr);
void story_lost(struct model *model, uint64_t paddr, site_t writer, site_t culprit);
void story_alias(struct model *model, uint64_t paddr, const struct alias *alias);
const struct story *story_find(const struct model *model, uint64_t key);
void stories_destroy(struct model *model);

/* model_access.c */
bool page_accessed(struct model *model, struct page *page, enum mem_type type);

/* model_fetch.c */
/* May an instruction cache hold something of the line? */
bool insns_may_be_cached(const struct model *model, const struct page *page, uint64_t paddr);
/* These words are newer than what an instruction cache may have fetched, if it may hold the line. */
void insns_outdated(struct model *model, struct page *page, struct line *line, uint64_t paddr,
		    uint16_t words);
void ic_complete(struct model *model, const struct pending *pending);

/* model_pending.c */
bool pending_init(struct model *model);
void pending_destroy(struct model *model);
/* NULL: too many; the caller takes the instruction as complete at once. */
struct pending *pending_add(struct model *model, site_t site, uint64_t paddr,
			    enum pending_kind kind, epoch_t epoch);
struct pending *pending_find(struct model *model, uint64_t paddr, unsigned int cpu,
			     enum pending_kind kind);
/* Walks those of one line: NULL starts. */
struct pending *pending_of_line(struct model *model, uint64_t paddr, const struct pending *previous);
/* Removes one of this CPU's, the last issued first. False: there is none. */
bool pending_take(struct model *model, unsigned int cpu, struct pending *taken);
/* Gives memory back after a long loop of maintenance. */
void pending_shrink(struct model *model);
