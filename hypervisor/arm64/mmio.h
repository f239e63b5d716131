/* SPDX-License-Identifier: MIT */
/*
 * Access to device registers through a Device mapping of hyp_map_device(). One access of exactly the
 * width named. Reads are followed, writes preceded by a barrier against Normal memory, so a driver
 * needs none of its own; the _relaxed forms leave them out.
 */
#pragma once

#include "arm64/barrier.h"
#include "lib/compiler.h"

static inline uint8_t mmio_read8_relaxed(const volatile void *at)
{
	uint8_t value;

	__asm__ volatile("ldrb %w0, %1" : "=r"(value) : "Q"(*(const volatile uint8_t *)at));
	return value;
}

static inline uint32_t mmio_read32_relaxed(const volatile void *at)
{
	uint32_t value;

	__asm__ volatile("ldr %w0, %1" : "=r"(value) : "Q"(*(const volatile uint32_t *)at));
	return value;
}

static inline uint64_t mmio_read64_relaxed(const volatile void *at)
{
	uint64_t value;

	__asm__ volatile("ldr %0, %1" : "=r"(value) : "Q"(*(const volatile uint64_t *)at));
	return value;
}

static inline void mmio_write8_relaxed(volatile void *at, uint8_t value)
{
	__asm__ volatile("strb %w1, %0" : "=Q"(*(volatile uint8_t *)at) : "r"(value));
}

static inline void mmio_write32_relaxed(volatile void *at, uint32_t value)
{
	__asm__ volatile("str %w1, %0" : "=Q"(*(volatile uint32_t *)at) : "r"(value));
}

static inline void mmio_write64_relaxed(volatile void *at, uint64_t value)
{
	__asm__ volatile("str %1, %0" : "=Q"(*(volatile uint64_t *)at) : "r"(value));
}

static inline uint32_t mmio_read32(const volatile void *at)
{
	uint32_t value = mmio_read32_relaxed(at);

	dmb_ishld(); /* later reads of memory that the device announced come after this one */
	return value;
}

static inline uint64_t mmio_read64(const volatile void *at)
{
	uint64_t value = mmio_read64_relaxed(at);

	dmb_ishld();
	return value;
}

static inline void mmio_write32(volatile void *at, uint32_t value)
{
	dmb_ish(); /* earlier memory writes are visible before the device acts */
	mmio_write32_relaxed(at, value);
}

static inline void mmio_write64(volatile void *at, uint64_t value)
{
	dmb_ish();
	mmio_write64_relaxed(at, value);
}
