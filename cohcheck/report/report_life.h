/* SPDX-License-Identifier: MIT */
/*
 * The life of a line: what happened to it in the order of a trace, kept short, with the state after each
 * step.
 */
#pragma once

#include "report/report_replay.h"

struct life_step {
	struct model_event event;
	struct line after;
	bool found;
};

/* The first and the last LIFE_KEEP steps: what set it up, and what led to its end. */
#define LIFE_KEEP 100

struct life {
	uint64_t paddr;
	struct life_step first[LIFE_KEEP], last[LIFE_KEEP];
	uint64_t nr_steps;
};

void life_add(struct life *life, const struct model_event *event, const struct line *after,
	      bool found);
/* How many are kept, and the idx-th of them; *left_out: how many are missing before it. */
unsigned int life_kept(const struct life *life);
const struct life_step *life_step(const struct life *life, unsigned int idx, uint64_t *left_out);
/* "dirty, not at PoU" ... */
void life_state_words(const struct line *line, char *text, size_t size);
