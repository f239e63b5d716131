/* SPDX-License-Identifier: MIT */
/*
 * "while (va < start + size)" at the end of the address space: the sum is 0 and nothing is cleaned. (What
 * XSA-437 was about: arithmetic in a helper of cache maintenance.) EL1, upper VA range, its last page.
 */
#include "corpus/lib/corpus.h"

#define LAST_PAGE UINT64_C(0xfffffffffffff000)
#define ALIAS     WINDOW(0)

static struct space upper;

SITE static void write_last_page(void)
{
	store(LAST_PAGE, 0x1234);
}

SITE static uint64_t read_alias(void)
{
	return load(ALIAS);
}

SITE static void clean_helper(uint64_t start, uint64_t size)
{
	uint64_t line = dc_line_bytes();

	if (TWIN) {
		for (uint64_t offset = 0; offset < size; offset += line) {
			dc_cvac(start + offset);
		}
	} else {
		for (uint64_t va = start; va < start + size; va += line) {
			dc_cvac(va);
		}
	}
	dsb_sy(); /* at the PoC before non-cacheable loads */
}

void guest(void)
{
	image_on();
	space_init(&upper, 1);
	upper.upper = true;
	space_map(&upper, LAST_PAGE, ARENA, 4096, MAP_WB);
	space_map(&image_space, ALIAS, ARENA, 4096, MAP_NC);
	space_install(&upper);
	isb(); /* TTBR1 and TCR, before they are used; the upper range was disabled, so no TLB has any of it */
	write_last_page();
	clean_helper(LAST_PAGE, 4096);
	require(read_alias() == 0x1234);
}
