/* SPDX-License-Identifier: MIT */
#include "report/report_life.h"

#include <string.h>

void life_add(struct life *life, const struct model_event *event, const struct line *after,
	      bool found)
{
	struct life_step step = {.event = *event, .after = *after, .found = found};

	if (life->nr_steps < LIFE_KEEP) {
		life->first[life->nr_steps] = step;
	} else {
		life->last[(life->nr_steps - LIFE_KEEP) % LIFE_KEEP] = step;
	}
	life->nr_steps++;
}

unsigned int life_kept(const struct life *life)
{
	return life->nr_steps < 2 * LIFE_KEEP ? (unsigned int)life->nr_steps : 2 * LIFE_KEEP;
}

const struct life_step *life_step(const struct life *life, unsigned int idx, uint64_t *left_out)
{
	uint64_t step = idx;

	*left_out = 0;
	if (idx < LIFE_KEEP) {
		return &life->first[idx];
	}
	if (life->nr_steps > 2 * LIFE_KEEP) {
		step += life->nr_steps - 2 * LIFE_KEEP;
		*left_out = idx == LIFE_KEEP ? life->nr_steps - 2 * LIFE_KEEP : 0;
	}
	return &life->last[(step - LIFE_KEEP) % LIFE_KEEP];
}

static void add_word(char *text, size_t size, const char *word)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s%s", length == 0 ? "" : ", ", word);
}

void life_state_words(const struct line *line, char *text, size_t size)
{
	static const char *const lost[] = {"", "lost by an eviction", "lost by a merge",
					   "lost by an invalidation"};

	text[0] = '\0';
	if (line->stale != 0 && (line->state & LINE_LOST) != 0) {
		add_word(text, size, lost[(line->state & LINE_LOST) / LINE_LOST_EVICT]);
	} else if (line->stale != 0) {
		add_word(text, size, "old copy possible");
	}
	if (line->dirty != 0) {
		add_word(text, size, "dirty");
	}
	if (line->unclean != 0) {
		add_word(text, size, "not at PoU");
	}
	if (line->old_insns != 0) {
		add_word(text, size, "old in I-cache");
	}
	if (line->state & LINE_SNAPSHOT) {
		add_word(text, size, "maintenance without DSB");
	}
	if (text[0] == '\0') {
		add_word(text, size, "coherent");
	}
}
