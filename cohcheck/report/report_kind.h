/* SPDX-License-Identifier: MIT */
/* The kinds of findings and memory types in words: one spelling of each, everywhere. */
#pragma once

#include <stdbool.h>

#include "model/model.h"

struct report_kind {
	const char *code;  /* V2 */
	const char *name;  /* read-stale */
	const char *words; /* what it means, one clause */
	const char *verb;  /* what the access does: reads, fetches ... */
};

const struct report_kind *report_kind(enum finding_kind kind);
/* A code or a name; false: neither. */
bool report_kind_parse(const char *text, enum finding_kind *kind);
const char *report_type(enum mem_type type); /* WB, WT, NC ... */
