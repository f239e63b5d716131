/* SPDX-License-Identifier: MIT */
/*
 * Data cache maintenance, and what DSBs complete. Arm ARM (DDI 0487), "Cache maintenance instructions": an
 * instruction by VA acts on all caches to its point, whatever the type of the mapping; only a DSB of the
 * CPU that issued it completes it.
 */
#include "model/model_internal.h"

/* Is there anything that this instruction could do? Copies that a live alias could bring back at once do not count. */
static enum dc_worth worth(const struct page *page, const struct line *line, enum dc_op op)
{
	switch (op) {
	case DC_CVAU:
		return line->unclean != 0 ? DC_NEEDED : DC_REDUNDANT;
	case DC_CVAC:
		return (line->dirty & ~line->stale) != 0 || line->unclean != 0 ||
				       (line->state & LINE_COPY_DIRTY) != 0
			     ? DC_NEEDED
			     : DC_REDUNDANT;
	default:
		return (line->state & LINE_COPY_DIRTY) != 0 || (line->stale & ~line->dirty) != 0 ||
				       page->cached_until >= line_invalidated(line)
			     ? DC_NEEDED
			     : DC_REDUNDANT;
	}
}

static bool invalidates(unsigned int kind)
{
	return kind == PENDING_CIVAC || kind == PENDING_IVAC;
}

/* Before its DSB it may have thrown away the dirty copy, or not. */
static void issue_invalidation(struct model *model, site_t site, struct line *line, uint64_t paddr)
{
	uint16_t lost = line->dirty & ~line->stale;

	if (lost == 0) {
		return;
	}
	line->stale |= lost;
	line->state |= LINE_LOST_INVALIDATE;
	trace_writer(model, line, paddr);
	story_lost(model, paddr, line->writer, site);
}

static void complete_dc(struct model *model, const struct pending *pending)
{
	struct page *page = model_page(model, pending->paddr);
	struct line *line = page_line(page, pending->paddr);
	uint16_t cleaned = line->unclean & pending->words;
	uint16_t fresh = 0;

	line->unclean &= ~cleaned;
	if (pending->kind != PENDING_CVAU) {
		line->dirty &= ~(pending->words & ~line->stale);
		if (!pending->dirtied) {
			line->state &= ~LINE_COPY_DIRTY;
		}
	}
	if (invalidates(pending->kind)) {
		fresh = line->stale & ~line->dirty & ~pending->refetched;
		line->stale &= ~fresh;
		if (pending->epoch > line_invalidated(line)) {
			line->state = (line->state & ((1u << LINE_INVALIDATED_SHIFT) - 1)) |
				      pending->epoch << LINE_INVALIDATED_SHIFT;
		}
	}
	/* Until now an instruction cache may have fetched what was there before. */
	insns_outdated(model, page, line, pending->paddr, cleaned | fresh);
	line_settle(line);
}

static enum dc_worth issue(struct model *model, site_t site, uint64_t paddr, enum dc_op op)
{
	struct page *page = model_page(model, paddr);
	struct line *line = page == NULL ? NULL : model_line(model, paddr);
	epoch_t epoch = invalidates(op) ? epoch_invalidating(model) : model->epoch;
	enum dc_worth result;
	struct pending *p;

	if (line == NULL) {
		return DC_NEEDED;
	}
	result = worth(page, line, op);
	if (op == DC_IVAC) {
		issue_invalidation(model, site, line, paddr);
	}
	p = pending_find(model, paddr, SITE_CPU(site) % MODEL_MAX_CPUS, (enum pending_kind)op);
	if (p == NULL) {
		p = pending_add(model, site, paddr, (enum pending_kind)op, epoch);
	} else if (!p->dirtied && p->refetched == 0 && p->epoch == epoch) {
		result = DC_REDUNDANT;
	}
	if (p == NULL) {
		complete_dc(model, &(struct pending){.paddr = paddr,
						     .epoch = epoch,
						     .words = UINT16_MAX,
						     .kind = op});
		return result;
	}
	p->epoch = epoch;
	p->site = site;
	p->words = line->dirty | line->unclean;
	p->refetched = 0;
	p->dirtied = false;
	line->state |= LINE_SNAPSHOT;
	return result;
}

enum dc_worth model_dc(struct model *model, site_t site, uint64_t paddr, enum dc_op op)
{
	uint64_t size = UINT64_C(1) << model->config.dc_shift;
	uint64_t start = paddr & -size;
	enum dc_worth result = DC_REDUNDANT;
	bool news = cpu_runs(model, site);

	if (op == DC_CVAU && model->config.idc) {
		if (news) {
			trace_event(model, EVENT_DC,
				    &(struct model_event){.op = op, .site = site, .paddr = paddr});
		}
		return DC_REDUNDANT;
	}
	for (uint64_t line = start; line < start + size; line += LINE_SIZE) {
		if (issue(model, site, line, op) == DC_NEEDED) {
			result = DC_NEEDED;
		}
	}
	trace_event(model, EVENT_DC, &(struct model_event){.op = op, .site = site, .paddr = paddr});
	return result;
}

/* The line of an instruction that is no longer pending. */
static void settle_line(struct model *model, uint64_t paddr)
{
	if (paddr != PENDING_NO_LINE && pending_of_line(model, paddr, NULL) == NULL) {
		page_line(model_page(model, paddr), paddr)->state &= ~LINE_SNAPSHOT;
	}
}

void model_dsb(struct model *model, site_t site)
{
	struct pending pending;
	bool any = cpu_runs(model, site);

	while (pending_take(model, SITE_CPU(site) % MODEL_MAX_CPUS, &pending)) {
		any = true;
		if (pending.kind == PENDING_IC || pending.kind == PENDING_IC_ALL) {
			ic_complete(model, &pending);
		} else {
			complete_dc(model, &pending);
		}
		settle_line(model, pending.paddr);
	}
	pending_shrink(model);
	if (any) {
		trace_event(model, EVENT_DSB, &(struct model_event){.site = site});
	}
}

void model_cpu_reset(struct model *model, unsigned int cpu)
{
	struct pending pending;

	while (pending_take(model, cpu % MODEL_MAX_CPUS, &pending)) {
		settle_line(model, pending.paddr);
	}
	model->running &= ~(UINT64_C(1) << cpu % MODEL_MAX_CPUS);
	trace_event(model, EVENT_CPU_RESET, &(struct model_event){.site = SITE(0, cpu)});
}

void model_set_way(struct model *model, site_t site)
{
	struct finding finding = {.kind = FINDING_SET_WAY, .site = site};

	cpu_runs(model, site);
	/* With no other CPU running it still reaches no cache outside the CPU, but it is how caches are turned off there. */
	if ((model->running & ~(UINT64_C(1) << SITE_CPU(site) % MODEL_MAX_CPUS)) != 0) {
		model_report(model, &finding);
	}
	trace_event(model, EVENT_SET_WAY, &(struct model_event){.site = site});
}
