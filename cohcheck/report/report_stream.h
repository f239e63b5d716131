/* SPDX-License-Identifier: MIT */
/*
 * What the plugin tells the command through a pipe while QEMU runs: records of a type and a length. Both come from one build
 * (STREAM_VERSION), so structures travel as they are in memory.
 */
#pragma once

#include <stdint.h>

#include "model/model.h"

#define STREAM_VERSION    1
#define STREAM_MAX_RECORD 4096

enum stream_type {
	STREAM_HELLO,     /* struct stream_hello, first */
	STREAM_SITE,      /* struct stream_site: before the first record that names it */
	STREAM_FINDING,   /* struct stream_finding */
	STREAM_UNCHECKED, /* struct stream_unchecked: at the end, one for each reason */
	STREAM_COUNTS, /* struct stream_counts: at the end, one for each maintenance instruction executed (--summary) */
	STREAM_TOTALS,  /* struct stream_totals: at the end */
	STREAM_REFUSED, /* text: the plugin cannot work; the command says it and exits with 2 */
};

struct stream_record {
	uint32_t type, length; /* of what follows */
};

struct stream_hello {
	uint32_t version, nr_cpus;
	uint64_t ctr; /* CTR_EL0 of CPU 0 */
	struct model_config config;
	struct {
		uint64_t start, size;
	} regions[16];
};

struct stream_site {
	uint32_t idx;
	uint32_t word; /* the instruction */
	uint64_t pc, paddr;
	uint8_t el;
	bool aarch32, thumb;
	char op[13]; /* "DC CIVAC" ...; "" for loads and stores */
};

struct stream_finding {
	struct finding finding;
	uint64_t time; /* guest instructions executed so far, all CPUs together (approximate with several) */
};

struct stream_unchecked {
	char what[120];
	uint64_t count, first_paddr;
	site_t first_site;
};

struct stream_counts {
	uint32_t site;
	uint32_t dropped; /* ignored because of --drop */
	uint64_t executed, redundant;
};

struct stream_totals {
	uint64_t instructions, loads, stores, findings;
	uint64_t model_bytes, shadow_bytes, ram_bytes;
	uint64_t lines_dirty, lines_stale, lines_seen;
};
