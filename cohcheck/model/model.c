/* SPDX-License-Identifier: MIT */
/*
 * The model itself: regions, pages and lines, the state at reset, and time. What accesses do is in
 * model_access.c, instruction fetches in model_fetch.c, maintenance in model_maintenance.c, what may be
 * left out of it in model_quiet.c, reports in model_report.c.
 */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model/model_internal.h"

#define SLAB_BYTES ((size_t)4 << 20)
#define SLAB_LINES ((unsigned int)((SLAB_BYTES - sizeof(struct slab)) / sizeof(struct line)))

static void time_starts(struct model *model)
{
	model->epoch = 1;
	model->epoch_stamped = false;
	/* A page that was never fetchable has fetchable_at 0: with an adversarial entry that may have been before reset. */
	model->ic_all_epoch = model->config.adversarial_entry ? 0 : 1;
	model->running = 0;
}

struct model *model_create(const struct model_config *config, const struct model_ops *ops, void *ctx)
{
	struct model *model = calloc(1, sizeof(*model));

	if (model == NULL) {
		return NULL;
	}
	model->config = *config;
	if (model->config.dc_shift < LINE_SHIFT) {
		model->config.dc_shift = LINE_SHIFT;
	}
	if (model->config.wb_shift < LINE_SHIFT) {
		model->config.wb_shift = LINE_SHIFT;
	} else if (model->config.wb_shift > PAGE_SHIFT) {
		model->config.wb_shift = PAGE_SHIFT;
	}
	model->ops = *ops;
	model->ctx = ctx;
	time_starts(model);
	if (!pending_init(model)) {
		free(model);
		return NULL;
	}
	model->bytes = sizeof(*model);
	return model;
}

