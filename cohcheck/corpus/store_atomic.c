/* SPDX-License-Identifier: MIT */
/* LDADD writes, too. */
#include "corpus/lib/corpus.h"

SITE static void write_atomic(void)
{
	__asm__ volatile(".arch_extension lse\n"
			 "ldadd %0, xzr, [%1]"
			 :
			 : "r"(UINT64_C(0x1234)), "r"(WINDOW(0))
			 : "memory");
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	write_atomic();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the guest's load */
	}
	require(life_read(ARENA) == 0x1234);
}
