/* SPDX-License-Identifier: MIT */
/* What is one cause, what is printed of it, what is suppressed, and what advice it gets. */
#include "report/report_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned int occurrences(const char *text, const char *what)
{
	unsigned int count = 0;

	for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
		count++;
	}
	return count;
}

static void the_same_access_and_writer_is_one_cause(void **state)
{
	struct fake fake;
	struct stream_finding finding;

	fake_start(&fake, NULL, NULL);
	finding = fake_finding(FINDING_READ_STALE, fake_site(&fake, 3, 0, 1, 0x1000, ""),
			       fake_site(&fake, 4, 1, 2, 0x2000, ""));
	assert_int_equal(fake_send(&fake, &finding), 0);
	finding.finding.paddr += 0x40;
	finding.finding.site = SITE(3, 1); /* another CPU does not make another cause */
	assert_int_equal(fake_send(&fake, &finding), 0);
	assert_int_equal(fake.report->nr_causes, 1);
	assert_int_equal(fake.report->causes->count, 2);
	assert_int_equal(fake.report->causes->highest, 0x40001048);
	assert_int_equal(report_found(fake.report), 2);
	assert_int_equal(occurrences(fake_log(&fake), "V2 read-stale:"), 1);
	fake_end(&fake);
}

static void other_kinds_accesses_and_writers_are_other_causes(void **state)
{
	struct fake fake;
	struct stream_finding finding;
	site_t access, other, writer;

	fake_start(&fake, NULL, NULL);
	access = fake_site(&fake, 3, 0, 1, 0x1000, "");
	other = fake_site(&fake, 4, 0, 1, 0x1004, "");
	writer = fake_site(&fake, 5, 0, 1, 0x2000, "");
	finding = fake_finding(FINDING_READ_STALE, access, writer);
	fake_send(&fake, &finding);
	finding = fake_finding(FINDING_READ_UNDER_DIRTY, access, writer);
	fake_send(&fake, &finding);
	finding = fake_finding(FINDING_READ_STALE, other, writer);
	fake_send(&fake, &finding);
	finding = fake_finding(FINDING_READ_STALE, access, other);
	fake_send(&fake, &finding);
	finding = fake_finding(FINDING_READ_STALE, access, SITE_LOADER);
	fake_send(&fake, &finding);
	finding = fake_finding(FINDING_READ_STALE, access, SITE_DEVICE);
	fake_send(&fake, &finding);
	assert_int_equal(fake.report->nr_causes, 6);
	fake_end(&fake);
}

static void thousands_of_causes_are_kept_apart(void **state)
{
	struct fake fake;
	struct stream_finding finding;
	site_t access;

	fake_start(&fake, NULL, NULL);
	access = fake_site(&fake, 3, 0, 1, 0x1000, "");
	for (uint32_t i = 0; i < 3 * CAUSE_BUCKETS; i++) {
		finding = fake_finding(FINDING_READ_STALE, access,
				       fake_site(&fake, 4 + i, 0, 1, 0x2000 + i * 4, ""));
		fake_send(&fake, &finding);
	}
	assert_int_equal(fake.report->nr_causes, 3 * CAUSE_BUCKETS);
	assert_int_equal(occurrences(fake_log(&fake), "V2 read-stale"), 200);
	assert_int_equal(occurrences(fake_log(&fake), "only counted"), 1);
	fake_end(&fake);
}

static void fetches_of_a_page_without_symbols_are_one_cause(void **state)
{
	struct fake fake;
	struct stream_finding finding;

	fake_start(&fake, NULL, NULL);
	for (uint32_t i = 0; i < 4; i++) {
		finding = fake_finding(FINDING_FETCH_UNCLEAN,
				       fake_site(&fake, 3 + i, 0, 1, 0x1ff8 + i * 4, ""),
				       SITE_LOADER);
		fake_send(&fake, &finding);
	}
	assert_int_equal(fake.report->nr_causes, 2);
	fake_end(&fake);
}

