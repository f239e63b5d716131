/* SPDX-License-Identifier: MIT */
/*
 * Installation: what QEMU must be, the callbacks that are for good, the model once the first CPU's registers can be read, and the
 * end. Whatever makes the plugin useless is said once, through the pipe, and ends QEMU: a run that checks nothing must not look like
 * one that found nothing.
 */
#include "plugin/plugin.h"
#include "report/report_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

struct plugin plugin = {.lock = PTHREAD_MUTEX_INITIALIZER};
struct plugin_cpu plugin_cpus[MODEL_MAX_CPUS];
struct plugin_fast plugin_fast[MODEL_MAX_CPUS];
__thread struct plugin_cpu *plugin_this_cpu;

/* The lock is held, and stays so: no CPU has to go on. */
static void refuse_and_exit(const char *text)
{
	plugin.refused = true;
	plugin_stream_refuse(text);
	exit(2);
}

/* CTR_EL0 (Arm ARM): how much maintenance by address reaches, and what a write-back may write. */
static void configure(const struct plugin_cpu *cpu)
{
	struct model_config *config = &plugin.config;
	uint64_t ctr = cpu->regs.ctr;
	unsigned int cwg = ctr >> 24 & 0xf;

	config->dc_shift = (uint8_t)((ctr >> 16 & 0xf) + 2);
	config->ic_shift = (uint8_t)((ctr & 0xf) + 2);
	config->wb_shift = LINE_SHIFT;
	if (plugin.options.adversarial && cwg + 2 > LINE_SHIFT) {
		config->wb_shift = (uint8_t)(cwg + 2);
	}
	config->idc = ctr >> 28 & 1;
	config->dic = ctr >> 29 & 1;
	config->adversarial_entry = plugin.options.adversarial;
	config->nr_cpus = plugin.nr_cpus;
	plugin.pou_mask = config->idc && config->dic ? 0 : 0xffff;
}

static void say_hello(const struct plugin_cpu *cpu)
{
	struct stream_hello hello = {
		.version = STREAM_VERSION,
		.nr_cpus = plugin.nr_cpus,
		.ctr = cpu->regs.ctr,
		.config = plugin.config,
	};

	for (unsigned int n = 0; n < plugin.nr_regions; n++) {
		hello.regions[n].start = plugin.regions[n].start;
		hello.regions[n].size = plugin.regions[n].size;
	}
	plugin_stream_send(STREAM_HELLO, &hello, sizeof(hello));
}

void plugin_shadow_create(struct plugin_cpu *cpu)
{
	static const struct shadow_ops ops = {
		.read = plugin_memory_read,
		.forget = plugin_tlb_forget,
		.unchecked = plugin_report_unchecked_cb,
	};

	if (plugin.shadow) {
		shadow_destroy(plugin.shadow);
	}
	plugin.shadow = shadow_create(plugin.model, &ops, NULL, plugin.nr_cpus,
				      plugin_registers_has_bbm2(cpu));
	plugin.shadow_blind = false;
	if (!plugin.shadow) {
		refuse_and_exit("no memory for the shadow tables");
	}
}

static void create_model(struct plugin_cpu *cpu)
{
	struct model_ops model_ops = {
		.finding = plugin_report_finding,
		.alias_live = plugin_report_alias_live,
		.changed = plugin.options.trace_fd >= 0 ? plugin_report_changed : NULL,
	};

	configure(cpu);
	say_hello(cpu);
	plugin.model = model_create(&plugin.config, &model_ops, NULL);
	if (!plugin.model) {
		refuse_and_exit("no memory for the model");
	}
	plugin_shadow_create(cpu);
	if (!plugin_report_init()) {
		refuse_and_exit("cannot write the trace");
	}
	for (unsigned int n = 0; n < plugin.nr_regions; n++) {
		if (!model_add_region(plugin.model, plugin.regions[n].start,
				      plugin.regions[n].size)) {
			refuse_and_exit("no memory for the states of the guest's memory");
		}
	}
	plugin_entry_state();
}

