/* SPDX-License-Identifier: MIT */
/*
 * The model against the oracle (model_oracle.h): random sequences of events on one to three lines, one to
 * three CPUs. After every event, each word that some execution could read, walk or fetch wrong must be one
 * that the model would report, and the other way round; what the model reports on the way must be so, too.
 *
 * The model says more than could happen, by design, in these cases only; they are still checked for misses:
 *   - MEM_MIXED stores: a word is both what a store past the caches and what one into a copy would leave.
 *     Nobody uses them.
 *   - The instruction caches of all CPUs are one: a local IC IALLU while other CPUs run invalidates nothing,
 *     and a reset of one CPU leaves what it held.
 *   - Words are whole: part of a word written right leaves it wrong as a whole (the oracle counts in words as
 *     well).
 * It says less in one: a non-cacheable fetch that hits what an instruction cache fetched through a stale or
 * unclean copy, which takes two executable aliases of different types. The model is not told their types; it
 * reports such a word when it is fetched through the caches.
 *
 * A sequence that disagrees is made as short as possible and printed. COHCHECK_ORACLE_SEED and
 * COHCHECK_ORACLE_SEQUENCES change what is run.
 */
#include "model/model_oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_LINES       3
#define MAX_STEPS       16

/* Pages of one model before it is made anew. */
#define PAGES_PER_MODEL 8192u
#define NR_MODELS       32u /* one for each configuration */
#define RAM_START       0x40000000u

enum step_kind {
	STEP_READ,
	STEP_WALK,
	STEP_DEVICE_READ,
	STEP_WRITE,
	STEP_DEVICE_WRITE,
	STEP_FETCH,
	STEP_DC,
	STEP_IVAU,
	STEP_IALLUIS,
	STEP_IALLU,
	STEP_DSB,
	STEP_CPU_RESET,
	STEP_ALIAS_ON,
	STEP_ALIAS_OFF,
	STEP_FETCHABLE_ON,
	STEP_FETCHABLE_OFF,
	NR_STEP_KINDS
};

struct step {
	uint8_t kind, cpu, line, span, type,
		op; /* op: of DC; 1 if a device is coherent, or an end is told late */
	bool crowd; /* maintenance may be issued although much of it is under way already */
};

struct sequence {
	bool granule, adversarial, one_page, idc, dic;
	bool quick;     /* accesses that the front end's fast paths would not tell are not told */
	bool announces; /* new aliases, which front ends may do or not */
	uint8_t nr_lines, nr_cpus, insn_cpu, entry_dirty; /* entry_dirty: bit per line */
	uint8_t nr_steps;
	struct step steps[MAX_STEPS];
};

/* One run of a sequence: the model's pages and the oracle's nodes. */
struct run {
	const struct sequence *sequence;
	struct oracle *oracle;
	oracle_node_t nodes[MAX_LINES];
	uint64_t paddr[MAX_LINES];
	bool alias_live[MAX_LINES], fetchable[MAX_LINES]; /* by page_of() */
	epoch_t gone_at[MAX_LINES]; /* likewise: an alias that ended then, of which the model is told when it asks; or 0 */
	bool mixed[MAX_LINES], insns_approximate;
	unsigned int running;
	const char *complaint;
};

struct bench {
	struct oracle *lines[2][2], *granules; /* [idc][dic] */
	struct model *models[NR_MODELS];       /* by model_idx() */
	uint32_t pages_used[NR_MODELS];
	struct run *run;
	unsigned int findings;
	uint64_t quiet;
};

static struct bench bench;

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(2685821657736338717) >> 32) * limit >> 32);
}

static unsigned int page_of(const struct run *run, unsigned int line)
{
	return run->sequence->one_page ? 0 : line;
}

static void finding(void *ctx, const struct finding *finding)
{
	(void)ctx;
	(void)finding;
	bench.findings++;
}

static unsigned int model_idx(const struct sequence *s)
{
	return s->idc | s->dic << 1 | s->adversarial << 2 | s->granule << 3 | s->announces << 4;
}

static struct model **model_slot(const struct sequence *s)
{
	return &bench.models[model_idx(s)];
}

