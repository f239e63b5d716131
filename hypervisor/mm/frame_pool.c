/* SPDX-License-Identifier: MIT */
/*
 * The pool of free frames (C2, M1): a binary buddy allocator whose blocks are either dirty or clean.
 *
 *	freed --> quarantine --(all CPUs passed an epoch)--> dirty --(scrub)--> clean --> allocated
 *
 * A dirty block becomes clean by memory_scrub() of each frame through a Non-cacheable window and one
 * instruction-cache invalidation at the end of the batch. That happens in idle time; a request that
 * finds too few clean frames does it on the spot. Each CPU has at most one block under way, so an
 * interrupted scrub is continued by the next call on that CPU.
 */
#include "mm/mm_internal.h"

#include "abi/xen.h"
#include "arm64/atomic.h"
#include "arm64/barrier.h"
#include "arm64/cache.h"
#include "arm64/cpu.h"
#include "arm64/percpu.h"
#include "gic/gic.h"
#include "lib/assert.h"
#include "lib/lock.h"

/* On the spot, small requests scrub a few frames more than asked: one IC for all of them. */
#define SCRUB_MIN_ORDER 3
/* Frames of a whole block between two looks for interrupts: some 1,700 instructions. */
#define SCRUB_STEP      8

enum pool_list {
	LIST_DIRTY,
	LIST_CLEAN,
	NR_LISTS
};

struct scrub_job {
	uint64_t first;
	uint32_t done; /* frames */
	uint8_t order;
	bool active;
};

static struct spinlock pool_lock = SPINLOCK_INIT(LOCK_RANK_FRAME_POOL);
/* Guarded by pool_lock, as are the entries of free frames. Heads are mfns, 0 is none. */
static uint32_t lists[NR_LISTS][FRAME_ORDER_MAX + 1];
static uint32_t quarantine_head, quarantine_tail;
static uint32_t epoch_kicked; /* the last epoch that others were interrupted for */
static uint64_t nr_total, nr_dirty, nr_clean, nr_quarantine, nr_scrubbing;
static uint64_t nr_claimed; /* of the free ones: set aside */

/* Only its own CPU touches it. */
static DEFINE_PER_CPU(struct scrub_job, scrub_job);

static const uint8_t list_state[NR_LISTS] = {FRAME_FREE_DIRTY, FRAME_FREE_CLEAN};

static uint64_t *list_count(enum pool_list list)
{
	return list == LIST_CLEAN ? &nr_clean : &nr_dirty;
}

static void list_push(enum pool_list list, uint64_t m, unsigned int order)
{
	struct frame *f = frame_of(mfn(m));
	uint32_t head = lists[list][order];

	*f = (struct frame){.state = list_state[list],
			    .order = FRAME_BLOCK_HEAD | order,
			    .next = head};
	if (head != 0) {
		frame_of(mfn(head))->prev = m;
	}
	lists[list][order] = m;
	*list_count(list) += UINT64_C(1) << order;
}

static void list_unlink(enum pool_list list, uint64_t m, unsigned int order)
{
	struct frame *f = frame_of(mfn(m));

	ASSERT(f->state == list_state[list] && f->order == (FRAME_BLOCK_HEAD | order));
	if (f->prev != 0) {
		frame_of(mfn(f->prev))->next = f->next;
	} else {
		lists[list][order] = f->next;
	}
	if (f->next != 0) {
		frame_of(mfn(f->next))->prev = f->prev;
	}
	*f = (struct frame){.state = list_state[list]};
	*list_count(list) -= UINT64_C(1) << order;
}

/* Add a block, merging with free buddies of the same kind. */
static void add_block(enum pool_list list, uint64_t m, unsigned int order)
{
	while (order < FRAME_ORDER_MAX) {
		uint64_t buddy = m ^ (UINT64_C(1) << order);
		struct frame *f = frame_of(mfn(buddy));

		if (!f || f->state != list_state[list] || f->order != (FRAME_BLOCK_HEAD | order)) {
			break;
		}
		list_unlink(list, buddy, order);
		m &= ~(UINT64_C(1) << order);
		order++;
	}
	list_push(list, m, order);
}

