/* SPDX-License-Identifier: MIT */
/*
 * The host has cleared HCR_EL2.TGE to run a guest: meanwhile TLBI VAE1IS is for the guest's regime, not for
 * its own.
 */
#include "corpus/lib/corpus.h"

#define HCR_TGE BIT64(27)

static void set_tge(bool on)
{
	uint64_t hcr = sysreg_read(hcr_el2) & ~HCR_TGE;

	sysreg_write(hcr_el2, on ? hcr | HCR_TGE : hcr);
	isb(); /* counts for the TLBI that follows */
}

void guest(void)
{
	vhe_on(0);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	store(WINDOW(0), 1);
	reuse_prepare(&image_space, ARENA);
	space_clear(&image_space, WINDOW(0), false);
	set_tge(TWIN);
	TLBI_BY(vae1is, WINDOW(0) >> 12);
	dsb_ish(); /* no CPU has the alias any more, before the page is invalidated */
	set_tge(true);
	reuse_page(&image_space, ARENA);
}
