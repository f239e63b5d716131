/* SPDX-License-Identifier: MIT */
/*
 * CPU 1 cleans, and is off before a DSB: PSCI promises that its own caches are cleaned, but not that this one
 * DC is done.
 */
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
	dc_cvac(WINDOW(0));
	if (TWIN) {
		dsb_sy(); /* at the PoC before CPU 0 can see that this CPU is off */
	}
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
	step_reached(1);
	cpu_wait_off(1);
	require(read_uncached() == 0x1234);
}
