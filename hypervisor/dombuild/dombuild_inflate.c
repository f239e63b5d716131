/* SPDX-License-Identifier: MIT */
/*
 * gzip to guest memory: zlib's inflate between windows of a module and windows of the guest, page
 * by page.
 *
 * The compressed file is input of the boot loader: never more than the announced size is written,
 * and length and CRC (RFC 1952) have to be right, or the domain is left out. zlib gets its 45 KiB
 * from a few frames of Tenon's own, through an allocator that only moves forward.
 */
#include "dombuild/dombuild_internal.h"

#include <zlib.h>

#include "lib/string.h"

#define ARENA_ORDER 4
#define ARENA_BYTES (PAGE_SIZE << ARENA_ORDER)
/* 15 bits of history, the most there is; 16 more ask for the gzip format. */
#define WINDOW_BITS (15 + 16)

struct arena {
	uint8_t *start;
	size_t used;
};

struct inflater {
	z_stream stream;
	struct arena arena;
	const struct boot_module *module;
	uint64_t offset, left; /* of the input not yet mapped */
	const uint8_t *page;   /* the input's window, NULL: none */
	bool ended;            /* the trailer was seen and is right */
};

static void *arena_alloc(void *opaque, unsigned int items, unsigned int size)
{
	struct arena *arena = opaque;
	size_t bytes = ALIGN_UP((size_t)items * size, (size_t)16);
	void *at = arena->start + arena->used;

	if (bytes > ARENA_BYTES - arena->used) {
		return NULL;
	}
	arena->used += bytes;
	return at;
}

static void arena_free(void *opaque, void *address)
{
	/* Everything goes with the arena. */
}

static int inflater_init(struct inflater *inflater, const struct boot_module *module,
			 uint64_t offset, uint64_t size)
{
	*inflater = (struct inflater){.module = module, .offset = offset, .left = size};
	inflater->arena.start = hyp_alloc(ARENA_ORDER);
	if (inflater->arena.start == NULL) {
		return -XEN_ENOMEM;
	}
	inflater->stream.zalloc = arena_alloc;
	inflater->stream.zfree = arena_free;
	inflater->stream.opaque = &inflater->arena;
	if (inflateInit2(&inflater->stream, WINDOW_BITS) != Z_OK) {
		hyp_free(inflater->arena.start, ARENA_ORDER);
		return -XEN_ENOMEM;
	}
	return 0;
}

static void unmap_input(struct inflater *inflater)
{
	if (inflater->page != NULL) {
		window_unmap(inflater->page);
		inflater->page = NULL;
	}
}

static void inflater_fini(struct inflater *inflater)
{
	unmap_input(inflater);
	hyp_free(inflater->arena.start, ARENA_ORDER);
}

/* The next page of the module; false at its end. */
static bool map_input(struct inflater *inflater)
{
	maddr_t from = inflater->module->start + inflater->offset;
	uint64_t in_page = from & (PAGE_SIZE - 1);
	uint64_t chunk = MIN(inflater->left, PAGE_SIZE - in_page);

	unmap_input(inflater);
	if (chunk == 0) {
		return false;
	}
	inflater->page = window_map(maddr_to_mfn(from), WINDOW_NC);
	inflater->stream.next_in = (z_const Bytef *)(uintptr_t)(inflater->page + in_page);
	inflater->stream.avail_in = (uInt)chunk;
	inflater->offset += chunk;
	inflater->left -= chunk;
	return true;
}

/* Fill size bytes at to, or fewer at the end of the file; NULL, or what is wrong. */
static const char *produce(struct inflater *inflater, uint8_t *to, size_t *size)
{
	inflater->stream.next_out = to;
	inflater->stream.avail_out = (uInt)*size;
	while (!inflater->ended && inflater->stream.avail_out > 0) {
		int result;

		if (inflater->stream.avail_in == 0 && !map_input(inflater)) {
			return "is truncated: the gzip file ends too early";
		}
		result = inflate(&inflater->stream, Z_NO_FLUSH);
		if (result == Z_STREAM_END) {
			inflater->ended = true;
		} else if (result != Z_OK && result != Z_BUF_ERROR) {
			return result == Z_NEED_DICT
				     ? "needs a preset dictionary, which gzip does not have"
				     : "is corrupt: gzip's checks fail";
		}
	}
	*size -= inflater->stream.avail_out;
	return NULL;
}

/* Everything was produced: what remains must be the trailer, and nothing more may come out. */
static const char *check_end(struct inflater *inflater)
{
	uint8_t excess;
	size_t size = 1;
	const char *why = produce(inflater, &excess, &size);

	if (why == NULL && size != 0) {
		why = "is corrupt: the gzip file holds more than its last bytes say";
	}
	return why;
}

static const char *produce_to_guest(struct inflater *inflater, struct domain *d, ipa_t ipa,
				    uint64_t bytes)
{
	while (bytes > 0) {
		uint64_t in_page = ipa & (PAGE_SIZE - 1);
		size_t chunk = (size_t)MIN(bytes, PAGE_SIZE - in_page);
		size_t done = chunk;
		uint8_t *page = dombuild_guest_map(d, ipa_to_gfn(ipa));
		const char *why;

		if (page == NULL) {
			return "cannot be copied into the domain's memory";
		}
		why = produce(inflater, page + in_page, &done);
		dombuild_guest_unmap(d, page);
		if (why != NULL) {
			return why;
		}
		if (done != chunk) {
			return "is corrupt: the gzip file holds less than its last bytes say";
		}
		ipa += chunk;
		bytes -= chunk;
	}
	return check_end(inflater);
}

int dombuild_inflate_to_guest(struct domain *d, ipa_t ipa, uint64_t bytes,
			      const struct boot_module *module, uint64_t offset, uint64_t size,
			      const char **why)
{
	struct inflater inflater;
	int rc = inflater_init(&inflater, module, offset, size);

	if (rc != 0) {
		*why = "cannot be decompressed: no memory";
		return rc;
	}
	*why = produce_to_guest(&inflater, d, ipa, bytes);
	inflater_fini(&inflater);
	return *why != NULL ? -XEN_EINVAL : 0;
}

int dombuild_inflate_prefix(void *prefix, size_t *bytes, const struct boot_module *module,
			    uint64_t offset, uint64_t size, const char **why)
{
	struct inflater inflater;
	int rc = inflater_init(&inflater, module, offset, size);

	if (rc != 0) {
		return rc;
	}
	*why = produce(&inflater, prefix, bytes);
	inflater_fini(&inflater);
	return *why != NULL ? -XEN_EINVAL : 0;
}
