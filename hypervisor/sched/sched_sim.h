/* SPDX-License-Identifier: MIT */
/*
 * A machine for the scheduler's unit tests: the product sources of sched/ on simulated CPUs, in
 * simulated time.
 *
 * Each CPU is a coroutine that runs the exit path: sched_run() while it is asked for, then "the
 * guest". Time passes only when no CPU has anything to do in EL2. The fakes of other folders that
 * the scheduler calls without a lock (vcpu_switch(), vgic_has_pending() ...) are points where
 * another CPU may go on instead, chosen by a seeded generator: that is where the races of waking,
 * blocking, stealing and pausing are.
 *
 * Whenever all CPUs are in a guest or asleep, the machine checks what must always hold: see
 * check().
 */
#pragma once

#include "domain/domain.h"
#include "sched/sched.h"

#define SIM_MAX_VCPUS 32
#define SIM_MS        UINT64_C(1000000)

struct sim_vcpu {
	struct vcpu vcpu;
	/* Workload: run_ns in the guest, then WFI until an interrupt sleep_ns later. run_ns 0:
	 * for ever. */
	uint64_t run_ns, sleep_ns;
	uint64_t left_ns;    /* until the WFI */
	uint64_t served_ns;  /* time in the guest so far */
	uint64_t entered_ns; /* when it last began to run */
	uint64_t longest_wait_ns;
	uint64_t ready_since_ns;
	bool was_ready;
	bool interrupt;         /* pending for it */
	bool yields;            /* SCHEDOP_yield instead of WFI after run_ns */
	unsigned int loaded_on; /* CPU + 1 */
	unsigned int nr_switches;
};

void sim_start(unsigned int nr, uint32_t seed, bool interleave);
void sim_stop(void);
/* A vCPU of a domain of its own (domain < 0) or of an earlier one; offline. */
struct sim_vcpu *sim_vcpu(uint64_t run_ns, uint64_t sleep_ns);
uint64_t sim_now(void);
/* Advance to that time. */
void sim_run_until(uint64_t time_ns);
/* At that time, as an interrupt on that CPU: call action(v). */
void sim_at(uint64_t time_ns, unsigned int cpu, void (*action)(struct sim_vcpu *v),
	    struct sim_vcpu *v);
/* An interrupt for v: as a device or timer would raise it. */
void sim_interrupt(struct sim_vcpu *v);
uint32_t sim_random(uint32_t below);
unsigned int sim_nr_vcpus(void);
struct sim_vcpu *sim_get_vcpu(unsigned int n);
bool sim_is_idle(unsigned int cpu);
/* SGIs and timer interrupts so far, of all CPUs. */
unsigned int sim_nr_kicks(void);
unsigned int sim_nr_timers(void);
/* How often a timer was set. */
unsigned int sim_nr_timers_set(void);
unsigned int sim_nr_stopped_checks(void);
