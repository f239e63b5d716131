/* SPDX-License-Identifier: MIT */
/*
 * --summary: which maintenance was executed where, and how much of it had nothing to do; what the run cost.
 */
#include "report/report_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct row {
	char op[16], name[96];
	uint64_t executed, redundant;
	bool dropped;
};

static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	if (a->executed != b->executed) {
		return a->executed > b->executed ? -1 : 1;
	}
	return strcmp(a->name, b->name);
}

/* One row for an operation in a symbol, however many instructions of it there are. */
static size_t collect(const struct report *report, struct row *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < report->nr_counts; i++) {
		const struct stream_counts *counts = &report->counts[i];
		struct report_place place;
		struct row row = {.executed = counts->executed,
				  .redundant = counts->redundant,
				  .dropped = counts->dropped};
		size_t at;

		report_place_of(report, counts->site, &place);
		snprintf(row.op, sizeof(row.op), "%s", place.op);
		if (place.where.symbol != NULL) {
			snprintf(row.name, sizeof(row.name), "%s", place.where.symbol);
		} else {
			snprintf(row.name, sizeof(row.name), "0x%" PRIx64, place.pc);
		}
		for (at = 0; at < count; at++) {
			if (strcmp(rows[at].name, row.name) == 0 &&
			    strcmp(rows[at].op, row.op) == 0 && rows[at].dropped == row.dropped) {
				break;
			}
		}
		if (at == count) {
			rows[count++] = row;
		} else {
			rows[at].executed += row.executed;
			rows[at].redundant += row.redundant;
		}
	}
	qsort(rows, count, sizeof(*rows), compare_rows);
	return count;
}

static void put_maintenance(const struct report *report, FILE *log)
{
	struct row *rows = calloc(report->nr_counts + 1, sizeof(*rows));
	size_t count = rows == NULL ? 0 : collect(report, rows);

	fprintf(log, "cohcheck: maintenance executed, and redundant: on lines that needed none\n");
	fprintf(log, "  %-13s %12s %12s      %s\n", "operation", "executed", "redundant", "in");
	for (size_t i = 0; i < count; i++) {
		fprintf(log, "  %-13s %12" PRIu64 " %12" PRIu64 " %3.0f%% %s%s\n", rows[i].op,
			rows[i].executed, rows[i].redundant,
			rows[i].executed == 0
				? 0
				: 100.0 * (double)rows[i].redundant / (double)rows[i].executed,
			rows[i].name, rows[i].dropped ? " (dropped)" : "");
	}
	if (count == 0) {
		fprintf(log, "  none\n");
	}
	free(rows);
}

void report_text_summary(const struct report *report)
{
	FILE *log = report->settings.log;
	const struct stream_totals *totals = &report->totals;

	put_maintenance(report, log);
	fprintf(log, "cohcheck: %" PRIu64 " instructions, %" PRIu64 " loads, %" PRIu64 " stores\n",
		totals->instructions, totals->loads, totals->stores);
	fprintf(log,
		"cohcheck: lines at the end: %" PRIu64 " used, of them %" PRIu64
		" that a cache may hold dirty, %" PRIu64 " stale\n",
		totals->lines_seen, totals->lines_dirty, totals->lines_stale);
	if (totals->ram_bytes != 0) {
		fprintf(log,
			"cohcheck: memory: %.1f MiB for lines, %.1f MiB for tables: %.3f bytes per byte of guest RAM\n",
			(double)totals->model_bytes / 1048576.0,
			(double)totals->shadow_bytes / 1048576.0,
			(double)(totals->model_bytes + totals->shadow_bytes) /
				(double)totals->ram_bytes);
	}
}
