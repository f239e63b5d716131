/* SPDX-License-Identifier: MIT */
/*
 * Loads and stores, after they happened. This is what a guest's speed depends on. Nearly every access hits the soft TLB and changes
 * nothing: a load from a line without stale words, a store to words that are dirty already. Only those two are decided without
 * the lock, from a struct line that other CPUs may be changing; the guest itself orders accesses whose order matters. The only CPU of
 * a machine needs no lock to make words dirty, either.
 */
#include "plugin/plugin.h"

#include <string.h>

/* What of the access [va, va + size) is left from va on lies in one page: the bytes there. */
static uint64_t in_page(uint64_t va, uint64_t size)
{
	uint64_t left = (1 << PAGE_SHIFT) - va % (1 << PAGE_SHIFT);

	return size < left ? size : left;
}

static void store_to_memory(struct plugin_cpu *cpu, site_t site, uint64_t va, uint64_t paddr,
			    unsigned int size, struct line *lines, enum mem_type type)
{
	unsigned int first = paddr >> LINE_SHIFT & (LINES_PER_PAGE - 1),
		     last = (paddr + size - 1) >> LINE_SHIFT & (LINES_PER_PAGE - 1);
	bool table = false;

	for (unsigned int n = first; n <= last; n++) {
		table |= lines[n].state & LINE_TABLE;
	}
	plugin_device_stored(paddr, size);
	if (type <= MEM_NC) {
		plugin_device_candidate(paddr);
	}
	plugin_report_at(va, paddr);
	model_write(plugin.model, site, paddr, size, type);
	if (table) {
		cpu->table_stores = true;
		shadow_store(plugin.shadow, site, paddr, size);
		model_aliases_new(plugin.model);
	}
}

void plugin_access(struct plugin_cpu *cpu, site_t site, enum arm_regime regime, uint64_t va,
		   uint64_t size, bool store)
{
	while (size) {
		uint64_t here = in_page(va, size);
		struct plugin_tlb_entry *entry = plugin_tlb_find(cpu, regime, va, site);

		if (!entry) {
			plugin_report_unchecked("accesses through translations that the tables no longer hold",
						0, site);
		} else if (entry->lines && !(store && entry->paddr & TLB_ROM)) {
			uint64_t paddr = (entry->paddr & ~(uint64_t)0xfff) | (va & 0xfff);
			enum mem_type type = TLB_DATA_TYPE(entry->paddr);

			if (store) {
				store_to_memory(cpu, site, va, paddr, (unsigned int)here,
						entry->lines, type);
			} else {
				plugin_device_check(paddr, here);
				plugin_report_at(va, paddr);
				model_read(plugin.model, site, paddr, (unsigned int)here, type);
			}
		}
		va += here;
		size -= here;
	}
}

/*
 * The size of an access, as qemu_plugin_mem_size_shift() says, without a call into QEMU for each store: there are few different
 * values of info.
 */
static _Atomic uint64_t size_memos[1024]; /* the size on top of info, or 0 */

static inline _Atomic uint64_t *size_memo(qemu_plugin_meminfo_t info)
{
	return &size_memos[(info ^ info >> 7) % G_N_ELEMENTS(size_memos)];
}

static unsigned int size_of(qemu_plugin_meminfo_t info)
{
	return 1u << qemu_plugin_mem_size_shift(info);
}

static void access_slowly(struct plugin_cpu *cpu, qemu_plugin_meminfo_t info, uint64_t va,
			  void *udata, bool store)
{
	unsigned int size = size_of(info);

	plugin_lock();
	atomic_store_explicit(size_memo(info), (uint64_t)size << 32 | info, memory_order_relaxed);
	if (likely(!plugin.over)) {
		plugin_access(cpu, SITE(UDATA_SITE(udata), cpu->idx), UDATA_REGIME(udata), va, size,
			      store);
	}
	plugin_unlock();
}

/* Of the callbacks' own type: so they end in a jump, and save no registers for it. */
static __attribute__((noinline)) void load_slowly(unsigned int vcpu, qemu_plugin_meminfo_t info,
						  uint64_t va, void *udata)
{
	access_slowly(&plugin_cpus[vcpu], info, va, udata, false);
}

