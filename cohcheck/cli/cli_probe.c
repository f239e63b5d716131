/* SPDX-License-Identifier: MIT */
/* Whether QEMU and this host can do what is asked, found out before the guest starts. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OLDEST_MAJOR 10

int cli_fail(const char *format, ...)
{
	va_list arguments;

	fputs("cohcheck: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return CLI_FAILED;
}

/* All that comes until the end, as a string; NULL: out of memory. */
static char *read_all(int fd)
{
	char *text = NULL, part[4096];
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	ssize_t got;

	if (out == NULL) {
		return NULL;
	}
	while ((got = read(fd, part, sizeof(part))) > 0 || (got < 0 && errno == EINTR)) {
		if (got > 0) {
			fwrite(part, 1, (size_t)got, out);
		}
	}
	fclose(out);
	return text;
}

char *cli_capture(const char *const *argv, int *status)
{
	int ends[2];
	char *text;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0) {
		return NULL;
	}
	child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_RDONLY);

		dup2(null, 0);
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		execvp(argv[0], (char *const *)argv);
		_exit(errno == EACCES ? 126 : 127);
	}
	close(ends[1]);
	text = child < 0 ? NULL : read_all(ends[0]);
	close(ends[0]);
	*status = -1;
	while (child > 0 && waitpid(child, status, 0) < 0 && errno == EINTR) {
	}
	return text;
}

static int user_mode(const char *program)
{
	return cli_fail("%s is user-mode QEMU, which has neither caches to maintain nor translation tables: use "
			"qemu-system-aarch64",
			program);
}

static int check_help(const char *program, const char *text)
{
	const char *version = strstr(text, "QEMU emulator version ");
	unsigned int major, minor;

	if (version == NULL) {
		if (strstr(text, "Linux CPU emulator") != NULL ||
		    strstr(text, "[arguments...]") != NULL) {
			return user_mode(program);
		}
		return cli_fail("%s does not look like QEMU: its --help names no version", program);
	}
	if (sscanf(version, "QEMU emulator version %u.%u", &major, &minor) != 2) {
		return cli_fail("cannot tell the version of %s", program);
	}
	if (major < OLDEST_MAJOR) {
		return cli_fail("%s is QEMU %u.%u, too old: plugins can read registers well enough from %d.0 on",
				program, major, minor, OLDEST_MAJOR);
	}
	if (strstr(text, "\n-plugin ") == NULL) {
		return cli_fail("%s was built without plugins (its --help has no -plugin): use a build with --enable-plugins, "
				"as distributions have",
				program);
	}
	return 0;
}

int cli_check_name(const char *program)
{
	const char *slash = strrchr(program, '/'), *name = slash == NULL ? program : slash + 1;

	if (strncmp(name, "qemu-aarch64", 12) == 0 || strncmp(name, "qemu-arm", 8) == 0) {
		return user_mode(program);
	}

	if (strncmp(name, "qemu-system-", 12) == 0 && strncmp(name + 12, "aarch64", 7) != 0 &&
	    strncmp(name + 12, "arm64", 5) != 0) {
		return cli_fail("%s emulates another architecture: cohcheck checks AArch64, use qemu-system-aarch64",
				program);
	}
	return 0;
}

int cli_probe(const char *program)
{
	const char *const argv[] = {program, "--help", NULL};
	char *text;
	int status;

	text = cli_capture(argv, &status);
	if (text == NULL) {
		return cli_fail("cannot run %s: %s", program, strerror(errno));
	}
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 127 || WEXITSTATUS(status) == 126) &&
	    text[0] == '\0') {
		free(text);
		return cli_fail("cannot run %s: %s", program,
				WEXITSTATUS(status) == 127 ? "there is no such program"
							   : "it is not executable");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 127) {
		fputs(text, stderr);
		free(text);
		return cli_fail("%s --help does not work (see above)", program);
	}
	status = check_help(program, text);
	free(text);
	return status;
}

/* A line "Name: N kB" of /proc/meminfo, in bytes. */
static uint64_t meminfo(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[160];
	unsigned long long kib = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0 &&
		    sscanf(line + strlen(name), " %llu", &kib) == 1) {
			break;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return kib * 1024;
}

int cli_check_room(uint64_t ram_size)
{
	uint64_t host = meminfo("MemTotal:") + meminfo("SwapTotal:");
	uint64_t needed = ram_size + ram_size / 100 * 35;

	if (host != 0 && (needed > host || needed < ram_size)) {
		return cli_fail("%llu MiB of guest RAM do not fit: with up to 0.35 bytes for each byte of it that is %llu MiB, "
				"and this machine has %llu; use a smaller -m",
				(unsigned long long)(ram_size >> 20),
				(unsigned long long)(needed >> 20),
				(unsigned long long)(host >> 20));
	}
	return 0;
}
