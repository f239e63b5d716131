/* SPDX-License-Identifier: MIT */
/*
 * QEMU's command line with what cohcheck adds to it: the guest's memory, and the plugin with its
 * arguments.
 */
#include "cli/cli_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HTML_TRACE_BYTES (512ull << 20)

/* A file's name inside of a list of settings: commas are doubled. */
static void put_escaped(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == ',') {
			fputc(',', out);
		}
		fputc(*text, out);
	}
}

static int find_plugin(const struct cli_options *options, char *path, size_t size)
{
	ssize_t length;
	char *slash;

	if (options->plugin != NULL) {
		snprintf(path, size, "%s", options->plugin);
	} else {
		length = readlink("/proc/self/exe", path, size - 32);
		slash = length < 0 ? NULL : memrchr(path, '/', (size_t)length);
		if (slash == NULL) {
			return cli_fail(
				"cannot tell where this command is (/proc/self/exe): give --plugin FILE");
		}
		strcpy(slash, "/cohcheck-plugin.so");
	}
	if (access(path, R_OK) != 0) {
		return cli_fail("cannot read the plugin %s: %s (it is built together with this command; --plugin FILE "
				"names another)",
				path, strerror(errno));
	}
	return 0;
}

static void put_ranges(FILE *out, const char *key, const struct cli_ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++) {
		fprintf(out, ",%s=0x%llx:0x%llx", key, (unsigned long long)ranges->list[i].start,
			(unsigned long long)ranges->list[i].size);
	}
}

static void put_drops(FILE *out, const struct cli_options *options)
{
	for (size_t i = 0; i < options->nr_drops; i++) {
		const struct cli_drop *drop = &options->drops[i];

		if (!drop->in_ranges) {
			fprintf(out, ",drop=%s", drop->op);
		}
		for (size_t j = 0; j < drop->ranges.count; j++) {
			fprintf(out, ",drop=%s@0x%llx:0x%llx", drop->op,
				(unsigned long long)drop->ranges.list[j].start,
				(unsigned long long)(drop->ranges.list[j].start +
						     drop->ranges.list[j].size));
		}
	}
}

static uint64_t flash_size(const struct cli_child *child, unsigned int idx)
{
	struct stat status;

	return fstat(child->roms[idx], &status) == 0 ? (uint64_t)status.st_size : 0;
}

static int entry_ranges(const struct cli_child *child, struct cli_ranges *clean,
			struct cli_ranges *loaded)
{
	const struct cli_options *options = child->options;

	if (!options->adversarial) {
		return 0;
	}
	for (size_t i = 0; i < options->clean.count; i++) {
		cli_range_add(clean, options->clean.list[i].start, options->clean.list[i].size);
	}
	for (size_t i = 0; i < options->loaded.count; i++) {
		cli_range_add(loaded, options->loaded.list[i].start, options->loaded.list[i].size);
	}
	for (unsigned int i = 0; i < child->line->nr_flashes; i++) {
		cli_range_add(clean, child->line->flashes[i].start,
			      flash_size(child, i)); /* nothing wrote to it */
	}
	return cli_boot_ranges(child->line, options->clean.count != 0, clean, loaded);
}

/* The argument of -plugin, allocated. */
static int plugin_argument(const struct cli_child *child, char **argument)
{
	struct cli_ranges clean = {NULL, 0}, loaded = {NULL, 0};
	char path[4096];
	size_t size;
	FILE *out;
	int status = find_plugin(child->options, path, sizeof(path));

	if (status == 0) {
		status = entry_ranges(child, &clean, &loaded);
	}
	out = status == 0 ? open_memstream(argument, &size) : NULL;
	if (status == 0 && out == NULL) {
		status = cli_fail("out of memory");
	}
	if (out != NULL) {
		put_escaped(out, path);
		fprintf(out, ",pipe=%d,ram=%d:0x%llx:0x%llx", child->pipe, child->ram,
			(unsigned long long)CLI_RAM_START,
			(unsigned long long)child->line->ram_size);
		for (unsigned int i = 0; i < child->line->nr_flashes; i++) {
			uint64_t bytes = flash_size(child, i);

			fprintf(out, ",rom=%d:0x%llx:0x%llx", child->roms[i],
				(unsigned long long)child->line->flashes[i].start,
				(unsigned long long)((bytes + 4095) & ~UINT64_C(4095)));
		}
		fprintf(out, ",entry=%s,dma=%s",
			child->options->adversarial ? "adversarial" : "clean",
			child->options->dma_noncoherent ? "noncoherent" : "coherent");
		put_ranges(out, "clean", &clean);
		put_ranges(out, "loaded", &loaded);
		put_drops(out, child->options);
		if (child->trace >= 0) {
			fprintf(out, ",trace=%d", child->trace);
			/* A temporary one must not fill the disk. */
			if (child->options->trace == NULL) {
				fprintf(out, ",trace_limit=%llu", HTML_TRACE_BYTES);
			}
		}
		if (child->options->summary) {
			fprintf(out, ",summary=on");
		}
		if (fclose(out) != 0) {
			status = cli_fail("out of memory");
		}
	}
	cli_ranges_free(&clean);
	cli_ranges_free(&loaded);
	return status;
}

/* QEMU's own arguments and ours, NULL at the end. */
int cli_child_arguments(struct cli_child *child)
{
	const struct cli_options *options = child->options;
	int argc = options->qemu_argc, status;

	child->argv = calloc((size_t)argc + 7, sizeof(*child->argv));
	if (child->argv == NULL ||
	    asprintf(&child->memory,
		     "memory-backend-file,id=cohcheck-ram,mem-path=/proc/self/fd/%d,share=on,size=%llu",
		     child->ram, (unsigned long long)child->line->ram_size) < 0) {
		return cli_fail("out of memory");
	}
	status = plugin_argument(child, &child->plugin);
	if (status != 0) {
		return status;
	}
	memcpy(child->argv, options->qemu_argv, (size_t)argc * sizeof(*child->argv));
	child->argv[argc++] = (char *)"-object";
	child->argv[argc++] = child->memory;
	child->argv[argc++] = (char *)"-machine";
	child->argv[argc++] = (char *)"memory-backend=cohcheck-ram";
	child->argv[argc++] = (char *)"-plugin";
	child->argv[argc++] = child->plugin;
	return 0;
}

void cli_child_free(struct cli_child *child)
{
	free(child->argv);
	free(child->memory);
	free(child->plugin);
}
