/* SPDX-License-Identifier: MIT */
/* C entry of a test guest: learns about the machine from the device tree, then runs the topic's cases. */
#include <libfdt.h>

#include "guest.h"
#include "guest_asm.h"
#include "guest_gic.h"
#include "guest_mmu.h"
#include "guest_smp.h"
#include "guest_test.h"

void guest_main(const void *fdt);

struct guest_machine machine = {.uart = 0x22000000, .arguments = ""};

/* Number n of a list of cells. */
static uint64_t cells(const fdt32_t *at, int size)
{
	uint64_t value = 0;

	while (size-- > 0) {
		value = value << 32 | fdt32_to_cpu(*at++);
	}
	return value;
}

/* Pair n of a node's reg, with the root's cell sizes: every node used here is a child of the root. */
static bool get_reg(int node, unsigned int n, uint64_t *start, uint64_t *size)
{
	int address_cells = fdt_address_cells(machine.fdt, 0);
	int size_cells = fdt_size_cells(machine.fdt, 0);
	int length;
	const fdt32_t *reg = fdt_getprop(machine.fdt, node, "reg", &length);
	int pair = address_cells + size_cells;

	if (reg == NULL || length < (int)(n + 1) * pair * 4) {
		return false;
	}
	*start = cells(reg + (int)n * pair, address_cells);
	*size = cells(reg + (int)n * pair + address_cells, size_cells);
	return true;
}

static int find_compatible(const char *const *names)
{
	for (; *names != NULL; names++) {
		int node = fdt_node_offset_by_compatible(machine.fdt, -1, *names);

		if (node >= 0) {
			return node;
		}
	}
	return -1;
}

static void read_cpus(void)
{
	int cpus = fdt_path_offset(machine.fdt, "/cpus");
	int address_cells = fdt_address_cells(machine.fdt, cpus);
	int node;

	fdt_for_each_subnode(node, machine.fdt, cpus) {
		const fdt32_t *reg = fdt_getprop(machine.fdt, node, "reg", NULL);
		const char *type = fdt_getprop(machine.fdt, node, "device_type", NULL);

		if (reg != NULL && type != NULL && strcmp(type, "cpu") == 0 &&
		    machine.nr_cpus < GUEST_MAX_CPUS) {
			uint64_t mpidr = cells(reg, address_cells);

			/* The order of the nodes is not the order of the vCPUs. */
			machine.mpidr[mpidr & (GUEST_MAX_CPUS - 1)] = mpidr;
			machine.nr_cpus++;
		}
	}
}

static void read_machine(const void *fdt)
{
	static const char *const uarts[] = {"arm,sbsa-uart", "arm,pl011", NULL};
	static const char *const v3[] = {"arm,gic-v3", NULL};
	static const char *const v2[] = {"arm,gic-400", "arm,cortex-a15-gic", NULL};
	const char *arguments;
	uint64_t size;
	int node;

	machine.fdt = fdt;
	node = find_compatible(uarts);
	if (node < 0 || !get_reg(node, 0, &machine.uart, &size)) {
		machine.uart = 0;
	}
	arguments = fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "bootargs", NULL);
	if (arguments != NULL) {
		machine.arguments = arguments;
	}
	machine.tenon = guest_has_argument("tenon");
	node = find_compatible(v3);
	if (node >= 0) {
		machine.gic_version = 3;
		get_reg(node, 0, &machine.gicd, &size);
		get_reg(node, 1, &machine.gicr, &size);
	} else {
		machine.gic_version = 2;
		node = find_compatible(v2);
		get_reg(node, 0, &machine.gicd, &size);
		get_reg(node, 1, &machine.gicc, &size);
	}
	node = fdt_node_offset_by_prop_value(fdt, -1, "device_type", "memory", sizeof("memory"));
	get_reg(node, 0, &machine.ram_start, &machine.ram_size);
	read_cpus();
}

static const char *find_argument(const char *name)
{
	size_t length = strlen(name);

	for (const char *at = machine.arguments; (at = strstr(at, name)) != NULL; at += length) {
		bool starts = at == machine.arguments || at[-1] == ' ';
		char after = at[length];

		if (starts && (after == '\0' || after == ' ' || after == '=')) {
			return at + length;
		}
	}
	return NULL;
}

bool guest_has_argument(const char *name)
{
	return find_argument(name) != NULL;
}

uint64_t guest_argument(const char *name, uint64_t otherwise)
{
	const char *at = find_argument(name);
	uint64_t value = 0;

	if (at == NULL || *at != '=') {
		return otherwise;
	}
	for (at++; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (uint64_t)(*at - '0');
	}
	return value;
}

void guest_main(const void *fdt)
{
	if (fdt_check_header(fdt) != 0) {
		print("FAIL %s: x0 = %p is no device tree\n", guest_topic, fdt);
		guest_power_off();
	}
	read_machine(fdt);
	print("RUN  %s: %u vCPUs, GICv%u, RAM %#lx + %#lx, arguments \"%s\"\n", guest_topic,
	      machine.nr_cpus, machine.gic_version, machine.ram_start, machine.ram_size,
	      machine.arguments);
	mmu_init();
	if (!guest_mmu_off) {
		mmu_enable();
	}
	gic_init();
	gic_init_cpu();
	guest_run_cases();
	guest_power_off();
}
