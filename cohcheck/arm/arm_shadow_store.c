/* SPDX-License-Identifier: MIT */
/*
 * Stores to translation tables: what has changed against the copy, and whether it was done as the architecture demands.
 * Arm ARM (DDI 0487), "Using break-before-make when updating translation table entries".
 */
#include "arm/arm_shadow_internal.h"

/* ---- W9 ---- */

static void report(struct shadow *shadow, const struct node *node, uint32_t idx, site_t site,
		   const struct alias *old)
{
	struct finding finding = {
		.kind = FINDING_BREAK_BEFORE_MAKE,
		.site = site,
		.type = old->type,
		.size = node->entry_size,
		.va = old->va,
		.writer = old->maker,
		.culprit = site,
		.alias = *old,
		.has_alias = true,
	};

	for (uint32_t i = 0; i < node->nr_pieces; i++) {
		const struct table_piece *piece = &node->pieces[i];

		if (idx >= piece->first && idx - piece->first < piece->nr) {
			finding.paddr =
				piece->paddr + (uint64_t)(idx - piece->first) * node->entry_size;
		}
	}
	model_report(shadow->model, &finding);
}

static void fill_alias(struct alias *alias, const struct space *space, uint64_t va,
		       unsigned int shift, const struct arm_descriptor *d)
{
	*alias = (struct alias){
		.state = ALIAS_LIVE,
		.type = d->kind == DESC_LEAF ? d->type : MEM_WB,
		.el = space->stage.el,
		.stage = space->under != NULL ? 2 : 1,
		.va = va,
		.size = 1ull << shift,
	};
}

/* A valid entry was replaced by another at once. */
static void report_replaced(struct shadow *shadow, const struct node *node, uint32_t idx,
			    const struct paths *paths, const struct arm_descriptor *was, site_t site)
{
	uint32_t chunk = node->chunk[idx / CHUNK_ENTRIES];
	struct alias alias;

	for (unsigned int i = 0; i < paths->nr; i++) {
		const struct root *root = paths->path[i].root;

		if (paths->path[i].zombie != NULL || root->installed == 0) {
			continue;
		}
		fill_alias(&alias, node->space,
			   paths->path[i].input + ((uint64_t)idx << node->shift), node->shift, was);
		alias.cpus = (uint32_t)root->installed;
		alias.root = root->addr;
		alias.maker = ((const struct chunk *)pool_get(&shadow->chunks, chunk))->maker;
		report(shadow, node, idx, site, &alias);
		return;
	}
}

static bool report_if_conflict(struct shadow *shadow, const struct node *node, uint32_t idx,
			       const struct path *path, const struct arm_descriptor *is, site_t site)
{
	uint64_t va = path->input + ((uint64_t)idx << node->shift);
	uint32_t found = zombie_conflict(shadow, path->root, node, va, idx, is);
	const struct zombie *zombie;
	struct arm_descriptor was;
	struct alias alias;

	if (found == 0) {
		return false;
	}
	zombie = zombie_of(shadow, found);
	arm_describe(&was, &node->space->stage, zombie->level, zombie->value);
	fill_alias(&alias, node->space, zombie->va, zombie->shift, &was);
	alias.state = ALIAS_UNTIL_TLBI;
	alias.cpus = (uint32_t)(zombie->cpus | zombie->walkers);
	alias.root = zombie->root->addr;
	alias.vmid = zombie->tag->domain->vmid;
	alias.asid = zombie->tag->asid;
	alias.maker = zombie->maker;
	alias.unmaker = zombie->unmaker;
	report(shadow, node, idx, site, &alias);
	return true;
}

/* A new entry, with all that is below it: one report is enough. */
static bool report_conflicts(struct shadow *shadow, const struct node *node, uint32_t idx,
			     const struct path *path, site_t site, uint32_t *budget)
{
	const struct node *child = slot_child(shadow, node, idx);
	struct path below = *path;
	struct arm_descriptor d;

	slot_describe(node, idx, slot_value(shadow, node, idx), &d);
	if (report_if_conflict(shadow, node, idx, path, &d, site)) {
		return true;
	}
	if (child == NULL || *budget == 0) {
		return false;
	}
	--*budget;
	below.input += (uint64_t)idx << node->shift;
	for (uint32_t i = 0; i < child->nr_entries; i++) {
		if (child->chunk[i / CHUNK_ENTRIES] == 0) {
			i |= CHUNK_ENTRIES - 1;
		} else if (slot_value(shadow, child, i) != 0 &&
			   report_conflicts(shadow, child, i, &below, site, budget)) {
			return true;
		}
	}
	return false;
}

