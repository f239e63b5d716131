/* SPDX-License-Identifier: MIT */
/* Between the files of dombuild/. */
#pragma once

#include "devtree/devtree.h"
#include "domain/domain.h"
#include "dombuild/dombuild.h"
#include "lib/compiler.h"
#include "lib/rangeset.h"
#include "mm/frame.h"

#define MIB            (UINT64_C(1) << 20)

/* ---- dombuild_scan.c ------------------------------------------------------------------------- */

#define SCAN_MAX_BANKS 64

/* The module of a domain (node of xen,domain, or -1: dom0); NULL when there is none. */
const struct boot_module *dombuild_module(int domain_node, enum boot_module_kind kind);
/* Every module that the tree gives the domain was accepted. */
bool dombuild_modules_complete(int domain_node);
/* bootargs of a module, NULL when it has none. */
const char *dombuild_module_cmdline(const struct boot_module *module);

/* ---- dombuild_image.c: kernels, and copying modules into a guest ----------------------------- */

struct kernel_image {
	const struct boot_module *module;
	uint64_t offset; /* of the payload in the module: behind a uImage header */
	uint64_t size;   /* of the payload there */
	bool gzip;
	bool is_32bit;         /* a zImage: EL1 at AArch32 */
	uint64_t text_offset;  /* where in RAM an Image wants to be */
	uint64_t zimage_start; /* the address that a zImage wants, 0: any */
	uint64_t load_bytes;   /* what is copied or decompressed */
	uint64_t memory_bytes; /* what has to be free from the load address on, .bss included */
};

/* Find out what the module holds. One message that begins with who and -XEN_EINVAL when it is no
 * kernel. */
int __must_check dombuild_image_probe(const char *who, const struct boot_module *module,
				      struct kernel_image *image);
/* Bring the kernel to ipa. */
int __must_check dombuild_image_load(const char *who, struct domain *d,
				     const struct kernel_image *image, ipa_t ipa);
/* What the header of an arm64 Image says, read from the first bytes; why is the reason when
 * false. */
bool dombuild_image_header(const uint8_t *prefix, size_t prefix_bytes, struct kernel_image *image,
			   const char **why);

/* Read from a module through Non-cacheable windows: the boot loader's bytes are in memory (C2
 * does not speak of them: mm/ cleaned and invalidated their lines). The range lies inside the
 * module. */
void dombuild_module_read(const struct boot_module *module, uint64_t offset, void *buffer,
			  size_t size);
/* Copy from module to guest, window to window. */
int __must_check dombuild_module_copy(struct domain *d, ipa_t to, const struct boot_module *module,
				      uint64_t offset, uint64_t size);
/* One page of a guest that is being built, through the window that the attribute table gives. The
 * domain's attr_lock is held for reading until dombuild_guest_unmap(). */
void *dombuild_guest_map(struct domain *d, gfn_t g);
void dombuild_guest_unmap(struct domain *d, void *page);

/* ---- dombuild_inflate.c ---------------------------------------------------------------------- */

/*
 * Decompress the gzip file at [offset, offset + size) of the module: into the guest at ipa, exactly
 * bytes, checking length and CRC; or as much as fits into prefix, of *bytes bytes, which then tells
 * how much that was. why names the fault when the result is -XEN_EINVAL.
 */
int __must_check dombuild_inflate_to_guest(struct domain *d, ipa_t ipa, uint64_t bytes,
					   const struct boot_module *module, uint64_t offset,
					   uint64_t size, const char **why);
int __must_check dombuild_inflate_prefix(void *prefix, size_t *bytes,
					 const struct boot_module *module, uint64_t offset,
					 uint64_t size, const char **why);

/* ---- dombuild_place.c: pure ------------------------------------------------------------------ */

struct place_request {
	ipa_t bank_start;
	uint64_t bank_size; /* the first bank of RAM */
	uint64_t text_offset;
	bool is_zimage; /* then text_offset means nothing, but this does: */
	uint64_t zimage_start;
	uint64_t kernel_bytes;
	uint64_t fdt_bytes;
	uint64_t initrd_bytes; /* 0: none */
};

struct placement {
	ipa_t kernel, fdt, initrd;
};

enum place_result {
	PLACE_OK,
	PLACE_KERNEL_TOO_LARGE, /* for the bank */
	PLACE_NO_ROOM           /* for initrd and tree beside the kernel */
};

