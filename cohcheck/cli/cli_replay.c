/* SPDX-License-Identifier: MIT */
/* --replay: the findings of a recorded run, and the life of one line, without QEMU. */
#include "cli/cli_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "report/report_life.h"

struct replay_run {
	struct report *report;
	struct life life;
	uint64_t start[16], size[16];
	unsigned int nr_regions;
	struct stream_totals totals;
};

static void replay_start(void *ctx, const struct model_config *config)
{
	struct replay_run *run = ctx;
	struct stream_hello hello = {.version = STREAM_VERSION,
				     .nr_cpus = config->nr_cpus,
				     .config = *config};

	report_take(run->report, STREAM_HELLO, &hello, sizeof(hello));
}

static void replay_site(void *ctx, const struct trace_site *site)
{
	struct replay_run *run = ctx;
	struct stream_site known = {.idx = site->idx,
				    .word = site->word,
				    .pc = site->pc,
				    .paddr = site->paddr,
				    .el = site->el};

	report_take(run->report, STREAM_SITE, &known, sizeof(known));
}

static void replay_finding(void *ctx, const struct finding *finding, uint64_t time)
{
	struct replay_run *run = ctx;
	struct stream_finding found = {.finding = *finding, .time = time};

	report_take(run->report, STREAM_FINDING, &found, sizeof(found));
}

static void replay_step(void *ctx, unsigned int watch, const struct model_event *event,
			const struct line *before, const struct line *after, bool found)
{
	struct replay_run *run = ctx;

	life_add(&run->life, event, after, found);
}

static void replay_end(void *ctx, const struct model *model, uint64_t events, uint64_t time)
{
	struct replay_run *run = ctx;

	run->totals.instructions = time;
	report_take(run->report, STREAM_TOTALS, &run->totals, sizeof(run->totals));
}

static void print_life(const struct replay_run *run)
{
	unsigned int kept = life_kept(&run->life);

	printf("line 0x%" PRIx64 ", %" PRIu64 " step%s\n", run->life.paddr, run->life.nr_steps,
	       run->life.nr_steps == 1 ? "" : "s");
	printf("%14s  %-32s %-30s  %s\n", "time", "what", "then", "who");
	for (unsigned int i = 0; i < kept; i++) {
		uint64_t left_out;
		const struct life_step *step = life_step(&run->life, i, &left_out);
		char what[96], state[160], who[256];

		if (left_out != 0) {
			printf("%14s  ... %" PRIu64 " steps left out\n", "", left_out);
		}
		replay_event_words(&step->event, what, sizeof(what));
		life_state_words(&step->after, state, sizeof(state));
		report_site_words(run->report, step->event.site, who, sizeof(who));
		printf("%14" PRIu64 "  %-32s %-30s  %s%s\n", step->event.time, what, state, who,
		       step->found ? "  <- finding" : "");
	}
	fflush(stdout);
}

static const struct replay_ops ops = {
	.start = replay_start,
	.site = replay_site,
	.finding = replay_finding,
	.step = replay_step,
	.end = replay_end,
};

int cli_replay(const struct cli_options *options)
{
	static struct replay_run run;
	struct cli_output output;
	char error[256];
	FILE *trace = NULL;
	int status = cli_output_open(&output, options);

	if (status == 0 && (trace = fopen(options->replay, "re")) == NULL) {
		status = cli_fail("cannot open the trace %s: %s", options->replay, strerror(errno));
	}
	if (status == 0) {
		run = (struct replay_run){.report = output.report,
					  .life = {.paddr = options->line & ~UINT64_C(63)}};
		if (replay_run(trace, &run.life.paddr, options->has_line ? 1 : 0, &ops, &run, error,
			       sizeof(error)) != 0) {
			status = cli_fail("%s: %s", options->replay, error);
		}
	}
	if (status == 0 && options->has_line) {
		print_life(&run);
	}
	if (status == 0) {
		status = cli_output_finish(&output, trace);
	}
	cli_output_close(&output);
	if (trace != NULL) {
		fclose(trace);
	}
	return status;
}
