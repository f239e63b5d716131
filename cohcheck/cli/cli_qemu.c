/* SPDX-License-Identifier: MIT */
/*
 * QEMU's command line, as far as a checker must understand it: memory, machine, CPUs, accelerator, and
 * what is loaded where. Everything else passes through. What cannot be checked is refused here, with what
 * to do about it.
 */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_RAM (UINT64_C(128) << 20) /* of virt: qemu: hw/core/machine.c, default_ram_size */

/* Settings of -blockdev, for pflash0=NODE. */
struct parse {
	struct qemu_line *line;
	const char *pflash_nodes[2];
	const char *drives[2]; /* -drive if=pflash, -pflash */
	bool bare_device_loader;
};

static struct qemu_settings *own(struct parse *parse, const char *text, const char *implied)
{
	struct qemu_settings *settings = qemu_settings_parse(text, implied);

	if (settings != NULL) {
		settings->next = parse->line->owned;
		parse->line->owned = settings;
	}
	return settings;
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static int parse_memory(struct parse *parse, const struct qemu_settings *settings)
{
	const char *size = qemu_setting(settings, "size");

	if (size == NULL) {
		return 0;
	}
	if (!qemu_size_parse(size, 20, &parse->line->ram_size)) {
		return cli_fail("-m %s: this is no size; write -m 512 or -m 2G", size);
	}
	if (parse->line->ram_size == 0) {
		parse->line->ram_size = DEFAULT_RAM;
	}
	/* qemu: hw/core/machine.c, machine_set_mem() */
	parse->line->ram_size = (parse->line->ram_size + 8191) & ~UINT64_C(8191);
	return 0;
}

static int parse_accel(struct parse *parse, const char *names, const char *thread)
{
	const char *name = names;

	/* -machine accel= takes a list with colons, the first that works wins. */
	while (*name != '\0') {
		size_t length = strcspn(name, ":");

		if (length != 3 || strncmp(name, "tcg", 3) != 0) {
			return cli_fail("the accelerator %.*s runs the guest on the real processor, where nothing can "
					"be observed: use -accel tcg, or leave it out",
					(int)length, name);
		}
		name += length + (name[length] == ':');
	}
	if (thread != NULL) {
		parse->line->single_thread = strcmp(thread, "single") == 0;
	}
	return 0;
}

static int parse_cpus(struct parse *parse, const struct qemu_settings *settings)
{
	static const char *const levels[] = {"drawers",  "books",   "sockets", "dies",
					     "clusters", "modules", "cores",   "threads"};
	const char *cpus = qemu_setting(settings, "cpus");
	uint64_t count = 1, number;

	if (cpus == NULL) {
		cpus = qemu_setting(settings, "maxcpus");
	}
	if (cpus != NULL) {
		if (!qemu_number_parse(cpus, &count)) {
			return cli_fail("-smp %s: this is no number of CPUs", cpus);
		}
	} else {
		for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
			if (qemu_number_parse(qemu_setting(settings, levels[i]), &number) &&
			    number <= 1024) {
				count *= number;
			}
		}
	}
	if (count == 0 || count > MODEL_MAX_CPUS) {
		return cli_fail("%llu CPUs: cohcheck checks machines with 1 to %d",
				(unsigned long long)count, MODEL_MAX_CPUS);
	}
	parse->line->nr_cpus = (unsigned int)count;
	return 0;
}

