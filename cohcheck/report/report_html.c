/* SPDX-License-Identifier: MIT */
/*
 * The run as one HTML file that needs nothing else: findings, for each the life of its line as a chart and
 * a table, and a map of memory at the end. Lives and map come from a replay of the run's trace; without
 * one the page has findings only.
 */
#include "report/report_html.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_kind.h"

static void put_escaped(FILE *file, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", file);
			break;
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		default:
			fputc((unsigned char)*text < ' ' ? ' ' : *text, file);
		}
	}
}

/* --- from the trace ------------------------------------------------------------------------------ */

/* The plugin names only instructions that findings name; the trace has all. */
static void html_site(void *ctx, const struct trace_site *site)
{
	struct page_html *page = ctx;
	struct stream_site known = {.idx = site->idx,
				    .word = site->word,
				    .pc = site->pc,
				    .paddr = site->paddr,
				    .el = site->el};

	if (site->idx >= page->report->nr_sites || page->report->sites[site->idx].idx == 0) {
		report_take(page->report, STREAM_SITE, &known, sizeof(known));
	}
}

static void html_step(void *ctx, unsigned int watch, const struct model_event *event,
		      const struct line *before, const struct line *after, bool found)
{
	struct page_html *page = ctx;

	life_add(&page->lives[watch], event, after, found);
}

static void html_cut(void *ctx, uint64_t time)
{
	struct page_html *page = ctx;

	page->cut = time;
	fprintf(page->report->settings.log,
		"cohcheck: timelines and map in the page end after %" PRIu64
		" instructions: the trace was too long. --trace FILE records a whole one\n",
		time);
}

static void replay(struct page_html *page, FILE *trace)
{
	static const struct replay_ops ops = {.region = html_map_region,
					      .site = html_site,
					      .step = html_step,
					      .cut = html_cut,
					      .end = html_map_end};
	char error[256];

	for (const struct cause *cause = page->report->causes;
	     cause != NULL && page->nr_watches < REPLAY_MAX_WATCHES; cause = cause->next) {
		uint64_t line = cause->first.paddr & ~UINT64_C(63);
		unsigned int known = 0;

		while (known < page->nr_watches && page->watches[known] != line) {
			known++;
		}
		if (known == page->nr_watches && cause->suppressed == NULL &&
		    cause->first.kind != FINDING_SET_WAY) {
			page->watches[page->nr_watches++] = line;
		}
	}
	page->lives = calloc(page->nr_watches + 1, sizeof(*page->lives));
	if (page->lives == NULL) {
		return;
	}
	for (unsigned int i = 0; i < page->nr_watches; i++) {
		page->lives[i].paddr = page->watches[i];
	}
	if (replay_run(trace, page->watches, page->nr_watches, &ops, page, error, sizeof(error)) !=
	    0) {
		fprintf(page->report->settings.log, "cohcheck: no timelines in the page: %s\n",
			error);
	}
}

/* --- a line's life ------------------------------------------------------------------------------- */

#define CHART_LEFT 150

/* Short lives fill the page, long ones scroll. */
static unsigned int step_width(unsigned int steps)
{
	unsigned int width = steps == 0 ? 40 : 900 / steps;

	return width < 12 ? 12 : width > 40 ? 40 : width;
}

static void put_lane(struct page_html *page, const struct life *life, unsigned int lane,
		     const char *name, const char *class, bool (*is_on)(const struct line *line))
{
	unsigned int kept = life_kept(life), y = 22 + lane * 18;
	uint64_t left_out;

	fprintf(page->file, "<text x=\"0\" y=\"%u\">%s</text>", y + 11, name);
	for (unsigned int i = 0; i < kept;) {
		unsigned int end = i + 1;
		bool on = is_on(&life_step(life, i, &left_out)->after);

		while (end < kept && is_on(&life_step(life, end, &left_out)->after) == on) {
			end++;
		}
		fprintf(page->file,
			"<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"14\" class=\"%s\"/>",
			CHART_LEFT + i * step_width(kept), y, (end - i) * step_width(kept),
			on ? class : "c0");
		i = end;
	}
}

static bool is_dirty(const struct line *line)
{
	return line->dirty != 0;
}

static bool is_stale(const struct line *line)
{
	return line->stale != 0;
}

static bool is_unclean(const struct line *line)
{
	return line->unclean != 0 || line->old_insns != 0;
}

static bool is_pending(const struct line *line)
{
	return (line->state & LINE_SNAPSHOT) != 0;
}

