/* SPDX-License-Identifier: MIT */
/*
 * Reports for people. One block a cause:
 *
 *     cohcheck: V2 read-stale: this cached read may hit an old copy of data that was written past the caches
 *       access   CPU 1 at EL2 reads 8 bytes (WB) at PA 0x40085040, VA 0xffff000040085040
 *                in read_back+0x14 (caches.c:112), pc 0x40080214
 *       written  by CPU 0 at EL2 in fill+0x20 (caches.c:90), pc 0x400801a0
 *       copy     may be fetched at any time through a WB mapping at VA ... (EL2 stage 1, 2 MiB) that is live
 *                made by CPU 0 at EL2 in map_ram+0x40 (mmu.c:30), pc 0x40080400
 *       fix      after the last store past the caches ...
 */
#include "report/report_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/report_kind.h"

#define TEXT_COLUMNS 110
#define LABEL_COLUMN 11

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* " (f.c:12)", " (f.c:12: helper, h.h:3)", or nothing. */
static void source_words(const struct report_place *place, char *text, size_t size)
{
	const struct symbol_place *where = &place->where;

	text[0] = '\0';
	if (where->file != NULL && where->inlined != NULL) {
		snprintf(text, size, " (%s:%d: %s, %s:%d)", base_name(where->file), where->line,
			 where->inlined, base_name(where->inlined_file), where->inlined_line);
	} else if (where->file != NULL) {
		snprintf(text, size, " (%s:%d)", base_name(where->file), where->line);
	}
}

/* "CPU 0 at EL2 in f+0x4 (f.c:12), pc 0x..." */
static void place_words(const struct report_place *place, char *text, size_t size)
{
	char name[256], line[256];

	if (place->what != PLACE_INSN) {
		snprintf(text, size, "%s", report_place_name(place, name, sizeof(name)));
		return;
	}
	source_words(place, line, sizeof(line));
	if (place->where.symbol != NULL) {
		snprintf(text, size, "CPU %u at EL%u in %s%s, pc 0x%" PRIx64, place->cpu, place->el,
			 report_place_name(place, name, sizeof(name)), line, place->pc);
	} else {
		snprintf(text, size, "CPU %u at EL%u, pc 0x%" PRIx64 "%s", place->cpu, place->el,
			 place->pc, line);
	}
}

void report_site_words(const struct report *report, site_t site, char *text, size_t size)
{
	struct report_place place;
	char name[160], line[256];

	report_place_of(report, site, &place);
	if (place.what != PLACE_INSN) {
		snprintf(text, size, "%s",
			 place.what == PLACE_NONE ? "-"
						  : report_place_name(&place, name, sizeof(name)));
		return;
	}
	source_words(&place, line, sizeof(line));
	snprintf(text, size, "%s%s, CPU %u, EL%u", report_place_name(&place, name, sizeof(name)),
		 line, place.cpu, place.el);
}

/* Writes "  label    text", breaking the text between words. */
static void put(FILE *log, const char *label, const char *text)
{
	int column = fprintf(log, "  %-*s", LABEL_COLUMN - 2, label);

	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (column + (int)word > TEXT_COLUMNS && column > LABEL_COLUMN) {
			fprintf(log, "\n%*s", LABEL_COLUMN, "");
			column = LABEL_COLUMN;
		} else if (column > LABEL_COLUMN) {
			fputc(' ', log);
			column++;
		}
		column += fprintf(log, "%.*s", (int)word, text);
		text += word;
		text += strspn(text, " ");
	}
	fputc('\n', log);
}

static bool is_coloured(FILE *log)
{
	return getenv("NO_COLOR") == NULL && isatty(fileno(log));
}

static void put_access(FILE *log, const struct cause *cause)
{
	const struct finding *finding = &cause->first;
	const char *verb = report_kind(finding->kind)->verb;
	char text[1024], place[512], what[160];

	if (finding->kind == FINDING_SET_WAY) {
		snprintf(what, sizeof(what), "executes %s",
			 cause->access.op[0] ? cause->access.op : "DC by set/way");
	} else {
		snprintf(what, sizeof(what), "%s %u bytes (%s) at PA 0x%" PRIx64, verb,
			 finding->size, report_type(finding->type), finding->paddr);
		if (finding->va != 0 && finding->va != finding->paddr) {
			snprintf(what + strlen(what), sizeof(what) - strlen(what),
				 ", VA 0x%" PRIx64, finding->va);
		}
	}
	place_words(&cause->access, place, sizeof(place));
	if (cause->access.what == PLACE_INSN) {
		snprintf(text, sizeof(text), "%s: %s", place, what);
	} else {
		snprintf(text, sizeof(text), "%s %s", place, what);
	}
	put(log, "access", text);
}

static void put_place(FILE *log, const char *label, const struct report_place *place)
{
	char text[512], words[480];

	if (place->what == PLACE_NONE) {
		return;
	}
	place_words(place, words, sizeof(words));
	snprintf(text, sizeof(text), "%s%s%s%s", "by ", words, place->op[0] ? ": " : "", place->op);
	put(log, label, text);
}

