/* SPDX-License-Identifier: MIT */
/*
 * Frames: typed numbers, and the frame table that says who owns each frame of RAM.
 *
 * mfn_t and gfn_t are structs so that mixing a machine with a guest frame does not compile. Byte
 * addresses are plain: maddr_t (machine) and ipa_t (guest physical).
 */
#pragma once

#include "lib/compiler.h"

typedef struct {
	uint64_t raw;
} mfn_t;
typedef struct {
	uint64_t raw;
} gfn_t;
typedef uint64_t maddr_t;
typedef uint64_t ipa_t;

static inline mfn_t mfn(uint64_t raw)
{
	return (mfn_t){raw};
}

static inline gfn_t gfn(uint64_t raw)
{
	return (gfn_t){raw};
}

static inline mfn_t mfn_add(mfn_t m, uint64_t n)
{
	return (mfn_t){m.raw + n};
}

static inline gfn_t gfn_add(gfn_t g, uint64_t n)
{
	return (gfn_t){g.raw + n};
}

static inline maddr_t mfn_to_maddr(mfn_t m)
{
	return m.raw << PAGE_SHIFT;
}

static inline mfn_t maddr_to_mfn(maddr_t a)
{
	return (mfn_t){a >> PAGE_SHIFT};
}

static inline ipa_t gfn_to_ipa(gfn_t g)
{
	return g.raw << PAGE_SHIFT;
}

static inline gfn_t ipa_to_gfn(ipa_t a)
{
	return (gfn_t){a >> PAGE_SHIFT};
}

#define MFN_INVALID mfn(~UINT64_C(0))
#define GFN_INVALID gfn(~UINT64_C(0))

enum frame_state {
	FRAME_FREE_DIRTY = 0, /* all-zero entry: free, contents and caches unknown */
	FRAME_FREE_CLEAN,     /* free, zeroed and PoC-clean (C2) */
	FRAME_QUARANTINE,     /* freed; some CPU may still hold a window on it (M1) */
	FRAME_SCRUBBING,      /* taken off the lists by the scrubber */
	FRAME_TENON,          /* Tenon's own, mapped WB at HYP_BASE + maddr */
	FRAME_TENON_SHARED,   /* Tenon's own and mapped by one guest: shared_info, grant frames */
	FRAME_GUEST,          /* a domain's own */
	FRAME_RESERVED /* not RAM for us: firmware, holes inside banks, the boot image's own */
};

/*
 * One entry a frame, 16 bytes. Written under the pool lock while free; while owned, refs and
 * shared_pins are atomic and the rest is constant until the last reference goes.
 *
 * Anybody may look at any entry (a guest names a machine address), so state, owner and refs are one word, which
 * is published, counted up and counted down as a whole: a reference is never taken on what the frame was before.
 */
struct frame {
	union {
		struct {
			uint8_t state; /* enum frame_state */
			uint8_t order; /* FRAME_BLOCK_HEAD | order in the first frame of a free block, else 0 */
			uint16_t owner; /* domid while FRAME_GUEST or FRAME_TENON_SHARED */
			union {
				uint32_t next; /* free lists: mfn, 0 ends (frame 0 is never free) */
				uint32_t refs; /* allocation, mappings by others, copies under way */
			};
		};
		uint64_t head;
	};
	union {
		uint32_t prev;        /* free lists */
		uint32_t shared_pins; /* why it is a shared frame, FRAME_PINS and so on; 0 means private */
	};
	union {
		uint32_t epoch;      /* quarantine: the epoch that all CPUs must have passed */
		uint32_t share_next; /* while FRAME_UNSHARING: mfn of the next one, 0 ends */
	};
};
#define FRAME_BLOCK_HEAD 0x80
#define FRAME_GIVEN_UP \
	0x40 /* FRAME_GUEST: its owner wants it no more, but others use it; refs has its allocation still */
#define FRAME_ONE_REF          BIT64(32) /* of head */

/* shared_pins: domain/domain_share.c pins, mm/hyp_map.c counts what of that is registered. */
#define FRAME_PINS             UINT32_C(0x000fffff)
#define FRAME_REGISTRATIONS    UINT32_C(0x7ff00000)
#define FRAME_ONE_REGISTRATION UINT32_C(0x00100000)
#define FRAME_UNSHARING        UINT32_C(0x80000000) /* to be made private; shared until then */
_Static_assert(sizeof(struct frame) == 16, "design.md: a frame-table entry is at most 16 bytes");

/* The entry of a frame of RAM; NULL when mfn is not RAM. */
struct frame *frame_of(mfn_t m);

/*
 * Take a reference on a guest's frame: true if it is RAM, of state FRAME_GUEST or FRAME_TENON_SHARED
 * and owned by domid. The frame then stays allocated until frame_put().
 */
bool __must_check frame_get(mfn_t m, uint16_t domid);
/* Drop one; the last one returns the frame to the pool (through quarantine). Any context. */
void frame_put(mfn_t m);

/*
 * A frame that its owner wants no more and has mapped nowhere: freed, unless others use it. Then it stays the owner's
 * until frame_put_use() drops the last such reference: both say whether they have freed it, so that the owner is charged
 * for one less. With frame_put() in its place it stays until the owner dies. What is not that owner's any more is left alone.
 * Only while the owner lives: frame_put_allocation() comes after it.
 */
bool __must_check frame_give_up(mfn_t m, uint16_t owner);
/* frame_put_use(): mm/frame_entry.h. */
/* Of it what is rare: head is what was found when the reference was dropped, the last one or of a frame that is given up. */
bool __must_check frame_use_ended(mfn_t m, uint64_t head);
/*
 * The owner dies: drop the reference from its allocation, whether it had given the frame up or not; it is charged for one less.
 * False: the frame is not its any more, which the last user of one that was given up has seen to.
 */
bool __must_check frame_put_allocation(mfn_t m, uint16_t owner);
