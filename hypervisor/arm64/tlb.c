/* SPDX-License-Identifier: MIT */
/*
 * Each function: DSB (table writes reach the walkers), TLBI, DSB (the invalidation is complete, here or
 * everywhere), ISB where EL2's own translations change (Arm ARM, "TLB maintenance requirements").
 */
#include "arm64/tlb.h"

#include "arm64/barrier.h"

/* TLBI operands take VA[55:12] or IPA[51:12] in the low bits. */
#define TLBI_ADDRESS(a) (((a) >> 12) & BITS64(43, 0))

void tlb_invalidate_el2_va_local(uint64_t va_page)
{
	dsb_nsh();
	__asm__ volatile("tlbi vae2, %0" ::"r"(TLBI_ADDRESS(va_page)) : "memory");
	dsb_nsh();
	isb();
}

void tlb_invalidate_el2_va_is(uint64_t va_page)
{
	dsb_ish();
	__asm__ volatile("tlbi vae2is, %0" ::"r"(TLBI_ADDRESS(va_page)) : "memory");
	dsb_ish();
	isb();
}

void tlb_invalidate_el2_all_local(void)
{
	dsb_nsh();
	__asm__ volatile("tlbi alle2" ::: "memory");
	dsb_nsh();
	isb();
}

void tlb_invalidate_el2_all_is(void)
{
	dsb_ish();
	__asm__ volatile("tlbi alle2is" ::: "memory");
	dsb_ish();
	isb();
}

void tlb_invalidate_ipa_is(uint64_t ipa)
{
	dsb_ish();
	__asm__ volatile("tlbi ipas2e1is, %0" ::"r"(TLBI_ADDRESS(ipa)) : "memory");
	dsb_ish(); /* stage-2 entries are gone before the combined ones may be refilled from them */
	__asm__ volatile("tlbi vmalle1is" ::: "memory");
	dsb_ish();
	isb();
}

void tlb_invalidate_vmid_is(void)
{
	dsb_ish();
	__asm__ volatile("tlbi vmalls12e1is" ::: "memory");
	dsb_ish();
	isb();
}

void tlb_invalidate_vmid_local(void)
{
	dsb_nsh();
	__asm__ volatile("tlbi vmalle1" ::: "memory");
	dsb_nsh();
	isb();
}

void tlb_invalidate_all_el1_is(void)
{
	dsb_ish();
	__asm__ volatile("tlbi alle1is" ::: "memory");
	dsb_ish();
	isb();
}
