/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory map and device-tree nodes, and bounds-checked reading of any device tree.
 *
 * Pure functions over libfdt: whoever builds a domain uses this one copy, at EL2, in the toolstack
 * or in a test. Nothing of the hypervisor is included; abi/xen.h gives the guest's address map.
 *
 * Writing uses libfdt's sequential-write calls into a buffer of the caller. Reading never trusts a
 * length or a cell count: a malformed property is -XEN_EINVAL, and the caller names node and
 * property.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEVTREE_XEN_VERSION "4.17" /* as XENVER_version reports; tools parse it */
#define DEVTREE_PHANDLE_GIC 65000  /* GUEST_PHANDLE_GIC of Xen's device_tree_defs.h */
#define DEVTREE_RAM_BANKS   2

/* Flags of a timer or event PPI: all CPUs, level low (public/arch-arm.h users; xen-abi-arm 1.7). */
#define DEVTREE_PPI_FLAGS   0xf08

struct devtree_range {
	uint64_t start, size;
};

/* ---- memory map of a guest that is not direct-mapped (devtree_map.c) ------------------------- */

/* Split size bytes over RAM0 and RAM1. Returns the number of banks; 0 when size is 0 or does not
 * fit. */
unsigned int devtree_ram_banks(uint64_t size, struct devtree_range bank[DEVTREE_RAM_BANKS]);
/*
 * What is left of each RAM bank above the guest's own memory, as address space for foreign pages:
 * 2 MiB-aligned, at least 64 MiB, below 2^ipa_bits. Returns the number of regions, ascending.
 */
unsigned int devtree_extended_regions(uint64_t ram_size, unsigned int ipa_bits,
				      struct devtree_range region[DEVTREE_RAM_BANKS]);
/* The affinity of a vCPU as MPIDR_EL1 and the reg property of its node show it. */
uint32_t devtree_vcpu_affinity(unsigned int vcpu);

/* ---- writing nodes (devtree_write.c) --------------------------------------------------------- */

/*
 * A tree being written. The first error sticks: later calls do nothing, so that a sequence of them
 * is checked once, by devtree_finish() or in error.
 */
struct devtree_writer {
	void *fdt;
	unsigned int address_cells, size_cells; /* of the root, for reg of its children; 1 or 2 */
	uint32_t gic_phandle;
	int error; /* 0, or -XEN_ENOSPC: buffer too small, -XEN_EINVAL: a value does not fit */
};

void devtree_start(struct devtree_writer *w, void *buffer, size_t size);
void devtree_begin_node(struct devtree_writer *w, const char *name);
/* Named "<prefix>@<address in hex>". */
void devtree_begin_node_at(struct devtree_writer *w, const char *prefix, uint64_t address);
void devtree_end_node(struct devtree_writer *w);
void devtree_prop(struct devtree_writer *w, const char *name, const void *data, size_t size);
void devtree_prop_empty(struct devtree_writer *w, const char *name);
void devtree_prop_string(struct devtree_writer *w, const char *name, const char *value);
void devtree_prop_u32(struct devtree_writer *w, const char *name, uint32_t value);
void devtree_prop_u64(struct devtree_writer *w, const char *name, uint64_t value);
void devtree_prop_cells(struct devtree_writer *w, const char *name, const uint32_t *cell,
			unsigned int nr);
/* reg with the root's cell counts. */
void devtree_prop_reg(struct devtree_writer *w, const struct devtree_range *range, unsigned int nr);
/* 0 and the size of the finished tree, or the error. */
int devtree_finish(struct devtree_writer *w, size_t *size);

/* Nodes that dom0 and domU have in common (xen-abi-arm 1.7 to 1.9). The root is open. */
void devtree_write_psci(struct devtree_writer *w);
void devtree_write_cpus(struct devtree_writer *w, unsigned int nr_cpus, const char *compatible,
			size_t compatible_size);
void devtree_write_timer(struct devtree_writer *w, uint32_t clock_frequency);
void devtree_write_memory(struct devtree_writer *w, const struct devtree_range *bank,
			  unsigned int nr);
/* region[0] is the grant window, the rest extended regions. */
void devtree_write_hypervisor(struct devtree_writer *w, const struct devtree_range *region,
			      unsigned int nr, uint32_t evtchn_intid);

/* Everything that decides the tree of a guest that is not direct-mapped. */
struct devtree_guest {
	uint64_t ram_size; /* bytes, a multiple of 4 KiB */
	unsigned int nr_cpus;
	const char *cpu_compatible; /* string list; NULL: "arm,armv8" */
	size_t cpu_compatible_size;
	unsigned int gic_version; /* 2 or 3 */
	uint32_t clock_frequency; /* 0: the counter's own register is right */
	const char *bootargs;     /* NULL: none */
	bool has_initrd;          /* linux,initrd-start and -end are made room for */
	uint64_t initrd_start, initrd_size;
	bool has_vpl011;
	bool has_hypervisor;   /* the /hypervisor node: grants and events */
	unsigned int ipa_bits; /* bounds the extended regions; 0: none are written */
	const void *rng_seed;  /* NULL: none */
	size_t rng_seed_size;
};

