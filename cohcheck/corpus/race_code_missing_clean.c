/* SPDX-License-Identifier: MIT */
/* The builder copies code; the guest fetches it with caches off. */
#include "corpus/lib/corpus.h"

SITE static void builder_write(void)
{
	code_write(WINDOW(0), 42);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), (uint64_t)new_code, 4096, MAP_WB);
	builder_write();
	if (TWIN) {
		dc_cvac_range(WINDOW(0), CODE_BYTES);
	}
	dsb_sy(); /* at the PoC, before instruction caches are invalidated and may fetch it */
	ic_ialluis();
	dsb_ish(); /* complete before the guest's fetches, for which ERET is the context synchronization */
	require(life_run(new_code) == 42);
}
