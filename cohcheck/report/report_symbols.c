/* SPDX-License-Identifier: MIT */
/* Symbol tables, sorted once. Source lines and inlined functions are in report_dwarf.c. */
#include "report/report_symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/report_dwarf.h"

struct symbol {
	uint64_t start, end;
	const char *name;
	uint8_t rank; /* of several at one address the highest is shown */
	bool sized;
};

struct symbol_file {
	struct symbol_file *next;
	char *name;
	int fd;
	Elf *elf;
	uint64_t low, high; /* of its loadable segments, as linked */
	struct symbol *symbols;
	size_t nr_symbols;
	struct report_dwarf *dwarf;
	struct {
		uint64_t delta; /* guest's address - linked address */
	} bases[16];
	unsigned int nr_bases;
};

struct symbols {
	struct symbol_file *files;
};

struct symbols *symbols_create(void)
{
	elf_version(EV_CURRENT);
	return calloc(1, sizeof(struct symbols));
}

static void file_close(struct symbol_file *file)
{
	report_dwarf_close(file->dwarf);
	if (file->elf != NULL) {
		elf_end(file->elf);
	}
	if (file->fd >= 0) {
		close(file->fd);
	}
	free(file->symbols);
	free(file->name);
	free(file);
}

void symbols_destroy(struct symbols *symbols)
{
	if (symbols == NULL) {
		return;
	}
	while (symbols->files != NULL) {
		struct symbol_file *file = symbols->files;

		symbols->files = file->next;
		file_close(file);
	}
	free(symbols);
}

/*
 * Mapping symbols ($x, $d, $x.1 ...) mark code and data: ELF for the Arm Architecture (AAELF64), "Mapping
 * symbols".
 */
static bool is_mapping_symbol(const char *name)
{
	return name[0] == '$' && strchr("xdat", name[1]) != NULL;
}

static uint8_t symbol_rank(const GElf_Sym *sym)
{
	unsigned int type = GELF_ST_TYPE(sym->st_info);
	unsigned int bind = GELF_ST_BIND(sym->st_info);

	return (uint8_t)((type == STT_FUNC || type == STT_OBJECT ? 4 : 0) +
			 (sym->st_size != 0 ? 2 : 0) + (bind == STB_GLOBAL ? 1 : 0));
}

static int compare_symbols(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->start != b->start) {
		return a->start < b->start ? -1 : 1;
	}
	return (int)a->rank - (int)b->rank;
}

static void take_symbols(struct symbol_file *file, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = header->sh_entsize == 0 ? 0 : header->sh_size / header->sh_entsize;
	struct symbol *grown =
		realloc(file->symbols, (file->nr_symbols + count + 1) * sizeof(*grown));

	if (data == NULL || grown == NULL) {
		return;
	}
	file->symbols = grown;
	for (size_t i = 0; i < count; i++) {
		GElf_Sym sym;
		const char *name;

		if (gelf_getsym(data, (int)i, &sym) == NULL || sym.st_shndx == SHN_UNDEF ||
		    sym.st_shndx == SHN_ABS || GELF_ST_TYPE(sym.st_info) > STT_FUNC ||
		    GELF_ST_TYPE(sym.st_info) == STT_SECTION) {
			continue;
		}
		name = elf_strptr(file->elf, header->sh_link, sym.st_name);
		if (name == NULL || name[0] == '\0' || is_mapping_symbol(name)) {
			continue;
		}
		file->symbols[file->nr_symbols++] = (struct symbol){
			.start = sym.st_value,
			.end = sym.st_value + sym.st_size,
			.name = name,
			.rank = symbol_rank(&sym),
			.sized = sym.st_size != 0,
		};
	}
}

/* A symbol without a size, as assembly has them, reaches to the next one. */
static void finish_symbols(struct symbol_file *file)
{
	if (file->nr_symbols == 0) {
		return;
	}
	qsort(file->symbols, file->nr_symbols, sizeof(*file->symbols), compare_symbols);
	for (size_t i = 0; i < file->nr_symbols; i++) {
		struct symbol *symbol = &file->symbols[i];
		size_t next = i + 1;

		while (next < file->nr_symbols && file->symbols[next].start == symbol->start) {
			next++;
		}
		if (!symbol->sized) {
			symbol->end =
				next < file->nr_symbols ? file->symbols[next].start : file->high;
		}
	}
}

