/* SPDX-License-Identifier: MIT */
/*
 * Traces: what was found while one was recorded is found when it is replayed, with the same people to
 * blame.
 */
#include "model/model_trace.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define RAM          UINT64_C(0x40000000)
#define NR_PAGES     4u
#define SIZE         (NR_PAGES << PAGE_SHIFT)
#define MAX_FINDINGS 65536u

struct bench {
	struct trace_answers answers; /* first: trace_alias_live() */
	struct finding *findings;
	unsigned int nr_findings;
	FILE *file;
	struct model *model;
	bool alias[NR_PAGES];
	epoch_t gone_at[NR_PAGES]; /* told when asked */
	uint64_t last_time;
};

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((random_state >> 33) * limit >> 31);
}

static void finding(void *ctx, const struct finding *finding)
{
	struct bench *bench = ctx;

	if (bench->nr_findings < MAX_FINDINGS) {
		bench->findings[bench->nr_findings++] = *finding;
	}
}

static bool alias_live(void *ctx, uint64_t paddr, struct alias *alias)
{
	struct bench *bench = ctx;
	unsigned int page = (unsigned int)(paddr - RAM) >> PAGE_SHIFT;

	if (!bench->alias[page] && bench->gone_at[page] != 0) {
		model_alias_gone_at(bench->model, paddr, bench->gone_at[page]);
		bench->gone_at[page] = 0;
	}

	if (bench->alias[page] && alias != NULL) {
		alias->va = 0x1000 * page;
		alias->el = 2;
		alias->stage = 1;
		alias->maker = SITE(77, 1);
	}
	return bench->alias[page];
}

static void changed(void *ctx, const struct model_event *event)
{
	struct bench *bench = ctx;

	assert_true(event->time > bench->last_time);
	bench->last_time = event->time;
	assert_int_equal(trace_write_event(bench->file, event), 0);
}

static void access_memory(struct model *model, site_t site)
{
	uint64_t paddr = RAM + random_below(NR_PAGES) * 4096 + 4096 - 128 + random_below(128);
	unsigned int size = 1 + random_below(16);
	enum mem_type type = (enum mem_type)random_below(MEM_WB + 1);
	struct line *line = model_line(model, paddr);

	switch (random_below(8)) {
	case 0:
		model_walk(model, site, paddr & ~7u, 8, type);
		break;
	case 1:
	case 2:
		model_read(model, site, paddr, size, type);
		break;
	case 3:
		model_fetch(model, site, paddr & ~3u, type, random_below(4) == 0);
		break;
	case 4:
		if (random_below(2) != 0) {
			model_device_read(model, paddr, size, random_below(2) != 0);
		} else {
			model_device_write(model, paddr, size, random_below(2) != 0);
		}
		break;
	default:
		/* As the front end does it. */
		if (type == MEM_WB &&
		    line_write_is_quiet(line, line_words(paddr, 1), line_words(paddr, 1))) {
			line->writer = site;
		} else {
			model_write(model, site, paddr, size, type);
		}
		break;
	}
}

static void maintain(struct model *model, site_t site)
{
	uint64_t paddr = RAM + random_below(NR_PAGES) * 4096 + 4096 - 128 + random_below(128);

	switch (random_below(8)) {
	case 0:
	case 1:
	case 2:
		(void)model_dc(model, site, paddr, (enum dc_op)random_below(DC_IVAC + 1));
		break;
	case 3:
		model_ic(model, site, paddr, (enum ic_op)random_below(IC_IALLUIS + 1));
		break;
	case 4:
		if (random_below(8) == 0) {
			model_cpu_reset(model, SITE_CPU(site));
		} else if (random_below(8) == 0) {
			model_set_way(model, site);
		}
		break;
	default:
		model_dsb(model, site);
		break;
	}
}

static void change_page(struct bench *bench, struct model *model)
{
	unsigned int page = random_below(NR_PAGES);

	switch (random_below(4)) {
	case 0:
		bench->alias[page] = true;
		model_aliases_new(model);
		break;
	case 1:
		if (bench->alias[page]) {
			bench->alias[page] = false;
			if (random_below(2) != 0) {
				model_alias_gone(model, RAM + page * 4096);
			} else {
				bench->gone_at[page] = model_epoch(model);
			}
		}
		break;
	case 2:
		model_fetchable(model, RAM + page * 4096);
		break;
	default:
		model_unfetchable(model, RAM + page * 4096);
		break;
	}
}

static void record(struct bench *bench, const struct model_config *config)
{
	static const struct model_ops ops = {.finding = finding,
					     .alias_live = alias_live,
					     .changed = changed};
	struct model *model = model_create(config, &ops, bench);

	assert_non_null(model);
	bench->model = model;
	assert_int_equal(trace_write_header(bench->file, config), 0);
	model_aliases_new(model);
	assert_true(model_add_region(model, RAM, SIZE));
	model_entry_dirty(model, RAM + 4096 - 64, 64);
	model_entry_clean(model, RAM + 3 * 4096, 4096);
	for (unsigned int i = 0; i < 20000; i++) {
		site_t site = SITE(SITE_FIRST_INSN + i, random_below(3));

		if (i == 500) {
			assert_int_equal(trace_write_site(bench->file,
							  &(struct trace_site){.idx = 5,
									       .pc = 0x1234,
									       .paddr = RAM}),
					 0);
		}
		if (random_below(2000) == 0) {
			model_reset(model);
			memset(bench->gone_at, 0, sizeof(bench->gone_at));
		}
		switch (random_below(16)) {
		case 0:
			change_page(bench, model);
			break;
		case 1:
		case 2:
		case 3:
		case 4:
		case 5:
			maintain(model, site);
			break;
		default:
			access_memory(model, site);
			break;
		}
	}
	model_destroy(model);
}

