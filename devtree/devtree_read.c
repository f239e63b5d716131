/* SPDX-License-Identifier: MIT */
/*
 * Bounds-checked reading of a flattened device tree: cells, addresses through ranges, interrupts.
 *
 * libfdt checks that a property lies inside the tree; what is in it is checked here. Devicetree
 * Specification v0.4, sections 2.3 and 2.4. One departure, which Linux and Xen share: a node
 * without #address-cells or #size-cells inherits them, since boot loaders add nodes to /chosen
 * without any.
 */
#include "devtree/devtree.h"

#include <libfdt.h>
#include <string.h>

#include "abi/xen.h"

#define CELL      4
#define MAX_CELLS 4

int devtree_path_of(const void *fdt, int node, struct devtree_path *path)
{
	int depth = 0;
	int at = 0;

	while (at >= 0 && depth >= 0) {
		if (depth < DEVTREE_MAX_DEPTH) {
			path->node[depth] = at;
		}
		if (at == node) {
			path->depth = depth;
			return depth < DEVTREE_MAX_DEPTH ? 0 : -XEN_EINVAL;
		}
		at = fdt_next_node(fdt, at, &depth);
	}
	return -XEN_EINVAL;
}

/* ---- plain properties ------------------------------------------------------------------------ */

int devtree_get_u32(const void *fdt, int node, const char *name, uint32_t *value)
{
	int size;
	const void *at = fdt_getprop(fdt, node, name, &size);

	if (at == NULL) {
		return size == -FDT_ERR_NOTFOUND ? -XEN_ENOENT : -XEN_EINVAL;
	}
	if (size != CELL) {
		return -XEN_EINVAL;
	}
	*value = fdt32_ld(at);
	return 0;
}

int devtree_get_u64(const void *fdt, int node, const char *name, uint64_t *value)
{
	int size;
	const uint8_t *at = fdt_getprop(fdt, node, name, &size);

	if (at == NULL) {
		return size == -FDT_ERR_NOTFOUND ? -XEN_ENOENT : -XEN_EINVAL;
	}
	if (size != 2 * CELL) {
		return -XEN_EINVAL;
	}
	*value = (uint64_t)fdt32_ld((const fdt32_t *)at) << 32 |
		 fdt32_ld((const fdt32_t *)(at + CELL));
	return 0;
}

const char *devtree_get_string(const void *fdt, int node, const char *name, int *error)
{
	int size;
	const char *at = fdt_getprop(fdt, node, name, &size);

	if (at == NULL) {
		*error = size == -FDT_ERR_NOTFOUND ? -XEN_ENOENT : -XEN_EINVAL;
		return NULL;
	}
	if (size == 0 || memchr(at, '\0', (size_t)size) == NULL) {
		*error = -XEN_EINVAL;
		return NULL;
	}
	*error = 0;
	return at;
}

bool devtree_is_compatible(const void *fdt, int node, const char *compatible)
{
	return fdt_node_check_compatible(fdt, node, compatible) == 0;
}

bool devtree_is_available(const void *fdt, int node)
{
	int error;
	const char *status = devtree_get_string(fdt, node, "status", &error);

	if (status == NULL) {
		return error == -XEN_ENOENT;
	}
	return strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0;
}

/* ---- addresses ------------------------------------------------------------------------------- */

static int inherited_cells(const void *fdt, const struct devtree_path *path, int depth,
			   const char *name, uint32_t otherwise, unsigned int *cells)
{
	uint32_t value = otherwise;

	for (int i = depth; i >= 0; i--) {
		int rc = devtree_get_u32(fdt, path->node[i], name, &value);

		if (rc == 0) {
			break;
		}
		if (rc != -XEN_ENOENT) {
			return -XEN_EINVAL;
		}
	}
	if (value > MAX_CELLS) {
		return -XEN_EINVAL;
	}
	*cells = value;
	return 0;
}

