/* SPDX-License-Identifier: MIT */
/*
 * Looks functions up in the embedded symbol table and expands their names. It runs in panic(), so it takes no
 * lock, allocates nothing and trusts only the table, which is read-only.
 */
#include "lib/symbol.h"

#include <stddef.h>

#define NAME_MAX_BYTES 64
/* A pair's bytes may be pairs again: this many can be unfinished at a time. Beyond it the name is cut. */
#define EXPAND_DEPTH   32

static char name_buffer[NAME_MAX_BYTES];

/* Index of the last symbol that begins at or before offset; the caller has checked that there is one. */
static uint32_t find_index(const struct symtab_header *table, uint32_t offset)
{
	uint32_t low = 0;
	uint32_t high = table->nr_symbols;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (table->offsets[middle] <= offset) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low;
}

static const uint8_t *find_name(const struct symtab_header *table, uint32_t index)
{
	const uint8_t *name = table->names + table->groups[index / SYMTAB_GROUP];

	for (uint32_t skip = index % SYMTAB_GROUP; skip > 0; skip--) {
		while (*name != 0) {
			name++;
		}
		name++;
	}
	return name;
}

static void expand_name(const struct symtab_header *table, const uint8_t *name, char *to,
			size_t size)
{
	uint8_t stack[EXPAND_DEPTH];
	size_t length = 0;

	for (; *name != 0; name++) {
		size_t depth = 0;

		stack[depth++] = *name;
		while (depth > 0) {
			uint8_t byte = stack[--depth];

			if (byte >= SYMTAB_FIRST_PAIR && depth + 2 <= EXPAND_DEPTH) {
				const uint8_t *pair = table->pairs[byte - SYMTAB_FIRST_PAIR];

				stack[depth++] = pair[1];
				stack[depth++] = pair[0];
			} else if (length + 1 < size) {
				to[length++] = (char)byte;
			}
		}
	}
	to[length] = '\0';
}

const char *symbol_lookup(uint64_t va, uint64_t *offset)
{
	const struct symtab_header *table = &tenon_symtab;
	uint32_t index;

	if (table->nr_symbols == 0 || va < table->base + table->offsets[0] ||
	    va >= table->base + table->end_offset) {
		return NULL;
	}
	index = find_index(table, (uint32_t)(va - table->base));
	expand_name(table, find_name(table, index), name_buffer, sizeof(name_buffer));
	*offset = va - table->base - table->offsets[index];
	return name_buffer;
}