/* A block of exactly this order, split off the smallest that has it. */
static bool take_block(enum pool_list list, unsigned int order, uint64_t *m)
{
	unsigned int found = order;

	while (found <= FRAME_ORDER_MAX && lists[list][found] == 0) {
		found++;
	}
	if (found > FRAME_ORDER_MAX) {
		return false;
	}
	*m = lists[list][found];
	list_unlink(list, *m, found);
	while (found > order) {
		found--;
		list_push(list, *m + (UINT64_C(1) << found), found);
	}
	return true;
}

/* Frames that leave quarantine in one go, under the lock: some 600 instructions each, with their buddies (S3). */
#define COLLECT_STEP 32

/*
 * Move what every CPU has let go of from quarantine to the dirty list; true when there may be more of it. Somebody who
 * waits for memory has the other CPUs kicked; else they pass the epoch at their next exit.
 */
static bool collect_quarantine(bool urgent)
{
	for (unsigned int n = 0; n < COLLECT_STEP && quarantine_head != 0; n++) {
		uint32_t m = quarantine_head;
		struct frame *f = frame_of(mfn(m));

		if (!epoch_passed(f->epoch)) {
			if ((int32_t)(epoch_latest() - f->epoch) < 0) {
				(void)epoch_begin();
			}
			if (urgent && epoch_kicked != f->epoch) {
				/* Once: each CPU polls on its way back from the interrupt, however late it takes it. */
				epoch_kicked = f->epoch;
				gic_send_sgi_all_others(INTID_SGI_KICK);
			}
			return false;
		}
		quarantine_head = f->next;
		if (quarantine_head == 0) {
			quarantine_tail = 0;
		}
		nr_quarantine--;
		add_block(LIST_DIRTY, m, 0);
	}
	return quarantine_head != 0;
}

/* Any range, in the largest aligned blocks. */
static void add_range(enum pool_list list, uint64_t m, uint64_t end)
{
	while (m < end) {
		unsigned int order =
			MIN((unsigned int)__builtin_ctzll(m), (unsigned int)FRAME_ORDER_MAX);

		while (m + (UINT64_C(1) << order) > end) {
			order--;
		}
		add_block(list, m, order);
		m += UINT64_C(1) << order;
	}
}

void frame_pool_add(uint64_t first_mfn, uint64_t end_mfn)
{
	uint64_t first = MAX(first_mfn, UINT64_C(1)); /* frame 0 ends lists */

	if (first < end_mfn) {
		spin_lock(&pool_lock);
		nr_total += end_mfn - first;
		add_range(LIST_DIRTY, first, end_mfn);
		spin_unlock(&pool_lock);
	}
}

/*
 * End of a batch of memory_scrub(): the zeroes are complete, and no instruction cache holds what the frames
 * contained, before anyone is given them.
 */
static void scrub_complete(void)
{
	dsb_sy();
	if (!cpu_features.dic) {
		icache_invalidate_all_is();
		dsb_sy(); /* completes the IC on every CPU */
	}
}

/* Work on this CPU's job; -XEN_ERESTART when an interrupt waits. */
static int scrub_job_run(struct scrub_job *job, bool preemptible)
{
	uint64_t nr = UINT64_C(1) << job->order;
	char *block = job->order == FRAME_ORDER_2M ? window_map_free_block(mfn(job->first)) : NULL;
	int error = 0;

	while (job->done < nr && error == 0) {
		if (block) {
			memory_scrub(block + job->done * PAGE_SIZE, SCRUB_STEP * PAGE_SIZE);
			job->done += SCRUB_STEP;
		} else {
			void *page = window_map(mfn(job->first + job->done), WINDOW_NC);

			memory_scrub(page, PAGE_SIZE);
			window_unmap(page);
			job->done++;
		}
		if (preemptible && job->done < nr && cpu_interrupt_pending()) {
			error = -XEN_ERESTART;
		}
	}
	if (block) {
		window_unmap_free_block();
	}
	if (error) {
		return error;
	}
	scrub_complete();
	return 0;
}

