/* SPDX-License-Identifier: MIT */
/*
 * Uses of a granter's entries. The entry in shared memory says what the granter permits and, by GTF_reading and
 * GTF_writing, what is going on; struct grant_active is Tenon's own record of the same. What the entry permits is
 * looked at when a use begins that it does not yet show, once, and nothing that the granter does to it afterwards
 * changes what is in use (public/grant_table.h, "Invalidating an in-use GTF_permit_access entry").
 *
 * In place for the maps (grant_map.c); grant_active.c has the same for others, and what is rare.
 */
#pragma once

#include "arm64/atomic.h"
#include "domain/domain.h"
#include "grant/grant_internal.h"
#include "lib/assert.h"
#include "stage2/stage2.h"

/* Of one entry, for reading and for writing each: as in Xen. */
#define GRANT_MAX_USES           128

/* flags and domid, which change together. Little-endian. */
#define GRANT_HEAD(domid, flags) ((uint32_t)(domid) << 16 | (flags))

/* What a use says to the granter: reading, or both. */
static inline uint32_t grant_use_flags(bool readonly)
{
	return GTF_reading | (readonly ? 0 : GTF_writing);
}

enum grant_use {
	GRANT_USE_MAP,
	GRANT_USE_COPY /* whole pages too, but GTF_sub_page is not looked at: as in Xen */
};

static inline struct grant_entry_v1 *grant_entry_of(const struct grant_domain *grant,
						    grant_ref_t ref)
{
	return &grant->frame[ref / GRANT_ENTRIES_PER_FRAME][ref % GRANT_ENTRIES_PER_FRAME];
}

static inline uint32_t *grant_head_of(struct grant_entry_v1 *entry)
{
	return (uint32_t *)(void *)entry;
}

