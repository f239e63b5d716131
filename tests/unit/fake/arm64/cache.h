/* SPDX-License-Identifier: MIT */
/*
 * Host stand-in of hypervisor/arm64/cache.h: maintenance is recorded (tests/unit/fake_machine.h).
 */
#pragma once

#include "lib/compiler.h"

void dcache_clean_invalidate_to_poc(const void *va, size_t size); /* "dc civac" */
void dcache_clean_to_poc(const void *va, size_t size);            /* "dc cvac" */
void dcache_invalidate_to_poc(const void *va, size_t size);       /* "dc ivac" */
void icache_invalidate_all_is(void);                              /* "ic ialluis" */
void page_zero(void *va, size_t size);                            /* "dc zva"; zeroes */
void memory_scrub(void *va, size_t size); /* "dc civac" "dsb sy" "dc zva"; zeroes */
