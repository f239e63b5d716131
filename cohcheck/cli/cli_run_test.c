/* SPDX-License-Identifier: MIT */
/*
 * Running QEMU: this program is QEMU, too. Its child looks for the plugin's argument, plays the plugin's
 * part on the pipe as the first word says, and ends.
 */
#include "cli/cli.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* --- as QEMU --------------------------------------------------------------------------------------- */

static int pipe_fd;

static void send_record(uint32_t type, const void *data, uint32_t length)
{
	struct stream_record record = {.type = type, .length = length};

	if (write(pipe_fd, &record, sizeof(record)) != (ssize_t)sizeof(record) ||
	    write(pipe_fd, data, length) != (ssize_t)length) {
		exit(9);
	}
}

static void send_hello(void)
{
	struct stream_hello hello = {.version = STREAM_VERSION,
				     .nr_cpus = 1,
				     .config = {.wb_shift = 6, .nr_cpus = 1}};

	send_record(STREAM_HELLO, &hello, sizeof(hello));
}

static void send_finding(uint32_t idx)
{
	struct stream_site site = {.idx = idx, .pc = 0x40080000 + idx * 4, .el = 1};
	struct stream_finding finding = {.finding = {.kind = FINDING_READ_STALE,
						     .site = idx,
						     .size = 4,
						     .paddr = 0x40001000,
						     .writer = SITE_LOADER}};

	send_record(STREAM_SITE, &site, sizeof(site));
	send_record(STREAM_FINDING, &finding, sizeof(finding));
}

static void send_totals(void)
{
	struct stream_totals totals = {.instructions = 77};

	send_record(STREAM_TOTALS, &totals, sizeof(totals));
}

/* The memory that the command line promises is there, and is as large as it says. */
static void check_memory(const char *object, const char *plugin)
{
	unsigned long long start, size;
	char path[64];
	struct stat status;
	int fd;

	if (sscanf(strstr(plugin, ",ram="), ",ram=%d:%llx:%llx", &fd, &start, &size) != 3 ||
	    start != 0x40000000) {
		exit(10);
	}
	snprintf(path, sizeof(path), "mem-path=/proc/self/fd/%d,share=on,size=%llu", fd, size);
	if (fstat(fd, &status) != 0 || (unsigned long long)status.st_size != size ||
	    strstr(object, path) == NULL) {
		exit(11);
	}
}

static void on_term(int signal)
{
	send_totals();
	_exit(0);
}

static int play_qemu(int argc, char **argv)
{
	const char *plugin = "", *object = "", *part = argv[2];

	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "-plugin") == 0) {
			plugin = argv[i + 1];
		} else if (strcmp(argv[i], "-object") == 0) {
			object = argv[i + 1];
		}
	}
	if (sscanf(strstr(plugin, ",pipe="), ",pipe=%d", &pipe_fd) != 1) {
		return 8;
	}
	check_memory(object, plugin);
	if (strcmp(part, "refused") == 0) {
		send_record(STREAM_REFUSED, "no such CPU", 12);
		return 1;
	}
	if (strcmp(part, "fails") == 0) {
		return 1;
	}
	send_hello();
	if (strcmp(part, "finds") == 0) {
		send_finding(3);
	} else if (strcmp(part, "floods") == 0) {
		for (uint32_t i = 0; i < 20000; i++) {
			send_finding(3 + i % 7);
		}
	} else if (strcmp(part, "nonsense") == 0) {
		signal(SIGTERM, SIG_DFL);
		send_record(99, "xxxx", 4);
		pause();
	} else if (strcmp(part, "huge") == 0) {
		struct stream_record record = {.type = STREAM_SITE, .length = 1u << 30};

		if (write(pipe_fd, &record, sizeof(record)) < 0) {
			return 9;
		}
		pause();
	} else if (strcmp(part, "dies") == 0) {
		send_finding(3);
		abort();
	} else if (strcmp(part, "stops") == 0) {
		return 0;
	} else if (strcmp(part, "waits") == 0) {
		signal(SIGTERM, on_term);
		send_finding(3);
		pause();
		pause();
	} else if (strcmp(part, "signals") == 0) {
		signal(SIGINT, on_term);
		kill(getppid(), SIGINT);
		pause();
	} else if (strcmp(part, "arguments") == 0) {
		if (strstr(plugin, ",entry=adversarial,dma=noncoherent") == NULL ||
		    strstr(plugin, ",summary=on") == NULL ||
		    strstr(plugin, ",drop=DC_CVAC,drop=TLBI@0x1000:0x1010") == NULL ||
		    strstr(plugin, ",clean=0x41000000:0x1000") == NULL ||
		    strstr(plugin, ",loaded=0x42000000:0x2000") == NULL ||
		    strstr(plugin, ",loaded=0x40000000:0x100000") == NULL) {
			fprintf(stderr, "%s\n", plugin);
			return 12;
		}
		send_finding(3);
	}
	send_totals();
	return 0;
}

