/* SPDX-License-Identifier: MIT */
/*
 * Copies of translation tables: made when a table is first reached, taken away when nothing leads to it any more.
 */
#include "arm/arm_shadow_internal.h"

#include <string.h>

#define NEXT_LEVEL(level) ((uint8_t)((level) + 1)) /* also of ARM_LEVEL_MINUS_1 */

void slot_describe(const struct node *node, uint32_t idx, uint64_t value, struct arm_descriptor *d)
{
	arm_describe(d, &node->space->stage, node->level, value);
	if (d->kind == DESC_LEAF && d->shift > node->shift) {
		/* A large page or supersection of the short format: this entry's share of it. */
		uint64_t share = ((uint64_t)idx << node->shift) & ((1ull << d->shift) - 1);

		d->output = (d->output >> d->shift << d->shift) + share;
		d->shift = node->shift;
	}
}

/* ---- Nodes by address ---- */

static struct node *node_find(const struct shadow *shadow, const struct space *space,
			      unsigned int level, uint64_t addr)
{
	const struct hash_link *link;

	if (space->under != NULL) {
		link = hash_first(&shadow->by_ipa, ipa_key(space->under, addr));
	} else {
		link = hash_first(&shadow->by_paddr, addr >> PAGE_SHIFT);
	}
	for (; link != NULL; link = hash_next(link)) {
		struct node *node = space->under != NULL
					  ? hash_entry(link, struct table_piece, by_ipa)->node
					  : hash_entry(link, struct table_piece, by_paddr)->node;

		if (node->space == space && node->level == level && node->addr == addr) {
			return node;
		}
	}
	return NULL;
}

static bool lines_of_piece(const struct table_piece *piece, uint64_t line)
{
	uint64_t end = piece->paddr + (uint64_t)piece->nr * piece->node->entry_size;

	return piece->paddr >> LINE_SHIFT <= line >> LINE_SHIFT && line < end;
}

static void lines_mark(struct shadow *shadow, const struct table_piece *piece)
{
	uint64_t end = piece->paddr + (uint64_t)piece->nr * piece->node->entry_size;

	for (uint64_t addr = piece->paddr & ~(LINE_SIZE - 1ull); addr < end; addr += LINE_SIZE) {
		struct line *line = model_line(shadow->model, addr);

		if (line == NULL) {
			shadow->ops->unchecked(shadow->ctx, "no memory for translation tables",
					       addr);
			return;
		}
		line->state |= LINE_TABLE;
	}
}

/* The piece is out of the index already: lines that no other one covers are tables no longer. */
static void lines_unmark(struct shadow *shadow, const struct table_piece *piece)
{
	uint64_t end = piece->paddr + (uint64_t)piece->nr * piece->node->entry_size;
	struct hash_link *first = hash_first(&shadow->by_paddr, piece->paddr >> PAGE_SHIFT);

	for (uint64_t addr = piece->paddr & ~(LINE_SIZE - 1ull); addr < end; addr += LINE_SIZE) {
		bool other = false;
		struct line *line;

		for (struct hash_link *l = first; l != NULL && !other; l = hash_next(l)) {
			other = lines_of_piece(hash_entry(l, struct table_piece, by_paddr), addr);
		}
		line = other ? NULL : model_line(shadow->model, addr);
		if (line != NULL) {
			line->state &= ~LINE_TABLE;
		}
	}
}

static void node_unindex(struct shadow *shadow, struct node *node)
{
	for (uint32_t i = 0; i < node->nr_pieces; i++) {
		struct table_piece *piece = &node->pieces[i];

		hash_remove(&shadow->by_paddr, &piece->by_paddr);
		if (node->space->under != NULL) {
			hash_remove(&shadow->by_ipa, &piece->by_ipa);
		}
		lines_unmark(shadow, piece);
	}
	shadow->generation++;
}

/* ---- Nodes come ---- */

void note_unresolved(struct space *space, uint64_t addr, uint64_t size)
{
	if (!space->unresolved || addr < space->unresolved_lo) {
		space->unresolved_lo = addr;
	}
	if (!space->unresolved || addr + size - 1 > space->unresolved_last) {
		space->unresolved_last = addr + size - 1;
	}
	space->unresolved = true;
}

