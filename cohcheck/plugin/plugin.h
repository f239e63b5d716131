/* SPDX-License-Identifier: MIT */
/*
 * cohcheck's QEMU plugin: turns what QEMU shows of a guest into the model's events.
 *
 * QEMU shows blocks of instructions when it translates them, loads and stores after they happened, and registers where a
 * callback asks for them. It does not show table walks, DMA, the loader, or exceptions. So:
 *
 *   plugin_main.c         installation
 *   plugin_args.c         arguments
 *   plugin_registers.c    registers of a CPU by name; when they must be read again
 *   plugin_context.c      registers to translation contexts with small numbers, told to the shadow tables
 *   plugin_translate.c    each new block: sites, callbacks, checks of its fetches
 *   plugin_tlb.c          what a CPU's addresses mean: a soft TLB over arm/'s walker
 *   plugin_access.c       loads and stores
 *   plugin_maintenance.c  DC, IC, TLBI, DSB; --drop and the counts of --summary
 *   plugin_trap.c         whether these are executed
 *   plugin_pending.c      instructions whose effect can only be seen after them: DC ZVA, memory copy and set
 *   plugin_memory.c       contents of guest memory
 *   plugin_entry.c        the state at reset
 *   plugin_reset.c        resets while QEMU goes on
 *   plugin_device.c       writes by devices
 *   plugin_site.c         instructions and their numbers
 *   plugin_report.c       findings, and what could not be checked
 *   plugin_stream.c       the pipe to the command
 *
 * Locks: each vCPU is a thread. plugin.lock is the one lock of the model, of the shadow tables and of everything here that
 * is not said to be lock-free. The ways that are taken for every access (plugin_access.c, and the look-up of sites) take none:
 * a CPU reads and fills its own soft TLB; others only invalidate entries of it, by their tags, which are atomics.
 */
#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qemu-plugin.h>

#include "arm/arm_decode.h"
#include "arm/arm_regime.h"
#include "arm/arm_shadow.h"
#include "model/model.h"
#include "model/model_trace.h"

#define PLUGIN_MAX_REGIONS 16
#define PLUGIN_MAX_RANGES  64

#define likely(x)          __builtin_expect(!!(x), 1)
#define unlikely(x)        __builtin_expect(!!(x), 0)

struct plugin_range {
	uint64_t start, size;
};

/* RAM or flash, mapped here too. */
struct plugin_region {
	uint64_t start, size;
	uint8_t *contents;
	bool rom;
	uint32_t *fetched_listed; /* bit per word: the one fetched last is on the list for concurrent modification */
};

struct plugin_drop {
	char op[24]; /* with blanks; may be a first word only: "DC" is all of them */
	uint64_t start, end;
};

struct plugin_options {
	int pipe_fd, trace_fd;
	uint64_t trace_limit; /* bytes, about */
	bool adversarial, noncoherent_dma, summary;
	struct plugin_range clean[PLUGIN_MAX_RANGES], loaded[PLUGIN_MAX_RANGES];
	unsigned int nr_clean, nr_loaded;
	struct plugin_drop drops[PLUGIN_MAX_RANGES];
	unsigned int nr_drops;
};

/*
 * Words that generated code reads and writes itself, one set per CPU in a QEMU scoreboard. A block asks for attention of its own
 * regime before it starts.
 */
struct plugin_words {
	uint64_t attention[NR_REGIMES];
	uint64_t msr_site; /* the last MSR */
	uint64_t msrs;     /* how many there have been */
	uint64_t insns;
};
#define ATTEND_REGISTERS 1 /* read the registers again */
#define ATTEND_FETCHES \
	2 /* fetches are not cacheable: check each block each time, translations being shared */

/*
 * An entry of a CPU's soft TLB: one page. .tag is the page's virtual address with the number of the context in its low bits; 0: none.
 * .read_mask selects, of the first eight bytes of a struct line, the masks in which a read through this type may find
 * something.
 */
