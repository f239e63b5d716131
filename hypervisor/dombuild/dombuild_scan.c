/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader left: modules, command lines and a few facts of the machine, from its tree.
 *
 * The rules are those of xen-abi-arm section 1.2; a tree made for Xen is understood as Xen
 * understands it. The tree is input: each problem is one message that names node and property, and
 * the domain concerned is left out later (dombuild_modules_complete()), since a domain without its
 * initrd would be another domain.
 */
#include "dombuild/dombuild_internal.h"

#include <libfdt.h>

#include "boot/boot_options.h"
#include "lib/log.h"
#include "lib/string.h"

struct boot_info boot_info;

/* What a module may not overlap, and where it must lie; only for the scan. */
struct scan {
	unsigned int nr_banks;
	struct devtree_range bank[SCAN_MAX_BANKS];
	maddr_t fdt_start;
	uint64_t fdt_size;
	bool said_too_many; /* about the modules of this domain */
	int too_many;
};
static __initbss struct scan scan;

static const struct {
	const char *compatible;
	enum boot_module_kind kind;
} module_kinds[] = {
	{"multiboot,kernel", BOOT_MODULE_KERNEL},
	{"xen,linux-zimage", BOOT_MODULE_KERNEL},
	{"multiboot,ramdisk", BOOT_MODULE_RAMDISK},
	{"xen,linux-initrd", BOOT_MODULE_RAMDISK},
	{"multiboot,device-tree", BOOT_MODULE_DEVICE_TREE},
	{"xen,xsm-policy", BOOT_MODULE_IGNORED},
	{"multiboot,microcode", BOOT_MODULE_IGNORED},
};

static const char *node_name(const void *fdt, int node)
{
	const char *name = fdt_get_name(fdt, node, NULL);

	return name != NULL ? name : "?";
}

static enum boot_module_kind stated_kind(const void *fdt, int node)
{
	for (unsigned int i = 0; node >= 0 && i < ARRAY_SIZE(module_kinds); i++) {
		if (devtree_is_compatible(fdt, node, module_kinds[i].compatible)) {
			return module_kinds[i].kind;
		}
	}
	return BOOT_MODULE_UNKNOWN;
}

static bool is_module(const void *fdt, int node)
{
	return devtree_is_compatible(fdt, node, "multiboot,module") ||
	       devtree_is_compatible(fdt, node, "xen,multiboot-module");
}

/*
 * Call visit for every module node: children of /chosen, and children of those (the ones of a
 * xen,domain node are that domain's, others dom0's). Stops when visit returns false.
 */
static void for_each_module(const void *fdt, int chosen,
			    bool (*visit)(const struct devtree_path *path, int domain_node,
					  void *context),
			    void *context)
{
	int outer, inner;

	fdt_for_each_subnode(outer, fdt, chosen) {
		struct devtree_path path = {.depth = 2, .node = {0, chosen, outer}};
		int domain_node = devtree_is_compatible(fdt, outer, "xen,domain") ? outer : -1;

		if (is_module(fdt, outer) && !visit(&path, -1, context)) {
			return;
		}
		fdt_for_each_subnode(inner, fdt, outer) {
			path.depth = 3;
			path.node[3] = inner;
			if (is_module(fdt, inner) && !visit(&path, domain_node, context)) {
				return;
			}
		}
	}
}

/* ---- modules --------------------------------------------------------------------------------- */

static __init bool in_ram(maddr_t start, uint64_t size)
{
	for (unsigned int i = 0; i < scan.nr_banks; i++) {
		const struct devtree_range *bank = &scan.bank[i];

		if (start >= bank->start && start - bank->start < bank->size &&
		    size <= bank->size - (start - bank->start)) {
			return true;
		}
	}
	return false;
}

