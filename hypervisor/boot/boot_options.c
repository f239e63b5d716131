/* SPDX-License-Identifier: MIT */
/*
 * The parser of Tenon's command line: one const table of names, kinds and places.
 *
 * Syntax as in xen: docs/misc/xen-command-line.pandoc: words separated by blanks, name=value, and
 * for booleans also a bare name or no-name. Sizes take B, K, M, G or T; without a suffix they are
 * KiB. docs/configuration.md has a row for each option (tools/check-configuration.sh).
 */
#include "boot/boot_options.h"

#include "grant/grant.h"
#include "lib/format.h"
#include "lib/string.h"

#define IGNORED_BYTES 160 /* of a line of the log */

struct boot_options boot_options __ro_after_init = {
	.dom0_mem = UINT64_C(512) << 20,
	.log_level = LOG_INFO,
	.xsm_silo = true,
	.gnttab_max_frames = GRANT_MAX_FRAMES,
	.gnttab_max_maptrack_frames = GRANT_MAX_MAPTRACK_FRAMES,
};

enum option_kind {
	OPTION_SIZE, /* uint64_t, bytes */
	OPTION_U32,
	OPTION_GRANT_FRAMES, /* uint32_t */
	OPTION_MAPTRACK_FRAMES,
	OPTION_BOOL,
	OPTION_TEXT,      /* char[BOOT_OPTION_TEXT] */
	OPTION_LOG_LEVEL, /* first word before '/' */
	OPTION_XSM,
	OPTION_MEM_ATTR,
	OPTION_CONSOLE, /* Xen's, and here there is one value */
	OPTION_GNTTAB,
	OPTION_IGNORED /* Xen's, without meaning here */
};

struct option {
	const char *name;
	enum option_kind kind;
	void *value;
};

/* clang-format off */
static const struct option options[] = {
	{ "dom0_mem", OPTION_SIZE, &boot_options.dom0_mem },
	{ "dom0_max_vcpus", OPTION_U32, &boot_options.dom0_max_vcpus },
	{ "maxcpus", OPTION_U32, &boot_options.maxcpus },
	{ "gnttab_max_frames", OPTION_GRANT_FRAMES, &boot_options.gnttab_max_frames },
	{ "gnttab_max_maptrack_frames", OPTION_MAPTRACK_FRAMES, &boot_options.gnttab_max_maptrack_frames },
	{ "gnttab", OPTION_GNTTAB, NULL },
	{ "console", OPTION_CONSOLE, NULL },
	{ "dtuart", OPTION_TEXT, boot_options.dtuart },
	{ "loglvl", OPTION_LOG_LEVEL, &boot_options.log_level },
	{ "xsm", OPTION_XSM, &boot_options.xsm_silo },
	{ "mem-attr", OPTION_MEM_ATTR, &boot_options.mem_attr_warn },
	{ "noreboot", OPTION_BOOL, &boot_options.no_reboot },
	{ "rebuild", OPTION_BOOL, &boot_options.rebuild },
	{ "bootscrub", OPTION_IGNORED, NULL },
	{ "com1", OPTION_IGNORED, NULL },
	{ "console_timestamps", OPTION_IGNORED, NULL },
	{ "console_to_ring", OPTION_IGNORED, NULL },
	{ "conswitch", OPTION_IGNORED, NULL },
	{ "cpufreq", OPTION_IGNORED, NULL },
	{ "flask", OPTION_IGNORED, NULL },
	{ "guest_loglvl", OPTION_IGNORED, NULL },
	{ "hmp-unsafe", OPTION_IGNORED, NULL },
	{ "iommu", OPTION_IGNORED, NULL },
	{ "sched", OPTION_IGNORED, NULL },
	{ "serrors", OPTION_IGNORED, NULL },
	{ "sync_console", OPTION_IGNORED, NULL },
	{ "vwfi", OPTION_IGNORED, NULL },
};
/* clang-format on */

static __init bool parse_number(const char *text, const char **end, uint64_t *value)
{
	unsigned int base = 10;
	bool any = false;

	*value = 0;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	for (;; text++) {
		unsigned int digit;

		if (*text >= '0' && *text <= '9') {
			digit = (unsigned int)(*text - '0');
		} else if (base == 16 && (*text | 0x20) >= 'a' && (*text | 0x20) <= 'f') {
			digit = (unsigned int)((*text | 0x20) - 'a' + 10);
		} else {
			break;
		}
		if (__builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, digit, value)) {
			return false;
		}
		any = true;
	}
	*end = text;
	return any;
}

static __init bool parse_size(const char *text, uint64_t *value)
{
	unsigned int shift = 10;
	uint64_t number;

	if (!parse_number(text, &text, &number)) {
		return false;
	}
	if (*text != '\0') {
		static const char suffix[] = "bkmgt";
		const char *found = strchr(suffix, *text | 0x20);

		if (found == NULL || text[1] != '\0') {
			return false;
		}
		shift = 10 * (unsigned int)(found - suffix);
	}
	if (number > UINT64_MAX >> shift) {
		return false;
	}
	*value = number << shift;
	return true;
}

static __init bool parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
	uint64_t number;

	if (!parse_number(text, &text, &number) || *text != '\0' || number < min || number > max) {
		return false;
	}
	*value = (uint32_t)number;
	return true;
}

