/* SPDX-License-Identifier: MIT */
/* tlbi_missing at EL3. */
#include "corpus/lib/corpus.h"

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	reuse_prepare(&image_space, ARENA);
	space_clear(&image_space, WINDOW(0), false);
	if (TWIN) {
		TLBI_BY(vae3is, WINDOW(0) >> 12);
	} else {
		TLBI_BY(vae2is, WINDOW(0) >> 12); /* of another exception level */
	}
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	isb();
	reuse_page(&image_space, ARENA);
}