static bool alias_live(void *ctx, uint64_t paddr, struct alias *alias)
{
	struct run *run = bench.run;

	(void)ctx;
	(void)alias;
	for (unsigned int i = 0; i < run->sequence->nr_lines; i++) {
		unsigned int page = page_of(run, i);

		if (run->paddr[i] >> PAGE_SHIFT != paddr >> PAGE_SHIFT) {
			continue;
		}
		if (run->alias_live[page]) {
			return true;
		}
		if (run->gone_at[page] != 0) {
			model_alias_gone_at(*model_slot(run->sequence), paddr, run->gone_at[page]);
			run->gone_at[page] = 0;
		}
		return false;
	}
	return false;
}

static struct model *make_model(const struct sequence *sequence)
{
	static const struct model_ops ops = {.finding = finding, .alias_live = alias_live};
	struct model_config config = {
		.dc_shift = LINE_SHIFT,
		.ic_shift = LINE_SHIFT,
		.wb_shift = sequence->granule ? LINE_SHIFT + 1 : LINE_SHIFT,
		.idc = sequence->idc,
		.dic = sequence->dic,
		.adversarial_entry = sequence->adversarial,
		.nr_cpus = ORACLE_CPUS,
	};
	struct model *model = model_create(&config, &ops, NULL);

	assert_non_null(model);
	if (sequence->announces) {
		model_aliases_new(model);
	}
	assert_true(model_add_region(model, RAM_START, (uint64_t)PAGES_PER_MODEL << PAGE_SHIFT));
	return model;
}

static uint32_t *pages_slot(const struct sequence *s)
{
	return &bench.pages_used[model_idx(s)];
}

/* An invalidation of all instruction caches changes what an untouched page means: not as after reset any more. */
static bool sequence_invalidates_all(const struct sequence *sequence)
{
	for (unsigned int i = 0; i < sequence->nr_steps; i++) {
		if (sequence->steps[i].kind == STEP_IALLUIS ||
		    sequence->steps[i].kind == STEP_IALLU) {
			return true;
		}
	}
	return false;
}

static void drop_model(const struct sequence *sequence)
{
	model_destroy(*model_slot(sequence));
	*model_slot(sequence) = NULL;
}

static void happens(struct run *run, unsigned int line, unsigned int event)
{
	if (run->sequence->granule) {
		event += line * NR_ORACLE_EVENTS;
		line = 0;
	}
	run->nodes[line] = oracle_next(run->oracle, run->nodes[line], event);
}

/* Something that is not of a line happens to all of them, or to those of the page of one. */
static void happens_to_all(struct run *run, unsigned int event)
{
	for (unsigned int i = 0; i < (run->sequence->granule ? 1 : run->sequence->nr_lines); i++) {
		happens(run, i, event);
	}
}

static void happens_to_page(struct run *run, unsigned int line, unsigned int event)
{
	for (unsigned int i = 0; i < (run->sequence->granule ? 1 : run->sequence->nr_lines); i++) {
		if (page_of(run, i) == page_of(run, line)) {
			happens(run, i, event);
		}
	}
}

static struct oracle_wrong wrong_of(const struct run *run, unsigned int line)
{
	if (run->sequence->granule) {
		struct oracle_wrong wrong = *oracle_wrong(run->oracle, run->nodes[0]);

		return (struct oracle_wrong){.past = wrong.past >> line & 1,
					     .cached = wrong.cached >> line & 1};
	}
	return *oracle_wrong(run->oracle, run->nodes[line]);
}

static bool slot_is_free(const struct run *run, const struct step *step, unsigned int line)
{
	oracle_node_t node = run->nodes[run->sequence->granule ? 0 : line];

	return oracle_context(run->oracle, node)->nr_slots <
	       (step->crowd ? ORACLE_SLOTS : ORACLE_SLOTS - 1);
}

static bool slots_are_free(const struct run *run, const struct step *step)
{
	for (unsigned int i = 0; i < run->sequence->nr_lines; i++) {
		if (!slot_is_free(run, step, i)) {
			return false;
		}
	}
	return true;
}

static const uint8_t span_words[NR_SPANS] = {1, 2, 3, 1, 2};
static const uint8_t span_offsets[NR_SPANS] = {0, 4, 0, 0, 6};
static const uint8_t span_sizes[NR_SPANS] = {4, 4, 8, 2, 2};

static site_t site_of(unsigned int cpu)
{
	return SITE(SITE_FIRST_INSN, cpu);
}

static void announce(const struct run *run, struct model *model)
{
	if (run->sequence->announces) {
		model_aliases_new(model);
	}
}

