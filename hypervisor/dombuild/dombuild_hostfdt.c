/* SPDX-License-Identifier: MIT */
/*
 * dom0's device tree: the host's, less what Tenon keeps, with the nodes that a guest of Xen expects
 * (xen-abi-arm section 1.8).
 *
 * The host's tree is walked with libfdt's read calls and written anew with its sequential ones; it
 * is never edited. A node's fate (dombuild_hostfdt_fate()) is decided in one place, which the
 * assignment of devices (dombuild_hostdev.c) asks too, so that dom0 gets exactly the resources of
 * the nodes that it sees.
 */
#include "dombuild/dombuild_internal.h"

#include <libfdt.h>

#include "gic/gic.h"
#include "lib/log.h"
#include "lib/string.h"

/* Dropped with their subtrees: boot modules, what Tenon replaces, and what a guest cannot have. */
static const char *const dropped[] = {
	"xen,domain",
	"xen,domain-shared-memory-v1",
	"xen,evtchn-v1",
	"xen,xen",
	"multiboot,module",
	"xen,multiboot-module",
	"arm,psci",
	"arm,psci-0.2",
	"arm,psci-1.0",
	"arm,armv7-timer",
	"arm,armv8-timer",
	"arm,armv7-timer-mem",
	"arm,cortex-a7-pmu",
	"arm,cortex-a15-pmu",
	"arm,armv8-pmuv3",
	"arm,cortex-a53-edac",
	/* IOMMUs would translate addresses that dom0 does not know. */
	"arm,smmu-v1",
	"arm,smmu-v2",
	"arm,smmu-v3",
	"arm,mmu-400",
	"arm,mmu-401",
	"arm,mmu-500",
	"qcom,smmu-v2",
	"renesas,ipmmu-vmsa",
};

/* Property names; for a dropped property anywhere, and in /chosen. */
static const char *const dropped_anywhere[] = {
	"xen,passthrough",
	"iommus",
	"iommu-map",
	"iommu-map-mask",
};
static const char *const dropped_in_chosen[] = {
	"bootargs",
	"xen,xen-bootargs",
	"xen,dom0-bootargs",
	"xen,static-heap",
	"linux,initrd-start",
	"linux,initrd-end",
	"linux,stdout-path",
	"stdout-path",
	"linux,uefi-system-table",
	"linux,uefi-mmap-start",
	"linux,uefi-mmap-size",
	"linux,uefi-mmap-desc-size",
	"linux,uefi-mmap-desc-ver",
	"linux,uefi-stub-kern-ver",
};
/* Of the interrupt controller's node. */
static const char *const kept_of_gic[] = {
	"compatible",
	"#interrupt-cells",
	"#address-cells",
	"#size-cells",
	"ranges",
	"interrupt-controller",
	"phandle",
	"linux,phandle",
	"#redistributor-regions",
	"redistributor-stride",
};

struct copy {
	const void *host;
	const struct hostfdt_dom0 *dom0;
	struct devtree_writer writer;
	struct devtree_path path;
	bool has_chosen;
};

