/* SPDX-License-Identifier: MIT */
/*
 * Who maps an address, and is it live? The answers from the index (arm_alias_index.c), and what the model is told of pages whose
 * mappings come and go.
 */
#include "arm/arm_shadow_internal.h"

/* ---- From a table up to its roots ---- */

static void add_path(struct paths *paths, struct root *root, struct zombie *zombie, uint64_t input)
{
	if (paths->nr < MAX_PATHS) {
		paths->path[paths->nr++] = (struct path){root, zombie, input};
	}
}

/*
 * Levels grow from parent to child, so this ends. Tables with more ways to them than MAX_PATHS are judged by that many; ways
 * from roots before those from zombies.
 */
static void climb(const struct shadow *shadow, const struct node *node, uint64_t offset,
		  struct paths *paths, bool zombies)
{
	if (node->root != NULL && !zombies) {
		add_path(paths, node->root, NULL, node->space->first_input + offset);
	}
	for (link_t link = node->parents; link != 0 && paths->nr < MAX_PATHS;
	     link = *link_next(shadow, link)) {
		const struct chunk *chunk;
		struct zombie *zombie;
		uint64_t idx;

		if (link & LINK_ZOMBIE) {
			zombie = zombie_of(shadow, link);
			paths->zombies_seen = true;
			if (zombies) {
				add_path(paths, zombie->root, zombie, zombie->va + offset);
			}
			continue;
		}
		chunk = chunk_of(shadow, link);
		idx = chunk->first + slot_of(link);
		climb(shadow, chunk->node, offset + (idx << chunk->node->shift), paths, zombies);
	}
}

void paths_up(const struct shadow *shadow, const struct node *node, struct paths *paths)
{
	paths->nr = 0;
	paths->zombies_seen = false;
	climb(shadow, node, 0, paths, false);
	if (paths->zombies_seen) {
		climb(shadow, node, 0, paths, true);
	}
}

uint64_t path_live(const struct path *path, bool global)
{
	if (path->zombie != NULL) {
		return path->zombie->cpus & path->zombie->tag->current;
	}
	return root_live(path->root, global);
}

epoch_t path_until(const struct shadow *shadow, const struct path *path, bool global)
{
	return path->zombie != NULL ? zombie_until(shadow, path->zombie)
				    : root_until(shadow, path->root, global);
}

/* ---- Stage 2 forwards ---- */

/* *d: of the leaf, .output that of ipa itself. */
bool stage2_lookup(const struct shadow *shadow, const struct root *root, uint64_t ipa,
		   struct arm_descriptor *d)
{
	const struct node *node = root->node;

	while (node != NULL) {
		uint64_t idx = ipa >> node->shift;
		uint64_t value;

		if (node->root == NULL) {
			idx %= node->nr_entries;
		}
		value = idx < node->nr_entries ? slot_value(shadow, node, (uint32_t)idx) : 0;
		if (value == 0) {
			return false;
		}
		slot_describe(node, (uint32_t)idx, value, d);
		if (d->kind == DESC_LEAF) {
			d->output += ipa & ((1ull << d->shift) - 1);
			return true;
		}
		node = slot_child(shadow, node, (uint32_t)idx);
	}
	return false;
}

/* ---- What the model is told ---- */

#define GIGABYTE_SHIFT 30
struct gigabyte {
	struct hash_link hash;
	bool memory;
};

/* Blocks of many GiB map devices or nothing; only what has memory is worth a look at each page. */
static bool gigabyte_has_memory(struct shadow *shadow, uint64_t paddr)
{
	struct hash_link *link = hash_first(&shadow->gigabytes, paddr >> GIGABYTE_SHIFT);
	uint64_t start = paddr >> GIGABYTE_SHIFT << GIGABYTE_SHIFT;
	struct gigabyte *found;

	if (link != NULL) {
		return hash_entry(link, struct gigabyte, hash)->memory;
	}
	found = shadow_alloc(shadow, sizeof(*found));
	if (found == NULL) {
		return true;
	}
	for (uint64_t offset = 0; offset >> GIGABYTE_SHIFT == 0 && !found->memory;
	     offset += 1 << 16) {
		found->memory = model_page(shadow->model, start + offset) != NULL;
	}
	hash_add(shadow, &shadow->gigabytes, &found->hash, paddr >> GIGABYTE_SHIFT);
	return found->memory;
}