static int cells_at(const void *fdt, const struct devtree_path *path, int depth,
		    unsigned int *address_cells, unsigned int *size_cells)
{
	int rc = inherited_cells(fdt, path, depth, "#address-cells", 2, address_cells);

	return rc != 0 ? rc : inherited_cells(fdt, path, depth, "#size-cells", 1, size_cells);
}

int devtree_cells(const void *fdt, const struct devtree_path *path, unsigned int *address_cells,
		  unsigned int *size_cells)
{
	return cells_at(fdt, path, path->depth, address_cells, size_cells);
}

/* A number of 0 to 4 cells; false when it has more than 64 bits. */
static bool load_number(const uint8_t *at, unsigned int cells, uint64_t *value)
{
	*value = 0;
	for (unsigned int i = 0; i < cells; i++) {
		if (*value >> 32 != 0) {
			return false;
		}
		*value = *value << 32 | fdt32_ld((const fdt32_t *)(at + i * CELL));
	}
	return true;
}

int devtree_range_load(const void *at, int size, unsigned int address_cells,
		       unsigned int size_cells, struct devtree_range *range)
{
	const uint8_t *bytes = at;
	uint64_t end;

	if (bytes == NULL || address_cells > MAX_CELLS || size_cells > MAX_CELLS || size < 0 ||
	    (unsigned int)size < (address_cells + size_cells) * CELL ||
	    !load_number(bytes, address_cells, &range->start) ||
	    !load_number(bytes + address_cells * CELL, size_cells, &range->size) ||
	    __builtin_add_overflow(range->start, range->size, &end)) {
		return -XEN_EINVAL;
	}
	return 0;
}

/* One step: address on the bus of path->node[depth] to the address on its parent's bus. */
static int translate_up(const void *fdt, const struct devtree_path *path, int depth, uint64_t size,
			uint64_t *address)
{
	unsigned int child_cells, size_cells, parent_cells, unused;
	int length;
	const uint8_t *ranges = fdt_getprop(fdt, path->node[depth], "ranges", &length);
	unsigned int entry;

	if (ranges == NULL) {
		return length == -FDT_ERR_NOTFOUND ? -XEN_ENODEV : -XEN_EINVAL;
	}
	if (length == 0) {
		return 0;
	}
	if (cells_at(fdt, path, depth, &child_cells, &size_cells) != 0 ||
	    cells_at(fdt, path, depth - 1, &parent_cells, &unused) != 0) {
		return -XEN_EINVAL;
	}
	if (child_cells > 2) {
		return -XEN_ENODEV; /* behind a PCI host bridge */
	}
	entry = (child_cells + parent_cells + size_cells) * CELL;
	if (entry == 0 || (unsigned int)length % entry != 0) {
		return -XEN_EINVAL;
	}
	for (const uint8_t *at = ranges; at < ranges + length; at += entry) {
		uint64_t child, parent, extent;

		if (!load_number(at, child_cells, &child) ||
		    !load_number(at + child_cells * CELL, parent_cells, &parent) ||
		    !load_number(at + (child_cells + parent_cells) * CELL, size_cells, &extent)) {
			return -XEN_EINVAL;
		}
		if (*address >= child && *address - child < extent &&
		    size <= extent - (*address - child)) {
			return __builtin_add_overflow(parent, *address - child, address)
				     ? -XEN_EINVAL
				     : 0;
		}
	}
	return -XEN_ENODEV;
}

/* From the bus of path->node[depth] to the CPU's addresses. */
static int translate(const void *fdt, const struct devtree_path *path, int depth,
		     struct devtree_range *range)
{
	uint64_t end;

	for (; depth > 0; depth--) {
		int rc = translate_up(fdt, path, depth, range->size, &range->start);

		if (rc != 0) {
			return rc;
		}
	}
	return __builtin_add_overflow(range->start, range->size, &end) ? -XEN_EINVAL : 0;
}

