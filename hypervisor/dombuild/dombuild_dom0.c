/* SPDX-License-Identifier: MIT */
/*
 * dom0, the hardware domain: direct-mapped memory (IPA = MA, since its devices do DMA by address),
 * the host's devices, and a tree derived from the host's (xen-abi-arm section 1.8).
 */
#include "dombuild/dombuild_internal.h"

#include <libfdt.h>

#include "arm64/percpu.h"
#include "boot/boot_options.h"
#include "console/console.h"
#include "gic/gic.h"
#include "lib/log.h"
#include "lib/string.h"
#include "vtimer/vtimer.h"

#define BANK_ALIGN      (2 * MIB)
#define FIRST_BANK_MIN  (128 * MIB) /* kernel, initrd and tree go here */
#define OTHER_BANK_MIN  (4 * MIB)
#define FOUR_GIB        (UINT64_C(1) << 32)
#define GRANT_WINDOW    (GRANT_MAX_FRAMES * PAGE_SIZE)
#define EXTENDED_MIN    (64 * MIB)
#define REDIST_STRIDE   (UINT64_C(2) << 16)
#define GICV2_MAX_VCPUS 8
#define HOST_MAX_BANKS  64

/* ---- memory ---------------------------------------------------------------------------------- */

static bool __init fits(uint64_t bytes, maddr_t below, mfn_t *first)
{
	return frame_pool_find_contiguous(bytes >> PAGE_SHIFT, below, BANK_ALIGN >> PAGE_SHIFT,
					  first) == 0;
}

/* The largest block below a limit, from min to wanted bytes; 0 when there is none. */
static uint64_t __init find_bank(uint64_t wanted, uint64_t min, maddr_t below, mfn_t *first)
{
	uint64_t good = min, bad = wanted;

	if (fits(wanted, below, first)) {
		return wanted;
	}
	if (!fits(min, below, first)) {
		return 0;
	}
	/* good fits, bad does not. */
	while (bad - good > BANK_ALIGN) {
		uint64_t middle = ALIGN_DOWN(good + (bad - good) / 2, BANK_ALIGN);

		if (fits(middle, below, first)) {
			good = middle;
		} else {
			bad = middle;
		}
	}
	return fits(good, below, first) ? good : 0;
}

/* Claim dom0's banks, the first one large and low. False when memory does not suffice. */
static bool __init claim_banks(struct domain *d, uint64_t bytes, struct hostfdt_dom0 *tree)
{
	uint64_t left = bytes;
	uint64_t reach = BIT64(stage2_ipa_bits());

	while (left > 0 && tree->nr_banks < DOM0_MAX_BANKS) {
		bool is_first = tree->nr_banks == 0;
		uint64_t min = MIN(left, is_first ? FIRST_BANK_MIN : OTHER_BANK_MIN);
		mfn_t first;
		uint64_t size = find_bank(left, min, FOUR_GIB, &first);

		if (size == 0) {
			size = find_bank(left, min, reach, &first);
		}
		if (size == 0 || frame_pool_claim(first, size >> PAGE_SHIFT, d->id) != 0) {
			break;
		}
		dombuild_account_pages(d, size >> PAGE_SHIFT);
		tree->bank[tree->nr_banks++] = (struct devtree_range){mfn_to_maddr(first), size};
		left -= size;
	}
	if (left > 0) {
		log_error("dom0: only %lu of %lu MiB of memory can be had (%s); lower dom0_mem; "
			  "dom0 is left out",
			  (bytes - left) >> 20, bytes >> 20,
			  tree->nr_banks == 0 ? "no 128 MiB in one piece" : "the rest is scattered");
	}
	return left == 0;
}

static int __init map_banks(struct domain *d, const struct hostfdt_dom0 *tree)
{
	for (unsigned int i = 0; i < tree->nr_banks; i++) {
		mfn_t first = maddr_to_mfn(tree->bank[i].start);
		uint64_t nr = tree->bank[i].size >> PAGE_SHIFT;
		int rc = stage2_map(d, gfn(first.raw), first, nr, STAGE2_RAM);

		if (rc != 0) {
			log_error("dom0: its memory at 0x%lx cannot be mapped: error %d; dom0 is "
				  "left out",
				  mfn_to_maddr(first), rc);
			return rc;
		}
	}
	return 0;
}

