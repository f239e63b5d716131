/* SPDX-License-Identifier: MIT */
/*
 * The boot builder's table of contents: dom0 first, since it is direct-mapped and memory is least
 * scattered then, and each xen,domain node in tree order, with domain ids from 1 on as Xen gives
 * them.
 */
#include "dombuild/dombuild_internal.h"

#include <libfdt.h>

#include "boot/boot_options.h"
#include "console/console.h"
#include "lib/log.h"
#include "lib/rangeset.h"
#include "mm/mm.h"

/* Built and not yet started. */
static struct domain *built[DOMID_LIMIT];
static unsigned int nr_built;

static void add_built(struct domain *d)
{
	if (d != NULL) {
		built[nr_built++] = d;
	}
}

static void __init build_domus(void)
{
	uint16_t domid = 1;
	int node;

	fdt_for_each_subnode(node, boot_info.fdt, boot_info.chosen) {
		if (!devtree_is_compatible(boot_info.fdt, node, "xen,domain")) {
			continue;
		}
		if (nr_built == DOMID_LIMIT) {
			log_error("more than %u domains: %s and what follows is left out",
				  DOMID_LIMIT, fdt_get_name(boot_info.fdt, node, NULL));
			return;
		}
		/* One that fails keeps its number, so that the others are called as the tree
		 * says. */
		add_built(dombuild_domu(node, domid++));
	}
}

/* The boot loader may have written modules with its caches off or on: memory and caches agree
 * from here on. */
static void __init clean_modules(void)
{
	for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
		const struct boot_module *module = &boot_info.module[i];
		unsigned int j = 0;

		while (j < i && boot_info.module[j].start != module->start) {
			j++;
		}
		if (j == i) {
			frame_pool_clean_boot(module->start, module->size);
		}
	}
}

unsigned int __init dombuild_all(void)
{
	/* Any module of its own says that there should be one. */
	bool wants_dom0 = dombuild_module(-1, BOOT_MODULE_KERNEL) != NULL ||
			  dombuild_module(-1, BOOT_MODULE_RAMDISK) != NULL ||
			  !dombuild_modules_complete(-1);

	nr_built = 0;
	clean_modules();
	if (boot_info.nr_modules == 0) {
		log_error("no boot modules: the boot loader gave Tenon no kernel to run");
	}
	if (wants_dom0) {
		add_built(dombuild_dom0());
	} else {
		log_info("no kernel for dom0: there is none");
	}
	if (boot_info.chosen >= 0) {
		build_domus();
	}
	return nr_built;
}

void dombuild_start_all(void)
{
	struct domain *focus = NULL;

	if (boot_options.rebuild) {
		dombuild_rebuild_init();
	}
	for (unsigned int i = 0; i < nr_built; i++) {
		if (focus == NULL && (built[i]->is_hardware || built[i]->vpl011 != NULL)) {
			focus = built[i];
		}
	}
	if (focus != NULL) {
		console_set_focus(focus->id);
	}
	for (unsigned int i = 0; i < nr_built; i++) {
		domain_unpause(built[i]);
	}
	nr_built = 0;
}

/* What the tree reserves stays reserved, even where the boot loader put a module into it. */
static int keep_reserved(struct rangeset *set)
{
	struct devtree_range reserved[DOMBUILD_MAX_MODULES];
	int nr_entries = fdt_num_mem_rsv(boot_info.fdt);
	int bad_node;
	unsigned int nr = devtree_reserved_memory(boot_info.fdt, boot_info.reserved_memory,
						  reserved, ARRAY_SIZE(reserved), &bad_node);
	int rc = bad_node >= 0 ? -XEN_EINVAL : 0;

	for (unsigned int i = 0; i < nr && rc == 0; i++) {
		rc = rangeset_remove(set, ALIGN_DOWN(reserved[i].start, PAGE_SIZE),
				     ALIGN_UP(reserved[i].start + reserved[i].size, PAGE_SIZE));
	}
	for (int i = 0; i < nr_entries && rc == 0; i++) {
		uint64_t start, size, end;

		if (fdt_get_mem_rsv(boot_info.fdt, i, &start, &size) != 0 ||
		    __builtin_add_overflow(start, size, &end)) {
			return -XEN_EINVAL;
		}
		rc = rangeset_remove(set, ALIGN_DOWN(start, PAGE_SIZE), ALIGN_UP(end, PAGE_SIZE));
	}
	return rc;
}

/* Each frame once, although modules may be shared and may touch one another within a page. */
void dombuild_release_modules(void)
{
	struct range storage[3 * DOMBUILD_MAX_MODULES];
	struct rangeset used = RANGESET_INIT(storage);
	const struct range *range;
	int rc = 0;

	if (boot_options.rebuild) {
		return;
	}
	for (unsigned int i = 0; i < boot_info.nr_modules && rc == 0; i++) {
		const struct boot_module *module = &boot_info.module[i];

		rc = rangeset_add(&used, ALIGN_DOWN(module->start, PAGE_SIZE),
				  ALIGN_UP(module->start + module->size, PAGE_SIZE));
	}
	if (rc != 0 || keep_reserved(&used) != 0) {
		log_warning("device tree: too many or malformed reserved ranges: the boot modules' "
			    "memory is not used again");
		return;
	}
	rangeset_for_each(range, &used) {
		frame_pool_release_boot(range->start, range->end - range->start);
	}
	boot_info.nr_modules = 0;
}
