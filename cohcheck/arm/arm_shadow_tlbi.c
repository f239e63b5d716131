/* SPDX-License-Identifier: MIT */
/*
 * TLBI: what an operand names, and what of that there is. Found when the instruction is issued, in force at the DSB.
 * Arm ARM (DDI 0487): "TLB maintenance instructions", "TLB range maintenance instructions", and of the instructions'
 * descriptions the fields of Xt.
 */
#include "arm/arm_shadow_internal.h"

#include "arm/arm_internal.h"

#define ANY_LEVEL 0x80

struct scope {
	const struct arm_tlbi *tlbi;
	const struct shadow_issuer *issuer;
	uint64_t cpus;
	uint16_t asid;
	uint8_t level; /* TTL hint, or ANY_LEVEL */
	uint64_t lo, last;
	/* What soft TLBs may have: [forget_lo, forget_last] of this root. */
	const struct root *forget;
	uint64_t forget_lo, forget_last;
	bool forget_all;
};

static uint64_t sign_extend(uint64_t value, unsigned int top)
{
	return (uint64_t)((int64_t)(value << (63 - top)) >> (63 - top));
}

/* ---- Operands ---- */

/* Level hint: translation granule on top of two bits of level; a granule of 0 says nothing. */
static uint8_t ttl_level(uint64_t ttl)
{
	unsigned int granule = (unsigned int)ttl >> 2, level = ttl & 3;

	/* Level 0, and level 1 of 16 KiB, have leaves with LPA2 only, and are reserved otherwise. */
	return granule == 0 || level == 0 ? ANY_LEVEL : (uint8_t)level;
}

static bool decode_range(struct scope *s, uint64_t operand)
{
	static const uint8_t shifts[4] = {0, 12, 14, 16};
	const struct shadow_issuer *issuer = s->issuer;
	unsigned int shift = shifts[bits(operand, 47, 46)];
	unsigned int scale = (unsigned int)bits(operand, 45, 44);
	unsigned int base_shift;
	uint64_t base, size;

	if (shift == 0) {
		shift = issuer->granule_shift;
	} else if (issuer->granule_shift != 0 && shift != issuer->granule_shift) {
		return false; /* names nothing: Arm ARM, "TLBI RVAE1", TG */
	}
	base_shift = issuer->lpa2 ? 16 : shift;
	base = bits(operand, 36, 0) << base_shift;
	if (s->tlbi->by != TLBI_IPA) {
		base = sign_extend(base, 36 + base_shift);
	}
	size = (bits(operand, 43, 39) + 1) << (5 * scale + 1) << shift;
	s->lo = base;
	s->last = base + size - 1 < base ? UINT64_MAX : base + size - 1;
	if (bits(operand, 38, 37) != 0) {
		s->level = (uint8_t)bits(operand, 38, 37);
	}
	return true;
}

static void decode_operand32(struct scope *s, uint64_t operand)
{
	s->asid = (uint16_t)bits(operand, 7, 0);
	if (s->tlbi->by == TLBI_IPA) {
		s->lo = bits(operand, 27, 0) << PAGE_SHIFT;
	} else {
		s->lo = bits(operand, 31, 12) << PAGE_SHIFT;
	}
	s->last = s->lo | ((1u << PAGE_SHIFT) - 1);
}

static bool decode_operand(struct scope *s, uint64_t operand)
{
	s->level = ANY_LEVEL;
	if (s->tlbi->aarch32) {
		decode_operand32(s, operand);
		return true;
	}
	s->asid = (uint16_t)bits(operand, 63, 48);
	switch (s->tlbi->by) {
	case TLBI_VA:
	case TLBI_VAA:
	case TLBI_IPA:
		break;
	default:
		return true;
	}
	if (s->tlbi->range) {
		return decode_range(s, operand);
	}
	s->level = ttl_level(bits(operand, 47, 44));
	if (s->tlbi->by == TLBI_IPA) {
		s->lo = bits(operand, 39, 0) << PAGE_SHIFT;
	} else {
		s->lo = sign_extend(bits(operand, 43, 0) << PAGE_SHIFT, 55);
	}
	s->last = s->lo | ((1u << PAGE_SHIFT) - 1);
	return true;
}