static void check(struct run *run, bool is_wrong, bool is_reported, bool approximate,
		  const char *missed, const char *false_alarm)
{
	if (is_wrong && !is_reported) {
		run->complaint = missed;
	} else if (!is_wrong && is_reported && !approximate) {
		run->complaint = false_alarm;
	}
}

static void check_words(struct run *run, unsigned int wrong, unsigned int reported,
			bool approximate, const char *missed, const char *false_alarm)
{
	check(run, (wrong & ~reported) != 0, false, true, missed, false_alarm);
	check(run, false, (reported & ~wrong) != 0, approximate, missed, false_alarm);
}

/* All that could be read now, without reading it. */
static void check_line(struct run *run, struct model *model, unsigned int i)
{
	struct oracle_wrong wrong = wrong_of(run, i);
	const struct page *page = model_page(model, run->paddr[i]);
	struct line line = {0};
	unsigned int words = run->sequence->granule ? 1 : 3;
	bool approximate = run->mixed[i];
	unsigned int excused;

	if (page->lines != NULL) {
		line = page->lines[run->paddr[i] % (1u << PAGE_SHIFT) >> LINE_SHIFT];
	}
	check_words(run, wrong.past, line.dirty & words, approximate,
		    "missed: memory may be older than the newest value",
		    "false alarm: memory cannot be older than the newest value");
	check_words(run, wrong.cached, line.stale & words, approximate,
		    "missed: a cacheable read may see an older value",
		    "false alarm: a cacheable read cannot see an older value");
	if (run->sequence->granule) {
		return;
	}
	approximate = approximate || run->insns_approximate;
	check_words(run, wrong.fetched_cached, (line.unclean | line.stale | line.old_insns) & 3,
		    approximate, "missed: a cacheable fetch may get an older value",
		    "false alarm: a cacheable fetch cannot get an older value");
	excused = line.unclean | line.stale;
	check_words(run, wrong.fetched_past & ~excused, (line.dirty | line.old_insns) & 3 & ~excused,
		    approximate, "missed: a non-cacheable fetch may get an older value",
		    "false alarm: a non-cacheable fetch cannot get an older value");
}

/* The fast paths rely on it that nobody reads and writes through the caches without an alias. */
static void alias_for_access(struct run *run, struct model *model, const struct step *step,
			     enum mem_type type)
{
	unsigned int page = page_of(run, step->line);

	if (run->sequence->quick && mem_type_allocates(type) && !run->alias_live[page]) {
		run->alias_live[page] = true;
		announce(run, model);
		happens_to_page(run, step->line, ORACLE_ALIAS_ON);
	}
}

static bool read_is_quiet(const struct run *run, struct model *model, const struct step *step,
			  enum mem_type type)
{
	const struct page *page = model_page(model, run->paddr[step->line]);

	return run->sequence->quick &&
	       (page->lines == NULL || line_read_is_quiet(model_line(model, run->paddr[step->line]),
							  span_words[step->span], type));
}

static bool write_is_quiet(const struct run *run, struct model *model, const struct step *step,
			   enum mem_type type)
{
	uint64_t paddr = run->paddr[step->line];
	const struct line *line = model_line(model, paddr);
	uint16_t words = span_words[step->span];

	if (!run->sequence->quick) {
		return false;
	}
	if (type <= MEM_NC) {
		return model_write_past_is_quiet(model, paddr, line);
	}
	return type == MEM_WB &&
	       line_write_is_quiet(line, words,
				   run->sequence->idc && run->sequence->dic ? 0 : words);
}

static void do_read(struct run *run, struct model *model, const struct step *step)
{
	enum mem_type type = (enum mem_type)step->type;
	struct oracle_wrong wrong = wrong_of(run, step->line);
	uint64_t paddr = run->paddr[step->line] + span_offsets[step->span];
	unsigned int size = span_sizes[step->span];
	unsigned int bad;

	if (step->kind == STEP_DEVICE_READ) {
		type = step->op ? MEM_WB : MEM_NC;
	}
	alias_for_access(run, model, step, type);
	if (read_is_quiet(run, model, step, type)) {
		bench.quiet++;
	} else if (step->kind == STEP_DEVICE_READ) {
		model_device_read(model, paddr, size, step->op != 0);
	} else if (step->kind == STEP_WALK) {
		model_walk(model, site_of(step->cpu), paddr, size, type);
	} else {
		model_read(model, site_of(step->cpu), paddr, size, type);
	}
	bad = (type >= MEM_MIXED ? wrong.cached : 0u) | (type <= MEM_MIXED ? wrong.past : 0u);
	check(run, (bad & span_words[step->span]) != 0, bench.findings != 0, run->mixed[step->line],
	      "a wrong read was not reported", "a read that cannot go wrong was reported");
	if (mem_type_allocates(type)) {
		happens_to_page(run, step->line, ORACLE_TOUCH);
	}
}

