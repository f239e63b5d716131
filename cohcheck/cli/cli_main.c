/* SPDX-License-Identifier: MIT */
/* cohcheck: see cohcheck(1). */
#include "cli/cli.h"

#include <string.h>

static int check(const struct cli_options *options)
{
	struct qemu_line line;
	int status = cli_check_name(options->qemu_argv[0]);

	if (status != 0) {
		return status;
	}
	status = qemu_line_parse(&line, options->qemu_argc, options->qemu_argv);
	if (status == 0) {
		status = cli_probe(line.program);
	}
	if (status == 0) {
		status = cli_check_room(line.ram_size);
	}
	if (status == 0) {
		status = cli_run(options, &line);
	}
	qemu_line_free(&line);
	return status;
}

int main(int argc, char **argv)
{
	struct cli_options options;
	int status = cli_options_parse(&options, argc, argv);

	if (status == 0 && !options.done) {
		status = options.replay != NULL ? cli_replay(&options) : check(&options);
	}
	cli_options_free(&options);
	return status;
}