/* Where each page of the table is. */
static bool node_place(struct shadow *shadow, struct node *node)
{
	uint64_t addr = node->addr;
	uint32_t first = 0;

	for (uint32_t i = 0; i < node->nr_pieces; i++) {
		struct table_piece *piece = &node->pieces[i];
		uint32_t room = (uint32_t)((1u << PAGE_SHIFT) - addr % (1u << PAGE_SHIFT)) /
				node->entry_size;

		piece->node = node;
		piece->first = first;
		piece->nr = node->nr_entries - first < room ? node->nr_entries - first : room;
		piece->paddr = addr;
		if (node->space->under != NULL) {
			struct arm_descriptor d;

			if (!stage2_lookup(shadow, node->space->under, addr, &d)) {
				return false;
			}
			piece->paddr = d.output;
		}
		if (model_page(shadow->model, piece->paddr) == NULL) {
			shadow->ops->unchecked(shadow->ctx, "translation tables outside memory",
					       piece->paddr);
			return false;
		}
		first += piece->nr;
		addr += (uint64_t)piece->nr * node->entry_size;
	}
	return true;
}

static size_t node_size(uint32_t nr_entries)
{
	return sizeof(struct node) +
	       (nr_entries + CHUNK_ENTRIES - 1) / CHUNK_ENTRIES * sizeof(uint32_t);
}

static void node_release(struct shadow *shadow, struct node *node)
{
	if (node->pieces != &node->piece) {
		shadow_free(shadow, node->pieces, node->nr_pieces * sizeof(*node->pieces));
	}
	shadow_free(shadow, node, node_size(node->nr_entries));
}

static struct node *node_alloc(struct shadow *shadow, struct space *space, unsigned int level,
			       uint64_t addr)
{
	uint32_t nr = arm_table_entries(&space->stage, level);
	unsigned int entry_size = arm_descriptor_size(&space->stage);
	uint64_t bytes = (uint64_t)nr * entry_size;
	struct node *node;

	if (shadow->bytes > MAX_BYTES) {
		shadow->ops->unchecked(shadow->ctx, "more translation tables than can be followed",
				       addr);
		return NULL;
	}
	node = shadow_alloc(shadow, node_size(nr));
	if (node == NULL) {
		return NULL;
	}
	node->space = space;
	node->addr = addr;
	node->level = (uint8_t)level;
	node->shift = (uint8_t)arm_level_shift(&space->stage, level);
	node->entry_size = (uint8_t)entry_size;
	node->nr_entries = nr;
	node->nr_pieces = (uint32_t)(((addr + bytes - 1) >> PAGE_SHIFT) - (addr >> PAGE_SHIFT) + 1);
	node->pieces = &node->piece;
	if (node->nr_pieces > 1) {
		node->pieces = shadow_alloc(shadow, node->nr_pieces * sizeof(*node->pieces));
		if (node->pieces == NULL) {
			node->pieces = &node->piece;
			node_release(shadow, node);
			return NULL;
		}
	}
	return node;
}

static void node_scan(struct shadow *shadow, struct node *node)
{
	for (uint32_t i = 0; i < node->nr_pieces; i++) {
		const struct table_piece *piece = &node->pieces[i];

		for (uint32_t n = 0; n < piece->nr; n++) {
			uint64_t value;

			if (!shadow->ops->read(shadow->ctx,
					       piece->paddr + (uint64_t)n * node->entry_size,
					       node->entry_size, &value)) {
				shadow->ops->unchecked(shadow->ctx,
						       "translation tables outside memory",
						       piece->paddr);
				break;
			}
			if ((value & 3) != 0) {
				slot_enter(shadow, node, piece->first + n, value, SITE_NOBODY);
			}
		}
	}
}

/* The node of a table, copied now if need be. NULL: it cannot be followed. */
static struct node *node_get(struct shadow *shadow, struct space *space, unsigned int level,
			     uint64_t addr, bool no_exec)
{
	struct node *node = node_find(shadow, space, level, addr);

	if (node != NULL) {
		node->no_exec = node->no_exec && no_exec;
		if (node->behind_below) {
			node_catch_up(shadow, node);
		}
		return node;
	}
	node = node_alloc(shadow, space, level, addr);
	if (node == NULL) {
		return NULL;
	}
	node->no_exec = no_exec;
	if (!node_place(shadow, node)) {
		note_unresolved(space, addr, (uint64_t)node->nr_entries * node->entry_size);
		node_release(shadow, node);
		return NULL;
	}
	node->next = space->nodes;
	if (node->next != NULL) {
		node->next->prev = node;
	}
	space->nodes = node;
	for (uint32_t i = 0; i < node->nr_pieces; i++) {
		struct table_piece *piece = &node->pieces[i];

		hash_add(shadow, &shadow->by_paddr, &piece->by_paddr, piece->paddr >> PAGE_SHIFT);
		if (space->under != NULL) {
			hash_add(shadow, &shadow->by_ipa, &piece->by_ipa,
				 ipa_key(space->under,
					 addr + (uint64_t)piece->first * node->entry_size));
		}
		/* Before it is read: a store by another CPU is then either read, or told of. */
		lines_mark(shadow, piece);
	}
	shadow->generation++;
	node_scan(shadow, node);
	return node;
}

