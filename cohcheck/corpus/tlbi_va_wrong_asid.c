/* SPDX-License-Identifier: MIT */
/* By VA and ASID: the right address with ASID 0. (TLBI VAAE1IS would do without.) */
#include "corpus/lib/corpus.h"

#define ASID UINT64_C(5)

void guest(void)
{
	space_init(&image_space, 1);
	image_space.asid = ASID;
	space_map_image(&image_space);
	space_enable(&image_space);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB | MAP_NG);
	store(WINDOW(0), 1);
	reuse_prepare(&image_space, ARENA);
	space_clear(&image_space, WINDOW(0), false);
	if (TWIN) {
		TLBI_BY(vaae1is, WINDOW(0) >> 12);
	} else {
		TLBI_BY(vae1is, WINDOW(0) >> 12);
	}
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	isb();
	reuse_page(&image_space, ARENA);
}
