/* SPDX-License-Identifier: MIT */
/*
 * Traces of the model: to a file, from it, and back into a model.
 */
#include "model/model_trace.h"

#include <errno.h>

#include "model/model_internal.h"

_Static_assert(sizeof(struct trace_header) == 48, "trace format");

static int write_record(FILE *file, const void *record, size_t size)
{
	if (fwrite(record, size, 1, file) == 1) {
		return 0;
	}
	return errno != 0 ? -errno : -EIO;
}

int trace_write_header(FILE *file, const struct model_config *config)
{
	struct trace_header header;

	memset(&header, 0, sizeof(header));
	memcpy(header.magic, TRACE_MAGIC, sizeof(header.magic));
	header.config = *config;
	return write_record(file, &header, sizeof(header));
}

int trace_write_event(FILE *file, const struct model_event *event)
{
	return write_record(file, event, sizeof(*event));
}

int trace_write_site(FILE *file, const struct trace_site *site)
{
	struct trace_site record = *site;

	record.kind = EVENT_SITE;
	return write_record(file, &record, sizeof(record));
}

/* A byte other than 0 and 1 must not be looked at as a bool. */
static bool config_is_valid(const struct trace_header *header)
{
	static const size_t bools[] = {offsetof(struct model_config, idc),
				       offsetof(struct model_config, dic),
				       offsetof(struct model_config, adversarial_entry)};
	const unsigned char *bytes = (const unsigned char *)&header->config;

	for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++) {
		if (bytes[bools[i]] > 1) {
			return false;
		}
	}
	return header->config.nr_cpus <= MODEL_MAX_CPUS && header->config.dc_shift <= PAGE_SHIFT &&
	       header->config.ic_shift <= PAGE_SHIFT && header->config.wb_shift <= PAGE_SHIFT;
}

int trace_read_header(FILE *file, struct model_config *config)
{
	struct trace_header header;

	if (fread(&header, sizeof(header), 1, file) != 1) {
		return ferror(file) ? -EIO : -EINVAL;
	}
	if (memcmp(header.magic, TRACE_MAGIC, sizeof(header.magic)) != 0 ||
	    !config_is_valid(&header)) {
		return -EINVAL;
	}
	*config = header.config;
	return 0;
}

static bool event_is_valid(const struct model_event *event)
{
	switch (event->kind) {
	case EVENT_DC:
		return event->op <= DC_IVAC;
	case EVENT_IC:
		return event->op <= IC_IALLUIS;
	case EVENT_SITE:
		return true;
	default:
		return event->kind < NR_EVENT_KINDS && event->type <= MEM_WB;
	}
}

int trace_read_event(FILE *file, struct model_event *event)
{
	size_t got = fread(event, 1, sizeof(*event), file);

	if (got == sizeof(*event)) {
		return event_is_valid(event) ? 1 : -EINVAL;
	}
	if (ferror(file)) {
		return -EIO;
	}
	return got == 0 ? 0 : -EINVAL;
}

bool trace_alias_live(void *ctx, uint64_t paddr, struct alias *alias)
{
	const struct trace_answers *answers = ctx;

	(void)paddr;
	if (answers->live && alias != NULL) {
		*alias = answers->alias;
	}
	return answers->live;
}

static void play_writer(struct model *model, const struct model_event *event)
{
	struct line *line = model_line(model, event->paddr);

	if (line != NULL) {
		line->writer = event->site;
	}
}

static void play_other(struct model *model, struct trace_answers *answers,
		       const struct model_event *event)
{
	bool flag = (event->flags & EVENT_FLAG) != 0;

	switch (event->kind) {
	case EVENT_FETCHABLE:
		if (flag) {
			model_fetchable(model, event->paddr);
		} else {
			model_unfetchable(model, event->paddr);
		}
		break;
	case EVENT_ALIAS_GONE:
		if (event->paddr == UINT64_MAX) {
			model_epoch(model);
		} else if (event->size != 0) {
			model_alias_gone_at(model, event->paddr, (epoch_t)event->size);
		} else {
			model_alias_gone(model, event->paddr);
		}
		break;
	case EVENT_ALIAS_ANSWER:
		answers->live = flag;
		answers->alias = (struct alias){.state = ALIAS_LIVE,
						.type = (enum mem_type)event->type,
						.el = event->op & 15,
						.stage = event->op >> 4,
						.va = event->paddr,
						.size = event->size,
						.maker = event->site};
		break;
	case EVENT_ENTRY_DIRTY:
		model_entry_dirty(model, event->paddr, event->size);
		break;
	case EVENT_ENTRY_CLEAN:
		model_entry_clean(model, event->paddr, event->size);
		break;
	case EVENT_REGION:
		(void)model_add_region(model, event->paddr, event->size);
		break;
	case EVENT_WRITER:
		play_writer(model, event);
		break;
	case EVENT_RESET:
		model_reset(model);
		break;
	default:
		break;
	}
}

void trace_play(struct model *model, struct trace_answers *answers, const struct model_event *event)
{
	enum mem_type type = (enum mem_type)event->type;
	unsigned int size = (unsigned int)event->size;
	bool flag = (event->flags & EVENT_FLAG) != 0;

	switch (event->kind) {
	case EVENT_READ:
		model_read(model, event->site, event->paddr, size, type);
		break;
	case EVENT_WRITE:
		model_write(model, event->site, event->paddr, size, type);
		break;
	case EVENT_FETCH:
		model_fetch(model, event->site, event->paddr, type, flag);
		break;
	case EVENT_WALK:
		model_walk(model, event->site, event->paddr, size, type);
		break;
	case EVENT_DEVICE_READ:
		model_device_read(model, event->paddr, size, flag);
		break;
	case EVENT_DEVICE_WRITE:
		model_device_write(model, event->paddr, size, flag);
		break;
	case EVENT_DC:
		(void)model_dc(model, event->site, event->paddr, (enum dc_op)event->op);
		break;
	case EVENT_IC:
		model_ic(model, event->site, event->paddr, (enum ic_op)event->op);
		break;
	case EVENT_SET_WAY:
		model_set_way(model, event->site);
		break;
	case EVENT_DSB:
		model_dsb(model, event->site);
		break;
	case EVENT_CPU_RESET:
		model_cpu_reset(model, SITE_CPU(event->site));
		break;
	default:
		play_other(model, answers, event);
		break;
	}
}