/* What is done is clean, the rest stays dirty. */
static void scrub_job_abandon(struct scrub_job *job)
{
	uint64_t end = job->first + (UINT64_C(1) << job->order);

	scrub_complete();
	job->active = false;
	spin_lock(&pool_lock);
	nr_scrubbing -= UINT64_C(1) << job->order;
	frame_of(mfn(job->first))->state = FRAME_FREE_DIRTY;
	add_range(LIST_CLEAN, job->first, job->first + job->done);
	add_range(LIST_DIRTY, job->first + job->done, end);
	spin_unlock(&pool_lock);
}

/* Finish the job under way, if any, and put its block on the clean list. */
static int scrub_job_finish(bool preemptible)
{
	struct scrub_job *job = &this_cpu(scrub_job);
	int error;

	if (!job->active) {
		return 0;
	}
	if (!preemptible && job->order > SCRUB_MIN_ORDER && job->done > 0) {
		/* A request for Tenon itself cannot be continued, so it does not finish somebody's large block. (One
		 * that it began itself has nothing done yet.) */
		scrub_job_abandon(job);
		return 0;
	}
	error = scrub_job_run(job, preemptible);
	if (error) {
		return error;
	}
	job->active = false;
	spin_lock(&pool_lock);
	nr_scrubbing -= UINT64_C(1) << job->order;
	add_block(LIST_CLEAN, job->first, job->order);
	spin_unlock(&pool_lock);
	return 0;
}

/* Under pool_lock: a dirty block becomes this CPU's job. */
static bool scrub_job_start(unsigned int order)
{
	struct scrub_job *job = &this_cpu(scrub_job);
	uint64_t m;

	ASSERT(!job->active);
	if (!take_block(LIST_DIRTY, order, &m)) {
		return false;
	}
	frame_of(mfn(m))->state = FRAME_SCRUBBING;
	nr_scrubbing += UINT64_C(1) << order;
	*job = (struct scrub_job){.first = m, .order = order, .active = true};
	return true;
}

static bool scrub_job_start_for(unsigned int order)
{
	if (order < SCRUB_MIN_ORDER && scrub_job_start(SCRUB_MIN_ORDER)) {
		return true;
	}
	return scrub_job_start(order);
}

/* The largest dirty block that is smaller. */
static bool scrub_job_start_below(unsigned int order)
{
	while (order-- > 0) {
		if (lists[LIST_DIRTY][order] != 0) {
			return scrub_job_start(order);
		}
	}
	return false;
}

static void set_owned(uint64_t m, unsigned int order, enum frame_state state, uint16_t owner)
{
	const struct frame owned = {.state = state, .owner = owner, .refs = 1};
	struct frame *f =
		frame_of(mfn(m)); /* a block lies in one bank: its entries are neighbours */

	for (struct frame *end = f + (UINT64_C(1) << order); f < end; f++) {
		f->shared_pins = 0;
		f->share_next = 0;
		/* As a whole: frame_get() may be looking at it (a guest guesses machine addresses). */
		atomic_store_release(&f->head, owned.head);
	}
}

int frame_pool_take(unsigned int order, enum frame_state state, uint16_t owner, bool preemptible,
		    mfn_t *first)
{
	ASSERT(order <= FRAME_ORDER_MAX);
	for (;;) {
		uint64_t m = 0;
		bool taken, started = false, waiting = false, more = false;
		int error;

		spin_lock(&pool_lock);
		taken = take_block(LIST_CLEAN, order, &m);
		if (!taken && !this_cpu(scrub_job).active) {
			started = scrub_job_start_for(order);
			if (!started && quarantine_head != 0) {
				more = collect_quarantine(true);
				started = scrub_job_start_for(order);
			}
			if (!started && !more && preemptible) {
				/* It may be what clean ones lack to merge. All that is dirty may have to be scrubbed
				 * for one block, so only for a request that can be continued. */
				started = scrub_job_start_below(order);
			}
			waiting = !started && quarantine_head != 0;
		} else {
			started = true;
		}
		spin_unlock(&pool_lock);
		if (taken) {
			set_owned(m, order, state, owner);
			*first = mfn(m);
			return 0;
		}
		if (!started) {
			if (!waiting) {
				return -XEN_ENOMEM;
			}
			/* Other CPUs pass the epoch on their own; a caller that holds locks must not wait for them. */
			epoch_poll();
			if (preemptible ? cpu_interrupt_pending() : !more) {
				return preemptible ? -XEN_ERESTART : -XEN_ENOMEM;
			}
			cpu_relax();
			continue;
		}
		error = scrub_job_finish(preemptible);
		if (error) {
			return error;
		}
	}
}

