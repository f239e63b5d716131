/* SPDX-License-Identifier: MIT */
/* Nothing waits for the IC. ISB drops what the CPU has fetched, but completes no maintenance. */
#include "corpus/lib/corpus.h"

#define CODE ((uint64_t)new_code)

SITE static void write_code(unsigned int value)
{
	code_write(CODE, value);
	dc_cvau_range(CODE, CODE_BYTES);
	dsb_ish(); /* at the PoU before instruction caches may fetch it again */
	ic_ivau_range(CODE, CODE_BYTES);
	if (TWIN || value == 1) {
		dsb_ish(); /* complete */
	}
	isb(); /* nothing fetched before is executed */
}

void guest(void)
{
	image_on();
	space_map(&image_space, CODE, CODE, 4096, MAP_WB | MAP_EXEC);
	write_code(1);
	require(new_code() == 1);
	write_code(2);
	require(new_code() == 2);
}