bool root_scan(struct shadow *shadow, struct root *root)
{
	const struct arm_stage *stage = &root->space->stage;

	root->node = node_get(shadow, root->space, stage->start_level, root->addr, false);
	if (root->node == NULL) {
		return false;
	}
	root->node->root = root;
	root->behind = false;
	return true;
}

/* ---- Entries ---- */

static void set_global(struct shadow *shadow, struct node *node)
{
	if (node->has_global) {
		return;
	}
	node->has_global = true;
	for (link_t link = node->parents; link != 0; link = *link_next(shadow, link)) {
		if ((link & LINK_ZOMBIE) == 0) {
			set_global(shadow, chunk_of(shadow, link)->node);
		}
	}
}

static link_t slot_link(const struct node *node, uint32_t idx)
{
	return node->chunk[idx / CHUNK_ENTRIES] * CHUNK_ENTRIES + idx % CHUNK_ENTRIES;
}

static struct chunk *chunk_get(struct shadow *shadow, struct node *node, uint32_t idx)
{
	uint32_t *number = &node->chunk[idx / CHUNK_ENTRIES];
	struct chunk *chunk;

	if (*number != 0) {
		return pool_get(&shadow->chunks, *number);
	}
	*number = pool_alloc(shadow, &shadow->chunks);
	if (*number == 0) {
		shadow->ops->unchecked(shadow->ctx, "no memory for translation tables", node->addr);
		return NULL;
	}
	chunk = pool_get(&shadow->chunks, *number);
	chunk->node = node;
	chunk->first = idx - idx % CHUNK_ENTRIES;
	return chunk;
}

static void link_leaf(struct shadow *shadow, struct node *node, uint32_t idx, struct chunk *chunk,
		      const struct arm_descriptor *d)
{
	uint8_t bit = (uint8_t)(1u << idx % CHUNK_ENTRIES);
	const struct space *space = node->space;

	/* Under a stage 2, what the memory type is shows there. */
	if ((chunk->linked & bit) != 0 || !d->accessible ||
	    (space->under == NULL && space->stage.stage == 1 && !mem_type_allocates(d->type)) ||
	    (space->under == NULL && d->shift == PAGE_SHIFT &&
	     model_page(shadow->model, d->output) == NULL)) {
		return;
	}
	if (output_link(shadow, space->output, d->output, d->shift, slot_link(node, idx))) {
		chunk->linked |= bit;
	}
}

static void link_child(struct shadow *shadow, struct node *node, uint32_t idx, struct chunk *chunk,
		       const struct arm_descriptor *d)
{
	struct node *child;

	if (chunk->child == NULL) {
		chunk->child = shadow_alloc(shadow, CHUNK_ENTRIES * sizeof(*chunk->child));
		if (chunk->child == NULL) {
			return;
		}
	}
	child = node_get(shadow, node->space, NEXT_LEVEL(node->level), d->output,
			 node->no_exec || d->table_no_exec);
	chunk->child[idx % CHUNK_ENTRIES] = child;
	if (child != NULL) {
		list_push(shadow, &child->parents, slot_link(node, idx));
		chunk->linked |= (uint8_t)(1u << idx % CHUNK_ENTRIES);
		if (child->has_global) {
			set_global(shadow, node);
		}
	}
}

void slot_enter(struct shadow *shadow, struct node *node, uint32_t idx, uint64_t value, site_t site)
{
	struct arm_descriptor d;
	struct chunk *chunk;

	slot_describe(node, idx, value, &d);
	if (d.kind == DESC_INVALID) {
		return;
	}
	chunk = chunk_get(shadow, node, idx);
	if (chunk == NULL) {
		return;
	}
	chunk->value[idx % CHUNK_ENTRIES] = value;
	chunk->nr_valid++;
	node->nr_valid++;
	if (site != SITE_NOBODY) {
		chunk->maker = site;
	}
	if (d.kind == DESC_TABLE) {
		link_child(shadow, node, idx, chunk, &d);
		return;
	}
	if (d.global && node->space->asids) {
		set_global(shadow, node);
	}
	link_leaf(shadow, node, idx, chunk, &d);
	alias_fetchable(shadow, node, idx, &d);
}

void slot_update(struct shadow *shadow, struct node *node, uint32_t idx, uint64_t value)
{
	struct chunk *chunk = chunk_get(shadow, node, idx);
	struct arm_descriptor was, is;

	slot_describe(node, idx, chunk->value[idx % CHUNK_ENTRIES], &was);
	slot_describe(node, idx, value, &is);
	chunk->value[idx % CHUNK_ENTRIES] = value;
	link_leaf(shadow, node, idx, chunk, &is);
	if (!(was.executable && was.accessible)) {
		alias_fetchable(shadow, node, idx, &is);
	}
}