static int parse_machine(struct parse *parse, const struct qemu_settings *settings)
{
	struct qemu_line *line = parse->line;
	int status = 0;

	for (size_t i = 0; i < settings->count && status == 0; i++) {
		const char *key = settings->list[i].key, *value = settings->list[i].value;

		if (strcmp(key, "type") == 0) {
			line->machine = value;
		} else if (strcmp(key, "accel") == 0) {
			status = parse_accel(parse, value, NULL);
		} else if (strcmp(key, "memory-backend") == 0) {
			status = cli_fail("-machine memory-backend=%s: cohcheck must provide the guest's memory to see "
					  "it; leave it out and say only how much (-m)",
					  value);
		} else if (starts_with(key, "memory") || starts_with(key, "smp.")) {
			status =
				cli_fail("-machine %s=%s: write it as -m or -smp, which cohcheck reads",
					 key, value);
		} else if (strcmp(key, "secure") == 0) {
			line->secure = qemu_is_on(value);
		} else if (strcmp(key, "kernel") == 0) {
			line->kernel = value;
		} else if (strcmp(key, "initrd") == 0) {
			line->initrd = value;
		} else if (strcmp(key, "dtb") == 0) {
			line->dtb = value;
		} else if (strcmp(key, "firmware") == 0) {
			line->bios = value;
		} else if (strcmp(key, "pflash0") == 0) {
			parse->pflash_nodes[0] = value;
		} else if (strcmp(key, "pflash1") == 0) {
			parse->pflash_nodes[1] = value;
		}
	}
	return status;
}

static int add_blob(struct parse *parse, struct qemu_blob blob)
{
	struct qemu_line *line = parse->line;
	struct qemu_blob *grown = realloc(line->blobs, (line->nr_blobs + 1) * sizeof(*grown));

	if (grown == NULL) {
		return cli_fail("out of memory");
	}
	line->blobs = grown;
	line->blobs[line->nr_blobs++] = blob;
	return 0;
}

static int parse_device(struct parse *parse, const struct qemu_settings *settings)
{
	const char *driver = qemu_setting(settings, "driver");
	const char *addr = qemu_setting(settings, "addr");
	struct qemu_blob blob = {.raw = true};

	if (driver == NULL) {
		return 0;
	}
	if (strcmp(driver, "pc-dimm") == 0 || strcmp(driver, "nvdimm") == 0 ||
	    starts_with(driver, "virtio-mem") || starts_with(driver, "virtio-pmem")) {
		return cli_fail("-device %s: memory that is plugged in is not observed; give all memory with -m",
				driver);
	}
	if (addr != NULL && !qemu_number_parse(addr, &blob.addr)) {
		blob.addr = 0;
	}
	if (strcmp(driver, "loader") == 0) {
		blob.file = qemu_setting(settings, "file");
		blob.raw = qemu_is_on(qemu_setting(settings, "force-raw"));
		blob.starts = qemu_setting(settings, "cpu-num") != NULL;
		if (blob.file == NULL &&
		    !qemu_number_parse(qemu_setting(settings, "data-len"), &blob.size)) {
			return 0; /* sets a program counter only */
		}
		return add_blob(parse, blob);
	}
	if (strcmp(driver, "guest-loader") == 0) {
		blob.file = qemu_setting(settings, "kernel");
		if (blob.file == NULL) {
			blob.file = qemu_setting(settings, "initrd");
		}
		return blob.file == NULL ? 0 : add_blob(parse, blob);
	}
	return 0;
}

static int parse_drive(struct parse *parse, const struct qemu_settings *settings)
{
	const char *interface = qemu_setting(settings, "if"), *file = qemu_setting(settings, "file");
	uint64_t unit;

	if (interface == NULL || strcmp(interface, "pflash") != 0 || file == NULL) {
		return 0;
	}
	if (!qemu_number_parse(qemu_setting(settings, "unit"), &unit) &&
	    !qemu_number_parse(qemu_setting(settings, "index"), &unit)) {
		unit = parse->drives[0] == NULL ? 0 : 1;
	}
	if (unit < 2) {
		parse->drives[unit] = file;
	}
	return 0;
}

static int parse_object(const struct qemu_settings *settings)
{
	const char *type = qemu_setting(settings, "qom-type");

	if (type != NULL && starts_with(type, "memory-backend")) {
		return cli_fail("-object %s: cohcheck must provide the guest's memory to see it; leave the object out and "
				"say only how much (-m)",
				type);
	}
	return 0;
}

