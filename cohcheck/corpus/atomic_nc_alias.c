/* SPDX-License-Identifier: MIT */
/* Compare and swap through a non-cacheable mapping. */
#include "corpus/lib/corpus.h"

SITE static void swap(void)
{
	__asm__ volatile(".arch_extension lse\n"
			 "casal %0, %1, [%2]"
			 :
			 : "r"(UINT64_C(0)), "r"(UINT64_C(7)), "r"(WINDOW(0))
			 : "memory");
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, TWIN ? MAP_WB : MAP_NC);
	swap();
	require(load(WINDOW(0)) == 7);
}