/* Entry idx of reg on the parent's bus. */
static int reg_on_bus(const void *fdt, const struct devtree_path *path, unsigned int idx,
		      struct devtree_range *range)
{
	unsigned int address_cells, size_cells, entry;
	int length;
	const uint8_t *reg;

	if (path->depth == 0) {
		return -XEN_ENOENT;
	}
	reg = fdt_getprop(fdt, path->node[path->depth], "reg", &length);
	if (reg == NULL) {
		return length == -FDT_ERR_NOTFOUND ? -XEN_ENOENT : -XEN_EINVAL;
	}
	if (cells_at(fdt, path, path->depth - 1, &address_cells, &size_cells) != 0) {
		return -XEN_EINVAL;
	}
	if (size_cells == 0 || address_cells == 0 || address_cells > 2) {
		return -XEN_ENODEV; /* not memory: CPUs, i2c, PCI devices */
	}
	entry = (address_cells + size_cells) * CELL;
	if ((unsigned int)length % entry != 0) {
		return -XEN_EINVAL;
	}
	if (idx >= (unsigned int)length / entry) {
		return -XEN_ENOENT;
	}
	return devtree_range_load(reg + idx * entry, (int)entry, address_cells, size_cells, range);
}

int devtree_reg(const void *fdt, const struct devtree_path *path, unsigned int idx,
		struct devtree_range *range)
{
	int rc = reg_on_bus(fdt, path, idx, range);

	return rc != 0 ? rc : translate(fdt, path, path->depth - 1, range);
}

int devtree_pci_range(const void *fdt, const struct devtree_path *path, unsigned int idx,
		      struct devtree_range *range)
{
	unsigned int child_cells, size_cells, parent_cells, unused, entry;
	int length;
	const uint8_t *ranges = fdt_getprop(fdt, path->node[path->depth], "ranges", &length);

