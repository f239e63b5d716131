/* SPDX-License-Identifier: MIT */
/* The suppression file: reading and matching. */
#include "report/report_suppress.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_kind.h"

static void suppress_free_one(struct suppression *one)
{
	free(one->file);
	free(one->symbol);
	free(one->writer);
	free(one->elf);
	free(one->reason);
	free(one);
}

void suppress_free(struct suppression *list)
{
	while (list != NULL) {
		struct suppression *next = list->next;

		suppress_free_one(list);
		list = next;
	}
}

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text)) {
		text++;
	}
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1])) {
		end--;
	}
	*end = '\0';
	return text;
}

/* The words behind the symbol; a message, or NULL. */
static const char *read_conditions(struct suppression *one, char **rest)
{
	char *word;

	while ((word = strtok_r(NULL, " \t", rest)) != NULL) {
		char **field = strncmp(word, "writer=", 7) == 0 ? &one->writer
			     : strncmp(word, "elf=", 4) == 0    ? &one->elf
								: NULL;

		if (field == NULL) {
			return "behind the symbol there may be writer=GLOB and elf=GLOB only";
		}
		if (*field != NULL) {
			return "the same condition is given twice";
		}
		*field = strdup(strchr(word, '=') + 1);
		if (*field == NULL || (*field)[0] == '\0') {
			return "a condition lacks its pattern";
		}
	}
	return NULL;
}

/* Takes the line apart, in place; a message, or NULL. */
static const char *read_line(struct suppression *one, char *line)
{
	/* A # starts the reason where a blank is before it, so that patterns may contain one. */
	char *hash = strstr(line, " #"), *tab = strstr(line, "\t#");
	char *rest, *word;

	if (tab != NULL && (hash == NULL || tab < hash)) {
		hash = tab;
	}
	if (hash == NULL || trim(hash + 2)[0] == '\0') {
		return "the reason is missing: write it behind a # on the same line";
	}
	one->reason = strdup(trim(hash + 2));
	*hash = '\0';
	word = strtok_r(line, " \t", &rest);
	if (word == NULL) {
		return "there is a reason only";
	}
	one->any_kind = strcmp(word, "*") == 0;
	if (!one->any_kind && !report_kind_parse(word, &one->kind)) {
		return "the first word is no kind of finding (cohcheck(1) lists them; * is any)";
	}
	word = strtok_r(NULL, " \t", &rest);
	if (word == NULL) {
		return "the symbol is missing (* is any)";
	}
	one->symbol = strdup(word);
	return read_conditions(one, &rest);
}

static int add_line(struct suppression ***end, const char *path, unsigned int number, char *line,
		    char *error, unsigned int size)
{
	struct suppression *one;
	const char *problem;

	line = trim(line);
	if (line[0] == '\0' || line[0] == '#') {
		return 0;
	}
	one = calloc(1, sizeof(*one));
	if (one == NULL) {
		return -ENOMEM;
	}
	problem = read_line(one, line);
	if (problem != NULL) {
		snprintf(error, size, "%s:%u: %s", path, number, problem);
		suppress_free_one(one);
		return -EINVAL;
	}
	one->file = strdup(path);
	one->line = number;
	**end = one;
	*end = &one->next;
	return 0;
}

int suppress_read(struct suppression **list, const char *path, char *error, unsigned int size)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	unsigned int number = 0;
	int status = 0;
	ssize_t length;

	if (file == NULL) {
		status = -errno;
		snprintf(error, size, "cannot open the suppression file %s: %s", path,
			 strerror(errno));
		return status;
	}
	while (*list != NULL) {
		list = &(*list)->next;
	}
	errno = 0;
	while (status == 0 && (length = getline(&line, &room, file)) >= 0) {
		number++;
		if (strlen(line) != (size_t)length) {
			snprintf(error, size, "%s:%u: a zero byte: this is no text file", path,
				 number);
			status = -EINVAL;
			break;
		}
		status = add_line(&list, path, number, line, error, size);
	}
	if (status == 0 && ferror(file)) {
		status = errno == 0 ? -EIO : -errno;
		snprintf(error, size, "cannot read the suppression file %s: %s", path,
			 strerror(-status));
	}
	free(line);
	fclose(file);
	return status;
}

/* Against the path as it was given, or the file's own name. */
static bool matches_elf(const char *glob, const char *elf)
{
	const char *slash = elf == NULL ? NULL : strrchr(elf, '/');

	return elf != NULL &&
	       (fnmatch(glob, elf, 0) == 0 || (slash != NULL && fnmatch(glob, slash + 1, 0) == 0));
}

struct suppression *suppress_find(struct suppression *list,
				  const struct suppress_candidate *candidate)
{
	for (struct suppression *one = list; one != NULL; one = one->next) {
		if ((one->any_kind || one->kind == candidate->kind) &&
		    fnmatch(one->symbol, candidate->symbol, 0) == 0 &&
		    (one->writer == NULL || fnmatch(one->writer, candidate->writer, 0) == 0) &&
		    (one->elf == NULL || matches_elf(one->elf, candidate->elf))) {
			return one;
		}
	}
	return NULL;
}
