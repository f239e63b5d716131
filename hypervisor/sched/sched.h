/* SPDX-License-Identifier: MIT */
/*
 * The vCPU scheduler: Start-time Fair Queueing (Goyal, Guo, Vin, 1996) on one run queue a CPU, with
 * weights, hard affinity, placement on idle CPUs at wake-up and stealing by CPUs that would go
 * idle.
 *
 * On one CPU, two vCPUs that both want to run over an interval get time in proportion to their
 * weights, up to one slice of each (the bound of the paper). A CPU does not stay idle while another
 * one has a waiting vCPU that may run here. Beyond that, CPUs are balanced by moving a waiting vCPU
 * at the end of a slice when that lowers the larger of two loads; there is no fairness by rotation
 * between CPUs.
 *
 * Nothing sleeps at EL2: "switch" means that another vCPU's state is loaded before the next ERET.
 */
#pragma once

#include "arm64/cpu_work.h"
#include "arm64/percpu.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "time/time.h"

struct vcpu;

DECLARE_PER_CPU(struct vcpu *, current_vcpu); /* NULL while idle */
#define current_vcpu()       (this_cpu(current_vcpu))

#define SCHED_WEIGHT_DEFAULT 256
#define SCHED_WEIGHT_MAX     65535
#define SCHED_SLICE_NS       UINT64_C(10000000) /* 10 ms */

enum sched_state {
	SCHED_OFFLINE,  /* not started, PSCI CPU_OFF, or its domain stopped */
	SCHED_BLOCKED,  /* waits for an interrupt or a wake-up */
	SCHED_RUNNABLE, /* on a run queue */
	SCHED_RUNNING
};

struct cpu_mask {
	uint64_t bits[MAX_CPUS / 64];
};

static inline bool cpu_mask_test(const struct cpu_mask *mask, unsigned int cpu)
{
	return (mask->bits[cpu / 64] & BIT64(cpu % 64)) != 0;
}

static inline void cpu_mask_set(struct cpu_mask *mask, unsigned int cpu)
{
	mask->bits[cpu / 64] |= BIT64(cpu % 64);
}

/* Guarded by the lock of the run queue of .cpu; .cpu itself changes under both queues' locks. */
struct sched_vcpu {
	struct list link;       /* run queue */
	enum sched_state state; /* RUNNABLE but not linked: paused, or changing queues */
	uint16_t cpu;           /* where it runs, is queued, or ran last */
	uint16_t weight;
	uint32_t pause_count;  /* > 0: not to run, whatever state says */
	bool wake_pending;     /* woken while about to block */
	bool blocking;         /* RUNNING, and to be BLOCKED as it leaves its CPU; that CPU's own */
	bool on_cpu;           /* its registers are in .cpu: chosen, and not yet saved */
	bool starting;         /* sched_claim_start() has a winner, sched_start() is to come */
	uint64_t start_tag;    /* SFQ virtual start time, of the moment run_since_ns */
	uint64_t run_since_ns; /* charged up to here; when not running: since when it does not */
	uint64_t cpu_time_ns;  /* sched_cpu_time_ns() adds the present run */
	uint64_t state_since_ns;
	uint64_t state_time_ns[4];
	struct cpu_mask affinity;
	struct cpu_mask unpinned_affinity; /* while pinned; only the vCPU itself looks at these two */
	bool pinned;
};

/* Every CPU, once its interrupt controller and timer work. Takes INTID_SGI_KICK. */
void sched_init_cpu(void);
void sched_vcpu_init(struct vcpu *v); /* offline, default weight, may run anywhere */

/*
 * Take an offline vCPU for starting: true for one caller only, who then sets the entry point
 * (vcpu_set_entry()) and calls sched_start(). False while it is on, being started, or not yet off
 * its CPU.
 */
