/* SPDX-License-Identifier: MIT */
/* Kernels of all formats, whole and damaged, and the way from a module into a guest's memory. */
#include "dombuild/dombuild_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODULE_START (FAKE_RAM_START + 16 * MIB)
#define GUEST_START  GUEST_RAM0_BASE
#define KERNEL_BYTES 12000

/* gzip -9n of what make_kernel() makes. */
static const uint8_t compressed_kernel[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xed, 0xcf, 0x59, 0x33, 0x82,
	0x61, 0x1c, 0x86, 0xf1, 0x37, 0x64, 0x89, 0x84, 0xa8, 0x28, 0x64, 0x49, 0x48, 0x24, 0x4a,
	0x24, 0x49, 0x51, 0x28, 0x52, 0x4a, 0x96, 0xac, 0x59, 0xda, 0xed, 0x94, 0x96, 0xaf, 0x6e,
	0x9c, 0x9a, 0x69, 0x86, 0x23, 0x07, 0xae, 0xff, 0xc9, 0x33, 0xf3, 0x3b, 0x78, 0xee, 0xb9,
	0x04, 0xe1, 0xfb, 0x89, 0x84, 0x9f, 0x9c, 0x2b, 0x14, 0x48, 0x7c, 0xbd, 0x5d, 0xf2, 0xee,
	0x1e, 0x85, 0x20, 0xaa, 0xab, 0x6f, 0x10, 0x37, 0x36, 0x35, 0xb7, 0x48, 0x5a, 0xdb, 0xa4,
	0xed, 0xb2, 0x8e, 0x4e, 0x18, 0x86, 0x61, 0x18, 0x86, 0x61, 0x18, 0x86, 0x61, 0x18, 0x86,
	0x61, 0x18, 0x86, 0x61, 0x18, 0xfe, 0x57, 0x7c, 0x95, 0xb8, 0xbe, 0xb9, 0xbd, 0x4b, 0xa6,
	0xd2, 0x99, 0x6c, 0x2e, 0x7f, 0xff, 0xf0, 0xf8, 0xf4, 0xfc, 0xf2, 0xfa, 0xf6, 0x5e, 0x28,
	0xd6, 0xf8, 0x42, 0xa9, 0xea, 0xed, 0x53, 0x6b, 0xfa, 0x07, 0x06, 0xb5, 0x43, 0xc3, 0x23,
	0xa3, 0xba, 0x31, 0xfd, 0xf8, 0xc4, 0xa4, 0x61, 0xca, 0x38, 0x3d, 0x63, 0x9a, 0x35, 0xcf,
	0xcd, 0x5b, 0xac, 0x0b, 0xb6, 0xc5, 0x25, 0xfb, 0xb2, 0x63, 0xc5, 0xb9, 0xea, 0x5a, 0x73,
	0x7b, 0xd6, 0x37, 0xbc, 0xbe, 0xcd, 0xad, 0x6d, 0x7f, 0x60, 0x67, 0x37, 0xb8, 0x17, 0x0a,
	0xef, 0x47, 0xa2, 0x07, 0xb1, 0xc3, 0xa3, 0xe3, 0x93, 0xf8, 0xe9, 0xd9, 0xf9, 0xc5, 0x65,
	0xad, 0xe9, 0x8f, 0x52, 0xb9, 0x52, 0xfd, 0xc3, 0x7d, 0xd2, 0x49, 0x27, 0x9d, 0x74, 0xd2,
	0x49, 0x27, 0x9d, 0x74, 0xd2, 0x49, 0x27, 0x9d, 0x74, 0xd2, 0x49, 0x27, 0x9d, 0x74, 0xd2,
	0x49, 0x27, 0x9d, 0x74, 0xd2, 0x49, 0xff, 0xf5, 0xfe, 0x27, 0x79, 0x7b, 0xbf, 0x63, 0xe0,
	0x2e, 0x00, 0x00,
};