struct plugin_tlb_entry {
	_Atomic uint64_t tag;
	struct line *lines; /* of the page; NULL: not memory, nothing to check */
	uint64_t read_mask;
	uint64_t paddr; /* of the page; TLB_* in the low bits */
};
#define TLB_DATA_TYPE(paddr)  ((enum mem_type)((paddr)&7))
#define TLB_FETCH_TYPE(paddr) ((enum mem_type)((paddr) >> 3 & 7))
#define TLB_ROM               0x40
#define TLB_WRITABLE          0x80
#define TLB_MMU_OFF           0x100
#define TLB_ENTRIES           4096
#define TLB_MASK              (TLB_ENTRIES - 1)
#define CONTEXT_ID_MASK       0xfffu

struct plugin_pending {
	enum {
		PENDING_NONE,
		PENDING_ZVA,
		PENDING_COPY,
		PENDING_SET,
		PENDING_ZVA_SIZE
	} kind;
	site_t site;
	uint8_t regime;
	uint32_t word;
	uint64_t pc;
	uint64_t rd, rs, rn;
};

/* What each access needs of its CPU, and nothing else. */
struct plugin_fast {
	_Alignas(128) _Atomic uint64_t context_id[NR_REGIMES][2]; /* regime, bit 55 of the address */
	uint64_t loads, stores;
	struct plugin_tlb_entry *tlb;
};
_Static_assert(sizeof(struct plugin_fast) == 128, "found by a shift");

struct plugin_cpu {
	_Alignas(64) unsigned int idx;
	bool up;           /* its registers are known */
	bool maintenance;  /* something issued since the last DSB */
	bool plain_tlbi;   /* of it, TLBIs for which a DSB with nXS does not wait */
	bool table_stores; /* translation tables written since the last DSB */
	bool leaving;      /* it has just asked to be turned off */
	bool slept;        /* since its registers were last read */
	uint8_t zva_shift;
	uint64_t fetchable_page; /* physical: it and the next can be fetched from with the MMU off; or FETCHABLE_NONE */
	uint64_t msrs_seen; /* struct plugin_words.msrs at the last reading of registers */
	bool read_all;      /* something else than an MSR may have changed them */
	struct arm_registers regs;
	struct arm_context contexts[NR_REGIMES]; /* what the registers say */
	struct arm_context used[NR_REGIMES]; /* when code of the regime last executed, or could */
	struct arm_context installed[NR_REGIMES]; /* what the shadow tables were told */
	struct plugin_pending pending;
	GByteArray *buffer;
	void *handles[64]; /* plugin_registers.c */
};

struct plugin {
	pthread_mutex_t lock;
	qemu_plugin_id_t id;
	struct plugin_options options;
	struct plugin_region regions[PLUGIN_MAX_REGIONS];
	unsigned int nr_regions, nr_cpus;
	struct model_config config;
	struct model *model; /* since the first CPU's initialisation */
	struct shadow *shadow;
	struct qemu_plugin_scoreboard *words;
	uint16_t pou_mask; /* 0 where a data cache need not be cleaned to the PoU */
	bool shadow_blind; /* the shadow tables could not follow something: TLBIs forget everything */
	bool over;         /* QEMU is exiting */
	bool refused;      /* because of us */
};

extern struct plugin plugin;
extern struct plugin_cpu plugin_cpus[MODEL_MAX_CPUS];
extern struct plugin_fast plugin_fast[MODEL_MAX_CPUS];
extern __thread struct plugin_cpu *plugin_this_cpu; /* of the calling vCPU's thread */

static inline void plugin_lock(void)
{
	pthread_mutex_lock(&plugin.lock);
}

static inline void plugin_unlock(void)
{
	pthread_mutex_unlock(&plugin.lock);
}

static inline qemu_plugin_u64 plugin_word(size_t offset)
{
	return (qemu_plugin_u64){plugin.words, offset};
}

static inline qemu_plugin_u64 plugin_attention(enum arm_regime regime)
{
	return plugin_word(offsetof(struct plugin_words, attention) + regime * sizeof(uint64_t));
}

/* Callbacks' user data: the site's number, the regime of its accesses, and a number of the callback's own. */
#define UDATA(site_idx, regime, extra) \
	((void *)((uintptr_t)(site_idx) | (uintptr_t)(regime) << 24 | (uintptr_t)(extra) << 32))
#define UDATA_SITE(udata)   ((uint32_t)(uintptr_t)(udata)&0xffffff)
#define UDATA_REGIME(udata) ((enum arm_regime)((uintptr_t)(udata) >> 24 & 3))
#define UDATA_EXTRA(udata)  ((uint32_t)((uintptr_t)(udata) >> 32))

