/* SPDX-License-Identifier: MIT */
/*
 * Shadow tables: which translations exist, which may still be in a TLB, and so which aliases of a physical page are live.
 *
 * When a root of translation tables is installed, everything reachable from it is copied and its lines get LINE_TABLE;
 * a store to such a line is compared with the copy. A valid entry that changes becomes a zombie, an alias that lives until a
 * TLBI that names it has been completed by a DSB of the CPU that issued it. A new valid entry is an alias at once.
 *
 * "Is there a cacheable alias of this page" is answered from an index of entries and zombies by output address and size; in
 * two stages first of stage 2 by physical address, then of stage 1 by IPA. Stage 1 off is no alias (unless HCR_EL2.DC).
 * Not considered: the stage 1 of one virtual machine with the stage 2 of another that has had the same VMID without a TLBI.
 *
 * An alias needs its context: it is live while a CPU has the root installed (whichever exception level it executes at), or
 * while a zombie's ASID and VMID are installed on a CPU that may have it in its TLB. One that is not live now, but was,
 * counts through struct page.cached_until (model_alias_gone_at()): when its page is asked about, or its entry goes.
 *
 * What is known of a root that no CPU has installed: its entries stay what they were (a TLB may hold them under the root's
 * ASID), an entry that goes becomes a zombie, and a new one is looked at only when the root is installed again: until then no
 * walk can find it, and what is stored there may be anything, since software frees the tables of a context that is no more
 * without a word. When moreover no TLB can hold anything of it (its ASID was invalidated since), or it has no entry left,
 * the next store drops it. None of this is ever a finding.
 *
 * Context: under the model's lock.
 */
#pragma once

#include "arm/arm_decode.h"
#include "arm/arm_regime.h"

struct shadow;

struct shadow_ops {
	bool (*read)(void *ctx, uint64_t paddr, unsigned int size,
		     uint64_t *value); /* guest memory */
	/*
	 * A translation that accesses may have used has changed: forget what was cached of [va, va + size) for contexts
	 * with this root. size 0: forget everything of all CPUs; UINT64_MAX: everything of this root. Called when the TLBI
	 * that names the old entry is issued, or at the store where none is to be expected.
	 */
	void (*forget)(void *ctx, uint64_t root, uint64_t va, uint64_t size);
	/* Something that cannot be followed (a table in a device, an unsupported format): counted, said at the end. */
	void (*unchecked)(void *ctx, const char *what, uint64_t paddr);
};

struct shadow *shadow_create(struct model *model, const struct shadow_ops *ops, void *ctx,
			     unsigned int nr_cpus, bool has_bbm2);
void shadow_destroy(struct shadow *shadow);

/*
 * The contexts installed on a CPU have changed (all regimes; a context whose regime is not in use is given with s1_on
 * and s2.enabled false). Scans roots never seen before. Quick where nothing changed.
 *
 * While a CPU executes at EL2 or EL3 it may not walk for a lower regime (Arm ARM, "Use of out-of-context translation regimes"), and a
 * hypervisor that switches vCPUs passes through mixtures of registers of two of them. So give a lower regime whose registers
 * are not what they were when it was last in use as not in use, until it is.
 */
void shadow_install(struct shadow *shadow, unsigned int cpu,
		    const struct arm_context contexts[NR_REGIMES], site_t site);
void shadow_cpu_off(struct shadow *shadow, unsigned int cpu);

/* A store of size bytes at paddr, in memory already, touched a line with LINE_TABLE. */
void shadow_store(struct shadow *shadow, site_t site, uint64_t paddr, unsigned int size);

/* operand: the value of Rt. vmid, e2h_tge: of the issuing CPU now; fb: HCR_EL2.FB, at EL1 only. Effect at shadow_dsb(). */
struct shadow_issuer {
	unsigned int cpu;
	uint16_t vmid;
	bool e2h_tge, fb;
	uint8_t granule_shift; /* of the regime, for range operations whose operand says the same or nothing */
	bool lpa2; /* TCR.DS of the regime: base addresses of range operations in units of 64 KiB */
};
void shadow_tlbi(struct shadow *shadow, site_t site, const struct shadow_issuer *issuer,
		 const struct arm_tlbi *tlbi, uint64_t operand);
void shadow_dsb(struct shadow *shadow, unsigned int cpu);
/*
 * A DSB for stores only: those before it are what a later TLBI's walks see. (shadow_dsb() does this, too.) A TLBI without
 * either between it and the store that removed an entry does nothing to that entry: a walk may still find it.
 */
void shadow_dsb_stores(struct shadow *shadow, unsigned int cpu);

/* struct model_ops.alias_live. */
bool shadow_alias_live(struct shadow *shadow, uint64_t paddr, struct alias *alias);
/* Is there a translation of this page that lets it be fetched from, whether live or not? */
bool shadow_is_executable(const struct shadow *shadow, uint64_t paddr);
/* How much memory it uses now, for --summary. */
uint64_t shadow_bytes(const struct shadow *shadow);