/* A stage 2's counts, whatever stage 1 does. */
bool shadow_is_executable(const struct shadow *shadow, uint64_t paddr)
{
	for (uint64_t shifts = shadow->memory.shifts; shifts != 0; shifts &= shifts - 1) {
		unsigned int shift = (unsigned int)__builtin_ctzll(shifts);
		link_t link = output_first(shadow, &shadow->memory, paddr, shift);

		for (; link != 0; link = *link_next(shadow, link)) {
			const struct chunk *chunk;
			struct arm_descriptor d;

			if (link & LINK_ZOMBIE) {
				if (zombie_of(shadow, link)->executable) {
					return true;
				}
				continue;
			}
			chunk = chunk_of(shadow, link);
			slot_describe(chunk->node, chunk->first + slot_of(link),
				      chunk->value[slot_of(link)], &d);
			if (d.executable && !chunk->node->no_exec) {
				return true;
			}
		}
	}
	return false;
}

static void stamp_page(struct shadow *shadow, uint64_t paddr, enum stamp stamp, epoch_t until)
{
	if (stamp == STAMP_FETCHABLE) {
		model_fetchable(shadow->model, paddr);
		return;
	}
	if (until != 0) {
		model_alias_gone_at(shadow->model, paddr, until);
	}
	if (stamp == STAMP_GONE_EXECUTABLE && !shadow_is_executable(shadow, paddr)) {
		model_unfetchable(shadow->model, paddr);
	}
}

static void stamp_range(struct shadow *shadow, uint64_t paddr, uint64_t size, enum stamp stamp,
			epoch_t until)
{
	for (uint64_t end = paddr + size; paddr < end; paddr += 1ull << PAGE_SHIFT) {
		if (size >> GIGABYTE_SHIFT != 0 && !gigabyte_has_memory(shadow, paddr)) {
			paddr += (1ull << GIGABYTE_SHIFT) - (1ull << PAGE_SHIFT);
			continue;
		}
		stamp_page(shadow, paddr, stamp, until);
	}
}

/* The same for addresses that a stage 2 translates: block by block of its own. */
static void stamp_ipas(struct shadow *shadow, const struct root *stage2, uint64_t ipa,
		       uint64_t size, enum stamp stamp, epoch_t until)
{
	struct arm_descriptor d;

	for (uint64_t end = ipa + size, step; ipa < end; ipa += step) {
		step = 1ull << PAGE_SHIFT;
		if (!stage2_lookup(shadow, stage2, ipa, &d)) {
			continue;
		}
		if (d.shift > PAGE_SHIFT) {
			uint64_t rest = (1ull << d.shift) - (ipa & ((1ull << d.shift) - 1));

			step = rest < end - ipa ? rest : end - ipa;
		}
		if (stamp != STAMP_FETCHABLE || d.executable) {
			stamp_range(shadow, d.output, step, stamp, until);
		}
	}
}

void alias_stamp(struct shadow *shadow, const struct space *space, uint64_t out, unsigned int shift,
		 enum stamp stamp, epoch_t until)
{
	uint64_t size = 1ull << shift;

	if (until == 0 && stamp == STAMP_GONE) {
		return;
	}
	if (space->under != NULL) {
		stamp_ipas(shadow, space->under, out, size, stamp, until);
	} else {
		stamp_range(shadow, out, size, stamp, until);
	}
}

/* Stage 2 has a new leaf: what stage 1 maps there as executable can now be fetched. */
static void fetchable_through(struct shadow *shadow, const struct root *stage2, uint64_t ipa,
			      const struct arm_descriptor *d)
{
	const struct output *ipas = stage2->ipas;

	if (ipas->shifts == 0) {
		return;
	}
	for (uint64_t offset = 0; offset >> d->shift == 0; offset += 1ull << PAGE_SHIFT) {
		bool found = false;

		for (uint64_t shifts = ipas->shifts; shifts != 0 && !found; shifts &= shifts - 1) {
			link_t link = output_first(shadow, ipas, ipa + offset,
						   (unsigned int)__builtin_ctzll(shifts));

			for (; link != 0 && !found; link = *link_next(shadow, link)) {
				const struct chunk *chunk;
				struct arm_descriptor s1;

				if (link & LINK_ZOMBIE) {
					continue;
				}
				chunk = chunk_of(shadow, link);
				slot_describe(chunk->node, chunk->first + slot_of(link),
					      chunk->value[slot_of(link)], &s1);
				found = s1.executable && !chunk->node->no_exec;
			}
		}
		if (found) {
			model_fetchable(shadow->model, d->output + offset);
		}
	}
}

