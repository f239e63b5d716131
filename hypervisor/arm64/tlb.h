/* SPDX-License-Identifier: MIT */
/*
 * TLB maintenance. Each function issues its TLBI only after a DSB that makes earlier table writes
 * visible to the walkers, and waits for completion with a DSB (and ISB for EL2's own regime).
 * Scope is in the name: local is this CPU, is the Inner Shareable domain.
 */
#pragma once

#include "lib/compiler.h"

/* EL2 stage 1. va_page is a byte address. */
void tlb_invalidate_el2_va_local(uint64_t va_page);
void tlb_invalidate_el2_va_is(uint64_t va_page);
void tlb_invalidate_el2_all_local(void);
void tlb_invalidate_el2_all_is(void);

/*
 * Stage 2 of the VMID in VTTBR_EL2: the caller has loaded it (stage2_switch_to()). The _ipa form
 * also drops combined stage-1-and-2 entries, as those may cache the old stage-2 result
 * (Arm ARM, "TLB maintenance instructions ... IPAS2E1IS").
 */
void tlb_invalidate_ipa_is(uint64_t ipa);
void tlb_invalidate_vmid_is(void);    /* VMALLS12E1IS */
void tlb_invalidate_vmid_local(void); /* VMALLE1: another vCPU of the same domain ran here last */
void tlb_invalidate_all_el1_is(void); /* ALLE1IS */