static bool overlap(maddr_t a, uint64_t a_size, maddr_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* Why a module cannot be used; NULL when it can. */
static __init const char *module_fault(maddr_t start, uint64_t size)
{
	if (size == 0) {
		return "is empty";
	}
	if (start + size < start || !in_ram(start, size)) {
		return "does not lie in the machine's memory";
	}
	if (overlap(start, size, boot_info.image_start, boot_info.image_size)) {
		return "overlaps Tenon itself";
	}
	if (overlap(start, size, scan.fdt_start, scan.fdt_size)) {
		return "overlaps the device tree";
	}
	for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
		const struct boot_module *other = &boot_info.module[i];

		if ((other->start != start || other->size != size) &&
		    overlap(start, size, other->start, other->size)) {
			return "overlaps another module";
		}
	}
	return NULL;
}

/* A domain with a flood of modules shall not cost the others theirs. */
static __init bool is_one_too_many(int domain_node)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
		nr += boot_info.module[i].domain_node == domain_node;
	}
	return nr >= DOMBUILD_MAX_MODULES_DOMAIN || boot_info.nr_modules == DOMBUILD_MAX_MODULES;
}

static __init void add_module(const char *name, enum boot_module_kind kind, maddr_t start,
			      uint64_t size, int node, int domain_node)
{
	const char *domain = domain_node < 0 ? "dom0" : node_name(boot_info.fdt, domain_node);
	const char *fault = module_fault(start, size);

	if (is_one_too_many(domain_node)) {
		if (!scan.said_too_many || scan.too_many != domain_node) {
			log_error("%s: too many boot modules, from %s on (%u of a domain, %u in "
				  "all are the limit)",
				  domain, name, DOMBUILD_MAX_MODULES_DOMAIN, DOMBUILD_MAX_MODULES);
		}
		scan.said_too_many = true;
		scan.too_many = domain_node;
		return;
	}
	if (fault != NULL) {
		log_error("%s: boot module %s, 0x%lx bytes at 0x%lx, %s: check its load address",
			  domain, name, size, start, fault);
		return;
	}
	boot_info.module[boot_info.nr_modules++] = (struct boot_module){
		.kind = kind,
		.start = start,
		.size = size,
		.fdt_node = node,
		.domain_node = domain_node,
	};
}

/* Of a domain's modules that do not say what they are, the first is a kernel and the second a
 * ramdisk. */
static __init enum boot_module_kind module_kind(int node, int domain_node)
{
	static const enum boot_module_kind guess[] = {BOOT_MODULE_KERNEL, BOOT_MODULE_RAMDISK};
	enum boot_module_kind kind = stated_kind(boot_info.fdt, node);
	unsigned int guessed = 0;

	if (kind != BOOT_MODULE_UNKNOWN) {
		return kind;
	}
	for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
		const struct boot_module *module = &boot_info.module[i];

		if (module->domain_node == domain_node && module->fdt_node >= 0 &&
		    stated_kind(boot_info.fdt, module->fdt_node) == BOOT_MODULE_UNKNOWN) {
			guessed++;
		}
	}
	return guessed < ARRAY_SIZE(guess) ? guess[guessed] : BOOT_MODULE_UNKNOWN;
}

static __init bool scan_module(const struct devtree_path *path, int domain_node, void *context)
{
	int node = path->node[path->depth];
	unsigned int address_cells, size_cells;
	struct devtree_path bus = *path;
	struct devtree_range range;
	int size;
	const void *reg = fdt_getprop(boot_info.fdt, node, "reg", &size);
	int rc;

	/* Read without ranges: /chosen has none, and its addresses are the CPU's all the same. */
	bus.depth--;
	rc = devtree_cells(boot_info.fdt, &bus, &address_cells, &size_cells);
	if (rc == 0) {
		rc = devtree_range_load(reg, reg != NULL ? size : 0, address_cells, size_cells,
					&range);
	}
	if (rc != 0) {
		log_error("%s: boot module %s: its reg property is missing or malformed",
			  domain_node < 0 ? "dom0" : node_name(boot_info.fdt, domain_node),
			  node_name(boot_info.fdt, node));
		return true;
	}
	add_module(node_name(boot_info.fdt, node), module_kind(node, domain_node), range.start,
		   range.size, node, domain_node);
	return true;
}

