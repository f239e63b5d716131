/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks and reader-writer locks, and the checks of rank and ownership in debug builds.
 *
 * Each CPU keeps a short list of the locks that it holds. Interrupts are masked at EL2, so only the
 * CPU itself touches its list.
 */
#include "lib/lock.h"

#include "arm64/atomic.h"
#include "arm64/cpu.h"
#include "arm64/percpu.h"
#include "lib/assert.h"

static bool busted;

void lock_bust(void)
{
	atomic_store_relaxed(&busted, true);
}

bool lock_is_busted(void)
{
	return unlikely(atomic_load_relaxed(&busted));
}

/* ---- checks --------------------------------------------------------------------------------- */

#ifdef TENON_DEBUG

#define MAX_HELD 12

struct held_locks {
	unsigned int nr;
	struct {
		const void *lock;
		const char *name;
		uint16_t rank;
	} entry[MAX_HELD];
};

DEFINE_PER_CPU(struct held_locks, held_locks);

/* As SPINLOCK_INIT() writes them. */
#define RANK_NAME(r) [r] = #r
static const char *const rank_names[] = {
	RANK_NAME(LOCK_RANK_DOMAIN_LIST), RANK_NAME(LOCK_RANK_DOMAIN),
	RANK_NAME(LOCK_RANK_ATTR),        RANK_NAME(LOCK_RANK_GRANT),
	RANK_NAME(LOCK_RANK_EVENT),       RANK_NAME(LOCK_RANK_EVENT_FIFO),
	RANK_NAME(LOCK_RANK_STAGE2),      RANK_NAME(LOCK_RANK_VMID),
	RANK_NAME(LOCK_RANK_FOREIGN),     RANK_NAME(LOCK_RANK_HYP_MAP),
	RANK_NAME(LOCK_RANK_FRAME_POOL),  RANK_NAME(LOCK_RANK_VUART),
	RANK_NAME(LOCK_RANK_CONSOLE),     RANK_NAME(LOCK_RANK_VGIC_DIST),
	RANK_NAME(LOCK_RANK_VCPU_VGIC),   RANK_NAME(LOCK_RANK_RUNSTATE),
	RANK_NAME(LOCK_RANK_SCHED),       RANK_NAME(LOCK_RANK_TIMER),
	RANK_NAME(LOCK_RANK_GIC),         RANK_NAME(LOCK_RANK_LOG),
};
_Static_assert(ARRAY_SIZE(rank_names) == LOCK_RANK_MAX, "a rank has no name");

enum check {
	CHECK_ASCENDING,
	CHECK_SECOND,
	CHECK_NONE
};

/* Before waiting, so that a wrong order is reported rather than deadlocked on. */
static void check_order(const void *lock, const char *name, uint16_t rank, enum check check)
{
	const struct held_locks *held = &this_cpu(held_locks);

	if (lock_is_busted()) {
		return;
	}
	if (rank == 0 || rank >= LOCK_RANK_MAX) {
		panic("lock %p was not initialised: rank %u", lock, rank);
	}
	for (unsigned int i = 0; i < held->nr; i++) {
		uint16_t other = held->entry[i].rank;

		if (held->entry[i].lock == lock) {
			panic("lock %s taken twice by CPU %u", name, this_cpu_id());
		}
		if (other > rank || (other == rank && check == CHECK_ASCENDING)) {
			panic("lock order: %s taken while CPU %u holds %s", name, this_cpu_id(),
			      held->entry[i].name);
		}
	}
}

static void note_acquired(const void *lock, const char *name, uint16_t rank)
{
	struct held_locks *held = &this_cpu(held_locks);

	if (lock_is_busted()) {
		return;
	}
	if (held->nr == MAX_HELD) {
		panic("CPU %u holds more than %u locks", this_cpu_id(), MAX_HELD);
	}
	held->entry[held->nr].lock = lock;
	held->entry[held->nr].name = name;
	held->entry[held->nr].rank = rank;
	held->nr++;
}

static void note_released(const void *lock, const char *name)
{
	struct held_locks *held = &this_cpu(held_locks);

	for (unsigned int i = held->nr; i-- > 0;) {
		if (held->entry[i].lock == lock) {
			held->entry[i] = held->entry[--held->nr];
			return;
		}
	}
	if (!lock_is_busted()) {
		panic("lock %s released by CPU %u, which does not hold it", name, this_cpu_id());
	}
}

#define check_order(lock, check) check_order((lock), (lock)->name, (lock)->rank, (check))
#define note_acquired(lock)      note_acquired((lock), (lock)->name, (lock)->rank)
#define note_released(lock)      note_released((lock), (lock)->name)
#define set_owner(lock, value)   WRITE_ONCE((lock)->owner, (uint16_t)(value))
#define init_checks(lock, r)                  \
	do {                                  \
		(lock)->rank = (uint16_t)(r); \
		(lock)->owner = 0;            \
		(lock)->name = rank_names[r]; \
	} while (0)

