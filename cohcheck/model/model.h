/* SPDX-License-Identifier: MIT */
/*
 * What any legal cache could hold of each line of memory, and which accesses could therefore go wrong.
 *
 * The model knows physical addresses, memory types and CPUs' barriers; it knows nothing of QEMU, of
 * instructions or of translation tables. It is told what software does (events), keeps per 64-byte line the
 * set of all states that some legal cache could be in, and reports each access whose result could differ
 * from that of a machine without caches: an access is reported if and only if some sequence of allowed
 * fills and evictions makes it see a wrong value (model_oracle_test.c holds the model against an explicit
 * simulator of exactly that, and lists the few cases where it says more). docs/coherency.md is the text.
 *
 * Whether a cacheable alias of a page is live is a question to the owner of translation tables (struct
 * model_ops); everything else about a line is in struct line.
 *
 * Context: all functions but the inline ones need the caller's one lock around the model; the inline ones
 * may run at the same time as anything else, on lines that another CPU is not writing in a race of the
 * guest's own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LINE_SHIFT     6
#define LINE_SIZE      64
#define PAGE_SHIFT     12
#define LINES_PER_PAGE 64
#define MODEL_MAX_CPUS 64

/*
 * Who did it: an index of the front end's table of instructions (24 bits) with the CPU on top (8 bits).
 * The first few are not instructions.
 */
typedef uint32_t site_t;
#define SITE(idx, cpu) ((site_t)(idx) | (site_t)(cpu) << 24)
#define SITE_IDX(site) ((site)&0xffffff)
#define SITE_CPU(site) ((site) >> 24)
enum {
	SITE_NOBODY,
	SITE_LOADER,
	SITE_DEVICE,
	SITE_FIRST_INSN
};

/*
 * Time as the model counts it, 24 bits: it advances only where the order of an invalidation and the end of
 * an alias must be told apart. Should it ever reach its end it stays there, which reports too much rather
 * than too little.
 */
typedef uint32_t epoch_t;
#define EPOCH_MAX 0xffffff

/*
 * The type of an access or an alias, both stages combined, inner and outer. MIXED: cacheable at one level
 * only, so it may leave copies behind and yet not see those of the other level.
 */
enum mem_type {
	MEM_DEVICE,
	MEM_NC,
	MEM_MIXED,
	MEM_WT,
	MEM_WB
};

static inline bool mem_type_allocates(enum mem_type type)
{
	return type >= MEM_MIXED;
}

static inline bool mem_type_sees_caches(enum mem_type type)
{
	return type >= MEM_WT;
}

enum dc_op {
	DC_CVAC,  /* clean to PoC; also CVAP, CVADP, CGVAC ... */
	DC_CVAU,  /* clean to PoU */
	DC_CIVAC, /* clean and invalidate to PoC; IVAC where HCR_EL2 makes it one */
	DC_IVAC,  /* invalidate to PoC */
};

enum ic_op {
	IC_IVAU,
	IC_IALLU,
	IC_IALLUIS
};

/*
 * A line, 16 bytes. Masks have a bit per 32-bit word: bit n is the word at 4 * n.
 *
 * A store only costs its front end a look at the masks when nothing would change (line_write_is_quiet);
 * everything else goes through model.c. .writer is written without the lock, all other fields under it.
 */
struct line {
	uint16_t dirty; /* words whose newest value memory may not have: who reads past the caches may see an older one */
	uint16_t unclean; /* words whose newest value may not have reached the PoU (none where CTR_EL0.IDC) */
	uint16_t old_insns; /* words of which an instruction cache may hold an older value (none where CTR_EL0.DIC) */
	uint16_t stale; /* words that a cacheable access may see older than the newest: a data cache holds an older value, or
			       the newest one is lost. A word that is both dirty and stale may be wrong for everybody */
	uint32_t state; /* LINE_* | invalidated << LINE_INVALIDATED_SHIFT */
	site_t writer;  /* the last one */
};
_Static_assert(sizeof(struct line) == 16, "bytes per byte of guest RAM: docs/coherency.md");

#define LINE_SNAPSHOT   0x01u /* maintenance of this line was issued that is not complete yet */
#define LINE_TABLE      0x02u /* holds translation tables: the front end wants to see stores */
#define LINE_LOST       0x0cu /* why words that are dirty and stale are so (the latest reason), or 0: */
#define LINE_LOST_EVICT 0x04u /*   an older dirty copy may have been written back over them */
#define LINE_LOST_MERGE \
	0x08u /*   a store went into a stale copy, which may have been written back */
