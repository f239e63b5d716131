/* SPDX-License-Identifier: MIT */
/* CPU 0 copies the code with which CPU 1 is to start. */
#include "corpus/lib/corpus.h"

SITE static void copy_trampoline(void)
{
	code_write(WINDOW(0), 42);
}

static void secondary(void)
{
	require(new_code() == 42);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), (uint64_t)new_code, 4096, MAP_WB);
	copy_trampoline();
	if (TWIN) {
		dc_cvac_range(WINDOW(0), CODE_BYTES);
	}
	dsb_sy(); /* at the PoC before it can be fetched */
	ic_ialluis();
	dsb_sy(); /* complete before CPU 1 starts */
	cpu_start(1, secondary);
	cpu_wait_off(1);
}
