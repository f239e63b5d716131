/* SPDX-License-Identifier: MIT */
/*
 * Grants of three domains, against a model that is as simple as it can be: who uses which entry how often, what each live
 * handle stands for, what each page holds. Random operations, right and wrong ones; after each of them flags, references,
 * pins, mappings and contents are what the model says.
 */
#include "grant/grant.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/policy.h"
#include "grant/grant_internal.h"
#include "tests/unit/fake_hypervisor.h"
#include "tests/unit/fake_machine.h"

#define NR_DOMAINS 3
#define NR_REFS    8
#define NR_PAGES   6 /* of each */
#define NR_SLOTS   4
#define NR_HANDLES 64
#define PAGE_GFN   100
#define SLOT_GFN   200

static struct domain *dom[NR_DOMAINS];

/* ---- the model ---------------------------------------------------------------------------------------------- */

struct model_entry {
	uint16_t flags, domid;
	uint32_t frame;
	unsigned int readers, writers;
	uint16_t user;
	unsigned int page; /* while it is in use */
};

struct model_handle {
	bool live, readonly;
	unsigned int user, granter, ref, slot;
	grant_handle_t handle;
};

static struct model_entry entries[NR_DOMAINS][NR_REFS];
static struct model_handle handles[NR_HANDLES];
static bool has_page[NR_DOMAINS][NR_PAGES];          /* mapped at its place */
static bool given_up[NR_DOMAINS][NR_PAGES];          /* and not freed yet */
static unsigned int slot_page[NR_DOMAINS][NR_SLOTS]; /* what is mapped there, NOTHING */
static bool slot_readonly[NR_DOMAINS][NR_SLOTS];
static uint8_t contents[NR_DOMAINS * NR_PAGES][16];

#define NOTHING UINT_MAX

static unsigned int page_number(unsigned int d, unsigned int i)
{
	return d * NR_PAGES + i;
}

static int16_t model_begin(unsigned int g, unsigned int ref, unsigned int user, bool readonly,
			   bool map)
{
	struct model_entry *e = &entries[g][ref];
	bool fresh = e->readers + e->writers == 0;
	uint16_t mask = GTF_type_mask | (map ? GTF_sub_page : 0);
	unsigned int i = e->frame - PAGE_GFN;

	if (!fresh && e->user != user) {
		return GNTST_general_error;
	}
	if ((readonly ? e->readers : e->writers) == 128) {
		return GNTST_general_error;
	}
	if (fresh && ((e->flags & mask) != GTF_permit_access || e->domid != user)) {
		return GNTST_general_error;
	}
	if ((fresh || e->writers == 0) && !readonly && (e->flags & GTF_readonly) != 0) {
		return GNTST_general_error;
	}
	if (fresh && (e->frame < PAGE_GFN || i >= NR_PAGES || !has_page[g][i])) {
		/* It has said so and taken it back. */
		e->flags &= (uint16_t) ~(GTF_reading | (readonly ? 0 : GTF_writing));
		return GNTST_bad_page;
	}
	if (fresh) {
		e->page = page_number(g, i);
		e->user = (uint16_t)user;
	}
	if (fresh || (!readonly && e->writers == 0)) {
		e->flags |= GTF_reading | (readonly ? 0 : GTF_writing);
	}
	if (readonly) {
		e->readers++;
	} else {
		e->writers++;
	}
	return GNTST_okay;
}

static unsigned int uses_of(unsigned int page)
{
	unsigned int uses = 0;

	for (unsigned int g = 0; g < NR_DOMAINS; g++) {
		for (unsigned int ref = 0; ref < NR_REFS; ref++) {
			if (entries[g][ref].page == page) {
				uses += entries[g][ref].readers + entries[g][ref].writers;
			}
		}
	}
	return uses;
}