#define LINE_LOST_INVALIDATE 0x0cu /*   a dirty copy may have been thrown away */
#define LINE_COPY_DIRTY \
	0x10u /* a cache may hold a dirty copy of this line, to be written back at any time */
#define LINE_INVALIDATED_SHIFT 8 /* epoch_t: no clean copy is older */

struct page {
	struct line *lines; /* LINES_PER_PAGE, or NULL: nothing has happened here since reset */
	uint32_t *hashes; /* of each line's contents, where devices' writes are looked for; or NULL */
	uint64_t insns_gone; /* a bit per line: no instruction cache holds any of it (meaningless while fetchable) */
	epoch_t cached_until; /* a cacheable alias that is no more could have fetched lines until then */
	epoch_t fetchable_at; /* EPOCH_MAX: instructions can be fetched from here; else until when they could; 0: never yet */
	uint32_t flags; /* PAGE_* */
	uint32_t asked; /* model_aliases_new() so far when the answer was that no alias is live */
};
#define PAGE_ENTRY_CLEAN 0x1u /* model_entry_clean() of the whole page, before it had lines */
#define PAGE_OLD_INSNS   0x2u /* is on the list of pages where .old_insns may be set */

/* What keeps a copy possible, for reports. */
struct alias {
	enum {
		ALIAS_LIVE,
		ALIAS_UNTIL_TLBI,
		ALIAS_GONE,
		ALIAS_AT_RESET
	} state;
	enum mem_type type;
	uint8_t el;    /* of the translation regime: 1, 2, 3 */
	uint8_t stage; /* 1, or 2: a guest's own, through its stage 2 */
	uint16_t vmid, asid;
	uint32_t cpus;     /* bit mask of those that may have it in a TLB */
	uint64_t va, size; /* where it is mapped, and how much at once */
	uint64_t root;     /* of the translation tables */
	site_t maker;      /* who wrote the entry, if seen */
	site_t unmaker;    /* who removed it */
};

enum finding_kind {
	/* Reads that could return a wrong value. */
	FINDING_READ_UNDER_DIRTY, /* V1: not through the caches, while a newer value may be dirty in one */
	FINDING_READ_STALE, /* V2: through the caches, which may hold an older value */
	FINDING_LOST_EVICT, /* V3: the value read may have been overwritten by the eviction of an older dirty line */
	FINDING_LOST_MERGE,      /* V2w: ... by a store that was merged into a stale copy */
	FINDING_LOST_INVALIDATE, /* V3i: ... or thrown away by an invalidation of a dirty line */
	/* Instruction fetches. */
	FINDING_FETCH_UNCLEAN,     /* V4: not cleaned to the PoU */
	FINDING_FETCH_NO_IC,       /* V4i: the instruction cache may hold older code */
	FINDING_FETCH_UNDER_DIRTY, /* V4n: a non-cacheable fetch below a dirty line */
	FINDING_FETCH_STALE, /* V4s: a cacheable fetch that may hit a stale line in a unified cache */
	/* Translation table walks. */
	FINDING_WALK_UNDER_DIRTY, /* V5 */
	FINDING_WALK_STALE,       /* V5s */
	/* Not wrong by themselves, but against a rule of the architecture. */
	FINDING_SET_WAY,   /* W7: maintenance by set/way reaches only the CPU's own caches */
	FINDING_EXCLUSIVE, /* W8: exclusive or atomic access to memory that is not write-back */
	FINDING_BREAK_BEFORE_MAKE, /* W9: a live translation was replaced without break-before-make */
	NR_FINDING_KINDS
};

struct finding {
	enum finding_kind kind;
	site_t site;        /* who found it: the access */
	enum mem_type type; /* of the access */
	uint8_t size;
	uint64_t paddr,
		va;       /* of the access; va 0 where there is none (filled in by the front end) */
	site_t writer;    /* who wrote what is endangered (with LOST kinds: the lost value) */
	site_t culprit;   /* the store or DC that lost it, the table store; 0 where unknown */
	struct line line; /* as it was before the access */
	struct alias alias; /* what could have put or kept the copy there; meaningful if has_alias */
	bool has_alias;
};

struct model_event; /* model_trace.h */

