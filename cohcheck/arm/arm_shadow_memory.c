/* SPDX-License-Identifier: MIT */
/* Memory of the shadow tables: pools of numbered elements, hash tables of intrusive links, and the count of bytes. */
#include "arm/arm_shadow_internal.h"

#include <stdlib.h>
#include <string.h>

void *shadow_alloc(struct shadow *shadow, size_t size)
{
	void *p = calloc(1, size);

	if (p != NULL) {
		shadow->bytes += size;
	}
	return p;
}

void shadow_free(struct shadow *shadow, void *p, size_t size)
{
	if (p != NULL) {
		shadow->bytes -= size;
		free(p);
	}
}

bool array_reserve(struct shadow *shadow, void **array, uint32_t nr, uint32_t *max, size_t size)
{
	uint32_t more = *max == 0 ? 64 : *max * 2;
	void *grown;

	if (nr < *max) {
		return true;
	}
	grown = realloc(*array, more * size);
	if (grown == NULL) {
		return false;
	}
	shadow->bytes += (more - *max) * size;
	*array = grown;
	*max = more;
	return true;
}

/* Number 0 and the rest of its block are never given out. Free elements are chained through their first word. */
uint32_t pool_alloc(struct shadow *shadow, struct pool *pool)
{
	uint32_t idx = pool->free;

	if (idx == 0) {
		uint32_t count = 1u << POOL_BLOCK_SHIFT;
		uint8_t **blocks = realloc(pool->blocks, (pool->nr_blocks + 1) * sizeof(*blocks));
		uint8_t *block;

		if (blocks == NULL) {
			return 0;
		}
		pool->blocks = blocks;
		block = shadow_alloc(shadow, (size_t)count * pool->size);
		if (block == NULL) {
			return 0;
		}
		pool->blocks[pool->nr_blocks] = block;
		idx = pool->nr_blocks++ << POOL_BLOCK_SHIFT;
		for (uint32_t i = count - 1; i > 0; i--) {
			uint32_t *chain = pool_get(pool, idx + i);

			*chain = pool->free;
			pool->free = idx + i;
		}
		idx = pool->free;
	}
	pool->free = *(uint32_t *)pool_get(pool, idx);
	pool->used++;
	memset(pool_get(pool, idx), 0, pool->size);
	return idx;
}

void pool_release(struct pool *pool, uint32_t idx)
{
	memset(pool_get(pool, idx), 0, pool->size);
	*(uint32_t *)pool_get(pool, idx) = pool->free;
	pool->free = idx;
	pool->used--;
}

void pool_fini(struct shadow *shadow, struct pool *pool)
{
	for (uint32_t i = 0; i < pool->nr_blocks; i++) {
		shadow_free(shadow, pool->blocks[i], (size_t)pool->size << POOL_BLOCK_SHIFT);
	}
	free(pool->blocks);
}

static uint32_t hash_slot(const struct hash *hash, uint64_t key)
{
	key *= 0x9e3779b97f4a7c15;
	return (uint32_t)(key >> 32) & hash->mask;
}

static void hash_grow(struct shadow *shadow, struct hash *hash)
{
	uint32_t old_size = hash->slots == NULL ? 0 : hash->mask + 1;
	uint32_t size = old_size == 0 ? 64 : old_size * 2;
	struct hash_link **old = hash->slots;
	struct hash_link **slots = shadow_alloc(shadow, size * sizeof(*slots));

	if (slots == NULL) {
		return;
	}
	hash->slots = slots;
	hash->mask = size - 1;
	for (uint32_t i = 0; i < old_size; i++) {
		struct hash_link *next;

		for (struct hash_link *l = old[i]; l != NULL; l = next) {
			uint32_t slot = hash_slot(hash, l->key);

			next = l->next;
			l->next = slots[slot];
			slots[slot] = l;
		}
	}
	shadow_free(shadow, old, old_size * sizeof(*old));
}

void hash_add(struct shadow *shadow, struct hash *hash, struct hash_link *link, uint64_t key)
{
	uint32_t slot;

	if (hash->slots == NULL || hash->count > hash->mask) {
		hash_grow(shadow, hash);
		if (hash->slots == NULL) {
			abort(); /* not even 64 pointers */
		}
	}
	slot = hash_slot(hash, key);
	link->key = key;
	link->next = hash->slots[slot];
	hash->slots[slot] = link;
	hash->count++;
}

void hash_remove(struct hash *hash, struct hash_link *link)
{
	struct hash_link **p = &hash->slots[hash_slot(hash, link->key)];

	while (*p != link) {
		p = &(*p)->next;
	}
	*p = link->next;
	hash->count--;
}

static struct hash_link *same_key(struct hash_link *link, uint64_t key)
{
	while (link != NULL && link->key != key) {
		link = link->next;
	}
	return link;
}

struct hash_link *hash_first(const struct hash *hash, uint64_t key)
{
	return hash->slots == NULL ? NULL : same_key(hash->slots[hash_slot(hash, key)], key);
}

struct hash_link *hash_next(const struct hash_link *link)
{
	return same_key(link->next, link->key);
}

void hash_fini(struct shadow *shadow, struct hash *hash)
{
	if (hash->slots != NULL) {
		shadow_free(shadow, hash->slots, (hash->mask + 1) * sizeof(*hash->slots));
	}
}

void hash_free(struct shadow *shadow, struct hash *hash)
{
	for (uint32_t i = 0; hash->slots != NULL && i <= hash->mask; i++) {
		struct hash_link *next;

		for (struct hash_link *link = hash->slots[i]; link != NULL; link = next) {
			next = link->next;
			free(link);
		}
	}
	hash_fini(shadow, hash);
}
