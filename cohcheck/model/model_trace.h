/* SPDX-License-Identifier: MIT */
/*
 * A trace of the model: every event that changed the state of a line, in order, so that a run can be
 * replayed, narrowed to one line and shown without QEMU. Events that change nothing (a store to a line that
 * is dirty already, a read that sees what it should) are not recorded: a boot of Linux is some tens of
 * megabytes.
 *
 * File: struct trace_header, then records; a record is struct model_event, and a site record tells what a
 * site index means before it is first used (struct trace_site). All little-endian.
 */
#pragma once

#include <stdio.h>
#include <string.h>

#include "model/model.h"

enum model_event_kind {
	EVENT_READ,
	EVENT_WRITE,
	EVENT_FETCH,
	EVENT_WALK,
	EVENT_DEVICE_READ,
	EVENT_DEVICE_WRITE,
	EVENT_DC,
	EVENT_IC,
	EVENT_SET_WAY,
	EVENT_DSB,
	EVENT_CPU_RESET,
	EVENT_FETCHABLE,  /* flag: from now on; else no longer */
	EVENT_ALIAS_GONE, /* size: since when (model_alias_gone_at()), or 0; paddr UINT64_MAX: one of no page (model_epoch()) */
	EVENT_ALIAS_ANSWER, /* what alias_live() said to the event that follows: flag is live, paddr and size are the
			       alias's .va and .size, site its maker, op its .el | .stage << 4 */
	EVENT_ENTRY_DIRTY,
	EVENT_ENTRY_CLEAN,
	EVENT_REGION,
	EVENT_SITE,   /* a struct trace_site, of the same size */
	EVENT_WRITER, /* who wrote the line last: quiet stores are in no trace */
	EVENT_RESET,  /* of the machine */
	EVENT_CUT,    /* the last one: the run went on, but the trace has become too long */
	NR_EVENT_KINDS
};

struct model_event {
	uint8_t kind, type, op, flags; /* flags: coherent, exempt, live */
	site_t site;
	uint64_t paddr, size;
	uint64_t time; /* instructions so far, or an event count: only grows */
};
_Static_assert(sizeof(struct model_event) == 32, "trace format");
#define EVENT_FLAG 1

struct trace_site {
	uint8_t kind, el, pad[2];
	uint32_t idx;
	uint64_t pc, paddr;
	uint32_t word, pad2;
};
_Static_assert(sizeof(struct trace_site) == 32, "trace format");

#define TRACE_MAGIC "cohtrc1"
struct trace_header {
	char magic[8];
	struct model_config config;
	uint8_t pad[40 - sizeof(struct model_config)];
};

/* Each returns 0 or a negative errno. The caller opens, buffers and closes the file. */
int trace_write_header(FILE *file, const struct model_config *config);
int trace_write_event(FILE *file, const struct model_event *event);
int trace_write_site(FILE *file, const struct trace_site *site);
/* -EINVAL: not a trace, or not one of this version. */
int trace_read_header(FILE *file, struct model_config *config);
/* 1: read one (EVENT_SITE: it is a struct trace_site); 0: the end; -EIO, -EINVAL: damaged, or cut off within a record. */
int trace_read_event(FILE *file, struct model_event *event);
static inline struct trace_site trace_event_site(const struct model_event *event)
{
	struct trace_site site;

	memcpy(&site, event, sizeof(site));
	return site;
}

/* What trace_alias_live() answers; a replay's context must begin with it. */
struct trace_answers {
	struct alias alias;
	bool live;
};
bool trace_alias_live(void *ctx, uint64_t paddr, struct alias *alias);
/* Feeds one event to a model whose alias_live is trace_alias_live and whose context begins with *answers. */
void trace_play(struct model *model, struct trace_answers *answers, const struct model_event *event);