/* Options that cohcheck cannot be used with, and why. */
static int check_refused(const char *name)
{
	/* clang-format off */
	static const struct {
		const char *name, *why;
	} refused[] = {
		{ "enable-kvm", "runs the guest on the real processor, where nothing can be observed: leave it out" },
		{ "mem-path", "cohcheck must provide the guest's memory (no huge pages either): leave it out" },
		{ "numa", "memory of several nodes is not observed: leave it out, with its memory backends" },
		{ "readconfig", "cohcheck does not see what is in that file: write its settings on the command line" },
		{ "incoming", "checking begins at reset, not in the middle of a run: leave it out" },
		{ "loadvm", "checking begins at reset, not in the middle of a run: leave it out" },
		{ "daemonize", "cohcheck must stay QEMU's parent to get its findings: leave it out" },
		{ "qtest", "there is no CPU to observe: leave it out" },
		{ "xen-attach", "runs the guest on the real processor, where nothing can be observed: leave it out" },
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (strcmp(refused[i].name, name) == 0) {
			return cli_fail("QEMU's option -%s: %s", name, refused[i].why);
		}
	}
	return 0;
}

static int parse_settings(struct parse *parse, const char *name, const char *argument)
{
	/* clang-format off */
	static const struct {
		const char *option, *implied;
	} known[] = {
		{ "m", "size" }, { "M", "type" }, { "machine", "type" }, { "smp", "cpus" }, { "accel", "accel" },
		{ "device", "driver" }, { "drive", NULL }, { "object", "qom-type" }, { "blockdev", "driver" },
		{ "icount", "shift" },
	};
	/* clang-format on */
	struct qemu_settings *settings = NULL;
	const char *accel;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && settings == NULL; i++) {
		if (strcmp(known[i].option, name) == 0) {
			settings = own(parse, argument, known[i].implied);
			if (settings == NULL) {
				return cli_fail("-%s %s: cohcheck does not understand this", name,
						argument);
			}
		}
	}
	if (settings == NULL) {
		return 0;
	}
	switch (name[0]) {
	case 'm':
		return name[1] == '\0' ? parse_memory(parse, settings)
				       : parse_machine(parse, settings);
	case 'M':
		return parse_machine(parse, settings);
	case 's':
		return parse_cpus(parse, settings);
	case 'a':
		accel = qemu_setting(settings, "accel");
		return parse_accel(parse, accel == NULL ? "tcg" : accel,
				   qemu_setting(settings, "thread"));
	case 'd':
		return name[1] == 'e' ? parse_device(parse, settings) : parse_drive(parse, settings);
	case 'o':
		return parse_object(settings);
	case 'i':
		parse->line->single_thread = true; /* all virtual CPUs take turns */
		return 0;
	}
	return 0;
}

static int parse_option(struct parse *parse, const char *name, const char *argument)
{
	struct qemu_line *line = parse->line;
	int status = check_refused(name);

	if (status != 0 || argument == NULL) {
		return status;
	}
	if (strcmp(name, "kernel") == 0) {
		line->kernel = argument;
	} else if (strcmp(name, "initrd") == 0) {
		line->initrd = argument;
	} else if (strcmp(name, "dtb") == 0) {
		line->dtb = argument;
	} else if (strcmp(name, "cpu") == 0) {
		line->cpu = argument;
	} else if (strcmp(name, "bios") == 0) {
		line->bios = argument;
	} else if (strcmp(name, "pflash") == 0) {
		parse->drives[parse->drives[0] == NULL ? 0 : 1] = argument;
	} else if (strcmp(name, "L") == 0) {
		if (line->nr_data_folders <
		    sizeof(line->data_folders) / sizeof(line->data_folders[0])) {
			line->data_folders[line->nr_data_folders++] = argument;
		}
	} else {
		return parse_settings(parse, name, argument);
	}
	return 0;
}

/* The file below a block node: -blockdev driver=raw,node-name=N,file=M names the next one. */
static const char *node_file(const struct parse *parse, const char *node, unsigned int depth)
{
	for (const struct qemu_settings *one = parse->line->owned; one != NULL && depth < 8;
	     one = one->next) {
		const char *name = qemu_setting(one, "node-name"), *file;

		if (name == NULL || strcmp(name, node) != 0) {
			continue;
		}
		file = qemu_setting(one, "filename");
		if (file == NULL) {
			file = qemu_setting(one, "file.filename");
		}
		return file != NULL ? file
		     : qemu_setting(one, "file") != NULL
			     ? node_file(parse, qemu_setting(one, "file"), depth + 1)
			     : NULL;
	}
	return NULL;
}

