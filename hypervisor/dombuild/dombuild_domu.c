/* SPDX-License-Identifier: MIT */
/*
 * Domains described in the boot loader's tree: xen,domain nodes (xen: docs/misc/arm/device-
 * tree/booting.txt; xen-abi-arm section 1.10).
 *
 * Everything that the node, the modules and free memory can tell is checked before anything is
 * taken. A node that asks for something Tenon does not do is refused: the domain would not be the
 * one that was described. Not in .init: a domain can be built again later.
 */
#include "dombuild/dombuild_internal.h"

#include <libfdt.h>

#include "arm64/cpu.h"
#include "boot/boot_options.h"
#include "gic/gic.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"

#define DOMU_MAX_EVTCHN_PORT    1023
#define GICV2_MAX_VCPUS         8
/* Frames for a domain's structures and stage-2 tables, generously: 4 MiB per GiB when all is
 * mapped by page. */
#define OVERHEAD_FRAMES(frames) (64 + (frames) / 256)

/* ---- the node -------------------------------------------------------------------------------- */

/* Properties and subnodes of Xen's that would make another domain than Tenon can build. */
static const char *const refused_properties[] = {
	"direct-map", "xen,static-mem", "sve", "passthrough", "llc-colors", "domain-cpupool",
};
static const char *const refused_subnodes[] = {
	"xen,vcpu",
	"xen,evtchn-v1",
	"xen,domain-shared-memory-v1",
};

static bool is_supported(const void *fdt, int node, const char *who)
{
	int subnode;

	for (unsigned int i = 0; i < ARRAY_SIZE(refused_properties); i++) {
		if (fdt_getprop(fdt, node, refused_properties[i], NULL) != NULL) {
			log_error("%s: property %s is not supported: remove it; the domain is left "
				  "out",
				  who, refused_properties[i]);
			return false;
		}
	}
	fdt_for_each_subnode(subnode, fdt, node) {
		for (unsigned int i = 0; i < ARRAY_SIZE(refused_subnodes); i++) {
			if (devtree_is_compatible(fdt, subnode, refused_subnodes[i])) {
				log_error("%s: subnodes %s are not supported: remove them; the "
					  "domain is left out",
					  who, refused_subnodes[i]);
				return false;
			}
		}
	}
	return true;
}

/* An optional u32 between min and max. */
static bool get_optional(const void *fdt, int node, const char *who, const char *name, uint32_t min,
			 uint32_t max, uint32_t *value)
{
	int rc = devtree_get_u32(fdt, node, name, value);

	if (rc == -XEN_ENOENT) {
		return true;
	}
	if (rc != 0) {
		log_error("%s: property %s is not one 32-bit cell; the domain is left out", who,
			  name);
		return false;
	}
	if (*value < min || *value > max) {
		log_error("%s: %s = %u is not supported (%u to %u are); the domain is left out",
			  who, name, *value, min, max);
		return false;
	}
	return true;
}

static bool get_memory(const void *fdt, int node, const char *who, struct domu_config *config)
{
	uint64_t kib;
	int rc = devtree_get_u64(fdt, node, "memory", &kib);

	if (rc != 0) {
		log_error("%s: property memory is %s: two cells with the size in KiB are needed; "
			  "the domain is left out",
			  who, rc == -XEN_ENOENT ? "missing" : "malformed");
		return false;
	}
	if (kib < PAGE_SIZE >> 10 || kib > GUEST_RAM_MAX >> 10) {
		log_error("%s: memory = %lu KiB is not possible (4 KiB to %llu GiB are); the "
			  "domain is left out",
			  who, kib, (unsigned long long)(GUEST_RAM_MAX >> 30));
		return false;
	}
	config->memory_bytes = ALIGN_DOWN(kib << 10, PAGE_SIZE);
	return true;
}

static bool get_cpus(const void *fdt, int node, const char *who, struct domu_config *config)
{
	uint32_t max = gic_info.version == GIC_V2 ? GICV2_MAX_VCPUS : GUEST_MAX_VCPUS;
	int rc = devtree_get_u32(fdt, node, "cpus", &config->nr_vcpus);

	if (rc != 0) {
		log_error("%s: property cpus is %s: one cell with the number of vCPUs is needed; "
			  "the domain is left out",
			  who, rc == -XEN_ENOENT ? "missing" : "malformed");
		return false;
	}
	if (config->nr_vcpus < 1 || config->nr_vcpus > max) {
		log_error("%s: cpus = %u is not possible (1 to %u with this machine's GICv%u); the "
			  "domain is left out",
			  who, config->nr_vcpus, max, gic_info.version);
		return false;
	}
	return true;
}

