/* SPDX-License-Identifier: MIT */
/*
 * Stage 1 of a test guest: an identity map of the lowest 4 GiB, Device below RAM, Normal Write-Back in
 * RAM, everything executable, and single pages with other attributes where a test asks.
 */
#pragma once

#include "lib/compiler.h"

enum mmu_type {
	MMU_DEVICE,               /* Device-nGnRE */
	MMU_WRITE_BACK,           /* 0xff */
	MMU_NON_CACHEABLE,        /* 0x44 */
	MMU_WRITE_THROUGH,        /* 0xbb */
	MMU_WRITE_BACK_TRANSIENT, /* 0x77: allocation hints are free (xen: public/arch-arm.h) */
	MMU_READ_ONLY,            /* Write-Back */
	MMU_USER,                 /* Write-Back, and EL0 may read, write and execute */
	MMU_UNMAPPED
};

/* Build the tables; needs machine. */
void mmu_init(void);
/*
 * On this CPU (guest_start.S). Turning it off leaves the tables alone, and cleans and invalidates the guest's own image and
 * stacks, when they cannot be fetched again; the rest of memory is the caller's business.
 */
void mmu_enable(void);
void mmu_disable(void);
bool mmu_is_on(void);

/* Map the 4 KiB page at va to the page at ipa. False: out of tables. */
bool mmu_map_page(uint64_t va, uint64_t ipa, enum mmu_type type);
/* A virtual page that mmu_init() left unmapped, for tests to map what they like. */
uint64_t mmu_spare_page(unsigned int idx);

/* Page tables that differ from the common ones in one page of the spare region. 0: out of tables. */
uint64_t mmu_make_tables(uint64_t va, uint64_t ipa);
/* This vCPU changes to them, or back (0). It has been in no others with that page since. */
void mmu_use_tables(uint64_t root);