static bool any_zombies(const struct root *root)
{
	for (unsigned int i = 0; i < NR_REFS; i++) {
		if (root->refs[i].tag != NULL && root->refs[i].tag->domain->nr_zombies != 0) {
			return true;
		}
	}
	return false;
}

static void check_new(struct shadow *shadow, const struct node *node, uint32_t idx,
		      const struct paths *paths, site_t site)
{
	for (unsigned int i = 0; i < paths->nr; i++) {
		const struct path *path = &paths->path[i];
		uint32_t budget = MAX_TABLES_BELOW;

		if (path->zombie == NULL && path->root->installed != 0 && any_zombies(path->root) &&
		    report_conflicts(shadow, node, idx, path, site, &budget)) {
			return;
		}
	}
}

/* ---- One entry ---- */

static void forget(struct shadow *shadow, const struct node *node, uint32_t idx,
		   const struct paths *paths)
{
	if (node->space->stage.stage == 2) {
		shadow->ops->forget(shadow->ctx, 0, 0, 0);
		return;
	}
	for (unsigned int i = 0; i < paths->nr; i++) {
		shadow->ops->forget(shadow->ctx, paths->path[i].root->addr,
				    paths->path[i].input + ((uint64_t)idx << node->shift),
				    1ull << node->shift);
	}
}

/* Stage 1 is read through what has changed. */
static void tell_stage1(struct shadow *shadow, const struct node *node, uint32_t idx,
			const struct paths *paths, bool lost, site_t site)
{
	if (node->space->stage.stage != 2) {
		return;
	}
	for (unsigned int i = 0; i < paths->nr; i++) {
		struct root *root = paths->path[i].root;
		uint64_t ipa = paths->path[i].input + ((uint64_t)idx << node->shift);

		if (root->nr_nested == 0) {
			continue;
		}
		if (lost) {
			stage2_lost(shadow, root, ipa, 1ull << node->shift, site);
		} else {
			stage2_found(shadow, root, ipa, 1ull << node->shift);
		}
	}
}

static epoch_t paths_until(const struct shadow *shadow, const struct paths *paths, bool global)
{
	epoch_t until = 0;

	for (unsigned int i = 0; i < paths->nr; i++) {
		epoch_t one = path_until(shadow, &paths->path[i], global);

		until = one > until ? one : until;
	}
	return until;
}

/* Returns how many zombies an entry that goes leaves behind. */
static unsigned int take_out(struct shadow *shadow, struct node *node, uint32_t idx,
			     const struct arm_descriptor *was, const struct paths *paths,
			     site_t site)
{
	bool global = was->global || !node->space->asids;
	bool linked = slot_linked(shadow, node, idx);
	struct node *child = slot_child(shadow, node, idx);
	unsigned int nr = 0;

	/* Without the access flag no TLB has it; unless it once had that. */
	if (was->kind == DESC_TABLE || was->accessible || linked) {
		nr = zombies_make(shadow, node, idx, was, paths, site);
	}
	slot_clear(shadow, node, idx);
	if (child != NULL) {
		if (child->parents == 0 && child->root == NULL) {
			epoch_t until = paths_until(shadow, paths, true);
			epoch_t other = paths_until(shadow, paths, false);

			node_free(shadow, child, other > until ? other : until);
		} else if (node_is_orphan(shadow, child)) {
			node_detach(shadow, child);
		}
	} else if (nr == 0 && linked) {
		alias_stamp(shadow, node->space, was->output, was->shift,
			    was->executable && !node->no_exec ? STAMP_GONE_EXECUTABLE : STAMP_GONE,
			    paths_until(shadow, paths, global));
	}
	tell_stage1(shadow, node, idx, paths, true, site);
	return nr;
}

/* Stage 1's leaves that lie below a new stage-2 table were not to be found when it was copied. */
static void subtree_fetchable(struct shadow *shadow, struct node *node, uint32_t *budget)
{
	if (node == NULL || *budget == 0) {
		return;
	}
	--*budget;
	for (uint32_t i = 0; i < node->nr_entries; i++) {
		struct arm_descriptor d;

		if (node->chunk[i / CHUNK_ENTRIES] == 0) {
			i |= CHUNK_ENTRIES - 1;
		} else if (slot_value(shadow, node, i) != 0) {
			slot_describe(node, i, slot_value(shadow, node, i), &d);
			if (d.kind == DESC_TABLE) {
				subtree_fetchable(shadow, slot_child(shadow, node, i), budget);
			} else {
				alias_fetchable(shadow, node, i, &d);
			}
		}
	}
}

