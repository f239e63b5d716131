/* SPDX-License-Identifier: MIT */
/* FEAT_LSE: an atomic add before the MMU is on. */
#include "corpus/lib/corpus.h"

SITE static void count(void)
{
	__asm__ volatile(".arch_extension lse\n"
			 "ldadd %w0, wzr, [%1]"
			 :
			 : "r"(1), "r"(ARENA)
			 : "memory");
}

void guest(void)
{
	dc_civac(ARENA);
	dsb_sy(); /* nothing is left of whoever ran before */
	if (!TWIN) {
		count();
	}
	image_on();
	space_map(&image_space, ARENA, ARENA, 4096, MAP_WB);
	if (TWIN) {
		count();
	}
	require(load32(ARENA) == 1);
}
