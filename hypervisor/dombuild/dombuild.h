/* SPDX-License-Identifier: MIT */
/*
 * The domains that exist at boot, built from the boot loader's device tree: dom0 from its
 * multiboot modules, and one domU for each xen,domain node.
 */
#pragma once

#include "lib/compiler.h"
#include "mm/frame.h"

#define DOMBUILD_MAX_MODULES        32
#define DOMBUILD_MAX_MODULES_DOMAIN 8

enum boot_module_kind {
	BOOT_MODULE_UNKNOWN,
	BOOT_MODULE_KERNEL,
	BOOT_MODULE_RAMDISK,
	BOOT_MODULE_DEVICE_TREE,
	BOOT_MODULE_IGNORED
};

struct boot_module {
	enum boot_module_kind kind;
	maddr_t start;
	uint64_t size;
	int fdt_node;    /* the module's node, -1 for linux,initrd-start */
	int domain_node; /* the xen,domain parent, -1 for dom0 */
};

/* What the boot loader left. Only these functions write it. */
struct boot_info {
	const void *fdt;     /* the host tree */
	int chosen;          /* its /chosen, -1: none */
	int reserved_memory; /* its /reserved-memory, -1: none */
	maddr_t image_start; /* Tenon itself */
	uint64_t image_size;
	unsigned int nr_modules;
	struct boot_module module[DOMBUILD_MAX_MODULES];
	/* Pointers into fdt. */
	const char *tenon_cmdline;
	const char *dom0_cmdline;   /* NULL: none */
	const char *cpu_compatible; /* of the first CPU: a string list, NULL if there is none */
	size_t cpu_compatible_size;
	uint32_t timer_frequency_hz; /* the timer node's clock-frequency, 0 if it has none */
};
extern struct boot_info boot_info;

/*
 * First of all, and without a console: read what the nodes below the root say, the command lines
 * among it, and fill boot_options from Tenon's. Never panics; each problem is one message.
 */
void dombuild_scan_options(const void *fdt);
/*
 * Find the modules (xen-abi-arm section 1.2), before the frame pool exists, so that nothing of them
 * is handed out. One that overlaps another, the tree or Tenon, or lies outside RAM, is dropped with
 * a message, and its domain will be left out. Two modules with the same range are one image used
 * twice. Never panics.
 */
void dombuild_scan(maddr_t image_start, uint64_t image_size, maddr_t fdt_start, uint64_t fdt_size);
/* The same tree is now here, in Tenon's own memory, for good. */
void dombuild_scan_moved(const void *fdt);

/* Build everything. A domain that cannot be built is one message and is left out. Returns the
 * number of domains that are ready; they are started together by dombuild_start_all(). */
unsigned int dombuild_all(void);
void dombuild_start_all(void);
/* Boot modules are no longer needed: their frames go to the pool. The tree stays: command lines
 * are in it. With the boot option "rebuild" modules stay as well. */
void dombuild_release_modules(void);
