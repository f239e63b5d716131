/* SPDX-License-Identifier: MIT */
/* CPU 0 issues the clean, CPU 1 the DSB: it waits for what CPU 1 has issued, which is nothing. */
#include "corpus/lib/corpus.h"

SITE static void write_mailbox(void)
{
	store(WINDOW(0), 0x1234);
}

SITE static uint64_t read_uncached(void)
{
	return load(WINDOW(1));
}

static void other_cpu(void)
{
	step_wait(1);
	dsb_sy();
	require(read_uncached() == 0x1234);
}

static void other_cpu_cold(void)
{
	cpu_with_caches(other_cpu);
}

void guest(void)
{
	image_on();
	space_map(&image_space, WINDOW(0), ARENA, 4096, MAP_WB);
	space_map(&image_space, WINDOW(1), ARENA, 4096, MAP_NC);
	cpu_start(1, other_cpu_cold);
	write_mailbox();
	dc_cvac(WINDOW(0));
	if (TWIN) {
		dsb_sy(); /* at the PoC before CPU 1 is told */
	}
	step_reached(1);
	cpu_wait_off(1);
}