static void replay(struct bench *bench)
{
	static const struct model_ops ops = {.finding = finding, .alias_live = trace_alias_live};
	struct model_config config;
	struct model_event event;
	struct model *model;
	unsigned int sites = 0;
	int got;

	rewind(bench->file);
	assert_int_equal(trace_read_header(bench->file, &config), 0);
	model = model_create(&config, &ops, bench);
	assert_non_null(model);
	while ((got = trace_read_event(bench->file, &event)) == 1) {
		if (event.kind == EVENT_SITE) {
			struct trace_site site = trace_event_site(&event);

			assert_int_equal(site.idx, 5);
			assert_int_equal(site.pc, 0x1234);
			sites++;
		}
		trace_play(model, &bench->answers, &event);
	}
	assert_int_equal(got, 0);
	assert_int_equal(sites, 1);
	model_destroy(model);
}

static void assert_same(const struct finding *a, const struct finding *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->site, b->site);
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->paddr, b->paddr);
	assert_int_equal(a->writer, b->writer);
	assert_int_equal(a->culprit, b->culprit);
	assert_memory_equal(&a->line, &b->line, sizeof(a->line));
	assert_int_equal(a->has_alias, b->has_alias);
	assert_int_equal(a->alias.state, b->alias.state);
	assert_int_equal(a->alias.va, b->alias.va);
	assert_int_equal(a->alias.maker, b->alias.maker);
	assert_int_equal(a->alias.el, b->alias.el);
}

static void round_trip(uint64_t seed, const struct model_config *config)
{
	struct bench recorded = {.file = tmpfile()};
	struct bench replayed = {.file = recorded.file};

	assert_non_null(recorded.file);
	random_state = seed;
	recorded.findings = calloc(MAX_FINDINGS, sizeof(*recorded.findings));
	replayed.findings = calloc(MAX_FINDINGS, sizeof(*replayed.findings));
	assert_non_null(recorded.findings);
	assert_non_null(replayed.findings);
	record(&recorded, config);
	replay(&replayed);
	assert_true(recorded.nr_findings > 100);
	for (unsigned int i = 0; i < recorded.nr_findings && i < replayed.nr_findings; i++) {
		assert_same(&recorded.findings[i], &replayed.findings[i]);
	}
	assert_int_equal(recorded.nr_findings, replayed.nr_findings);
	free(recorded.findings);
	free(replayed.findings);
	fclose(recorded.file);
}

static void replay_finds_what_the_run_found(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 24; seed++) {
		round_trip(seed, &(struct model_config){.dc_shift = 6,
							.ic_shift = 6,
							.wb_shift = seed % 2 ? 6 : 8,
							.idc = seed % 5 == 0,
							.dic = seed % 7 == 0,
							.adversarial_entry = seed % 3 == 0,
							.nr_cpus = 3});
	}
}

static FILE *file_of(const void *bytes, size_t size)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	assert_true(size == 0 || fwrite(bytes, size, 1, file) == 1);
	rewind(file);
	return file;
}

static void assert_header_refused(const void *bytes, size_t size)
{
	struct model_config config;
	FILE *file = file_of(bytes, size);

	assert_int_equal(trace_read_header(file, &config), -EINVAL);
	fclose(file);
}

static void other_files_are_refused(void **state)
{
	struct trace_header header;

	(void)state;
	memset(&header, 0, sizeof(header));
	assert_header_refused("", 0);
	assert_header_refused(&header, sizeof(header));
	memcpy(header.magic, TRACE_MAGIC, sizeof(header.magic));
	assert_header_refused(&header, sizeof(header) - 1);
	header.config.dc_shift = 200;
	assert_header_refused(&header, sizeof(header));
	header.config.dc_shift = 6;
	*(unsigned char *)&header.config.dic = 3;
	assert_header_refused(&header, sizeof(header));
}

static void assert_event_refused(const struct model_event *event, size_t size)
{
	struct model_event read;
	FILE *file = file_of(event, size);

	assert_int_equal(trace_read_event(file, &read), -EINVAL);
	fclose(file);
}

static void damaged_events_are_refused(void **state)
{
	struct model_event event = {.kind = EVENT_READ};

	(void)state;
	assert_event_refused(&event, sizeof(event) - 1);
	event.type = MEM_WB + 1;
	assert_event_refused(&event, sizeof(event));
	event = (struct model_event){.kind = NR_EVENT_KINDS};
	assert_event_refused(&event, sizeof(event));
	event = (struct model_event){.kind = EVENT_DC, .op = DC_IVAC + 1};
	assert_event_refused(&event, sizeof(event));
	event = (struct model_event){.kind = EVENT_IC, .op = IC_IALLUIS + 1};
	assert_event_refused(&event, sizeof(event));
}

static void full_disk_is_an_error(void **state)
{
	struct model_config config = {0};
	FILE *file = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(file);
	setvbuf(file, NULL, _IONBF, 0);
	assert_int_equal(trace_write_header(file, &config), -ENOSPC);
	assert_int_equal(trace_write_event(file, &(struct model_event){0}), -ENOSPC);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replay_finds_what_the_run_found),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(damaged_events_are_refused),
		cmocka_unit_test(full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
