/* SPDX-License-Identifier: MIT */
/*
 * Windows (M1): this CPU's short-lived mappings of frames that Tenon does not own, and the epochs that
 * tell when no CPU holds one any more.
 *
 * A window stays mapped after window_unmap() so that the next use of the frame is cheap. Only this CPU's
 * tables map it, so a local TLBI suffices.
 */
#include "mm/mm_internal.h"

#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "arm64/cpu_work.h"
#include "arm64/percpu.h"
#include "arm64/pte.h"
#include "arm64/tlb.h"
#include "lib/assert.h"
#include "mm/window.h"

#define PTE_WINDOW    (PTE_VALID | PTE_PAGE | PTE_AF | PTE_EL2_AP1_RES1 | PTE_EL2_XN)
#define PTE_WINDOW_WB (PTE_WINDOW | PTE_SH_INNER | PTE_ATTRIDX(MAIR_IDX_WB))
#define PTE_WINDOW_NC (PTE_WINDOW | PTE_ATTRIDX(MAIR_IDX_NC))

DEFINE_PER_CPU(struct windows, windows);

/* Epochs: the last one begun, and the last one each CPU has dropped its windows for. */
static uint32_t epoch_current;
static DEFINE_PER_CPU(uint32_t, epoch_seen);
static DEFINE_PER_CPU(uint32_t, epoch_idle); /* idle CPUs hold no window */

static bool has_attr(uint64_t tag, enum window_attr attr)
{
	return (tag & WINDOW_TAG_ATTRIBUTE) == 1 + (uint64_t)attr;
}

static uint64_t pte_of(uint64_t tag)
{
	return (tag & WINDOW_TAG_FRAME) | (has_attr(tag, WINDOW_NC) ? PTE_WINDOW_NC : PTE_WINDOW_WB);
}

static void set_entry(struct windows *w, unsigned int n, uint64_t tag)
{
	uint64_t *table = hyp_map_window_table(this_cpu_id());

	if (w->tag[n] != 0) {
		/* Break before make: another frame or attribute at the same address. */
		WRITE_ONCE(table[n], 0);
		tlb_invalidate_el2_va_local((uint64_t)(uintptr_t)window_va(n));
	}
	w->tag[n] = tag;
	if (tag != 0) {
		WRITE_ONCE(table[n], pte_of(tag));
		dsb_nsh(); /* this CPU's walker sees the entry ... */
		isb();     /* ... before the access that follows */
	}
}

static bool same_frame(uint64_t a, uint64_t b)
{
	return a != 0 && ((a ^ b) & WINDOW_TAG_FRAME) == 0;
}

/* Whoever's it is. */
static bool same_window(uint64_t a, uint64_t b)
{
	return ((a ^ b) & ~WINDOW_TAG_OWNER) == 0;
}

/* Where the frame is in use away from home, else an unused entry. */
static unsigned int find_displaced(const struct windows *w, uint64_t tag)
{
	unsigned int home = window_home(tag), unused = NR_WINDOWS;

	for (unsigned int i = 0; i < NR_WINDOWS; i++) {
		unsigned int n = (home + i) % NR_WINDOWS;

		if (w->users[n] == 0) {
			unused = unused == NR_WINDOWS ? n : unused;
		} else if (same_frame(w->tag[n], tag)) {
			return n;
		}
	}
	if (unused == NR_WINDOWS) {
		panic("all %u windows of CPU %u are in use", NR_WINDOWS, this_cpu_id());
	}
	return unused;
}

void *window_map_of(mfn_t m, enum window_attr attr, uint16_t owner)
{
	struct windows *w = &this_cpu(windows);
	const uint64_t tag = window_tag(m, attr, owner);
	unsigned int n = window_home(tag);

	if (!same_window(w->tag[n], tag)) {
		if (w->nr_displaced != 0 || (w->users[n] != 0 && !same_frame(w->tag[n], tag))) {
			n = find_displaced(w, tag);
		}
		if (!same_window(w->tag[n], tag)) {
			/* Never two attributes of one frame at a time. */
			ASSERT(w->users[n] == 0);
			set_entry(w, n, tag);
			w->any = true;
		}
	}
	if (w->users[n] == 0 && n != window_home(tag)) {
		w->nr_displaced++;
	}
	w->users[n]++;
	if (owner != WINDOW_OF_NOBODY) {
		w->tag[n] = tag;
	}
	return window_va(n);
}

