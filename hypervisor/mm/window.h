/* SPDX-License-Identifier: MIT */
/*
 * A CPU's windows (mm.h) as they are, for the look at one that is there still: no call for the page that a guest passes
 * its arguments in. window.c does the rest.
 *
 * A window may say whose frame it is on. By M1 that holds for as long as there is the window: a frame gets another owner only
 * after every CPU has dropped what windows it had (mm/frame_pool.c, quarantine).
 */
#pragma once

#include "arm64/layout.h"
#include "arm64/percpu.h"
#include "mm/mm.h"

#define NR_WINDOWS 16

struct windows {
	uint64_t tag[NR_WINDOWS]; /* what each is mapped to: window_tag(); 0 unmapped */
	uint8_t users[NR_WINDOWS];
	uint8_t nr_displaced; /* in use outside their home entry */
	bool any;             /* some entry may be mapped */
};
DECLARE_PER_CPU(struct windows, windows);

/* Nobody has looked whose it is. */
#define WINDOW_OF_NOBODY     0xffff
#define WINDOW_TAG_OWNER     BITS64(63, 48)
#define WINDOW_TAG_FRAME     BITS64(47, 12)
#define WINDOW_TAG_ATTRIBUTE BITS64(1, 0)

static inline uint64_t window_tag(mfn_t m, enum window_attr attr, uint16_t owner)
{
	return mfn_to_maddr(m) | (1 + (uint64_t)attr) | (uint64_t)owner << 48;
}

/*
 * A frame's home entry follows from its number, and not from its lowest bits alone: domains of one kind, each from 16 MiB
 * or 256 MiB on, pass their arguments at the same place, and shall not drive each other's windows out. Only there a window
 * stays when nobody uses it; one that had to go elsewhere, because its home was in use, is unmapped at once. So a look at
 * the home entry is nearly always enough, and no frame is ever found with two attributes.
 */
static inline unsigned int window_home(uint64_t tag)
{
	/* Of the frame's bits 3:0, 15:12 and 19:16, where they are. */
	return ((tag ^ tag >> 12 ^ tag >> 16) >> PAGE_SHIFT) % NR_WINDOWS;
}

static inline void *window_va(unsigned int n)
{
	return (void *)(uintptr_t)(WINDOW_BASE + n * PAGE_SIZE);
}

/* As window_map(), of a frame that the caller has found to be owner's, and nobody else's before the next epoch. */
void *window_map_of(mfn_t m, enum window_attr attr, uint16_t owner);
/*
 * The window of a frame of this owner if this CPU has it mapped so already, else NULL. Good until the next call of anything in
 * mm.h, and not to be unmapped: for a use with nothing else in between.
 */
static inline void *window_kept(mfn_t m, enum window_attr attr, uint16_t owner)
{
	const uint64_t tag = window_tag(m, attr, owner);
	const uint64_t home = window_home(tag);

	if (unlikely(this_cpu(windows).tag[home] != tag)) {
		return NULL;
	}
	return (void *)(uintptr_t)(WINDOW_BASE | home << PAGE_SHIFT);
}
