/* SPDX-License-Identifier: MIT */
/*
 * A guest makes its translation tables with caches off, in a page of which the builder has kept a cacheable
 * mapping: its walks, cacheable, may hit what the builder's alias fetched.
 */
#include "corpus/lib/corpus.h"

#define TABLE_PAGE (ARENA + 0x200000)

static struct space guest_tables;

/*
 * Copies its level-1 table, of which the first entries are used, to where the builder was, and lets TTBR0
 * point there.
 */
static uint64_t cold_tables(uint64_t from, uint64_t to, uint64_t b)
{
	for (unsigned int i = 0; i < 512; i++) {
		store(to + 8 * i, load(from + 8 * i));
	}
	dsb_sy(); /* in memory before walks */
	sysreg_write(ttbr0_el1, to);
	isb();
	caches_on();
	return 0;
}

void guest(void)
{
	uint64_t stack = (uint64_t)corpus_el1_stack_top - 8192;

	image_on();
	space_init(&guest_tables, 1);
	space_map_image(&guest_tables);
	space_map(&guest_tables, stack, stack, 8192, MAP_WB);
	space_install(&guest_tables);
	isb();
	dc_cvac_range((uint64_t)guest_tables.root, 4096);
	dsb_sy(); /* at the PoC before the guest reads it with caches off */
	space_map(&image_space, WINDOW(0), TABLE_PAGE, 4096, MAP_WB);
	for (unsigned int i = 0; i < 4096; i += 8) {
		store(WINDOW(0) + i, 0);
	}
	space_map(&image_space, WINDOW(1), TABLE_PAGE, 4096, MAP_NC);
	if (TWIN) {
		space_unmap(&image_space, WINDOW(0), false);
	}
	dc_civac_range(WINDOW(1), 4096);
	dsb_sy(); /* complete; in the twin no cacheable alias is left */
	call_el1(cold_tables, (uint64_t)guest_tables.root, TABLE_PAGE, 0);
}