void slot_clear(struct shadow *shadow, struct node *node, uint32_t idx)
{
	struct chunk *chunk = chunk_get(shadow, node, idx);
	unsigned int slot = idx % CHUNK_ENTRIES;
	struct arm_descriptor d;

	if ((chunk->linked & 1u << slot) != 0) {
		slot_describe(node, idx, chunk->value[slot], &d);
		if (d.kind == DESC_TABLE) {
			list_remove(shadow, &chunk->child[slot]->parents, slot_link(node, idx));
		} else {
			output_unlink(shadow, node->space->output, d.output, d.shift,
				      slot_link(node, idx));
		}
		chunk->linked &= (uint8_t) ~(1u << slot);
	}
	if (chunk->child != NULL) {
		chunk->child[slot] = NULL;
	}
	chunk->value[slot] = 0;
	chunk->nr_valid--;
	node->nr_valid--;
	if (chunk->nr_valid == 0) {
		shadow_free(shadow, chunk->child, CHUNK_ENTRIES * sizeof(*chunk->child));
		pool_release(&shadow->chunks, node->chunk[idx / CHUNK_ENTRIES]);
		node->chunk[idx / CHUNK_ENTRIES] = 0;
	}
}

bool slot_linked(const struct shadow *shadow, const struct node *node, uint32_t idx)
{
	uint32_t chunk = node->chunk[idx / CHUNK_ENTRIES];

	return chunk != 0 && (((const struct chunk *)pool_get(&shadow->chunks, chunk))->linked &
			      1u << idx % CHUNK_ENTRIES) != 0;
}

void slot_resolve(struct shadow *shadow, struct node *node, uint32_t idx)
{
	struct arm_descriptor d;

	slot_describe(node, idx, slot_value(shadow, node, idx), &d);
	if (d.kind == DESC_TABLE && slot_child(shadow, node, idx) == NULL) {
		link_child(shadow, node, idx, chunk_get(shadow, node, idx), &d);
	}
}

void slot_unlink_child(struct shadow *shadow, struct node *node, uint32_t idx)
{
	struct chunk *chunk = chunk_get(shadow, node, idx);
	unsigned int slot = idx % CHUNK_ENTRIES;

	list_remove(shadow, &chunk->child[slot]->parents, slot_link(node, idx));
	chunk->child[slot] = NULL;
	chunk->linked &= (uint8_t) ~(1u << slot);
}

/* ---- Nodes go ---- */

void node_free(struct shadow *shadow, struct node *node, epoch_t until)
{
	if (!node->detached) {
		node_unindex(shadow, node);
	}
	for (uint32_t i = 0; i < node->nr_entries && node->nr_valid != 0; i++) {
		uint64_t value = slot_value(shadow, node, i);
		struct arm_descriptor d;
		struct node *child;
		bool linked;

		if (value == 0) {
			if (node->chunk[i / CHUNK_ENTRIES] == 0) {
				i |= CHUNK_ENTRIES - 1;
			}
			continue;
		}
		child = slot_child(shadow, node, i);
		linked = slot_linked(shadow, node, i);
		slot_clear(shadow, node, i);
		if (child != NULL && child->parents == 0 && child->root == NULL) {
			node_free(shadow, child, until);
		} else if (child == NULL && linked) {
			slot_describe(node, i, value, &d);
			alias_stamp(shadow, node->space, d.output, d.shift,
				    d.executable && !node->no_exec ? STAMP_GONE_EXECUTABLE
								   : STAMP_GONE,
				    until);
		}
	}
	if (node->prev != NULL) {
		node->prev->next = node->next;
	} else {
		node->space->nodes = node->next;
	}
	if (node->next != NULL) {
		node->next->prev = node->prev;
	}
	node_release(shadow, node);
	shadow->generation++;
}

/* Do only zombies lead here, if anything? */
bool node_is_orphan(const struct shadow *shadow, const struct node *node)
{
	if (node->root != NULL) {
		return false;
	}
	for (link_t link = node->parents; link != 0; link = *link_next(shadow, link)) {
		if ((link & LINK_ZOMBIE) == 0 && !chunk_of(shadow, link)->node->detached) {
			return false;
		}
	}
	return true;
}

void node_detach(struct shadow *shadow, struct node *node)
{
	if (node->detached) {
		return;
	}
	node->detached = true;
	node_unindex(shadow, node);
	struct node *child;

	for (uint32_t i = 0; (child = slot_next_child(shadow, node, &i)) != NULL; i++) {
		if (node_is_orphan(shadow, child)) {
			node_detach(shadow, child);
		}
	}
}
