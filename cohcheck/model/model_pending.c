/* SPDX-License-Identifier: MIT */
/*
 * Maintenance that waits for its DSB: a table with two ways in, by CPU and by line. It grows as loops of
 * maintenance without a DSB need it, to a limit.
 */
#include "model/model_internal.h"

#include <stdlib.h>
#include <string.h>

#define PENDING_FIRST_CAPACITY 1024u
#define PENDING_KEPT_CAPACITY  65536u
/* 4 Mi lines: a loop over 256 MiB without a DSB. */
#define PENDING_MAX            (1u << 22)

static uint32_t *bucket_of(struct pending_table *table, uint64_t paddr)
{
	uint64_t hash = (paddr >> LINE_SHIFT) * UINT64_C(0x9e3779b97f4a7c15);

	return &table->buckets[hash >> 32 & (table->capacity - 1)];
}

static bool grow(struct pending_table *table, uint32_t capacity)
{
	struct pending *entries = realloc(table->entries, capacity * sizeof(*entries));
	uint32_t *buckets;

	if (entries == NULL) {
		return false;
	}
	table->entries = entries;
	buckets = malloc(capacity * sizeof(*buckets));
	if (buckets == NULL) {
		return false;
	}
	free(table->buckets);
	table->buckets = buckets;
	for (uint32_t i = 0; i < capacity; i++) {
		buckets[i] = PENDING_END;
	}
	/* It is full: every entry is in use. */
	for (uint32_t i = table->capacity; i < capacity; i++) {
		entries[i].next_of_cpu = i + 1 < capacity ? i + 1 : PENDING_END;
	}
	table->unused = table->capacity;
	for (uint32_t i = 0, old = table->capacity; i < old; i++) {
		uint32_t *bucket;

		table->capacity = capacity;
		bucket = bucket_of(table, entries[i].paddr);
		entries[i].next_in_bucket = *bucket;
		*bucket = i;
	}
	table->capacity = capacity;
	return true;
}

bool pending_init(struct model *model)
{
	for (unsigned int i = 0; i < MODEL_MAX_CPUS; i++) {
		model->pending.first[i] = PENDING_END;
	}
	model->pending.limit = PENDING_MAX;
	if (!grow(&model->pending, PENDING_FIRST_CAPACITY)) {
		pending_destroy(model);
		return false;
	}
	return true;
}

void pending_destroy(struct model *model)
{
	free(model->pending.entries);
	free(model->pending.buckets);
}

struct pending *pending_add(struct model *model, site_t site, uint64_t paddr,
			    enum pending_kind kind, epoch_t epoch)
{
	struct pending_table *table = &model->pending;
	unsigned int cpu = SITE_CPU(site) % MODEL_MAX_CPUS;
	uint32_t *bucket;
	uint32_t idx;

	if (table->unused == PENDING_END &&
	    (table->capacity >= table->limit || !grow(table, table->capacity * 2))) {
		unchecked_count(model, UNCHECKED_PENDING);
		return NULL;
	}
	idx = table->unused;
	table->unused = table->entries[idx].next_of_cpu;
	bucket = bucket_of(table, paddr);
	table->entries[idx] = (struct pending){
		.paddr = paddr,
		.epoch = epoch,
		.site = site,
		.next_of_cpu = table->first[cpu],
		.next_in_bucket = *bucket,
		.kind = kind,
		.cpu = (uint8_t)cpu,
	};
	table->first[cpu] = idx;
	*bucket = idx;
	table->used++;
	return &table->entries[idx];
}

struct pending *pending_of_line(struct model *model, uint64_t paddr, const struct pending *previous)
{
	struct pending_table *table = &model->pending;
	uint32_t idx = previous == NULL ? *bucket_of(table, paddr) : previous->next_in_bucket;

	while (idx != PENDING_END && table->entries[idx].paddr != paddr) {
		idx = table->entries[idx].next_in_bucket;
	}
	return idx == PENDING_END ? NULL : &table->entries[idx];
}

struct pending *pending_find(struct model *model, uint64_t paddr, unsigned int cpu,
			     enum pending_kind kind)
{
	for (struct pending *p = pending_of_line(model, paddr, NULL); p != NULL;
	     p = pending_of_line(model, paddr, p)) {
		if (p->cpu == cpu && p->kind == kind) {
			return p;
		}
	}
	return NULL;
}

void pending_shrink(struct model *model)
{
	struct pending_table *table = &model->pending;

	if (table->used == 0 && table->capacity > PENDING_KEPT_CAPACITY) {
		struct pending_table small = {.limit = table->limit};

		memcpy(small.first, table->first, sizeof(small.first));
		if (grow(&small, PENDING_FIRST_CAPACITY)) {
			pending_destroy(model);
			*table = small;
		}
	}
}

bool pending_take(struct model *model, unsigned int cpu, struct pending *taken)
{
	struct pending_table *table = &model->pending;
	uint32_t idx = table->first[cpu];
	uint32_t *link;

	if (idx == PENDING_END) {
		return false;
	}
	*taken = table->entries[idx];
	for (link = bucket_of(table, taken->paddr); *link != idx;) {
		link = &table->entries[*link].next_in_bucket;
	}
	*link = taken->next_in_bucket;
	table->first[cpu] = taken->next_of_cpu;
	table->entries[idx].next_of_cpu = table->unused;
	table->unused = idx;
	table->used--;
	return true;
}
