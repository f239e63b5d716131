/* SPDX-License-Identifier: MIT */
/* What a change of stage 2 does to the copies of stage-1 tables that lie where it changed. */
#include "arm/arm_shadow_internal.h"

static bool node_in(const struct node *node, uint64_t ipa, uint64_t last)
{
	uint64_t node_last = node->addr + (uint64_t)node->nr_entries * node->entry_size - 1;

	return !node->detached && node->addr <= last && node_last >= ipa;
}

static struct node *find_in_space(const struct space *space, uint64_t ipa, uint64_t last)
{
	for (struct node *node = space->nodes; node != NULL; node = node->next) {
		if (node_in(node, ipa, last)) {
			return node;
		}
	}
	return NULL;
}

/* Any node of a stage 1 above this stage 2 with a part in [ipa, last]. */
static struct node *find_above(const struct shadow *shadow, const struct root *stage2, uint64_t ipa,
			       uint64_t last)
{
	if (last - ipa < 64ull << PAGE_SHIFT) {
		for (uint64_t addr = ipa; addr <= last; addr += 1ull << PAGE_SHIFT) {
			struct hash_link *link = hash_first(&shadow->by_ipa, ipa_key(stage2, addr));

			if (link != NULL) {
				return hash_entry(link, struct table_piece, by_ipa)->node;
			}
		}
		return NULL;
	}
	for (const struct space *space = shadow->spaces; space != NULL; space = space->next) {
		struct node *found = space->under != stage2 ? NULL : find_in_space(space, ipa, last);

		if (found != NULL) {
			return found;
		}
	}
	return NULL;
}

/* The table cannot be reached any more; its copy becomes what TLBs may have of it. */
static void node_lost(struct shadow *shadow, struct node *node, site_t site)
{
	struct space *space = node->space;
	epoch_t until = 0;

	note_unresolved(space, node->addr, (uint64_t)node->nr_entries * node->entry_size);
	for (link_t link = node->parents, next; link != 0; link = next) {
		const struct chunk *chunk;
		struct arm_descriptor d;
		struct paths paths;
		uint32_t idx;

		next = *link_next(shadow, link);
		if (link & LINK_ZOMBIE) {
			continue;
		}
		chunk = chunk_of(shadow, link);
		idx = chunk->first + slot_of(link);
		slot_describe(chunk->node, idx, chunk->value[slot_of(link)], &d);
		paths_up(shadow, chunk->node, &paths);
		for (unsigned int i = 0; i < paths.nr; i++) {
			epoch_t one = path_until(shadow, &paths.path[i], false);

			until = one > until ? one : until;
		}
		zombies_make(shadow, chunk->node, idx, &d, &paths, site);
		slot_unlink_child(shadow, chunk->node, idx);
	}
	if (node->root != NULL) {
		struct root *root = node->root;
		epoch_t one = root_until(shadow, root, false);

		until = one > until ? one : until;
		zombies_make_root(shadow, root, site);
		root->node = NULL;
		node->root = NULL;
	}
	if (node->parents == 0) {
		node_free(shadow, node, until);
	} else {
		node_detach(shadow, node);
	}
}

void stage2_lost(struct shadow *shadow, struct root *stage2, uint64_t ipa, uint64_t size,
		 site_t site)
{
	struct node *node;

	while ((node = find_above(shadow, stage2, ipa, ipa + size - 1)) != NULL) {
		node_lost(shadow, node, site);
	}
}

static void resolve_space(struct shadow *shadow, struct space *space)
{
	space->unresolved = false;
	/* Nodes that are found meanwhile come first in the list, and were copied whole. */
	for (struct node *node = space->nodes; node != NULL; node = node->next) {
		for (uint32_t i = 0; !node->detached && i < node->nr_entries; i++) {
			if (node->chunk[i / CHUNK_ENTRIES] == 0) {
				i |= CHUNK_ENTRIES - 1;
			} else if (slot_value(shadow, node, i) != 0) {
				slot_resolve(shadow, node, i);
			}
		}
	}
	for (struct root *root = shadow->roots; root != NULL; root = root->next) {
		if (root->space == space && root->installed != 0 && root->node == NULL) {
			root_scan(shadow, root);
		}
	}
}

void stage2_found(struct shadow *shadow, struct root *stage2, uint64_t ipa, uint64_t size)
{
	for (struct space *space = shadow->spaces; space != NULL; space = space->next) {
		if (space->under == stage2 && space->unresolved &&
		    space->unresolved_lo <= ipa + size - 1 && space->unresolved_last >= ipa) {
			resolve_space(shadow, space);
		}
	}
}