void alias_fetchable(struct shadow *shadow, const struct node *node, uint32_t idx,
		     const struct arm_descriptor *d)
{
	if (!d->executable || !d->accessible || node->no_exec) {
		return;
	}
	if (node->space->stage.stage == 2) {
		struct paths paths;

		paths_up(shadow, node, &paths);
		for (unsigned int i = 0; i < paths.nr; i++) {
			fetchable_through(shadow, paths.path[i].root,
					  paths.path[i].input + ((uint64_t)idx << node->shift), d);
		}
		return;
	}
	alias_stamp(shadow, node->space, d->output, d->shift, STAMP_FETCHABLE, 0);
}

/* ---- Questions ---- */

/* One way in which an address is, or was, mapped. */
struct mapping {
	const struct space *space;
	struct arm_descriptor d;
	struct path path;
	uint64_t va; /* of the block */
	uint8_t level;
	bool global;
	uint64_t cpus; /* that could use it now */
	epoch_t until; /* none: when one last could; else EPOCH_MAX */
	site_t maker, unmaker;
};

static void mapping_of_zombie(const struct shadow *shadow, struct zombie *zombie, struct mapping *m)
{
	m->space = zombie->root->space;
	m->path = (struct path){zombie->root, zombie, zombie->va};
	m->va = zombie->va;
	arm_describe(&m->d, &m->space->stage, zombie->level, zombie->value);
	m->d.output = zombie->out;
	m->d.shift = zombie->shift;
	m->cpus = zombie->cpus & zombie->tag->current;
	m->until = m->cpus != 0 ? EPOCH_MAX : zombie_until(shadow, zombie);
	m->maker = zombie->maker;
	m->unmaker = zombie->unmaker;
}

static void mapping_of_slot(link_t link, const struct chunk *chunk, struct mapping *m)
{
	const struct node *node = chunk->node;
	uint32_t idx = chunk->first + slot_of(link);

	m->space = node->space;
	slot_describe(node, idx, chunk->value[slot_of(link)], &m->d);
	m->global = m->d.global || !node->space->asids;
	m->maker = chunk->maker;
	m->unmaker = SITE_NOBODY;
}

/* Called for each mapping of an address; true: enough. */
typedef bool (*mapping_fn)(const struct shadow *shadow, const struct mapping *m, void *arg);

static bool each_way(const struct shadow *shadow, link_t link, mapping_fn fn, void *arg)
{
	struct mapping m;
	struct paths paths;
	const struct chunk *chunk;
	uint64_t offset;

	if (link & LINK_ZOMBIE) {
		mapping_of_zombie(shadow, zombie_of(shadow, link), &m);
		return fn(shadow, &m, arg);
	}
	chunk = chunk_of(shadow, link);
	mapping_of_slot(link, chunk, &m);
	offset = (uint64_t)(chunk->first + slot_of(link)) << chunk->node->shift;
	paths_up(shadow, chunk->node, &paths);
	for (unsigned int i = 0; i < paths.nr; i++) {
		m.path = paths.path[i];
		m.va = m.path.input + offset;
		m.cpus = path_live(&m.path, m.global);
		m.until = m.cpus != 0 ? EPOCH_MAX : path_until(shadow, &m.path, m.global);
		if (fn(shadow, &m, arg)) {
			return true;
		}
	}
	return false;
}

/* The largest sizes first: kernels map all memory with blocks, and these are always live. */
static bool each_mapping(const struct shadow *shadow, const struct output *output, uint64_t addr,
			 mapping_fn fn, void *arg)
{
	for (uint64_t shifts = output->shifts; shifts != 0;) {
		unsigned int shift = 63u - (unsigned int)__builtin_clzll(shifts);
		link_t link = output_first(shadow, output, addr, shift);

		shifts &= ~(1ull << shift);
		for (; link != 0; link = *link_next(shadow, link)) {
			if (each_way(shadow, link, fn, arg)) {
				return true;
			}
		}
	}
	return false;
}

