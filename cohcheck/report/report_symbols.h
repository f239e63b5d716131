/* SPDX-License-Identifier: MIT */
/*
 * Names and source lines for addresses of the guest, from ELF files, with elfutils' libelf and libdw: no
 * other program is run. A file may be added several times at different addresses, for code that runs first
 * where it was loaded.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct symbols;

struct symbol_place {
	const char *elf;    /* as it was named; NULL: the address is in none of the files */
	const char *symbol; /* NULL: none */
	uint64_t offset;    /* in the symbol */
	uint64_t start;     /* of the symbol, at the guest's address */
	const char *file; /* NULL: no line information. In the symbol's own text, so a call where code is inlined */
	int line;
	const char *inlined; /* the function whose code it is, if that was inlined, and where in that */
	const char *inlined_file;
	int inlined_line;
};

struct symbols *symbols_create(void);
void symbols_destroy(struct symbols *symbols);

/*
 * argument is FILE or FILE@BASE: BASE is where the guest has the lowest of its loadable segments. On an
 * error a message is in error, and -errno is returned.
 */
int symbols_add(struct symbols *symbols, const char *argument, char *error, unsigned int size);
/* All strings live as long as the symbols. */
void symbols_find(struct symbols *symbols, uint64_t addr, struct symbol_place *place);
/* The same without source lines, and so many times faster. */
void symbols_find_name(struct symbols *symbols, uint64_t addr, struct symbol_place *place);

/*
 * Calls each() with every range of addresses that the function of this name has: in every file, at every
 * base, and each place where it was inlined if no symbol has its name. Returns how many there were.
 */
unsigned int symbols_ranges(struct symbols *symbols, const char *name,
			    void (*each)(void *ctx, uint64_t start, uint64_t end), void *ctx);
