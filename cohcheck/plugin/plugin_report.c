/* SPDX-License-Identifier: MIT */
/*
 * What the plugin says: findings with the virtual address added, instructions before they are first named, events for a trace,
 * what could not be checked, and totals.
 */
#include "plugin/plugin.h"
#include "report/report_stream.h"

#include <stdio.h>
#include <string.h>

#define MAX_UNCHECKED 64

static struct {
	const char *what;
	struct stream_unchecked record;
} unchecked[MAX_UNCHECKED];
static unsigned int nr_unchecked;

static uint64_t at_va, at_paddr;
static uint64_t nr_findings;
static FILE *trace;
static uint64_t trace_bytes;

void plugin_report_at(uint64_t va, uint64_t paddr)
{
	at_va = va;
	at_paddr = paddr;
}

bool plugin_report_alias_live(void *ctx, uint64_t paddr, struct alias *alias)
{
	return shadow_alias_live(plugin.shadow, paddr, alias);
}

uint64_t plugin_report_time(void)
{
	return qemu_plugin_u64_sum(plugin_word(offsetof(struct plugin_words, insns)));
}

static void op_name(char *name, size_t size, const struct plugin_site *site)
{
	struct arm_op op = {.name = NULL}; /* ordinary instructions leave it alone */

	if (site->flags & SITE_THUMB) {
		arm_decode_t32(&op, site->word);
	} else if (site->flags & SITE_AARCH32) {
		arm_decode_a32(&op, site->word);
	} else {
		arm_decode(&op, site->word);
	}
	if (op.name) {
		snprintf(name, size, "%s", op.name);
	}
}

void plugin_report_site(uint32_t idx)
{
	struct plugin_site *site = plugin_site(idx);

	if (idx < SITE_FIRST_INSN || site->flags & SITE_SENT) {
		return;
	}
	site->flags |= SITE_SENT;

	struct stream_site record = {
		.idx = idx,
		.word = site->word,
		.pc = site->pc,
		.paddr = site->paddr,
		.el = site->el,
		.aarch32 = site->flags & SITE_AARCH32,
		.thumb = site->flags & SITE_THUMB,
	};

	op_name(record.op, sizeof(record.op), site);
	plugin_stream_send(STREAM_SITE, &record, sizeof(record));
}

void plugin_report_finding(void *ctx, const struct finding *finding)
{
	struct stream_finding record = {.finding = *finding, .time = plugin_report_time()};

	if (record.finding.va == 0 && at_va) {
		record.finding.va = at_va + (finding->paddr - at_paddr);
	}
	nr_findings++;
	plugin_report_site(SITE_IDX(finding->site));
	plugin_report_site(SITE_IDX(finding->writer));
	plugin_report_site(SITE_IDX(finding->culprit));
	plugin_report_site(SITE_IDX(finding->line.writer));
	if (finding->has_alias) {
		plugin_report_site(SITE_IDX(finding->alias.maker));
		plugin_report_site(SITE_IDX(finding->alias.unmaker));
	}
	plugin_stream_send(STREAM_FINDING, &record, sizeof(record));
}

static void trace_write(const void *record, size_t size)
{
	fwrite(record, size, 1, trace);
	trace_bytes += size;
}

static void trace_site(uint32_t idx)
{
	struct plugin_site *site = plugin_site(idx);

	if (idx < SITE_FIRST_INSN || site->flags & SITE_TRACED) {
		return;
	}
	site->flags |= SITE_TRACED;

	struct trace_site record = {
		.kind = EVENT_SITE,
		.el = site->el,
		.idx = idx,
		.pc = site->pc,
		.paddr = site->paddr,
		.word = site->word,
	};

	trace_write(&record, sizeof(record));
}

void plugin_report_changed(void *ctx, const struct model_event *event)
{
	struct model_event record = *event;

	if (trace_bytes >= plugin.options.trace_limit) {
		return;
	}
	trace_site(SITE_IDX(event->site));
	record.time = plugin_report_time();
	trace_write(&record, sizeof(record));
	if (trace_bytes >= plugin.options.trace_limit) {
		record = (struct model_event){.kind = EVENT_CUT, .time = record.time};
		trace_write(&record, sizeof(record));
	}
}

/* what: counted apart by its address, so a constant. */
void plugin_report_unchecked(const char *what, uint64_t paddr, site_t site)
{
	unsigned int n = 0;

	while (n < nr_unchecked && unchecked[n].what != what &&
	       strcmp(unchecked[n].what, what) != 0) {
		n++;
	}
	if (n == MAX_UNCHECKED) {
		n--;
	}
	if (n == nr_unchecked) {
		unchecked[n].what = what;
		snprintf(unchecked[n].record.what, sizeof(unchecked[n].record.what), "%s", what);
		unchecked[n].record.first_paddr = paddr;
		unchecked[n].record.first_site = site;
		nr_unchecked++;
	}
	unchecked[n].record.count++;
}

void plugin_report_unchecked_cb(void *ctx, const char *what, uint64_t paddr)
{
	plugin.shadow_blind = true;
	plugin_report_unchecked(what, paddr, SITE_NOBODY);
}

bool plugin_report_init(void)
{
	struct trace_header header = {.magic = TRACE_MAGIC, .config = plugin.config};

	if (plugin.options.trace_fd < 0) {
		return true;
	}
	trace = fdopen(plugin.options.trace_fd, "wb");
	if (!trace) {
		return false;
	}
	setvbuf(trace, NULL, _IOFBF, 1 << 20);
	fwrite(&header, sizeof(header), 1, trace);
	return true;
}

static void model_said(struct stream_totals *totals)
{
	struct model_totals model;
	const char *what;
	uint64_t count;

	model_totals(plugin.model, &model);
	totals->model_bytes = model.bytes;
	totals->lines_dirty = model.lines_dirty;
	totals->lines_stale = model.lines_stale;
	totals->lines_seen = model.lines_seen;
	for (unsigned int n = 0; (what = model_unchecked(plugin.model, n, &count)); n++) {
		struct stream_unchecked record = {.count = count};

		if (count == 0) {
			continue;
		}
		snprintf(record.what, sizeof(record.what), "%s", what);
		plugin_stream_send(STREAM_UNCHECKED, &record, sizeof(record));
	}
}

void plugin_report_end(void)
{
	struct stream_totals totals = {
		.instructions = plugin_report_time(),
		.findings = nr_findings,
	};

	for (unsigned int n = 0; n < plugin.nr_cpus; n++) {
		totals.loads += plugin_fast[n].loads;
		totals.stores += plugin_fast[n].stores;
	}
	for (unsigned int n = 0; n < plugin.nr_regions; n++) {
		totals.ram_bytes += plugin.regions[n].rom ? 0 : plugin.regions[n].size;
	}
	if (plugin.model) {
		model_said(&totals);
		totals.shadow_bytes = shadow_bytes(plugin.shadow);
	}
	for (unsigned int n = 0; n < nr_unchecked; n++) {
		plugin_report_site(SITE_IDX(unchecked[n].record.first_site));
		plugin_stream_send(STREAM_UNCHECKED, &unchecked[n].record,
				   sizeof(unchecked[n].record));
	}
	plugin_maintenance_counts();
	plugin_stream_send(STREAM_TOTALS, &totals, sizeof(totals));
	if (trace) {
		fclose(trace);
		trace = NULL;
	}
}
