/* SPDX-License-Identifier: MIT */
#include "report/report_fake.h"

#include <stdlib.h>
#include <string.h>

void fake_start(struct fake *fake, struct symbols *symbols, struct suppression *suppressions)
{
	struct stream_hello hello = {.version = STREAM_VERSION, .nr_cpus = 2};
	struct report_settings settings = {.symbols = symbols,
					   .suppressions = suppressions,
					   .summary = true};

	*fake = (struct fake){.log = NULL};
	fake->log_file = open_memstream(&fake->log, &fake->log_size);
	settings.log = fake->log_file;
	fake->report = report_create(&settings);
	hello.config.wb_shift = 6;
	hello.config.nr_cpus = 2;
	report_take(fake->report, STREAM_HELLO, &hello, sizeof(hello));
}

void fake_end(struct fake *fake)
{
	report_destroy(fake->report);
	fclose(fake->log_file);
	free(fake->log);
}

const char *fake_log(struct fake *fake)
{
	fflush(fake->log_file);
	return fake->log;
}

site_t fake_site(struct fake *fake, uint32_t idx, unsigned int cpu, unsigned int el, uint64_t pc,
		 const char *op)
{
	struct stream_site site = {.idx = idx, .pc = pc, .paddr = pc, .el = (uint8_t)el};

	snprintf(site.op, sizeof(site.op), "%s", op);
	report_take(fake->report, STREAM_SITE, &site, sizeof(site));
	return SITE(idx, cpu);
}

struct stream_finding fake_finding(enum finding_kind kind, site_t access, site_t writer)
{
	return (struct stream_finding){
		.finding = {.kind = kind,
			    .site = access,
			    .type = MEM_WB,
			    .size = 8,
			    .paddr = 0x40001008,
			    .va = 0xffff000040001008,
			    .writer = writer},
		.time = 1234,
	};
}

int fake_send(struct fake *fake, const struct stream_finding *finding)
{
	return report_take(fake->report, STREAM_FINDING, finding, sizeof(*finding));
}

void fake_totals(struct fake *fake)
{
	struct stream_totals totals = {.instructions = 5000,
				       .loads = 700,
				       .stores = 300,
				       .ram_bytes = 1 << 20,
				       .model_bytes = 1 << 18};

	report_take(fake->report, STREAM_TOTALS, &totals, sizeof(totals));
}
