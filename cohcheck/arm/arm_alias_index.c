/* SPDX-License-Identifier: MIT */
/* The index from addresses to the descriptors and zombies that map them: lists by address and size, in buckets of neighbours. */
#include "arm/arm_shadow_internal.h"

struct bucket {
	struct hash_link hash;
	uint32_t count;
	link_t head[BUCKET_ENTRIES];
};

/* Exact: addresses have 52 bits, and the smallest size is 4 KiB. */
static uint64_t bucket_key(const struct output *output, uint64_t addr, unsigned int shift)
{
	return (uint64_t)output->id << 37 | (uint64_t)shift << 31 | (addr >> shift) / BUCKET_ENTRIES;
}

static struct bucket *bucket_find(const struct shadow *shadow, const struct output *output,
				  uint64_t addr, unsigned int shift)
{
	struct hash_link *link = hash_first(&shadow->buckets, bucket_key(output, addr, shift));

	return link == NULL ? NULL : hash_entry(link, struct bucket, hash);
}

link_t *link_prev(const struct shadow *shadow, link_t link)
{
	if (link & LINK_ZOMBIE) {
		return &zombie_of(shadow, link)->prev;
	}
	return &chunk_of(shadow, link)->prev[slot_of(link)];
}

link_t *link_next(const struct shadow *shadow, link_t link)
{
	if (link & LINK_ZOMBIE) {
		return &zombie_of(shadow, link)->next;
	}
	return &chunk_of(shadow, link)->next[slot_of(link)];
}

void list_push(const struct shadow *shadow, link_t *head, link_t link)
{
	*link_prev(shadow, link) = 0;
	*link_next(shadow, link) = *head;
	if (*head != 0) {
		*link_prev(shadow, *head) = link;
	}
	*head = link;
}

void list_remove(const struct shadow *shadow, link_t *head, link_t link)
{
	link_t prev = *link_prev(shadow, link), next = *link_next(shadow, link);

	if (prev != 0) {
		*link_next(shadow, prev) = next;
	} else {
		*head = next;
	}
	if (next != 0) {
		*link_prev(shadow, next) = prev;
	}
}

bool output_link(struct shadow *shadow, struct output *output, uint64_t addr, unsigned int shift,
		 link_t link)
{
	struct bucket *bucket = bucket_find(shadow, output, addr, shift);

	if (bucket == NULL) {
		bucket = shadow_alloc(shadow, sizeof(*bucket));
		if (bucket == NULL) {
			return false;
		}
		hash_add(shadow, &shadow->buckets, &bucket->hash, bucket_key(output, addr, shift));
	}
	list_push(shadow, &bucket->head[(addr >> shift) % BUCKET_ENTRIES], link);
	bucket->count++;
	output->count[shift]++;
	output->shifts |= 1ull << shift;
	return true;
}

void output_unlink(struct shadow *shadow, struct output *output, uint64_t addr, unsigned int shift,
		   link_t link)
{
	struct bucket *bucket = bucket_find(shadow, output, addr, shift);

	list_remove(shadow, &bucket->head[(addr >> shift) % BUCKET_ENTRIES], link);
	if (--bucket->count == 0) {
		hash_remove(&shadow->buckets, &bucket->hash);
		shadow_free(shadow, bucket, sizeof(*bucket));
	}
	if (--output->count[shift] == 0) {
		output->shifts &= ~(1ull << shift);
	}
}

link_t output_first(const struct shadow *shadow, const struct output *output, uint64_t addr,
		    unsigned int shift)
{
	const struct bucket *bucket = bucket_find(shadow, output, addr, shift);

	return bucket == NULL ? 0 : bucket->head[(addr >> shift) % BUCKET_ENTRIES];
}
