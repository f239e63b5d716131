/* SPDX-License-Identifier: MIT */
/* A VHE host builds a page for a guest whose caches are off. */
#include "corpus/lib/corpus.h"

SITE static void host_write(void)
{
	store(WINDOW(0), 0x1234);
}

void guest(void)
{
	vhe_on(0);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	host_write();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the guest's load */
	}
	sysreg_write(hcr_el2,
		     sysreg_read(hcr_el2) & ~BIT64(27)); /* TGE: EL1 exists; ERET makes it count */
	require(life_read(ARENA) == 0x1234);
}
