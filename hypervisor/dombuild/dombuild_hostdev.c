/* SPDX-License-Identifier: MIT */
/*
 * dom0's devices: registers and PCI windows of the nodes it sees are mapped 1:1, their SPIs become
 * its own.
 *
 * The tree is input: RAM, Tenon's own devices and everything that RAM frames belong to are taken
 * out of what the nodes claim before anything is mapped. /reserved-memory lies in RAM by design; of
 * it, only frames that nobody owns are mapped.
 */
#include "dombuild/dombuild_internal.h"

#include <libfdt.h>

#include "gic/gic.h"
#include "lib/bitmap.h"
#include "lib/log.h"
#include "lib/string.h"

#define MMIO_ORDER  2
#define MMIO_RANGES ((PAGE_SIZE << MMIO_ORDER) / sizeof(struct range))
#define MAX_BANKS   64

struct hostdev {
	struct domain *d;
	const void *host;
	int gic_node, console_node;
	struct devtree_path path;
	struct rangeset mmio;
	uint64_t spis[BITMAP_WORDS(INTID_SPI_LIMIT)]; /* seen so far */
};

static const char *__init name_of(const struct hostdev *hostdev)
{
	const char *name =
		fdt_get_name(hostdev->host, hostdev->path.node[hostdev->path.depth], NULL);

	return name != NULL ? name : "?";
}

/* ---- registers ------------------------------------------------------------------------------- */

static void __init claim_range(struct hostdev *hostdev, const struct devtree_range *range,
			       const char *property)
{
	uint64_t limit = BIT64(stage2_ipa_bits());
	uint64_t end = range->start + range->size;

	if (range->size == 0) {
		return;
	}
	if (end > limit) {
		log_warning("dom0: device tree: %s: %s 0x%lx + 0x%lx is beyond the %u address bits "
			    "of a guest: not given to "
			    "dom0",
			    name_of(hostdev), property, range->start, range->size,
			    stage2_ipa_bits());
		return;
	}
	if (rangeset_add(&hostdev->mmio, ALIGN_DOWN(range->start, PAGE_SIZE),
			 ALIGN_UP(end, PAGE_SIZE)) != 0) {
		log_warning("dom0: device tree: too many devices: %s is not given to dom0",
			    name_of(hostdev));
	}
}

typedef int (*get_range_t)(const void *fdt, const struct devtree_path *path, unsigned int idx,
			   struct devtree_range *range);

static void __init claim_ranges(struct hostdev *hostdev, get_range_t get, const char *property)
{
	for (unsigned int idx = 0;; idx++) {
		struct devtree_range range;
		int rc = get(hostdev->host, &hostdev->path, idx, &range);

		if (rc == -XEN_EINVAL) {
			log_warning("dom0: device tree: %s: property %s is malformed: what it says "
				    "is not given to dom0",
				    name_of(hostdev), property);
		}
		if (rc == 0) {
			claim_range(hostdev, &range, property);
		} else if (rc != -XEN_ENODEV || get == devtree_reg) {
			return;
		}
	}
}

/* Take the registers of a node that Tenon drives, and of its children, out of the set. */
static void __init withhold_node(struct hostdev *hostdev, int node)
{
	struct devtree_path path;
	struct devtree_range range;
	int child;

	if (node < 0 || devtree_path_of(hostdev->host, node, &path) != 0) {
		return;
	}
	for (unsigned int idx = 0; devtree_reg(hostdev->host, &path, idx, &range) == 0; idx++) {
		if (rangeset_remove(&hostdev->mmio, ALIGN_DOWN(range.start, PAGE_SIZE),
				    ALIGN_UP(range.start + range.size, PAGE_SIZE)) != 0) {
			hostdev->mmio.nr = 0; /* rather nothing than too much */
		}
	}
	if (path.depth + 1 < DEVTREE_MAX_DEPTH) {
		fdt_for_each_subnode(child, hostdev->host, node) {
			withhold_node(hostdev, child);
		}
	}
}

