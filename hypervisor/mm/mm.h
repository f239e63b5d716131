/* SPDX-License-Identifier: MIT */
/*
 * Memory at EL2: the pool of free frames, Tenon's own frames, device mappings, and the windows
 * through which private guest frames are touched (invariants C2 and M1).
 */
#pragma once

#include "arm64/layout.h"
#include "lib/compiler.h"
#include "mm/frame.h"

#define FRAME_ORDER_2M  9
#define FRAME_ORDER_MAX 9

/* ---- the pool ---------------------------------------------------------------------------- */

/*
 * Allocate 2^order physically contiguous, naturally aligned frames for a domain. They are zeroed and
 * PoC-clean (C2); state FRAME_GUEST, owner domid, one reference each. Frames that are still dirty are
 * scrubbed on the spot: then -XEN_ERESTART may come back when an interrupt waits (progress is kept in
 * the pool: call again). -XEN_ENOMEM when no block of that order is free.
 */
int __must_check frame_pool_alloc(unsigned int order, uint16_t domid, mfn_t *first);
/*
 * Claims: free frames that are set aside. frame_pool_alloc() and the like for guests leave as many free as are claimed
 * in all; frame_pool_alloc_claimed() takes nr_drawn of the caller's own claim with them, none when it fails.
 * -XEN_ENOMEM: not as many are free, or all are claimed by others.
 */
int __must_check frame_pool_claim_free(uint64_t nr);
void frame_pool_unclaim(uint64_t nr);
int __must_check frame_pool_alloc_claimed(unsigned int order, uint16_t domid, uint64_t nr_drawn,
					  mfn_t *first);

/*
 * Boot only: claim every frame of [first, first + 2^FRAME_ORDER_2M * nr_blocks) for a domain, dirty or
 * not, without scrubbing yet (frame_pool_scrub_claimed()). For dom0's direct-mapped banks.
 * -XEN_ENOMEM when one of them is not free.
 */
int __must_check frame_pool_find_contiguous(uint64_t nr_frames, maddr_t below,
					    uint64_t align_frames, mfn_t *first);
int __must_check frame_pool_claim(mfn_t first, uint64_t nr_frames, uint16_t domid);

/*
 * What the boot loader left at [start, start + size): frame_pool_clean_boot() makes memory agree with every
 * cache (clean+invalidate by VA, DSB) before it is read through NC windows; frame_pool_release_boot() gives its
 * whole frames to the pool once it is used up.
 */
void frame_pool_clean_boot(maddr_t start, uint64_t size);
void frame_pool_release_boot(maddr_t start, uint64_t size);

uint64_t frame_pool_free_frames(void);
uint64_t frame_pool_total_frames(void);
/* All RAM of the machine that Tenon knows, its own and the reserved included. */
uint64_t frame_table_ram_frames(void);
uint64_t frame_pool_dirty_frames(void);
/* Highest frame of RAM, for XENMEM_maximum_ram_page. */
mfn_t frame_pool_max_mfn(void);

/* Idle work: clean some dirty frames; false when there was nothing to do. Stops for interrupts. */
bool frame_pool_scrub_idle(void);

/* ---- Tenon's own frames ------------------------------------------------------------------- */

/* 2^order zeroed frames mapped WB at HYP_BASE + maddr; NULL when memory is short. */
void *hyp_alloc(unsigned int order);
/* Unmap (TLBI IS) and give back. NULL is ignored. */
void hyp_free(void *va, unsigned int order);

/* As hyp_alloc(0), for a frame that one guest maps too (shared_info, grant frames); owner recorded. */
void *hyp_alloc_shared(uint16_t domid);
/* Tenon's mapping goes; the frame itself goes with its last reference. */
void hyp_free_shared(void *va);

/* Address arithmetic for Tenon's own frames. */
static inline maddr_t hyp_to_maddr(const void *va)
{
	return (maddr_t)(uintptr_t)va - HYP_BASE;
}

static inline mfn_t hyp_to_mfn(const void *va)
{
	return maddr_to_mfn(hyp_to_maddr(va));
}

static inline void *maddr_to_hyp(maddr_t a)
{
	return (void *)(uintptr_t)(HYP_BASE + a);
}

/*
 * Registered guest frames (vcpu_info, runstate, event FIFO): mapped WB at HYP_BASE + maddr while
 * registered. Counted: the mapping goes with the last hyp_unmap_registered(). For domain_share_register() only, which
 * makes the frame a shared one first.
 */
int __must_check hyp_map_registered(mfn_t m, void **va);
void hyp_unmap_registered(mfn_t m);

/*
 * Frames that became tables of EL2: one for each 2 MiB of RAM in which one of Tenon's frames, or a registered one, has ever
 * been. They stay, so that whoever counts what came back from a domain has to know.
 */
uint64_t hyp_map_table_frames(void);

/* Device-nGnRE mapping for registers; never unmapped. NULL (and a message) when out of space. */
volatile void *hyp_map_device(maddr_t start, uint64_t size);

/* ---- windows ------------------------------------------------------------------------------ */

enum window_attr {
	WINDOW_NC, /* private frame of a cold domain, free frames */
	WINDOW_WB, /* warm */
	WINDOW_WB_ONCE /* not kept after the unmap: shared frame of a cold domain, which may become private again; a domain
			* that has turned warm, before others' mappings have followed */
};

/*
 * Map one frame in this CPU's window area. Nests up to 8 deep; unmap in any order, on the same CPU,
 * before returning to the guest. The attribute comes from stage2_attr.c (stage2_attr_window()), or is
 * WINDOW_NC for free frames and boot modules. The mapping may stay cached after unmap (M1).
 */
void *window_map(mfn_t m, enum window_attr attr);
void window_unmap(const void *va);
/*
 * A whole free block of order FRAME_ORDER_2M, Non-cacheable, for scrubbing only: no guest has any of it, so M1's page
 * windows are not meant. One at a time and CPU; gone after the unmap, not cached.
 */
void *window_map_free_block(mfn_t first);
void window_unmap_free_block(void);
/* Before idling, and when an epoch asks (M1): no window of this CPU maps anything afterwards. */
void window_drop_all(void);

/*
 * Epochs (M1). epoch_begin() starts one and returns its number; epoch_passed(e) is true once every
 * CPU has dropped its windows after that. epoch_poll() is called by each CPU on its way back to a
 * guest, before idling and in the idle loop.
 */
uint32_t epoch_begin(void);
bool epoch_passed(uint32_t epoch);
void epoch_poll(void);
/* The last epoch begun. */
uint32_t epoch_latest(void);
/*
 * Round a WFI of the idle loop, nothing else in between: an idle CPU holds no windows and counts as
 * having passed every epoch (epoch_idle_enter() drops them).
 */
void epoch_idle_enter(void);
void epoch_idle_leave(void);
