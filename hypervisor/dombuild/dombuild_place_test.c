/* SPDX-License-Identifier: MIT */
/* Placement: the three choices of xen-abi-arm section 1.4 as a table, and sizes that no header
 * should have. */
#include "dombuild/dombuild_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define BANK UINT64_C(0x40000000)
#define KIB  UINT64_C(1024)

struct place_case {
	const char *name;
	uint64_t bank_size, text_offset, kernel_bytes, fdt_bytes, initrd_bytes;
	enum place_result result;
	uint64_t fdt, initrd; /* relative to the bank */
};

/* clang-format off */
static const struct place_case cases[] = {
	{ "large bank: tree at 128 MiB, initrd behind it", 512 * MIB, 0, 33 * MIB, 8 * KIB, 42 * MIB, PLACE_OK, 128 * MIB,
	  130 * MIB },
	{ "kernel that ends exactly at 128 MiB", 512 * MIB, 0, 128 * MIB, 8 * KIB, MIB, PLACE_OK, 128 * MIB, 130 * MIB },
	{ "kernel beyond 128 MiB: top of the bank", 512 * MIB, 0, 129 * MIB, 8 * KIB, MIB, PLACE_OK, 508 * MIB, 510 * MIB },
	{ "bank that just reaches 128 MiB and the modules", 132 * MIB, 0, MIB, 8 * KIB, MIB, PLACE_OK, 128 * MIB, 130 * MIB },
	{ "bank a little smaller: top of it", 131 * MIB, 0, MIB, 8 * KIB, MIB, PLACE_OK, 127 * MIB, 129 * MIB },
	{ "small bank", 64 * MIB, 0, 20 * MIB, 4 * KIB, 3 * MIB, PLACE_OK, 58 * MIB, 60 * MIB },
	{ "no initrd", 16 * MIB, 0, MIB, 4 * KIB, 0, PLACE_OK, 14 * MIB, 16 * MIB },
	{ "only below the kernel", 64 * MIB, 8 * MIB, 55 * MIB, 4 * KIB, 3 * MIB, PLACE_OK, 2 * MIB, 4 * MIB },
	{ "bank that is not whole megabytes", 16 * MIB + 12 * KIB, 0, MIB, 4 * KIB, 0, PLACE_OK, 14 * MIB + 12 * KIB,
	  16 * MIB + 12 * KIB },
	{ "smallest: 2 MiB each", 4 * MIB, 0, 4 * KIB, 4 * KIB, 0, PLACE_OK, 2 * MIB, 4 * MIB },
	{ "smaller than that: whole pages", 2 * MIB, 0, 4 * KIB, 5 * KIB, KIB, PLACE_OK, 2 * MIB - 12 * KIB,
	  2 * MIB - 4 * KIB },
	{ "every page used", 16 * KIB, 0, 8 * KIB, 4 * KIB, KIB, PLACE_OK, 8 * KIB, 12 * KIB },
	{ "a page too few", 12 * KIB, 0, 8 * KIB, 4 * KIB, KIB, PLACE_NO_ROOM, 0, 0 },
	{ "initrd larger than the rest", 64 * MIB, 0, 20 * MIB, 4 * KIB, 44 * MIB, PLACE_NO_ROOM, 0, 0 },
	{ "initrd larger than the bank", 64 * MIB, 0, 20 * MIB, 4 * KIB, 100 * MIB, PLACE_NO_ROOM, 0, 0 },
	{ "kernel larger than the bank", 64 * MIB, 0, 65 * MIB, 4 * KIB, 0, PLACE_KERNEL_TOO_LARGE, 0, 0 },
	{ "text_offset pushes it out", 64 * MIB, 60 * MIB, 5 * MIB, 4 * KIB, 0, PLACE_KERNEL_TOO_LARGE, 0, 0 },
	{ "text_offset of a liar", 64 * MIB, UINT64_MAX - 4095, 8 * KIB, 4 * KIB, 0, PLACE_KERNEL_TOO_LARGE, 0, 0 },
	{ "image_size of a liar", 64 * MIB, 4096, UINT64_MAX, 4 * KIB, 0, PLACE_KERNEL_TOO_LARGE, 0, 0 },
	{ "initrd of 2^64 bytes", 64 * MIB, 0, MIB, 4 * KIB, UINT64_MAX, PLACE_NO_ROOM, 0, 0 },
};
/* clang-format on */

