/* SPDX-License-Identifier: MIT */
/*
 * Replay: the trace's records in order, each given to the model, and what it did to the lines that are
 * watched.
 */
#include "report/report_replay.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "report/report_kind.h"

struct replay {
	/* First: the model's context is this. */
	struct trace_answers answers;
	const struct replay_ops *ops;
	void *ctx;
	struct model *model;
	struct model_config config;
	uint64_t watches[REPLAY_MAX_WATCHES];
	bool found[REPLAY_MAX_WATCHES];
	unsigned int nr_watches;
	uint64_t time;
};

static void replay_finding(void *ctx, const struct finding *finding)
{
	struct replay *replay = ctx;

	for (unsigned int i = 0; i < replay->nr_watches; i++) {
		if (replay->watches[i] == (finding->paddr & ~UINT64_C(63))) {
			replay->found[i] = true;
		}
	}
	if (replay->ops->finding != NULL) {
		replay->ops->finding(replay->ctx, finding, replay->time);
	}
}

static const struct model_ops model_ops = {
	.finding = replay_finding,
	.alias_live = trace_alias_live,
};

static struct line line_now(const struct replay *replay, uint64_t paddr)
{
	const struct page *page = model_page(replay->model, paddr);

	return page == NULL || page->lines == NULL ? (struct line){0}
						   : page->lines[paddr / LINE_SIZE % LINES_PER_PAGE];
}

/* Does the event name this line? Those that name none count only if they changed it. */
static bool touches(const struct replay *replay, const struct model_event *event, uint64_t line)
{
	uint64_t start = event->paddr, end = start + (event->size == 0 ? 1 : event->size);

	switch (event->kind) {
	case EVENT_DC:
		start &= ~((UINT64_C(1) << replay->config.dc_shift) - 1);
		end = start + (UINT64_C(1) << replay->config.dc_shift);
		break;
	case EVENT_IC:
		if (event->op != IC_IVAU) {
			return false;
		}
		start &= ~((UINT64_C(1) << replay->config.ic_shift) - 1);
		end = start + (UINT64_C(1) << replay->config.ic_shift);
		break;
	case EVENT_ALIAS_GONE:
		start &= ~UINT64_C(4095);
		end = start + 4096;
		break;
	case EVENT_FETCH:
		end = start + 4;
		break;
	case EVENT_SET_WAY:
	case EVENT_DSB:
	case EVENT_CPU_RESET:
	case EVENT_FETCHABLE:
	case EVENT_ALIAS_ANSWER:
	case EVENT_REGION:
	case EVENT_SITE:
	case EVENT_WRITER:
	case EVENT_CUT:
		return false;
	case EVENT_RESET:
		return true;
	}
	return line < end && line + LINE_SIZE > start;
}

static void play(struct replay *replay, const struct model_event *event)
{
	struct line before[REPLAY_MAX_WATCHES];

	replay->time = event->time;
	for (unsigned int i = 0; i < replay->nr_watches; i++) {
		before[i] = line_now(replay, replay->watches[i]);
		replay->found[i] = false;
	}
	trace_play(replay->model, &replay->answers, event);
	if (replay->ops->step == NULL) {
		return;
	}
	for (unsigned int i = 0; i < replay->nr_watches; i++) {
		struct line after = line_now(replay, replay->watches[i]);

		if (replay->found[i] || touches(replay, event, replay->watches[i]) ||
		    memcmp(&before[i], &after, sizeof(after)) != 0) {
			replay->ops->step(replay->ctx, i, event, &before[i], &after,
					  replay->found[i]);
		}
	}
}

static void replay_event(struct replay *replay, const struct model_event *event)
{
	struct trace_site site;

	if (event->kind == EVENT_SITE) {
		site = trace_event_site(event);
		if (replay->ops->site != NULL) {
			replay->ops->site(replay->ctx, &site);
		}
		return;
	}
	if (event->kind == EVENT_REGION && replay->ops->region != NULL) {
		replay->ops->region(replay->ctx, event->paddr, event->size);
	}
	if (event->kind == EVENT_CUT && replay->ops->cut != NULL) {
		replay->ops->cut(replay->ctx, event->time);
	}
	play(replay, event);
}