static void model_end(unsigned int g, unsigned int ref, bool readonly)
{
	struct model_entry *e = &entries[g][ref];

	if (readonly) {
		e->readers--;
	} else {
		e->writers--;
	}
	if (!readonly && e->writers == 0) {
		e->flags &= (uint16_t)~GTF_writing;
	}
	if (e->readers + e->writers == 0) {
		e->flags &= (uint16_t)~GTF_reading;
		if (given_up[g][e->page % NR_PAGES] && uses_of(e->page) == 0) {
			given_up[g][e->page % NR_PAGES] = false;
		}
	}
}

static bool may_talk(unsigned int a, unsigned int b)
{
	return a == 0 || b == 0 || a == b;
}

/* ---- is everything as the model says? -------------------------------------------------------------------------- */

static void check_entries(void)
{
	for (unsigned int g = 0; g < NR_DOMAINS; g++) {
		for (unsigned int ref = 0; ref < NR_REFS; ref++) {
			const struct grant_entry_v1 *e = &dom[g]->grant.frame[0][ref];

			assert_int_equal(e->flags, entries[g][ref].flags);
			assert_int_equal(e->domid, entries[g][ref].domid);
			assert_int_equal(e->frame, entries[g][ref].frame);
		}
	}
}

static void check_pages(void)
{
	for (unsigned int page = 0; page < NR_DOMAINS * NR_PAGES; page++) {
		unsigned int d = page / NR_PAGES, i = page % NR_PAGES;

		if (has_page[d][i] || given_up[d][i]) {
			assert_int_equal(fake_extra_refs(page), uses_of(page));
			assert_int_equal(frame_of(mfn(FAKE_MFN(page)))->shared_pins, uses_of(page));
			assert_memory_equal(fake_page(page), contents[page], sizeof(contents[page]));
		} else {
			assert_true(fake_page_is_free(page));
		}
	}
}

static void check_slots(void)
{
	for (unsigned int d = 0; d < NR_DOMAINS; d++) {
		for (unsigned int slot = 0; slot < NR_SLOTS; slot++) {
			enum stage2_type type;
			mfn_t m;
			bool mapped = fake_is_mapped(dom[d], SLOT_GFN + slot, &m, &type);

			assert_int_equal(mapped, slot_page[d][slot] != NOTHING);
			if (mapped) {
				assert_int_equal(m.raw, FAKE_MFN(slot_page[d][slot]));
				assert_int_equal(type, slot_readonly[d][slot] ? STAGE2_GRANT_RO
									      : STAGE2_GRANT_RW);
			}
		}
	}
}

static void check_charges(void)
{
	for (unsigned int d = 0; d < NR_DOMAINS; d++) {
		unsigned int nr = 0;

		for (unsigned int i = 0; i < NR_PAGES; i++) {
			nr += has_page[d][i] || given_up[d][i];
		}
		assert_int_equal(dom[d]->nr_pages, nr);
	}
}

