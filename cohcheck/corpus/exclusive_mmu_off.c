/* SPDX-License-Identifier: MIT */
/* A lock taken before the MMU is on: exclusives to Device memory need not work. */
#include "corpus/lib/corpus.h"

SITE static void take_lock(void)
{
	uint32_t value, failed;

	__asm__ volatile("1: ldaxr %w0, [%2]\n"
			 "add %w0, %w0, #1\n"
			 "stxr %w1, %w0, [%2]\n"
			 "cbnz %w1, 1b"
			 : "=&r"(value), "=&r"(failed)
			 : "r"(ARENA)
			 : "memory");
}

void guest(void)
{
	dc_civac(ARENA);
	dsb_sy(); /* nothing is left of whoever ran before */
	if (!TWIN) {
		take_lock();
	}
	image_on();
	space_map(&image_space, ARENA, ARENA, 4096, MAP_WB);
	if (TWIN) {
		take_lock();
	}
	require(load32(ARENA) == 1);
}