struct question {
	uint64_t paddr;
	struct alias *alias;
	const struct mapping *stage2;
	epoch_t until; /* when the last one that is not live was */
};

static void answer(const struct question *q, const struct mapping *m, enum mem_type type,
		   uint64_t cpus)
{
	const struct tag *tag = m->path.zombie != NULL ? m->path.zombie->tag : NULL;
	const struct mapping *s2 = q->stage2;
	bool until_tlbi = m->path.zombie != NULL || (m->path.root->installed & cpus) == 0 ||
			  (s2 != NULL && s2->path.zombie != NULL);

	if (q->alias == NULL) {
		return;
	}
	for (unsigned int i = 0; tag == NULL && i < NR_REFS; i++) {
		const struct ref *ref = &m->path.root->refs[i];

		if (ref->tag != NULL && ref->cpus & cpus && ref->tag->kind == TAG_ASID) {
			tag = ref->tag;
		} else if (ref->tag != NULL && ref->cpus & cpus && tag == NULL && m->global) {
			tag = ref->tag;
		}
	}
	*q->alias = (struct alias){
		.state = until_tlbi ? ALIAS_UNTIL_TLBI : ALIAS_LIVE,
		.type = type,
		.el = m->space->stage.el,
		.stage = s2 != NULL ? 2 : 1,
		.vmid = tag != NULL ? tag->domain->vmid : 0,
		.asid = tag != NULL ? tag->asid : 0,
		.cpus = (uint32_t)cpus,
		.va = m->va,
		.size = 1ull << m->d.shift,
		.root = m->path.root->addr,
		.maker = m->maker,
		.unmaker = s2 != NULL && s2->path.zombie != NULL ? s2->unmaker : m->unmaker,
	};
}

static bool consider(const struct shadow *shadow, const struct mapping *m, void *arg)
{
	struct question *q = arg;
	const struct mapping *s2 = q->stage2;
	enum mem_type type = arm_combine(m->d.type, s2 == NULL ? NULL : &s2->d, s2 != NULL);
	uint64_t cpus = m->cpus;
	epoch_t until = m->until;

	if (!mem_type_allocates(type)) {
		return false;
	}
	if (s2 != NULL) {
		/* A stage-1 table may be used by several virtual machines at once. */
		cpus &= s2->cpus;
		until = s2->until < until ? s2->until : until;
	}
	if (cpus != 0) {
		answer(q, m, type, cpus);
		return true;
	}
	if (until == EPOCH_MAX) {
		until = model_epoch(shadow->model); /* one CPU could use one half, and one the other */
	}
	q->until = until > q->until ? until : q->until;
	return false;
}

/* Stage 1 is off and everything Normal Write-Back: the stage-2 mapping by itself is one. */
static bool flat_alias(struct question *q, const struct mapping *s2)
{
	uint64_t cpus = s2->path.root->flat & s2->cpus;

	if (!mem_type_allocates(arm_combine(MEM_WB, &s2->d, true))) {
		return false;
	}
	if (cpus == 0) {
		epoch_t until = s2->path.root->flat_until;

		until = s2->until < until ? s2->until : until;
		q->until = until > q->until ? until : q->until;
		return false;
	}
	answer(q, s2, arm_combine(MEM_WB, &s2->d, true), cpus);
	return true;
}

static bool consider_physical(const struct shadow *shadow, const struct mapping *m, void *arg)
{
	struct question *q = arg;
	uint64_t ipa;
	bool found;

	if (m->space->stage.stage == 1) {
		return consider(shadow, m, arg);
	}
	if (flat_alias(q, m)) {
		return true;
	}
	ipa = m->va + (q->paddr - m->d.output);
	q->stage2 = m;
	found = each_mapping(shadow, m->path.root->ipas, ipa, consider, q);
	q->stage2 = NULL;
	return found;
}

bool shadow_alias_live(struct shadow *shadow, uint64_t paddr, struct alias *alias)
{
	struct question q = {.paddr = paddr, .alias = alias};

	if (each_mapping(shadow, &shadow->memory, paddr, consider_physical, &q)) {
		return true;
	}
	if (q.until != 0) {
		model_alias_gone_at(shadow->model, paddr, q.until);
	}
	return false;
}