static void __init sort_banks(struct hostfdt_dom0 *tree)
{
	for (unsigned int i = 1; i < tree->nr_banks; i++) {
		for (unsigned int j = i; j > 0 && tree->bank[j - 1].start > tree->bank[j].start;
		     j--) {
			struct devtree_range moved = tree->bank[j];

			tree->bank[j] = tree->bank[j - 1];
			tree->bank[j - 1] = moved;
		}
	}
}

/* ---- address space for grants and foreign pages ---------------------------------------------- */

/* Host RAM that dom0 does not have and nobody reserved: addresses at which nothing will ever be
 * mapped 1:1. */
static int __init find_unused_ram(struct hostfdt_dom0 *tree, struct rangeset *unused)
{
	struct devtree_range bank[HOST_MAX_BANKS], reserved[DOM0_MAX_RESERVED];
	uint64_t reach = BIT64(stage2_ipa_bits());
	int bad_node;
	unsigned int nr = devtree_memory_banks(boot_info.fdt, bank, HOST_MAX_BANKS, &bad_node);
	unsigned int nr_reserved = devtree_reserved_memory(boot_info.fdt, boot_info.reserved_memory,
							   reserved, DOM0_MAX_RESERVED, &bad_node);
	int rc = 0;

	for (unsigned int i = 0; i < nr && rc == 0; i++) {
		rc = rangeset_add(unused, ALIGN_UP(bank[i].start, PAGE_SIZE),
				  MIN(ALIGN_DOWN(bank[i].start + bank[i].size, PAGE_SIZE), reach));
	}
	for (unsigned int i = 0; i < nr_reserved && rc == 0; i++) {
		uint64_t start = reserved[i].start, end = reserved[i].start + reserved[i].size;

		if (end <= reach && rangeset_contains(unused, start, end)) {
			tree->reserved[tree->nr_reserved++] = reserved[i];
		}
		rc = rangeset_remove(unused, ALIGN_DOWN(start, PAGE_SIZE), ALIGN_UP(end, PAGE_SIZE));
	}
	for (unsigned int i = 0; i < tree->nr_banks && rc == 0; i++) {
		rc = rangeset_remove(unused, tree->bank[i].start,
				     tree->bank[i].start + tree->bank[i].size);
	}
	return rc;
}

static int __init find_regions(struct hostfdt_dom0 *tree)
{
	struct range storage[HOST_MAX_BANKS + DOM0_MAX_RESERVED + DOM0_MAX_BANKS];
	struct rangeset unused = RANGESET_INIT(storage);
	const struct range *range;
	uint64_t window;

	if (find_unused_ram(tree, &unused) != 0 ||
	    (!rangeset_find_fit(&unused, 0, UINT64_MAX, GRANT_WINDOW, BANK_ALIGN, &window) &&
	     !rangeset_find_fit(&unused, 0, UINT64_MAX, GRANT_WINDOW, PAGE_SIZE, &window)) ||
	    rangeset_remove(&unused, window, window + GRANT_WINDOW) != 0) {
		log_error("dom0: no address range is left for its grant table; lower dom0_mem; "
			  "dom0 is left out");
		return -XEN_ENOSPC;
	}
	tree->region[0] = (struct devtree_range){window, GRANT_WINDOW};
	tree->nr_regions = 1;
	rangeset_for_each(range, &unused) {
		uint64_t start = ALIGN_UP(range->start, BANK_ALIGN);
		uint64_t end = ALIGN_DOWN(range->end, BANK_ALIGN);

		if (end > start && end - start >= EXTENDED_MIN &&
		    tree->nr_regions < ARRAY_SIZE(tree->region)) {
			tree->region[tree->nr_regions++] =
				(struct devtree_range){start, end - start};
		}
	}
	return 0;
}

