/* SPDX-License-Identifier: MIT */
/* IC IALLU is for the own CPU; the other one needs IC IALLUIS, or one by VA, which all hear. */
#include "corpus/lib/corpus.h"

#define CODE ((uint64_t)new_code)

SITE static void write_code(unsigned int value)
{
	code_write(CODE, value);
	dc_cvau_range(CODE, CODE_BYTES);
	dsb_ish(); /* at the PoU before instruction caches may fetch it again */
	if (TWIN || value == 1) {
		ic_ialluis();
	} else {
		ic_iallu();
	}
	dsb_ish(); /* complete */
	isb();
}

static void other_cpu(void)
{
	require(new_code() == 1);
	step_reached(1);
	step_wait(2);
	isb(); /* nothing fetched before is executed */
	require(new_code() == 2);
}

static void other_cpu_cold(void)
{
	cpu_with_caches(other_cpu);
}

void guest(void)
{
	image_on();
	space_map(&image_space, CODE, CODE, 4096, MAP_WB | MAP_EXEC);
	write_code(1);
	cpu_start(1, other_cpu_cold);
	step_wait(1);
	write_code(2);
	step_reached(2);
	cpu_wait_off(1);
}