static void __init withhold_ram(struct hostdev *hostdev)
{
	struct devtree_range bank[MAX_BANKS];
	int bad_node;
	unsigned int nr = devtree_memory_banks(hostdev->host, bank, MAX_BANKS, &bad_node);

	for (unsigned int i = 0; i < nr; i++) {
		if (rangeset_remove(&hostdev->mmio, ALIGN_DOWN(bank[i].start, PAGE_SIZE),
				    ALIGN_UP(bank[i].start + bank[i].size, PAGE_SIZE)) != 0) {
			hostdev->mmio.nr = 0;
		}
	}
}

static void __init map_registers(struct hostdev *hostdev)
{
	const struct range *range;

	withhold_ram(hostdev);
	withhold_node(hostdev, hostdev->gic_node);
	withhold_node(hostdev, hostdev->console_node);
	rangeset_for_each(range, &hostdev->mmio) {
		uint64_t first = range->start >> PAGE_SHIFT;
		int rc = stage2_map(hostdev->d, gfn(first), mfn(first),
				    (range->end - range->start) >> PAGE_SHIFT, STAGE2_DEVICE_HWDOM);

		if (rc != 0) {
			log_warning("dom0: device registers at 0x%lx (0x%lx bytes) cannot be "
				    "mapped: error %d",
				    range->start, range->end - range->start, rc);
		}
	}
}

static bool __init is_unowned_ram(uint64_t frame)
{
	const struct frame *f = frame_of(mfn(frame));
	maddr_t start = frame << PAGE_SHIFT;

	if (f == NULL || f->state != FRAME_RESERVED ||
	    (start < boot_info.image_start + boot_info.image_size &&
	     boot_info.image_start < start + PAGE_SIZE)) {
		return false;
	}
	for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
		const struct boot_module *module = &boot_info.module[i];

		if (start < module->start + module->size && module->start < start + PAGE_SIZE) {
			return false;
		}
	}
	return true;
}

