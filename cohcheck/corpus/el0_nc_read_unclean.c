/* SPDX-License-Identifier: MIT */
/* A kernel at EL1 writes a page that its process has mapped non-cacheable. */
#include "corpus/lib/corpus.h"

SITE static void kernel_write(void)
{
	store(WINDOW(0), 0x1234);
}

/* A page of its own. */
extern const char user_read[];
__asm__(".pushsection .text.user_read, \"ax\"\n"
	".balign 65536\n"
	".type user_read, %function\n"
	"user_read:\n"
	"ldr x0, [x0]\n"
	"svc #0\n"
	".size user_read, 8\n"
	".balign 65536\n"
	".popsection\n");

void guest(void)
{
	uint64_t code = (uint64_t)user_read;

	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC | MAP_USER);
	space_unmap(&image_space, code, false);
	space_map(&image_space, code, code, 4096, MAP_WB | MAP_RO | MAP_EXEC | MAP_USER);
	kernel_write();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before the process's load */
	}
	require(corpus_call_el0(user_read, WINDOW(1)) == 0x1234);
}
