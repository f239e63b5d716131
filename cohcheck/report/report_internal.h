/* SPDX-License-Identifier: MIT */
/* What the parts of report/ share: causes, and the places that they name. */
#pragma once

#include "report/report.h"

/* An instruction, or what else can write, with all that is known of it. */
struct report_place {
	enum {
		PLACE_NONE,
		PLACE_LOADER,
		PLACE_DEVICE,
		PLACE_INSN
	} what;
	uint8_t cpu, el;
	uint64_t pc, paddr;
	char op[13]; /* "DC CIVAC"; "" for loads and stores. A copy: the table of sites moves when it grows */
	struct symbol_place where;
};

/* Findings of one kind, from one symbol, of what one instruction wrote. */
struct cause {
	struct cause *next, *bucket_next;
	struct finding first;
	uint64_t time, count;
	uint64_t lowest, highest; /* physical addresses */
	struct report_place access, writer, culprit, maker, unmaker;
	struct suppression *suppressed;
	char *advice;
};

struct unchecked {
	struct unchecked *next;
	struct stream_unchecked record;
};

#define CAUSE_BUCKETS 4096

struct report {
	struct report_settings settings;
	struct stream_hello hello;
	bool started, finished;
	char *refused;
	struct stream_site *sites; /* by index; .pc and all else 0 where none came */
	size_t nr_sites;
	struct cause *causes, **causes_end, *buckets[CAUSE_BUCKETS];
	unsigned int nr_causes, nr_shown; /* shown: written to the log, so not suppressed */
	uint64_t nr_findings, nr_suppressed;
	struct unchecked *unchecked;
	struct stream_counts *counts;
	size_t nr_counts;
	struct stream_totals totals;
};

void report_place_of(const struct report *report, site_t site, struct report_place *place);
/* symbol+0x10, or the address; for what is no instruction, what it is. */
const char *report_place_name(const struct report_place *place, char *text, size_t size);

/* Adds a finding; the cause it belongs to, .count 1 if that is new. NULL: no memory. */
struct cause *report_fold(struct report *report, const struct stream_finding *found);

/* What would repair it: one or two sentences, allocated. */
char *report_advice(const struct report *report, const struct cause *cause);
/* How the copy that does the damage could come to be, or stay; "" where nothing is known. */
void report_alias_words(const struct cause *cause, char *text, size_t size);

void report_text_cause(const struct report *report, const struct cause *cause);
void report_text_summary(const struct report *report);