static void with_symbols_the_function_is_what_counts(void **state)
{
	struct symbols *symbols = symbols_create();
	struct fake fake;
	struct stream_finding finding;
	char error[256];

	assert_int_equal(symbols_add(symbols, SYMBOLS_ELF, error, sizeof(error)), 0);
	fake_start(&fake, symbols, NULL);
	for (uint32_t i = 0; i < 0x60; i += 4) {
		finding = fake_finding(FINDING_READ_STALE,
				       fake_site(&fake, 3 + i, 0, 1, 0x40080000 + i, ""),
				       SITE_LOADER);
		fake_send(&fake, &finding);
	}
	assert_in_range(fake.report->nr_causes, 2, 4); /* the functions of the target */
	assert_non_null(strstr(fake_log(&fake), "target_first+0x0 (report_symbols_target.c:"));
	fake_end(&fake);
	symbols_destroy(symbols);
}

static void suppressed_findings_are_counted_but_not_shown(void **state)
{
	struct suppression *used = calloc(1, sizeof(*used)), *unused = calloc(1, sizeof(*unused));
	struct fake fake;
	struct stream_finding finding;

	*used = (struct suppression){.next = unused,
				     .file = strdup("known"),
				     .line = 7,
				     .kind = FINDING_READ_STALE,
				     .symbol = strdup("0x1000"),
				     .reason = strdup("hardware does it")};
	*unused = (struct suppression){.file = strdup("known"),
				       .line = 8,
				       .any_kind = true,
				       .symbol = strdup("never"),
				       .reason = strdup("x")};
	fake_start(&fake, NULL, used);
	finding = fake_finding(FINDING_READ_STALE, fake_site(&fake, 3, 0, 1, 0x1000, ""),
			       SITE_LOADER);
	fake_send(&fake, &finding);
	fake_send(&fake, &finding);
	assert_int_equal(report_found(fake.report), 0);
	assert_null(strstr(fake_log(&fake), "V2"));
	fake_totals(&fake);
	report_end(fake.report);
	assert_non_null(strstr(fake_log(&fake), "2 suppressed by known:7 (hardware does it)"));
	assert_non_null(strstr(fake_log(&fake), "known:8 suppressed nothing"));
	assert_non_null(strstr(fake_log(&fake), "nothing found, 2 suppressed in 5000 instructions"));
	fake_end(&fake);
	suppress_free(used);
}

static void a_block_names_access_writer_alias_and_fix(void **state)
{
	struct fake fake;
	struct stream_finding finding;
	site_t maker;
	const char *log;

	fake_start(&fake, NULL, NULL);
	finding = fake_finding(FINDING_READ_STALE, fake_site(&fake, 3, 1, 1, 0x1000, ""),
			       fake_site(&fake, 4, 0, 1, 0x2000, ""));
	maker = fake_site(&fake, 5, 0, 2, 0x3000, "");
	finding.finding.has_alias = true;
	finding.finding.alias = (struct alias){.state = ALIAS_LIVE,
					       .type = MEM_WB,
					       .el = 2,
					       .stage = 1,
					       .va = 0x7000000,
					       .size = 2 << 20,
					       .maker = maker};
	fake_send(&fake, &finding);
	log = fake_log(&fake);
	assert_non_null(strstr(log, "CPU 1 at EL1, pc 0x1000: reads 8 bytes (WB) at PA 0x40001008"));
	assert_non_null(strstr(log, "VA 0xffff000040001008"));
	assert_non_null(strstr(log, "by CPU 0 at EL1, pc 0x2000"));
	assert_non_null(strstr(log, "a WB mapping at VA 0x7000000 (EL2 stage 1, 2 MiB)"));
	assert_non_null(strstr(log, "by CPU 0 at EL2, pc 0x3000"));
	assert_non_null(strstr(log, "software at EL2 keeps a cacheable mapping"));
	fake_end(&fake);
}

