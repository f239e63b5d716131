/* SPDX-License-Identifier: MIT */
/*
 * Ranked spinlocks and reader-writer locks.
 *
 * EL2 runs with interrupts masked, so a lock never has to mask them. The rank order is the one of
 * docs/locking.md: a CPU takes locks in ascending rank only; debug builds check it on every
 * acquisition and panic with both names. Two locks of one rank are allowed only through
 * the _second() forms, whose caller guarantees the address (or domid) order.
 *
 * Ticket locks: fair, so that no CPU starves. Acquire pairs with the release in unlock.
 */
#pragma once

#include "arm64/atomic.h"
#include "lib/compiler.h"

/*
 * Outer to inner. docs/locking.md explains each; keep both in step (tools/check-locks.sh compares).
 */
enum lock_rank {
	LOCK_RANK_DOMAIN_LIST = 1, /* table of domains */
	LOCK_RANK_DOMAIN,          /* life cycle of one domain */
	LOCK_RANK_ATTR,            /* cold/warm state and who maps a domain's frames (rwlock) */
	LOCK_RANK_GRANT,           /* one domain's grant table */
	LOCK_RANK_EVENT,           /* one domain's event channel ports */
	LOCK_RANK_EVENT_FIFO,      /* one domain's event queues */
	LOCK_RANK_STAGE2,          /* one domain's stage 2 (rwlock) */
	LOCK_RANK_VMID,            /* VMID bitmap */
	LOCK_RANK_FOREIGN,         /* list of foreign mappings */
	LOCK_RANK_HYP_MAP,         /* Tenon's own stage-1 tables */
	LOCK_RANK_FRAME_POOL,      /* free frames */
	LOCK_RANK_VUART,           /* one vPL011 */
	LOCK_RANK_CONSOLE,         /* focus and input */
	LOCK_RANK_VGIC_DIST,       /* one domain's shared virtual interrupts */
	LOCK_RANK_VCPU_VGIC, /* one vCPU's virtual interrupts, and the shared ones in its list */
	LOCK_RANK_RUNSTATE,  /* one vCPU's runstate area */
	LOCK_RANK_SCHED,     /* one CPU's run queue */
	LOCK_RANK_TIMER,     /* one CPU's timer queue */
	LOCK_RANK_GIC,       /* physical distributor */
	LOCK_RANK_LOG,       /* log ring and UART */
	LOCK_RANK_MAX
};

struct spinlock {
	uint32_t ticket; /* next ticket in 31:16, now serving in 15:0 */
#ifdef TENON_DEBUG
	uint16_t rank;
	uint16_t owner; /* cpu + 1 while held */
	const char *name;
#endif
};

/* Writer-preferring; readers may not nest. */
struct rwlock {
	uint32_t state; /* bit 31 writer holds, bit 30 writer waits, 29:0 readers */
#ifdef TENON_DEBUG
	uint16_t rank;
	uint16_t owner;
	const char *name;
#endif
};

#ifdef TENON_DEBUG
#define SPINLOCK_INIT(r)                \
	{                               \
		.rank = (r), .name = #r \
	}
#define RWLOCK_INIT(r)                  \
	{                               \
		.rank = (r), .name = #r \
	}
#else
#define SPINLOCK_INIT(r)    \
	{                   \
		.ticket = 0 \
	}
#define RWLOCK_INIT(r)     \
	{                  \
		.state = 0 \
	}
#endif

void spin_lock_init(struct spinlock *lock, enum lock_rank rank);
/* A second lock of the same rank; the caller takes them in ascending address or domid order. */
void spin_lock_second(struct spinlock *lock);
bool spin_trylock(struct spinlock *lock);

void rwlock_init(struct rwlock *lock, enum lock_rank rank);

/* Below: in place in release builds, as nearly every exit takes some and finds them free; else with the checks. */
#ifdef TENON_DEBUG
void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);
void read_lock(struct rwlock *lock);
void read_lock_second(struct rwlock *lock);
/* False: a writer has it, or waits for it. */
bool __must_check read_trylock(struct rwlock *lock);
void read_unlock(struct rwlock *lock);
void write_lock(struct rwlock *lock);
void write_unlock(struct rwlock *lock);
#endif