static const char *event_letter(const struct model_event *event)
{
	static const char *const letters[NR_EVENT_KINDS] = {"r", "w", "f", "t", "R", "W", "C",
							    "I", "S", "D", "0", "x", "u", "",
							    "l", "p", "",  "",  "w", "M", ""};

	return event->kind < NR_EVENT_KINDS && letters[event->kind] != NULL ? letters[event->kind]
									    : "";
}

static void put_chart(struct page_html *page, const struct life *life)
{
	unsigned int kept = life_kept(life);

	fprintf(page->file,
		"<div class=\"scroll\"><svg role=\"img\" width=\"%u\" height=\"100\" aria-label=\"State of line 0x%" PRIx64
		" over %u steps; the table below says the same\">",
		CHART_LEFT + 10 + kept * step_width(kept), life->paddr, kept);
	put_lane(page, life, 0, "dirty", "c2", is_dirty);
	put_lane(page, life, 1, "old copy or lost", "c4", is_stale);
	put_lane(page, life, 2, "code not clean", "c3", is_unclean);
	put_lane(page, life, 3, "waits for DSB", "c6", is_pending);
	for (unsigned int i = 0; i < kept; i++) {
		uint64_t left_out;
		const struct life_step *step = life_step(life, i, &left_out);
		char what[96];

		replay_event_words(&step->event, what, sizeof(what));
		fprintf(page->file, "<text x=\"%u\" y=\"14\"><title>%s</title>%s</text>",
			CHART_LEFT + 2 + i * step_width(kept), what, event_letter(&step->event));
		if (step->found) {
			fprintf(page->file,
				"<line class=\"hit\" x1=\"%u\" x2=\"%u\" y1=\"16\" y2=\"96\" stroke-width=\"2\"/>",
				CHART_LEFT + 6 + i * step_width(kept),
				CHART_LEFT + 6 + i * step_width(kept));
		}
	}
	fprintf(page->file, "</svg></div>\n");
}

static void put_life(struct page_html *page, const struct life *life)
{
	unsigned int kept = life_kept(life);

	fprintf(page->file,
		"<details><summary>Life of line 0x%" PRIx64 " (%" PRIu64 " steps)</summary>\n",
		life->paddr, life->nr_steps);
	put_chart(page, life);
	fprintf(page->file,
		"<div class=\"scroll\"><table><thead><tr><th class=\"n\">instruction<th>what<th>state then"
		"<th>who</thead><tbody>\n");
	for (unsigned int i = 0; i < kept; i++) {
		uint64_t left_out;
		const struct life_step *step = life_step(life, i, &left_out);
		char what[96], state[160], who[512];

		if (left_out != 0) {
			fprintf(page->file,
				"<tr><td class=\"n\">...<td colspan=\"3\">%" PRIu64
				" steps left out\n",
				left_out);
		}
		replay_event_words(&step->event, what, sizeof(what));
		life_state_words(&step->after, state, sizeof(state));
		report_site_words(page->report, step->event.site, who, sizeof(who));
		fprintf(page->file, "<tr%s><td class=\"n\">%" PRIu64 "<td>%s<td>%s%s<td><code>",
			step->found ? " class=\"found\"" : "", step->event.time, what, state,
			step->found ? " (finding)" : "");
		put_escaped(page->file, who);
		fprintf(page->file, "</code>\n");
	}
	fprintf(page->file, "</tbody></table></div></details>\n");
}

/* --- findings ------------------------------------------------------------------------------------ */

static void put_row(struct page_html *page, const char *label, const char *text, const char *class)
{
	if (text[0] != '\0') {
		fprintf(page->file, "<dt>%s<dd%s>", label, class);
		put_escaped(page->file, text);
		fputc('\n', page->file);
	}
}

static void put_site_row(struct page_html *page, const char *label, site_t site)
{
	char words[512];

	if (site != SITE_NOBODY) {
		report_site_words(page->report, site, words, sizeof(words));
		put_row(page, label, words, " class=\"mono\"");
	}
}

