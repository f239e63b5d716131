/* SPDX-License-Identifier: MIT */
/* Suppression files: what is accepted, what is refused with which line, and what matches. */
#include "report/report_suppress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/cohcheck-suppress-XXXXXX";
static char error[256];

static int read_text(struct suppression **list, const char *text, size_t length)
{
	int status, fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	close(fd);
	status = suppress_read(list, path, error, sizeof(error));
	unlink(path);
	return status;
}

static void refuse(const char *text, const char *where, const char *why)
{
	struct suppression *list = NULL;
	char line[80];

	assert_int_not_equal(read_text(&list, text, strlen(text)), 0);
	snprintf(line, sizeof(line), "%s:%s: ", path, where);
	assert_int_equal(strncmp(error, line, strlen(line)), 0);
	assert_non_null(strstr(error, why));
	suppress_free(list);
}

static void lines_are_read_with_reason_and_number(void **state)
{
	static const char text[] = "# a comment\n\nV4 ftrace_*   # benign: patches run later\n"
				   "\tread-stale  f#1 writer=memcpy* elf=*.ko\t# a known one \n";
	struct suppression *list = NULL;

	assert_int_equal(read_text(&list, text, strlen(text)), 0);
	assert_int_equal(list->kind, FINDING_FETCH_UNCLEAN);
	assert_int_equal(list->line, 3);
	assert_string_equal(list->symbol, "ftrace_*");
	assert_string_equal(list->reason, "benign: patches run later");
	assert_null(list->writer);
	assert_int_equal(list->next->kind, FINDING_READ_STALE);
	assert_int_equal(list->next->line, 4);
	assert_string_equal(list->next->symbol, "f#1");
	assert_string_equal(list->next->writer, "memcpy*");
	assert_string_equal(list->next->elf, "*.ko");
	assert_string_equal(list->next->reason, "a known one");
	assert_null(list->next->next);
	suppress_free(list);
}

static void several_files_add_up(void **state)
{
	struct suppression *list = NULL;

	assert_int_equal(read_text(&list, "V1 a # x\n", 9), 0);
	assert_int_equal(read_text(&list, "V1 b # y", 8), 0);
	assert_string_equal(list->symbol, "a");
	assert_string_equal(list->next->symbol, "b");
	suppress_free(list);
}

static void malformed_lines_are_refused(void **state)
{
	refuse("V4 f\n", "1", "reason");
	refuse("V4 f #\n", "1", "reason");
	refuse("V4 f # fine\n\nV99 f # x\n", "3", "kind");
	refuse("V4 # x\n", "1", "symbol");
	refuse(" # x\nV4  # x\n", "2", "symbol");
	refuse("V4 f g # x\n", "1", "writer=GLOB");
	refuse("V4 f writer=a writer=b # x\n", "1", "twice");
	refuse("V4 f elf= # x\n", "1", "pattern");
}

static void what_is_no_text_is_refused(void **state)
{
	struct suppression *list = NULL;

	assert_int_not_equal(read_text(&list, "V4 \0f # x\n", 10), 0);
	assert_non_null(strstr(error, ":1: "));
	suppress_free(list);
	list = NULL;
	assert_int_not_equal(suppress_read(&list, "/nonexistent/file", error, sizeof(error)), 0);
	assert_non_null(strstr(error, "/nonexistent/file"));
	assert_int_not_equal(suppress_read(&list, "/", error, sizeof(error)), 0);
	suppress_free(list);
}

static struct suppression *match(struct suppression *list, enum finding_kind kind,
				 const char *symbol, const char *writer, const char *elf)
{
	struct suppress_candidate candidate = {kind, symbol, writer, elf};

	return suppress_find(list, &candidate);
}

static void kind_symbol_writer_and_elf_all_must_match(void **state)
{
	static const char text[] = "V2 read_* writer=mem* elf=vmlinux # x\n* only # y\n";
	struct suppression *list = NULL;

	assert_int_equal(read_text(&list, text, strlen(text)), 0);
	assert_ptr_equal(match(list, FINDING_READ_STALE, "read_back", "memset", "vmlinux"), list);
	assert_ptr_equal(match(list, FINDING_READ_STALE, "read_back", "memset", "boot/vmlinux"),
			 list);
	assert_null(match(list, FINDING_READ_STALE, "read_back", "memset", NULL));
	assert_null(match(list, FINDING_READ_STALE, "read_back", "memset", "vmlinux.old"));
	assert_null(match(list, FINDING_READ_STALE, "read_back", "strcpy", "vmlinux"));
	assert_null(match(list, FINDING_READ_STALE, "re_read_back", "memset", "vmlinux"));
	assert_null(match(list, FINDING_READ_UNDER_DIRTY, "read_back", "memset", "vmlinux"));
	assert_ptr_equal(match(list, FINDING_SET_WAY, "only", "0x1000", NULL), list->next);
	suppress_free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_with_reason_and_number),
		cmocka_unit_test(several_files_add_up),
		cmocka_unit_test(malformed_lines_are_refused),
		cmocka_unit_test(what_is_no_text_is_refused),
		cmocka_unit_test(kind_symbol_writer_and_elf_all_must_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
