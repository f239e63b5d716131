/* SPDX-License-Identifier: MIT */
/*
 * Sets of states of a machine, and what follows them.
 */
#include "model/model_oracle.h"

#include <stdlib.h>
#include <string.h>

#define NR_STATES 65536u

struct node {
	struct oracle_context context;
	struct oracle_wrong wrong;
	uint32_t hash, nr_states, first_state; /* in .states of the oracle */
	uint32_t next[ORACLE_MAX_EVENTS];      /* node + 1, or 0: not computed yet */
};

/* A set under construction: a bit per state, and those not yet expanded. */
struct oracle_sink {
	uint64_t bits[NR_STATES / 64];
	uint16_t list[NR_STATES];
	uint32_t nr;
};

/*
 * What may follow each state by one spontaneous step, computed when first needed, for all contexts that differ only in the
 * CPUs of their slots.
 */
struct steps {
	struct oracle_context context;
	uint32_t *first; /* by state: in .pool of the oracle, where a count comes first; 0: not computed yet */
};
#define MAX_STEPS_TABLES 1024u

struct oracle {
	const struct oracle_machine *machine;
	struct steps steps[MAX_STEPS_TABLES];
	uint32_t nr_steps;
	uint16_t *pool;
	uint32_t pool_used, pool_capacity;
	struct oracle_sink one;
	struct oracle_context initial;
	struct node *nodes;
	uint16_t *states;
	uint32_t *buckets;
	uint32_t nr_nodes, nodes_capacity, nr_buckets;
	uint64_t nr_states, states_capacity;
	struct oracle_sink sink;
};

static void *checked(void *memory)
{
	if (memory == NULL) {
		abort();
	}
	return memory;
}

struct oracle *oracle_create(const struct oracle_machine *machine, bool idc, bool dic)
{
	struct oracle *oracle = checked(calloc(1, sizeof(*oracle)));

	oracle->machine = machine;
	oracle->initial = (struct oracle_context){.idc = idc, .dic = dic};
	oracle->nr_buckets = 1u << 18;
	oracle->buckets = checked(calloc(oracle->nr_buckets, sizeof(uint32_t)));
	return oracle;
}

void oracle_destroy(struct oracle *oracle)
{
	for (uint32_t i = 0; i < oracle->nr_steps; i++) {
		free(oracle->steps[i].first);
	}
	free(oracle->pool);
	free(oracle->nodes);
	free(oracle->states);
	free(oracle->buckets);
	free(oracle);
}

void oracle_emit(struct oracle_sink *sink, uint16_t state)
{
	if ((sink->bits[state / 64] >> state % 64 & 1) == 0) {
		sink->bits[state / 64] |= UINT64_C(1) << state % 64;
		sink->list[sink->nr++] = state;
	}
}

static struct steps *steps_of(struct oracle *oracle, const struct oracle_context *context)
{
	struct oracle_context key = *context;
	struct steps *steps;

	for (unsigned int i = 0; i < ORACLE_SLOTS; i++) {
		key.slots[i].cpu = 0;
	}
	for (uint32_t i = 0; i < oracle->nr_steps; i++) {
		if (memcmp(&oracle->steps[i].context, &key, sizeof(key)) == 0) {
			return &oracle->steps[i];
		}
	}
	if (oracle->nr_steps == MAX_STEPS_TABLES) {
		abort();
	}
	steps = &oracle->steps[oracle->nr_steps++];
	steps->context = key;
	steps->first = checked(calloc(NR_STATES, sizeof(uint32_t)));
	return steps;
}

static void compute_steps(struct oracle *oracle, struct steps *steps, uint16_t state)
{
	struct oracle_sink *one = &oracle->one;

	oracle->machine->spontaneous(&steps->context, state, one);
	if (oracle->pool_used + one->nr + 2 > oracle->pool_capacity) {
		oracle->pool_capacity = oracle->pool_capacity * 2 + 4096;
		oracle->pool =
			checked(realloc(oracle->pool, oracle->pool_capacity * sizeof(uint16_t)));
	}
	if (oracle->pool_used == 0) {
		oracle->pool_used = 1;
	}
	steps->first[state] = oracle->pool_used;
	oracle->pool[oracle->pool_used++] = (uint16_t)one->nr;
	for (uint32_t i = 0; i < one->nr; i++) {
		oracle->pool[oracle->pool_used++] = one->list[i];
		one->bits[one->list[i] / 64] = 0;
	}
	one->nr = 0;
}

/* Everything that may happen by itself, from what is in the sink. */
static void expand(struct oracle *oracle, const struct oracle_context *context)
{
	struct steps *steps = steps_of(oracle, context);

	for (uint32_t i = 0; i < oracle->sink.nr; i++) {
		uint16_t state = oracle->sink.list[i];
		const uint16_t *next;

		if (steps->first[state] == 0) {
			compute_steps(oracle, steps, state);
		}
		next = &oracle->pool[steps->first[state]];
		for (uint16_t n = *next; n != 0; n--) {
			oracle_emit(&oracle->sink, *++next);
		}
	}
}

