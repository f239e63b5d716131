/* SPDX-License-Identifier: MIT */
/*
 * A boot loader has copied a module with its caches on; it is read with caches off before anybody has cleaned
 * it.
 */
#include "corpus/lib/corpus.h"

#define MODULE ARENA /* corpus.list: module */

SITE static uint64_t read_module(void)
{
	return load(MODULE);
}

void guest(void)
{
	if (TWIN) {
		dc_civac(MODULE);
		dsb_sy(); /* at the PoC before the load */
	}
	require(read_module() == UINT64_C(0x454c55444f4d2141)); /* "A!MODULE" */
}
