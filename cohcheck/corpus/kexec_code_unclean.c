/* SPDX-License-Identifier: MIT */
/* The new kernel is copied into place with caches on, and entered with MMU and caches off. */
#include "corpus/lib/corpus.h"

SITE static void copy_kernel(void)
{
	code_write(WINDOW(0), 42);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), (uint64_t)new_code, 4096, MAP_WB);
	copy_kernel();
	if (TWIN) {
		dc_cvac_range(WINDOW(0), CODE_BYTES);
	}
	dsb_sy(); /* at the PoC before it can be fetched */
	ic_iallu();
	dsb_nsh(); /* complete before the fetches, which follow an ISB */
	require(corpus_call_mmu_off(new_code, sctlr_off(), sctlr_on()) == 42);
}
