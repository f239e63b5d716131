/* SPDX-License-Identifier: MIT */
/*
 * One line of two words: memory, a unified cache below the PoU (here: the lower cache), a data cache above
 * it (the upper one), and an instruction cache. All data caches of all CPUs are coherent and so count as
 * one.
 *
 * State, 16 bits: memory 2 | upper cache: state 2, words 2 | lower cache: the same | instruction cache:
 * present 1, words 2 | slots that took effect 3. A bit of a word is set if it is the newest value; words of
 * what is absent are 0.
 */
#include "model/model_oracle.h"

enum {
	ABSENT,
	CLEAN,
	DIRTY
};

struct state {
	unsigned int memory, upper, upper_words, lower, lower_words, insns, insn_words, done;
};

static struct state unpack(uint16_t code)
{
	return (struct state){
		.memory = code & 3,
		.upper = code >> 2 & 3,
		.upper_words = code >> 4 & 3,
		.lower = code >> 6 & 3,
		.lower_words = code >> 8 & 3,
		.insns = code >> 10 & 1,
		.insn_words = code >> 11 & 3,
		.done = code >> 13,
	};
}

static void emit(struct oracle_sink *sink, struct state state)
{
	if (state.upper == ABSENT) {
		state.upper_words = 0;
	}
	if (state.lower == ABSENT) {
		state.lower_words = 0;
	}
	if (state.insns == 0) {
		state.insn_words = 0;
	}
	oracle_emit(sink, (uint16_t)(state.memory | state.upper << 2 | state.upper_words << 4 |
				     state.lower << 6 | state.lower_words << 8 | state.insns << 10 |
				     state.insn_words << 11 | state.done << 13));
}

static unsigned int below_upper(const struct state *state)
{
	return state->lower != ABSENT ? state->lower_words : state->memory;
}

static unsigned int seen_cached(const struct state *state)
{
	return state->upper != ABSENT ? state->upper_words : below_upper(state);
}

static unsigned int seen_at_pou(const struct oracle_context *context, const struct state *state)
{
	return context->idc ? seen_cached(state) : below_upper(state);
}

static void initial(const struct oracle_context *context, enum oracle_entry entry,
		    struct oracle_sink *sink)
{
	switch (entry) {
	case ORACLE_ENTRY_CLEAN:
		emit(sink, (struct state){.memory = 3});
		break;
	case ORACLE_ENTRY_ADVERSARIAL:
		/* A copy of what memory holds may be anywhere. */
		for (unsigned int copies = 0; copies < (context->dic ? 4u : 8u); copies++) {
			emit(sink, (struct state){.memory = 3,
						  .upper = copies & 1 ? CLEAN : ABSENT,
						  .upper_words = 3,
						  .lower = copies & 2 ? CLEAN : ABSENT,
						  .lower_words = 3,
						  .insns = copies >> 2,
						  .insn_words = 3});
		}
		break;
	case ORACLE_ENTRY_DIRTY:
		/* The loader's stores, through the caches; instruction caches may hold what was there before. */
		for (unsigned int insns = 0; insns < (context->dic ? 1u : 2u); insns++) {
			emit(sink, (struct state){.upper = DIRTY, .upper_words = 3, .insns = insns});
		}
		break;
	}
}

/* A dirty upper copy goes down; it may stay as a clean one. */
static void write_back_upper(struct state state, unsigned int left, struct oracle_sink *sink)
{
	struct state after = state;

	after.upper = left;
	after.lower = DIRTY;
	after.lower_words = state.upper_words;
	emit(sink, after);
	if (state.lower == ABSENT) {
		after = state;
		after.upper = left;
		after.memory = state.upper_words;
		emit(sink, after);
	}
}

static void fills_and_evictions(const struct oracle_context *context, const struct state *state,
				struct oracle_sink *sink)
{
	struct state after;

	if (context->alias_live && state->lower == ABSENT) {
		after = *state;
		after.lower = CLEAN;
		after.lower_words = state->memory;
		emit(sink, after);
	}
	if (context->alias_live && state->upper == ABSENT) {
		after = *state;
		after.upper = CLEAN;
		after.upper_words = below_upper(state);
		emit(sink, after);
	}
	if (state->upper == CLEAN) {
		after = *state;
		after.upper = ABSENT;
		emit(sink, after);
		/* Victims may be kept below. */
		if (state->lower == ABSENT) {
			after.lower = CLEAN;
			after.lower_words = state->upper_words;
			emit(sink, after);
		}
	}
	if (state->upper == DIRTY) {
		write_back_upper(*state, ABSENT, sink);
		write_back_upper(*state, CLEAN, sink);
	}
	if (state->lower != ABSENT) {
		after = *state;
		if (state->lower == DIRTY) {
			after.memory = state->lower_words;
			after.lower = CLEAN;
			emit(sink, after);
		}
		after.lower = ABSENT;
		emit(sink, after);
	}
	if (!context->dic && context->fetchable) {
		after = *state;
		after.insns = 1;
		after.insn_words = seen_at_pou(context, state);
		emit(sink, after);
	}
	after = *state;
	after.insns = 0;
	emit(sink, after);
}

static struct state cleaned_to_poc(struct state state)
{
	if (state.upper == DIRTY) {
		if (state.lower != ABSENT) {
			state.lower_words = state.upper_words;
		}
		state.memory = state.upper_words;
	} else if (state.lower == DIRTY) {
		state.memory = state.lower_words;
	}
	state.upper = state.upper == ABSENT ? ABSENT : CLEAN;
	state.lower = state.lower == ABSENT ? ABSENT : CLEAN;
	return state;
}

