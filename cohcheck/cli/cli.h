/* SPDX-License-Identifier: MIT */
/*
 * The command: its options (cli_options.c), what it must understand of QEMU's command line (cli_qemu.c,
 * cli_machine.c), what QEMU's loader puts where (cli_boot.c), what it asks of QEMU before (cli_probe.c),
 * QEMU as a child (cli_run.c).
 *
 * Functions that can fail print one message to standard error themselves and return an exit status: 0 is
 * good.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "report/report.h"

#define CLI_VERSION   "1.0"

/* Of the machine virt: qemu: hw/arm/virt.c, base_memmap. */
#define CLI_RAM_START UINT64_C(0x40000000)

/* "could not do its work" */
#define CLI_FAILED    2

struct cli_range {
	uint64_t start, size;
};

struct cli_ranges {
	struct cli_range *list;
	size_t count;
};

void cli_range_add(struct cli_ranges *ranges, uint64_t start, uint64_t size);
void cli_ranges_free(struct cli_ranges *ranges);

/* "cohcheck: ..." on standard error; returns CLI_FAILED. */
__attribute__((format(printf, 1, 2))) int cli_fail(const char *format, ...);

struct cli_drop {
	char op[32]; /* DC_CIVAC, TLBI ... */
	bool in_ranges;
	struct cli_ranges ranges; /* virtual addresses, if in_ranges */
};

struct cli_options {
	struct symbols *symbols;
	struct suppression *suppressions;
	const char *json, *html, *trace, *replay, *log, *plugin;
	bool has_line;
	uint64_t line;
	bool stop_on_first, summary, adversarial, dma_noncoherent;
	int exit_code;
	struct cli_drop *drops;
	size_t nr_drops;
	struct cli_ranges clean, loaded;
	int qemu_argc; /* 0: none given */
	char **qemu_argv;
	bool done; /* --help or --version: nothing is left to do */
};

/* Reads files named in options, too. cli_options_free() whatever it returned. */
int cli_options_parse(struct cli_options *options, int argc, char **argv);
void cli_options_free(struct cli_options *options);

/* --- QEMU's command line ---------------------------------------------------------------------------- */

/* "loader" among -device, in any of QEMU's spellings. */
struct qemu_blob {
	const char *file; /* NULL: data of .size bytes */
	uint64_t addr, size;
	bool raw, starts; /* force-raw=on; a CPU starts in it (cpu-num) */
};

struct qemu_flash {
	const char *file;
	uint64_t start;
	bool is_rom; /* -bios: may be shorter than the bank */
};

struct qemu_line {
	const char *program;
	const char *machine; /* virt, virt-9.2 ...; NULL: not given */
	const char *cpu;
	uint64_t ram_size;
	unsigned int nr_cpus;
	const char *kernel, *initrd, *dtb, *bios;
	bool secure, single_thread;
	struct qemu_flash flashes[2];
	unsigned int nr_flashes;
	struct qemu_blob *blobs;
	size_t nr_blobs;
	const char *data_folders[16]; /* -L */
	unsigned int nr_data_folders;
	void *owned; /* what the strings point into */
};

int qemu_line_parse(struct qemu_line *line, int argc, char **argv);
void qemu_line_free(struct qemu_line *line);

/* Settings as QEMU writes them: key=value,key=value with ,, for a comma, or JSON. */
struct qemu_setting {
	const char *key, *value; /* value "on" where there is no = */
};
struct qemu_settings {
	struct qemu_setting *list;
	size_t count;
	struct qemu_settings *next; /* of qemu_line.owned */
};
/* implied: the key of a first word without =; NULL: none. NULL: out of memory, or bad JSON. */
struct qemu_settings *qemu_settings_parse(const char *text, const char *implied);
/* The last of this key, or NULL. */
const char *qemu_setting(const struct qemu_settings *settings, const char *key);
void qemu_settings_free(struct qemu_settings *settings);
/* 1.5G, 512K, 0x100; default_shift for a number without suffix. */
bool qemu_size_parse(const char *text, unsigned int default_shift, uint64_t *size);
bool qemu_number_parse(const char *text, uint64_t *number);
bool qemu_is_on(const char *value);
/* Does this option of QEMU (without dashes) take the next word? */
bool qemu_option_has_argument(const char *name);

/* --- before and during the run ---------------------------------------------------------------------- */

/* By its name alone: is it clearly something else than QEMU for AArch64 systems? */
int cli_check_name(const char *program);
/* Can this program run the plugin? Runs it once, for its --help. */
int cli_probe(const char *program);
/*
 * The text that a program prints, standard error included; NULL: it could not be run. Its exit status in
 * *status.
 */
char *cli_capture(const char *const *argv, int *status);

/* Is there room for the guest's memory and the checker's? */
int cli_check_room(uint64_t ram_size);

/* What the boot protocol says of memory at reset: docs of --entry in cohcheck(1). */
int cli_boot_ranges(const struct qemu_line *line, bool user_gave_clean, struct cli_ranges *clean,
		    struct cli_ranges *loaded);
uint64_t cli_file_size(const char *path); /* 0: unreadable */

int cli_run(const struct cli_options *options, const struct qemu_line *line);
int cli_replay(const struct cli_options *options);
