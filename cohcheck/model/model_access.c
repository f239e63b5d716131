/* SPDX-License-Identifier: MIT */
/*
 * Loads, stores, walks and devices' accesses: what they may see wrong, and what stores do to the states of
 * words (model_internal.h). Arm ARM (DDI 0487), "Mismatched memory attributes", "Cache line sizes" and
 * "Write-Through Cacheable".
 */
#include "model/model_internal.h"

/* The next part of an access that is in a region; false: it is done. .line may be NULL unless it is to be allocated. */
static bool next_target(struct model *model, struct target *target, uint64_t *paddr,
			unsigned int *size, bool alloc)
{
	while (*size != 0) {
		unsigned int part = LINE_SIZE - *paddr % LINE_SIZE;

		part = part < *size ? part : *size;
		target->paddr = *paddr;
		target->size = part;
		target->words = line_words(*paddr, part);
		target->whole = line_whole_words(*paddr, part);
		target->page = model_page(model, *paddr);
		*paddr += part;
		*size -= part;
		if (target->page == NULL) {
			continue;
		}
		if (alloc) {
			target->line = model_line(model, target->paddr);
			if (target->line != NULL) {
				return true;
			}
		} else {
			target->line = page_line(target->page, target->paddr);
			return true;
		}
	}
	return false;
}

/* An access through the caches may leave copies, whatever is known of aliases. Was that news? */
bool page_accessed(struct model *model, struct page *page, enum mem_type type)
{
	if (!mem_type_allocates(type) || page->cached_until == model->epoch) {
		return false;
	}
	page->cached_until = epoch_ending(model);
	return true;
}

static bool goes_wrong(const struct target *target, enum finding_kind under_dirty,
		       enum finding_kind stale, enum finding_kind *kind)
{
	uint16_t dirty = target->line->dirty & target->words;
	uint16_t old = target->line->stale & target->words;

	if (target->type != MEM_MIXED) {
		if (mem_type_sees_caches(target->type)) {
			*kind = stale;
			return old != 0;
		}
		*kind = under_dirty;
		return dirty != 0;
	}
	*kind = old != 0 ? stale : under_dirty;
	return (old | dirty) != 0;
}

static enum finding_kind lost_kind(const struct target *target, enum finding_kind otherwise)
{
	if ((target->line->dirty & target->line->stale & target->words) == 0) {
		return otherwise;
	}
	switch (target->line->state & LINE_LOST) {
	case LINE_LOST_EVICT:
		return FINDING_LOST_EVICT;
	case LINE_LOST_MERGE:
		return FINDING_LOST_MERGE;
	case LINE_LOST_INVALIDATE:
		return FINDING_LOST_INVALIDATE;
	default:
		return otherwise;
	}
}

static void read_memory(struct model *model, site_t site, uint64_t paddr, unsigned int size,
			enum mem_type type, enum model_event_kind event)
{
	struct target target = {.site = site, .type = type};

	while (next_target(model, &target, &paddr, &size, false)) {
		enum finding_kind kind;
		bool wrong = target.line == NULL ? false
			   : event == EVENT_WALK ? goes_wrong(&target, FINDING_WALK_UNDER_DIRTY,
							      FINDING_WALK_STALE, &kind)
						 : goes_wrong(&target, FINDING_READ_UNDER_DIRTY,
							      FINDING_READ_STALE, &kind);

		if (wrong) {
			if (event != EVENT_WALK) {
				kind = lost_kind(&target, kind);
			}
			report_access(model, kind, &target);
		}
		if (page_accessed(model, target.page, type) || wrong) {
			trace_line_event(model, event, &target, 0);
		}
	}
}

void model_read(struct model *model, site_t site, uint64_t paddr, unsigned int size,
		enum mem_type type)
{
	read_memory(model, site, paddr, size, type, EVENT_READ);
}

void model_walk(struct model *model, site_t site, uint64_t paddr, unsigned int size,
		enum mem_type type)
{
	read_memory(model, site, paddr, size, type, EVENT_WALK);
}

void model_device_read(struct model *model, uint64_t paddr, unsigned int size, bool coherent)
{
	read_memory(model, SITE_DEVICE, paddr, size, coherent ? MEM_WB : MEM_NC, EVENT_READ);
}

/* Lines that one eviction may write back: the index in their page of the first, and how many. */
static unsigned int granule_first(const struct model *model, const struct target *target,
				  unsigned int *nr)
{
	unsigned int idx = (unsigned int)(target->line - target->page->lines);

	*nr = 1u << (model->config.wb_shift - LINE_SHIFT);
	return idx & ~(*nr - 1);
}

/* The line whose eviction may write over this one: itself if it can be, or NULL. */
static const struct line *granule_dirty(const struct model *model, const struct target *target)
{
	unsigned int nr;
	unsigned int first = granule_first(model, target, &nr);

	if ((target->line->state & LINE_COPY_DIRTY) != 0) {
		return target->line;
	}
	for (unsigned int i = first; i < first + nr; i++) {
		if ((target->page->lines[i].state & LINE_COPY_DIRTY) != 0) {
			return &target->page->lines[i];
		}
	}
	return NULL;
}