static void do_write(struct run *run, struct model *model, const struct step *step)
{
	static const uint8_t events[] = {
		[MEM_DEVICE] = ORACLE_STORE_PAST, [MEM_NC] = ORACLE_STORE_PAST,
		[MEM_MIXED] = ORACLE_STORE_MIXED, [MEM_WT] = ORACLE_STORE_THROUGH,
		[MEM_WB] = ORACLE_STORE_BACK,
	};
	enum mem_type type = (enum mem_type)step->type;
	uint64_t paddr = run->paddr[step->line] + span_offsets[step->span];
	unsigned int size = span_sizes[step->span];

	if (step->kind == STEP_DEVICE_WRITE) {
		model_device_write(model, paddr, size, step->op != 0);
		happens(run, step->line,
			(step->op ? ORACLE_STORE_EVERYWHERE : ORACLE_STORE_PAST) +
				(unsigned int)step->span);
		return;
	}
	alias_for_access(run, model, step, type);
	if (write_is_quiet(run, model, step, type)) {
		model_line(model, paddr)->writer = site_of(step->cpu);
		bench.quiet++;
	} else if (run->sequence->quick && type == MEM_WB &&
		   model_write_plain(model, site_of(step->cpu), paddr, model_line(model, paddr),
				     span_words[step->span])) {
		bench.quiet++;
	} else {
		model_write(model, site_of(step->cpu), paddr, size, type);
	}
	run->mixed[step->line] = run->mixed[step->line] || type == MEM_MIXED;
	if (run->sequence->granule && type == MEM_MIXED) {
		run->mixed[0] = run->mixed[1] = true;
	}
	if (mem_type_allocates(type)) {
		happens_to_page(run, step->line, ORACLE_TOUCH);
	}
	happens(run, step->line, events[type] + (unsigned int)step->span);
	if (mem_type_allocates(type)) {
		happens_to_page(run, step->line, ORACLE_TOUCH);
	}
}

static void do_dc(struct run *run, struct model *model, const struct step *step)
{
	uint64_t paddr = run->paddr[step->line];
	enum dc_op op = (enum dc_op)step->op;

	if (run->sequence->quick && model_dc_is_quiet(model, paddr, model_line(model, paddr), op,
						      run->alias_live[page_of(run, step->line)])) {
		bench.quiet++;
		return;
	}
	(void)model_dc(model, site_of(step->cpu), paddr, op);
	if (run->sequence->quick) {
		model_ask(model, paddr);
	}
}

static void do_fetch(struct run *run, struct model *model, const struct step *step)
{
	enum mem_type type = (enum mem_type)step->type;
	unsigned int word = step->span % 2;
	unsigned int excused = 0;
	struct oracle_wrong wrong;
	unsigned int bad;

	model_fetch(model, site_of(run->sequence->insn_cpu), run->paddr[step->line] + 4 * word,
		    type, false);
	if (!run->fetchable[page_of(run, step->line)]) {
		run->fetchable[page_of(run, step->line)] = true;
		happens_to_page(run, step->line, ORACLE_FETCHABLE_ON);
	}
	wrong = wrong_of(run, step->line);
	bad = wrong.fetched_cached;
	if (type < MEM_MIXED) {
		const struct line *line = model_line(model, run->paddr[step->line]);

		bad = wrong.fetched_past;
		excused = line->unclean | line->stale;
	}
	check(run, (bad & ~excused & 1u << word) != 0, bench.findings != 0,
	      run->mixed[step->line] || run->insns_approximate || excused != 0,
	      "a wrong fetch was not reported", "a fetch that cannot go wrong was reported");
	if (mem_type_allocates(type)) {
		happens_to_page(run, step->line, ORACLE_TOUCH);
	} else {
		happens(run, step->line, ORACLE_FETCH_PAST);
	}
}

