/* SPDX-License-Identifier: MIT */
/*
 * Tenon's log: a ring in memory (read by the console ring sysctl) that is also written to the UART.
 *
 * Every line is one call, without a trailing newline. A message caused by a guest uses
 * log_guest(), which is rate limited per domain so that no guest floods the console.
 */
#pragma once

#include "lib/compiler.h"

/* LOG_ALWAYS: somebody asked for it, at the console for instance; no level hides it. */
enum log_level {
	LOG_ALWAYS,
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG
};

__printf(2, 3) void log_write(enum log_level level, const char *format, ...);

#define log_always(...)  log_write(LOG_ALWAYS, __VA_ARGS__)
#define log_error(...)   log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_DEBUG, __VA_ARGS__)

/*
 * A message caused by guest <domid>: prefixed "d<domid>: ", a burst of 10 and then one a second for
 * each domain; what was dropped is counted and said with the next message.
 */
__printf(2, 3) void log_guest(unsigned int domid, const char *format, ...);

void log_set_level(enum log_level level);
/* Where finished text goes: the console driver registers itself (early and again when it is up). */
void log_set_sink(void (*sink)(const char *text, size_t length));
/* Copy from the ring, oldest unread first; *index is in/out (public/sysctl.h readconsole). */
size_t log_read(char *buffer, size_t size, uint32_t *index);
