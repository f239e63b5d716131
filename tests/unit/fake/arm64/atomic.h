/* SPDX-License-Identifier: MIT */
/*
 * Host stand-in of hypervisor/arm64/atomic.h: the same operations, and before each of them another CPU may go ahead
 * (fake_machine_set_other_cpu()).
 */
#pragma once

#include "hypervisor/arm64/atomic.h"
#include "tests/unit/fake_machine.h"

/* Not a name of this file's own for each: what the product's header says of them is meant here, too. */
#undef atomic_load_acquire
#undef atomic_load_relaxed
#undef atomic_store_release
#undef atomic_store_relaxed
#undef atomic_fetch_add
#undef atomic_fetch_sub
#undef atomic_fetch_or
#undef atomic_fetch_and
#undef atomic_exchange
#undef atomic_compare_exchange

#define fake_atomic(operation)     (fake_machine_other_cpu_may_go(), (operation))

#define atomic_load_acquire(p)     fake_atomic(__atomic_load_n((p), __ATOMIC_ACQUIRE))
#define atomic_load_relaxed(p)     fake_atomic(__atomic_load_n((p), __ATOMIC_RELAXED))
#define atomic_store_release(p, v) fake_atomic(__atomic_store_n((p), (v), __ATOMIC_RELEASE))
#define atomic_store_relaxed(p, v) fake_atomic(__atomic_store_n((p), (v), __ATOMIC_RELAXED))
#define atomic_fetch_add(p, v)     fake_atomic(__atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL))
#define atomic_fetch_sub(p, v)     fake_atomic(__atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL))
#define atomic_fetch_or(p, v)      fake_atomic(__atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL))
#define atomic_fetch_and(p, v)     fake_atomic(__atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL))
#define atomic_exchange(p, v)      fake_atomic(__atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL))
#define atomic_compare_exchange(p, expected, v)                                                \
	fake_atomic(__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, \
						__ATOMIC_ACQUIRE))
