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

#define NR_WINDOWS      16

#define PTE_WINDOW      (PTE_VALID | PTE_PAGE | PTE_AF | PTE_EL2_AP1_RES1 | PTE_EL2_XN)
#define PTE_WINDOW_WB   (PTE_WINDOW | PTE_SH_INNER | PTE_ATTRIDX(MAIR_IDX_WB))
#define PTE_WINDOW_NC   (PTE_WINDOW | PTE_ATTRIDX(MAIR_IDX_NC))
#define PTE_WINDOW_ONCE BIT64(55) /* software's: unmapped when nobody uses it */

struct windows {
	uint64_t pte[NR_WINDOWS]; /* what the table has; 0 unmapped */
	uint8_t users[NR_WINDOWS];
	uint8_t nr_displaced; /* in use outside their home entry */
	bool any;             /* some entry may be mapped */
};

static DEFINE_PER_CPU(struct windows, windows);

/* Epochs: the last one begun, and the last one each CPU has dropped its windows for. */
static uint32_t epoch_current;
static DEFINE_PER_CPU(uint32_t, epoch_seen);
static DEFINE_PER_CPU(uint32_t, epoch_idle); /* idle CPUs hold no window */

static void *window_va(unsigned int n)
{
	return (void *)(uintptr_t)(WINDOW_BASE + n * PAGE_SIZE);
}

static void set_entry(struct windows *w, unsigned int n, uint64_t pte)
{
	uint64_t *table = hyp_map_window_table(this_cpu_id());

	if (w->pte[n] != 0) {
		/* Break before make: another frame or attribute at the same address. */
		WRITE_ONCE(table[n], 0);
		tlb_invalidate_el2_va_local((uint64_t)(uintptr_t)window_va(n));
	}
	w->pte[n] = pte;
	if (pte != 0) {
		WRITE_ONCE(table[n], pte);
		dsb_nsh(); /* this CPU's walker sees the entry ... */
		isb();     /* ... before the access that follows */
	}
}

/*
 * A frame's home entry follows from its number. Only there a window stays when nobody uses it; one that had to go
 * elsewhere, because its home was in use, is unmapped at once. So a look at the home entry is nearly always enough, and
 * no frame is ever found with two attributes.
 */
static unsigned int home_of(uint64_t pte)
{
	return ((pte & PTE_ADDR) >> PAGE_SHIFT) % NR_WINDOWS;
}

static bool same_frame(uint64_t a, uint64_t b)
{
	return a != 0 && ((a ^ b) & PTE_ADDR) == 0;
}

/* Where the frame is in use away from home, else an unused entry. */
static unsigned int find_displaced(const struct windows *w, uint64_t pte)
{
	unsigned int home = home_of(pte), unused = NR_WINDOWS;

	for (unsigned int i = 0; i < NR_WINDOWS; i++) {
		unsigned int n = (home + i) % NR_WINDOWS;

		if (w->users[n] == 0) {
			unused = unused == NR_WINDOWS ? n : unused;
		} else if (same_frame(w->pte[n], pte)) {
			return n;
		}
	}
	if (unused == NR_WINDOWS) {
		panic("all %u windows of CPU %u are in use", NR_WINDOWS, this_cpu_id());
	}
	return unused;
}

void *window_map(mfn_t m, enum window_attr attr)
{
	struct windows *w = &this_cpu(windows);
	uint64_t pte = mfn_to_maddr(m) | (attr == WINDOW_NC ? PTE_WINDOW_NC : PTE_WINDOW_WB) |
		       (attr == WINDOW_WB_ONCE ? PTE_WINDOW_ONCE : 0);
	unsigned int n = home_of(pte);

	if (w->pte[n] != pte) {
		if (w->nr_displaced != 0 || (w->users[n] != 0 && !same_frame(w->pte[n], pte))) {
			n = find_displaced(w, pte);
		}
		if (w->pte[n] != pte) {
			/* Never two attributes of one frame at a time. */
			ASSERT(w->users[n] == 0);
			set_entry(w, n, pte);
			w->any = true;
		}
	}
	if (w->users[n] == 0 && n != home_of(pte)) {
		w->nr_displaced++;
	}
	w->users[n]++;
	return window_va(n);
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
	if (n != home_of(w->pte[n])) {
		w->nr_displaced--;
		set_entry(w, n, 0);
	} else if ((w->pte[n] & PTE_WINDOW_ONCE) != 0) {
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
		if (w->pte[n] != 0) {
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
		 * Idle is read first: a CPU that leaves idle after this read can only open windows on frames
		 * that still have a reference. Pairs with the releases in epoch_poll() and epoch_idle_enter().
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
}

void epoch_idle_enter(void)
{
	window_drop_all();
	atomic_store_release(&this_cpu(epoch_idle), 1);
}

void epoch_idle_leave(void)
{
	atomic_store_relaxed(&this_cpu(epoch_idle), 0);
	dmb_ish(); /* not idle any more, before any window is opened */
}