/* Stale words in a copy that is dirty now may be written back over the newest. */
static void merge_stale(struct model *model, struct line *line, uint64_t paddr, uint16_t stale,
			site_t culprit)
{
	if ((stale & ~line->dirty) != 0) {
		line->dirty |= stale;
		line->state = (line->state & ~LINE_LOST) | LINE_LOST_MERGE;
		trace_writer(model, line, paddr);
		story_lost(model, paddr, line->writer, culprit);
	}
}

static void merge_granule(struct model *model, const struct target *target)
{
	uint64_t page_start = target->paddr & -(UINT64_C(1) << PAGE_SHIFT);
	unsigned int nr;
	unsigned int first = granule_first(model, target, &nr);

	for (unsigned int i = first; i < first + nr; i++) {
		struct line *line = &target->page->lines[i];

		if (line != target->line) {
			merge_stale(model, line, page_start + (uint64_t)i * LINE_SIZE, line->stale,
				    target->site);
		}
	}
}

/* Maintenance that is under way may have done its work before this store: its DSB does not make the words clean. */
static const struct pending *pending_dirtied(struct model *model, const struct target *target,
					     bool through)
{
	const struct pending *invalidate = NULL;
	uint64_t paddr = line_address(target->paddr);

	if ((target->line->state & LINE_SNAPSHOT) == 0) {
		return NULL;
	}
	for (struct pending *p = pending_of_line(model, paddr, NULL); p != NULL;
	     p = pending_of_line(model, paddr, p)) {
		if (p->kind == PENDING_IC) {
			continue;
		}
		if (p->kind == PENDING_IVAC) {
			invalidate = p;
		}
		p->refetched &= ~target->whole;
		/*
		 * A write-through store leaves its word dirty only in a copy that is dirty already: one
		 * that the maintenance has cleaned to the PoC before is written through, one that it has
		 * not yet is cleaned with the word in it.
		 */
		if (through && !p->dirtied && p->kind != PENDING_CVAU) {
			p->words |= target->words;
			continue;
		}
		p->words &= ~target->words;
		p->dirtied = true;
	}
	return invalidate;
}

/* A store into a copy, which is dirty then. */
static void store_into_copy(struct model *model, const struct target *target, bool through)
{
	struct line *line = target->line;
	uint16_t stale = line->stale & ~target->whole;
	const struct pending *invalidate = pending_dirtied(model, target, through);

	merge_stale(model, line, target->paddr, stale, target->site);
	line->stale = stale;
	line->dirty |= target->words;
	line->state |= LINE_COPY_DIRTY;
	if (!model->config.idc) {
		line->unclean |= target->words;
	}
	if (invalidate != NULL) {
		line->stale |= target->words;
		line->state |= LINE_LOST_INVALIDATE;
		story_lost(model, target->paddr, target->site, invalidate->site);
	}
	if (model->config.wb_shift > LINE_SHIFT) {
		merge_granule(model, target);
	}
}

/* What is written reaches memory and the copies alike. */
static void store_everywhere(struct model *model, const struct target *target)
{
	struct line *line = target->line;
	uint64_t paddr = line_address(target->paddr);

	line->dirty &= ~target->whole;
	line->stale &= ~target->whole;
	line->unclean &= ~target->whole;
	if ((line->state & LINE_SNAPSHOT) != 0) {
		for (struct pending *p = pending_of_line(model, paddr, NULL); p != NULL;
		     p = pending_of_line(model, paddr, p)) {
			if (p->kind != PENDING_IC) {
				p->refetched &= ~target->whole;
			}
		}
	}
}

static bool ask(struct model *model, struct page *page, uint64_t paddr, struct alias *live)
{
	bool is_live;

	if (page->asked != 0 && page->asked == model->aliases_new && page->asked != UINT32_MAX) {
		return false;
	}
	is_live = model->ops.alias_live(model->ctx, paddr, live);
	page->asked = is_live ? 0 : model->aliases_new;
	return is_live;
}

/* May a clean copy of the line be cached that was fetched at or after the given epoch? */
static bool copy_since(struct model *model, struct page *page, uint64_t paddr, epoch_t epoch,
		       struct alias *alias)
{
	if (model->ops.alias_live != NULL) {
		struct alias live = {.state = ALIAS_LIVE, .type = MEM_WB};
		bool is_live = ask(model, page, paddr, &live);

		/* Even if it was known already: whoever replays it does not know. */

		trace_event(model, EVENT_ALIAS_ANSWER,
			    &(struct model_event){
				    .type = live.type,
				    .op = (uint8_t)(live.el | live.stage << 4),
				    .flags = is_live ? EVENT_FLAG : 0,
				    .site = live.maker,
				    .paddr = live.va,
				    .size = live.size,
			    });
		if (is_live) {
			*alias = live;
			return true;
		}
	}
	*alias = (struct alias){.state = page->cached_until == 0 ? ALIAS_AT_RESET : ALIAS_GONE,
				.type = MEM_WB};
	return page->cached_until >= epoch;
}

