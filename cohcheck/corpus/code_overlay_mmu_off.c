/* SPDX-License-Identifier: MIT */
/*
 * A loader that runs with MMU and caches off copies a second program over the first: NC fetches may be
 * cached, too.
 */
#include "corpus/lib/corpus.h"

#define CODE ((uint64_t)new_code)

SITE static void copy_program(unsigned int value)
{
	code_write(CODE, value);
	dsb_sy(); /* in memory before it is fetched */
	if (TWIN || value == 1) {
		ic_iallu();
		dsb_nsh(); /* complete on this CPU, the only one */
	}
	isb(); /* nothing fetched before is executed */
}

void guest(void)
{
	copy_program(1);
	require(new_code() == 1);
	copy_program(2);
	require(new_code() == 2);
}
