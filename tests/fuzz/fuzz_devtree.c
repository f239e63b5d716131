/* SPDX-License-Identifier: MIT */
/*
 * Fuzzer of the device-tree readers: whatever passes libfdt's full check, as at boot, and has every length, count and
 * depth that it likes. devtree/ over all nodes, then those who look for devices.
 */
#include <libfdt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "console/console_internal.h"
#include "devtree/devtree.h"
#include "gic/gic_internal.h"
#include "lib/log.h"

#define MAX_BYTES   65536
#define MAX_ENTRIES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void log_write(enum log_level level, const char *format, ...)
{
}

/* What a reader finds lies within what it says it can say. */
static void check_range(const struct devtree_range *range)
{
	if (range->start + range->size < range->start && range->start + range->size != 0) {
		abort();
	}
}

static void read_node(const void *fdt, int node)
{
	struct devtree_path path;
	struct devtree_range range;
	unsigned int address_cells, size_cells;

	if (devtree_path_of(fdt, node, &path) != 0) {
		return;
	}
	if (path.depth < 0 || path.depth >= DEVTREE_MAX_DEPTH || path.node[path.depth] != node) {
		abort();
	}
	if (devtree_cells(fdt, &path, &address_cells, &size_cells) == 0 &&
	    (address_cells > 4 || size_cells > 4)) {
		abort();
	}
	for (unsigned int i = 0; i < MAX_ENTRIES; i++) {
		if (devtree_reg(fdt, &path, i, &range) == 0) {
			check_range(&range);
		}
		if (devtree_pci_range(fdt, &path, i, &range) == 0) {
			check_range(&range);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uart_location location;
	struct gic_info info;
	void *fdt;

	if (size < sizeof(struct fdt_header) || size > MAX_BYTES) {
		return 0;
	}
	/* Aligned, and with nothing behind: the sanitizer sees what reads too far. */
	fdt = aligned_alloc(8, (size + 7) / 8 * 8);
	if (fdt == NULL) {
		return 0;
	}
	memset(fdt, 0, (size + 7) / 8 * 8);
	memcpy(fdt, data, size);
	if (fdt_version(fdt) >= 17 && fdt_last_comp_version(fdt) <= 17 &&
	    fdt_check_full(fdt, size) == 0) {
		for (int node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL)) {
			read_node(fdt, node);
		}
		uart_fdt_find(fdt, NULL, &location);
		uart_fdt_find(fdt, "serial0:115200", &location);
		(void)!gic_fdt_parse(fdt, &info);
	}
	free(fdt);
	return 0;
}
