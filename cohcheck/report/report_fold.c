/* SPDX-License-Identifier: MIT */
/*
 * Findings of one cause become one: same kind, same symbol (without one, the same address; of fetches, the
 * same page), same writer. The first of them is shown, the others are counted.
 */
#include "report/report_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* All but names and lines; false: no instruction, or none that is known. */
static bool place_without_names(const struct report *report, site_t site, struct report_place *place)
{
	const struct stream_site *known;

	*place = (struct report_place){.what = PLACE_NONE};
	switch (SITE_IDX(site)) {
	case SITE_NOBODY:
		return false;
	case SITE_LOADER:
		place->what = PLACE_LOADER;
		return false;
	case SITE_DEVICE:
		place->what = PLACE_DEVICE;
		return false;
	}
	place->what = PLACE_INSN;
	place->cpu = (uint8_t)SITE_CPU(site);
	if (SITE_IDX(site) >= report->nr_sites) {
		return false;
	}
	known = &report->sites[SITE_IDX(site)];
	place->el = known->el;
	place->pc = known->pc;
	place->paddr = known->paddr;
	memcpy(place->op, known->op, sizeof(place->op));
	return true;
}

void report_place_of(const struct report *report, site_t site, struct report_place *place)
{
	if (place_without_names(report, site, place)) {
		symbols_find(report->settings.symbols, place->pc, &place->where);
	}
}

const char *report_place_name(const struct report_place *place, char *text, size_t size)
{
	switch (place->what) {
	case PLACE_NONE:
		return "an unknown writer";
	case PLACE_LOADER:
		return "the boot loader";
	case PLACE_DEVICE:
		return "a device";
	case PLACE_INSN:
		break;
	}
	if (place->where.symbol != NULL) {
		snprintf(text, size, "%s+0x%" PRIx64, place->where.symbol, place->where.offset);
	} else {
		snprintf(text, size, "0x%" PRIx64, place->pc);
	}
	return text;
}

static bool is_fetch(enum finding_kind kind)
{
	return kind >= FINDING_FETCH_UNCLEAN && kind <= FINDING_FETCH_STALE;
}

/* What of the access tells causes apart. */
static uint64_t access_key(const struct report_place *access, enum finding_kind kind)
{
	if (access->what != PLACE_INSN) {
		return access->what;
	}
	if (access->where.symbol != NULL) {
		return access->where.start;
	}
	return is_fetch(kind) ? access->pc >> PAGE_SHIFT : access->pc;
}

static uint64_t writer_key(const struct report_place *writer)
{
	return writer->what == PLACE_INSN ? writer->pc : writer->what;
}

static struct suppression *suppression_of(const struct report *report, const struct cause *cause)
{
	char symbol[32], writer[32];
	struct suppress_candidate candidate = {
		.kind = cause->first.kind,
		.symbol = cause->access.where.symbol,
		.writer = cause->writer.where.symbol,
		.elf = cause->access.where.elf,
	};

	if (candidate.symbol == NULL) {
		candidate.symbol = report_place_name(&cause->access, symbol, sizeof(symbol));
	}
	if (candidate.writer == NULL) {
		candidate.writer = report_place_name(&cause->writer, writer, sizeof(writer));
	}
	return suppress_find(report->settings.suppressions, &candidate);
}

static struct cause *new_cause(struct report *report, const struct stream_finding *found,
			       struct cause **bucket)
{
	const struct finding *finding = &found->finding;
	struct cause *cause = calloc(1, sizeof(*cause));

	if (cause == NULL) {
		return NULL;
	}
	cause->first = *finding;
	cause->time = found->time;
	cause->lowest = finding->paddr;
	cause->highest = finding->paddr;
	report_place_of(report, finding->site, &cause->access);
	report_place_of(report, finding->writer, &cause->writer);
	report_place_of(report, finding->culprit, &cause->culprit);
	if (finding->has_alias) {
		report_place_of(report, finding->alias.maker, &cause->maker);
		report_place_of(report, finding->alias.unmaker, &cause->unmaker);
	}
	cause->suppressed = suppression_of(report, cause);
	cause->advice = report_advice(report, cause);
	cause->bucket_next = *bucket;
	*bucket = cause;
	*report->causes_end = cause;
	report->causes_end = &cause->next;
	report->nr_causes++;
	return cause;
}

struct cause *report_fold(struct report *report, const struct stream_finding *found)
{
	const struct finding *finding = &found->finding;
	struct report_place access, writer;
	struct cause *cause, **bucket;
	uint64_t hash, by, from;

	if (place_without_names(report, finding->site, &access)) {
		symbols_find_name(report->settings.symbols, access.pc, &access.where);
	}
	place_without_names(report, finding->writer, &writer);
	by = access_key(&access, finding->kind);
	from = writer_key(&writer);
	hash = ((by ^ from << 7 ^ (uint64_t)finding->kind << 50) * 0x9e3779b97f4a7c15u) >> 52;
	bucket = &report->buckets[hash % CAUSE_BUCKETS];
	for (cause = *bucket; cause != NULL; cause = cause->bucket_next) {
		if (cause->first.kind == finding->kind &&
		    access_key(&cause->access, finding->kind) == by &&
		    writer_key(&cause->writer) == from && cause->access.what == access.what &&
		    cause->writer.what == writer.what) {
			break;
		}
	}
	if (cause == NULL && (cause = new_cause(report, found, bucket)) == NULL) {
		return NULL;
	}
	cause->count++;
	report->nr_findings++;
	if (finding->paddr < cause->lowest) {
		cause->lowest = finding->paddr;
	}
	if (finding->paddr > cause->highest) {
		cause->highest = finding->paddr;
	}
	if (cause->suppressed != NULL) {
		cause->suppressed->used++;
		report->nr_suppressed++;
	}
	return cause;
}