static void do_ic(struct run *run, struct model *model, const struct step *step)
{
	unsigned int running;

	if (step->kind == STEP_IVAU ? !slot_is_free(run, step, step->line)
				    : !slots_are_free(run, step)) {
		return;
	}
	run->running |= 1u << step->cpu;
	running = run->running;
	switch (step->kind) {
	case STEP_IVAU:
		model_ic(model, site_of(step->cpu), run->paddr[step->line], IC_IVAU);
		happens(run, step->line, ORACLE_IC + (unsigned int)step->cpu);
		break;
	case STEP_IALLUIS:
		model_ic(model, site_of(step->cpu), 0, IC_IALLUIS);
		happens_to_all(run, ORACLE_IC + (unsigned int)step->cpu);
		break;
	default:
		model_ic(model, site_of(step->cpu), 0, IC_IALLU);
		if (step->cpu == run->sequence->insn_cpu) {
			happens_to_all(run, ORACLE_IC + (unsigned int)step->cpu);
			run->insns_approximate |= running != 1u << step->cpu;
		}
		break;
	}
}

static void do_page(struct run *run, struct model *model, const struct step *step)
{
	unsigned int page = page_of(run, step->line);
	uint64_t paddr = run->paddr[step->line];
	bool on = step->kind == STEP_ALIAS_ON || step->kind == STEP_FETCHABLE_ON;
	bool *what = step->kind == STEP_ALIAS_ON || step->kind == STEP_ALIAS_OFF
			   ? &run->alias_live[page]
			   : &run->fetchable[page];

	if (*what == on) {
		return;
	}
	*what = on;
	switch (step->kind) {
	case STEP_ALIAS_ON:
		announce(run, model);
		happens_to_page(run, step->line, ORACLE_ALIAS_ON);
		break;
	case STEP_ALIAS_OFF:
		if (step->op != 0) {
			run->gone_at[page] = model_epoch(model);
		} else {
			model_alias_gone(model, paddr);
		}
		happens_to_page(run, step->line, ORACLE_ALIAS_OFF);
		break;
	case STEP_FETCHABLE_ON:
		model_fetchable(model, paddr);
		happens_to_page(run, step->line, ORACLE_FETCHABLE_ON);
		break;
	default:
		model_unfetchable(model, paddr);
		happens_to_page(run, step->line, ORACLE_FETCHABLE_OFF);
		break;
	}
}

static void do_cpu_reset(struct run *run, struct model *model, unsigned int cpu)
{
	model_cpu_reset(model, cpu);
	happens_to_all(run, ORACLE_CPU_RESET + cpu);
	run->running &= ~(1u << cpu);
	if (cpu == run->sequence->insn_cpu) {
		happens_to_all(run, ORACLE_INSNS_EMPTY);
		run->insns_approximate = true;
		/* It goes on at once: what it does not fetch while it is off is not the question here. */
		model_dsb(model, site_of(cpu));
		run->running |= 1u << cpu;
	}
}

static void do_step(struct run *run, struct model *model, const struct step *step)
{
	bench.findings = 0;
	switch (step->kind) {
	case STEP_READ:
	case STEP_WALK:
	case STEP_DEVICE_READ:
		do_read(run, model, step);
		break;
	case STEP_WRITE:
	case STEP_DEVICE_WRITE:
		do_write(run, model, step);
		break;
	case STEP_FETCH:
		do_fetch(run, model, step);
		break;
	case STEP_DC:
		if (slot_is_free(run, step, step->line)) {
			do_dc(run, model, step);
			happens(run, step->line,
				ORACLE_DC + step->op * ORACLE_CPUS + (unsigned int)step->cpu);
			run->running |= 1u << step->cpu;
		}
		break;
	case STEP_IVAU:
	case STEP_IALLUIS:
	case STEP_IALLU:
		do_ic(run, model, step);
		break;
	case STEP_DSB:
		model_dsb(model, site_of(step->cpu));
		happens_to_all(run, ORACLE_DSB + (unsigned int)step->cpu);
		run->running |= 1u << step->cpu;
		break;
	case STEP_CPU_RESET:
		do_cpu_reset(run, model, step->cpu);
		break;
	default:
		do_page(run, model, step);
		break;
	}
}

