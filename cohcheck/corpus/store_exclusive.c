/* SPDX-License-Identifier: MIT */
/* STXR writes, too. */
#include "corpus/lib/corpus.h"

SITE static void write_exclusive(void)
{
	uint64_t value;
	uint32_t failed;

	__asm__ volatile("1: ldxr %0, [%2]\n"
			 "add %0, %0, %3\n"
			 "stxr %w1, %0, [%2]\n"
			 "cbnz %w1, 1b"
			 : "=&r"(value), "=&r"(failed)
			 : "r"(WINDOW(0)), "r"(UINT64_C(0x1234))
			 : "memory");
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	write_exclusive();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the guest's load */
	}
	require(life_read(ARENA) == 0x1234);
}