static __attribute__((noinline)) void store_slowly(unsigned int vcpu, qemu_plugin_meminfo_t info,
						   uint64_t va, void *udata)
{
	access_slowly(&plugin_cpus[vcpu], info, va, udata, true);
}

static inline struct line *line_in(struct line *lines, uint64_t va)
{
	return &lines[va >> LINE_SHIFT & (LINES_PER_PAGE - 1)];
}

static inline bool may_find_something(const struct plugin_tlb_entry *entry, uint64_t va)
{
	uint64_t masks;

	memcpy(&masks, line_in(entry->lines, va), sizeof(masks));
	return masks & entry->read_mask;
}

/* A quiet load near its line's end, which may go on in the next line. */
static __attribute__((noinline)) void load_across(unsigned int vcpu, qemu_plugin_meminfo_t info,
						  uint64_t va, void *udata)
{
	uint64_t memo = atomic_load_explicit(size_memo(info), memory_order_relaxed);

	if ((uint32_t)memo != info || va % LINE_SIZE + (memo >> 32) > LINE_SIZE) {
		load_slowly(vcpu, info, va, udata);
	}
}

void plugin_access_load(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va, void *udata)
{
	struct plugin_fast *fast = &plugin_fast[vcpu];
	const struct plugin_tlb_entry *entry = plugin_tlb_slot(fast, va);

	fast->loads++;
	if (unlikely(!plugin_tlb_hit(fast, entry, UDATA_REGIME(udata), va))) {
		load_slowly(vcpu, info, va, udata);
		return;
	}
	if (unlikely(!entry->lines)) {
		return;
	}
	if (unlikely(may_find_something(entry, va))) {
		load_slowly(vcpu, info, va, udata);
		return;
	}
	/* A load of at most 16 bytes cannot leave its line from before these offsets. */
	if (unlikely(va % LINE_SIZE > LINE_SIZE - 16)) {
		load_across(vcpu, info, va, udata);
	}
}

static inline bool is_quiet(const struct plugin_tlb_entry *entry, const struct line *line,
			    uint16_t words)
{
	enum mem_type type = TLB_DATA_TYPE(entry->paddr);

	return type == MEM_WB ? line_write_is_quiet(line, words, words & plugin.pou_mask)
			      : type <= MEM_NC &&
					model_write_past_is_quiet(plugin.model, entry->paddr, line);
}

/* Write-back, of one line, and not quiet. The only CPU of the machine needs no lock for the model. */
static __attribute__((noinline)) void store_dirties(unsigned int vcpu, qemu_plugin_meminfo_t info,
						    uint64_t va, void *udata)
{
	const struct plugin_tlb_entry *entry = plugin_tlb_slot(&plugin_fast[vcpu], va);

	if (plugin.nr_cpus > 1 || entry->paddr & TLB_ROM ||
	    !model_write_plain(plugin.model, SITE(UDATA_SITE(udata), vcpu),
			       (entry->paddr & ~(uint64_t)0xfff) | (va & 0xfff),
			       line_in(entry->lines, va), line_words(va, size_of(info)))) {
		store_slowly(vcpu, info, va, udata);
	}
}

/* Not write-back, of one line. */
static __attribute__((noinline)) void store_past(unsigned int vcpu, qemu_plugin_meminfo_t info,
						 uint64_t va, void *udata)
{
	const struct plugin_tlb_entry *entry = plugin_tlb_slot(&plugin_fast[vcpu], va);
	struct line *line = line_in(entry->lines, va);

	if (is_quiet(entry, line, 0)) {
		line->writer = SITE(UDATA_SITE(udata), vcpu);
	} else {
		store_slowly(vcpu, info, va, udata);
	}
}

