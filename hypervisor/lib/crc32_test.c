/* SPDX-License-Identifier: MIT */
/* CRC-32 against published check values, and inflate of a gzip stream, which depends on it. */
#include "lib/crc32.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

static void check_value_of_the_catalogue(void **state)
{
	(void)state;
	assert_int_equal(crc32(0, (const unsigned char *)"123456789", 9), 0xcbf43926);
	assert_int_equal(crc32(0, (const unsigned char *)"", 0), 0);
	assert_int_equal(crc32(0, (const unsigned char *)"a", 1), 0xe8b7be43);
}

static void every_byte_value_counts(void **state)
{
	unsigned char bytes[256];

	(void)state;
	for (unsigned int i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (unsigned char)i;
	}
	assert_int_equal(crc32(0, bytes, sizeof(bytes)), 0x29058c73);
}

static void pieces_give_the_same_as_the_whole(void **state)
{
	const unsigned char *text = (const unsigned char *)"123456789";

	(void)state;
	for (unsigned int cut = 0; cut <= 9; cut++) {
		assert_int_equal(crc32(crc32(0, text, cut), text + cut, 9 - cut), 0xcbf43926);
	}
}

static voidpf zlib_alloc(voidpf opaque, uInt items, uInt size)
{
	(void)opaque;
	return calloc(items, size);
}

static void zlib_free(voidpf opaque, voidpf address)
{
	(void)opaque;
	free(address);
}

/* printf 'tenon tenon tenon\n' | gzip -n9 */
static const unsigned char stream[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2b, 0x49, 0xcd, 0xcb, 0xcf,
	0x53, 0x28, 0x41, 0x90, 0x5c, 0x00, 0x2d, 0x3e, 0x82, 0xdb, 0x12, 0x00, 0x00, 0x00,
};

static int inflate_stream(const unsigned char *in, unsigned int size, char *text, unsigned int room)
{
	z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
	int result;

	z.next_in = (z_const Bytef *)(uintptr_t)in;
	z.avail_in = size;
	z.next_out = (Bytef *)text;
	z.avail_out = room;
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	result = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return result;
}

static void inflate_accepts_a_gzip_stream(void **state)
{
	char text[64] = "";

	(void)state;
	assert_int_equal(inflate_stream(stream, sizeof(stream), text, sizeof(text)), Z_STREAM_END);
	assert_string_equal(text, "tenon tenon tenon\n");
}

static void inflate_refuses_a_wrong_check_sum(void **state)
{
	unsigned char bad[sizeof(stream)];
	char text[64] = "";

	(void)state;
	memcpy(bad, stream, sizeof(stream));
	bad[sizeof(bad) - 8] ^= 1;
	assert_int_equal(inflate_stream(bad, sizeof(bad), text, sizeof(text)), Z_DATA_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_value_of_the_catalogue),
		cmocka_unit_test(every_byte_value_counts),
		cmocka_unit_test(pieces_give_the_same_as_the_whole),
		cmocka_unit_test(inflate_accepts_a_gzip_stream),
		cmocka_unit_test(inflate_refuses_a_wrong_check_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