static void table_of_places(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct place_case *c = &cases[i];
		const struct place_request request = {
			.bank_start = BANK,
			.bank_size = c->bank_size,
			.text_offset = c->text_offset,
			.kernel_bytes = c->kernel_bytes,
			.fdt_bytes = c->fdt_bytes,
			.initrd_bytes = c->initrd_bytes,
		};
		struct placement placement;

		print_message("  %s\n", c->name);
		assert_int_equal(dombuild_place(&request, &placement), c->result);
		if (c->result != PLACE_OK) {
			continue;
		}
		assert_int_equal(placement.kernel, BANK + c->text_offset);
		assert_int_equal(placement.fdt, BANK + c->fdt);
		assert_int_equal(placement.initrd, BANK + c->initrd);
	}
}

/* Linux: Documentation/arch/arm/booting.rst; the tree behind 128 MiB, or at the top, or below the kernel. */
static void zimages_go_high_below_128_mib(void **state)
{
	static const struct {
		uint64_t bank_size, start, kernel_bytes;
		enum place_result result;
		uint64_t kernel, fdt; /* relative to the bank */
	} zimages[] = {
		{512 * MIB, 0, 6 * MIB, PLACE_OK, 122 * MIB, 128 * MIB},
		{512 * MIB, 0, 6 * MIB + 1, PLACE_OK, 120 * MIB, 128 * MIB},
		{130 * MIB, 0, 6 * MIB, PLACE_OK, 122 * MIB, 118 * MIB},
		{64 * MIB, 0, 5 * MIB, PLACE_OK, 58 * MIB, 54 * MIB},
		{64 * MIB, BANK + 4 * MIB, MIB, PLACE_OK, 4 * MIB, 60 * MIB},
		{64 * MIB, BANK + 32768, 6 * MIB, PLACE_OK, 32768, 60 * MIB},
		{4 * MIB, 0, 5 * MIB, PLACE_KERNEL_TOO_LARGE, 0, 0},
		{512 * MIB, 0, 129 * MIB, PLACE_KERNEL_TOO_LARGE, 0, 0},
		{64 * MIB, 0x8000, MIB, PLACE_KERNEL_TOO_LARGE, 0, 0},
		{64 * MIB, BANK + 64 * MIB, 4096, PLACE_KERNEL_TOO_LARGE, 0, 0},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(zimages); i++) {
		const struct place_request request = {
			.bank_start = BANK,
			.bank_size = zimages[i].bank_size,
			.is_zimage = true,
			.zimage_start = zimages[i].start,
			.kernel_bytes = zimages[i].kernel_bytes,
			.fdt_bytes = 8 * KIB,
			.initrd_bytes = MIB,
		};
		struct placement placement;

		assert_int_equal(dombuild_place(&request, &placement), zimages[i].result);
		if (zimages[i].result == PLACE_OK) {
			assert_int_equal(placement.kernel, BANK + zimages[i].kernel);
			assert_int_equal(placement.fdt, BANK + zimages[i].fdt);
		}
	}
}

/* Whatever is asked: nothing overlaps, everything lies in the bank. */
static void random_requests_never_overlap(void **state)
{
	srand(1);
	for (unsigned int i = 0; i < 200000; i++) {
		const struct place_request request = {
			.bank_start = BANK,
			.bank_size = (uint64_t)(rand() % 70000) * 4096,
			.text_offset = (uint64_t)(rand() % 3 == 0 ? rand() % 40 : 0) * MIB / 2,
			.kernel_bytes = (uint64_t)(rand() % 40000) * 4000,
			.fdt_bytes = (uint64_t)(rand() % 40) * 1000 + 1,
			.initrd_bytes = (uint64_t)(rand() % 3 == 0 ? 0 : rand() % 20000) * 4001,
		};
		struct placement p;

		if (dombuild_place(&request, &p) != PLACE_OK) {
			continue;
		}
		assert_true(p.kernel >= BANK &&
			    p.kernel + request.kernel_bytes <= BANK + request.bank_size);
		assert_true(p.fdt >= BANK && p.fdt + request.fdt_bytes <= BANK + request.bank_size);
		assert_true(p.initrd + request.initrd_bytes <= BANK + request.bank_size);
		assert_true(p.fdt % 8 == 0);
		assert_true(p.fdt + request.fdt_bytes <= p.initrd);
		assert_true(p.fdt >= p.kernel + request.kernel_bytes ||
			    p.initrd + request.initrd_bytes <= p.kernel);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_places),
		cmocka_unit_test(zimages_go_high_below_128_mib),
		cmocka_unit_test(random_requests_never_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