struct model_ops {
	/* A finding, before the line changes. */
	void (*finding)(void *ctx, const struct finding *finding);
	/*
	 * Is a cacheable alias of the page with this address live now, through which a data cache may fetch
	 * lines? Tells which in *alias (may be NULL). Asked rarely: on the first non-cacheable write to a
	 * line since its invalidation.
	 */
	bool (*alias_live)(void *ctx, uint64_t paddr, struct alias *alias);
	/* Every event that changed the state of a line or found something, for a trace. After finding(). May be NULL. */
	void (*changed)(void *ctx, const struct model_event *event);
};

struct model_config {
	uint8_t dc_shift; /* log2 of what one DC by VA reaches: CTR_EL0.DminLine, at least LINE_SHIFT */
	uint8_t ic_shift; /* CTR_EL0.IminLine */
	uint8_t wb_shift; /* log2 of what one write-back may write: CTR_EL0.CWG when adversarial, else LINE_SHIFT */
	bool idc, dic; /* CTR_EL0.IDC, DIC */
	bool adversarial_entry; /* at reset a clean copy of every line may be cached (outside model_entry_clean()) */
	unsigned int nr_cpus;
};

/* What a maintenance instruction turned out to be worth; --summary. */
enum dc_worth {
	DC_NEEDED,
	DC_REDUNDANT
};

struct model;

struct model *model_create(const struct model_config *config, const struct model_ops *ops,
			   void *ctx);
void model_destroy(struct model *model);
/* RAM or flash, page aligned. Not overlapping; at most 16. False: no memory, or too many. */
bool model_add_region(struct model *model, uint64_t start, uint64_t size);

/* NULL: not in a region. Lock-free. */
struct page *model_page(const struct model *model, uint64_t paddr);
/* Allocates the page's lines if need be. NULL: not in a region (or no memory: counted, model_unchecked()). */
struct line *model_line(struct model *model, uint64_t paddr);

/*
 * The machine is reset: all is as model_create() and model_add_region() made it, and the state at reset is to be said again. What is
 * known of lines stays where it is in memory. The front end forgets its own: which pages it was told of, its shadow tables.
 */
void model_reset(struct model *model);

/* State at reset. The loader left contents here: dirty in some cache if adversarial (module, device tree). */
void model_entry_dirty(struct model *model, uint64_t start, uint64_t size);
/* The boot protocol promises that no cache holds a line of this range, clean or dirty, instruction caches included. */
void model_entry_clean(struct model *model, uint64_t start, uint64_t size);

/* Accesses may cross lines (and pages, if physically contiguous). size in bytes, any. */
void model_read(struct model *model, site_t site, uint64_t paddr, unsigned int size,
		enum mem_type type);
void model_write(struct model *model, site_t site, uint64_t paddr, unsigned int size,
		 enum mem_type type);
/*
 * A cacheable write-back store within one line, at less cost, where the line is in no trouble; paddr: in the line. False: it is not done. A
 * front end with one CPU may call it without the lock.
 */
bool model_write_plain(struct model *model, site_t site, uint64_t paddr, struct line *line,
		       uint16_t words);
/*
 * An instruction word is fetched. type: MEM_DEVICE and MEM_NC are non-cacheable fetches. exempt: old and
 * new word are both on the Arm ARM's list for concurrent modification, so that either may be executed (V4
 * and V4i are not reported).
 */
void model_fetch(struct model *model, site_t site, uint64_t paddr, enum mem_type type, bool exempt);
/*
 * From now on instructions can be fetched from this page, until model_unfetchable(): an executable alias
 * appeared, or the MMU is off nearby. A fetch makes a page fetchable by itself. Cheap if it is already.
 */
void model_fetchable(struct model *model, uint64_t paddr);
/* A translation table walk reads a descriptor of size 4, 8 or 16 bytes. */
void model_walk(struct model *model, site_t site, uint64_t paddr, unsigned int size,
		enum mem_type type);

/* A device that is not coherent reads and writes memory itself; a coherent one is an observer like a CPU. */
void model_device_write(struct model *model, uint64_t paddr, unsigned int size, bool coherent);
void model_device_read(struct model *model, uint64_t paddr, unsigned int size, bool coherent);

