/* SPDX-License-Identifier: MIT */
/*
 * The compiler and integer vocabulary that every file uses: attributes, bit masks, alignment, and
 * single-copy-atomic access to words that other agents change.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __must_check   __attribute__((warn_unused_result))
#define __noreturn     __attribute__((noreturn))
#define __packed       __attribute__((packed))
#define __aligned(n)   __attribute__((aligned(n)))
#define __section(s)   __attribute__((section(s)))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __maybe_unused __attribute__((unused))
#define __noinline     __attribute__((noinline))
#define __force_inline inline __attribute__((always_inline))

/* Code and data that boot gives back before the first guest frame is handed out (M1, M2). */
#ifndef TENON_HOST
#define __init              __attribute__((section(".init.text"), cold))
#define __initdata          __attribute__((section(".init.data")))
/* The same for what starts as zero: takes no room in the image file. */
#define __initbss           __attribute__((section(".bss.init")))
/* Written during boot, read-only from then on (M2); the second form starts as zero. */
#define __ro_after_init     __attribute__((section(".data.ro_after_init")))
#define __ro_after_init_bss __attribute__((section(".bss.ro_after_init")))
#else
#define __init
#define __initdata
#define __initbss
#define __ro_after_init_bss
#define __ro_after_init
#endif

#define likely(x)                       __builtin_expect(!!(x), 1)
#define unlikely(x)                     __builtin_expect(!!(x), 0)

#define BIT64(n)                        (UINT64_C(1) << (n))
/* Mask of bits high..low inclusive, as the Arm ARM writes fields. */
#define BITS64(high, low)               ((~UINT64_C(0) >> (63 - (high))) & (~UINT64_C(0) << (low)))
#define FIELD_GET(mask, value)          (((uint64_t)(value) & (mask)) / ((mask) & -(mask)))
#define FIELD_PREP(mask, value)         (((uint64_t)(value) * ((mask) & -(mask))) & (mask))

#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define MIN(a, b)                                  \
	({                                         \
		__typeof__(a) min_a_ = (a);        \
		__typeof__(b) min_b_ = (b);        \
		min_a_ < min_b_ ? min_a_ : min_b_; \
	})
#define MAX(a, b)                                  \
	({                                         \
		__typeof__(a) max_a_ = (a);        \
		__typeof__(b) max_b_ = (b);        \
		max_a_ > max_b_ ? max_a_ : max_b_; \
	})
#define ALIGN_DOWN(x, a)   ((x) & ~((__typeof__(x))(a)-1))
#define ALIGN_UP(x, a)     (((x) + (__typeof__(x))(a)-1) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a)   (((x) & ((__typeof__(x))(a)-1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

/* One access, not torn, repeated or invented by the compiler: for words shared with a guest or CPU. */
#define READ_ONCE(x)       (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)   (*(volatile __typeof__(x) *)&(x) = (v))

#define PAGE_SHIFT         12
#define PAGE_SIZE          (UINT64_C(1) << PAGE_SHIFT)
