/* SPDX-License-Identifier: MIT */
/* The guest is an AArch32 one at EL1, its caches off. */
#include "corpus/lib/corpus.h"

SITE static void builder_write(void)
{
	store(WINDOW(0), 0x1234);
}

extern const char aarch32_read[];
__asm__(".text\n"
	".balign 4\n"
	".type aarch32_read, %function\n"
	"aarch32_read:\n"
	".inst 0xe5900000\n" /* ldr r0, [r0] */
	".inst 0xe1400070\n" /* hvc #0 */
	".size aarch32_read, 8\n");

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	builder_write();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the guest's load */
	}
	require(corpus_call_el1_a32(aarch32_read, ARENA) == 0x1234);
}
