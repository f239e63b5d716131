/* SPDX-License-Identifier: MIT */
/*
 * What every test guest uses: the machine it finds itself in, its console, and test cases with one
 * result line each.
 *
 * A test guest is a tiny kernel with one topic. It runs as a domain of Tenon, and of Debian's Xen, which
 * is the oracle: every case passes there as well, except those marked TENON_ONLY.
 *
 *     PASS psci.version: 0 ms
 *     FAIL psci.cpu_on_race: psci.c:214: round 3: 0 and 0
 *     SKIP psci.race: needs 3 CPUs
 *     DONE psci 12 passed, 1 failed
 */
#pragma once

#include "abi/xen.h"
#include "lib/compiler.h"
#include "lib/string.h"

#define GUEST_MAX_CPUS 8

/* ---- the machine, from the device tree and the command line (guest_main.c) ------------------------ */

struct guest_machine {
	const void *fdt;
	const char *arguments; /* /chosen/bootargs, "" when there is none */
	bool tenon;            /* "tenon" among them: not on the oracle */
	unsigned int nr_cpus;
	uint64_t mpidr[GUEST_MAX_CPUS];
	uint64_t ram_start, ram_size; /* the first bank */
	uint64_t uart;                /* 0: none */
	unsigned int gic_version;     /* 2 or 3 */
	uint64_t gicd, gicc, gicr;
};
extern struct guest_machine machine;

/* "name=number" among the arguments, else otherwise. */
uint64_t guest_argument(const char *name, uint64_t otherwise);
bool guest_has_argument(const char *name);

/* ---- console (guest_console.c). CPU 0 prints; the others report through memory. -------------------- */

__printf(1, 2) void print(const char *format, ...);
void print_char(char c);

/* ---- test cases (guest_test.c) -------------------------------------------------------------------- */

enum guest_case_flag {
	TENON_ONLY = 1, /* Xen differs: docs/testing.md says where */
	GICV2_ONLY = 2,
	GICV3_ONLY = 4
};

struct guest_case {
	const char *name;
	void (*run)(void);
	unsigned int min_cpus;
	unsigned int flags;
};

/* A case is named as its function: CASE(cpu_on, .min_cpus = 2). The list ends with CASE_END. */
#define CASE(function, ...)                                     \
	{                                                       \
		.name = #function, .run = function, __VA_ARGS__ \
	}
#define CASE_END             \
	{                    \
		.name = NULL \
	}

/* Each topic defines these three. */
extern const char *const guest_topic;
extern const struct guest_case guest_cases[];
/* Run with the MMU off (a cold domain). */
extern const bool guest_mmu_off;

/* Note that the running case has failed; the first reason is printed. */
__printf(4, 5) void test_fail(const char *file, int line, const char *condition, const char *format,
			      ...);
bool test_failed(void);
__printf(1, 2) void test_skip(const char *format, ...);

/*
 * Stop the case unless the condition holds: for functions that return nothing. A format and its arguments
 * may follow; without them the condition itself is the message.
 */
#define REQUIRE(condition, ...)                                                     \
	do {                                                                        \
		if (!(condition)) {                                                 \
			test_fail(__FILE__, __LINE__, #condition, " " __VA_ARGS__); \
			return;                                                     \
		}                                                                   \
	} while (0)

/* The same, and go on. */
#define EXPECT(condition, ...)                                                      \
	do {                                                                        \
		if (!(condition)) {                                                 \
			test_fail(__FILE__, __LINE__, #condition, " " __VA_ARGS__); \
		}                                                                   \
	} while (0)

/* Compare two integers and say both. */
#define REQUIRE_EQUAL(value, wanted)                                           \
	do {                                                                   \
		if (!test_equal(__FILE__, __LINE__, #value, (uint64_t)(value), \
				(uint64_t)(wanted))) {                         \
			return;                                                \
		}                                                              \
	} while (0)
#define EXPECT_EQUAL(value, wanted) \
	((void)test_equal(__FILE__, __LINE__, #value, (uint64_t)(value), (uint64_t)(wanted)))
bool test_equal(const char *file, int line, const char *what, uint64_t value, uint64_t wanted);

/* Stop this domain; the reason is one of Xen's SHUTDOWN_ reasons that PSCI has. */
__noreturn void guest_power_off(void);

/* ---- time --------------------------------------------------------------------------------------- */

uint64_t counter_virtual(void);
uint64_t counter_physical(void);
uint64_t counter_frequency(void);
uint64_t us_to_ticks(uint64_t us);
/* For loops that wait for another vCPU: it may be waiting for this one's CPU. */
void relax(void);
/* Busy waiting. */
void delay_us(uint64_t us);
/*
 * The calling vCPU's virtual timer interrupts so often, until ticks_stop(), which says how many times it did. Interrupts
 * are enabled from the one to the other. Periods below 1 ms become longer after a thousand ticks.
 *
 * ticks_in_calls(): how many of them came at a hypercall that goes on afterwards, not behind it. At one that is not preemptible this
 * is 1 at most, by chance, before it begins.
 */
void ticks_start(uint64_t us);
uint32_t ticks_stop(void);
uint32_t ticks_in_calls(void);
/*
 * Wait until the condition holds; says whether it does. ms is a generous limit on an idle machine: a busy one
 * gets a multiple of it.
 */
#define GUEST_PATIENCE 5
#define WAIT_UNTIL(condition, ms)                                                              \
	({                                                                                     \
		uint64_t end_ =                                                                \
			counter_virtual() + us_to_ticks((ms)*GUEST_PATIENCE * UINT64_C(1000)); \
		bool holds_;                                                                   \
		do {                                                                           \
			holds_ = (condition);                                                  \
			relax();                                                               \
		} while (!holds_ && counter_virtual() < end_);                                 \
		holds_;                                                                        \
	})
