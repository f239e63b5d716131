/* SPDX-License-Identifier: MIT */
/* JSON and HTML: structure and escaping; replay: the life of a line and the map. */
#include "report/report_fake.h"

#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/report_life.h"

static const char *text_at(struct json_object *object, const char *key)
{
	return json_object_get_string(json_object_object_get(object, key));
}

static char *written(struct report *report, FILE *trace,
		     int (*write)(struct report *, FILE *, FILE *))
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_int_equal(write(report, file, trace), 0);
	fclose(file);
	return text;
}

static int write_json(struct report *report, FILE *file, FILE *trace)
{
	return report_write_json(report, file);
}

static void add_finding(struct fake *fake)
{
	struct stream_finding finding =
		fake_finding(FINDING_READ_STALE, fake_site(fake, 3, 1, 1, 0x1000, ""),
			     fake_site(fake, 4, 0, 2, 0x2000, ""));

	finding.finding.has_alias = true;
	finding.finding.alias = (struct alias){.state = ALIAS_GONE,
					       .type = MEM_WB,
					       .el = 2,
					       .stage = 1,
					       .va = 0xffff800000000000,
					       .size = 4096,
					       .maker = SITE(4, 0)};
	fake_send(fake, &finding);
	fake_send(fake, &finding);
}

static void json_has_the_agreed_members(void **state)
{
	struct stream_unchecked unchecked = {.what = "a \"quoted\" thing", .count = 3};
	struct json_object *root, *finding, *access, *alias, *one;
	struct fake fake;
	char *text;

	fake_start(&fake, NULL, NULL);
	add_finding(&fake);
	report_take(fake.report, STREAM_UNCHECKED, &unchecked, sizeof(unchecked));
	fake_totals(&fake);
	text = written(fake.report, NULL, write_json);
	root = json_tokener_parse(text);
	assert_non_null(root);
	assert_int_equal(json_object_get_int(json_object_object_get(root, "version")), 1);
	assert_int_equal(json_object_array_length(json_object_object_get(root, "findings")), 1);
	finding = json_object_array_get_idx(json_object_object_get(root, "findings"), 0);
	assert_string_equal(text_at(finding, "kind"), "V2");
	assert_string_equal(text_at(finding, "name"), "read-stale");
	assert_int_equal(json_object_get_int(json_object_object_get(finding, "count")), 2);
	assert_false(json_object_get_boolean(json_object_object_get(finding, "suppressed")));
	assert_true(strlen(text_at(finding, "advice")) > 40);
	access = json_object_object_get(finding, "access");
	assert_string_equal(text_at(access, "va"), "0xffff000040001008");
	assert_string_equal(text_at(access, "pa"), "0x40001008");
	assert_string_equal(text_at(access, "pc"), "0x1000");
	assert_string_equal(text_at(access, "type"), "WB");
	assert_int_equal(json_object_get_int(json_object_object_get(access, "cpu")), 1);
	assert_int_equal(json_object_get_int(json_object_object_get(access, "size")), 8);
	assert_int_equal(json_object_get_int(
				 json_object_object_get(json_object_object_get(finding, "writer"),
							"el")),
			 2);
	assert_true(json_object_object_get_ex(finding, "culprit", &one));
	assert_null(one);
	alias = json_object_object_get(finding, "alias");
	assert_string_equal(text_at(alias, "state"), "gone");
	assert_string_equal(text_at(alias, "va"), "0xffff800000000000");
	assert_string_equal(text_at(json_object_object_get(alias, "maker"), "pc"), "0x2000");
	one = json_object_array_get_idx(json_object_object_get(root, "unchecked"), 0);
	assert_string_equal(text_at(one, "what"), "a \"quoted\" thing");
	assert_int_equal(json_object_get_int(
				 json_object_object_get(json_object_object_get(root, "totals"),
							"instructions")),
			 5000);
	json_object_put(root);
	free(text);
	fake_end(&fake);
}