/* ---- for guests, and claims ---------------------------------------------------------------------- */

/* Under pool_lock. */
static uint64_t nr_unclaimed(void)
{
	uint64_t nr_free = frame_pool_free_frames();

	return nr_free > nr_claimed ? nr_free - nr_claimed : 0;
}

int frame_pool_claim_free(uint64_t nr)
{
	int error = -XEN_ENOMEM;

	spin_lock(&pool_lock);
	if (nr <= nr_unclaimed()) {
		nr_claimed += nr;
		error = 0;
	}
	spin_unlock(&pool_lock);
	return error;
}

void frame_pool_unclaim(uint64_t nr)
{
	spin_lock(&pool_lock);
	ASSERT(nr <= nr_claimed);
	nr_claimed -= nr;
	spin_unlock(&pool_lock);
}

/*
 * What is asked for beyond the own claim is set aside with it first, so that it is looked at with the claims of all
 * others at once; when the frames are taken none of it is set aside any more.
 */
int frame_pool_alloc_claimed(unsigned int order, uint16_t domid, uint64_t nr_drawn, mfn_t *first)
{
	uint64_t nr = UINT64_C(1) << order;
	int error;

	ASSERT(nr_drawn <= nr);
	error = frame_pool_claim_free(nr - nr_drawn);
	if (error) {
		return error;
	}
	error = frame_pool_take(order, FRAME_GUEST, domid, true, first);
	frame_pool_unclaim(error ? nr - nr_drawn : nr);
	return error;
}

int frame_pool_alloc(unsigned int order, uint16_t domid, mfn_t *first)
{
	return frame_pool_alloc_claimed(order, domid, 0, first);
}

void frame_pool_give_back(mfn_t m, bool quarantine)
{
	struct frame *f = frame_of(m);

	spin_lock(&pool_lock);
	/* M1: guests' frames, and those that they see of Tenon's, may be in windows, or found by an AT a moment ago. */
	ASSERT(quarantine || f->state == FRAME_TENON);
	if (!quarantine) {
		add_block(LIST_DIRTY, m.raw, 0);
	} else {
		*f = (struct frame){.state = FRAME_QUARANTINE, .epoch = epoch_latest() + 1};
		if (quarantine_tail != 0) {
			frame_of(mfn(quarantine_tail))->next = m.raw;
		} else {
			quarantine_head = m.raw;
		}
		quarantine_tail = m.raw;
		nr_quarantine++;
	}
	spin_unlock(&pool_lock);
}

/*
 * Large blocks, so that the lock is taken rarely; but nothing is kept when an interrupt comes, since this CPU may be
 * busy for long afterwards.
 */
bool frame_pool_scrub_idle(void)
{
	struct scrub_job *job = &this_cpu(scrub_job);

	if (!job->active) {
		if (READ_ONCE(nr_dirty) + READ_ONCE(nr_quarantine) == 0) {
			return false;
		}
		spin_lock(&pool_lock);
		(void)collect_quarantine(false);
		/* Pieces first: each interruption leaves a block in pieces, and were the next whole one begun
		 * then, none would be whole after a while, and no request for 2 MiB be met. */
		if (!scrub_job_start_below(FRAME_ORDER_MAX)) {
			(void)scrub_job_start(FRAME_ORDER_MAX);
		}
		spin_unlock(&pool_lock);
		if (!job->active) {
			return false;
		}
	}
	if (scrub_job_finish(true) != 0) {
		scrub_job_abandon(job);
	}
	return true;
}

/* ---- boot: dom0's direct-mapped banks ---------------------------------------------------------- */

static bool block_is_free(uint64_t m)
{
	struct frame *f = frame_of(mfn(m));

	return f && (f->state == FRAME_FREE_DIRTY || f->state == FRAME_FREE_CLEAN) &&
	       f->order == (FRAME_BLOCK_HEAD | FRAME_ORDER_2M);
}

