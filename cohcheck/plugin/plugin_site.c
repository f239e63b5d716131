/* SPDX-License-Identifier: MIT */
/*
 * Instructions and their numbers: one entry for each (pc, exception level, word, physical address), which generated code and
 * struct line name by 24 bits. Found by number without the lock, so entries never move: the table is one reservation of
 * address space, filled from the start. Found by contents through a hash that grows, under the lock.
 */
#include "plugin/plugin.h"

#include <string.h>
#include <sys/mman.h>

#define MAX_SITES (1u << 24)

static struct plugin_site *sites;
static uint32_t nr_sites = SITE_FIRST_INSN;
static uint32_t *buckets; /* 0: empty */
static uint32_t nr_buckets;

static void *reserve(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

bool plugin_site_init(void)
{
	sites = reserve(MAX_SITES * sizeof(*sites));
	nr_buckets = 1 << 16;
	buckets = reserve(nr_buckets * sizeof(*buckets));
	return sites && buckets;
}

struct plugin_site *plugin_site(uint32_t idx)
{
	return &sites[idx];
}

static uint32_t bucket_of(uint64_t pc, uint64_t paddr, uint32_t word, uint8_t el)
{
	uint64_t hash = (pc ^ paddr << 20 ^ (uint64_t)word << 32 ^ el) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(hash >> 32) & (nr_buckets - 1);
}

static void insert(uint32_t idx)
{
	const struct plugin_site *site = &sites[idx];
	uint32_t n = bucket_of(site->pc, site->paddr, site->word, site->el);

	while (buckets[n]) {
		n = (n + 1) & (nr_buckets - 1);
	}
	buckets[n] = idx;
}

static bool grow(void)
{
	uint32_t *old = buckets;
	uint32_t *bigger = reserve((size_t)nr_buckets * 2 * sizeof(*buckets));

	if (!bigger) {
		return false;
	}
	munmap(old, nr_buckets * sizeof(*buckets));
	buckets = bigger;
	nr_buckets *= 2;
	for (uint32_t idx = SITE_FIRST_INSN; idx < nr_sites; idx++) {
		insert(idx);
	}
	return true;
}

uint32_t plugin_site_add(uint64_t pc, uint64_t paddr, uint32_t word, uint8_t el, uint8_t flags)
{
	uint32_t n = bucket_of(pc, paddr, word, el);

	for (; buckets[n]; n = (n + 1) & (nr_buckets - 1)) {
		const struct plugin_site *site = &sites[buckets[n]];

		if (site->pc == pc && site->paddr == paddr && site->word == word && site->el == el) {
			return buckets[n];
		}
	}
	if (nr_sites == MAX_SITES || (nr_sites > nr_buckets / 2 && !grow())) {
		plugin_report_unchecked("instructions beyond 2^24: their reports name nobody",
					paddr, SITE_NOBODY);
		return SITE_NOBODY;
	}
	sites[nr_sites] =
		(struct plugin_site){.pc = pc, .paddr = paddr, .word = word, .el = el, .flags = flags};
	insert(nr_sites);
	return nr_sites++;
}