static void check(void)
{
	lock_assert_none_held();
	check_entries();
	check_pages();
	check_slots();
	check_charges();
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

static unsigned int pick(unsigned int nr)
{
	return (unsigned int)random() % nr;
}

/* The granter writes an entry, in use or not. */
static void do_write_entry(void)
{
	static const uint16_t flags[] = {
		GTF_invalid,
		GTF_permit_access,
		GTF_permit_access,
		GTF_permit_access,
		GTF_permit_access,
		GTF_permit_access | GTF_readonly,
		GTF_permit_access | GTF_sub_page,
		GTF_accept_transfer,
		GTF_transitive,
	};
	unsigned int g = pick(NR_DOMAINS), ref = pick(NR_REFS);
	struct model_entry *e = &entries[g][ref];

	e->flags = (uint16_t)(flags[pick(ARRAY_SIZE(flags))] |
			      (e->flags & (GTF_reading | GTF_writing)));
	e->domid = (uint16_t)pick(NR_DOMAINS);
	e->frame = pick(8) == 0 ? 7777 : PAGE_GFN + pick(NR_PAGES);
	dom[g]->grant.frame[0][ref] = (struct grant_entry_v1){
		.flags = e->flags,
		.domid = e->domid,
		.frame = e->frame,
	};
}

static struct model_handle *free_handle(void)
{
	for (unsigned int i = 0; i < NR_HANDLES; i++) {
		if (!handles[i].live) {
			return &handles[i];
		}
	}
	return NULL;
}

static void do_map(void)
{
	struct model_handle *h = free_handle();
	unsigned int user = pick(NR_DOMAINS), g = pick(NR_DOMAINS), slot = pick(NR_SLOTS);
	unsigned int ref = pick(NR_REFS + 1);
	bool readonly = pick(2) == 0, fails = pick(10) == 0;
	struct gnttab_map_grant_ref op = {
		.host_addr = (uint64_t)(SLOT_GFN + slot) << PAGE_SHIFT | pick(2) * 0x123,
		.flags = GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0),
		.ref = ref == NR_REFS ? GRANT_ENTRIES_PER_FRAME : ref,
		.dom = (domid_t)g,
		.status = 77,
	};
	int16_t wanted;
	int ret;

	if (h == NULL) {
		return;
	}
	if (pick(8) == 0) {
		fake_pin_restarts = 1;
	}
	if (fails) {
		fake_fail_map_after(1);
	}
	ret = grant_map(dom[user], &op);
	if (ret == -XEN_ERESTART) {
		check();
		ret = grant_map(dom[user], &op);
	}
	fake_pin_restarts = 0;
	fake_fail_map_after(0);
	assert_int_equal(ret, 0);
	if (!may_talk(user, g)) {
		wanted = GNTST_permission_denied;
	} else if (ref == NR_REFS) {
		wanted = GNTST_bad_gntref;
	} else {
		wanted = model_begin(g, ref, user, readonly, true);
		if (wanted == GNTST_okay && fails) {
			model_end(g, ref, readonly);
			wanted = GNTST_general_error;
		}
	}
	assert_int_equal(op.status, wanted);
	if (wanted != GNTST_okay) {
		return;
	}
	assert_int_equal(op.dev_bus_addr, (uint64_t)FAKE_MFN(entries[g][ref].page) << PAGE_SHIFT);
	slot_page[user][slot] = entries[g][ref].page;
	slot_readonly[user][slot] = readonly;
	*h = (struct model_handle){
		.live = true,
		.readonly = readonly,
		.user = user,
		.granter = g,
		.ref = ref,
		.slot = slot,
		.handle = op.handle,
	};
}

static void do_unmap(void)
{
	struct model_handle *h = &handles[pick(NR_HANDLES)];
	unsigned int what = pick(8);
	uint64_t at = (uint64_t)(SLOT_GFN + h->slot) << PAGE_SHIFT;
	int16_t wanted = GNTST_okay;

	if (what == 0) {
		at = 0;
	} else if (what == 1) {
		at += PAGE_SIZE;
	}
	if (!h->live) {
		/* Given back before, or never given out: it may be a number of another domain's. */
		if (h->handle != 0) {
			assert_int_equal(grant_unmap(dom[h->user], h->handle, at, 0),
					 GNTST_bad_handle);
		}
		return;
	}
	if (what == 1 || (what != 0 && slot_page[h->user][h->slot] != NOTHING &&
			  slot_page[h->user][h->slot] != entries[h->granter][h->ref].page)) {
		wanted = GNTST_general_error;
	}
	assert_int_equal(grant_unmap(dom[h->user], h->handle, at, 0), wanted);
	if (wanted == GNTST_okay && what != 0) {
		slot_page[h->user][h->slot] = NOTHING;
		h->live = false;
		model_end(h->granter, h->ref, h->readonly);
	}
}

/* One end of a copy. */
struct end {
	bool by_ref;
	unsigned int d, ref, i;
	struct gnttab_copy_ptr ptr;
};

static struct end pick_end(unsigned int user)
{
	struct end end = {.by_ref = pick(2) == 0,
			  .d = user,
			  .ref = pick(NR_REFS),
			  .i = pick(NR_PAGES)};

