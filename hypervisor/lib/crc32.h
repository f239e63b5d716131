/* SPDX-License-Identifier: MIT */
/* The CRC-32 of gzip (RFC 1952 section 8), under the name and signature that zlib's inflate calls. */
#pragma once

/* Continues crc, which is 0 at the start, over size bytes. */
unsigned long crc32(unsigned long crc, const unsigned char *data, unsigned int size);
