/* SPDX-License-Identifier: MIT */
/*
 * The instructions that the corpus is about, one function each. The guests call them in the orders that are
 * right or wrong, so nothing here adds a barrier. All clobber memory: the compiler's order is the order of
 * the source.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIT64(n) (UINT64_C(1) << (n))

#define sysreg_read(name)                                                      \
	({                                                                     \
		uint64_t read_;                                                \
		__asm__ volatile("mrs %0, " #name : "=r"(read_) : : "memory"); \
		read_;                                                         \
	})
#define sysreg_write(name, value)                                                 \
	do {                                                                      \
		uint64_t value_ = (value);                                        \
		__asm__ volatile("msr " #name ", %0" : : "r"(value_) : "memory"); \
	} while (0)

#define TLBI_ALL(op)     __asm__ volatile("tlbi " #op : : : "memory")
#define TLBI_BY(op, arg) __asm__ volatile("tlbi " #op ", %0" : : "r"(arg) : "memory")

static inline void isb(void)
{
	__asm__ volatile("isb" : : : "memory");
}

static inline void dsb_sy(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}

static inline void dsb_ish(void)
{
	__asm__ volatile("dsb ish" : : : "memory");
}

static inline void dsb_nsh(void)
{
	__asm__ volatile("dsb nsh" : : : "memory");
}

/* Stores only: orders a table's entry before the walks; does not complete cache maintenance. */
static inline void dsb_ishst(void)
{
	__asm__ volatile("dsb ishst" : : : "memory");
}

static inline void dmb_sy(void)
{
	__asm__ volatile("dmb sy" : : : "memory");
}

static inline void dc_cvac(uint64_t va)
{
	__asm__ volatile("dc cvac, %0" : : "r"(va) : "memory");
}

static inline void dc_cvau(uint64_t va)
{
	__asm__ volatile("dc cvau, %0" : : "r"(va) : "memory");
}

static inline void dc_civac(uint64_t va)
{
	__asm__ volatile("dc civac, %0" : : "r"(va) : "memory");
}

static inline void dc_ivac(uint64_t va)
{
	__asm__ volatile("dc ivac, %0" : : "r"(va) : "memory");
}

static inline void dc_zva(uint64_t va)
{
	__asm__ volatile("dc zva, %0" : : "r"(va) : "memory");
}

static inline void ic_ivau(uint64_t va)
{
	__asm__ volatile("ic ivau, %0" : : "r"(va) : "memory");
}

static inline void ic_iallu(void)
{
	__asm__ volatile("ic iallu" : : : "memory");
}

static inline void ic_ialluis(void)
{
	__asm__ volatile("ic ialluis" : : : "memory");
}

/* Single accesses of 8 and 4 bytes, which the compiler neither moves nor splits. */
static inline uint64_t load(uint64_t va)
{
	uint64_t value;

	__asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(va) : "memory");
	return value;
}

static inline void store(uint64_t va, uint64_t value)
{
	__asm__ volatile("str %0, [%1]" : : "r"(value), "r"(va) : "memory");
}

static inline uint32_t load32(uint64_t va)
{
	uint32_t value;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(va) : "memory");
	return value;
}

static inline void store32(uint64_t va, uint32_t value)
{
	__asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(va) : "memory");
}

/* CPUs that both run with caches on. */
static inline uint64_t load_acquire(const uint64_t *word)
{
	uint64_t value;

	__asm__ volatile("ldar %0, [%1]" : "=r"(value) : "r"(word) : "memory");
	return value;
}

static inline void store_release(uint64_t *word, uint64_t value)
{
	__asm__ volatile("stlr %0, [%1]" : : "r"(value), "r"(word) : "memory");
}

static inline unsigned int current_el(void)
{
	return (unsigned int)(sysreg_read(CurrentEL) >> 2);
}

/* What one DC by VA reaches on this CPU, and one IC by VA: CTR_EL0.DminLine, IminLine. */
static inline uint64_t dc_line_bytes(void)
{
	return UINT64_C(4) << (sysreg_read(ctr_el0) >> 16 & 15);
}

static inline uint64_t ic_line_bytes(void)
{
	return UINT64_C(4) << (sysreg_read(ctr_el0) & 15);
}

/* Of all lines of a range, without a barrier at the end. */
#define FOR_EACH_LINE(va, start, size, line)                                                \
	for (uint64_t line_ = (line), va = (start) & ~(line_ - 1), end_ = (start) + (size); \
	     va < end_; va += line_)

static inline void dc_cvac_range(uint64_t start, uint64_t size)
{
	FOR_EACH_LINE(va, start, size, dc_line_bytes())
	{
		dc_cvac(va);
	}
}

static inline void dc_cvau_range(uint64_t start, uint64_t size)
{
	FOR_EACH_LINE(va, start, size, dc_line_bytes())
	{
		dc_cvau(va);
	}
}

static inline void dc_civac_range(uint64_t start, uint64_t size)
{
	FOR_EACH_LINE(va, start, size, dc_line_bytes())
	{
		dc_civac(va);
	}
}

static inline void dc_ivac_range(uint64_t start, uint64_t size)
{
	FOR_EACH_LINE(va, start, size, dc_line_bytes())
	{
		dc_ivac(va);
	}
}

static inline void ic_ivau_range(uint64_t start, uint64_t size)
{
	FOR_EACH_LINE(va, start, size, ic_line_bytes())
	{
		ic_ivau(va);
	}
}
