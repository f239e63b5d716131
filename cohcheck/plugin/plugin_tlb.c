/* SPDX-License-Identifier: MIT */
/*
 * A CPU's soft TLB: what a page of virtual addresses is now. It is filled by a walk of the guest's tables, which the model is
 * told of, and holds until a table that the walk read changes (shadow tables see that) or the context does.
 *
 * QEMU's own TLB may hold a translation for longer: until the guest's TLBI. So may a CPU's. Where the tables say nothing any more,
 * nothing can be checked, which is counted.
 */
#include "plugin/plugin.h"

#include <sys/mman.h>

struct walk {
	site_t site;
};

/*
 * What had to make room in a slot: hypervisors' and guests' contexts want the same slots by turns, and a walk through two stages
 * costs a hundred times what a look here does. Under the lock, of all CPUs.
 */
#define VICTIMS 4
static struct victims {
	struct plugin_tlb_entry entries[VICTIMS];
	unsigned int next;
} * victims[MODEL_MAX_CPUS]; /* as many as slots */

bool plugin_tlb_create(struct plugin_cpu *cpu)
{
	void *tlb = mmap(NULL, TLB_ENTRIES * sizeof(struct plugin_tlb_entry),
			 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	victims[cpu->idx] = mmap(NULL, TLB_ENTRIES * sizeof(struct victims), PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (tlb == MAP_FAILED || victims[cpu->idx] == MAP_FAILED) {
		return false;
	}
	plugin_fast[cpu->idx].tlb = tlb;
	return true;
}

static void walk_descriptor(void *ctx, const struct arm_stage *stage, unsigned int level,
			    uint64_t input, uint64_t paddr, unsigned int size, enum mem_type type,
			    uint64_t value)
{
	struct walk *walk = ctx;

	plugin_report_at(input, paddr);
	model_walk(plugin.model, walk->site, paddr, size, type);
}

static const struct arm_walk_ops walk_ops = {
	.read = plugin_memory_read,
	.descriptor = walk_descriptor,
};

/* Which of a line's masks (dirty, unclean, old_insns, stale, from the low end) a read of this type must look at. */
static uint64_t read_mask(enum mem_type type)
{
	const uint64_t dirty = 0xffff, stale = 0xffffull << 48;

	return mem_type_sees_caches(type) ? stale : dirty | stale;
}
_Static_assert(offsetof(struct line, dirty) == 0 && offsetof(struct line, unclean) == 2 &&
		       offsetof(struct line, old_insns) == 4 && offsetof(struct line, stale) == 6,
	       "read_mask()");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "read_mask()");

static void fill(struct plugin_tlb_entry *entry, uint64_t tag, uint64_t page,
		 const struct arm_translation *translation)
{
	const struct plugin_region *region = plugin_memory_region(page);

	/* Other CPUs may only clear the tag, and this is under the lock. */
	atomic_store_explicit(&entry->tag, 0, memory_order_relaxed);
	entry->lines = NULL;
	if (region) {
		struct line *line = model_line(plugin.model, page);

		if (!line) {
			plugin_report_unchecked("memory for which no states could be allocated",
						page, SITE_NOBODY);
		}
		entry->lines = line;
	}
	entry->read_mask = read_mask(translation->data);
	entry->paddr = page | (uint64_t)translation->data | (uint64_t)translation->fetch << 3 |
		       (region && region->rom ? TLB_ROM : 0) |
		       (translation->writable ? TLB_WRITABLE : 0) |
		       (translation->descriptor ? 0 : TLB_MMU_OFF);
	atomic_store_explicit(&entry->tag, tag, memory_order_release);
}

static void set_entry(struct plugin_tlb_entry *entry, const struct plugin_tlb_entry *value,
		      uint64_t tag)
{
	atomic_store_explicit(&entry->tag, 0, memory_order_relaxed);
	entry->lines = value->lines;
	entry->read_mask = value->read_mask;
	entry->paddr = value->paddr;
	atomic_store_explicit(&entry->tag, tag, memory_order_release);
}

/* The slot's entry makes room for one that had to for it. False: there is none of that tag. */
static bool fetch_victim(struct victims *of, struct plugin_tlb_entry *entry, uint64_t tag)
{
	for (unsigned int n = 0; n < VICTIMS; n++) {
		struct plugin_tlb_entry *victim = &of->entries[n];

		if (atomic_load_explicit(&victim->tag, memory_order_relaxed) == tag) {
			struct plugin_tlb_entry found, old;

			set_entry(&found, victim, tag);
			set_entry(&old, entry,
				  atomic_load_explicit(&entry->tag, memory_order_relaxed));
			set_entry(victim, &old,
				  atomic_load_explicit(&old.tag, memory_order_relaxed));
			set_entry(entry, &found, tag);
			return true;
		}
	}
	return false;
}

static void keep_victim(struct victims *of, const struct plugin_tlb_entry *entry)
{
	uint64_t tag = atomic_load_explicit(&entry->tag, memory_order_relaxed);

	if (tag) {
		set_entry(&of->entries[of->next++ % VICTIMS], entry, tag);
	}
}

struct plugin_tlb_entry *plugin_tlb_find(struct plugin_cpu *cpu, enum arm_regime regime,
					 uint64_t va, site_t site)
{
	const struct plugin_fast *fast = &plugin_fast[cpu->idx];
	struct plugin_tlb_entry *entry = plugin_tlb_slot(fast, va);

	if (plugin_tlb_hit(fast, entry, regime, va)) {
		return entry;
	}

	uint64_t tag = plugin_tlb_tag(fast, regime, va);
	struct victims *of = &victims[cpu->idx][va >> PAGE_SHIFT & TLB_MASK];

	if (fetch_victim(of, entry, tag)) {
		return entry;
	}

	const struct arm_context *context = &cpu->contexts[regime];
	struct walk walk = {.site = site};
	struct arm_translation translation;

	if (context->unsupported) {
		return NULL;
	}
	switch (arm_translate(context, va, &walk_ops, &walk, &translation)) {
	case WALK_OK:
		break;
	case WALK_NO_MEMORY:
		plugin_report_unchecked("accesses through translation tables that are not in memory",
					0, site);
		return NULL;
	default:
		return NULL;
	}

	uint64_t page = translation.paddr + (va - translation.va);

	page &= ~(uint64_t)((1 << PAGE_SHIFT) - 1);
	keep_victim(of, entry);
	fill(entry, tag, page, &translation);
	return entry;
}

static void forget_slots(unsigned int cpu, uint64_t first, uint64_t nr)
{
	struct plugin_fast *fast = &plugin_fast[cpu];

	for (uint64_t n = 0; fast->tlb && n < nr; n++) {
		uint64_t slot = (first + n) & TLB_MASK;

		atomic_store_explicit(&fast->tlb[slot].tag, 0, memory_order_relaxed);
		for (unsigned int i = 0; i < VICTIMS; i++) {
			atomic_store_explicit(&victims[cpu][slot].entries[i].tag, 0,
					      memory_order_relaxed);
		}
	}
}

void plugin_tlb_forget_all(void)
{
	for (unsigned int n = 0; n < plugin.nr_cpus; n++) {
		forget_slots(n, 0, TLB_ENTRIES);
	}
}

/*
 * Whatever is in the slots of the range goes, of this context or of others: cheaper than to know. What a stage 2 maps is not what slots
 * are chosen by, so there all go.
 */
void plugin_tlb_forget(void *ctx, uint64_t root, uint64_t va, uint64_t size)
{
	uint64_t nr = (size + (va & ((1 << PAGE_SHIFT) - 1)) + (1 << PAGE_SHIFT) - 1) >> PAGE_SHIFT;

	if (size == 0 || nr >= TLB_ENTRIES || plugin_context_is_stage2(root)) {
		plugin_tlb_forget_all();
		return;
	}
	for (unsigned int n = 0; n < plugin.nr_cpus; n++) {
		forget_slots(n, va >> PAGE_SHIFT, nr);
	}
}