/* Sorts the list, by means of the bits, which it clears. */
static void sort(struct oracle_sink *sink)
{
	uint32_t nr = 0;

	for (unsigned int i = 0; nr < sink->nr; i++) {
		while (sink->bits[i] != 0) {
			sink->list[nr++] =
				(uint16_t)(i * 64 + (unsigned int)__builtin_ctzll(sink->bits[i]));
			sink->bits[i] &= sink->bits[i] - 1;
		}
	}
}

static uint32_t hash_of(const struct oracle_context *context, const uint16_t *states, uint32_t nr)
{
	const uint8_t *bytes = (const uint8_t *)context;
	uint64_t hash = nr;

	for (size_t i = 0; i < sizeof(*context); i++) {
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	}
	for (uint32_t i = 0; i < nr; i++) {
		hash = (hash ^ states[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return (uint32_t)(hash >> 16);
}

static uint32_t *find(struct oracle *oracle, const struct oracle_context *context, uint32_t hash)
{
	const struct oracle_sink *sink = &oracle->sink;

	for (uint32_t i = hash;; i++) {
		uint32_t *bucket = &oracle->buckets[i & (oracle->nr_buckets - 1)];
		const struct node *node;

		if (*bucket == 0) {
			return bucket;
		}
		node = &oracle->nodes[*bucket - 1];
		if (node->hash == hash && node->nr_states == sink->nr &&
		    memcmp(&node->context, context, sizeof(*context)) == 0 &&
		    memcmp(&oracle->states[node->first_state], sink->list,
			   sink->nr * sizeof(uint16_t)) == 0) {
			return bucket;
		}
	}
}

static void more_buckets(struct oracle *oracle)
{
	free(oracle->buckets);
	oracle->nr_buckets *= 2;
	oracle->buckets = checked(calloc(oracle->nr_buckets, sizeof(uint32_t)));
	for (uint32_t n = 0; n < oracle->nr_nodes; n++) {
		uint32_t i = oracle->nodes[n].hash;

		while (oracle->buckets[i & (oracle->nr_buckets - 1)] != 0) {
			i++;
		}
		oracle->buckets[i & (oracle->nr_buckets - 1)] = n + 1;
	}
}

static void fill_node(struct oracle *oracle, struct node *node)
{
	const struct oracle_sink *sink = &oracle->sink;

	if (oracle->nr_states + sink->nr > oracle->states_capacity) {
		oracle->states_capacity = (oracle->nr_states + sink->nr) * 2;
		oracle->states =
			checked(realloc(oracle->states, oracle->states_capacity * sizeof(uint16_t)));
	}
	node->first_state = (uint32_t)oracle->nr_states;
	node->nr_states = sink->nr;
	memcpy(&oracle->states[oracle->nr_states], sink->list, sink->nr * sizeof(uint16_t));
	oracle->nr_states += sink->nr;
	for (uint32_t i = 0; i < sink->nr; i++) {
		oracle->machine->wrong(&node->context, sink->list[i], &node->wrong);
	}
}

/* Makes the sink's states, with all that may follow them by itself, a node; empties the sink. */
static oracle_node_t settle(struct oracle *oracle, const struct oracle_context *context)
{
	struct oracle_sink *sink = &oracle->sink;
	uint32_t hash;
	uint32_t *bucket;
	oracle_node_t result;

	expand(oracle, context);
	sort(sink);
	hash = hash_of(context, sink->list, sink->nr);
	bucket = find(oracle, context, hash);
	if (*bucket == 0) {
		struct node *node;

		if (oracle->nr_nodes == oracle->nodes_capacity) {
			oracle->nodes_capacity = oracle->nodes_capacity * 2 + 1024;
			oracle->nodes =
				checked(realloc(oracle->nodes,
						oracle->nodes_capacity * sizeof(*oracle->nodes)));
		}
		node = &oracle->nodes[oracle->nr_nodes++];
		memset(node, 0, sizeof(*node));
		node->context = *context;
		node->hash = hash;
		fill_node(oracle, node);
		*bucket = oracle->nr_nodes;
	}
	result = *bucket - 1;
	sink->nr = 0;
	if (oracle->nr_nodes > oracle->nr_buckets / 2) {
		more_buckets(oracle);
	}
	return result;
}

oracle_node_t oracle_start(struct oracle *oracle, enum oracle_entry entry)
{
	oracle->machine->initial(&oracle->initial, entry, &oracle->sink);
	return settle(oracle, &oracle->initial);
}

/* Slots of a CPU are done with: a DSB leaves only states in which they took effect, a reset leaves all. */
static void retire(struct oracle *oracle, const struct node *node, unsigned int cpu, bool effective,
		   struct oracle_context *context)
{
	unsigned int shift = oracle->machine->done_shift;
	unsigned int low = (1u << shift) - 1;
	unsigned int nr = 0;

	for (unsigned int i = 0; i < context->nr_slots; i++) {
		if (node->context.slots[i].cpu != cpu) {
			context->slots[nr++] = context->slots[i];
		}
	}
	memset(&context->slots[nr], 0, (ORACLE_SLOTS - nr) * sizeof(context->slots[0]));
	for (uint32_t n = 0; n < node->nr_states; n++) {
		uint16_t state = oracle->states[node->first_state + n];
		unsigned int done = 0;
		unsigned int bit = 0;
		bool possible = true;

		for (unsigned int i = 0; i < context->nr_slots; i++) {
			bool is_done = (state >> (shift + i) & 1) != 0;

			if (node->context.slots[i].cpu != cpu) {
				done |= (unsigned int)is_done << bit++;
			} else if (effective && !is_done) {
				possible = false;
			}
		}
		if (possible) {
			oracle_emit(&oracle->sink, (uint16_t)((state & low) | done << shift));
		}
	}
	context->nr_slots = (uint8_t)nr;
}

static void emit_all(struct oracle *oracle, const struct node *node)
{
	for (uint32_t n = 0; n < node->nr_states; n++) {
		oracle_emit(&oracle->sink, oracle->states[node->first_state + n]);
	}
}

/* Slots are kept in order, so that the order of issue makes no different sets. */
static void add_slot(struct oracle *oracle, const struct node *node, struct oracle_slot slot,
		     struct oracle_context *context)
{
	unsigned int shift = oracle->machine->done_shift;
	unsigned int at = context->nr_slots;
	unsigned int low;

	if (at == ORACLE_SLOTS) {
		abort();
	}
	while (at > 0 && memcmp(&context->slots[at - 1], &slot, sizeof(slot)) > 0) {
		context->slots[at] = context->slots[at - 1];
		at--;
	}
	context->slots[at] = slot;
	context->nr_slots++;
	low = (1u << (shift + at)) - 1;
	for (uint32_t n = 0; n < node->nr_states; n++) {
		unsigned int state = oracle->states[node->first_state + n];

		oracle_emit(&oracle->sink, (uint16_t)((state & low) | (state & ~low) << 1));
	}
}

static oracle_node_t compute(struct oracle *oracle, const struct node *node, unsigned int event)
{
	struct oracle_context context = node->context;
	unsigned int line = event / NR_ORACLE_EVENTS;

	event %= NR_ORACLE_EVENTS;
	if (event >= ORACLE_CPU_RESET) {
		retire(oracle, node, event - ORACLE_CPU_RESET, false, &context);
	} else if (event >= ORACLE_DSB) {
		retire(oracle, node, event - ORACLE_DSB, true, &context);
	} else if (event >= ORACLE_DC) {
		add_slot(oracle, node,
			 (struct oracle_slot){
				 .kind = (uint8_t)((event - ORACLE_DC) / ORACLE_CPUS),
				 .cpu = (uint8_t)((event - ORACLE_DC) % ORACLE_CPUS),
				 .line = (uint8_t)line,
			 },
			 &context);
	} else if (event == ORACLE_TOUCH) {
		context.alias_live = true;
		emit_all(oracle, node);
		expand(oracle, &context);
		context.alias_live = node->context.alias_live;
	} else if (event < ORACLE_TOUCH || event == ORACLE_FETCH_PAST ||
		   event == ORACLE_INSNS_EMPTY) {
		for (uint32_t n = 0; n < node->nr_states; n++) {
			oracle->machine->event(&context, line, event,
					       oracle->states[node->first_state + n], &oracle->sink);
		}
	} else {
		if (event == ORACLE_ALIAS_ON || event == ORACLE_ALIAS_OFF) {
			context.alias_live = event == ORACLE_ALIAS_ON;
		} else {
			context.fetchable = event == ORACLE_FETCHABLE_ON;
		}
		emit_all(oracle, node);
	}
	return settle(oracle, &context);
}

oracle_node_t oracle_next(struct oracle *oracle, oracle_node_t node, unsigned int event)
{
	uint32_t next = oracle->nodes[node].next[event];

	if (next == 0) {
		struct node copy = oracle->nodes[node];

		next = compute(oracle, &copy, event) + 1;
		oracle->nodes[node].next[event] = next;
	}
	return next - 1;
}

const struct oracle_wrong *oracle_wrong(const struct oracle *oracle, oracle_node_t node)
{
	return &oracle->nodes[node].wrong;
}

const struct oracle_context *oracle_context(const struct oracle *oracle, oracle_node_t node)
{
	return &oracle->nodes[node].context;
}

uint32_t oracle_nodes(const struct oracle *oracle)
{
	return oracle->nr_nodes;
}
