/* SPDX-License-Identifier: MIT */
/* Bitmaps of 64-bit words. Not atomic: the caller's lock guards them. nr is the size in bits. */
#pragma once

#include "lib/compiler.h"

#define BITMAP_WORDS(nr) DIV_ROUND_UP(nr, 64)

static inline bool bitmap_test(const uint64_t *map, unsigned int bit)
{
	return (map[bit / 64] & BIT64(bit % 64)) != 0;
}

static inline void bitmap_set(uint64_t *map, unsigned int bit)
{
	map[bit / 64] |= BIT64(bit % 64);
}

static inline void bitmap_clear(uint64_t *map, unsigned int bit)
{
	map[bit / 64] &= ~BIT64(bit % 64);
}

/* First bit >= from that is set (or, for _zero, clear); nr when there is none. */
static inline unsigned int bitmap_find_first_(const uint64_t *map, unsigned int nr,
					      unsigned int from, uint64_t invert)
{
	while (from < nr) {
		uint64_t word = (map[from / 64] ^ invert) & (~UINT64_C(0) << (from % 64));

		if (word != 0) {
			unsigned int bit = from / 64 * 64 + (unsigned int)__builtin_ctzll(word);

			return bit < nr ? bit : nr;
		}
		from = (from / 64 + 1) * 64;
	}
	return nr;
}

static inline unsigned int bitmap_find_set(const uint64_t *map, unsigned int nr, unsigned int from)
{
	return bitmap_find_first_(map, nr, from, 0);
}

static inline unsigned int bitmap_find_zero(const uint64_t *map, unsigned int nr, unsigned int from)
{
	return bitmap_find_first_(map, nr, from, ~UINT64_C(0));
}
