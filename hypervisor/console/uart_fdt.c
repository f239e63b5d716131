/* SPDX-License-Identifier: MIT */
/*
 * Which UART the console is: /chosen/stdout-path of the host tree (Devicetree Specification,
 * "/chosen Node"), or the command line. Only reads the tree.
 */
#include "console/console_internal.h"

#include <libfdt.h>

#include "devtree/devtree.h"
#include "lib/log.h"
#include "lib/string.h"

#define IRQ_TYPE_SPI   0
#define IRQ_TYPE_PPI   1
#define IRQ_FLAGS_EDGE 0x3 /* rising or falling; 4 and 8 are levels */
#define SPI_FIRST      32
#define PPI_FIRST      16

static bool __init is_pl011(const void *fdt, int node)
{
	return devtree_is_compatible(fdt, node, "arm,pl011") ||
	       devtree_is_compatible(fdt, node, "arm,sbsa-uart");
}

/* What the console is called: the command line's word, or the tree's; NULL when neither says. */
static const char *__init find_name(const void *fdt, const char *dtuart)
{
	int chosen = fdt_path_offset(fdt, "/chosen");
	const char *name = NULL;
	int error;

	if (dtuart != NULL && dtuart[0] != '\0') {
		return dtuart;
	}
	if (chosen >= 0) {
		name = devtree_get_string(fdt, chosen, "stdout-path", &error);
		if (name == NULL) {
			name = devtree_get_string(fdt, chosen, "linux,stdout-path", &error);
		}
	}
	return name;
}

static int __init find_first(const void *fdt)
{
	for (int node = fdt_next_node(fdt, -1, NULL); node >= 0;
	     node = fdt_next_node(fdt, node, NULL)) {
		if (is_pl011(fdt, node) && devtree_is_available(fdt, node)) {
			return node;
		}
	}
	return -1;
}

static int __init find_node(const void *fdt, const char *dtuart)
{
	const char *name = find_name(fdt, dtuart);
	const char *options;
	int length;
	int node;

	if (name == NULL) {
		return find_first(fdt);
	}
	options = strchr(name, ':');
	length = options != NULL ? (int)(options - name) : (int)strlen(name);
	node = fdt_path_offset_namelen(fdt, name, length); /* knows aliases too */
	if (node < 0) {
		log_warning("console: '%s' names no node of the device tree", name);
		return -1;
	}
	if (!is_pl011(fdt, node)) {
		log_warning("console: '%s' is no PL011, which is all that Tenon can drive", name);
		return -1;
	}
	return node;
}

/* Without a usable interrupt the console is polled, and has no input. */
static void __init find_interrupt(const void *fdt, const struct devtree_path *path,
				  struct uart_location *location)
{
	struct devtree_irq irq;

	location->intid = 0;
	location->edge = false;
	if (devtree_irq(fdt, path, 0, 0, &irq) != 0 || irq.nr_cells < 3) {
		return;
	}
	if (irq.cell[0] == IRQ_TYPE_SPI && irq.cell[1] < 988) {
		location->intid = SPI_FIRST + irq.cell[1];
	} else if (irq.cell[0] == IRQ_TYPE_PPI && irq.cell[1] < 16) {
		location->intid = PPI_FIRST + irq.cell[1];
	}
	location->edge = (irq.cell[2] & IRQ_FLAGS_EDGE) != 0;
}

bool __init uart_fdt_find(const void *fdt, const char *dtuart, struct uart_location *location)
{
	int node = find_node(fdt, dtuart);
	struct devtree_range range;
	struct devtree_path path;

	location->node = -1;
	if (node < 0) {
		return false;
	}
	if (devtree_path_of(fdt, node, &path) != 0 || devtree_reg(fdt, &path, 0, &range) != 0 ||
	    range.size < 0x48) {
		log_warning("console: the reg property of the UART's node is missing or malformed");
		return false;
	}
	location->base = range.start;
	location->size = range.size;
	location->sbsa = !devtree_is_compatible(fdt, node, "arm,pl011");
	find_interrupt(fdt, &path, location);
	location->node = node;
	return true;
}