static int read_header(FILE *trace, struct replay *replay, char *error, unsigned int size)
{
	const struct model_config *config = &replay->config;

	rewind(trace);
	if (trace_read_header(trace, &replay->config) != 0 || config->dc_shift < LINE_SHIFT ||
	    config->ic_shift < 2 || config->wb_shift < LINE_SHIFT || config->nr_cpus == 0) {
		snprintf(error, size, "this is no trace of cohcheck, or one of another version");
		return -EINVAL;
	}
	replay->model = model_create(&replay->config, &model_ops, replay);
	if (replay->model == NULL) {
		snprintf(error, size, "out of memory");
		return -ENOMEM;
	}
	if (replay->ops->start != NULL) {
		replay->ops->start(replay->ctx, &replay->config);
	}
	return 0;
}

int replay_run(FILE *trace, const uint64_t *watches, unsigned int nr_watches,
	       const struct replay_ops *ops, void *ctx, char *error, unsigned int size)
{
	struct replay replay = {.ops = ops, .ctx = ctx};
	struct model_event event;
	uint64_t events = 0;
	int status = read_header(trace, &replay, error, size);

	if (status != 0) {
		return status;
	}
	for (; replay.nr_watches < nr_watches && replay.nr_watches < REPLAY_MAX_WATCHES;
	     replay.nr_watches++) {
		replay.watches[replay.nr_watches] = watches[replay.nr_watches] & ~UINT64_C(63);
	}
	while ((status = trace_read_event(trace, &event)) == 1) {
		if (event.kind != EVENT_SITE && SITE_CPU(event.site) >= MODEL_MAX_CPUS) {
			status = -EINVAL;
			break;
		}
		replay_event(&replay, &event);
		events++;
	}
	if (status != 0) {
		snprintf(error, size, "the trace is damaged or cut off behind %" PRIu64 " events",
			 events);
	}
	if (status == 0 && ops->end != NULL) {
		ops->end(ctx, replay.model, events, replay.time);
	}
	model_destroy(replay.model);
	return status;
}

void replay_event_words(const struct model_event *event, char *text, size_t size)
{
	static const char *const words[NR_EVENT_KINDS] = {
		"load",
		"store",
		"instruction fetch",
		"table walk",
		"device reads",
		"device writes",
		"DC",
		"IC",
		"DC set/way",
		"DSB",
		"CPU reset",
		"instruction fetches",
		"mapping ended",
		"",
		"loaded before reset",
		"promised clean at reset",
		"",
		"",
		"store (earlier)",
		"machine reset",
		"",
	};
	static const char *const dcs[] = {"DC CVAC", "DC CVAU", "DC CIVAC", "DC IVAC"};
	static const char *const ics[] = {"IC IVAU", "IC IALLU", "IC IALLUIS"};

	switch (event->kind) {
	case EVENT_READ:
	case EVENT_WRITE:
	case EVENT_WALK:
		snprintf(text, size, "%s %s, %" PRIu64 " bytes", words[event->kind],
			 report_type(event->type), event->size);
		break;
	case EVENT_FETCH:
		snprintf(text, size, "%s %s", words[event->kind], report_type(event->type));
		break;
	case EVENT_DEVICE_READ:
	case EVENT_DEVICE_WRITE:
		snprintf(text, size, "%s%s", words[event->kind],
			 event->flags & EVENT_FLAG ? "" : " past the caches");
		break;
	case EVENT_DC:
		snprintf(text, size, "%s", event->op < 4 ? dcs[event->op] : "DC");
		break;
	case EVENT_IC:
		snprintf(text, size, "%s", event->op < 3 ? ics[event->op] : "IC");
		break;
	case EVENT_FETCHABLE:
		snprintf(text, size, "instruction fetches are %s",
			 event->flags & EVENT_FLAG ? "possible" : "over");
		break;
	default:
		snprintf(text, size, "%s", event->kind < NR_EVENT_KINDS ? words[event->kind] : "?");
		break;
	}
}
