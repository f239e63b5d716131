/* SPDX-License-Identifier: MIT */
/*
 * Zombies: what is gone from the tables and may still be in TLBs. One that leads to a table keeps the copies of all that
 * was below; TLBIs by address take single leaves out of it.
 */
#include "arm/arm_shadow_internal.h"

/* ---- Lists ---- */

static void scope_add(struct shadow *shadow, uint32_t idx, struct tag *tag)
{
	struct zombie *zombie = zombie_of(shadow, idx);

	zombie->tag = tag;
	zombie->scope_prev = 0;
	zombie->scope_next = tag->zombies;
	if (tag->zombies != 0) {
		zombie_of(shadow, tag->zombies)->scope_prev = idx;
	}
	tag->zombies = idx;
	tag->domain->nr_zombies++;
	tag->domain->nr_of_asids[zombie->va >> 63] += tag->kind == TAG_ASID;
}

static void scope_remove(struct shadow *shadow, struct zombie *zombie)
{
	struct tag *tag = zombie->tag;

	if (zombie->scope_prev != 0) {
		zombie_of(shadow, zombie->scope_prev)->scope_next = zombie->scope_next;
	} else {
		tag->zombies = zombie->scope_next;
	}
	if (zombie->scope_next != 0) {
		zombie_of(shadow, zombie->scope_next)->scope_prev = zombie->scope_prev;
	}
	tag->domain->nr_zombies--;
	tag->domain->nr_of_asids[zombie->va >> 63] -= tag->kind == TAG_ASID;
	tag_release(shadow, tag);
}

epoch_t zombie_until(const struct shadow *shadow, const struct zombie *zombie)
{
	epoch_t until = zombie->cpus & zombie->tag->current ? model_epoch(shadow->model)
		      : zombie->cpus != 0                   ? zombie->tag->last_current
							    : 0;

	return until > zombie->until ? until : zombie->until;
}

static void reap(struct shadow *shadow, uint32_t idx)
{
	struct zombie *zombie = zombie_of(shadow, idx);
	struct root *root = zombie->root;
	struct node *child = zombie->child;
	epoch_t until = zombie_until(shadow, zombie);

	if (child != NULL) {
		list_remove(shadow, &child->parents, idx | LINK_ZOMBIE);
		if (child->parents == 0 && child->root == NULL) {
			node_free(shadow, child, until);
		}
	} else if (zombie->linked) {
		output_unlink(shadow, root->space->output, zombie->out, zombie->shift,
			      idx | LINK_ZOMBIE);
		alias_stamp(shadow, root->space, zombie->out, zombie->shift,
			    zombie->executable ? STAMP_GONE_EXECUTABLE : STAMP_GONE, until);
	}
	hash_remove(&shadow->zombies_hash, &zombie->by_va);
	if (--shadow->nr_zombie_shifts[zombie->shift] == 0) {
		shadow->zombie_shifts &= ~(1ull << zombie->shift);
	}
	scope_remove(shadow, zombie);
	root->nr_zombies--;
	pool_release(&shadow->zombies, idx);
}

/* ---- Zombies come ---- */

/*
 * Software that never invalidates the ASIDs of processes that are gone (Linux, until it runs out of them) leaves zombies for
 * ever. When there are too many, those go first that no CPU could use now.
 */
static void make_room(struct shadow *shadow)
{
	uint32_t end = shadow->zombies.nr_blocks << POOL_BLOCK_SHIFT;

	for (uint32_t tries = 0; tries < 4096; tries++) {
		struct zombie *zombie;

		shadow->zombie_hand = shadow->zombie_hand + 1 < end ? shadow->zombie_hand + 1 : 1;
		zombie = zombie_of(shadow, shadow->zombie_hand);
		if (zombie->root != NULL && zombie->child == NULL &&
		    ((zombie->cpus & zombie->tag->current) == 0 || tries > 2048)) {
			shadow->ops->unchecked(shadow->ctx,
					       "translations removed without TLBI: too many to keep",
					       zombie->va);
			reap(shadow, shadow->zombie_hand);
			return;
		}
	}
}

static void make_fresh(struct shadow *shadow, uint32_t idx, struct zombie *zombie, site_t site)
{
	struct shadow_cpu *cpu;

	zombie->born = ++shadow->serial;
	zombie->visible = 0;
	if (SITE_IDX(site) >= SITE_FIRST_INSN && SITE_CPU(site) < shadow->nr_cpus) {
		cpu = &shadow->cpus[SITE_CPU(site)];
		if (array_reserve(shadow, (void **)&cpu->fresh, cpu->nr_fresh, &cpu->max_fresh,
				  sizeof(*cpu->fresh))) {
			cpu->fresh[cpu->nr_fresh++] = (struct fresh){idx, zombie->born};
			return;
		}
	}
	zombie->visible = zombie->born;
}