/* ---- the domain ------------------------------------------------------------------------------ */

/* How many vCPUs the interrupt controller that dom0 sees has room for. */
static unsigned int __init gic_max_vcpus(void)
{
	uint64_t stride = MAX(gic_info.redist_stride, REDIST_STRIDE);
	uint64_t nr = 0;

	if (gic_info.version == GIC_V2) {
		return GICV2_MAX_VCPUS;
	}
	for (unsigned int i = 0; i < gic_info.nr_redist_regions; i++) {
		nr += gic_info.redist_region[i].size / stride;
	}
	return (unsigned int)MIN(nr, (uint64_t)DOMAIN_MAX_VCPUS);
}

static unsigned int __init choose_vcpus(void)
{
	unsigned int wanted =
		boot_options.dom0_max_vcpus != 0 ? boot_options.dom0_max_vcpus : nr_cpus;
	unsigned int max = gic_max_vcpus();

	if (wanted > max) {
		log_warning("dom0: %u vCPUs are too many for this machine's GICv%u: it gets %u",
			    wanted, gic_info.version, max);
		return max;
	}
	return wanted;
}

/* The first private interrupt that no timer has: Linux learns it from the tree. */
static uint32_t __init choose_evtchn_intid(void)
{
	uint32_t intid = INTID_PPI_FIRST;

	while (intid == VTIMER_INTID_VIRTUAL || intid == VTIMER_INTID_PHYSICAL ||
	       intid == VTIMER_INTID_SECURE) {
		intid++;
	}
	return intid;
}

static struct domain *__init create(uint64_t bytes, struct hostfdt_dom0 *tree)
{
	const struct domain_config config = {
		.domid = 0,
		.name = "dom0",
		.is_hardware = true,
		.is_privileged = true,
		.is_console = true,
		.direct_mapped = true,
		.nr_vcpus = tree->nr_vcpus,
		.max_pages = bytes >> PAGE_SHIFT,
		.gic_version = gic_info.version,
		.nr_spis = gic_info.nr_intids - INTID_SPI_FIRST,
		.evtchn_ppi = tree->evtchn_intid,
		.max_grant_frames = boot_options.gnttab_max_frames,
		.max_maptrack_frames = boot_options.gnttab_max_maptrack_frames,
		.max_evtchn_port = EVENT_FIFO_NR_PORTS - 1,
		.dist_base = gic_info.dist_base,
		.cpu_base = gic_info.cpu_base,
		.redist_base = gic_info.nr_redist_regions > 0 ? gic_info.redist_region[0].base : 0,
	};
	struct domain *d;
	int rc;

	do {
		rc = domain_create(&config, &d);
	} while (dombuild_again(rc));
	if (rc != 0) {
		log_error("dom0: cannot be created: error %d%s; dom0 is left out", rc,
			  rc == -XEN_ENOMEM ? " (no memory)" : "");
		return NULL;
	}
	return d;
}

/* The tree in Tenon's own frames: names are not shared, so it grows to at most twice the host's. */
static int __init write_tree(const struct hostfdt_dom0 *tree, struct domain_load *load,
			     unsigned int *order)
{
	size_t estimate = 2 * (size_t)fdt_totalsize(boot_info.fdt) + 8192 +
			  tree->nr_vcpus * (192 + tree->cpu_compatible_size);
	int rc = -XEN_ENOSPC;

	*order = 0;
	while (PAGE_SIZE << *order < estimate) {
		(*order)++;
	}
	for (; rc == -XEN_ENOSPC && *order <= FRAME_ORDER_MAX; (*order)++) {
		load->fdt = hyp_alloc(*order);
		if (load->fdt == NULL) {
			rc = -XEN_ENOMEM;
			break;
		}
		rc = dombuild_hostfdt_write(boot_info.fdt, tree, load->fdt, PAGE_SIZE << *order,
					    &load->fdt_bytes);
		if (rc == 0) {
			return 0;
		}
		hyp_free(load->fdt, *order);
	}
	log_error("dom0: its device tree cannot be made: %s (error %d); dom0 is left out",
		  rc == -XEN_ENOMEM   ? "no memory"
		  : rc == -XEN_ENOSPC ? "it is larger than 2 MiB"
				      : "an address or name of the host's does not fit",
		  rc);
	return rc;
}