static void a_replaced_mapping_is_told_without_repeating_the_store(void **state)
{
	struct fake fake;
	struct stream_finding finding;
	site_t store;

	fake_start(&fake, NULL, NULL);
	store = fake_site(&fake, 3, 0, 2, 0x1000, "");
	finding = fake_finding(FINDING_BREAK_BEFORE_MAKE, store, store);
	finding.finding.culprit = store;
	finding.finding.has_alias = true;
	finding.finding.alias = (struct alias){.state = ALIAS_LIVE,
					       .type = MEM_WB,
					       .el = 2,
					       .stage = 1,
					       .va = 0x7000000,
					       .size = 4096,
					       .maker = store};
	fake_send(&fake, &finding);
	assert_non_null(
		strstr(fake_log(&fake),
		       "mapping  a WB mapping at VA 0x7000000 (EL2 stage 1, 4 KiB) is replaced"));
	assert_null(strstr(fake_log(&fake), "written"));
	assert_null(strstr(fake_log(&fake), "spoiled"));
	fake_end(&fake);
}

static const char *advice_for(struct fake *fake, struct stream_finding finding)
{
	struct cause *cause;
	unsigned int before = fake->report->nr_causes;

	assert_int_equal(fake_send(fake, &finding), 0);
	assert_int_equal(fake->report->nr_causes, before + 1);
	for (cause = fake->report->causes; cause->next != NULL; cause = cause->next) {
	}
	return cause->advice;
}

static void advice_fits_kind_and_situation(void **state)
{
	struct fake fake;
	struct stream_finding finding;
	site_t access, writer, culprit;

	fake_start(&fake, NULL, NULL);
	access = fake_site(&fake, 3, 0, 1, 0x1000, "");
	writer = fake_site(&fake, 4, 0, 1, 0x2000, "");
	culprit = fake_site(&fake, 5, 0, 1, 0x3000, "DC IVAC");

	finding = fake_finding(FINDING_READ_UNDER_DIRTY, access, writer);
	assert_non_null(strstr(advice_for(&fake, finding), "DC CVAC"));
	finding = fake_finding(FINDING_READ_UNDER_DIRTY, access, SITE_LOADER);
	assert_non_null(strstr(advice_for(&fake, finding), "boot loader"));
	finding = fake_finding(FINDING_READ_UNDER_DIRTY, SITE_DEVICE, writer);
	assert_non_null(strstr(advice_for(&fake, finding), "before the device"));
	finding = fake_finding(FINDING_READ_UNDER_DIRTY, writer, writer);
	finding.finding.line.state = LINE_SNAPSHOT;
	assert_non_null(strstr(advice_for(&fake, finding), "not completed: DSB"));

	finding = fake_finding(FINDING_READ_STALE, access, writer);
	assert_non_null(strstr(advice_for(&fake, finding), "DC IVAC or CIVAC"));
	finding = fake_finding(FINDING_READ_STALE, access, SITE_DEVICE);
	assert_non_null(strstr(advice_for(&fake, finding), "after the device is done"));
	finding = fake_finding(FINDING_READ_STALE, writer, access);
	finding.finding.has_alias = true;
	finding.finding.alias.state = ALIAS_UNTIL_TLBI;
	finding.finding.alias.el = 1;
	assert_non_null(strstr(advice_for(&fake, finding), "without TLBI"));
	finding = fake_finding(FINDING_READ_STALE, writer, writer);
	finding.finding.line.state = 5u << LINE_INVALIDATED_SHIFT;
	assert_non_null(strstr(advice_for(&fake, finding), "too early"));

	finding = fake_finding(FINDING_LOST_INVALIDATE, access, writer);
	finding.finding.culprit = culprit;
	assert_non_null(strstr(advice_for(&fake, finding), "DSB before it, in 0x3000"));
	finding = fake_finding(FINDING_FETCH_UNCLEAN, access, writer);
	assert_non_null(strstr(advice_for(&fake, finding), "DC CVAU"));
	finding = fake_finding(FINDING_FETCH_NO_IC, access, writer);
	assert_non_null(strstr(advice_for(&fake, finding), "IC IVAU"));
	finding = fake_finding(FINDING_WALK_UNDER_DIRTY, access, writer);
	assert_non_null(strstr(advice_for(&fake, finding), "IRGN"));
	finding = fake_finding(FINDING_BREAK_BEFORE_MAKE, access, writer);
	assert_non_null(strstr(advice_for(&fake, finding), "invalid descriptor"));
	finding = fake_finding(FINDING_SET_WAY, access, writer);
	assert_non_null(strstr(advice_for(&fake, finding), "by address"));
	fake_end(&fake);
}

