/* SPDX-License-Identifier: MIT */
/*
 * Memory and string functions.
 *
 * EL2's C code may use no SIMD registers (arm64/copy_simd.h is for whole pages) and makes no unaligned access
 * (the memory may be Device, or alignment checks on), so the copies align the destination and then move 8-byte
 * words, 64 bytes a turn, which the compiler pairs into LDP/STP. Sources of another alignment are read as aligned
 * words and shifted into place. No byte outside the given ranges is read. Little-endian, as all of Tenon.
 */
#include "lib/string.h"

#include <stdint.h>

#define WORD  8
#define BLOCK 64

/* All of it is loaded before any is stored. Both are aligned. */
static inline void copy_block(uint8_t *to, const uint8_t *from)
{
	const uint64_t *s = (const uint64_t *)(const void *)from;
	uint64_t *d = (uint64_t *)(void *)to;
	uint64_t w0 = s[0], w1 = s[1], w2 = s[2], w3 = s[3];
	uint64_t w4 = s[4], w5 = s[5], w6 = s[6], w7 = s[7];

	d[0] = w0;
	d[1] = w1;
	d[2] = w2;
	d[3] = w3;
	d[4] = w4;
	d[5] = w5;
	d[6] = w6;
	d[7] = w7;
}

/* Up to what LDP's offset reaches, in one go. */
#define BLOCKS 8
static inline void copy_blocks(uint8_t *to, const uint8_t *from)
{
	copy_block(to, from);
	copy_block(to + BLOCK, from + BLOCK);
	copy_block(to + 2 * BLOCK, from + 2 * BLOCK);
	copy_block(to + 3 * BLOCK, from + 3 * BLOCK);
	copy_block(to + 4 * BLOCK, from + 4 * BLOCK);
	copy_block(to + 5 * BLOCK, from + 5 * BLOCK);
	copy_block(to + 6 * BLOCK, from + 6 * BLOCK);
	copy_block(to + 7 * BLOCK, from + 7 * BLOCK);
}

/* Pages, mostly, and a multiple of that: the loop's own instructions matter. */
static inline void copy_many_blocks(uint8_t *to, const uint8_t *from, size_t size)
{
	const uint8_t *end = from + size;

	do {
		copy_blocks(to, from);
		from += BLOCKS * BLOCK;
		to += BLOCKS * BLOCK;
	} while (from != end);
}

/*
 * Forward; right for overlapping ranges too when to < from, since each step loads before it stores.
 */
static inline void copy_forward(uint8_t *to, const uint8_t *from, size_t size)
{
	size_t shift;

	while (size > 0 && (uintptr_t)to % WORD != 0) {
		*to++ = *from++;
		size--;
	}
	shift = (uintptr_t)from % WORD;
	if (shift == 0) {
		while (size >= BLOCK) {
			copy_block(to, from);
			from += BLOCK;
			to += BLOCK;
			size -= BLOCK;
		}
		while (size >= WORD) {
			*(uint64_t *)(void *)to = *(const uint64_t *)(const void *)from;
			from += WORD;
			to += WORD;
			size -= WORD;
		}
	} else if (size >= 2 * WORD) {
		/* have holds the source bytes that lie before the next aligned word. */
		size_t nr_have = WORD - shift;
		uint64_t have = 0;

		for (size_t i = 0; i < nr_have; i++) {
			have |= (uint64_t)from[i] << (8 * i);
		}
		while (size >= nr_have + WORD) {
			uint64_t next = *(const uint64_t *)(const void *)(from + nr_have);

			*(uint64_t *)(void *)to = have | next << (8 * nr_have);
			have = next >> (8 * shift);
			from += WORD;
			to += WORD;
			size -= WORD;
		}
	}
	while (size > 0) {
		*to++ = *from++;
		size--;
	}
}