/* Maintenance is issued here and completed by model_dsb() of the same CPU. paddr: any address in the line. */
enum dc_worth model_dc(struct model *model, site_t site, uint64_t paddr, enum dc_op op);
void model_ic(struct model *model, site_t site, uint64_t paddr, enum ic_op op);
void model_set_way(struct model *model, site_t site);
/* A DSB that waits for loads and stores. Call after the front end has completed the TLBIs of this CPU. */
void model_dsb(struct model *model, site_t site);
/* A CPU is off or reset: nothing that it issued will complete. */
void model_cpu_reset(struct model *model, unsigned int cpu);

/*
 * A cacheable alias through which this page could be fetched until now is no more. The front end calls it
 * when the last DSB that the removal needed is done. A cacheable access is itself proof of an alias at that
 * moment.
 */
void model_alias_gone(struct model *model, uint64_t paddr);
/*
 * The same, told late: an alias that ended at some earlier time of model_epoch(). The owner of translation
 * tables notes when a root was uninstalled and says it for a page when it is asked about it (in
 * alias_live(), too), or when it drops the tables.
 */
epoch_t model_epoch(struct model *model); /* now; an invalidation from now on has a later one */
void model_alias_gone_at(struct model *model, uint64_t paddr, epoch_t when);
/*
 * Cacheable aliases of any page may be live from now on that were not: a root was installed, an entry
 * became valid. A front end that calls it (from the start) is asked alias_live() for a page only once
 * between two calls while the answer is no.
 */
void model_aliases_new(struct model *model);
/* The last way to fetch instructions from this page is no more (after that DSB, too). Until then it is fetchable. */
void model_unfetchable(struct model *model, uint64_t paddr);

/* The front end's rules find things, too: fills in .line and reports it. */
void model_report(struct model *model, struct finding *finding);

/*
 * For the front end's fast path: would this store, cacheable write-back, change nothing but the writer?
 * pou_words: the same words, or 0 if CTR_EL0 has both IDC and DIC.
 */
static inline bool line_write_is_quiet(const struct line *line, uint16_t words, uint16_t pou_words)
{
	return (line->dirty & words) == words && (line->unclean & pou_words) == pou_words &&
	       ((line->stale | (line->state & (LINE_SNAPSHOT | LINE_TABLE | LINE_LOST))) == 0);
}

/*
 * The same for a store past the caches, in one line: would it change nothing but the writer? paddr: any of the page.
 * Lock-free; never true for a front end that does not call model_aliases_new().
 */
bool model_write_past_is_quiet(const struct model *model, uint64_t paddr, const struct line *line);
/*
 * And for a DC by VA: would it and its DSB change nothing that later events could tell? through_alias: the address
 * is mapped cacheable, so that a copy could be fetched again at once.
 */
bool model_dc_is_quiet(const struct model *model, uint64_t paddr, const struct line *line,
		       enum dc_op op, bool through_alias);
/* Asks for aliases of the page now, so that what follows there may be quiet. Under the lock. */
void model_ask(struct model *model, uint64_t paddr);

/* What could not be followed and so was not checked: the n-th reason in words and how often, or NULL after the last. */
const char *model_unchecked(const struct model *model, unsigned int n, uint64_t *count);

struct model_totals {
	uint64_t bytes; /* of memory that the model uses */
	uint64_t lines_dirty, lines_stale, lines_seen;
};
void model_totals(const struct model *model, struct model_totals *totals);

/* Likewise for a read, walk or device read: does it see what it should? Such a one need not be told. */
static inline bool line_read_is_quiet(const struct line *line, uint16_t words, enum mem_type type)
{
	uint16_t wrong = mem_type_sees_caches(type) ? line->stale : line->dirty;

	return ((wrong | (type == MEM_MIXED ? line->stale : 0)) & words) == 0;
}

/* The words that an access of size bytes at paddr touches in its first line. */
static inline uint16_t line_words(uint64_t paddr, unsigned int size)
{
	unsigned int first = paddr % LINE_SIZE / 4;
	unsigned int last = (paddr % LINE_SIZE + size - 1) / 4;

	return (uint16_t)((2u << (last > 15 ? 15 : last)) - (1u << first));
}

/* Those of them that it covers. */
static inline uint16_t line_whole_words(uint64_t paddr, unsigned int size)
{
	unsigned int first = (paddr % LINE_SIZE + 3) / 4;
	uint64_t end = paddr % LINE_SIZE + size;
	unsigned int last = end > LINE_SIZE ? 16 : (unsigned int)end / 4;

	return last > first ? (uint16_t)((1u << last) - (1u << first)) : 0;
}
