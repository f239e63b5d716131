/* SPDX-License-Identifier: MIT */
/*
 * A run: QEMU as a child with the plugin and a memory of ours, the pipe from which reports come, and
 * signals.
 *
 * QEMU keeps standard input and output, so the guest's console is the user's. Ctrl-C reaches it through
 * the terminal; a signal to this process is passed on, and QEMU that does not end then is killed. Should
 * this process die, the kernel kills QEMU.
 */
#include "cli/cli_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_TO_KILL 10

struct run {
	const struct cli_options *options;
	const struct qemu_line *line;
	struct cli_output output;
	struct cli_child qemu;
	int pipe, signals; /* our end */
	sigset_t old_mask;
	pid_t child;
	bool child_ended, broken, stopping;
	int child_status;
	time_t deadline; /* for QEMU, once it was told to end; 0: none */
	int signal;      /* that ended the run; 0: none */
	uint8_t buffer[1 << 16];
	size_t filled;
	struct termios terminal;
	bool has_terminal;
};

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* --- starting ------------------------------------------------------------------------------------ */

/* -bios looks into QEMU's own folders, too: those of -L, and those that "-L help" names. */
static int open_firmware(const struct qemu_line *line, const char *name)
{
	const char *const argv[] = {line->program, "-L", "help", NULL};
	char path[4096], *folders = NULL, *rest;
	int fd = open(name, O_RDONLY), status;

	for (unsigned int i = 0; fd < 0 && i < line->nr_data_folders; i++) {
		snprintf(path, sizeof(path), "%s/%s", line->data_folders[i], name);
		fd = open(path, O_RDONLY);
	}
	if (fd < 0) {
		folders = cli_capture(argv, &status);
	}
	for (char *folder = folders == NULL ? NULL : strtok_r(folders, "\n", &rest);
	     fd < 0 && folder != NULL; folder = strtok_r(NULL, "\n", &rest)) {
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		fd = open(path, O_RDONLY);
	}
	free(folders);
	if (fd < 0) {
		errno = ENOENT;
	}
	return fd;
}

static int open_flash(const struct qemu_line *line, const struct qemu_flash *flash, int *fd)
{
	char magic[4] = "";

	*fd = flash->is_rom ? open_firmware(line, flash->file) : open(flash->file, O_RDONLY);
	if (*fd < 0) {
		return cli_fail("cannot open the flash image %s: %s", flash->file, strerror(errno));
	}
	if (read(*fd, magic, 4) == 4 && memcmp(magic, "QFI\373", 4) == 0) {
		return cli_fail("the flash image %s is in qcow2 format, in which the plugin cannot read it: convert it "
				"(qemu-img convert -O raw)",
				flash->file);
	}
	return 0;
}

static int open_inherited(struct run *run)
{
	int status = 0, ends[2];

	run->qemu.ram = memfd_create("cohcheck-ram", 0);
	if (run->qemu.ram < 0 || ftruncate(run->qemu.ram, (off_t)run->line->ram_size) != 0) {
		return cli_fail("cannot make %llu MiB of memory for the guest: %s",
				(unsigned long long)(run->line->ram_size >> 20), strerror(errno));
	}
	for (unsigned int i = 0; i < run->line->nr_flashes && status == 0; i++) {
		status = open_flash(run->line, &run->line->flashes[i], &run->qemu.roms[i]);
	}
	if (status == 0 && pipe(ends) != 0) {
		return cli_fail("cannot make a pipe: %s", strerror(errno));
	}
	if (status == 0) {
		run->pipe = ends[0];
		run->qemu.pipe = ends[1];
		fcntl(run->pipe, F_SETFL, O_NONBLOCK);
	}
	return status;
}

static void block_signals(struct run *run)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGQUIT);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, &run->old_mask);
	run->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	run->has_terminal = tcgetattr(STDIN_FILENO, &run->terminal) == 0;
}

static _Noreturn void become_qemu(struct run *run, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(127);
	}
	close(run->pipe);
	sigprocmask(SIG_SETMASK, &run->old_mask, NULL);
	execvp(run->qemu.argv[0], run->qemu.argv);
	fprintf(stderr, "cohcheck: cannot run %s: %s\n", run->qemu.argv[0], strerror(errno));
	_exit(127);
}

static int start(struct run *run)
{
	pid_t parent = getpid();
	int status = cli_child_arguments(&run->qemu);

	if (status != 0) {
		return status;
	}
	block_signals(run);
	fflush(NULL);
	run->child = fork();
	if (run->child < 0) {
		return cli_fail("cannot start QEMU: %s", strerror(errno));
	}
	if (run->child == 0) {
		become_qemu(run, parent);
	}
	close(run->qemu.pipe);
	run->qemu.pipe = -1;
	return 0;
}

/* --- running ------------------------------------------------------------------------------------- */

static void tell_child(struct run *run, int signal)
{
	if (!run->child_ended) {
		kill(run->child, signal);
		if (run->deadline == 0) {
			run->deadline = now() + SECONDS_TO_KILL;
		}
	}
}

static void take_signals(struct run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD) {
			run->signal = (int)info.ssi_signo;
			tell_child(run, run->signal);
		}
	}
	if (waitpid(run->child, &run->child_status, WNOHANG) == run->child) {
		run->child_ended = true;
	}
}

