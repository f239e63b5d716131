/* SPDX-License-Identifier: MIT */
/* The plugin's arguments: key=value, written by the command. What is wrong with one is said, with the argument. */
#include "plugin/plugin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool parse_number(const char **text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(*text, &end, 0);
	if (end == *text || errno) {
		return false;
	}
	*text = end;
	return true;
}

static bool parse_colon_number(const char **text, uint64_t *value)
{
	if (**text != ':') {
		return false;
	}
	(*text)++;
	return parse_number(text, value);
}

static bool parse_fd(const char *text, int *fd)
{
	uint64_t value;

	if (!parse_number(&text, &value) || *text || value > 1 << 20) {
		return false;
	}
	*fd = (int)value;
	return true;
}

static bool parse_memory(const char *text, bool rom, char **refusal)
{
	uint64_t fd, start, size;

	if (!parse_number(&text, &fd) || !parse_colon_number(&text, &start) ||
	    !parse_colon_number(&text, &size) || *text || fd > 1 << 20) {
		*refusal = g_strdup("not FD:START:SIZE");
		return false;
	}
	return plugin_memory_add((int)fd, start, size, rom, refusal);
}

static bool parse_range(const char *text, struct plugin_range *ranges, unsigned int *nr)
{
	if (*nr == PLUGIN_MAX_RANGES) {
		return false;
	}

	struct plugin_range *range = &ranges[*nr];

	if (!parse_number(&text, &range->start) || !parse_colon_number(&text, &range->size) ||
	    *text) {
		return false;
	}
	(*nr)++;
	return true;
}

/* OP or OP@START:END, '_' for ' '. */
static bool parse_drop(const char *text)
{
	struct plugin_options *options = &plugin.options;

	if (options->nr_drops == PLUGIN_MAX_RANGES) {
		return false;
	}

	struct plugin_drop *drop = &options->drops[options->nr_drops];
	size_t length = strcspn(text, "@");

	if (length == 0 || length >= sizeof(drop->op)) {
		return false;
	}
	for (size_t n = 0; n < length; n++) {
		drop->op[n] = text[n] == '_' ? ' ' : text[n];
	}
	drop->op[length] = 0;
	drop->start = 0;
	drop->end = UINT64_MAX;
	if (text[length]) {
		text += length + 1;
		if (!parse_number(&text, &drop->start) || !parse_colon_number(&text, &drop->end) ||
		    *text) {
			return false;
		}
	}
	options->nr_drops++;
	return true;
}

static bool parse_choice(const char *value, const char *yes, const char *no, bool *out)
{
	*out = !strcmp(value, yes);
	return *out || !strcmp(value, no);
}

static bool parse_argument(const char *key, const char *value, char **refusal)
{
	struct plugin_options *options = &plugin.options;

	if (!strcmp(key, "pipe")) {
		return parse_fd(value, &options->pipe_fd);
	}
	if (!strcmp(key, "trace")) {
		return parse_fd(value, &options->trace_fd);
	}
	if (!strcmp(key, "trace_limit")) {
		return parse_number(&value, &options->trace_limit) && !*value;
	}
	if (!strcmp(key, "ram") || !strcmp(key, "rom")) {
		return parse_memory(value, key[1] == 'o', refusal);
	}
	if (!strcmp(key, "entry")) {
		return parse_choice(value, "adversarial", "clean", &options->adversarial);
	}
	if (!strcmp(key, "dma")) {
		return parse_choice(value, "noncoherent", "coherent", &options->noncoherent_dma);
	}
	if (!strcmp(key, "summary")) {
		return parse_choice(value, "on", "off", &options->summary);
	}
	if (!strcmp(key, "clean")) {
		return parse_range(value, options->clean, &options->nr_clean);
	}
	if (!strcmp(key, "loaded")) {
		return parse_range(value, options->loaded, &options->nr_loaded);
	}
	if (!strcmp(key, "drop")) {
		return parse_drop(value);
	}
	*refusal = g_strdup("no such argument");
	return false;
}

bool plugin_args_parse(int argc, char **argv, char **refusal)
{
	plugin.options.pipe_fd = -1;
	plugin.options.trace_fd = -1;
	plugin.options.trace_limit = UINT64_MAX;
	for (int n = 0; n < argc; n++) {
		g_auto(GStrv) parts = g_strsplit(argv[n], "=", 2);
		g_autofree char *why = NULL;

		if (!parts[0] || !parts[1]) {
			*refusal = g_strdup_printf("plugin argument \"%s\": not key=value", argv[n]);
			return false;
		}
		if (!parse_argument(parts[0], parts[1], &why)) {
			*refusal = g_strdup_printf("plugin argument \"%s\": %s", argv[n],
						   why ? why : "cannot be understood");
			return false;
		}
	}
	if (plugin.nr_regions == 0) {
		*refusal = g_strdup("the plugin was given no memory (ram=FD:START:SIZE): start QEMU "
				    "through the command cohcheck");
		return false;
	}
	return true;
}
