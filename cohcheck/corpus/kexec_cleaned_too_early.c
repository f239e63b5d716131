/* SPDX-License-Identifier: MIT */
/*
 * Segments are cleaned as they are copied; then the last one is patched (a relocation), and the jump follows.
 */
#include "corpus/lib/corpus.h"

SITE static void relocate(void)
{
	store32(WINDOW(0), 0xd2800000 | 43 << 5);
}

static void copy_kernel(void)
{
	code_write(WINDOW(0), 42);
	if (TWIN) {
		relocate();
	}
	dc_cvac_range(WINDOW(0), CODE_BYTES);
	dsb_sy(); /* at the PoC before it can be fetched */
	if (!TWIN) {
		relocate();
	}
	ic_iallu();
	dsb_nsh(); /* complete before the fetches, which follow an ISB */
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), (uint64_t)new_code, 4096, MAP_WB);
	copy_kernel();
	require(corpus_call_mmu_off(new_code, sctlr_off(), sctlr_on()) == 43);
}
