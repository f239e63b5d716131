/* SPDX-License-Identifier: MIT */
/*
 * A frame's entry without a call: for what guests do often, copies and grants. The entry of frame m lies at
 * FRAME_TABLE_BASE + 16 * m, mapped only where RAM is, so the banks are asked first.
 */
#pragma once

#include "arm64/atomic.h"
#include "arm64/layout.h"
#include "mm/frame.h"

#define RAM_MAX_BANKS 256

/* By mfn, end exclusive. Written while booting only. */
struct ram_bank {
	uint64_t first, end;
};
extern struct ram_bank ram_banks[RAM_MAX_BANKS];
extern unsigned int nr_ram_banks;

/* For a frame that is known to be RAM. */
static inline struct frame *frame_entry_of_ram(mfn_t m)
{
	return (struct frame *)(uintptr_t)(FRAME_TABLE_BASE + m.raw * sizeof(struct frame));
}

/* The same by the page's address: fewer steps for who has that. */
static inline struct frame *frame_entry_of_page(maddr_t page)
{
	_Static_assert(sizeof(struct frame) == 1 << (PAGE_SHIFT - 8), "the shift");
	return (struct frame *)(uintptr_t)(FRAME_TABLE_BASE + (page >> 8));
}

/* frame_of(): NULL when it is not RAM. */
static inline struct frame *frame_entry(mfn_t m)
{
	/* The first one has all or most of many machines' RAM; unused ones are empty. */
	if (likely(m.raw >= ram_banks[0].first && m.raw < ram_banks[0].end)) {
		return frame_entry_of_ram(m);
	}
	for (unsigned int n = 1; n < nr_ram_banks; n++) {
		if (m.raw >= ram_banks[n].first && m.raw < ram_banks[n].end) {
			return frame_entry_of_ram(m);
		}
	}
	return NULL;
}

/* The fields of a head that is in a register. Little-endian. */
_Static_assert(offsetof(struct frame, state) == 0 && offsetof(struct frame, order) == 1 &&
		       offsetof(struct frame, owner) == 2 && offsetof(struct frame, refs) == 4,
	       "mm/frame.h");
#define HEAD_STATE(head)        ((uint8_t)(head))
#define HEAD_ORDER(head)        ((uint8_t)((head) >> 8))
#define HEAD_OWNER(head)        ((uint16_t)((head) >> 16))
#define HEAD_REFS(head)         ((uint32_t)((head) >> 32))
/* State and owner alone. */
#define HEAD_WHOSE              UINT32_C(0xffff00ff)
#define HEAD_OF(state_, domid_) ((uint32_t)(domid_) << 16 | (uint32_t)(state_))

/* The domain's own RAM, or Tenon's that it shares: owner and state at once. References are not looked at. */
static inline bool frame_head_is_of(uint64_t head, uint16_t domid)
{
	const uint32_t whose = (uint32_t)head & HEAD_WHOSE;

	return likely(whose == HEAD_OF(FRAME_GUEST, domid)) ||
	       whose == HEAD_OF(FRAME_TENON_SHARED, domid);
}

static inline bool __must_check frame_put_use(mfn_t m)
{
	/* RAM, as the caller has a reference. */
	uint64_t head = atomic_fetch_sub(&frame_entry_of_ram(m)->head, FRAME_ONE_REF);

	return unlikely(HEAD_REFS(head) <= 1 || (HEAD_ORDER(head) & FRAME_GIVEN_UP) != 0) &&
	       frame_use_ended(m, head);
}