static __init bool parse_bool(const char *text, bool *value)
{
	static const char *const words[2][5] = {
		{"no", "off", "false", "disable", "0"},
		{"yes", "on", "true", "enable", "1"},
	};

	for (unsigned int i = 0; i < 10; i++) {
		if (strcmp(text, words[i / 5][i % 5]) == 0) {
			*value = i / 5 != 0;
			return true;
		}
	}
	return false;
}

static __init bool parse_log_level(const char *text, enum log_level *level)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {
		{"none", LOG_ERROR}, {"error", LOG_ERROR}, {"warning", LOG_WARNING},
		{"info", LOG_INFO},  {"debug", LOG_DEBUG}, {"all", LOG_DEBUG},
	};
	const char *slash = strchr(text, '/');
	size_t length = slash != NULL ? (size_t)(slash - text) : strlen(text);

	for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strlen(levels[i].name) == length && strncmp(text, levels[i].name, length) == 0) {
			*level = levels[i].level;
			return true;
		}
	}
	return false;
}

static __init bool parse_xsm(const char *text, bool *silo)
{
	if (strcmp(text, "silo") != 0 && strcmp(text, "dummy") != 0) {
		return false;
	}
	*silo = text[0] == 's';
	return true;
}

static __init bool parse_mem_attr(const char *text, bool *warn)
{
	if (strcmp(text, "refuse") != 0 && strcmp(text, "warn") != 0) {
		return false;
	}
	*warn = text[0] == 'w';
	return true;
}

static __init bool set_option(const struct option *option, const char *text)
{
	switch (option->kind) {
	case OPTION_SIZE:
		return parse_size(text, option->value);
	case OPTION_U32:
		return parse_u32(text, 0, UINT32_MAX, option->value);
	case OPTION_GRANT_FRAMES:
		return parse_u32(text, 1, GRANT_MAX_FRAMES, option->value);
	case OPTION_MAPTRACK_FRAMES:
		return parse_u32(text, 0, GRANT_MAX_MAPTRACK_FRAMES, option->value);
	case OPTION_BOOL:
		return parse_bool(text, option->value);
	case OPTION_TEXT:
		if (strlen(text) >= BOOT_OPTION_TEXT) {
			return false;
		}
		strlcpy(option->value, text, BOOT_OPTION_TEXT);
		return true;
	case OPTION_LOG_LEVEL:
		return parse_log_level(text, option->value);
	case OPTION_XSM:
		return parse_xsm(text, option->value);
	case OPTION_MEM_ATTR:
		return parse_mem_attr(text, option->value);
	case OPTION_CONSOLE:
		return strcmp(text, "dtuart") == 0;
	case OPTION_GNTTAB:
		return strcmp(text, "max-ver:1") == 0;
	case OPTION_IGNORED:
		return true;
	}
	return false;
}

static __init const struct option *find_option(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(name, options[i].name) == 0) {
			return &options[i];
		}
	}
	return NULL;
}

static __init void refuse(const struct option *option, const char *value)
{
	char range[24] = "";

	if (option->kind == OPTION_GRANT_FRAMES) {
		(void)snprintf(range, sizeof(range), " (1 to %d are)", GRANT_MAX_FRAMES);
	} else if (option->kind == OPTION_MAPTRACK_FRAMES) {
		(void)snprintf(range, sizeof(range), " (0 to %d are)", GRANT_MAX_MAPTRACK_FRAMES);
	}
	log_warning("command line: %s=%s is not valid%s; the default stays", option->name, value,
		    range);
}

/* One word, terminated, without its "=": value is NULL when it had none. Names without meaning here are gathered. */
static __init void parse_word(const char *name, const char *value, char ignored[IGNORED_BYTES])
{
	const struct option *option = find_option(name);

	if (option == NULL && value == NULL && strncmp(name, "no-", 3) == 0) {
		option = find_option(name + 3);
		value = "no";
	}
	if (option == NULL) {
		log_warning("command line: unknown option '%s' is ignored", name);
		return;
	}
	if (value == NULL) {
		value = option->kind == OPTION_BOOL ? "yes" : "";
	}
	if (option->kind == OPTION_IGNORED) {
		size_t length = strlen(ignored);

		(void)snprintf(ignored + length, IGNORED_BYTES - length, " %s", option->name);
	}
	if (!set_option(option, value)) {
		refuse(option, value);
	}
}

__init void boot_options_parse(const char *line)
{
	char ignored[IGNORED_BYTES] = "";
	char word[160];

	while (line != NULL && *line != '\0') {
		size_t length = 0;
		char *equals;

		if (*line == ' ' || *line == '\t' || *line == '\n') {
			line++;
			continue;
		}
		while (line[length] != '\0' && line[length] != ' ' && line[length] != '\t' &&
		       line[length] != '\n') {
			length++;
		}
		if (length >= sizeof(word)) {
			log_warning("command line: a word of %zu characters is ignored", length);
			line += length;
			continue;
		}
		memcpy(word, line, length);
		word[length] = '\0';
		line += length;
		equals = strchr(word, '=');
		if (equals != NULL) {
			*equals = '\0';
			equals++;
		}
		parse_word(word, equals, ignored);
	}
	if (ignored[0] != '\0') {
		log_info("command line: options of Xen's that change nothing here:%s", ignored);
	}
}
