/* SPDX-License-Identifier: MIT */
/*
 * Contents of guest memory: the files that back it are mapped here, too. Also, of instructions, whether the one fetched last from a
 * word is on the Arm ARM's list for concurrent modification ("Concurrent modification and execution of instructions");
 * a bit per word, and only pages with code in them take memory for it.
 */
#include "plugin/plugin.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

bool plugin_memory_add(int fd, uint64_t start, uint64_t size, bool rom, char **refusal)
{
	struct plugin_region *region = &plugin.regions[plugin.nr_regions];
	struct stat file;

	if (plugin.nr_regions == PLUGIN_MAX_REGIONS) {
		*refusal = g_strdup_printf("more than %d memory regions", PLUGIN_MAX_REGIONS);
		return false;
	}
	if (start % (1 << PAGE_SHIFT) || size % (1 << PAGE_SHIFT) || size == 0 ||
	    start + size < start) {
		*refusal = g_strdup("start and size must be whole pages");
		return false;
	}
	/* A flash image may be shorter than the flash: what is missing reads as erased, and nobody looks there. */
	if (fstat(fd, &file) || (!rom && (uint64_t)file.st_size < size)) {
		*refusal = g_strdup_printf("file descriptor %d is not a file of that size", fd);
		return false;
	}
	region->contents = mmap(NULL, size, PROT_READ | (rom ? 0 : PROT_WRITE), MAP_SHARED, fd, 0);
	region->fetched_listed = mmap(NULL, size / 32, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (region->contents == MAP_FAILED || region->fetched_listed == MAP_FAILED) {
		*refusal = g_strdup_printf("cannot map it: %s", strerror(errno));
		return false;
	}
	region->start = start;
	region->size = size;
	if (rom && (uint64_t)file.st_size < size) {
		region->size = (uint64_t)file.st_size & ~(uint64_t)((1 << PAGE_SHIFT) - 1);
	}
	region->rom = rom;
	plugin.nr_regions++;
	return true;
}

const struct plugin_region *plugin_memory_region(uint64_t paddr)
{
	for (unsigned int n = 0; n < plugin.nr_regions; n++) {
		if (paddr - plugin.regions[n].start < plugin.regions[n].size) {
			return &plugin.regions[n];
		}
	}
	return NULL;
}

bool plugin_memory_read(void *ctx, uint64_t paddr, unsigned int size, uint64_t *value)
{
	const struct plugin_region *region = plugin_memory_region(paddr);

	if (!region || paddr % size) {
		return false;
	}

	const void *at = region->contents + (paddr - region->start);

	if (size == 8) {
		*value = __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
	} else if (size == 4) {
		*value = __atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED);
	} else {
		return false;
	}
	return true;
}

void plugin_memory_reset(void)
{
	for (unsigned int n = 0; n < plugin.nr_regions; n++) {
		madvise(plugin.regions[n].fetched_listed, plugin.regions[n].size / 32,
			MADV_DONTNEED);
	}
}

bool plugin_memory_fetched(uint64_t paddr, uint32_t word)
{
	const struct plugin_region *region = plugin_memory_region(paddr);

	if (!region) {
		return false;
	}

	uint64_t n = (paddr - region->start) / 4;
	uint32_t *bits = &region->fetched_listed[n / 32], bit = 1u << n % 32;
	bool listed = arm_concurrent_modification(word), was_listed = *bits & bit;

	*bits = listed ? *bits | bit : *bits & ~bit;
	return listed && was_listed;
}
