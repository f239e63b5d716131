/* SPDX-License-Identifier: MIT */
/* DWARF of one ELF file, by addresses as linked: source lines, and where functions were inlined. */
#pragma once

#include <libelf.h>

#include "report/report_symbols.h"

struct report_dwarf;

/* NULL: the file has none. All functions take that for an answer. */
struct report_dwarf *report_dwarf_open(Elf *elf);
void report_dwarf_close(struct report_dwarf *dwarf);
/* Fills in .file, .line and .inlined..., if they are known. */
void report_dwarf_line(struct report_dwarf *dwarf, uint64_t addr, struct symbol_place *place);
/* Every range of code that was inlined from the function of this name. */
void report_dwarf_inlined(struct report_dwarf *dwarf, const char *name,
			  void (*each)(void *ctx, uint64_t start, uint64_t end), void *ctx);