static void read_symbols(struct symbol_file *file)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(file->elf, section)) != NULL) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_SYMTAB) {
			take_symbols(file, section, &header);
		}
	}
	finish_symbols(file);
}

static bool read_segments(struct symbol_file *file)
{
	size_t count = 0;

	file->low = UINT64_MAX;
	file->high = 0;
	if (elf_getphdrnum(file->elf, &count) != 0) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (gelf_getphdr(file->elf, (int)i, &segment) == NULL ||
		    segment.p_type != PT_LOAD || segment.p_memsz == 0) {
			continue;
		}
		if (segment.p_vaddr < file->low) {
			file->low = segment.p_vaddr;
		}
		if (segment.p_vaddr + segment.p_memsz > file->high) {
			file->high = segment.p_vaddr + segment.p_memsz;
		}
	}
	return file->low < file->high;
}

/* Reads what is needed of the open file; an error's text, or NULL. */
static const char *file_read(struct symbol_file *file)
{
	GElf_Ehdr header;

	file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	if (file->elf == NULL || elf_kind(file->elf) != ELF_K_ELF ||
	    gelf_getehdr(file->elf, &header) == NULL) {
		return "is not an ELF file";
	}
	if (header.e_machine != EM_AARCH64 && header.e_machine != EM_ARM) {
		return "is an ELF file of another architecture, neither AArch64 nor Arm";
	}
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
		return "is not linked: cohcheck needs addresses, give the linker's output";
	}
	if (!read_segments(file)) {
		return "has no loadable segments, so that its addresses are unknown";
	}
	read_symbols(file);
	if (file->nr_symbols == 0) {
		return "has no symbol table, it has been stripped: give the file as the linker wrote it";
	}
	file->dwarf = report_dwarf_open(file->elf);
	return NULL;
}

static struct symbol_file *file_open(struct symbols *symbols, const char *name, char *error,
				     unsigned int size, int *status)
{
	struct symbol_file *file;
	const char *problem;

	for (file = symbols->files; file != NULL; file = file->next) {
		if (strcmp(file->name, name) == 0) {
			return file;
		}
	}
	file = calloc(1, sizeof(*file));
	if (file == NULL || (file->name = strdup(name)) == NULL) {
		free(file);
		*status = -ENOMEM;
		return NULL;
	}
	file->fd = open(name, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0) {
		*status = -errno;
		snprintf(error, size, "cannot open the ELF file %s: %s", name, strerror(errno));
		file_close(file);
		return NULL;
	}
	problem = file_read(file);
	if (problem != NULL) {
		*status = -EINVAL;
		snprintf(error, size, "%s %s", name, problem);
		file_close(file);
		return NULL;
	}
	file->next = symbols->files;
	symbols->files = file;
	return file;
}

int symbols_add(struct symbols *symbols, const char *argument, char *error, unsigned int size)
{
	const char *at = strrchr(argument, '@');
	char *name = at != NULL && access(argument, F_OK) != 0
			   ? strndup(argument, (size_t)(at - argument))
			   : strdup(argument);
	bool has_base = name != NULL && strcmp(name, argument) != 0;
	struct symbol_file *file;
	uint64_t base = 0;
	int status = -ENOMEM;

	snprintf(error, size, "out of memory");
	if (name == NULL) {
		return status;
	}
	if (has_base) {
		char *end;

		errno = 0;
		base = strtoull(at + 1, &end, 0);
		if (errno != 0 || end == at + 1 || *end != '\0' || at[1] == '-') {
			snprintf(error, size,
				 "'%s': behind the @ there must be an address, such as 0x40200000",
				 argument);
			free(name);
			return -EINVAL;
		}
	}
	file = file_open(symbols, name, error, size, &status);
	free(name);
	if (file == NULL) {
		return status;
	}
	if (file->nr_bases == sizeof(file->bases) / sizeof(file->bases[0])) {
		snprintf(error, size, "%s is given more than 16 times", file->name);
		return -E2BIG;
	}
	file->bases[file->nr_bases++].delta = has_base ? base - file->low : 0;
	return 0;
}

