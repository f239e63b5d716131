/* SPDX-License-Identifier: MIT */
/*
 * EL2 with HCR_EL2.E2H and TGE: its regime has ASIDs, and TLBI ASIDE1IS is for it. Here with the wrong one.
 */
#include "corpus/lib/corpus.h"

#define ASID UINT64_C(9)

void guest(void)
{
	vhe_on(ASID);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB | MAP_NG);
	store(WINDOW(0), 1);
	reuse_prepare(&image_space, ARENA);
	space_clear(&image_space, WINDOW(0), false);
	TLBI_BY(aside1is, (TWIN ? ASID : ASID - 1) << 48);
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	isb();
	reuse_page(&image_space, ARENA);
}
