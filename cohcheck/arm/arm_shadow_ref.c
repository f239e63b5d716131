/* SPDX-License-Identifier: MIT */
/*
 * What TLBs are told apart by, VMIDs and ASIDs, and which roots they may have something of under which of them.
 */
#include "arm/arm_shadow_internal.h"

/* ---- Domains and tags ---- */

struct domain *domain_find(struct shadow *shadow, enum arm_regime regime, uint16_t vmid)
{
	uint64_t key = (uint64_t)regime << 16 | vmid;
	struct hash_link *link = hash_first(&shadow->domains_hash, key);
	struct domain *domain;

	if (link != NULL) {
		return hash_entry(link, struct domain, hash);
	}
	domain = shadow_alloc(shadow, sizeof(*domain));
	if (domain == NULL) {
		return NULL;
	}
	domain->regime = regime;
	domain->vmid = vmid;
	domain->id = ++shadow->nr_ids;
	domain->wide.domain = domain->any.domain = domain;
	domain->wide.kind = TAG_WIDE;
	domain->any.kind = TAG_ANY;
	domain->next = shadow->domains;
	shadow->domains = domain;
	hash_add(shadow, &shadow->domains_hash, &domain->hash, key);
	return domain;
}

static uint64_t tag_key(const struct domain *domain, uint16_t asid)
{
	return (uint64_t)domain->id << 16 | asid;
}

struct tag *tag_find(const struct shadow *shadow, const struct domain *domain, uint16_t asid)
{
	struct hash_link *link = hash_first(&shadow->tags_hash, tag_key(domain, asid));

	return link == NULL ? NULL : hash_entry(link, struct tag, hash);
}

struct tag *tag_get(struct shadow *shadow, struct domain *domain, uint16_t asid)
{
	struct tag *tag = tag_find(shadow, domain, asid);

	if (tag != NULL) {
		return tag;
	}
	tag = shadow_alloc(shadow, sizeof(*tag));
	if (tag == NULL) {
		return &domain->any;
	}
	tag->domain = domain;
	tag->kind = TAG_ASID;
	tag->asid = asid;
	tag->next = domain->tags;
	if (tag->next != NULL) {
		tag->next->prev = tag;
	}
	domain->tags = tag;
	hash_add(shadow, &shadow->tags_hash, &tag->hash, tag_key(domain, asid));
	return tag;
}

void tag_release(struct shadow *shadow, struct tag *tag)
{
	if (tag->kind != TAG_ASID || tag->refs != NULL || tag->zombies != 0 ||
	    tag->installed != 0 || tag->pins != 0) {
		return;
	}
	if (tag->prev != NULL) {
		tag->prev->next = tag->next;
	} else {
		tag->domain->tags = tag->next;
	}
	if (tag->next != NULL) {
		tag->next->prev = tag->prev;
	}
	hash_remove(&shadow->tags_hash, &tag->hash);
	shadow_free(shadow, tag, sizeof(*tag));
}

/* ---- Refs: what TLBs may have of a root ---- */

static epoch_t tag_until(const struct shadow *shadow, const struct ref *ref)
{
	return ref->cpus & ref->tag->current ? model_epoch(shadow->model) : ref->tag->last_current;
}

void ref_end(struct shadow *shadow, struct ref *ref)
{
	struct tag *tag = ref->tag;

	if (ref->prev != NULL) {
		ref->prev->next = ref->next;
	} else {
		tag->refs = ref->next;
	}
	if (ref->next != NULL) {
		ref->next->prev = ref->prev;
	}
	ref->tag = NULL;
	ref->prev = ref->next = NULL;
	ref->cpus = ref->now = ref->left = 0;
	tag_release(shadow, tag);
}

static void ref_begin(struct ref *ref, struct root *root, struct tag *tag)
{
	ref->root = root;
	ref->tag = tag;
	ref->prev = NULL;
	ref->next = tag->refs;
	if (ref->next != NULL) {
		ref->next->prev = ref;
	}
	tag->refs = ref;
}

void ref_clear(struct shadow *shadow, struct ref *ref, uint64_t cpus)
{
	epoch_t until = tag_until(shadow, ref);

	ref->cpus &= ~(cpus & ~ref->now);
	if (ref->cpus == 0) {
		if (until > ref->root->last_live) {
			ref->root->last_live = until;
		}
		ref_end(shadow, ref);
	}
}

/* Room for one more: an ASID that is no longer in use becomes "any ASID of this domain", until a TLBI of all of them. */
static struct ref *ref_make_room(struct shadow *shadow, struct root *root)
{
	struct ref *victim = NULL, *any = NULL;

	for (unsigned int i = 0; i < NR_REFS; i++) {
		struct ref *ref = &root->refs[i];

		if (ref->tag->kind == TAG_ASID && (victim == NULL || ref->now == 0)) {
			victim = ref;
		}
	}
	if (victim == NULL) {
		/* Under more VMIDs than are kept apart. */
		shadow->ops->unchecked(shadow->ctx,
				       "a translation table root in use under many VMIDs",
				       root->addr);
		victim = &root->refs[0];
		if (tag_until(shadow, victim) > root->last_live) {
			root->last_live = tag_until(shadow, victim);
		}
		ref_end(shadow, victim);
		return victim;
	}
	for (unsigned int i = 0; i < NR_REFS; i++) {
		if (root->refs[i].tag == &victim->tag->domain->any) {
			any = &root->refs[i];
		}
	}
	if (any == NULL) {
		struct tag *tag = &victim->tag->domain->any;
		uint64_t cpus = victim->cpus, now = victim->now, left = victim->left;

		ref_end(shadow, victim);
		ref_begin(victim, root, tag);
		victim->cpus = cpus;
		victim->now = now;
		victim->left = left;
		return NULL;
	}
	any->cpus |= victim->cpus;
	any->now |= victim->now;
	any->left = victim->left > any->left ? victim->left : any->left;
	ref_end(shadow, victim);
	return victim;
}

void ref_add(struct shadow *shadow, struct root *root, struct tag *tag, uint64_t cpu)
{
	struct ref *found = NULL, *empty = NULL;

	for (unsigned int i = 0; i < NR_REFS; i++) {
		if (root->refs[i].tag == tag) {
			found = &root->refs[i];
			break;
		}
		if (root->refs[i].tag == NULL) {
			empty = &root->refs[i];
		}
	}
	if (found == NULL) {
		/* Turning an ASID into "any" may take two steps. */
		while (empty == NULL) {
			empty = ref_make_room(shadow, root);
		}
		ref_begin(empty, root, tag);
		found = empty;
	}
	found->cpus |= cpu;
	found->now |= cpu;
}

uint64_t root_live(const struct root *root, bool global)
{
	uint64_t cpus = root->cached;

	for (unsigned int i = 0; i < NR_REFS; i++) {
		const struct ref *ref = &root->refs[i];

		if (ref->tag != NULL && (ref->tag->kind == TAG_WIDE) == global) {
			cpus |= ref->cpus & ref->tag->current;
		}
	}
	return cpus;
}

epoch_t root_until(const struct shadow *shadow, const struct root *root, bool global)
{
	epoch_t until = root->cached != 0 ? model_epoch(shadow->model) : root->last_live;

	for (unsigned int i = 0; i < NR_REFS; i++) {
		const struct ref *ref = &root->refs[i];

		if (ref->tag != NULL && (ref->tag->kind == TAG_WIDE) == global &&
		    tag_until(shadow, ref) > until) {
			until = tag_until(shadow, ref);
		}
	}
	return until;
}
