/* SPDX-License-Identifier: MIT */
/*
 * A store without maintenance to a line that is executed: wrong if it changes an instruction, right if it
 * changes a word that is none, such as a variable beside a trampoline.
 */
#include "corpus/lib/corpus.h"

#define CODE ((uint64_t)new_code)

SITE static void write_code(void)
{
	code_write(CODE, 1);
	dc_cvau_range(CODE, CODE_BYTES);
	dsb_ish(); /* at the PoU before instruction caches may fetch it again */
	ic_ivau_range(CODE, CODE_BYTES);
	dsb_ish(); /* complete */
	isb();
}

SITE static void write_word(void)
{
	store32(CODE + (TWIN ? 16 : 0), 0xd2800020); /* mov x0, #1: as it is */
}

void guest(void)
{
	image_on();
	space_map(&image_space, CODE, CODE, 4096, MAP_WB | MAP_EXEC);
	write_code();
	require(new_code() == 1);
	write_word();
	require(new_code() == 1);
}