/* What all zombies of one removal have in common. */
struct removal {
	struct space *space;
	struct node *child;
	uint64_t value, out;
	uint8_t shift, level;
	bool table, linked, executable;
	site_t maker, unmaker;
};

/* The same translation went before, and no TLBI has come since. */
static uint32_t find_same(const struct shadow *shadow, const struct removal *r,
			  const struct tag *tag, uint64_t va)
{
	bool stage2 = r->space->stage.stage == 2;
	uint64_t key = zombie_key(tag, stage2, va, r->shift);

	for (struct hash_link *l = hash_first(&shadow->zombies_hash, key); l != NULL;
	     l = hash_next(l)) {
		const struct zombie *z = hash_entry(l, struct zombie, by_va);

		if (z->tag == tag && z->va == va && z->shift == r->shift && z->stage2 == stage2 &&
		    z->value == r->value && z->child == r->child &&
		    z->root->space->output == r->space->output && z->linked == r->linked) {
			return z->idx;
		}
	}
	return 0;
}

static uint32_t make(struct shadow *shadow, const struct removal *r, struct root *root,
		     struct tag *tag, uint64_t va, uint64_t cpus, uint64_t walkers)
{
	uint32_t idx = find_same(shadow, r, tag, va);
	struct zombie *zombie;

	if (idx != 0) {
		zombie = zombie_of(shadow, idx);
		zombie->cpus |= cpus;
		zombie->walkers |= walkers;
		make_fresh(shadow, idx, zombie, r->unmaker);
		return idx;
	}
	if (shadow->zombies.used >= MAX_ZOMBIES) {
		make_room(shadow);
	}
	idx = pool_alloc(shadow, &shadow->zombies);
	if (idx == 0) {
		shadow->ops->unchecked(shadow->ctx, "no memory for translation tables", va);
		return 0;
	}
	zombie = zombie_of(shadow, idx);
	zombie->idx = idx;
	zombie->va = va;
	zombie->out = r->out;
	zombie->value = r->value;
	zombie->cpus = cpus;
	zombie->walkers = walkers;
	zombie->root = root;
	zombie->child = r->child;
	zombie->maker = r->maker;
	zombie->unmaker = r->unmaker;
	zombie->shift = r->shift;
	zombie->level = r->level;
	zombie->table = r->table;
	zombie->executable = r->executable;
	zombie->stage2 = r->space->stage.stage == 2;
	root->nr_zombies++;
	scope_add(shadow, idx, tag);
	make_fresh(shadow, idx, zombie, r->unmaker);
	hash_add(shadow, &shadow->zombies_hash, &zombie->by_va,
		 zombie_key(tag, zombie->stage2, va, r->shift));
	shadow->nr_zombie_shifts[r->shift]++;
	shadow->zombie_shifts |= 1ull << r->shift;
	if (r->child != NULL) {
		list_push(shadow, &r->child->parents, idx | LINK_ZOMBIE);
	} else if (r->linked) {
		zombie->linked = output_link(shadow, root->space->output, r->out, r->shift,
					     idx | LINK_ZOMBIE);
	}
	return idx;
}

static unsigned int make_of_root(struct shadow *shadow, const struct removal *r, struct root *root,
				 uint64_t va, bool wide)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < NR_REFS; i++) {
		const struct ref *ref = &root->refs[i];

		if (ref->tag != NULL && (ref->tag->kind == TAG_WIDE) == wide && ref->cpus != 0) {
			/* Combined with stage 1; the entry of stage 2, or the way to a table. */
			uint64_t walkers = r->table || r->space->stage.stage == 2 ? ref->cpus : 0;

			nr += make(shadow, r, root, ref->tag, va, ref->cpus, walkers) != 0;
		}
	}
	return nr;
}

unsigned int zombies_make(struct shadow *shadow, const struct node *node, uint32_t idx,
			  const struct arm_descriptor *d, const struct paths *paths, site_t site)
{
	struct node *child = slot_child(shadow, node, idx);
	struct removal r = {
		.space = node->space,
		.child = child,
		.value = slot_value(shadow, node, idx),
		.out = d->output,
		.shift = node->shift,
		.level = node->level,
		.table = d->kind == DESC_TABLE,
		.linked = child == NULL && slot_linked(shadow, node, idx),
		.executable = d->executable && !node->no_exec,
		.maker = chunk_of(shadow, node->chunk[idx / CHUNK_ENTRIES] * CHUNK_ENTRIES)->maker,
		.unmaker = site,
	};
	/* Global leaves below make the way to them as good as global. */
	bool wide = !node->space->asids || d->global || (child != NULL && child->has_global);
	unsigned int nr = 0;

	for (unsigned int i = 0; i < paths->nr; i++) {
		const struct path *path = &paths->path[i];
		uint64_t va = path->input + ((uint64_t)idx << node->shift);

		if (path->zombie != NULL) {
			const struct zombie *z = path->zombie;

			nr += make(shadow, &r, path->root, z->tag, va, z->cpus,
				   r.table || z->stage2 ? z->walkers : 0) != 0;
		} else {
			nr += make_of_root(shadow, &r, path->root, va, wide);
		}
	}
	return nr;
}