/* A size of buffer that is enough. */
size_t devtree_guest_bound(const struct devtree_guest *guest);
/* Write the tree; *size becomes its length. -XEN_ENOSPC, -XEN_EINVAL. */
int devtree_write_guest(const struct devtree_guest *guest, void *buffer, size_t buffer_size,
			size_t *size);
/* The place of the initrd is known after the tree's size is: fill it in, in place. */
int devtree_set_initrd(void *fdt, uint64_t start, uint64_t size);

/* ---- reading (devtree_read.c) ---------------------------------------------------------------- */

#define DEVTREE_MAX_DEPTH 16

/* A node and its ancestors: node[0] is the root, node[depth] the node itself. */
struct devtree_path {
	int depth;
	int node[DEVTREE_MAX_DEPTH];
};

/* -XEN_EINVAL: no such node, or too deep. */
int devtree_path_of(const void *fdt, int node, struct devtree_path *path);
/*
 * #address-cells and #size-cells that rule the reg of the node's children: its own, or those of the
 * nearest ancestor that has any, or 2 and 1. -XEN_EINVAL when one is malformed or above 4.
 */
int devtree_cells(const void *fdt, const struct devtree_path *path, unsigned int *address_cells,
		  unsigned int *size_cells);
/* One address and size at the start of size bytes of a property. -XEN_EINVAL: too short, or it
 * wraps. */
int devtree_range_load(const void *at, int size, unsigned int address_cells,
		       unsigned int size_cells, struct devtree_range *range);
/*
 * Entry idx of reg as a CPU address, through the ranges of the ancestors. -XEN_ENOENT: no such
 * entry. -XEN_ENODEV: not in the CPU's address space (no ranges on the way, or no sizes).
 * -XEN_EINVAL: malformed, or it wraps round.
 */
int devtree_reg(const void *fdt, const struct devtree_path *path, unsigned int idx,
		struct devtree_range *range);
/* Entry idx of a PCI host bridge's ranges as a CPU address; results as devtree_reg(). */
int devtree_pci_range(const void *fdt, const struct devtree_path *path, unsigned int idx,
		      struct devtree_range *range);

/* An interrupt of a node: the controller's node (-1 unknown) and up to four cells of its
 * specifier. */
struct devtree_irq {
	int controller;
	unsigned int nr_cells;
	uint32_t cell[4];
};
/*
 * Entry idx of interrupts-extended or interrupts. -XEN_ENOENT: no such entry. -XEN_EINVAL:
 * malformed. The phandle of the most likely controller saves a search of the tree.
 */
int devtree_irq(const void *fdt, const struct devtree_path *path, unsigned int idx,
		int likely_controller, struct devtree_irq *irq);
/* Entry idx of interrupt-map; same results. *position is 0 for the first call, then left alone. */
int devtree_irq_map(const void *fdt, const struct devtree_path *path, uint32_t *position,
		    int likely_controller, struct devtree_irq *irq);

/* A u32 or u64 property (exactly 4 or 8 bytes). -XEN_ENOENT, -XEN_EINVAL. */
int devtree_get_u32(const void *fdt, int node, const char *name, uint32_t *value);
int devtree_get_u64(const void *fdt, int node, const char *name, uint64_t *value);
/* A string property, terminated inside its length; NULL and -XEN_ENOENT or -XEN_EINVAL in
 * *error. */
const char *devtree_get_string(const void *fdt, int node, const char *name, int *error);
bool devtree_is_compatible(const void *fdt, int node, const char *compatible);
/* status is absent, "ok" or "okay". */
bool devtree_is_available(const void *fdt, int node);

/*
 * If the node, a child of the root, is RAM (memory or memory@..., device_type "memory", not
 * disabled), add its banks to the *nr that are there, sorted and merged where they touch.
 * -XEN_EINVAL: malformed, or more than max.
 */
int devtree_add_memory(const void *fdt, int node, struct devtree_range *bank, unsigned int max,
		       unsigned int *nr);
/* All banks of RAM. *bad_node is the first malformed node, else -1. Returns the number of banks. */
unsigned int devtree_memory_banks(const void *fdt, struct devtree_range *bank, unsigned int max,
				  int *bad_node);
/* The ranges of the children of /reserved-memory (parent; -1: there is none), in tree order;
 * same results. */
unsigned int devtree_reserved_memory(const void *fdt, int parent, struct devtree_range *range,
				     unsigned int max, int *bad_node);