static void put_in(struct shadow *shadow, struct node *node, uint32_t idx, uint64_t value,
		   const struct paths *paths, site_t site, bool quiet)
{
	slot_enter(shadow, node, idx, value, site);
	if (slot_value(shadow, node, idx) == 0) {
		return;
	}
	if (!quiet) {
		check_new(shadow, node, idx, paths, site);
	}
	if (node->space->stage.stage == 2) {
		uint32_t budget = MAX_TABLES_BELOW;

		subtree_fetchable(shadow, slot_child(shadow, node, idx), &budget);
		tell_stage1(shadow, node, idx, paths, false, site);
	}
}

/* Two leaves that a TLB may have of one address without harm. */
static bool harmless(const struct arm_descriptor *was, const struct arm_descriptor *is)
{
	return was->kind == DESC_LEAF && is->kind == DESC_LEAF && was->output == is->output &&
	       was->shift == is->shift && was->type == is->type &&
	       was->s2_override == is->s2_override && was->global == is->global;
}

/* quiet: no findings. */
static void store_entry(struct shadow *shadow, struct node *node, uint32_t idx, uint64_t value,
			const struct paths *paths, site_t site, bool quiet)
{
	uint64_t old = slot_value(shadow, node, idx);
	struct arm_descriptor was, is;
	unsigned int nr_zombies = 0;
	bool bbm;

	slot_describe(node, idx, old, &was);
	slot_describe(node, idx, value, &is);
	bbm = arm_needs_break_before_make(&node->space->stage, node->level, old, value,
					  shadow->has_bbm2);
	if (harmless(&was, &is) && !bbm) {
		slot_update(shadow, node, idx, value);
		if (was.readable != is.readable || was.writable != is.writable ||
		    was.executable != is.executable) {
			forget(shadow, node, idx, paths);
		}
		return;
	}
	if (was.kind == DESC_TABLE && is.kind == DESC_TABLE && was.output == is.output && !bbm) {
		/* Hierarchical permissions. */
		chunk_of(shadow, node->chunk[idx / CHUNK_ENTRIES] * CHUNK_ENTRIES)
			->value[idx % CHUNK_ENTRIES] = value;
		forget(shadow, node, idx, paths);
		return;
	}
	if (was.kind != DESC_INVALID) {
		if (bbm && !quiet) {
			report_replaced(shadow, node, idx, paths, &was, site);
		}
		nr_zombies = take_out(shadow, node, idx, &was, paths, site);
		if (is.kind != DESC_INVALID || nr_zombies == 0) {
			forget(shadow, node, idx, paths);
		}
	}
	if (is.kind != DESC_INVALID) {
		/* What has just been reported needs no second word as a conflict. */
		put_in(shadow, node, idx, value, paths, site, quiet || bbm);
	}
}

/* ---- A store ---- */

static bool read_entry(struct shadow *shadow, const struct table_piece *piece, uint32_t n,
		       uint64_t *value)
{
	unsigned int size = piece->node->entry_size;

	return shadow->ops->read(shadow->ctx, piece->paddr + (uint64_t)n * size, size, value);
}

static bool differs(const struct shadow *shadow, const struct node *node, uint32_t idx,
		    uint64_t value)
{
	uint64_t old = slot_value(shadow, node, idx);
	struct arm_descriptor d;

	if (old != 0 || (value & 3) == 0) {
		return old != value && !(old == 0 && (value & 3) == 0);
	}
	slot_describe(node, idx, value, &d);
	return d.kind != DESC_INVALID;
}

/* No CPU has any of these roots installed. False: they were dropped. */
static bool keep_uninstalled(struct shadow *shadow, const struct paths *paths)
{
	bool kept = true;

	for (unsigned int i = 0; i < paths->nr; i++) {
		struct root *root = paths->path[i].root;

		/* A root may be on several paths, and a zombie's is not the one to blame. */
		if (paths->path[i].zombie == NULL && root->node != NULL && root_droppable(root)) {
			root_drop(shadow, root);
			kept = false;
		}
	}
	return kept;
}

static void mark_way_down(const struct shadow *shadow, struct node *node)
{
	if (node->behind_below) {
		return;
	}
	node->behind_below = true;
	for (link_t link = node->parents; link != 0; link = *link_next(shadow, link)) {
		if ((link & LINK_ZOMBIE) == 0) {
			mark_way_down(shadow, chunk_of(shadow, link)->node);
		}
	}
}

