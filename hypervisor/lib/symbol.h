/* SPDX-License-Identifier: MIT */
/*
 * Names of Tenon's own functions, for backtraces.
 *
 * The table is written by tools/symtab.c from the first link of the image and linked in at the second. It
 * holds functions only, sorted by address, with the names compressed by pair substitution.
 */
#pragma once

#include <stdint.h>

/* Every so many names the table notes where a name begins. */
#define SYMTAB_GROUP      16

/* Bytes of a compressed name from this value on stand for two bytes (pairs[byte - SYMTAB_FIRST_PAIR]). */
#define SYMTAB_FIRST_PAIR 0x80

struct symtab_header {
	uint64_t base; /* address that the offsets count from */
	uint32_t nr_symbols;
	uint32_t end_offset;     /* first byte behind the last function */
	const uint32_t *offsets; /* nr_symbols, ascending */
	const uint32_t *groups;  /* position in names of every SYMTAB_GROUP-th name */
	const uint8_t (*pairs)[2];
	const uint8_t *names; /* compressed, each closed by a zero byte */
};

extern const struct symtab_header tenon_symtab;

/*
 * The function that holds va, and in *offset the distance from its start. NULL, and *offset untouched, where no
 * function is. The name lies in one static buffer and lasts until the next call: callers are panic() and
 * those who print under the log's lock.
 */
const char *symbol_lookup(uint64_t va, uint64_t *offset);