static void start(struct run *run, struct model *model)
{
	const struct sequence *s = run->sequence;
	uint32_t first_page = *pages_slot(s);

	*pages_slot(s) += s->one_page ? 1 : s->nr_lines;
	for (unsigned int i = 0; i < s->nr_lines; i++) {
		run->paddr[i] = RAM_START +
				((uint64_t)(first_page + page_of(run, i)) << PAGE_SHIFT) +
				LINE_SIZE * (2 + i);
	}
	for (unsigned int i = 0; i < s->nr_lines; i++) {
		bool dirty = (s->entry_dirty >> i & 1) != 0;

		if (dirty) {
			model_entry_dirty(model, run->paddr[i], LINE_SIZE);
		}
		if (i == 0 || !s->granule) {
			run->nodes[i] = oracle_start(run->oracle, dirty ? ORACLE_ENTRY_DIRTY
								  : s->adversarial
									  ? ORACLE_ENTRY_ADVERSARIAL
									  : ORACLE_ENTRY_CLEAN);
		}
	}
	for (unsigned int cpu = 0; cpu < s->nr_cpus; cpu++) {
		model_dsb(model, site_of(cpu));
		run->running |= 1u << cpu;
	}
}

/* The step that went wrong, or -1. */
static int run_sequence(const struct sequence *sequence, const char **complaint)
{
	struct run run = {.sequence = sequence};
	struct model **model = model_slot(sequence);
	int result = -1;

	run.oracle = sequence->granule ? bench.granules : bench.lines[sequence->idc][sequence->dic];
	bench.run = &run;
	if (*model != NULL && *pages_slot(sequence) + MAX_LINES > PAGES_PER_MODEL) {
		drop_model(sequence);
	}
	if (*model == NULL) {
		*model = make_model(sequence);
		*pages_slot(sequence) = 0;
	}
	start(&run, *model);
	for (unsigned int i = 0; i < sequence->nr_steps && result < 0; i++) {
		do_step(&run, *model, &sequence->steps[i]);
		for (unsigned int n = 0; n < sequence->nr_lines; n++) {
			check_line(&run, *model, n);
		}
		if (run.complaint != NULL) {
			result = (int)i;
		}
	}
	*complaint = run.complaint;
	for (unsigned int cpu = 0; cpu < ORACLE_CPUS; cpu++) {
		model_cpu_reset(*model, cpu);
	}
	if (sequence_invalidates_all(sequence)) {
		drop_model(sequence);
	}
	return result;
}

static const char *const type_names[] = {"Device", "NC", "mixed", "WT", "WB"};
static const char *const span_names[] = {"word 0", "word 1", "words 0 and 1", "part of word 0",
					 "part of word 1"};
static const char *const dc_names[] = {"CVAC", "CVAU", "CIVAC", "IVAC"};

static void print_step(const struct step *step)
{
	const char *line = (const char *[]){"A", "B", "C"}[step->line];
	const char *span = span_names[step->span];

	switch (step->kind) {
	case STEP_READ:
		print_error("CPU %u: %s read of %s of %s", step->cpu, type_names[step->type], span,
			    line);
		break;
	case STEP_WALK:
		print_error("CPU %u: %s walk of %s of %s", step->cpu, type_names[step->type], span,
			    line);
		break;
	case STEP_WRITE:
		print_error("CPU %u: %s write of %s of %s", step->cpu, type_names[step->type], span,
			    line);
		break;
	case STEP_DEVICE_READ:
	case STEP_DEVICE_WRITE:
		print_error("%scoherent device %s %s of %s", step->op ? "" : "non-",
			    step->kind == STEP_DEVICE_READ ? "reads" : "writes", span, line);
		break;
	case STEP_FETCH:
		print_error("%s fetch of word %u of %s", type_names[step->type], step->span % 2,
			    line);
		break;
	case STEP_DC:
		print_error("CPU %u: DC %s of %s", step->cpu, dc_names[step->op], line);
		break;
	case STEP_IVAU:
		print_error("CPU %u: IC IVAU of %s", step->cpu, line);
		break;
	case STEP_IALLUIS:
	case STEP_IALLU:
		print_error("CPU %u: IC %s", step->cpu,
			    step->kind == STEP_IALLU ? "IALLU" : "IALLUIS");
		break;
	case STEP_DSB:
		print_error("CPU %u: DSB", step->cpu);
		break;
	case STEP_CPU_RESET:
		print_error("CPU %u: reset", step->cpu);
		break;
	case STEP_ALIAS_ON:
	case STEP_ALIAS_OFF:
		print_error("cacheable alias of %s %s%s", line,
			    step->kind == STEP_ALIAS_ON ? "live" : "gone",
			    step->kind == STEP_ALIAS_OFF && step->op ? " (told late)" : "");
		break;
	default:
		print_error("%s %s", line,
			    step->kind == STEP_FETCHABLE_ON ? "fetchable" : "no longer fetchable");
		break;
	}
	print_error("\n");
}

