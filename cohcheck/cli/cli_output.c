/* SPDX-License-Identifier: MIT */
/*
 * The files that a run writes, and its exit status. They are opened before it starts, so that nobody waits
 * for nothing.
 */
#include "cli/cli_internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int open_one(const char *path, const char *mode, FILE **file)
{
	if (path == NULL) {
		return 0;
	}
	*file = fopen(path, mode);
	return *file == NULL ? cli_fail("cannot write %s: %s", path, strerror(errno)) : 0;
}

int cli_output_open(struct cli_output *output, const struct cli_options *options)
{
	struct report_settings settings = {
		.log = stderr,
		.symbols = options->symbols,
		.suppressions = options->suppressions,
		.summary = options->summary,
	};
	int status;

	*output = (struct cli_output){.options = options};
	status = open_one(options->log, "we", &output->log);
	if (status == 0) {
		status = open_one(options->json, "we", &output->json);
	}
	if (status == 0) {
		status = open_one(options->html, "we", &output->html);
	}
	if (status == 0) {
		status = open_one(options->trace, "w+", &output->trace);
	}
	if (status == 0 && output->html != NULL && output->trace == NULL && options->replay == NULL) {
		output->trace = tmpfile();
		if (output->trace == NULL) {
			status = cli_fail("--html needs a temporary file for a trace: %s",
					  strerror(errno));
		}
	}
	if (output->log != NULL) {
		settings.log = output->log;
	}
	output->report = status == 0 ? report_create(&settings) : NULL;
	if (status == 0 && output->report == NULL) {
		status = cli_fail("out of memory");
	}
	return status;
}

static int close_one(FILE *file, const char *path, int error)
{
	if (file == NULL) {
		return 0;
	}
	if (fclose(file) != 0 && error == 0) {
		error = -errno;
	}
	return error == 0 ? 0 : cli_fail("cannot write %s: %s", path, strerror(-error));
}

static void discard_one(FILE *file, const char *path)
{
	if (file != NULL) {
		fclose(file);
		unlink(path);
	}
}

int cli_output_finish(struct cli_output *output, FILE *trace)
{
	const struct cli_options *options = output->options;
	int status = 0, failed;

	if (output->report != NULL) {
		report_end(output->report);
		if (output->json != NULL) {
			failed = report_write_json(output->report, output->json);
			status |= close_one(output->json, options->json, failed);
			output->json = NULL;
		}
		if (output->html != NULL) {
			failed = report_write_html(output->report, output->html, trace);
			status |= close_one(output->html, options->html, failed);
			output->html = NULL;
		}
		if (report_found(output->report) != 0 && status == 0) {
			status = options->exit_code;
		}
	}
	return status;
}

void cli_output_close(struct cli_output *output)
{
	report_destroy(output->report);
	/* Nothing came to be written: no empty file is left to be taken for a result. */
	discard_one(output->json, output->options->json);
	discard_one(output->html, output->options->html);
	close_one(output->log, output->options->log, 0);
	if (output->trace != NULL) {
		fclose(output->trace);
	}
}
