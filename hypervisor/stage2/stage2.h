/* SPDX-License-Identifier: MIT */
/*
 * A domain's stage 2: guest frame to machine frame, with the one function that picks attributes.
 *
 * 4 KiB granule, 2 MiB blocks where alignment allows, break-before-make on every change of a valid
 * entry. Lookups hold the lock for reading, changes for writing. TLB invalidation is done before a
 * reference on the old frame is dropped.
 */
#pragma once

#include "lib/lock.h"
#include "mm/frame.h"
#include "mm/mm.h"

struct domain;

/* What is mapped; kept in the descriptor's software bits. Xen's p2m types in Tenon's words. */
enum stage2_type {
	STAGE2_INVALID = 0,
	STAGE2_RAM,        /* the domain's own frame, RWX */
	STAGE2_SHARED,     /* Tenon's frame: shared_info, grant table; RW, XN */
	STAGE2_FOREIGN_RW, /* another domain's private frame, mapped by dom0 */
	STAGE2_FOREIGN_RO,
	STAGE2_GRANT_RW,
	STAGE2_GRANT_RO,
	STAGE2_DEVICE,       /* MMIO of others than the hardware domain, GICV: Device-nGnRE */
	STAGE2_DEVICE_HWDOM, /* MMIO of the hardware domain: Normal WB, XN; stage 1 decides */
};

struct stage2 {
	struct rwlock lock; /* guards the tables */
	uint64_t *root;     /* Tenon's own frames: one table, or concatenated level-1 tables */
	uint16_t vmid;
	uint64_t vttbr; /* as loaded */
	uint64_t nr_table_frames;
	uint64_t max_gfn;      /* the highest ever mapped */
	uint64_t destroy_next; /* stage2_clear(), stage2_destroy(): IPA, then frame, to go on from */
	unsigned int levels_cleared;
};

/* Once, after cpu_features is final: VTCR_EL2 value, VMID bitmap. */
void stage2_init_machine(void);
/* Per CPU: write VTCR_EL2. */
void stage2_init_cpu(void);
unsigned int stage2_ipa_bits(void);

/* Root table and VMID. -XEN_ENOSPC no VMID left, -XEN_ENOMEM. Uses d->is_hardware, d->has_noncoherent_device. */
int __must_check stage2_create(struct domain *d);
/*
 * Drop every mapping with its tables, and the references on foreign frames. No vCPU of it runs or will run, and it is DYING: nothing
 * is mapped any more. -XEN_ERESTART until done. Others may go on looking, and find nothing.
 */
int __must_check stage2_clear(struct domain *d);
/* Free the VMID and the allocation references of the domain's own RAM; after stage2_clear(). -XEN_ERESTART until done. */
int __must_check stage2_destroy(struct domain *d);
/* Nobody looks any more: the last reference on the domain is gone. Also for one that has no stage 2. */
void stage2_free_root(struct domain *d);

/*
 * Map nr frames. What was mapped there is replaced: references on foreign frames are dropped, own frames stay
 * the domain's. -XEN_ENOMEM for tables, -XEN_EINVAL beyond the IPA size and for a domain that is DYING; after an error a part may be mapped, of up to 512
 * frames none.
 */
int __must_check stage2_map(struct domain *d, gfn_t g, mfn_t m, uint64_t nr, enum stage2_type type);
/* Have the tables that mapping up to 512 frames at g takes, unless others change them meanwhile. Errors as stage2_map(). */
int __must_check stage2_prepare(struct domain *d, gfn_t g, uint64_t nr);
/* Holes stay holes. Splitting a block may need a table: -XEN_ENOMEM, and that block stays. */
int __must_check stage2_unmap(struct domain *d, gfn_t g, uint64_t nr);
/* Map one frame by grant: stage2_map() of one page, and what it replaces goes likewise. */
int __must_check stage2_map_grant(struct domain *d, gfn_t g, mfn_t m, bool readonly);
/* A grant mapping of frame m, which was mapped at g: it goes, or has gone before. The TLBI is done afterwards, so that the frame
 * may be let go of. -XEN_EILSEQ: something else is mapped there, and stays. */
int __must_check stage2_unmap_grant(struct domain *d, gfn_t g, mfn_t m);

