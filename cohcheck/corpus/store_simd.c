/* SPDX-License-Identifier: MIT */
/* A store of two SIMD registers, 32 bytes, of which the upper half is what the guest reads. */
#include "corpus/lib/corpus.h"

SITE static void write_simd(void)
{
	__asm__ volatile(".arch_extension simd\n"
			 "movi v0.16b, #0x12\n"
			 "movi v1.16b, #0x34\n"
			 "stp q0, q1, [%0]"
			 :
			 : "r"(WINDOW(0))
			 : "memory");
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	write_simd();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the guest's load */
	}
	require(life_read(ARENA + 24) == 0x3434343434343434);
}