static bool get_enhanced(const void *fdt, int node, const char *who, struct domu_config *config)
{
	static const struct {
		const char *text;
		enum domu_enhanced enhanced;
	} words[] = {
		{"", DOMU_ENHANCED},       {"enabled", DOMU_ENHANCED},
		{"legacy", DOMU_ENHANCED}, {"no-xenstore", DOMU_NO_XENSTORE},
		{"disabled", DOMU_PLAIN},
	};
	int size;
	const char *text = fdt_getprop(fdt, node, "xen,enhanced", &size);

	config->enhanced = DOMU_PLAIN;
	if (text == NULL) {
		return true;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		/* An empty property has no terminator. */
		if ((size == 0 && words[i].text[0] == '\0') ||
		    ((size_t)size == strlen(words[i].text) + 1 &&
		     memcmp(text, words[i].text, (size_t)size) == 0)) {
			config->enhanced = words[i].enhanced;
			return true;
		}
	}
	log_error("%s: property xen,enhanced is none of enabled, no-xenstore, disabled; the domain "
		  "is left out",
		  who);
	return false;
}

int dombuild_domu_config(const void *fdt, int node, const char *who, struct domu_config *config)
{
	uint32_t host_spis = gic_info.nr_intids - INTID_SPI_FIRST;
	uint32_t grant_version = 1, capabilities = 0, trap_unmapped = 1;

	*config = (struct domu_config){
		.nr_spis = host_spis,
		.max_grant_frames = boot_options.gnttab_max_frames,
		.max_maptrack_frames = boot_options.gnttab_max_maptrack_frames,
		.vpl011 = fdt_getprop(fdt, node, "vpl011", NULL) != NULL,
	};
	if (!is_supported(fdt, node, who) || !get_memory(fdt, node, who, config) ||
	    !get_cpus(fdt, node, who, config) || !get_enhanced(fdt, node, who, config) ||
	    !get_optional(fdt, node, who, "nr_spis", 0, INTID_SPI_LIMIT - INTID_SPI_FIRST,
			  &config->nr_spis) ||
	    !get_optional(fdt, node, who, "max_grant_version", 1, 1, &grant_version) ||
	    !get_optional(fdt, node, who, "max_grant_frames", 1, GRANT_MAX_FRAMES,
			  &config->max_grant_frames) ||
	    !get_optional(fdt, node, who, "max_maptrack_frames", 0, GRANT_MAX_MAPTRACK_FRAMES,
			  &config->max_maptrack_frames) ||
	    !get_optional(fdt, node, who, "capabilities", 0, 0, &capabilities) ||
	    !get_optional(fdt, node, who, "trap-unmapped-accesses", 1, 1, &trap_unmapped)) {
		return -XEN_EINVAL;
	}
	if (config->vpl011) {
		config->nr_spis =
			MAX(config->nr_spis, (uint32_t)(GUEST_VPL011_SPI - INTID_SPI_FIRST + 1));
	}
	return 0;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* The largest block that fits: stage 2 uses blocks where guest and machine frames are aligned
 * alike. */
static unsigned int block_order(uint64_t gfn_raw, uint64_t left)
{
	unsigned int order = FRAME_ORDER_2M;

	while (order > 0 && (!IS_ALIGNED(gfn_raw, UINT64_C(1) << order) || left >> order == 0)) {
		order--;
	}
	return order;
}

static int populate_bank(struct domain *d, const struct devtree_range *bank)
{
	uint64_t at = bank->start >> PAGE_SHIFT;
	uint64_t left = bank->size >> PAGE_SHIFT;
	unsigned int limit = FRAME_ORDER_2M; /* shrinks when memory is scattered */

	while (left > 0) {
		unsigned int order = MIN(block_order(at, left), limit);
		uint64_t nr = UINT64_C(1) << order;
		mfn_t m;
		int rc = frame_pool_alloc(order, d->id, &m);

		if (dombuild_again(rc)) {
			continue;
		}
		if (rc == -XEN_ENOMEM && order > 0) {
			limit = order - 1;
			continue;
		}
		if (rc != 0) {
			return rc;
		}
		/* From here on the frames go with the domain, mapped or not. */
		dombuild_account_pages(d, nr);
		rc = stage2_map(d, gfn(at), m, nr, STAGE2_RAM);
		if (rc != 0) {
			return rc;
		}
		at += nr;
		left -= nr;
	}
	return 0;
}

static bool enough_memory(const char *who, uint64_t bytes)
{
	uint64_t frames = bytes >> PAGE_SHIFT;
	uint64_t free = frame_pool_free_frames();

	if (frames + OVERHEAD_FRAMES(frames) > free) {
		log_error("%s: its %lu MiB of memory are not there, %lu MiB are free; lower its "
			  "memory property or "
			  "dom0_mem; the domain is left out",
			  who, bytes >> 20, free >> 8);
		return false;
	}
	return true;
}

/* ---- the domain ------------------------------------------------------------------------------ */

/* What init-dom0less in dom0 expects to find (4.17 semantics): the port is there, the page
 * follows. */
static int connect_xenstore(struct domain *d)
{
	uint32_t port;
	int rc = event_alloc_unbound(d, DOMID_SELF, hardware_domain->id, &port);

	if (rc == 0) {
		d->hvm_params[HVM_PARAM_STORE_EVTCHN] = port;
		d->hvm_params[HVM_PARAM_STORE_PFN] = ~UINT64_C(0);
	}
	return rc;
}

static int fill_domain(struct domain *d, const struct domu_config *config,
		       const struct domain_load *load)
{
	struct devtree_range bank[DEVTREE_RAM_BANKS];
	unsigned int nr = devtree_ram_banks(config->memory_bytes, bank);
	int rc = 0;

	for (unsigned int i = 0; i < nr && rc == 0; i++) {
		rc = populate_bank(d, &bank[i]);
	}
	if (rc == 0 && config->vpl011) {
		rc = vpl011_create(d);
	}
	if (rc == 0 && config->enhanced == DOMU_ENHANCED) {
		rc = connect_xenstore(d);
	}
	if (rc != 0) {
		log_error("%s: error %d while it gets its memory and devices%s; it is left out",
			  load->who, rc, rc == -XEN_ENOMEM ? " (no memory)" : "");
		return rc;
	}
	return dombuild_load(d, load);
}

static struct domain *create(const struct domu_config *config, const char *name, uint16_t domid,
			     const struct domain_load *load)
{
	const struct domain_config domain_config = {
		.domid = domid,
		.name = name,
		.is_console = true,
		.is_32bit = load->kernel.is_32bit,
		.nr_vcpus = config->nr_vcpus,
		.max_pages = config->memory_bytes >> PAGE_SHIFT,
		.gic_version = gic_info.version,
		.nr_spis = config->nr_spis,
		.max_grant_frames = config->max_grant_frames,
		.max_maptrack_frames = config->max_maptrack_frames,
		.max_evtchn_port = DOMU_MAX_EVTCHN_PORT,
	};
	struct domain *d;
	int rc;

	do {
		rc = domain_create(&domain_config, &d);
	} while (dombuild_again(rc));
	if (rc != 0) {
		log_error("%s: cannot be created, error %d%s; it is left out", load->who, rc,
			  rc == -XEN_ENOMEM ? " (no memory)" : "");
		return NULL;
	}
	rc = fill_domain(d, config, load);
	if (rc != 0) {
		dombuild_abandon(d);
		return NULL;
	}
	log_info("%s: %lu MiB, %u vCPU%s, %skernel at 0x%lx, tree at 0x%lx%s", load->who,
		 config->memory_bytes >> 20, config->nr_vcpus, config->nr_vcpus == 1 ? "" : "s",
		 load->kernel.is_32bit ? "32-bit " : "", load->placement.kernel, load->placement.fdt,
		 config->enhanced != DOMU_PLAIN ? ", with Xen's interface" : "");
	return d;
}

/* The tree in Tenon's own frames; its order for hyp_free(). */
static int write_tree(const struct domu_config *config, struct domain_load *load,
		      unsigned int *order)
{
	const struct devtree_guest guest = {
		.ram_size = config->memory_bytes,
		.nr_cpus = config->nr_vcpus,
		.cpu_compatible = boot_info.cpu_compatible,
		.cpu_compatible_size = boot_info.cpu_compatible_size,
		.gic_version = gic_info.version,
		.clock_frequency = boot_info.timer_frequency_hz,
		.bootargs = dombuild_module_cmdline(load->kernel.module),
		.has_initrd = load->initrd != NULL,
		.has_vpl011 = config->vpl011,
		.has_hypervisor = config->enhanced != DOMU_PLAIN,
		/* Extended regions are of no use to kernels with addresses of 32 bits. */
		.ipa_bits = load->kernel.is_32bit ? 0 : stage2_ipa_bits(),
	};
	size_t bound = devtree_guest_bound(&guest);

	*order = 0;
	while (PAGE_SIZE << *order < bound) {
		(*order)++;
	}
	load->fdt = *order <= FRAME_ORDER_MAX ? hyp_alloc(*order) : NULL;
	if (load->fdt == NULL) {
		log_error("%s: no memory for its device tree; it is left out", load->who);
		return -XEN_ENOMEM;
	}
	if (devtree_write_guest(&guest, load->fdt, PAGE_SIZE << *order, &load->fdt_bytes) != 0) {
		log_error("%s: its device tree cannot be written; it is left out", load->who);
		hyp_free(load->fdt, *order);
		return -XEN_EINVAL;
	}
	return 0;
}

/* The kernel and what else the node's modules say. */
static bool find_modules(int node, struct domain_load *load)
{
	const struct boot_module *kernel = dombuild_module(node, BOOT_MODULE_KERNEL);

	if (!dombuild_modules_complete(node)) {
		log_error("%s: one of its modules was refused (see above); the domain is left out",
			  load->who);
		return false;
	}
	if (kernel == NULL) {
		log_error("%s: no kernel: add a module node with compatible multiboot,kernel; the "
			  "domain is left out",
			  load->who);
		return false;
	}
	if (dombuild_module(node, BOOT_MODULE_DEVICE_TREE) != NULL) {
		log_error("%s: device assignment (a multiboot,device-tree module) is not "
			  "supported: remove the module; "
			  "the domain is left out",
			  load->who);
		return false;
	}
	load->initrd = dombuild_module(node, BOOT_MODULE_RAMDISK);
	if (dombuild_image_probe(load->who, kernel, &load->kernel) != 0) {
		return false;
	}
	if (load->kernel.is_32bit && !cpu_features.aarch32_el1) {
		log_error("%s: its kernel is 32-bit, and not every CPU of this machine has AArch32 at EL1: use an "
			  "arm64 Image; the domain is left out",
			  load->who);
		return false;
	}
	return true;
}

struct domain *dombuild_domu(int node, uint16_t domid)
{
	const char *name = fdt_get_name(boot_info.fdt, node, NULL);
	struct domain_load load = {.initrd = NULL};
	struct devtree_range bank[DEVTREE_RAM_BANKS];
	struct domu_config config;
	struct domain *d = NULL;
	unsigned int order;

	name = name != NULL ? name : "?";
	(void)snprintf(load.who, sizeof(load.who), "d%u (%.32s)", domid, name);
	if (dombuild_domu_config(boot_info.fdt, node, load.who, &config) != 0 ||
	    !find_modules(node, &load) || !enough_memory(load.who, config.memory_bytes)) {
		return NULL;
	}
	if (config.enhanced == DOMU_ENHANCED && hardware_domain == NULL) {
		log_error("%s: xen,enhanced needs a dom0 for xenstore, and there is none: use "
			  "\"no-xenstore\"; the "
			  "domain is left out",
			  load.who);
		return NULL;
	}
	if (write_tree(&config, &load, &order) != 0) {
		return NULL;
	}
	(void)devtree_ram_banks(config.memory_bytes, bank);
	load.bank = bank[0];
	if (dombuild_plan(&load) == 0) {
		d = create(&config, name, domid, &load);
	}
	hyp_free(load.fdt, order);
	return d;
}