static void print_sequence(const struct sequence *s, const char *complaint)
{
	print_error("%u CPUs, lines %s, %s entry%s%s%s, fetches by CPU %u; dirty at entry: %s%s%s\n",
		    s->nr_cpus,
		    s->granule    ? "of one granule"
		    : s->one_page ? "of one page"
				  : "of different pages",
		    s->adversarial ? "adversarial" : "clean", s->idc ? ", IDC" : "",
		    s->dic ? ", DIC" : "", s->quick ? ", fast paths" : "", s->insn_cpu,
		    s->entry_dirty & 1 ? "A" : "", s->entry_dirty & 2 ? "B" : "",
		    s->entry_dirty & 4 ? "C" : "");
	for (unsigned int i = 0; i < s->nr_steps; i++) {
		print_error("  %2u. ", i + 1);
		print_step(&s->steps[i]);
	}
	print_error("  => %s\n", complaint);
}

/* Leaves out whatever can be left out. */
static void shrink(struct sequence *sequence)
{
	const char *complaint;
	bool smaller = true;

	sequence->nr_steps = (uint8_t)(run_sequence(sequence, &complaint) + 1);
	while (smaller) {
		smaller = false;
		for (unsigned int i = 0; i < sequence->nr_steps; i++) {
			struct sequence shorter = *sequence;
			int last;

			memmove(&shorter.steps[i], &shorter.steps[i + 1],
				(sequence->nr_steps - i - 1u) * sizeof(shorter.steps[0]));
			shorter.nr_steps--;
			last = run_sequence(&shorter, &complaint);
			if (last >= 0) {
				shorter.nr_steps = (uint8_t)(last + 1);
				*sequence = shorter;
				smaller = true;
				break;
			}
		}
	}
	(void)run_sequence(sequence, &complaint);
	print_sequence(sequence, complaint);
}

static void random_type(struct step *step)
{
	static const uint8_t types[] = {MEM_NC, MEM_NC, MEM_NC, MEM_DEVICE, MEM_WB, MEM_WB,
					MEM_WB, MEM_WB, MEM_WB, MEM_WT,     MEM_WT, MEM_MIXED};

	step->type = types[random_below(sizeof(types))];
	if (step->type == MEM_MIXED && random_below(8) != 0) {
		step->type = MEM_NC;
	}
}

static void random_step(const struct sequence *sequence, struct step *step)
{
	static const uint8_t kinds[] = {
		STEP_READ,
		STEP_READ,
		STEP_READ,
		STEP_WALK,
		STEP_DEVICE_READ,
		STEP_WRITE,
		STEP_WRITE,
		STEP_WRITE,
		STEP_WRITE,
		STEP_WRITE,
		STEP_WRITE,
		STEP_WRITE,
		STEP_WRITE,
		STEP_WRITE,
		STEP_DEVICE_WRITE,
		STEP_FETCH,
		STEP_FETCH,
		STEP_DC,
		STEP_DC,
		STEP_DC,
		STEP_DC,
		STEP_DC,
		STEP_DC,
		STEP_IVAU,
		STEP_IVAU,
		STEP_IALLUIS,
		STEP_IALLU,
		STEP_DSB,
		STEP_DSB,
		STEP_DSB,
		STEP_DSB,
		STEP_DSB,
		STEP_DSB,
		STEP_CPU_RESET,
		STEP_ALIAS_ON,
		STEP_ALIAS_ON,
		STEP_ALIAS_OFF,
		STEP_ALIAS_OFF,
		STEP_FETCHABLE_ON,
		STEP_FETCHABLE_OFF,
		STEP_FETCHABLE_OFF,
	};

	do {
		step->kind = kinds[random_below(sizeof(kinds))];
	} while ((sequence->granule && (step->kind == STEP_FETCH || step->kind == STEP_IVAU ||
					step->kind == STEP_IALLUIS || step->kind == STEP_IALLU ||
					step->kind == STEP_FETCHABLE_ON)) ||
		 /* Dear: each makes the model anew. */
		 ((step->kind == STEP_IALLUIS || step->kind == STEP_IALLU ||
		   step->kind == STEP_CPU_RESET) &&
		  random_below(3) != 0));
	step->cpu = (uint8_t)random_below(sequence->nr_cpus);
	step->line = (uint8_t)random_below(sequence->nr_lines);
	step->span = (uint8_t)random_below(NR_SPANS);
	if (sequence->granule) {
		step->span = random_below(5) == 0 ? SPAN_PART0 : SPAN_WORD0;
	}
	step->crowd = random_below(8) == 0;
	random_type(step);
	step->op = (uint8_t)random_below(step->kind == STEP_DC ? 4 : 2);
	if (step->kind == STEP_FETCH && step->type != MEM_NC) {
		step->type = MEM_WB;
	}
}

