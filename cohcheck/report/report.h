/* SPDX-License-Identifier: MIT */
/*
 * From findings to reports: names for addresses, suppression, folding of findings with one cause, and the
 * result as text, JSON and HTML. Fed with the records of report_stream.h, from the plugin or from the
 * replay of a trace.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "report/report_stream.h"
#include "report/report_suppress.h"
#include "report/report_symbols.h"

struct report_settings {
	FILE *log;               /* reports are written here as they come */
	struct symbols *symbols; /* may be NULL */
	struct suppression *suppressions;
	bool summary; /* --summary: a table of maintenance at the end */
};

struct report;

struct report *report_create(const struct report_settings *settings);
void report_destroy(struct report *report);

/*
 * One record. 0, or -EINVAL with a message in the log: the stream is broken and nothing behind it can be
 * trusted. A new finding that is not suppressed is written to the log at once.
 */
int report_take(struct report *report, uint32_t type, const void *data, uint32_t length);

/* What only the command knows to be unchecked. */
void report_add_unchecked(struct report *report, const char *what, uint64_t count);

bool report_started(const struct report *report);  /* the plugin has said hello */
bool report_finished(const struct report *report); /* the totals have come: nothing is missing */
const char *report_refused(const struct report *report); /* NULL, or why the plugin does not work */
uint64_t report_found(const struct report *report);      /* findings that are not suppressed */
const struct stream_hello *report_hello(const struct report *report);

/* Who that is, in words, for tables: "f+0x4 (f.c:12), CPU 0, EL2". */
void report_site_words(const struct report *report, site_t site, char *text, size_t size);

/* Counts, unused suppressions, what was not checked: the last words in the log. */
void report_end(struct report *report);

/* -errno when the file cannot be written. */
int report_write_json(struct report *report, FILE *file);
/* trace: a recorded trace of the run for timelines and map, positioned anywhere, or NULL. */
int report_write_html(struct report *report, FILE *file, FILE *trace);
