/* SPDX-License-Identifier: MIT */
/* CPU 0 leaves arguments for CPU 1, which reads them before its caches are on. */
#include "corpus/lib/corpus.h"

SITE static void write_mailbox(void)
{
	store(WINDOW(0), 0x1234);
}

SITE static void secondary_read(void)
{
	require(load(ARENA) == 0x1234);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	write_mailbox();
	if (TWIN) {
		dc_cvac(WINDOW(0));
		dsb_sy(); /* at the PoC before CPU 1 starts */
	}
	cpu_start(1, secondary_read);
	cpu_wait_off(1);
}
