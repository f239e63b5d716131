/* SPDX-License-Identifier: MIT */
/* The vCPUs of a test guest: starting them through PSCI, and running functions there. */
#pragma once

#include "guest.h"
#include "guest_trap.h"

/* PSCI (Arm DEN 0022), 64-bit numbers where there are two. */
#define PSCI_VERSION            UINT64_C(0x84000000)
#define PSCI_CPU_SUSPEND        UINT64_C(0xc4000001)
#define PSCI_CPU_OFF            UINT64_C(0x84000002)
#define PSCI_CPU_ON             UINT64_C(0xc4000003)
#define PSCI_AFFINITY_INFO      UINT64_C(0xc4000004)
#define PSCI_MIGRATE_INFO_TYPE  UINT64_C(0x84000006)
#define PSCI_SYSTEM_OFF         UINT64_C(0x84000008)
#define PSCI_SYSTEM_RESET       UINT64_C(0x84000009)
#define PSCI_FEATURES           UINT64_C(0x8400000a)
#define PSCI_SYSTEM_SUSPEND     UINT64_C(0xc400000e)

#define PSCI_SUCCESS            0
#define PSCI_NOT_SUPPORTED      (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_DENIED             (-3)
#define PSCI_ALREADY_ON         (-4)
#define PSCI_INVALID_ADDRESS    (-9)

struct guest_cpu {
	uint64_t stack_top; /* first: guest_start.S */
	uint32_t with_mmu;
	unsigned int idx;
	void (*run)(uint64_t argument);
	uint64_t argument;
	uint32_t done; /* run() has returned */
	bool catching;
	struct guest_fault fault;
	/* How the vCPU was when it entered. */
	uint64_t entry_sctlr, entry_daif, entry_currentel, entry_mpidr;
};
extern struct guest_cpu guest_cpus[GUEST_MAX_CPUS];

/* By MPIDR_EL1, so that the thread registers are free for tests. */
struct guest_cpu *this_cpu(void);

/* PSCI functions return 32 bits: the sign is extended. */
int64_t psci(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);

/*
 * Start vCPU idx, which must be off, in function(argument) with the caller's MMU setting and interrupts
 * masked. When the function returns, the vCPU is turned off. False: CPU_ON was refused.
 */
bool smp_start(unsigned int idx, void (*function)(uint64_t), uint64_t argument);
/* Wait until the function has returned and AFFINITY_INFO says that the vCPU is off. */
bool smp_wait_off(unsigned int idx);
