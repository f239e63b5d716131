/* SPDX-License-Identifier: MIT */
/*
 * A reset of the machine while QEMU goes on. QEMU tells plugins nothing of it, but stops all CPUs for it; so the CPU that began the run,
 * when it has slept and is about to execute what it executed first, with all registers as they were then, has been reset, and with it
 * everything. Memory is what it was, but for what QEMU's loader loads again; caches are what they could be at the start.
 *
 * Other CPUs are off then, or (machines that start all at once) are about to begin, too.
 */
#include "plugin/plugin.h"

#include <string.h>

#define NR_X_REGISTERS 31

static struct {
	const struct plugin_cpu *cpu; /* that executed the first instruction; NULL: none has */
	uint64_t pc, x[NR_X_REGISTERS];
	struct arm_registers regs;
} start;

static void read_x(struct plugin_cpu *cpu, uint64_t x[NR_X_REGISTERS])
{
	for (unsigned int n = 0; n < NR_X_REGISTERS; n++) {
		x[n] = plugin_registers_x(cpu, n);
	}
}

static bool is_at_start(struct plugin_cpu *cpu)
{
	uint64_t x[NR_X_REGISTERS];

	if (plugin_registers_pc(cpu) != start.pc ||
	    memcmp(&cpu->regs, &start.regs, sizeof(start.regs)) != 0) {
		return false;
	}
	read_x(cpu, x);
	return memcmp(x, start.x, sizeof(x)) == 0;
}

/* What a CPU had under way is void, and its registers are to be read again. */
static void cpu_starts(struct plugin_cpu *cpu)
{
	cpu->up = cpu->maintenance = cpu->plain_tlbi = cpu->table_stores = cpu->leaving = false;
	cpu->pending.kind = PENDING_NONE;
	cpu->fetchable_page = FETCHABLE_NONE;
	memset(cpu->used, 0, sizeof(cpu->used));
	plugin_context_want(cpu);
}

static void machine_starts(struct plugin_cpu *cpu)
{
	for (unsigned int n = 0; n < plugin.nr_cpus; n++) {
		/* Some may never have been plugged in. */
		if (plugin_cpus[n].buffer) {
			cpu_starts(&plugin_cpus[n]);
		}
	}
	plugin_tlb_forget_all();
	plugin_memory_reset();
	plugin_device_reset();
	model_reset(plugin.model);
	plugin_shadow_create(cpu);
	plugin_entry_state();
}

void plugin_reset_check(struct plugin_cpu *cpu)
{
	if (!cpu->slept) {
		return;
	}
	cpu->slept = false;
	plugin_lock();
	if (!start.cpu) {
		start.cpu = cpu;
		start.pc = plugin_registers_pc(cpu);
		memcpy(&start.regs, &cpu->regs, sizeof(start.regs)); /* with its padding */
		read_x(cpu, start.x);
	} else if (cpu == start.cpu && !plugin.over && is_at_start(cpu)) {
		machine_starts(cpu);
	}
	plugin_unlock();
}
