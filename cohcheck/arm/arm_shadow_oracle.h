/* SPDX-License-Identifier: MIT */
/*
 * The run of the oracles, arm_shadow_oracle_test.c (one stage) and arm_shadow_oracle_stage2_test.c (two): random stores,
 * switches, TLBIs and barriers, and after each a question about each page. A page that a TLB of the oracle's may map must
 * be live; one that it does not may be, where the shadow keeps less than each entry's history, but seldom.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct shadow_oracle {
	uint32_t seed;
	unsigned int cpus, pages;
	void (*start)(void);
	void (*store)(uint32_t *seed);
	void (*change)(uint32_t *seed); /* of what a CPU has installed */
	void (*tlbi)(uint32_t *seed);
	void (*barrier)(unsigned int cpu);
	void (*fill)(void); /* TLBs take all that they can */
	bool (*live)(unsigned int page);
};
void shadow_oracle_run(const struct shadow_oracle *oracle);

uint32_t next_random(uint32_t *seed, uint32_t range);

/* An entry of a TLB is the time when memory could last give it; 0: not there. */
static inline void found(uint32_t *entry, uint32_t when)
{
	if (*entry < when) {
		*entry = when;
	}
}