static void put_finding(struct page_html *page, const struct cause *cause, unsigned int number)
{
	const struct finding *finding = &cause->first;
	const struct report_kind *kind = report_kind(finding->kind);
	char text[512];

	fprintf(page->file, "<article id=\"f%u\" tabindex=\"0\"%s><h3><b>%s %s</b>: %s", number,
		cause->suppressed != NULL ? " class=\"suppressed\"" : "", kind->code, kind->name,
		kind->words);
	if (cause->count > 1) {
		fprintf(page->file, " <span class=\"soft\">%" PRIu64 " times</span>", cause->count);
	}
	fprintf(page->file, "</h3>\n<dl>");
	put_site_row(page, "access", finding->site);
	snprintf(text, sizeof(text),
		 "%u bytes as %s at PA 0x%" PRIx64 ", VA 0x%" PRIx64 ", after %" PRIu64
		 " instructions",
		 finding->size, report_type(finding->type), finding->paddr, finding->va,
		 cause->time);
	put_row(page, "", text, "");
	put_site_row(page, "written by", finding->writer);
	put_site_row(page, "spoiled by", finding->culprit);
	report_alias_words(cause, text, sizeof(text));
	put_row(page, "copy", text, "");
	if (finding->has_alias) {
		put_site_row(page, "mapped by", finding->alias.maker);
		put_site_row(page, "removed by", finding->alias.unmaker);
	}
	if (cause->suppressed != NULL) {
		put_row(page, "suppressed", cause->suppressed->reason, "");
	}
	put_row(page, "fix", cause->advice == NULL ? "" : cause->advice, " class=\"fix\"");
	fprintf(page->file, "</dl>\n");
	for (unsigned int i = 0; i < page->nr_watches; i++) {
		if (page->watches[i] == (finding->paddr & ~UINT64_C(63)) &&
		    page->lives[i].nr_steps != 0) {
			put_life(page, &page->lives[i]);
		}
	}
	fprintf(page->file, "</article>\n");
}

static void put_head(struct page_html *page)
{
	const struct report *report = page->report;

	fprintf(page->file,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
		"content=\"width=device-width,initial-scale=1\"><title>cohcheck: %" PRIu64
		" findings</title>\n<style>\n%s"
		"</style></head><body>\n<h1>cohcheck</h1>\n",
		report_found(report), html_style);
	fprintf(page->file, "<p>%" PRIu64 " finding%s of %u cause%s", report_found(report),
		report_found(report) == 1 ? "" : "s", report->nr_shown,
		report->nr_shown == 1 ? "" : "s");
	if (report->nr_suppressed != 0) {
		fprintf(page->file, ", %" PRIu64 " suppressed", report->nr_suppressed);
	}
	fprintf(page->file, " in %" PRIu64 " instructions.", report->totals.instructions);
	if (page->cut != 0) {
		fprintf(page->file,
			" Timelines and map end after %" PRIu64
			" instructions, where the trace became too long.",
			page->cut);
	}
	fprintf(page->file, "</p>\n");
	fprintf(page->file,
		"<nav><input id=\"find\" type=\"search\" placeholder=\"Filter findings\" aria-label=\"Filter findings\">"
		"<label><input id=\"hide\" type=\"checkbox\"> hide suppressed</label><span id=\"shown\" class=\"soft\"></span>"
		"<a href=\"#map\">Map</a><a href=\"#unchecked\">Not checked</a>"
		"<span class=\"soft\">Keys: j, k next and previous, / filter</span></nav>\n");
}

static void put_tail(struct page_html *page)
{
	fprintf(page->file, "<h2 id=\"unchecked\">Not checked</h2>\n<ul>");
	for (const struct unchecked *one = page->report->unchecked; one != NULL; one = one->next) {
		fprintf(page->file, "<li>");
		put_escaped(page->file, one->record.what);
		fprintf(page->file, ": %" PRIu64 "\n", one->record.count);
	}
	if (page->report->unchecked == NULL) {
		fprintf(page->file, "<li>%s",
			page->report->finished ? "Nothing was left out."
					       : "Not known: the run did not end.");
	}
	fprintf(page->file, "</ul>\n<script type=\"application/json\" id=\"states\">[");
	html_put_map_names(page);
	fprintf(page->file, "]</script>\n<script>\n%s</script>\n</body></html>\n", html_script);
}

int report_write_html(struct report *report, FILE *file, FILE *trace)
{
	struct page_html page = {.report = report, .file = file};
	unsigned int number = 0;

	if (trace != NULL) {
		replay(&page, trace);
	}
	errno = 0;
	put_head(&page);
	fprintf(file, "<h2>Findings</h2>\n");
	for (const struct cause *cause = report->causes; cause != NULL; cause = cause->next) {
		put_finding(&page, cause, number++);
	}
	if (report->causes == NULL) {
		fprintf(file, "<p>None.</p>\n");
	}
	if (page.nr_regions != 0) {
		html_put_map(&page);
	}
	put_tail(&page);
	for (unsigned int i = 0; i < page.nr_regions; i++) {
		free(page.regions[i].cells);
	}
	free(page.lives);
	if (fflush(file) != 0 || ferror(file)) {
		return errno == 0 ? -EIO : -errno;
	}
	return 0;
}
