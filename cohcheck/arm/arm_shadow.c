/* SPDX-License-Identifier: MIT */
/* Shadow tables: creation and end. arm_shadow_internal.h says what is in which file. */
#include "arm/arm_shadow_internal.h"

#include <stdlib.h>

struct shadow *shadow_create(struct model *model, const struct shadow_ops *ops, void *ctx,
			     unsigned int nr_cpus, bool has_bbm2)
{
	struct shadow *shadow = calloc(1, sizeof(*shadow));

	if (shadow == NULL) {
		return NULL;
	}
	shadow->cpus = calloc(nr_cpus, sizeof(*shadow->cpus));
	if (shadow->cpus == NULL) {
		free(shadow);
		return NULL;
	}
	shadow->model = model;
	shadow->ops = ops;
	shadow->ctx = ctx;
	shadow->nr_cpus = nr_cpus;
	shadow->has_bbm2 = has_bbm2;
	shadow->chunks.size = sizeof(struct chunk);
	shadow->zombies.size = sizeof(struct zombie);
	shadow->collect_at = 16ull << 20;
	return shadow;
}

/* The model may be gone already: nothing is told to it. */
static void nodes_fini(struct shadow *shadow, struct space *space)
{
	struct node *next;

	for (struct node *node = space->nodes; node != NULL; node = next) {
		next = node->next;
		for (uint32_t i = 0; i < node->nr_entries; i += CHUNK_ENTRIES) {
			uint32_t chunk = node->chunk[i / CHUNK_ENTRIES];

			if (chunk != 0) {
				struct chunk *c = pool_get(&shadow->chunks, chunk);

				free(c->child);
			}
		}
		if (node->pieces != &node->piece) {
			free(node->pieces);
		}
		free(node);
	}
}

static void roots_fini(struct shadow *shadow)
{
	struct root *next;

	for (struct root *root = shadow->roots; root != NULL; root = next) {
		next = root->next;
		free(root->ipas);
		free(root);
	}
}

static void domains_fini(struct shadow *shadow)
{
	struct domain *next_domain;

	for (struct domain *domain = shadow->domains; domain != NULL; domain = next_domain) {
		struct tag *next_tag;

		next_domain = domain->next;
		for (struct tag *tag = domain->tags; tag != NULL; tag = next_tag) {
			next_tag = tag->next;
			free(tag);
		}
		free(domain);
	}
}

void shadow_destroy(struct shadow *shadow)
{
	struct space *next;

	for (struct space *space = shadow->spaces; space != NULL; space = next) {
		next = space->next;
		nodes_fini(shadow, space);
		free(space);
	}
	roots_fini(shadow);
	domains_fini(shadow);
	hash_free(shadow, &shadow->buckets);
	hash_free(shadow, &shadow->gigabytes);
	hash_fini(shadow, &shadow->by_paddr);
	hash_fini(shadow, &shadow->by_ipa);
	hash_fini(shadow, &shadow->roots_hash);
	hash_fini(shadow, &shadow->tags_hash);
	hash_fini(shadow, &shadow->domains_hash);
	hash_fini(shadow, &shadow->zombies_hash);
	pool_fini(shadow, &shadow->chunks);
	pool_fini(shadow, &shadow->zombies);
	for (unsigned int i = 0; i < shadow->nr_cpus; i++) {
		free(shadow->cpus[i].pending);
		free(shadow->cpus[i].fresh);
	}
	free(shadow->cpus);
	free(shadow);
}

uint64_t shadow_bytes(const struct shadow *shadow)
{
	return shadow->bytes;
}