static bool is_listed(const char *name, const char *const *list, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		if (strcmp(name, list[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* One of the strings of compatible is in the list: one pass over the property instead of one a
 * string. */
static bool is_dropped_device(const void *host, int node)
{
	int size;
	const char *at = fdt_getprop(host, node, "compatible", &size);

	while (at != NULL && size > 0) {
		size_t length = strnlen(at, (size_t)size);

		if (length == (size_t)size) {
			return false; /* not terminated */
		}
		if (is_listed(at, dropped, ARRAY_SIZE(dropped))) {
			return true;
		}
		at += length + 1;
		size -= (int)length + 1;
	}
	return false;
}

/* A private interrupt cannot be given away: the node is Tenon's or nobody's. */
static bool has_ppi(const void *host, const struct devtree_path *path, int gic_node)
{
	struct devtree_irq irq;

	for (unsigned int i = 0; devtree_irq(host, path, i, gic_node, &irq) == 0; i++) {
		if (irq.controller == gic_node && irq.nr_cells >= 3 &&
		    (irq.cell[0] == 1 || irq.cell[0] == 3 /* extended */)) {
			return true;
		}
	}
	return false;
}

enum hostfdt_fate dombuild_hostfdt_fate(const void *host, const struct devtree_path *path,
					int gic_node, int console_node)
{
	int node = path->node[path->depth];
	const char *name = fdt_get_name(host, node, NULL);
	const char *type;
	int error;

	if (node == gic_node) {
		return HOSTFDT_GIC;
	}
	if (path->depth == 0) {
		return HOSTFDT_COPY;
	}
	if (node == console_node || name == NULL ||
	    (path->depth == 1 && (strcmp(name, "cpus") == 0 || strcmp(name, "psci") == 0 ||
				  strcmp(name, "timer") == 0 || strcmp(name, "hypervisor") == 0))) {
		return HOSTFDT_DROP;
	}
	type = devtree_get_string(host, node, "device_type", &error);
	if ((type != NULL && strcmp(type, "memory") == 0) || is_dropped_device(host, node) ||
	    has_ppi(host, path, gic_node)) {
		return HOSTFDT_DROP;
	}
	return fdt_getprop(host, node, "xen,passthrough", NULL) != NULL ? HOSTFDT_DISABLE
									: HOSTFDT_COPY;
}

/* ---- properties ------------------------------------------------------------------------------ */

static void __init copy_properties(struct copy *copy, enum hostfdt_fate fate, bool is_chosen)
{
	int node = copy->path.node[copy->path.depth];
	int at;

	fdt_for_each_property_offset(at, copy->host, node) {
		int size;
		const char *name;
		const void *data = fdt_getprop_by_offset(copy->host, at, &name, &size);

		if (data == NULL || is_listed(name, dropped_anywhere, ARRAY_SIZE(dropped_anywhere)) ||
		    (is_chosen && is_listed(name, dropped_in_chosen, ARRAY_SIZE(dropped_in_chosen))) ||
		    (fate == HOSTFDT_DISABLE && strcmp(name, "status") == 0)) {
			continue;
		}
		devtree_prop(&copy->writer, name, data, (size_t)size);
	}
	if (fate == HOSTFDT_DISABLE) {
		devtree_prop_string(&copy->writer, "status", "disabled");
	}
}

static void __init write_chosen_properties(struct copy *copy)
{
	copy->has_chosen = true;
	if (copy->dom0->bootargs != NULL) {
		devtree_prop_string(&copy->writer, "bootargs", copy->dom0->bootargs);
	}
	if (copy->dom0->has_initrd) {
		/* The address follows (devtree_set_initrd()). */
		devtree_prop_u64(&copy->writer, "linux,initrd-start", 0);
		devtree_prop_u64(&copy->writer, "linux,initrd-end", 0);
	}
}

/* The controller that dom0 sees has the host's place and phandle, without its children and its
 * own interrupt. */
static void __init copy_gic(struct copy *copy)
{
	int node = copy->path.node[copy->path.depth];
	struct devtree_path bus = copy->path;
	unsigned int address_cells, size_cells;
	const void *reg;
	bool has_phandle = false;
	int at, size;
	size_t wanted;

	devtree_begin_node(&copy->writer, fdt_get_name(copy->host, node, NULL));
	fdt_for_each_property_offset(at, copy->host, node) {
		const char *name;
		const void *data = fdt_getprop_by_offset(copy->host, at, &name, &size);

		if (data != NULL && is_listed(name, kept_of_gic, ARRAY_SIZE(kept_of_gic))) {
			devtree_prop(&copy->writer, name, data, (size_t)size);
			has_phandle |=
				strcmp(name, "phandle") == 0 || strcmp(name, "linux,phandle") == 0;
		}
	}
	if (!has_phandle) {
		devtree_prop_u32(&copy->writer, "phandle", copy->writer.gic_phandle);
	}
	bus.depth--;
	reg = fdt_getprop(copy->host, node, "reg", &size);
	if (reg != NULL && devtree_cells(copy->host, &bus, &address_cells, &size_cells) == 0) {
		wanted = (size_t)copy->dom0->nr_gic_regs * (address_cells + size_cells) * 4;
		devtree_prop(&copy->writer, "reg", reg, MIN(wanted, (size_t)size));
	}
	devtree_end_node(&copy->writer);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* What every guest has, at the end of the root. */
static void __init write_root_nodes(struct copy *copy)
{
	const struct hostfdt_dom0 *dom0 = copy->dom0;
	struct devtree_writer *w = &copy->writer;

	if (!copy->has_chosen) {
		devtree_begin_node(w, "chosen");
		write_chosen_properties(copy);
		devtree_end_node(w);
	}
	devtree_write_hypervisor(w, dom0->region, dom0->nr_regions, dom0->evtchn_intid);
	devtree_write_psci(w);
	devtree_write_cpus(w, dom0->nr_vcpus, dom0->cpu_compatible, dom0->cpu_compatible_size);
	devtree_write_timer(w, dom0->timer_frequency_hz);
	devtree_write_memory(w, dom0->bank, dom0->nr_banks);
	/* RAM that /reserved-memory carves out of is RAM to Linux as well. */
	devtree_write_memory(w, dom0->reserved, dom0->nr_reserved);
}

/* The node at copy->path, already begun by nobody, and its subtree. Depth is bounded by the
 * path. */
static void __init copy_node(struct copy *copy)
{
	int node = copy->path.node[copy->path.depth];
	enum hostfdt_fate fate = dombuild_hostfdt_fate(copy->host, &copy->path, copy->dom0->gic_node,
						       copy->dom0->console_node);
	const char *name = fdt_get_name(copy->host, node, NULL);
	bool is_chosen = copy->path.depth == 1 && name != NULL && strcmp(name, "chosen") == 0;
	int child;

	if (fate == HOSTFDT_DROP) {
		return;
	}
	if (fate == HOSTFDT_GIC) {
		copy_gic(copy);
		return;
	}
	devtree_begin_node(&copy->writer, copy->path.depth == 0 ? "" : name);
	copy_properties(copy, fate, is_chosen);
	if (is_chosen) {
		write_chosen_properties(copy);
	}
	fdt_for_each_subnode(child, copy->host, node) {
		if (copy->path.depth + 1 == DEVTREE_MAX_DEPTH) {
			log_warning("dom0: device tree: %s: nodes below are too deep and left out",
				    name);
			break;
		}
		copy->path.depth++;
		copy->path.node[copy->path.depth] = child;
		copy_node(copy);
		copy->path.depth--;
	}
	if (copy->path.depth == 0) {
		write_root_nodes(copy);
	}
	devtree_end_node(&copy->writer);
}

int __init dombuild_hostfdt_write(const void *host, const struct hostfdt_dom0 *dom0, void *buffer,
				  size_t buffer_size, size_t *size)
{
	struct copy copy = {.host = host, .dom0 = dom0, .path = {.depth = 0, .node = {0}}};
	uint32_t phandle = dom0->gic_node >= 0 ? fdt_get_phandle(host, dom0->gic_node) : 0;
	unsigned int address_cells, size_cells;

	if (devtree_cells(host, &copy.path, &address_cells, &size_cells) != 0 ||
	    address_cells < 1 || address_cells > 2 || size_cells < 1 || size_cells > 2) {
		log_error("dom0: device tree: #address-cells or #size-cells of the root is neither "
			  "1 nor 2");
		return -XEN_EINVAL;
	}
	devtree_start(&copy.writer, buffer, buffer_size);
	copy.writer.address_cells = address_cells;
	copy.writer.size_cells = size_cells;
	if (phandle != 0) {
		copy.writer.gic_phandle = phandle;
	}
	copy_node(&copy);
	return devtree_finish(&copy.writer, size);
}
