/* SPDX-License-Identifier: MIT */
/*
 * With TCR_EL2.HA the CPU sets access flags itself, for speculation as well: a mapping without one is an
 * alias then.
 */
#include "corpus/lib/corpus.h"

#define ACCESS_FLAG BIT64(10)
#define TCR_HA      BIT64(21)

void guest(void)
{
	image_on();
	if (!TWIN) {
		sysreg_write(tcr_el2, sysreg_read(tcr_el2) | TCR_HA);
		isb();
		TLBI_ALL(alle2);
		dsb_nsh(); /* TCR's fields may be cached in TLBs */
		isb();
	}
	*space_entry(&image_space, WINDOW(0), false) =
		space_leaf(&image_space, ARENA, MAP_WB) & ~ACCESS_FLAG;
	dsb_ishst(); /* before walks */
	isb();
	reuse_prepare(&image_space, ARENA);
	reuse_page(&image_space, ARENA);
}
