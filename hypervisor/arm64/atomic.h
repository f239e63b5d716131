/* SPDX-License-Identifier: MIT */
/*
 * Atomic read-modify-write and ordered access, on the compiler's builtins (inline LL/SC loops on
 * Armv8.0, no library calls), so the host tests run the very same code.
 *
 * Only for memory mapped Write-Back: exclusives on other types are implementation defined
 * (Arm ARM, "Exclusive access instructions and Shareable memory locations").
 */
#pragma once

#include "lib/compiler.h"

#define atomic_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atomic_load_relaxed(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define atomic_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
/* These return the old value and are acquire and release. */
#define atomic_fetch_add(p, v)     __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_sub(p, v)     __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_or(p, v)      __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_and(p, v)     __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
#define atomic_exchange(p, v)      __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
/* True when *p was *expected and now is v; otherwise *expected has what was there. */
#define atomic_compare_exchange(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

static inline bool atomic_test_and_set_bit(uint64_t *word, unsigned int bit)
{
	return (atomic_fetch_or(word, BIT64(bit)) & BIT64(bit)) != 0;
}

static inline bool atomic_test_and_clear_bit(uint64_t *word, unsigned int bit)
{
	return (atomic_fetch_and(word, ~BIT64(bit)) & BIT64(bit)) != 0;
}