static struct boot_module module;
static struct domain *d;

static int set_up(void **state)
{
	const struct domain_config config = {.domid = 1, .name = "domU1", .nr_vcpus = 1};

	fake_reset();
	module = (struct boot_module){.kind = BOOT_MODULE_KERNEL,
				      .start = MODULE_START,
				      .fdt_node = -1};
	assert_int_equal(domain_create(&config, &d), 0);
	/* 64 KiB of memory whose frames lie elsewhere, in another order. */
	for (unsigned int i = 0; i < 16; i++) {
		assert_int_equal(stage2_map(d, gfn((GUEST_START >> PAGE_SHIFT) + i),
					    mfn((FAKE_RAM_START >> PAGE_SHIFT) + 1000 - 3 * i), 1,
					    STAGE2_RAM),
				 0);
	}
	return 0;
}

static int tear_down(void **state)
{
	fake_check_leaks();
	return 0;
}

static uint8_t *make_kernel(uint8_t *at)
{
	fake_image_header(at, 0, 0x10000);
	for (unsigned int i = 64; i < KERNEL_BYTES; i++) {
		at[i] = (uint8_t)(i < 6000 ? i % 23 : (i % 251) & 0x7f);
	}
	return at;
}

static void put_module(const void *bytes, size_t size)
{
	memcpy(fake_ram(module.start), bytes, size);
	module.size = size;
}

static void expect_guest(ipa_t ipa, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		assert_int_equal(*fake_guest(d, ipa + i), bytes[i]);
	}
	/* And not a byte more. */
	assert_int_equal(*fake_guest(d, ipa + size), 0);
}

static void probe_and_load(const uint8_t *expected, size_t size)
{
	struct kernel_image image;

	assert_int_equal(dombuild_image_probe("d1", &module, &image), 0);
	assert_int_equal(image.load_bytes, size);
	assert_int_equal(image.memory_bytes, 0x10000);
	assert_int_equal(dombuild_image_load("d1", d, &image, GUEST_START + image.text_offset), 0);
	expect_guest(GUEST_START + image.text_offset, expected, size);
	assert_string_equal(fake_messages, "");
}

static void probe_fails(const char *why)
{
	struct kernel_image image;

	assert_int_equal(dombuild_image_probe("d1 (domU1)", &module, &image), -XEN_EINVAL);
	fake_expect_one_error("d1 (domU1)", "the kernel", why, "left out");
}

/* ---- formats --------------------------------------------------------------------------------- */

static void plain_image(void **state)
{
	uint8_t kernel[KERNEL_BYTES];

	put_module(make_kernel(kernel), KERNEL_BYTES);
	probe_and_load(kernel, KERNEL_BYTES);
}

static void module_at_an_odd_address(void **state)
{
	uint8_t kernel[KERNEL_BYTES];

	module.start += 0x123;
	put_module(make_kernel(kernel), KERNEL_BYTES);
	probe_and_load(kernel, KERNEL_BYTES);
}

static void compressed_image(void **state)
{
	uint8_t kernel[KERNEL_BYTES];

	put_module(compressed_kernel, sizeof(compressed_kernel));
	probe_and_load(make_kernel(kernel), KERNEL_BYTES);
}

static void stored_image_over_many_input_pages(void **state)
{
	uint8_t kernel[KERNEL_BYTES], file[KERNEL_BYTES + 64];

	module.start += 0xff9;
	put_module(file, fake_gzip(file, make_kernel(kernel), KERNEL_BYTES));
	probe_and_load(kernel, KERNEL_BYTES);
}

static size_t make_uimage(uint8_t *to, const uint8_t *payload, size_t size, uint8_t compression)
{
	static const uint8_t magic[] = {0x27, 0x05, 0x19, 0x56};

	memset(to, 0, 64);
	memcpy(to, magic, 4);
	to[14] = (uint8_t)(size >> 8);
	to[15] = (uint8_t)size;
	to[28] = 5;
	to[29] = 22;
	to[30] = 2;
	to[31] = compression;
	memcpy(to + 64, payload, size);
	return 64 + size;
}

