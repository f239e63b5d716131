/* SPDX-License-Identifier: MIT */
/*
 * Writes an initramfs (cpio, "newc") from a list, so that device nodes and owners need no root.
 *
 *     mkcpio LIST >initramfs.cpio
 *
 * A line of the list is one of
 *
 *     dir PATH MODE
 *     file PATH MODE SOURCE
 *     link PATH TARGET
 *     chardev PATH MODE MAJOR MINOR
 *
 * Blank lines and lines beginning with # are skipped. Format: Linux, Documentation/driver-api/early-userspace/
 * buffer-format.rst.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_FILE    0100000u
#define TYPE_DIR     0040000u
#define TYPE_LINK    0120000u
#define TYPE_CHARDEV 0020000u

static unsigned int next_inode = 1;
static const char *list_name;
static unsigned int list_line;

static void fail(const char *what, const char *detail)
{
	fprintf(stderr, "mkcpio: %s:%u: %s: %s\n", list_name, list_line, what, detail);
	exit(1);
}

static void pad_to_4(size_t written)
{
	while (written % 4 != 0) {
		putchar(0);
		written++;
	}
}

static void write_entry(const char *path, unsigned int mode, const void *data, size_t size,
			unsigned int major, unsigned int minor)
{
	size_t name_size = strlen(path) + 1;

	/* magic, inode, mode, uid, gid, links, mtime, size, device, device of the node, name size, check sum */
	printf("070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", next_inode++, mode,
	       0u, 0u, 1u, 0u, size, 0u, 0u, major, minor, name_size, 0u);
	fwrite(path, 1, name_size, stdout);
	pad_to_4(110 + name_size);
	if (size > 0) {
		fwrite(data, 1, size, stdout);
		pad_to_4(size);
	}
}

static void write_file(const char *path, unsigned int mode, const char *source)
{
	FILE *in = fopen(source, "rb");
	char *data = NULL;
	size_t size = 0;
	size_t got;

	if (in == NULL) {
		fail(source, strerror(errno));
	}
	do {
		data = realloc(data, size + 65536);
		if (data == NULL) {
			fail(source, "out of memory");
		}
		got = fread(data + size, 1, 65536, in);
		size += got;
	} while (got > 0);
	if (ferror(in)) {
		fail(source, "cannot be read");
	}
	fclose(in);
	write_entry(path, TYPE_FILE | mode, data, size, 0, 0);
	free(data);
}

static void write_line(const char *line)
{
	char path[256];
	char other[1024];
	unsigned int mode;
	unsigned int major;
	unsigned int minor;

	if (line[0] == '#' || line[strspn(line, " \t\n")] == '\0') {
		return;
	}
	if (sscanf(line, "dir %255s %o", path, &mode) == 2) {
		write_entry(path, TYPE_DIR | mode, NULL, 0, 0, 0);
	} else if (sscanf(line, "file %255s %o %1023s", path, &mode, other) == 3) {
		write_file(path, mode, other);
	} else if (sscanf(line, "link %255s %1023s", path, other) == 2) {
		write_entry(path, TYPE_LINK | 0777, other, strlen(other), 0, 0);
	} else if (sscanf(line, "chardev %255s %o %u %u", path, &mode, &major, &minor) == 4) {
		write_entry(path, TYPE_CHARDEV | mode, NULL, 0, major, minor);
	} else {
		fail("not understood", line);
	}
}

int main(int argc, char **argv)
{
	char line[2048];
	FILE *list;

	if (argc != 2) {
		fprintf(stderr, "usage: mkcpio LIST >initramfs.cpio\n");
		return 2;
	}
	list_name = argv[1];
	list = fopen(list_name, "r");
	if (list == NULL) {
		fail("cannot open", strerror(errno));
	}
	while (fgets(line, sizeof(line), list) != NULL) {
		list_line++;
		write_line(line);
	}
	fclose(list);
	write_entry("TRAILER!!!", 0, NULL, 0, 0, 0);
	return ferror(stdout) || fflush(stdout) != 0;
}