/*
 * The last symbol that starts at or before the address and reaches it; names of nested ranges come out
 * innermost.
 */
static const struct symbol *find_symbol(const struct symbol_file *file, uint64_t addr)
{
	size_t low = 0, high = file->nr_symbols;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->symbols[middle].start <= addr) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	/* A label inside a function does not hide it; what is 16 symbols away is not looked for. */
	for (size_t i = low, tries = 0; i > 0 && tries < 16; i--, tries++) {
		const struct symbol *symbol = &file->symbols[i - 1];

		if (symbol->sized && addr < symbol->end) {
			return symbol;
		}
	}
	return low > 0 && addr < file->symbols[low - 1].end ? &file->symbols[low - 1] : NULL;
}

/*
 * The file, and the linked address in it, of the first file with a symbol there, or else the first that
 * has the address.
 */
static struct symbol_file *find_file(struct symbols *symbols, uint64_t addr,
				     struct symbol_place *place, uint64_t *linked_addr)
{
	struct symbol_file *found = NULL;

	for (struct symbol_file *file = symbols == NULL ? NULL : symbols->files; file != NULL;
	     file = file->next) {
		for (unsigned int i = 0; i < file->nr_bases; i++) {
			uint64_t linked = addr - file->bases[i].delta;
			const struct symbol *symbol;

			if (linked < file->low || linked >= file->high) {
				continue;
			}
			symbol = find_symbol(file, linked);
			if (symbol == NULL && found != NULL) {
				continue;
			}
			found = file;
			*linked_addr = linked;
			place->elf = file->name;
			if (symbol != NULL) {
				place->symbol = symbol->name;
				place->start = symbol->start + file->bases[i].delta;
				place->offset = linked - symbol->start;
				return file;
			}
		}
	}
	return found;
}

void symbols_find_name(struct symbols *symbols, uint64_t addr, struct symbol_place *place)
{
	uint64_t linked;

	*place = (struct symbol_place){.elf = NULL};
	find_file(symbols, addr, place, &linked);
}

void symbols_find(struct symbols *symbols, uint64_t addr, struct symbol_place *place)
{
	struct symbol_file *file;
	uint64_t linked;

	*place = (struct symbol_place){.elf = NULL};
	file = find_file(symbols, addr, place, &linked);
	if (file != NULL) {
		report_dwarf_line(file->dwarf, linked, place);
	}
}

struct range_search {
	void (*each)(void *ctx, uint64_t start, uint64_t end);
	void *ctx;
	const struct symbol_file *file;
	unsigned int found;
};

static void give_range(void *ctx, uint64_t start, uint64_t end)
{
	struct range_search *search = ctx;

	for (unsigned int i = 0; i < search->file->nr_bases; i++) {
		uint64_t delta = search->file->bases[i].delta;

		search->each(search->ctx, start + delta, end + delta);
		search->found++;
	}
}

unsigned int symbols_ranges(struct symbols *symbols, const char *name,
			    void (*each)(void *ctx, uint64_t start, uint64_t end), void *ctx)
{
	struct range_search search = {.each = each, .ctx = ctx};

	for (struct symbol_file *file = symbols->files; file != NULL; file = file->next) {
		search.file = file;
		for (size_t i = 0; i < file->nr_symbols; i++) {
			if (strcmp(file->symbols[i].name, name) == 0) {
				give_range(&search, file->symbols[i].start, file->symbols[i].end);
			}
		}
	}
	for (struct symbol_file *file = symbols->files; file != NULL && search.found == 0;
	     file = file->next) {
		search.file = file;
		report_dwarf_inlined(file->dwarf, name, give_range, &search);
	}
	return search.found;
}
