/* SPDX-License-Identifier: MIT */
/* The code is cleaned; the list of arguments that the new kernel reads with caches off is not. */
#include "corpus/lib/corpus.h"

SITE static void write_arguments(void)
{
	store(WINDOW(1), 42);
}

/* The new kernel: movz x0, #ARENA; ldr x0, [x0]; ret. */
static void copy_kernel(void)
{
	store32(WINDOW(0), 0xd2a00000 | (uint32_t)(ARENA >> 16) << 5);
	store32(WINDOW(0) + 4, 0xf9400000);
	store32(WINDOW(0) + 8, 0xd65f03c0);
	dc_cvac_range(WINDOW(0), 12);
	dsb_sy(); /* at the PoC before it can be fetched */
	ic_iallu();
	dsb_nsh(); /* complete before the fetches, which follow an ISB */
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), (uint64_t)new_code, 4096, MAP_WB);
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_WB);
	copy_kernel();
	write_arguments();
	if (TWIN) {
		dc_cvac(WINDOW(1));
		dsb_sy(); /* at the PoC before the new kernel's load */
	}
	require(corpus_call_mmu_off(new_code, sctlr_off(), sctlr_on()) == 42);
}