/* Everything after the domain and its banks exist. */
static int __init fill_domain(struct domain *d, struct hostfdt_dom0 *tree, struct domain_load *load)
{
	unsigned int order;
	int rc = map_banks(d, tree);

	if (rc != 0) {
		return rc;
	}
	load->bank = tree->bank[0];
	sort_banks(tree);
	rc = find_regions(tree);
	if (rc == 0) {
		rc = write_tree(tree, load, &order);
	}
	if (rc != 0) {
		return rc;
	}
	rc = dombuild_plan(load);
	if (rc == 0) {
		dombuild_hostdev_assign(d, boot_info.fdt, tree->gic_node, tree->console_node);
		rc = dombuild_load(d, load);
	}
	hyp_free(load->fdt, order);
	return rc;
}

static struct domain *__init build(const struct boot_module *kernel, struct hostfdt_dom0 *tree)
{
	uint64_t bytes = ALIGN_UP(boot_options.dom0_mem, BANK_ALIGN);
	struct domain_load load = {.who = "dom0",
				   .initrd = dombuild_module(-1, BOOT_MODULE_RAMDISK)};
	struct domain *d;

	if (dombuild_image_probe(load.who, kernel, &load.kernel) != 0) {
		return NULL;
	}
	if (load.kernel.is_32bit) {
		log_error(
			"dom0: its kernel is 32-bit, which only domUs' can be: use an arm64 Image; dom0 is left out");
		return NULL;
	}
	if (bytes >> PAGE_SHIFT > frame_pool_free_frames()) {
		log_error("dom0: its %lu MiB of memory are not there, %lu MiB are free; lower "
			  "dom0_mem; dom0 is left out",
			  bytes >> 20, frame_pool_free_frames() >> 8);
		return NULL;
	}
	tree->has_initrd = load.initrd != NULL;
	d = create(bytes, tree);
	if (d == NULL) {
		return NULL;
	}
	if (!claim_banks(d, bytes, tree) || fill_domain(d, tree, &load) != 0) {
		dombuild_abandon(d);
		return NULL;
	}
	log_info("dom0: %lu MiB in %u bank%s, %u vCPU%s, kernel at 0x%lx, tree at 0x%lx",
		 bytes >> 20, tree->nr_banks, tree->nr_banks == 1 ? "" : "s", tree->nr_vcpus,
		 tree->nr_vcpus == 1 ? "" : "s", load.placement.kernel, load.placement.fdt);
	return d;
}

struct domain *__init dombuild_dom0(void)
{
	static __initbss struct hostfdt_dom0 tree;
	const struct boot_module *kernel = dombuild_module(-1, BOOT_MODULE_KERNEL);

	if (!dombuild_modules_complete(-1)) {
		log_error("dom0: one of its modules was refused (see above); dom0 is left out");
		return NULL;
	}
	if (kernel == NULL) {
		log_error("dom0: no kernel: add a module node with compatible multiboot,kernel; "
			  "dom0 is left out");
		return NULL;
	}
	tree = (struct hostfdt_dom0){
		.nr_vcpus = choose_vcpus(),
		.evtchn_intid = choose_evtchn_intid(),
		.bootargs = boot_info.dom0_cmdline,
		.cpu_compatible = boot_info.cpu_compatible,
		.cpu_compatible_size = boot_info.cpu_compatible_size,
		.timer_frequency_hz = boot_info.timer_frequency_hz,
		.gic_node = gic_info.fdt_node,
		.console_node = console_fdt_node(),
		.nr_gic_regs = gic_info.version == GIC_V2 ? 2 : 1 + gic_info.nr_redist_regions,
	};
	return build(kernel, &tree);
}