static void vcpu_init(qemu_plugin_id_t id, unsigned int vcpu)
{
	struct plugin_cpu *cpu = &plugin_cpus[vcpu];

	plugin_lock();
	if (vcpu >= MODEL_MAX_CPUS) {
		refuse_and_exit("more CPUs than cohcheck knows");
	}
	cpu->idx = vcpu;
	cpu->fetchable_page = FETCHABLE_NONE;
	cpu->slept = true;
	if (!plugin_registers_find(cpu)) {
		refuse_and_exit("the CPU is not an AArch64 one (-cpu)");
	}
	if (!plugin_tlb_create(cpu)) {
		refuse_and_exit("no memory for a CPU's soft TLB");
	}
	if (!plugin.model) {
		create_model(cpu);
	}
	plugin_this_cpu = cpu;
	plugin_unlock();
	plugin_context_want(cpu);
}

/* It may have been reset while it slept. */
static void vcpu_resume(qemu_plugin_id_t id, unsigned int vcpu)
{
	plugin_cpus[vcpu].slept = true;
	plugin_context_want(&plugin_cpus[vcpu]);
}

static void vcpu_idle(qemu_plugin_id_t id, unsigned int vcpu)
{
	struct plugin_cpu *cpu = &plugin_cpus[vcpu];

	if (!cpu->leaving) {
		return;
	}
	cpu->leaving = false;
	plugin_lock();
	if (!plugin.over) {
		cpu->up = false;
		cpu->maintenance = false;
		model_cpu_reset(plugin.model, vcpu);
		shadow_cpu_off(plugin.shadow, vcpu);
	}
	plugin_unlock();
}

static void at_exit(qemu_plugin_id_t id, void *userdata)
{
	if (plugin.refused) {
		return;
	}
	plugin_lock();
	/* Without a model QEMU has ended before its first instruction, for reasons of its own. */
	if (!plugin.over && plugin.model) {
		plugin_report_end();
	}
	plugin.over = true;
	plugin_unlock();
}

static bool is_possible(const qemu_info_t *info, char **why)
{
	if (!info->system_emulation) {
		*why = g_strdup("this is QEMU's user mode; cohcheck is for system emulation");
	} else if (strcmp(info->target_name, "aarch64") != 0) {
		*why = g_strdup_printf("QEMU emulates %s; cohcheck is for aarch64",
				       info->target_name);
	} else if (info->version.cur < QEMU_PLUGIN_VERSION) {
		*why = g_strdup_printf("QEMU's plugin interface is version %d; version %d is needed "
				       "(QEMU 10)",
				       info->version.cur, QEMU_PLUGIN_VERSION);
	} else if (info->system.max_vcpus > MODEL_MAX_CPUS) {
		*why = g_strdup_printf("%d CPUs; cohcheck knows %d at most", info->system.max_vcpus,
				       MODEL_MAX_CPUS);
	}
	return !*why;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
					   char **argv)
{
	g_autofree char *why = NULL;

	if (!plugin_args_parse(argc, argv, &why) || !is_possible(info, &why)) {
		plugin_stream_refuse(why);
		return -1;
	}
	if (!plugin_site_init()) {
		plugin_stream_refuse("no memory for the table of instructions");
		return -1;
	}
	plugin.id = id;
	plugin.nr_cpus = (unsigned int)info->system.max_vcpus;
	plugin.words = qemu_plugin_scoreboard_new(sizeof(struct plugin_words));
	qemu_plugin_register_vcpu_init_cb(id, vcpu_init);
	qemu_plugin_register_vcpu_idle_cb(id, vcpu_idle);
	qemu_plugin_register_vcpu_resume_cb(id, vcpu_resume);
	qemu_plugin_register_vcpu_tb_trans_cb(id, plugin_translate);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
