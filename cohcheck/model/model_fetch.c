/* SPDX-License-Identifier: MIT */
/*
 * Instruction fetches and instruction caches. Arm ARM (DDI 0487), "Synchronization and coherency issues
 * between data and instruction accesses": what instruction caches hold is invalidated by software, even if
 * they are disabled and even for instructions in Non-cacheable memory.
 *
 * All instruction caches are taken together: a local IC IALLU counts only where no other CPU runs (it is
 * sufficient then).
 */
#include "model/model_internal.h"

#include <stdlib.h>

static uint64_t line_bit(uint64_t paddr)
{
	return UINT64_C(1) << (paddr % (1u << PAGE_SHIFT) >> LINE_SHIFT);
}

bool insns_may_be_cached(const struct model *model, const struct page *page, uint64_t paddr)
{
	if (page->fetchable_at == EPOCH_MAX) {
		return true;
	}
	return page->fetchable_at >= model->ic_all_epoch &&
	       (page->insns_gone & line_bit(paddr)) == 0;
}

/* So that an invalidation of all instruction caches need not look at all lines. */
static void list_page(struct model *model, struct page *page, uint64_t paddr)
{
	if ((page->flags & PAGE_OLD_INSNS) != 0) {
		return;
	}
	if (model->nr_old_pages == model->old_pages_capacity) {
		uint32_t capacity = model->old_pages_capacity * 2 + 256;
		uint64_t *pages = realloc(model->old_pages, capacity * sizeof(*pages));

		if (pages == NULL) {
			unchecked_count(model, UNCHECKED_LINES);
			return;
		}
		model->old_pages = pages;
		model->old_pages_capacity = capacity;
	}
	model->old_pages[model->nr_old_pages++] = paddr & -(UINT64_C(1) << PAGE_SHIFT);
	page->flags |= PAGE_OLD_INSNS;
}

void insns_outdated(struct model *model, struct page *page, struct line *line, uint64_t paddr,
		    uint16_t words)
{
	if (model->config.dic || words == 0) {
		return;
	}
	if ((line->state & LINE_SNAPSHOT) != 0) {
		for (struct pending *p = pending_of_line(model, line_address(paddr), NULL);
		     p != NULL; p = pending_of_line(model, line_address(paddr), p)) {
			/* Fetched since, the older value may have come after the invalidation took effect. */
			if (p->kind == PENDING_IC && page->fetchable_at >= p->epoch) {
				p->words &= ~words;
			}
		}
	}
	if ((line->old_insns & words) != words && insns_may_be_cached(model, page, paddr)) {
		line->old_insns |= words;
		list_page(model, page, paddr);
	}
}

/*
 * It serves all words but those that are outdated again before its DSB (insns_outdated()). A word that is
 * unclean or stale now is outdated once more when it ceases to be, since until then the older value can be
 * fetched.
 */
static void issue_line(struct model *model, site_t site, uint64_t paddr, uint16_t covered,
		       epoch_t epoch)
{
	struct line *line = model_line(model, paddr);
	struct pending *p;

	if (line == NULL) {
		return;
	}
	p = pending_find(model, paddr, SITE_CPU(site) % MODEL_MAX_CPUS, PENDING_IC);
	if (p != NULL) {
		p->words |= covered;
		if ((p->covered & ~covered) == 0 && epoch > p->epoch) {
			p->epoch = epoch;
		}
		p->covered |= covered;
		return;
	}
	p = pending_add(model, site, paddr, PENDING_IC, epoch);
	if (p == NULL) {
		line->old_insns &= ~covered;
		return;
	}
	p->words = covered;
	p->covered = covered;
	line->state |= LINE_SNAPSHOT;
}

static void issue_page(struct model *model, site_t site, uint64_t paddr, epoch_t epoch)
{
	const struct page *page = model_page(model, paddr);

	paddr &= -(UINT64_C(1) << PAGE_SHIFT);
	for (unsigned int i = 0; page->lines != NULL && i < LINES_PER_PAGE; i++) {
		if (page->lines[i].old_insns != 0) {
			issue_line(model, site, paddr + i * LINE_SIZE, UINT16_MAX, epoch);
		}
	}
}

/*
 * A page becomes fetchable while invalidations of everything are under way: they still do away with what
 * was outdated in it since their issue, but not with what is fetched and outdated from now on.
 */
static void split_all(struct model *model, const struct page *page, uint64_t paddr)
{
	if (pending_of_line(model, PENDING_NO_LINE, NULL) == NULL) {
		return;
	}
	for (unsigned int cpu = 0; cpu < MODEL_MAX_CPUS; cpu++) {
		const struct pending *all =
			pending_find(model, PENDING_NO_LINE, cpu, PENDING_IC_ALL);

		if (all != NULL && page->fetchable_at < all->epoch) {
			issue_page(model, all->site, paddr, all->epoch);
		}
	}
}

void model_fetchable(struct model *model, uint64_t paddr)
{
	struct page *page = model_page(model, paddr);

	if (page == NULL || page->fetchable_at == EPOCH_MAX) {
		return;
	}
	split_all(model, page, paddr);
	page->fetchable_at = EPOCH_MAX;
	page->insns_gone = 0;
	trace_event(model, EVENT_FETCHABLE,
		    &(struct model_event){.flags = EVENT_FLAG, .paddr = paddr});
}

void model_unfetchable(struct model *model, uint64_t paddr)
{
	struct page *page = model_page(model, paddr);

	if (page == NULL || page->fetchable_at != EPOCH_MAX) {
		return;
	}
	page->fetchable_at = epoch_ending(model);
	trace_event(model, EVENT_FETCHABLE, &(struct model_event){.paddr = paddr});
}

