/* SPDX-License-Identifier: MIT */
/*
 * Writes by devices that do not see the caches (--dma=noncoherent). QEMU does not show them, so they are found by what they leave: of each
 * line that a CPU has touched a hash is kept, two bits for each word, which is made anew after each store by a CPU. Words that
 * do not fit it any more were written by a device. (A change of one word is overlooked one time in four; a transfer of
 * some words nearly never. Two bits a word, and not 32 for the line, because a word that no device wrote must not be taken
 * for one that it did: its neighbour's dirty copy is not lost.) Of lines touched lately there is a copy, which overlooks nothing.
 *
 * Looked for: at each load and fetch, at each store (in the words beside it), at each DC, and, for devices that answer before
 * the store to their register is done, after each access to a device in lines where a transfer is likely: those that were last cleaned or
 * written past the caches.
 *
 * Reads by devices cannot be seen.
 *
 * A store by another CPU is in memory a moment before its callback has made the hash anew; so one that does not fit is looked at
 * again for a while with the lock released. Translation tables are left out: a CPU's own walks set access flags in them.
 *
 * Devices that see the caches (the default) are observers like CPUs, there is nothing to find, and nothing of this runs. Code
 * that such a device loads needs an invalidation of instruction caches like any other; that it was left out is not found.
 */
#include "plugin/plugin.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES 1024 /* power of 2 */
#define PATIENCE   2000 /* yields */

#define COPIES     32768 /* power of 2 */

static struct copy {
	uint64_t line; /* its address, or 0 */
	uint32_t words[LINE_SIZE / 4];
} copies[COPIES];
static uint64_t candidates[CANDIDATES]; /* lines' addresses, or 0 */
static unsigned int next_candidate;

static const uint32_t *line_contents(const struct plugin_region *region, uint64_t paddr)
{
	return (const uint32_t *)(region->contents + (paddr - region->start));
}

static inline uint32_t hash_of(const uint32_t *words)
{
	uint32_t hash = 0;

	for (unsigned int n = 0; n < LINE_SIZE / 4; n++) {
		uint32_t word = __atomic_load_n(&words[n], __ATOMIC_RELAXED);

		hash |= ((word * 0x9e3779b1u) >> 30) << 2 * n;
	}
	return hash;
}

/* Bit per word where the hashes differ. */
static uint16_t changed_words(uint32_t a, uint32_t b)
{
	uint32_t differ = a ^ b;
	uint16_t words = 0;

	for (unsigned int n = 0; n < LINE_SIZE / 4; n++) {
		words |= (uint16_t)((differ >> 2 * n & 3) != 0) << n;
	}
	return words;
}

/* The words that are not what they were, which then become what was. */
static uint16_t take_changes(uint64_t line, const uint32_t *contents, uint32_t *hash)
{
	struct copy *copy = &copies[line / LINE_SIZE % COPIES];
	uint32_t now[LINE_SIZE / 4], hash_now;
	uint16_t words = 0;

	for (unsigned int n = 0; n < LINE_SIZE / 4; n++) {
		now[n] = __atomic_load_n(&contents[n], __ATOMIC_RELAXED);
	}
	hash_now = hash_of(now);
	if (copy->line == line) {
		for (unsigned int n = 0; n < LINE_SIZE / 4; n++) {
			words |= (uint16_t)((now[n] != copy->words[n]) << n);
		}
	} else {
		words = changed_words(hash_now, *hash);
	}
	copy->line = line;
	memcpy(copy->words, now, sizeof(now));
	*hash = hash_now;
	return words;
}

/* Of a page's lines, made when it is first seen. NULL: not memory that devices write, or no memory left. */
static uint32_t *hashes_of(const struct plugin_region *region, struct page *page, uint64_t paddr)
{
	if (page->hashes) {
		return page->hashes;
	}

	uint64_t start = paddr & ~(uint64_t)((1 << PAGE_SHIFT) - 1);
	uint32_t *hashes = malloc(LINES_PER_PAGE * sizeof(*hashes));

	if (!hashes) {
		plugin_report_unchecked("pages whose writes by devices are not looked for", paddr,
					SITE_NOBODY);
		return NULL;
	}
	for (unsigned int n = 0; n < LINES_PER_PAGE; n++) {
		hashes[n] = hash_of(line_contents(region, start + (uint64_t)n * LINE_SIZE));
	}
	page->hashes = hashes;
	return hashes;
}