static void take_record(struct run *run, const struct stream_record *record, const void *data)
{
	if (run->broken || (run->stopping && record->type == STREAM_FINDING)) {
		return;
	}
	if (report_take(run->output.report, record->type, data, record->length) != 0) {
		run->broken = true;
		tell_child(run, SIGTERM);
	} else if (run->options->stop_on_first && report_found(run->output.report) != 0 &&
		   !run->stopping) {
		run->stopping = true;
		tell_child(run, SIGTERM);
	}
}

/* What the pipe has; false at its end. */
static bool take_pipe(struct run *run)
{
	ssize_t got = read(run->pipe, run->buffer + run->filled, sizeof(run->buffer) - run->filled);
	size_t at = 0;

	if (got <= 0) {
		return got < 0 && (errno == EAGAIN || errno == EINTR);
	}
	run->filled += (size_t)got;
	while (run->filled - at >= sizeof(struct stream_record)) {
		struct stream_record record;
		/* Aligned as the structures in it want it. */
		_Alignas(16) uint8_t data[STREAM_MAX_RECORD];

		memcpy(&record, run->buffer + at, sizeof(record));
		if (record.length > STREAM_MAX_RECORD) {
			record.length = STREAM_MAX_RECORD + 1;
			take_record(run, &record, data);
			at = run->filled;
			break;
		}
		if (run->filled - at - sizeof(record) < record.length) {
			break;
		}
		memcpy(data, run->buffer + at + sizeof(record), record.length);
		take_record(run, &record, data);
		at += sizeof(record) + record.length;
	}
	run->filled -= at;
	memmove(run->buffer, run->buffer + at, run->filled);
	return true;
}

static void attend(struct run *run)
{
	struct pollfd polls[2] = {{.fd = run->pipe, .events = POLLIN},
				  {.fd = run->signals, .events = POLLIN}};
	bool open = true;

	while (!run->child_ended) {
		int timeout = run->deadline == 0 ? -1 : 1000;

		polls[0].fd = open ? run->pipe : -1;
		if (poll(polls, 2, timeout) < 0 && errno != EINTR) {
			break;
		}
		if (open && polls[0].revents != 0) {
			open = take_pipe(run);
		}
		take_signals(run);
		if (run->deadline != 0 && now() > run->deadline && !run->child_ended) {
			kill(run->child, SIGKILL);
		}
	}
	/* What it wrote last. Not until the end of the file: a child of QEMU may have the pipe, too. */
	while (open && poll(polls, 1, 0) > 0 && take_pipe(run)) {
	}
}

static void restore_terminal(const struct run *run)
{
	if (run->has_terminal && tcgetpgrp(STDIN_FILENO) == getpgrp()) {
		tcsetattr(STDIN_FILENO, TCSANOW, &run->terminal);
	}
}

/* Could the run do its work? An exit status, and what to say. */
static int judge(const struct run *run)
{
	const struct report *report = run->output.report;
	bool exited = WIFEXITED(run->child_status);
	int code = exited ? WEXITSTATUS(run->child_status) : WTERMSIG(run->child_status);

	if (report_refused(report) != NULL) {
		return cli_fail("%s", report_refused(report));
	}
	if (run->broken) {
		return CLI_FAILED;
	}
	if (!report_started(report)) {
		return cli_fail("QEMU ended before the guest started (%s %d): see its message above",
				exited ? "status" : "signal", code);
	}
	if (!report_finished(report)) {
		return cli_fail("QEMU ended without the plugin's last words (%s %d): the run is incomplete",
				exited ? "status" : "signal", code);
	}
	if (code != 0) {
		fprintf(stderr, "cohcheck: note: QEMU ended with %s %d\n",
			exited ? "status" : "signal", code);
	}
	return 0;
}

static int check(struct run *run)
{
	int status = open_inherited(run), failed;

	if (status == 0) {
		status = start(run);
	}
	if (status != 0) {
		return status;
	}
	attend(run);
	restore_terminal(run);
	if (run->line->secure) {
		report_add_unchecked(run->output.report,
				     "secure RAM at 0xe000000 (-machine secure=on): QEMU cannot share it",
				     1);
	}
	status = judge(run);
	if (!report_started(run->output.report)) {
		return status;
	}
	failed = cli_output_finish(&run->output, run->output.trace);
	/* An incomplete run that found something has found it; one that found nothing says nothing. */
	return failed != 0 ? failed : status;
}

static void close_all(struct run *run)
{
	const int files[] = {run->qemu.ram, run->qemu.roms[0], run->qemu.roms[1], run->qemu.pipe,
			     run->pipe};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i] >= 0) {
			close(files[i]);
		}
	}
	if (run->signals >= 0) {
		close(run->signals);
		sigprocmask(SIG_SETMASK, &run->old_mask, NULL);
	}
	cli_child_free(&run->qemu);
}

int cli_run(const struct cli_options *options, const struct qemu_line *line)
{
	static struct run run;
	int status;

	run = (struct run){
		.options = options,
		.line = line,
		.qemu = {.options = options,
			 .line = line,
			 .ram = -1,
			 .roms = {-1, -1},
			 .pipe = -1,
			 .trace = -1},
		.pipe = -1,
		.signals = -1,
	};
	status = cli_output_open(&run.output, options);
	if (run.output.trace != NULL) {
		run.qemu.trace = fileno(run.output.trace);
	}
	if (status == 0) {
		status = check(&run);
	}
	cli_output_close(&run.output);
	close_all(&run);
	return status;
}
