/* SPDX-License-Identifier: MIT */
/* A guest that keeps all its vCPUs busy for ever, interrupts off: other domains on the same CPUs go on. */
#include "guest.h"
#include "guest_asm.h"
#include "guest_smp.h"

const char *const guest_topic = "spin";
const bool guest_mmu_off;

static void spin(uint64_t argument)
{
	for (;;) {
	}
}

static void spins(void)
{
	for (unsigned int i = 1; i < machine.nr_cpus; i++) {
		REQUIRE(smp_start(i, spin, 0));
	}
	print("INFO spinning\n");
	spin(0);
}

const struct guest_case guest_cases[] = {
	CASE(spins),
	CASE_END,
};
