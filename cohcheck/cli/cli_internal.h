/* SPDX-License-Identifier: MIT */
/* What a run with QEMU and a replay have in common. */
#pragma once

#include "cli/cli.h"

struct cli_output {
	const struct cli_options *options;
	struct report *report;
	FILE *log, *json, *html, *trace; /* NULL: not wanted */
};

/* cli_output_close() whatever it returned. */
int cli_output_open(struct cli_output *output, const struct cli_options *options);
/* Last words and files. The exit status as far as findings decide it. */
int cli_output_finish(struct cli_output *output, FILE *trace);
void cli_output_close(struct cli_output *output);

/* QEMU to be: what it inherits, and its command line. */
struct cli_child {
	const struct cli_options *options;
	const struct qemu_line *line;
	int ram, roms[2], pipe, trace; /* file descriptors; -1: none */
	char **argv;                   /* from here on: cli_child_arguments() */
	char *memory, *plugin;
};

int cli_child_arguments(struct cli_child *child);
void cli_child_free(struct cli_child *child);
