/* SPDX-License-Identifier: MIT */
/*
 * Host stand-in of hypervisor/arm64/tlb.h: invalidation is recorded (tests/unit/fake_machine.h),
 * with the barriers that the contract of the real functions promises.
 */
#pragma once

#include "lib/compiler.h"

void tlb_invalidate_el2_va_local(uint64_t va_page); /* "tlbi vae2 <va>" */
void tlb_invalidate_el2_va_is(uint64_t va_page);    /* "tlbi vae2is <va>" */
void tlb_invalidate_el2_all_local(void);            /* "tlbi alle2" */
void tlb_invalidate_el2_all_is(void);               /* "tlbi alle2is" */
void tlb_invalidate_ipa_is(uint64_t ipa);           /* "tlbi ipas2e1is <ipa>", "tlbi vmalle1is" */
void tlb_invalidate_vmid_is(void);                  /* "tlbi vmalls12e1is" */
void tlb_invalidate_vmid_local(void);               /* "tlbi vmalle1" */
void tlb_invalidate_all_el1_is(void);               /* "tlbi alle1is" */