/* Debug: does this CPU hold it (for a rwlock: as writer)? Always true in release builds. */
bool spin_is_mine(const struct spinlock *lock);
bool write_is_mine(const struct rwlock *lock);
/* Debug: panic when this CPU holds any lock; called before a guest is entered and before idling. */
void lock_assert_none_held(void);
/*
 * The panic path: checks off and every spin_lock() succeeds at once, so that messages still get
 * out.
 */
void lock_bust(void);
bool lock_is_busted(void);

/* ---- what they are made of ---------------------------------------------------------------------------------- */

#define TICKET_ONE           (1u << 16)
#define TICKET_SERVING(word) ((uint16_t)(word))
#define TICKET_NEXT(word)    ((uint16_t)((word) >> 16))

#define RW_WRITER            (1u << 31)
#define RW_WAITING           (1u << 30)

/* Somebody else has it: lock.c. */
void spin_wait(struct spinlock *lock, uint16_t mine);
void read_wait(struct rwlock *lock);
void write_wait(struct rwlock *lock);

/* The serving half alone is stored by the release, so the next half never carries into it. */
static inline uint16_t *spin_serving_half(struct spinlock *lock)
{
	return (uint16_t *)(void *)&lock->ticket;
}

static inline void spin_acquire(struct spinlock *lock)
{
	uint32_t word = atomic_fetch_add(&lock->ticket, TICKET_ONE);

	if (unlikely(TICKET_SERVING(word) != TICKET_NEXT(word))) {
		spin_wait(lock, TICKET_NEXT(word));
	}
}

static inline void spin_release(struct spinlock *lock)
{
	uint16_t *serving = spin_serving_half(lock);

	/* Pairs with the load-acquire in spin_wait(), or the one in the atomic_fetch_add(). */
	atomic_store_release(serving, (uint16_t)(*serving + 1));
}

static inline void read_release(struct rwlock *lock)
{
	atomic_fetch_sub(&lock->state, 1u);
}

/* Counts first, and takes that back if a writer is there: who only ever finds too many readers, never too few. */
static inline bool read_try(struct rwlock *lock)
{
	if (unlikely((atomic_fetch_add(&lock->state, 1u) & (RW_WRITER | RW_WAITING)) != 0)) {
		read_release(lock);
		return false;
	}
	return true;
}

static inline void read_acquire(struct rwlock *lock)
{
	if (unlikely(!read_try(lock))) {
		read_wait(lock);
	}
}

static inline void write_acquire(struct rwlock *lock)
{
	uint32_t free = 0;

	if (unlikely(!atomic_compare_exchange(&lock->state, &free, RW_WRITER))) {
		write_wait(lock);
	}
}

static inline void write_release(struct rwlock *lock)
{
	atomic_fetch_and(&lock->state, ~RW_WRITER);
}

/* Has anybody it for writing, just now? What orders that look is the caller's. */
static inline bool write_is_held(const struct rwlock *lock)
{
	return (READ_ONCE(lock->state) & RW_WRITER) != 0;
}

#ifndef TENON_DEBUG
static inline void spin_lock(struct spinlock *lock)
{
	spin_acquire(lock);
}

static inline void spin_unlock(struct spinlock *lock)
{
	spin_release(lock);
}

static inline void read_lock(struct rwlock *lock)
{
	read_acquire(lock);
}

/* As spin_lock_second(). */
static inline void read_lock_second(struct rwlock *lock)
{
	read_acquire(lock);
}

static inline bool __must_check read_trylock(struct rwlock *lock)
{
	return read_try(lock);
}

static inline void read_unlock(struct rwlock *lock)
{
	read_release(lock);
}

static inline void write_lock(struct rwlock *lock)
{
	write_acquire(lock);
}

static inline void write_unlock(struct rwlock *lock)
{
	write_release(lock);
}
#endif
