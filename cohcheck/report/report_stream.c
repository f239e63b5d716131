/* SPDX-License-Identifier: MIT */
/* Takes the records of the plugin apart, checks them, and keeps what the end of the run needs. */
#include "report/report_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Beyond this many blocks the log says no more; JSON and HTML have all. */
#define MAX_SHOWN 200u

struct report *report_create(const struct report_settings *settings)
{
	struct report *report = calloc(1, sizeof(*report));

	if (report != NULL) {
		report->settings = *settings;
		report->causes_end = &report->causes;
	}
	return report;
}

void report_destroy(struct report *report)
{
	if (report == NULL) {
		return;
	}
	while (report->causes != NULL) {
		struct cause *cause = report->causes;

		report->causes = cause->next;
		free(cause->advice);
		free(cause);
	}
	while (report->unchecked != NULL) {
		struct unchecked *one = report->unchecked;

		report->unchecked = one->next;
		free(one);
	}
	free(report->refused);
	free(report->sites);
	free(report->counts);
	free(report);
}

static int take_site(struct report *report, const struct stream_site *site)
{
	if (site->idx > SITE_IDX(UINT32_MAX)) {
		return -EINVAL;
	}
	if (site->idx >= report->nr_sites) {
		size_t count = ((size_t)site->idx + 1) * 2;
		struct stream_site *grown = realloc(report->sites, count * sizeof(*grown));

		if (grown == NULL) {
			return -ENOMEM;
		}
		memset(grown + report->nr_sites, 0, (count - report->nr_sites) * sizeof(*grown));
		report->sites = grown;
		report->nr_sites = count;
	}
	report->sites[site->idx] = *site;
	report->sites[site->idx].op[sizeof(site->op) - 1] = '\0';
	return 0;
}

static int take_finding(struct report *report, const struct stream_finding *found)
{
	struct cause *cause;

	if ((unsigned int)found->finding.kind >= NR_FINDING_KINDS) {
		return -EINVAL;
	}
	cause = report_fold(report, found);
	if (cause == NULL) {
		return -ENOMEM;
	}
	if (cause->suppressed == NULL && cause->count == 1) {
		report->nr_shown++;
		if (report->nr_shown <= MAX_SHOWN) {
			report_text_cause(report, cause);
		} else if (report->nr_shown == MAX_SHOWN + 1) {
			fprintf(report->settings.log,
				"cohcheck: more than %u different findings: from here on they are only counted\n",
				MAX_SHOWN);
		}
		fflush(report->settings.log);
	}
	return 0;
}

static int take_unchecked(struct report *report, const struct stream_unchecked *record)
{
	struct unchecked *one = calloc(1, sizeof(*one)), **end = &report->unchecked;

	if (one == NULL) {
		return -ENOMEM;
	}
	one->record = *record;
	one->record.what[sizeof(one->record.what) - 1] = '\0';
	while (*end != NULL) {
		end = &(*end)->next;
	}
	*end = one;
	return 0;
}

void report_add_unchecked(struct report *report, const char *what, uint64_t count)
{
	struct stream_unchecked record = {.count = count};

	snprintf(record.what, sizeof(record.what), "%s", what);
	take_unchecked(report, &record);
}

static int take_counts(struct report *report, const struct stream_counts *counts)
{
	/* Grows by doubling: the number is a power of two when it is full. */
	if ((report->nr_counts & (report->nr_counts - 1)) == 0) {
		size_t room = report->nr_counts == 0 ? 1 : report->nr_counts * 2;
		struct stream_counts *grown = realloc(report->counts, room * sizeof(*grown));

		if (grown == NULL) {
			return -ENOMEM;
		}
		report->counts = grown;
	}
	report->counts[report->nr_counts++] = *counts;
	return 0;
}

static int take_hello(struct report *report, const struct stream_hello *hello)
{
	if (hello->version != STREAM_VERSION) {
		fprintf(report->settings.log,
			"cohcheck: the plugin is of another build (its reports have version %" PRIu32
			", this command knows %u): build both together\n",
			hello->version, STREAM_VERSION);
		return -EINVAL;
	}
	report->hello = *hello;
	report->started = true;
	return 0;
}

int report_take(struct report *report, uint32_t type, const void *data, uint32_t length)
{
	static const uint32_t lengths[] = {
		[STREAM_HELLO] = sizeof(struct stream_hello),
		[STREAM_SITE] = sizeof(struct stream_site),
		[STREAM_FINDING] = sizeof(struct stream_finding),
		[STREAM_UNCHECKED] = sizeof(struct stream_unchecked),
		[STREAM_COUNTS] = sizeof(struct stream_counts),
		[STREAM_TOTALS] = sizeof(struct stream_totals),
	};
	int status = -EINVAL;

	if (type == STREAM_REFUSED) {
		free(report->refused);
		report->refused = strndup(data, length);
		return report->refused == NULL ? -ENOMEM : 0;
	}
	if (type < sizeof(lengths) / sizeof(lengths[0]) && length == lengths[type] &&
	    (report->started || type == STREAM_HELLO)) {
		switch (type) {
		case STREAM_HELLO:
			return take_hello(report, data);
		case STREAM_SITE:
			status = take_site(report, data);
			break;
		case STREAM_FINDING:
			status = take_finding(report, data);
			break;
		case STREAM_UNCHECKED:
			status = take_unchecked(report, data);
			break;
		case STREAM_COUNTS:
			status = take_counts(report, data);
			break;
		case STREAM_TOTALS:
			report->totals = *(const struct stream_totals *)data;
			report->finished = true;
			status = 0;
			break;
		}
	}
	if (status != 0) {
		fprintf(report->settings.log,
			"cohcheck: the plugin sent a record that makes no sense (type %" PRIu32
			", %" PRIu32 " bytes): %s\n",
			type, length, strerror(-status));
	}
	return status;
}

bool report_started(const struct report *report)
{
	return report->started;
}

bool report_finished(const struct report *report)
{
	return report->finished;
}

const char *report_refused(const struct report *report)
{
	return report->refused;
}

uint64_t report_found(const struct report *report)
{
	return report->nr_findings - report->nr_suppressed;
}

const struct stream_hello *report_hello(const struct report *report)
{
	return &report->hello;
}