static void findings_outlive_the_growth_of_the_table_of_sites(void **state)
{
	struct fake fake;
	char *text;

	fake_start(&fake, NULL, NULL);
	add_finding(&fake);
	for (uint32_t idx = 10; idx < 20000; idx *= 2) {
		fake_site(&fake, idx, 0, 1, 0x1000 + idx, "DC CVAC");
	}
	text = written(fake.report, NULL, write_json);
	assert_non_null(strstr(text, "0x2000"));
	free(text);
	fake_end(&fake);
}

/*
 * Every tag that needs one has its end, in order. Void elements and those whose end may be left out in HTML are not
 * looked at.
 */
static void check_nesting(const char *text)
{
	static const char *const paired[] = {"html",    "head",   "body",  "style", "script",
					     "article", "dl",     "table", "svg",   "details",
					     "nav",     "canvas", "ul",    "tbody", "thead",
					     "div",     "h1",     "h2",    "h3",    "title"};
	const char *stack[64];
	size_t lengths[64];
	unsigned int depth = 0;

	for (const char *at = strchr(text, '<'); at != NULL; at = strchr(at + 1, '<')) {
		bool closes = at[1] == '/';
		const char *name = at + 1 + closes;
		size_t length = strcspn(name, " >\n/");

		if (!closes && depth > 0 &&
		    (strncmp(stack[depth - 1], "script", 6) == 0 ||
		     strncmp(stack[depth - 1], "style", 5) == 0)) {
			continue;
		}
		for (size_t i = 0; i < sizeof(paired) / sizeof(paired[0]); i++) {
			if (strlen(paired[i]) != length || strncmp(paired[i], name, length) != 0) {
				continue;
			}
			if (closes) {
				assert_true(depth > 0);
				depth--;
				assert_int_equal(lengths[depth], length);
				assert_int_equal(strncmp(stack[depth], name, length), 0);
			} else {
				assert_true(depth < 64);
				stack[depth] = name;
				lengths[depth++] = length;
			}
		}
	}
	assert_int_equal(depth, 0);
}

static void check_self_contained(const char *text)
{
	static const char *const outside[] = {"http:",   "https:", "src=",  "url(",
					      "@import", "<link",  "fetch("};

	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		assert_null(strstr(text, outside[i]));
	}
}