	end.ptr.offset = (uint16_t)pick(8);
	if (end.by_ref) {
		end.d = pick(NR_DOMAINS);
		end.ptr.domid = (domid_t)end.d;
		end.ptr.u.ref = end.ref;
	} else {
		end.ptr.domid = DOMID_SELF;
		end.ptr.u.gmfn = PAGE_GFN + end.i;
	}
	return end;
}

static int16_t model_end_begin(const struct end *end, unsigned int user, bool readonly)
{
	if (end->by_ref) {
		return model_begin(end->d, end->ref, user, readonly, false);
	}
	return has_page[user][end->i] ? GNTST_okay : GNTST_bad_page;
}

static unsigned int page_of_end(const struct end *end)
{
	return end->by_ref ? entries[end->d][end->ref].page : page_number(end->d, end->i);
}

static int16_t model_copy(const struct gnttab_copy *op, const struct end *from,
			  const struct end *to, unsigned int user)
{
	int16_t status;

	if (!may_talk(user, from->d) || !may_talk(user, to->d)) {
		return GNTST_permission_denied;
	}
	status = model_end_begin(from, user, true);
	if (status != GNTST_okay) {
		return status;
	}
	status = model_end_begin(to, user, false);
	if (status == GNTST_okay) {
		if (op->len == PAGE_SIZE) {
			status = op->source.offset + op->dest.offset == 0 ? GNTST_okay
									  : GNTST_bad_copy_arg;
		}
		if (status == GNTST_okay) {
			uint8_t *source = contents[page_of_end(from)],
				*dest = contents[page_of_end(to)];

			memmove(dest + op->dest.offset, source + op->source.offset,
				MIN((size_t)op->len, sizeof(contents[0])));
		}
		if (to->by_ref) {
			model_end(to->d, to->ref, false);
		}
	}
	if (from->by_ref) {
		model_end(from->d, from->ref, true);
	}
	return status;
}

static void do_copy(void)
{
	unsigned int user = pick(NR_DOMAINS);
	struct end from = pick_end(user), to = pick_end(user);
	struct gnttab_copy op = {
		.source = from.ptr,
		.dest = to.ptr,
		.len = (uint16_t)(pick(6) == 0 ? PAGE_SIZE : pick(9)),
		.flags = (uint16_t)((from.by_ref ? GNTCOPY_source_gref : 0) |
				    (to.by_ref ? GNTCOPY_dest_gref : 0)),
	};
	int16_t status = grant_copy(dom[user], &op);

	assert_int_equal(status, model_copy(&op, &from, &to, user));
}

static void do_swap(void)
{
	unsigned int d = pick(NR_DOMAINS), a = pick(NR_REFS), b = pick(NR_REFS);
	struct model_entry *ea = &entries[d][a], *eb = &entries[d][b];
	bool busy = ea->readers + ea->writers + eb->readers + eb->writers != 0;
	struct model_entry was = *ea;

	assert_int_equal(grant_swap(dom[d], a, b), busy && a != b ? GNTST_eagain : GNTST_okay);
	if (!busy) {
		*ea = *eb;
		*eb = was;
	}
}

/* A page is given up, as by decrease_reservation, or comes back. */
static void do_balloon(void)
{
	unsigned int d = pick(NR_DOMAINS), i = pick(NR_PAGES), page = page_number(d, i);

	if (given_up[d][i]) {
		return;
	}
	if (!has_page[d][i]) {
		fake_give_page(dom[d], page, PAGE_GFN + i);
		memcpy(fake_page(page), contents[page], sizeof(contents[page]));
		has_page[d][i] = true;
		return;
	}
	assert_int_equal(stage2_unmap(dom[d], gfn(PAGE_GFN + i), 1), 0);
	if (frame_give_up(mfn(FAKE_MFN(page)), dom[d]->id)) {
		dom[d]->nr_pages--;
	}
	has_page[d][i] = false;
	given_up[d][i] = uses_of(page) != 0;
}

