/* SPDX-License-Identifier: MIT */
/* Roots of translation tables: which CPUs have them installed, and how long they are kept. */
#include "arm/arm_shadow_internal.h"

#include <string.h>

/* ---- Roots ---- */

/* Can no TLB and no walk have anything of it? */
bool root_droppable(const struct root *root)
{
	if (root->installed != 0) {
		return false;
	}
	if (root->node == NULL || root->node->nr_valid == 0) {
		return true;
	}
	for (unsigned int i = 0; i < NR_REFS; i++) {
		const struct ref *ref = &root->refs[i];

		if (ref->tag != NULL &&
		    (ref->tag->kind != TAG_WIDE || !root->space->asids || root->node->has_global)) {
			return false;
		}
	}
	return true;
}

static void root_free(struct shadow *shadow, struct root *root)
{
	struct space *space = root->space;

	if (root->prev != NULL) {
		root->prev->next = root->next;
	} else {
		shadow->roots = root->next;
	}
	if (root->next != NULL) {
		root->next->prev = root->prev;
	}
	hash_remove(&shadow->roots_hash, &root->hash);
	shadow_free(shadow, root->ipas, sizeof(*root->ipas));
	shadow_free(shadow, root, sizeof(*root));
	space->nr_roots--;
}

/*
 * The copies go, and with them what TLBs may have of them: nothing, or zombies know of it. The root itself stays for zombies'
 * sake, and as long as there is a stage 1 above it.
 */
void root_drop(struct shadow *shadow, struct root *root)
{
	struct node *node = root->node;

	for (struct root *above = shadow->roots; root->nr_nested != 0 && above != NULL;
	     above = above->next) {
		if (above->space->under == root) {
			root_drop(shadow, above);
		}
	}
	if (node != NULL) {
		root->node = NULL;
		node->root = NULL;
		root->behind = false;
		if (node->parents == 0) {
			/* Which of its entries are global matters little by now. */
			epoch_t global = root_until(shadow, root, true);
			epoch_t until = root_until(shadow, root, false);

			node_free(shadow, node, global > until ? global : until);
		}
		shadow->generation++;
		shadow->ops->forget(shadow->ctx, root->addr, 0, UINT64_MAX);
	}
	for (unsigned int i = 0; i < NR_REFS; i++) {
		if (root->refs[i].tag != NULL) {
			ref_end(shadow, &root->refs[i]);
		}
	}
}

static bool root_unused(const struct root *root)
{
	return root->node == NULL && root->installed == 0 && root->nr_zombies == 0 &&
	       root->nr_nested == 0;
}

static void spaces_collect(struct shadow *shadow)
{
	for (struct space **p = &shadow->spaces; *p != NULL;) {
		struct space *space = *p;

		if (space->nr_roots != 0 || space->nodes != NULL) {
			p = &space->next;
			continue;
		}
		*p = space->next;
		if (space->under != NULL) {
			space->under->nr_nested--;
		}
		shadow_free(shadow, space, sizeof(*space));
	}
}

void shadow_collect(struct shadow *shadow)
{
	/* Twice: a stage 2 is free only when no stage 1 is above it. */
	for (unsigned int i = 0; i < 2; i++) {
		struct root *next;

		for (struct root *root = shadow->roots; root != NULL; root = next) {
			next = root->next;
			if (root_droppable(root) && root->nr_nested == 0) {
				root_drop(shadow, root);
			}
			if (root_unused(root)) {
				root_free(shadow, root);
			}
		}
		spaces_collect(shadow);
	}
	shadow->collect_at = 2 * shadow->bytes + (16ull << 20);
}

static struct root *root_get(struct shadow *shadow, struct space *space, uint64_t addr)
{
	uint64_t key = addr ^ (uint64_t)space->id << 48;
	struct root *root;

	for (struct hash_link *link = hash_first(&shadow->roots_hash, key); link != NULL;
	     link = hash_next(link)) {
		root = hash_entry(link, struct root, hash);
		if (root->space == space && root->addr == addr) {
			return root;
		}
	}
	root = shadow_alloc(shadow, sizeof(*root));
	if (root == NULL) {
		return NULL;
	}
	root->space = space;
	root->addr = addr;
	if (space->stage.stage == 2) {
		root->ipas = shadow_alloc(shadow, sizeof(*root->ipas));
		if (root->ipas == NULL) {
			shadow_free(shadow, root, sizeof(*root));
			return NULL;
		}
		root->ipas->id = ++shadow->nr_ids;
	}
	root->next = shadow->roots;
	if (root->next != NULL) {
		root->next->prev = root;
	}
	shadow->roots = root;
	space->nr_roots++;
	hash_add(shadow, &shadow->roots_hash, &root->hash, key);
	return root;
}

