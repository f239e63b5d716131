/* SPDX-License-Identifier: MIT */
/*
 * What is clean and what is loaded at reset, for each way to start a machine. Files are made in a folder
 * of their own.
 */
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB UINT64_C(0x100000)
#define RAM UINT64_C(0x40000000)

static char folder[] = "/tmp/cohcheck-boot-XXXXXX";
static char image[64], initrd[64], dtb[64], raw[64], packed[64];
static struct cli_ranges clean, loaded;

static void make_file(char *path, const char *name, const void *data, size_t length, size_t size)
{
	FILE *file;

	snprintf(path, 64, "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, length, file), length);
	assert_int_equal(ftruncate(fileno(file), (off_t)size), 0);
	fclose(file);
}

static int setup(void **state)
{
	uint64_t header[8] = {0};

	if (mkdtemp(folder) == NULL) {
		return -1;
	}
	header[2] = 0x2800000;            /* image_size; text_offset is 0 */
	memcpy(&header[7], "ARM\x64", 4); /* at 56 */
	make_file(image, "image", header, sizeof(header), 0x8000);
	make_file(initrd, "initrd", "x", 1, 0x5000);
	make_file(dtb, "dtb", "x", 1, 0x100);
	make_file(raw, "raw", "x", 1, 0x7000);
	make_file(packed, "packed", "\037\213\010", 3, 0x7000);
	return 0;
}

static int teardown(void **state)
{
	const char *const files[] = {image, initrd, dtb, raw, packed};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		unlink(files[i]);
	}
	return rmdir(folder);
}

static void ranges_of(const struct qemu_line *line)
{
	cli_ranges_free(&clean);
	cli_ranges_free(&loaded);
	assert_int_equal(cli_boot_ranges(line, false, &clean, &loaded), 0);
}

static void assert_range(const struct cli_ranges *ranges, size_t idx, uint64_t start, uint64_t size)
{
	assert_true(idx < ranges->count);
	assert_int_equal(ranges->list[idx].start, start);
	assert_int_equal(ranges->list[idx].size, size);
}

static void an_image_is_clean_as_far_as_it_was_loaded(void **state)
{
	struct qemu_line line = {.ram_size = 512 * MIB, .kernel = image};

	ranges_of(&line);
	assert_int_equal(clean.count, 2);
	assert_range(&clean, 0, RAM + 2 * MIB,
		     0x8000); /* 2 MiB further: QEMU's stub is at the start */
	assert_range(&clean, 1, RAM, 4096);
	assert_int_equal(loaded.count, 1);
	assert_range(&loaded, 0, RAM + 128 * MIB, MIB); /* QEMU's tree, without initrd */
}

static void initrd_and_tree_lie_where_qemu_puts_them(void **state)
{
	struct qemu_line line = {.ram_size = 64 * MIB, .kernel = image, .initrd = initrd, .dtb = dtb};

	ranges_of(&line);
	assert_int_equal(loaded.count, 2);
	assert_range(&loaded, 0, RAM + 42 * MIB,
		     0x5000); /* behind image_size, which is beyond half of this RAM */
	assert_range(&loaded, 1, RAM + 44 * MIB, (0x100 + 10000) * 2);
}

static void half_of_a_small_ram_is_for_the_kernel(void **state)
{
	struct qemu_line line = {.ram_size = 128 * MIB, .kernel = image, .initrd = initrd};

	ranges_of(&line);
	assert_range(&loaded, 0, RAM + 64 * MIB, 0x5000);
	assert_range(&loaded, 1, RAM + 66 * MIB, MIB);
}

static void a_raw_kernel_lies_at_512_kib(void **state)
{
	struct qemu_line line = {.ram_size = 512 * MIB, .kernel = raw};

	ranges_of(&line);
	assert_range(&clean, 0, RAM + 0x80000, 0x7000);
}