void lock_assert_none_held(void)
{
	const struct held_locks *held = &this_cpu(held_locks);

	if (held->nr != 0 && !lock_is_busted()) {
		panic("CPU %u leaves Tenon with lock %s held", this_cpu_id(),
		      held->entry[held->nr - 1].name);
	}
}

bool spin_is_mine(const struct spinlock *lock)
{
	return READ_ONCE(lock->owner) == this_cpu_id() + 1 || lock_is_busted();
}

bool write_is_mine(const struct rwlock *lock)
{
	return READ_ONCE(lock->owner) == this_cpu_id() + 1 || lock_is_busted();
}

#else

#define check_order(lock, check) ((void)0)
#define note_acquired(lock)      ((void)0)
#define note_released(lock)      ((void)0)
#define set_owner(lock, value)   ((void)0)
#define init_checks(lock, r)     ((void)0)

void lock_assert_none_held(void)
{
}

bool spin_is_mine(const struct spinlock *lock)
{
	(void)lock;
	return true;
}

bool write_is_mine(const struct rwlock *lock)
{
	(void)lock;
	return true;
}

#endif

/* ---- spinlocks ------------------------------------------------------------------------------ */

void spin_lock_init(struct spinlock *lock, enum lock_rank rank)
{
	(void)rank;
	lock->ticket = 0;
	init_checks(lock, rank);
}

void spin_wait(struct spinlock *lock, uint16_t mine)
{
	/* Pairs with the store-release in spin_release(). */
	while (atomic_load_acquire(spin_serving_half(lock)) != mine) {
		if (lock_is_busted()) {
			return;
		}
		cpu_relax();
	}
}

#ifdef TENON_DEBUG
void spin_lock(struct spinlock *lock)
{
	check_order(lock, CHECK_ASCENDING);
	spin_acquire(lock);
	set_owner(lock, this_cpu_id() + 1);
	note_acquired(lock);
}

void spin_unlock(struct spinlock *lock)
{
	note_released(lock);
	set_owner(lock, 0);
	spin_release(lock);
}
#endif

void spin_lock_second(struct spinlock *lock)
{
	check_order(lock, CHECK_SECOND);
	spin_acquire(lock);
	set_owner(lock, this_cpu_id() + 1);
	note_acquired(lock);
}

/* No order to check: it does not wait. */
bool spin_trylock(struct spinlock *lock)
{
	uint32_t word = atomic_load_relaxed(&lock->ticket);

	if (lock_is_busted()) {
		return true;
	}
	if (TICKET_SERVING(word) != TICKET_NEXT(word) ||
	    !atomic_compare_exchange(&lock->ticket, &word, word + TICKET_ONE)) {
		return false;
	}
	set_owner(lock, this_cpu_id() + 1);
	note_acquired(lock);
	return true;
}

/* ---- reader-writer locks -------------------------------------------------------------------- */

void rwlock_init(struct rwlock *lock, enum lock_rank rank)
{
	(void)rank;
	lock->state = 0;
	init_checks(lock, rank);
}

void read_wait(struct rwlock *lock)
{
	uint32_t state;

	do {
		/* Taken though it is not free; and let go of like any other. */
		if (lock_is_busted()) {
			atomic_fetch_add(&lock->state, 1u);
			return;
		}
		cpu_relax();
		state = atomic_load_relaxed(&lock->state);
		/* A waiting writer goes first, else readers could keep it out for ever. */
	} while ((state & (RW_WRITER | RW_WAITING)) != 0 ||
		 !atomic_compare_exchange(&lock->state, &state, state + 1));
}

void write_wait(struct rwlock *lock)
{
	for (;;) {
		uint32_t state = atomic_load_relaxed(&lock->state);

		if ((state & ~RW_WAITING) == 0) {
			/* Other waiting writers set the bit again on their next turn. */
			if (atomic_compare_exchange(&lock->state, &state, RW_WRITER)) {
				return;
			}
		} else if ((state & RW_WAITING) == 0) {
			atomic_fetch_or(&lock->state, RW_WAITING);
		}
		if (lock_is_busted()) {
			return;
		}
		cpu_relax();
	}
}

#ifdef TENON_DEBUG
void read_lock(struct rwlock *lock)
{
	check_order(lock, CHECK_ASCENDING);
	read_acquire(lock);
	note_acquired(lock);
}

void read_lock_second(struct rwlock *lock)
{
	check_order(lock, CHECK_SECOND);
	read_acquire(lock);
	note_acquired(lock);
}

/* No order to check, as for spin_trylock(). */
bool read_trylock(struct rwlock *lock)
{
	if (!read_try(lock)) {
		return false;
	}
	note_acquired(lock);
	return true;
}

void read_unlock(struct rwlock *lock)
{
	note_released(lock);
	read_release(lock);
}

void write_lock(struct rwlock *lock)
{
	check_order(lock, CHECK_ASCENDING);
	write_acquire(lock);
	set_owner(lock, this_cpu_id() + 1);
	note_acquired(lock);
}

void write_unlock(struct rwlock *lock)
{
	note_released(lock);
	set_owner(lock, 0);
	write_release(lock);
}
#endif
