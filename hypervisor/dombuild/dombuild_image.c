/* SPDX-License-Identifier: MIT */
/*
 * Boot modules: reading them, copying them into a guest, and telling what kind of kernel one holds.
 *
 * A module is memory that the boot loader wrote, perhaps with its caches off: it is only ever read
 * through Non-cacheable windows, after mm/ cleaned and invalidated it by VA. What goes into a guest
 * goes through the window that the attribute table gives (stage2_attr_window()), so a cold domain's
 * memory is never in a cache (C1).
 *
 * Formats: the arm64 Image (Linux: Documentation/arch/arm64/booting.rst) and the 32-bit zImage
 * (Linux: arch/arm/boot/compressed/head.S), as they are, in gzip, or in a uImage that leaves the
 * load address open. What a header claims is checked against the module's size.
 */
#include "dombuild/dombuild_internal.h"

#include "lib/assert.h"
#include "lib/log.h"
#include "lib/string.h"

#define IMAGE_HEADER_BYTES    64
#define IMAGE_MAGIC           0x644d5241 /* "ARM\x64" at 56 */
#define IMAGE_LEGACY_WORD     0x14000008 /* first instruction of Images older than the magic */
#define IMAGE_TEXT_OFFSET_OLD 0x80000    /* what image_size 0 means for text_offset */
#define ZIMAGE_MAGIC          0x016f2818 /* AArch32, at 0x24 */
#define ZIMAGE_START          0x28       /* the address it was linked for, 0: any */
#define ZIMAGE_END            0x2c
/* Behind it the decompressor has its .bss, stack and heap: some tens of KiB. */
#define ZIMAGE_WORK_BYTES     MIB
#define GZIP_MAGIC            0x8b1f
#define UIMAGE_MAGIC          0x27051956 /* big-endian, at 0 */
#define UIMAGE_ARCH_ARM       2
#define UIMAGE_ARCH_ARM64     22

/* ---- modules --------------------------------------------------------------------------------- */

void dombuild_module_read(const struct boot_module *module, uint64_t offset, void *buffer,
			  size_t size)
{
	maddr_t from = module->start + offset;
	uint8_t *to = buffer;

	ASSERT(offset <= module->size && size <= module->size - offset);
	while (size > 0) {
		size_t in_page = (size_t)(from & (PAGE_SIZE - 1));
		size_t chunk = MIN(size, (size_t)PAGE_SIZE - in_page);
		const uint8_t *page = window_map(maddr_to_mfn(from), WINDOW_NC);

		memcpy(to, page + in_page, chunk);
		window_unmap(page);
		from += chunk;
		to += chunk;
		size -= chunk;
	}
}

void *dombuild_guest_map(struct domain *d, gfn_t g)
{
	enum stage2_type type;
	mfn_t m;

	read_lock(&d->attr_lock);
	if (stage2_lookup(d, g, &m, &type) != 0 || type != STAGE2_RAM) {
		read_unlock(&d->attr_lock);
		return NULL;
	}
	/* Nobody else can take the frame away: the domain has never run. */
	return window_map(m, stage2_attr_window(d, frame_of(m)));
}

void dombuild_guest_unmap(struct domain *d, void *page)
{
	window_unmap(page);
	read_unlock(&d->attr_lock);
}

int dombuild_module_copy(struct domain *d, ipa_t to, const struct boot_module *module,
			 uint64_t offset, uint64_t size)
{
	while (size > 0) {
		uint64_t in_page = to & (PAGE_SIZE - 1);
		uint64_t chunk = MIN(size, PAGE_SIZE - in_page);
		uint8_t *page = dombuild_guest_map(d, ipa_to_gfn(to));

		if (page == NULL) {
			return -XEN_EFAULT;
		}
		dombuild_module_read(module, offset, page + in_page, (size_t)chunk);
		dombuild_guest_unmap(d, page);
		to += chunk;
		offset += chunk;
		size -= chunk;
	}
	return 0;
}

/* ---- headers --------------------------------------------------------------------------------- */