/* --- as the command --------------------------------------------------------------------------------- */

static struct cli_options options;
static char log_text[4096];

/* Runs this part of QEMU; the exit status, and the log in log_text. */
static int run(const char *part)
{
	static char path[] = "/tmp/cohcheck-run-XXXXXX";
	char *argv[] = {(char *)"/proc/self/exe", (char *)"--as-qemu", (char *)part, NULL};
	struct qemu_line line = {.program = argv[0],
				 .machine = "virt",
				 .ram_size = 1 << 20,
				 .nr_cpus = 1};
	FILE *log;
	size_t length;
	int status;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	close(mkstemp(path));
	options.log = path;
	options.plugin = "/proc/self/exe"; /* any file that can be read */
	options.qemu_argc = 3;
	options.qemu_argv = argv;
	status = cli_run(&options, &line);
	log = fopen(path, "r");
	length = fread(log_text, 1, sizeof(log_text) - 1, log);
	log_text[length] = '\0';
	fclose(log);
	unlink(path);
	return status;
}

static int setup(void **state)
{
	options = (struct cli_options){.exit_code = 1};
	return 0;
}

static void the_exit_status_says_what_was_found(void **state)
{
	assert_int_equal(run("clean"), 0);
	assert_non_null(strstr(log_text, "nothing found in 77 instructions"));
	assert_int_equal(run("finds"), 1);
	assert_non_null(strstr(log_text, "V2 read-stale"));
	assert_non_null(strstr(log_text, "1 finding of 1 cause"));
	options.exit_code = 0;
	assert_int_equal(run("finds"), 0);
	options.exit_code = 42;
	assert_int_equal(run("finds"), 42);
	assert_int_equal(run("clean"), 0);
}

static void many_findings_all_arrive(void **state)
{
	assert_int_equal(run("floods"), 1);
	assert_non_null(strstr(log_text, "20000 findings of 7 causes"));
}

static void a_run_that_did_not_work_is_no_success(void **state)
{
	assert_int_equal(run("fails"), CLI_FAILED);
	assert_int_equal(run("refused"), CLI_FAILED);
	assert_int_equal(run("stops"), CLI_FAILED);
	assert_non_null(strstr(log_text, "did not come to its end"));
}

static void findings_of_a_broken_run_count(void **state)
{
	assert_int_equal(run("dies"), 1);
}

static void nonsense_ends_the_run(void **state)
{
	assert_int_equal(run("nonsense"), CLI_FAILED);
	assert_int_equal(run("huge"), CLI_FAILED);
	assert_non_null(strstr(log_text, "makes no sense"));
}

static void stop_on_first_ends_qemu(void **state)
{
	options.stop_on_first = true;
	assert_int_equal(run("waits"), 1);
	assert_non_null(strstr(log_text, "1 finding of 1 cause in 77 instructions"));
}

static void a_signal_is_passed_on(void **state)
{
	assert_int_equal(run("signals"), 0);
	assert_non_null(strstr(log_text, "nothing found in 77 instructions"));
}

static void options_become_arguments_of_the_plugin(void **state)
{
	struct cli_range range = {0x1000, 0x10}, clean = {0x41000000, 0x1000},
			 loaded = {0x42000000, 0x2000};
	struct cli_drop drops[] = {{.op = "DC_CVAC"},
				   {.op = "TLBI", .in_ranges = true, .ranges = {&range, 1}}};

	options.adversarial = true;
	options.dma_noncoherent = true;
	options.summary = true;
	options.drops = drops;
	options.nr_drops = 2;
	options.clean = (struct cli_ranges){&clean, 1};
	options.loaded = (struct cli_ranges){&loaded, 1};
	assert_int_equal(run("arguments"), 1);
}

static void what_cannot_be_written_is_said_before(void **state)
{
	options.json = "/nonexistent/file";
	assert_int_equal(run("clean"), CLI_FAILED);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_exit_status_says_what_was_found, setup),
		cmocka_unit_test_setup(many_findings_all_arrive, setup),
		cmocka_unit_test_setup(a_run_that_did_not_work_is_no_success, setup),
		cmocka_unit_test_setup(findings_of_a_broken_run_count, setup),
		cmocka_unit_test_setup(nonsense_ends_the_run, setup),
		cmocka_unit_test_setup(stop_on_first_ends_qemu, setup),
		cmocka_unit_test_setup(a_signal_is_passed_on, setup),
		cmocka_unit_test_setup(options_become_arguments_of_the_plugin, setup),
		cmocka_unit_test_setup(what_cannot_be_written_is_said_before, setup),
	};

	if (argc > 2 && strcmp(argv[1], "--as-qemu") == 0) {
		return play_qemu(argc, argv);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
