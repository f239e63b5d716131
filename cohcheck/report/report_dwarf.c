/* SPDX-License-Identifier: MIT */
/*
 * libdw's own search by address wants .debug_aranges, which clang does not write: the ranges of all
 * compilation units are collected instead, the first time that a line is asked for.
 */
#include "report/report_dwarf.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

struct unit_range {
	uint64_t start, end;
	Dwarf_Off unit;
};

struct report_dwarf {
	Dwarf *libdw;
	struct unit_range *units;
	size_t nr_units;
	bool units_read;
};

struct report_dwarf *report_dwarf_open(Elf *elf)
{
	struct report_dwarf *dwarf = calloc(1, sizeof(*dwarf));

	if (dwarf == NULL || (dwarf->libdw = dwarf_begin_elf(elf, DWARF_C_READ, NULL)) == NULL) {
		free(dwarf);
		return NULL;
	}
	return dwarf;
}

void report_dwarf_close(struct report_dwarf *dwarf)
{
	if (dwarf != NULL) {
		dwarf_end(dwarf->libdw);
		free(dwarf->units);
		free(dwarf);
	}
}

static int compare_units(const void *left, const void *right)
{
	const struct unit_range *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

static void read_units(struct report_dwarf *dwarf)
{
	Dwarf_Off offset = 0, next;
	size_t header_size;

	dwarf->units_read = true;
	while (dwarf_nextcu(dwarf->libdw, offset, &next, &header_size, NULL, NULL, NULL) == 0) {
		Dwarf_Die die;
		Dwarf_Addr base, start, end;
		ptrdiff_t iterator = 0;

		if (dwarf_offdie(dwarf->libdw, offset + header_size, &die) == NULL) {
			offset = next;
			continue;
		}
		while ((iterator = dwarf_ranges(&die, iterator, &base, &start, &end)) > 0) {
			struct unit_range *grown =
				realloc(dwarf->units, (dwarf->nr_units + 1) * sizeof(*grown));

			if (grown == NULL) {
				return;
			}
			dwarf->units = grown;
			dwarf->units[dwarf->nr_units++] =
				(struct unit_range){.start = start,
						    .end = end,
						    .unit = dwarf_dieoffset(&die)};
		}
		offset = next;
	}
	if (dwarf->nr_units != 0) {
		qsort(dwarf->units, dwarf->nr_units, sizeof(*dwarf->units), compare_units);
	}
}

static bool find_unit(struct report_dwarf *dwarf, uint64_t addr, Dwarf_Die *die)
{
	if (!dwarf->units_read) {
		read_units(dwarf);
	}
	for (size_t low = 0, high = dwarf->nr_units; low < high;) {
		size_t middle = low + (high - low) / 2;
		const struct unit_range *range = &dwarf->units[middle];

		if (addr >= range->start && addr < range->end) {
			return dwarf_offdie(dwarf->libdw, range->unit, die) != NULL;
		}
		if (addr < range->start) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return false;
}

/* Scopes go from the innermost outwards; the last inlined one is called in the symbol's own text. */
static void find_inlined(Dwarf_Die *unit, uint64_t addr, struct symbol_place *place)
{
	Dwarf_Die *scopes = NULL;
	Dwarf_Files *files;
	int count = dwarf_getscopes(unit, addr, &scopes);

	for (int i = 0; i < count; i++) {
		Dwarf_Attribute attribute;
		Dwarf_Word file, line;

		if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram) {
			break;
		}
		if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine ||
		    dwarf_formudata(dwarf_attr(&scopes[i], DW_AT_call_file, &attribute), &file) != 0 ||
		    dwarf_formudata(dwarf_attr(&scopes[i], DW_AT_call_line, &attribute), &line) != 0 ||
		    dwarf_getsrcfiles(unit, &files, NULL) != 0) {
			continue;
		}
		if (place->inlined == NULL) {
			place->inlined = dwarf_diename(&scopes[i]);
			place->inlined_file = place->file;
			place->inlined_line = place->line;
		}
		place->file = dwarf_filesrc(files, file, NULL, NULL);
		place->line = (int)line;
	}
	free(scopes);
}

void report_dwarf_line(struct report_dwarf *dwarf, uint64_t addr, struct symbol_place *place)
{
	Dwarf_Die die;
	Dwarf_Line *line;

	if (dwarf == NULL || !find_unit(dwarf, addr, &die) ||
	    (line = dwarf_getsrc_die(&die, addr)) == NULL ||
	    dwarf_lineno(line, &place->line) != 0 || place->line == 0) {
		return;
	}
	place->file = dwarf_linesrc(line, NULL, NULL);
	find_inlined(&die, addr, place);
}

struct inlined_search {
	const char *name;
	void (*each)(void *ctx, uint64_t start, uint64_t end);
	void *ctx;
};

static void inlined_here(struct inlined_search *search, Dwarf_Die *die)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t iterator = 0;
	const char *name = dwarf_tag(die) == DW_TAG_inlined_subroutine ? dwarf_diename(die) : NULL;

	if (name == NULL || strcmp(name, search->name) != 0) {
		return;
	}
	while ((iterator = dwarf_ranges(die, iterator, &base, &start, &end)) > 0) {
		search->each(search->ctx, start, end);
	}
}

static void inlined_below(struct inlined_search *search, Dwarf_Die *parent, unsigned int depth)
{
	Dwarf_Die die;

	if (depth > 64 || dwarf_child(parent, &die) != 0) {
		return;
	}
	do {
		inlined_here(search, &die);
		inlined_below(search, &die, depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

void report_dwarf_inlined(struct report_dwarf *dwarf, const char *name,
			  void (*each)(void *ctx, uint64_t start, uint64_t end), void *ctx)
{
	struct inlined_search search = {.name = name, .each = each, .ctx = ctx};
	Dwarf_Off offset = 0, next;
	size_t header_size;

	while (dwarf != NULL &&
	       dwarf_nextcu(dwarf->libdw, offset, &next, &header_size, NULL, NULL, NULL) == 0) {
		Dwarf_Die die;

		if (dwarf_offdie(dwarf->libdw, offset + header_size, &die) != NULL) {
			inlined_below(&search, &die, 0);
		}
		offset = next;
	}
}
