/* SPDX-License-Identifier: MIT */
/* The parts of the HTML page. */
#pragma once

#include "report/report_internal.h"
#include "report/report_life.h"

struct map_region {
	uint64_t start, size, per; /* per: bytes a cell */
	unsigned int nr_cells;
	char *cells;
};

struct page_html {
	struct report *report;
	FILE *file;
	struct life *lives;
	uint64_t watches[REPLAY_MAX_WATCHES];
	unsigned int nr_watches;
	struct map_region regions[16];
	unsigned int nr_regions;
	uint64_t cut; /* instructions that the trace has, if not all; else 0 */
};

/* Style and script: the page needs nothing from outside. */
extern const char html_style[], html_script[];

/* Of the replay's ops, with the page as context: what the map needs. */
void html_map_region(void *ctx, uint64_t start, uint64_t size);
void html_map_end(void *ctx, const struct model *model, uint64_t events, uint64_t time);
void html_put_map(struct page_html *page);
/* The names of states as members of a JSON array, for the script. */
void html_put_map_names(struct page_html *page);
