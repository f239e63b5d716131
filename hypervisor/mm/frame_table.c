/* SPDX-License-Identifier: MIT */
/*
 * The frame table: one entry for each frame of RAM, at FRAME_TABLE_BASE + 16 * mfn, mapped only where
 * RAM is; and references on guests' frames.
 */
#include "mm/mm_internal.h"

#include "abi/xen.h"
#include "arm64/atomic.h"
#include "arm64/cache.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/string.h"

struct ram_bank ram_banks[RAM_MAX_BANKS] __ro_after_init_bss;
unsigned int nr_ram_banks __ro_after_init_bss;

struct frame *frame_of(mfn_t m)
{
	return frame_entry(m);
}

/* Where a bank's entries lie within the pages of the table: both ends round outward. */
static void table_span(uint64_t first, uint64_t end, uint64_t *va, uint64_t *size)
{
	*va = ALIGN_DOWN((uint64_t)(uintptr_t)frame_entry_of_ram(mfn(first)), PAGE_SIZE);
	*size = ALIGN_UP((uint64_t)(uintptr_t)frame_entry_of_ram(mfn(end)), PAGE_SIZE) - *va;
}

uint64_t __init frame_table_bytes(uint64_t first_mfn, uint64_t end_mfn)
{
	uint64_t va, size;

	table_span(first_mfn, end_mfn, &va, &size);
	return size;
}

int __init frame_table_add_bank(uint64_t first_mfn, uint64_t end_mfn, maddr_t table_maddr)
{
	uint64_t va, size;
	int error;

	if (nr_ram_banks == RAM_MAX_BANKS) {
		return -XEN_ENOSPC;
	}
	table_span(first_mfn, end_mfn, &va, &size);
	error = hyp_map_frame_table(va, table_maddr, size);
	if (error) {
		return error;
	}
	page_zero((void *)(uintptr_t)va, size);
	ram_banks[nr_ram_banks++] = (struct ram_bank){.first = first_mfn, .end = end_mfn};
	return 0;
}

void frame_table_mark(uint64_t first_mfn, uint64_t end_mfn, enum frame_state state)
{
	for (uint64_t m = first_mfn; m < end_mfn; m++) {
		struct frame *f = frame_of(mfn(m));

		if (f) {
			*f = (struct frame){.state = state};
		}
	}
}

mfn_t frame_pool_max_mfn(void)
{
	uint64_t max = 0;

	for (unsigned int n = 0; n < nr_ram_banks; n++) {
		max = MAX(max, ram_banks[n].end - 1);
	}
	return mfn(max);
}

uint64_t frame_table_ram_frames(void)
{
	uint64_t nr = 0;

	for (unsigned int n = 0; n < nr_ram_banks; n++) {
		nr += ram_banks[n].end - ram_banks[n].first;
	}
	return nr;
}

bool frame_get(mfn_t m, uint16_t domid)
{
	struct frame *f = frame_entry(m);
	uint64_t head;

	if (!f) {
		return false;
	}
	head = atomic_load_acquire(&f->head);
	do {
		/* No owner, or its last reference is going: too late. */
		if (!frame_head_is_of(head, domid) || HEAD_REFS(head) == 0 ||
		    HEAD_REFS(head) == UINT32_MAX) {
			return false;
		}
	} while (!atomic_compare_exchange(&f->head, &head, head + FRAME_ONE_REF));
	return true;
}

void frame_put(mfn_t m)
{
	struct frame *f = frame_of(m);
	struct frame old;

	ASSERT(f && (f->state == FRAME_GUEST || f->state == FRAME_TENON_SHARED));
	old.head = atomic_fetch_sub(&f->head, FRAME_ONE_REF);
	ASSERT(old.refs > 0);
	if (old.refs == 1) {
		frame_pool_give_back(m, true);
	}
}

/* What is given up and in nobody's use any more goes; seen is the last that was seen of it. False: somebody uses it. */
static bool free_given_up(mfn_t m, struct frame seen)
{
	struct frame *f = frame_of(m);
	struct frame freed = seen;

	freed.order &= (uint8_t)~FRAME_GIVEN_UP;
	freed.refs = 0;
	if ((seen.order & FRAME_GIVEN_UP) == 0 || seen.refs != 1 ||
	    !atomic_compare_exchange(&f->head, &seen.head, freed.head)) {
		return false; /* a reference taken since: who drops that comes here */
	}
	frame_pool_give_back(m, true);
	return true;
}

/* A domain's own RAM, and its last reference is not going just now. */
static bool is_owned(struct frame seen, uint16_t domid)
{
	return seen.state == FRAME_GUEST && seen.owner == domid && seen.refs > 0;
}

bool frame_give_up(mfn_t m, uint16_t owner)
{
	struct frame *f = frame_of(m);
	struct frame seen, next;

	seen.head = atomic_load_acquire(&f->head);
	do {
		if (!is_owned(seen, owner)) {
			return false;
		}
		next = seen;
		next.order |= FRAME_GIVEN_UP;
	} while (!atomic_compare_exchange(&f->head, &seen.head, next.head));
	return free_given_up(m, next);
}

bool frame_use_ended(mfn_t m, uint64_t head)
{
	ASSERT(HEAD_REFS(head) > 0);
	if (HEAD_REFS(head) == 1) {
		frame_pool_give_back(m, true);
		return false; /* its owner is dead */
	}
	return free_given_up(m, (struct frame){.head = head - FRAME_ONE_REF});
}

bool frame_put_allocation(mfn_t m, uint16_t owner)
{
	struct frame *f = frame_of(m);
	struct frame seen, next;

	seen.head = atomic_load_acquire(&f->head);
	do {
		/* What was given up goes with its last use, on another CPU, whenever that ends. */
		if (!is_owned(seen, owner)) {
			return false;
		}
		next = seen;
		next.order &= (uint8_t)~FRAME_GIVEN_UP;
		next.refs--;
	} while (!atomic_compare_exchange(&f->head, &seen.head, next.head));
	if (next.refs == 0) {
		frame_pool_give_back(m, true);
	}
	return true;
}
