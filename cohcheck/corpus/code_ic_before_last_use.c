/* SPDX-License-Identifier: MIT */
/*
 * With the MMU off, only the page that executes and the next one are fetched from. So an invalidation after the last use of a page serves
 * for whatever is written there later; one before it does not.
 */
#include "corpus/lib/corpus.h"

#define CODE ((uint64_t)new_code)

SITE static void write_program(unsigned int value)
{
	code_write(CODE, value);
	dsb_sy(); /* in memory before it is fetched */
	isb();    /* nothing fetched before is executed */
}

SITE static void invalidate(void)
{
	ic_iallu();
	dsb_nsh(); /* complete on this CPU, the only one */
}

void guest(void)
{
	write_program(1);
	invalidate();
	isb(); /* nothing fetched before is executed */
	if (!TWIN) {
		invalidate();
	}
	require(new_code() == 1);
	if (TWIN) {
		invalidate();
	}
	write_program(2);
	require(new_code() == 2);
}
