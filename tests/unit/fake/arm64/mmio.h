/* SPDX-License-Identifier: MIT */
/*
 * Host stand-in of hypervisor/arm64/mmio.h: plain memory, or a fake device's handler
 * (fake_machine_mmio() in tests/unit/fake_machine.h).
 */
#pragma once

#include "arm64/barrier.h"
#include "lib/compiler.h"
#include "tests/unit/fake_machine.h"

#define FAKE_MMIO_ACCESSORS(bits, size)                                                        \
	static inline uint##bits##_t mmio_read##bits##_relaxed(const volatile void *at)        \
	{                                                                                      \
		return (uint##bits##_t)fake_machine_mmio_read(at, size);                       \
	}                                                                                      \
	static inline void mmio_write##bits##_relaxed(volatile void *at, uint##bits##_t value) \
	{                                                                                      \
		fake_machine_mmio_write(at, size, value);                                      \
	}                                                                                      \
	static inline uint##bits##_t mmio_read##bits(const volatile void *at)                  \
	{                                                                                      \
		return mmio_read##bits##_relaxed(at);                                          \
	}                                                                                      \
	static inline void mmio_write##bits(volatile void *at, uint##bits##_t value)           \
	{                                                                                      \
		mmio_write##bits##_relaxed(at, value);                                         \
	}

FAKE_MMIO_ACCESSORS(8, 1)
FAKE_MMIO_ACCESSORS(16, 2)
FAKE_MMIO_ACCESSORS(32, 4)
FAKE_MMIO_ACCESSORS(64, 8)