void zombies_make_root(struct shadow *shadow, struct root *root, site_t site)
{
	struct removal r = {
		.space = root->space,
		.child = root->node,
		.shift = root->space->stage.ia_bits,
		.level = root->space->stage.start_level,
		.table = true,
		.unmaker = site,
	};

	make_of_root(shadow, &r, root, root->space->first_input,
		     !root->space->asids || root->node->has_global);
}

/* ---- Zombies go ---- */

/* Is there no other way to it than this one? */
static bool only_child(const struct shadow *shadow, const struct node *node)
{
	return node->detached && node->parents != 0 && *link_next(shadow, node->parents) == 0;
}

static void erase_leaf(struct shadow *shadow, struct node *node, uint32_t idx, uint64_t va,
		       const struct zombie *zombie, epoch_t until)
{
	bool linked = slot_linked(shadow, node, idx);
	struct arm_descriptor d;

	slot_describe(node, idx, slot_value(shadow, node, idx), &d);
	if (zombie->stage2) {
		/* Only the stage-2 entry is gone; combined ones are another TLBI's. */
		struct removal r = {
			.space = node->space,
			.value = slot_value(shadow, node, idx),
			.out = d.output,
			.shift = node->shift,
			.level = node->level,
			.linked = linked,
			.executable = d.executable,
			.maker = zombie->maker,
			.unmaker = zombie->unmaker,
		};
		uint32_t made = make(shadow, &r, zombie->root, zombie->tag, va, zombie->cpus, 0);

		if (made != 0) {
			zombie_of(shadow, made)->visible = zombie_of(shadow, made)->born;
		}
		slot_clear(shadow, node, idx);
		return;
	}
	slot_clear(shadow, node, idx);
	if (linked) {
		alias_stamp(shadow, node->space, d.output, d.shift,
			    d.executable && !node->no_exec ? STAMP_GONE_EXECUTABLE : STAMP_GONE,
			    until);
	}
}

/*
 * shallow: of a last-level TLBI. Tables further down may still be reached by short cuts of their own, and give a leaf
 * again.
 */
static void erase(struct shadow *shadow, struct node *node, uint64_t base, uint64_t lo,
		  uint64_t last, const struct zombie *zombie, epoch_t until, bool shallow)
{
	uint64_t from = lo > base ? (lo - base) >> node->shift : 0;

	for (uint64_t i = from; i < node->nr_entries && node->nr_valid != 0; i++) {
		uint64_t va = base + (i << node->shift);
		struct node *child;

		if (va > last) {
			break;
		}
		if (slot_value(shadow, node, (uint32_t)i) == 0) {
			continue;
		}
		child = slot_child(shadow, node, (uint32_t)i);
		if (child == NULL) {
			erase_leaf(shadow, node, (uint32_t)i, va, zombie, until);
		} else if (!shallow && only_child(shadow, child)) {
			erase(shadow, child, va, lo, last, zombie, until, false);
			if (child->nr_valid == 0) {
				slot_clear(shadow, node, (uint32_t)i);
				node_free(shadow, child, until);
			}
		}
	}
}

void zombie_invalidate(struct shadow *shadow, const struct pending *pending)
{
	struct zombie *zombie = zombie_of(shadow, pending->zombie);
	struct node *child;
	epoch_t until;

	if (zombie->root == NULL || zombie->born != pending->serial) {
		return; /* gone, or made again meanwhile */
	}
	until = zombie_until(shadow, zombie);
	zombie->until = until;
	child = zombie->child;
	/* Leaves below count as one: a TLBI that leaves some CPU's alone changes nothing. */
	if (pending->erase && child != NULL && (zombie->cpus & ~pending->erase_cpus) == 0 &&
	    only_child(shadow, child)) {
		erase(shadow, child, zombie->va, pending->lo, pending->last, zombie, until,
		      pending->last_level);
	}
	zombie->cpus &= ~pending->cpus;
	zombie->walkers &= ~pending->walkers;
	if (zombie->table && (child == NULL || child->nr_valid == 0)) {
		zombie->cpus = 0;
	}
	if (zombie->cpus == 0 && zombie->walkers == 0) {
		reap(shadow, pending->zombie);
	} else if (zombie->walkers == 0 && pending->walkers != 0) {
		zombie->walkers_gone = ++shadow->serial;
	}
}

