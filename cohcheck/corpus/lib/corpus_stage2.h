/* SPDX-License-Identifier: MIT */
/*
 * A guest at EL1 under a stage 2 of EL2: all RAM at its own address, the arena's first page and the rest with
 * a type.
 */
#pragma once

#include "corpus/lib/corpus.h"

/* Its last-level entry of ARENA is a page; everything else is in blocks, write-back. */
extern struct space stage2;

/*
 * Makes and installs it with that VMID and that type of the page at ARENA (enum map_type, MAP_S2_FWB), and
 * makes the guest's stage 1, which is not on yet. HCR_EL2.VM is set.
 */
void stage2_on(uint16_t vmid, unsigned int flags);
/* At EL1; sites: the guest's functions of the same names. */
void stage2_guest_caches_on(void);
uint64_t stage2_guest_read(uint64_t va);              /* site: guest_read */
void stage2_guest_write(uint64_t va, uint64_t value); /* site: guest_write, with a DSB behind it */