static void random_sequence(struct sequence *sequence, bool granule)
{
	memset(sequence, 0, sizeof(*sequence));
	sequence->granule = granule;
	sequence->adversarial = random_below(2) != 0;
	sequence->one_page = granule || random_below(2) != 0;
	if (!granule && random_below(3) == 0) {
		sequence->idc = random_below(2) != 0;
		sequence->dic = random_below(2) != 0;
	}
	sequence->quick = random_below(3) == 0;
	sequence->announces = sequence->quick || random_below(2) != 0;
	sequence->nr_lines = granule ? 2 : (uint8_t)(1 + random_below(MAX_LINES));
	sequence->nr_cpus = (uint8_t)(1 + random_below(ORACLE_CPUS));
	sequence->insn_cpu = (uint8_t)random_below(sequence->nr_cpus);
	if (sequence->adversarial && random_below(4) == 0) {
		sequence->entry_dirty = (uint8_t)random_below(1u << sequence->nr_lines);
		if (granule) {
			/* The granule machine knows both or none. */
			sequence->entry_dirty = 3;
		}
	}
	sequence->nr_steps = (uint8_t)(3 + random_below(MAX_STEPS - 2));
	for (unsigned int i = 0; i < sequence->nr_steps; i++) {
		random_step(sequence, &sequence->steps[i]);
	}
}

static uint64_t environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static void agree(bool granule, uint64_t sequences)
{
	uint64_t seed = environment("COHCHECK_ORACLE_SEED", 1);
	uint64_t steps = 0;

	sequences = environment("COHCHECK_ORACLE_SEQUENCES", sequences);
	for (uint64_t i = 0; i < sequences; i++) {
		struct sequence sequence;
		const char *complaint;

		random_state = (seed << 40) + (granule ? UINT64_C(1) << 39 : 0) + i + 1;
		(void)random_below(2);
		(void)random_below(2);
		random_sequence(&sequence, granule);
		steps += sequence.nr_steps;
		if (run_sequence(&sequence, &complaint) >= 0) {
			print_error("sequence %llu of seed %llu:\n", (unsigned long long)i,
				    (unsigned long long)seed);
			shrink(&sequence);
			fail();
		}
	}
	print_message("%llu sequences, %llu steps (%llu not told), seed %llu\n",
		      (unsigned long long)sequences, (unsigned long long)steps,
		      (unsigned long long)bench.quiet, (unsigned long long)seed);
}

static int set_up(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		bench.lines[i >> 1][i & 1] = oracle_create(&oracle_line_machine, i >> 1, i & 1);
	}
	bench.granules = oracle_create(&oracle_granule_machine, false, false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		print_message("oracle: %u sets of states\n",
			      oracle_nodes(bench.lines[i >> 1][i & 1]));
		oracle_destroy(bench.lines[i >> 1][i & 1]);
	}
	print_message("oracle: %u sets of states of granules\n", oracle_nodes(bench.granules));
	oracle_destroy(bench.granules);
	for (unsigned int i = 0; i < NR_MODELS; i++) {
		model_destroy(bench.models[i]);
	}
	return 0;
}

static void model_agrees_with_the_oracle(void **state)
{
	(void)state;
	agree(false, 750000);
}

static void model_agrees_with_the_oracle_on_granules(void **state)
{
	(void)state;
	agree(true, 270000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model_agrees_with_the_oracle),
		cmocka_unit_test(model_agrees_with_the_oracle_on_granules),
	};

	cmocka_set_test_filter(getenv("COHCHECK_ORACLE_FILTER"));
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