void zombies_forget_cpu(struct shadow *shadow, unsigned int cpu)
{
	uint32_t end = shadow->zombies.nr_blocks << POOL_BLOCK_SHIFT;

	for (uint32_t i = 1; i < end; i++) {
		struct zombie *zombie = zombie_of(shadow, i);
		struct pending all = {
			.zombie = i,
			.serial = zombie->born,
			.cpus = 1ull << cpu,
			.walkers = 1ull << cpu,
		};

		if (zombie->root != NULL) {
			zombie_invalidate(shadow, &all);
		}
	}
	for (struct root *root = shadow->roots; root != NULL; root = root->next) {
		for (unsigned int i = 0; i < NR_REFS; i++) {
			if (root->refs[i].tag != NULL) {
				ref_clear(shadow, &root->refs[i], 1ull << cpu);
			}
		}
	}
}

/* ---- Conflicts ---- */

static bool conflicts(const struct shadow *shadow, const struct zombie *z, const struct node *node,
		      uint64_t value, const struct arm_descriptor *is)
{
	struct arm_descriptor was;

	if (z->table && z->walkers == 0) {
		return false;
	}
	if (z->level == node->level) {
		return arm_needs_break_before_make(&node->space->stage, node->level, z->value,
						   value, shadow->has_bbm2);
	}
	/* Smaller pages, now inside a block. */
	arm_describe(&was, &node->space->stage, z->level, z->value);
	return !z->table && is->kind == DESC_LEAF && is->access_flag && was.access_flag &&
	       !shadow->has_bbm2;
}

static uint32_t conflict_at(const struct shadow *shadow, const struct tag *tag, uint64_t cpus,
			    const struct node *node, uint32_t idx, uint64_t va, unsigned int shift,
			    const struct arm_descriptor *is)
{
	bool stage2 = node->space->stage.stage == 2;
	uint64_t key = zombie_key(tag, stage2, va, shift);

	for (struct hash_link *l = hash_first(&shadow->zombies_hash, key); l != NULL;
	     l = hash_next(l)) {
		const struct zombie *z = hash_entry(l, struct zombie, by_va);

		if (z->shift == shift && z->va >> shift == va >> shift && z->stage2 == stage2 &&
		    z->tag == tag && ((z->cpus | z->walkers) & cpus) != 0 &&
		    conflicts(shadow, z, node, slot_value(shadow, node, idx), is)) {
			return z->idx;
		}
	}
	return 0;
}

static uint32_t conflict_with_tag(const struct shadow *shadow, const struct tag *tag, uint64_t cpus,
				  const struct node *node, uint32_t idx, uint64_t va,
				  const struct arm_descriptor *is)
{
	/* A larger one was found when the table that this entry is in took its place. */
	uint64_t shifts = shadow->zombie_shifts & ((2ull << node->shift) - 1);

	if (tag->zombies == 0) {
		return 0;
	}
	if (is->kind == DESC_TABLE) {
		shifts &= 1ull << node->shift;
	}
	for (; shifts != 0; shifts &= shifts - 1) {
		unsigned int shift = (unsigned int)__builtin_ctzll(shifts);
		unsigned int probes_shift = node->shift - shift;
		/* Of many smaller ones in a huge block some will do. */
		uint64_t probes = 1ull << (probes_shift > 13 ? 13 : probes_shift);

		for (uint64_t n = 0; n < probes; n++) {
			uint32_t found = conflict_at(shadow, tag, cpus, node, idx,
						     va + (n << shift), shift, is);

			if (found != 0) {
				return found;
			}
		}
	}
	return 0;
}

/* A global entry meets those of every ASID; any entry meets the global ones, and those of nobody knows which ASID. */
uint32_t zombie_conflict(const struct shadow *shadow, const struct root *root,
			 const struct node *node, uint64_t va, uint32_t idx,
			 const struct arm_descriptor *is)
{
	uint32_t found = 0;

	for (unsigned int i = 0; i < NR_REFS && found == 0; i++) {
		const struct ref *ref = &root->refs[i];
		const struct domain *domain;

		if (ref->tag == NULL || ref->now == 0 || ref->tag->domain->nr_zombies == 0) {
			continue;
		}
		domain = ref->tag->domain;
		found = conflict_with_tag(shadow, ref->tag, ref->now, node, idx, va, is);
		if (found != 0 || ref->tag->kind != TAG_WIDE) {
			continue;
		}
		found = conflict_with_tag(shadow, &domain->any, ref->now, node, idx, va, is);
		if (!is->global || domain->nr_of_asids[va >> 63] == 0) {
			continue;
		}
		for (const struct tag *tag = domain->tags; tag != NULL && found == 0;
		     tag = tag->next) {
			found = conflict_with_tag(shadow, tag, ref->now, node, idx, va, is);
		}
	}
	return found;
}