static void do_flush(void)
{
	unsigned int user = pick(NR_DOMAINS), page = pick(NR_DOMAINS * NR_PAGES);
	unsigned int d = page / NR_PAGES, i = page % NR_PAGES;
	uint32_t ref = 0;
	int wanted = -XEN_EINVAL;

	for (unsigned int r = 0; r < NR_REFS; r++) {
		const struct model_entry *e = &entries[d][r];

		if (e->readers + e->writers != 0 && e->page == page && e->user == user) {
			wanted = 0;
		}
	}
	if (!has_page[d][i] && !given_up[d][i]) {
		wanted = -XEN_EPERM;
	} else if (d == user) {
		wanted = 0;
	}
	assert_int_equal(grant_cache_flush(dom[user], (uint64_t)FAKE_MFN(page) << PAGE_SHIFT, 64,
					   pick(2) == 0, &ref),
			 wanted);
}

/* ---- tests -------------------------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	(void)state;
	fake_hypervisor_reset();
	policy_set_silo(true);
	memset(entries, 0, sizeof(entries));
	memset(handles, 0, sizeof(handles));
	memset(given_up, 0, sizeof(given_up));
	for (unsigned int d = 0; d < NR_DOMAINS; d++) {
		dom[d] = fake_domain_create((uint16_t)d);
		for (unsigned int i = 0; i < NR_PAGES; i++) {
			unsigned int page = page_number(d, i);

			fake_give_page(dom[d], page, PAGE_GFN + i);
			memset(contents[page], (int)page + 1, sizeof(contents[page]));
			memcpy(fake_page(page), contents[page], sizeof(contents[page]));
			has_page[d][i] = true;
		}
		for (unsigned int slot = 0; slot < NR_SLOTS; slot++) {
			slot_page[d][slot] = NOTHING;
		}
		for (unsigned int ref = 0; ref < NR_REFS; ref++) {
			entries[d][ref].page = NOTHING;
		}
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	/* As the death of each would: what it has mapped goes first. */
	for (unsigned int d = 0; d < NR_DOMAINS; d++) {
		while (grant_release_mappings(dom[d]) == -XEN_ERESTART) {
		}
	}
	fake_hypervisor_check_leaks();
	return 0;
}

static void random_operations(void **state)
{
	static void (*const operations[])(void) = {
		do_write_entry, do_write_entry, do_map,  do_map,     do_map,  do_map,   do_unmap,
		do_unmap,       do_unmap,       do_copy, do_balloon, do_swap, do_flush,
	};
	unsigned int live = 0;

	(void)state;
	srandom(4711);
	for (unsigned int i = 0; i < 60000; i++) {
		operations[pick(ARRAY_SIZE(operations))]();
		check();
	}
	for (unsigned int i = 0; i < NR_HANDLES; i++) {
		live += handles[i].live;
	}
	assert_true(live > 0);
	/* A domain dies with what it has mapped, a bit at a time. */
	for (unsigned int d = 0; d < NR_DOMAINS; d++) {
		for (unsigned int slot = 0; slot < NR_SLOTS; slot++) {
			assert_int_equal(stage2_unmap(dom[d], gfn(SLOT_GFN + slot), 1), 0);
			slot_page[d][slot] = NOTHING;
		}
		fake_machine_interrupt_after(0);
		while (grant_release_mappings(dom[d]) == -XEN_ERESTART) {
		}
		for (unsigned int i = 0; i < NR_HANDLES; i++) {
			if (handles[i].live && handles[i].user == d) {
				handles[i].live = false;
				model_end(handles[i].granter, handles[i].ref, handles[i].readonly);
			}
		}
		check();
	}
	for (unsigned int page = 0; page < NR_DOMAINS * NR_PAGES; page++) {
		assert_int_equal(uses_of(page), 0);
	}
}

static void permit(unsigned int g, unsigned int ref, unsigned int to, unsigned int i, uint16_t flags)
{
	dom[g]->grant.frame[0][ref] = (struct grant_entry_v1){
		.flags = GTF_permit_access | flags,
		.domid = (domid_t)to,
		.frame = PAGE_GFN + i,
	};
}