static void mark_behind(const struct shadow *shadow, struct node *node, uint32_t idx,
			const struct paths *paths)
{
	if (!node->behind || idx < node->behind_first) {
		node->behind_first = idx;
	}
	if (!node->behind || idx > node->behind_last) {
		node->behind_last = idx;
	}
	node->behind = true;
	mark_way_down(shadow, node);
	for (unsigned int i = 0; i < paths->nr; i++) {
		if (paths->path[i].zombie == NULL) {
			paths->path[i].root->behind = true;
		}
	}
}

static bool any_installed(const struct paths *paths)
{
	for (unsigned int i = 0; i < paths->nr; i++) {
		if (paths->path[i].zombie == NULL && paths->path[i].root->installed != 0) {
			return true;
		}
	}
	return false;
}

static void store_piece(struct shadow *shadow, const struct table_piece *piece, uint32_t first,
			uint32_t last, site_t site)
{
	struct node *node = piece->node;
	uint64_t generation = shadow->generation;
	bool installed = false, climbed = false;
	struct paths paths;

	for (uint32_t n = first; n <= last; n++) {
		uint32_t idx = piece->first + n;
		struct arm_descriptor is;
		uint64_t value;

		if (!read_entry(shadow, piece, n, &value) || !differs(shadow, node, idx, value)) {
			continue;
		}
		if (!climbed || shadow->generation != generation) {
			climbed = true;
			generation = shadow->generation;
			paths_up(shadow, node, &paths);
			installed = any_installed(&paths);
			if (!installed && !keep_uninstalled(shadow, &paths)) {
				return; /* this node may be gone */
			}
		}
		if (installed) {
			store_entry(shadow, node, idx, value, &paths, site, false);
			continue;
		}
		slot_describe(node, idx, value, &is);
		if (is.kind == DESC_INVALID) {
			store_entry(shadow, node, idx, value, &paths, site, true);
		} else {
			mark_behind(shadow, node, idx, &paths);
		}
	}
}

static void store_in_page(struct shadow *shadow, site_t site, uint64_t paddr, uint64_t last)
{
	uint64_t generation;

	/* Any change of nodes may change the list; what was done is not done twice, since the copy then agrees. */
	do {
		struct hash_link *link = hash_first(&shadow->by_paddr, paddr >> PAGE_SHIFT);

		generation = shadow->generation;
		while (link != NULL) {
			struct table_piece *piece = hash_entry(link, struct table_piece, by_paddr);
			unsigned int size = piece->node->entry_size;
			uint64_t end = piece->paddr + (uint64_t)piece->nr * size;

			if (last >= piece->paddr && paddr < end) {
				uint64_t from = paddr > piece->paddr ? paddr - piece->paddr : 0;
				uint64_t to = (last < end ? last : end - 1) - piece->paddr;

				store_piece(shadow, piece, (uint32_t)(from / size),
					    (uint32_t)(to / size), site);
			}
			if (generation != shadow->generation) {
				break;
			}
			link = hash_next(link);
		}
	} while (generation != shadow->generation);
}

void shadow_store(struct shadow *shadow, site_t site, uint64_t paddr, unsigned int size)
{
	uint64_t last = paddr + size - 1;

	shadow->serial++;
	while (paddr <= last) {
		uint64_t page_last = paddr | ((1ull << PAGE_SHIFT) - 1);

		store_in_page(shadow, site, paddr, last < page_last ? last : page_last);
		paddr = page_last + 1;
	}
}

/* ---- Installed again ---- */

static void catch_up_node(struct shadow *shadow, struct node *node)
{
	struct paths paths;

	node->behind = false;
	for (uint32_t i = 0; i < node->nr_pieces; i++) {
		const struct table_piece *piece = &node->pieces[i];

		for (uint32_t n = 0; n < piece->nr; n++) {
			uint32_t idx = piece->first + n;
			uint64_t value;

			if (idx >= node->behind_first && idx <= node->behind_last &&
			    read_entry(shadow, piece, n, &value) &&
			    differs(shadow, node, idx, value)) {
				paths_up(shadow, node, &paths);
				store_entry(shadow, node, idx, value, &paths, SITE_NOBODY, true);
			}
		}
	}
}

/* Down only where there is something: each node is left with nothing below it, so this ends in tables that are shared, too. */
void node_catch_up(struct shadow *shadow, struct node *node)
{
	node->behind_below = false;
	if (node->behind) {
		catch_up_node(shadow, node);
	}
	struct node *child;

	for (uint32_t i = 0; (child = slot_next_child(shadow, node, &i)) != NULL; i++) {
		if (child->behind_below) {
			node_catch_up(shadow, child);
		}
	}
}

void root_catch_up(struct shadow *shadow, struct root *root)
{
	root->behind = false;
	if (root->node != NULL && root->node->behind_below) {
		node_catch_up(shadow, root->node);
	}
}