static void maintenance_takes_effect(unsigned int kind, struct state state, struct oracle_sink *sink)
{
	switch (kind) {
	case DC_CVAU:
		if (state.upper == DIRTY) {
			write_back_upper(state, CLEAN, sink);
		} else {
			emit(sink, state);
		}
		break;
	case DC_CVAC:
		emit(sink, cleaned_to_poc(state));
		break;
	case DC_IVAC:
	case DC_CIVAC:
		if (kind == DC_IVAC) {
			/* It may throw dirty data away, or clean first. */
			struct state dropped = state;

			dropped.upper = ABSENT;
			dropped.lower = ABSENT;
			emit(sink, dropped);
		}
		state = cleaned_to_poc(state);
		state.upper = ABSENT;
		state.lower = ABSENT;
		emit(sink, state);
		break;
	default:
		state.insns = 0;
		emit(sink, state);
		break;
	}
}

static void spontaneous(const struct oracle_context *context, uint16_t code,
			struct oracle_sink *sink)
{
	struct state state = unpack(code);

	fills_and_evictions(context, &state, sink);
	for (unsigned int i = 0; i < context->nr_slots; i++) {
		if ((state.done >> i & 1) == 0) {
			struct state after = state;

			after.done |= 1u << i;
			maintenance_takes_effect(context->slots[i].kind, after, sink);
		}
	}
}

static unsigned int span_words(unsigned int span)
{
	static const uint8_t words[NR_SPANS] = {1, 2, 3, 1, 2};

	return words[span];
}

static bool span_is_part(unsigned int span)
{
	return span >= SPAN_PART0;
}

/* A store of words into a copy. Part of a word that was wrong leaves it wrong. */
static unsigned int stored(unsigned int copy, unsigned int span)
{
	return span_is_part(span) ? copy : copy | span_words(span);
}

static void store_past(struct state state, unsigned int span, struct oracle_sink *sink)
{
	state.memory = stored(state.memory, span);
	state.upper_words &= ~span_words(span);
	state.lower_words &= ~span_words(span);
	state.insn_words &= ~span_words(span);
	emit(sink, state);
}

static void store_back(struct state state, unsigned int span, struct oracle_sink *sink)
{
	state.upper_words = stored(seen_cached(&state), span);
	state.upper = DIRTY;
	state.lower_words &= ~span_words(span);
	state.memory &= ~span_words(span);
	state.insn_words &= ~span_words(span);
	emit(sink, state);
}

static void store_everywhere(struct state state, unsigned int span, struct oracle_sink *sink)
{
	state.memory = stored(state.memory, span);
	state.upper_words = stored(state.upper_words, span);
	state.lower_words = stored(state.lower_words, span);
	state.insn_words &= ~span_words(span);
	emit(sink, state);
}

/* A write-through store that finds a dirty copy may be kept in it. */
static void store_through(struct state state, unsigned int span, struct oracle_sink *sink)
{
	store_everywhere(state, span, sink);
	if (state.upper == DIRTY) {
		store_back(state, span, sink);
	} else if (state.lower == DIRTY) {
		store_back(state, span, sink);
		state.upper_words = stored(state.upper_words, span);
		state.lower_words = stored(state.lower_words, span);
		state.memory &= ~span_words(span);
		state.insn_words &= ~span_words(span);
		emit(sink, state);
	}
}

static void event(const struct oracle_context *context, unsigned int line, unsigned int event,
		  uint16_t code, struct oracle_sink *sink)
{
	struct state state = unpack(code);

	if (event < ORACLE_STORE_BACK) {
		store_past(state, event - ORACLE_STORE_PAST, sink);
	} else if (event < ORACLE_STORE_THROUGH) {
		store_back(state, event - ORACLE_STORE_BACK, sink);
	} else if (event < ORACLE_STORE_EVERYWHERE) {
		store_through(state, event - ORACLE_STORE_THROUGH, sink);
	} else if (event < ORACLE_STORE_MIXED) {
		store_everywhere(state, event - ORACLE_STORE_EVERYWHERE, sink);
	} else if (event < ORACLE_TOUCH) {
		store_past(state, event - ORACLE_STORE_MIXED, sink);
		store_back(state, event - ORACLE_STORE_MIXED, sink);
	} else if (event == ORACLE_FETCH_PAST) {
		emit(sink, state);
		if (!context->dic) {
			state.insns = 1;
			state.insn_words = state.memory;
			emit(sink, state);
		}
	} else {
		state.insns = 0;
		emit(sink, state);
	}
}

static void wrong(const struct oracle_context *context, uint16_t code, struct oracle_wrong *wrong)
{
	struct state state = unpack(code);

	wrong->past |= ~state.memory & 3;
	wrong->cached |= ~seen_cached(&state) & 3;
	if (state.insns != 0) {
		wrong->fetched_past |= ~state.insn_words & 3;
		wrong->fetched_cached |= ~state.insn_words & 3;
	} else {
		wrong->fetched_past |= ~state.memory & 3;
		wrong->fetched_cached |= ~seen_at_pou(context, &state) & 3;
	}
}

const struct oracle_machine oracle_line_machine = {
	.initial = initial,
	.spontaneous = spontaneous,
	.event = event,
	.wrong = wrong,
	.done_shift = 13,
};
