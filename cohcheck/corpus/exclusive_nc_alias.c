/* SPDX-License-Identifier: MIT */
/* The same through a non-cacheable mapping with the MMU on. */
#include "corpus/lib/corpus.h"

SITE static void take_lock(void)
{
	uint32_t value, failed;

	__asm__ volatile("1: ldaxr %w0, [%2]\n"
			 "add %w0, %w0, #1\n"
			 "stxr %w1, %w0, [%2]\n"
			 "cbnz %w1, 1b"
			 : "=&r"(value), "=&r"(failed)
			 : "r"(WINDOW(0))
			 : "memory");
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, TWIN ? MAP_WB : MAP_NC);
	take_lock();
	require(load32(WINDOW(0)) == 1);
}