/* A single LL/SC pair: the granter may change an entry faster than an exclusive store gets through (S3). */
static inline bool grant_update_head(uint32_t *head, uint32_t *expected, uint32_t value)
{
	return __atomic_compare_exchange_n(head, expected, value, true, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/*
 * What does not permit it, 0 if nothing. fresh: nobody uses it yet, so the user and the type of the entry are not settled.
 */
static inline uint32_t grant_forbids(uint32_t head, bool fresh, uint16_t user, bool readonly,
				     enum grant_use use)
{
	uint32_t type_mask = GTF_type_mask | (use == GRANT_USE_MAP ? GTF_sub_page : 0);
	uint32_t wrong = 0;

	if (fresh) {
		wrong = (head ^ GRANT_HEAD(user, GTF_permit_access)) &
			GRANT_HEAD(UINT16_MAX, type_mask);
	}
	return wrong | (readonly ? 0 : head & GTF_readonly);
}

/* The first attempt has failed; head is what was seen then, or what was there instead. */
bool grant_show_use_again(struct grant_entry_v1 *entry, uint32_t head, bool changed, bool fresh,
			  uint16_t user, bool readonly, enum grant_use use);
void grant_show_less_again(const struct domain *granter, struct grant_entry_v1 *entry,
			   uint32_t flags);

static inline bool grant_show_use(struct grant_entry_v1 *entry, bool fresh, uint16_t user,
				  bool readonly, enum grant_use use)
{
	uint32_t head = atomic_load_relaxed(grant_head_of(entry));
	uint32_t seen = head;

	if (unlikely(grant_forbids(head, fresh, user, readonly, use) != 0)) {
		return false;
	}
	return likely(grant_update_head(grant_head_of(entry), &head,
					head | grant_use_flags(readonly))) ||
	       grant_show_use_again(entry, head, head != seen, fresh, user, readonly, use);
}

static inline void grant_show_less(const struct domain *granter, struct grant_entry_v1 *entry,
				   const struct grant_active *active, bool readonly)
{
	uint32_t flags = 0;
	uint32_t head;

	if (active->writers == 0) {
		flags = (readonly ? 0 : GTF_writing) | (active->readers == 0 ? GTF_reading : 0);
	}
	if (flags != 0) {
		head = atomic_load_relaxed(grant_head_of(entry));
		if (unlikely(!grant_update_head(grant_head_of(entry), &head, head & ~flags))) {
			grant_show_less_again(granter, entry, flags);
		}
	}
}

/* The frame that the entry names: the granter's own, and not what it has of others. */
static inline bool grant_find_frame(struct domain *granter, const struct grant_entry_v1 *entry,
				    enum grant_use use, mfn_t *m)
{
	/* Read once: after the acquire of grant_show_use(), as the granter writes the frame before the type. */
	gfn_t g = gfn(READ_ONCE(entry->frame));
	enum stage2_type type;

	if (use == GRANT_USE_MAP) {
		return stage2_get_frame(granter, g, m, &type) == 0;
	}
	*m = stage2_find_frame(granter, g);
	return m->raw != MFN_INVALID.raw;
}

/*
 * The frame of an entry that is in use already, whatever the granter has written there since. Only who has it mapped holds a
 * reference, so it is looked up again: meanwhile it may have been freed, and be the granter's again in another place. One
 * that is not found there any more must have a reference besides its owner's, or be marked as given up while in use.
 */
bool grant_find_frame_again(struct domain *granter, const struct grant_entry_v1 *entry,
			    const struct grant_active *active, enum grant_use use, mfn_t *m);

static __force_inline int16_t grant_begin_locked(struct domain *granter, grant_ref_t ref,
						 uint16_t user, bool readonly, enum grant_use use,
						 mfn_t *m)
{
	struct grant_domain *grant = &granter->grant;
	struct grant_entry_v1 *entry;
	struct grant_active *active;
	bool fresh;

	ASSERT(spin_is_mine(&grant->lock));
	if (unlikely(ref / GRANT_ENTRIES_PER_FRAME >= grant->nr_frames)) {
		return GNTST_bad_gntref;
	}
	entry = grant_entry_of(grant, ref);
	active = grant_active_of(grant, ref);
	fresh = (active->readers | active->writers) == 0;
	if (unlikely(!fresh) && (active->domid != user ||
				 (readonly ? active->readers : active->writers) == GRANT_MAX_USES)) {
		return GNTST_general_error;
	}
	if ((fresh || (!readonly && active->writers == 0)) &&
	    !grant_show_use(entry, fresh, user, readonly, use)) {
		return GNTST_general_error;
	}
	if (likely(fresh)) {
		if (unlikely(!grant_find_frame(granter, entry, use, m))) {
			grant_show_less(granter, entry, active, readonly);
			return GNTST_bad_page;
		}
		active->mfn = (uint32_t)m->raw;
		active->domid = user;
	} else {
		if (!grant_find_frame_again(granter, entry, active, use, m)) {
			grant_show_less(granter, entry, active, readonly);
			return GNTST_general_error;
		}
	}
	if (readonly) {
		active->readers++;
	} else {
		active->writers++;
	}
	return GNTST_okay;
}

static __force_inline int16_t grant_begin_use(struct domain *granter, grant_ref_t ref, uint16_t user,
					      bool readonly, enum grant_use use, mfn_t *m)
{
	int16_t status;

	spin_lock(&granter->grant.lock);
	status = grant_begin_locked(granter, ref, user, readonly, use, m);
	spin_unlock(&granter->grant.lock);
	return status;
}

static __force_inline void grant_end_use_inline(struct domain *granter, grant_ref_t ref,
						bool readonly)
{
	struct grant_domain *grant = &granter->grant;
	struct grant_active *active;

	spin_lock(&grant->lock);
	active = grant_active_of(grant, ref);
	ASSERT(readonly ? active->readers > 0 : active->writers > 0);
	if (readonly) {
		active->readers--;
	} else {
		active->writers--;
	}
	/* The table of a granter that is no more has gone before. */
	if (likely(ref / GRANT_ENTRIES_PER_FRAME < grant->nr_frames)) {
		grant_show_less(granter, grant_entry_of(grant, ref), active, readonly);
	}
	spin_unlock(&grant->lock);
}
