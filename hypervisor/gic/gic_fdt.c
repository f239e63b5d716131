/* SPDX-License-Identifier: MIT */
/*
 * The machine's interrupt controller in its device tree: bindings "arm,gic" and "arm,gic-v3" of the Linux kernel's
 * Documentation/devicetree/bindings/interrupt-controller. Only reads the tree; the frames are found to be usable or
 * not by the driver.
 */
#include "gic/gic_internal.h"

#include <libfdt.h>

#include "abi/xen.h"
#include "devtree/devtree.h"
#include "lib/log.h"
#include "lib/string.h"

/* Frames of a GICv2 in the order of reg. */
enum {
	REG_GICD,
	REG_GICC,
	REG_GICH,
	REG_GICV
};

/* The PPI that SBSA gives to GIC maintenance, and that GIC-400 is wired to. */
#define DEFAULT_MAINTENANCE_INTID 25
#define IRQ_TYPE_PPI              1

static const struct {
	const char *compatible;
	enum gic_version version;
} controllers[] = {
	{"arm,gic-v3", GIC_V3},         {"arm,gic-400", GIC_V2},
	{"arm,cortex-a15-gic", GIC_V2}, {"arm,cortex-a7-gic", GIC_V2},
	{"arm,cortex-a9-gic", GIC_V2},
};

static const char *name_of(const void *fdt, int node)
{
	const char *name = fdt_get_name(fdt, node, NULL);

	return name != NULL ? name : "?";
}

/* The first controller of a known kind that is switched on; negative when there is none. */
static int find_node(const void *fdt, enum gic_version *version)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(controllers); i++) {
		int node = -1;

		while ((node = fdt_node_offset_by_compatible(fdt, node,
							     controllers[i].compatible)) >= 0) {
			if (devtree_is_available(fdt, node) &&
			    fdt_getprop(fdt, node, "interrupt-controller", NULL) != NULL) {
				*version = controllers[i].version;
				return node;
			}
		}
	}
	return -1;
}

/* A frame that must be there; its name is for the message. */
static int read_frame(const void *fdt, const struct devtree_path *path, unsigned int idx,
		      const char *name, maddr_t *base, maddr_t *size)
{
	struct devtree_range range;
	int error = devtree_reg(fdt, path, idx, &range);

	if (error == 0 && (range.size < PAGE_SIZE || !IS_ALIGNED(range.start, PAGE_SIZE))) {
		error = -XEN_EINVAL;
	}
	if (error != 0) {
		log_error("gic: device tree node %s: entry %u of reg, %s, is %s",
			  name_of(fdt, path->node[path->depth]), idx, name,
			  error == -XEN_ENOENT ? "missing" : "malformed");
		return -XEN_EINVAL;
	}
	*base = range.start;
	*size = range.size;
	return 0;
}

/* A frame that a GICv3 may have for the sake of GICv2 guests. */
static void read_legacy_frame(const void *fdt, const struct devtree_path *path, unsigned int idx,
			      maddr_t *base, maddr_t *size)
{
	struct devtree_range range;

	if (devtree_reg(fdt, path, idx, &range) == 0 && range.size >= PAGE_SIZE &&
	    IS_ALIGNED(range.start, PAGE_SIZE)) {
		*base = range.start;
		*size = range.size;
	}
}

static int read_frames_v2(const void *fdt, const struct devtree_path *path, struct gic_info *info)
{
	int error = read_frame(fdt, path, REG_GICD, "the distributor", &info->dist_base,
			       &info->dist_size);

	if (error == 0) {
		error = read_frame(fdt, path, REG_GICC, "the CPU interface", &info->cpu_base,
				   &info->cpu_size);
	}
	if (error == 0) {
		error = read_frame(fdt, path, REG_GICH, "the virtual interface control",
				   &info->gich_base, &info->gich_size);
	}
	if (error == 0) {
		error = read_frame(fdt, path, REG_GICV, "the virtual CPU interface",
				   &info->gicv_base, &info->gicv_size);
	}
	return error;
}

