/* SPDX-License-Identifier: MIT */
/*
 * Findings as data:
 *
 *     { "version": 1, "findings": [ { "kind", "name", "count", "suppressed", "access", "writer", "culprit", "alias",
 *       "advice", ... } ], "unchecked": [ { "what", "count" } ], "totals": { ... } }
 *
 * Addresses are strings in hexadecimal, since JSON's numbers are not sure to hold 64 bits.
 */
#include "report/report_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>

#include "report/report_kind.h"

static void add_hex(struct json_object *object, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_text(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, value == NULL ? NULL : json_object_new_string(value));
}

static void add_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static struct json_object *place_object(const struct report_place *place)
{
	struct json_object *object;

	if (place->what == PLACE_NONE) {
		return NULL;
	}
	object = json_object_new_object();
	if (place->what != PLACE_INSN) {
		add_text(object, "who", place->what == PLACE_LOADER ? "loader" : "device");
		return object;
	}
	add_text(object, "who", "cpu");
	add_number(object, "cpu", place->cpu);
	add_number(object, "el", place->el);
	add_hex(object, "pc", place->pc);
	add_hex(object, "pc_pa", place->paddr);
	if (place->op[0] != '\0') {
		add_text(object, "op", place->op);
	}
	add_text(object, "elf", place->where.elf);
	add_text(object, "symbol", place->where.symbol);
	if (place->where.symbol != NULL) {
		add_number(object, "offset", place->where.offset);
	}
	add_text(object, "file", place->where.file);
	if (place->where.file != NULL) {
		add_number(object, "line", (uint64_t)place->where.line);
	}
	if (place->where.inlined != NULL) {
		struct json_object *inlined = json_object_new_object();

		add_text(inlined, "function", place->where.inlined);
		add_text(inlined, "file", place->where.inlined_file);
		add_number(inlined, "line", (uint64_t)place->where.inlined_line);
		json_object_object_add(object, "inlined", inlined);
	}
	return object;
}

static struct json_object *access_object(const struct cause *cause)
{
	struct json_object *object = place_object(&cause->access);

	if (object != NULL) {
		add_hex(object, "va", cause->first.va);
		add_hex(object, "pa", cause->first.paddr);
		add_number(object, "size", cause->first.size);
		add_text(object, "type", report_type(cause->first.type));
	}
	return object;
}

static struct json_object *alias_object(const struct cause *cause)
{
	static const char *const states[] = {"live", "until-tlbi", "gone", "at-reset"};
	const struct alias *alias = &cause->first.alias;
	struct json_object *object;

	if (!cause->first.has_alias) {
		return NULL;
	}
	object = json_object_new_object();
	add_text(object, "state", (unsigned int)alias->state < 4 ? states[alias->state] : "?");
	add_text(object, "type", report_type(alias->type));
	add_number(object, "el", alias->el);
	add_number(object, "stage", alias->stage);
	add_hex(object, "va", alias->va);
	add_number(object, "size", alias->size);
	add_number(object, "vmid", alias->vmid);
	add_number(object, "asid", alias->asid);
	add_number(object, "cpus", alias->cpus);
	add_hex(object, "root", alias->root);
	json_object_object_add(object, "maker", place_object(&cause->maker));
	json_object_object_add(object, "unmaker", place_object(&cause->unmaker));
	return object;
}

static struct json_object *cause_object(const struct cause *cause)
{
	const struct report_kind *kind = report_kind(cause->first.kind);
	struct json_object *object = json_object_new_object();

	add_text(object, "kind", kind->code);
	add_text(object, "name", kind->name);
	add_text(object, "words", kind->words);
	add_number(object, "count", cause->count);
	json_object_object_add(object, "suppressed",
			       json_object_new_boolean(cause->suppressed != NULL));
	if (cause->suppressed != NULL) {
		add_text(object, "reason", cause->suppressed->reason);
	}
	add_number(object, "time", cause->time);
	add_hex(object, "lowest", cause->lowest);
	add_hex(object, "highest", cause->highest);
	json_object_object_add(object, "access", access_object(cause));
	json_object_object_add(object, "writer", place_object(&cause->writer));
	json_object_object_add(object, "culprit", place_object(&cause->culprit));
	json_object_object_add(object, "alias", alias_object(cause));
	add_text(object, "advice", cause->advice);
	return object;
}

static struct json_object *totals_object(const struct report *report)
{
	const struct stream_totals *totals = &report->totals;
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "complete", json_object_new_boolean(report->finished));
	add_number(object, "findings", report->nr_findings);
	add_number(object, "suppressed", report->nr_suppressed);
	add_number(object, "causes", report->nr_causes);
	add_number(object, "instructions", totals->instructions);
	add_number(object, "loads", totals->loads);
	add_number(object, "stores", totals->stores);
	add_number(object, "model_bytes", totals->model_bytes);
	add_number(object, "shadow_bytes", totals->shadow_bytes);
	add_number(object, "ram_bytes", totals->ram_bytes);
	add_number(object, "lines_seen", totals->lines_seen);
	add_number(object, "lines_dirty", totals->lines_dirty);
	add_number(object, "lines_stale", totals->lines_stale);
	return object;
}

/* --summary's table. */
static struct json_object *maintenance_array(const struct report *report)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < report->nr_counts; i++) {
		struct report_place place;
		struct json_object *object;

		report_place_of(report, report->counts[i].site, &place);
		object = place_object(&place);
		if (object == NULL) {
			continue;
		}
		add_number(object, "executed", report->counts[i].executed);
		add_number(object, "redundant", report->counts[i].redundant);
		json_object_object_add(object, "dropped",
				       json_object_new_boolean(report->counts[i].dropped != 0));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *suppressions_array(const struct report *report)
{
	struct json_object *array = json_object_new_array();

	for (const struct suppression *one = report->settings.suppressions; one != NULL;
	     one = one->next) {
		struct json_object *object = json_object_new_object();

		add_text(object, "file", one->file);
		add_number(object, "line", one->line);
		add_text(object, "reason", one->reason);
		add_number(object, "used", one->used);
		json_object_array_add(array, object);
	}
	return array;
}

int report_write_json(struct report *report, FILE *file)
{
	struct json_object *root = json_object_new_object();
	struct json_object *findings = json_object_new_array(), *unchecked = json_object_new_array();

	for (const struct cause *cause = report->causes; cause != NULL; cause = cause->next) {
		json_object_array_add(findings, cause_object(cause));
	}
	for (const struct unchecked *one = report->unchecked; one != NULL; one = one->next) {
		struct json_object *object = json_object_new_object();

		add_text(object, "what", one->record.what);
		add_number(object, "count", one->record.count);
		add_hex(object, "first_pa", one->record.first_paddr);
		json_object_array_add(unchecked, object);
	}
	add_number(root, "version", 1);
	json_object_object_add(root, "findings", findings);
	json_object_object_add(root, "unchecked", unchecked);
	json_object_object_add(root, "suppressions", suppressions_array(report));
	if (report->nr_counts != 0) {
		json_object_object_add(root, "maintenance", maintenance_array(report));
	}
	json_object_object_add(root, "totals", totals_object(report));
	errno = 0;
	fprintf(file, "%s\n",
		json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
	if (fflush(file) != 0 || ferror(file)) {
		return errno == 0 ? -EIO : -errno;
	}
	return 0;
}
