/* SPDX-License-Identifier: MIT */
/* For tests: what a plugin would send, and what became of it. */
#pragma once

#include "report/report_internal.h"

struct fake {
	struct report *report;
	char *log; /* after fake_log() */
	size_t log_size;
	FILE *log_file;
};

/* Has said hello. symbols and suppressions may be NULL. */
void fake_start(struct fake *fake, struct symbols *symbols, struct suppression *suppressions);
void fake_end(struct fake *fake);
/* All that was written to the log so far. */
const char *fake_log(struct fake *fake);

/* Makes a site known, at EL1 unless op says something else is needed; returns it with the CPU. */
site_t fake_site(struct fake *fake, uint32_t idx, unsigned int cpu, unsigned int el, uint64_t pc,
		 const char *op);
/* A finding of 8 bytes at 0x40001008. */
struct stream_finding fake_finding(enum finding_kind kind, site_t access, site_t writer);
int fake_send(struct fake *fake, const struct stream_finding *finding);
void fake_totals(struct fake *fake);
