/* SPDX-License-Identifier: MIT */
/*
 * Findings, with what is known of who is to blame, and events for the trace.
 */
#include "model/model_internal.h"

#include <stdlib.h>

#define STORIES_FIRST_CAPACITY 256u
#define STORIES_MAX            (1u << 18)

static struct story *story_slot(const struct story_table *table, uint64_t key)
{
	uint32_t idx = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32);

	for (;; idx++) {
		struct story *story = &table->entries[idx & (table->capacity - 1)];

		if (story->key == key || story->key == 0) {
			return story;
		}
	}
}

static bool stories_grow(struct story_table *table)
{
	struct story_table larger = {
		.capacity = table->capacity == 0 ? STORIES_FIRST_CAPACITY : table->capacity * 2,
		.used = table->used,
	};

	if (larger.capacity > STORIES_MAX) {
		return false;
	}
	larger.entries = calloc(larger.capacity, sizeof(*larger.entries));
	if (larger.entries == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < table->capacity; i++) {
		if (table->entries[i].key != 0) {
			*story_slot(&larger, table->entries[i].key) = table->entries[i];
		}
	}
	free(table->entries);
	*table = larger;
	return true;
}

/* NULL: too many. */
static struct story *story_make(struct model *model, uint64_t key)
{
	struct story_table *table = &model->stories;
	struct story *story = table->capacity == 0 ? NULL : story_slot(table, key);

	if (story == NULL || (story->key == 0 && table->used >= table->capacity / 4 * 3)) {
		if (stories_grow(table)) {
			story = story_slot(table, key);
		} else if (story == NULL || table->used + 1 >= table->capacity) {
			unchecked_count(model, UNCHECKED_STORIES);
			return NULL;
		}
	}
	if (story->key == 0) {
		story->key = key;
		table->used++;
	}
	return story;
}

const struct story *story_find(const struct model *model, uint64_t key)
{
	const struct story *story =
		model->stories.capacity == 0 ? NULL : story_slot(&model->stories, key);

	return story == NULL || story->key == 0 ? NULL : story;
}

void story_lost(struct model *model, uint64_t paddr, site_t writer, site_t culprit)
{
	struct story *story = story_make(model, STORY_LINE(paddr));

	if (story != NULL && (story->writer != writer || story->culprit != culprit)) {
		story->writer = writer;
		story->culprit = culprit;
		model->stories.changes++;
	}
}

void story_alias(struct model *model, uint64_t paddr, const struct alias *alias)
{
	struct story *story = story_make(model, STORY_PAGE(paddr));

	if (story != NULL) {
		if (!story->has_alias || story->alias.state != alias->state ||
		    story->alias.va != alias->va || story->alias.maker != alias->maker) {
			model->stories.changes++;
		}
		story->alias = *alias;
		story->has_alias = true;
	}
}

void stories_destroy(struct model *model)
{
	free(model->stories.entries);
}

static void report(struct model *model, struct finding *finding)
{
	if (model->ops.finding != NULL) {
		model->ops.finding(model->ctx, finding);
	}
}

void model_report(struct model *model, struct finding *finding)
{
	struct page *page = model_page(model, finding->paddr);
	const struct line *line = page == NULL ? NULL : page_line(page, finding->paddr);

	if (line != NULL) {
		finding->line = *line;
	}
	report(model, finding);
}

void report_access(struct model *model, enum finding_kind kind, const struct target *target)
{
	struct finding finding = {
		.kind = kind,
		.site = target->site,
		.type = target->type,
		.size = (uint8_t)target->size,
		.paddr = target->paddr,
		.writer = target->line->writer,
		.line = *target->line,
	};
	const struct story *story;

	trace_writer(model, target->line, target->paddr);
	if ((target->line->dirty & target->line->stale & target->words) != 0) {
		story = story_find(model, STORY_LINE(target->paddr));
		if (story != NULL) {
			finding.writer = story->writer;
			finding.culprit = story->culprit;
		}
	}
	story = story_find(model, STORY_PAGE(target->paddr));
	if (story != NULL && (target->line->stale & target->words) != 0) {
		finding.alias = story->alias;
		finding.has_alias = story->has_alias;
	}
	report(model, &finding);
}

void trace_event(struct model *model, enum model_event_kind kind, const struct model_event *event)
{
	struct model_event copy;

	if (model->ops.changed == NULL) {
		return;
	}
	copy = *event;
	copy.kind = kind;
	copy.time = ++model->events;
	model->ops.changed(model->ctx, &copy);
}

void trace_line_event(struct model *model, enum model_event_kind kind, const struct target *target,
		      unsigned int flags)
{
	trace_event(model, kind,
		    &(struct model_event){
			    .type = target->type,
			    .flags = (uint8_t)flags,
			    .site = target->site,
			    .paddr = target->paddr,
			    .size = target->size,
		    });
}

void trace_writer(struct model *model, const struct line *line, uint64_t paddr)
{
	trace_event(model, EVENT_WRITER,
		    &(struct model_event){.site = line->writer, .paddr = paddr});
}
