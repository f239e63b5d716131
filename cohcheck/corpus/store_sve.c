/* SPDX-License-Identifier: MIT */
/* A store of an SVE register, 256 bytes at the most; everything but the first line is left unclean. */
#include "corpus/lib/corpus.h"

SITE static void write_sve(void)
{
	__asm__ volatile(".arch_extension sve\n"
			 "ptrue p0.b\n"
			 "mov z0.b, #0x12\n"
			 "st1b {z0.b}, p0, [%0]"
			 :
			 : "r"(WINDOW(0))
			 : "memory");
}

void guest(void)
{
	image_on();
	sysreg_write(s3_4_c1_c2_0, 15); /* ZCR_EL2: vectors as long as there are, 256 bytes */
	isb();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	write_sve();
	dc_cvac_range(WINDOW(0), TWIN ? 256 : 64);
	dsb_sy(); /* at the PoC before the guest's load */
	require(life_read(ARENA + 192) == 0x1212121212121212);
}
