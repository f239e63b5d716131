/* SPDX-License-Identifier: MIT */
/* What the topics doomed (a guest) and doomed_user (dom0) know of each other. The guest's RAM starts at 0x40000000. */
#pragma once

#include "lib/compiler.h"

#define DOOMED_FIRST_GFN (UINT64_C(0x40000000) >> 12)
#define DOOMED_SPARE_GFN \
	((UINT64_C(0x40000000) + (UINT64_C(8) << 20)) >> 12) /* not used by the guest itself */
#define DOOMED_NR_PAGES  64u                                 /* granted to dom0: */
#define DOOMED_FIRST_REF 16u
#define DOOMED_NR_PORTS  16u /* for dom0, from 1 on */
