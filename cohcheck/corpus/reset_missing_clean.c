/* SPDX-License-Identifier: MIT */
/*
 * The machine is reset while a page is dirty, mapped write-back, and in a TLB. What runs next begins with empty caches and no
 * mappings: nothing of that is its concern (unless the reset leaves caches alone: --entry=adversarial; so it invalidates). Its
 * own mistakes are.
 */
#include "corpus/lib/corpus.h"

#define RUNS ARENA /* how many there have been; never cached */
#define PAGE (ARENA + 4096)

SITE static void write_cached(uint64_t value)
{
	store(PAGE, value);
}

SITE static void write_mmu_off(uint64_t value)
{
	store(PAGE, value);
	dsb_sy(); /* in memory */
	dc_ivac(PAGE);
	dsb_sy(); /* no copy is left, and there is no mapping to fetch one through */
}

SITE static uint64_t read_cached(void)
{
	return load(PAGE);
}

void guest(void)
{
	uint64_t run = load(RUNS);

	store(RUNS, run + 1);
	require(run < 2);
	if (run == 1) {
		write_mmu_off(0x5678);
	}
	image_on();
	space_map(&image_space, PAGE, PAGE, 4096, MAP_WB);
	if (run == 0) {
		write_cached(0x1234);
		machine_reset();
	}
	require(read_cached() == 0x5678);
	write_cached(0x9abc);
	if (TWIN) {
		dc_cvac(PAGE);
		dsb_sy(); /* at the PoC before the load with caches off */
	}
	require(corpus_load_mmu_off(PAGE, sctlr_off(), sctlr_on()) == 0x9abc);
}
