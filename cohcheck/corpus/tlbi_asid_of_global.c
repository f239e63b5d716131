/* SPDX-License-Identifier: MIT */
/* A mapping that is global belongs to no ASID, so TLBI by ASID leaves it alone. */
#include "corpus/lib/corpus.h"

#define ASID UINT64_C(5)

void guest(void)
{
	space_init(&image_space, 1);
	image_space.asid = ASID;
	space_map_image(&image_space);
	space_enable(&image_space);
	space_map(&image_space, WINDOW(0), ARENA, 4096, TWIN ? MAP_WB | MAP_NG : MAP_WB);
	store(WINDOW(0), 1);
	reuse_prepare(&image_space, ARENA);
	space_clear(&image_space, WINDOW(0), false);
	TLBI_BY(aside1is, ASID << 48);
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	isb();
	reuse_page(&image_space, ARENA);
}
