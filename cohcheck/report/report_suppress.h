/* SPDX-License-Identifier: MIT */
/*
 * Suppressions: findings that are known and explained. A file has one a line:
 *
 * KIND SYMBOL-GLOB [writer=GLOB] [elf=GLOB]   # reason
 *
 * KIND is a code (V2) or a name (read-stale), SYMBOL-GLOB the symbol of the access, as fnmatch(3)
 * compares. The reason is part of the line: one without is refused. Lines that are empty or begin with #
 * are skipped.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

struct suppression {
	struct suppression *next;
	char *file;
	unsigned int line;
	bool any_kind;
	enum finding_kind kind;
	char *symbol, *writer, *elf; /* globs; writer and elf may be NULL */
	char *reason;
	uint64_t used;
};

/*
 * What a suppression is compared with. An address without a symbol is written 0x...; never NULL but for
 * elf.
 */
struct suppress_candidate {
	enum finding_kind kind;
	const char *symbol, *writer, *elf;
};

/* Appends what the file says. -errno, and a message with the line's number in error. */
int suppress_read(struct suppression **list, const char *path, char *error, unsigned int size);
/* The first that matches, or NULL. The caller counts .used. */
struct suppression *suppress_find(struct suppression *list,
				  const struct suppress_candidate *candidate);
void suppress_free(struct suppression *list);