static int read_frames_v3(const void *fdt, const struct devtree_path *path, struct gic_info *info)
{
	int node = path->node[path->depth];
	uint32_t nr_regions = 1, stride32;
	int error = read_frame(fdt, path, REG_GICD, "the distributor", &info->dist_base,
			       &info->dist_size);

	if (error != 0) {
		return error;
	}
	error = devtree_get_u32(fdt, node, "#redistributor-regions", &nr_regions);
	if ((error != 0 && error != -XEN_ENOENT) || nr_regions == 0) {
		log_error("gic: device tree node %s: #redistributor-regions is malformed",
			  name_of(fdt, node));
		return -XEN_EINVAL;
	}
	if (nr_regions > ARRAY_SIZE(info->redist_region)) {
		log_error("gic: device tree node %s: %u redistributor regions, at most %zu are "
			  "supported",
			  name_of(fdt, node), nr_regions, ARRAY_SIZE(info->redist_region));
		return -XEN_EINVAL;
	}
	for (unsigned int i = 0; i < nr_regions; i++) {
		error = read_frame(fdt, path, 1 + i, "a redistributor region",
				   &info->redist_region[i].base, &info->redist_region[i].size);
		if (error != 0) {
			return error;
		}
	}
	info->nr_redist_regions = nr_regions;

	/* One or two cells. */
	error = devtree_get_u64(fdt, node, "redistributor-stride", &info->redist_stride);
	if (error == -XEN_EINVAL &&
	    devtree_get_u32(fdt, node, "redistributor-stride", &stride32) == 0) {
		info->redist_stride = stride32;
		error = 0;
	}
	if ((error != 0 && error != -XEN_ENOENT) ||
	    (info->redist_stride != 0 && (info->redist_stride < GICR_FRAME_BYTES ||
					  !IS_ALIGNED(info->redist_stride, 0x10000)))) {
		log_error("gic: device tree node %s: redistributor-stride is malformed",
			  name_of(fdt, node));
		return -XEN_EINVAL;
	}
	read_legacy_frame(fdt, path, 1 + nr_regions, &info->cpu_base, &info->cpu_size);
	read_legacy_frame(fdt, path, 2 + nr_regions, &info->gich_base, &info->gich_size);
	read_legacy_frame(fdt, path, 3 + nr_regions, &info->gicv_base, &info->gicv_size);
	return 0;
}

static uint32_t maintenance_intid(const void *fdt, const struct devtree_path *path)
{
	int node = path->node[path->depth];
	struct devtree_irq irq;
	int error = devtree_irq(fdt, path, 0, node, &irq);

	/* <1 N flags> is PPI N, which is INTID 16 + N. */
	if (error == 0 && irq.nr_cells >= 3 && irq.cell[0] == IRQ_TYPE_PPI &&
	    irq.cell[1] < INTID_SPI_FIRST - INTID_PPI_FIRST) {
		return INTID_PPI_FIRST + irq.cell[1];
	}
	log_warning("gic: device tree node %s: %s maintenance interrupt, assuming %u",
		    name_of(fdt, node), error == -XEN_ENOENT ? "no" : "strange",
		    DEFAULT_MAINTENANCE_INTID);
	return DEFAULT_MAINTENANCE_INTID;
}

int gic_fdt_parse(const void *fdt, struct gic_info *info)
{
	struct devtree_path path;
	int error;

	memset(info, 0, sizeof(*info));
	info->fdt_node = find_node(fdt, &info->version);
	if (info->fdt_node < 0) {
		log_error("gic: the device tree has no interrupt controller that Tenon knows "
			  "(GICv2 or GICv3)");
		return -XEN_ENOENT;
	}
	error = devtree_path_of(fdt, info->fdt_node, &path);
	if (error != 0) {
		log_error("gic: device tree node %s: nested too deeply",
			  name_of(fdt, info->fdt_node));
		return error;
	}
	error = info->version == GIC_V3 ? read_frames_v3(fdt, &path, info)
					: read_frames_v2(fdt, &path, info);
	if (error == 0) {
		info->maintenance_intid = maintenance_intid(fdt, &path);
	}
	return error;
}
