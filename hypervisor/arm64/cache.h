/* SPDX-License-Identifier: MIT */
/*
 * Cache maintenance by VA (Arm ARM, "A64 Cache maintenance instructions"). It acts on the physical
 * lines whatever the attributes of the mapping used, so a Non-cacheable window serves as well.
 * None of these completes by itself: the caller ends a batch with dsb_sy() or dsb_ish().
 * Loops step by the smallest line of all CPUs (cpu_features.dcache_line_bytes).
 */
#pragma once

#include "lib/compiler.h"

void dcache_clean_invalidate_to_poc(const void *va, size_t size);
void dcache_clean_to_poc(const void *va, size_t size);
void dcache_invalidate_to_poc(const void *va, size_t size);
/* All instruction caches of the Inner Shareable domain: IC IALLUIS. */
void icache_invalidate_all_is(void);
/* Zero whole lines with DC ZVA where allowed, else stores; size and va are page multiples. Not for Device. */
void page_zero(void *va, size_t size);
/*
 * Make whole pages PoC-clean and zero (C2): clean+invalidate each line, wait, zero through the same mapping,
 * which must be the only one and Non-cacheable. The caller ends a batch with dsb_sy().
 */
void memory_scrub(void *va, size_t size);