static void device_wrote(uint64_t line, uint16_t words)
{
	plugin_report_at(0, line);
	for (unsigned int n = 0; n < LINE_SIZE / 4; n++) {
		if (words >> n & 1) {
			model_device_write(plugin.model, line + 4ull * n, 4, false);
		}
	}
}

static void wait_for_others(const struct plugin_region *region, uint64_t line, const uint32_t *hash,
			    uint16_t exclude)
{
	for (unsigned int tries = 0; tries < PATIENCE; tries++) {
		uint32_t now = hash_of(line_contents(region, line));

		if (!(changed_words(now, *hash) & (uint16_t)~exclude)) {
			return;
		}
		plugin_unlock();
		sched_yield();
		plugin_lock();
	}
}

/* exclude: words that a CPU has just written. */
static void check_line(uint64_t paddr, uint16_t exclude)
{
	uint64_t line = paddr & ~(uint64_t)(LINE_SIZE - 1);
	const struct plugin_region *region = plugin_memory_region(line);
	struct page *page = model_page(plugin.model, line);
	uint32_t *hashes;
	unsigned int n = line >> LINE_SHIFT & (LINES_PER_PAGE - 1);
	uint16_t words;

	if (!region || region->rom || !page || !(hashes = hashes_of(region, page, line))) {
		return;
	}
	if (plugin.nr_cpus > 1) {
		wait_for_others(region, line, &hashes[n], exclude);
	}
	words = take_changes(line, line_contents(region, line), &hashes[n]) & (uint16_t)~exclude;
	if (words && page->lines && !(page->lines[n].state & LINE_TABLE)) {
		device_wrote(line, words);
	}
}

void plugin_device_check(uint64_t paddr, uint64_t size)
{
	if (!plugin.options.noncoherent_dma) {
		return;
	}
	for (uint64_t at = paddr & ~(uint64_t)(LINE_SIZE - 1); at < paddr + size; at += LINE_SIZE) {
		check_line(at, 0);
	}
}

void plugin_device_stored(uint64_t paddr, uint64_t size)
{
	if (!plugin.options.noncoherent_dma) {
		return;
	}
	for (uint64_t at = paddr; at < paddr + size; at = (at | (LINE_SIZE - 1)) + 1) {
		check_line(at, line_words(at, (unsigned int)(paddr + size - at)));
	}
}

void plugin_device_reset(void)
{
	for (unsigned int n = 0; n < plugin.nr_regions && plugin.options.noncoherent_dma; n++) {
		const struct plugin_region *region = &plugin.regions[n];

		for (uint64_t at = 0; at < region->size; at += 1 << PAGE_SHIFT) {
			struct page *page = model_page(plugin.model, region->start + at);

			free(page->hashes);
			page->hashes = NULL;
		}
	}
	memset(copies, 0, sizeof(copies));
	memset(candidates, 0, sizeof(candidates));
}

void plugin_device_candidate(uint64_t paddr)
{
	uint64_t line = paddr & ~(uint64_t)(LINE_SIZE - 1);

	if (!plugin.options.noncoherent_dma ||
	    candidates[(next_candidate - 1) % CANDIDATES] == line) {
		return;
	}
	check_line(line, 0);
	candidates[next_candidate++ % CANDIDATES] = line;
}

static void check_candidates(void)
{
	for (unsigned int n = 0; n < CANDIDATES; n++) {
		if (candidates[n]) {
			check_line(candidates[n], 0);
		}
	}
}

/* An access with all that the fast ones leave out. Lock not held. */
static void access_watched(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va, void *udata,
			   bool store)
{
	struct plugin_cpu *cpu = &plugin_cpus[vcpu];
	struct plugin_fast *fast = &plugin_fast[vcpu];
	site_t site = SITE(UDATA_SITE(udata), vcpu);
	enum arm_regime regime = UDATA_REGIME(udata);

	plugin_lock();
	fast->loads += !store;
	fast->stores += store;
	if (!plugin.over) {
		const struct plugin_tlb_entry *entry = plugin_tlb_find(cpu, regime, va, site);

		plugin_access(cpu, site, regime, va, 1u << qemu_plugin_mem_size_shift(info), store);
		if (entry && !entry->lines) {
			check_candidates();
		}
	}
	plugin_unlock();
}

void plugin_device_load(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va, void *udata)
{
	access_watched(vcpu, info, va, udata, false);
}

void plugin_device_store(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va, void *udata)
{
	access_watched(vcpu, info, va, udata, true);
}