/* Flash: two banks of 64 MiB from address 0 on (qemu: hw/arm/virt.c, base_memmap). */
static int find_flashes(struct parse *parse)
{
	struct qemu_line *line = parse->line;

	for (unsigned int bank = 0; bank < 2; bank++) {
		struct qemu_flash flash = {.file = parse->drives[bank],
					   .start = bank * UINT64_C(0x4000000)};

		if (parse->pflash_nodes[bank] != NULL) {
			flash.file = node_file(parse, parse->pflash_nodes[bank], 0);
			if (flash.file == NULL) {
				return cli_fail("-machine pflash%u=%s: cohcheck finds no file behind that node; use "
						"-drive if=pflash,format=raw,file=...",
						bank, parse->pflash_nodes[bank]);
			}
		}
		if (bank == 0 && flash.file == NULL && line->bios != NULL &&
		    strcmp(line->bios, "none") != 0) {
			flash.file = line->bios;
			flash.is_rom = true;
		}
		if (flash.file != NULL) {
			line->flashes[line->nr_flashes++] = flash;
		}
	}
	return 0;
}

static bool is_aarch32_cpu(const char *cpu)
{
	/* Those of virt: qemu: hw/arm/virt.c, valid_cpu_types. */
	size_t length = strcspn(cpu, ",");

	return (length == 9 && strncmp(cpu, "cortex-a7", 9) == 0) ||
	       (length == 10 && strncmp(cpu, "cortex-a15", 10) == 0);
}

static int check_machine(const struct qemu_line *line)
{
	if (line->machine == NULL) {
		return cli_fail("QEMU's command line names no machine: add -M virt");
	}
	if (strcmp(line->machine, "virt") != 0 && !starts_with(line->machine, "virt-")) {
		return cli_fail("the machine %s is not supported: cohcheck knows where QEMU's virt machine (virt, virt-10.0, "
				"virt-9.2 ...) has its memory, and no other",
				line->machine);
	}
	if (line->cpu == NULL) {
		return cli_fail("QEMU's command line names no CPU, and the default of %s is a 32-bit one: add -cpu cortex-a57, "
				"-cpu max or another AArch64 CPU",
				line->machine);
	}
	if (is_aarch32_cpu(line->cpu)) {
		return cli_fail("-cpu %s is a 32-bit CPU: cohcheck checks AArch64, use cortex-a57, max or another",
				line->cpu);
	}
	if (line->single_thread && line->nr_cpus > 1) {
		return cli_fail("%u CPUs in one thread (-accel thread=single, or -icount): QEMU tells plugins the wrong CPU "
				"then; leave it out, or use -smp 1",
				line->nr_cpus);
	}
	return 0;
}

int qemu_line_parse(struct qemu_line *line, int argc, char **argv)
{
	struct parse parse = {.line = line};
	int status = 0;

	*line = (struct qemu_line){.program = argv[0], .ram_size = DEFAULT_RAM, .nr_cpus = 1};
	for (int i = 1; i < argc && status == 0; i++) {
		const char *name = argv[i], *argument = NULL;

		if (name[0] != '-') {
			continue; /* a disk */
		}
		name += name[1] == '-' ? 2 : 1; /* QEMU takes --option like -option */
		if (qemu_option_has_argument(name)) {
			if (i + 1 == argc) {
				return cli_fail("QEMU's option %s lacks its argument", argv[i]);
			}
			argument = argv[++i];
		}
		status = parse_option(&parse, name, argument);
	}
	if (status == 0) {
		status = find_flashes(&parse);
	}
	return status == 0 ? check_machine(line) : status;
}

void qemu_line_free(struct qemu_line *line)
{
	struct qemu_settings *settings = line->owned;

	while (settings != NULL) {
		struct qemu_settings *next = settings->next;

		qemu_settings_free(settings);
		settings = next;
	}
	free(line->blobs);
}
