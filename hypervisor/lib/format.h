/* SPDX-License-Identifier: MIT */
/*
 * printf-style formatting into a buffer: %d %i %u %x %X %o %c %s %p %% with flags, width,
 * precision, l, ll, z, h, hh.
 */
#pragma once

#include <stdarg.h>

#include "lib/compiler.h"

/*
 * Like C's: returns the length the whole text would have; the buffer is terminated when size > 0.
 */
__printf(3, 4) int snprintf(char *buffer, size_t size, const char *format, ...);
__printf(3, 0) int vsnprintf(char *buffer, size_t size, const char *format, va_list args);