/* ---- Spaces ---- */

/* What of a stage its tables' meaning does not depend on is 0. */
static struct arm_stage stage_of_space(const struct arm_stage *stage)
{
	struct arm_stage key;

	memcpy(&key, stage, sizeof(key)); /* with its padding, for memcmp */
	key.root = 0;
	key.asid = key.vmid = 0;
	key.tbi = false;
	key.walk_type = 0;
	key.walk_attr = 0;
	return key;
}

static struct space *space_get(struct shadow *shadow, enum arm_regime regime,
			       const struct arm_stage *stage, struct root *under)
{
	struct arm_stage key = stage_of_space(stage);
	struct space *space;

	for (space = shadow->spaces; space != NULL; space = space->next) {
		if (space->regime == regime && space->under == under &&
		    memcmp(&space->stage, &key, sizeof(key)) == 0) {
			return space;
		}
	}
	space = shadow_alloc(shadow, sizeof(*space));
	if (space == NULL) {
		return NULL;
	}
	memcpy(&space->stage, &key, sizeof(key));
	space->regime = regime;
	space->under = under;
	space->id = ++shadow->nr_ids;
	space->output = under != NULL ? under->ipas : &shadow->memory;
	space->asids = stage->stage == 1 && stage->user;
	space->first_input = arm_stage_first_input(stage);
	space->next = shadow->spaces;
	shadow->spaces = space;
	if (under != NULL) {
		under->nr_nested++;
	}
	return space;
}

/* ---- Installation ---- */

/* A CPU's accesses begin or end to use the entries of a tag. */
static void tag_use(struct shadow *shadow, struct tag *tag, uint64_t cpu, bool on, bool cached)
{
	if (on) {
		tag->installed |= cpu;
		tag->current |= cached ? cpu : 0;
		return;
	}
	if (tag->current & cpu) {
		tag->last_current = model_epoch(shadow->model);
	}
	tag->installed &= ~cpu;
	tag->current &= ~cpu;
	tag_release(shadow, tag);
}

static void root_leave(struct shadow *shadow, struct root *root, const struct domain *domain,
		       uint64_t cpu)
{
	if (root->flat & cpu) {
		root->flat_until = model_epoch(shadow->model);
	}
	root->installed &= ~cpu;
	root->cached &= ~cpu;
	root->flat &= ~cpu;
	for (unsigned int i = 0; i < NR_REFS; i++) {
		struct ref *ref = &root->refs[i];

		if (ref->tag != NULL && ref->tag->domain == domain && ref->now & cpu) {
			ref->now &= ~cpu;
			ref->left = ++shadow->serial;
		}
	}
}

static void root_enter(struct shadow *shadow, struct root *root, const struct cpu_regime *regime,
		       uint64_t cpu)
{
	root->installed |= cpu;
	root->cached |= regime->cached ? cpu : 0;
	ref_add(shadow, root, &regime->domain->wide, cpu);
	if (root->space->asids) {
		ref_add(shadow, root, regime->tag, cpu);
	}
}

static void regime_leave(struct shadow *shadow, struct cpu_regime *regime, uint64_t cpu)
{
	if (regime->domain == NULL) {
		return;
	}
	for (unsigned int i = 0; i < 2; i++) {
		if (regime->s1[i] != NULL) {
			root_leave(shadow, regime->s1[i], regime->domain, cpu);
		}
	}
	if (regime->s2 != NULL) {
		root_leave(shadow, regime->s2, regime->domain, cpu);
	}
	tag_use(shadow, &regime->domain->wide, cpu, false, false);
	tag_use(shadow, &regime->domain->any, cpu, false, false);
	if (regime->tag->kind == TAG_ASID) {
		tag_use(shadow, regime->tag, cpu, false, false);
	}
	regime->s1[0] = regime->s1[1] = regime->s2 = NULL;
	regime->tag = NULL;
	regime->domain = NULL;
}

static struct root *stage_root(struct shadow *shadow, enum arm_regime regime,
			       const struct arm_stage *stage, struct root *under)
{
	struct space *space = space_get(shadow, regime, stage, under);

	return space == NULL ? NULL : root_get(shadow, space, stage->root);
}

