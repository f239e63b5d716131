/* SPDX-License-Identifier: MIT */
/* Address translation as the guest that is loaded would do it; the answer is PAR_EL1 (Arm ARM, "AT S12E1R"). */
#pragma once

#include "lib/compiler.h"

/* Stage 1 and 2, EL1 read or write permission. Changes PAR_EL1: the caller saves the guest's. */
uint64_t at_s12e1r(uint64_t gva);
uint64_t at_s12e1w(uint64_t gva);
/* Stage 1 only: the IPA behind a guest virtual address. */
uint64_t at_s1e1r(uint64_t gva);
