/* SPDX-License-Identifier: MIT */
#include "corpus/lib/corpus_stage2.h"

#define RAM       UINT64_C(0x40000000)
#define RAM_BYTES (UINT64_C(32) << 20)
#define HCR_VM    BIT64(0)

struct space stage2;
static struct space guest_space;

static uint64_t turn_on(uint64_t a, uint64_t b, uint64_t c)
{
	caches_on();
	return 0;
}

SITE static uint64_t guest_read(uint64_t va, uint64_t b, uint64_t c)
{
	return load(va);
}

SITE static uint64_t guest_write(uint64_t va, uint64_t value, uint64_t c)
{
	store(va, value);
	dsb_sy();
	return 0;
}

void stage2_on(uint16_t vmid, unsigned int flags)
{
	uint64_t stack = (uint64_t)corpus_el1_stack_top - 8192;
	uint64_t block;

	space_init(&stage2, 1);
	stage2.stage2 = true;
	stage2.vmid = vmid;
	block = space_block(&stage2);
	space_map(&stage2, RAM, RAM, ARENA - RAM, MAP_WB | MAP_BLOCK | (flags & MAP_S2_FWB));
	space_map(&stage2, ARENA + block, ARENA + block, RAM + RAM_BYTES - ARENA - block,
		  MAP_WB | MAP_BLOCK | (flags & MAP_S2_FWB));
	space_map(&stage2, ARENA, ARENA, space_page(&stage2), flags);
	space_install(&stage2);

	space_init(&guest_space, 1);
	space_map_image(&guest_space);
	space_map(&guest_space, stack, stack, 8192, MAP_WB);
	space_map(&guest_space, ARENA, ARENA, space_block(&guest_space), MAP_WB);
	space_install(&guest_space);
	sysreg_write(hcr_el2, sysreg_read(hcr_el2) | HCR_VM);
	isb();
	TLBI_ALL(alle1);
	dsb_nsh(); /* no entry is left from before, on this CPU, which is the only one */
	isb();
}

void stage2_guest_caches_on(void)
{
	call_el1(turn_on, 0, 0, 0);
}

uint64_t stage2_guest_read(uint64_t va)
{
	return call_el1(guest_read, va, 0, 0);
}

void stage2_guest_write(uint64_t va, uint64_t value)
{
	call_el1(guest_write, va, value, 0);
}
