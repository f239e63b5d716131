/* SPDX-License-Identifier: MIT */
/*
 * For the unit tests of vgic/: a machine with CPUs that have a virtual CPU interface each, a physical
 * distributor's enable, pending and active bits, and a domain whose vCPU n runs on CPU n unless sched.cpu is changed
 * while it is not loaded. Kicks and wake-ups do what the real ones lead to: the target's exit path.
 */
#pragma once

#include "domain/domain.h"
#include "vgic/vgic.h"

#define FAKE_NR_VCPUS 4
#define FAKE_NR_SPIS  96
#define FAKE_SPURIOUS 1023

#define FAKE_NR_CPUS  (FAKE_NR_VCPUS + 1) /* one more than it takes: to move a vCPU to */

/* The physical distributor. */
struct fake_physical {
	bool enabled, pending, active, edge;
	uint8_t priority;
	unsigned int cpu;
};
extern struct fake_physical fake_physical[1020];

extern struct domain fake_domain;
extern struct vcpu fake_vcpus[FAKE_NR_VCPUS];
/* Since fake_start(). */
extern unsigned int fake_nr_wakes[FAKE_NR_VCPUS];
extern unsigned int fake_nr_wakes_soon; /* of these, by sched_wake_soon() */
extern unsigned int fake_nr_kicks, fake_nr_lr_accesses;
/* How often a CPU has looked for epochs while it waited. */
extern unsigned int fake_nr_epoch_polls;
/* What the vCPU's exit path does when it is kicked, NULL for sync and flush. */
extern void (*fake_on_kick)(struct vcpu *v);
/* Each CPU is played by a thread of its own, which looks at fake_kicked[] instead of being kicked. */
extern bool fake_has_threads;
extern bool fake_kicked[FAKE_NR_VCPUS];

/* A domain with its distributor and CPU interfaces on, priority mask 0xf0, and nothing loaded. */
void fake_start(enum gic_version version, unsigned int nr_lrs);
void fake_stop(void);
/* For cmocka: with four list registers, and the end of it. */
int fake_start_v3(void **state);
int fake_start_v2(void **state);
int fake_teardown(void **state);
/* Play the CPU of this vCPU; it is loaded, entered, exited. */
void fake_run_on(struct vcpu *v);
void fake_enter(struct vcpu *v);
void fake_exit(struct vcpu *v);
/* Out and in again. */
void fake_again(struct vcpu *v);
/* Loaded and entered. */
void fake_start_vcpu(struct vcpu *v);
/* It leaves its CPU without a look at maintenance interrupts: by an exit of another kind. */
void fake_switch_out(struct vcpu *v);

/* How often a timer was asked for its line. */
extern unsigned int fake_nr_samples;
/* The guest has cleared its evtchn_upcall_pending; the event PPI is fake_domain.evtchn_ppi. */
extern bool fake_upcall_is_low;

/* What a guest does on the current CPU, without Tenon knowing. */
uint32_t fake_guest_acknowledge(void); /* GICv2: source CPU in 12:10 */
void fake_guest_end(uint32_t acknowledged);
/* Acknowledge and end everything that is signalled: the number of interrupts. */
unsigned int fake_guest_take_all(void);
void fake_guest_set_mask(uint8_t mask);
bool fake_maintenance_is_high(void);

/* Emulated registers, by guest physical address. An exit for the current vCPU: fake_enter() afterwards. */
uint64_t fake_read(struct vcpu *v, uint64_t ipa, unsigned int size);
void fake_write(struct vcpu *v, uint64_t ipa, unsigned int size, uint64_t value);
#define FAKE_GICD UINT64_C(0x3001000)
#define FAKE_GICC UINT64_C(0x3002000)
#define FAKE_GICR UINT64_C(0x3020000)
/* 32 bits of a distributor register (v3: of the redistributor of v for private INTIDs). */
uint32_t fake_dist_read(struct vcpu *v, uint32_t offset, uint32_t intid);
void fake_dist_write(struct vcpu *v, uint32_t offset, uint32_t intid, uint32_t value);
/* Edge-triggered from now on. */
void fake_set_edge(struct vcpu *v, uint32_t intid);

/* Enable, with a priority. Private INTIDs: of v. */
void fake_enable(struct vcpu *v, uint32_t intid, uint8_t priority);
