/* SPDX-License-Identifier: MIT */
/* All FP and SIMD registers at once (guest_call.S). */
#pragma once

#include <stdint.h>

/* V0 to V31. */
struct fp_block {
	uint64_t words[64];
} __attribute__((aligned(16)));

void guest_fp_load(const struct fp_block *block);
void guest_fp_store(struct fp_block *block);
