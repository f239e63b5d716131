/* SPDX-License-Identifier: MIT */
/* The command's own options. */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* Fits a terminal of 24 lines and 80 columns. */
/* clang-format off */
static const char usage[] =
	"usage: cohcheck [OPTION]... -- qemu-system-aarch64 -M virt ARGUMENT...\n"
	"       cohcheck [OPTION]... --replay TRACE [--line ADDRESS]\n"
	"Runs AArch64 software in QEMU; reports what some legal cache can make go wrong\n"
	"  --elf FILE[@ADDRESS]   symbols, lines; ADDRESS: of its first segment (repeat)\n"
	"  --suppress FILE        known: KIND SYMBOL [writer=GLOB] [elf=GLOB] # why\n"
	"  --log FILE             reports go there, not to standard error\n"
	"  --json FILE            findings as data\n"
	"  --html FILE            findings with timelines, and a map of memory\n"
	"  --summary              count maintenance by symbol, and the redundant\n"
	"  --stop-on-first        end QEMU at the first finding\n"
	"  --exit-code N          exit status when something was found (1)\n"
	"  --drop OP[@SYMBOL]     ignore maintenance: DC, DC_CVAC, TLBI, DSB ... (repeat)\n"
	"  --entry clean          at reset caches hold nothing (default)\n"
	"  --entry adversarial    they hold what the boot protocol allows, besides\n"
	"     --clean START+SIZE  nothing of this range (repeat)\n"
	"     --loaded START+SIZE dirty lines of this range (repeat)\n"
	"  --dma noncoherent      devices do not see the caches (default: coherent)\n"
	"  --trace FILE           record for --replay; --line: the life of one line\n"
	"  --plugin FILE          not the cohcheck-plugin.so beside this command\n"
	"  --help, --version\n"
	"Exit status: 0 nothing found, 1 something found, 2 could not work; cohcheck(1)\n";
/* clang-format on */

enum {
	OPT_ELF = 256,
	OPT_SUPPRESS,
	OPT_LOG,
	OPT_JSON,
	OPT_HTML,
	OPT_SUMMARY,
	OPT_STOP,
	OPT_EXIT_CODE,
	OPT_DROP,
	OPT_ENTRY,
	OPT_CLEAN,
	OPT_LOADED,
	OPT_DMA,
	OPT_TRACE,
	OPT_REPLAY,
	OPT_LINE,
	OPT_PLUGIN,
	OPT_HELP,
	OPT_VERSION
};

void cli_range_add(struct cli_ranges *ranges, uint64_t start, uint64_t size)
{
	struct cli_range *grown = realloc(ranges->list, (ranges->count + 1) * sizeof(*grown));

	if (grown == NULL) {
		abort(); /* at start, some hundred bytes: nothing sensible can follow */
	}
	ranges->list = grown;
	if (size != 0) {
		ranges->list[ranges->count++] = (struct cli_range){start, size};
	}
}

void cli_ranges_free(struct cli_ranges *ranges)
{
	free(ranges->list);
	*ranges = (struct cli_ranges){NULL, 0};
}

/* START+SIZE, in any base, SIZE with a suffix if wanted. */
static int parse_range(const char *option, const char *text, struct cli_ranges *ranges)
{
	const char *plus = strchr(text, '+');
	char *start_text = plus == NULL ? NULL : strndup(text, (size_t)(plus - text));
	uint64_t start = 0, size = 0;
	bool good = start_text != NULL && qemu_number_parse(start_text, &start) &&
		    qemu_size_parse(plus + 1, 0, &size) && size != 0 && start + size - 1 >= start;

	free(start_text);
	if (!good) {
		return cli_fail("%s %s: write it as START+SIZE, for instance 0x48000000+2M", option,
				text);
	}
	cli_range_add(ranges, start, size);
	return 0;
}

