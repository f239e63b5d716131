/* SPDX-License-Identifier: MIT */
/*
 * Exceptions of a test guest: faults that a case expects are recorded and stepped over, interrupts go to
 * handlers, and everything else ends the guest with a FAIL line and the registers.
 */
#pragma once

#include "arm64/esr.h"
#include "lib/compiler.h"

/* As guest_start.S stores it. */
struct guest_frame {
	uint64_t x[31];
	uint64_t elr, spsr, esr, far;
	uint64_t reserved; /* for guest_sync_hook: the vector, 0 EL1t, 4 EL1h, 8 EL0 */
};

struct guest_fault {
	bool taken;
	uint64_t esr, far, elr;
};

/*
 * Evaluate a statement that may fault: each faulting instruction is skipped (a jump to a bad address
 * returns to its caller). Interrupts are not affected.
 */
#define CATCH(statement)        \
	({                      \
		fault_catch();  \
		statement;      \
		fault_caught(); \
	})
void fault_catch(void);
struct guest_fault fault_caught(void);

/* The same for accesses of one size. The value comes back through *value. */
struct guest_fault fault_read(unsigned int size, uint64_t address, uint64_t *value);
struct guest_fault fault_write(unsigned int size, uint64_t address, uint64_t value);
struct guest_fault fault_jump(uint64_t address);

/* Asked first about each synchronous exception: true when it has dealt with it, the frame changed as needed. */
extern bool (*guest_sync_hook)(struct guest_frame *frame);

/* What a fault is. */
static inline bool fault_is_undefined(struct guest_fault fault)
{
	return fault.taken && ESR_EC(fault.esr) == ESR_EC_UNKNOWN;
}
