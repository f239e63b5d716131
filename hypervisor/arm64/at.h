/* SPDX-License-Identifier: MIT */
/* Address translation as the guest that is loaded would do it; the answer is PAR_EL1 (Arm ARM, "AT S12E1R"). */
#pragma once

#include "arm64/barrier.h"
#include "arm64/sysreg.h"
#include "lib/compiler.h"

#define AT_(operation, gva)                                                     \
	({                                                                      \
		__asm__ volatile("at " operation ", %0" ::"r"(gva) : "memory"); \
		isb(); /* PAR_EL1 has the result */                             \
		sysreg_read(PAR_EL1);                                           \
	})

/* Stage 1 and 2, EL1 read or write permission. Changes PAR_EL1: the caller saves the guest's. */
static inline uint64_t at_s12e1r(uint64_t gva)
{
	return AT_("s12e1r", gva);
}

static inline uint64_t at_s12e1w(uint64_t gva)
{
	return AT_("s12e1w", gva);
}

/* Stage 1 only: the IPA behind a guest virtual address. */
static inline uint64_t at_s1e1r(uint64_t gva)
{
	return AT_("s1e1r", gva);
}
