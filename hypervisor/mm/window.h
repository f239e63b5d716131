/* SPDX-License-Identifier: MIT */
/*
 * A CPU's windows (mm.h) as they are, for the look at one that is there still: no call for the page that a guest passes
 * its arguments in. window.c does the rest.
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

/* Frame and attribute. */
static inline uint64_t window_tag(mfn_t m, enum window_attr attr)
{
	return mfn_to_maddr(m) | (1 + (uint64_t)attr);
}

/*
 * A frame's home entry follows from its number. Only there a window stays when nobody uses it; one that had to go
 * elsewhere, because its home was in use, is unmapped at once. So a look at the home entry is nearly always enough, and
 * no frame is ever found with two attributes.
 */
static inline unsigned int window_home(uint64_t tag)
{
	return (tag >> PAGE_SHIFT) % NR_WINDOWS;
}

static inline void *window_va(unsigned int n)
{
	return (void *)(uintptr_t)(WINDOW_BASE + n * PAGE_SIZE);
}

/*
 * The window of a frame if this CPU has it mapped so already, else NULL. Good until the next call of anything in mm.h, and
 * not to be unmapped: for a use with nothing else in between.
 */
static inline void *window_kept(mfn_t m, enum window_attr attr)
{
	const uint64_t tag = window_tag(m, attr);
	const unsigned int n = window_home(tag);

	return likely(this_cpu(windows).tag[n] == tag) ? window_va(n) : NULL;
}
