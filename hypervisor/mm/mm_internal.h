/* SPDX-License-Identifier: MIT */
/* Between the files of mm/ and boot/. */
#pragma once

#include "mm/frame_entry.h"
#include "mm/mm.h"

/* ---- frame_table.c ---- */
/* Boot: the table of a bank lies at table_maddr; frame_table_bytes() tells its size. Zeroed here. */
uint64_t frame_table_bytes(uint64_t first_mfn, uint64_t end_mfn);
int __must_check frame_table_add_bank(uint64_t first_mfn, uint64_t end_mfn, maddr_t table_maddr);
/* Set the state of frames that are not for the pool. */
void frame_table_mark(uint64_t first_mfn, uint64_t end_mfn, enum frame_state state);

/* ---- frame_pool.c ---- */
/* Frames that become free and dirty: boot RAM, boot modules, .init. No CPU maps them. */
void frame_pool_add(uint64_t first_mfn, uint64_t end_mfn);
/* A block of a given state, zeroed and PoC-clean, owner and references set. */
int __must_check frame_pool_take(unsigned int order, enum frame_state state, uint16_t owner,
				 bool preemptible, mfn_t *first);
/*
 * One frame whose last reference went: quarantine; or, of state FRAME_TENON, the dirty list: no stage 2 ever maps such a
 * one and nobody opens a window on it, so no CPU can have it from either.
 */
void frame_pool_give_back(mfn_t m, bool quarantine);

/* ---- hyp_map.c ---- */
/* Boot CPU, first thing: adopt boot_head.S's tables. */
void hyp_map_init(void);
/* Level-1 tables for HYP_BASE + every RAM bank, before other CPUs copy the root. */
int __must_check hyp_map_prepare_ram(maddr_t start, maddr_t end);
int __must_check hyp_map_frame_table(uint64_t va, maddr_t start, uint64_t size);
/* Boot only: a read-only Non-cacheable view of what the boot loader left, dropped by hyp_map_finish(). */
const void *hyp_map_boot(maddr_t start, uint64_t size);
/* A root for another CPU, with its own window tables; its machine address, or 0. */
maddr_t hyp_map_create_root(unsigned int cpu);
/* Drop the 1:1 page and boot views, make .data.ro_after_init read-only (M1, M2). All CPUs are up. */
void hyp_map_finish(void);
/* The level-3 table of this CPU's windows. */
uint64_t *hyp_map_window_table(unsigned int cpu);
/* The level-2 entry next to it, for a block of free memory (window_map_free_block()). */
uint64_t *hyp_map_window_block(unsigned int cpu);
/* Map/unmap Tenon's own frames at HYP_BASE + maddr; unmap ends with TLBI IS. */
int __must_check hyp_map_own(mfn_t m, unsigned int order);
void hyp_unmap_own(mfn_t m, unsigned int order);
/* One page of an own block becomes a guard page for good. */
void hyp_map_guard(void *va);
/* Part of the image (page-aligned) is unmapped and joins the pool. */
void hyp_release_image(const void *start, const void *end);