static int16_t map_at(unsigned int user, unsigned int g, unsigned int ref, uint64_t at,
		      uint32_t flags, grant_handle_t *handle)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = at,
		.flags = GNTMAP_host_map | flags,
		.ref = ref,
		.dom = (domid_t)g,
	};

	assert_int_equal(grant_map(dom[user], &op), 0);
	*handle = op.handle;
	return op.status;
}

static void a_granter_that_dies_is_used_on(void **state)
{
	grant_handle_t handle, other, none;

	(void)state;
	permit(1, 3, 0, 2, 0);
	assert_int_equal(map_at(0, 1, 3, 0x5000, 0, &handle), GNTST_okay);
	assert_int_equal(map_at(0, 1, 3, 0x6000, GNTMAP_readonly, &other), GNTST_okay);
	grant_domain_fini(dom[1]);
	/* Nothing new, but the frame stays. */
	assert_int_equal(map_at(0, 1, 3, 0x7000, 0, &none), GNTST_bad_gntref);
	assert_int_equal(fake_extra_refs(page_number(1, 2)), 2);
	assert_int_equal(grant_unmap(dom[0], handle, 0x5000, 0), GNTST_okay);
	assert_int_equal(fake_extra_refs(page_number(1, 2)), 1);
	assert_int_equal(grant_unmap(dom[0], other, 0x6000, 0), GNTST_okay);
	assert_int_equal(fake_extra_refs(page_number(1, 2)), 0);
	assert_int_equal(grant_unmap(dom[0], other, 0x6000, 0), GNTST_bad_handle);
}

static void handles_run_out(void **state)
{
	unsigned int nr = 0;
	grant_handle_t handle, last = 0;
	int16_t status = GNTST_okay;

	(void)state;
	/* 16 frames of 256; 128 uses of an entry. */
	for (unsigned int ref = 0; status == GNTST_okay; ref++) {
		permit(1, ref, 0, 0, 0);
		for (unsigned int i = 0; i < 128 && status == GNTST_okay; i++) {
			status = map_at(0, 1, ref, 0x5000, 0, &handle);
			if (status == GNTST_okay) {
				assert_int_equal(handle, nr);
				nr++;
				last = handle;
			}
		}
	}
	assert_int_equal(status, GNTST_no_space);
	assert_int_equal(nr, 16 * 256);
	/* A handle that comes back is another number. */
	assert_int_equal(grant_unmap(dom[0], last, 0x5000, 0), GNTST_okay);
	assert_int_equal(map_at(0, 1, 40, 0x5000, 0, &handle), GNTST_general_error);
	permit(1, 40, 0, 0, 0);
	assert_int_equal(map_at(0, 1, 40, 0x5000, 0, &handle), GNTST_okay);
	assert_true(handle != last);
	assert_int_equal(map_at(0, 1, 40, 0x5000, 0, &handle), GNTST_no_space);
}

static void handles_need_memory(void **state)
{
	grant_handle_t handle;

	(void)state;
	permit(1, 3, 0, 2, 0);
	for (unsigned int left = 0; left < 2; left++) {
		fake_allocations_left = left;
		assert_int_equal(map_at(0, 1, 3, 0x5000, 0, &handle), GNTST_no_space);
		assert_int_equal(dom[1]->grant.frame[0][3].flags, GTF_permit_access);
	}
	fake_allocations_left = UINT_MAX;
	assert_int_equal(map_at(0, 1, 3, 0x5000, 0, &handle), GNTST_okay);
}