static void *anonymous(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static size_t region_bytes(const struct region *region)
{
	return (size_t)(region->size >> PAGE_SHIFT) * sizeof(struct page);
}

void model_destroy(struct model *model)
{
	if (model == NULL) {
		return;
	}
	for (unsigned int i = 0; i < model->nr_regions; i++) {
		munmap(model->regions[i].pages, region_bytes(&model->regions[i]));
	}
	for (struct slab *slab = model->slabs, *next; slab != NULL; slab = next) {
		next = slab->next;
		munmap(slab, SLAB_BYTES);
	}
	pending_destroy(model);
	stories_destroy(model);
	free(model->old_pages);
	free(model);
}

bool model_add_region(struct model *model, uint64_t start, uint64_t size)
{
	struct region *region = &model->regions[model->nr_regions];

	if (model->nr_regions == MAX_REGIONS || size == 0) {
		return false;
	}
	*region = (struct region){.start = start, .size = size};
	region->pages = anonymous(region_bytes(region));
	if (region->pages == NULL) {
		return false;
	}
	model->nr_regions++;
	trace_event(model, EVENT_REGION, &(struct model_event){.paddr = start, .size = size});
	return true;
}

struct page *model_page(const struct model *model, uint64_t paddr)
{
	for (unsigned int i = 0; i < model->nr_regions; i++) {
		const struct region *region = &model->regions[i];

		if (paddr - region->start < region->size) {
			return &region->pages[(paddr - region->start) >> PAGE_SHIFT];
		}
	}
	return NULL;
}

static struct line *lines_alloc(struct model *model)
{
	if (model->slab_left < LINES_PER_PAGE) {
		struct slab *slab = anonymous(SLAB_BYTES);

		if (slab == NULL) {
			return NULL;
		}
		slab->next = model->slabs;
		model->slabs = slab;
		model->slab_left = SLAB_LINES;
	}
	model->slab_left -= LINES_PER_PAGE;
	model->bytes += LINES_PER_PAGE * sizeof(struct line) + sizeof(struct page);
	model->pages_seen++;
	return &model->slabs->lines[SLAB_LINES - LINES_PER_PAGE - model->slab_left];
}

/* Epoch 0 is before reset, so that a copy may be older than it; 1 is reset itself. */
static void lines_at_reset(const struct model *model, const struct page *page, struct line *lines)
{
	bool clean = !model->config.adversarial_entry || (page->flags & PAGE_ENTRY_CLEAN) != 0;

	for (unsigned int i = 0; i < LINES_PER_PAGE; i++) {
		lines[i] = (struct line){.state = clean ? 1u << LINE_INVALIDATED_SHIFT : 0};
	}
}

/* Lines stay allocated: another CPU's thread may be looking at them. */
static void region_reset(const struct model *model, const struct region *region)
{
	for (uint64_t n = 0; n < region->size >> PAGE_SHIFT; n++) {
		struct page *page = &region->pages[n];

		page->insns_gone = 0;
		page->cached_until = 0;
		page->fetchable_at = 0;
		page->flags = 0;
		page->asked = 0;
		if (page->lines != NULL) {
			lines_at_reset(model, page, page->lines);
		}
	}
}

void model_reset(struct model *model)
{
	struct pending taken;

	trace_event(model, EVENT_RESET, &(struct model_event){.kind = EVENT_RESET});
	for (unsigned int cpu = 0; cpu < MODEL_MAX_CPUS; cpu++) {
		while (pending_take(model, cpu, &taken)) {
		}
	}
	pending_shrink(model);
	stories_destroy(model);
	model->stories = (struct story_table){.changes = model->stories.changes + 1};
	model->nr_old_pages = 0;
	for (unsigned int i = 0; i < model->nr_regions; i++) {
		region_reset(model, &model->regions[i]);
	}
	time_starts(model);
}

struct line *model_line(struct model *model, uint64_t paddr)
{
	struct page *page = model_page(model, paddr);
	struct line *lines;

	if (page == NULL) {
		return NULL;
	}
	lines = page->lines;
	if (lines == NULL) {
		lines = lines_alloc(model);
		if (lines == NULL) {
			unchecked_count(model, UNCHECKED_LINES);
			return NULL;
		}
		lines_at_reset(model, page, lines);
		/* Pairs with whoever looks at lines without the lock. */
		__atomic_store_n(&page->lines, lines, __ATOMIC_RELEASE);
	}
	return &lines[paddr % (1u << PAGE_SHIFT) >> LINE_SHIFT];
}

epoch_t epoch_ending(struct model *model)
{
	model->epoch_stamped = true;
	return model->epoch;
}

epoch_t epoch_invalidating(struct model *model)
{
	if (model->epoch_stamped && model->epoch < EPOCH_MAX) {
		model->epoch++;
		model->epoch_stamped = false;
	}
	return model->epoch;
}

void model_entry_dirty(struct model *model, uint64_t start, uint64_t size)
{
	uint64_t end = start + size;

	for (uint64_t paddr = line_address(start); paddr < end; paddr += LINE_SIZE) {
		struct line *line = model_line(model, paddr);

		if (line == NULL) {
			continue;
		}
		*line = (struct line){
			.dirty = UINT16_MAX,
			.unclean = model->config.idc ? 0 : UINT16_MAX,
			.state = (line->state & LINE_TABLE) | LINE_COPY_DIRTY,
			.writer = SITE_LOADER,
		};
		insns_outdated(model, model_page(model, paddr), line, paddr, UINT16_MAX);
	}
	trace_event(model, EVENT_ENTRY_DIRTY, &(struct model_event){.paddr = start, .size = size});
}

void model_entry_clean(struct model *model, uint64_t start, uint64_t size)
{
	uint64_t end = start + size;
	uint64_t paddr = start + LINE_SIZE - 1;

	/* Only lines that lie in the range altogether. */
	for (paddr = line_address(paddr); paddr + LINE_SIZE <= end;) {
		struct page *page = model_page(model, paddr);
		uint64_t page_size = UINT64_C(1) << PAGE_SHIFT;
		struct line *line;

		if (page == NULL) {
			paddr = (paddr & -page_size) + page_size;
			continue;
		}
		if (page->lines == NULL && paddr % page_size == 0 && end - paddr >= page_size) {
			page->flags |= PAGE_ENTRY_CLEAN;
			page->insns_gone = UINT64_MAX;
			paddr += page_size;
			continue;
		}
		line = model_line(model, paddr);
		if (line != NULL) {
			*line = (struct line){.state = (line->state & LINE_TABLE) |
						       1u << LINE_INVALIDATED_SHIFT};
		}
		page->insns_gone |= UINT64_C(1) << (paddr % page_size >> LINE_SHIFT);
		paddr += LINE_SIZE;
	}
	trace_event(model, EVENT_ENTRY_CLEAN, &(struct model_event){.paddr = start, .size = size});
}

void model_alias_gone(struct model *model, uint64_t paddr)
{
	struct page *page = model_page(model, paddr);

	if (page != NULL) {
		page->cached_until = epoch_ending(model);
		trace_event(model, EVENT_ALIAS_GONE, &(struct model_event){.paddr = paddr});
	}
}

void model_aliases_new(struct model *model)
{
	if (model->aliases_new < UINT32_MAX) {
		model->aliases_new++;
	}
}

/* In a trace: the end of an alias of no page, where it makes a difference to the epochs that follow. */
epoch_t model_epoch(struct model *model)
{
	if (!model->epoch_stamped) {
		trace_event(model, EVENT_ALIAS_GONE, &(struct model_event){.paddr = UINT64_MAX});
	}
	return epoch_ending(model);
}

void model_alias_gone_at(struct model *model, uint64_t paddr, epoch_t when)
{
	struct page *page = model_page(model, paddr);

	if (page != NULL && page->cached_until < when) {
		page->cached_until = when;
		trace_event(model, EVENT_ALIAS_GONE,
			    &(struct model_event){.paddr = paddr, .size = when});
	}
}

const char *model_unchecked(const struct model *model, unsigned int n, uint64_t *count)
{
	static const char *const texts[NR_UNCHECKED] = {
		[UNCHECKED_LINES] = "events on lines for whose state there was no memory",
		[UNCHECKED_PENDING] =
			"maintenance instructions taken as complete before their DSB: too many at once",
		[UNCHECKED_STORIES] =
			"lines of which reports cannot tell who damaged them: too many",
	};

	if (n >= NR_UNCHECKED) {
		return NULL;
	}
	*count = model->unchecked[n];
	return texts[n];
}

static void count_lines(const struct page *page, struct model_totals *totals)
{
	if (page->lines == NULL) {
		return;
	}
	for (unsigned int i = 0; i < LINES_PER_PAGE; i++) {
		totals->lines_dirty += page->lines[i].dirty != 0;
		totals->lines_stale += page->lines[i].stale != 0;
		totals->lines_seen++;
	}
}

void model_totals(const struct model *model, struct model_totals *totals)
{
	*totals = (struct model_totals){.bytes = model->bytes};
	for (unsigned int i = 0; i < model->nr_regions; i++) {
		const struct region *region = &model->regions[i];

		for (uint64_t n = 0; n < region->size >> PAGE_SHIFT; n++) {
			count_lines(&region->pages[n], totals);
		}
	}
	totals->bytes += model->pending.capacity * (sizeof(struct pending) + sizeof(uint32_t)) +
			 model->stories.capacity * sizeof(struct story) +
			 model->old_pages_capacity * sizeof(*model->old_pages);
}