/* ---- What it names ---- */

static bool by_address(const struct scope *s)
{
	return s->tlbi->by == TLBI_VA || s->tlbi->by == TLBI_VAA || s->tlbi->by == TLBI_IPA;
}

static uint64_t zombie_last(const struct zombie *z)
{
	return z->va + ((1ull << z->shift) - 1);
}

/*
 * EL2 and EL3 have no ASIDs: the field is ignored. The way to a table with global leaves stands for all ASIDs, and what else
 * is below may have any.
 */
static bool asid_matches(const struct scope *s, const struct zombie *z)
{
	if (s->tlbi->by != TLBI_VA) {
		return true;
	}
	if (z->tag->kind == TAG_WIDE) {
		return !z->table || !z->root->space->asids;
	}
	return z->tag->kind == TAG_ASID && z->tag->asid == s->asid;
}

/* Fills in what of a zombie goes. False: nothing, and no soft TLB needs to know either. */
static bool effect_by_address(const struct scope *s, const struct zombie *z, struct pending *p)
{
	if (z->stage2 != (s->tlbi->by == TLBI_IPA) || s->last < z->va || s->lo > zombie_last(z) ||
	    !asid_matches(s, z)) {
		return false;
	}
	if (!z->table) {
		if (s->level != ANY_LEVEL && s->level != z->level) {
			return false;
		}
		p->cpus = z->stage2 ? 0 : s->cpus;
		p->walkers = s->cpus;
		return true;
	}
	p->walkers = s->tlbi->last_level ? 0 : s->cpus;
	/* While walks may still be short cut to the old table, a leaf that goes may come again. */
	p->erase = (z->walkers & ~p->walkers) == 0;
	p->last_level = s->tlbi->last_level;
	p->erase_cpus = s->cpus;
	p->lo = s->lo;
	p->last = s->last;
	return true;
}

static bool effect(const struct scope *s, const struct zombie *z, struct pending *p)
{
	if (by_address(s)) {
		return effect_by_address(s, z, p);
	}
	if (s->tlbi->by == TLBI_ASID) {
		if (z->stage2 || z->tag->kind != TAG_ASID || z->tag->asid != s->asid) {
			return false;
		}
	} else if (s->tlbi->by == TLBI_VMALL && z->stage2) {
		/*
		 * Only what was made of it together with stage 1, and that only where it cannot be made again: the entry of
		 * stage 2 must have gone before.
		 */
		p->cpus = z->table ? 0 : s->cpus & ~z->walkers;
		return true;
	}
	p->cpus = p->walkers = s->cpus;
	return true;
}

/* ---- Pending ---- */

static void pend(struct shadow *shadow, unsigned int cpu, const struct pending *p)
{
	struct shadow_cpu *c = &shadow->cpus[cpu];

	if (array_reserve(shadow, (void **)&c->pending, c->nr_pending, &c->max_pending,
			  sizeof(*c->pending))) {
		c->pending[c->nr_pending++] = *p;
	}
}

static void forget_flush(struct shadow *shadow, struct scope *s)
{
	if (s->forget != NULL) {
		shadow->ops->forget(shadow->ctx, s->forget->addr, s->forget_lo,
				    s->forget_last - s->forget_lo + 1);
		s->forget = NULL;
	}
}

static void forget_zombie(struct shadow *shadow, struct scope *s, const struct zombie *z)
{
	if (s->forget_all) {
		return;
	}
	if (z->stage2) {
		s->forget_all = true;
		shadow->ops->forget(shadow->ctx, 0, 0, 0);
		return;
	}
	if (s->forget != z->root) {
		forget_flush(shadow, s);
		s->forget = z->root;
		s->forget_lo = z->va;
		s->forget_last = zombie_last(z);
	}
	s->forget_lo = z->va < s->forget_lo ? z->va : s->forget_lo;
	s->forget_last = zombie_last(z) > s->forget_last ? zombie_last(z) : s->forget_last;
}

