/* SPDX-License-Identifier: MIT */
/* FEAT_MOPS: three instructions fill a page. Its last line is left unclean. */
#include "corpus/lib/corpus.h"

SITE static void write_mops(void)
{
	uint64_t to = WINDOW(0), size = 4096;

	__asm__ volatile(".arch_extension mops\n"
			 "setp [%0]!, %1!, %2\n"
			 "setm [%0]!, %1!, %2\n"
			 "sete [%0]!, %1!, %2"
			 : "+r"(to), "+r"(size)
			 : "r"(UINT64_C(0x12))
			 : "memory", "cc");
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	write_mops();
	dc_cvac_range(WINDOW(0), TWIN ? 4096 : 4096 - 64);
	dsb_sy(); /* at the PoC before the guest's load */
	require(life_read(ARENA + 4096 - 8) == 0x1212121212121212);
}
