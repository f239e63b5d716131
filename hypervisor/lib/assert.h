/* SPDX-License-Identifier: MIT */
/*
 * Assertions and panic.
 *
 * ASSERT states what the code has already guaranteed; it never checks input, and release builds stay
 * safe without it. panic() is for a broken invariant of Tenon itself: nothing a guest does may reach it.
 */
#pragma once

#include "lib/compiler.h"

/* Print the message, registers and a backtrace, stop all CPUs. Any context. */
__noreturn __printf(1, 2) void panic(const char *format, ...);

#ifdef TENON_DEBUG
#define ASSERT(cond)                                                                     \
	do {                                                                             \
		if (unlikely(!(cond))) {                                                 \
			panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond); \
		}                                                                        \
	} while (0)
#else
#define ASSERT(cond)                    \
	do {                            \
		(void)sizeof(!!(cond)); \
	} while (0)
#endif