/* An address in one or two cells. */
static int get_address(const void *fdt, int node, const char *name, uint64_t *value)
{
	uint32_t small;
	int rc = devtree_get_u32(fdt, node, name, &small);

	if (rc != -XEN_EINVAL) {
		*value = small;
		return rc;
	}
	return devtree_get_u64(fdt, node, name, value);
}

static __init void scan_initrd(int chosen)
{
	uint64_t start, end;
	int rc = get_address(boot_info.fdt, chosen, "linux,initrd-start", &start);

	if (rc == -XEN_ENOENT) {
		return;
	}
	if (rc != 0 || get_address(boot_info.fdt, chosen, "linux,initrd-end", &end) != 0 ||
	    end < start) {
		log_error("dom0: /chosen: linux,initrd-start or linux,initrd-end is malformed");
		return;
	}
	if (end > start) {
		add_module("linux,initrd", BOOT_MODULE_RAMDISK, start, end - start, -1, -1);
	}
}

const struct boot_module *dombuild_module(int domain_node, enum boot_module_kind kind)
{
	for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
		const struct boot_module *module = &boot_info.module[i];

		if (module->domain_node == domain_node && module->kind == kind) {
			return module;
		}
	}
	return NULL;
}

static bool is_listed(int node)
{
	for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
		if (boot_info.module[i].fdt_node == node) {
			return true;
		}
	}
	return false;
}

struct completeness {
	int domain_node;
	bool complete;
};

static bool check_listed(const struct devtree_path *path, int domain_node, void *context)
{
	struct completeness *check = context;

	if (domain_node == check->domain_node && !is_listed(path->node[path->depth])) {
		check->complete = false;
	}
	return check->complete;
}

bool dombuild_modules_complete(int domain_node)
{
	struct completeness check = {.domain_node = domain_node, .complete = true};
	uint64_t start = 0, end = 0;
	int rc;

	if (boot_info.chosen < 0) {
		return true;
	}
	for_each_module(boot_info.fdt, boot_info.chosen, check_listed, &check);
	if (domain_node >= 0 || is_listed(-1)) {
		return check.complete;
	}
	rc = get_address(boot_info.fdt, boot_info.chosen, "linux,initrd-start", &start);
	if (rc != -XEN_ENOENT &&
	    (get_address(boot_info.fdt, boot_info.chosen, "linux,initrd-end", &end) != 0 ||
	     start != end)) {
		check.complete = false;
	}
	return check.complete;
}

/* ---- command lines --------------------------------------------------------------------------- */

static const char *get_cmdline(const void *fdt, int node, const char *name)
{
	int error;
	const char *line = devtree_get_string(fdt, node, name, &error);

	if (error == -XEN_EINVAL) {
		log_error("%s: property %s is not a string: it is ignored", node_name(fdt, node),
			  name);
	}
	return line;
}

const char *dombuild_module_cmdline(const struct boot_module *module)
{
	return module->fdt_node >= 0 ? get_cmdline(boot_info.fdt, module->fdt_node, "bootargs")
				     : NULL;
}

static bool find_kernel(const struct devtree_path *path, int domain_node, void *context)
{
	int node = path->node[path->depth];
	enum boot_module_kind kind = stated_kind(boot_info.fdt, node);

	if (domain_node >= 0 || (kind != BOOT_MODULE_KERNEL && kind != BOOT_MODULE_UNKNOWN)) {
		return true;
	}
	*(int *)context = node;
	return false;
}

/*
 * Whose line is /chosen/bootargs? Tenon's, only if dom0's is elsewhere and Tenon's own property is
 * absent (xen-abi-arm section 1.2).
 */
static __init void scan_cmdlines(int chosen)
{
	const void *fdt = boot_info.fdt;
	const char *shared = get_cmdline(fdt, chosen, "bootargs");
	const char *tenon = get_cmdline(fdt, chosen, "xen,xen-bootargs");
	const char *dom0 = NULL;
	int kernel = -1;

	for_each_module(fdt, chosen, find_kernel, &kernel);
	if (kernel >= 0) {
		dom0 = get_cmdline(fdt, kernel, "bootargs");
	}
	if (dom0 == NULL || *dom0 == '\0') {
		dom0 = get_cmdline(fdt, chosen, "xen,dom0-bootargs");
	}
	if (tenon == NULL && dom0 != NULL) {
		tenon = shared;
	}
	boot_info.tenon_cmdline = tenon != NULL ? tenon : "";
	boot_info.dom0_cmdline = dom0 != NULL ? dom0 : shared;
}

