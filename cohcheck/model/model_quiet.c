/* SPDX-License-Identifier: MIT */
/* What a front end's fast paths ask: does this event change nothing, or nothing but what every store does? */
#include "model/model_internal.h"

/*
 * No alias of the page is live, nor was one since the line was invalidated: whoever asked was told so, and nothing has come
 * since that could change the answer. (What ends late, model_alias_gone_at(), was live when asked.)
 */
static bool is_known_uncached(const struct model *model, const struct page *page,
			      const struct line *line)
{
	return page->asked != 0 && page->asked == model->aliases_new && page->asked != UINT32_MAX &&
	       page->cached_until < line_invalidated(line);
}

bool model_write_past_is_quiet(const struct model *model, uint64_t paddr, const struct line *line)
{
	const struct page *page = model_page(model, paddr);

	/* With larger granules of write-back it matters whether a neighbour is dirty. */
	if (model->config.wb_shift != LINE_SHIFT ||
	    (line->dirty | line->unclean | line->old_insns | line->stale) != 0 ||
	    (line->state & (LINE_SNAPSHOT | LINE_TABLE | LINE_LOST | LINE_COPY_DIRTY)) != 0) {
		return false;
	}
	/* paddr may be any of the page. */
	paddr = (paddr & -(UINT64_C(1) << PAGE_SHIFT)) + (uint64_t)(line - page->lines) * LINE_SIZE;
	return is_known_uncached(model, page, line) &&
	       (model->config.dic || !insns_may_be_cached(model, page, paddr));
}

bool model_dc_is_quiet(const struct model *model, uint64_t paddr, const struct line *line,
		       enum dc_op op, bool through_alias)
{
	/* An invalidation that waits for its DSB may throw away what is stored meanwhile. */
	if (op == DC_IVAC || model->config.dc_shift != LINE_SHIFT ||
	    (line->dirty | line->unclean | line->stale) != 0 ||
	    (line->state & (LINE_SNAPSHOT | LINE_LOST | LINE_COPY_DIRTY)) != 0) {
		return false;
	}
	return op == DC_CVAC || op == DC_CVAU || through_alias ||
	       is_known_uncached(model, model_page(model, paddr), line);
}

bool model_write_plain(struct model *model, site_t site, uint64_t paddr, struct line *line,
		       uint16_t words)
{
	struct page *page;

	if (line->stale != 0 || (line->state & (LINE_SNAPSHOT | LINE_TABLE | LINE_LOST)) != 0 ||
	    model->ops.changed != NULL || model->config.wb_shift != LINE_SHIFT) {
		return false;
	}
	page = model_page(model, paddr);
	page_accessed(model, page, MEM_WB);
	line->dirty |= words;
	line->state |= LINE_COPY_DIRTY;
	if (!model->config.idc) {
		line->unclean |= words;
	}
	insns_outdated(model, page, line, paddr, words);
	line->writer = site;
	return true;
}