/* Backward, for overlapping ranges with to > from. */
static inline void copy_backward(uint8_t *to, const uint8_t *from, size_t size)
{
	to += size;
	from += size;
	if ((uintptr_t)to % WORD == (uintptr_t)from % WORD) {
		while (size > 0 && (uintptr_t)to % WORD != 0) {
			*--to = *--from;
			size--;
		}
		while (size >= WORD) {
			to -= WORD;
			from -= WORD;
			*(uint64_t *)(void *)to = *(const uint64_t *)(const void *)from;
			size -= WORD;
		}
	}
	while (size > 0) {
		*--to = *--from;
		size--;
	}
}

/* Without restrict, which would have the compiler mix loads and stores rather than pair them; as copy_forward(). */
void *memcpy(void *to, const void *from, size_t size)
{
	if (size >= BLOCKS * BLOCK &&
	    ((size % (BLOCKS * BLOCK)) | (((uintptr_t)to | (uintptr_t)from) % WORD)) == 0) {
		copy_many_blocks(to, from, size);
	} else {
		copy_forward(to, from, size);
	}
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	if ((uintptr_t)to - (uintptr_t)from < size) {
		copy_backward(to, from, size);
		return to;
	}
	return memcpy(to, from, size);
}

void *memset(void *to, int byte, size_t size)
{
	uint64_t word = (uint8_t)byte * UINT64_C(0x0101010101010101);
	uint8_t *at = to;

	while (size > 0 && (uintptr_t)at % WORD != 0) {
		*at++ = (uint8_t)byte;
		size--;
	}
	while (size >= BLOCK) {
		uint64_t *d = (uint64_t *)(void *)at;

		d[0] = word;
		d[1] = word;
		d[2] = word;
		d[3] = word;
		d[4] = word;
		d[5] = word;
		d[6] = word;
		d[7] = word;
		at += BLOCK;
		size -= BLOCK;
	}
	while (size >= WORD) {
		*(uint64_t *)(void *)at = word;
		at += WORD;
		size -= WORD;
	}
	while (size > 0) {
		*at++ = (uint8_t)byte;
		size--;
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *p = a;
	const uint8_t *q = b;

	if ((uintptr_t)p % WORD == (uintptr_t)q % WORD) {
		while (size > 0 && (uintptr_t)p % WORD != 0 && *p == *q) {
			p++;
			q++;
			size--;
		}
		while (size >= WORD && (uintptr_t)p % WORD == 0 &&
		       *(const uint64_t *)(const void *)p == *(const uint64_t *)(const void *)q) {
			p += WORD;
			q += WORD;
			size -= WORD;
		}
	}
	for (; size > 0; p++, q++, size--) {
		if (*p != *q) {
			return *p < *q ? -1 : 1;
		}
	}
	return 0;
}

void *memchr(const void *s, int byte, size_t size)
{
	for (const uint8_t *at = s; size > 0; at++, size--) {
		if (*at == (uint8_t)byte) {
			return (void *)(uintptr_t)at;
		}
	}
	return NULL;
}

size_t strlen(const char *s)
{
	const char *end = s;

	while (*end != '\0') {
		end++;
	}
	return (size_t)(end - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t length = 0;

	while (length < max && s[length] != '\0') {
		length++;
	}
	return length;
}

int strcmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (int)(uint8_t)*a - (int)(uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (; max > 0; a++, b++, max--) {
		if (*a != *b || *a == '\0') {
			return (int)(uint8_t)*a - (int)(uint8_t)*b;
		}
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c) {
			return (char *)(uintptr_t)s;
		}
		if (*s == '\0') {
			return NULL;
		}
	}
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c) {
			found = s;
		}
		if (*s == '\0') {
			return (char *)(uintptr_t)found;
		}
	}
}

char *strstr(const char *s, const char *find)
{
	size_t length = strlen(find);

	for (;; s++) {
		if (strncmp(s, find, length) == 0) {
			return (char *)(uintptr_t)s;
		}
		if (*s == '\0') {
			return NULL;
		}
	}
}

size_t strlcpy(char *to, const char *from, size_t size)
{
	size_t length = strlen(from);

	if (size > 0) {
		size_t nr = length < size ? length : size - 1;

		memcpy(to, from, nr);
		to[nr] = '\0';
	}
	return length;
}