static void uimage_that_goes_anywhere(void **state)
{
	uint8_t kernel[KERNEL_BYTES], file[KERNEL_BYTES + 64];

	put_module(file, make_uimage(file, make_kernel(kernel), KERNEL_BYTES, 0));
	probe_and_load(kernel, KERNEL_BYTES);
}

static void uimage_around_gzip(void **state)
{
	uint8_t kernel[KERNEL_BYTES], file[1024];

	put_module(file, make_uimage(file, compressed_kernel, sizeof(compressed_kernel), 1));
	probe_and_load(make_kernel(kernel), KERNEL_BYTES);
}

static void uimages_that_are_refused(void **state)
{
	uint8_t file[1024];
	size_t size = make_uimage(file, compressed_kernel, sizeof(compressed_kernel), 1);

	file[16] = 0x40;
	put_module(file, size);
	probe_fails("fixed load address");
	fake_errors = 0;
	file[16] = 0;
	file[29] = 3;
	put_module(file, size);
	probe_fails("another architecture");
	fake_errors = 0;
	file[29] = 22;
	file[31] = 3;
	put_module(file, size);
	probe_fails("compression other than gzip");
	fake_errors = 0;
	file[31] = 1;
	put_module(file, size - 1);
	probe_fails("truncated");
}

static void text_offset_is_honoured(void **state)
{
	uint8_t kernel[KERNEL_BYTES];
	struct kernel_image image;

	make_kernel(kernel);
	fake_image_header(kernel, 0x3000, 0x8000);
	put_module(kernel, KERNEL_BYTES);
	assert_int_equal(dombuild_image_probe("d1", &module, &image), 0);
	assert_int_equal(image.text_offset, 0x3000);
	assert_int_equal(image.memory_bytes, 0x8000);
	assert_int_equal(dombuild_image_load("d1", d, &image, GUEST_START + 0x3000), 0);
	expect_guest(GUEST_START + 0x3000, kernel, KERNEL_BYTES);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void not_a_kernel(void **state)
{
	uint8_t text[200];

	memset(text, 'x', sizeof(text));
	put_module(text, sizeof(text));
	probe_fails("no known format");
}

static void shorter_than_a_header(void **state)
{
	uint8_t kernel[KERNEL_BYTES];

	put_module(make_kernel(kernel), 63);
	probe_fails("truncated");
}

/* A zImage of size bytes as its header says, of which KERNEL_BYTES are there. */
static uint8_t *make_zimage(uint8_t *at, uint32_t start, uint32_t size)
{
	const uint32_t header[] = {0x016f2818, start, start + size};

	for (unsigned int i = 0; i < KERNEL_BYTES; i++) {
		at[i] = (uint8_t)(i % 23);
	}
	memcpy(at + 0x24, header, sizeof(header));
	return at;
}

static void kernel_for_32_bits(void **state)
{
	uint8_t kernel[KERNEL_BYTES], file[KERNEL_BYTES + 64];
	struct kernel_image image;

	put_module(make_zimage(kernel, 0, KERNEL_BYTES), KERNEL_BYTES);
	assert_int_equal(dombuild_image_probe("d1", &module, &image), 0);
	assert_true(image.is_32bit);
	assert_int_equal(image.zimage_start, 0);
	assert_int_equal(image.load_bytes, KERNEL_BYTES);
	/* And what its decompressor works with. */
	assert_true(image.memory_bytes >= KERNEL_BYTES + 128 * 1024);
	assert_int_equal(dombuild_image_load("d1", d, &image, GUEST_START), 0);
	expect_guest(GUEST_START, kernel, KERNEL_BYTES);
	/* Linked for an address, with a device tree appended, which goes along. */
	put_module(make_zimage(kernel, 0x40008000, KERNEL_BYTES - 1000), KERNEL_BYTES);
	assert_int_equal(dombuild_image_probe("d1", &module, &image), 0);
	assert_int_equal(image.zimage_start, 0x40008000);
	assert_int_equal(image.load_bytes, KERNEL_BYTES);
	/* In a uImage of either architecture. */
	put_module(file, make_uimage(file, kernel, KERNEL_BYTES, 0));
	*(uint8_t *)fake_ram(module.start + 29) = 2;
	assert_int_equal(dombuild_image_probe("d1", &module, &image), 0);
	assert_true(image.is_32bit);
	assert_int_equal(image.offset, 64);
	/* An arm64 Image is not one. */
	put_module(make_kernel(kernel), KERNEL_BYTES);
	assert_int_equal(dombuild_image_probe("d1", &module, &image), 0);
	assert_false(image.is_32bit);
	assert_string_equal(fake_messages, "");
}

static void zimage_that_is_not_all_there(void **state)
{
	uint8_t kernel[KERNEL_BYTES];

	put_module(make_zimage(kernel, 0x40008000, KERNEL_BYTES + 1), KERNEL_BYTES);
	probe_fails("truncated");
	fake_errors = 0;
	put_module(make_zimage(kernel, 0x40008000, (uint32_t)-4096), KERNEL_BYTES);
	probe_fails("damaged");
}

/* A PE header as Linux's EFI stub has: two sections, the second ends where the file ends. */
static void sections_beyond_the_end(void **state)
{
	uint8_t kernel[KERNEL_BYTES];
	const uint32_t pe = 64, raw_size = 0x1000, raw_at[] = {0x1000, KERNEL_BYTES - 0x1000};
	const uint16_t nr_sections = 2, optional = 160;

	make_kernel(kernel);
	kernel[0] = 'M';
	kernel[1] = 'Z';
	memcpy(kernel + 60, &pe, 4);
	memcpy(kernel + 64, "PE\0\0", 4);
	memcpy(kernel + 64 + 6, &nr_sections, 2);
	memcpy(kernel + 64 + 20, &optional, 2);
	for (unsigned int i = 0; i < 2; i++) {
		memcpy(kernel + 64 + 24 + 160 + i * 40 + 16, &raw_size, 4);
		memcpy(kernel + 64 + 24 + 160 + i * 40 + 20, &raw_at[i], 4);
	}
	put_module(kernel, KERNEL_BYTES);
	probe_and_load(kernel, KERNEL_BYTES);
	put_module(kernel, KERNEL_BYTES - 1);
	probe_fails("truncated: its sections");
}

static void load_fails(const char *why)
{
	struct kernel_image image;

	assert_int_equal(dombuild_image_probe("d1 (domU1)", &module, &image), 0);
	assert_int_equal(dombuild_image_load("d1 (domU1)", d, &image, GUEST_START), -XEN_EINVAL);
	fake_expect_one_error("d1 (domU1)", "the kernel", why, "left out");
}

static void gzip_with_a_wrong_crc(void **state)
{
	put_module(compressed_kernel, sizeof(compressed_kernel));
	((uint8_t *)fake_ram(module.start))[sizeof(compressed_kernel) - 8] ^= 1;
	load_fails("corrupt");
}

static void gzip_with_a_wrong_length(void **state)
{
	static const int deltas[] = {1, -1, 4096, -4096};

	for (unsigned int i = 0; i < ARRAY_SIZE(deltas); i++) {
		uint32_t length = (uint32_t)(KERNEL_BYTES + deltas[i]);

		fake_errors = 0;
		put_module(compressed_kernel, sizeof(compressed_kernel));
		memcpy((uint8_t *)fake_ram(module.start) + sizeof(compressed_kernel) - 4, &length,
		       4);
		load_fails("corrupt");
		/* What was announced is the limit. */
		assert_int_equal(*fake_guest(d, GUEST_START + MAX(length, (uint32_t)KERNEL_BYTES)),
				 0);
	}
}

/* The last four bytes of what is left are taken for the size. */
static void gzip_that_lost_its_end(void **state)
{
	uint8_t kernel[KERNEL_BYTES], file[KERNEL_BYTES + 64];
	size_t size;

	make_kernel(kernel);
	memset(kernel + 8000, 0x7f, 4);
	size = fake_gzip(file, kernel, KERNEL_BYTES);
	put_module(file, size - (KERNEL_BYTES - 8004) - 8);
	probe_fails("truncated or corrupt");
}

/* Every byte damaged, every length: an answer each time, never a crash, an overrun or two
 * messages. */
static void gzip_damaged_anywhere(void **state)
{
	for (size_t i = 0; i < sizeof(compressed_kernel); i++) {
		for (unsigned int how = 0; how < 2; how++) {
			struct kernel_image image;
			int rc;

			fake_errors = 0;
			put_module(compressed_kernel, how == 0 ? sizeof(compressed_kernel) : i);
			if (how == 0) {
				((uint8_t *)fake_ram(module.start))[i] ^= 0x55;
			}
			rc = dombuild_image_probe("d1", &module, &image);
			if (rc == 0) {
				rc = image.memory_bytes <= 0x10000
					   ? dombuild_image_load("d1", d, &image, GUEST_START)
					   : -XEN_ENOSPC;
			}
			assert_true(rc == 0 || rc == -XEN_EINVAL || rc == -XEN_EFAULT ||
				    rc == -XEN_ENOSPC);
			assert_int_equal(fake_errors, rc == -XEN_EINVAL || rc == -XEN_EFAULT);
			/* Only the header's unused bytes (time, system) may differ unnoticed. */
			assert_true(rc != 0 || (how == 0 && (i == 3 || (i >= 4 && i < 10))));
			fake_messages[0] = '\0';
			fake_check_leaks();
		}
	}
}

static void gzip_of_gzip(void **state)
{
	uint8_t file[1024];

	put_module(file, fake_gzip(file, compressed_kernel, sizeof(compressed_kernel)));
	probe_fails("compressed twice");
}

static void memory_that_the_guest_does_not_have(void **state)
{
	uint8_t kernel[KERNEL_BYTES];
	struct kernel_image image;

	put_module(make_kernel(kernel), KERNEL_BYTES);
	assert_int_equal(dombuild_image_probe("d1", &module, &image), 0);
	assert_int_equal(dombuild_image_load("d1", d, &image, GUEST_START + 15 * PAGE_SIZE),
			 -XEN_EFAULT);
	fake_expect_one_error("d1", "cannot be copied");
}

static void no_memory_to_look_at_it(void **state)
{
	struct kernel_image image;

	for (unsigned int allocs = 0; allocs < 2; allocs++) {
		fake_errors = 0;
		fake_hyp_allocs_left = allocs;
		put_module(compressed_kernel, sizeof(compressed_kernel));
		assert_int_equal(dombuild_image_probe("d1", &module, &image), -XEN_ENOMEM);
		fake_expect_one_error("d1", "no memory");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plain_image, set_up, tear_down),
		cmocka_unit_test_setup_teardown(module_at_an_odd_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(compressed_image, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stored_image_over_many_input_pages, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(uimage_that_goes_anywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(uimage_around_gzip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(uimages_that_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(text_offset_is_honoured, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_a_kernel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(shorter_than_a_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kernel_for_32_bits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(zimage_that_is_not_all_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sections_beyond_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gzip_with_a_wrong_crc, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gzip_with_a_wrong_length, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gzip_that_lost_its_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gzip_damaged_anywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gzip_of_gzip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_that_the_guest_does_not_have, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(no_memory_to_look_at_it, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