/*
 * Map frame m of owner's at g of mapper's, STAGE2_FOREIGN_RW or _RO. The caller holds a reference on m, which is the
 * mapping's on success, and owner's attribute lock for writing: the attribute follows from it. The mapping is listed, so
 * that it can be turned. -XEN_ENOMEM, -XEN_EINVAL as stage2_map().
 */
int __must_check stage2_map_foreign(struct domain *mapper, gfn_t g, struct domain *owner, mfn_t m,
				    enum stage2_type type);
/*
 * Turn foreign mappings to the attribute that they ought to have, break-before-make (stage2_foreign.c); what turns Non-cacheable
 * is cleaned and invalidated in between. owner's attribute lock is held for writing. Of one frame, at once: to wb.
 */
void stage2_turn_frame(mfn_t m, bool wb);
/* For assertions of C1: has anybody a Write-Back foreign mapping of it? */
bool stage2_frame_is_wb_elsewhere(mfn_t m);
/* Of all of owner's frames, in steps: *cursor is 0 at first; true when none is left. */
bool __must_check stage2_turn_some(const struct domain *owner, uint32_t *cursor);

/* What is at g: frame and type; -XEN_ENOENT when nothing is mapped. */
int __must_check stage2_lookup(struct domain *d, gfn_t g, mfn_t *m, enum stage2_type *type);
/* As lookup, for own RAM or shared frames only, with a reference taken on the frame under the lock. */
int __must_check stage2_get_frame(struct domain *d, gfn_t g, mfn_t *m, enum stage2_type *type);
/*
 * The same without a reference, MFN_INVALID when there is none: for a use on this CPU before it polls for epochs (mm.h), until
 * when a frame that is let go of is neither scrubbed nor anybody else's. What the frame table says of it is the caller's to look at.
 */
mfn_t stage2_find_frame(struct domain *d, gfn_t g);

/* The highest guest frame that was ever mapped (XENMEM_maximum_gpfn). */
gfn_t stage2_max_gfn(struct domain *d);
/* Frames from g on that are surely unmapped; 0 when g is mapped. */
uint64_t stage2_hole_frames(struct domain *d, gfn_t g);
/*
 * The first mapped frame of the domain's own RAM from *g on, with a reference; *g says where it is. Looks at a bounded
 * number of entries: false when there is none among them, and then *g is where to go on.
 */
bool __must_check stage2_next_ram(struct domain *d, gfn_t *g, mfn_t *m);

/* ---- the attribute table of design.md, in one place: stage2_attr.c ------------------------------- */

/* Descriptor bits (MemAttr, SH, XN, permissions, software type) of a mapping in d's stage 2. owner and f are the
 * domain whose frame it is and that frame's entry: for the foreign types, else unused. */
uint64_t stage2_attr_pte(const struct domain *d, const struct domain *owner, const struct frame *f,
			 enum stage2_type type);
/* Of a grant's mapping: the same as above, in less time. */
uint64_t stage2_attr_grant(const struct domain *d, bool readonly);
/* Of these the memory type alone, of a foreign mapping in mapper's stage 2. */
uint64_t stage2_attr_foreign(const struct domain *mapper, bool wb);
/* Is a private frame of owner's Write-Back to others? Is this one? Under owner's attribute lock, else a hint. */
bool stage2_attr_private_is_wb(const struct domain *owner);
bool stage2_attr_frame_is_wb(const struct domain *owner, const struct frame *f);
/* How EL2 may touch a frame of owner: shared frames and warm domains WB, private frames of cold domains NC. */
enum window_attr stage2_attr_window(const struct domain *owner, const struct frame *f);
/* Is FEAT_S2FWB used to force Write-Back on this domain's own frames? */
bool stage2_attr_forces_wb(const struct domain *d);

/*
 * Load the domain's VTTBR for TLB maintenance, with EL1's table walks off meanwhile: the stage 1 in the registers
 * is another domain's, and the two must never be walked together (design.md, "What QEMU cannot show").
 */
struct stage2_loaded {
	uint64_t vttbr, tcr, sctlr; /* what was there, for stage2_switch_back() */
};
void stage2_switch_to(const struct stage2 *s2, struct stage2_loaded *saved);
void stage2_switch_back(const struct stage2_loaded *saved);
