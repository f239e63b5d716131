/* SPDX-License-Identifier: MIT */
/*
 * The hostile guest: whatever a guest can do to its hypervisor, drawn at random, on two vCPUs.
 *
 *     hostile.c        which kind of attack comes next, and what must be in order to go on
 *     hostile_traps.c  instructions that trap: system registers, HVC, SMC, WFI, cache and TLB maintenance; devices
 *
 * Hypercalls are those of the differential guest (differential.h), and nonsense.
 */
#pragma once

#include "guest.h"

/* A vCPU's own stream of numbers. */
struct hostile_random {
	uint64_t state;
};
uint64_t hostile_draw(struct hostile_random *r);
static inline uint32_t hostile_below(struct hostile_random *r, uint32_t limit)
{
	return (uint32_t)((hostile_draw(r) >> 32) * limit >> 32);
}

/* Memory that anything may happen to: one page for each vCPU. */
uint8_t *hostile_scratch(void);

/* Before what may put this vCPU to sleep, and after: an interrupt comes soon, whatever state the controller was left in. */
void hostile_expect_interrupt(void);
void hostile_forget_interrupt(void);
extern bool hostile_waits[GUEST_MAX_CPUS];

void hostile_random_register(struct hostile_random *r);
void hostile_random_call(struct hostile_random *r);
void hostile_random_device(struct hostile_random *r);
void hostile_random_memory(struct hostile_random *r);
void hostile_random_interrupt(struct hostile_random *r);
void hostile_random_wait(struct hostile_random *r);
