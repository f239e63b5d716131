/* SPDX-License-Identifier: MIT */
/*
 * What the guests of the corpus share. A guest is one function, guest(), called on CPU 0 with MMU and caches
 * off at the exception level in which the machine starts. It does what it has to show, checks that what it
 * read is what a machine without caches returns (QEMU is one), and returns; the library then prints PASS and
 * powers the machine off.
 *
 * Each is built twice: with TWIN 0 it has the bug, with TWIN 1 what was left out is there and the order is
 * the architecture's. SITE marks the functions that a report has to name.
 *
 * Memory: the image (text, data, translation tables) is mapped write-back by space_map_image(); the stacks
 * of code that runs with its MMU off (secondary CPUs, EL1 when called from EL2) are never mapped there. ARENA
 * is the guest's own, mapped by nobody at first. So whatever is reported is the guest's doing.
 */
#pragma once

#include "corpus/lib/corpus_asm.h"
#include "corpus/lib/corpus_map.h"

#ifndef TWIN
#define TWIN 0
#endif

#define SITE __attribute__((noinline, noclone, used))
#ifdef __clang__
#undef SITE
#define SITE __attribute__((noinline, used))
#endif

/* RAM that nothing uses, at the end of the machine's 32 MiB: eight blocks of 2 MiB. */
#define ARENA     UINT64_C(0x41000000)
/* Addresses without RAM or devices, each in a block and a table of its own, to map things at. */
#define WINDOW(n) (UINT64_C(0x80000000) + (n)*UINT64_C(0x200000))

void guest(void);

/* Ends the machine, with a line that the runner takes as failure. */
#define require(condition)                     \
	do {                                   \
		if (!(condition)) {            \
			corpus_fail(__LINE__); \
		}                              \
	} while (0)
_Noreturn void corpus_fail(unsigned int line);
_Noreturn void corpus_pass(void);

/*
 * EL2 calls a function at EL1 and gets its result. Its stack is not mapped by
 * space_map_image(): it is not cached while EL1 runs with its MMU off.
 */
uint64_t corpus_call_el1(uint64_t (*function)(uint64_t, uint64_t, uint64_t), uint64_t a, uint64_t b,
			 uint64_t c, char *stack);
extern char corpus_el1_stack_top[];
#define call_el1(function, a, b, c) corpus_call_el1(function, a, b, c, corpus_el1_stack_top)
uint64_t corpus_call_el1_a32(const void *code, uint64_t argument);
/* EL1 calls EL0: code that is mapped with MAP_USER, uses no stack and ends with SVC. */
uint64_t corpus_call_el0(const void *code, uint64_t argument);

/*
 * Starts CPU 1..3 at this exception level with MMU and caches off, on a stack that nobody maps. What it reads
 * of the image is cleaned to the PoC first. When the function returns, the CPU is off.
 */
void cpu_start(unsigned int cpu, void (*function)(void));
void cpu_wait_off(unsigned int cpu);
_Noreturn void corpus_cpu_off(void);
/* guest() begins anew; ARENA keeps what it holds, the image does not. */
_Noreturn void machine_reset(void);
/*
 * On a CPU so started: installs the image's tables (CPU 0 has called image_on()), runs the function with
 * caches on.
 */
_Noreturn void cpu_with_caches(void (*function)(void));
/* The next of words that CPUs with their caches on wait for. */
void step_reached(uint64_t step);
void step_wait(uint64_t step);

/* At run time: "mov x0, #value; ret", 8 bytes. */
#define CODE_BYTES 8
void code_write(uint64_t va, unsigned int value);
typedef uint64_t code_fn(void);
extern uint64_t new_code(void),
	new_code_2(void); /* 64 KiB each, nothing in them, mapped by nobody */

/*
 * The life of a guest that EL2 has built, at EL1: it starts with caches off, turns them on later, and
 * maintains nothing, since it has never had a cached copy of anything. What EL1 maps write-back: the image,
 * its stack, the arena.
 */
void life_prepare(void);
uint64_t life_read(uint64_t paddr);        /* site: cold_read */
void life_write_then_read(uint64_t paddr); /* sites: cold_write, warm_read */
uint64_t life_run(code_fn *code);          /* fetches with caches off */

/*
 * The second life of a page of the space's regime, after a first alias of it was taken away: invalidated and
 * written through a non-cacheable alias, then mapped write-back elsewhere and read. Sites: reuse_write,
 * reuse_read. Correct if nothing can have fetched its lines since the invalidation. The non-cacheable alias
 * is made first.
 */
void reuse_prepare(struct space *space, uint64_t paddr);
void reuse_page(struct space *space, uint64_t paddr);

/* EL2 with HCR_EL2.E2H and TGE set, MMU and caches on, image_space installed with that ASID. */
void vhe_on(uint16_t asid);
