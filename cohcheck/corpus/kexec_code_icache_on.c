/* SPDX-License-Identifier: MIT */
/*
 * The MMU is off, but SCTLR.I is on: fetches are cacheable, so code need be clean to the PoU only. Here it is
 * not even that.
 */
#include "corpus/lib/corpus.h"

SITE static void copy_kernel(void)
{
	code_write(WINDOW(0), 42);
	if (TWIN) {
		dc_cvau_range(WINDOW(0), CODE_BYTES);
	}
	dsb_sy(); /* at the PoU before it can be fetched */
	ic_iallu();
	dsb_nsh(); /* complete before the fetches, which follow an ISB */
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), (uint64_t)new_code, 4096, MAP_WB);
	copy_kernel();
	require(corpus_call_mmu_off(new_code, sctlr_off() | BIT64(12), sctlr_on()) == 42);
}