/* plugin_args.c: false: said why, in *refusal (g_free). */
bool plugin_args_parse(int argc, char **argv, char **refusal);

/* plugin_memory.c. Lock-free once the plugin is installed. */
bool plugin_memory_add(int fd, uint64_t start, uint64_t size, bool rom, char **refusal);
const struct plugin_region *plugin_memory_region(uint64_t paddr);
/* size 4 or 8, aligned: read at once, as a table walk would. */
bool plugin_memory_read(void *ctx, uint64_t paddr, unsigned int size, uint64_t *value);
/* The word just fetched; true: both it and the one fetched there before are on the list for concurrent modification. */
bool plugin_memory_fetched(uint64_t paddr, uint32_t word);
void plugin_memory_reset(void); /* nothing was fetched yet */

/* plugin_registers.c */
bool plugin_registers_find(struct plugin_cpu *cpu); /* false: not an AArch64 CPU */
void plugin_registers_read(struct plugin_cpu *cpu);
/* After one MSR, this one, and nothing else, or (word 0) after none: as above, at less cost. */
void plugin_registers_read_written(struct plugin_cpu *cpu, uint32_t word);
bool plugin_registers_has_bbm2(struct plugin_cpu *cpu);
uint64_t plugin_registers_x(struct plugin_cpu *cpu, unsigned int n);
uint64_t plugin_registers_pc(struct plugin_cpu *cpu);
unsigned int plugin_registers_el(struct plugin_cpu *cpu);

/* plugin_context.c. The registers of this CPU may have changed. Takes the lock. */
void plugin_context_refresh(struct plugin_cpu *cpu);
/* If something asked for it. Lock not held. */
void plugin_context_attend(struct plugin_cpu *cpu);
void plugin_context_want(struct plugin_cpu *cpu); /* read them before the next block */

/* Have tables with this root ever been a stage 2? Under the lock. */
bool plugin_context_is_stage2(uint64_t root);

/* plugin_tlb.c, under the lock, but for plugin_tlb_slot(). */
static inline struct plugin_tlb_entry *plugin_tlb_slot(const struct plugin_fast *fast, uint64_t va)
{
	return &fast->tlb[va >> PAGE_SHIFT & TLB_MASK];
}

static inline uint64_t plugin_tlb_tag(const struct plugin_fast *fast, enum arm_regime regime,
				      uint64_t va)
{
	/* What &fast->context_id[regime][va >> 55 & 1] says, in fewer instructions. */
	const char *ids = (const char *)fast->context_id + (regime << 4) + (va >> 52 & 8);

	return (va & ~(uint64_t)CONTEXT_ID_MASK) |
	       atomic_load_explicit((const _Atomic uint64_t *)ids, memory_order_relaxed);
}

static inline bool plugin_tlb_hit(const struct plugin_fast *fast,
				  const struct plugin_tlb_entry *entry, enum arm_regime regime,
				  uint64_t va)
{
	return atomic_load_explicit(&entry->tag, memory_order_acquire) ==
	       plugin_tlb_tag(fast, regime, va);
}

bool plugin_tlb_create(struct plugin_cpu *cpu);
/* Finds, or walks and fills in. NULL: there is no translation now. */
struct plugin_tlb_entry *plugin_tlb_find(struct plugin_cpu *cpu, enum arm_regime regime,
					 uint64_t va, site_t site);
void plugin_tlb_forget(void *ctx, uint64_t root, uint64_t va, uint64_t size);
void plugin_tlb_forget_all(void);

/* plugin_translate.c */
void plugin_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
/* This CPU executes with its MMU off in this page (FETCHABLE_NONE: nowhere). Lock held. */
void plugin_fetchable_set(struct plugin_cpu *cpu, uint64_t page);
#define FETCHABLE_NONE UINT64_MAX

/* plugin_access.c */
void plugin_access_load(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va, void *udata);
void plugin_access_store(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va, void *udata);
/* The same for exclusives and atomics (W8). */
void plugin_access_exclusive_load(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va,
				  void *udata);
void plugin_access_exclusive_store(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va,
				   void *udata);
/* Any size, lock held. */
void plugin_access(struct plugin_cpu *cpu, site_t site, enum arm_regime regime, uint64_t va,
		   uint64_t size, bool store);