static void every_kind_has_advice_and_one_spelling(void **state)
{
	struct fake fake;

	fake_start(&fake, NULL, NULL);
	for (unsigned int kind = 0; kind < NR_FINDING_KINDS; kind++) {
		struct stream_finding finding =
			fake_finding((enum finding_kind)kind,
				     fake_site(&fake, 3 + kind, 0, 1, 0x1000 + kind * 4, ""),
				     SITE_LOADER);

		assert_true(strlen(advice_for(&fake, finding)) > 40);
	}
	assert_int_equal(occurrences(fake_log(&fake), "  fix      "), NR_FINDING_KINDS);
	fake_end(&fake);
}

static void nonsense_from_the_plugin_is_refused(void **state)
{
	struct fake fake;
	struct stream_finding finding = fake_finding(NR_FINDING_KINDS, 3, 4);
	struct stream_site site = {.idx = 0x1000000};
	struct stream_hello hello = {.version = STREAM_VERSION + 1};

	fake_start(&fake, NULL, NULL);
	assert_int_not_equal(fake_send(&fake, &finding), 0);
	assert_int_not_equal(report_take(fake.report, STREAM_SITE, &site, sizeof(site)), 0);
	site.idx = 3;
	assert_int_not_equal(report_take(fake.report, STREAM_SITE, &site, sizeof(site) - 1), 0);
	assert_int_equal(report_take(fake.report, STREAM_SITE, &site, sizeof(site)), 0);
	assert_int_not_equal(report_take(fake.report, 99, &site, sizeof(site)), 0);
	assert_int_not_equal(report_take(fake.report, STREAM_HELLO, &hello, sizeof(hello)), 0);
	assert_non_null(strstr(fake_log(&fake), "another build"));
	assert_int_equal(report_take(fake.report, STREAM_REFUSED, "no memory", 10), 0);
	assert_string_equal(report_refused(fake.report), "no memory");
	fake_end(&fake);
}

static void the_end_says_what_was_not_checked(void **state)
{
	struct stream_unchecked unchecked = {.what = "tables in a device",
					     .count = 3,
					     .first_paddr = 0x9000000};
	struct stream_counts counts = {.site = 3, .executed = 10, .redundant = 4};
	struct fake fake;

	fake_start(&fake, NULL, NULL);
	fake_site(&fake, 3, 0, 1, 0x1000, "DC CVAC");
	report_take(fake.report, STREAM_UNCHECKED, &unchecked, sizeof(unchecked));
	report_take(fake.report, STREAM_COUNTS, &counts, sizeof(counts));
	counts.site = SITE(3, 1);
	report_take(fake.report, STREAM_COUNTS, &counts, sizeof(counts));
	assert_false(report_finished(fake.report));
	fake_totals(&fake);
	assert_true(report_finished(fake.report));
	report_end(fake.report);
	assert_non_null(strstr(fake_log(&fake),
			       "not checked: tables in a device, 3 times, first at PA 0x9000000"));
	assert_non_null(
		strstr(fake_log(&fake), "DC CVAC                 20            8  40% 0x1000"));
	assert_non_null(strstr(fake_log(&fake), "0.250 bytes per byte of guest RAM"));
	fake_end(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_access_and_writer_is_one_cause),
		cmocka_unit_test(other_kinds_accesses_and_writers_are_other_causes),
		cmocka_unit_test(thousands_of_causes_are_kept_apart),
		cmocka_unit_test(fetches_of_a_page_without_symbols_are_one_cause),
		cmocka_unit_test(with_symbols_the_function_is_what_counts),
		cmocka_unit_test(suppressed_findings_are_counted_but_not_shown),
		cmocka_unit_test(a_block_names_access_writer_alias_and_fix),
		cmocka_unit_test(a_replaced_mapping_is_told_without_repeating_the_store),
		cmocka_unit_test(advice_fits_kind_and_situation),
		cmocka_unit_test(every_kind_has_advice_and_one_spelling),
		cmocka_unit_test(nonsense_from_the_plugin_is_refused),
		cmocka_unit_test(the_end_says_what_was_not_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
