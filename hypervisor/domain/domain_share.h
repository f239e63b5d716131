/* SPDX-License-Identifier: MIT */
/*
 * Frames of one domain that others use too (design.md, "Words" and "Memory attributes"): which are shared, and the
 * foreign mappings of those that are not, which follow their owner from cold to warm and back.
 *
 * A frame is shared while it is pinned: by a grant that somebody has mapped, or by a registration. To be copied from or to it
 * is not pinned: its attribute lock does. A shared frame is Normal Write-Back for everyone.
 */
#pragma once

#include "lib/compiler.h"
#include "mm/frame.h"
#include "stage2/stage2.h"

struct domain;

/*
 * One more reason for frame m of owner's to be shared. The caller holds a reference on m. The first one of a cold
 * domain turns surviving Non-cacheable foreign maps of it Write-Back, break-before-make; from the return on it may be
 * mapped Write-Back. -XEN_ENOSPC: too many reasons. -XEN_ERESTART, nothing is pinned: call again. No lock of rank ATTR or
 * inner is held.
 */
int __must_check domain_share_pin(struct domain *owner, mfn_t m);

/*
 * One reason less; the caller has unmapped the frame where that was the reason (TLBI and DSB are done) and still holds
 * its reference. The last one of a cold domain makes the frame private again: later, on this CPU's way to a guest or
 * before it idles, foreign maps of it turn Non-cacheable, and it is cleaned and invalidated. The module has its own
 * reference until then. Never fails, never waits; any lock may be held.
 */
void domain_share_unpin(struct domain *owner, mfn_t m);

/*
 * The same for a caller that holds no lock of rank ATTR or inner: the frame is private when this returns. That is some
 * hundred instructions in a cold domain, which are not to be saved by putting them off.
 */
void domain_share_unpin_now(struct domain *owner, mfn_t m);

/*
 * Drop a reference on a frame of owner's. One that it had given up (frame_give_up()) goes with the last of them, and owner is
 * charged for one less. Any lock may be held.
 */
void domain_put_frame(struct domain *owner, mfn_t m);

/*
 * A frame that a guest registers (vcpu_info, runstate, event FIFO): pinned, and mapped at EL2 at *va for as long as
 * anybody has it registered. The caller holds a reference on it, until after the unregistering. Errors as of
 * domain_share_pin(); -XEN_EINVAL for a frame of Tenon's own, -XEN_ENOMEM.
 */
int __must_check domain_share_register(struct domain *owner, mfn_t m, void **va);
void domain_share_unregister(struct domain *owner, mfn_t m);

/*
 * Map frame owner_gfn of owner, RAM or a frame of Tenon's that it shares, at g of mapper's (XENMAPSPACE_gmfn_foreign).
 * The mapping has a reference on the frame, which stage2_unmap() or a replacing stage2_map() drops; it is listed, and
 * follows its owner's attribute. -XEN_EINVAL nothing of the kind is there, -XEN_ENOMEM. Takes mapper's lock.
 */
int __must_check domain_foreign_map(struct domain *mapper, gfn_t g, struct domain *owner,
				    gfn_t owner_gfn);
/* The same for a frame that is known, which the caller has a reference on: the mapping's on success. */
int __must_check domain_foreign_map_frame(struct domain *mapper, gfn_t g, struct domain *owner,
					  mfn_t m, enum stage2_type type);