static void html_is_one_well_formed_page(void **state)
{
	struct stream_unchecked unchecked = {.what = "<script>alert(1)</script> & co", .count = 3};
	struct fake fake;
	char *text;

	fake_start(&fake, NULL, NULL);
	add_finding(&fake);
	report_take(fake.report, STREAM_UNCHECKED, &unchecked, sizeof(unchecked));
	text = written(fake.report, NULL, report_write_html);
	assert_int_equal(strncmp(text, "<!DOCTYPE html>", 15), 0);
	assert_non_null(strstr(text, "V2 read-stale"));
	assert_non_null(strstr(text, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co"));
	assert_null(strstr(text, "<script>alert"));
	check_nesting(text);
	check_self_contained(text);
	free(text);
	fake_end(&fake);
}

static void html_without_findings_says_so(void **state)
{
	struct fake fake;
	char *text;

	fake_start(&fake, NULL, NULL);
	fake_totals(&fake);
	text = written(fake.report, NULL, report_write_html);
	assert_non_null(strstr(text, "<p>None.</p>"));
	check_nesting(text);
	free(text);
	fake_end(&fake);
}

/* --- a trace: a line is dirtied, cleaned, and read past the caches too early -------------------------- */

static void put(FILE *trace, enum model_event_kind kind, enum mem_type type, unsigned int op,
		site_t site, uint64_t paddr, uint64_t size)
{
	static uint64_t time;
	struct model_event event = {.kind = (uint8_t)kind,
				    .type = (uint8_t)type,
				    .op = (uint8_t)op,
				    .site = site,
				    .paddr = paddr,
				    .size = size,
				    .time = ++time};

	assert_int_equal(trace_write_event(trace, &event), 0);
}

static FILE *make_trace(void)
{
	struct model_config config = {.dc_shift = 6, .ic_shift = 6, .wb_shift = 6, .nr_cpus = 2};
	struct trace_site site = {.idx = 3, .el = 1, .pc = 0x40080000};
	FILE *trace = tmpfile();

	assert_non_null(trace);
	assert_int_equal(trace_write_header(trace, &config), 0);
	put(trace, EVENT_REGION, 0, 0, 0, 0x40000000, 1 << 20);
	assert_int_equal(trace_write_site(trace, &site), 0);
	put(trace, EVENT_WRITE, MEM_WB, 0, SITE(3, 0), 0x40001000, 8);
	put(trace, EVENT_WRITE, MEM_WB, 0, SITE(3, 0), 0x40005000, 8); /* another line */
	put(trace, EVENT_DC, 0, DC_CVAC, SITE(3, 0), 0x40001010, 0);
	put(trace, EVENT_READ, MEM_NC, 0, SITE(3, 1), 0x40001000, 8); /* the DSB comes later */
	put(trace, EVENT_DSB, 0, 0, SITE(3, 0), 0, 0);
	put(trace, EVENT_READ, MEM_NC, 0, SITE(3, 1), 0x40001000, 8);
	return trace;
}

struct seen {
	struct life life;
	unsigned int findings, sites;
	uint64_t finding_paddr;
};

static void see_finding(void *ctx, const struct finding *finding, uint64_t time)
{
	struct seen *seen = ctx;

	seen->findings++;
	seen->finding_paddr = finding->paddr;
	assert_int_equal(finding->kind, FINDING_READ_UNDER_DIRTY);
}

static void see_site(void *ctx, const struct trace_site *site)
{
	struct seen *seen = ctx;

	seen->sites++;
	assert_int_equal(site->pc, 0x40080000);
}

static void see_step(void *ctx, unsigned int watch, const struct model_event *event,
		     const struct line *before, const struct line *after, bool found)
{
	life_add(&((struct seen *)ctx)->life, event, after, found);
}

static void replay_finds_it_again_and_follows_the_line(void **state)
{
	static const struct replay_ops ops = {.finding = see_finding,
					      .site = see_site,
					      .step = see_step};
	static const uint8_t kinds[] = {EVENT_WRITE, EVENT_DC, EVENT_READ, EVENT_DSB, EVENT_READ};
	FILE *trace = make_trace();
	uint64_t watch = 0x40001004;
	struct seen seen = {.findings = 0};
	char error[256], words[160];
	uint64_t left_out;

	assert_int_equal(replay_run(trace, &watch, 1, &ops, &seen, error, sizeof(error)), 0);
	assert_int_equal(seen.findings, 1);
	assert_int_equal(seen.finding_paddr, 0x40001000);
	assert_int_equal(seen.sites, 1);
	assert_int_equal(seen.life.nr_steps, 5);
	for (unsigned int i = 0; i < 5; i++) {
		const struct life_step *step = life_step(&seen.life, i, &left_out);

		assert_int_equal(step->event.kind, kinds[i]);
		assert_int_equal(step->found, i == 2);
	}
	life_state_words(&life_step(&seen.life, 0, &left_out)->after, words, sizeof(words));
	assert_non_null(strstr(words, "dirty"));
	life_state_words(&life_step(&seen.life, 3, &left_out)->after, words, sizeof(words));
	assert_null(strstr(words, "dirty"));
	replay_event_words(&life_step(&seen.life, 1, &left_out)->event, words, sizeof(words));
	assert_string_equal(words, "DC CVAC");
	fclose(trace);
}

static void a_damaged_trace_is_refused(void **state)
{
	static const struct replay_ops ops = {.finding = NULL};
	FILE *trace = make_trace();
	char error[256];

	fseek(trace, 0, SEEK_END);
	assert_int_equal(fwrite("xyz", 1, 3, trace), 3);
	assert_int_not_equal(replay_run(trace, NULL, 0, &ops, NULL, error, sizeof(error)), 0);
	assert_non_null(strstr(error, "damaged"));
	rewind(trace);
	assert_int_equal(fwrite("other", 1, 5, trace), 5);
	assert_int_not_equal(replay_run(trace, NULL, 0, &ops, NULL, error, sizeof(error)), 0);
	assert_non_null(strstr(error, "no trace"));
	fclose(trace);
}

static void html_shows_life_and_map_of_a_trace(void **state)
{
	struct stream_finding finding;
	FILE *trace = make_trace();
	struct fake fake;
	char *text, *cells;

	fake_start(&fake, NULL, NULL);
	finding = fake_finding(FINDING_READ_UNDER_DIRTY, fake_site(&fake, 3, 1, 1, 0x40080000, ""),
			       SITE(3, 0));
	fake_send(&fake, &finding);
	text = written(fake.report, trace, report_write_html);
	assert_non_null(strstr(text, "Life of line 0x40001000 (5 steps)"));
	assert_non_null(strstr(text, "class=\"found\""));
	cells = strstr(text, "data-cells=\"");
	assert_non_null(cells);
	/* 256 pages of 4 KiB: page 1 is coherent again but for the code side, page 5 is dirty. */
	assert_int_equal(strcspn(cells + 12, "\""), 256);
	assert_int_equal(cells[12], '0');
	assert_int_not_equal(cells[13], '0');
	assert_int_equal(cells[12 + 5], '2');
	assert_non_null(strstr(text, "data-marks=\"1 \""));
	assert_null(strstr(text, "end after"));
	check_nesting(text);
	check_self_contained(text);
	free(text);
	fake_end(&fake);
	fclose(trace);
}

static void html_says_that_a_trace_was_cut_short(void **state)
{
	FILE *trace = make_trace();
	struct fake fake;
	char *text;

	assert_int_equal(fseek(trace, 0, SEEK_END), 0);
	assert_int_equal(trace_write_event(trace,
					   &(struct model_event){.kind = EVENT_CUT, .time = 4711}),
			 0);
	fake_start(&fake, NULL, NULL);
	text = written(fake.report, trace, report_write_html);
	assert_non_null(strstr(text, "Timelines and map end after 4711 instructions"));
	assert_non_null(strstr(text, "data-cells=\""));
	free(text);
	fake_end(&fake);
	fclose(trace);
}

static void long_lives_keep_their_beginning_and_end(void **state)
{
	struct life life = {.paddr = 0x1000};
	struct line line = {.dirty = 1};
	uint64_t left_out, missing = 0;

	for (uint64_t i = 0; i < 1000; i++) {
		struct model_event event = {.kind = EVENT_WRITE, .time = i};

		life_add(&life, &event, &line, false);
	}
	assert_int_equal(life_kept(&life), 2 * LIFE_KEEP);
	assert_int_equal(life_step(&life, 0, &left_out)->event.time, 0);
	assert_int_equal(life_step(&life, 2 * LIFE_KEEP - 1, &left_out)->event.time, 999);
	for (unsigned int i = 0; i < 2 * LIFE_KEEP; i++) {
		const struct life_step *step = life_step(&life, i, &left_out);

		missing += left_out;
		assert_int_equal(step->event.time, i + missing);
	}
	assert_int_equal(missing, 1000 - 2 * LIFE_KEEP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_has_the_agreed_members),
		cmocka_unit_test(findings_outlive_the_growth_of_the_table_of_sites),
		cmocka_unit_test(html_is_one_well_formed_page),
		cmocka_unit_test(html_without_findings_says_so),
		cmocka_unit_test(replay_finds_it_again_and_follows_the_line),
		cmocka_unit_test(a_damaged_trace_is_refused),
		cmocka_unit_test(html_shows_life_and_map_of_a_trace),
		cmocka_unit_test(html_says_that_a_trace_was_cut_short),
		cmocka_unit_test(long_lives_keep_their_beginning_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