static void regime_enter(struct shadow *shadow, struct cpu_regime *regime, uint64_t cpu)
{
	const struct arm_context *context = &regime->context;
	uint16_t vmid = context->s2.enabled ? context->s2.vmid : context->s1[0].vmid;
	uint16_t asid = context->s1[0].asid;

	if (!context->s1_on && !context->s2.enabled) {
		return;
	}
	if (context->unsupported != NULL) {
		shadow->ops->unchecked(shadow->ctx, context->unsupported, context->s1[0].root);
		return;
	}
	regime->domain = domain_find(shadow, context->regime, vmid);
	if (regime->domain == NULL) {
		shadow->ops->unchecked(shadow->ctx, "no memory for translation tables", 0);
		return;
	}
	regime->cached = context->s1_on && context->data_cached &&
			 (!context->s2.enabled || context->stage2_data_cached);
	regime->flat = !context->s1_on && context->default_cacheable && context->stage2_data_cached;
	regime->tag = context->s1_on && context->s1[0].user ? tag_get(shadow, regime->domain, asid)
							    : &regime->domain->wide;
	if (context->s2.enabled && context->s2.ia_bits != 0) {
		regime->s2 = stage_root(shadow, context->regime, &context->s2, NULL);
	}
	for (unsigned int i = 0; i < 2 && context->s1_on; i++) {
		if (context->s1[i].enabled && context->s1[i].ia_bits != 0 &&
		    (!context->s2.enabled || regime->s2 != NULL)) {
			regime->s1[i] =
				stage_root(shadow, context->regime, &context->s1[i], regime->s2);
		}
	}
}

static void regime_activate(struct shadow *shadow, struct cpu_regime *regime, uint64_t cpu)
{
	struct root *roots[3] = {regime->s2, regime->s1[0], regime->s1[1]};
	bool cached = regime->cached || regime->flat;

	if (regime->domain == NULL) {
		return;
	}
	tag_use(shadow, &regime->domain->wide, cpu, true, cached);
	tag_use(shadow, &regime->domain->any, cpu, true, cached);
	if (regime->tag->kind == TAG_ASID) {
		tag_use(shadow, regime->tag, cpu, true, cached);
	}
	for (unsigned int i = 0; i < 3; i++) {
		if (roots[i] != NULL) {
			/* What went while it was not installed cannot be in this CPU's TLB. */
			if (roots[i]->behind) {
				root_catch_up(shadow, roots[i]);
			}
			root_enter(shadow, roots[i], regime, cpu);
		}
	}
	if (regime->s2 != NULL && regime->flat) {
		regime->s2->flat |= cpu;
		regime->s2->cached |= cpu;
	}
	/* Stage 2 first: stage 1 is read through it. */
	for (unsigned int i = 0; i < 3; i++) {
		if (roots[i] != NULL && roots[i]->node == NULL) {
			root_scan(shadow, roots[i]);
		}
	}
}

void shadow_install(struct shadow *shadow, unsigned int cpu,
		    const struct arm_context contexts[NR_REGIMES], site_t site)
{
	(void)site;
	for (unsigned int i = 0; i < NR_REGIMES; i++) {
		struct cpu_regime *regime = &shadow->cpus[cpu].regimes[i];
		struct tag *old;

		if (memcmp(&regime->context, &contexts[i], sizeof(contexts[i])) == 0) {
			continue;
		}
		/* The tag that is left may be the one that is entered: it must not be released between. */
		old = regime->tag;
		if (old != NULL) {
			old->pins++;
		}
		regime_leave(shadow, regime, 1ull << cpu);
		memcpy(&regime->context, &contexts[i], sizeof(contexts[i]));
		regime_enter(shadow, regime, 1ull << cpu);
		regime_activate(shadow, regime, 1ull << cpu);
		if (old != NULL) {
			old->pins--;
			tag_release(shadow, old);
		}
	}
	if (shadow->bytes > shadow->collect_at) {
		shadow_collect(shadow);
	}
}

void shadow_cpu_off(struct shadow *shadow, unsigned int cpu)
{
	struct shadow_cpu *c = &shadow->cpus[cpu];

	for (unsigned int i = 0; i < NR_REGIMES; i++) {
		regime_leave(shadow, &c->regimes[i], 1ull << cpu);
		memset(&c->regimes[i], 0, sizeof(c->regimes[i]));
	}
	c->nr_pending = 0;
	shadow_dsb_stores(shadow, cpu); /* its stores are complete */
	zombies_forget_cpu(shadow, cpu);
}