/* Copies hold no reference: what one found may be something else by the time that the next one comes. */
static void a_frame_in_use_is_looked_up_again_unless_it_is_held(void **state)
{
	grant_handle_t handle;
	int16_t status;

	(void)state;
	permit(1, 3, 0, 2, 0);
	assert_int_equal(grant_begin_copy(dom[1], 3, 0, true, &status).raw,
			 FAKE_MFN(page_number(1, 2)));
	assert_int_equal(grant_begin_copy(dom[1], 3, 0, true, &status).raw,
			 FAKE_MFN(page_number(1, 2)));
	dom[1]->grant.frame[0][3].frame = PAGE_GFN + 1;
	assert_int_equal(grant_begin_copy(dom[1], 3, 0, true, &status).raw, MFN_INVALID.raw);
	assert_int_equal(status, GNTST_general_error);
	assert_int_equal(map_at(0, 1, 3, 0x5000, GNTMAP_readonly, &handle), GNTST_general_error);
	assert_int_equal(fake_extra_refs(page_number(1, 1)), 0);
	/* Who has it mapped holds it, whatever the entry says by now. */
	dom[1]->grant.frame[0][3].frame = PAGE_GFN + 2;
	assert_int_equal(map_at(0, 1, 3, 0x5000, GNTMAP_readonly, &handle), GNTST_okay);
	dom[1]->grant.frame[0][3].frame = PAGE_GFN + 1;
	assert_int_equal(grant_begin_copy(dom[1], 3, 0, true, &status).raw,
			 FAKE_MFN(page_number(1, 2)));
	for (unsigned int i = 0; i < 3; i++) {
		grant_end_use(dom[1], 3, true);
	}
	assert_int_equal(grant_unmap(dom[0], handle, 0x5000, 0), GNTST_okay);
	assert_int_equal(fake_extra_refs(page_number(1, 2)), 0);
}

static void uses_of_an_entry_are_limited(void **state)
{
	grant_handle_t handle;

	(void)state;
	permit(1, 3, 0, 2, 0);
	for (unsigned int i = 0; i < 128; i++) {
		assert_int_equal(map_at(0, 1, 3, 0x5000, 0, &handle), GNTST_okay);
		assert_int_equal(map_at(0, 1, 3, 0x5000, GNTMAP_readonly, &handle), GNTST_okay);
	}
	assert_int_equal(map_at(0, 1, 3, 0x5000, 0, &handle), GNTST_general_error);
	assert_int_equal(map_at(0, 1, 3, 0x5000, GNTMAP_readonly, &handle), GNTST_general_error);
}

/* As its owner uses it, with a barrier where that may be as Device memory; and without a pin, so that nothing is to be cleaned. */
static void each_page_is_copied_as_its_owner_uses_it(void **state)
{
	unsigned int theirs = page_number(1, 2), own = page_number(0, 3);
	struct gnttab_copy in = {
		.source = {.u.ref = 3, .domid = 1},
		.dest = {.u.gmfn = PAGE_GFN + 3, .domid = DOMID_SELF},
		.len = 16,
		.flags = GNTCOPY_source_gref,
	};
	struct gnttab_copy out = {
		.source = {.u.gmfn = PAGE_GFN + 3, .domid = DOMID_SELF},
		.dest = {.u.ref = 3, .domid = 1},
		.len = 16,
		.flags = GNTCOPY_dest_gref,
	};

	(void)state;
	permit(1, 3, 0, 2, 0);
	dom[0]->warm = true;
	dom[1]->warm = false;
	fake_machine_log_clear();
	assert_int_equal(grant_copy(dom[0], &in), GNTST_okay);
	assert_int_equal(fake_window_attr[theirs], WINDOW_NC);
	assert_int_equal(fake_window_attr[own], WINDOW_WB);
	assert_int_equal(fake_machine_count("dsb sy"), 1);
	assert_int_equal(grant_copy(dom[0], &out), GNTST_okay);
	assert_int_equal(fake_window_attr[theirs], WINDOW_NC);
	assert_int_equal(fake_window_attr[own], WINDOW_WB);
	assert_int_equal(fake_machine_count("dsb sy"), 1 + 2);
	dom[1]->warm = true;
	fake_machine_log_clear();
	assert_int_equal(grant_copy(dom[0], &out), GNTST_okay);
	assert_int_equal(fake_window_attr[theirs], WINDOW_WB);
	assert_int_equal(fake_machine_count("dsb"), 0);
	assert_int_equal(frame_of(mfn(FAKE_MFN(theirs)))->shared_pins, 0);
}