bool __must_check sched_claim_start(struct vcpu *v);
/* Would sched_claim_start() say false? For PSCI AFFINITY_INFO. */
bool sched_is_online(struct vcpu *v);
/* Offline to runnable (first start, PSCI CPU_ON). */
void sched_start(struct vcpu *v);
/* Blocked to runnable; a running vCPU is told to look again (kick). Any context. */
void sched_wake(struct vcpu *v);
/*
 * The same for one of many, after the first SCHED_WAKES_AT_ONCE of them: before this CPU enters a guest again or sleeps, with
 * interrupts served in between (S3). The reason is visible, and the caller has a reference to the domain.
 */
#define SCHED_WAKES_AT_ONCE 2
void sched_wake_soon(struct vcpu *v);
/*
 * The current vCPU stops running until woken; no effect if a wake-up or interrupt is already there.
 * Interrupts and the event upcall flag are looked at by sched_block(). For any other condition:
 *
 *	sched_block_prepare(v);         // forgets older wake-ups
 *	if (!condition) {
 *		sched_block(v);         // a sched_wake() since the line above makes it return at once
 *	}
 *
 * Without the first line an older wake-up may cut the wait short, nothing worse.
 */
void sched_block_prepare(struct vcpu *v);
void sched_block(struct vcpu *v);
/* For WFI: only interrupts and the event upcall flag count, so older wake-ups are nothing to it. */
void sched_wait_for_interrupt(struct vcpu *v);
/* As sched_block(), but interrupts that have been there since before sched_block_prepare() do not count: for who has
 * them masked. */
void sched_wait_for_wake_up(struct vcpu *v);
#ifdef TENON_HOST
#define sched_yield sched_yield_vcpu /* the host's C library has a function of this name */
#endif
/* The current vCPU lets whoever waits on this CPU run first. */
void sched_yield(struct vcpu *v);
/* The current vCPU leaves for good (CPU_OFF); sched_start() brings it back. */
void sched_stop(struct vcpu *v);

/*
 * Counted. Pause takes effect at once for v == current (at return to guest), else when the target
 * CPU has taken its kick; sched_is_running() tells. Once it is false after a pause, v's registers
 * are in *v. domain_check_stopped() is called as a paused or stopped vCPU leaves its CPU, but not
 * here for one that does not run: whoever pauses to stop a domain looks once more itself
 * afterwards.
 */
void sched_pause(struct vcpu *v);
void sched_unpause(struct vcpu *v);
bool sched_is_running(const struct vcpu *v);
/* Time in the guest so far, the present run included. */
uint64_t sched_cpu_time_ns(struct vcpu *v);

/* -XEN_EINVAL: no online CPU in it. Takes effect at once, or as the vCPU next enters EL2. */
int __must_check sched_set_affinity(struct vcpu *v, const struct cpu_mask *affinity);
/* The current vCPU runs on this CPU alone until sched_unpin(). -XEN_EBUSY: it is pinned; -XEN_EINVAL: no such CPU. */
int __must_check sched_pin(struct vcpu *v, unsigned int cpu);
/* As before sched_pin(). -XEN_EINVAL: it is not pinned. */
int __must_check sched_unpin(struct vcpu *v);
/* 1 to SCHED_WEIGHT_MAX, else -XEN_EINVAL. */
int __must_check sched_set_weight(struct vcpu *v, unsigned int weight);

/*
 * Called by the exit path when this CPU's cpu_work.resched is set: charges the current vCPU, picks the
 * next, switches state (vcpu_switch()), idles when there is none. Returns with current_vcpu() set.
 */
void sched_run(void);
/*
 * For an interrupt handler with work that takes long or waits: it is called once on this CPU, outside the handler, on the
 * way to a guest or before idling, with no lock held. One function is kept once; there is room for SCHED_MAX_DEFERRED.
 */
#define SCHED_MAX_DEFERRED 5
void sched_defer(void (*work)(void));

/*
 * Another CPU's exit path shall run after everything that the caller wrote before this call: an
 * SGI, unless one is on its way already. Nothing for the calling CPU, which is in EL2.
 */
void sched_kick(unsigned int cpu);

/* Console key: every CPU's queue into the log. */
void sched_dump(void);