void *window_map(mfn_t m, enum window_attr attr)
{
	return window_map_of(m, attr, WINDOW_OF_NOBODY);
}

void window_unmap(const void *va)
{
	struct windows *w = &this_cpu(windows);
	unsigned int n = ((uint64_t)(uintptr_t)va - WINDOW_BASE) / PAGE_SIZE;

	ASSERT(n < NR_WINDOWS && w->users[n] > 0);
	w->users[n]--;
	if (w->users[n] != 0) {
		return;
	}
	if (n != window_home(w->tag[n])) {
		w->nr_displaced--;
		set_entry(w, n, 0);
	} else if (has_attr(w->tag[n], WINDOW_WB_ONCE)) {
		set_entry(w, n, 0);
	}
}

void *window_map_free_block(mfn_t first)
{
	uint64_t *entry = hyp_map_window_block(this_cpu_id());

	ASSERT(*entry == 0);
	WRITE_ONCE(*entry, mfn_to_maddr(first) | (PTE_WINDOW_NC & ~PTE_PAGE));
	dsb_nsh(); /* as in set_entry() */
	isb();
	return (void *)(uintptr_t)(WINDOW_BASE + PTE_LEVEL_SIZE(2));
}

void window_unmap_free_block(void)
{
	WRITE_ONCE(*hyp_map_window_block(this_cpu_id()), 0);
	tlb_invalidate_el2_va_local(WINDOW_BASE + PTE_LEVEL_SIZE(2));
}

void window_drop_all(void)
{
	struct windows *w = &this_cpu(windows);

	if (!w->any) {
		return;
	}
	for (unsigned int n = 0; n < NR_WINDOWS; n++) {
		ASSERT(w->users[n] == 0);
		if (w->tag[n] != 0) {
			set_entry(w, n, 0);
		}
	}
	w->any = false;
}

uint32_t epoch_begin(void)
{
	uint32_t epoch = atomic_fetch_add(&epoch_current, 1) + 1;

	/* Each CPU is to look on its way back to a guest; the number first. */
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		atomic_store_release(&per_cpu(cpu_work, cpu).epoch, true);
	}
	return epoch;
}

bool epoch_passed(uint32_t epoch)
{
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		/*
		 * Idle is read first: a CPU that leaves idle after this read can only open windows on frames that still have a
		 * reference, or are mapped still. Pairs with the releases in epoch_poll() and epoch_idle_enter(), and with the
		 * DSB in epoch_idle_leave().
		 */
		bool idle = atomic_load_acquire(&per_cpu(epoch_idle, cpu)) != 0;
		uint32_t seen = atomic_load_acquire(&per_cpu(epoch_seen, cpu));

		if (!idle && (int32_t)(seen - epoch) < 0) {
			return false;
		}
	}
	return true;
}

uint32_t epoch_latest(void)
{
	return atomic_load_acquire(&epoch_current);
}

void epoch_poll(void)
{
	uint32_t now;

	if (READ_ONCE(this_cpu(cpu_work).epoch)) {
		WRITE_ONCE(this_cpu(cpu_work).epoch, false);
		/* The flag before the number: a flag that is set again is not cleared, or its epoch is seen below. */
		dmb_ish();
	}
	now = atomic_load_acquire(&epoch_current);

	if (likely(this_cpu(epoch_seen) == now)) {
		return;
	}
	window_drop_all();
	/* After the TLBIs of window_drop_all(), which end with a DSB; pairs with epoch_passed(). */
	atomic_store_release(&this_cpu(epoch_seen), now);
	/*
	 * A frame that was taken from a guest before this epoch was begun, TLBI and DSB done, is not found by an AT after it
	 * (guest_copy.c), even if this CPU goes on at EL2: the walk is not made ahead of the load above.
	 */
	isb();
}

void epoch_idle_enter(void)
{
	window_drop_all();
	atomic_store_release(&this_cpu(epoch_idle), 1);
}

void epoch_idle_leave(void)
{
	atomic_store_relaxed(&this_cpu(epoch_idle), 0);
	/*
	 * Not idle any more, for all to see, before any window is opened and before any AT: a DMB does not order the walks of
	 * that. So whoever takes this CPU for idle has done the TLBI that hides a frame from them (epoch_passed()).
	 */
	dsb_ish();
	isb();
}