void plugin_access_store(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va, void *udata)
{
	struct plugin_fast *fast = &plugin_fast[vcpu];
	const struct plugin_tlb_entry *entry = plugin_tlb_slot(fast, va);
	uint64_t memo = atomic_load_explicit(size_memo(info), memory_order_relaxed);
	unsigned int size = (unsigned int)(memo >> 32);

	fast->stores++;
	if (unlikely(!plugin_tlb_hit(fast, entry, UDATA_REGIME(udata), va) ||
		     (uint32_t)memo != info || size == 0)) {
		store_slowly(vcpu, info, va, udata);
		return;
	}
	if (unlikely(!entry->lines)) {
		return;
	}
	if (unlikely(va % LINE_SIZE + size > LINE_SIZE)) {
		store_slowly(vcpu, info, va, udata);
		return;
	}
	if (unlikely(TLB_DATA_TYPE(entry->paddr) != MEM_WB)) {
		store_past(vcpu, info, va, udata);
		return;
	}

	struct line *line = line_in(entry->lines, va);
	uint16_t words = line_words(va, size);

	if (unlikely(!line_write_is_quiet(line, words, words & plugin.pou_mask))) {
		store_dirties(vcpu, info, va, udata);
		return;
	}
	line->writer = SITE(UDATA_SITE(udata), vcpu);
}

bool plugin_access_zero_is_quiet(struct plugin_cpu *cpu, site_t site, enum arm_regime regime,
				 uint64_t va, uint64_t size)
{
	const struct plugin_fast *fast = &plugin_fast[cpu->idx];
	const struct plugin_tlb_entry *entry = plugin_tlb_slot(fast, va);
	struct line *line;

	if (size != LINE_SIZE || plugin.options.noncoherent_dma ||
	    !plugin_tlb_hit(fast, entry, regime, va) || !entry->lines) {
		return false;
	}
	line = line_in(entry->lines, va);
	if (!is_quiet(entry, line, UINT16_MAX)) {
		return false;
	}
	line->writer = site;
	return true;
}

/*
 * W8: exclusives and atomics need Normal Inner and Outer Write-Back memory; elsewhere what they do is the implementation's choice (Arm ARM,
 * "Load-Exclusive and Store-Exclusive usage restrictions" and "Atomic instructions"). Said once for each instruction.
 */
static void check_exclusive(struct plugin_cpu *cpu, qemu_plugin_meminfo_t info, uint64_t va,
			    void *udata)
{
	const struct plugin_fast *fast = &plugin_fast[cpu->idx];
	const struct plugin_tlb_entry *entry = plugin_tlb_slot(fast, va);
	struct plugin_site *site = plugin_site(UDATA_SITE(udata));

	if (plugin_tlb_hit(fast, entry, UDATA_REGIME(udata), va) &&
	    (!entry->lines || TLB_DATA_TYPE(entry->paddr) == MEM_WB)) {
		return;
	}
	plugin_lock();
	entry = plugin_tlb_find(cpu, UDATA_REGIME(udata), va, SITE(UDATA_SITE(udata), cpu->idx));
	if (entry && entry->lines && TLB_DATA_TYPE(entry->paddr) != MEM_WB &&
	    !(site->flags & SITE_EXCLUSIVE)) {
		struct finding finding = {
			.kind = FINDING_EXCLUSIVE,
			.site = SITE(UDATA_SITE(udata), cpu->idx),
			.type = TLB_DATA_TYPE(entry->paddr),
			.size = (uint8_t)size_of(info),
			.paddr = (entry->paddr & ~(uint64_t)0xfff) | (va & 0xfff),
			.va = va,
		};

		site->flags |= SITE_EXCLUSIVE;
		plugin_report_at(va, finding.paddr);
		model_report(plugin.model, &finding);
	}
	plugin_unlock();
}

void plugin_access_exclusive_load(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va,
				  void *udata)
{
	check_exclusive(&plugin_cpus[vcpu], info, va, udata);
	if (plugin.options.noncoherent_dma) {
		plugin_device_load(vcpu, info, va, udata);
	} else {
		plugin_access_load(vcpu, info, va, udata);
	}
}

void plugin_access_exclusive_store(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va,
				   void *udata)
{
	check_exclusive(&plugin_cpus[vcpu], info, va, udata);
	if (plugin.options.noncoherent_dma) {
		plugin_device_store(vcpu, info, va, udata);
	} else {
		plugin_access_store(vcpu, info, va, udata);
	}
}
