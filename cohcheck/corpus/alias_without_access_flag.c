/* SPDX-License-Identifier: MIT */
/*
 * A mapping that is kept with its access flag clear cannot be used, not even speculatively; with the flag set
 * it can.
 */
#include "corpus/lib/corpus.h"

#define ACCESS_FLAG BIT64(10)

void guest(void)
{
	uint64_t leaf;

	image_on();
	leaf = space_leaf(&image_space, ARENA, MAP_WB);
	*space_entry(&image_space, WINDOW(0), false) = TWIN ? leaf & ~ACCESS_FLAG : leaf;
	dsb_ishst(); /* before walks */
	isb();
	reuse_prepare(&image_space, ARENA);
	reuse_page(&image_space, ARENA);
}
