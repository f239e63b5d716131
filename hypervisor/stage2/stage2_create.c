/* SPDX-License-Identifier: MIT */
/* What every stage 2 has: the geometry that the machine allows, a root table with a VMID, and its place in VTTBR_EL2. */
#include "stage2/stage2_walk.h"

#include "abi/xen.h"
#include "arm64/barrier.h"
#include "arm64/cpu.h"
#include "arm64/sysreg.h"
#include "arm64/tlb.h"
#include "domain/domain.h"
#include "lib/assert.h"

struct stage2_geometry stage2_geometry __ro_after_init_bss;

/* ---- geometry ------------------------------------------------------------------------------------ */

/*
 * 4 KiB granule (Arm ARM, "Concatenated translation tables"): up to 43 bits of IPA start at level 1 with up to
 * 16 tables side by side, more start at level 0.
 */
void stage2_init_machine(void)
{
	static const uint8_t ps_of_bits[][2] = {{32, 0}, {36, 1}, {40, 2},
						{42, 3}, {44, 4}, {48, 5}};
	struct stage2_geometry *g = &stage2_geometry;
	uint64_t ps = 0;

	g->ipa_bits = cpu_features.pa_bits;
	if (g->ipa_bits <= 43) {
		g->root_level = 1;
		g->root_order = g->ipa_bits > 39 ? g->ipa_bits - 39 : 0;
	} else {
		g->root_level = 0;
		g->root_order = 0;
	}
	g->root_shift = PTE_LEVEL_SHIFT(g->root_level);
	for (unsigned int n = 0; n < ARRAY_SIZE(ps_of_bits); n++) {
		if (ps_of_bits[n][0] == g->ipa_bits) {
			ps = ps_of_bits[n][1];
		}
	}
	/* SL0 counts the other way: 1 is level 1, 2 is level 0. 8-bit VMIDs (VS = 0): see vmid.c. */
	g->vtcr = VTCR_RES1 | FIELD_PREP(VTCR_T0SZ, 64 - g->ipa_bits) |
		  FIELD_PREP(VTCR_SL0, 2 - g->root_level) | VTCR_IRGN0_WB | VTCR_ORGN0_WB |
		  VTCR_SH0_INNER | VTCR_TG0_4K | FIELD_PREP(VTCR_PS, ps);
}

void stage2_init_cpu(void)
{
	sysreg_write(VTCR_EL2, stage2_geometry.vtcr);
	isb();
	tlb_invalidate_all_el1_is(); /* what firmware or the boot loader left in this CPU's TLB */
}

unsigned int stage2_ipa_bits(void)
{
	return stage2_geometry.ipa_bits;
}

/* ---- VTTBR_EL2 --------------------------------------------------------------------------------------- */

void stage2_switch_to(const struct stage2 *s2, struct stage2_loaded *saved)
{
	saved->vttbr = sysreg_read(VTTBR_EL2);
	if (saved->vttbr == s2->vttbr) {
		saved->tcr = saved->sctlr = 0; /* not looked at */
		return;
	}
	/* As in vcpu_switch.c: no walks, with the MMU on so that nothing is translated flat either. */
	saved->tcr = sysreg_read(TCR_EL1);
	saved->sctlr = sysreg_read(SCTLR_EL1);
	sysreg_write(TCR_EL1, saved->tcr | TCR_EPD0 | TCR_EPD1);
	isb(); /* in force before VTTBR_EL2 changes, and before the MMU is on with what is in the TTBRs */
	sysreg_write(SCTLR_EL1, saved->sctlr | SCTLR_M);
	isb();
	sysreg_write(VTTBR_EL2, s2->vttbr);
	isb(); /* the TLBI that follows is for this VMID */
}

void stage2_switch_back(const struct stage2_loaded *saved)
{
	if (sysreg_read(VTTBR_EL2) != saved->vttbr) {
		sysreg_write(VTTBR_EL2, saved->vttbr);
		isb(); /* the old pair is complete before its walks come back */
		sysreg_write(SCTLR_EL1, saved->sctlr);
		isb();
		sysreg_write(TCR_EL1, saved->tcr);
		isb(); /* also for AT instructions of the same exit (guest_copy.c) */
	}
}

/* ---- life cycle -------------------------------------------------------------------------------------- */

int stage2_create(struct domain *d)
{
	struct stage2 *s2 = &d->stage2;
	struct stage2_loaded saved;
	int error;

	rwlock_init(&s2->lock, LOCK_RANK_STAGE2);
	error = vmid_alloc(&s2->vmid);
	if (error) {
		return error;
	}
	s2->root = hyp_alloc(stage2_geometry.root_order);
	if (!s2->root) {
		vmid_free(s2->vmid);
		return -XEN_ENOMEM;
	}
	s2->nr_table_frames = UINT64_C(1) << stage2_geometry.root_order;
	s2->vttbr = hyp_to_maddr(s2->root) | FIELD_PREP(VTTBR_VMID, s2->vmid);
	dsb_ishst(); /* the zeroed root before any walk by this VMID */
	/* Whoever had this VMID before left entries in TLBs. */
	stage2_switch_to(s2, &saved);
	tlb_invalidate_vmid_is();
	stage2_switch_back(&saved);
	return 0;
}

void stage2_free_root(struct domain *d)
{
	struct stage2 *s2 = &d->stage2;

	/* stage2_clear() has unlinked every table, so no walker has one of them. */
	ASSERT(s2->root == NULL || s2->nr_table_frames == UINT64_C(1) << stage2_geometry.root_order);
	hyp_free(s2->root, stage2_geometry.root_order);
	s2->root = NULL;
}