static int parse_choice(const char *option, const char *text, const char *off, const char *on,
			bool *value)
{
	if (strcmp(text, on) == 0 || strcmp(text, off) == 0) {
		*value = strcmp(text, on) == 0;
		return 0;
	}
	return cli_fail("%s is %s or %s, not '%s'", option, off, on, text);
}

static void add_drop_range(void *ctx, uint64_t start, uint64_t end)
{
	cli_range_add(ctx, start, end - start);
}

static bool is_operation(const char *op)
{
	static const char *const starts[] = {"DC", "IC", "TLBI", "DSB"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		size_t length = strlen(starts[i]);

		if (strncmp(op, starts[i], length) == 0 &&
		    (op[length] == '\0' || (op[length] == '_' && op[length + 1]))) {
			return true;
		}
	}
	return false;
}

/* After all --elf: parse_pass(). */
static int parse_drop(struct cli_options *options, const char *text)
{
	const char *at = strchr(text, '@');
	size_t length = at == NULL ? strlen(text) : (size_t)(at - text);
	struct cli_drop drop = {.in_ranges = at != NULL};
	struct cli_drop *grown;

	for (size_t i = 0; i < length && i + 1 < sizeof(drop.op); i++) {
		drop.op[i] = text[i] == ' ' ? '_' : (char)toupper((unsigned char)text[i]);
	}
	if (length >= sizeof(drop.op) || !is_operation(drop.op)) {
		return cli_fail("--drop %s: the operation is DC, IC, TLBI or DSB, or one of them such as DC_CVAC or TLBI_VAE1IS",
				text);
	}
	if (at != NULL &&
	    symbols_ranges(options->symbols, at + 1, add_drop_range, &drop.ranges) == 0) {
		cli_ranges_free(&drop.ranges);
		return cli_fail("--drop %s: there is no %s in any file given with --elf", text,
				at + 1);
	}
	grown = realloc(options->drops, (options->nr_drops + 1) * sizeof(*grown));
	if (grown == NULL) {
		cli_ranges_free(&drop.ranges);
		return cli_fail("out of memory");
	}
	options->drops = grown;
	options->drops[options->nr_drops++] = drop;
	return 0;
}

static int parse_exit_code(struct cli_options *options, const char *text)
{
	uint64_t code;

	if (!qemu_number_parse(text, &code) || code > 255) {
		return cli_fail("--exit-code is a number from 0 to 255, not '%s'", text);
	}
	options->exit_code = (int)code;
	return 0;
}

static int take_option(struct cli_options *options, int option, const char *argument)
{
	char error[512];

	switch (option) {
	case OPT_ELF:
		return symbols_add(options->symbols, argument, error, sizeof(error)) == 0
			     ? 0
			     : cli_fail("%s", error);
	case OPT_SUPPRESS:
		return suppress_read(&options->suppressions, argument, error, sizeof(error)) == 0
			     ? 0
			     : cli_fail("%s", error);
	case OPT_LOG:
		options->log = argument;
		return 0;
	case OPT_JSON:
		options->json = argument;
		return 0;
	case OPT_HTML:
		options->html = argument;
		return 0;
	case OPT_SUMMARY:
		options->summary = true;
		return 0;
	case OPT_STOP:
		options->stop_on_first = true;
		return 0;
	case OPT_EXIT_CODE:
		return parse_exit_code(options, argument);
	case OPT_ENTRY:
		return parse_choice("--entry", argument, "clean", "adversarial",
				    &options->adversarial);
	case OPT_CLEAN:
		return parse_range("--clean", argument, &options->clean);
	case OPT_LOADED:
		return parse_range("--loaded", argument, &options->loaded);
	case OPT_DMA:
		return parse_choice("--dma", argument, "coherent", "noncoherent",
				    &options->dma_noncoherent);
	case OPT_TRACE:
		options->trace = argument;
		return 0;
	case OPT_REPLAY:
		options->replay = argument;
		return 0;
	case OPT_LINE:
		options->has_line = true;
		return qemu_number_parse(argument, &options->line)
			     ? 0
			     : cli_fail("--line is a physical address such as 0x40085040, not '%s'",
					argument);
	case OPT_PLUGIN:
		options->plugin = argument;
		return 0;
	default:
		return 0;
	}
}

