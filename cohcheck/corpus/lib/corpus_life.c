/* SPDX-License-Identifier: MIT */
/* What happens to a page after its builder, or its first owner, has let it go. */
#include "corpus/lib/corpus.h"

#define REUSE_NC WINDOW(100)
#define REUSE_WB WINDOW(101)
#define VALUE    UINT64_C(0x11fe)

static struct space life_space;

SITE static uint64_t cold_read(uint64_t paddr, uint64_t b, uint64_t c)
{
	return load(paddr);
}

SITE static void cold_write(uint64_t paddr)
{
	store(paddr, VALUE);
}

SITE static uint64_t warm_read(uint64_t paddr)
{
	return load(paddr);
}

static uint64_t write_then_read(uint64_t paddr, uint64_t b, uint64_t c)
{
	cold_write(paddr);
	dsb_sy(); /* in memory, before the caches may fetch it */
	caches_on();
	return warm_read(paddr);
}

static uint64_t run(uint64_t code, uint64_t b, uint64_t c)
{
	return ((code_fn *)code)();
}

void life_prepare(void)
{
	uint64_t stack = (uint64_t)corpus_el1_stack_top - 8192;

	space_init(&life_space, 1);
	space_map_image(&life_space);
	space_map(&life_space, stack, stack, 8192, MAP_WB);
	space_map(&life_space, ARENA, ARENA, 8 * space_block(&life_space), MAP_WB | MAP_BLOCK);
	space_install(&life_space);
	isb();
}

uint64_t life_read(uint64_t paddr)
{
	return call_el1(cold_read, paddr, 0, 0);
}

void life_write_then_read(uint64_t paddr)
{
	require(call_el1(write_then_read, paddr, 0, 0) == VALUE);
}

uint64_t life_run(code_fn *code)
{
	return call_el1(run, (uint64_t)code, 0, 0);
}

SITE static void reuse_write(void)
{
	store(REUSE_NC, VALUE);
}

SITE static uint64_t reuse_read(void)
{
	return load(REUSE_WB);
}

void reuse_prepare(struct space *space, uint64_t paddr)
{
	space_map(space, REUSE_NC, paddr, 1, MAP_NC);
}

void reuse_page(struct space *space, uint64_t paddr)
{
	dc_civac(REUSE_NC);
	dsb_sy(); /* the line is in no cache, and stays so if no cacheable alias is left */
	reuse_write();
	dsb_sy(); /* in memory, before the caches may fetch it */
	space_unmap(space, REUSE_NC, false);
	space_map(space, REUSE_WB, paddr, 1, MAP_WB);
	require(reuse_read() == VALUE);
}
