/* SPDX-License-Identifier: MIT */
/*
 * Device-tree nodes of a guest, written front to back with libfdt's sequential calls.
 *
 * The nodes are those of xen-abi-arm sections 1.7 to 1.10: what Linux and other guests made for Xen
 * look for. Property names are not shared between nodes (FDT_CREATE_FLAG_NO_NAME_DEDUP): searching
 * the string block for each property costs more than the bytes are worth.
 */
#include "devtree/devtree.h"

#include <libfdt.h>
#include <string.h>

#include "abi/xen.h"

static void note(struct devtree_writer *w, int fdt_error)
{
	if (w->error == 0 && fdt_error != 0) {
		w->error = fdt_error == -FDT_ERR_NOSPACE ? -XEN_ENOSPC : -XEN_EINVAL;
	}
}

void devtree_start(struct devtree_writer *w, void *buffer, size_t size)
{
	*w = (struct devtree_writer){
		.fdt = buffer,
		.address_cells = 2,
		.size_cells = 2,
		.gic_phandle = DEVTREE_PHANDLE_GIC,
	};
	if (size > INT32_MAX) {
		size = INT32_MAX;
	}
	note(w, fdt_create_with_flags(buffer, (int)size, FDT_CREATE_FLAG_NO_NAME_DEDUP));
	if (w->error == 0) {
		note(w, fdt_finish_reservemap(buffer));
	}
}

void devtree_begin_node(struct devtree_writer *w, const char *name)
{
	if (w->error == 0) {
		note(w, fdt_begin_node(w->fdt, name));
	}
}

void devtree_begin_node_at(struct devtree_writer *w, const char *prefix, uint64_t address)
{
	char name[48];
	size_t length = strlen(prefix);
	unsigned int shift = 60;

	if (length > sizeof(name) - 18) {
		note(w, -FDT_ERR_BADVALUE);
		return;
	}
	memcpy(name, prefix, length);
	name[length++] = '@';
	while (shift > 0 && address >> shift == 0) {
		shift -= 4;
	}
	for (;; shift -= 4) {
		name[length++] = "0123456789abcdef"[address >> shift & 0xf];
		if (shift == 0) {
			break;
		}
	}
	name[length] = '\0';
	devtree_begin_node(w, name);
}

void devtree_end_node(struct devtree_writer *w)
{
	if (w->error == 0) {
		note(w, fdt_end_node(w->fdt));
	}
}

void devtree_prop(struct devtree_writer *w, const char *name, const void *data, size_t size)
{
	void *to;

	if (w->error != 0) {
		return;
	}
	if (size > INT32_MAX) {
		w->error = -XEN_EINVAL;
		return;
	}
	note(w, fdt_property_placeholder(w->fdt, name, (int)size, &to));
	if (w->error == 0 && size > 0) {
		memcpy(to, data, size);
	}
}

void devtree_prop_empty(struct devtree_writer *w, const char *name)
{
	devtree_prop(w, name, NULL, 0);
}

void devtree_prop_string(struct devtree_writer *w, const char *name, const char *value)
{
	devtree_prop(w, name, value, strlen(value) + 1);
}

void devtree_prop_u32(struct devtree_writer *w, const char *name, uint32_t value)
{
	fdt32_t cell = cpu_to_fdt32(value);

	devtree_prop(w, name, &cell, sizeof(cell));
}

void devtree_prop_u64(struct devtree_writer *w, const char *name, uint64_t value)
{
	fdt64_t cell = cpu_to_fdt64(value);

	devtree_prop(w, name, &cell, sizeof(cell));
}

void devtree_prop_cells(struct devtree_writer *w, const char *name, const uint32_t *cell,
			unsigned int nr)
{
	void *to;

	if (w->error != 0) {
		return;
	}
	note(w, fdt_property_placeholder(w->fdt, name, (int)(nr * sizeof(*cell)), &to));
	for (unsigned int i = 0; w->error == 0 && i < nr; i++) {
		fdt32_st((uint8_t *)to + i * sizeof(*cell), cell[i]);
	}
}

static uint8_t *store_number(struct devtree_writer *w, uint8_t *to, unsigned int cells,
			     uint64_t value)
{
	if (cells == 2) {
		fdt32_st(to, (uint32_t)(value >> 32));
		to += 4;
	} else if (value >> 32 != 0) {
		w->error = -XEN_EINVAL;
	}
	fdt32_st(to, (uint32_t)value);
	return to + 4;
}

void devtree_prop_reg(struct devtree_writer *w, const struct devtree_range *range, unsigned int nr)
{
	void *at;
	uint8_t *to;

	if (w->error != 0) {
		return;
	}
	note(w, fdt_property_placeholder(w->fdt, "reg",
					 (int)(nr * 4 * (w->address_cells + w->size_cells)), &at));
	to = at;
	for (unsigned int i = 0; w->error == 0 && i < nr; i++) {
		to = store_number(w, to, w->address_cells, range[i].start);
		to = store_number(w, to, w->size_cells, range[i].size);
	}
}

