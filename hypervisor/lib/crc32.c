/* SPDX-License-Identifier: MIT */
/*
 * CRC-32 with the reflected polynomial 0xedb88320 (RFC 1952 section 8). It takes the place of zlib's crc32.c, whose
 * tables of 9 kB buy speed that a kernel unpacked once at boot does not need.
 */
#include "lib/crc32.h"

#include <stdint.h>

/*
 * The CRC is linear: the entry of a byte is the sum of its bits' entries. Each macro below doubles the number
 * of entries by adding one bit's.
 */
#define ENTRIES_1(sum) (sum), (sum) ^ 0x77073096u
#define ENTRIES_2(sum) ENTRIES_1(sum), ENTRIES_1((sum) ^ 0xee0e612cu)
#define ENTRIES_3(sum) ENTRIES_2(sum), ENTRIES_2((sum) ^ 0x076dc419u)
#define ENTRIES_4(sum) ENTRIES_3(sum), ENTRIES_3((sum) ^ 0x0edb8832u)
#define ENTRIES_5(sum) ENTRIES_4(sum), ENTRIES_4((sum) ^ 0x1db71064u)
#define ENTRIES_6(sum) ENTRIES_5(sum), ENTRIES_5((sum) ^ 0x3b6e20c8u)
#define ENTRIES_7(sum) ENTRIES_6(sum), ENTRIES_6((sum) ^ 0x76dc4190u)
#define ENTRIES_8(sum) ENTRIES_7(sum), ENTRIES_7((sum) ^ 0xedb88320u)

static const uint32_t entries[256] = {ENTRIES_8(0u)};

unsigned long crc32(unsigned long crc, const unsigned char *data, unsigned int size)
{
	uint32_t sum = ~(uint32_t)crc;

	for (unsigned int i = 0; i < size; i++) {
		sum = sum >> 8 ^ entries[(sum ^ data[i]) & 0xff];
	}
	return ~sum & 0xffffffffu;
}
