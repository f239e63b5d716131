/* SPDX-License-Identifier: MIT */
/*
 * The benchmark guest: what its files share.
 *
 * An operation is a loop of its own, bench_loop_t, so that the only other instructions are those of the loop; those of
 * an empty one are subtracted. Operations that end in an interrupt are in bench_loops.S, with vectors of a few instructions.
 */
#pragma once

#include "guest_xen.h"

/*
 * What bench_plugin.c looks for in the instructions that the guest executes: moves to the zero register, which do
 * nothing. A section is the measured part of one operation; its name is the line that the guest prints next.
 */
#define BENCH_MARK_BEGIN   0xbe01
#define BENCH_MARK_END     0xbe02
#define BENCH_MARK_DONE    0xbe03
#define bench_mark(number) __asm__ volatile("movz xzr, %0" ::"i"(number) : "memory")

/* Everything a loop may need, made once. */
struct bench_context {
	uint64_t gicc; /* GICv2's CPU interface; 0 with GICv3 */
	uint64_t sgi;  /* what ICC_SGI1R_EL1, or GICD_SGIR, takes to interrupt this vCPU */
	uint64_t gicd_sgir;
	struct vcpu_info *info;
	uint64_t *pending; /* the word of shared_info that all ports used here are in */
	struct evtchn_send *send;
};

typedef uint64_t (*bench_loop_t)(uint64_t nr, const struct bench_context *context);

/*
 * bench_loops.S. Each does it nr times and returns how many interrupts came. VBAR_EL1 is bench_vectors meanwhile
 * (bench_with_vectors()), and PSTATE.I is clear where an interrupt is to be taken.
 */
uint64_t bench_loop_sgi_v2(uint64_t nr, const struct bench_context *context);
uint64_t bench_loop_sgi_v3(uint64_t nr, const struct bench_context *context);
uint64_t bench_loop_timer(uint64_t nr, const struct bench_context *context);
uint64_t bench_loop_send(uint64_t nr, const struct bench_context *context);
uint64_t bench_loop_send_masked(uint64_t nr, const struct bench_context *context);
/* Send, wait for the answer; and its other side, which waits and answers, until a byte says that it shall return. */
uint64_t bench_loop_ping(uint64_t nr, const struct bench_context *context);
uint64_t bench_loop_pong(const uint8_t *stop, const struct bench_context *context);

/* Run a loop with the small vectors. */
uint64_t bench_with_vectors(bench_loop_t loop, uint64_t nr, const struct bench_context *context);
uint64_t bench_pong_with_vectors(const uint8_t *stop, const struct bench_context *context);

/* Run a loop in batches and print what one turn of it costs. Checks that each turn returned an interrupt, if it should. */
void bench_measure(const char *name, bench_loop_t loop, uint64_t nr,
		   const struct bench_context *context, bool interrupts);

/* bench_calls.c: hypercalls, other calls and registers. */
void bench_calls(void);
/* bench_events.c */
void bench_events(void);
bool bench_event_ports(void);
void bench_event_peer(bool with_mmu);
/* bench_grants.c */
void bench_grants(void);
