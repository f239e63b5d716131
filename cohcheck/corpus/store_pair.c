/* SPDX-License-Identifier: MIT */
/* STP of two registers, the first and only stores to the line. */
#include "corpus/lib/corpus.h"

SITE static void write_pair(void)
{
	__asm__ volatile("stp %0, %1, [%2]"
			 :
			 : "r"(UINT64_C(1)), "r"(UINT64_C(0x1234)), "r"(WINDOW(0))
			 : "memory");
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	write_pair();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the guest's load */
	}
	require(life_read(ARENA + 8) == 0x1234);
}
