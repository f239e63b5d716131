/* SPDX-License-Identifier: MIT */
/*
 * Everything was right; then the builder maps the page once more for a look, while the guest's caches are
 * off.
 */
#include "corpus/lib/corpus.h"

SITE static uint64_t cold_write_again(uint64_t paddr, uint64_t b, uint64_t c)
{
	store(paddr, 0x77);
	dsb_sy(); /* in memory */
	return 0;
}

SITE static uint64_t read_with_caches(uint64_t paddr, uint64_t b, uint64_t c)
{
	caches_on();
	return load(paddr);
}

void guest(void)
{
	image_on();
	life_prepare();
	space_map(&image_space, WINDOW(0), ARENA, 4096, TWIN ? MAP_NC : MAP_WB);
	dc_civac(WINDOW(0));
	dsb_sy(); /* nothing is left of whoever ran before */
	require(load(WINDOW(0)) == 0);
	call_el1(cold_write_again, ARENA, 0, 0);
	space_unmap(&image_space, WINDOW(0), false);
	require(call_el1(read_with_caches, ARENA, 0, 0) == 0x77);
}