static uint16_t load16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t load32(const uint8_t *at)
{
	return load16(at) | (uint32_t)load16(at + 2) << 16;
}

static uint64_t load64(const uint8_t *at)
{
	return load32(at) | (uint64_t)load32(at + 4) << 32;
}

static uint32_t load32_be(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/*
 * The end of the last section of the file according to its PE header, which kernels with an EFI
 * stub have; 0 when there is none in the prefix. It is the only statement in an Image of how long
 * the file ought to be.
 */
static uint64_t pe_file_bytes(const uint8_t *prefix, size_t prefix_bytes)
{
	uint64_t pe, table, nr_sections;
	uint64_t end = 0;

	if (prefix[0] != 'M' || prefix[1] != 'Z') {
		return 0;
	}
	pe = load32(prefix + 60);
	if (pe + 24 > prefix_bytes || memcmp(prefix + pe, "PE\0\0", 4) != 0) {
		return 0;
	}
	nr_sections = load16(prefix + pe + 6);
	table = pe + 24 + load16(prefix + pe + 20);
	if (table + nr_sections * 40 > prefix_bytes) {
		return 0;
	}
	for (uint64_t i = 0; i < nr_sections; i++) {
		const uint8_t *section = prefix + table + i * 40;

		end = MAX(end, (uint64_t)load32(section + 16) + load32(section + 20));
	}
	return end;
}

/* A device tree may be appended: what lies behind the end is copied too. */
static bool zimage_header(const uint8_t *prefix, struct kernel_image *image, const char **why)
{
	uint32_t start = load32(prefix + ZIMAGE_START), end = load32(prefix + ZIMAGE_END);

	if (end < start || end - start < IMAGE_HEADER_BYTES) {
		*why = "is a 32-bit zImage whose header is damaged: its end lies before its start";
		return false;
	}
	if (end - start > image->load_bytes) {
		*why = "is truncated: the zImage's header says that there is more";
		return false;
	}
	image->is_32bit = true;
	image->zimage_start = start;
	image->memory_bytes = image->load_bytes + ZIMAGE_WORK_BYTES;
	return true;
}

bool dombuild_image_header(const uint8_t *prefix, size_t prefix_bytes, struct kernel_image *image,
			   const char **why)
{
	uint64_t image_bytes;

	if (prefix_bytes < IMAGE_HEADER_BYTES) {
		*why = "is truncated: shorter than a kernel's header";
		return false;
	}
	if (load32(prefix + 0x24) == ZIMAGE_MAGIC) {
		return zimage_header(prefix, image, why);
	}
	if (load32(prefix + 56) != IMAGE_MAGIC && load32(prefix) != IMAGE_LEGACY_WORD) {
		*why = "has no known format: use an arm64 Image or a 32-bit zImage, plain or in gzip";
		return false;
	}
	image->text_offset = load64(prefix + 8);
	image_bytes = load64(prefix + 16);
	if (image_bytes == 0) {
		image->text_offset =
			IMAGE_TEXT_OFFSET_OLD; /* kernels before v3.17 do not say either */
	}
	if (pe_file_bytes(prefix, prefix_bytes) > image->load_bytes) {
		*why = "is truncated: its sections reach beyond its end";
		return false;
	}
	/*
	 * image_size covers the file and .bss. A plain file may be padded by whoever stored it; a gzip file
	 * that says more has lost its end, so that other bytes are taken for the size.
	 */
	if (image->gzip && image_bytes != 0 && image->load_bytes > image_bytes &&
	    image->load_bytes - image_bytes > 2 * MIB) {
		*why = "is truncated or corrupt: the gzip file's last bytes and the kernel's "
		       "header "
		       "give different sizes";
		return false;
	}
	image->memory_bytes = MAX(image_bytes, image->load_bytes);
	return true;
}

/* A uImage that leaves the place to the loader is a header before a file that is looked at in
 * turn. */
static bool skip_uimage(const uint8_t *header, struct kernel_image *image, const char **why)
{
	uint64_t size = load32_be(header + 12);
	uint8_t compression = header[31];

	if (header[29] != UIMAGE_ARCH_ARM64 && header[29] != UIMAGE_ARCH_ARM) {
		*why = "is a uImage for another architecture: an Arm kernel is needed";
	} else if (load32_be(header + 16) != 0 || load32_be(header + 20) != 0) {
		*why = "is a uImage with a fixed load address, which is not supported: make it "
		       "with mkimage -a 0 -e 0, "
		       "or use a plain Image";
	} else if (compression > 1) {
		*why = "is a uImage with a compression other than gzip, which is not supported";
	} else if (size > image->size - IMAGE_HEADER_BYTES) {
		*why = "is truncated: the uImage header says that there is more";
	} else {
		image->offset = IMAGE_HEADER_BYTES;
		image->size = size;
		return true;
	}
	return false;
}

/* Look at the first bytes, one page of them, decompressed where necessary. */
static int probe(struct kernel_image *image, uint8_t *prefix, const char **why)
{
	size_t prefix_bytes = (size_t)MIN(image->size, PAGE_SIZE);
	int rc;

	dombuild_module_read(image->module, 0, prefix, prefix_bytes);
	if (prefix_bytes >= IMAGE_HEADER_BYTES && load32_be(prefix) == UIMAGE_MAGIC) {
		if (!skip_uimage(prefix, image, why)) {
			return -XEN_EINVAL;
		}
		prefix_bytes = (size_t)MIN(image->size, PAGE_SIZE);
		dombuild_module_read(image->module, image->offset, prefix, prefix_bytes);
	}
	image->load_bytes = image->size;
	if (prefix_bytes >= 18 && load16(prefix) == GZIP_MAGIC) {
		uint8_t length[4];

		/* RFC 1952: a gzip file ends with the size of what is in it, modulo 2^32. */
		dombuild_module_read(image->module, image->offset + image->size - 4, length, 4);
		image->gzip = true;
		image->load_bytes = load32(length);
		prefix_bytes = PAGE_SIZE;
		rc = dombuild_inflate_prefix(prefix, &prefix_bytes, image->module, image->offset,
					     image->size, why);
		if (rc != 0) {
			return rc;
		}
		if (prefix_bytes >= 2 && load16(prefix) == GZIP_MAGIC) {
			*why = "is compressed twice: use gzip once";
			return -XEN_EINVAL;
		}
		if (prefix_bytes > image->load_bytes) {
			*why = "is corrupt or truncated: the gzip file ends with a wrong size";
			return -XEN_EINVAL;
		}
	}
	if (!dombuild_image_header(prefix, prefix_bytes, image, why)) {
		return -XEN_EINVAL;
	}
	return 0;
}

int dombuild_image_probe(const char *who, const struct boot_module *module,
			 struct kernel_image *image)
{
	const char *why = "";
	uint8_t *prefix = hyp_alloc(0);
	int rc = -XEN_ENOMEM;

	*image = (struct kernel_image){.module = module, .size = module->size};
	if (prefix != NULL) {
		rc = probe(image, prefix, &why);
		hyp_free(prefix, 0);
	}
	if (rc == -XEN_EINVAL) {
		log_error("%s: the kernel (module at 0x%lx, %lu bytes) %s; the domain is left out",
			  who, module->start, module->size, why);
	} else if (rc != 0) {
		log_error("%s: no memory to read the kernel; the domain is left out", who);
	}
	return rc;
}

int dombuild_image_load(const char *who, struct domain *d, const struct kernel_image *image,
			ipa_t ipa)
{
	const char *why = "cannot be copied into the domain's memory";
	int rc;

	if (image->gzip) {
		rc = dombuild_inflate_to_guest(d, ipa, image->load_bytes, image->module,
					       image->offset, image->size, &why);
	} else {
		rc = dombuild_module_copy(d, ipa, image->module, image->offset, image->load_bytes);
	}
	if (rc != 0) {
		log_error("%s: the kernel (module at 0x%lx, %lu bytes) %s; the domain is left out",
			  who, image->module->start, image->module->size, why);
	}
	return rc;
}
