/* SPDX-License-Identifier: MIT */
/* The smallest guest: it has come up. Others run it beside them to see that the machine goes on. */
#include "guest.h"

const char *const guest_topic = "hello";
const bool guest_mmu_off;

static void boots(void)
{
	REQUIRE(machine.nr_cpus >= 1);
	REQUIRE(machine.ram_size >= 1 << 20);
}

const struct guest_case guest_cases[] = {
	CASE(boots),
	CASE_END,
};
