/* SPDX-License-Identifier: MIT */
/*
 * At EL1 of a machine without EL2 DC IVAC throws a dirty line away. Under a stage 2 it cleans as well (Arm
 * ARM, DC IVAC: "performs the same invalidation as DC CIVAC" where HCR_EL2.VM or .DC is 1), so the same guest
 * is right there.
 */
#include "corpus/lib/corpus.h"
#include "corpus/lib/corpus_stage2.h"

SITE static void write_cached(void)
{
	store(ARENA, 0x1234);
}

SITE static void invalidate(void)
{
	if (TWIN) {
		dc_civac(ARENA);
	} else {
		dc_ivac(ARENA);
	}
	dsb_sy(); /* complete before the load */
}

SITE static uint64_t read_cached(void)
{
	return load(ARENA);
}

static uint64_t at_el1(uint64_t a, uint64_t b, uint64_t c)
{
	if ((sysreg_read(sctlr_el1) & 1) == 0) {
		caches_on();
	}
	write_cached();
	invalidate();
	return read_cached();
}

void guest(void)
{
	if (current_el() == 2) {
		image_on();
		stage2_on(0, MAP_WB);
		require(call_el1(at_el1, 0, 0, 0) == 0x1234);
	} else {
		image_on();
		space_map(&image_space, ARENA, ARENA, 4096, MAP_WB);
		require(at_el1(0, 0, 0) == 0x1234);
	}
}
