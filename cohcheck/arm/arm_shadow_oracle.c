/* SPDX-License-Identifier: MIT */
#include "arm/arm_shadow_oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "arm/arm_shadow_fake.h"

enum {
	ROUNDS = 400,
	STEPS = 400
};

uint32_t next_random(uint32_t *seed, uint32_t range)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % range;
}

static void step(const struct shadow_oracle *oracle, uint32_t *seed)
{
	switch (next_random(seed, 8)) {
	case 0:
	case 1:
	case 2:
		oracle->store(seed);
		break;
	case 3:
		oracle->change(seed);
		break;
	case 4:
	case 5:
		oracle->tlbi(seed);
		break;
	default:
		oracle->barrier(next_random(seed, oracle->cpus));
		break;
	}
	oracle->fill();
}

/* Returns how many questions had an answer that was too careful. */
static unsigned int compare(const struct shadow_oracle *oracle, uint32_t round, unsigned int n)
{
	unsigned int careful = 0;

	for (unsigned int page = 0; page < oracle->pages; page++) {
		bool must = oracle->live(page), is = live(DATA + 4096 * page);

		if (must && !is) {
			fail_msg("round %u, step %u: page %u is live", round, n, page);
		}
		careful += is && !must;
	}
	return careful;
}

void shadow_oracle_run(const struct shadow_oracle *oracle)
{
	unsigned int careful = 0, questions = ROUNDS * STEPS * oracle->pages;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t seed = round * 7919 + oracle->seed;

		oracle->start();
		for (unsigned int n = 0; n < STEPS; n++) {
			step(oracle, &seed);
			careful += compare(oracle, round, n);
		}
	}
	print_message("%u of %u answers were too careful\n", careful, questions);
	assert_true(careful < questions / 10);
}