/* Runs of frames that are reserved and nobody's. */
static void __init map_reserved_memory(struct hostdev *hostdev)
{
	struct devtree_range reserved[DOM0_MAX_RESERVED];
	int bad_node;
	unsigned int nr = devtree_reserved_memory(hostdev->host, boot_info.reserved_memory,
						  reserved, DOM0_MAX_RESERVED, &bad_node);

	for (unsigned int i = 0; i < nr; i++) {
		uint64_t at = reserved[i].start >> PAGE_SHIFT;
		uint64_t end = (reserved[i].start + reserved[i].size + PAGE_SIZE - 1) >> PAGE_SHIFT;

		while (at < end) {
			uint64_t first = at;

			if (!is_unowned_ram(at)) {
				at++;
				continue;
			}
			while (at < end && is_unowned_ram(at)) {
				at++;
			}
			if (stage2_map(hostdev->d, gfn(first), mfn(first), at - first,
				       STAGE2_DEVICE_HWDOM) != 0) {
				log_warning("dom0: reserved memory at 0x%lx cannot be mapped",
					    first << PAGE_SHIFT);
			}
		}
	}
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static void __init assign_irq(struct hostdev *hostdev, const struct devtree_irq *irq)
{
	enum gic_trigger trigger;
	uint32_t intid;
	int rc;

	/* Interrupts of other controllers reach dom0 through the SPI of that controller. */
	if (irq->controller != hostdev->gic_node || irq->nr_cells < 3) {
		return;
	}
	if (irq->cell[0] != 0) {
		log_warning("dom0: device tree: %s: interrupts of type %u are not supported",
			    name_of(hostdev), irq->cell[0]);
		return;
	}
	if (irq->cell[1] >= gic_info.nr_intids - INTID_SPI_FIRST) {
		log_warning("dom0: device tree: %s: the controller has no SPI %u", name_of(hostdev),
			    irq->cell[1]);
		return;
	}
	intid = irq->cell[1] + INTID_SPI_FIRST;
	if (bitmap_test(hostdev->spis, intid) || irq_is_registered(intid)) {
		return;
	}
	bitmap_set(hostdev->spis, intid);
	/* Bits 0 and 1 of the flags: rising, falling edge; 2 and 3: levels. The controller knows
	 * two kinds. */
	trigger = (irq->cell[2] & 3) != 0 ? GIC_EDGE : GIC_LEVEL;
	rc = vgic_assign_physical(hostdev->d, intid, trigger);
	if (rc != 0) {
		log_warning("dom0: device tree: %s: SPI %u cannot be given to dom0: error %d",
			    name_of(hostdev), irq->cell[1], rc);
	}
}

static void __init assign_irqs(struct hostdev *hostdev)
{
	struct devtree_irq irq;
	uint32_t position = 0;
	int rc;

	for (unsigned int idx = 0;; idx++) {
		rc = devtree_irq(hostdev->host, &hostdev->path, idx, hostdev->gic_node, &irq);
		if (rc != 0) {
			break;
		}
		assign_irq(hostdev, &irq);
	}
	if (rc == -XEN_EINVAL) {
		log_warning("dom0: device tree: %s: its interrupts cannot be understood",
			    name_of(hostdev));
	}
	do {
		rc = devtree_irq_map(hostdev->host, &hostdev->path, &position, hostdev->gic_node,
				     &irq);
		if (rc == 0) {
			assign_irq(hostdev, &irq);
		}
	} while (rc == 0);
	if (rc == -XEN_EINVAL) {
		log_warning("dom0: device tree: %s: property interrupt-map is malformed",
			    name_of(hostdev));
	}
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void __init visit(struct hostdev *hostdev, bool behind_pci)
{
	int node = hostdev->path.node[hostdev->path.depth];
	enum hostfdt_fate fate = dombuild_hostfdt_fate(hostdev->host, &hostdev->path,
						       hostdev->gic_node, hostdev->console_node);
	const char *type;
	int child, error;

	if (fate != HOSTFDT_COPY || !devtree_is_available(hostdev->host, node)) {
		return;
	}
	/* /chosen has no devices; /reserved-memory is RAM. */
	if (hostdev->path.depth == 1 && (strcmp(name_of(hostdev), "chosen") == 0 ||
					 strcmp(name_of(hostdev), "reserved-memory") == 0)) {
		return;
	}
	type = devtree_get_string(hostdev->host, node, "device_type", &error);
	if (!behind_pci) {
		claim_ranges(hostdev, devtree_reg, "reg");
	}
	if (type != NULL && strcmp(type, "pci") == 0 && !behind_pci) {
		claim_ranges(hostdev, devtree_pci_range, "ranges");
		behind_pci = true;
	}
	assign_irqs(hostdev);
	fdt_for_each_subnode(child, hostdev->host, node) {
		if (hostdev->path.depth + 1 == DEVTREE_MAX_DEPTH) {
			break;
		}
		hostdev->path.depth++;
		hostdev->path.node[hostdev->path.depth] = child;
		visit(hostdev, behind_pci);
		hostdev->path.depth--;
	}
}

void __init dombuild_hostdev_assign(struct domain *d, const void *host, int gic_node,
				    int console_node)
{
	struct hostdev hostdev = {
		.d = d,
		.host = host,
		.gic_node = gic_node,
		.console_node = console_node,
		.path = {.depth = 0, .node = {0}},
	};
	struct range *storage = hyp_alloc(MMIO_ORDER);

	if (storage == NULL) {
		log_error("dom0: no memory to sort its devices: it gets none");
		return;
	}
	rangeset_init(&hostdev.mmio, storage, MMIO_RANGES);
	visit(&hostdev, false);
	map_registers(&hostdev);
	map_reserved_memory(&hostdev);
	hyp_free(storage, MMIO_ORDER);
}