/* ---- below the root -------------------------------------------------------------------------- */

static __init void scan_cpus(int cpus)
{
	int node;

	fdt_for_each_subnode(node, boot_info.fdt, cpus) {
		int error, size;
		const char *type = devtree_get_string(boot_info.fdt, node, "device_type", &error);
		const char *compatible = fdt_getprop(boot_info.fdt, node, "compatible", &size);

		if (type != NULL && strcmp(type, "cpu") == 0 && compatible != NULL && size > 0 &&
		    size <= 256) {
			boot_info.cpu_compatible = compatible;
			boot_info.cpu_compatible_size = (size_t)size;
			return;
		}
	}
}

static __init void scan_node(int node)
{
	const char *name = node_name(boot_info.fdt, node);

	if (strcmp(name, "chosen") == 0) {
		boot_info.chosen = node;
		scan_cmdlines(node);
	} else if (strcmp(name, "reserved-memory") == 0) {
		boot_info.reserved_memory = node;
	} else if (strcmp(name, "cpus") == 0) {
		scan_cpus(node);
	} else if (devtree_add_memory(boot_info.fdt, node, scan.bank, SCAN_MAX_BANKS,
				      &scan.nr_banks) != 0) {
		log_error("device tree: %s: its reg property is malformed, or there are too many "
			  "banks of memory: "
			  "no module may lie there",
			  name);
	} else if (strncmp(name, "timer", 5) == 0 &&
		   (devtree_is_compatible(boot_info.fdt, node, "arm,armv8-timer") ||
		    devtree_is_compatible(boot_info.fdt, node, "arm,armv7-timer"))) {
		/* Absent almost everywhere: CNTFRQ_EL0 is right. */
		(void)!devtree_get_u32(boot_info.fdt, node, "clock-frequency",
				       &boot_info.timer_frequency_hz);
	}
}

/* One pass over the tree for everything: walking it is what costs. */
__init void dombuild_scan_options(const void *fdt)
{
	int node;

	boot_info = (struct boot_info){.fdt = fdt,
				       .chosen = -1,
				       .reserved_memory = -1,
				       .tenon_cmdline = ""};
	scan.nr_banks = 0;
	scan.said_too_many = false;
	fdt_for_each_subnode(node, fdt, 0) {
		scan_node(node);
	}
	boot_options_parse(boot_info.tenon_cmdline);
	log_set_level(boot_options.log_level);
}

__init void dombuild_scan(maddr_t image_start, uint64_t image_size, maddr_t fdt_start,
			  uint64_t fdt_size)
{
	boot_info.image_start = image_start;
	boot_info.image_size = image_size;
	scan.fdt_start = fdt_start;
	scan.fdt_size = fdt_size;
	if (boot_info.chosen < 0) {
		log_error("device tree: no /chosen node: there are no boot modules");
		return;
	}
	scan_initrd(boot_info.chosen);
	for_each_module(boot_info.fdt, boot_info.chosen, scan_module, NULL);
}

/* Node offsets stay the same; what points into the tree points to the same byte of the copy. */
__init void dombuild_scan_moved(const void *fdt)
{
	const char **const pointers[] = {
		&boot_info.tenon_cmdline,
		&boot_info.dom0_cmdline,
		&boot_info.cpu_compatible,
	};
	uintptr_t old = (uintptr_t)boot_info.fdt;

	for (unsigned int i = 0; i < ARRAY_SIZE(pointers); i++) {
		uintptr_t at = (uintptr_t)*pointers[i];

		if (at >= old && at - old < scan.fdt_size) {
			*pointers[i] = (const char *)fdt + (at - old);
		}
	}
	boot_info.fdt = fdt;
}
