/* SPDX-License-Identifier: MIT */
/*
 * Two lines of one word that are written back together: Arm ARM (DDI 0487), CTR_EL0.CWG. While a copy of
 * one line is dirty, the cache entry that holds it may hold what the cache last saw of the other line as
 * well, and its eviction writes both.
 *
 * State, 6 bits per line: memory 1 | copy: state 2, word 1 | what the copy carries of the other line:
 * present 1, word 1. Above them: slots that took effect.
 */
#include "model/model_oracle.h"

enum {
	ABSENT,
	CLEAN,
	DIRTY
};

struct line_state {
	unsigned int memory, copy, word, carries, carried;
};

struct state {
	struct line_state lines[2];
	unsigned int done;
};

static struct state unpack(uint16_t code)
{
	struct state state = {.done = code >> 12};

	for (unsigned int i = 0; i < 2; i++) {
		unsigned int bits = code >> 6 * i;

		state.lines[i] = (struct line_state){
			.memory = bits & 1,
			.copy = bits >> 1 & 3,
			.word = bits >> 3 & 1,
			.carries = bits >> 4 & 1,
			.carried = bits >> 5 & 1,
		};
	}
	return state;
}

static void emit(struct oracle_sink *sink, struct state state)
{
	unsigned int code = state.done << 12;

	for (unsigned int i = 0; i < 2; i++) {
		struct line_state *line = &state.lines[i];

		if (line->copy == ABSENT) {
			line->word = 0;
		}
		if (line->copy != DIRTY) {
			line->carries = 0;
		}
		if (line->carries == 0) {
			line->carried = 0;
		}
		code |= (line->memory | line->copy << 1 | line->word << 3 | line->carries << 4 |
			 line->carried << 5)
		     << 6 * i;
	}
	oracle_emit(sink, (uint16_t)code);
}

static unsigned int seen_cached(const struct line_state *line)
{
	return line->copy != ABSENT ? line->word : line->memory;
}

static void initial(const struct oracle_context *context, enum oracle_entry entry,
		    struct oracle_sink *sink)
{
	struct state state = {0};

	for (unsigned int copies = 0; copies < 4; copies++) {
		for (unsigned int i = 0; i < 2; i++) {
			bool copy = (copies >> i & 1) != 0;

			state.lines[i] = (struct line_state){.memory = 1};
			if (entry == ORACLE_ENTRY_DIRTY) {
				state.lines[i] = (struct line_state){.copy = DIRTY, .word = 1};
			} else if (entry == ORACLE_ENTRY_ADVERSARIAL && copy) {
				state.lines[i] =
					(struct line_state){.memory = 1, .copy = CLEAN, .word = 1};
			}
		}
		emit(sink, state);
	}
}

/* Writes a dirty line back, with what its copy carries of the other. */
static struct state cleaned(struct state state, unsigned int i)
{
	struct line_state *line = &state.lines[i];

	if (line->copy == DIRTY) {
		line->memory = line->word;
		if (line->carries) {
			state.lines[1 - i].memory = line->carried;
		}
		line->copy = CLEAN;
		line->carries = 0;
	}
	return state;
}

static void line_spontaneous(const struct oracle_context *context, const struct state *state,
			     unsigned int i, struct oracle_sink *sink)
{
	const struct line_state *line = &state->lines[i];
	struct state after = *state;

	if (context->alias_live && line->copy == ABSENT) {
		after.lines[i].copy = CLEAN;
		after.lines[i].word = line->memory;
		emit(sink, after);
	}
	if (line->copy != ABSENT) {
		after = cleaned(*state, i);
		emit(sink, after);
		after.lines[i].copy = ABSENT;
		emit(sink, after);
	}
	if (line->copy == DIRTY) {
		after = *state;
		after.lines[i].carries = 1;
		after.lines[i].carried = seen_cached(&state->lines[1 - i]);
		emit(sink, after);
		after.lines[i].carries = 0;
		emit(sink, after);
	}
}

static void spontaneous(const struct oracle_context *context, uint16_t code,
			struct oracle_sink *sink)
{
	struct state state = unpack(code);

	line_spontaneous(context, &state, 0, sink);
	line_spontaneous(context, &state, 1, sink);
	for (unsigned int n = 0; n < context->nr_slots; n++) {
		unsigned int i = context->slots[n].line;
		struct state after = state;

		if ((state.done >> n & 1) != 0) {
			continue;
		}
		after.done |= 1u << n;
		if (context->slots[n].kind == DC_IVAC) {
			struct state dropped = after;

			dropped.lines[i].copy = ABSENT;
			emit(sink, dropped);
		}
		if (context->slots[n].kind != DC_CVAU && context->slots[n].kind != ORACLE_SLOT_IC) {
			after = cleaned(after, i);
		}
		if (context->slots[n].kind == DC_IVAC || context->slots[n].kind == DC_CIVAC) {
			after.lines[i].copy = ABSENT;
		}
		emit(sink, after);
	}
}

/* part: an older rest of the word stays. */
static unsigned int stored(unsigned int copy, bool part)
{
	return part ? copy : 1;
}

static void store_past(struct state state, unsigned int i, bool part, struct oracle_sink *sink)
{
	state.lines[i].memory = stored(state.lines[i].memory, part);
	state.lines[i].word = 0;
	state.lines[1 - i].carried = 0;
	emit(sink, state);
}

static void store_back(struct state state, unsigned int i, bool part, struct oracle_sink *sink)
{
	state.lines[i].word = stored(seen_cached(&state.lines[i]), part);
	state.lines[i].copy = DIRTY;
	state.lines[i].memory = 0;
	state.lines[1 - i].carried = stored(state.lines[1 - i].carried, part);
	emit(sink, state);
}

static void store_everywhere(struct state state, unsigned int i, bool part, struct oracle_sink *sink)
{
	state.lines[i].memory = stored(state.lines[i].memory, part);
	state.lines[i].word = stored(state.lines[i].word, part);
	state.lines[1 - i].carried = stored(state.lines[1 - i].carried, part);
	emit(sink, state);
}

static void event(const struct oracle_context *context, unsigned int line, unsigned int event,
		  uint16_t code, struct oracle_sink *sink)
{
	struct state state = unpack(code);
	bool part = event < ORACLE_TOUCH && event % NR_SPANS >= SPAN_PART0;

	(void)context;
	if (event < ORACLE_STORE_BACK) {
		store_past(state, line, part, sink);
	} else if (event < ORACLE_STORE_THROUGH) {
		store_back(state, line, part, sink);
	} else if (event < ORACLE_STORE_EVERYWHERE) {
		store_everywhere(state, line, part, sink);
		if (state.lines[line].copy == DIRTY) {
			store_back(state, line, part, sink);
		}
	} else if (event < ORACLE_STORE_MIXED) {
		store_everywhere(state, line, part, sink);
	} else if (event < ORACLE_TOUCH) {
		store_past(state, line, part, sink);
		store_back(state, line, part, sink);
	} else {
		emit(sink, state);
	}
}

static void wrong(const struct oracle_context *context, uint16_t code, struct oracle_wrong *wrong)
{
	struct state state = unpack(code);

	(void)context;
	for (unsigned int i = 0; i < 2; i++) {
		wrong->past |= (state.lines[i].memory ^ 1u) << i;
		wrong->cached |= (seen_cached(&state.lines[i]) ^ 1u) << i;
	}
}

const struct oracle_machine oracle_granule_machine = {
	.initial = initial,
	.spontaneous = spontaneous,
	.event = event,
	.wrong = wrong,
	.done_shift = 12,
};