static void invalidate(struct shadow *shadow, struct scope *s, uint32_t idx)
{
	struct zombie *z = zombie_of(shadow, idx);
	const struct shadow_cpu *cpu = &shadow->cpus[s->issuer->cpu];
	struct pending p = {.kind = PENDING_ZOMBIE, .zombie = idx, .serial = z->born};

	if (!effect(s, z, &p)) {
		return;
	}
	forget_zombie(shadow, s, z);
	/* A store that no barrier has completed: a walk behind the TLBI may find the old entry. */
	if (z->visible == 0 && z->born > cpu->last_dsb) {
		return;
	}
	p.cpus &= z->cpus;
	p.walkers &= z->walkers;
	if ((p.cpus | p.walkers) != 0 || p.erase) {
		pend(shadow, s->issuer->cpu, &p);
	}
}

static void invalidate_tag(struct shadow *shadow, struct scope *s, const struct tag *tag)
{
	for (uint32_t idx = tag->zombies; idx != 0;) {
		uint32_t next = zombie_of(shadow, idx)->scope_next;

		invalidate(shadow, s, idx);
		idx = next;
	}
}

static void invalidate_all(struct shadow *shadow, struct scope *s, const struct domain *domain)
{
	invalidate_tag(shadow, s, &domain->wide);
	invalidate_tag(shadow, s, &domain->any);
	for (const struct tag *tag = domain->tags; tag != NULL; tag = tag->next) {
		invalidate_tag(shadow, s, tag);
	}
}

static void invalidate_in_tag(struct shadow *shadow, struct scope *s, const struct tag *tag)
{
	bool stage2 = s->tlbi->by == TLBI_IPA;

	if (tag == NULL || tag->zombies == 0) {
		return;
	}
	/* Rather look at each zombie than at each page. */
	if ((s->last - s->lo) >> PAGE_SHIFT >= tag->domain->nr_zombies) {
		invalidate_tag(shadow, s, tag);
		return;
	}
	for (uint64_t shifts = shadow->zombie_shifts; shifts != 0; shifts &= shifts - 1) {
		unsigned int shift = (unsigned int)__builtin_ctzll(shifts);

		for (uint64_t n = s->lo >> shift; n <= s->last >> shift; n++) {
			uint64_t key = zombie_key(tag, stage2, n << shift, shift);

			for (struct hash_link *l = hash_first(&shadow->zombies_hash, key);
			     l != NULL; l = hash_next(l)) {
				const struct zombie *z = hash_entry(l, struct zombie, by_va);

				if (z->tag == tag && z->shift == shift && z->va >> shift == n) {
					invalidate(shadow, s, z->idx);
				}
			}
		}
	}
}

static void invalidate_address(struct shadow *shadow, struct scope *s, const struct domain *domain)
{
	if (domain->nr_zombies == 0) {
		return;
	}
	invalidate_in_tag(shadow, s, &domain->wide);
	if (s->tlbi->by == TLBI_VA) {
		invalidate_in_tag(shadow, s, tag_find(shadow, domain, s->asid));
	} else if (s->tlbi->by == TLBI_VAA) {
		invalidate_in_tag(shadow, s, &domain->any);
		for (const struct tag *tag = domain->tags;
		     tag != NULL && domain->nr_of_asids[s->lo >> 63] != 0; tag = tag->next) {
			invalidate_in_tag(shadow, s, tag);
		}
	}
}

static void invalidate_domain(struct shadow *shadow, struct scope *s, struct domain *domain)
{
	struct pending p = {
		.kind = PENDING_DOMAIN,
		.domain = domain,
		.serial = shadow->serial,
		.cpus = s->cpus,
		.stage2 = s->tlbi->by == TLBI_VMALLS12 || s->tlbi->by == TLBI_ALL,
	};

	if (by_address(s)) {
		invalidate_address(shadow, s, domain);
		return;
	}
	if (s->tlbi->by == TLBI_ASID) {
		const struct tag *tag = tag_find(shadow, domain, s->asid);

		if (tag == NULL) {
			return;
		}
		invalidate_tag(shadow, s, tag);
		p.kind = PENDING_TAG;
		p.asid = s->asid;
	} else {
		invalidate_all(shadow, s, domain);
	}
	pend(shadow, s->issuer->cpu, &p);
}

