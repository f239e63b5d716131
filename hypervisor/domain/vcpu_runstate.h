/* SPDX-License-Identifier: MIT */
/*
 * The runstate area: how long a vCPU has run, waited and slept, kept up to date in the guest's
 * own memory (public/vcpu.h, VCPUOP_register_runstate_memory_area).
 */
#pragma once

#include "lib/compiler.h"
#include "lib/lock.h"
#include "mm/frame.h"

struct vcpu;

/* An area lies in one page or crosses into a second. */
struct runstate_area {
	mfn_t frame[2];
	char *page[2];   /* mapped while registered; NULL: there is none */
	uint32_t offset; /* in the first page */
};

struct vcpu_runstate {
	struct spinlock lock; /* area */
	bool registered;      /* hint for runstate_update(), read without the lock */
	struct runstate_area area;
};

void runstate_init(struct vcpu *v);
/* The vCPU never runs again. */
void runstate_fini(struct vcpu *v);
/* The guest's area is at gva of the calling (current) vCPU; 0 unregisters. No lock may be held. */
int __must_check runstate_register(struct vcpu *v, uint64_t gva);
/*
 * Write v's state and times to its area, if it has one. vcpu_switch() calls it for the vCPU that
 * leaves, its new state known, and for the one that comes, running. No lock of rank RUNSTATE or
 * inner is held.
 */
void runstate_update(struct vcpu *v);