static bool fetch_goes_wrong(const struct target *target, bool exempt, enum finding_kind *kind)
{
	const struct line *line = target->line;

	if (target->type <= MEM_MIXED && (line->dirty & target->words) != 0) {
		*kind = FINDING_FETCH_UNDER_DIRTY;
		return true;
	}
	if (target->type >= MEM_MIXED && (line->stale & target->words) != 0) {
		*kind = FINDING_FETCH_STALE;
		return true;
	}
	if (exempt) {
		return false;
	}
	if (target->type >= MEM_MIXED && (line->unclean & target->words) != 0) {
		*kind = FINDING_FETCH_UNCLEAN;
		return true;
	}
	*kind = FINDING_FETCH_NO_IC;
	return (line->old_insns & target->words) != 0;
}

void model_fetch(struct model *model, site_t site, uint64_t paddr, enum mem_type type, bool exempt)
{
	struct target target = {.paddr = paddr & ~UINT64_C(3), .size = 4, .site = site, .type = type};
	enum finding_kind kind;
	uint16_t old_insns;
	bool wrong, news;

	target.page = model_page(model, target.paddr);
	if (target.page == NULL) {
		return;
	}
	news = cpu_runs(model, site);
	model_fetchable(model, paddr);
	news = page_accessed(model, target.page, type) || news;
	target.line = page_line(target.page, target.paddr);
	if (target.line == NULL) {
		if (news) {
			trace_line_event(model, EVENT_FETCH, &target, exempt ? EVENT_FLAG : 0);
		}
		return;
	}
	target.words = line_words(target.paddr, 4);
	wrong = fetch_goes_wrong(&target, exempt, &kind);
	if (wrong) {
		report_access(model, kind, &target);
	}
	old_insns = target.line->old_insns;
	if (type <= MEM_MIXED) {
		/* The instruction cache has fetched all of the line from memory. */
		insns_outdated(model, target.page, target.line, target.paddr, target.line->dirty);
	}
	if (news || wrong || old_insns != target.line->old_insns ||
	    (target.line->state & LINE_SNAPSHOT) != 0) {
		trace_line_event(model, EVENT_FETCH, &target, exempt ? EVENT_FLAG : 0);
	}
}

static bool page_has_old_insns(const struct page *page)
{
	for (unsigned int i = 0; i < LINES_PER_PAGE; i++) {
		if (page->lines[i].old_insns != 0) {
			return true;
		}
	}
	return false;
}

/* All instruction caches are empty of what was fetched before the epoch. */
static void complete_all(struct model *model, epoch_t epoch)
{
	uint32_t kept = 0;

	if (epoch > model->ic_all_epoch) {
		model->ic_all_epoch = epoch;
	}
	for (uint32_t i = 0; i < model->nr_old_pages; i++) {
		uint64_t paddr = model->old_pages[i];
		struct page *page = model_page(model, paddr);

		if (page->fetchable_at < epoch) {
			for (unsigned int n = 0; n < LINES_PER_PAGE; n++) {
				page->lines[n].old_insns = 0;
			}
		}
		if (page_has_old_insns(page)) {
			model->old_pages[kept++] = paddr;
		} else {
			page->flags &= ~PAGE_OLD_INSNS;
		}
	}
	model->nr_old_pages = kept;
}

void ic_complete(struct model *model, const struct pending *pending)
{
	struct page *page;
	struct line *line;

	if (pending->kind == PENDING_IC_ALL) {
		complete_all(model, pending->epoch);
		return;
	}
	page = model_page(model, pending->paddr);
	line = page_line(page, pending->paddr);
	line->old_insns &= ~pending->words;
	if (page->fetchable_at < pending->epoch && pending->covered == UINT16_MAX) {
		page->insns_gone |= line_bit(pending->paddr);
	}
}

static void issue_all(struct model *model, site_t site, epoch_t epoch)
{
	unsigned int cpu = SITE_CPU(site) % MODEL_MAX_CPUS;
	struct pending *all;

	for (uint32_t i = 0; i < model->nr_old_pages; i++) {
		issue_page(model, site, model->old_pages[i], epoch);
	}
	all = pending_find(model, PENDING_NO_LINE, cpu, PENDING_IC_ALL);
	if (all != NULL) {
		all->epoch = epoch;
	} else if (pending_add(model, site, PENDING_NO_LINE, PENDING_IC_ALL, epoch) == NULL) {
		complete_all(model, epoch);
	}
}

/* There is nothing to invalidate, or not where it reaches. */
static bool is_in_vain(const struct model *model, site_t site, enum ic_op op)
{
	uint64_t others = model->running & ~(UINT64_C(1) << SITE_CPU(site) % MODEL_MAX_CPUS);

	return model->config.dic || (op == IC_IALLU && others != 0);
}

void model_ic(struct model *model, site_t site, uint64_t paddr, enum ic_op op)
{
	uint64_t size = UINT64_C(1) << model->config.ic_shift;
	uint64_t start = paddr & -size;
	bool news = cpu_runs(model, site);
	epoch_t epoch;

	if (is_in_vain(model, site, op)) {
		if (news) {
			trace_event(model, EVENT_IC,
				    &(struct model_event){.op = op, .site = site, .paddr = paddr});
		}
		return;
	}
	epoch = epoch_invalidating(model);
	if (op != IC_IVAU) {
		issue_all(model, site, epoch);
	} else if (size < LINE_SIZE) {
		issue_line(model, site, line_address(start), line_words(start, (unsigned int)size),
			   epoch);
	} else {
		for (uint64_t line = start; line < start + size; line += LINE_SIZE) {
			if (model_page(model, line) != NULL) {
				issue_line(model, site, line, UINT16_MAX, epoch);
			}
		}
	}
	trace_event(model, EVENT_IC, &(struct model_event){.op = op, .site = site, .paddr = paddr});
}
