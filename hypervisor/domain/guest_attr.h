/* SPDX-License-Identifier: MIT */
/* Memory types of a guest's stage 1, as attributes in MAIR_EL1's encoding. */
#pragma once

#include "lib/compiler.h"

struct domain;

/*
 * Of a virtual address of the current vCPU, whose EL1 is AArch32 with short descriptors; 0 (Device-nGnRnE) when it is
 * that, is not mapped, or the descriptors are long. No lock is held. A guest that changes its tables meanwhile
 * deceives itself only.
 */
uint64_t guest_attr_short(struct domain *d, uint32_t va);
/* The same of a descriptor's TEX[2:0] and C:B; remap is MAIR_EL1, which is PRRR and NMRR. */
uint64_t guest_attr_of_tex_cb(uint64_t sctlr, uint64_t remap, unsigned int tex, unsigned int cb);
/* Where the first-level descriptor of such an address is, as an IPA. */
uint64_t guest_attr_short_entry(uint32_t va);