int devtree_finish(struct devtree_writer *w, size_t *size)
{
	if (w->error == 0) {
		note(w, fdt_finish(w->fdt));
	}
	if (w->error == 0) {
		*size = fdt_totalsize(w->fdt);
	}
	return w->error;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

void devtree_write_psci(struct devtree_writer *w)
{
	static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";

	devtree_begin_node(w, "psci");
	devtree_prop(w, "compatible", compatible, sizeof(compatible));
	devtree_prop_string(w, "method", "hvc");
	/* Function numbers of PSCI 0.1; later versions fix them. */
	devtree_prop_u32(w, "cpu_off", 1);
	devtree_prop_u32(w, "cpu_on", 2);
	devtree_end_node(w);
}

void devtree_write_cpus(struct devtree_writer *w, unsigned int nr_cpus, const char *compatible,
			size_t compatible_size)
{
	static const char generic[] = "arm,armv8";

	if (compatible == NULL || compatible_size == 0) {
		compatible = generic;
		compatible_size = sizeof(generic);
	}
	devtree_begin_node(w, "cpus");
	devtree_prop_u32(w, "#address-cells", 1);
	devtree_prop_u32(w, "#size-cells", 0);
	for (unsigned int i = 0; i < nr_cpus; i++) {
		uint32_t affinity = devtree_vcpu_affinity(i);

		devtree_begin_node_at(w, "cpu", affinity);
		devtree_prop_string(w, "device_type", "cpu");
		devtree_prop(w, "compatible", compatible, compatible_size);
		devtree_prop_string(w, "enable-method", "psci");
		devtree_prop_u32(w, "reg", affinity);
		devtree_end_node(w);
	}
	devtree_end_node(w);
}

void devtree_write_timer(struct devtree_writer *w, uint32_t clock_frequency)
{
	/* Secure physical, non-secure physical, virtual: the order of the arm,armv8-timer
	 * binding. */
	static const uint32_t interrupts[] = {
		1, GUEST_TIMER_PHYS_S_PPI - 16,  DEVTREE_PPI_FLAGS,
		1, GUEST_TIMER_PHYS_NS_PPI - 16, DEVTREE_PPI_FLAGS,
		1, GUEST_TIMER_VIRT_PPI - 16,    DEVTREE_PPI_FLAGS,
	};

	devtree_begin_node(w, "timer");
	devtree_prop_string(w, "compatible", "arm,armv8-timer");
	devtree_prop_u32(w, "interrupt-parent", w->gic_phandle);
	devtree_prop_cells(w, "interrupts", interrupts, sizeof(interrupts) / sizeof(interrupts[0]));
	if (clock_frequency != 0) {
		devtree_prop_u32(w, "clock-frequency", clock_frequency);
	}
	devtree_end_node(w);
}

void devtree_write_memory(struct devtree_writer *w, const struct devtree_range *bank,
			  unsigned int nr)
{
	if (nr == 0) {
		return;
	}
	devtree_begin_node_at(w, "memory", bank[0].start);
	devtree_prop_string(w, "device_type", "memory");
	devtree_prop_reg(w, bank, nr);
	devtree_end_node(w);
}

void devtree_write_hypervisor(struct devtree_writer *w, const struct devtree_range *region,
			      unsigned int nr, uint32_t evtchn_intid)
{
	/* Linux wants the first string to begin with "xen,xen-", else it runs as on bare metal. */
	static const char compatible[] = "xen,xen-" DEVTREE_XEN_VERSION "\0xen,xen";
	const uint32_t interrupt[] = {1, evtchn_intid - 16, DEVTREE_PPI_FLAGS};

	devtree_begin_node(w, "hypervisor");
	devtree_prop(w, "compatible", compatible, sizeof(compatible));
	devtree_prop_reg(w, region, nr);
	devtree_prop_u32(w, "interrupt-parent", w->gic_phandle);
	devtree_prop_cells(w, "interrupts", interrupt, 3);
	devtree_end_node(w);
}

static void write_gic(struct devtree_writer *w, unsigned int version)
{
	static const struct devtree_range v2[] = {
		{GUEST_GICD_BASE, GUEST_GICD_SIZE},
		{GUEST_GICC_BASE, GUEST_GICC_SIZE},
	};
	static const struct devtree_range v3[] = {
		{GUEST_GICV3_GICD_BASE, GUEST_GICV3_GICD_SIZE},
		{GUEST_GICV3_GICR0_BASE, GUEST_GICV3_GICR0_SIZE},
	};

	devtree_begin_node_at(w, "interrupt-controller", GUEST_GICD_BASE);
	devtree_prop_string(w, "compatible", version == 2 ? "arm,gic-400" : "arm,gic-v3");
	devtree_prop_u32(w, "#interrupt-cells", 3);
	devtree_prop_u32(w, "#address-cells", 0);
	devtree_prop_empty(w, "interrupt-controller");
	devtree_prop_reg(w, version == 2 ? v2 : v3, 2);
	devtree_prop_u32(w, "phandle", w->gic_phandle);
	devtree_prop_u32(w, "linux,phandle", w->gic_phandle);
	devtree_end_node(w);
}

static void write_vpl011(struct devtree_writer *w)
{
	static const struct devtree_range reg = {GUEST_PL011_BASE, GUEST_PL011_SIZE};
	static const uint32_t interrupt[] = {0, GUEST_VPL011_SPI - 32, 4 /* level high */};

	devtree_begin_node_at(w, "sbsa-uart", GUEST_PL011_BASE);
	devtree_prop_string(w, "compatible", "arm,sbsa-uart");
	devtree_prop_reg(w, &reg, 1);
	devtree_prop_u32(w, "interrupt-parent", w->gic_phandle);
	devtree_prop_cells(w, "interrupts", interrupt, 3);
	devtree_prop_u32(w, "current-speed", 115200);
	devtree_end_node(w);
}

static void write_chosen(struct devtree_writer *w, const struct devtree_guest *guest)
{
	devtree_begin_node(w, "chosen");
	if (guest->bootargs != NULL) {
		devtree_prop_string(w, "bootargs", guest->bootargs);
	}
	if (guest->has_initrd) {
		devtree_prop_u64(w, "linux,initrd-start", guest->initrd_start);
		devtree_prop_u64(w, "linux,initrd-end", guest->initrd_start + guest->initrd_size);
	}
	if (guest->rng_seed != NULL) {
		devtree_prop(w, "rng-seed", guest->rng_seed, guest->rng_seed_size);
	}
	devtree_end_node(w);
}

static void write_guest_hypervisor(struct devtree_writer *w, const struct devtree_guest *guest)
{
	struct devtree_range region[1 + DEVTREE_RAM_BANKS] = {{GUEST_GNTTAB_BASE, GUEST_GNTTAB_SIZE}};
	unsigned int nr = 1;

	if (guest->ipa_bits != 0) {
		nr += devtree_extended_regions(guest->ram_size, guest->ipa_bits, &region[1]);
	}
	devtree_write_hypervisor(w, region, nr, GUEST_EVTCHN_PPI);
}

size_t devtree_guest_bound(const struct devtree_guest *guest)
{
	/* 2.5 KiB of fixed nodes and names, and each CPU's node with its strings. */
	return 4096 + (guest->bootargs != NULL ? strlen(guest->bootargs) : 0) +
	       guest->rng_seed_size + guest->nr_cpus * (192 + guest->cpu_compatible_size);
}

int devtree_write_guest(const struct devtree_guest *guest, void *buffer, size_t buffer_size,
			size_t *size)
{
	static const char compatible[] = "xen,xenvm-" DEVTREE_XEN_VERSION "\0xen,xenvm";
	struct devtree_range bank[DEVTREE_RAM_BANKS];
	unsigned int nr_banks = devtree_ram_banks(guest->ram_size, bank);
	struct devtree_writer w;

	if (nr_banks == 0 || guest->nr_cpus == 0 || guest->nr_cpus > GUEST_MAX_VCPUS ||
	    (guest->gic_version != 2 && guest->gic_version != 3)) {
		return -XEN_EINVAL;
	}
	devtree_start(&w, buffer, buffer_size);
	devtree_begin_node(&w, "");
	devtree_prop_string(&w, "model", "XENVM-" DEVTREE_XEN_VERSION);
	devtree_prop(&w, "compatible", compatible, sizeof(compatible));
	devtree_prop_u32(&w, "interrupt-parent", w.gic_phandle);
	devtree_prop_u32(&w, "#address-cells", 2);
	devtree_prop_u32(&w, "#size-cells", 2);
	write_chosen(&w, guest);
	devtree_write_cpus(&w, guest->nr_cpus, guest->cpu_compatible, guest->cpu_compatible_size);
	devtree_write_psci(&w);
	devtree_write_memory(&w, bank, nr_banks);
	write_gic(&w, guest->gic_version);
	devtree_write_timer(&w, guest->clock_frequency);
	if (guest->has_vpl011) {
		write_vpl011(&w);
	}
	if (guest->has_hypervisor) {
		write_guest_hypervisor(&w, guest);
	}
	devtree_end_node(&w);
	return devtree_finish(&w, size);
}

int devtree_set_initrd(void *fdt, uint64_t start, uint64_t size)
{
	int chosen = fdt_path_offset(fdt, "/chosen");

	if (chosen < 0 || fdt_setprop_inplace_u64(fdt, chosen, "linux,initrd-start", start) != 0 ||
	    fdt_setprop_inplace_u64(fdt, chosen, "linux,initrd-end", start + size) != 0) {
		return -XEN_EINVAL;
	}
	return 0;
}
