/* SPDX-License-Identifier: MIT */
/*
 * Test only: what the model must agree with. An explicit simulator of caches, which keeps the set of all
 * states that any sequence of speculative fills, evictions and maintenance taking effect early or late
 * could have led to. It is written from the rules of the hardware and knows nothing of the model's.
 *
 * Two machines share it. The line machine (model_oracle_line.c): one line of two words, a data cache above
 * the PoU, a unified cache below it, memory, and the instruction cache of one CPU. The granule machine
 * (model_oracle_granule.c): two lines of one word that an eviction writes back together, one data cache and
 * memory. A state says of each copy of each word whether it is the newest value (last written in the order
 * of events) or an older one, which is all that "wrong" depends on.
 *
 * Sets of states repeat, so each is kept once with what follows it on each event, like the states of an
 * automaton made deterministic: a million sequences take seconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

#define ORACLE_CPUS  3
#define ORACLE_SLOTS 3 /* maintenance under way at once */

/* Stores come with what they cover: the whole of word 0, of word 1, of both; parts of word 0, of word 1. */
enum oracle_span {
	SPAN_WORD0,
	SPAN_WORD1,
	SPAN_BOTH,
	SPAN_PART0,
	SPAN_PART1,
	NR_SPANS
};

/* What can happen to a machine. Events of lines of the granule machine: + NR_ORACLE_EVENTS for its second line. */
enum oracle_event {
	ORACLE_STORE_PAST,                                   /* the caches: NC, Device, devices */
	ORACLE_STORE_BACK = ORACLE_STORE_PAST + NR_SPANS,    /* write-back */
	ORACLE_STORE_THROUGH = ORACLE_STORE_BACK + NR_SPANS, /* write-through */
	ORACLE_STORE_EVERYWHERE = ORACLE_STORE_THROUGH + NR_SPANS, /* a coherent device */
	ORACLE_STORE_MIXED = ORACLE_STORE_EVERYWHERE + NR_SPANS,   /* past or back */
	ORACLE_TOUCH = ORACLE_STORE_MIXED +
		       NR_SPANS, /* an access through the caches: fills are possible */
	ORACLE_FETCH_PAST,       /* may leave what memory holds in the instruction cache */
	ORACLE_ALIAS_ON,
	ORACLE_ALIAS_OFF,
	ORACLE_FETCHABLE_ON,
	ORACLE_FETCHABLE_OFF,
	ORACLE_INSNS_EMPTY,                          /* the CPU of the instruction cache is reset */
	ORACLE_DC,                                   /* + op * ORACLE_CPUS + cpu */
	ORACLE_IC = ORACLE_DC + 4 * ORACLE_CPUS,     /* + cpu */
	ORACLE_DSB = ORACLE_IC + ORACLE_CPUS,        /* + cpu */
	ORACLE_CPU_RESET = ORACLE_DSB + ORACLE_CPUS, /* + cpu: what it issued need not happen */
	NR_ORACLE_EVENTS = ORACLE_CPU_RESET + ORACLE_CPUS
};
#define ORACLE_MAX_EVENTS (2 * NR_ORACLE_EVENTS)

/* Besides the set of states: what is known for certain. */
struct oracle_context {
	bool alias_live, fetchable, idc, dic;
	uint8_t nr_slots;
	struct oracle_slot {
		uint8_t kind; /* enum dc_op, or ORACLE_SLOT_IC */
		uint8_t cpu, line;
	} slots[ORACLE_SLOTS];
};
#define ORACLE_SLOT_IC 4 /* as (ORACLE_IC - ORACLE_DC) / ORACLE_CPUS */

/* Which words could be read or fetched wrong; bit per word (granule machine: per line). */
struct oracle_wrong {
	uint8_t past, cached, fetched_past, fetched_cached;
};

enum oracle_entry {
	ORACLE_ENTRY_CLEAN,
	ORACLE_ENTRY_ADVERSARIAL,
	ORACLE_ENTRY_DIRTY, /* adversarial */
};

/* Where machines put the states that may follow. */
struct oracle_sink;
void oracle_emit(struct oracle_sink *sink, uint16_t state);

struct oracle_machine {
	void (*initial)(const struct oracle_context *context, enum oracle_entry entry,
			struct oracle_sink *sink);
	/* What may happen at any time: one step of it. */
	void (*spontaneous)(const struct oracle_context *context, uint16_t state,
			    struct oracle_sink *sink);
	/* Stores, TOUCH and fetches, of one line. The context's changes and DSBs are done by model_oracle.c. */
	void (*event)(const struct oracle_context *context, unsigned int line, unsigned int event,
		      uint16_t state, struct oracle_sink *sink);
	void (*wrong)(const struct oracle_context *context, uint16_t state,
		      struct oracle_wrong *wrong);
	unsigned int done_shift; /* bit per slot: it has taken effect */
};
extern const struct oracle_machine oracle_line_machine, oracle_granule_machine;

struct oracle;
struct oracle *oracle_create(const struct oracle_machine *machine, bool idc, bool dic);
void oracle_destroy(struct oracle *oracle);

typedef uint32_t oracle_node_t; /* a set of states and a context */
oracle_node_t oracle_start(struct oracle *oracle, enum oracle_entry entry);
oracle_node_t oracle_next(struct oracle *oracle, oracle_node_t node, unsigned int event);
const struct oracle_wrong *oracle_wrong(const struct oracle *oracle, oracle_node_t node);
const struct oracle_context *oracle_context(const struct oracle *oracle, oracle_node_t node);
uint32_t oracle_nodes(const struct oracle *oracle);
