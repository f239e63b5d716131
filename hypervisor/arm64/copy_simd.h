/* SPDX-License-Identifier: MIT */
/* Copies of pages, or nearly (copy_simd.S). */
#pragma once

#include "lib/compiler.h"
#include "lib/string.h"

void copy_lines128(void *to, const void *from, size_t size);

/* As memcpy(), between Normal memory. Few instructions for much: what borrowing the guest's registers costs is 128 bytes' worth. */
static inline void copy_large(void *to, const void *from, size_t size)
{
	if (size >= 512 && (((uintptr_t)to | (uintptr_t)from) & 15) == 0 && size % 128 == 0) {
		copy_lines128(to, from, size);
	} else {
		memcpy(to, from, size);
	}
}