static void put_copy(FILE *log, const struct cause *cause)
{
	char text[512];

	report_alias_words(cause, text, sizeof(text));
	if (text[0] != '\0') {
		put(log, cause->first.kind == FINDING_BREAK_BEFORE_MAKE ? "mapping" : "copy", text);
		put_place(log, "mapped", &cause->maker);
		put_place(log, "removed", &cause->unmaker);
	}
}

static bool is_same_place(const struct report_place *one, const struct report_place *other)
{
	return one->what == PLACE_INSN && other->what == PLACE_INSN && one->pc == other->pc &&
	       one->cpu == other->cpu;
}

void report_text_cause(const struct report *report, const struct cause *cause)
{
	FILE *log = report->settings.log;
	const struct report_kind *kind = report_kind(cause->first.kind);
	bool coloured = is_coloured(log);

	fprintf(log, "%scohcheck: %s %s: %s%s\n", coloured ? "\033[1;31m" : "", kind->code,
		kind->name, kind->words, coloured ? "\033[0m" : "");
	put_access(log, cause);
	if (!is_same_place(&cause->writer, &cause->access)) {
		put_place(log, "written", &cause->writer);
	}
	if (!is_same_place(&cause->culprit, &cause->access)) {
		put_place(log, cause->first.kind == FINDING_LOST_INVALIDATE ? "lost" : "spoiled",
			  &cause->culprit);
	}
	put_copy(log, cause);
	put(log, "fix", cause->advice == NULL ? "" : cause->advice);
	fputc('\n', log);
}

static void put_repeats(const struct report *report, FILE *log)
{
	bool titled = false;

	for (const struct cause *cause = report->causes; cause != NULL; cause = cause->next) {
		char access[256], writer[256];

		if (cause->suppressed != NULL || cause->count == 1) {
			continue;
		}
		if (!titled) {
			fprintf(log, "cohcheck: found more than once:\n");
			titled = true;
		}
		fprintf(log, "  %8" PRIu64 "x  %-4s %s", cause->count,
			report_kind(cause->first.kind)->code,
			report_place_name(&cause->access, access, sizeof(access)));
		if (cause->writer.what != PLACE_NONE) {
			fprintf(log, ", written by %s",
				report_place_name(&cause->writer, writer, sizeof(writer)));
		}
		fprintf(log, ", PA 0x%" PRIx64 " to 0x%" PRIx64 "\n", cause->lowest, cause->highest);
	}
}

static void put_suppressions(const struct report *report, FILE *log)
{
	for (const struct suppression *one = report->settings.suppressions; one != NULL;
	     one = one->next) {
		if (one->used != 0) {
			fprintf(log, "cohcheck: %" PRIu64 " suppressed by %s:%u (%s)\n", one->used,
				one->file, one->line, one->reason);
		} else {
			fprintf(log,
				"cohcheck: %s:%u suppressed nothing: remove it if no run needs it\n",
				one->file, one->line);
		}
	}
}

static void put_unchecked(const struct report *report, FILE *log)
{
	for (const struct unchecked *one = report->unchecked; one != NULL; one = one->next) {
		struct report_place place;
		char name[256];

		fprintf(log, "cohcheck: not checked: %s, %" PRIu64 " time%s", one->record.what,
			one->record.count, one->record.count == 1 ? "" : "s");
		if (one->record.first_paddr != 0) {
			fprintf(log, ", first at PA 0x%" PRIx64, one->record.first_paddr);
		}
		report_place_of(report, one->record.first_site, &place);
		if (place.what == PLACE_INSN) {
			fprintf(log, " by %s", report_place_name(&place, name, sizeof(name)));
		}
		fputc('\n', log);
	}
}

void report_end(struct report *report)
{
	FILE *log = report->settings.log;
	uint64_t found = report_found(report);
	unsigned int shown = report->nr_shown;

	if (report->settings.summary) {
		report_text_summary(report);
	}
	put_repeats(report, log);
	put_suppressions(report, log);
	put_unchecked(report, log);
	if (!report->finished) {
		fprintf(log,
			"cohcheck: the run did not come to its end: what was not checked is not known\n");
	}
	if (found == 0) {
		fprintf(log, "cohcheck: nothing found");
	} else {
		fprintf(log, "cohcheck: %" PRIu64 " finding%s of %u cause%s", found,
			found == 1 ? "" : "s", shown, shown == 1 ? "" : "s");
	}
	if (report->nr_suppressed != 0) {
		fprintf(log, ", %" PRIu64 " suppressed", report->nr_suppressed);
	}
	if (report->finished && report->totals.instructions != 0) {
		fprintf(log, " in %" PRIu64 " instructions", report->totals.instructions);
	}
	fputc('\n', log);
	fflush(log);
}