int __init frame_pool_find_contiguous(uint64_t nr_frames, maddr_t below, uint64_t align_frames,
				      mfn_t *first)
{
	const uint64_t block = UINT64_C(1) << FRAME_ORDER_2M;
	uint64_t limit = MIN(below >> PAGE_SHIFT, frame_pool_max_mfn().raw + 1);
	uint64_t start = 0;
	uint64_t run = 0;
	int error = -XEN_ENOMEM;

	nr_frames = ALIGN_UP(nr_frames, block);
	align_frames = MAX(align_frames, block);
	spin_lock(&pool_lock);
	for (uint64_t m = 0; m + block <= limit; m += block) {
		if (!block_is_free(m)) {
			run = 0;
			continue;
		}
		if (run == 0) {
			if (!IS_ALIGNED(m, align_frames)) {
				continue;
			}
			start = m;
		}
		run += block;
		if (run >= nr_frames) {
			*first = mfn(start);
			error = 0;
			break;
		}
	}
	spin_unlock(&pool_lock);
	return error;
}

int __init frame_pool_claim(mfn_t first, uint64_t nr_frames, uint16_t domid)
{
	const uint64_t block = UINT64_C(1) << FRAME_ORDER_2M;

	if (!IS_ALIGNED(first.raw | nr_frames, block)) {
		return -XEN_EINVAL;
	}
	for (uint64_t n = 0; n < nr_frames; n += block) {
		struct scrub_job *job = &this_cpu(scrub_job);
		uint64_t m = first.raw + n;
		bool clean, free;

		(void)scrub_job_finish(false);
		spin_lock(&pool_lock);
		free = block_is_free(m);
		clean = free && frame_of(mfn(m))->state == FRAME_FREE_CLEAN;
		if (free) {
			list_unlink(clean ? LIST_CLEAN : LIST_DIRTY, m, FRAME_ORDER_2M);
		}
		spin_unlock(&pool_lock);
		if (!free) {
			return -XEN_ENOMEM;
		}
		if (!clean) {
			*job = (struct scrub_job){.first = m, .order = FRAME_ORDER_2M};
			(void)scrub_job_run(job, false);
		}
		set_owned(m, FRAME_ORDER_2M, FRAME_GUEST, domid);
	}
	return 0;
}

/* ---- boot: what the boot loader left ----------------------------------------------------------- */

void frame_pool_clean_boot(maddr_t start, uint64_t size)
{
	for (maddr_t at = ALIGN_DOWN(start, PAGE_SIZE); at < start + size; at += PAGE_SIZE) {
		void *page = window_map(maddr_to_mfn(at), WINDOW_NC);

		dcache_clean_invalidate_to_poc(page, PAGE_SIZE);
		window_unmap(page);
	}
	dsb_sy(); /* complete before anything is read through NC windows */
}

void frame_pool_release_boot(maddr_t start, uint64_t size)
{
	uint64_t first = ALIGN_UP(start, PAGE_SIZE) >> PAGE_SHIFT;
	uint64_t end = (start + size) >> PAGE_SHIFT;

	for (uint64_t m = first; m < end; m++) {
		struct frame *f = frame_of(mfn(m));

		if (f && f->state == FRAME_RESERVED) {
			*f = (struct frame){.state = FRAME_QUARANTINE};
			/* Windows may still show it: through quarantine. */
			spin_lock(&pool_lock);
			nr_total++;
			spin_unlock(&pool_lock);
			frame_pool_give_back(mfn(m), true);
		}
	}
}

/* ---- figures -------------------------------------------------------------------------------------- */

uint64_t frame_pool_free_frames(void)
{
	return READ_ONCE(nr_dirty) + READ_ONCE(nr_clean) + READ_ONCE(nr_quarantine) +
	       READ_ONCE(nr_scrubbing);
}

uint64_t frame_pool_total_frames(void)
{
	return READ_ONCE(nr_total);
}

uint64_t frame_pool_dirty_frames(void)
{
	return READ_ONCE(nr_dirty) + READ_ONCE(nr_quarantine) + READ_ONCE(nr_scrubbing);
}