static void an_elf_kernels_segments_are_clean(void **state)
{
	struct qemu_line line = {.ram_size = 512 * MIB, .kernel = SYMBOLS_ELF};

	ranges_of(&line);
	assert_true(clean.count >= 1);
	for (size_t i = 0; i < clean.count; i++) {
		assert_in_range(clean.list[i].start, RAM, RAM + 2 * MIB);
	}
	assert_int_equal(loaded.count, 0); /* below 1 MiB there is no room for QEMU's tree */
}

static void a_packed_kernel_needs_the_users_word(void **state)
{
	struct qemu_line line = {.ram_size = 512 * MIB, .kernel = packed};

	cli_ranges_free(&clean);
	cli_ranges_free(&loaded);
	assert_int_equal(cli_boot_ranges(&line, false, &clean, &loaded), CLI_FAILED);
	assert_int_equal(cli_boot_ranges(&line, true, &clean, &loaded), 0);
	assert_range(&clean, 0, RAM, 4096);
}

static void firmware_finds_the_tree_at_the_start_of_ram(void **state)
{
	struct qemu_line line = {.ram_size = 512 * MIB, .kernel = image, .nr_flashes = 1};

	ranges_of(&line);
	assert_int_equal(clean.count, 0); /* firmware loads the kernel itself */
	assert_int_equal(loaded.count, 1);
	assert_range(&loaded, 0, RAM, MIB);
}

static void loaded_files_are_dirty_unless_a_cpu_starts_there(void **state)
{
	struct qemu_blob blobs[] = {
		{.file = raw, .addr = 0x48000000, .raw = true},
		{.file = raw, .addr = 0x49000000, .raw = true, .starts = true},
		{.addr = 0x4a000000, .size = 8, .raw = true},
		{.file = SYMBOLS_ELF, .starts = true},
	};
	struct qemu_line line = {.ram_size = 512 * MIB, .blobs = blobs, .nr_blobs = 4};

	ranges_of(&line);
	assert_range(&loaded, 0, RAM, MIB);
	assert_range(&loaded, 1, 0x48000000, 0x7000);
	assert_range(&loaded, 2, 0x4a000000, 8);
	assert_int_equal(loaded.count, 3);
	assert_range(&clean, 0, 0x49000000, 0x7000);
	assert_true(clean.count >= 2 && clean.list[1].start >= RAM &&
		    clean.list[1].start < RAM + 2 * MIB);
}

static void a_file_that_is_not_there_is_noticed(void **state)
{
	struct qemu_blob blob = {.file = "/nonexistent", .raw = true};
	struct qemu_line line = {.ram_size = 512 * MIB, .kernel = "/nonexistent"};

	assert_int_equal(cli_boot_ranges(&line, false, &clean, &loaded), CLI_FAILED);
	line = (struct qemu_line){.ram_size = 512 * MIB, .kernel = image, .initrd = "/nonexistent"};
	assert_int_equal(cli_boot_ranges(&line, false, &clean, &loaded), CLI_FAILED);
	line = (struct qemu_line){.ram_size = 512 * MIB, .blobs = &blob, .nr_blobs = 1};
	assert_int_equal(cli_boot_ranges(&line, false, &clean, &loaded), CLI_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_is_clean_as_far_as_it_was_loaded),
		cmocka_unit_test(initrd_and_tree_lie_where_qemu_puts_them),
		cmocka_unit_test(half_of_a_small_ram_is_for_the_kernel),
		cmocka_unit_test(a_raw_kernel_lies_at_512_kib),
		cmocka_unit_test(an_elf_kernels_segments_are_clean),
		cmocka_unit_test(a_packed_kernel_needs_the_users_word),
		cmocka_unit_test(firmware_finds_the_tree_at_the_start_of_ram),
		cmocka_unit_test(loaded_files_are_dirty_unless_a_cpu_starts_there),
		cmocka_unit_test(a_file_that_is_not_there_is_noticed),
	};
	int failed = cmocka_run_group_tests(tests, setup, teardown);

	cli_ranges_free(&clean);
	cli_ranges_free(&loaded);
	return failed;
}
