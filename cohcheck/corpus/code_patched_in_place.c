/* SPDX-License-Identifier: MIT */
/*
 * An instruction of running code is replaced without any maintenance. Allowed for a few (B, BL, BRK, HVC,
 * ISB, NOP, SMC, SVC: Arm ARM, "Concurrent modification and execution of instructions"), where old or new is
 * executed; not for MOV.
 */
#include "corpus/lib/corpus.h"

#define CODE ((uint64_t)new_code)
#define NOP  0xd503201f
#define B_8  0x14000002

SITE static void write_code(void)
{
	store32(CODE, NOP); /* or b .+8, over the next instruction */
	code_write(CODE + 4, 1);
	store32(CODE + 12, 0xd65f03c0); /* ret */
	dc_cvau_range(CODE, 16);
	dsb_ish(); /* at the PoU before instruction caches may fetch it again */
	ic_ivau_range(CODE, 16);
	dsb_ish(); /* complete */
	isb();
}

SITE static void patch(void)
{
	store32(CODE, TWIN ? B_8 : 0xd2800020); /* mov x0, #1 */
}

void guest(void)
{
	image_on();
	space_map(&image_space, CODE, CODE, 4096, MAP_WB | MAP_EXEC);
	write_code();
	require(new_code() == 1);
	patch();
	new_code(); /* may do either */
}
