/* SPDX-License-Identifier: MIT */
/*
 * The next process gets the tables of its own but the ASID of the one before, of which TLBs still hold
 * mappings.
 */
#include "corpus/lib/corpus.h"

static struct space next_space;

void guest(void)
{
	space_init(&image_space, 1);
	image_space.asid = 1;
	space_map_image(&image_space);
	space_enable(&image_space);
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB | MAP_NG);
	store(WINDOW(0), 1);
	space_init(&next_space, 1);
	next_space.asid = TWIN ? 2 : 1;
	space_map_image(&next_space);
	reuse_prepare(&next_space, ARENA);
	space_install(&next_space);
	isb(); /* the next process's tables are in use; no walk finds the first's any more */
	reuse_page(&next_space, ARENA);
}