/* Without the lock: a store of a whole block of zeroes. True: it is accounted for, nothing else is to be done. */
bool plugin_access_zero_is_quiet(struct plugin_cpu *cpu, site_t site, enum arm_regime regime,
				 uint64_t va, uint64_t size);

/* plugin_maintenance.c: called before the instruction. */
void plugin_maintenance_add(uint32_t site_idx, const struct arm_op *op); /* lock held */
void plugin_maintenance_execute(unsigned int vcpu, void *udata);
void plugin_maintenance_dropped(unsigned int vcpu, void *udata);
bool plugin_maintenance_drops(const struct arm_op *op, uint64_t pc);
void plugin_maintenance_counts(void); /* to the stream */

/* plugin_pending.c */
/* extra: enum of struct plugin_pending, and PENDING_LAST if the instruction is the last of its block. */
#define PENDING_LAST 0x100u
void plugin_pending_before(unsigned int vcpu, void *udata);
void plugin_pending_after(unsigned int vcpu, void *udata);
void plugin_pending_resolve(struct plugin_cpu *cpu,
			    uint64_t next_pc); /* next_pc: what executes now */

/* plugin_main.c, under the lock: new ones, that know nothing. */
void plugin_shadow_create(struct plugin_cpu *cpu);

/* plugin_entry.c: under the lock */
void plugin_entry_state(void);

/* plugin_reset.c. This CPU's registers have been read: is it a reset that it slept for? Lock not held. */
void plugin_reset_check(struct plugin_cpu *cpu);

/* plugin_device.c, under the lock. The first three do nothing where devices see the caches. */
void plugin_device_check(uint64_t paddr, uint64_t size); /* has a device written there? */
void plugin_device_stored(uint64_t paddr, uint64_t size); /* a CPU has; and has a device beside it? */
void plugin_device_candidate(uint64_t paddr);             /* a transfer may be prepared there */
void plugin_device_reset(void); /* what memory holds now is what it held at the start */
/* In place of plugin_access_load() and store(); lock not held. */
void plugin_device_load(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va, void *udata);
void plugin_device_store(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t va, void *udata);

/* plugin_site.c */
struct plugin_site {
	uint64_t pc, paddr;
	uint32_t word;
	uint16_t maintenance; /* index of plugin_maintenance.c's counts, or 0 */
	uint8_t el;
	uint8_t flags; /* under the lock */
};
#define SITE_SENT      0x01
#define SITE_TRACED    0x02
#define SITE_EXCLUSIVE 0x04 /* said W8 */
#define SITE_SET_WAY   0x08 /* said W7 */
#define SITE_AARCH32   0x20
#define SITE_THUMB     0x40
/* A number for an instruction: the same for the same arguments. Lock held. 0 (SITE_NOBODY) once there are too many. */
uint32_t plugin_site_add(uint64_t pc, uint64_t paddr, uint32_t word, uint8_t el, uint8_t flags);
struct plugin_site *plugin_site(uint32_t idx); /* lock-free; never NULL for a number given out */
bool plugin_site_init(void);

/* plugin_trap.c: it is not executed, whatever a higher exception level does in its place. */
bool plugin_trap_takes(const struct arm_registers *regs, const struct arm_op *op,
		       const struct plugin_site *insn);

/* plugin_report.c, under the lock */
bool plugin_report_alias_live(void *ctx, uint64_t paddr, struct alias *alias);
void plugin_report_finding(void *ctx, const struct finding *finding);
void plugin_report_changed(void *ctx, const struct model_event *event);
void plugin_report_unchecked(const char *what, uint64_t paddr, site_t site);
void plugin_report_unchecked_cb(void *ctx, const char *what, uint64_t paddr);
/* Where the access happens that the model is told of next; findings' .va. */
void plugin_report_at(uint64_t va, uint64_t paddr);
void plugin_report_site(uint32_t idx); /* tells the command what it means, once */
void plugin_report_end(void);
bool plugin_report_init(void);
uint64_t plugin_report_time(void);

/* plugin_stream.c, under the lock. A reader that is gone or asleep for long is given up. */
void plugin_stream_send(uint32_t type, const void *data, uint32_t size);
void plugin_stream_refuse(const char *text);
