/* SPDX-License-Identifier: MIT */
/* An unaligned store writes two lines; the first is cleaned. */
#include "corpus/lib/corpus.h"

SITE static void write_unaligned(void)
{
	store(WINDOW(0) + 60, 0x1122334455667788);
}

SITE static uint64_t cold_read_word(uint64_t paddr, uint64_t b, uint64_t c)
{
	return load32(paddr);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	write_unaligned();
	dc_cvac(WINDOW(0) + 60);
	if (TWIN) {
		dc_cvac(WINDOW(0) + 64);
	}
	dsb_sy(); /* at the PoC before the guest's loads */
	require(call_el1(cold_read_word, ARENA + 60, 0, 0) == 0x55667788);
	require(call_el1(cold_read_word, ARENA + 64, 0, 0) == 0x11223344);
}
