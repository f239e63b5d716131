/* SPDX-License-Identifier: MIT */
/*
 * The map of memory: the state of each page at the end of a replay, drawn by the page's script and given
 * as a table.
 */
#include "report/report_html.h"

#include <inttypes.h>
#include <stdlib.h>

/* What the map shows of a page, the worst of its lines. */
enum map_state {
	MAP_UNUSED,
	MAP_COHERENT,
	MAP_DIRTY,
	MAP_INSNS,
	MAP_STALE,
	MAP_LOST,
	NR_MAP_STATES
};

static const char *const map_names[NR_MAP_STATES] = {
	"never used",
	"used, coherent",
	"may be dirty in a cache",
	"code not cleaned",
	"an old copy may be in a cache",
	"newest value may be lost",
};

#define MAP_CELLS   8192
#define MAP_COLUMNS 128

void html_map_region(void *ctx, uint64_t start, uint64_t size)
{
	struct page_html *page = ctx;

	if (page->nr_regions < 16) {
		page->regions[page->nr_regions++] =
			(struct map_region){.start = start, .size = size};
	}
}

static enum map_state line_state(const struct line *line)
{
	if (line->stale != 0) {
		return line->state & LINE_LOST ? MAP_LOST : MAP_STALE;
	}
	if (line->dirty != 0) {
		return MAP_DIRTY;
	}
	return line->old_insns != 0 ? MAP_INSNS : MAP_COHERENT;
}

static enum map_state page_state(const struct page *page)
{
	enum map_state worst = MAP_UNUSED;

	for (unsigned int i = 0; page != NULL && page->lines != NULL && i < LINES_PER_PAGE; i++) {
		enum map_state state = line_state(&page->lines[i]);

		if (state > worst) {
			worst = state;
		}
	}
	return worst;
}

void html_map_end(void *ctx, const struct model *model, uint64_t events, uint64_t time)
{
	struct page_html *html = ctx;

	for (unsigned int i = 0; i < html->nr_regions; i++) {
		struct map_region *region = &html->regions[i];
		uint64_t pages = region->size >> PAGE_SHIFT, per_cell = 1;

		while (pages / per_cell > MAP_CELLS) {
			per_cell *= 2;
		}
		region->per = per_cell << PAGE_SHIFT;
		region->nr_cells = (unsigned int)((pages + per_cell - 1) / per_cell);
		region->cells = calloc(region->nr_cells + 1, 1);
		for (uint64_t at = 0; region->cells != NULL && at < pages; at++) {
			enum map_state state =
				page_state(model_page(model, region->start + (at << PAGE_SHIFT)));
			char *cell = &region->cells[at / per_cell];

			if (*cell < (char)('0' + state)) {
				*cell = (char)('0' + state);
			}
		}
	}
}

static void put_marks(struct page_html *page, const struct map_region *region)
{
	for (const struct cause *cause = page->report->causes; cause != NULL; cause = cause->next) {
		uint64_t paddr = cause->first.paddr;

		if (paddr >= region->start && paddr - region->start < region->size &&
		    cause->suppressed == NULL) {
			fprintf(page->file, "%" PRIu64 " ", (paddr - region->start) / region->per);
		}
	}
}

/* The same as text: runs of one state. */
static void put_map_table(struct page_html *page, const struct map_region *region)
{
	fprintf(page->file,
		"<details><summary>The same as a table</summary><div class=\"scroll\"><table><tbody>\n");
	for (unsigned int i = 0; i < region->nr_cells;) {
		unsigned int end = i + 1;

		while (end < region->nr_cells && region->cells[end] == region->cells[i]) {
			end++;
		}
		fprintf(page->file,
			"<tr><td class=\"n\">0x%" PRIx64 "<td class=\"n\">0x%" PRIx64 "<td>%s\n",
			region->start + i * region->per, region->start + end * region->per - 1,
			map_names[region->cells[i] - '0']);
		i = end;
	}
	fprintf(page->file, "</tbody></table></div></details>\n");
}

void html_put_map(struct page_html *page)
{
	fprintf(page->file, "<h2 id=\"map\">Memory at the end</h2>\n<p class=\"legend\">");
	for (unsigned int i = 0; i < NR_MAP_STATES; i++) {
		fprintf(page->file, "<span><span class=\"key c%u\"></span>%s</span>", i,
			map_names[i]);
	}
	fprintf(page->file,
		"</p>\n<p class=\"soft\">Framed: findings. Point at a cell, or move with the arrow keys.</p>\n");
	for (unsigned int i = 0; i < page->nr_regions; i++) {
		struct map_region *region = &page->regions[i];

		if (region->cells == NULL) {
			continue;
		}
		for (unsigned int j = 0; j < region->nr_cells; j++) {
			region->cells[j] = region->cells[j] == '\0' ? '0' : region->cells[j];
		}
		fprintf(page->file,
			"<p><code>0x%" PRIx64 "</code> to <code>0x%" PRIx64 "</code>, %" PRIu64
			" KiB a cell</p>\n"
			"<canvas class=\"map\" tabindex=\"0\" role=\"img\" aria-label=\"State of memory from 0x%" PRIx64
			"\" data-cols=\"%d\" data-start=\"%" PRIu64 "\" data-per=\"%" PRIu64
			"\" data-marks=\"",
			region->start, region->start + region->size - 1, region->per >> 10,
			region->start, MAP_COLUMNS, region->start, region->per);
		put_marks(page, region);
		fprintf(page->file, "\" data-cells=\"%s\"></canvas><p class=\"where mono\"></p>\n",
			region->cells);
		put_map_table(page, region);
	}
}

void html_put_map_names(struct page_html *page)
{
	for (unsigned int i = 0; i < NR_MAP_STATES; i++) {
		fprintf(page->file, "%s\"%s\"", i == 0 ? "" : ",", map_names[i]);
	}
}