enum place_result dombuild_place(const struct place_request *request, struct placement *placement);

/* ---- dombuild_load.c: what dom0 and domU have in common -------------------------------------- */

struct domain_load {
	char who[48]; /* begins every message: "dom0", "d1 (domU1)" */
	struct kernel_image kernel;
	const struct boot_module *initrd; /* NULL: none */
	struct devtree_range bank;        /* the first bank of RAM */
	void *fdt;
	size_t fdt_bytes;
	struct placement placement;
};

/* Choose all places and complete the tree's initrd properties. One message when something does
 * not fit. */
int __must_check dombuild_plan(struct domain_load *load);
/* Copy kernel, initrd and tree, and set the boot vCPU's entry. */
int __must_check dombuild_load(struct domain *d, const struct domain_load *load);
/* For -XEN_ERESTART while building: serve what waits. Always true. */
bool dombuild_again(int rc);
/* Domain d could not be finished: everything it has goes back. */
void dombuild_abandon(struct domain *d);
/* Frames became the domain's: they are counted, and go back when it is destroyed, mapped or not. */
void dombuild_account_pages(struct domain *d, uint64_t nr);

/* ---- dombuild_dom0.c, dombuild_domu.c: NULL when the domain was left out, with one message --- */
struct domain *dombuild_dom0(void);
struct domain *dombuild_domu(int node, uint16_t domid);

/* ---- dombuild_rebuild.c: the key B, with boot option "rebuild" ------------------------------- */

/* After dombuild_all(), before any domain runs. */
void dombuild_rebuild_init(void);

/* ---- dombuild_domu.c ------------------------------------------------------------------------- */

enum domu_enhanced {
	DOMU_PLAIN,
	DOMU_NO_XENSTORE,
	DOMU_ENHANCED
};

struct domu_config {
	uint64_t memory_bytes;
	uint32_t nr_vcpus;
	uint32_t nr_spis;
	uint32_t max_grant_frames, max_maptrack_frames;
	bool vpl011;
	enum domu_enhanced enhanced;
};

/* Read a xen,domain node; one message and an error when it asks for what Tenon does not do. */
int __must_check dombuild_domu_config(const void *fdt, int node, const char *who,
				      struct domu_config *config);

/* ---- dombuild_hostfdt.c: dom0's tree --------------------------------------------------------- */

#define DOM0_MAX_BANKS    16
#define DOM0_MAX_EXTENDED 16
#define DOM0_MAX_RESERVED 64

struct hostfdt_dom0 {
	unsigned int nr_vcpus;
	unsigned int nr_banks, nr_reserved, nr_regions;
	struct devtree_range bank[DOM0_MAX_BANKS];          /* ascending */
	struct devtree_range reserved[DOM0_MAX_RESERVED];   /* of /reserved-memory */
	struct devtree_range region[1 + DOM0_MAX_EXTENDED]; /* grant window, extended regions */
	uint32_t evtchn_intid;
	const char *bootargs; /* NULL: none */
	bool has_initrd;
	const char *cpu_compatible;
	size_t cpu_compatible_size;
	uint32_t timer_frequency_hz;
	int gic_node, console_node; /* in the host tree; console -1: none */
	unsigned int nr_gic_regs;   /* entries of the controller's reg that dom0 sees */
};

/* -XEN_ENOSPC: the buffer is too small; -XEN_EINVAL: the host tree cannot be copied (one
 * message). */
int __must_check dombuild_hostfdt_write(const void *host, const struct hostfdt_dom0 *dom0,
					void *buffer, size_t buffer_size, size_t *size);

enum hostfdt_fate {
	HOSTFDT_COPY,    /* the node goes to dom0 */
	HOSTFDT_DISABLE, /* xen,passthrough: it stays in the tree, disabled, without resources */
	HOSTFDT_DROP,    /* with its subtree */
	HOSTFDT_GIC      /* replaced */
};
enum hostfdt_fate dombuild_hostfdt_fate(const void *host, const struct devtree_path *path,
					int gic_node, int console_node);

/* ---- dombuild_hostdev.c: dom0's devices ------------------------------------------------------ */

/* Map what dom0 gets of the machine and assign its interrupts. Problems are messages. */
void dombuild_hostdev_assign(struct domain *d, const void *host, int gic_node, int console_node);