/* What is dirty since it was warm is read, and does not fall on what is written. */
static void an_owner_that_turns_has_no_lines_of_what_is_copied(void **state)
{
	static const struct {
		bool warm, foreign_due, setway_flush;
		unsigned int cleans;
	} cases[] = {
		{false, false, false, 0}, {false, false, true, 2}, {false, true, true, 2},
		{true, true, false, 2},   {true, false, true, 0},  {true, false, false, 0},
	};
	struct gnttab_copy op = {
		.source = {.u.gmfn = PAGE_GFN + 3, .domid = DOMID_SELF},
		.dest = {.u.ref = 3, .domid = 1},
		.len = 16,
		.flags = GNTCOPY_dest_gref,
	};

	(void)state;
	permit(1, 3, 0, 2, 0);
	dom[0]->warm = true;
	for (unsigned int n = 0; n < ARRAY_SIZE(cases); n++) {
		dom[1]->warm = cases[n].warm;
		dom[1]->foreign_due = cases[n].foreign_due;
		dom[1]->setway_flush = cases[n].setway_flush;
		fake_machine_log_clear();
		assert_int_equal(grant_copy(dom[0], &op), GNTST_okay);
		assert_int_equal(fake_machine_count("dc civac"), cases[n].cleans);
		if (cases[n].cleans != 0) {
			fake_machine_expect("dc civac", "dsb sy", "dc civac", "dsb sy");
		}
	}
}

static void what_cannot_be_told_is_undone(void **state)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = 0, /* a page like any other */
		.flags = GNTMAP_host_map,
		.ref = 3,
		.dom = 1,
	};
	enum stage2_type type;
	mfn_t m;

	(void)state;
	permit(1, 3, 0, 2, 0);
	assert_int_equal(grant_map(dom[0], &op), 0);
	assert_int_equal(op.status, GNTST_okay);
	assert_true(fake_is_mapped(dom[0], 0, &m, &type));
	grant_map_undo(dom[0], &op);
	assert_false(fake_is_mapped(dom[0], 0, &m, &type));
	assert_int_equal(dom[1]->grant.frame[0][3].flags, GTF_permit_access);
	assert_int_equal(fake_extra_refs(page_number(1, 2)), 0);
	/* Once; and what failed has nothing to undo. */
	grant_map_undo(dom[0], &op);
	op.status = GNTST_general_error;
	grant_map_undo(dom[0], &op);
}

/* The mapping may have been replaced: what is there now stays, and so does the handle. */
static void what_was_replaced_is_not_unmapped(void **state)
{
	grant_handle_t handle;
	enum stage2_type type;
	mfn_t m;

	(void)state;
	permit(1, 3, 0, 2, 0);
	assert_int_equal(map_at(0, 1, 3, 0x5000, 0, &handle), GNTST_okay);
	fake_map(dom[0], 5, mfn(FAKE_MFN(0)), STAGE2_RAM);
	assert_int_equal(grant_unmap(dom[0], handle, 0x5000, 0), GNTST_general_error);
	assert_true(fake_is_mapped(dom[0], 5, &m, &type));
	assert_int_equal(type, STAGE2_RAM);
	assert_int_equal(fake_extra_refs(page_number(1, 2)), 1);
	assert_int_equal(stage2_unmap(dom[0], gfn(5), 1), 0);
	assert_int_equal(grant_unmap(dom[0], handle, 0x5000, 0), GNTST_okay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_operations, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_granter_that_dies_is_used_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(handles_run_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(handles_need_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(uses_of_an_entry_are_limited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_frame_in_use_is_looked_up_again_unless_it_is_held,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_page_is_copied_as_its_owner_uses_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_owner_that_turns_has_no_lines_of_what_is_copied,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_told_is_undone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_replaced_is_not_unmapped, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
