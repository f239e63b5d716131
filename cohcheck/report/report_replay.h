/* SPDX-License-Identifier: MIT */
/*
 * Plays a trace (model/model_trace.h) through the model again, without QEMU: for findings, for the life of
 * single lines, and for the state of memory at its end.
 */
#pragma once

#include <stdio.h>

#include "model/model.h"
#include "model/model_trace.h"

struct replay_ops {
	/* Each may be NULL. */
	void (*start)(void *ctx, const struct model_config *config);
	void (*region)(void *ctx, uint64_t start, uint64_t size);
	void (*site)(void *ctx, const struct trace_site *site);
	void (*finding)(void *ctx, const struct finding *finding, uint64_t time);
	/* An event touched or changed a watched line. found: a finding about it came out of this event. */
	void (*step)(void *ctx, unsigned int watch, const struct model_event *event,
		     const struct line *before, const struct line *after, bool found);
	/* The trace has only the run's beginning, until then. */
	void (*cut)(void *ctx, uint64_t time);
	void (*end)(void *ctx, const struct model *model, uint64_t events, uint64_t time);
};

#define REPLAY_MAX_WATCHES 64

/* watches: physical addresses of lines. -errno, with a message in error. */
int replay_run(FILE *trace, const uint64_t *watches, unsigned int nr_watches,
	       const struct replay_ops *ops, void *ctx, char *error, unsigned int size);

/* "DC CIVAC", "store WB 8 bytes" ... */
void replay_event_words(const struct model_event *event, char *text, size_t size);