static const struct option long_options[] = {
	{"elf", required_argument, NULL, OPT_ELF},
	{"suppress", required_argument, NULL, OPT_SUPPRESS},
	{"log", required_argument, NULL, OPT_LOG},
	{"json", required_argument, NULL, OPT_JSON},
	{"html", required_argument, NULL, OPT_HTML},
	{"summary", no_argument, NULL, OPT_SUMMARY},
	{"stop-on-first", no_argument, NULL, OPT_STOP},
	{"exit-code", required_argument, NULL, OPT_EXIT_CODE},
	{"drop", required_argument, NULL, OPT_DROP},
	{"entry", required_argument, NULL, OPT_ENTRY},
	{"clean", required_argument, NULL, OPT_CLEAN},
	{"loaded", required_argument, NULL, OPT_LOADED},
	{"dma", required_argument, NULL, OPT_DMA},
	{"trace", required_argument, NULL, OPT_TRACE},
	{"replay", required_argument, NULL, OPT_REPLAY},
	{"line", required_argument, NULL, OPT_LINE},
	{"plugin", required_argument, NULL, OPT_PLUGIN},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static int check_together(const struct cli_options *options)
{
	if (options->replay != NULL) {
		if (options->qemu_argc != 0) {
			return cli_fail(
				"--replay runs no QEMU: give either it or a QEMU command line");
		}
		if (options->trace != NULL) {
			return cli_fail(
				"--replay reads a trace, --trace records one: give one of them");
		}
		return 0;
	}
	if (options->has_line) {
		return cli_fail("--line needs --replay FILE");
	}
	if (options->qemu_argc == 0) {
		return cli_fail(
			"there is no QEMU command line: cohcheck [OPTION]... -- qemu-system-aarch64 -M virt ... (see --help)");
	}
	if (!options->adversarial && options->clean.count + options->loaded.count != 0) {
		return cli_fail(
			"--clean and --loaded say what caches hold at reset: they need --entry adversarial");
	}
	return 0;
}

/* Twice over the arguments: --drop names symbols of --elf, wherever that stands. */
static int parse_pass(struct cli_options *options, int argc, char **argv, bool drops)
{
	int option, status = 0;

	optind = 0; /* glibc: start anew */
	opterr = 0;
	while (status == 0 && (option = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
		if (option == ':') {
			return cli_fail("%s takes a value (see --help)", argv[optind - 1]);
		}
		if (option == '?') {
			return cli_fail("unknown option '%s' (see --help)", argv[optind - 1]);
		}
		if (option == OPT_HELP || option == OPT_VERSION) {
			fputs(option == OPT_HELP ? usage : "cohcheck " CLI_VERSION "\n", stdout);
			options->done = true;
			return 0;
		}
		if ((option == OPT_DROP) == drops) {
			status = drops ? parse_drop(options, optarg)
				       : take_option(options, option, optarg);
		}
	}
	options->qemu_argc = argc - optind;
	options->qemu_argv = argv + optind;
	return status;
}

int cli_options_parse(struct cli_options *options, int argc, char **argv)
{
	int status;

	*options = (struct cli_options){.exit_code = 1, .symbols = symbols_create()};
	if (options->symbols == NULL) {
		return cli_fail("out of memory");
	}
	status = parse_pass(options, argc, argv, false);
	if (status == 0 && !options->done) {
		status = parse_pass(options, argc, argv, true);
	}
	return status == 0 && !options->done ? check_together(options) : status;
}

void cli_options_free(struct cli_options *options)
{
	symbols_destroy(options->symbols);
	suppress_free(options->suppressions);
	for (size_t i = 0; i < options->nr_drops; i++) {
		cli_ranges_free(&options->drops[i].ranges);
	}
	free(options->drops);
	cli_ranges_free(&options->clean);
	cli_ranges_free(&options->loaded);
}