void shadow_tlbi(struct shadow *shadow, site_t site, const struct shadow_issuer *issuer,
		 const struct arm_tlbi *tlbi, uint64_t operand)
{
	struct scope s = {.tlbi = tlbi, .issuer = issuer};
	/* HCR_EL2.FB makes EL1's own reach all CPUs. */
	bool all_cpus = tlbi->broadcast || (tlbi->el == 1 && issuer->fb);

	(void)site;
	s.cpus = all_cpus ? UINT64_MAX : 1ull << issuer->cpu;
	if (!decode_operand(&s, operand)) {
		return;
	}
	shadow->serial++;
	for (struct domain *domain = shadow->domains; domain != NULL; domain = domain->next) {
		bool named;

		switch (tlbi->el) {
		case 1:
			named = issuer->e2h_tge ? domain->regime == REGIME_EL20
						: domain->regime == REGIME_EL10 &&
							  (tlbi->by == TLBI_ALL ||
							   domain->vmid == issuer->vmid);
			break;
		case 2:
			/* HCR_EL2.E2H decides which; a CPU has entries of one of them only. */
			named = domain->regime == REGIME_EL2 || domain->regime == REGIME_EL20;
			break;
		default:
			named = domain->regime == REGIME_EL3;
			break;
		}
		if (named) {
			invalidate_domain(shadow, &s, domain);
		}
	}
	forget_flush(shadow, &s);
}

/* ---- Barriers ---- */

static void clear_refs(struct shadow *shadow, const struct tag *tag, const struct pending *p)
{
	struct ref *next;

	for (struct ref *ref = tag->refs; ref != NULL; ref = next) {
		next = ref->next;
		/* Still in use, or until after the TLBI was issued: it may all be there again. */
		if (ref->left < p->serial && (p->stage2 || ref->root->space->stage.stage == 1)) {
			ref_clear(shadow, ref, p->cpus);
		}
	}
}

static void apply(struct shadow *shadow, const struct pending *p)
{
	struct tag *tag, *next;

	switch (p->kind) {
	case PENDING_ZOMBIE:
		zombie_invalidate(shadow, p);
		break;
	case PENDING_TAG:
		tag = tag_find(shadow, p->domain, p->asid);
		if (tag != NULL) {
			tag->pins++;
			clear_refs(shadow, tag, p);
			tag->pins--;
			tag_release(shadow, tag);
		}
		break;
	case PENDING_DOMAIN:
		clear_refs(shadow, &p->domain->wide, p);
		clear_refs(shadow, &p->domain->any, p);
		for (tag = p->domain->tags; tag != NULL; tag = next) {
			tag->pins++;
			clear_refs(shadow, tag, p);
			tag->pins--;
			next = tag->next;
			tag_release(shadow, tag);
		}
		break;
	}
}

void shadow_dsb_stores(struct shadow *shadow, unsigned int cpu)
{
	struct shadow_cpu *c = &shadow->cpus[cpu];

	c->last_dsb = ++shadow->serial;
	for (uint32_t i = 0; i < c->nr_fresh; i++) {
		struct zombie *zombie = zombie_of(shadow, c->fresh[i].zombie);

		if (zombie->born == c->fresh[i].born) {
			zombie->visible = shadow->serial;
		}
	}
	c->nr_fresh = 0;
}

void shadow_dsb(struct shadow *shadow, unsigned int cpu)
{
	struct shadow_cpu *c = &shadow->cpus[cpu];

	shadow_dsb_stores(shadow, cpu);
	for (uint32_t i = 0; i < c->nr_pending; i++) {
		struct pending p = c->pending[i];

		apply(shadow, &p);
	}
	c->nr_pending = 0;
}
