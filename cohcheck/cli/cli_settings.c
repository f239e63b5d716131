/* SPDX-License-Identifier: MIT */
/* QEMU's notations: lists of settings, JSON objects, sizes. */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

static bool add(struct qemu_settings *settings, char *key, char *value)
{
	struct qemu_setting *grown =
		realloc(settings->list, (settings->count + 1) * sizeof(*settings->list));

	if (grown == NULL || key == NULL || value == NULL) {
		free(key);
		free(value);
		if (grown != NULL) {
			settings->list = grown;
		}
		return false;
	}
	settings->list = grown;
	settings->list[settings->count++] = (struct qemu_setting){key, value};
	return true;
}

/* Up to a comma that is not doubled; the comma is passed. */
static char *take_value(const char **text)
{
	char *value = malloc(strlen(*text) + 1), *to = value;

	if (value == NULL) {
		return NULL;
	}
	while (**text != '\0') {
		if (**text == ',') {
			(*text)++;
			if (**text != ',') {
				break;
			}
		}
		*to++ = *(*text)++;
	}
	*to = '\0';
	return value;
}

static bool parse_list(struct qemu_settings *settings, const char *text, const char *implied)
{
	while (*text != '\0') {
		size_t word = strcspn(text, "=,");
		bool first = settings->count == 0;

		if (text[word] == '=') {
			char *key = strndup(text, word);

			text += word + 1;
			if (!add(settings, key, take_value(&text))) {
				return false;
			}
		} else if (first && implied != NULL) {
			if (!add(settings, strdup(implied), take_value(&text))) {
				return false;
			}
		} else if (!add(settings, take_value(&text), strdup("on"))) {
			return false;
		}
	}
	return true;
}

/* Nested objects become dotted keys, as QEMU's own notation has them. */
static bool parse_json(struct qemu_settings *settings, struct json_object *object,
		       const char *prefix)
{
	json_object_object_foreach(object, name, member)
	{
		size_t length = strlen(prefix) + strlen(name) + 2;
		char *key = malloc(length);
		bool good;

		if (key == NULL) {
			return false;
		}
		snprintf(key, length, "%s%s", prefix, name);
		if (json_object_is_type(member, json_type_object)) {
			strcat(key, ".");
			good = parse_json(settings, member, key);
			free(key);
		} else if (json_object_is_type(member, json_type_boolean)) {
			good = add(settings, key,
				   strdup(json_object_get_boolean(member) ? "on" : "off"));
		} else {
			const char *value = json_object_get_string(member);

			good = add(settings, key, strdup(value == NULL ? "" : value));
		}
		if (!good) {
			return false;
		}
	}
	return true;
}

struct qemu_settings *qemu_settings_parse(const char *text, const char *implied)
{
	struct qemu_settings *settings = calloc(1, sizeof(*settings));
	bool good = false;

	if (settings == NULL) {
		return NULL;
	}
	if (text[0] == '{') {
		struct json_object *object = json_tokener_parse(text);

		if (json_object_is_type(object, json_type_object)) {
			good = parse_json(settings, object, "");
		}
		json_object_put(object);
	} else {
		good = parse_list(settings, text, implied);
	}
	if (!good) {
		qemu_settings_free(settings);
		return NULL;
	}
	return settings;
}

const char *qemu_setting(const struct qemu_settings *settings, const char *key)
{
	for (size_t i = settings->count; i > 0; i--) {
		if (strcmp(settings->list[i - 1].key, key) == 0) {
			return settings->list[i - 1].value;
		}
	}
	return NULL;
}

void qemu_settings_free(struct qemu_settings *settings)
{
	if (settings == NULL) {
		return;
	}
	for (size_t i = 0; i < settings->count; i++) {
		free((char *)settings->list[i].key);
		free((char *)settings->list[i].value);
	}
	free(settings->list);
	free(settings);
}

bool qemu_size_parse(const char *text, unsigned int default_shift, uint64_t *size)
{
	static const char suffixes[] = "bkmgtpe";
	const char *found;
	unsigned int shift = default_shift;
	double fraction = 0;
	uint64_t whole;
	char *end;

	if (!isdigit((unsigned char)text[0])) {
		return false;
	}
	errno = 0;
	whole = strtoull(text, &end, strncasecmp(text, "0x", 2) == 0 ? 16 : 10);
	if (*end == '.') {
		fraction = strtod(end, &end);
	}
	if (errno != 0) {
		return false;
	}
	if (*end != '\0') {
		found = strchr(suffixes, tolower((unsigned char)*end));
		if (found == NULL || end[1] != '\0') {
			return false;
		}
		shift = (unsigned int)(found - suffixes) * 10;
	}
	if (shift >= 64 || whole > UINT64_MAX >> shift) {
		return false;
	}
	*size = (whole << shift) + (uint64_t)(fraction * (double)(UINT64_C(1) << shift));
	return true;
}

bool qemu_number_parse(const char *text, uint64_t *number)
{
	char *end;

	if (text == NULL || !isdigit((unsigned char)text[0])) {
		return false;
	}
	errno = 0;
	*number = strtoull(text, &end, 0);
	return errno == 0 && *end == '\0';
}

bool qemu_is_on(const char *value)
{
	return value != NULL && (strcmp(value, "on") == 0 || strcmp(value, "true") == 0 ||
				 strcmp(value, "yes") == 0 || strcmp(value, "y") == 0);
}

/*
 * The options of QEMU 10.0 that take an argument (qemu: qemu-options.hx, HAS_ARG). One that is missing
 * here does harm only if its argument begins with a dash.
 */
bool qemu_option_has_argument(const char *name)
{
	/* clang-format off */
	static const char *const names[] = {
		"machine", "M", "cpu", "accel", "smp", "numa", "add-fd", "set", "global", "boot", "m", "mem-path", "k",
		"audio", "audiodev", "device", "name", "uuid", "fda", "fdb", "hda", "hdb", "hdc", "hdd", "cdrom",
		"blockdev", "drive", "mtdblock", "sd", "fsdev", "virtfs", "iscsi", "usbdevice", "display", "spice",
		"vga", "g", "vnc", "acpitable", "smbios", "netdev", "nic", "net", "chardev", "tpmdev", "bios",
		"pflash", "kernel", "shim", "append", "initrd", "dtb", "compat", "fw_cfg", "serial", "parallel",
		"monitor", "qmp", "qmp-pretty", "mon", "debugcon", "pidfile", "overcommit", "gdb", "d", "D", "dfilter",
		"seed", "L", "xen-domid", "action", "loadvm", "option-rom", "rtc", "icount", "watchdog-action", "echr",
		"incoming", "prom-env", "semihosting-config", "sandbox", "readconfig", "trace", "plugin", "qtest",
		"qtest-log", "run-with", "msg", "dump-vmstate", "object",
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0) {
			return true;
		}
	}
	return false;
}