	if (ranges == NULL || path->depth == 0) {
		return length == -FDT_ERR_NOTFOUND ? -XEN_ENOENT : -XEN_EINVAL;
	}
	if (cells_at(fdt, path, path->depth, &child_cells, &size_cells) != 0 ||
	    cells_at(fdt, path, path->depth - 1, &parent_cells, &unused) != 0) {
		return -XEN_EINVAL;
	}
	entry = (child_cells + parent_cells + size_cells) * CELL;
	if (child_cells != 3 || parent_cells == 0 || size_cells == 0 ||
	    (unsigned int)length % entry != 0) {
		return -XEN_EINVAL;
	}
	if (idx >= (unsigned int)length / entry) {
		return -XEN_ENOENT;
	}
	ranges += idx * entry + child_cells * CELL;
	if (!load_number(ranges, parent_cells, &range->start) ||
	    !load_number(ranges + parent_cells * CELL, size_cells, &range->size)) {
		return -XEN_EINVAL;
	}
	return translate(fdt, path, path->depth - 1, range);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static int controller_of(const void *fdt, uint32_t phandle, int likely)
{
	if (likely >= 0 && fdt_get_phandle(fdt, likely) == phandle) {
		return likely;
	}
	/* 0 and -1 are no phandles: libfdt refuses them. */
	return fdt_node_offset_by_phandle(fdt, phandle);
}

/* The controller that rules the node's interrupts property; negative when there is none. */
static int interrupt_parent(const void *fdt, const struct devtree_path *path, int likely)
{
	for (int i = path->depth; i >= 0; i--) {
		uint32_t phandle;

		if (i < path->depth &&
		    fdt_getprop(fdt, path->node[i], "#interrupt-cells", NULL) != NULL) {
			return path->node[i];
		}
		if (devtree_get_u32(fdt, path->node[i], "interrupt-parent", &phandle) == 0) {
			return controller_of(fdt, phandle, likely);
		}
	}
	return -1;
}

static int load_specifier(const void *fdt, int controller, const uint8_t *at,
			  unsigned int bytes_left, struct devtree_irq *irq)
{
	uint32_t cells;

	if (controller < 0 || devtree_get_u32(fdt, controller, "#interrupt-cells", &cells) != 0 ||
	    cells == 0 || cells > MAX_CELLS || bytes_left < cells * CELL) {
		return -XEN_EINVAL;
	}
	irq->controller = controller;
	irq->nr_cells = cells;
	for (unsigned int i = 0; i < cells; i++) {
		irq->cell[i] = fdt32_ld((const fdt32_t *)(at + i * CELL));
	}
	return 0;
}

static int extended_irq(const void *fdt, const uint8_t *prop, unsigned int length, unsigned int idx,
			int likely, struct devtree_irq *irq)
{
	unsigned int at = 0;

	for (;; idx--) {
		int rc;

		if (at == length) {
			return -XEN_ENOENT;
		}
		if (length - at < CELL) {
			return -XEN_EINVAL;
		}
		rc = load_specifier(fdt,
				    controller_of(fdt, fdt32_ld((const fdt32_t *)(prop + at)),
						  likely),
				    prop + at + CELL, length - at - CELL, irq);
		if (rc != 0 || idx == 0) {
			return rc;
		}
		at += (1 + irq->nr_cells) * CELL;
	}
}

int devtree_irq(const void *fdt, const struct devtree_path *path, unsigned int idx,
		int likely_controller, struct devtree_irq *irq)
{
	int node = path->node[path->depth];
	int length, rc;
	const uint8_t *prop = fdt_getprop(fdt, node, "interrupts-extended", &length);

	if (prop != NULL) {
		return extended_irq(fdt, prop, (unsigned int)length, idx, likely_controller, irq);
	}
	prop = fdt_getprop(fdt, node, "interrupts", &length);
	if (prop == NULL) {
		return length == -FDT_ERR_NOTFOUND ? -XEN_ENOENT : -XEN_EINVAL;
	}
	if (length == 0) {
		return -XEN_ENOENT;
	}
	/* The first specifier gives the width of all. */
	rc = load_specifier(fdt, interrupt_parent(fdt, path, likely_controller), prop,
			    (unsigned int)length, irq);
	if (rc != 0) {
		return rc;
	}
	if ((unsigned int)length % (irq->nr_cells * CELL) != 0) {
		return -XEN_EINVAL;
	}
	if (idx >= (unsigned int)length / (irq->nr_cells * CELL)) {
		return -XEN_ENOENT;
	}
	idx *= irq->nr_cells * CELL;
	return load_specifier(fdt, irq->controller, prop + idx, (unsigned int)length - idx, irq);
}

int devtree_irq_map(const void *fdt, const struct devtree_path *path, uint32_t *position,
		    int likely_controller, struct devtree_irq *irq)
{
	int node = path->node[path->depth];
	int length, controller;
	const uint8_t *map = fdt_getprop(fdt, node, "interrupt-map", &length);
	unsigned int address_cells, size_cells;
	uint32_t interrupt_cells, parent_cells = 0;
	uint64_t at = *position;
	int rc;

	if (map == NULL) {
		return length == -FDT_ERR_NOTFOUND ? -XEN_ENOENT : -XEN_EINVAL;
	}
	if (at >= (unsigned int)length) {
		return at == (unsigned int)length ? -XEN_ENOENT : -XEN_EINVAL;
	}
	if (cells_at(fdt, path, path->depth, &address_cells, &size_cells) != 0 ||
	    devtree_get_u32(fdt, node, "#interrupt-cells", &interrupt_cells) != 0 ||
	    interrupt_cells > MAX_CELLS) {
		return -XEN_EINVAL;
	}
	/* child address, child specifier, controller, its unit address, its specifier */
	at += (address_cells + interrupt_cells) * CELL;
	if (at + CELL > (unsigned int)length) {
		return -XEN_EINVAL;
	}
	controller = controller_of(fdt, fdt32_ld((const fdt32_t *)(map + at)), likely_controller);
	at += CELL;
	if (controller < 0) {
		return -XEN_EINVAL;
	}
	/* Not inherited here: a controller without it has no unit address (Linux,
	 * of_irq_parse_raw). */
	rc = devtree_get_u32(fdt, controller, "#address-cells", &parent_cells);
	if ((rc != 0 && rc != -XEN_ENOENT) || parent_cells > MAX_CELLS) {
		return -XEN_EINVAL;
	}
	at += parent_cells * CELL;
	if (at > (unsigned int)length) {
		return -XEN_EINVAL;
	}
	rc = load_specifier(fdt, controller, map + at, (unsigned int)length - (unsigned int)at, irq);
	if (rc == 0) {
		*position = (uint32_t)at + irq->nr_cells * CELL;
	}
	return rc;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static bool is_memory(const void *fdt, int node)
{
	const char *name = fdt_get_name(fdt, node, NULL);
	int error;
	const char *type;

	if (name == NULL || strncmp(name, "memory", 6) != 0 || (name[6] != '\0' && name[6] != '@')) {
		return false;
	}
	type = devtree_get_string(fdt, node, "device_type", &error);
	return type != NULL && strcmp(type, "memory") == 0 && devtree_is_available(fdt, node);
}

static void sort_and_merge(struct devtree_range *bank, unsigned int *nr)
{
	unsigned int kept = 0;

	for (unsigned int i = 1; i < *nr; i++) {
		struct devtree_range moved = bank[i];
		unsigned int j = i;

		for (; j > 0 && bank[j - 1].start > moved.start; j--) {
			bank[j] = bank[j - 1];
		}
		bank[j] = moved;
	}
	for (unsigned int i = 1; i < *nr; i++) {
		uint64_t end = bank[kept].start + bank[kept].size;

		if (bank[i].start > end) {
			bank[++kept] = bank[i];
		} else if (bank[i].start + bank[i].size > end) {
			bank[kept].size = bank[i].start + bank[i].size - bank[kept].start;
		}
	}
	*nr = *nr > 0 ? kept + 1 : 0;
}

/* Append all reg entries of the node; false when one is malformed or there are too many. */
static bool append_reg(const void *fdt, const struct devtree_path *path,
		       struct devtree_range *range, unsigned int max, unsigned int *nr)
{
	for (unsigned int idx = 0;; idx++) {
		struct devtree_range one;
		int rc = reg_on_bus(fdt, path, idx, &one);

		if (rc == -XEN_ENOENT) {
			return true;
		}
		if (rc != 0 || *nr == max) {
			return false;
		}
		if (one.size != 0) {
			range[(*nr)++] = one;
		}
	}
}

int devtree_add_memory(const void *fdt, int node, struct devtree_range *bank, unsigned int max,
		       unsigned int *nr)
{
	struct devtree_path path = {.depth = 1, .node = {0, node}};
	bool good;

	if (!is_memory(fdt, node)) {
		return 0;
	}
	good = append_reg(fdt, &path, bank, max, nr);
	sort_and_merge(bank, nr);
	return good ? 0 : -XEN_EINVAL;
}

unsigned int devtree_memory_banks(const void *fdt, struct devtree_range *bank, unsigned int max,
				  int *bad_node)
{
	unsigned int nr = 0;
	int node;

	*bad_node = -1;
	fdt_for_each_subnode(node, fdt, 0) {
		if (devtree_add_memory(fdt, node, bank, max, &nr) != 0 && *bad_node < 0) {
			*bad_node = node;
		}
	}
	return nr;
}

unsigned int devtree_reserved_memory(const void *fdt, int parent, struct devtree_range *range,
				     unsigned int max, int *bad_node)
{
	unsigned int nr = 0;
	int node;

	*bad_node = -1;
	if (parent < 0) {
		return 0;
	}
	fdt_for_each_subnode(node, fdt, parent) {
		struct devtree_path path = {.depth = 2, .node = {0, parent, node}};

		if (!append_reg(fdt, &path, range, max, &nr) && *bad_node < 0) {
			*bad_node = node;
		}
	}
	return nr;
}
