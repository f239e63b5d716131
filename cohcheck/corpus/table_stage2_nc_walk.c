/* SPDX-License-Identifier: MIT */
/* The same for VTCR_EL2 and the tables of a guest. */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

#define NEW_PAGE (ARENA + 4096)

SITE static void make_entry(void)
{
	*space_entry(&stage2, NEW_PAGE, false) = space_leaf(&stage2, NEW_PAGE, MAP_WB);
}

void guest(void)
{
	extern char corpus_data_start[], corpus_data_end[];

	image_on();
	stage2_on(0, MAP_WB);
	dc_cvac_range((uint64_t)corpus_data_start, (uint64_t)(corpus_data_end - corpus_data_start));
	dsb_sy(); /* all tables at the PoC, before walks that do not see the caches */
	sysreg_write(vtcr_el2, sysreg_read(vtcr_el2) & ~(UINT64_C(15) << 8)); /* IRGN0, ORGN0 */
	isb();
	TLBI_ALL(alle1);
	dsb_nsh();
	isb();
	make_entry();
	if (TWIN) {
		dc_cvac((uint64_t)space_entry(&stage2, NEW_PAGE, false));
	}
	dsb_sy(); /* at the PoC before the walk */
	require(stage2_guest_read(NEW_PAGE) == 0);
}