/* A store past the caches meets maintenance under way: could a copy have been fetched again since? */
static void pending_written_past(struct model *model, const struct target *target, bool live)
{
	uint64_t paddr = line_address(target->paddr);

	for (struct pending *p = pending_of_line(model, paddr, NULL); p != NULL;
	     p = pending_of_line(model, paddr, p)) {
		if (p->kind == PENDING_IC) {
			continue;
		}
		if (live || target->page->cached_until >= p->epoch) {
			p->refetched |= target->words;
		} else {
			p->refetched &= ~target->whole;
		}
	}
}

/* Whose store made the copy dirty? If there was a story already, the line's last writer is only the one before this. */
static void story_evict(struct model *model, const struct target *target,
			const struct line *dirty_copy)
{
	const struct story *story = NULL;

	if (dirty_copy == target->line && (target->line->state & LINE_LOST) == LINE_LOST_EVICT) {
		story = story_find(model, STORY_LINE(target->paddr));
	}
	trace_writer(model, dirty_copy,
		     target->paddr + (uint64_t)(dirty_copy - target->line) * LINE_SIZE);
	story_lost(model, target->paddr, target->site,
		   story != NULL ? story->culprit : dirty_copy->writer);
}

static void store_past_caches(struct model *model, const struct target *target)
{
	struct line *line = target->line;
	bool pending = (line->state & LINE_SNAPSHOT) != 0;
	const struct line *dirty_copy = granule_dirty(model, target);
	/* Stale already: nothing has invalidated the copy since the answer was yes. */
	bool copy = dirty_copy != NULL || (line->stale & ~line->dirty) != 0;
	struct alias alias = {.state = ALIAS_LIVE};

	if (!copy || pending) {
		bool clean_copy = copy_since(model, target->page, target->paddr,
					     line_invalidated(line), &alias);

		if (clean_copy) {
			copy = true;
			story_alias(model, target->paddr, &alias);
		}
		if (pending) {
			pending_written_past(model, target, clean_copy && alias.state == ALIAS_LIVE);
		}
	}
	line->dirty &= ~target->whole;
	line->stale &= ~target->whole;
	line->unclean &= ~target->whole;
	if (!copy) {
		return;
	}
	line->stale |= target->words;
	if (dirty_copy != NULL) {
		line->dirty |= target->words;
		story_evict(model, target, dirty_copy);
		line->state = (line->state & ~LINE_LOST) | LINE_LOST_EVICT;
	}
}

static void store(struct model *model, const struct target *target, bool coherent_device)
{
	struct line *line = target->line;
	struct line before = *line;
	bool changed = page_accessed(model, target->page, target->type);
	uint32_t stories = model->stories.changes;

	if (coherent_device) {
		store_everywhere(model, target);
	} else {
		switch (target->type) {
		case MEM_WB:
			store_into_copy(model, target, false);
			break;
		case MEM_WT:
			if ((line->state & LINE_COPY_DIRTY) != 0) {
				store_into_copy(model, target, true);
			} else {
				store_everywhere(model, target);
			}
			break;
		case MEM_MIXED:
			/* Either: it may stay in a cache of one level, and pass a copy in another. */
			store_past_caches(model, target);
			line->stale |= before.stale & target->words;
			line->dirty |= before.dirty & target->words;
			line->unclean |= before.unclean & target->words;
			store_into_copy(model,
					&(struct target){.page = target->page,
							 .line = line,
							 .paddr = target->paddr,
							 .words = target->words,
							 .site = target->site},
					false);
			break;
		default:
			store_past_caches(model, target);
			break;
		}
	}
	insns_outdated(model, target->page, line, target->paddr, target->words);
	line_settle(line);
	line->writer = target->site;
	if (changed || stories != model->stories.changes || before.dirty != line->dirty ||
	    before.unclean != line->unclean || before.old_insns != line->old_insns ||
	    before.stale != line->stale || before.state != line->state ||
	    before.writer != line->writer || (line->state & LINE_SNAPSHOT) != 0) {
		trace_line_event(model, coherent_device ? EVENT_DEVICE_WRITE : EVENT_WRITE, target,
				 coherent_device ? EVENT_FLAG : 0);
	}
}

void model_ask(struct model *model, uint64_t paddr)
{
	struct page *page = model_page(model, paddr);

	if (page != NULL && model->aliases_new != 0) {
		ask(model, page, paddr, NULL);
	}
}

void model_write(struct model *model, site_t site, uint64_t paddr, unsigned int size,
		 enum mem_type type)
{
	struct target target = {.site = site, .type = type};

	while (next_target(model, &target, &paddr, &size, true)) {
		store(model, &target, false);
	}
}

void model_device_write(struct model *model, uint64_t paddr, unsigned int size, bool coherent)
{
	struct target target = {.site = SITE_DEVICE, .type = MEM_NC};

	while (next_target(model, &target, &paddr, &size, true)) {
		store(model, &target, coherent);
	}
}
