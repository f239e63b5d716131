/* SPDX-License-Identifier: MIT */
/* Host stand-in of hypervisor/arm64/copy_simd.h. */
#pragma once

#include "lib/string.h"

static inline void copy_large(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
}
